//! The corpus: one construct a file, for every emitter.

use super::model;
use crate::check::{BUILT_IN, contract_files, lint, load};
use crate::emit::idl::print;
use crate::model::{Delivery, Format, Scalar};
use crate::report::render;
use crate::syntax::format;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../idl")
}

fn files() -> Vec<PathBuf> {
    let files = contract_files(&folder().join("corpus")).unwrap();
    assert!(files.len() >= 15, "{files:?}");
    files
}

#[test]
fn each_file_compiles_and_is_formatted() {
    for file in files() {
        let found = load(&[folder()], std::slice::from_ref(&file));
        assert!(found.reports.list.is_empty(), "{}", render(&found.reports));
        let text = std::fs::read_to_string(&file).unwrap();
        assert_eq!(format(&text).unwrap(), text, "{}", file.display());
    }
}

#[test]
fn every_contract_of_the_repository_is_formatted() {
    for file in contract_files(&folder()).unwrap() {
        let text = std::fs::read_to_string(&file).unwrap();
        assert_eq!(format(&text).unwrap(), text, "{}: fluxar idl fmt it", file.display());
    }
}

#[test]
fn each_file_is_printed_and_read_back() {
    for file in files() {
        let found = load(&[folder()], std::slice::from_ref(&file));
        let printed = print(&found.models[0]);
        assert_eq!(model(&printed), found.models[0], "{}\n{printed}", file.display());
    }
}

#[test]
fn the_linter_reads_all_of_them() {
    // Odd on purpose: names, unbounded inputs and 64-bit integers are what the corpus is for.
    let odd = ["lint-name", "lint-unbounded", "lint-u64", "lint-id", "lint-unused"];
    let found = lint(&[folder()], &files());
    assert_eq!(found.models.len(), files().len());
    let others: Vec<&str> =
        found.reports.ids().into_iter().filter(|id| !odd.contains(id)).collect();
    assert!(others.is_empty(), "{}", render(&found.reports));
}

/// Emitters are tested on the corpus: what is in none of its files is tested by nobody.
#[test]
fn every_construct_is_in_a_file_of_the_corpus() {
    let texts = files().into_iter().map(|file| std::fs::read_to_string(file).unwrap());
    let text = texts.collect::<String>();
    let items = [
        "\nnewtype ",
        "\nalias ",
        "\nconst ",
        "\nrecord ",
        "\nenum ",
        "\nclosed enum ",
        "\nunion ",
        "\nclosed union ",
        "\nerror ",
        "\nservice ",
        "\ntopic ",
        "\ncontract ",
        "\nannotation ",
        "\nuse ",
        " retired ",
        "...",
        "<T>",
        "map<",
        "*",
        "stream ",
        " then ",
        " then unit",
        "server:",
        "client:",
        "topics:",
    ];
    let mut wanted: Vec<String> = items.map(str::to_owned).to_vec();
    wanted.extend(BUILT_IN.iter().map(|(name, _)| format!("@{name}")));
    wanted.extend(Scalar::ALL[1..].iter().map(|scalar| format!(": {}", scalar.name())));
    wanted.extend(Format::ALL.map(|format| format!("@format(.{})", format.name())));
    wanted.extend(Delivery::ALL[1..].iter().map(|delivery| format!("(.{})", delivery.name())));
    let missing: Vec<&String> =
        wanted.iter().filter(|word| !text.contains(word.as_str())).collect();
    assert!(missing.is_empty(), "{missing:?}");
    let models = load(&[folder()], &files()).models;
    let methods = models.iter().flat_map(|model| &model.services).flat_map(|s| &s.methods);
    let shapes: HashSet<String> = methods.map(|method| format!("{:?}", method.shape())).collect();
    assert_eq!(shapes.len(), 7, "every flow: {shapes:?}");
}
