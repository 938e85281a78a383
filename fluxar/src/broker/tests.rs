use super::*;
use proptest::prelude::*;
use std::collections::BTreeSet;

/// The definition of matching, written down without a thought for speed.
fn fits(pattern: &[&str], topic: &[&str]) -> bool {
    match (pattern, topic) {
        ([], []) => true,
        ([">"], [_, ..]) => true,
        (["*", pattern @ ..], [_, topic @ ..]) => fits(pattern, topic),
        ([want, pattern @ ..], [have, topic @ ..]) => want == have && fits(pattern, topic),
        _ => false,
    }
}

fn naive(pattern: &str, topic: &str) -> bool {
    let pattern: Vec<&str> = pattern.split('.').collect();
    let topic: Vec<&str> = topic.split('.').collect();
    fits(&pattern, &topic)
}

fn published(broker: &mut Broker<u32>, topic: &str) -> Vec<u32> {
    let mut out = Vec::new();
    broker.publish(topic, &mut out).expect("a valid topic");
    out.sort_unstable();
    out
}

fn broker_of(patterns: &[&str]) -> Broker<u32> {
    let mut broker = Broker::default();
    for (key, pattern) in (0..).zip(patterns) {
        broker.subscribe(key, pattern, None).expect("a valid pattern");
    }
    broker
}

#[test]
fn wildcards_stand_for_one_segment_or_the_rest() {
    let mut broker = broker_of(&["a.b", "a.*", "a.>", ">", "*.b", "*.*.c", "a.b.c"]);
    assert_eq!(published(&mut broker, "a.b"), [0, 1, 2, 3, 4]);
    assert_eq!(published(&mut broker, "a"), [3]);
    assert_eq!(published(&mut broker, "a.b.c"), [2, 3, 5, 6]);
    assert_eq!(published(&mut broker, "x.y.z"), [3]);
}

#[test]
fn a_malformed_topic_or_pattern_is_named() {
    let deep = ["a"; LEVELS_MAX + 1].join(".");
    let long = "a".repeat(TOPIC_BYTES_MAX + 1);
    for (pattern, error) in [
        ("", TopicError::Empty),
        (".a", TopicError::EmptySegment { level: 1 }),
        ("a..b", TopicError::EmptySegment { level: 2 }),
        ("a.", TopicError::EmptySegment { level: 2 }),
        ("a.b c", TopicError::BadCharacter { level: 2 }),
        ("a.\u{0}", TopicError::BadCharacter { level: 2 }),
        ("a.b*", TopicError::WildcardInSegment { level: 2 }),
        (">>", TopicError::WildcardInSegment { level: 1 }),
        ("a.>.b", TopicError::RestNotLast { level: 2 }),
        (deep.as_str(), TopicError::TooDeep),
        (long.as_str(), TopicError::TooLong { bytes: TOPIC_BYTES_MAX + 1 }),
    ] {
        assert_eq!(validate_pattern(pattern), Err(error), "{pattern}");
        assert_eq!(Broker::default().subscribe(0, pattern, None), Err(error));
    }
    assert_eq!(validate_topic("a.*"), Err(TopicError::WildcardInTopic { level: 2 }));
    assert_eq!(validate_topic(">"), Err(TopicError::WildcardInTopic { level: 1 }));
    let deepest = ["*"; LEVELS_MAX].join(".");
    assert_eq!(validate_pattern(&deepest), Ok(()));
    let mut out = Vec::new();
    let refused = Broker::<u32>::default().publish("a.>", &mut out);
    assert_eq!(refused, Err(TopicError::WildcardInTopic { level: 2 }));
}

#[test]
fn a_group_takes_turns() {
    let mut broker = Broker::default();
    for key in 0..3 {
        broker.subscribe(key, "jobs.*", Some("workers")).expect("valid");
    }
    broker.subscribe(9, "jobs.a", None).expect("valid");
    let mut turns = Vec::new();
    for _ in 0..6 {
        let mut out = published(&mut broker, "jobs.a");
        assert_eq!(out.pop(), Some(9));
        turns.append(&mut out);
    }
    assert_eq!(turns, [0, 1, 2, 0, 1, 2]);
}

#[test]
fn a_group_is_one_over_all_its_patterns_and_fair_when_members_come_and_go() {
    let mut broker = Broker::default();
    broker.subscribe(0, "jobs.>", Some("workers")).expect("valid");
    broker.subscribe(1, "jobs.a", Some("workers")).expect("valid");
    broker.subscribe(2, "jobs.a", Some("others")).expect("valid");
    assert_eq!(published(&mut broker, "jobs.a"), [0, 2]);
    assert_eq!(published(&mut broker, "jobs.a"), [1, 2]);
    assert_eq!(published(&mut broker, "jobs.b"), [0]);
    assert_eq!(published(&mut broker, "jobs.a"), [1, 2]);
    assert!(broker.unsubscribe(&1));
    assert_eq!(published(&mut broker, "jobs.a"), [0, 2]);
    broker.subscribe(3, "jobs.a", Some("workers")).expect("valid");
    assert_eq!(published(&mut broker, "jobs.a"), [2, 3]);
}

