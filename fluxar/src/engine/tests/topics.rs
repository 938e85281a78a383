//! Subscriptions and events: grants, credit, queues, policies, rights.

use super::pair::Pair;
use super::raw::{CANCEL, EVENT, Raw, SUBSCRIBE, end, frames, map, text, uint};
use crate::config::Limits;
use crate::engine::event::{Delivered, Event, Overflow, PublishOptions, Refusal, SubscribeOptions};
use crate::engine::session::auth::{Identity, Rights};
use crate::error::{Code, Status};
use bytes::Bytes;

/// What an event costs beside its bytes.
const OVERHEAD: u32 = 32;

fn asked(overflow: Overflow, credit: u32) -> SubscribeOptions {
    SubscribeOptions { overflow, credit: Some(credit), ..SubscribeOptions::default() }
}

/// A subscription of the dialer's, granted.
fn subscribe(pair: &mut Pair, pattern: &str, options: &SubscribeOptions) -> u64 {
    let id = pair.dialer.engine.subscribe(pair.now, pattern, options).expect("room");
    pair.run();
    let events = pair.acceptor.take();
    assert!(matches!(&events[..], [Event::Subscribe { id: seen, pattern: asked, options: heard }]
        if (*seen, asked.as_str(), heard.overflow) == (id, pattern, options.overflow)));
    pair.acceptor.engine.grant(pair.now, id);
    pair.run();
    assert!(matches!(pair.dialer.take()[..], [Event::Granted { id: granted }] if granted == id));
    id
}

fn deliver(pair: &mut Pair, id: u64, topic: &str, payload: &'static [u8]) -> Delivered {
    let payload = Bytes::from_static(payload);
    pair.acceptor.engine.deliver(pair.now, id, topic, &payload, &PublishOptions::new())
}

/// Payload, topic and drops of each delivery.
fn deliveries(pair: &mut Pair) -> Vec<(Bytes, Option<String>, u64)> {
    pair.run();
    let delivery = |event| match event {
        Event::Delivery { payload, topic, dropped, .. } => {
            (payload, topic.map(|topic| topic.to_string()), dropped)
        }
        other => panic!("{other:?}"),
    };
    pair.dialer.take().into_iter().map(delivery).collect()
}

fn payloads(pair: &mut Pair) -> Vec<(Bytes, u64)> {
    deliveries(pair).into_iter().map(|(payload, _, dropped)| (payload, dropped)).collect()
}

fn bounded(queue: u32) -> Pair {
    let limits = Limits { subscription_bytes_max: queue, ..Limits::default() };
    Pair::with(Limits::default(), limits, Identity::anonymous())
}

/// Takes the one event that credit let through, and gives the credit back.
fn catch_up(pair: &mut Pair, id: u64) -> Vec<(Bytes, u64)> {
    let mut all = Vec::new();
    loop {
        let heard = payloads(pair);
        if heard.is_empty() {
            return all;
        }
        for (payload, _) in &heard {
            pair.dialer.engine.consumed(pair.now, id, payload.len());
        }
        all.extend(heard);
    }
}

/// `[L5.topic.3]`: the topic is left out exactly when the pattern is the topic.
#[test]
fn deliveries_name_their_topic() {
    let mut pair = Pair::ready();
    let exact = subscribe(&mut pair, "a.b", &SubscribeOptions::default());
    let wide = subscribe(&mut pair, "a.*", &SubscribeOptions::default());
    assert_eq!(deliver(&mut pair, exact, "a.b", b"x"), Delivered::Queued);
    assert_eq!(deliver(&mut pair, wide, "a.c", b"y"), Delivered::Queued);
    let heard = deliveries(&mut pair);
    assert_eq!(heard[0], (Bytes::from_static(b"x"), None, 0));
    assert_eq!(heard[1], (Bytes::from_static(b"y"), Some("a.c".to_owned()), 0));
    assert_eq!(deliver(&mut pair, 999, "a.b", b"x"), Delivered::Gone);
}

