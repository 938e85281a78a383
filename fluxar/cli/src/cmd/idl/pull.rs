//! `fluxar idl pull`: the contract of a running peer, as a file.

use super::wrong;
use crate::contracts;
use crate::dial::{self, Dial};
use crate::failure::Failure;
use crate::files;
use crate::terminal;
use fluxar_codegen::model::Model;
use fluxar_codegen::{check, report, syntax};
use std::path::{Path, PathBuf};

/// Write the contract of a running peer as a contract file
///
/// The text is checked before anything is written: reading it gives the contract that the peer
/// has, with the same hash. Where the peer's types have no numbers (in Rust they may be left out),
/// those of the file that is replaced are kept, and others get the next free ones.
///
/// Without -o it goes to standard output; into a folder it goes by the name of its package,
/// shop.v1.fluxar. The path is printed when the file has changed.
///
/// Examples:
///   fluxar idl pull ws://127.0.0.1:9000
///   fluxar idl pull wss://shop.example -o idl/
///   fluxar idl pull tcp://10.0.0.5:9000 -o idl/shop.fluxar --auth bearer:s3cret
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment, override_usage = "fluxar idl pull [OPTIONS] [URL]")]
pub(crate) struct Args {
    /// Address of the peer (or FLUXAR_URL, or a context)
    #[arg(value_name = "URL")]
    words: Vec<String>,
    /// File to write, or a folder for it
    #[arg(short, long, value_name = "PATH")]
    out: Option<PathBuf>,
    #[command(flatten)]
    dial: Dial,
}

/// Pulls.
///
/// # Errors
/// No connection, no description, one that cannot be written, or no place to write it.
pub(super) async fn run(args: Args) -> Result<(), Failure> {
    let (way, words) = args.dial.way(args.words)?;
    dial::expect_words(&words, 0, 0, "[URL]")?;
    let url = way.url();
    let client = way.connect().await?;
    let model = contracts::describe(&client).await;
    client.close().await;
    let mut model = model.map_err(|silence| silence.failure(&url))?;
    let place = args.out.map(|out| place(out, &model));
    let known = place.as_deref().and_then(|path| old(path, &model));
    let given = model.number_like(&known.unwrap_or_else(|| Model::empty(None)));
    let dropped: Vec<String> = model.drop_undeclared_annotations().into_iter().collect();
    if !dropped.is_empty() {
        let names = dropped.join(", @");
        let text = format_args!("left out, since it is not declared by the peer: @{names}");
        terminal::note("pull", text);
    }
    let text = checked(&model, &url)?;
    if given > 0 {
        let text = format_args!("{given} fields and variants had no number and got one here");
        terminal::note("pull", text);
    }
    match place {
        None => terminal::data(text),
        Some(path) => files::write(&path, &text, "name another place with --out"),
    }
}

/// The text of a model, when reading it gives the model back.
fn checked(model: &Model, url: &str) -> Result<String, Failure> {
    let text = contracts::text(model);
    let text = syntax::format(&text).unwrap_or(text);
    let read = check::compile_sources(&[(url, &text)]);
    if read.reports.has_errors() {
        terminal::talk(report::render(&read.reports).trim_end());
        let cause = format!("what {url} says of itself is no valid contract");
        return Err(wrong(&cause, "tell its owner; fluxar describe shows it as it is"));
    }
    let same = read.models.first().is_some_and(|read| read.hash() == model.hash());
    if !same {
        // Said, not refused: what differs has no words in the language, such as a unit struct.
        let text = "the peer says what a file has no words for: the hash is not the peer's";
        terminal::note("pull", text);
    }
    Ok(text)
}

/// A folder gets a file named after the package.
fn place(out: PathBuf, model: &Model) -> PathBuf {
    let is_folder = out.is_dir() || out.as_os_str().to_string_lossy().ends_with(['/', '\\']);
    match is_folder {
        true => out.join(format!("{}.fluxar", model.name.as_deref().unwrap_or("contract"))),
        false => out,
    }
}

/// The contract that the file had, for its numbers.
fn old(path: &Path, model: &Model) -> Option<Model> {
    if !path.exists() {
        return None;
    }
    let (root, files) = contracts::files_at(path).ok()?;
    let models = check::load(&[root], &files).models;
    models.into_iter().find(|old| old.name == model.name)
}