#[test]
fn keys_are_unique_and_the_number_is_bounded() {
    let mut broker = Broker::new(2);
    broker.subscribe(0, "a", None).expect("valid");
    assert_eq!(broker.subscribe(0, "b", None), Err(TopicError::KeyInUse));
    broker.subscribe(1, "a", None).expect("valid");
    assert_eq!(broker.subscribe(2, "a", None), Err(TopicError::Full { max: 2 }));
    assert!(broker.unsubscribe(&0) && !broker.unsubscribe(&0));
    broker.subscribe(2, "a", None).expect("there is room again");
    assert_eq!(published(&mut broker, "a"), [1, 2]);
}

#[test]
fn nothing_is_left_when_the_last_subscription_ends() {
    let mut broker = broker_of(&["a.b.c", "a.b", "a.*.c", "a.>", "a.b.c"]);
    for key in 0..5 {
        assert!(broker.unsubscribe(&key));
    }
    assert!(broker.is_empty());
    assert_eq!(broker.trie.len(), 1);
    broker.subscribe(7, "g", Some("group")).expect("valid");
    broker.unsubscribe(&7);
    assert!(broker.groups.by_name.is_empty());
}

#[test]
fn a_hundred_wildcards_and_ten_thousand_topics_cost_a_few_places_an_event() {
    let mut broker = Broker::default();
    let mut keys = 0..;
    for n in 0..100 {
        let pattern = match n % 4 {
            0 => format!("*.{n}.>"),
            1 => format!("site{n}.*.temperature"),
            2 => format!("site{n}.>"),
            _ => format!("*.*.sensor{n}"),
        };
        broker.subscribe(keys.next().expect("endless"), &pattern, None).expect("valid");
    }
    let topics: Vec<String> =
        (0..10_000).map(|n| format!("site{}.room{}.sensor{n}", n % 100, n % 1000)).collect();
    for topic in &topics {
        broker.subscribe(keys.next().expect("endless"), topic, None).expect("valid");
    }
    for topic in &topics {
        published(&mut broker, topic);
    }
    let each = broker.visited() / topics.len() as u64;
    assert!(each <= 12, "{each} places an event");
}

#[test]
fn crossed_wildcards_cost_no_more_than_the_tree_has_places() {
    // Every mix of `*` and `a` over 8 levels, and `>` on each prefix: a topic fits them all.
    let mut broker = Broker::default();
    let mut keys = 0..;
    for mix in 0..256_u32 {
        let segments: Vec<&str> =
            (0..8).map(|level| if mix >> level & 1 == 1 { "*" } else { "a" }).collect();
        broker.subscribe(keys.next().expect("endless"), &segments.join("."), None).expect("valid");
        let prefix = format!("{}.>", segments[..4].join("."));
        broker.subscribe(keys.next().expect("endless"), &prefix, None).expect("valid");
    }
    let places = broker.trie.len() as u64;
    assert_eq!(published(&mut broker, &["a"; 8].join(".")).len(), 512);
    assert!(broker.visited() <= places, "{} of {places}", broker.visited());
    // The deepest pattern of wildcards is a path, whatever is published.
    let mut broker = broker_of(&[["*"; LEVELS_MAX].join(".").as_str()]);
    assert_eq!(published(&mut broker, &["x"; LEVELS_MAX].join(".")), [0]);
    assert_eq!(broker.visited(), LEVELS_MAX as u64 + 1);
}

#[test]
fn retained_values_are_replaced_cleared_and_bounded() {
    let mut retained = Retained::new(RetainedLimits::default().topics_max(2).bytes_max(20));
    retained.set("a", b"one", (), 0).expect("fits");
    retained.set("a", b"three", (), 0).expect("fits");
    retained.set("b.c", b"x", (), 0).expect("fits");
    assert_eq!((retained.len(), retained.bytes()), (2, 10));
    assert_eq!(retained.set("d", b"x", (), 0), Err(TopicError::RetainedTopics { max: 2 }));
    assert_eq!(retained.set("a", &[0; 20], (), 0), Err(TopicError::RetainedBytes { max: 20 }));
    assert_eq!(found(&mut retained, ">"), [("a".to_owned(), 5), ("b.c".to_owned(), 1)]);
    retained.set("a", b"", (), 0).expect("clearing needs no room");
    retained.set("a", b"", (), 0).expect("nor does clearing what is not there");
    retained.set("b.c", b"", (), 0).expect("clearing needs no room");
    assert_eq!((retained.len(), retained.bytes()), (0, 0));
    assert_eq!(retained.places(), 1);
    assert_eq!(retained.set("a.*", b"x", (), 0), Err(TopicError::WildcardInTopic { level: 2 }));
}

