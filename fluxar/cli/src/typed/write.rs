//! JSON → payload.

use super::{DEPTH_MAX, Types, called, did_you_mean, limits, text, too_deep};
use crate::json::{Json as Untyped, Words};
use base64::Engine as _;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use fluxar::payload::Mismatch;
use fluxar::{Decimal, Uuid, Value};
use fluxar_codegen::emit::idl;
use fluxar_codegen::model::{
    Body, Contract, Field, Method, Scalar, TypeDef, TypeRef, Variant, VariantBody,
};
use serde_json::{Map, Value as Json};

/// Characters of JSON that a message repeats.
const SHOWN_CHARS_MAX: usize = 40;

type Written = Result<Value, Mismatch>;

impl Types<'_> {
    /// The payload of a call; nothing for a method without parameters.
    ///
    /// # Errors
    /// The first thing that does not fit, with its place.
    pub(crate) fn params(
        self,
        method: &Method<Contract>,
        words: &Words,
    ) -> Result<Option<Value>, Mismatch> {
        let fields: Vec<Field<Contract>> = method.params().cloned().collect();
        let json = match words {
            Words::None => Json::Object(Map::new()),
            Words::Json(json) => json.clone(),
            Words::Pairs(pairs) => Json::Object(self.pairs(&fields, pairs)),
        };
        if fields.is_empty() {
            return match json {
                Json::Null => Ok(None),
                Json::Object(entries) if entries.is_empty() => Ok(None),
                _ => Err(Mismatch::new("the method takes no parameters")),
            };
        }
        if !json.is_object() {
            let names: Vec<String> =
                fields.iter().map(|field| format!("\"{}\": …", field.name.wire)).collect();
            let names = names.join(", ");
            return Err(Mismatch::new(format_args!("parameters have names: write {{{names}}}")));
        }
        self.record(&fields, &json, 0).map(Some)
    }

    /// A value of a type.
    ///
    /// # Errors
    /// The first thing that does not fit, with its place.
    pub(crate) fn write(self, ty: &TypeRef, json: &Json) -> Written {
        self.put(ty, json, 0)
    }

    /// Words `key=value` as an object: what is text by the contract is taken as it stands, so
    /// that `zip=01234` stays one.
    fn pairs(self, fields: &[Field<Contract>], pairs: &[(String, String)]) -> Map<String, Json> {
        let read = |(key, value): &(String, String)| {
            let field = called(fields, key);
            let parsed = || serde_json::from_str(value).ok();
            let json = match field {
                Some((_, field)) if self.is_text(&field.ty, 0) && !value.starts_with('"') => None,
                _ => parsed(),
            };
            (key.clone(), json.unwrap_or_else(|| value.as_str().into()))
        };
        pairs.iter().map(read).collect()
    }

    /// True for what JSON says as text and people write without quotes.
    fn is_text(self, ty: &TypeRef, depth: usize) -> bool {
        match ty {
            TypeRef::Optional(of) => self.is_text(of, depth),
            TypeRef::Scalar(Scalar::Bytes | Scalar::Uuid) => true,
            TypeRef::Scalar(scalar) => scalar.is_text(),
            TypeRef::Named(name) => match self.model.type_named(name).map(|def| &def.body) {
                Some(Body::Newtype(of)) => depth < DEPTH_MAX && self.is_text(of, depth + 1),
                Some(Body::Enum(_)) => true,
                _ => false,
            },
            _ => false,
        }
    }

    fn put(self, ty: &TypeRef, json: &Json, depth: usize) -> Written {
        if depth > DEPTH_MAX {
            return Err(too_deep());
        }
        match ty {
            TypeRef::Scalar(of) => scalar(*of, json),
            TypeRef::Optional(_) if json.is_null() => Ok(Value::Null),
            TypeRef::Optional(of) => self.put(of, json, depth + 1),
            TypeRef::List(of) => self.list(of, None, json, depth),
            TypeRef::Array(of, length) => self.list(of, Some(*length), json, depth),
            TypeRef::Map(key, of) => self.map(key, of, json, depth),
            TypeRef::Named(name) => match self.model.type_named(name) {
                Some(def) => self.named(def, json, depth + 1),
                None => any(json),
            },
        }
    }

    fn named(self, def: &TypeDef<Contract>, json: &Json, depth: usize) -> Written {
        match &def.body {
            Body::Record(fields) => self.record(fields, json, depth),
            Body::Newtype(of) => {
                let value = self.put(of, json, depth)?;
                limits::check(&def.constraints, &value)?;
                Ok(value)
            }
            Body::Unit => match json {
                Json::Null => Ok(Value::Null),
                Json::Object(fields) if fields.is_empty() => Ok(Value::Null),
                other => Err(wanted("null", other)),
            },
            Body::Enum(variants) => member(def, variants, json),
            Body::Union(variants) => self.variant(def, variants, json, depth),
        }
    }

    fn list(self, of: &TypeRef, length: Option<u32>, json: &Json, depth: usize) -> Written {
        let Json::Array(items) = json else {
            return Err(wanted(&format!("a list of `{}`", idl::ty(of)), json));
        };
        if let Some(length) = length.filter(|length| items.len() != *length as usize) {
            let found = items.len();
            return Err(Mismatch::new(format_args!("{length} items are wanted, not {found}")));
        }
        let item = |(index, item): (usize, &Json)| {
            self.put(of, item, depth + 1).map_err(|mismatch| mismatch.at_index(index))
        };
        items.iter().enumerate().map(item).collect::<Result<_, _>>().map(Value::List)
    }

    fn map(self, key: &TypeRef, of: &TypeRef, json: &Json, depth: usize) -> Written {
        let Json::Object(entries) = json else { return Err(wanted("an object", json)) };
        let mut written = Vec::new();
        for (name, value) in entries {
            let value = self.put(of, value, depth + 1);
            let value = value.map_err(|mismatch| mismatch.at(name))?;
            let key = self.key(key, name, depth + 1);
            written.push((key.map_err(|mismatch| mismatch.at(name))?, value));
        }
        Ok(Value::Map(written))
    }

    /// The key of a map, which JSON has as text whatever it is.
    fn key(self, ty: &TypeRef, name: &str, depth: usize) -> Written {
        let text = || self.put(ty, &Json::from(name), depth);
        match name.parse::<serde_json::Number>() {
            Ok(number) => text().or_else(|mismatch| {
                self.put(ty, &Json::Number(number), depth).map_err(|_| mismatch)
            }),
            Err(_) => text(),
        }
    }

    /// The map of a record, of a variant's content or of parameters.
    fn record(self, fields: &[Field<Contract>], json: &Json, depth: usize) -> Written {
        let Json::Object(entries) = json else { return Err(wanted("an object", json)) };
        let mut given: Vec<Option<&Json>> = vec![None; fields.len()];
        for (key, value) in entries {
            let Some((index, field)) = called(fields, key) else {
                let names = fields.iter().map(|field| &*field.name.wire);
                let hint = did_you_mean(key, names);
                return Err(Mismatch::new(format_args!("there is no field `{key}`{hint}")));
            };
            if given[index].replace(value).is_some() {
                let message = format_args!("it is given twice, as `{key}` too");
                return Err(Mismatch::new(message).at(&field.name.wire));
            }
        }
        let mut written = Vec::new();
        let mut missing = Vec::new();
        for (field, json) in fields.iter().zip(given) {
            match json {
                Some(Json::Null) if is_optional(field) => {}
                Some(json) => {
                    let value = self.field(field, json, depth);
                    let value = value.map_err(|mismatch| mismatch.at(&field.name.wire))?;
                    written.push((Value::from(&*field.name.wire), value));
                }
                None if may_be_absent(field) => {}
                None => missing.push(format!("`{}` ({})", field.name.wire, idl::ty(&field.ty))),
            }
        }
        match missing.is_empty() {
            true => Ok(Value::Map(written)),
            false => Err(Mismatch::new(format_args!("{} must be given", missing.join(", ")))),
        }
    }

    fn field(self, field: &Field<Contract>, json: &Json, depth: usize) -> Written {
        let value = self.put(&field.ty, json, depth + 1)?;
        limits::check(&field.constraints, &value)?;
        Ok(value)
    }

    fn variant(
        self,
        def: &TypeDef<Contract>,
        variants: &[Variant<Contract>],
        json: &Json,
        depth: usize,
    ) -> Written {
        let no_content = Json::Null;
        let (key, content) = match json {
            Json::String(key) => (key, &no_content),
            Json::Object(entries) if entries.len() == 1 => match entries.iter().next() {
                Some((key, content)) => (key, content),
                None => return Err(wanted("one entry", json)),
            },
            other => {
                let form = format!("\"variant\" or {{\"variant\": …}} of `{}`", def.name.source);
                return Err(wanted(&form, other));
            }
        };
        let variant = find(def, variants, key)?;
        let name = || Value::from(&*variant.name.wire);
        let content = match &variant.body {
            VariantBody::Unit if content.is_null() => return Ok(name()),
            VariantBody::Unit => Err(Mismatch::new("this variant has no content")),
            VariantBody::Newtype(of) => self.put(of, content, depth + 1),
            VariantBody::Record(fields) => self.record(fields, content, depth + 1),
        };
        let content = content.map_err(|mismatch| mismatch.at(&variant.name.wire))?;
        Ok(Value::Map(vec![(name(), content)]))
    }
}

