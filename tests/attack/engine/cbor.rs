//! Rows 1 to 4: what a few bytes of CBOR can cost, and bytes that two readers read differently.

use crate::memory::{self, KIB, MIB};
use crate::victim::Victim;
use crate::wire::{self, CALL, EVENT, Message, NULL, bytes, frame, head, pair, text, uint};
use fluxar::Code;
use fluxar::engine::message::envelope::Envelope;
use fluxar::engine::session::handshake::HelloBody;
use fluxar::engine::violation::Violation;

/// Where a broken item can stand in an envelope: everything before it is right.
fn prefixes() -> Vec<(&'static str, Vec<u8>)> {
    let call = [0x87, CALL, 3, NULL];
    let target = text("a");
    vec![
        ("envelope", vec![]),
        ("kind", vec![0x87]),
        ("id", vec![0x87, CALL]),
        ("ref", vec![0x87, CALL, 3]),
        ("target", call.to_vec()),
        ("meta", [&call[..], &target].concat()),
        ("meta key", [&call[..], &target, &[0xa1]].concat()),
        ("ignored meta value", [&call[..], &target, &[0xa1, 0x18, 32]].concat()),
        ("payload", [&call[..], &target, &[NULL]].concat()),
        ("error", vec![0x87, CALL, NULL, 3, NULL, NULL, NULL]),
        ("error text", vec![0x87, CALL, NULL, 3, NULL, NULL, NULL, 0xa2, 0, 5, 1]),
    ]
}

/// Heads of strings, arrays, maps and tags in each width, and of indefinite items.
fn heads(value: u64) -> Vec<Vec<u8>> {
    let mut heads = Vec::new();
    for major in 2..=6_u8 {
        let top = major << 5;
        let be = value.to_be_bytes();
        heads.push(vec![top | 24, be[7]]);
        heads.push([&[top | 25], &be[6..]].concat());
        heads.push([&[top | 26], &be[4..]].concat());
        heads.push([&[top | 27], &be[..]].concat());
    }
    heads.extend((2..=5_u8).map(|major| vec![major << 5 | 31]));
    heads
}

const LENGTHS: [u64; 8] = [1 << 8, 1 << 16, 1 << 24, 1 << 31, 1 << 32, 1 << 40, 1 << 63, u64::MAX];

#[test]
fn row_01_a_declared_length_reserves_nothing() {
    let mut watch = memory::alone();
    let prefixes = prefixes();
    let mut tried = 0;
    for length in LENGTHS {
        for head in heads(length) {
            assert_eq!(heads(length).len(), 24);
            for (place, prefix) in &prefixes {
                let bytes = [&prefix[..], &head, &[0x61; 8]].concat();
                watch.restart();
                let refused = Envelope::decode(&bytes);
                assert!(refused.is_err(), "{place} {head:02x?}");
                assert!(watch.peak() <= 4 * KIB, "{place} {head:02x?}: {} bytes", watch.peak());
                tried += 1;
            }
            for prefix in [&[][..], &[0xa5], &[0xa5, 0], &[0xa5, 0, 0x81, 1, 1, 0xa3, 0]] {
                let bytes = [prefix, &head, &[0x61; 8]].concat();
                watch.restart();
                assert!(HelloBody::decode(&bytes).is_err());
                assert!(watch.peak() <= 4 * KIB, "HELLO {head:02x?}: {} bytes", watch.peak());
            }
        }
    }
    assert_eq!(tried, 8 * 24 * 11);
}

#[test]
fn row_01_a_session_with_a_lying_length_ends_with_the_rule() {
    let mut watch = memory::alone();
    for (place, prefix) in prefixes() {
        let mut victim = Victim::ready();
        // The content of a head that is right everywhere but for what follows it.
        let lie = [&prefix[..], &[0x5b, 0, 0, 0, 8, 0, 0, 0, 0]].concat();
        let frame = frame(0, &lie);
        watch.restart();
        victim.feed(&frame);
        assert!(watch.peak() <= 16 * KIB, "{place}: {} bytes", watch.peak());
        let (code, text) = victim.goodbye().expect("the attacker is told");
        assert_eq!(code, Code::InvalidArgument, "{place}: {text}");
        assert!(text.starts_with("[L3."), "{place}: {text}");
        assert!(victim.closed.is_some());
    }
}

