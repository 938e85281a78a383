//! CBOR that is known when code is emitted or a contract is described.

use crate::model::Value;

/// The head of an item in its shortest form.
pub(crate) fn head(major: u8, argument: u64) -> Vec<u8> {
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
pub(crate) fn text(text: &str) -> Vec<u8> {
    [head(3, text.len() as u64), text.as_bytes().to_vec()].concat()
}

/// A literal as it travels, with names; `is_single` says that floats have 32 bits.
pub(crate) fn literal(value: &Value, is_single: bool) -> Vec<u8> {
    match value {
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
            let encoded: Vec<Vec<u8>> = items.iter().map(|item| literal(item, is_single)).collect();
            [head(4, items.len() as u64), encoded.concat()].concat()
        }
        Value::Map(entries) | Value::Record(entries) => {
            let entry =
                |(key, value): &(String, Value)| [text(key), literal(value, is_single)].concat();
            let encoded: Vec<Vec<u8>> = entries.iter().map(entry).collect();
            [head(5, entries.len() as u64), encoded.concat()].concat()
        }
    }
}
