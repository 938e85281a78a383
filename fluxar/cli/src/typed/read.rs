//! Payload → JSON.
//!
//! A person wants to see what came, so that more is let through than a generated decoder would:
//! members, variants and fields that the contract does not know are shown as they are.

use super::{DEPTH_MAX, Types, keyed, may_be_absent, text, too_deep, untyped};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use fluxar::payload::Mismatch;
use fluxar::{Timestamp, Uuid, Value};
use fluxar_codegen::model::{
    Body, Contract, Field, Scalar, TypeDef, TypeRef, Variant, VariantBody,
};
use serde_json::{Map, Value as Json};

type Read = Result<Json, Mismatch>;

impl Types<'_> {
    /// A value of a type as JSON, with what was left out because it equals its default.
    ///
    /// # Errors
    /// The value is none of the type.
    pub(crate) fn read(self, ty: &TypeRef, value: &Value) -> Read {
        self.take(ty, value, 0)
    }

    fn take(self, ty: &TypeRef, value: &Value, depth: usize) -> Read {
        if depth > DEPTH_MAX {
            return Err(too_deep());
        }
        match ty {
            TypeRef::Scalar(of) => scalar(*of, value),
            TypeRef::Optional(_) if *value == Value::Null => Ok(Json::Null),
            TypeRef::Optional(of) => self.take(of, value, depth + 1),
            TypeRef::List(of) | TypeRef::Array(of, _) => {
                let Value::List(items) = value else { return Err(wanted("a list", value)) };
                let item = |(index, item): (usize, &Value)| {
                    self.take(of, item, depth + 1).map_err(|mismatch| mismatch.at_index(index))
                };
                items.iter().enumerate().map(item).collect::<Result<_, _>>().map(Json::Array)
            }
            TypeRef::Map(key, of) => self.take_map(key, of, value, depth),
            TypeRef::Named(name) => match self.model.type_named(name) {
                Some(def) => self.named_type(def, value, depth + 1),
                None => untyped(value),
            },
        }
    }

    fn named_type(self, def: &TypeDef<Contract>, value: &Value, depth: usize) -> Read {
        match &def.body {
            Body::Record(fields) => self.fields(fields, value, depth),
            Body::Newtype(of) => self.take(of, value, depth),
            Body::Unit => Ok(Json::Null),
            Body::Enum(variants) => match keyed(variants, value) {
                Some((_, known)) => Ok(Json::from(&*known.name.wire)),
                None => untyped(value),
            },
            Body::Union(variants) => self.choice(variants, value, depth),
        }
    }

    fn take_map(self, key: &TypeRef, of: &TypeRef, value: &Value, depth: usize) -> Read {
        let Value::Map(entries) = value else { return Err(wanted("a map", value)) };
        let mut map = Map::new();
        for (name, value) in entries {
            let name = match self.take(key, name, depth + 1)? {
                Json::String(name) => name,
                other => other.to_string(),
            };
            let value = self.take(of, value, depth + 1);
            let value = value.map_err(|mismatch| mismatch.at(&name))?;
            map.insert(name, value);
        }
        Ok(Json::Object(map))
    }

    fn fields(self, fields: &[Field<Contract>], value: &Value, depth: usize) -> Read {
        let Value::Map(entries) = value else { return Err(wanted("a record", value)) };
        let mut map = Map::new();
        // The entry of each field: the first that names it, as what is shown of two of one name.
        let mut slots: Vec<Option<usize>> = vec![None; fields.len()];
        let mut taken = vec![false; entries.len()];
        for (index, (key, _)) in entries.iter().enumerate() {
            if let Some((place, _)) = keyed(fields, key)
                && slots[place].is_none()
            {
                slots[place] = Some(index);
                taken[index] = true;
            }
        }
        for (field, slot) in fields.iter().zip(slots) {
            let shown = match slot.and_then(|index| entries.get(index)) {
                Some((_, value)) => {
                    let value = self.take(&field.ty, value, depth + 1);
                    Some(value.map_err(|mismatch| mismatch.at(&field.name.wire))?)
                }
                None => self.absent(field, depth)?,
            };
            if let Some(shown) = shown.filter(|json| !(field.optional && json.is_null())) {
                map.insert(field.name.wire.clone(), shown);
            }
        }
        for ((key, value), _) in entries.iter().zip(taken).filter(|(_, taken)| !taken) {
            let key = match untyped(key)? {
                Json::String(name) => name,
                other => other.to_string(),
            };
            map.insert(key, untyped(value)?);
        }
        Ok(Json::Object(map))
    }

    /// What a field that did not come reads as.
    fn absent(self, field: &Field<Contract>, depth: usize) -> Result<Option<Json>, Mismatch> {
        if let Some(value) = self.default_of(field) {
            return Ok(self.take(&field.ty, &value, depth + 1).ok());
        }
        match may_be_absent(field) {
            true => Ok(None),
            false => Err(Mismatch::new(format_args!("`{}` is missing", field.name.wire))),
        }
    }

    fn choice(self, variants: &[Variant<Contract>], value: &Value, depth: usize) -> Read {
        let (key, content) = match value {
            Value::Map(entries) => match &entries[..] {
                [(key, content)] => (key, content),
                _ => return Err(wanted("a map of one entry", value)),
            },
            bare => match keyed(variants, bare) {
                Some((_, known)) => return Ok(Json::from(&*known.name.wire)),
                None => return untyped(bare),
            },
        };
        let Some((_, variant)) = keyed(variants, key) else { return untyped(value) };
        let name = &variant.name.wire;
        let content = match &variant.body {
            VariantBody::Unit => return Ok(Json::from(&**name)),
            VariantBody::Newtype(of) => self.take(of, content, depth + 1),
            VariantBody::Record(fields) => self.fields(fields, content, depth + 1),
        };
        let content = content.map_err(|mismatch| mismatch.at(name))?;
        Ok(Json::Object([(name.clone(), content)].into_iter().collect()))
    }
}

