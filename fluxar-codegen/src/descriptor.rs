//! The canonical form of a contract: one deterministic CBOR item, without documentation.
//!
//! Maps have rising integer keys, what is absent or says nothing is left out, and items of one
//! kind stand in the order of their names.

use crate::cbor::{head, literal, text};
use crate::model::{
    Annotation, Answer, Argument, Body, Constraints, Contract, ContractDef, ErrorCode, Failure,
    Field, Lifecycle, Method, Number, Package, Retired, Scalar, Segment, Service, Topic, TypeDef,
    TypeRef, Value, Variant, VariantBody,
};
use std::time::Duration;

/// The version of this form.
const FORM: u64 = 1;

/// The descriptor of a contract.
#[must_use]
pub fn package(package: &Package<Contract>) -> Vec<u8> {
    let mut types: Vec<(String, Vec<u8>)> =
        package.types.iter().map(|def| (def.name.source.clone(), type_def(def))).collect();
    let mut services: Vec<(String, Vec<u8>)> =
        package.services.iter().map(|s| (s.name.source.clone(), service(s))).collect();
    let mut topics: Vec<(String, Vec<u8>)> =
        package.topics.iter().map(|t| (t.name.source.clone(), topic(t))).collect();
    let mut contracts: Vec<(String, Vec<u8>)> =
        package.contracts.iter().map(|c| (c.name.source.clone(), contract(c))).collect();
    map([
        (0, Some(uint(FORM))),
        (1, package.name.as_deref().map(text)),
        (2, sorted(&mut types)),
        (3, sorted(&mut services)),
        (4, sorted(&mut topics)),
        (5, sorted(&mut contracts)),
    ])
}

fn sorted(items: &mut [(String, Vec<u8>)]) -> Option<Vec<u8>> {
    items.sort();
    list(items.iter().map(|(_, bytes)| bytes.clone()))
}

fn uint(value: u64) -> Vec<u8> {
    head(0, value)
}

fn number(value: impl Into<u64>) -> Option<Vec<u8>> {
    Some(uint(value.into()))
}

fn flag(flag: bool) -> Option<Vec<u8>> {
    flag.then(|| vec![0xf5])
}

fn micros(duration: Duration) -> Vec<u8> {
    uint(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX))
}

/// Nothing when it is empty.
fn list(items: impl Iterator<Item = Vec<u8>>) -> Option<Vec<u8>> {
    let items: Vec<Vec<u8>> = items.collect();
    (!items.is_empty()).then(|| array(&items))
}

fn array(items: &[Vec<u8>]) -> Vec<u8> {
    [head(4, items.len() as u64), items.concat()].concat()
}

/// Entries without a value are left out.
fn map(entries: impl IntoIterator<Item = (u64, Option<Vec<u8>>)>) -> Vec<u8> {
    let entries = entries.into_iter().filter_map(|(key, value)| Some((key, value?)));
    let entries: Vec<Vec<u8>> = entries.map(|(key, value)| [uint(key), value].concat()).collect();
    [head(5, entries.len() as u64), entries.concat()].concat()
}

fn unless_empty(map: Vec<u8>) -> Option<Vec<u8>> {
    (map != [0xa0]).then_some(map)
}

/// A type where it is used.
fn type_ref(ty: &TypeRef) -> Vec<u8> {
    match ty {
        TypeRef::Scalar(scalar) => scalar_number(*scalar),
        TypeRef::Optional(of) => array(&[uint(0), type_ref(of)]),
        TypeRef::List(of) => array(&[uint(1), type_ref(of)]),
        TypeRef::Array(of, length) => array(&[uint(2), type_ref(of), uint(u64::from(*length))]),
        TypeRef::Map(key, value) => array(&[uint(3), type_ref(key), type_ref(value)]),
        TypeRef::Named(name) => text(name),
    }
}

fn scalar_number(scalar: Scalar) -> Vec<u8> {
    let place = Scalar::ALL.iter().position(|known| *known == scalar);
    uint(place.unwrap_or_default() as u64)
}

