//! Random values of a contract's types, as CBOR: for tests of codecs and for trying a change.

mod pattern;

use crate::cbor::{head, literal, text};
use crate::model::{
    Body, Constraints, Contract, Field, Format, Model, Number, Scalar, TypeRef, Value, Variant,
    VariantBody,
};

/// Nesting after which lists end and what may be left out is.
const DEPTH: usize = 4;
/// The longest text and the longest list that is made where nothing bounds them.
const LENGTH: u64 = 12;

/// A small generator of numbers (splitmix64): the same seed gives the same values everywhere.
#[derive(Clone, Debug)]
pub struct Rng(pub u64);

impl Rng {
    /// The next number.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`, or 0 where there is none.
    pub fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end.max(1)).unwrap_or(u64::MAX);
        usize::try_from(self.next_u64() % end).unwrap_or(0)
    }

    /// True once in so many times.
    pub fn chance(&mut self, one_in: usize) -> bool {
        self.below(one_in) == 0
    }

    /// One of these, of which there must be one.
    pub fn pick<'i, T>(&mut self, items: &'i [T]) -> &'i T {
        &items[self.below(items.len())]
    }

    fn within(&mut self, least: u64, most: u64) -> u64 {
        least + self.next_u64() % (most - least).saturating_add(1)
    }
}

/// Whose values they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Of the same contract: names as keys, nothing that the contract does not have, and the
    /// constraints are kept (but for a pattern together with a length, which may not be).
    Own,
    /// Of a peer of any make: numbers and names mixed, in any order, integers as floats, fields and
    /// variants from the future. Constraints are not looked at.
    Foreign,
}

/// The CBOR of a value of a type; the same seed gives the same.
///
/// # Panics
/// The model has no type of that name.
#[must_use]
pub fn value(model: &Model, name: &str, seed: u64, origin: Origin) -> Vec<u8> {
    assert!(model.type_named(name).is_some(), "the model has no type `{name}`");
    let mut maker = Maker { model, rng: Rng(seed), origin };
    maker.named(name, &Constraints::default(), 0)
}

struct Maker<'m> {
    model: &'m Model,
    rng: Rng,
    origin: Origin,
}

