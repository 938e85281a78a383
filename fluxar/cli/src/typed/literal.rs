//! What a field that is left out reads as.

use super::{DEPTH_MAX, Types};
use fluxar::Value;
use fluxar_codegen::model::{Body, Contract, Field, Scalar, TypeRef, Value as Literal};

impl Types<'_> {
    /// The default of a field, as it would travel; nothing when it has none that is known here.
    pub(super) fn default_of(&self, field: &Field<Contract>) -> Option<Value> {
        match &field.default {
            Some(literal) => Some(of_literal(literal)),
            None if field.defaulted => self.natural(&field.ty, 0),
            None => None,
        }
    }

    /// The value that a type has when nothing is said.
    fn natural(&self, ty: &TypeRef, depth: usize) -> Option<Value> {
        match ty {
            TypeRef::Optional(_) | TypeRef::Array(..) => None,
            TypeRef::List(_) => Some(Value::List(Vec::new())),
            TypeRef::Map(..) => Some(Value::Map(Vec::new())),
            TypeRef::Named(name) => match &self.model.type_named(name)?.body {
                Body::Newtype(of) if depth < DEPTH_MAX => self.natural(of, depth + 1),
                Body::Record(_) => Some(Value::Map(Vec::new())),
                _ => None,
            },
            TypeRef::Scalar(scalar) => Some(match scalar {
                Scalar::Bool => Value::Bool(false),
                Scalar::F32 | Scalar::F64 => Value::Float(0.0),
                Scalar::String | Scalar::Url => Value::from(""),
                Scalar::Decimal => Value::from("0"),
                Scalar::Bytes => Value::Bytes(Vec::new()),
                Scalar::Uuid => Value::Bytes(vec![0; 16]),
                Scalar::Any | Scalar::Unit => Value::Null,
                _ => Value::Int(0),
            }),
        }
    }
}

/// A literal as it would travel: readers take a name where a member or a variant is wanted, and
/// fill what a record leaves out.
fn of_literal(literal: &Literal) -> Value {
    let entries = |entries: &[(String, Literal)]| {
        let entry = |(key, value): &(String, Literal)| (Value::from(&**key), of_literal(value));
        Value::Map(entries.iter().map(entry).collect())
    };
    match literal {
        Literal::Null => Value::Null,
        Literal::Bool(value) => Value::Bool(*value),
        Literal::Int(value) => Value::Int(*value),
        Literal::Float(value) => Value::Float(*value),
        Literal::Text(text) | Literal::Name(text) => Value::from(&**text),
        Literal::Bytes(bytes) => Value::Bytes(bytes.clone()),
        Literal::List(items) => Value::List(items.iter().map(of_literal).collect()),
        Literal::Map(map) => entries(map),
        Literal::Record(fields) => entries(fields),
    }
}
