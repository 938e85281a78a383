//! Typed topics.

use super::names::{camel, distinct, property};
use super::spell::{Speller, kinds};
use super::text::{Lines, list, quote};
use crate::model::{Body, Contract, Lifecycle, Package, Scalar, Segment, Topic, TypeRef};

/// A key, a definition and a client for each topic.
pub(super) fn topics(to: &mut Lines, package: &Package<Contract>, speller: &Speller<'_>) {
    for topic in &package.topics {
        one(to, topic, speller);
        to.line("");
    }
}

fn one(to: &mut Lines, topic: &Topic<Contract>, speller: &Speller<'_>) {
    let source = &topic.name.source;
    let (key, class) =
        (speller.names.derived("key", source), speller.names.derived("topic", source));
    let payload = speller.ty(&topic.payload);
    let params: Vec<&TypeRef> = topic.params().map(|(_, ty)| ty).collect();
    let names = distinct(topic.params().map(|(name, _)| camel(&name.source)));
    let about = format!("The parameters in the paths of `{}`.", topic.filter());
    to.docs(&crate::model::Docs::default(), &Lifecycle::default(), &about);
    to.block(&format!("export interface {key}"), "", |to| {
        for (name, ty) in names.iter().zip(&params) {
            to.line(format!("readonly {}: {};", property(name), speller.ty(ty)));
        }
    });
    let mut next = names.iter();
    let path = list(topic.segments.iter().map(|segment| match segment {
        Segment::Literal(text) => quote(text),
        Segment::Param { .. } => {
            format!("{{ param: {} }}", quote(next.next().expect("a name for each parameter")))
        }
    }));
    to.block(&format!("const {class}$def: $.TopicDef<{key}, {payload}> ="), ";", |to| {
        to.line(format!("path: {path},"));
        to.block("params:", ",", |to| {
            for (name, ty) in names.iter().zip(&params) {
                let cast = speller.ty(ty);
                let param = param(ty, speller);
                to.line(format!(
                    "{}: {param} as $.Param<unknown> as $.Param<{cast}>,",
                    super::names::built_property(name)
                ));
            }
        });
        to.line(format!("codec: {},", speller.codec(&topic.payload)));
        if topic.retain.is_some_and(|values| values > 0) {
            to.line("retain: true,");
        }
    });
    to.docs(&topic.docs, &topic.lifecycle, "");
    to.block(&format!("export class {class} extends $.Topic<{key}, {payload}>"), "", |to| {
        to.block("constructor(peer: $.TopicHost)", "", |to| {
            to.line(format!("super(peer, {class}$def);"))
        });
    });
}

/// How a value stands in a path.
fn param(ty: &TypeRef, speller: &Speller<'_>) -> String {
    match speller.base(ty) {
        TypeRef::Scalar(Scalar::Bool) => "$.boolParam".to_owned(),
        TypeRef::Scalar(Scalar::Uuid) => "$.uuidParam".to_owned(),
        TypeRef::Scalar(scalar @ (Scalar::U64 | Scalar::I64)) => {
            let (least, most) = scalar.int_range().unwrap_or_default();
            format!("$.bigParam({least}n, {most}n)")
        }
        TypeRef::Scalar(scalar) if scalar.int_range().is_some() => {
            let (least, most) = scalar.int_range().unwrap_or_default();
            format!("$.intParam({least}, {most})")
        }
        TypeRef::Named(source) => match speller.def(source) {
            Some(def) => match &def.body {
                Body::Enum(variants) => {
                    let rows = variants.iter().zip(kinds(variants));
                    let rows =
                        rows.map(|(variant, kind)| list([quote(&kind), quote(&variant.name.wire)]));
                    format!("$.enumParam({}, {})", list(rows), !def.closed)
                }
                _ => "$.stringParam".to_owned(),
            },
            None => "$.stringParam".to_owned(),
        },
        _ => "$.stringParam".to_owned(),
    }
}
