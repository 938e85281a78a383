//! Calls and notifications.

use super::{User, connected, settle, soon};
use crate::config::Limits;
use crate::testing::pair;
use crate::{AppError, Code, Context, Error, Origin, Status};
use serde::{Deserialize, Serialize};
use std::convert::Infallible;
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn both_sides_call_each_other() {
    let pair = connected().await;
    pair.server.handle("math.double", |n: u32| async move { Ok::<_, Status>(n * 2) });
    pair.client.handle("math.triple", |n: u32| async move { Ok::<_, Infallible>(n * 3) });
    assert_eq!(pair.client.call::<_, u32>("math.double", &4).await, Ok(8));
    assert_eq!(pair.peer.call::<_, u32>("math.triple", &4).await, Ok(12));
}

#[tokio::test(start_paused = true)]
async fn a_handler_sees_its_context() {
    let pair = connected().await;
    pair.server.handle("who.am_i", |ctx: Context, (): ()| async move {
        let left = ctx.time_left().unwrap().as_millis() as u64;
        Ok::<_, Status>((ctx.target().to_owned(), ctx.meta("lang").map(str::to_owned), left))
    });
    let call = pair.client.request("who.am_i", &()).meta("lang", "eo");
    let seen: (String, Option<String>, u64) =
        call.timeout(Duration::from_secs(3)).send().await.unwrap();
    assert_eq!(seen, ("who.am_i".into(), Some("eo".into()), 3000));
}

#[tokio::test(start_paused = true)]
async fn bad_requests_get_their_codes_and_harm_nobody() {
    let pair = connected().await;
    pair.server.handle("users.add", |user: User| async move { Ok::<_, Status>(user.age) });
    pair.server.handle_stream(
        "users.all",
        |_: Context, (): (), _: crate::Streaming<u8>, _: crate::Sink<u8>| async {
            Ok::<_, Status>(())
        },
    );
    let code = |outcome: Result<u32, Status>| outcome.unwrap_err();
    let unknown = code(pair.client.call("users.nope", &1).await);
    assert_eq!((unknown.code(), unknown.origin()), (Code::Unimplemented, Origin::Peer));
    let wrong = code(pair.client.call("users.add", &("x", 1)).await);
    assert_eq!(wrong.code(), Code::InvalidArgument);
    let stream = code(pair.client.call("users.all", &()).await);
    assert!(stream.message().contains("stream"), "{stream}");
    let user = User { name: "x".into(), age: 7 };
    assert_eq!(pair.client.call::<_, u32>("users.add", &user).await, Ok(7));
    let answer = pair.client.call::<_, String>("users.add", &user).await.unwrap_err();
    assert_eq!((answer.code(), answer.origin()), (Code::Internal, Origin::Local));
}

