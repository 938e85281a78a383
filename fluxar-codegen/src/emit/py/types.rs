//! Records, enums, unions and newtypes: classes first, then what refers to them, then codecs.

use super::names::field as field_name;
use super::spell::{Speller, enum_members, is_optional, tuple, whole};
use super::writer::{Writer, text};
use crate::model::{
    Body, Contract, Docs, Field, Lifecycle, Package, Scalar, TypeDef, TypeRef, Variant, VariantBody,
};
use std::collections::HashSet;

/// The lines of documentation, with what the lifecycle has to say.
pub(super) fn docs(docs: &Docs, lifecycle: &Lifecycle) -> Vec<String> {
    let mut lines = docs.lines.clone();
    if let Some(deprecated) = &lifecycle.deprecated {
        let note = deprecated.note.as_deref().unwrap_or("do not use it any more");
        if docs.summary().is_some() {
            lines.push(String::new());
        }
        lines.push(format!("Deprecated: {note}."));
    }
    lines
}

/// A class for each type that needs one.
pub(super) fn classes(to: &mut Writer, package: &Package<Contract>, speller: &Speller<'_>) {
    for def in &package.types {
        match &def.body {
            Body::Record(fields) if !def.is_error => {
                let class = speller.names.class(&def.name.source);
                dataclass(to, class, &docs(&def.docs, &def.lifecycle), fields, speller);
            }
            Body::Unit if !def.is_error => {
                let class = speller.names.class(&def.name.source);
                dataclass(to, class, &docs(&def.docs, &def.lifecycle), &[], speller);
            }
            Body::Enum(members) => enumeration(to, def, members, speller),
            Body::Union(variants) if !def.is_error => {
                variants.iter().for_each(|variant| variant_class(to, def, variant, speller));
                union(to, def, variants, speller);
            }
            _ => {}
        }
    }
    newtypes(to, package, speller);
}

fn dataclass(
    to: &mut Writer,
    class: &str,
    docs: &[String],
    fields: &[Field<Contract>],
    speller: &Speller<'_>,
) {
    to.line("@_dataclass(frozen=True, slots=True, kw_only=True)");
    to.block(format!("class {class}:"), |to| {
        let said = to.docstring(docs);
        if said && !fields.is_empty() {
            to.blank(1);
        }
        let names: HashSet<String> =
            fields.iter().map(|field| field_name(&field.name.source, &speller.names)).collect();
        for field in fields {
            attribute(to, field, &names, speller);
        }
        if !said && fields.is_empty() {
            to.line("pass");
        }
    });
    to.blank(2);
}

fn attribute(
    to: &mut Writer,
    field: &Field<Contract>,
    shadow: &HashSet<String>,
    speller: &Speller<'_>,
) {
    let name = field_name(&field.name.source, &speller.names);
    let ty = speller.ty(&whole(field), shadow);
    let default = match speller.default(field) {
        Some(literal) if is_plain(&literal) => format!(" = {literal}"),
        Some(literal) => format!(" = _field(default_factory=lambda: {literal})"),
        None if is_optional(field) => " = None".to_owned(),
        None => String::new(),
    };
    to.line(format!("{name}: {ty}{default}"));
    to.docstring(&docs(&field.docs, &field.lifecycle));
}

/// A literal that can stand in a class as it is: not made of names that come later, and immutable.
fn is_plain(literal: &str) -> bool {
    let first = literal.chars().next().unwrap_or(' ');
    let is_constant = matches!(literal, "None" | "True" | "False");
    is_constant
        || first.is_ascii_digit()
        || matches!(first, '-' | '"')
        || literal.starts_with("b\"")
}

fn enumeration(
    to: &mut Writer,
    def: &TypeDef<Contract>,
    members: &[Variant<Contract>],
    speller: &Speller<'_>,
) {
    let class = speller.names.class(&def.name.source);
    to.block(format!("class {class}(_enum.Enum):"), |to| {
        let said = to.docstring(&docs(&def.docs, &def.lifecycle));
        if said && !members.is_empty() {
            to.blank(1);
        }
        let names = enum_members(members.iter().map(|member| member.name.source.as_str()));
        for (member, name) in members.iter().zip(names) {
            to.line(format!("{name} = {}", text(&member.name.wire)));
            to.docstring(&docs(&member.docs, &member.lifecycle));
        }
        if !said && members.is_empty() {
            to.line("pass");
        }
    });
    to.blank(2);
}

