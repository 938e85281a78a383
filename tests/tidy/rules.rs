//! The spec's rules: each is defined once, and cited by a test or by the code that keeps it.

use crate::tree::{files, none};
use std::collections::{BTreeMap, BTreeSet};

const SPEC: &str = "fluxar/docs/spec";

/// Every rule id in a text, such as `L3.id.2` or `X.open.1`.
fn ids(text: &str) -> BTreeSet<String> {
    let bytes = text.as_bytes();
    let mut found = BTreeSet::new();
    for at in 0..bytes.len() {
        let is_start = at == 0 || !bytes[at - 1].is_ascii_alphanumeric();
        if is_start && let Some(len) = id_len(&bytes[at..]) {
            found.insert(text[at..at + len].to_owned());
        }
    }
    found
}

/// The length of the id at the start: `L` and a digit, `X` or `IDL`; a dot, a word, a dot, a
/// number.
fn id_len(bytes: &[u8]) -> Option<usize> {
    let mut at = match bytes {
        [b'L', b'0'..=b'9', b'.', ..] => 3,
        [b'X', b'.', ..] => 2,
        [b'I', b'D', b'L', b'.', ..] => 4,
        _ => return None,
    };
    let word = bytes[at..].iter().take_while(|byte| byte.is_ascii_lowercase()).count();
    at += word;
    if word == 0 || bytes.get(at) != Some(&b'.') {
        return None;
    }
    at += 1;
    let number = bytes[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    (number > 0).then_some(at + number)
}

/// The ids that the spec defines, with the file.
fn defined() -> BTreeMap<String, String> {
    let (mut rules, mut twice) = (BTreeMap::new(), Vec::new());
    for file in files(&[".md"]).iter().filter(|file| file.is_under(SPEC)) {
        for line in file.text.lines() {
            let Some(rest) = line.strip_prefix("- **[") else { continue };
            let id = rest.split(']').next().unwrap().to_owned();
            assert_eq!(ids(&id).len(), 1, "{}: `{id}` is no id", file.path);
            if rules.insert(id.clone(), file.path.clone()).is_some() {
                twice.push(id);
            }
        }
    }
    none("rules that are defined twice", &twice);
    rules
}

/// The ids that code, tests and vectors cite, with the first place.
fn cited() -> BTreeMap<String, String> {
    let mut places = BTreeMap::new();
    for file in files(&[".rs", ".py", ".json", ".md"]) {
        let is_spec = file.is_under(SPEC);
        if is_spec || file.is_under("tests/tidy") || file.path.ends_with("README.md") {
            continue;
        }
        for id in ids(&file.text) {
            places.entry(id).or_insert_with(|| file.path.clone());
        }
    }
    places
}

#[test]
fn every_rule_is_cited() {
    let cited = cited();
    let found: Vec<String> = defined()
        .iter()
        .filter(|(id, _)| !cited.contains_key(*id))
        .map(|(id, path)| format!("{id} of {path}"))
        .collect();
    none("rules that no test and no code cites", &found);
}

#[test]
fn every_citation_is_of_a_rule() {
    let defined = defined();
    let mut found: Vec<String> = cited()
        .iter()
        .filter(|(id, _)| !defined.contains_key(*id))
        .map(|(id, path)| format!("{id} in {path}"))
        .collect();
    for file in files(&[".md"]).iter().filter(|file| file.is_under(SPEC)) {
        let unknown = ids(&file.text).into_iter().filter(|id| !defined.contains_key(id));
        found.extend(unknown.map(|id| format!("{id} in {}", file.path)));
    }
    none("citations of rules that are not there", &found);
}

#[test]
fn every_rule_says_must() {
    // A rule without one of the words of RFC 2119 is an explanation, and needs no id.
    let words = ["MUST", "SHOULD", "MAY", "ends the session", "is refused", "is ended"];
    let mut found = Vec::new();
    for file in files(&[".md"]).iter().filter(|file| file.is_under(SPEC)) {
        for rule in file.text.split("\n- **[").skip(1) {
            let end = rule.find("\n\n").unwrap_or(rule.len());
            let text = &rule[..end];
            if !words.iter().any(|word| text.contains(word)) && !explains(text) {
                found.push(format!("{}: {}", file.path, text.lines().next().unwrap()));
            }
        }
    }
    none("rules that ask for nothing", &found);
}

/// Definitions that other rules lean on.
fn explains(rule: &str) -> bool {
    let definitions = ["L3.hello.1", "L4.bye.1", "L5.deadline.1", "L5.hops.1", "L1.group.6"];
    definitions.iter().any(|id| rule.starts_with(id)) || rule.starts_with("L0.stdio.2")
}