/// `[L5.topic.1]`: what is delivered before the grant waits for it.
#[test]
fn nothing_comes_before_the_grant() {
    let mut pair = Pair::ready();
    let options = SubscribeOptions::default();
    let id = pair.dialer.engine.subscribe(pair.now, "a.b", &options).expect("room");
    pair.run();
    pair.acceptor.take();
    deliver(&mut pair, id, "a.b", b"early");
    pair.run();
    assert!(pair.dialer.take().is_empty());
    pair.acceptor.engine.grant(pair.now, id);
    pair.acceptor.engine.grant(pair.now, id);
    pair.run();
    let events = pair.dialer.take();
    assert!(matches!(events[..], [Event::Granted { .. }, Event::Delivery { .. }]), "{events:?}");
}

/// `[L5.retain.2]`: a retained value says that it is one, also when it had to wait.
#[test]
fn retained_values_are_marked() {
    let mut pair = Pair::ready();
    let id = subscribe(&mut pair, "a.b", &asked(Overflow::DropOldest, 1));
    let (kept, now) = (Bytes::from_static(b"kept"), pair.now);
    for retained in [true, true, true, false] {
        pair.acceptor.engine.deliver(
            now,
            id,
            "a.b",
            &kept,
            &PublishOptions::new().retain(retained),
        );
    }
    let mut marks = Vec::new();
    for _ in 0..4 {
        pair.run();
        for event in pair.dialer.take() {
            let Event::Delivery { retained, .. } = event else { panic!("{event:?}") };
            marks.push(retained);
            pair.dialer.engine.consumed(pair.now, id, kept.len());
        }
    }
    assert_eq!(marks, [true, true, true, false]);
}

/// `[L5.credit.1]`, `[L5.credit.4]` for events: what has no credit waits, in order.
#[test]
fn events_wait_for_credit() {
    let mut pair = Pair::ready();
    let id = subscribe(&mut pair, "a.b", &asked(Overflow::DropOldest, OVERHEAD + 3));
    for payload in [&b"one"[..], b"two", b"three"] {
        assert_eq!(deliver(&mut pair, id, "a.b", payload), Delivered::Queued);
    }
    assert_eq!(payloads(&mut pair), [(Bytes::from_static(b"one"), 0)]);
    assert_eq!(payloads(&mut pair), [], "no credit, no event");
    pair.dialer.engine.consumed(pair.now, id, 3);
    assert_eq!(payloads(&mut pair), [(Bytes::from_static(b"two"), 0)]);
    pair.dialer.engine.consumed(pair.now, id, 3);
    assert_eq!(payloads(&mut pair), [(Bytes::from_static(b"three"), 0)]);
}

/// `[L5.overflow.1]`: the oldest make room, and the next delivery says how many.
#[test]
fn drop_oldest() {
    // Room for three: 64 bytes of bookkeeping, 3 of topic, 1 of payload each.
    let mut pair = bounded(3 * 68);
    let id = subscribe(&mut pair, "a.b", &asked(Overflow::DropOldest, 1));
    for (payload, outcome) in [
        (&b"1"[..], Delivered::Queued),
        (b"2", Delivered::Queued),
        (b"3", Delivered::Queued),
        (b"4", Delivered::Queued),
        (b"5", Delivered::Dropped),
        (b"6", Delivered::Dropped),
    ] {
        assert_eq!(deliver(&mut pair, id, "a.b", payload), outcome);
    }
    let heard = catch_up(&mut pair, id);
    let expected = [(&b"1"[..], 0), (b"4", 2), (b"5", 0), (b"6", 0)];
    assert_eq!(heard, expected.map(|(payload, dropped)| (Bytes::from_static(payload), dropped)));
}

