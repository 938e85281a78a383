//! Reading the vectors.

use serde_json::Value;
use std::path::{Path, PathBuf};

/// One case of a file; see `tests/vectors/README.md`.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) json: Value,
}

impl Case {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        unhex(self.json["hex"].as_str().unwrap())
    }

    pub(crate) fn is_valid(&self) -> bool {
        self.json["valid"].as_bool().unwrap()
    }

    /// What the refusal must say: rule and code.
    pub(crate) fn error(&self) -> (String, String) {
        let error = &self.json["error"];
        (error["rule"].as_str().unwrap().into(), error["code"].as_str().unwrap().into())
    }
}

pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors")
}

/// All cases of the files of `layer` whose names `wanted` accepts.
pub(crate) fn cases(layer: &str, wanted: impl Fn(&str) -> bool) -> Vec<Case> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder().join(layer))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let mut cases = Vec::new();
    for file in files.iter().filter(|file| wanted(file.file_stem().unwrap().to_str().unwrap())) {
        let text = std::fs::read_to_string(file).unwrap();
        let list: Vec<Value> = serde_json::from_str(&text).unwrap();
        let stem = file.file_stem().unwrap().to_str().unwrap();
        cases.extend(list.into_iter().map(|json| {
            let name = format!("{layer}/{stem}: {}", json["name"].as_str().unwrap());
            Case { name, json }
        }));
    }
    assert!(!cases.is_empty(), "no vectors in {layer}");
    cases
}

/// Runs `check` on every case and reports all failures at once.
pub(crate) fn check_all(cases: &[Case], check: impl Fn(&Case) -> Result<(), String>) {
    let failures: Vec<String> = cases
        .iter()
        .filter_map(|case| check(case).err().map(|why| format!("{}: {}", case.name, short(&why))))
        .collect();
    let (count, of) = (failures.len(), cases.len());
    assert!(failures.is_empty(), "{count} of {of} vectors fail:\n{}", failures.join("\n"));
}

pub(crate) fn unhex(text: &str) -> Vec<u8> {
    assert!(text.len().is_multiple_of(2), "odd hex");
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Enough of a failure to see what it is.
fn short(text: &str) -> String {
    text.chars().take(600).collect()
}
