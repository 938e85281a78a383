//! What calls with keys may hold at a node.

use super::resume::Cable;
use super::{settle, soon};
use crate::error::{Code, Status};
use crate::peer::{Server, State};
use crate::testing::{Direction, FaultyLink};
use bytes::Bytes;
use std::future::pending;
use std::sync::Arc;
use tokio::sync::Notify;
use tokio::task::JoinSet;

async fn hanging() -> Server {
    let server = Server::unbound().build().await.unwrap();
    server.handle("pay.never", |(): ()| pending::<Result<(), Status>>());
    server
}

/// `[L5.idempotent.4]`: whoever dials chooses its instance, so nameless peers share what one may
/// have: the handlers of calls with keys outlive the sessions that made them.
#[tokio::test(start_paused = true)]
async fn nameless_peers_have_one_share_of_keyed_calls() {
    let server = hanging().await;
    let cable = Cable::to(&server);
    let mut codes = Vec::new();
    for round in 0_u8..3 {
        let client = cable.client(|_| FaultyLink::new()).await;
        let mut calls = JoinSet::new();
        for n in 0_u16..500 {
            let [a, b] = n.to_be_bytes();
            let mut key = [round; 16];
            (key[0], key[1]) = (a, b);
            let request = client.request::<_, ()>("pay.never", &()).idempotency_key(key);
            calls.spawn(async move { request.send().await });
        }
        settle().await;
        soon(client.ping()).await.unwrap();
        settle().await;
        while let Some(done) = calls.try_join_next() {
            codes.push(done.unwrap().unwrap_err().code());
        }
        client.close().await;
    }
    let refused = codes.iter().filter(|code| **code == Code::ResourceExhausted).count();
    assert_eq!(refused, 3 * 500 - 1_024, "{codes:?}");
}

/// `[L5.idempotent.4]`: attempts that wait for one outcome are bounded.
#[tokio::test(start_paused = true)]
async fn attempts_at_one_key_are_bounded() {
    let server = hanging().await;
    let cable = Cable::to(&server);
    let client = cable.client(|_| FaultyLink::new()).await;
    let mut calls = JoinSet::new();
    for _ in 0..65 {
        let request = client.request::<_, ()>("pay.never", &()).idempotency_key([7; 16]);
        calls.spawn(async move { request.send().await });
    }
    let refused = soon(calls.join_next()).await.unwrap().unwrap().unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted);
    settle().await;
    assert!(calls.try_join_next().is_none(), "64 wait");
}

/// `[L5.idempotent.4]`: attempts that were given up, by their callers or with their sessions, take no
/// place, neither with the key nor among the calls of their session.
#[tokio::test(start_paused = true)]
async fn attempts_that_were_given_up_take_no_place() {
    let server = Server::unbound().resume(false).build().await.unwrap();
    let go = Arc::new(Notify::new());
    let gate = Arc::clone(&go);
    server.handle("pay.once", move |(): ()| {
        let gate = Arc::clone(&gate);
        async move {
            gate.notified().await;
            Ok::<_, Status>(7_u64)
        }
    });
    let cable = Cable::to(&server);
    let client = cable.client(|_| FaultyLink::new()).await;
    let attempts = || {
        let mut calls = JoinSet::new();
        for _ in 0..64 {
            let request = client.request::<_, u64>("pay.once", &()).idempotency_key([7; 16]);
            calls.spawn(async move { request.send().await });
        }
        calls
    };
    for _ in 0..20 {
        let mut calls = attempts();
        settle().await;
        assert!(calls.try_join_next().is_none(), "64 wait");
        calls.shutdown().await;
        settle().await;
    }
    let mut calls = attempts();
    settle().await;
    for _ in 0..2 {
        // Sent again over the next session, beside what the one before has left behind.
        cable.cut();
        soon(client.state_changed(State::Ready)).await;
        while client.state() != State::Ready {
            soon(client.state_changed(client.state())).await;
        }
        settle().await;
        assert!(calls.try_join_next().is_none(), "64 wait");
    }
    go.notify_waiters();
    while let Some(paid) = soon(calls.join_next()).await {
        assert_eq!(paid.unwrap().unwrap(), 7);
    }
}

/// `[L4.lost.1]`: `unavailable` says that nothing was sent. A keyed call of which one attempt was sent
/// does not end so when there is no other session, though the last attempt never left.
#[tokio::test(start_paused = true)]
async fn what_was_sent_once_stays_unknown_when_there_is_no_other_session() {
    let server = Server::unbound().resume(false).build().await.unwrap();
    server.handle("pay.never", |(): ()| pending::<Result<(), Status>>());
    let cable = Cable::to(&server);
    let one_link = |attempt| {
        let unusable = Direction::new().cut_after(0);
        if attempt == 0 { FaultyLink::new() } else { FaultyLink::new().sending(unusable) }
    };
    let client = cable.client(one_link).await;
    let request = client.request::<_, ()>("pay.never", &()).idempotent();
    let paid = tokio::spawn(async move { request.send().await });
    settle().await;
    cable.cut();
    soon(client.state_changed(State::Ready)).await;
    soon(client.close()).await;
    let failed = soon(paid).await.unwrap().unwrap_err();
    assert_eq!(failed.code(), Code::Indeterminate, "{failed}");
}

/// `[L5.idempotent.1]`: an error of the application's is the answer to all attempts, also one whose code
/// is that of what was never sent.
#[tokio::test(start_paused = true)]
async fn an_answer_over_another_session_is_not_taken_for_a_lost_one() {
    let server = Server::unbound().resume(false).build().await.unwrap();
    let go = Arc::new(Notify::new());
    let gate = Arc::clone(&go);
    server.handle("pay.down", move |(): ()| {
        let gate = Arc::clone(&gate);
        async move {
            gate.notified().await;
            let down = Status::new(Code::Unavailable, "the bank is closed: pay tomorrow");
            Err::<(), _>(down.with_details("shop.BankDown", Bytes::from_static(&[0xf6])))
        }
    });
    let cable = Cable::to(&server);
    let client = cable.client(|_| FaultyLink::new()).await;
    let request = client.request::<_, ()>("pay.down", &()).idempotent();
    let paid = tokio::spawn(async move { request.send().await });
    settle().await;
    cable.cut();
    soon(client.state_changed(State::Ready)).await;
    while client.state() != State::Ready {
        soon(client.state_changed(client.state())).await;
    }
    soon(client.ping()).await.unwrap();
    go.notify_one();
    let failed = soon(paid).await.unwrap().unwrap_err();
    assert_eq!(failed.type_name(), Some("shop.BankDown"), "{failed}");
}
