//! The tree of files, and code without its comments.

use std::path::{Path, PathBuf};

/// Folders that no check looks into: built, fetched, or made.
const SKIPPED: [&str; 6] = ["target", ".git", "node_modules", "__pycache__", "corpus", "artifacts"];

/// One text file of the repository.
#[derive(Debug)]
pub(crate) struct File {
    /// Its path from the root, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
}

impl File {
    /// Code that only runs in tests: it may do more.
    pub(crate) fn is_test(&self) -> bool {
        self.path.starts_with("tests/")
            || self.path.contains("/tests/")
            || self.path.ends_with("/tests.rs")
    }

    pub(crate) fn is_under(&self, folder: &str) -> bool {
        self.path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
    }

    /// The lines of code with their numbers: without comments, and without inline test modules.
    pub(crate) fn code(&self) -> Vec<(usize, String)> {
        let mut lines = Vec::new();
        for (index, line) in self.text.lines().enumerate() {
            if line.trim() == "#[cfg(test)]" && !self.is_test() {
                // The house keeps an inline test module at the end of a file. One that names
                // another file leaves the rest to be looked at.
                let next = self.text.lines().nth(index + 1).unwrap_or_default();
                if next.ends_with('{') {
                    break;
                }
            }
            let code = without_comment(line);
            if !code.trim().is_empty() {
                lines.push((index + 1, code.to_owned()));
            }
        }
        lines
    }
}

/// The line up to a `//` that stands outside of a string.
fn without_comment(line: &str) -> &str {
    let bytes = line.as_bytes();
    let mut in_text = false;
    for at in 0..bytes.len() {
        match bytes[at] {
            b'"' if at == 0 || bytes[at - 1] != b'\\' => in_text = !in_text,
            b'/' if !in_text && bytes.get(at + 1) == Some(&b'/') => return &line[..at],
            _ => {}
        }
    }
    line
}

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Every text file whose name ends in one of `endings`, sorted.
pub(crate) fn files(endings: &[&str]) -> Vec<File> {
    let (mut list, root) = (Vec::new(), root());
    walk(&root, &root, endings, &mut list);
    assert!(!list.is_empty(), "no files {endings:?}");
    list.sort_by(|a, b| a.path.cmp(&b.path));
    list
}

fn walk(root: &Path, folder: &Path, endings: &[&str], list: &mut Vec<File>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() {
            if !SKIPPED.contains(&name) {
                walk(root, &path, endings, list);
            }
        } else if endings.iter().any(|ending| name.ends_with(ending)) {
            let relative = path.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
            list.push(File { path: relative, text: std::fs::read_to_string(&path).unwrap() });
        }
    }
}

/// Fails with the whole list unless it is empty.
pub(crate) fn none(what: &str, found: &[String]) {
    assert!(found.is_empty(), "{what} ({}):\n{}", found.len(), found.join("\n"));
}
