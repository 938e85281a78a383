//! Children: how they start, end, and are ended.

use crate::rig::{Ends, address, child, dial_to, exec, listen_at};
use bytes::BytesMut;
use fluxar::transport::TransportError;
use fluxar_tests::links::{close, read, read_exactly, read_to_end, write};

#[tokio::test]
async fn a_program_that_is_not_there_is_named() {
    let error = dial_to(&address("exec:/nowhere/to%20be/found")).await;
    let error = error.expect_err("there is no such program");
    assert!(matches!(error, TransportError::Spawn { .. }));
    assert!(error.to_string().contains("`/nowhere/to be/found`"), "{error}");
    assert!(!error.is_retryable());
}

#[tokio::test]
async fn a_child_that_exits_is_the_end_of_the_link() {
    // It complains about its arguments and leaves.
    let program = env!("CARGO_BIN_EXE_stdio-child");
    let mut link = dial_to(&address(&format!("exec:{program}"))).await.expect("it starts");
    let got = read_to_end(link.reader.as_mut()).await.expect("the end is no error");
    assert!(got.is_empty());
    let mut written = 0;
    while write(link.writer.as_mut(), vec![0; 4096]).await.is_ok() {
        written += 4096;
        assert!(written < 1 << 20, "nobody is there, and it still takes bytes");
    }
    gone(pid(&link.info.peer)).await;
}

#[tokio::test]
async fn a_child_ends_with_its_link_and_leaves_no_zombie() {
    // It never looks at its input, so that only a signal ends it.
    let mut listener = listen_at("tcp://127.0.0.1:0").await;
    let link = dial_to(&exec("hang", &listener)).await.expect("it starts");
    let incoming = listener.accept().await.expect("the child calls");
    let mut test = incoming.establish().await.expect("tcp has no handshake");
    let child = pid(&link.info.peer);
    drop(link);
    let bytes = read(test.reader.as_mut(), &mut BytesMut::new()).await;
    assert!(matches!(bytes, Ok(0) | Err(_)), "the child's sockets end with it");
    gone(child).await;
}

/// [L0.stdio.2]
#[tokio::test]
async fn a_child_told_politely_finishes_what_it_was_doing() {
    let Ends { mut dialed, mut accepted, .. } = child("bridge").await;
    write(dialed.writer.as_mut(), *b"the last words").await.expect("sent");
    close(dialed.writer.as_mut()).await.expect("closed");
    let child = pid(&dialed.info.peer);
    drop(dialed);
    let got = read_to_end(accepted.reader.as_mut()).await.expect("the end is no error");
    assert_eq!(got, b"the last words"[..]);
    close(accepted.writer.as_mut()).await.expect("closed");
    gone(child).await;
}

/// [L0.stdio.1]
#[tokio::test]
async fn what_a_child_prints_does_not_get_between_its_frames() {
    let Ends { mut dialed, mut accepted, .. } = child("chatter").await;
    write(accepted.writer.as_mut(), *b"frames").await.expect("sent");
    let got = read_exactly(dialed.reader.as_mut(), 6).await.expect("arrived");
    assert_eq!(got, b"frames"[..]);
}

fn pid(peer: &str) -> u32 {
    let (_, number) = peer.rsplit_once("(pid ").expect("the peer's name has its process");
    number.trim_end_matches(')').parse().expect("a number")
}

/// Waits until the process is gone and buried.
async fn gone(pid: u32) {
    let path = format!("/proc/{pid}");
    while std::path::Path::new(&path).exists() {
        tokio::task::yield_now().await;
    }
}