#[tokio::test(start_paused = true)]
async fn a_panic_answers_internal_and_harms_nothing_else() {
    let pair = connected().await;
    pair.server
        .handle("bad.at_once", |_: u32| async { panic!("on purpose") as Result<u32, Status> });
    pair.server.handle("bad.later", |_: u32| async {
        tokio::task::yield_now().await;
        panic!("on purpose") as Result<u32, Status>
    });
    pair.server.handle("bad.before", |n: u32| {
        assert!(n > 100, "on purpose");
        async move { Ok::<_, Status>(n) }
    });
    for target in ["bad.at_once", "bad.later", "bad.before"] {
        let status = pair.client.call::<_, u32>(target, &1).await.unwrap_err();
        assert_eq!(status.code(), Code::Internal, "{target}");
        assert!(status.message().contains(target));
    }
    assert_eq!(pair.client.call::<_, u32>("bad.before", &101).await, Ok(101));
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Lookup {
    Missing { id: u32 },
}

impl AppError for Lookup {
    const NAME: &'static str = "test.Lookup";
    fn code(&self) -> Code {
        Code::NotFound
    }
    fn message(&self) -> String {
        "no such user".into()
    }
}

#[tokio::test(start_paused = true)]
async fn application_errors_arrive_with_their_type() {
    let pair = connected().await;
    pair.server.handle("users.get", |id: u32| async move { Err::<(), _>(Lookup::Missing { id }) });
    let call = crate::__rt::call::<_, (), Lookup>(&pair.client, "users.get", Some(&7));
    assert_eq!(call.await, Err(Error::App(Lookup::Missing { id: 7 })));
    let status = pair.client.call::<_, ()>("users.get", &7).await.unwrap_err();
    assert_eq!((status.code(), status.type_name()), (Code::NotFound, Some("test.Lookup")));
}

#[tokio::test(start_paused = true)]
async fn notifications_arrive_in_order_and_nobody_answers() {
    let pair = connected().await;
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    pair.server.handle("log.line", move |n: u32| {
        let sent = tell.send(n);
        async move { sent.map_err(|_| Status::new(Code::Internal, "test over")) }
    });
    for n in 0..100u32 {
        pair.client.notify("log.line", &n).await.unwrap();
    }
    pair.client.notify("log.nobody", &0).await.unwrap();
    for n in 0..100 {
        assert_eq!(soon(told.recv()).await, Some(n));
    }
    // What notifications hold is given back when their handlers end.
    settle().await;
    assert_eq!(pair.peer.shared.lock().engine.as_ref().unwrap().open_items(), 0);
}

/// Each side's handler calls the other until `n` is used up.
async fn ping_pong(limits: Limits, depth: u32) -> Result<u32, Status> {
    let same = limits.clone();
    let pair =
        pair().server(|s| s.limits(limits)).client(|c| c.limits(same)).build().await.unwrap();
    async fn down(ctx: Context, n: u32) -> Result<u32, Status> {
        if n == 0 {
            Ok(0)
        } else {
            Ok(1 + ctx.peer().call::<_, u32>("deep.down", &(n - 1)).await?)
        }
    }
    pair.server.handle("deep.down", down);
    pair.client.handle("deep.down", down);
    soon(pair.client.call("deep.down", &depth)).await
}

#[tokio::test(start_paused = true)]
async fn handlers_call_their_callers_to_the_nesting_limit() {
    let tight = Limits { outbox_soft_bytes: 1, calls_max: 33, ..Limits::default() };
    assert_eq!(ping_pong(tight.clone(), 63).await, Ok(63));
    let too_deep = ping_pong(tight, 100).await.unwrap_err();
    assert_eq!(too_deep.code(), Code::ResourceExhausted);
    let deep = Limits { hops_max: 1000, ..Limits::default() };
    assert_eq!(ping_pong(deep, 1000).await, Ok(1000));
}

#[tokio::test(start_paused = true)]
async fn nested_calls_never_wait_for_a_place_that_their_own_chain_holds() {
    let one = Limits { calls_max: 1, ..Limits::default() };
    assert_eq!(ping_pong(one.clone(), 1).await, Ok(1));
    let status = ping_pong(one, 2).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted, "{status}");
}

#[tokio::test(start_paused = true)]
async fn callers_queue_for_a_place_at_the_callee() {
    let one = Limits { calls_max: 1, ..Limits::default() };
    let pair = pair().server(|s| s.limits(one)).build().await.unwrap();
    pair.server.handle("slow.double", |n: u32| async move {
        tokio::time::sleep(Duration::from_millis(10)).await;
        Ok::<_, Status>(n * 2)
    });
    let calls = (0..50u32).map(|n| {
        let client = pair.client.clone();
        tokio::spawn(async move { client.call::<_, u32>("slow.double", &n).await })
    });
    for (n, call) in calls.collect::<Vec<_>>().into_iter().enumerate() {
        assert_eq!(soon(call).await.unwrap(), Ok(n as u32 * 2));
    }
}

#[tokio::test(start_paused = true)]
async fn large_answers_wait_for_the_link_and_arrive() {
    let pair = pair().capacity_bytes(4096).build().await.unwrap();
    pair.server.handle("blob.get", |n: usize| async move { Ok::<_, Status>("x".repeat(n)) });
    let calls = (0..64).map(|_| {
        let client = pair.client.clone();
        tokio::spawn(async move { client.call::<_, String>("blob.get", &200_000).await })
    });
    for call in calls.collect::<Vec<_>>() {
        assert_eq!(soon(call).await.unwrap().unwrap().len(), 200_000);
    }
}

