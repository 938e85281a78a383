//! Both levels in Rust: a crate that depends on fluxar, and a function for each use.

use super::language::Language;
use super::{Levels, write};
use crate::failure::Failure;
use fluxar_codegen::emit;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What does the work; the match over the uses follows it.
const PROGRAM: &str = include_str!("program.rs.txt");

/// The folder of the runtime crate.
///
/// # Errors
/// There is none.
pub(super) fn runtime(named: Option<&Path>) -> Result<PathBuf, Failure> {
    let built_from = || Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let folder = named.map_or_else(built_from, Path::to_owned);
    if folder.join("Cargo.toml").is_file() && folder.join("src/lib.rs").is_file() {
        return folder.canonicalize().map_err(|error| super::cannot("read", "the crate", &error));
    }
    let cause = format_args!("{} is not the source of fluxar's runtime crate", folder.display());
    let next = "name it with --runtime DIRECTORY, or the other languages with --lang ts,py";
    Err(Failure::local(cause, next))
}

pub(super) fn run(
    folder: &Path,
    levels: &[Levels],
    named: Option<&Path>,
) -> Result<String, Failure> {
    let runtime = runtime(named)?;
    let manifest = format!(
        "[package]\nname = \"fluxar-idl-run\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n\
         [dependencies]\nserde = \"1\"\n\n\
         [dependencies.fluxar]\npath = {:?}\ndefault-features = false\nfeatures = [\"macros\"]\n\n\
         [profile.dev]\ndebug = false\n\n[workspace]\n",
        runtime.display().to_string()
    );
    write(&folder.join("Cargo.toml"), &manifest)?;
    // The versions that fluxar was built with, so that nothing is looked up or built anew.
    if let Ok(lock) = std::fs::read_to_string(runtime.join("../Cargo.lock")) {
        write(&folder.join("Cargo.lock"), &lock)?;
    }
    let mut program = format!("{PROGRAM}\n");
    let mut arms = String::new();
    for (pair, of) in levels.iter().enumerate() {
        for (level, model) in ["old", "new"].into_iter().zip(&of.models) {
            let module = format!("{level}{pair}");
            write(&folder.join(format!("src/{module}.rs")), &emit::rust::contract(model))?;
            program.push_str(&format!("#[allow(warnings)]\nmod {module};\n"));
        }
        for (at, (_, name)) in of.uses.iter().enumerate() {
            let [old, new] =
                [("old", &of.models[0]), ("new", &of.models[1])].map(|(level, model)| {
                    format!("{level}{pair}::{}", emit::rust::type_ident(model, name))
                });
            // Writing to a string does not fail.
            let _written = writeln!(
                arms,
                "        ({pair}, {at}, true) => chain::<{old}, {new}>(bytes, checked),\n        \
                 ({pair}, {at}, false) => chain::<{new}, {old}>(bytes, checked),"
            );
        }
    }
    program.push_str(&format!(
        "\nfn one(pair: usize, at: usize, forward: bool, checked: bool, bytes: &[u8]) -> String {{\n    \
         match (pair, at, forward) {{\n{arms}        _ => \"skip\".to_owned(),\n    }}\n}}\n"
    ));
    write(&folder.join("src/main.rs"), &program)?;
    let mut command = Command::new("cargo");
    command.args(["run", "--quiet"]);
    if std::env::var_os("CARGO_TARGET_DIR").is_none() {
        command.env("CARGO_TARGET_DIR", folder.join("target"));
    }
    Language::Rust.answered(command, folder)
}
