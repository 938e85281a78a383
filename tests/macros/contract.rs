//! What contracts add to a type: numbers, defaults, constraints, what is unknown.

use ciborium::{Value, cbor};
use fluxar::__rt::{decode, encode};
use fluxar::payload::{Keys, Mode, decode_with, encode_with};
use fluxar::{Code, Decimal, Int, Timestamp, Type, Unknown, UnknownKey, Url, Uuid};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::time::Duration;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Type)]
enum Role {
    #[fluxar(id = 1, rename = "admin")]
    Admin,
    #[fluxar(id = 2, rename = "member", was = "user")]
    Member,
    #[fluxar(unknown)]
    Unknown(Unknown),
}

#[derive(Clone, Debug, PartialEq, Type)]
enum Part {
    #[fluxar(id = 1, rename = "text")]
    Text(String),
    #[fluxar(id = 2, rename = "image")]
    Image {
        #[fluxar(id = 1)]
        mime: String,
        #[fluxar(id = 2)]
        data: bytes::Bytes,
    },
    #[fluxar(unknown)]
    Unknown(Unknown),
}

#[derive(Clone, Debug, PartialEq, Type)]
#[fluxar(format = "email", len = "3..=254")]
struct Email(String);

#[derive(Clone, Debug, PartialEq, Type)]
struct Prompt {
    #[fluxar(id = 1, default = 1024, range = "1..=32768")]
    tokens: u32,
    #[fluxar(id = 2, default = [], len = "..=2")]
    parts: Vec<Part>,
    #[fluxar(id = 3, default = member, was = "kind")]
    role: Role,
    #[fluxar(id = 4, min = 0.0, max = 2.0)]
    heat: Option<f64>,
    #[fluxar(id = 5, pattern = "[a-z]+")]
    tags: Option<Vec<String>>,
    #[fluxar(id = 30)]
    reply_to: Option<Email>,
    #[fluxar(id = 31, default = {})]
    more: More,
}

#[derive(Clone, Debug, PartialEq, Type)]
struct More {
    #[fluxar(id = 1, default = "none")]
    why: String,
}

fn more() -> More {
    More { why: "none".into() }
}

fn prompt() -> Prompt {
    Prompt {
        tokens: 1024,
        parts: vec![],
        role: Role::Member,
        heat: None,
        tags: None,
        reply_to: None,
        more: more(),
    }
}

#[derive(Clone, Debug, PartialEq, Type)]
struct Scalars {
    id: Uuid,
    at: Timestamp,
    price: Decimal,
    link: Url,
    count: Int,
    wait: Duration,
    any: fluxar::Value,
    by_role: BTreeMap<Role, i8>,
    foreign: Vec<Foreign>,
    pair: (Uuid, Option<Role>),
}

/// By serde alone, inside of a derived type, with a derived type inside.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Foreign {
    email: Email,
    wait: Duration,
}

fn scalars() -> Scalars {
    Scalars {
        id: Uuid::from_bytes([7; 16]),
        at: Timestamp::from_micros(-5),
        price: "12.50".parse().unwrap(),
        link: "https://example.com".into(),
        count: Int::MAX,
        wait: Duration::from_millis(1500),
        any: fluxar::Value::List(vec!["x".into(), fluxar::Value::Null, 7_u8.into()]),
        by_role: [(Role::Admin, -1)].into(),
        foreign: vec![Foreign { email: Email("a@b.c".into()), wait: Duration::ZERO }],
        pair: (Uuid::from_bytes([9; 16]), Some(Role::Member)),
    }
}

fn value(bytes: &[u8]) -> Value {
    ciborium::from_reader(bytes).unwrap()
}

fn bytes(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(value, &mut bytes).unwrap();
    bytes
}

fn numbered<T: Serialize>(value: &T) -> Vec<u8> {
    encode_with(value, Mode::unchecked(Keys::Numbers)).unwrap()
}

#[track_caller]
fn returns<T: Serialize + DeserializeOwned + PartialEq + Debug>(given: &T) {
    for sent in [encode(given).unwrap(), numbered(given)] {
        assert_eq!(&decode::<T>(&sent).unwrap(), given, "{sent:02x?}");
    }
    let json = serde_json::to_string(given).unwrap();
    assert_eq!(&serde_json::from_str::<T>(&json).unwrap(), given, "{json}");
}

#[test]
fn values_come_back_by_name_and_by_number() {
    returns(&prompt());
    returns(&scalars());
    let data = bytes::Bytes::from_static(&[1, 2, 255]);
    let parts = vec![Part::Text("x".into()), Part::Image { mime: "a/b".into(), data }];
    returns(&Prompt { parts, heat: Some(0.5), reply_to: Some(Email("a@b".into())), ..prompt() });
}

#[test]
fn numbers_are_written_where_they_are_declared() {
    let sent = numbered(&Prompt { role: Role::Admin, ..prompt() });
    assert_eq!(value(&sent), cbor!({3 => 1}).unwrap());
    let parts = vec![Part::Text("x".into())];
    let sent = numbered(&Prompt { parts, ..prompt() });
    assert_eq!(value(&sent), cbor!({2 => [{1 => "x"}]}).unwrap());
    // Without numbers there are names, whatever the other side may read.
    let Value::Map(entries) = value(&numbered(&scalars())) else { panic!("a map") };
    assert_eq!(entries[0].0, Value::from("id"));
}

