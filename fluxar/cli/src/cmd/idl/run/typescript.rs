//! Both levels in TypeScript, with the types taken out by what is there for that.

use super::language::{Language, modules};
use super::{Levels, write};
use crate::failure::Failure;
use fluxar_codegen::emit::ts;
use serde_json::json;
use std::path::Path;
use std::process::Command;

const PROGRAM: &str = include_str!("chain.mjs");

pub(super) fn run(folder: &Path, levels: &[Levels]) -> Result<String, Failure> {
    for (path, text) in ts::shared() {
        write(&folder.join(path), &text)?;
    }
    modules(folder, levels, |place, model| {
        let name = ts::module_name(model);
        let file = format!("{name}.ts");
        let generated = ts::generate(model).into_iter().find(|(path, _)| *path == file);
        // One runtime does for all of them.
        let text = generated.map(|(_, text)| text).unwrap_or_default();
        let text = text.replace("from \"./fluxar/index.js\"", "from \"../fluxar/index.js\"");
        write(&folder.join(place).join(file), &text)?;
        Ok(json!(format!("./{place}/{name}.js")))
    })?;
    write(&folder.join("package.json"), "{ \"type\": \"module\" }\n")?;
    write(&folder.join("chain.mjs"), PROGRAM)?;
    let mut command = Command::new("node");
    command.arg("chain.mjs");
    if let Ok(here) = std::env::current_dir() {
        command.env("FLUXAR_HERE", here);
    }
    Language::Ts.answered(command, folder)
}
