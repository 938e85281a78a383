//! Literals against types.

use super::build::Builder;
use super::types::base;
use crate::emit::idl::ty as spelled;
use crate::model::{Body, Contract, Field, Scalar, TypeRef, Value, Variant, VariantBody};
use crate::syntax::DEPTH_MAX;
use crate::syntax::ast::{Ident, ItemKind, Literal, LiteralKind};
use std::collections::{HashMap, HashSet};

/// How deep a value nests, `?` and constants counted.
const LITERAL_DEPTH_MAX: usize = 12;
/// The most values that are read from literals for one model: those of a constant wherever it
/// stands, and each field of a record, said or not. A file has room for half as many digits.
const LITERAL_STEPS_MAX: usize = 1_000_000;

impl<'w> Builder<'w> {
    /// The literal as a value of the type, or nothing when that is reported. In the first round
    /// types are not known: nothing is.
    pub(super) fn fit(&mut self, literal: &Literal, ty: &TypeRef, unit: usize) -> Option<Value> {
        if self.literal_depth > LITERAL_DEPTH_MAX || self.following.len() > DEPTH_MAX {
            let message = "this literal nests too deep".to_owned();
            self.reports.add("too-large", self.at(unit, literal.span), message);
            return None;
        }
        if self.known.is_some() && !self.literal_step(1, literal, unit) {
            return None;
        }
        self.literal_depth += 1;
        let found = self.fit_inner(literal, ty, unit);
        self.literal_depth -= 1;
        found
    }

    /// Counts values that are to be read. That there are too many is reported once.
    fn literal_step(&mut self, values: usize, literal: &Literal, unit: usize) -> bool {
        let before = self.literal_steps;
        self.literal_steps = before.saturating_add(values);
        let has_room = self.literal_steps <= LITERAL_STEPS_MAX;
        if !has_room && before <= LITERAL_STEPS_MAX {
            let message = format!("literals say more than {LITERAL_STEPS_MAX} values");
            self.reports.add("too-large", self.at(unit, literal.span), message);
        }
        has_room
    }

    fn fit_inner(&mut self, literal: &Literal, ty: &TypeRef, unit: usize) -> Option<Value> {
        let known = self.known?;
        if let LiteralKind::Const(path) = &literal.kind {
            let symbol = self.world.lookup(unit, path);
            let item = symbol.map(|symbol| (symbol, &self.world.item(symbol).kind));
            let Some((symbol, ItemKind::Const { value, .. })) = item else {
                let message = format!("no constant is called `{}`", path.text());
                let fix = "texts stand in quotes, members begin with a dot: `\"text\"`, `.member`";
                let place = self.at(unit, literal.span);
                self.reports.add_with_fix("unknown-name", place, message, fix);
                return None;
            };
            if self.following.contains(&symbol) {
                let message = format!("`{}` stands for itself", path.text());
                self.reports.add("alias-cycle", self.at(unit, literal.span), message);
                return None;
            }
            self.following.push(symbol);
            let found = self.fit(value, ty, symbol.unit);
            self.following.pop();
            return found;
        }
        if let TypeRef::Optional(of) = ty {
            return match literal.kind {
                LiteralKind::Null => Some(Value::Null),
                _ => self.fit(literal, of, unit),
            };
        }
        let found = match (base(ty, known, false), &literal.kind) {
            (_, LiteralKind::Wrong) => return None,
            (TypeRef::Scalar(scalar), kind) => scalar_value(*scalar, kind),
            (TypeRef::List(of), LiteralKind::List(items)) => {
                return self.items(items, &of.clone(), unit);
            }
            (TypeRef::Array(of, length), LiteralKind::List(items))
                if items.len() == *length as usize =>
            {
                return self.items(items, &of.clone(), unit);
            }
            (TypeRef::Map(key, value), LiteralKind::Braces(entries))
                if entries.is_empty()
                    || matches!(base(key, known, false), TypeRef::Scalar(Scalar::String)) =>
            {
                return self.entries(entries, &value.clone(), unit);
            }
            (TypeRef::Named(name), kind) => {
                let def = known.type_named(name)?;
                match (&def.body, kind) {
                    (Body::Record(fields), LiteralKind::Braces(entries)) => {
                        return self.fields(literal, entries, fields, unit);
                    }
                    (Body::Enum(variants) | Body::Union(variants), LiteralKind::Member(member)) => {
                        self.member_of(&def.name.source, variants, member)
                    }
                    _ => None,
                }
            }
            _ => None,
        };
        if found.is_none() {
            let message = format!("this is no value of `{}`", spelled(ty));
            self.reports.add("default-type", self.at(unit, literal.span), message);
        }
        found
    }

    fn items(&mut self, items: &[Literal], of: &TypeRef, unit: usize) -> Option<Value> {
        let items: Vec<Option<Value>> = items.iter().map(|item| self.fit(item, of, unit)).collect();
        items.into_iter().collect::<Option<_>>().map(Value::List)
    }

