//! Default values, as they travel.

use crate::cbor;
use crate::model::Value;
use proc_macro2::TokenStream;

/// The CBOR of a literal in name mode; `ty` tells how wide a float is.
pub(super) fn value(literal: &Value, ty: &TokenStream) -> Vec<u8> {
    let is_single = ty.to_string().split(|c: char| !c.is_alphanumeric()).any(|word| word == "f32");
    cbor::literal(literal, is_single)
}

/// True when the literal is written alike with names and with numbers.
pub(super) fn is_plain(literal: &Value) -> bool {
    match literal {
        Value::Name(_) | Value::Record(_) | Value::Map(_) => false,
        Value::List(items) => items.iter().all(is_plain),
        _ => true,
    }
}