fn is_optional(field: &Field<Contract>) -> bool {
    field.optional || matches!(field.ty, TypeRef::Optional(_))
}

/// `any` may be null, and null may be left out.
pub(crate) fn may_be_absent(field: &Field<Contract>) -> bool {
    let reads_as_null = matches!(field.ty, TypeRef::Scalar(Scalar::Any | Scalar::Unit));
    is_optional(field) || field.defaulted || field.default.is_some() || reads_as_null
}

fn find<'v>(
    def: &TypeDef<Contract>,
    variants: &'v [Variant<Contract>],
    key: &str,
) -> Result<&'v Variant<Contract>, Mismatch> {
    let found = called(variants, key).map(|(_, variant)| variant);
    found.ok_or_else(|| {
        let hint = did_you_mean(key, variants.iter().map(|variant| &*variant.name.wire));
        Mismatch::new(format_args!("`{}` has no `{key}`{hint}", def.name.source))
    })
}

/// The member of an enum; of an open one also a number that is not known here.
fn member(def: &TypeDef<Contract>, variants: &[Variant<Contract>], json: &Json) -> Written {
    match json {
        Json::String(key) => find(def, variants, key).map(|found| Value::from(&*found.name.wire)),
        Json::Number(number) => {
            let known = |variant: &&Variant<Contract>| {
                variant.id.map(u64::from) == number.as_u64() && variant.id.is_some()
            };
            match (variants.iter().find(known), number.as_u64()) {
                (Some(known), _) => Ok(Value::from(&*known.name.wire)),
                (None, Some(number)) if !def.closed => Ok(Value::from(number)),
                _ => Err(wanted(&format!("a member of `{}`", def.name.source), json)),
            }
        }
        other => Err(wanted(&format!("a member of `{}`", def.name.source), other)),
    }
}

