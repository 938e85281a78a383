//! Each example runs to its end and shows what it says it shows.

use crate::rig::{example, finish};
use std::process::{Command, Stdio};

fn shows(name: &str, lines: &[&str]) {
    let mut command = Command::new(example(name));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let said = finish(command).ok();
    for line in lines {
        assert!(said.stdout.lines().any(|said| said.contains(line)), "{line}: {said:#?}");
    }
}

#[test]
fn tour() {
    let missing = "not_found: there is no user 8";
    shows("tour", &["user 7 is Ada", missing, "3 words", "orders.created 42"]);
}

#[test]
fn typed() {
    shows("typed", &["donated 2", "Soups", "there is no \"Clouds\"", "page 120", "was good"]);
}

#[test]
fn chat() {
    shows("chat", &["Welcome, Ann", "lighthouse has 10 letters", "2 lines"]);
}

#[test]
fn callback() {
    shows("callback", &["which colour for the kitchen?", "office: the kitchen is green"]);
}