#[tokio::test(start_paused = true)]
async fn deadlines_end_calls_on_both_sides_and_shrink_over_hops() {
    let pair = connected().await;
    let dropped = std::sync::Arc::new(tokio::sync::Notify::new());
    let seen = std::sync::Arc::clone(&dropped);
    pair.server.handle("slow.never", move |(): ()| {
        let held = super::DropFlag(seen.clone());
        async move {
            std::future::pending::<()>().await;
            drop(held);
            Ok::<_, Status>(())
        }
    });
    pair.server.handle("relay", |ctx: Context, (): ()| async move {
        ctx.peer().call::<_, u64>("left", &()).await
    });
    pair.client.handle("left", |ctx: Context, (): ()| async move {
        Ok::<_, Status>(ctx.time_left().unwrap().as_millis() as u64)
    });
    let call = pair.client.request::<_, ()>("slow.never", &());
    let status = call.timeout(Duration::from_millis(50)).send().await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
    soon(dropped.notified()).await;
    let call = pair.client.request::<_, u64>("relay", &()).timeout(Duration::from_millis(500));
    let left = call.send().await.unwrap();
    assert!((490..=500).contains(&left), "{left}");
}

#[tokio::test(start_paused = true)]
async fn waiting_for_a_place_ends_with_the_deadline() {
    let one = Limits { calls_max: 1, streams_max: 1, ..Limits::default() };
    let pair = pair().server(|s| s.limits(one)).build().await.unwrap();
    pair.server.handle("hang", |(): ()| std::future::pending::<Result<(), Status>>());
    pair.server.handle_stream(
        "hang.on",
        |_: Context, (): (), _: crate::Streaming<u8>, _: crate::Sink<u8>| {
            std::future::pending::<Result<(), Status>>()
        },
    );
    let _held = pair.client.stream::<_, u8, (), Status>("hang.on", &()).unwrap();
    let client = pair.client.clone();
    let first = tokio::spawn(async move { client.call::<_, ()>("hang", &()).await });
    settle().await;
    let after = Duration::from_millis(100);
    let before = tokio::time::Instant::now();
    let call = pair.client.request::<_, ()>("hang", &()).timeout(after).send().await;
    assert_eq!(call.unwrap_err().code(), Code::DeadlineExceeded);
    let stream = pair.client.stream_request::<_, u8, (), Status>("hang.on", &()).timeout(after);
    let ended = soon(stream.open().unwrap().finish()).await;
    assert_eq!(ended.unwrap_err().code(), Code::DeadlineExceeded);
    assert!(before.elapsed() < after * 3);
    first.abort();
}

#[tokio::test(start_paused = true)]
async fn credit_is_bounded_for_all_sessions_together() {
    let limits = crate::NodeLimits { credit_bytes_max: 600 << 10, ..Default::default() };
    let pair = pair().server(|s| s.node_limits(limits)).build().await.unwrap();
    pair.server.handle_stream(
        "sink",
        |_: Context, (): (), input: crate::Streaming<u8>, _: crate::Sink<u8>| async move {
            input.finish().await
        },
    );
    let open = || pair.client.open::<_, u8, (), (), Status>("sink", &()).unwrap();
    let (a, b, (_sink, refused)) = (open(), open(), open());
    let status = soon(refused.finish()).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted, "{status}");
    drop((a, b));
    settle().await;
    let (sink, answer) = open();
    sink.finish().unwrap();
    assert_eq!(soon(answer.finish()).await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn senseless_limits_are_refused() {
    let none = Limits { initial_credit: 0, ..Limits::default() };
    let client = crate::Client::connect("mem://x").limits(none.clone()).build().await;
    assert!(matches!(client, Err(crate::ConnectError::Limits(_))));
    let server = crate::Server::bind("mem://x").limits(none).build().await;
    assert!(matches!(server, Err(crate::BindError::Limits(_))));
}