fn any(json: &Json) -> Written {
    Value::of(&Untyped(json.clone()))
}

fn scalar(of: Scalar, json: &Json) -> Written {
    let wrong = || wanted(&format!("`{}`", of.name()), json);
    let text = || json.as_str().ok_or_else(wrong);
    match of {
        Scalar::Any => any(json),
        Scalar::Unit => {
            if json.is_null() {
                Ok(Value::Null)
            } else {
                Err(wrong())
            }
        }
        Scalar::Bool => json.as_bool().map(Value::from).ok_or_else(wrong),
        Scalar::F32 | Scalar::F64 => {
            let value = match json.as_str() {
                Some("NaN") => f64::NAN,
                Some("Infinity") => f64::INFINITY,
                Some("-Infinity") => f64::NEG_INFINITY,
                _ => json.as_f64().ok_or_else(wrong)?,
            };
            // What a float of 32 bits cannot say is not sent as if it could.
            let narrow = value as f32;
            match of == Scalar::F32 {
                true if narrow.is_infinite() && value.is_finite() => Err(wrong()),
                true => Ok(Value::Float(f64::from(narrow))),
                false => Ok(Value::Float(value)),
            }
        }
        Scalar::String | Scalar::Url => text().map(Value::from),
        Scalar::Decimal => match json {
            Json::Number(number) if number.is_i64() || number.is_u64() => {
                Ok(Value::from(number.to_string()))
            }
            Json::String(digits) => match digits.parse::<Decimal>() {
                Ok(decimal) => Ok(Value::from(decimal.as_str())),
                Err(error) => Err(error.into()),
            },
            // A number with a point has lost its digits on the way through JSON.
            _ => Err(wanted("`decimal`, as text such as \"12.50\",", json)),
        },
        Scalar::Bytes => bytes(json),
        Scalar::Uuid => {
            let uuid: Uuid = text()?.parse()?;
            Ok(Value::Bytes(uuid.into_bytes().to_vec()))
        }
        Scalar::Timestamp => match json {
            Json::String(written) => {
                let micros = text::parse_timestamp(written).map(Value::from);
                micros.ok_or_else(|| wanted("a time such as \"2026-11-24T08:30:00Z\"", json))
            }
            other => integer(Scalar::I64, other, wrong),
        },
        Scalar::Duration => match json {
            Json::String(written) => {
                let micros = text::parse_duration(written).map(Value::from);
                micros.ok_or_else(|| wanted("a duration such as \"250ms\", \"5s\" or \"2h\"", json))
            }
            other => integer(Scalar::I64, other, wrong),
        },
        _ => integer(of, json, wrong),
    }
}

