//! Credentials that end, and those that replace them.

use super::{DropFlag, settle, soon};
use crate::testing::{Pair, pair};
use crate::{
    Auth, AuthAttempt, Code, Context, Credential, Identity, Rights, Sink, Status, Streaming,
};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

const LIFE: Duration = Duration::from_secs(20);

/// Tokens of twenty seconds, each with a name of its own.
async fn ticking() -> Pair {
    let check = |attempt: AuthAttempt| async move {
        match attempt.credential {
            Credential::Bearer(name) if name == "slow" => std::future::pending().await,
            Credential::Bearer(name) => Ok(Identity::new(name, Rights::all()).valid_for(LIFE)),
            _ => Err(Status::new(Code::Unauthenticated, "a token is wanted")),
        }
    };
    let pair = pair().server(|s| s.authenticator(check)).client(|c| c.auth(Auth::bearer("a")));
    pair.build().await.unwrap()
}

/// [L4.auth.3]
#[tokio::test(start_paused = true)]
async fn an_expired_credential_stops_handlers_and_ends_streams_and_subscriptions() {
    let pair = ticking().await;
    let stopped = Arc::new(Notify::new());
    let flag = Arc::clone(&stopped);
    pair.server.handle("wait.here", move |(): ()| {
        let flag = DropFlag(Arc::clone(&flag));
        async move {
            let _flag = flag;
            std::future::pending::<Result<(), Status>>().await
        }
    });
    pair.server.handle_stream(
        "wait.there",
        |_: Context, (): (), _: Streaming<()>, _out: Sink<u8>| async move {
            std::future::pending::<Result<(), Status>>().await
        },
    );
    let mut events = pair.client.events("t.*").await.unwrap();
    let mut stream: Streaming<u8> = pair.client.stream("wait.there", &()).unwrap();
    let peer = pair.client.peer().clone();
    let call = tokio::spawn(async move { peer.call::<_, ()>("wait.here", &()).await });
    let started = tokio::time::Instant::now();
    soon(stopped.notified()).await;
    assert!(started.elapsed() <= LIFE);
    let over = soon(call).await.unwrap().unwrap_err();
    assert_eq!(over.code(), Code::Unauthenticated);
    let over = soon(stream.next()).await.unwrap().unwrap_err();
    assert_eq!(over.code(), Code::Unauthenticated);
    assert!(soon(events.next()).await.is_none());
    let refused = pair.client.call::<_, ()>("wait.here", &()).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
    assert_eq!(pair.peer.identity().rights, Rights::none());
    // The session has lived through it.
    soon(pair.client.reauthenticate(Auth::bearer("b"))).await.unwrap();
    settle().await;
    assert_eq!(pair.peer.identity().name, "b");
    pair.client.events("t.*").await.unwrap();
}

/// [L4.reauth.1]
#[tokio::test(start_paused = true)]
async fn a_refreshed_credential_keeps_everything_open() {
    let pair = ticking().await;
    pair.server.handle_stream(
        "tick.on",
        |_: Context, (): (), _: Streaming<()>, out: Sink<u32>| async move {
            for n in 0..100 {
                tokio::time::sleep(Duration::from_secs(1)).await;
                out.send(n).await?;
            }
            Ok::<_, Status>(())
        },
    );
    let mut ticks: Streaming<u32> = pair.client.stream("tick.on", &()).unwrap();
    for n in 0..100 {
        assert_eq!(soon(ticks.next()).await.unwrap().unwrap(), n);
        if n % 15 == 14 {
            let fresh = Auth::bearer(format!("after {n}"));
            soon(pair.client.reauthenticate(fresh)).await.unwrap();
        }
    }
    settle().await;
    assert_eq!(pair.peer.identity().name, "after 89");
}

/// [L4.reauth.3]
#[tokio::test(start_paused = true)]
async fn an_authenticator_that_hangs_is_given_up_and_the_session_goes_on() {
    let pair = ticking().await;
    let late = soon(pair.client.reauthenticate(Auth::bearer("slow"))).await.unwrap_err();
    assert_eq!(late.code(), Code::DeadlineExceeded);
    assert_eq!(pair.peer.identity().name, "a");
    soon(pair.client.reauthenticate(Auth::bearer("b"))).await.unwrap();
    drop(pair.client.reauthenticate(Auth::bearer("c")));
    pair.client.close().await;
    let gone = pair.client.reauthenticate(Auth::bearer("d")).await.unwrap_err();
    assert_eq!(gone.code(), Code::Unavailable);
}

/// `[L4.reauth.3]`: what an authenticator says too late of one offer welcomes no other.
#[tokio::test(start_paused = true)]
async fn a_late_decision_is_not_about_the_next_offer() {
    let gates = [Arc::new(Notify::new()), Arc::new(Notify::new())];
    let [admin, plain] = gates.clone();
    let check = move |attempt: AuthAttempt| {
        let (admin, plain) = (Arc::clone(&admin), Arc::clone(&plain));
        async move {
            let Credential::Bearer(name) = attempt.credential else {
                return Err(Status::new(Code::Unauthenticated, "a token is wanted"));
            };
            match name.as_str() {
                "admin" => admin.notified().await,
                "plain" => plain.notified().await,
                _ => {}
            }
            Ok(Identity::new(name, Rights::all()))
        }
    };
    let pair = pair().server(|s| s.authenticator(check)).client(|c| c.auth(Auth::bearer("a")));
    let pair = pair.build().await.unwrap();
    let late = soon(pair.client.reauthenticate(Auth::bearer("admin"))).await.unwrap_err();
    assert_eq!(late.code(), Code::DeadlineExceeded);
    let next = soon(pair.client.reauthenticate(Auth::bearer("plain")));
    let decided = async {
        settle().await;
        gates[0].notify_waiters();
        settle().await;
        assert_eq!(pair.peer.identity().name, "a");
        gates[1].notify_waiters();
    };
    let (next, ()) = tokio::join!(next, decided);
    next.unwrap();
    settle().await;
    assert_eq!(pair.peer.identity().name, "plain");
}