    fn entries(
        &mut self,
        entries: &[(Ident, Literal)],
        of: &TypeRef,
        unit: usize,
    ) -> Option<Value> {
        let mut map: Vec<(String, Value)> = Vec::new();
        let mut taken: HashSet<&str> = HashSet::new();
        for (key, literal) in entries {
            if !taken.insert(&key.text) {
                let message = format!("the key `{}` stands here twice", key.text);
                self.reports.add("default-type", self.at(unit, key.span), message);
            }
            map.push((key.text.clone(), self.fit(literal, of, unit)?));
        }
        map.sort_by(|a, b| a.0.cmp(&b.0));
        Some(Value::Map(map))
    }

    fn fields(
        &mut self,
        literal: &Literal,
        entries: &[(Ident, Literal)],
        fields: &[Field<Contract>],
        unit: usize,
    ) -> Option<Value> {
        if !self.literal_step(fields.len(), literal, unit) {
            return None;
        }
        let names: HashSet<&str> = fields.iter().map(|field| field.name.source.as_str()).collect();
        let mut given: HashMap<&str, &Literal> = HashMap::new();
        for (key, literal) in entries {
            let is_known = names.contains(key.text.as_str());
            let is_twice = given.insert(&key.text, literal).is_some();
            if !is_known || is_twice {
                let message = match is_twice {
                    true => format!("the field `{}` stands here twice", key.text),
                    false => format!("there is no field `{}`", key.text),
                };
                self.reports.add("default-type", self.at(unit, key.span), message);
                return None;
            }
        }
        let mut values = Vec::new();
        for field in fields {
            match given.get(field.name.source.as_str()) {
                Some(literal) => {
                    let value = self.fit(literal, &field.ty, unit)?;
                    values.push((field.name.source.clone(), value));
                }
                None if field.optional || field.defaulted => {}
                None => {
                    let message = format!("the field `{}` is missing", field.name.source);
                    self.reports.add("default-type", self.at(unit, literal.span), message);
                    return None;
                }
            }
        }
        Some(Value::Record(values))
    }

    fn member_of(
        &mut self,
        owner: &'w str,
        variants: &'w [Variant<Contract>],
        member: &Ident,
    ) -> Option<Value> {
        let bare = |v: &&Variant<Contract>| matches!(v.body, VariantBody::Unit);
        let names = || variants.iter().filter(bare).map(|v| v.name.source.as_str()).collect();
        let members = self.members.entry(owner).or_insert_with(names);
        members.get(member.text.as_str()).map(|name| Value::Name((*name).to_owned()))
    }
}

/// A literal as a value of a scalar.
fn scalar_value(scalar: Scalar, literal: &LiteralKind) -> Option<Value> {
    let text = |literal: &LiteralKind| match literal {
        LiteralKind::Text(text) => Some(text.clone()),
        _ => None,
    };
    match scalar {
        Scalar::Unit => None,
        Scalar::Bool => match literal {
            LiteralKind::Bool(value) => Some(Value::Bool(*value)),
            _ => None,
        },
        Scalar::F32 | Scalar::F64 => match literal {
            LiteralKind::Float(value) => Some(Value::Float(*value)),
            #[expect(clippy::cast_precision_loss, reason = "an integer of a float type is near it")]
            LiteralKind::Int(value) => Some(Value::Float(*value as f64)),
            _ => None,
        }
        .filter(|value| match value {
            Value::Float(value) => scalar == Scalar::F64 || value.abs() <= f64::from(f32::MAX),
            _ => true,
        }),
        Scalar::Duration => match literal {
            LiteralKind::Duration(us) | LiteralKind::Int(us) => micros(*us),
            _ => None,
        },
        Scalar::Timestamp => match literal {
            LiteralKind::Int(us) => micros(*us),
            _ => None,
        },
        Scalar::String | Scalar::Url => text(literal).map(Value::Text),
        Scalar::Bytes => text(literal).map(|text| Value::Bytes(text.into_bytes())),
        Scalar::Decimal => text(literal).filter(|text| is_decimal(text)).map(Value::Text),
        Scalar::Uuid => text(literal).filter(|text| is_uuid(text)).map(Value::Text),
        Scalar::Any => match literal {
            LiteralKind::Null => Some(Value::Null),
            LiteralKind::Bool(value) => Some(Value::Bool(*value)),
            LiteralKind::Int(value) => i64::try_from(*value).ok().map(|v| Value::Int(v.into())),
            LiteralKind::Float(value) => Some(Value::Float(*value)),
            LiteralKind::Text(text) => Some(Value::Text(text.clone())),
            _ => None,
        },
        _ => match literal {
            LiteralKind::Int(value) | LiteralKind::Size(value) => {
                let (min, max) = scalar.int_range()?;
                (min..=max).contains(value).then_some(Value::Int(*value))
            }
            _ => None,
        },
    }
}

fn micros(us: i128) -> Option<Value> {
    i64::try_from(us).ok().map(|us| Value::Int(us.into()))
}

/// `-12.50`, without an exponent.
pub(super) fn is_decimal(text: &str) -> bool {
    let text = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    digits(whole) && digits(fraction) && text.len() <= 64
}

/// Hyphenated, lower case.
fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte),
        })
}
