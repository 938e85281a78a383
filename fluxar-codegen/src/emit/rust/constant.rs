//! CBOR that is known when the code is emitted: keys and default values.

use crate::model::Value;
use proc_macro2::TokenStream;

/// The head of an item in its shortest form.
pub(super) fn head(major: u8, argument: u64) -> Vec<u8> {
    let top = major << 5;
    let be = argument.to_be_bytes();
    match argument {
        0..=23 => vec![top | argument as u8],
        24..=0xff => vec![top | 24, be[7]],
        0x100..=0xffff => [&[top | 25], &be[6..]].concat(),
        0x1_0000..=0xffff_ffff => [&[top | 26], &be[4..]].concat(),
        _ => [&[top | 27], &be[..]].concat(),
    }
}

/// A text.
pub(super) fn text(text: &str) -> Vec<u8> {
    [head(3, text.len() as u64), text.as_bytes().to_vec()].concat()
}

/// The CBOR of a literal in name mode; `ty` tells how wide a float is.
pub(super) fn value(literal: &Value, ty: &TokenStream) -> Vec<u8> {
    let is_single = ty.to_string().split(|c: char| !c.is_alphanumeric()).any(|word| word == "f32");
    encode(literal, is_single)
}

fn encode(literal: &Value, is_single: bool) -> Vec<u8> {
    let all = |items: Vec<Vec<u8>>| items.concat();
    match literal {
        Value::Null => vec![0xf6],
        Value::Bool(value) => vec![if *value { 0xf5 } else { 0xf4 }],
        Value::Int(value) => match u64::try_from(*value) {
            Ok(value) => head(0, value),
            Err(_) => head(1, u64::try_from(-1 - value).unwrap_or(u64::MAX)),
        },
        Value::Float(value) if is_single => [&[0xfa], &(*value as f32).to_be_bytes()[..]].concat(),
        Value::Float(value) => [&[0xfb], &value.to_be_bytes()[..]].concat(),
        Value::Text(value) | Value::Name(value) => text(value),
        Value::Bytes(bytes) => [head(2, bytes.len() as u64), bytes.clone()].concat(),
        Value::List(items) => {
            let encoded = items.iter().map(|item| encode(item, is_single)).collect();
            [head(4, items.len() as u64), all(encoded)].concat()
        }
        Value::Map(entries) | Value::Record(entries) => {
            let entry =
                |(key, value): &(String, Value)| [text(key), encode(value, is_single)].concat();
            let encoded = entries.iter().map(entry).collect();
            [head(5, entries.len() as u64), all(encoded)].concat()
        }
    }
}

/// True when the literal is written alike with names and with numbers.
pub(super) fn is_plain(literal: &Value) -> bool {
    match literal {
        Value::Name(_) | Value::Record(_) | Value::Map(_) | Value::Text(_) => {
            matches!(literal, Value::Text(_))
        }
        Value::List(items) => items.iter().all(is_plain),
        _ => true,
    }
}
