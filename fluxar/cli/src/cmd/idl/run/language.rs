//! The languages that a change is tried in, and the tools that this needs.

use super::{Levels, cannot, python, rust, typescript, write};
use crate::failure::Failure;
use fluxar_codegen::model::Model;
use serde_json::json;
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
                self.has("cargo", &["--version"])
            }
            Self::Ts => self.has("node", &["-e", NODE]),
            Self::Py => self.has("python3", &["-c", PYTHON]),
        }
    }

    /// What must be installed.
    fn wanted(self) -> &'static str {
        match self {
            Self::Rust => "install Rust from https://rustup.rs",
            Self::Ts => {
                "install Node 22.18 or newer, or Node 20 and, in this directory, \
                 `npm install esbuild`"
            }
            Self::Py => "install Python 3.10 or newer and, for it, `pip install cbor2 websockets`",
        }
    }

    fn has(self, program: &str, arguments: &[&str]) -> Result<(), Failure> {
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        match command.status() {
            Ok(status) if status.success() => Ok(()),
            Ok(_) => Err(self.missing(program, "is too old, or lacks something")),
            Err(error) => Err(self.missing(program, &error.to_string())),
        }
    }

    /// A tool that is not as it must be.
    fn missing(self, program: &str, why: &str) -> Failure {
        let next = format!("{}, or name the other languages with --lang", self.wanted());
        Failure::local(format_args!("--run cannot use {program}: {why}"), next)
    }

    /// Runs a command that reads the requests and writes an answer a line.
    ///
    /// # Errors
    /// It cannot be run, or fails.
    pub(super) fn answered(self, mut command: Command, folder: &Path) -> Result<String, Failure> {
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
            return Err(self.missing(&program, why));
        }
        let last: Vec<&str> = said.lines().collect();
        let last = last[last.len().saturating_sub(40)..].join("\n");
        let cause = format_args!("{program} does not take what was generated:\n{last}");
        Err(Failure::local(cause, "report this: it is a mistake in fluxar"))
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

/// Has both levels of each pair generated, and writes what a program needs to find them. `generate`
/// takes a folder's name and a model, and says how the program imports what it made of that.
///
/// # Errors
/// A file cannot be written.
pub(super) fn modules(
    folder: &Path,
    levels: &[Levels],
    mut generate: impl FnMut(&str, &Model) -> Result<serde_json::Value, Failure>,
) -> Result<(), Failure> {
    let mut modules = Vec::new();
    for (pair, of) in levels.iter().enumerate() {
        let [old, new] = &of.models;
        let old = generate(&format!("old{pair}"), old)?;
        let new = generate(&format!("new{pair}"), new)?;
        let uses: Vec<&String> = of.uses.iter().map(|(_, name)| name).collect();
        modules.push(json!({ "old": old, "new": new, "uses": uses }));
    }
    write(&folder.join("modules.json"), &json!(modules).to_string())
}
