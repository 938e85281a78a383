//! JSON at the terminal, CBOR on the wire.
//!
//! JSON has no byte strings, so `{"$bytes": "<base64>"}` stands for one, in both directions. An
//! integer as a map's key is written as a string; a number that JSON cannot write (NaN, infinity)
//! reads as null. Everything else maps one to one.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::de::{Error as _, MapAccess, SeqAccess, Visitor};
use serde::ser::{Error as _, SerializeMap};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};
use std::fmt;

/// The key that marks a byte string.
const BYTES_KEY: &str = "$bytes";

/// Any value, as a payload.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Json(pub(crate) Value);

impl Json {
    /// A byte string.
    pub(crate) fn of_bytes(bytes: &[u8]) -> Self {
        Self(serde_json::json!({ BYTES_KEY: BASE64.encode(bytes) }))
    }
}

impl fmt::Display for Json {
    /// One line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Borrowed(&self.0).serialize(serializer)
    }
}

struct Borrowed<'a>(&'a Value);

impl Serialize for Borrowed<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            // Not `serialize_unit`, which CBOR writers understand in more than one way.
            Value::Null => serializer.serialize_none(),
            Value::Array(items) => serializer.collect_seq(items.iter().map(Borrowed)),
            Value::Object(fields) => match byte_string(fields) {
                Some(base64) => {
                    let bytes = BASE64.decode(base64);
                    let bytes = bytes.map_err(|error| {
                        S::Error::custom(format_args!("{BYTES_KEY} is not base64: {error}"))
                    })?;
                    serializer.serialize_bytes(&bytes)
                }
                None => {
                    let mut map = serializer.serialize_map(Some(fields.len()))?;
                    for (key, value) in fields {
                        map.serialize_entry(key, &Borrowed(value))?;
                    }
                    map.end()
                }
            },
            other => other.serialize(serializer),
        }
    }
}

fn byte_string(fields: &Map<String, Value>) -> Option<&str> {
    let base64 = fields.get(BYTES_KEY)?.as_str()?;
    (fields.len() == 1).then_some(base64)
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(JsonVisitor).map(Self)
    }
}

struct JsonVisitor;

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i128<E: serde::de::Error>(self, value: i128) -> Result<Value, E> {
        let value = i64::try_from(value);
        value.map(Value::from).map_err(|_| E::custom("an integer beyond 64 bits"))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_bytes<E>(self, value: &[u8]) -> Result<Value, E> {
        Ok(Json::of_bytes(value).0)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        Json::deserialize(deserializer).map(|json| json.0)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(Json(item)) = seq.next_element()? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut fields = Map::new();
        while let Some((Json(key), Json(value))) = map.next_entry()? {
            let key = match key {
                Value::String(key) => key,
                Value::Number(key) => key.to_string(),
                other => return Err(A::Error::custom(format_args!("{other} as a map's key"))),
            };
            fields.insert(key, value);
        }
        Ok(Value::Object(fields))
    }
}

/// Parameters as they stand on a command line.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Words {
    /// None at all.
    None,
    /// One JSON value.
    Json(Value),
    /// `key=value`, unread: whether a value is text may depend on its type.
    Pairs(Vec<(String, String)>),
}

impl Words {
    /// JSON, or `key=value` pairs. No words, no parameters.
    ///
    /// # Errors
    /// Neither the one nor the other; the message says what was expected.
    pub(crate) fn of(words: &[String]) -> Result<Self, String> {
        let [first, rest @ ..] = words else { return Ok(Self::None) };
        if rest.is_empty() {
            match serde_json::from_str(first) {
                Ok(value) => return Ok(Self::Json(value)),
                Err(error) if first.starts_with(['{', '[', '"']) => {
                    return Err(format!("the parameters are no JSON: {error}"));
                }
                Err(_) => {}
            }
        }
        let pair = |word: &String| match word.split_once('=').filter(|(key, _)| !key.is_empty()) {
            Some((key, value)) => Ok((key.to_owned(), value.to_owned())),
            None => Err(format!("`{word}` is neither JSON nor key=value")),
        };
        words.iter().map(pair).collect::<Result<_, _>>().map(Self::Pairs)
    }

    /// As JSON of which nothing is known: a value is JSON if it parses, and text otherwise.
    pub(crate) fn untyped(self) -> Option<Json> {
        match self {
            Self::None => None,
            Self::Json(json) => Some(Json(json)),
            Self::Pairs(pairs) => {
                let read = |(key, value): (String, String)| {
                    let json = serde_json::from_str(&value);
                    (key, json.unwrap_or_else(|_| value.into()))
                };
                Some(Json(Value::Object(pairs.into_iter().map(read).collect())))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn words(words: &[&str]) -> Result<Option<Value>, String> {
        let words: Vec<String> = words.iter().map(ToString::to_string).collect();
        Words::of(&words).map(|words| words.untyped().map(|json| json.0))
    }

    #[test]
    fn words_are_json_or_pairs_or_nothing() {
        assert_eq!(words(&[]), Ok(None));
        assert_eq!(words(&[r#"{"a":1}"#]), Ok(Some(json!({"a": 1}))));
        assert_eq!(words(&["7"]), Ok(Some(json!(7))));
        let pairs = words(&["prompt=hello there", "n=3", "deep={\"x\":[1]}", "eq=a=b"]);
        let expected = json!({"prompt": "hello there", "n": 3, "deep": {"x": [1]}, "eq": "a=b"});
        assert_eq!(pairs, Ok(Some(expected)));
        assert!(words(&["{\"a\":"]).unwrap_err().contains("no JSON"));
        assert!(words(&["hello"]).unwrap_err().contains("key=value"));
        assert!(words(&["a=1", "=2"]).is_err());
    }

    #[test]
    fn cbor_and_back_keeps_every_value() {
        let all = json!({
            "null": null, "yes": true, "small": -1, "big": u64::MAX, "half": 0.5,
            "text": "ü", "list": [1, [], {}], "bytes": {"$bytes": "AAH/"},
            "not bytes": {"$bytes": 7}, "nor these": {"$bytes": "AA==", "x": 1},
        });
        let cbor = fluxar::__rt::encode(&Json(all.clone())).unwrap();
        assert_eq!(fluxar::__rt::decode::<Json>(&cbor).unwrap(), Json(all));
    }

    #[test]
    fn bytes_are_bytes_on_the_wire() {
        let json = Json(json!({"$bytes": "AAH/"}));
        assert_eq!(fluxar::__rt::encode(&json).unwrap(), [0x43, 0, 1, 0xff]);
        assert!(fluxar::__rt::encode(&Json(json!({"$bytes": "?"}))).is_err());
    }

    #[test]
    fn a_key_may_be_an_integer() {
        let json: Json = fluxar::__rt::decode(&[0xa1, 0x01, 0xf6]).unwrap();
        assert_eq!(json, Json(json!({"1": null})));
    }
}
