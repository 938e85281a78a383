//! The corpus: one construct a file, for every emitter.

use super::model;
use crate::check::{contract_files, lint, load};
use crate::emit::idl::print;
use crate::report::render;
use crate::syntax::format;
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
