//! Types, readers, writers and literals of a contract as TypeScript expressions.

use super::names::{Names, built_property, camel, distinct};
use super::text::{list, quote};
use crate::model::{Body, Contract, Field, Package, Scalar, TypeDef, TypeRef, Value, Variant};
use std::collections::{HashMap, HashSet};

/// The package, and how its types are spelled.
#[derive(Debug)]
pub(super) struct Speller<'p> {
    pub(super) names: Names,
    defs: HashMap<&'p str, &'p TypeDef<Contract>>,
    /// Types in whose values there is something to be checked.
    checked: HashSet<&'p str>,
}

impl<'p> Speller<'p> {
    pub(super) fn new(package: &'p Package<Contract>) -> Self {
        let defs: HashMap<_, _> =
            package.types.iter().map(|def| (def.name.source.as_str(), def)).collect();
        let mut speller = Self { names: Names::of(package), defs, checked: HashSet::new() };
        // Until nothing is added: types refer to each other in circles.
        loop {
            let more: Vec<&str> = package
                .types
                .iter()
                .filter(|def| !speller.checked.contains(def.name.source.as_str()))
                .filter(|def| speller.has_check(def))
                .map(|def| def.name.source.as_str())
                .collect();
            if more.is_empty() {
                return speller;
            }
            speller.checked.extend(more);
        }
    }

    fn has_check(&self, def: &TypeDef<Contract>) -> bool {
        match &def.body {
            Body::Record(fields) => fields.iter().any(|field| self.field_is_checked(field)),
            Body::Newtype(of) => !def.constraints.is_empty() || self.is_checked(of),
            Body::Union(variants) => {
                variants.iter().any(|variant| self.variant_is_checked(variant))
            }
            Body::Unit | Body::Enum(_) => false,
        }
    }

    pub(super) fn field_is_checked(&self, field: &Field<Contract>) -> bool {
        !field.constraints.is_empty() || self.is_checked(&field.ty)
    }

    pub(super) fn variant_is_checked(&self, variant: &Variant<Contract>) -> bool {
        match &variant.body {
            crate::model::VariantBody::Unit => false,
            crate::model::VariantBody::Newtype(of) => self.is_checked(of),
            crate::model::VariantBody::Record(fields) => {
                fields.iter().any(|field| self.field_is_checked(field))
            }
        }
    }

    /// Whether values of a type have something in them to be checked.
    pub(super) fn is_checked(&self, ty: &TypeRef) -> bool {
        let mut found = false;
        ty.each_name(&mut |name| found |= self.checked.contains(name));
        found
    }

