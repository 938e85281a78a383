//! Values of derived types on the wire.

use ciborium::{Value, cbor};
use fluxar::__rt::{decode, encode};
use fluxar::{AppError, Code, Status, Type};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::fmt::Debug;

#[derive(Clone, Debug, PartialEq, Type)]
struct User {
    #[fluxar(id = 1)]
    id: UserId,
    #[fluxar(id = 2, rename = "kind")]
    r#type: Kind,
    #[fluxar(id = 3)]
    nick: Option<String>,
    #[fluxar(id = 4, default)]
    friends: Vec<Self>,
}

#[derive(Clone, Debug, PartialEq, Type)]
struct UserId(u64);

#[derive(Clone, Debug, PartialEq, Type)]
struct Nothing;

#[derive(Clone, Debug, PartialEq, Type)]
enum Kind {
    #[fluxar(id = 1)]
    Member,
    #[fluxar(id = 2)]
    Bot(u32),
    #[fluxar(id = 3, rename = "other")]
    Other {
        #[fluxar(id = 1)]
        why: String,
        more: Option<bool>,
    },
}

#[derive(Clone, Debug, PartialEq, Type)]
struct Page<T: Clone> {
    items: Vec<T>,
    next: Next<T>,
}

#[derive(Clone, Debug, PartialEq, Type)]
enum Next<T>
where
    T: Clone,
{
    End,
    At(T),
    Between { low: T, high: Option<T> },
}

