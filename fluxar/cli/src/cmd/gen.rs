//! `fluxar gen`: typed code from contract files.

use super::idl;
use crate::failure::Failure;
use crate::files;
use fluxar_codegen::{check, emit, model::Model};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Generate typed clients, services and topics from contract files
///
/// Prints the path of each file that it writes, to standard output. A file that is the same already
/// is left alone and keeps its time.
///
/// Examples:
///   fluxar gen rust idl/shop.fluxar -o src/contracts
///   fluxar gen ts idl/*.fluxar -o web/gen
///   fluxar gen py idl/shop.fluxar -o shop_client --root idl
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    /// Language to write
    language: Language,
    #[command(flatten)]
    files: idl::Files,
    /// Directory to write into; made when it is not there
    #[arg(short, long, value_name = "DIRECTORY")]
    out: PathBuf,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Language {
    /// A module for each package
    Rust,
    /// TypeScript: a module for each package, and the runtime beside it
    Ts,
    /// Python: a module for each package, and the runtime beside it
    Py,
}

impl Language {
    fn generate(self, model: &Model) -> Vec<(String, String)> {
        match self {
            Self::Rust => {
                let name = model.name.as_deref().unwrap_or("contract");
                vec![(format!("{name}.rs"), emit::rust::contract(model))]
            }
            Self::Ts => emit::ts::generate(model),
            Self::Py => emit::py::generate(model),
        }
    }
}

/// Writes the code.
///
/// # Errors
/// A contract is wrong, or a file cannot be written.
pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let loaded = args.files.load(check::load)?;
    idl::tell(&loaded.reports)?;
    let mut made = BTreeMap::new();
    for model in &loaded.models {
        for (name, text) in args.language.generate(model) {
            if made.get(&name).is_some_and(|other| *other != text) {
                let next = "generate one of them into another directory";
                return Err(Failure::usage(format_args!("two packages make {name}"), next));
            }
            made.insert(name, text);
        }
    }
    for (name, text) in &made {
        files::write(&args.out.join(name), text, "name another directory with --out")?;
    }
    Ok(())
}
