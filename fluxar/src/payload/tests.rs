//! What anybody may send: nothing panics, and the two ways into a value agree.

use super::{Reader, Value, decode, encode};
use proptest::prelude::*;
use serde::de::IgnoredAny;

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<i32>().prop_map(|n| Value::Float(f64::from(n) / 3.0)),
        ".{0,9}".prop_map(Value::Text),
        proptest::collection::vec(any::<u8>(), 0..30).prop_map(Value::Bytes),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        let entries = proptest::collection::btree_map(".{0,4}", inner.clone(), 0..5);
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::List),
            entries.prop_map(|map| {
                Value::Map(map.into_iter().map(|(k, v)| (Value::Text(k), v)).collect())
            }),
            (any::<u64>(), inner).prop_map(|(tag, v)| Value::Tag(tag, Box::new(v))),
        ]
    })
}

/// Bytes that begin like CBOR more often than noise does.
fn noise() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![
        any::<u8>(),
        prop_oneof![Just(0x9f_u8), Just(0xbf), Just(0xff), Just(0x81), Just(0xa1), Just(0x61)],
    ];
    proptest::collection::vec(byte, 0..120)
}

proptest! {
    #[test]
    fn any_value_comes_back(value in value()) {
        let bytes = encode(&value).unwrap();
        prop_assert_eq!(decode::<Value>(&bytes).unwrap(), value.clone());
        prop_assert!(decode::<IgnoredAny>(&bytes).is_ok());
        // An independent reader finds the same.
        let other: ciborium::Value = ciborium::from_reader(&bytes[..]).unwrap();
        let ours: ciborium::Value = decode(&bytes).unwrap();
        let untagged = |value: &ciborium::Value| !format!("{value:?}").contains("Tag(");
        prop_assert!(!untagged(&other) || other == ours);
    }

    #[test]
    fn noise_is_refused_and_nothing_else(bytes in noise()) {
        let skipped = Reader::new(&bytes, false).skip();
        let read = decode::<Value>(&bytes);
        if read.is_ok() {
            prop_assert!(bytes.is_empty() || skipped.is_ok(), "{:02x?}", bytes);
        }
        let _any = decode::<ciborium::Value>(&bytes);
        let _typed = decode::<std::collections::BTreeMap<String, Vec<u64>>>(&bytes);
        if let Ok(value) = read {
            prop_assert_eq!(decode::<Value>(&encode(&value).unwrap()).is_ok(), true);
        }
    }
}
