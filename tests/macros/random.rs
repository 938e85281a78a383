//! Random values of a contract's types, as another peer may send them.

use ciborium::Value;
use fluxar_codegen::model::{Body, Contract, Field, Model, Scalar, TypeRef, Variant, VariantBody};

/// Nesting after which lists end and optional fields are left out.
const DEPTH: usize = 4;

/// The CBOR of a value; the same seed gives the same.
pub(crate) fn value_of(model: &Model, name: &str, seed: u64) -> Vec<u8> {
    let mut maker = Maker { model, state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1 };
    let value = maker.named(name, 0);
    let mut bytes = Vec::new();
    ciborium::into_writer(&value, &mut bytes).unwrap();
    bytes
}

struct Maker<'m> {
    model: &'m Model,
    state: u64,
}

impl Maker<'_> {
    fn next(&mut self) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn flip(&mut self) -> bool {
        self.below(2) == 0
    }

    fn key(&mut self, id: Option<u32>, name: &str) -> Value {
        match id {
            Some(id) if self.flip() => id.into(),
            _ => name.into(),
        }
    }

    fn ty(&mut self, ty: &TypeRef, depth: usize) -> Value {
        match ty {
            TypeRef::Scalar(scalar) => self.scalar(*scalar),
            TypeRef::Optional(of) => match depth < DEPTH && self.flip() {
                true => self.ty(of, depth),
                false => Value::Null,
            },
            TypeRef::List(of) => {
                let length = if depth < DEPTH { self.below(3) } else { 0 };
                Value::Array((0..length).map(|_| self.ty(of, depth + 1)).collect())
            }
            TypeRef::Array(of, length) => {
                Value::Array((0..*length).map(|_| self.ty(of, depth + 1)).collect())
            }
            TypeRef::Map(key, of) => {
                let length = if depth < DEPTH { self.below(2) } else { 0 };
                let entry = |_| (self.ty(key, depth + 1), self.ty(of, depth + 1));
                Value::Map((0..length).map(entry).collect())
            }
            TypeRef::Named(name) => self.named(name, depth + 1),
        }
    }

    fn scalar(&mut self, scalar: Scalar) -> Value {
        let bits = self.next();
        let small = bits >> self.below(64);
        match scalar {
            Scalar::Unit => Value::Null,
            Scalar::Bool => Value::Bool(self.flip()),
            Scalar::F32 => Value::Float(f64::from((bits as i32) as f32 / 8.0)),
            Scalar::F64 => Value::Float(bits as i64 as f64 / 8.0),
            Scalar::String | Scalar::Url => Value::Text(format!("ä{small}")),
            Scalar::Decimal => Value::Text(format!("-{small}.5")),
            Scalar::Bytes => Value::Bytes(small.to_be_bytes().to_vec()),
            Scalar::Uuid => Value::Bytes([bits.to_be_bytes(), small.to_be_bytes()].concat()),
            Scalar::Timestamp => Value::from(small as i64),
            Scalar::Duration => Value::from(small),
            Scalar::Any => Value::Array(vec![Value::from(small), Value::Null, "any".into()]),
            integer => {
                let (min, max) = integer.int_range().unwrap();
                let span = u128::try_from(max - min).unwrap() + 1;
                let number = min + i128::try_from(u128::from(small) % span).unwrap();
                match i64::try_from(number) {
                    Ok(number) if small.is_multiple_of(7) && number.unsigned_abs() < 1 << 53 => {
                        // As a language without integers writes them.
                        Value::Float(number as f64)
                    }
                    Ok(number) => number.into(),
                    Err(_) => u64::try_from(number).unwrap().into(),
                }
            }
        }
    }

    fn fields(&mut self, fields: &[Field<Contract>], depth: usize) -> Value {
        let mut entries = Vec::new();
        for field in fields {
            let may_miss = field.optional || field.defaulted;
            if may_miss && (depth >= DEPTH || self.flip()) {
                continue;
            }
            let key = self.key(field.id, &field.name.wire);
            entries.push((key, self.ty(&field.ty, depth)));
        }
        if self.flip() {
            entries.push(("newer".into(), Value::Array(vec![Value::Null])));
        }
        let turn = self.below(entries.len() as u64 + 1) as usize;
        entries.rotate_left(turn);
        Value::Map(entries)
    }

    fn variant(&mut self, variant: &Variant<Contract>, depth: usize) -> Value {
        let key = self.key(variant.id, &variant.name.wire);
        let content = match &variant.body {
            VariantBody::Unit => return key,
            VariantBody::Newtype(ty) => self.ty(ty, depth),
            VariantBody::Record(fields) => self.fields(fields, depth),
        };
        Value::Map(vec![(key, content)])
    }

    fn named(&mut self, name: &str, depth: usize) -> Value {
        let def = self.model.type_named(name).unwrap();
        match &def.body {
            Body::Record(fields) => self.fields(fields, depth),
            Body::Newtype(ty) => self.ty(ty, depth),
            Body::Unit => Value::Null,
            Body::Enum(_) if !def.closed && self.below(5) == 0 => "from_the_future".into(),
            Body::Union(_) if !def.closed && self.below(5) == 0 => {
                Value::Map(vec![(999.into(), Value::Array(vec!["x".into()]))])
            }
            Body::Enum(variants) | Body::Union(variants) => {
                // Deep down one without content, or unions would never end.
                let bare = |v: &&Variant<Contract>| matches!(v.body, VariantBody::Unit);
                let bottom = variants.iter().find(bare).filter(|_| depth >= DEPTH);
                let place = self.below(variants.len() as u64) as usize;
                self.variant(bottom.unwrap_or(&variants[place]), depth)
            }
        }
    }
}