    pub(super) fn def(&self, source: &str) -> Option<&'p TypeDef<Contract>> {
        self.defs.get(source).copied()
    }

    /// The type under newtypes and `?`.
    pub(super) fn base<'t>(&self, ty: &'t TypeRef) -> &'t TypeRef
    where
        'p: 't,
    {
        let mut ty = ty.required();
        while let TypeRef::Named(source) = ty {
            match self.def(source).map(|def| &def.body) {
                Some(Body::Newtype(of)) => ty = of.required(),
                _ => break,
            }
        }
        ty
    }

    // ---- types

    /// The type in TypeScript.
    pub(super) fn ty(&self, ty: &TypeRef) -> String {
        match ty {
            TypeRef::Scalar(scalar) => scalar_type(*scalar).to_owned(),
            TypeRef::Optional(of) => format!("{} | undefined", self.ty(of)),
            TypeRef::List(of) | TypeRef::Array(of, _) => format!("readonly {}[]", self.item(of)),
            TypeRef::Map(key, of) => format!("ReadonlyMap<{}, {}>", self.ty(key), self.ty(of)),
            TypeRef::Named(source) => self.names.class(source).to_owned(),
        }
    }

    fn item(&self, ty: &TypeRef) -> String {
        let text = self.ty(ty);
        if text.contains(' ') { format!("({text})") } else { text }
    }

    /// The type under a newtype, which gets the brand: two brands on one value exclude each other.
    pub(super) fn unbranded(&self, ty: &TypeRef) -> String {
        match self.base(ty) {
            TypeRef::Scalar(Scalar::Timestamp) => "number".to_owned(),
            base => self.ty(base),
        }
    }

    // ---- reading and writing

    /// Reads a value from `r`.
    pub(super) fn read(&self, ty: &TypeRef) -> String {
        match ty {
            TypeRef::Scalar(scalar) => read_scalar(*scalar),
            TypeRef::Optional(of) => format!("(r.isNull() ? undefined : {})", self.read(of)),
            TypeRef::List(of) => format!("r.array({})", self.reader(of)),
            TypeRef::Array(of, count) => format!("$.readFixed(r, {count}, {})", self.reader(of)),
            TypeRef::Map(key, of) => format!("r.map({}, {})", self.reader(key), self.reader(of)),
            TypeRef::Named(source) => format!("read${}(r)", self.names.class(source)),
        }
    }

    /// A function that reads a value.
    fn reader(&self, ty: &TypeRef) -> String {
        match ty {
            TypeRef::Named(source) => format!("read${}", self.names.class(source)),
            TypeRef::Scalar(Scalar::Uuid) => "$.readUuid".to_owned(),
            TypeRef::Scalar(Scalar::Timestamp) => "$.readTimestamp".to_owned(),
            TypeRef::Scalar(Scalar::Any) => "$.readAny".to_owned(),
            other => format!("(r) => {}", self.read(other)),
        }
    }

    /// Writes `value` to `w`: an expression.
    pub(super) fn write(&self, ty: &TypeRef, value: &str) -> String {
        match ty {
            TypeRef::Scalar(scalar) => write_scalar(*scalar, value),
            TypeRef::Optional(of) => {
                format!("({value} === undefined ? w.null() : {})", self.write(of, value))
            }
            TypeRef::List(of) => format!("$.writeList(w, {value}, {})", self.writer(of)),
            TypeRef::Array(of, count) => {
                format!("$.writeFixed(w, {count}, {value}, {})", self.writer(of))
            }
            TypeRef::Map(key, of) => {
                format!("$.writeMap(w, {value}, {}, {})", self.writer(key), self.writer(of))
            }
            TypeRef::Named(source) => format!("write${}(w, {value})", self.names.class(source)),
        }
    }

    fn writer(&self, ty: &TypeRef) -> String {
        match ty {
            TypeRef::Named(source) => format!("write${}", self.names.class(source)),
            other => format!("(w, v) => {}", self.write(other, "v")),
        }
    }

    /// A codec of a type.
    pub(super) fn codec(&self, ty: &TypeRef) -> String {
        match ty {
            TypeRef::Named(source) => self.names.derived("codec", source).to_owned(),
            TypeRef::Scalar(Scalar::Unit) => "$.unitCodec".to_owned(),
            TypeRef::Scalar(Scalar::Any) => "$.anyCodec".to_owned(),
            other => {
                let (read, write) = (self.read(other), self.write(other, "v"));
                let check = if self.is_checked(other) {
                    let check = super::checks::value(self, other, None, "v", "path");
                    format!(", check: (v, path) => {{ {} }}", check.join(" "))
                } else {
                    String::new()
                };
                format!("{{ read: (r) => {read}, write: (w, v) => {write}{check} }}")
            }
        }
    }

    // ---- literals

    /// A literal of a type.
    pub(super) fn literal(&self, ty: &TypeRef, value: &Value) -> String {
        if matches!(value, Value::Null) {
            return "undefined".to_owned();
        }
        let branded = matches!(ty.required(), TypeRef::Named(source)
            if matches!(self.def(source).map(|def| &def.body), Some(Body::Newtype(_))));
        let base = self.base(ty);
        let text = self.bare_literal(base, value);
        if branded || *base == TypeRef::Scalar(Scalar::Timestamp) {
            return format!("({text} as {})", self.ty(ty.required()));
        }
        text
    }

    fn bare_literal(&self, base: &TypeRef, value: &Value) -> String {
        match (value, base) {
            (Value::Null, _) => "undefined".to_owned(),
            (Value::Bool(value), _) => value.to_string(),
            (Value::Int(value), TypeRef::Scalar(Scalar::U64 | Scalar::I64)) => format!("{value}n"),
            (Value::Int(value), _) => value.to_string(),
            (Value::Float(value), _) => format!("{value:?}"),
            (Value::Text(text), _) => quote(text),
            (Value::Bytes(bytes), _) => {
                let bytes: Vec<String> = bytes.iter().map(u8::to_string).collect();
                format!("Uint8Array.of({})", bytes.join(", "))
            }
            (Value::Name(name), TypeRef::Named(source)) => self.member(source, name),
            (Value::Name(name), _) => quote(&camel(name)),
            (Value::List(values), TypeRef::List(of) | TypeRef::Array(of, _)) => {
                list(values.iter().map(|value| self.literal(of, value)))
            }
            (Value::Map(entries), TypeRef::Map(_, of)) => {
                let entry =
                    |(key, value): &(String, Value)| list([quote(key), self.literal(of, value)]);
                format!("new Map({})", list(entries.iter().map(entry)))
            }
            (Value::Record(entries), TypeRef::Named(source)) => {
                self.record_literal(source, entries)
            }
            (Value::List(_) | Value::Map(_) | Value::Record(_), _) => "undefined".to_owned(),
        }
    }

    /// The member of an enum, or the variant without content of a union.
    fn member(&self, source: &str, wire: &str) -> String {
        match self.def(source).map(|def| &def.body) {
            Some(Body::Union(variants)) => {
                format!("{{ kind: {} }}", quote(&self.kind(variants, wire)))
            }
            Some(Body::Enum(variants)) => quote(&self.kind(variants, wire)),
            _ => quote(&camel(wire)),
        }
    }

    fn kind(&self, variants: &[Variant<Contract>], wire: &str) -> String {
        let at = variants.iter().position(|variant| variant.name.wire == wire);
        at.map_or_else(|| camel(wire), |at| kinds(variants).swap_remove(at))
    }

    fn record_literal(&self, source: &str, entries: &[(String, Value)]) -> String {
        let Some(Body::Record(fields)) = self.def(source).map(|def| &def.body) else {
            return "{}".to_owned();
        };
        let mut parts = Vec::new();
        for (field, name) in fields.iter().zip(field_names(fields)) {
            let given = entries.iter().find(|(key, _)| *key == field.name.wire);
            let value = given.map(|(_, value)| self.literal(&field.ty, value));
            let value = value.or_else(|| self.default(field)).filter(|value| value != "undefined");
            if let Some(value) = value {
                parts.push(format!("{}: {value}", built_property(&name)));
            }
        }
        if parts.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", parts.join(", ")) }
    }

    /// What a missing field reads as.
    pub(super) fn default(&self, field: &Field<Contract>) -> Option<String> {
        if let Some(value) = field.default.as_ref().filter(|value| **value != Value::Null) {
            return Some(self.literal(&field.ty, value));
        }
        if !field.defaulted || field.optional {
            return None;
        }
        let zero = match self.base(&field.ty) {
            TypeRef::Scalar(Scalar::Bool) => "false",
            TypeRef::Scalar(Scalar::U64 | Scalar::I64) => "0n",
            TypeRef::Scalar(Scalar::String | Scalar::Url) => "\"\"",
            TypeRef::Scalar(Scalar::Decimal) => "\"0\"",
            TypeRef::Scalar(Scalar::Bytes) => "new Uint8Array()",
            TypeRef::Scalar(Scalar::Timestamp) => "(0 as $.Timestamp)",
            TypeRef::Scalar(scalar) if scalar.int_range().is_some() || scalar.is_float() => "0",
            TypeRef::Scalar(Scalar::Duration) => "0",
            TypeRef::List(_) => "[]",
            TypeRef::Map(..) => "new Map()",
            _ => return None,
        };
        Some(zero.to_owned())
    }
}

