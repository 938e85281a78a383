//! Literals.

use crate::model::{Body, Model, Scalar, TypeRef, Value};
use std::fmt::Write as _;

/// A text between quotes.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            c if c.is_control() => {
                let _ = write!(quoted, "\\u{{{:x}}}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// A length of time, in the largest unit that says it exactly.
pub(super) fn duration(us: i128) -> String {
    let units = [
        (86_400_000_000, "d"),
        (3_600_000_000, "h"),
        (60_000_000, "m"),
        (1_000_000, "s"),
        (1000, "ms"),
    ];
    let unit = units.into_iter().find(|(length, _)| us != 0 && us % length == 0);
    let (length, unit) = unit.unwrap_or((1, "us"));
    format!("{}{unit}", us / length)
}

/// A number of bytes.
pub(super) fn size(bytes: u64) -> String {
    let units = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    match units.into_iter().find(|(unit, _)| bytes != 0 && bytes.is_multiple_of(*unit)) {
        Some((unit, name)) => format!("{}{name}", bytes / unit),
        None => bytes.to_string(),
    }
}

/// A literal of unknown type.
pub(super) fn plain(value: &Value) -> String {
    let entries = |entries: &[(String, Value)], quote: bool| {
        let entries: Vec<String> = entries
            .iter()
            .map(|(key, value)| match quote {
                true => format!("{}: {}", quoted(key), plain(value)),
                false => format!("{key}: {}", plain(value)),
            })
            .collect();
        format!("{{{}}}", entries.join(", "))
    };
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(is_true) => is_true.to_string(),
        Value::Int(int) => int.to_string(),
        Value::Float(float) => format!("{float:?}"),
        Value::Text(text) => quoted(text),
        Value::Bytes(bytes) => quoted(&String::from_utf8_lossy(bytes)),
        Value::Name(name) => format!(".{name}"),
        Value::List(items) => {
            format!("[{}]", items.iter().map(plain).collect::<Vec<_>>().join(", "))
        }
        Value::Map(map) => entries(map, true),
        Value::Record(fields) => entries(fields, false),
    }
}

/// A literal of a type: durations in their units.
pub(crate) fn of_type(value: &Value, ty: &TypeRef, model: &Model) -> String {
    match value {
        Value::Int(int) if base(ty, model) == Some(Scalar::Duration) => duration(*int),
        other => plain(other),
    }
}

/// The scalar that a type is under `?` and newtypes.
fn base(ty: &TypeRef, model: &Model) -> Option<Scalar> {
    scalar_under(ty, model, false)
}

/// The scalar that constraints of numbers bind: also that of a list's items.
pub(super) fn innermost(ty: &TypeRef, model: &Model) -> Option<Scalar> {
    scalar_under(ty, model, true)
}

fn scalar_under(ty: &TypeRef, model: &Model, in_lists: bool) -> Option<Scalar> {
    let mut ty = ty;
    // A chain of newtypes is at most as long as there are types.
    for _ in 0..=model.types.len() + 8 {
        ty = match ty {
            TypeRef::Scalar(scalar) => return Some(*scalar),
            TypeRef::Optional(of) => of,
            TypeRef::List(of) | TypeRef::Array(of, _) if in_lists => of,
            TypeRef::Named(name) => match &model.type_named(name)?.body {
                Body::Newtype(of) => of.as_ref(),
                _ => return None,
            },
            _ => return None,
        };
    }
    None
}

/// The value that a type has when nothing is said, as `#[fluxar(default)]` means it.
pub(super) fn natural(ty: &TypeRef, model: &Model) -> &'static str {
    match ty {
        TypeRef::Optional(_) => "null",
        TypeRef::List(_) | TypeRef::Array(..) => "[]",
        TypeRef::Map(..) => "{}",
        TypeRef::Named(_) | TypeRef::Scalar(_) => match base(ty, model) {
            None => "{}",
            Some(Scalar::Bool) => "false",
            Some(Scalar::Any | Scalar::Unit) => "null",
            Some(Scalar::Decimal) => "\"0\"",
            Some(Scalar::String | Scalar::Bytes | Scalar::Url | Scalar::Uuid) => "\"\"",
            Some(_) => "0",
        },
    }
}