/// `[L5.overflow.1]`: the newest are dropped, and the count is not lost on the way.
#[test]
fn drop_newest() {
    let mut pair = bounded(2 * 68);
    let id = subscribe(&mut pair, "a.b", &asked(Overflow::DropNewest, 1));
    for (payload, outcome) in [
        (&b"1"[..], Delivered::Queued),
        (b"2", Delivered::Queued),
        (b"3", Delivered::Queued),
        (b"4", Delivered::Dropped),
        (b"5", Delivered::Dropped),
    ] {
        assert_eq!(deliver(&mut pair, id, "a.b", payload), outcome);
    }
    let heard = catch_up(&mut pair, id);
    let expected = [(&b"1"[..], 0), (b"2", 2), (b"3", 0)];
    assert_eq!(heard, expected.map(|(payload, dropped)| (Bytes::from_static(payload), dropped)));
}

/// `[L5.overflow.1]`: only the newest waits.
#[test]
fn latest() {
    let mut pair = bounded(1_000);
    let id = subscribe(&mut pair, "a.b", &asked(Overflow::Latest, 1));
    for (payload, outcome) in [
        (&b"1"[..], Delivered::Queued),
        (b"2", Delivered::Queued),
        (b"3", Delivered::Dropped),
        (b"4", Delivered::Dropped),
    ] {
        assert_eq!(deliver(&mut pair, id, "a.b", payload), outcome);
    }
    let heard = catch_up(&mut pair, id);
    let expected = [(&b"1"[..], 0), (b"4", 2)];
    assert_eq!(heard, expected.map(|(payload, dropped)| (Bytes::from_static(payload), dropped)));
}

/// `[L5.overflow.1]`: one that wants to be cut off is, and both sides know.
#[test]
fn disconnect() {
    let mut pair = bounded(68);
    let id = subscribe(&mut pair, "a.*", &asked(Overflow::Disconnect, 1));
    assert_eq!(deliver(&mut pair, id, "a.b", b"1"), Delivered::Queued);
    assert_eq!(deliver(&mut pair, id, "a.b", b"2"), Delivered::Queued);
    assert_eq!(deliver(&mut pair, id, "a.b", b"3"), Delivered::Gone);
    assert!(matches!(pair.acceptor.take()[..], [Event::Unsubscribed { id: gone }] if gone == id));
    pair.run();
    let events = pair.dialer.take();
    assert!(
        matches!(&events[..], [Event::Delivery { .. }, Event::SubscriptionEnd { status: Some(status), .. }]
            if status.code() == Code::ResourceExhausted),
        "{events:?}"
    );
    assert_eq!(pair.dialer.engine.open_items() + pair.acceptor.engine.open_items(), 0);
    assert_eq!(pair.acceptor.engine.subscriptions.wildcards(), 0);
}

/// `[L5.overflow.2]`: one that takes nothing delays no other.
#[test]
fn a_slow_one_delays_nobody() {
    let mut pair = Pair::ready();
    let slow = subscribe(&mut pair, "a.b", &asked(Overflow::DropOldest, 1));
    let fast = subscribe(&mut pair, "a.b", &SubscribeOptions::default());
    for _ in 0..100 {
        deliver(&mut pair, slow, "a.b", b"x");
        deliver(&mut pair, fast, "a.b", b"x");
    }
    pair.run();
    let to_fast = |event: &Event| matches!(event, Event::Delivery { id, .. } if *id == fast);
    assert_eq!(pair.dialer.take().iter().filter(|event| to_fast(event)).count(), 100);
}

/// `[L4.bound.2]`: while the link takes nothing events wait in their queues, not in the outbox; and
/// go on when it does.
#[test]
fn a_full_outbox_holds_events_back() {
    let limits = Limits { outbox_soft_bytes: 1_000, ..Limits::default() };
    let mut pair = Pair::with(Limits::default(), limits, Identity::anonymous());
    let id = subscribe(&mut pair, "a.b", &SubscribeOptions::default());
    for _ in 0..1_000 {
        assert_eq!(deliver(&mut pair, id, "a.b", b"0123456789"), Delivered::Queued);
    }
    assert!(pair.acceptor.engine.outbox_bytes() < 1_100);
    let heard = payloads(&mut pair);
    assert_eq!(heard.len(), 1_000);
    assert!(heard.iter().all(|(_, dropped)| *dropped == 0));
}

