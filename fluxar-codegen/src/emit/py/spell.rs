//! Types, codecs and literals of a contract as Python expressions.

use super::names::{self, Names, is_builtin};
use super::writer::{bytes, text};
use crate::model::{
    Body, Constraints, Contract, Field, Number, Package, Scalar, TypeDef, TypeRef, Value,
};
use std::collections::{HashMap, HashSet};

/// The package, and how its types are spelled.
#[derive(Debug)]
pub(super) struct Speller<'p> {
    pub(super) names: Names,
    defs: HashMap<&'p str, &'p TypeDef<Contract>>,
}

impl<'p> Speller<'p> {
    pub(super) fn new(package: &'p Package<Contract>) -> Self {
        let defs = package.types.iter().map(|def| (def.name.source.as_str(), def)).collect();
        Self { names: Names::of(package), defs }
    }

    pub(super) fn def(&self, source: &str) -> Option<&'p TypeDef<Contract>> {
        self.defs.get(source).copied()
    }

    /// The annotation of a type. `shadow` has the names of the surrounding class, which hide
    /// builtins.
    pub(super) fn ty(&self, ty: &TypeRef, shadow: &HashSet<String>) -> String {
        let builtin = |name: &str| {
            let hidden = is_builtin(name) && shadow.contains(name);
            if hidden { format!("_builtins.{name}") } else { name.to_owned() }
        };
        match ty {
            TypeRef::Scalar(scalar) => builtin(scalar_type(*scalar)),
            TypeRef::Optional(of) => {
                let of = self.ty(of, shadow);
                if of == "None" || of.ends_with(" | None") { of } else { format!("{of} | None") }
            }
            TypeRef::List(of) => format!("{}[{}]", builtin("list"), self.ty(of, shadow)),
            TypeRef::Array(of, _) => {
                format!("{}[{}, ...]", builtin("tuple"), self.ty(of, shadow))
            }
            TypeRef::Map(key, of) => {
                let (key, of) = (self.ty(key, shadow), self.ty(of, shadow));
                format!("{}[{key}, {of}]", builtin("dict"))
            }
            TypeRef::Named(source) => {
                let class = self.names.class(source).to_owned();
                let open = self
                    .def(source)
                    .is_some_and(|def| matches!(def.body, Body::Enum(_)) && !def.closed);
                if open { format!("{class} | _Unknown") } else { class }
            }
        }
    }

    /// The codec of a type.
    pub(super) fn codec(&self, ty: &TypeRef) -> String {
        match ty {
            TypeRef::Scalar(scalar) => format!("_c.{}", scalar_codec(*scalar)),
            TypeRef::Optional(of) => format!("_t.Optional({})", self.codec(of)),
            TypeRef::List(of) => format!("_t.List({})", self.codec(of)),
            TypeRef::Array(of, size) => format!("_t.Array({}, {size})", self.codec(of)),
            TypeRef::Map(key, of) => format!("_t.Map({}, {})", self.codec(key), self.codec(of)),
            TypeRef::Named(source) => self.codec_name(source),
        }
    }

    /// The constant that holds the codec of a named type.
    pub(super) fn codec_name(&self, source: &str) -> String {
        format!("_c_{}", self.names.class(source))
    }

    /// A codec with constraints.
    pub(super) fn checked(&self, codec: String, constraints: &Constraints) -> String {
        if constraints.is_empty() {
            return codec;
        }
        let mut out = format!("_k.Checked({codec}");
        for (name, bound) in [("least", constraints.min), ("most", constraints.max)] {
            if let Some(bound) = bound {
                out += &format!(", {name}={}", number(bound));
            }
        }
        if constraints.len_min.is_some() || constraints.len_max.is_some() {
            let side =
                |side: Option<u64>| side.map_or_else(|| "None".to_owned(), |n| n.to_string());
            let (min, max) = (side(constraints.len_min), side(constraints.len_max));
            out += &format!(", length=({min}, {max})");
        }
        if let Some(format) = constraints.format {
            out += &format!(", format={}", text(format.name()));
        }
        if let Some(pattern) = &constraints.pattern {
            out += &format!(", pattern={}", text(pattern));
        }
        out + ")"
    }

    /// The row of a field or parameter in a table; `name` is its name in Python.
    pub(super) fn row(&self, field: &Field<Contract>, name: &str) -> String {
        let id = field.id.map_or_else(|| "None".to_owned(), |id| id.to_string());
        let codec = self.checked(self.codec(&whole(field)), &field.constraints);
        let mut row = format!("_t.Field({id}, {}, {}, {codec}", text(&field.name.wire), text(name));
        if is_optional(field) {
            row += ", optional=True";
        }
        if let Some(default) = self.default(field) {
            row += &format!(", default=lambda: {default}");
        }
        if !field.lifecycle.was.is_empty() {
            row += &format!(", was={}", tuple(field.lifecycle.was.iter().map(|was| text(was))));
        }
        row + ")"
    }

    /// What a missing field reads as, where that is not "nothing".
    pub(super) fn default(&self, field: &Field<Contract>) -> Option<String> {
        match &field.default {
            Some(value) => Some(self.literal(value, &field.ty)),
            None if field.defaulted && !is_optional(field) => Some(self.zero(&field.ty)),
            None => None,
        }
    }

    /// The default of a type.
    fn zero(&self, ty: &TypeRef) -> String {
        match ty {
            TypeRef::Optional(_) => "None".to_owned(),
            TypeRef::List(_) => "[]".to_owned(),
            TypeRef::Array(of, size) => {
                let of = self.zero(of);
                tuple((0..*size).map(|_| of.clone()))
            }
            TypeRef::Map(..) => "{}".to_owned(),
            TypeRef::Scalar(scalar) => match scalar {
                Scalar::Unit | Scalar::Any => "None",
                Scalar::Bool => "False",
                Scalar::F32 | Scalar::F64 => "0.0",
                Scalar::String | Scalar::Url => "\"\"",
                Scalar::Bytes => "b\"\"",
                Scalar::Uuid => "_UUID(int=0)",
                Scalar::Timestamp => "_c.EPOCH",
                Scalar::Duration => "_timedelta()",
                Scalar::Decimal => "_Decimal(0)",
                _ => "0",
            }
            .to_owned(),
            TypeRef::Named(source) => match self.def(source).map(|def| &def.body) {
                Some(Body::Newtype(of)) => self.wrap(source, self.zero(of)),
                _ => format!("{}()", self.names.class(source)),
            },
        }
    }

    /// A literal of the contract, read against its type.
    pub(super) fn literal(&self, value: &Value, ty: &TypeRef) -> String {
        if let TypeRef::Optional(of) = ty {
            return match value {
                Value::Null => "None".to_owned(),
                value => self.literal(value, of),
            };
        }
        if let TypeRef::Named(source) = ty {
            return self.named_literal(value, source);
        }
        match value {
            Value::Null => "None".to_owned(),
            Value::Bool(value) => if *value { "True" } else { "False" }.to_owned(),
            Value::Int(value) => match ty {
                TypeRef::Scalar(Scalar::Duration) => format!("_timedelta(microseconds={value})"),
                TypeRef::Scalar(Scalar::Timestamp) => {
                    format!("_c.EPOCH + _timedelta(microseconds={value})")
                }
                TypeRef::Scalar(Scalar::F32 | Scalar::F64) => format!("{value}.0"),
                _ => value.to_string(),
            },
            Value::Float(value) => match ty {
                // The value that travels: the nearest of single precision.
                TypeRef::Scalar(Scalar::F32) => float(f64::from(*value as f32)),
                _ => float(*value),
            },
            Value::Text(said) => match ty {
                TypeRef::Scalar(Scalar::Uuid) => format!("_UUID({})", text(said)),
                TypeRef::Scalar(Scalar::Decimal) => format!("_Decimal({})", text(said)),
                _ => text(said),
            },
            Value::Bytes(value) => bytes(value),
            Value::Name(name) => text(name),
            Value::List(items) => self.list_literal(items, ty),
            Value::Map(entries) => {
                let TypeRef::Map(_, of) = ty else { return "{}".to_owned() };
                let entries = entries
                    .iter()
                    .map(|(key, value)| format!("{}: {}", text(key), self.literal(value, of)));
                format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
            }
            Value::Record(_) => "None".to_owned(),
        }
    }

    fn list_literal(&self, items: &[Value], ty: &TypeRef) -> String {
        match ty {
            TypeRef::Array(of, _) => tuple(items.iter().map(|item| self.literal(item, of))),
            TypeRef::List(of) => {
                let items: Vec<_> = items.iter().map(|item| self.literal(item, of)).collect();
                format!("[{}]", items.join(", "))
            }
            _ => "[]".to_owned(),
        }
    }

    fn named_literal(&self, value: &Value, source: &str) -> String {
        let class = self.names.class(source);
        let Some(def) = self.def(source) else { return "None".to_owned() };
        match (&def.body, value) {
            (Body::Newtype(of), value) => self.wrap(source, self.literal(value, of)),
            (Body::Enum(variants), Value::Name(name)) => {
                let members = enum_members(variants.iter().map(|v| v.name.source.as_str()));
                let place = variants.iter().position(|variant| variant.name.source == *name);
                let member = place.and_then(|place| members.get(place));
                format!("{class}.{}", member.map_or("", String::as_str))
            }
            (Body::Union(_), Value::Name(name)) => {
                format!("{}()", self.names.variant(source, name))
            }
            (Body::Record(fields), Value::Record(values)) => {
                let values = values.iter().filter_map(|(name, value)| {
                    let field = fields.iter().find(|field| field.name.source == *name)?;
                    let literal = self.literal(value, &field.ty);
                    Some(format!("{}={literal}", names::field(name, &self.names)))
                });
                format!("{class}({})", values.collect::<Vec<_>>().join(", "))
            }
            _ => "None".to_owned(),
        }
    }

    fn wrap(&self, source: &str, inside: String) -> String {
        match self.is_new_type(source) {
            true => format!("{}({inside})", self.names.class(source)),
            false => inside,
        }
    }

    /// Whether a newtype can be one to Python, whose newtypes are like subclasses: of unions, of
    /// `bool` and of enums there are none.
    pub(super) fn is_new_type(&self, source: &str) -> bool {
        let Some(def) = self.def(source).filter(|def| !def.is_error) else { return false };
        let Body::Newtype(of) = &def.body else { return false };
        match &**of {
            TypeRef::Scalar(scalar) => !matches!(scalar, Scalar::Bool | Scalar::Any | Scalar::Unit),
            TypeRef::Optional(_) => false,
            TypeRef::List(_) | TypeRef::Array(..) | TypeRef::Map(..) => true,
            TypeRef::Named(of) => match self.def(of).map(|def| &def.body) {
                Some(Body::Record(_) | Body::Unit) => true,
                Some(Body::Newtype(_)) => self.is_new_type(of),
                _ => false,
            },
        }
    }
}

