//! Row 15: subscriptions and wildcards without end.

use crate::memory::{self, KIB, MIB};
use crate::victim::{Victim, all_rights};
use crate::wire::{self, CANCEL, Message};
use bytes::Bytes;
use fluxar::broker::{Broker, Retained, RetainedLimits};
use fluxar::engine::message::envelope::Envelope;
use fluxar::engine::session::auth::Rights;
use fluxar::{Code, Limits, PublishOptions};

fn ids(count: u64) -> impl Iterator<Item = u64> {
    (1..=count).map(|n| n * 2 + 1)
}

/// The codes that the victim's refusals carry, since the last look.
fn refusals(victim: &mut Victim) -> Vec<(Code, String)> {
    let messages = victim.messages();
    victim.read.clear();
    let errors = messages.iter().filter_map(|message| {
        let error = Envelope::decode(message).expect("the victim speaks the protocol").error?;
        Some((error.code, error.message.to_owned()))
    });
    errors.collect()
}

#[test]
fn row_15_subscriptions_and_wildcards_have_a_limit_each() {
    let mut watch = memory::alone();
    let mut victim = Victim::ready();
    watch.restart();
    victim.read.clear();
    for id in ids(110) {
        victim.feed(&wire::subscribe(id, &format!("a.*.{id}"), 1));
    }
    let refused = refusals(&mut victim);
    assert_eq!(refused.len(), 10);
    for id in ids(1_010).skip(110) {
        victim.feed(&wire::subscribe(id, &format!("a.{id}"), 1));
    }
    let refused_too = refusals(&mut victim);
    assert_eq!(refused_too.len(), 0, "100 wildcards and 900 others fit");
    for id in ids(1_020).skip(1_010) {
        victim.feed(&wire::subscribe(id, &format!("a.{id}"), 1));
    }
    let last = refusals(&mut victim);
    assert_eq!(last.len(), 10);
    for (code, text) in refused.iter().chain(&last) {
        assert_eq!(*code, Code::ResourceExhausted);
        assert!(text.starts_with("[L5.topic.6]"), "{text}");
    }
    assert!(victim.closed.is_none());
    assert!(watch.peak() <= MIB, "{} bytes for 1,000 subscriptions", watch.peak());
}

#[test]
fn row_15_patterns_are_of_bounded_depth_and_length() {
    let _watch = memory::alone();
    let deep = ["*"; 17].join(".");
    for pattern in [deep.as_str(), "*.>.a", "a.>b", "a..b", "a b", "\u{7f}"] {
        let mut victim = Victim::ready();
        victim.read.clear();
        victim.feed(&wire::subscribe(3, pattern, 1));
        let refused = refusals(&mut victim);
        let [(Code::InvalidArgument, text)] = &refused[..] else {
            panic!("{pattern}: {refused:?}")
        };
        assert!(text.starts_with("[L3.target.2]"), "{text}");
        assert!(victim.closed.is_none(), "an answer, not the end");
    }
    let mut victim = Victim::ready();
    victim.feed(&wire::subscribe(3, &"a".repeat(513), 1));
    victim.assert_closed_by(Code::InvalidArgument, "L3.target.1");
}

#[test]
fn row_15_rights_cover_the_whole_pattern_and_each_delivery() {
    let _watch = memory::alone();
    let rights = Rights::none().subscribe("public.*").subscribe("mine.>");
    let mut victim = Victim::with(Limits::default(), Limits::default(), rights);
    victim.read.clear();
    for (id, pattern) in
        ids(9).zip([">", "*", "public.>", "public", "*.x", "public.*.x", "mine", "secret.x", "*.>"])
    {
        victim.feed(&wire::subscribe(id, pattern, 1 << 20));
    }
    let refused = refusals(&mut victim);
    assert_eq!(refused.len(), 9, "{refused:?}");
    for (code, text) in refused {
        assert_eq!(code, Code::PermissionDenied);
        assert!(text.starts_with("[L4.rights.3]"), "{text}");
    }
    victim.feed(&wire::subscribe(101, "public.*", 1 << 20));
    victim.read.clear();
    // A broker that brings the wrong topic is not believed.
    let secret = Bytes::from_static(b"secret");
    victim.engine.deliver(victim.now, 101, "secret.x", &secret, &PublishOptions::new());
    victim.round();
    assert!(victim.read.is_empty());
}

#[test]
fn row_15_a_hundred_wildcards_and_ten_thousand_topics_stay_cheap() {
    let mut watch = memory::alone();
    let mut broker = Broker::new(100_000);
    let mut key = 0_u32;
    let mut subscribe = |broker: &mut Broker<u32>, pattern: &str| {
        key += 1;
        broker.subscribe(key, pattern, None).expect("a valid pattern");
    };
    watch.restart();
    for n in 0..100 {
        let pattern = match n % 4 {
            0 => format!("*.{n}.>"),
            1 => format!("site{n}.*.heat"),
            2 => ["*"; 16].join("."),
            _ => format!("*.*.sensor{n}"),
        };
        subscribe(&mut broker, &pattern);
    }
    let topics: Vec<String> =
        (0..10_000).map(|n| format!("site{}.room{}.sensor{n}", n % 100, n % 1000)).collect();
    for topic in &topics {
        subscribe(&mut broker, topic);
    }
    assert!(watch.held() <= 16 * MIB, "{} bytes", watch.held());
    let mut out = Vec::with_capacity(1_000);
    watch.restart();
    for topic in &topics {
        out.clear();
        broker.publish(topic, &mut out).expect("a valid topic");
    }
    assert!(watch.peak() <= 64 * KIB, "a publish allocates next to nothing");
    let each = broker.visited() / topics.len() as u64;
    assert!(each <= 16, "{each} places for each event");
}

#[test]
fn row_15_retained_values_are_bounded_and_replaying_them_is_charged() {
    let mut watch = memory::alone();
    let mut retained = Retained::new(RetainedLimits::default());
    watch.restart();
    let mut kept = 0;
    for n in 0..20_000 {
        kept += usize::from(retained.set(&format!("t.{n}"), &[7; 100], (), 0).is_ok());
    }
    assert_eq!(kept, 10_000);
    assert!(watch.held() <= 16 * MIB, "{} bytes", watch.held());
    let mut refused = 0;
    for n in 0..100 {
        refused += usize::from(retained.set(&format!("t.{n}"), &vec![7; MIB], (), 0).is_err());
    }
    assert!(refused > 30 && retained.bytes() <= 64 * MIB, "{refused} {}", retained.bytes());
    // Subscribe, have all values replayed, cancel: the replay must not pay for the next round.
    let mut victim = Victim::with(Limits::default(), Limits::default(), all_rights()).stalled();
    let value = Bytes::from_static(&[7; 100]);
    let kept = PublishOptions::new().retain(true);
    let mut replays = 0_u32;
    for id in ids(20_000) {
        victim.feed(&wire::subscribe(id, ">", 1));
        for n in 0..20 {
            victim.engine.deliver(victim.now, id, &format!("t.{n}"), &value, &kept);
        }
        victim.feed(&Message::new(CANCEL).reference(id).frame());
        replays += 1;
        if victim.closed.is_some() {
            break;
        }
    }
    assert!(replays <= 2 * Limits::default().budget_burst, "{replays} replays for a CANCEL each");
    victim.assert_closed_by(Code::ResourceExhausted, "L4.calm.1");
}