/// `[L5.topic.5]`: after giving up nothing more is delivered, and the end comes once.
#[test]
fn unsubscribing() {
    let mut pair = Pair::ready();
    let id = subscribe(&mut pair, "a.b", &SubscribeOptions::default());
    deliver(&mut pair, id, "a.b", b"under way");
    let kept = Bytes::from_static(b"kept");
    pair.acceptor.engine.deliver(pair.now, id, "a.b", &kept, &PublishOptions::new().retain(true));
    pair.dialer.engine.unsubscribe(pair.now, id);
    pair.dialer.engine.unsubscribe(pair.now, id);
    let asked = pair.dialer.transmit();
    assert_eq!(asked, Raw::of(CANCEL).reference(id).frame());
    pair.run();
    assert!(pair.dialer.take().is_empty(), "we gave up before it came");
    pair.reach_acceptor(&asked);
    assert!(matches!(pair.acceptor.take()[..], [Event::Unsubscribed { .. }]));
    assert_eq!(deliver(&mut pair, id, "a.b", b"late"), Delivered::Gone);
    pair.run();
    let events = pair.dialer.take();
    assert!(matches!(events[..], [Event::SubscriptionEnd { status: None, .. }]), "{events:?}");
    assert_eq!(pair.dialer.engine.open_items() + pair.acceptor.engine.open_items(), 0);
}

/// `[L5.topic.1]`, `[L5.topic.5]`: a refusal, and an end from the publisher's side.
#[test]
fn refused_and_ended() {
    let mut pair = Pair::ready();
    let options = SubscribeOptions::default();
    let refused = pair.dialer.engine.subscribe(pair.now, "a.b", &options).expect("room");
    pair.run();
    let status = Status::new(Code::NotFound, "no such topic");
    pair.acceptor.engine.refuse_subscription(pair.now, refused, &status);
    pair.run();
    let over = |event: &Event| {
        matches!(event, Event::SubscriptionEnd { status: Some(status), .. }
            if status.code() == Code::NotFound)
    };
    assert!(matches!(&pair.dialer.take()[..], [event] if over(event)));
    pair.acceptor.take();
    let ended = subscribe(&mut pair, "a.b", &options);
    deliver(&mut pair, ended, "a.b", b"last");
    pair.acceptor.engine.end_subscription(pair.now, ended, &status);
    pair.run();
    let events = pair.dialer.take();
    assert!(matches!(&events[..], [Event::Delivery { .. }, event] if over(event)), "{events:?}");
}

/// `[L4.rights.3]`: rights are checked when it subscribes, and for each topic again.
#[test]
fn rights_at_delivery() {
    let rights = Rights::none().subscribe("a.b").subscribe("c.*");
    let identity = Identity::new("reader", rights);
    let mut pair = Pair::with(Limits::default(), Limits::default(), identity);
    let options = SubscribeOptions::default();
    for pattern in ["a.*", ">", "c.>", "b"] {
        let id = pair.dialer.engine.subscribe(pair.now, pattern, &options).expect("room");
        pair.run();
        let events = pair.dialer.take();
        assert!(
            matches!(&events[..], [Event::SubscriptionEnd { id: refused, status: Some(status) }]
                if *refused == id && status.code() == Code::PermissionDenied),
            "{pattern}: {events:?}"
        );
        assert!(pair.acceptor.take().is_empty(), "nobody else is asked");
    }
    let id = subscribe(&mut pair, "c.*", &options);
    assert_eq!(deliver(&mut pair, id, "c.x", b"seen"), Delivered::Queued);
    assert_eq!(deliver(&mut pair, id, "x.y", b"secret"), Delivered::Dropped);
    assert_eq!(payloads(&mut pair).len(), 1);
}

