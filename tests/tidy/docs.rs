//! Docs that must agree with the tree.

use crate::tree::{files, none, root};
use std::path::Path;

/// The features of the runtime, and the line above each.
fn features() -> Vec<(String, String)> {
    let manifest = std::fs::read_to_string(root().join("fluxar/Cargo.toml")).unwrap();
    let section = manifest.split("[features]").nth(1).unwrap();
    let section = section.split("\n[").next().unwrap();
    let mut list = Vec::new();
    let mut above = String::new();
    for line in section.lines() {
        if let Some((name, _)) = line.split_once(" = ") {
            list.push((name.to_owned(), above.clone()));
        }
        line.clone_into(&mut above);
    }
    assert!(list.len() > 5, "{list:?}");
    list
}

#[test]
fn every_feature_is_explained() {
    let front = std::fs::read_to_string(root().join("fluxar/src/lib.rs")).unwrap();
    let docs: String = front.lines().filter(|line| line.starts_with("//!")).collect();
    let mut found = Vec::new();
    for (name, above) in features() {
        if name != "default" && !above.starts_with("# ") {
            found.push(format!("{name}: no comment above it in fluxar/Cargo.toml"));
        }
        if name != "default" && !docs.contains(&format!("`{name}`")) {
            found.push(format!("{name}: not in the front page, fluxar/src/lib.rs"));
        }
    }
    none("features without docs", &found);
}

#[test]
fn links_lead_somewhere() {
    let mut found = Vec::new();
    for file in files(&[".md"]) {
        let folder = Path::new(&file.path).parent().unwrap().to_owned();
        for target in links(&file.text) {
            let path = target.split('#').next().unwrap();
            let is_outside = target.contains("://") || target.starts_with("mailto:");
            if is_outside || path.is_empty() {
                continue;
            }
            if !root().join(&folder).join(path).exists() {
                found.push(format!("{}: {target}", file.path));
            }
        }
    }
    none("links that lead nowhere", &found);
}

/// The targets of `[text](target)`, outside of code.
fn links(text: &str) -> Vec<&str> {
    let mut list = Vec::new();
    for (index, part) in text.split("```").enumerate() {
        if index % 2 == 0 {
            list.extend(part.split("](").skip(1).filter_map(|rest| rest.split(')').next()));
        }
    }
    list
}

#[test]
fn every_code_is_in_the_spec() {
    let text = std::fs::read_to_string(root().join("fluxar/docs/spec/codes.md")).unwrap();
    for code in fluxar::Code::ALL {
        let row = format!("| {} | {} |", code.number(), code.name());
        assert!(text.contains(&row), "codes.md has no row {row}");
    }
}

#[test]
fn every_limit_is_in_the_spec() {
    let text = std::fs::read_to_string(root().join("fluxar/docs/spec/limits.md")).unwrap();
    let config = std::fs::read_to_string(root().join("fluxar/src/config.rs")).unwrap();
    let fields = config.split("pub struct Limits {").nth(1).unwrap();
    let fields = fields.split("\n}").next().unwrap();
    let mut found = Vec::new();
    for line in fields.lines() {
        if let Some(rest) = line.trim().strip_prefix("pub ") {
            let name = rest.split(':').next().unwrap();
            if !text.contains(&format!("`{name}`")) {
                found.push(name.to_owned());
            }
        }
    }
    none("limits that limits.md does not have", &found);
}

#[test]
fn every_package_says_in_one_line_what_it_is() {
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let members = manifest.split("members = [").nth(1).unwrap().split(']').next().unwrap();
    let bare: Vec<String> = members
        .lines()
        .filter(|line| line.trim_start().starts_with('"') && !line.contains('#'))
        .map(str::to_owned)
        .collect();
    none("members without a comment", &bare);
}
