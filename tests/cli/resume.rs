//! `fluxar demo resume`: links that break, and tokens that all come once.

use crate::rig::{Running, fluxar, run};

const FAST: [&str; 6] = ["demo", "resume", "--tokens-per-second", "400/s", "--every", "20ms"];

#[test]
fn every_cut_is_resumed_and_no_token_is_lost_or_doubled() {
    let said = run(&[&FAST[..], &["--cuts", "8"]].concat()).ok();
    let summary = &said.json_lines()[0];
    assert_eq!(said.stdout.lines().count(), 1, "one line of data: {}", said.stdout);
    for (key, expected) in [("cuts", 8), ("resumes", 8), ("lost", 0), ("doubled", 0)] {
        assert_eq!(summary[key], expected, "{key}: {summary}");
    }
    // What a link has swallowed was sent again: else these were no cuts.
    assert!(summary["replays"].as_u64().unwrap() >= 8, "{summary}");
    assert!(summary["items"].as_u64().unwrap() > 16, "{summary}");
    for cut in 1..=8 {
        assert!(said.stderr.contains(&format!("[cut {cut}] at token ")), "{}", said.stderr);
    }
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_it_with_a_summary() {
    let mut running = Running::start(fluxar(&FAST));
    running.err.wait_for("[cut 2]");
    running.interrupt();
    let said = running.finish().ok();
    let summary = &said.json_lines()[0];
    assert_eq!((&summary["lost"], &summary["doubled"]), (&0.into(), &0.into()));
    assert!(summary["cuts"].as_u64().unwrap() >= 2, "{summary}");
}

#[test]
fn as_text_the_tokens_are_the_data() {
    let said = run(&[&FAST[..], &["--cuts", "1", "-o", "text"]].concat()).ok();
    assert!(said.stdout.split_whitespace().count() > 2, "{}", said.stdout);
    assert!(!said.stdout.contains('{'), "{}", said.stdout);
    assert!(said.stderr.contains("[summary] 1 cuts, "), "{}", said.stderr);
}
