//! Row 7: those who connect and say nothing, or too many of them.

use super::attacker::{assert_told, dial, goodbye};
use super::{Node, check, measured, soon, tasks, until};
use crate::memory::{KIB, MIB};
use fluxar::{Client, Code, Limits, NodeLimits, Sink, Streaming};
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};

/// Set in a child of this test binary.
const CHILD: &str = "FLUXAR_ATTACK_CHILD";

/// Runs one test of this binary again in a child that may open `descriptors` files.
fn child(test: &str, descriptors: &str) -> tokio::process::Command {
    let exe = std::env::current_exe().expect("this binary");
    let mut command = Command::new("sh");
    command
        .arg("-c")
        .arg(format!("ulimit -n {descriptors}; exec \"$0\" \"$@\""))
        .arg(exe)
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(CHILD, "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut command = tokio::process::Command::from(command);
    command.kill_on_drop(true);
    command
}

fn is_child() -> bool {
    std::env::var_os(CHILD).is_some()
}

const SILENT: &str = "peer::connect::row_07_two_thousand_silent_peers_keep_nobody_out";

#[test]
fn row_07_two_thousand_silent_peers_keep_nobody_out() {
    measured(async |watch| {
        if !is_child() {
            // 2,000 sockets on both sides in one process want more descriptors than the usual 1,024.
            let run = child(SILENT, "$(ulimit -H -n)").output();
            let output = soon("the child", run).await.expect("a child");
            let text =
                String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
            assert!(output.status.success() && text.contains("1 passed"), "{text}");
            return;
        }
        let node = Node::start(Limits::default()).await;
        let early = node.good_client().await;
        check(&early).await;
        let before = tasks();
        watch.restart();
        let mut silent = Vec::with_capacity(2_000);
        for number in 0..2_000 {
            let mut socket = dial(&node.address).await;
            if number % 2 == 0 {
                // The first byte of a frame, and then nothing.
                socket.write_all(&[0]).await.expect("a socket");
            }
            silent.push(socket);
            if number % 500 == 499 {
                check(&early).await;
            }
        }
        let max = NodeLimits::default().handshakes_max;
        // A link in its handshake is a few tasks: the session, its writer, its timer.
        until("the oldest make room", || tasks() <= before + 4 * max + 8).await;
        let late = node.good_client().await;
        check(&late).await;
        check(&early).await;
        assert!(watch.held() <= max * 64 * KIB, "{} bytes before any HELLO", watch.held());
        // Those who only connected have taken nothing from those who work.
        let mut open = Vec::new();
        for _ in 0..8 {
            let stream = late.open::<_, String, (), usize, std::convert::Infallible>("sink", &());
            let (items, answer): (Sink<String>, Streaming<(), usize>) = stream.expect("a stream");
            items.send("x".repeat(10)).await.expect("the stream is served");
            open.push((items, answer));
        }
        for (items, answer) in open {
            items.finish().expect("the stream is served");
            let bytes = soon("the stream's result", answer.finish()).await;
            assert_eq!(bytes.expect("a result"), 10);
        }
        drop(silent);
        until("the silent are gone", || tasks() <= before + 8).await;
    });
}

#[test]
fn row_07_a_handshake_has_a_deadline() {
    measured(async |watch| {
        let mut limits = Limits::default();
        limits.handshake_timeout = Duration::from_millis(300);
        let node = Node::start(limits).await;
        let good = node.good_client().await;
        check(&good).await;
        let before = tasks();
        watch.restart();
        let mut silent = Vec::new();
        for _ in 0..200 {
            silent.push(dial(&node.address).await);
        }
        for mut socket in silent {
            let mut bytes = Vec::new();
            let end = soon("the node gives up", socket.read_to_end(&mut bytes)).await;
            end.expect("an end, not a reset");
            assert_told(goodbye(&bytes), Code::DeadlineExceeded, "L4.phase.3");
        }
        until("their tasks end", || tasks() <= before).await;
        assert!(watch.held() <= MIB, "{} bytes left of 200 silent peers", watch.held());
        check(&good).await;
        node.stop().await;
    });
}

#[test]
fn row_07_resets_in_the_backlog_do_not_stop_accepting() {
    measured(async |_| {
        let node = Node::start(Limits::default()).await;
        let early = node.good_client().await;
        let before = tasks();
        for _ in 0..1_000 {
            dial(&node.address).await.set_zero_linger().expect("a socket");
        }
        let late = node.good_client().await;
        check(&late).await;
        check(&early).await;
        drop(late);
        until("their tasks end", || tasks() <= before).await;
        node.stop().await;
    });
}

const STARVED: &str = "peer::connect::row_07_running_out_of_descriptors_does_not_stop_accepting";

#[test]
fn row_07_running_out_of_descriptors_does_not_stop_accepting() {
    measured(async |_| {
        if is_child() {
            // The child: a node with 64 descriptors that lives until its input ends.
            let node = Node::start(Limits::default()).await;
            let address = format!("\naddress {}\n", node.address);
            std::io::stdout().write_all(address.as_bytes()).expect("the parent listens");
            let mut until_closed = Vec::new();
            let end = tokio::io::stdin().read_to_end(&mut until_closed).await;
            return assert!(end.is_ok());
        }
        let mut running = child(STARVED, "64").spawn().expect("a child");
        let input = running.stdin.take().expect("piped");
        let mut lines = BufReader::new(running.stdout.take().expect("piped")).lines();
        let address = loop {
            let line = soon("the child's address", lines.next_line()).await.expect("readable");
            let line = line.expect("the child lives");
            if let Some(address) = line.strip_prefix("address ") {
                break address.to_owned();
            }
        };
        let connect = || async {
            let connecting = Client::connect(address.clone()).no_reconnect().build();
            soon("a good client connects", connecting).await
        };
        let early = connect().await.expect("the node takes clients");
        check(&early).await;
        let mut silent = Vec::new();
        // Enough for its descriptors, and not too many for a backlog of 128.
        for _ in 0..100 {
            silent.push(dial(&address).await);
        }
        let pid = running.id().expect("it runs");
        let descriptors =
            || std::fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, Iterator::count);
        until("all 64 are used", || descriptors() >= 64).await;
        check(&early).await;
        drop(silent);
        let late = connect().await.expect("accepting goes on");
        check(&late).await;
        check(&early).await;
        drop(input);
        let status = soon("the child ends", running.wait()).await.expect("a status");
        assert!(status.success());
    });
}