fn scalar(of: Scalar, value: &Value) -> Read {
    let wrong = || wanted(&format!("`{}`", of.name()), value);
    match of {
        Scalar::Any => untyped(value),
        Scalar::Unit => Ok(Json::Null),
        Scalar::Bool => match value {
            Value::Bool(value) => Ok(Json::from(*value)),
            _ => Err(wrong()),
        },
        Scalar::F32 | Scalar::F64 => {
            let float = match value {
                Value::Float(float) => *float,
                Value::Int(int) => *int as f64,
                _ => return Err(wrong()),
            };
            Ok(show_float(float, of == Scalar::F32))
        }
        Scalar::String | Scalar::Url | Scalar::Decimal => match value {
            Value::Text(text) => Ok(Json::from(&**text)),
            _ => Err(wrong()),
        },
        Scalar::Bytes => match value {
            Value::Bytes(bytes) => Ok(Json::from(BASE64.encode(bytes))),
            _ => Err(wrong()),
        },
        Scalar::Uuid => value.to::<Uuid>().map(|uuid| Json::from(uuid.to_string())),
        Scalar::Timestamp => {
            let micros = value.to::<Timestamp>()?.as_micros();
            Ok(text::show_timestamp(micros).map_or_else(|| Json::from(micros), Json::from))
        }
        Scalar::Duration => {
            let micros = integer(value).and_then(|micros| i64::try_from(micros).ok());
            micros.map(|micros| Json::from(text::show_duration(micros))).ok_or_else(wrong)
        }
        _ => {
            let int = integer(value).ok_or_else(wrong)?;
            let number = u64::try_from(int).map(Json::from);
            number.or_else(|_| i64::try_from(int).map(Json::from)).map_err(|_| wrong())
        }
    }
}

/// An integer; a float may be one.
fn integer(value: &Value) -> Option<i128> {
    const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
    match value {
        Value::Int(int) => Some(*int),
        Value::Float(float) if float.fract() == 0.0 && float.abs() <= EXACT_MAX => {
            Some(*float as i128)
        }
        _ => None,
    }
}

/// The shortest digits that say the float; JSON has none for what is not finite.
fn show_float(float: f64, is_narrow: bool) -> Json {
    if float.is_nan() {
        return Json::from("NaN");
    }
    if float.is_infinite() {
        return Json::from(if float > 0.0 { "Infinity" } else { "-Infinity" });
    }
    let shortest = is_narrow.then(|| (float as f32).to_string().parse().ok()).flatten();
    Json::from(shortest.unwrap_or(float))
}

fn wanted(what: &str, value: &Value) -> Mismatch {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Int(_) => "an integer",
        Value::Float(_) => "a float",
        Value::Text(_) => "a text",
        Value::Bytes(_) => "bytes",
        Value::List(_) => "a list",
        Value::Map(_) => "a map",
        _ => "something with a tag",
    };
    Mismatch::new(format_args!("{what} is wanted, not {kind}"))
}
