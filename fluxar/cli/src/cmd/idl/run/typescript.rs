//! Both levels in TypeScript, with the types taken out by what is there for that.

use super::language::answered;
use super::{Levels, write};
use crate::failure::Failure;
use fluxar_codegen::emit::ts;
use serde_json::json;
use std::path::Path;
use std::process::Command;

/// What must be installed.
pub(super) const WANTED: &str = "install Node 22.18 or newer, or Node 20 and, in this directory, \
                                 `npm install esbuild`";

const PROGRAM: &str = include_str!("chain.mjs");

pub(super) fn run(folder: &Path, levels: &[Levels]) -> Result<String, Failure> {
    for (path, text) in ts::shared() {
        write(&folder.join(path), &text)?;
    }
    let mut modules = Vec::new();
    for (pair, of) in levels.iter().enumerate() {
        let mut names = Vec::new();
        for (level, model) in ["old", "new"].into_iter().zip(&of.models) {
            let file = format!("{}.ts", ts::module_name(model));
            let generated = ts::generate(model).into_iter().find(|(path, _)| *path == file);
            // One runtime does for all of them.
            let text = generated.map(|(_, text)| text).unwrap_or_default();
            let text = text.replace("from \"./fluxar/index.js\"", "from \"../fluxar/index.js\"");
            write(&folder.join(format!("{level}{pair}/{file}")), &text)?;
            names.push(format!("./{level}{pair}/{}.js", ts::module_name(model)));
        }
        let uses: Vec<&String> = of.uses.iter().map(|(_, name)| name).collect();
        modules.push(json!({ "old": names[0], "new": names[1], "uses": uses }));
    }
    write(&folder.join("modules.json"), &json!(modules).to_string())?;
    write(&folder.join("package.json"), "{ \"type\": \"module\" }\n")?;
    write(&folder.join("chain.mjs"), PROGRAM)?;
    let mut command = Command::new("node");
    command.arg("chain.mjs");
    if let Ok(here) = std::env::current_dir() {
        command.env("FLUXAR_HERE", here);
    }
    answered(command, folder)
}
