//! `fluxar call`.

use crate::rig::{Peer, Running, fluxar, run, run_with_input};
use serde_json::json;

#[test]
fn a_call_answers_with_one_line_of_json() {
    let peer = Peer::up();
    let said = run(&["call", &peer.url, "bench.echo", r#"{"$bytes":"AAH/"}"#]).ok();
    assert_eq!(said.stdout, "{\"$bytes\":\"AAH/\"}\n");
}

#[test]
fn a_stream_answers_with_a_line_an_item_and_its_result() {
    let peer = Peer::up();
    let said = run(&["call", &peer.url, "llm.complete", r#"{"prompt":"bread","seed":3}"#]).ok();
    let lines = said.json_lines();
    let (last, items) = lines.split_last().expect("there are lines");
    let text: String = items.iter().filter_map(|item| item["text"].as_str()).collect();
    assert!(text.len() > 100, "{text}");
    let result = &last["$result"];
    assert_eq!(result["finish_reason"], "stop");
    assert_eq!(result["completion_tokens"], items.len());
    assert!(result["prompt_tokens"].as_u64().is_some_and(|tokens| tokens > 0));
}

#[test]
fn text_output_runs_on_and_talks_about_the_result() {
    let peer = Peer::up();
    let args = ["call", &peer.url, "llm.complete", "prompt=the tide", "max_tokens=8", "-o", "text"];
    let said = run(&args).ok();
    assert_eq!(said.stdout.lines().count(), 1, "{}", said.stdout);
    assert!(!said.stdout.starts_with('{'));
    assert!(said.stderr.contains(r#""finish_reason":"length""#), "{}", said.stderr);
}

#[test]
fn parameters_come_from_pairs_a_pipe_or_a_file() {
    let peer = Peer::start(&["serve", "tcp://127.0.0.1:0", "echo.say", "--exec", "cat"]);
    let echo = |words: &[&str]| {
        let args = [&["call", peer.url.as_str(), "echo.say"], words].concat();
        run(&args).ok().json_lines().remove(0)
    };
    assert_eq!(echo(&[]), json!(null));
    assert_eq!(echo(&["a=1", "b=two words"]), json!({"a": 1, "b": "two words"}));
    let piped = run_with_input(&["call", &peer.url, "echo.say", "-"], "[1, 2]").ok();
    assert_eq!(piped.stdout, "[1,2]\n");
    let file = std::env::temp_dir().join(format!("fluxar-call-{}.json", std::process::id()));
    std::fs::write(&file, r#"{"from":"a file"}"#).unwrap();
    assert_eq!(echo(&[&format!("@{}", file.display())]), json!({"from": "a file"}));
    std::fs::remove_file(&file).unwrap();
}

#[test]
fn the_url_may_come_from_the_environment() {
    let peer = Peer::up();
    let mut command = fluxar(&["call", "bench.echo", r#"{"$bytes":""}"#]);
    command.env("FLUXAR_URL", &peer.url);
    assert_eq!(crate::rig::finish(command).ok().stdout, "{\"$bytes\":\"\"}\n");
    run(&["call", "bench.echo"]).failed(2, "usage");
    run(&["call", "gopher://127.0.0.1", "bench.echo"]).failed(2, "usage");
}

#[test]
fn failures_have_their_codes() {
    let peer = Peer::up();
    run(&["call", &peer.url, "nobody.home"]).failed(3, "unimplemented");
    let empty = run(&["call", &peer.url, "llm.complete", r#"{"prompt":" "}"#]);
    empty.failed(3, "invalid_argument");
    let wrong = run(&["call", &peer.url, "llm.complete", r#"{"prompt":7}"#]);
    let wrong = wrong.failed(1, "invalid_argument");
    assert!(wrong.stderr.contains("prompt"), "{}", wrong.stderr);
    run(&["call", &peer.url, "bench.echo", "{\"a\":"]).failed(2, "usage");
    run(&["call", &peer.url, "bench.echo", "@/nonexistent"]).failed(2, "usage");
    let slow = ["call", &peer.url, "llm.complete", "prompt=sea", "--stream", "--timeout", "1us"];
    run(&slow).failed(4, "deadline_exceeded");
}

#[test]
fn nobody_there_is_exit_code_5() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("tcp://{}", listener.local_addr().unwrap());
    drop(listener);
    let said = run(&["call", &url, "a.b"]);
    assert_eq!(said.code, Some(5), "{said:#?}");
    assert!(said.stderr.contains("fluxar doctor"), "{}", said.stderr);
}

#[test]
fn a_token_is_wanted_and_taken() {
    let mut up = fluxar(&["up", "--listen", "ws://127.0.0.1:0"]);
    up.env("FLUXAR_TOKEN", "s3cret");
    let mut peer = Peer::start_command(up);
    // What is said to try can be tried, once the token is put in.
    peer.running.err.wait_for("prompt='How do tides work?' --auth bearer:TOKEN");
    let call = |auth: &[&str]| {
        run(&[&["call", peer.url.as_str(), "bench.echo", r#"{"$bytes":""}"#], auth].concat())
    };
    call(&[]).failed(3, "unauthenticated");
    call(&["--auth", "bearer:wrong"]).failed(3, "unauthenticated");
    call(&["--auth", "bearer:s3cret"]).ok();
}

#[test]
fn ctrl_c_cancels_a_stream_which_still_gives_its_summary() {
    let listen = "tcp://127.0.0.1:0";
    let peer = Peer::start(&["up", "--listen", listen, "--tokens-per-second", "20/s"]);
    let args = ["call", &peer.url, "llm.complete", "prompt=the sea", "-o", "json"];
    let mut running = Running::start(fluxar(&args));
    running.out.wait_for("text");
    running.interrupt();
    let said = running.finish().ok();
    let last = said.json_lines().pop().expect("there are lines");
    assert_eq!(last["$result"]["finish_reason"], "cancelled", "{said:#?}");
}

#[test]
fn a_reader_who_leaves_ends_it_quietly() {
    let peer = Peer::up();
    let call = format!(
        "{} call {} llm.complete prompt=bread -o json",
        crate::rig::binary().display(),
        peer.url
    );
    let script = format!("{call} | head -n 1; {call} 2>&1 >/dev/full | head -n 3");
    let output = std::process::Command::new("bash").args(["-c", &script]).output().unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(stdout.starts_with("{\"text\""), "{stdout}");
    assert!(stdout.contains("error[local]: cannot write"), "{stdout}");
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "", "the first one says nothing");
}