/// The definition of a type.
#[must_use]
pub fn type_def(def: &TypeDef<Contract>) -> Vec<u8> {
    let (kind, body) = match &def.body {
        Body::Record(fields) => (0, list(fields.iter().map(field))),
        Body::Newtype(ty) => (1, Some(type_ref(ty))),
        Body::Unit => (2, None),
        Body::Enum(variants) => (3, list(variants.iter().map(variant))),
        Body::Union(variants) => (4, list(variants.iter().map(variant))),
    };
    map([
        (0, Some(text(&def.name.source))),
        (1, Some(uint(kind))),
        (2, body),
        (3, flag(def.closed)),
        (4, constraints(&def.constraints)),
        (5, flag(def.is_error)),
        (6, def.code.as_ref().and_then(code)),
        (7, list(def.retired.iter().map(retired))),
        (8, lifecycle(&def.lifecycle)),
        (9, annotations(&def.annotations)),
    ])
}

fn field(field: &Field<Contract>) -> Vec<u8> {
    map([
        (0, field.id.and_then(number)),
        (1, Some(text(&field.name.source))),
        (2, Some(type_ref(&field.ty))),
        (3, flag(field.defaulted && field.default.is_none())),
        (4, field.default.as_ref().map(value)),
        (5, constraints(&field.constraints)),
        (8, lifecycle(&field.lifecycle)),
        (9, annotations(&field.annotations)),
    ])
}

fn variant(variant: &Variant<Contract>) -> Vec<u8> {
    let (ty, fields) = match &variant.body {
        VariantBody::Unit => (None, None),
        VariantBody::Newtype(ty) => (Some(type_ref(ty)), None),
        // A record without fields is no variant without content.
        VariantBody::Record(fields) => {
            (None, Some(array(&fields.iter().map(field).collect::<Vec<_>>())))
        }
    };
    map([
        (0, variant.id.and_then(number)),
        (1, Some(text(&variant.name.source))),
        (2, ty),
        (3, fields),
        (6, variant.code.as_ref().and_then(code)),
        (7, list(variant.retired.iter().map(retired))),
        (8, lifecycle(&variant.lifecycle)),
        (9, annotations(&variant.annotations)),
    ])
}

fn code(code: &ErrorCode) -> Option<Vec<u8>> {
    unless_empty(map([
        (0, code.code.as_deref().map(text)),
        (1, code.message.as_deref().map(text)),
        (2, flag(code.retry)),
    ]))
}

fn retired(retired: &Retired<Contract>) -> Vec<u8> {
    map([
        (0, number(*retired.ids.start())),
        (1, number(*retired.ids.end())),
        (2, retired.name.as_deref().map(text)),
        (3, retired.ty.as_ref().map(type_ref)),
        (4, retired.removed.and_then(number)),
    ])
}

fn lifecycle(life: &Lifecycle) -> Option<Vec<u8>> {
    let deprecated = life.deprecated.as_ref().map(|deprecated| {
        map([(0, deprecated.note.as_deref().map(text)), (1, deprecated.since.and_then(number))])
    });
    unless_empty(map([
        (0, life.since.and_then(number)),
        (1, life.removed.and_then(number)),
        (2, deprecated),
        (3, list(life.was.iter().map(|old| text(old)))),
    ]))
}

fn annotations(annotations: &[Annotation]) -> Option<Vec<u8>> {
    let argument = |(name, of): &(String, Value)| array(&[text(name), value(of)]);
    list(annotations.iter().map(|annotation| {
        map([
            (0, Some(text(&annotation.name))),
            (1, list(annotation.arguments.iter().map(argument))),
        ])
    }))
}

fn constraints(of: &Constraints) -> Option<Vec<u8>> {
    let bound = |number: &Number| match number {
        Number::Int(number) => value(&Value::Int(*number)),
        Number::Float(number) => value(&Value::Float(*number)),
    };
    unless_empty(map([
        (0, of.min.as_ref().map(bound)),
        (1, of.max.as_ref().map(bound)),
        (2, of.len_min.and_then(number)),
        (3, of.len_max.and_then(number)),
        (4, of.format.map(|format| text(format.name()))),
        (5, of.pattern.as_deref().map(text)),
    ]))
}