/// The properties of a record, in its order.
pub(super) fn field_names(fields: &[Field<Contract>]) -> Vec<String> {
    distinct(fields.iter().map(|field| camel(&field.name.source)))
}

/// The values of `kind`, or of an enum, in their order.
pub(super) fn kinds(variants: &[Variant<Contract>]) -> Vec<String> {
    distinct(variants.iter().map(|variant| camel(&variant.name.source)))
}

fn scalar_type(scalar: Scalar) -> &'static str {
    match scalar {
        Scalar::Unit => "void",
        Scalar::Bool => "boolean",
        Scalar::U64 | Scalar::I64 => "bigint",
        Scalar::String | Scalar::Uuid | Scalar::Decimal | Scalar::Url => "string",
        Scalar::Bytes => "Uint8Array",
        Scalar::Timestamp => "$.Timestamp",
        Scalar::Any => "unknown",
        Scalar::U8
        | Scalar::U16
        | Scalar::U32
        | Scalar::I8
        | Scalar::I16
        | Scalar::I32
        | Scalar::Int
        | Scalar::F32
        | Scalar::F64
        | Scalar::Duration => "number",
    }
}

fn read_scalar(scalar: Scalar) -> String {
    match scalar {
        Scalar::Unit => "r.skip()".to_owned(),
        Scalar::Bool => "r.bool()".to_owned(),
        Scalar::U64 => "r.u64()".to_owned(),
        Scalar::I64 => "r.i64()".to_owned(),
        Scalar::Int | Scalar::Duration => "r.int()".to_owned(),
        Scalar::F32 => "r.f32()".to_owned(),
        Scalar::F64 => "r.f64()".to_owned(),
        Scalar::String | Scalar::Url => "r.text()".to_owned(),
        Scalar::Decimal => "$.readDecimal(r)".to_owned(),
        Scalar::Bytes => "r.blob()".to_owned(),
        Scalar::Uuid => "$.readUuid(r)".to_owned(),
        Scalar::Timestamp => "$.readTimestamp(r)".to_owned(),
        Scalar::Any => "$.readAny(r)".to_owned(),
        ranged => {
            let (least, most) = ranged.int_range().unwrap_or_default();
            format!("r.ranged({least}, {most})")
        }
    }
}

fn write_scalar(scalar: Scalar, value: &str) -> String {
    match scalar {
        Scalar::Unit => "w.null()".to_owned(),
        Scalar::Bool => format!("w.bool({value})"),
        Scalar::U64 => format!("$.writeU64(w, {value})"),
        Scalar::I64 => format!("$.writeI64(w, {value})"),
        Scalar::Int | Scalar::Duration | Scalar::Timestamp => format!("$.writeInt(w, {value})"),
        Scalar::F32 => format!("w.f32({value})"),
        Scalar::F64 => format!("w.f64({value})"),
        Scalar::String | Scalar::Url => format!("w.text({value})"),
        Scalar::Decimal => format!("$.writeDecimal(w, {value})"),
        Scalar::Bytes => format!("w.blob({value})"),
        Scalar::Uuid => format!("$.writeUuid(w, {value})"),
        Scalar::Any => format!("$.writeAny(w, {value})"),
        ranged => {
            let (least, most) = ranged.int_range().unwrap_or_default();
            format!("$.writeInt(w, {value}, {least}, {most})")
        }
    }
}
