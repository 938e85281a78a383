//! `fluxar bench`: that it counts right, not how fast this machine is.

use crate::rig::{Peer, run};

const SMALL: [&str; 7] = ["--clients", "2", "--msgs", "200", "--warm-up", "0s", "--json"];

fn bench(pattern: &[&str]) -> serde_json::Value {
    let args = [&["bench"], pattern, &SMALL].concat();
    run(&args).ok().json_lines().remove(0)
}

#[test]
fn each_pattern_counts_every_message() {
    for pattern in ["rpc", "stream", "pub"] {
        let report = bench(&[pattern]);
        assert_eq!(report["pattern"], pattern);
        for field in ["sent", "messages"] {
            assert_eq!(report[field], 200, "{report}");
        }
        for field in ["lost", "duplicated"] {
            assert_eq!(report[field], 0, "{report}");
        }
        let [p50, p99, max] =
            ["p50_us", "p99_us", "max_us"].map(|field| report[field].as_f64().unwrap());
        assert!(0.0 < p50 && p50 <= p99 && p99 <= max, "{report}");
    }
}

#[test]
fn topics_carry_more_than_a_window_of_credit() {
    let args = ["--clients", "1", "--msgs", "10k", "--size", "64", "--warm-up", "0s", "--json"];
    let report = run(&[&["bench", "pub"][..], &args].concat()).ok().json_lines().remove(0);
    assert_eq!((&report["messages"], &report["lost"]), (&10_000.into(), &0.into()), "{report}");
}

#[test]
fn a_schedule_is_kept_against_another_peer() {
    let peer = Peer::up();
    for pattern in ["rpc", "stream", "pub"] {
        let report = bench(&[pattern, &peer.url, "--rate", "2k/s"]);
        assert_eq!(report["messages"], 200, "{report}");
        // 200 messages at 2,000/s cannot take less than 99 ms, less one step.
        assert!(report["seconds"].as_f64().unwrap() > 0.09, "{report}");
    }
}

#[test]
fn an_expectation_that_is_missed_is_exit_code_1() {
    let args = [&["bench", "rpc", "--expect-p99", "1us"][..], &SMALL].concat();
    run(&args).failed(1, "too_slow");
}

#[test]
fn csv_grows_by_a_row() {
    let file = std::env::temp_dir().join(format!("fluxar-bench-{}.csv", std::process::id()));
    let path = file.to_str().unwrap();
    bench(&["rpc", "--csv", path]);
    bench(&["rpc", "--csv", path]);
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    let columns: Vec<_> = text.lines().map(|line| line.split(',').count()).collect();
    assert_eq!(columns, [columns[0]; 3], "{text}");
    assert!(text.starts_with("pattern,clients,"), "{text}");
}

#[test]
fn a_peer_without_the_targets_is_named() {
    let peer = Peer::start(&["serve", "tcp://127.0.0.1:0"]);
    let said = run(&[&["bench", "rpc", peer.url.as_str()], &SMALL[..]].concat());
    let said = said.failed(3, "unimplemented");
    assert!(said.stderr.contains("fluxar up"), "{}", said.stderr);
}
