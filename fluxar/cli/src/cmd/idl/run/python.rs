//! Both levels in Python.

use super::language::answered;
use super::{Levels, write};
use crate::failure::Failure;
use fluxar_codegen::emit::py;
use serde_json::json;
use std::path::Path;
use std::process::Command;

/// What must be installed.
pub(super) const WANTED: &str =
    "install Python 3.10 or newer and, for it, `pip install cbor2 websockets`";

const PROGRAM: &str = include_str!("chain.py");

pub(super) fn run(folder: &Path, levels: &[Levels]) -> Result<String, Failure> {
    let mut modules = Vec::new();
    for (pair, of) in levels.iter().enumerate() {
        let mut names = Vec::new();
        for (level, model) in ["old", "new"].into_iter().zip(&of.models) {
            for (path, text) in py::generate(model) {
                write(&folder.join(format!("{level}{pair}/{path}")), &text)?;
            }
            names.push([format!("{level}{pair}"), py::module_name(model)]);
        }
        let uses: Vec<&String> = of.uses.iter().map(|(_, name)| name).collect();
        modules.push(json!({ "old": names[0], "new": names[1], "uses": uses }));
    }
    write(&folder.join("modules.json"), &json!(modules).to_string())?;
    write(&folder.join("chain.py"), PROGRAM)?;
    let mut command = Command::new("python3");
    command.args(["-B", "chain.py"]);
    answered(command, folder)
}