fn variant_class(
    to: &mut Writer,
    def: &TypeDef<Contract>,
    variant: &Variant<Contract>,
    speller: &Speller<'_>,
) {
    let class = speller.names.variant(&def.name.source, &variant.name.source);
    let lines = docs(&variant.docs, &variant.lifecycle);
    match &variant.body {
        VariantBody::Unit => dataclass(to, &class, &lines, &[], speller),
        VariantBody::Record(fields) => dataclass(to, &class, &lines, fields, speller),
        VariantBody::Newtype(ty) => {
            to.line("@_dataclass(frozen=True, slots=True)");
            to.block(format!("class {class}:"), |to| {
                if to.docstring(&lines) {
                    to.blank(1);
                }
                to.line(format!("value: {}", speller.ty(ty, &HashSet::new())));
            });
            to.blank(2);
        }
    }
}

fn union(
    to: &mut Writer,
    def: &TypeDef<Contract>,
    variants: &[Variant<Contract>],
    speller: &Speller<'_>,
) {
    let class = speller.names.class(&def.name.source);
    let mut of: Vec<String> = variants
        .iter()
        .map(|variant| speller.names.variant(&def.name.source, &variant.name.source))
        .collect();
    if !def.closed || of.is_empty() {
        of.push("_Unknown".to_owned());
    }
    to.line(format!("{class}: _TypeAlias = _Union[{}]", of.join(", ")));
    to.docstring(&docs(&def.docs, &def.lifecycle));
    to.blank(2);
}

/// Newtypes, each after those that it is made of.
fn newtypes(to: &mut Writer, package: &Package<Contract>, speller: &Speller<'_>) {
    let ordered = ordered_newtypes(package);
    let mut waiting = names_of(&ordered);
    for def in ordered {
        let Body::Newtype(of) = &def.body else { continue };
        let source = &def.name.source;
        let class = speller.names.class(source);
        // Python's checkers know no alias of itself, nor of what comes later.
        let ty = speller.ty(&without(of, &waiting), &HashSet::new());
        waiting.remove(source.as_str());
        if def.is_error {
            super::errors::wrapped(to, def, class, ty);
            continue;
        }
        if speller.is_new_type(source) {
            to.line(format!("{class} = _NewType({}, {ty})", text(class)));
        } else {
            to.line(format!("{class}: _TypeAlias = {}", alias(of, &ty)));
        }
        to.docstring(&docs(&def.docs, &def.lifecycle));
        to.blank(2);
    }
}

/// An alias is an expression: a `|` between names is one in every Python that we support, but for
/// `Any`.
fn alias(of: &TypeRef, ty: &str) -> String {
    match of {
        TypeRef::Optional(_) => format!("_Optional[{}]", ty.trim_end_matches(" | None")),
        _ => ty.to_owned(),
    }
}

fn ordered_newtypes(package: &Package<Contract>) -> Vec<&TypeDef<Contract>> {
    let mut left: Vec<&TypeDef<Contract>> =
        package.types.iter().filter(|def| matches!(def.body, Body::Newtype(_))).collect();
    let mut ordered = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let waiting = names_of(&left);
        let (ready, rest): (Vec<_>, Vec<_>) = left.iter().partition(|def| {
            let Body::Newtype(of) = &def.body else { return true };
            let mut is_ready = true;
            let own = &def.name.source;
            of.each_name(&mut |name| is_ready &= name == own || !waiting.contains(name));
            is_ready
        });
        if ready.is_empty() {
            // In a circle: somewhere in it is a list or a map, which knows its items later.
            let is_direct = |def: &&TypeDef<Contract>| match &def.body {
                Body::Newtype(of) => {
                    matches!(&**of, TypeRef::Named(of) if waiting.contains(&of[..]))
                }
                _ => false,
            };
            let first = left.iter().position(|def| !is_direct(def)).unwrap_or(0);
            ordered.push(left.remove(first));
            continue;
        }
        ordered.extend(ready);
        left = rest;
    }
    ordered
}

fn names_of<'p>(defs: &[&'p TypeDef<Contract>]) -> HashSet<&'p str> {
    defs.iter().map(|def| def.name.source.as_str()).collect()
}

/// The type with `any` in place of these.
fn without(of: &TypeRef, names: &HashSet<&str>) -> TypeRef {
    let inner = |of: &TypeRef| Box::new(without(of, names));
    match of {
        TypeRef::Named(name) if names.contains(name.as_str()) => TypeRef::Scalar(Scalar::Any),
        TypeRef::Scalar(_) | TypeRef::Named(_) => of.clone(),
        TypeRef::Optional(of) => TypeRef::Optional(inner(of)),
        TypeRef::List(of) => TypeRef::List(inner(of)),
        TypeRef::Array(of, size) => TypeRef::Array(inner(of), *size),
        TypeRef::Map(key, of) => TypeRef::Map(inner(key), inner(of)),
    }
}

