//! The records of `idl-example.fluxar`: a user, and an event of a token stream.

use fluxar::Type;
use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};

/// As the contract emits it.
#[derive(Clone, Debug, PartialEq, Type)]
pub(crate) struct User {
    #[fluxar(id = 1)]
    pub(crate) id: fluxar::Uuid,
    #[fluxar(id = 2)]
    pub(crate) email: String,
    #[fluxar(id = 3, default = "")]
    pub(crate) display_name: String,
    #[fluxar(id = 4)]
    pub(crate) created_at: fluxar::Timestamp,
    #[fluxar(id = 5, default = [])]
    pub(crate) roles: Vec<Role>,
    #[fluxar(id = 6)]
    pub(crate) avatar: Option<fluxar::Url>,
    #[fluxar(id = 8, default = "0")]
    pub(crate) balance: fluxar::Decimal,
}

#[derive(Clone, Debug, PartialEq, Type)]
pub(crate) enum Role {
    #[fluxar(id = 1, rename = "admin")]
    Admin,
    #[fluxar(id = 2, rename = "member")]
    Member,
    #[fluxar(unknown)]
    Unknown(fluxar::Unknown),
}

#[derive(Clone, Debug, PartialEq, Type)]
pub(crate) enum Delta {
    #[fluxar(id = 1, rename = "text")]
    Text(String),
    #[fluxar(id = 2, rename = "tool_call")]
    ToolCall {
        #[fluxar(id = 1)]
        index: u32,
        #[fluxar(id = 2)]
        name: Option<String>,
        #[fluxar(id = 3)]
        args_json: String,
    },
}

/// The same by serde's derive.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct SerdeUser {
    #[serde(with = "id")]
    id: [u8; 16],
    email: String,
    #[serde(default)]
    display_name: String,
    created_at: i64,
    #[serde(default)]
    roles: Vec<SerdeRole>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    avatar: Option<String>,
    balance: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum SerdeRole {
    Admin,
    Member,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SerdeDelta {
    Text(String),
    ToolCall {
        index: u32,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        args_json: String,
    },
}

/// Sixteen bytes as a byte string.
mod id {
    use serde::de::{Error, Visitor};
    use serde::{Deserializer, Serializer};
    use std::fmt;

    pub(super) fn serialize<S: Serializer>(id: &[u8; 16], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_bytes(id)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<[u8; 16], D::Error> {
        struct Id;
        impl Visitor<'_> for Id {
            type Value = [u8; 16];
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("16 bytes")
            }
            fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<[u8; 16], E> {
                bytes.try_into().map_err(|_| E::invalid_length(bytes.len(), &self))
            }
        }
        from.deserialize_bytes(Id)
    }
}

/// The same by minicbor's derive, which has numbers only.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct MiniUser {
    #[cbor(n(1), with = "minicbor::bytes")]
    id: [u8; 16],
    #[n(2)]
    email: String,
    #[n(3)]
    display_name: String,
    #[n(4)]
    created_at: i64,
    #[n(5)]
    roles: Vec<MiniRole>,
    #[n(6)]
    avatar: Option<String>,
    #[n(8)]
    balance: String,
}

#[derive(Clone, Debug, PartialEq, Encode, Decode)]
#[cbor(index_only)]
enum MiniRole {
    #[n(1)]
    Admin,
    #[n(2)]
    Member,
}

#[derive(Clone, Debug, PartialEq, Encode, Decode)]
#[cbor(map)]
pub(crate) enum MiniDelta {
    #[n(1)]
    Text(#[n(0)] String),
}

const EMAIL: &str = "ada@example.com";
const NAME: &str = "Ada Lovelace";
const AVATAR: &str = "https://example.com/a/ada.png";
const CREATED: i64 = 1_790_000_000_123_456;
const ID: [u8; 16] = [0x5a; 16];

pub(crate) fn user() -> User {
    User {
        id: fluxar::Uuid::from_bytes(ID),
        email: EMAIL.into(),
        display_name: NAME.into(),
        created_at: fluxar::Timestamp::from_micros(CREATED),
        roles: vec![Role::Admin, Role::Member],
        avatar: Some(AVATAR.into()),
        balance: "12.50".parse().unwrap_or_default(),
    }
}

pub(crate) fn serde_user() -> SerdeUser {
    SerdeUser {
        id: ID,
        email: EMAIL.into(),
        display_name: NAME.into(),
        created_at: CREATED,
        roles: vec![SerdeRole::Admin, SerdeRole::Member],
        avatar: Some(AVATAR.into()),
        balance: "12.50".into(),
    }
}

pub(crate) fn mini_user() -> MiniUser {
    MiniUser {
        id: ID,
        email: EMAIL.into(),
        display_name: NAME.into(),
        created_at: CREATED,
        roles: vec![MiniRole::Admin, MiniRole::Member],
        avatar: Some(AVATAR.into()),
        balance: "12.50".into(),
    }
}

/// One token of an answer.
pub(crate) const TOKEN: &str = " garden";
