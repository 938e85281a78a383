//! Errors of methods: exceptions, a class for each variant.

use super::names::error_field;
use super::spell::{Speller, is_optional, tuple, whole};
use super::types::docs;
use super::writer::{Writer, escape, text};
use crate::model::{
    Body, Contract, ErrorCode, Field, Package, Piece, TypeDef, Variant, VariantBody, pieces,
};
use std::collections::HashSet;

/// An attribute of an error.
struct Attribute {
    source: String,
    name: String,
    ty: String,
    default: Option<String>,
}

/// The classes of all errors.
pub(super) fn classes(to: &mut Writer, package: &Package<Contract>, speller: &Speller<'_>) {
    for def in package.types.iter().filter(|def| def.is_error) {
        match &def.body {
            Body::Union(variants) => union(to, def, variants, speller),
            Body::Record(fields) => {
                let class = speller.names.class(&def.name.source);
                single(to, def, class, (&attributes(fields, speller), false));
            }
            Body::Unit => single(to, def, speller.names.class(&def.name.source), (&[], false)),
            Body::Newtype(_) | Body::Enum(_) => {}
        }
    }
}

/// The table of an error's fields.
pub(super) fn rows(fields: &[Field<Contract>], speller: &Speller<'_>) -> String {
    tuple(
        fields
            .iter()
            .map(|field| speller.row(field, &error_field(&field.name.source, &speller.names))),
    )
}

fn attributes(fields: &[Field<Contract>], speller: &Speller<'_>) -> Vec<Attribute> {
    let attribute = |field: &Field<Contract>| Attribute {
        source: field.name.source.clone(),
        name: error_field(&field.name.source, &speller.names),
        ty: speller.ty(&whole(field), &HashSet::new()),
        default: speller.default(field).or_else(|| is_optional(field).then(|| "None".to_owned())),
    };
    fields.iter().map(attribute).collect()
}

fn union(
    to: &mut Writer,
    def: &TypeDef<Contract>,
    variants: &[Variant<Contract>],
    speller: &Speller<'_>,
) {
    let class = speller.names.class(&def.name.source);
    to.block(format!("class {class}(_m.AppError):"), |to| {
        if !to.docstring(&docs(&def.docs, &def.lifecycle)) {
            to.line(format!("\"\"\"One of the errors `{}`.\"\"\"", escape(&def.name.wire)));
        }
    });
    to.blank(2);
    for variant in variants {
        let name = speller.names.variant(&def.name.source, &variant.name.source);
        let (attributes, positional) = match &variant.body {
            VariantBody::Unit => (Vec::new(), false),
            VariantBody::Newtype(ty) => (vec![value_of(speller.ty(ty, &HashSet::new()))], true),
            VariantBody::Record(fields) => (attributes(fields, speller), false),
        };
        let lines = docs(&variant.docs, &variant.lifecycle);
        let said = Says {
            code: code([&variant.code, &def.code]),
            message: message(&variant.code, variant.docs.summary(), &variant.name.source),
        };
        exception(to, (&name, class), &lines, &said, (&attributes, positional));
    }
    let unknown = speller.names.unknown(&def.name.source);
    to.block(format!("class {unknown}({class}):"), |to| {
        to.line("\"\"\"An error that only a newer contract knows.\"\"\"");
        to.blank(1);
        to.line("fields = (\"unknown\",)");
        to.blank(1);
        to.block("def __init__(self, unknown: _Unknown) -> None:", |to| {
            to.line("super().__init__(_Code.UNKNOWN, \"an error of a newer contract\")");
            to.line("self.unknown = unknown");
        });
    });
    to.blank(2);
}

/// The one attribute of an error around a value of this Python type.
fn value_of(ty: String) -> Attribute {
    Attribute { source: "0".to_owned(), name: "value".to_owned(), ty, default: None }
}

/// An error that is a newtype: an exception around a value of this Python type.
pub(super) fn wrapped(to: &mut Writer, def: &TypeDef<Contract>, class: &str, ty: String) {
    single(to, def, class, (&[value_of(ty)], true));
}

fn single(to: &mut Writer, def: &TypeDef<Contract>, class: &str, attributes: (&[Attribute], bool)) {
    let said = Says {
        code: code([&def.code, &None]),
        message: message(&def.code, def.docs.summary(), &def.name.source),
    };
    let lines = docs(&def.docs, &def.lifecycle);
    exception(to, (class, "_m.AppError"), &lines, &said, attributes);
}

struct Says {
    code: String,
    message: Vec<Piece>,
}

fn exception(
    to: &mut Writer,
    (class, base): (&str, &str),
    docs: &[String],
    said: &Says,
    (attributes, positional): (&[Attribute], bool),
) {
    to.block(format!("class {class}({base}):"), |to| {
        if to.docstring(docs) {
            to.blank(1);
        }
        let names = tuple(attributes.iter().map(|attribute| text(&attribute.name)));
        to.line(format!("fields = {names}"));
        to.line(format!("__match_args__ = {names}"));
        to.blank(1);
        let mut signature = String::from("self");
        if !attributes.is_empty() && !positional {
            signature += ", *";
        }
        for Attribute { name, ty, default, .. } in attributes {
            signature += &format!(", {name}: {ty}");
            if let Some(default) = default {
                signature += &format!(" = {default}");
            }
        }
        to.block(format!("def __init__({signature}) -> None:"), |to| {
            let message = says(&said.message, attributes);
            to.line(format!("super().__init__(_Code.{}, {message})", said.code));
            for Attribute { name, .. } in attributes {
                to.line(format!("self.{name} = {name}"));
            }
        });
    });
    to.blank(2);
}

/// The first declared code, as a member of `Code`.
fn code(declared: [&Option<ErrorCode>; 2]) -> String {
    let code = declared.into_iter().flatten().find_map(|code| code.code.as_deref());
    code.unwrap_or("unknown").to_ascii_uppercase()
}

/// What the error says: what is declared, else the documentation, else its name.
fn message(code: &Option<ErrorCode>, summary: Option<&str>, name: &str) -> Vec<Piece> {
    let declared = code.as_ref().and_then(|code| code.message.as_deref());
    if let Some(pieces) = declared.and_then(|declared| pieces(declared).ok()) {
        return pieces;
    }
    let text = summary.map_or_else(|| name.replace('_', " "), str::to_owned);
    vec![Piece::Text(text.trim_end_matches('.').to_owned())]
}

fn says(message: &[Piece], attributes: &[Attribute]) -> String {
    let parts = message.iter().filter_map(|piece| match piece {
        Piece::Text(said) => Some(text(said)),
        Piece::Value { field, debug } => {
            let found = attributes.iter().find(|attribute| attribute.source == *field)?;
            let call = if *debug { "repr" } else { "str" };
            Some(format!("{call}({})", found.name))
        }
    });
    let parts: Vec<String> = parts.collect();
    if parts.is_empty() { "\"\"".to_owned() } else { parts.join(" + ") }
}