/// `[L5.topic.6]`: wildcards and subscriptions are bounded, and places come back.
#[test]
fn subscriptions_are_bounded() {
    let limits = Limits { subscriptions_max: 3, wildcards_max: 1, ..Limits::default() };
    let mut pair = Pair::with(Limits::default(), limits, Identity::anonymous());
    let options = SubscribeOptions::default();
    let wide = subscribe(&mut pair, "a.>", &options);
    pair.dialer.engine.subscribe(pair.now, "*.b", &options).expect("the peer decides");
    pair.run();
    let events = pair.dialer.take();
    assert!(
        matches!(&events[..], [Event::SubscriptionEnd { status: Some(status), .. }]
            if status.code() == Code::ResourceExhausted && status.message().contains("[L5.topic.6]")),
        "{events:?}"
    );
    subscribe(&mut pair, "a.b", &options);
    subscribe(&mut pair, "a.c", &options);
    let fourth = pair.dialer.engine.subscribe(pair.now, "a.d", &options);
    assert!(
        matches!(fourth, Err(Refusal::Status(status)) if status.code() == Code::ResourceExhausted)
    );
    pair.reach_acceptor(&Raw::of(SUBSCRIBE).id(101).target("a.d").frame());
    let refusal = frames(&pair.acceptor.transmit());
    assert!(String::from_utf8_lossy(&refusal[0].2).contains("[L5.topic.6]"));
    let mut pair = Pair::ready();
    let again = subscribe(&mut pair, "a.>", &options);
    pair.dialer.engine.unsubscribe(pair.now, again);
    pair.run();
    assert_eq!(pair.acceptor.engine.subscriptions.wildcards(), 0);
    assert!(wide > 0);
}