/// An integer in the range of its type; one with a point and nothing behind it is taken.
fn integer(of: Scalar, json: &Json, wrong: impl Fn() -> Mismatch) -> Written {
    const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
    let Json::Number(number) = json else { return Err(wrong()) };
    let float = number.as_f64().filter(|float| float.fract() == 0.0 && float.abs() <= EXACT_MAX);
    let exact = number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
    let value = exact.or_else(|| float.map(|float| float as i128)).ok_or_else(&wrong)?;
    let (least, greatest) = of.int_range().unwrap_or_else(|| (i64::MIN.into(), i64::MAX.into()));
    match (least..=greatest).contains(&value) {
        true => Ok(Value::Int(value)),
        false => {
            let name = of.name();
            let message =
                format_args!("{number} is no `{name}`: that is from {least} to {greatest}");
            Err(Mismatch::new(message))
        }
    }
}

/// Base64 in either alphabet, padded or not.
fn bytes(json: &Json) -> Written {
    const LENIENT: GeneralPurposeConfig =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    const STANDARD: GeneralPurpose = GeneralPurpose::new(&base64::alphabet::STANDARD, LENIENT);
    let text = match json {
        Json::String(text) => text,
        // As where nothing is known of the type.
        Json::Object(_) => match any(json)? {
            Value::Bytes(bytes) => return Ok(Value::Bytes(bytes)),
            _ => return Err(wanted("`bytes`, as base64,", json)),
        },
        _ => return Err(wanted("`bytes`, as base64,", json)),
    };
    let standard = text.replace('-', "+").replace('_', "/");
    let decoded = STANDARD.decode(standard);
    decoded.map(Value::Bytes).map_err(|_| wanted("`bytes`, as base64,", json))
}

fn wanted(what: &str, json: &Json) -> Mismatch {
    let mut shown = json.to_string();
    if let Some((end, _)) = shown.char_indices().nth(SHOWN_CHARS_MAX) {
        shown.truncate(end);
        shown.push('…');
    }
    Mismatch::new(format_args!("{what} is wanted, not {shown}"))
}