impl Maker<'_> {
    fn is_foreign(&self) -> bool {
        self.origin == Origin::Foreign
    }

    fn flip(&mut self) -> bool {
        self.rng.chance(2)
    }

    fn key(&mut self, id: Option<u32>, name: &str) -> Vec<u8> {
        match id {
            Some(id) if self.is_foreign() && self.flip() => head(0, id.into()),
            _ => text(name),
        }
    }

    /// How many items: within the bounds, or few.
    fn count(&mut self, limits: &Constraints, depth: usize) -> u64 {
        let most = if depth < DEPTH { 3 } else { 0 };
        if self.is_foreign() {
            return self.rng.within(0, most);
        }
        let least = limits.len_min.unwrap_or(0);
        let most = limits.len_max.unwrap_or(u64::MAX).min(least.saturating_add(most));
        self.rng.within(least.min(most), most)
    }

    fn ty(&mut self, ty: &TypeRef, limits: &Constraints, depth: usize) -> Vec<u8> {
        let items = Constraints { len_min: None, len_max: None, ..limits.clone() };
        match ty {
            TypeRef::Scalar(scalar) => self.scalar(*scalar, limits),
            TypeRef::Optional(of) => match depth < DEPTH && self.flip() {
                true => self.ty(of, limits, depth),
                false => vec![0xf6],
            },
            TypeRef::List(of) => {
                let length = self.count(limits, depth);
                self.list(of, &items, length, depth)
            }
            TypeRef::Array(of, length) => self.list(of, &items, (*length).into(), depth),
            TypeRef::Map(key, of) => {
                let length = self.count(limits, depth);
                let mut entries: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
                let none = Constraints::default();
                // Keys collide: some more tries than entries.
                for _ in 0..length * 4 {
                    // In one form only: else two of them could be the same key.
                    let origin = std::mem::replace(&mut self.origin, Origin::Own);
                    let made = self.ty(key, &none, depth + 1);
                    self.origin = origin;
                    let is_new = entries.iter().all(|(known, _)| *known != made);
                    if is_new && (entries.len() as u64) < length {
                        entries.push((made, self.ty(of, &items, depth + 1)));
                    }
                }
                map(entries)
            }
            TypeRef::Named(name) => self.named(name, limits, depth + 1),
        }
    }

    fn list(&mut self, of: &TypeRef, limits: &Constraints, length: u64, depth: usize) -> Vec<u8> {
        let mut bytes = head(4, length);
        for _ in 0..length {
            bytes.extend(self.ty(of, limits, depth + 1));
        }
        bytes
    }

    fn named(&mut self, name: &str, limits: &Constraints, depth: usize) -> Vec<u8> {
        let model = self.model;
        let Some(def) = model.type_named(name) else { return vec![0xf6] };
        let knows_more = self.is_foreign() && !def.closed;
        match &def.body {
            Body::Record(fields) => self.fields(fields, depth),
            Body::Newtype(ty) => self.ty(ty, &limits.and(&def.constraints), depth),
            Body::Unit => vec![0xf6],
            Body::Enum(_) if knows_more && self.rng.chance(5) => text("from_the_future"),
            Body::Union(_) if knows_more && self.rng.chance(5) => {
                [head(5, 1), head(0, 999), head(4, 1), text("x")].concat()
            }
            Body::Enum(variants) | Body::Union(variants) if variants.is_empty() => vec![0xf6],
            Body::Enum(variants) | Body::Union(variants) => {
                // Deep down one without content, or unions would never end.
                let bare = |v: &&Variant<Contract>| matches!(v.body, VariantBody::Unit);
                let bottom = variants.iter().find(bare).filter(|_| depth >= DEPTH);
                let variant = bottom.unwrap_or_else(|| self.rng.pick(variants));
                self.variant(variant, depth)
            }
        }
    }

    fn variant(&mut self, variant: &Variant<Contract>, depth: usize) -> Vec<u8> {
        let key = self.key(variant.id, &variant.name.wire);
        let content = match &variant.body {
            VariantBody::Unit => return key,
            VariantBody::Newtype(ty) => self.ty(ty, &Constraints::default(), depth),
            VariantBody::Record(fields) => self.fields(fields, depth),
        };
        [head(5, 1), key, content].concat()
    }

    fn fields(&mut self, fields: &[Field<Contract>], depth: usize) -> Vec<u8> {
        let mut entries = Vec::new();
        for field in fields {
            let may_miss = field.optional || field.defaulted;
            if may_miss && (depth >= DEPTH || self.flip()) {
                continue;
            }
            let key = self.key(field.id, &field.name.wire);
            // What is there is there: a null would be the same as nothing.
            entries.push((key, self.ty(field.ty.required(), &field.constraints, depth)));
        }
        if self.is_foreign() {
            if self.flip() {
                entries.push((text("newer"), vec![0x81, 0xf6]));
            }
            let turn = self.rng.below(entries.len() + 1);
            entries.rotate_left(turn);
        }
        map(entries)
    }

    fn scalar(&mut self, scalar: Scalar, limits: &Constraints) -> Vec<u8> {
        let bits = self.rng.next_u64();
        let small = bits >> self.rng.below(64);
        match scalar {
            Scalar::Unit => vec![0xf6],
            Scalar::Bool => vec![if self.flip() { 0xf5 } else { 0xf4 }],
            #[expect(clippy::cast_possible_wrap, reason = "any number will do")]
            Scalar::F32 | Scalar::F64 => {
                let eighths =
                    if scalar == Scalar::F32 { i64::from(bits as i32 >> 8) } else { bits as i64 };
                let value = self.bounded(eighths as f64 / 8.0, limits);
                literal(&Value::Float(value), scalar == Scalar::F32)
            }
            Scalar::String => text(&self.text(small, limits)),
            Scalar::Url => text(&format!("https://example.com/{small}")),
            Scalar::Decimal => text(&format!("-{small}.5")),
            Scalar::Bytes => {
                let length = self.length(limits, small);
                let bytes: Vec<u8> = (0..length).map(|_| self.rng.next_u64() as u8).collect();
                [head(2, length), bytes].concat()
            }
            Scalar::Uuid => {
                [head(2, 16), bits.to_be_bytes().to_vec(), small.to_be_bytes().to_vec()].concat()
            }
            Scalar::Any => [head(4, 3), head(0, small), vec![0xf6], text("any")].concat(),
            // Both are microseconds that every language's own type holds.
            Scalar::Timestamp => self.int(-(1 << 50), 1 << 51, small, limits),
            Scalar::Duration => self.int(0, 1 << 50, small, limits),
            integer => {
                let (least, most) = integer.int_range().unwrap_or((0, 0));
                self.int(least, most, small, limits)
            }
        }
    }

    fn int(&mut self, least: i128, most: i128, small: u64, limits: &Constraints) -> Vec<u8> {
        let (mut low, mut high) = (least, most);
        if !self.is_foreign() {
            if let Some(Number::Int(min)) = limits.min {
                low = low.max(min);
            }
            if let Some(Number::Int(max)) = limits.max {
                high = high.min(max);
            }
        }
        let span = u128::try_from(high - low).unwrap_or(0) + 1;
        let from_low = i128::try_from(u128::from(small) % span).unwrap_or(0);
        // The ends, and what is next to them, are where types differ.
        let number = match self.rng.below(6) {
            0 => high,
            1 => low,
            2 if low <= 0 && high >= 0 => from_low.min(high),
            _ => low + from_low,
        };
        let is_whole_float = self.is_foreign() && small.is_multiple_of(7);
        if is_whole_float && number.unsigned_abs() < 1 << 53 {
            // As a language without integers writes them.
            return literal(&Value::Float(number as f64), false);
        }
        literal(&Value::Int(number), false)
    }

    fn bounded(&self, value: f64, limits: &Constraints) -> f64 {
        if self.is_foreign() {
            return value;
        }
        let value = limits.min.map_or(value, |min| value.max(min.as_f64()));
        limits.max.map_or(value, |max| value.min(max.as_f64()))
    }

    fn length(&mut self, limits: &Constraints, small: u64) -> u64 {
        if self.is_foreign() {
            return small % LENGTH;
        }
        let least = limits.len_min.unwrap_or(0);
        let most = limits.len_max.unwrap_or(least + LENGTH).min(least + LENGTH).max(least);
        self.rng.within(least, most)
    }

    fn text(&mut self, small: u64, limits: &Constraints) -> String {
        if self.is_foreign() {
            return format!("ä{small}");
        }
        if let Some(pattern) = &limits.pattern {
            return pattern::text(pattern, &mut self.rng);
        }
        let n = small % 200;
        match limits.format {
            Some(Format::Email) => format!("a{n}@b.example"),
            Some(Format::Hostname) => format!("h{n}.example"),
            Some(Format::Ipv4) => format!("192.0.2.{n}"),
            Some(Format::Ipv6) => format!("2001:db8::{n:x}"),
            Some(Format::Date) => format!("2026-11-{:02}", 1 + n % 28),
            None => {
                let length = self.length(limits, small);
                let letters = ["a", "B", "7", " ", "ä", "😀", "\"", "\n"];
                (0..length).map(|_| *self.rng.pick(&letters)).collect()
            }
        }
    }
}

fn map(entries: Vec<(Vec<u8>, Vec<u8>)>) -> Vec<u8> {
    let mut bytes = head(5, entries.len() as u64);
    for (key, value) in entries {
        bytes.extend(key);
        bytes.extend(value);
    }
    bytes
}