#[test]
fn row_02_nesting_ends_at_16_without_recursion() {
    let _watch = memory::alone();
    let small_stack = std::thread::Builder::new().stack_size(128 * KIB);
    let deep = small_stack.spawn(|| {
        let nested = |open: &[u8], depth: usize| {
            let value = [open.repeat(depth), vec![0x00]].concat();
            let meta = [head(5, 1), uint(32), value].concat();
            let envelope = [vec![0x87, CALL, 3, NULL], text("a"), meta, vec![NULL, NULL]].concat();
            Envelope::decode(&envelope).map(|_| ())
        };
        // The envelope and its meta map are two levels of the sixteen.
        assert_eq!(nested(&[0x81], 14), Ok(()));
        for depth in [15, 17, 257, 100_000] {
            assert_eq!(nested(&[0x81], depth), Err(Violation::CborDepth), "{depth} arrays");
            assert_eq!(nested(&[0xa1, 0x00], depth), Err(Violation::CborDepth), "{depth} maps");
            assert_eq!(nested(&[0xc6], depth), Err(Violation::CborTag), "{depth} tags");
            assert_eq!(nested(&[0x9f], depth), Err(Violation::CborIndefinite), "{depth} open");
        }
    });
    deep.expect("a thread").join().expect("no overflow of a 128 KiB stack");
}

#[test]
fn row_03_a_payload_of_tiny_items_stays_one_slice() {
    let mut watch = memory::alone();
    for filling in [&[0x80][..], &[0x00, 0x00], &[0xa0], &[0x60]] {
        let payload = filling.repeat((MIB - 64) / filling.len());
        let event = Message::new(EVENT).target("a").payload(&payload).frame();
        let mut victim = Victim::ready();
        victim.events = Some(Vec::with_capacity(8));
        watch.restart();
        victim.feed(&event);
        // The read buffer grows by doubling, old and new beside each other while it is copied.
        assert!(watch.peak() <= 4 * MIB, "{} bytes for 1 MiB", watch.peak());
        assert!(watch.held() <= 2 * MIB + 64 * KIB, "{} bytes held", watch.held());
        assert!(victim.closed.is_none());
        assert_eq!(victim.events.map(|events| events.len()), Some(1));
    }
}

#[test]
fn row_03_an_ignored_value_of_tiny_items_is_stepped_over() {
    let mut watch = memory::alone();
    // An array of 900,000 empty arrays behind an ignorable key.
    let items = 900_000;
    let value = [head(4, items), vec![0x80; items as usize]].concat();
    let call = Message::new(CALL).id(3).target("a").meta(&[pair(32, value)]).frame();
    let mut victim = Victim::ready();
    watch.restart();
    victim.feed(&call);
    assert!(watch.peak() <= 4 * MIB, "{} bytes", watch.peak());
    victim.assert_closed_by(Code::InvalidArgument, "L3.meta.4");
}

/// The head at `at`: where its content begins and what it says.
fn read_head(bytes: &[u8], at: usize) -> (usize, u8, u64) {
    let (major, info) = (bytes[at] >> 5, bytes[at] & 31);
    let width = match info {
        24 => 1,
        25 => 2,
        26 => 4,
        27 => 8,
        _ => return (at + 1, major, u64::from(info)),
    };
    let value = bytes[at + 1..=at + width].iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
    (at + 1 + width, major, value)
}

/// Where every item of a well-formed sequence begins.
fn items(bytes: &[u8]) -> Vec<usize> {
    let (mut at, mut places) = (0, Vec::new());
    while at < bytes.len() {
        places.push(at);
        let (content, major, value) = read_head(bytes, at);
        at = content + if matches!(major, 2 | 3) { value as usize } else { 0 };
    }
    places
}