#[test]
fn defaults_are_left_out_and_read_from_nothing() {
    for sent in [encode(&prompt()).unwrap(), numbered(&prompt())] {
        assert_eq!(sent, [0xa0]);
    }
    assert_eq!(decode::<Prompt>(&[0xa0]).unwrap(), prompt());
    let sent = encode(&Prompt { tokens: 7, ..prompt() }).unwrap();
    assert_eq!(value(&sent), cbor!({"tokens" => 7}).unwrap());
}

#[test]
fn what_is_unknown_is_written_back_as_it_came() {
    for sent in [
        cbor!("owner"),
        cbor!(9),
        cbor!({"role" => 9, "parts" => [{"sound" => {"hz" => [1, 2]}}, 7, {9 => null}]}),
    ] {
        let sent = bytes(&sent.unwrap());
        let again = match sent[0] >> 5 {
            5 => encode(&decode::<Prompt>(&sent).unwrap()).unwrap(),
            _ => encode(&decode::<Role>(&sent).unwrap()).unwrap(),
        };
        let (mut was, mut is) = (value(&sent), value(&again));
        for value in [&mut was, &mut is] {
            if let Value::Map(entries) = value {
                entries.sort_by_key(|(key, _)| format!("{key:?}"));
            }
        }
        assert_eq!(was, is);
    }
    let part: Part = decode(&bytes(&cbor!({"sound" => {"hz" => 1}}).unwrap())).unwrap();
    let Part::Unknown(unknown) = part else { panic!("{part:?}") };
    assert_eq!(unknown.key(), &UnknownKey::Name("sound".into()));
    let content = unknown.content().unwrap().unwrap();
    assert_eq!(content.get("hz"), Some(&fluxar::Value::Int(1)));
}

#[test]
fn names_that_were_are_still_read() {
    let old = bytes(&cbor!({"kind" => "user"}).unwrap());
    assert_eq!(decode::<Prompt>(&old).unwrap(), prompt());
}

#[test]
fn constraints_bind_where_checks_are_wanted() {
    let wrong = [
        (cbor!({"tokens" => 0}), "at `tokens`: 0 is below 1"),
        (cbor!({1 => 40_000}), "at `tokens`: 40000 is above 32768"),
        (cbor!({"parts" => [7, 7, 7]}), "at `parts`: 3 items are more than 2"),
        (cbor!({"heat" => 2.5}), "at `heat`: 2.5 is above 2"),
        (cbor!({"tags" => ["ok", "Not"]}), "at `tags[1]`: does not match `[a-z]+`"),
        (cbor!({"reply_to" => "nobody"}), "at `reply_to`: not of the form `email`"),
        (cbor!({"reply_to" => "a"}), "at `reply_to`: 1 characters are less than 3"),
    ];
    for (sent, message) in wrong {
        let sent = bytes(&sent.unwrap());
        let status = decode_with::<Prompt>(&sent, true).unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        assert!(status.message().contains(message), "{status}");
        // What a callee answers is not checked.
        let lenient: Prompt = decode(&sent).unwrap();
        let status = encode_with(&lenient, Mode::checked(Keys::Names)).unwrap_err();
        assert!(status.message().contains(message), "{status}");
        encode(&lenient).unwrap();
    }
    let fine = Prompt { heat: Some(2.0), tags: Some(vec!["ok".into()]), ..prompt() };
    let sent = encode_with(&fine, Mode::checked(Keys::Numbers)).unwrap();
    assert_eq!(decode_with::<Prompt>(&sent, true).unwrap(), fine);
}

#[test]
fn other_forms_of_scalars_are_read() {
    let uuid = || Uuid::from_bytes([0x11; 16]);
    for form in [
        Value::Text("11111111-1111-1111-1111-111111111111".into()),
        Value::Tag(37, Box::new(Value::Bytes(vec![0x11; 16]))),
    ] {
        assert_eq!(decode::<Uuid>(&bytes(&form)).unwrap(), uuid());
    }
    let at = |form: Value| decode::<Timestamp>(&bytes(&form)).unwrap().as_micros();
    assert_eq!(at(Value::Tag(1, Box::new(3.into()))), 3_000_000);
    assert_eq!(at(Value::Tag(1, Box::new(1.5.into()))), 1_500_000);
    assert_eq!(at(Value::Tag(0, Box::new("1970-01-01T00:00:01Z".into()))), 1_000_000);
    assert_eq!(decode::<i64>(&bytes(&Value::from(7.0))).unwrap(), 7);
    assert_eq!(decode::<Int>(&bytes(&Value::from(-3.0))).unwrap().get(), -3);
    assert!(decode::<i64>(&bytes(&Value::from(7.5))).is_err());
    assert!(decode::<Int>(&bytes(&Value::from(1_u64 << 53))).is_err());
    assert_eq!(decode::<f32>(&[0xf9, 0x3e, 0x00]).unwrap(), 1.5);
    assert_eq!(decode::<f64>(&bytes(&Value::from(3))).unwrap(), 3.0);
    assert!(decode::<Decimal>(&bytes(&"1.".into())).is_err());
    assert_eq!(decode::<Duration>(&bytes(&5.into())).unwrap(), Duration::from_micros(5));
}

#[test]
fn a_key_that_comes_twice_in_a_map_is_refused() {
    let twice = [0xa2, 0x61, b'a', 1, 0x61, b'a', 2];
    assert!(decode::<BTreeMap<String, u8>>(&twice).unwrap_err().message().contains("twice"));
    assert!(decode::<fluxar::Value>(&twice).unwrap_err().message().contains("twice"));
}
