//! The languages that a change is tried in, and the tools that this needs.

use super::{Levels, cannot, python, rust, typescript};
use crate::failure::Failure;
use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};

/// A language that a change is tried in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub(crate) enum Language {
    /// Needs cargo
    Rust,
    /// Needs node
    Ts,
    /// Needs python3 with cbor2 and websockets
    Py,
}

impl Language {
    /// Its name for people.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::Ts => "ts",
            Self::Py => "py",
        }
    }

    /// Whether its tools are there.
    ///
    /// # Errors
    /// One is not, with what to install.
    pub(super) fn check(self, runtime: Option<&Path>) -> Result<(), Failure> {
        match self {
            Self::Rust => {
                rust::runtime(runtime)?;
                has("cargo", &["--version"], "install Rust from https://rustup.rs")
            }
            Self::Ts => has("node", &["-e", NODE], typescript::WANTED),
            Self::Py => has("python3", &["-c", PYTHON], python::WANTED),
        }
    }

    /// Generates both levels in this folder, where the requests are, and has them answered.
    ///
    /// # Errors
    /// A tool does not take what was generated.
    pub(super) fn run(
        self,
        folder: &Path,
        levels: &[Levels],
        runtime: Option<&Path>,
    ) -> Result<String, Failure> {
        match self {
            Self::Rust => rust::run(folder, levels, runtime),
            Self::Ts => typescript::run(folder, levels),
            Self::Py => python::run(folder, levels),
        }
    }
}

/// New enough, and able to take the types out of a source (as `chain.mjs` does it).
const NODE: &str = "const module = require('node:module'); \
    let fits = module.stripTypeScriptTypes !== undefined; \
    if (!fits) module.createRequire(process.cwd() + '/package.json')('esbuild'); \
    process.exit(Number(process.versions.node.split('.')[0] < 20));";
const PYTHON: &str = "import sys, cbor2, websockets; sys.exit(sys.version_info < (3, 10))";

fn has(program: &str, arguments: &[&str], wanted: &str) -> Result<(), Failure> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => Err(missing(program, "is too old, or lacks something", wanted)),
        Err(error) => Err(missing(program, &error.to_string(), wanted)),
    }
}

/// A tool that is not as it must be.
pub(super) fn missing(program: &str, why: &str, wanted: &str) -> Failure {
    let next = format!("{wanted}, or name the other languages with --lang");
    Failure::local(format_args!("--run cannot use {program}: {why}"), next)
}

/// Runs a command that reads the requests and writes an answer a line.
pub(super) fn answered(mut command: Command, folder: &Path) -> Result<String, Failure> {
    let requests = folder.join("requests.txt");
    let input = File::open(&requests).map_err(|error| cannot("open", "the values", &error))?;
    let program = command.get_program().to_string_lossy().into_owned();
    let done = command.current_dir(folder).stdin(input).stderr(Stdio::piped()).output();
    let done = done.map_err(|error| cannot("run", &program, &error))?;
    if done.status.success() {
        return Ok(String::from_utf8_lossy(&done.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&done.stderr);
    if let Some(why) = said.lines().find_map(|line| line.strip_prefix("fluxar: ")) {
        return Err(missing(&program, why, typescript::WANTED));
    }
    let last: Vec<&str> = said.lines().collect();
    let last = last[last.len().saturating_sub(40)..].join("\n");
    let cause = format_args!("{program} does not take what was generated:\n{last}");
    Err(Failure::local(cause, "report this: it is a mistake in fluxar"))
}
