//! The contracts of `idl/` as Rust, and a table of all their types, for `tests/macros`.

use fluxar_codegen::check;
use fluxar_codegen::emit::rust::type_ident;
use std::fmt::Write;
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    fluxar_codegen::compile("../idl")?;
    // What the Rust peer of the matrix of languages speaks.
    fluxar_codegen::compile("clients/matrix")?;
    let root = PathBuf::from("../idl");
    let loaded = check::load(std::slice::from_ref(&root), &check::contract_files(&root)?);
    let mut code = String::new();
    let mut rows = String::new();
    for model in &loaded.models {
        let package = model.name.as_deref().unwrap_or("contract");
        let module = package.replace('.', "_");
        writeln!(code, "pub mod {module} {{")?;
        writeln!(code, "    include!(concat!(env!(\"OUT_DIR\"), \"/{package}.rs\"));")?;
        writeln!(code, "}}")?;
        let types = model.types.iter().map(|def| {
            let name = &def.name.source;
            let ident = type_ident(model, name);
            format!(
                "({name:?}, returns::<{module}::{ident}> as fn(&[u8]), \
                 checks::<{module}::{ident}> as Check)"
            )
        });
        let types: Vec<String> = types.collect();
        writeln!(rows, "    Row {{")?;
        writeln!(rows, "        package: {package:?},")?;
        writeln!(rows, "        describe: {module}::describe,")?;
        writeln!(rows, "        types: &[{}],", types.join(", "))?;
        writeln!(rows, "    }},")?;
    }
    writeln!(code, "static ROWS: &[Row] = &[\n{rows}];")?;
    let out = PathBuf::from(std::env::var_os("OUT_DIR").ok_or("not run by cargo")?);
    Ok(std::fs::write(out.join("contracts.rs"), code)?)
}