/// `[L5.topic.4]`, `[L3.event.1]`: publications arrive in order, large ones among small ones.
#[test]
fn publications_keep_their_order() {
    let mut pair = Pair::ready();
    let large = vec![3; 50_000];
    let options = PublishOptions::new().retain(true);
    for payload in [&b"1"[..], &large, b"2"] {
        pair.dialer.engine.publish(pair.now, "a.b", payload, &options).expect("room");
    }
    pair.run();
    let published = |event: &Event| match event {
        Event::Publish { payload, options, topic } => {
            assert!(options.retain && topic.as_str() == "a.b");
            payload.len()
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(pair.acceptor.take().iter().map(published).collect::<Vec<_>>(), [1, 50_000, 1]);
}

/// `[L3.target.2]`: what is no topic or pattern is refused here, and refused or dropped there.
#[test]
fn malformed_topics() {
    let mut pair = Pair::ready();
    let deep = vec!["x"; 17].join(".");
    for bad in ["", ".", "a..b", "a.", "a.b*", "a.>.b", "a b", &deep] {
        let options = SubscribeOptions::default();
        let refused = pair.dialer.engine.subscribe(pair.now, bad, &options);
        assert!(matches!(refused, Err(Refusal::Status(_))), "{bad}");
    }
    for bad in ["a.*", ">", "a..b"] {
        let options = PublishOptions::default();
        let refused = pair.dialer.engine.publish(pair.now, bad, b"x", &options);
        assert!(matches!(refused, Err(Refusal::Status(_))), "{bad}");
        pair.reach_acceptor(&Raw::of(EVENT).target(bad).payload(b"x").frame());
    }
    pair.reach_acceptor(&Raw::of(SUBSCRIBE).id(3).target("a..b").frame());
    let refusal = frames(&pair.acceptor.transmit());
    assert!(String::from_utf8_lossy(&refusal[0].2).contains("[L3.target.2]"));
    assert!(pair.acceptor.take().is_empty(), "no event for what is malformed");
}

/// `[X.open.1]`: a subscription that asks for what is not built is refused, and no harm is done.
#[test]
fn reserved_keys_of_a_subscription() {
    let reserved = [
        (uint(3), uint(1)),
        (uint(8), super::raw::bytes(&[1; 16])),
        (uint(15), text("durable")),
        (uint(19), uint(4)),
        (uint(20), uint(1)),
    ];
    for (at, entry) in reserved.into_iter().enumerate() {
        let mut pair = Pair::ready();
        let raw = Raw::of(SUBSCRIBE).id(3).target("a.b").meta(map(&[entry]));
        pair.reach_acceptor(&raw.frame());
        let answer = frames(&pair.acceptor.transmit());
        assert!(String::from_utf8_lossy(&answer[0].2).contains("[X.open.1]"), "{at}");
        assert!(pair.acceptor.take().is_empty());
    }
    // A grant for nothing, and an end for nothing, are charged and ignored.
    let mut pair = Pair::ready();
    pair.reach_acceptor(&Raw::of(SUBSCRIBE).reference(77).frame());
    pair.reach_acceptor(&Raw::of(SUBSCRIBE).reference(77).meta(end()).frame());
    assert!(pair.acceptor.take().is_empty() && pair.acceptor.transmit().is_empty());
}

/// `[L4.limits.1]`: what the peer would call a violation is refused here.
#[test]
fn options_that_no_peer_would_take() {
    let mut pair = Pair::ready();
    for options in [
        SubscribeOptions { group: Some(String::new()), ..SubscribeOptions::default() },
        SubscribeOptions { group: Some("g".repeat(513)), ..SubscribeOptions::default() },
        SubscribeOptions { credit: Some(u32::MAX), ..SubscribeOptions::default() },
    ] {
        let refused = pair.dialer.engine.subscribe(pair.now, "a.b", &options);
        assert!(matches!(refused, Err(Refusal::Status(_))), "{options:?}");
    }
    let options = SubscribeOptions {
        group: Some("g".repeat(512)),
        credit: Some(0),
        ..SubscribeOptions::default()
    };
    subscribe(&mut pair, "a.b", &options);
}

/// `[L5.credit.2]`, `[L5.carry.1]`: the user's entries count like payload, at both sides alike.
#[test]
fn the_entries_of_an_event_cost_credit() {
    let mut pair = Pair::ready();
    let options = SubscribeOptions { credit: Some(4_000), ..Default::default() };
    let id = subscribe(&mut pair, "a.b", &options);
    let with = PublishOptions::new().meta("k", "v".repeat(1_900));
    let cost = 32 + 1 + with.meta.wire_len();
    let payload = Bytes::from_static(b"x");
    for _ in 0..5 {
        pair.acceptor.engine.deliver(pair.now, id, "a.b", &payload, &with);
    }
    pair.run();
    let arrived = pair.dialer.take();
    let mark = |event: &Event| match event {
        Event::Delivery { meta, .. } => meta.get("k").map(str::len) == Some(1_900),
        _ => false,
    };
    assert_eq!(arrived.len(), 4_000_usize.div_ceil(cost));
    assert!(arrived.iter().all(mark), "{arrived:?}");
    pair.dialer.engine.consumed_cost(pair.now, id, 3 * cost as u64);
    pair.run();
    assert_eq!(pair.dialer.take().len(), 2);
}

/// `[L5.carry.1]`: entries that would leave no room for keys of the deliverer's are not carried on.
#[test]
fn a_publication_with_too_many_entries_is_dropped() {
    let entries = |count: usize, len: usize| -> Vec<_> {
        (0..count).map(|n| (text(&format!("k{n:02}")), text(&"v".repeat(len)))).collect()
    };
    // A key takes 4 bytes, a long value 3 beside it.
    for (count, len, is_taken) in
        [(48, 1, true), (49, 1, false), (1, 7_161, true), (1, 7_162, false)]
    {
        let mut pair = Pair::ready();
        let raw = Raw::of(EVENT).target("a.b").payload(b"x").meta(map(&entries(count, len)));
        pair.reach_acceptor(&raw.frame());
        assert_eq!(pair.acceptor.take().len(), usize::from(is_taken), "{count} of {len}");
        let mut options = PublishOptions::new();
        for n in 0..count {
            options = options.meta(format!("k{n:02}"), "v".repeat(len));
        }
        let sent = pair.dialer.engine.publish(pair.now, "a.b", b"x", &options);
        assert_eq!(sent.is_ok(), is_taken, "{count} of {len}");
    }
}
