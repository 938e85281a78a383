//! Topics, from both sides.

use super::{User, connected, settle, soon};
use crate::{Code, PublishOptions, SubscribeWith};
use tokio::sync::mpsc;

#[tokio::test(start_paused = true)]
async fn handlers_and_events_get_what_is_published() {
    let pair = connected().await;
    let (tell, mut told) = mpsc::unbounded_channel();
    let handle = pair
        .client
        .subscribe("orders.created", move |msg| {
            let sent = tell.send((msg.topic().to_owned(), msg.payload::<User>().unwrap()));
            async move { sent.unwrap() }
        })
        .await
        .unwrap();
    let mut wild = pair.client.events("orders.>").await.unwrap();
    let mut local = pair.server.events("orders.*").unwrap();
    let user = User { name: "x".into(), age: 1 };
    pair.server.publish("orders.created", &user).unwrap();
    assert_eq!(soon(told.recv()).await, Some(("orders.created".into(), user.clone())));
    let seen = soon(wild.next()).await.unwrap();
    assert_eq!((seen.topic(), seen.payload::<User>().unwrap()), ("orders.created", user.clone()));
    assert_eq!(soon(local.next()).await.unwrap().topic(), "orders.created");
    // The peer publishes, and everybody gets it, the publisher too.
    pair.client.publish("orders.deleted", &7).await.unwrap();
    assert_eq!(soon(wild.next()).await.unwrap().payload::<u32>(), Ok(7));
    assert_eq!(soon(local.next()).await.unwrap().payload::<u32>(), Ok(7));
    handle.unsubscribe();
    assert_eq!(soon(handle.closed()).await, None);
    drop(wild);
    settle().await;
    assert_eq!(pair.peer.shared.lock().engine.as_ref().unwrap().open_items(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_acceptor_subscribes_at_a_dialer() {
    let pair = connected().await;
    let mut events = pair.peer.events("mood").await.unwrap();
    pair.client.publish_local("mood", &"good").unwrap();
    assert_eq!(soon(events.next()).await.unwrap().payload::<String>(), Ok("good".into()));
}

#[tokio::test(start_paused = true)]
async fn retained_values_come_first() {
    let pair = connected().await;
    let retain = PublishOptions::new().retain(true);
    pair.server.publish_with("state.a", &1, &retain).unwrap();
    pair.client.publish_with("state.b", &2, &retain).await.unwrap();
    pair.client.ping().await.unwrap();
    let mut events = pair.client.events("state.*").await.unwrap();
    for n in [1, 2] {
        let message = soon(events.next()).await.unwrap();
        assert!(message.retained());
        assert_eq!(message.payload::<u32>(), Ok(n));
    }
    pair.server.publish("state.a", &3).unwrap();
    assert!(!soon(events.next()).await.unwrap().retained());
    pair.client.clear_retained("state.b").await.unwrap();
    pair.client.ping().await.unwrap();
    let mut again = pair.server.events("state.*").unwrap();
    assert_eq!(soon(again.next()).await.unwrap().topic(), "state.a");
    pair.server.publish("state.z", &0).unwrap();
    assert_eq!(soon(again.next()).await.unwrap().topic(), "state.z");
}

#[tokio::test(start_paused = true)]
async fn a_group_shares_events() {
    let pair = connected().await;
    let with = || SubscribeWith::new().group("workers");
    let mut a = pair.client.events_with("jobs", with()).await.unwrap();
    let mut b = pair.server.events_with("jobs", &with()).unwrap();
    for n in 0..10 {
        pair.server.publish("jobs", &n).unwrap();
    }
    let mut seen = Vec::new();
    for _ in 0..5 {
        seen.push(soon(a.next()).await.unwrap().payload::<u32>().unwrap());
        seen.push(soon(b.next()).await.unwrap().payload::<u32>().unwrap());
    }
    seen.sort_unstable();
    assert_eq!(seen, (0..10).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn a_slow_subscriber_loses_the_oldest_and_is_told() {
    let pair = connected().await;
    let mut slow = pair.client.events("flood").await.unwrap();
    let mut local = pair.server.events("flood").unwrap();
    for n in 0..4000u32 {
        pair.server.publish("flood", &(n, "x".repeat(1000))).unwrap();
    }
    for events in [&mut slow, &mut local] {
        let (mut seen, mut dropped, mut last) = (0, 0, None);
        while last != Some(3999) {
            let message = soon(events.next()).await.unwrap();
            let (n, _) = message.payload::<(u32, String)>().unwrap();
            assert!(last < Some(n), "in order");
            (seen, dropped, last) = (seen + 1, dropped + message.dropped(), Some(n));
        }
        assert!(dropped > 0);
        assert_eq!(seen + dropped, 4000);
    }
}

#[tokio::test(start_paused = true)]
async fn small_events_never_starve_a_subscriber_that_keeps_up() {
    let pair = connected().await;
    let mut events = pair.client.events("tick").await.unwrap();
    // Far more than one window of them.
    for n in 0..30_000u32 {
        pair.server.publish("tick", &n).unwrap();
        let message = soon(events.next()).await.unwrap();
        assert_eq!((message.payload::<u32>(), message.dropped()), (Ok(n), 0));
    }
}

#[tokio::test(start_paused = true)]
async fn bad_patterns_and_topics_are_refused() {
    let pair = connected().await;
    let bad = pair.client.events("a..b").await.unwrap_err();
    assert_eq!(bad.code(), Code::InvalidArgument);
    assert_eq!(pair.client.publish("a.*", &1).await.unwrap_err().code(), Code::InvalidArgument);
    assert_eq!(pair.server.publish("", &1).unwrap_err().code(), Code::InvalidArgument);
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_panics_gets_the_next_event() {
    let pair = connected().await;
    let (tell, mut told) = mpsc::unbounded_channel();
    let handler = move |msg: crate::Message| {
        let tell = tell.clone();
        async move {
            let n: u32 = msg.payload().unwrap();
            assert_ne!(n, 1, "on purpose");
            tell.send(n).unwrap();
        }
    };
    let _handle = pair.client.subscribe("n", handler).await.unwrap();
    for n in 0..3 {
        pair.server.publish("n", &n).unwrap();
    }
    assert_eq!(soon(told.recv()).await, Some(0));
    assert_eq!(soon(told.recv()).await, Some(2));
}

/// `[L5.carry.1]`, `[X.carry.1]`: what a publisher says beside its event reaches everybody who gets that, whoever
/// publishes and whoever subscribes, and comes with a value that was kept.
#[tokio::test(start_paused = true)]
async fn meta_of_an_event_reaches_its_subscribers() {
    let pair = connected().await;
    let mut near = pair.server.events("a.*").unwrap();
    let mut far = pair.client.events("a.*").await.unwrap();
    let options = PublishOptions::new().meta("trace", "7").meta("by", "ann");
    pair.client.publish_with("a.b", &1, &options).await.unwrap();
    pair.client.ping().await.unwrap();
    pair.server.publish_with("a.c", &2, &options.clone().retain(true)).unwrap();
    pair.server.publish("a.d", &3).unwrap();
    for events in [&mut near, &mut far] {
        for wanted in [Some("7"), Some("7"), None] {
            let message = soon(events.next()).await.unwrap();
            assert_eq!(message.meta("trace"), wanted, "{}", message.topic());
            assert_eq!(message.meta("by").is_some(), wanted.is_some());
            assert_eq!(message.meta("other"), None);
        }
    }
    let mut later = pair.client.events("a.c").await.unwrap();
    let kept = soon(later.next()).await.unwrap();
    assert_eq!((kept.retained(), kept.meta("trace")), (true, Some("7")));
    let too_much = PublishOptions::new().meta("k", "v".repeat(8_000));
    let refused = pair.client.publish_with("a.b", &1, &too_much).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    let refused = pair.server.publish_with("a.b", &1, &too_much).unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
}

/// `[L5.retain.3]`: what is kept stays, and a new value is delivered all the same.
#[tokio::test(start_paused = true)]
async fn a_value_for_which_there_is_no_room_is_delivered() {
    let pair = connected().await;
    let keep = PublishOptions::new().retain(true);
    for n in 0..10_000 {
        pair.server.publish_with(&format!("t.{n}"), &n, &keep).unwrap();
    }
    let mut events = pair.client.events("late.*").await.unwrap();
    let refused = pair.server.publish_with("late.a", &1, &keep).unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted);
    // A peer's publication is nobody's to answer.
    pair.client.publish_with("late.b", &2, &keep).await.unwrap();
    for n in [1, 2] {
        assert_eq!(soon(events.next()).await.unwrap().payload::<u32>(), Ok(n));
    }
    let mut kept = pair.client.events("*.*").await.unwrap();
    let first = soon(kept.next()).await.unwrap();
    assert!(first.retained() && first.topic().starts_with("t."), "{}", first.topic());
    // Where one goes there is room again, which is no reason to fill the log.
    pair.client.clear_retained("t.5").await.unwrap();
    pair.client.ping().await.unwrap();
    pair.server.publish_with("late.a", &3, &keep).unwrap();
    let hub = &pair.peer.shared.node.hub;
    assert!(hub.told_full());
    for n in 0..5_100 {
        pair.client.clear_retained(&format!("t.{n}")).await.unwrap();
    }
    pair.client.ping().await.unwrap();
    assert!(!hub.told_full(), "the next time is another one");
}
