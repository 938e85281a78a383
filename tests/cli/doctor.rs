//! `fluxar doctor`.

use crate::rig::{Peer, run};

#[test]
fn all_is_well() {
    let peer = Peer::up();
    let said = run(&["doctor", &peer.url]).ok();
    let checks: Vec<_> = said.json_lines().iter().map(|line| line["check"].clone()).collect();
    let expected = ["clock", "features", "address", "link", "handshake", "peer", "limits", "ping"];
    assert_eq!(checks, expected);
    assert!(said.json_lines().iter().all(|line| line["ok"] == true));
    let text = run(&["doctor", &peer.url, "-o", "text"]).ok();
    assert!(text.stdout.contains("ok    ping"), "{}", text.stdout);
}

#[test]
fn the_first_thing_that_is_wrong_is_named() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("tcp://{}", listener.local_addr().unwrap());
    drop(listener);
    let said = run(&["doctor", &url]).failed(5, "doctor");
    let lines = said.json_lines();
    let last = lines.last().expect("there are lines");
    assert_eq!((&last["check"], &last["ok"]), (&"link".into(), &false.into()));
    assert!(last["next"].as_str().is_some_and(|next| next.contains("fluxar up")));
    let said = run(&["doctor", "gopher://x", "-o", "text"]).failed(5, "doctor");
    assert!(said.stdout.contains("FAIL  address"), "{}", said.stdout);
}

#[test]
fn a_refused_credential_is_the_handshakes_fault() {
    let peer = Peer::start(&["up", "--listen", "tcp://127.0.0.1:0", "--token", "t"]);
    let said = run(&["doctor", &peer.url]).failed(3, "doctor");
    let last = said.json_lines().pop().expect("there are lines");
    assert_eq!(last["check"], "handshake");
    assert!(last["next"].as_str().is_some_and(|next| next.contains("--auth")), "{last}");
    run(&["doctor", &peer.url, "--auth", "bearer:t"]).ok();
}
