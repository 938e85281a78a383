//! Runs the command as a person would, and waits for its output line by line, never by the clock.

use std::env::consts::EXE_SUFFIX;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

/// A line that takes longer than this never comes.
const PATIENCE: Duration = Duration::from_secs(60);

/// The command, built once if it is not yet.
pub(crate) fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| build("fluxar-cli").join(format!("fluxar{EXE_SUFFIX}")))
}

/// An example, built with all the others.
pub(crate) fn example(name: &str) -> PathBuf {
    static DIRECTORY: OnceLock<PathBuf> = OnceLock::new();
    DIRECTORY.get_or_init(|| build("fluxar-examples")).join(format!("{name}{EXE_SUFFIX}"))
}

/// Builds a package as this test was built, and says where its programs are.
fn build(package: &str) -> PathBuf {
    // This test is <target>/<profile>/deps/cli-<hash>; the programs belong beside `deps`.
    let test = std::env::current_exe().expect("a test knows where it is");
    let profile_dir = test.ancestors().nth(2).expect("a test lies in deps").to_owned();
    let target_dir = profile_dir.parent().expect("a profile lies in target");
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--package", package, "--target-dir"]).arg(target_dir);
    match profile_dir.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => {}
        Some(profile) => {
            cargo.args(["--profile", profile]);
        }
    }
    let status = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).status().expect("cargo runs");
    assert!(status.success(), "{package} does not build");
    profile_dir
}

/// The command with these arguments, and nothing of the caller's environment that it reads.
pub(crate) fn fluxar(args: &[&str]) -> Command {
    let mut command = Command::new(binary());
    command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let read = [
        "FLUXAR_URL",
        "FLUXAR_CONTEXT",
        "FLUXAR_AUTH",
        "FLUXAR_CA",
        "FLUXAR_TOKEN",
        "OPENAI_BASE_URL",
        "OPENAI_API_KEY",
    ];
    for variable in read {
        command.env_remove(variable);
    }
    // No contexts but those that a test makes.
    command.env("XDG_CONFIG_HOME", "/nonexistent");
    command
}

/// What a finished command has said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Said {
    /// The lines of data as JSON.
    pub(crate) fn json_lines(&self) -> Vec<serde_json::Value> {
        let lines = self.stdout.lines();
        lines.map(|line| serde_json::from_str(line).expect("each line of data is JSON")).collect()
    }

    /// Data of a command that must have succeeded.
    pub(crate) fn ok(self) -> Self {
        assert_eq!(self.code, Some(0), "{self:#?}");
        self
    }

    /// What a command that must have failed says: an error with a code, and a next step.
    pub(crate) fn failed(self, exit: i32, code: &str) -> Self {
        assert_eq!(self.code, Some(exit), "{self:#?}");
        assert!(self.stderr.contains(&format!("error[{code}]")), "{self:#?}");
        assert!(self.stderr.contains("next: "), "{self:#?}");
        self
    }
}

/// Runs to the end.
pub(crate) fn run(args: &[&str]) -> Said {
    finish(fluxar(args))
}

/// Runs to the end with this on standard input.
pub(crate) fn run_with_input(args: &[&str], input: &str) -> Said {
    let mut command = fluxar(args);
    command.stdin(Stdio::piped());
    let mut running = Running::start(command);
    running.write(input);
    running.finish()
}

pub(crate) fn finish(command: Command) -> Said {
    Running::start(command).finish()
}

/// A command under way. Dropping it kills it.
pub(crate) struct Running {
    child: Child,
    stdin: Option<ChildStdin>,
    pub(crate) out: Output,
    pub(crate) err: Output,
}