fn found(retained: &mut Retained, pattern: &str) -> Vec<(String, usize)> {
    let mut out = Vec::new();
    let asked =
        retained.matching(pattern, |topic, value, ()| out.push((topic.to_owned(), value.len())));
    asked.expect("a valid pattern");
    out
}

#[test]
fn a_question_about_one_topic_does_not_look_at_the_others() {
    let mut retained = Retained::default();
    for n in 0..10_000 {
        retained.set(&format!("site{}.sensor{n}", n % 100), b"x", (), 0).expect("fits");
    }
    assert_eq!(found(&mut retained, "site7.sensor107").len(), 1);
    assert_eq!(retained.visited(), 3);
    assert_eq!(found(&mut retained, "site7.*").len(), 100);
    assert_eq!(retained.visited(), 3 + 102);
    assert_eq!(found(&mut retained, "*.sensor5").len(), 1);
    assert!(retained.visited() <= 3 + 102 + 102);
}

/// Few segments, so that patterns and topics meet often.
fn topics() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(vec!["a", "b", "c"]), 1..5)
        .prop_map(|segments| segments.join("."))
}

fn patterns() -> impl Strategy<Value = String> {
    let segments = prop::collection::vec(prop::sample::select(vec!["a", "b", "c", "*"]), 0..4);
    (segments, prop::option::of(Just(">"))).prop_filter_map("empty", |(mut segments, rest)| {
        segments.extend(rest);
        (!segments.is_empty()).then(|| segments.join("."))
    })
}

proptest! {
    #[test]
    fn the_broker_finds_what_the_definition_finds(
        subscriptions in prop::collection::vec(
            (patterns(), prop::option::of(0..3_u8), any::<bool>()), 0..30),
        topics in prop::collection::vec(topics(), 1..10),
    ) {
        let mut broker = Broker::default();
        for (key, (pattern, group, _)) in (0_u32..).zip(&subscriptions) {
            let group = group.map(|group| group.to_string());
            broker.subscribe(key, pattern, group.as_deref()).expect("a valid pattern");
        }
        let mut living = Vec::new();
        for (key, (pattern, group, ends)) in (0_u32..).zip(&subscriptions) {
            if *ends {
                prop_assert!(broker.unsubscribe(&key));
            } else {
                living.push((key, pattern, group));
            }
        }
        for topic in &topics {
            let got = published(&mut broker, topic);
            let fitting = living.iter().filter(|(_, pattern, _)| naive(pattern, topic));
            let (grouped, single): (Vec<_>, Vec<_>) =
                fitting.partition(|(_, _, group)| group.is_some());
            let groups: BTreeSet<_> = grouped.iter().map(|(_, _, group)| group).collect();
            prop_assert_eq!(got.len(), single.len() + groups.len());
            for (key, ..) in single {
                prop_assert!(got.contains(&key));
            }
            for wanted in groups {
                let members = grouped.iter().filter(|(_, _, group)| group == wanted);
                prop_assert_eq!(members.filter(|(key, ..)| got.contains(key)).count(), 1);
            }
        }
    }

    #[test]
    fn retained_finds_what_the_definition_finds(
        values in prop::collection::vec((topics(), 0..3_usize), 0..30),
        pattern in patterns(),
    ) {
        let mut retained = Retained::default();
        let mut model = std::collections::BTreeMap::new();
        for (topic, bytes) in values {
            retained.set(&topic, &vec![0; bytes], (), 0).expect("fits");
            if bytes == 0 {
                model.remove(&topic);
            } else {
                model.insert(topic, bytes);
            }
        }
        prop_assert_eq!(retained.len(), model.len());
        let mut got = found(&mut retained, &pattern);
        got.sort();
        let fitting = model.into_iter().filter(|(topic, _)| naive(&pattern, topic));
        prop_assert_eq!(got, fitting.collect::<Vec<_>>());
    }

    #[test]
    fn any_text_is_taken_or_refused(pattern in "[ab.*> \\x00]{0,12}", topic in "[ab.*>]{0,12}") {
        let mut broker = Broker::default();
        let taken = broker.subscribe(0_u32, &pattern, None);
        prop_assert_eq!(taken, validate_pattern(&pattern));
        let mut out = Vec::new();
        if broker.publish(&topic, &mut out).is_ok() && taken.is_ok() {
            prop_assert_eq!(!out.is_empty(), naive(&pattern, &topic));
        }
    }
}