/// A codec for each type.
pub(super) fn codecs(to: &mut Writer, package: &Package<Contract>, speller: &Speller<'_>) {
    let is_newtype = |def: &&TypeDef<Contract>| matches!(def.body, Body::Newtype(_));
    let others = package.types.iter().filter(|def| !is_newtype(def));
    let ordered = ordered_newtypes(package);
    let mut waiting = names_of(&ordered);
    for def in others.chain(ordered) {
        let name = speller.codec_name(&def.name.source);
        let codec = codec(def, &waiting, speller);
        waiting.remove(def.name.source.as_str());
        to.line(format!("{name}: _c.Codec[_Any] = {codec}"));
    }
    to.block("CODECS: dict[str, _c.Codec[_Any]] = {", |to| {
        for def in &package.types {
            let name = speller.codec_name(&def.name.source);
            to.line(format!("{}: {name},", text(&def.name.source)));
        }
    });
    to.line("}");
    to.line("\"\"\"The codec of every type, by its name in the contract.\"\"\"");
    to.blank(1);
}

fn codec(def: &TypeDef<Contract>, waiting: &HashSet<&str>, speller: &Speller<'_>) -> String {
    let source = &def.name.source;
    let class = speller.names.class(source);
    let closed = if def.closed { ", closed=True" } else { "" };
    match &def.body {
        Body::Record(fields) => format!("_t.Record({class}, lambda: {})", rows(fields, speller)),
        Body::Unit => format!("_t.Record({class}, lambda: ())"),
        Body::Newtype(of) => {
            let mut inner = speller.codec(of);
            let mut is_later = false;
            of.each_name(&mut |name| is_later |= waiting.contains(name));
            if is_later {
                inner = format!("_t.Lazy(lambda: {inner})");
            }
            let codec = speller.checked(inner, &def.constraints);
            if def.is_error {
                format!("_t.Wrapped({}, {codec})", speller.names.class(&def.name.source))
            } else if matches!(&**of, TypeRef::Scalar(_) | TypeRef::Named(_)) {
                codec
            } else {
                // Else pyright knows better than the annotation what it is, and not its name.
                format!("_cast(\"_c.Codec[_Any]\", {codec})")
            }
        }
        Body::Enum(members) => {
            let rows = members.iter().map(|member| {
                let was = tuple(member.lifecycle.was.iter().map(|was| text(was)));
                format!("({}, {}, {was})", member.id.unwrap_or(0), text(&member.name.wire))
            });
            format!("_t.Enum({class}, {}{closed})", tuple(rows))
        }
        Body::Union(variants) => {
            let rows = variants.iter().map(|variant| variant_row(def, variant, speller));
            let unknown = match def.is_error {
                true => format!(", unknown={}", speller.names.unknown(source)),
                false => String::new(),
            };
            let name = text(source);
            format!("_t.Union_({name}, lambda: {}{closed}{unknown})", tuple(rows))
        }
    }
}

/// The table of a record's fields.
pub(super) fn rows(fields: &[Field<Contract>], speller: &Speller<'_>) -> String {
    tuple(
        fields
            .iter()
            .map(|field| speller.row(field, &field_name(&field.name.source, &speller.names))),
    )
}

fn variant_row(
    def: &TypeDef<Contract>,
    variant: &Variant<Contract>,
    speller: &Speller<'_>,
) -> String {
    let class = speller.names.variant(&def.name.source, &variant.name.source);
    let wire = text(&variant.name.wire);
    let mut row = format!("_t.Variant({}, {wire}, {class}", variant.id.unwrap_or(0));
    match &variant.body {
        VariantBody::Unit => {}
        VariantBody::Newtype(ty) => row += &format!(", value={}", speller.codec(ty)),
        VariantBody::Record(fields) => {
            let rows = match def.is_error {
                true => super::errors::rows(fields, speller),
                false => rows(fields, speller),
            };
            row += &format!(", fields=_t.Record({class}, lambda: {rows})");
        }
    }
    if !variant.lifecycle.was.is_empty() {
        row += &format!(", was={}", tuple(variant.lifecycle.was.iter().map(|was| text(was))));
    }
    row + ")"
}