/// The type of a field with its `?`.
pub(super) fn whole(field: &Field<Contract>) -> TypeRef {
    match &field.ty {
        TypeRef::Optional(_) => field.ty.clone(),
        ty if field.optional => TypeRef::Optional(Box::new(ty.clone())),
        ty => ty.clone(),
    }
}

/// A field that may be nothing.
pub(super) fn is_optional(field: &Field<Contract>) -> bool {
    field.optional || matches!(field.ty, TypeRef::Optional(_))
}

/// The names of an enum's members, all different.
pub(super) fn enum_members<'n>(names: impl Iterator<Item = &'n str>) -> Vec<String> {
    let mut distinct = names::Distinct::default();
    names.map(|name| distinct.take(names::member(name))).collect()
}

/// A tuple of these.
pub(super) fn tuple(items: impl Iterator<Item = String>) -> String {
    let items: Vec<String> = items.collect();
    let comma = if items.len() == 1 { "," } else { "" };
    format!("({}{comma})", items.join(", "))
}

fn number(number: Number) -> String {
    match number {
        Number::Int(value) => value.to_string(),
        Number::Float(value) => float(value),
    }
}

/// A float that reads back the same.
fn float(value: f64) -> String {
    format!("{value:?}")
}

fn scalar_type(scalar: Scalar) -> &'static str {
    match scalar {
        Scalar::Unit => "None",
        Scalar::Bool => "bool",
        Scalar::F32 | Scalar::F64 => "float",
        Scalar::String | Scalar::Url => "str",
        Scalar::Bytes => "bytes",
        Scalar::Uuid => "_UUID",
        Scalar::Timestamp => "_datetime",
        Scalar::Duration => "_timedelta",
        Scalar::Decimal => "_Decimal",
        Scalar::Any => "_Any",
        _ => "int",
    }
}

fn scalar_codec(scalar: Scalar) -> String {
    match scalar {
        Scalar::Uuid => "UUID_".to_owned(),
        other => other.name().to_ascii_uppercase(),
    }
}