fn member(id: u64) -> User {
    User { id: UserId(id), r#type: Kind::Member, nick: None, friends: Vec::new() }
}

fn bytes(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(value, &mut bytes).unwrap();
    bytes
}

fn value(bytes: &[u8]) -> Value {
    ciborium::from_reader(bytes).unwrap()
}

fn read<T: DeserializeOwned>(from: Value) -> Result<T, Status> {
    decode(&bytes(&from))
}

#[track_caller]
fn returns<T: Serialize + DeserializeOwned + PartialEq + Debug>(given: T) {
    assert_eq!(decode::<T>(&encode(&given).unwrap()).unwrap(), given);
    let json = serde_json::to_string(&given).unwrap();
    assert_eq!(serde_json::from_str::<T>(&json).unwrap(), given, "{json}");
}

#[track_caller]
fn refused<T: DeserializeOwned + Debug>(from: Value, part: &str) {
    let status = read::<T>(from).unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert!(status.message().contains(part), "{status}");
}

#[test]
fn every_form_comes_back() {
    let other = |more| Kind::Other { why: "x".into(), more };
    for kind in [Kind::Member, Kind::Bot(7), other(None), other(Some(true))] {
        returns(User {
            nick: Some("n".into()),
            friends: vec![member(2)],
            r#type: kind,
            ..member(1)
        });
    }
    returns(Nothing);
    returns(UserId(u64::MAX));
    for next in [Next::End, Next::At(1_u8), Next::Between { low: 1, high: None }] {
        returns(Page { items: vec![1, 2], next });
    }
    returns((Nothing, vec![Some(Next::At(Nothing))]));
}

#[test]
fn names_travel_and_nothing_is_left_out_but_none() {
    let sent = value(&encode(&member(7)).unwrap());
    assert_eq!(sent, cbor!({"id" => 7, "kind" => "Member", "friends" => []}).unwrap());
    let kinds = vec![Kind::Bot(1), Kind::Other { why: "x".into(), more: None }];
    let sent = value(&encode(&kinds).unwrap());
    assert_eq!(sent, cbor!([{"Bot" => 1}, {"other" => {"why" => "x"}}]).unwrap());
}

#[test]
fn numbers_are_read_as_names_are_key_by_key() {
    let by_number = cbor!({1 => 7, 2 => {3 => {1 => "x", "more" => true}}, 3 => "n"}).unwrap();
    let mixed = cbor!({"nick" => "n", 2 => {"other" => {"more" => true, 1 => "x"}}, "id" => 7});
    let kind = Kind::Other { why: "x".into(), more: Some(true) };
    let expected = User { nick: Some("n".into()), r#type: kind, ..member(7) };
    assert_eq!(read::<User>(by_number).unwrap(), expected);
    assert_eq!(read::<User>(mixed.unwrap()).unwrap(), expected);
    assert_eq!(read::<Kind>(cbor!(1).unwrap()).unwrap(), Kind::Member);
    assert_eq!(read::<Kind>(cbor!({2 => 9}).unwrap()).unwrap(), Kind::Bot(9));
}

#[test]
fn a_key_that_comes_twice_is_refused() {
    let pair = |key: Value, n: u64| (key, Value::from(n));
    for second in [Value::from("id"), Value::from(1)] {
        let first = vec![pair("id".into(), 1), pair(second, 2), ("kind".into(), "Member".into())];
        refused::<User>(Value::Map(first), "duplicate field `id`");
    }
    let both = Value::Map(vec![("Bot".into(), 1.into()), ("Bot".into(), 2.into())]);
    refused::<Kind>(both, "map of one entry");
}

#[test]
fn unknown_keys_are_skipped() {
    let newer = cbor!({
        "id" => 7, "colour" => {"deep" => [1, 2]}, 99 => null, (-1) => 2, "kind" => "Member", 5 => {},
    });
    assert_eq!(read::<User>(newer.unwrap()).unwrap(), member(7));
}

#[test]
fn what_is_missing_is_named() {
    refused::<User>(cbor!({"kind" => "Member"}).unwrap(), "missing field `id`");
    refused::<User>(cbor!({"id" => 1}).unwrap(), "missing field `kind`");
    refused::<Kind>(cbor!({"other" => {}}).unwrap(), "missing field `why`");
}

#[test]
fn what_does_not_fit_is_named_with_its_path() {
    let wrong = cbor!({"id" => 1, "kind" => "Member", "friends" => [{"id" => "x"}]}).unwrap();
    refused::<User>(wrong, "friends[0].id");
    let wrong = cbor!({"id" => 1, "kind" => {"other" => {"why" => 5}}}).unwrap();
    refused::<User>(wrong, "kind.other.why");
    refused::<User>(cbor!([1, "Member"]).unwrap(), "map");
    refused::<UserId>(cbor!("x").unwrap(), "string");
}

#[test]
fn variants_are_read_strictly() {
    refused::<Kind>(cbor!("Bug").unwrap(), "expected one of Member, Bot, other");
    refused::<Kind>(cbor!(9).unwrap(), "expected one of Member, Bot, other");
    refused::<Kind>(cbor!({"Bug" => 1}).unwrap(), "expected one of Member, Bot, other");
    refused::<Kind>(cbor!("Bot").unwrap(), "`Bot` has content");
    refused::<Kind>(cbor!({"Member" => 1}).unwrap(), "nothing");
    refused::<Kind>(cbor!({}).unwrap(), "map of one entry");
    assert_eq!(read::<Kind>(cbor!({"Member" => null}).unwrap()).unwrap(), Kind::Member);
    // A name where a map is due must not eat what follows it.
    refused::<User>(
        cbor!({"id" => 1, "kind" => "Bot", "nick" => "n"}).unwrap(),
        "`Bot` has content",
    );
}

#[test]
fn maps_of_unknown_length_are_read() {
    // {_ "id": 7, "kind": {_ "Bot": 9}}
    let mut open = vec![0xbf, 0x62, b'i', b'd', 0x07, 0x64];
    open.extend(b"kind");
    open.extend([0xbf, 0x63, b'B', b'o', b't', 0x09, 0xff, 0xff]);
    assert_eq!(decode::<User>(&open).unwrap(), User { r#type: Kind::Bot(9), ..member(7) });
}

/// The same types by serde's own derive: the other side may be written by hand.
mod plain {
    use super::{Deserialize, Serialize};

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    pub(super) struct User {
        pub(super) id: UserId,
        pub(super) kind: Kind,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub(super) nick: Option<String>,
        #[serde(default)]
        pub(super) friends: Vec<Self>,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    pub(super) struct UserId(pub(super) u64);

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    pub(super) enum Kind {
        Member,
        Bot(u32),
        #[serde(rename = "other")]
        Other {
            why: String,
            more: Option<bool>,
        },
    }
}

#[test]
fn plain_serde_types_fit_both_ways() {
    let ours = User {
        nick: Some("n".into()),
        r#type: Kind::Other { why: "x".into(), more: Some(false) },
        friends: vec![member(2)],
        ..member(1)
    };
    let sent = encode(&ours).unwrap();
    let theirs: plain::User = decode(&sent).unwrap();
    assert_eq!(theirs.id, plain::UserId(1));
    assert_eq!(theirs.friends[0].kind, plain::Kind::Member);
    assert_eq!(decode::<User>(&encode(&theirs).unwrap()).unwrap(), ours);
    assert_eq!(encode(&theirs).unwrap(), sent);
}

#[derive(Clone, Debug, PartialEq, Type)]
#[fluxar(error, rename = "users.UserError")]
enum UserError {
    #[fluxar(code = "not_found", message = "no user {id:?}, {{sic}}")]
    NotFound { id: UserId, hint: String },
    /// The address is taken.
    ///
    /// This does not show.
    #[fluxar(code = "already_exists")]
    EmailTaken,
    #[fluxar(code = "unavailable", message = "wait {0} s")]
    Busy(u32),
    #[fluxar(code = "internal")]
    OutOfLuck,
}

#[derive(Clone, Debug, PartialEq, Type)]
#[fluxar(error, code = "data_loss", message = "{sector} is gone")]
struct Lost {
    sector: u32,
}

#[test]
fn errors_have_codes_and_words() {
    let not_found = UserError::NotFound { id: UserId(7), hint: String::new() };
    let cases = [
        (not_found, Code::NotFound, "no user UserId(7), {sic}"),
        (UserError::EmailTaken, Code::AlreadyExists, "The address is taken"),
        (UserError::Busy(3), Code::Unavailable, "wait 3 s"),
        (UserError::OutOfLuck, Code::Internal, "out of luck"),
    ];
    for (error, code, message) in cases {
        assert_eq!((error.code(), error.message().as_str()), (code, message));
        returns(error);
    }
    assert_eq!(UserError::NAME, "users.UserError");
    assert_eq!((Lost { sector: 7 }).message(), "7 is gone");
    assert_eq!((Lost { sector: 7 }).code(), Code::DataLoss);
}

/// `?` into whatever the caller has.
fn asks<E: std::error::Error + Send + Sync + 'static>(
    error: E,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    Err(error)?
}

#[derive(Debug, Type)]
#[fluxar(error, own_display, code = "resource_exhausted")]
struct Full {
    rooms: u32,
}

impl std::fmt::Display for Full {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "all {} rooms are taken", self.rooms)
    }
}

impl std::error::Error for Full {}

#[test]
fn errors_are_errors_of_std() {
    let busy = asks(UserError::Busy(3)).unwrap_err();
    assert_eq!(busy.to_string(), "wait 3 s");
    assert_eq!(busy.downcast_ref(), Some(&UserError::Busy(3)));
    assert_eq!(asks(Lost { sector: 7 }).unwrap_err().to_string(), "7 is gone");
    // As a call gives it.
    let call = asks(fluxar::Error::App(UserError::EmailTaken)).unwrap_err();
    assert_eq!(call.to_string(), "The address is taken");
}

#[test]
fn who_displays_an_error_himself_says_it_to_peers_too() {
    let full = Full { rooms: 12 };
    assert_eq!(
        (full.code(), full.message().as_str()),
        (Code::ResourceExhausted, "all 12 rooms are taken")
    );
    assert_eq!(asks(full).unwrap_err().to_string(), "all 12 rooms are taken");
}

#[test]
fn the_codes_of_contracts_are_those_of_the_protocol() {
    let names: Vec<&str> = Code::ALL.iter().map(|code| code.name()).collect();
    assert_eq!(names, fluxar_codegen::model::CODES);
}
