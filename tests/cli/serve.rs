//! `fluxar serve --exec`, and what listening verbs have in common.

use crate::rig::{Peer, run};

#[test]
fn a_command_answers_calls() {
    let upper = "tr a-z A-Z";
    let peer = Peer::start(&["serve", "tcp://127.0.0.1:0", "text.upper", "--exec", upper]);
    let said = run(&["call", &peer.url, "text.upper", r#""hello""#]).ok();
    assert_eq!(said.stdout, "\"HELLO\"\n");
}

#[test]
fn a_failing_command_is_a_status() {
    let fail = "sh -c 'echo the shelf is empty >&2; exit 4'";
    let peer = Peer::start(&["serve", "tcp://127.0.0.1:0", "shelf.take", "--exec", fail]);
    let said = run(&["call", &peer.url, "shelf.take"]).failed(3, "unknown");
    assert!(said.stderr.contains("4: the shelf is empty"), "{}", said.stderr);
}

#[test]
fn a_verb_that_listens_drains_on_ctrl_c() {
    let peer = Peer::up();
    peer.running.interrupt();
    let said = peer.running.finish().ok();
    assert!(said.stderr.contains("draining"), "{}", said.stderr);
    assert_eq!(said.stdout, "");
}

#[test]
fn a_taken_address_says_what_to_do() {
    let peer = Peer::up();
    run(&["up", "--listen", &peer.url]).failed(1, "local");
    run(&["up", "--listen", "gopher://x"]).failed(1, "local");
    run(&["serve", "tcp://127.0.0.1:0", "a.b", "--exec", "cat 'x"]).failed(2, "usage");
    assert_eq!(run(&["serve", "tcp://127.0.0.1:0", "a.b"]).code, Some(2));
}

#[test]
fn more_than_one_address() {
    let args = ["up", "--listen", "tcp://127.0.0.1:0", "--listen", "ws://127.0.0.1:0"];
    let mut peer = Peer::start(&args);
    let said = peer.running.err.wait_for("listening on ws://").to_owned();
    let url = said.split_whitespace().find(|word| word.starts_with("ws://")).expect("an address");
    for url in [peer.url.as_str(), url] {
        run(&["call", url, "bench.echo", r#"{"$bytes":""}"#]).ok();
    }
}