/// Envelopes of every kind, from the vectors.
fn valid_envelopes() -> Vec<Vec<u8>> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/vectors/message");
    let mut envelopes = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the vectors are there") {
        let json = std::fs::read_to_string(entry.expect("a file").path()).expect("readable");
        let cases: Vec<serde_json::Value> = serde_json::from_str(&json).expect("a list of cases");
        for case in cases.iter().filter(|case| case["valid"] == true) {
            let hex = case["hex"].as_str().expect("hex");
            let bytes = hex.as_bytes().chunks(2).map(|pair| {
                let digits = std::str::from_utf8(pair).expect("ASCII");
                u8::from_str_radix(digits, 16).expect("two digits")
            });
            envelopes.push(bytes.collect());
        }
    }
    envelopes
}

#[test]
fn row_04_every_other_spelling_of_a_message_is_refused() {
    let _watch = memory::alone();
    let envelopes = valid_envelopes();
    assert!(envelopes.len() >= 50, "{} vectors", envelopes.len());
    for envelope in envelopes {
        assert!(Envelope::decode(&envelope).is_ok(), "{envelope:02x?}");
        let refused = |bytes: &[u8], what: &str| match Envelope::decode(bytes) {
            Err(violation) => violation,
            Ok(_) => panic!("{what} of {envelope:02x?} was taken: {bytes:02x?}"),
        };
        for at in items(&envelope) {
            let (content, major, value) = read_head(&envelope, at);
            let (before, after) = (&envelope[..at], &envelope[content..]);
            if major < 6 {
                let top = major << 5;
                let long = [before, &[top | 27], &value.to_be_bytes(), after].concat();
                if value < 1 << 32 {
                    assert_eq!(refused(&long, "long head"), Violation::CborNotShortest);
                }
            }
            if matches!(major, 2..=5) {
                let open = [before, &[major << 5 | 31], after].concat();
                assert_eq!(refused(&open, "indefinite"), Violation::CborIndefinite);
            }
            // A tag, a bignum's among them, says nothing here: it is never stepped over.
            for tag in [&[0xc2][..], &[0xc6], &[0xd9, 0xd9, 0xf7]] {
                refused(&[before, tag, &envelope[at..]].concat(), "tag");
            }
        }
        let trailing = [&envelope[..], &[NULL]].concat();
        assert_eq!(refused(&trailing, "trailing byte"), Violation::CborTrailing);
        for end in 0..envelope.len() {
            refused(&envelope[..end], "the front");
        }
    }
}

#[test]
fn row_04_keys_come_once_and_in_order() {
    let _watch = memory::alone();
    let text_pair = |key: &str| [text(key), text("v")].concat();
    for pairs in [
        vec![pair(1, uint(9)), pair(1, uint(9))],
        vec![pair(11, uint(1)), pair(1, uint(9))],
        vec![text_pair("a"), pair(1, uint(9))],
        vec![text_pair("b"), text_pair("a")],
        vec![text_pair("aa"), text_pair("b")],
        vec![text_pair("a"), text_pair("a")],
    ] {
        let mut victim = Victim::ready();
        victim.feed(&Message::new(CALL).id(3).target("a").meta(&pairs).frame());
        victim.assert_closed_by(Code::InvalidArgument, "L3.cbor.7");
        assert_eq!(victim.live_most, 0, "nothing of a refused message is acted on");
    }
    // Types that other readers take for one another.
    for (place, value) in [("id", bytes(&[3])), ("kind", vec![0xc2, 0x41, 2])] {
        let body = match place {
            "id" => [vec![0x87, CALL], value, vec![NULL], text("a"), vec![NULL; 3]].concat(),
            _ => [vec![0x87], value, vec![3, NULL], text("a"), vec![NULL; 3]].concat(),
        };
        let mut victim = Victim::ready();
        victim.feed(&frame(0, &body));
        assert!(victim.goodbye().is_some_and(|(code, _)| code == Code::InvalidArgument), "{place}");
    }
    let mut good = Victim::ready();
    good.feed(&wire::call(3, "a.b"));
    assert_eq!(good.live.len(), 1, "the right spelling is taken");
}