impl Running {
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command.spawn().expect("the command starts");
        let stdin = child.stdin.take();
        let out = Output::of(child.stdout.take().expect("stdout is piped"));
        let err = Output::of(child.stderr.take().expect("stderr is piped"));
        Self { child, stdin, out, err }
    }

    /// Writes to standard input and closes it.
    pub(crate) fn write(&mut self, input: &str) {
        let mut stdin = self.stdin.take().expect("standard input is piped");
        stdin.write_all(input.as_bytes()).expect("the command reads");
    }

    /// Ctrl-C.
    pub(crate) fn interrupt(&self) {
        let kill = format!("kill -INT {}", self.child.id());
        let status = Command::new("sh").args(["-c", &kill]).status().expect("sh runs");
        assert!(status.success());
    }

    /// Waits for the end.
    pub(crate) fn finish(mut self) -> Said {
        self.stdin = None;
        let stdout = self.out.rest();
        let stderr = self.err.rest();
        let status: ExitStatus = self.child.wait().expect("the command ends");
        Said { code: status.code(), stdout, stderr }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One of its two outputs, read by a thread of its own so that it never fills up.
pub(crate) struct Output {
    parts: Receiver<Vec<u8>>,
    seen: String,
}

impl Output {
    fn of(source: impl Read + Send + 'static) -> Self {
        let (sender, parts) = channel();
        std::thread::spawn(move || forward(source, &sender));
        Self { parts, seen: String::new() }
    }

    /// Waits until `text` has been said; gives back everything from its line on.
    pub(crate) fn wait_for(&mut self, text: &str) -> &str {
        while !self.seen.contains(text) {
            let part = self.parts.recv_timeout(PATIENCE).unwrap_or_else(|_| {
                panic!("`{text}` never came; this did: {}", self.seen);
            });
            self.seen.push_str(&String::from_utf8_lossy(&part));
        }
        let start =
            self.seen.find(text).map_or(0, |at| self.seen[..at].rfind('\n').map_or(0, |at| at + 1));
        &self.seen[start..]
    }

    /// Waits until `text` has been said; gives back everything that was said so far.
    pub(crate) fn all_until(&mut self, text: &str) -> String {
        self.wait_for(text);
        self.seen.clone()
    }

    /// Waits for the end; everything that was said.
    fn rest(&mut self) -> String {
        loop {
            match self.parts.recv_timeout(PATIENCE) {
                Ok(part) => self.seen.push_str(&String::from_utf8_lossy(&part)),
                Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => break,
                Err(std::sync::mpsc::RecvTimeoutError::Timeout) => {
                    panic!("it does not end; it said: {}", self.seen)
                }
            }
        }
        std::mem::take(&mut self.seen)
    }
}

/// Byte by line or by token, whatever comes first.
fn forward(source: impl Read, to: &Sender<Vec<u8>>) {
    let mut source = BufReader::new(source);
    loop {
        let part = match source.fill_buf() {
            Ok([]) | Err(_) => return,
            Ok(part) => part.to_vec(),
        };
        source.consume(part.len());
        if to.send(part).is_err() {
            return;
        }
    }
}

/// A peer that listens, and where.
pub(crate) struct Peer {
    pub(crate) running: Running,
    pub(crate) url: String,
}

impl Peer {
    /// Starts a verb that listens on a free port.
    pub(crate) fn start(args: &[&str]) -> Self {
        Self::start_command(fluxar(args))
    }

    pub(crate) fn start_command(command: Command) -> Self {
        let mut running = Running::start(command);
        let mark = "listening on ";
        let line = running.err.wait_for(mark).to_owned();
        let at = line.find(mark).expect("it was found") + mark.len();
        let rest = running.err.wait_for_line_end(at, &line);
        Self { running, url: rest }
    }

    /// The address of another listener of `up`, which says so before anything else.
    pub(crate) fn url_of(&mut self, scheme: &str) -> String {
        let talk = self.running.err.all_until("try: fluxar call ");
        let mark = format!("listening on {scheme}://");
        let at = talk.find(&mark).unwrap_or_else(|| panic!("no {scheme} in {talk}"));
        let line = talk[at..].lines().next().expect("it was found");
        line.trim_start_matches("listening on ").trim().to_owned()
    }

    /// `up`, on a free port, at full speed.
    pub(crate) fn up() -> Self {
        Self::start(&["up", "--listen", "tcp://127.0.0.1:0", "--tokens-per-second", "5k/s"])
    }
}

impl Output {
    /// The rest of a line of which a part has come.
    fn wait_for_line_end(&mut self, at: usize, line: &str) -> String {
        let mut text = line[at..].to_owned();
        while !text.contains('\n') {
            let part = self.parts.recv_timeout(PATIENCE).expect("the line ends");
            let part = String::from_utf8_lossy(&part).into_owned();
            self.seen.push_str(&part);
            text.push_str(&part);
        }
        text.lines().next().unwrap_or_default().trim().to_owned()
    }
}