/// A literal with its kind, so that a text is told from a name.
fn value(of: &Value) -> Vec<u8> {
    let entries = |entries: &[(String, Value)]| {
        let items = entries.iter().map(|(key, of)| array(&[text(key), value(of)]));
        array(&items.collect::<Vec<_>>())
    };
    let kind = |kind: u64, bytes: Vec<u8>| array(&[uint(kind), bytes]);
    match of {
        Value::Name(name) => kind(0, text(name)),
        Value::List(items) => kind(1, array(&items.iter().map(value).collect::<Vec<_>>())),
        Value::Map(items) => kind(2, entries(items)),
        Value::Record(items) => kind(3, entries(items)),
        plain => literal(plain, false),
    }
}

/// A service.
#[must_use]
pub fn service(service: &Service<Contract>) -> Vec<u8> {
    map([
        (0, Some(text(&service.name.source))),
        (1, Some(text(&service.name.wire))),
        (2, service.package.as_deref().map(text)),
        (3, list(service.methods.iter().map(method))),
        (8, lifecycle(&service.lifecycle)),
        (9, annotations(&service.annotations)),
    ])
}

fn method(method: &Method<Contract>) -> Vec<u8> {
    let item = |name: &str, ty: &TypeRef| array(&[text(name), type_ref(ty)]);
    let input = method.arguments.iter().find_map(|argument| match argument {
        Argument::Input { name, item: ty, .. } => Some(item(&name.source, ty)),
        _ => None,
    });
    // What a sink is called is nobody's business but the implementation's.
    let output = method.output().map(type_ref);
    let (answer, ty) = match &method.answer {
        Answer::Nothing => (0, None),
        Answer::Value(ty) => (1, Some(type_ref(ty))),
        Answer::Items(ty) => (2, Some(type_ref(ty))),
    };
    let failure = match &method.failure {
        Failure::Never => None,
        Failure::Status => Some(vec![0xf6]),
        Failure::App(ty) => Some(type_ref(ty)),
    };
    let options = &method.options;
    map([
        (0, Some(text(&method.name.source))),
        (1, list(method.params().map(field))),
        (2, input),
        (3, output),
        (4, Some(uint(answer))),
        (5, ty),
        (6, failure),
        (7, method.timeout.map(micros)),
        (8, lifecycle(&method.lifecycle)),
        (9, annotations(&method.annotations)),
        (10, flag(options.idempotent)),
        (11, flag(options.resumable)),
        (12, options.cache.map(micros)),
        (13, options.bytes_max.and_then(number)),
    ])
}

/// A topic.
#[must_use]
pub fn topic(topic: &Topic<Contract>) -> Vec<u8> {
    let segment = |segment: &Segment<Contract>| match segment {
        Segment::Literal(literal) => text(literal),
        Segment::Param { name, ty } => array(&[text(&name.source), type_ref(ty)]),
    };
    map([
        (0, Some(text(&topic.name.source))),
        (1, list(topic.segments.iter().map(segment))),
        (2, Some(type_ref(&topic.payload))),
        (3, number(topic.delivery.qos())),
        (4, topic.retain.and_then(number)),
        (5, topic.replay.map(micros)),
        (6, topic.key.as_deref().map(text)),
        (8, lifecycle(&topic.lifecycle)),
        (9, annotations(&topic.annotations)),
    ])
}

/// A contract.
#[must_use]
pub fn contract(contract: &ContractDef) -> Vec<u8> {
    let names = |names: &[String]| list(names.iter().map(|name| text(name)));
    map([
        (0, Some(text(&contract.name.source))),
        (1, names(&contract.server)),
        (2, names(&contract.client)),
        (3, names(&contract.topics)),
        (8, lifecycle(&contract.lifecycle)),
        (9, annotations(&contract.annotations)),
    ])
}
