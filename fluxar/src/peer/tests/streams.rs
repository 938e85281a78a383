//! The four shapes, credit, and ends that come early.

use super::{connected, soon};
use crate::config::Limits;
use crate::testing::pair;
use crate::{Code, Context, Sink, Status, Streaming};
use futures_util::stream;

type Nothing = Streaming<()>;

#[tokio::test(start_paused = true)]
async fn server_stream() {
    let pair = connected().await;
    pair.server.handle_stream(
        "count.to",
        |_: Context, n: u32, _: Nothing, out: Sink<u32>| async move {
            for i in 0..n {
                out.send(i).await?;
            }
            Ok::<_, Status>(())
        },
    );
    let mut items: Streaming<u32> = pair.client.stream("count.to", &1000).unwrap();
    for i in 0..1000 {
        assert_eq!(soon(items.next()).await, Some(Ok(i)));
    }
    assert_eq!(items.next().await, None);
    items.finish().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn client_stream() {
    let pair = connected().await;
    pair.server.handle_stream(
        "sum",
        |_: Context, (): (), mut rows: Streaming<u64>, _: Sink<()>| async move {
            let mut sum = 0;
            while let Some(row) = rows.next().await {
                sum += row?;
            }
            Ok::<_, Status>(sum)
        },
    );
    let (sink, answer) = pair.client.open::<_, u64, (), u64, Status>("sum", &()).unwrap();
    for n in 0..100 {
        sink.send(n).await.unwrap();
    }
    sink.finish().unwrap();
    assert_eq!(soon(answer.finish()).await, Ok(4950));
    let call = pair.client.duplex_request::<_, u64, (), u64, Status>("sum", &());
    assert_eq!(soon(call.send_all(stream::iter(0..1000))).await, Ok(499_500));
    let (sink, answer) = pair.client.open::<_, u64, (), u64, Status>("sum", &()).unwrap();
    sink.send(1).await.unwrap();
    drop(sink);
    let half = soon(answer.finish()).await.unwrap_err();
    assert_eq!(half.code(), Code::Cancelled, "{half}");
}

#[tokio::test(start_paused = true)]
async fn both_ways() {
    let pair = connected().await;
    pair.server.handle_stream(
        "echo",
        |_: Context, (): (), mut turns: Streaming<String>, out: Sink<String>| async move {
            while let Some(turn) = turns.next().await {
                out.send(turn?.to_uppercase()).await?;
            }
            Ok::<_, Status>(())
        },
    );
    let (sink, mut answers) =
        pair.client.open::<_, String, String, (), Status>("echo", &()).unwrap();
    for word in ["a", "b", "c"] {
        sink.send(word.to_owned()).await.unwrap();
        assert_eq!(soon(answers.next()).await, Some(Ok(word.to_uppercase())));
    }
    sink.finish().unwrap();
    assert_eq!(soon(answers.next()).await, None);
}

#[tokio::test(start_paused = true)]
async fn stream_then_result_and_the_other_way_round() {
    let pair = connected().await;
    pair.client.handle_stream(
        "tell",
        |ctx: Context, n: usize, _: Nothing, out: Sink<String>| async move {
            let word: String = ctx.peer().call("word", &()).await?;
            for _ in 0..n {
                out.send(word.clone()).await?;
            }
            Ok::<_, Status>(n * word.len())
        },
    );
    pair.server.handle("word", |(): ()| async { Ok::<_, Status>("hi") });
    let mut items: Streaming<String, usize> = pair.peer.stream("tell", &3).unwrap();
    assert_eq!(soon(items.next()).await, Some(Ok("hi".into())));
    assert_eq!(soon(items.finish()).await, Ok(6));
}

#[tokio::test(start_paused = true)]
async fn errors_come_once_as_the_last_item() {
    let pair = connected().await;
    pair.server.handle_stream(
        "fail",
        |_: Context, (): (), _: Nothing, out: Sink<u32>| async move {
            out.send(1).await?;
            Err::<(), _>(Status::new(Code::DataLoss, "gone"))
        },
    );
    let mut items: Streaming<u32> = pair.client.stream("fail", &()).unwrap();
    assert_eq!(soon(items.next()).await, Some(Ok(1)));
    assert_eq!(soon(items.next()).await.unwrap().unwrap_err().code(), Code::DataLoss);
    assert_eq!(items.next().await, None);
    assert_eq!(items.status().unwrap().code(), Code::DataLoss);
    let mut none: Streaming<u32> = pair.client.stream("nobody", &()).unwrap();
    assert_eq!(soon(none.next()).await.unwrap().unwrap_err().code(), Code::Unimplemented);
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_holds_the_sender_back() {
    let pair = connected().await;
    let sent = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = std::sync::Arc::clone(&sent);
    pair.server.handle_stream("flood", move |_: Context, (): (), _: Nothing, out: Sink<String>| {
        let count = std::sync::Arc::clone(&count);
        async move {
            for _ in 0..4096 {
                out.send("x".repeat(1000)).await?;
                count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            }
            Ok::<_, Status>(())
        }
    });
    let mut items: Streaming<String> = pair.client.stream("flood", &()).unwrap();
    super::settle().await;
    let window = Limits::default().initial_credit as usize / 1000 + 2;
    let early = sent.load(std::sync::atomic::Ordering::Relaxed);
    assert!(early > 0 && early <= window, "{early} of {window}");
    let mut seen = 0;
    while let Some(item) = soon(items.next()).await {
        item.unwrap();
        seen += 1;
    }
    assert_eq!(seen, 4096);
}

#[tokio::test(start_paused = true)]
async fn a_pump_sends_everything_in_order() {
    let pair = pair().capacity_bytes(4096).build().await.unwrap();
    let mut routes = crate::Routes::new();
    routes.stream("pumped", |_, _, _, out| crate::__rt::pump_all(stream::iter(0..20_000u32), out));
    routes.stream("broken", |_, _, _, out| {
        let items = [Ok(1u32), Err(Status::new(Code::Aborted, "here")), Ok(2)];
        crate::__rt::pump(stream::iter(items), out)
    });
    pair.server.serve(routes);
    let mut items: Streaming<u32> = pair.client.stream("pumped", &()).unwrap();
    for i in 0..20_000 {
        assert_eq!(soon(items.next()).await, Some(Ok(i)));
    }
    assert_eq!(items.next().await, None);
    let mut items: Streaming<u32> = pair.client.stream("broken", &()).unwrap();
    assert_eq!(soon(items.next()).await, Some(Ok(1)));
    assert_eq!(soon(items.next()).await.unwrap().unwrap_err().code(), Code::Aborted);
}

#[tokio::test(start_paused = true)]
async fn streams_open_later_when_the_peer_has_as_many_as_it_takes() {
    let one = Limits { streams_max: 1, ..Limits::default() };
    let pair = pair().server(|s| s.limits(one)).build().await.unwrap();
    pair.server.handle_stream(
        "echo",
        |_: Context, n: u32, mut input: Streaming<u32>, out: Sink<u32>| async move {
            out.send(n).await?;
            while let Some(item) = input.next().await {
                out.send(item?).await?;
            }
            Ok::<_, Status>(())
        },
    );
    let mut all = Vec::new();
    for n in 0..10u32 {
        let (sink, items) = pair.client.open::<_, u32, u32, (), Status>("echo", &n).unwrap();
        if n % 2 == 1 {
            // Said before it is open, and not lost.
            sink.finish().unwrap();
            all.push((n, None, items));
        } else {
            all.push((n, Some(sink), items));
        }
    }
    for (n, sink, mut items) in all {
        assert_eq!(soon(items.next()).await, Some(Ok(n)));
        if let Some(sink) = sink {
            sink.send(100 + n).await.unwrap();
            sink.finish().unwrap();
            assert_eq!(soon(items.next()).await, Some(Ok(100 + n)));
        }
        assert_eq!(soon(items.next()).await, None);
    }
}
