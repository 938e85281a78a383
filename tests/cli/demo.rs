//! `fluxar demo llm`: the main job, with the model in the process and with an endpoint of ours.

use crate::rig::{Running, finish, fluxar, run, run_with_input};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};

const FAST: [&str; 4] = ["demo", "llm", "--tokens-per-second", "5k/s"];

#[test]
fn tokens_stream_the_server_asks_and_the_watcher_hears_of_it() {
    let said = run(&[&FAST[..], &["--prompt", "What makes the tide?"]].concat()).ok();
    assert!(said.stdout.len() > 200, "{}", said.stdout);
    let talk = &said.stderr;
    assert!(talk.contains("[server asks] may the model go on about the sea? yes"), "{talk}");
    assert!(talk.contains("finish_reason=stop"), "{talk}");
    assert!(talk.contains("[watcher] demo.llm.done: "), "{talk}");
    assert!(!said.stdout.contains('['), "talk is not data: {}", said.stdout);
}

#[test]
fn a_prompt_may_be_piped_and_a_seed_repeats() {
    let once = run_with_input(&[&FAST[..], &["--seed", "7"]].concat(), "How is bread made?\n").ok();
    assert!(once.stderr.contains("asks: How is bread made?"), "{}", once.stderr);
    let args = [&FAST[..], &["--seed", "7", "--prompt", "How is bread made?"]].concat();
    assert_eq!(run(&args).ok().stdout, once.stdout);
    let other = [&FAST[..], &["--seed", "8", "--prompt", "How is bread made?"]].concat();
    assert_ne!(run(&other).ok().stdout, once.stdout);
}

#[test]
fn tokens_are_counted_and_bounded() {
    let said = run(&[&FAST[..], &["--prompt", "bread", "--max-tokens", "10"]].concat()).ok();
    assert!(said.stderr.contains("completion_tokens=10 "), "{}", said.stderr);
    assert!(said.stderr.contains("finish_reason=length"), "{}", said.stderr);
}

#[test]
fn ctrl_c_stops_the_model_and_the_summary_says_so() {
    let args = ["demo", "llm", "--prompt", "the sea", "--tokens-per-second", "20/s"];
    let mut running = Running::start(fluxar(&args));
    running.out.wait_for(" ");
    running.interrupt();
    let said = running.finish().ok();
    assert!(said.stderr.contains("finish_reason=cancelled"), "{}", said.stderr);
    let line = said.stderr.lines().find(|line| line.contains("Ctrl-C: ")).expect("it is told");
    assert!(line.contains("the model was silent after"), "{line}");
    for (number, unit) in line.split_whitespace().zip(line.split_whitespace().skip(1)) {
        let Ok(number) = number.parse::<f64>() else { continue };
        let milliseconds = match unit.trim_end_matches(',') {
            "µs" => number / 1e3,
            "ms" => number,
            _ => panic!("{line}"),
        };
        assert!(milliseconds < 50.0, "{line}");
    }
}

/// An endpoint that answers one request with this, and gives back what was asked.
fn endpoint(head: &'static str, body: &'static str) -> (String, std::thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    let thread = std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        let request = read_request(&mut socket);
        write!(socket, "HTTP/1.1 {head}\r\nconnection: close\r\n\r\n{body}").unwrap();
        request
    });
    (url, thread)
}

fn read_request(socket: &mut TcpStream) -> String {
    let mut reader = BufReader::new(socket);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let start = head.len();
        reader.read_line(&mut head).unwrap();
        let line = head[start..].trim().to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    head + std::str::from_utf8(&body).unwrap()
}

fn demo_with(url: &str) -> std::process::Command {
    let mut command = fluxar(&["demo", "llm", "--prompt", "hello", "--model", "m-1"]);
    command.env("OPENAI_BASE_URL", url).env("OPENAI_API_KEY", "sk-test");
    command
}

#[test]
fn any_openai_compatible_endpoint_will_do() {
    let body = concat!(
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n",
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Good\"}}]}\n\n",
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\" day\"}}]}\n\n",
        "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n",
        "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":2}}\n\n",
        "data: [DONE]\n\n",
    );
    let (url, endpoint) = endpoint("200 OK\r\ncontent-type: text/event-stream", body);
    let said = finish(demo_with(&url)).ok();
    assert_eq!(said.stdout, "Good day\n");
    let counts = "finish_reason=stop prompt_tokens=5 completion_tokens=2 model=m-1";
    assert!(said.stderr.contains(counts), "{}", said.stderr);
    let request = endpoint.join().unwrap();
    assert!(request.starts_with("POST /v1/chat/completions "), "{request}");
    assert!(request.to_ascii_lowercase().contains("authorization: bearer sk-test"), "{request}");
    assert!(request.contains(r#""stream":true"#) && request.contains("hello"), "{request}");
}

#[test]
fn a_refused_key_says_what_to_do() {
    let error = r#"{"error":{"message":"Incorrect API key provided"}}"#;
    let (url, endpoint) = endpoint("401 Unauthorized", error);
    let said = finish(demo_with(&url)).failed(3, "failed_precondition");
    assert!(said.stderr.contains("set OPENAI_API_KEY"), "{}", said.stderr);
    endpoint.join().unwrap();
}

#[test]
fn a_model_that_is_not_there_is_a_usage_error() {
    run(&["demo", "llm", "--prompt", "x", "--model", "gpt-4o"]).failed(2, "usage");
}
