//! What every transport has to do: one macro, one line a transport. [L0.link.1], [L0.link.3]

use crate::rig::{self, Ends};
use bytes::BytesMut;
use fluxar::transport::{Batch, LinkReader, LinkWriter};
use fluxar_tests::links::{close, read, read_exactly, read_to_end, write};
use std::future::poll_fn;
use std::task::Poll;

macro_rules! suite {
    ($($transport:ident: $closes_both:expr;)*) => { $(
        mod $transport {
            use super::*;

            #[tokio::test]
            async fn what_is_sent_arrives_and_is_answered() {
                echo(rig::$transport().await).await;
            }

            #[tokio::test]
            async fn closing_one_direction_loses_nothing_of_the_other() {
                half_close(rig::$transport().await, $closes_both).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn eight_mebibytes_each_way_at_once_arrive_whole() {
                bulk(rig::$transport().await).await;
            }

            #[tokio::test]
            async fn the_other_end_notices_that_a_link_is_dropped() {
                let Ends { dialed, accepted, .. } = &mut rig::$transport().await;
                notices(dialed, accepted).await;
                let Ends { dialed, accepted, .. } = &mut rig::$transport().await;
                notices(accepted, dialed).await;
            }

            #[tokio::test]
            async fn a_writer_waits_for_a_reader_that_does_not_read() {
                back_pressure(rig::$transport().await).await;
            }

            #[tokio::test]
            async fn a_write_given_up_half_way_goes_on_where_it_was() {
                resumed_write(rig::$transport().await).await;
            }
        }
    )* };
}

/// Whether a close ends both directions.
const BOTH: bool = true;
const ONE: bool = false;

suite! {
    mem: ONE;
    mem_pair: ONE;
    tcp: ONE;
    unix: ONE;
    ws: BOTH;
    tls: ONE;
    wss: BOTH;
    quic: ONE;
    stdio: ONE;
}

/// Bytes that tell where they belong.
fn pattern(seed: u32, bytes: usize) -> Vec<u8> {
    let mut state = u64::from(seed) + 1;
    let mut next = || {
        // xorshift: any sequence does that does not repeat soon.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    let mut out: Vec<u8> = (0..bytes.div_ceil(8)).flat_map(|_| next()).collect();
    out.truncate(bytes);
    out
}

async fn echo(mut ends: Ends) {
    for (seed, bytes) in [(1, 1), (2, 5), (3, 4096), (4, 4097), (5, 70_000), (6, 1)] {
        let sent = pattern(seed, bytes);
        let (there, got) = tokio::join!(
            write(ends.dialed.writer.as_mut(), sent.clone()),
            read_exactly(ends.accepted.reader.as_mut(), bytes),
        );
        there.expect("sent");
        let got = got.expect("arrived");
        assert!(got == sent);
        let (back, got) = tokio::join!(
            write(ends.accepted.writer.as_mut(), got),
            read_exactly(ends.dialed.reader.as_mut(), bytes),
        );
        back.expect("answered");
        let back = got.expect("came back");
        assert!(back == sent);
    }
}

async fn half_close(mut ends: Ends, closes_both: bool) {
    write(ends.accepted.writer.as_mut(), *b"before ").await.expect("sent");
    let sent = pattern(1, 60_000);
    write(ends.dialed.writer.as_mut(), sent.clone()).await.expect("sent");
    close(ends.dialed.writer.as_mut()).await.expect("closed");
    let late = write(ends.dialed.writer.as_mut(), *b"late").await;
    assert!(late.is_err(), "a direction that was closed takes nothing more");

    let got = read_to_end(ends.accepted.reader.as_mut()).await.expect("the end is no error");
    assert!(got == sent);
    let again = read(ends.accepted.reader.as_mut(), &mut BytesMut::new()).await;
    assert_eq!(again.expect("the end stays the end"), 0);

    let mut expected = b"before ".to_vec();
    if !closes_both {
        write(ends.accepted.writer.as_mut(), *b"after").await.expect("the other way is open");
        expected.extend_from_slice(b"after");
    }
    close(ends.accepted.writer.as_mut()).await.expect("closed");
    let got = read_to_end(ends.dialed.reader.as_mut()).await.expect("the end is no error");
    assert_eq!(got, expected);
}

const BULK_BYTES: usize = 8 << 20;

async fn bulk(ends: Ends) {
    let Ends { dialed, accepted, .. } = ends;
    let tasks = [
        tokio::spawn(send_bulk(dialed.writer, 1)),
        tokio::spawn(receive_bulk(accepted.reader, 1)),
        tokio::spawn(send_bulk(accepted.writer, 2)),
        tokio::spawn(receive_bulk(dialed.reader, 2)),
    ];
    // Both halves of both links live until all is done: dropping one early is another test.
    let mut halves = Vec::new();
    for task in tasks {
        halves.push(task.await.expect("no panic"));
    }
}

async fn send_bulk(mut writer: Box<dyn LinkWriter>, seed: u32) -> Box<dyn std::any::Any + Send> {
    let bytes = pattern(seed, BULK_BYTES);
    let (mut rest, mut size) = (bytes.as_slice(), 1_usize);
    while !rest.is_empty() {
        // Batches of every size from a few bytes to a full one.
        size = (size * 7 + 3) % (256 << 10) + 1;
        let (batch, more) = rest.split_at(size.min(rest.len()));
        write(writer.as_mut(), batch).await.expect("sent");
        rest = more;
    }
    Box::new(writer)
}

async fn receive_bulk(mut reader: Box<dyn LinkReader>, seed: u32) -> Box<dyn std::any::Any + Send> {
    let got = read_exactly(reader.as_mut(), BULK_BYTES).await.expect("arrived");
    assert!(got == pattern(seed, BULK_BYTES), "bytes changed on the way");
    Box::new(reader)
}

/// Bytes after which a writer must have noticed that nobody reads: more than a system buffers.
const BUFFERED_BYTES_MAX: usize = 32 << 20;

async fn notices(gone: &mut fluxar::transport::Link, stays: &mut fluxar::transport::Link) {
    write(gone.writer.as_mut(), *b"last words").await.expect("sent");
    let got = read_exactly(stays.reader.as_mut(), 10).await.expect("arrived");
    assert_eq!(got, b"last words"[..]);
    let (stub, _) = fluxar::transport::mem::pair();
    drop(std::mem::replace(gone, stub));

    let mut into = BytesMut::new();
    match read(stays.reader.as_mut(), &mut into).await {
        Ok(bytes) => assert_eq!(bytes, 0),
        Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset),
    }
    let mut written = 0;
    while write(stays.writer.as_mut(), vec![0; 64 << 10]).await.is_ok() {
        written += 64 << 10;
        assert!(written < BUFFERED_BYTES_MAX, "nobody is there, and it still takes bytes");
    }
}

async fn back_pressure(ends: Ends) {
    const BATCH_BYTES: usize = 64 << 10;
    let Ends { mut dialed, mut accepted, .. } = ends;
    let mut batch = Batch::default();
    let mut taken = 0;
    // Nobody reads: sooner or later the writer has to wait.
    let waits = poll_fn(|cx| {
        loop {
            if batch.is_empty() {
                batch.bytes.resize(BATCH_BYTES, 7);
            }
            match dialed.writer.poll_write(cx, &mut batch) {
                Poll::Pending => return Poll::Ready(true),
                Poll::Ready(Err(error)) => panic!("{error}"),
                Poll::Ready(Ok(())) => taken += BATCH_BYTES,
            }
            if taken >= BUFFERED_BYTES_MAX {
                return Poll::Ready(false);
            }
            // The task's budget is not what we are after.
            if taken % (16 * BATCH_BYTES) == 0 {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
        }
    });
    assert!(waits.await, "the link buffers more than {BUFFERED_BYTES_MAX} bytes");
    // Somebody reads: the batch that waited goes, and all of it has arrived in the end.
    let write_rest = async {
        poll_fn(|cx| dialed.writer.poll_write(cx, &mut batch)).await.expect("room again");
        close(dialed.writer.as_mut()).await.expect("closed");
    };
    let (got, ()) = tokio::join!(read_to_end(accepted.reader.as_mut()), write_rest);
    let got = got.expect("arrived");
    assert_eq!(got.len(), taken + BATCH_BYTES);
    assert!(got.iter().all(|byte| *byte == 7));
}

async fn resumed_write(ends: Ends) {
    let Ends { mut dialed, mut accepted, .. } = ends;
    let sent = pattern(9, 8 << 20);
    let mut received = BytesMut::new();
    for part in sent.chunks(1 << 20) {
        let mut batch = Batch { bytes: part.to_vec(), sent: 0 };
        // Each turn of the loop is a new future, as a `select!` makes them; either side may be
        // the one that can go on.
        loop {
            let turn = poll_fn(|cx| match dialed.writer.poll_write(cx, &mut batch) {
                Poll::Ready(done) => Poll::Ready(done.map(|()| true)),
                Poll::Pending => {
                    let came = accepted.reader.poll_read(cx, &mut received);
                    came.map_ok(|bytes| {
                        assert_ne!(bytes, 0, "the link ended");
                        false
                    })
                }
            });
            if turn.await.expect("sent and arrived") {
                break;
            }
        }
    }
    let rest = read_exactly(accepted.reader.as_mut(), sent.len() - received.len()).await;
    received.unsplit(rest.expect("arrived"));
    assert!(received == sent);
}

/// What a mem link does depends on nothing but the calls: no thread and no clock has a say.
#[tokio::test(start_paused = true)]
async fn mem_links_run_the_same_way_under_a_paused_clock() {
    let mut runs = Vec::new();
    for _ in 0..3 {
        let started = tokio::time::Instant::now();
        let Ends { mut dialed, mut accepted, .. } = rig::mem().await;
        let mut log = Vec::new();
        let send = async {
            for part in pattern(3, 500_000).chunks(33_333) {
                write(dialed.writer.as_mut(), part).await.expect("sent");
            }
            close(dialed.writer.as_mut()).await.expect("closed");
        };
        let receive = async {
            let mut into = BytesMut::new();
            while read(accepted.reader.as_mut(), &mut into).await.expect("arrives") > 0 {
                log.push(into.split().len());
            }
        };
        tokio::join!(send, receive);
        assert!(started.elapsed().is_zero(), "nothing waited for the clock");
        runs.push(log);
    }
    assert!(runs.windows(2).all(|two| two[0] == two[1]));
}
