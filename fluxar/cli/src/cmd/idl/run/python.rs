//! Both levels in Python.

use super::language::{Language, modules};
use super::{Levels, write};
use crate::failure::Failure;
use fluxar_codegen::emit::py;
use serde_json::json;
use std::path::Path;
use std::process::Command;

const PROGRAM: &str = include_str!("chain.py");

pub(super) fn run(folder: &Path, levels: &[Levels]) -> Result<String, Failure> {
    modules(folder, levels, |place, model| {
        for (path, text) in py::generate(model) {
            write(&folder.join(place).join(path), &text)?;
        }
        Ok(json!([place, py::module_name(model)]))
    })?;
    write(&folder.join("chain.py"), PROGRAM)?;
    let mut command = Command::new("python3");
    command.args(["-B", "chain.py"]);
    Language::Py.answered(command, folder)
}
