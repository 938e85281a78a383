//! How often random values (`sample`) show what breaks: only what must show is held against a trial.
//!
//! All of it errs to the side of "need not": what is claimed here must not be wrong, or a trial
//! finds fault with a rule that is right.

use super::index::Types;
use crate::model::{Body, Constraints, Contract, Field, Number, Scalar, TypeRef};

/// Nesting below which the sampler leaves out what it may.
const DEPTH: usize = 4;
/// One in so many integers is the largest of its type, one in so many the smallest.
const ENDS: u32 = 6;

/// One in how many random values shows a change; nothing where none need.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// Of values of the old level, to readers of the new one.
    pub forward: Option<u32>,
    /// The reverse.
    pub back: Option<u32>,
}

impl Shown {
    /// By values of either level, every one.
    pub(super) const BOTH: Self = Self { forward: Some(1), back: Some(1) };

    pub(super) fn forward(one_in: Option<u32>) -> Self {
        Self { forward: one_in, back: None }
    }

    pub(super) fn back(one_in: Option<u32>) -> Self {
        Self { forward: None, back: one_in }
    }

    /// What is sure on either of two ways is sure.
    pub(super) fn join(self, other: Self) -> Self {
        let least = |a: Option<u32>, b: Option<u32>| a.into_iter().chain(b).min();
        Self { forward: least(self.forward, other.forward), back: least(self.back, other.back) }
    }
}

/// How often a value of one level has something at the place that is compared.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reach {
    /// One in so many values; nothing where none has.
    one_in: Option<u32>,
    depth: usize,
}

impl Reach {
    pub(super) const TOP: Self = Self { one_in: Some(1), depth: 0 };

    fn times(self, more: u32) -> Self {
        Self { one_in: self.one_in.and_then(|one_in| one_in.checked_mul(more)), ..self }
    }

    pub(super) fn deeper(self, levels: usize) -> Self {
        Self { depth: self.depth + levels, ..self }
    }

    /// Something that is there every other time, and not at all deep down.
    pub(super) fn perhaps(self) -> Self {
        if self.depth < DEPTH { self.times(2) } else { Self { one_in: None, ..self } }
    }

    /// The content of one of so many variants.
    pub(super) fn one_of(self, variants: usize) -> Self {
        let never = Self { one_in: None, ..self };
        if self.depth < DEPTH {
            u32::try_from(variants).map_or(never, |n| self.times(n))
        } else {
            never
        }
    }

    /// A field: written always, or every other time.
    pub(super) fn field(self, is_required: bool) -> Self {
        if is_required { self } else { self.perhaps() }
    }

    /// One in how many values shows what one in `of` of those that come here shows.
    pub(super) fn shown(self, of: Option<u32>) -> Option<u32> {
        self.one_in?.checked_mul(of?)
    }
}

/// What lists, texts and numbers are on the wire, where no reader takes the one for the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    Bool,
    Number,
    Text,
    List,
    Map,
}

fn class(ty: &TypeRef, types: &Types<'_>) -> Option<Class> {
    match ty {
        TypeRef::Scalar(Scalar::Bool) => Some(Class::Bool),
        TypeRef::Scalar(Scalar::String | Scalar::Url) => Some(Class::Text),
        TypeRef::Scalar(Scalar::F32 | Scalar::F64) => Some(Class::Number),
        TypeRef::Scalar(scalar) => scalar.int_range().map(|_| Class::Number),
        TypeRef::List(_) | TypeRef::Array(..) => Some(Class::List),
        TypeRef::Map(..) => Some(Class::Map),
        TypeRef::Named(name) => match types.named(name).map(|def| &def.body) {
            Some(Body::Record(_)) => Some(Class::Map),
            _ => None,
        },
        TypeRef::Optional(_) => None,
    }
}

/// A type that became another one.
pub(super) fn changed(old: (&TypeRef, &Types<'_>), new: (&TypeRef, &Types<'_>)) -> Shown {
    match (class(old.0, old.1), class(new.0, new.1)) {
        (Some(one), Some(other)) if one != other => Shown::BOTH,
        _ => Shown::default(),
    }
}

/// Values of `wide` to a reader of `narrow`, where neither has bounds of its own.
pub(super) fn wider(wide: Scalar, narrow: Scalar) -> Option<u32> {
    match (wide, narrow) {
        // Most of them have a fraction.
        (Scalar::F32 | Scalar::F64, narrow) => narrow.int_range().map(|_| 2),
        (wide, narrow) => {
            (wide.int_range().is_some() && narrow.int_range().is_some()).then_some(ENDS)
        }
    }
}

/// Lists of any length to a reader of one of this length.
pub(super) fn any_length(length: u32) -> Option<u32> {
    // The sampler makes lists of up to three.
    Some(if length > 3 { 1 } else { 2 })
}

/// `any` to a reader of a type: the sampler makes lists.
pub(super) fn any(to: &TypeRef) -> Option<u32> {
    let may_take_lists = matches!(
        to,
        TypeRef::List(_)
            | TypeRef::Array(..)
            | TypeRef::Optional(_)
            | TypeRef::Scalar(Scalar::Any | Scalar::Unit)
    );
    (!may_take_lists).then_some(1)
}

/// Integers within `old` to a reader that wants them within `new`.
pub(super) fn bounds(ty: &TypeRef, old: &Constraints, new: &Constraints) -> Option<u32> {
    let TypeRef::Scalar(scalar) = ty else { return None };
    let (least, most) = scalar.int_range()?;
    let ends = |limits: &Constraints| {
        let whole = |limit: Option<Number>| match limit {
            Some(Number::Int(value)) => Some(value),
            _ => None,
        };
        (whole(limits.min).unwrap_or(least).max(least), whole(limits.max).unwrap_or(most).min(most))
    };
    let ((low, high), (new_low, new_high)) = (ends(old), ends(new));
    (low <= high && (low < new_low || high > new_high)).then_some(ENDS)
}

/// True when something beside the type says which numbers or lengths there are.
pub(super) fn is_bounded(limits: &Constraints) -> bool {
    *limits != Constraints::default()
}

/// True when a field is always written.
pub(super) fn is_written(field: &Field<Contract>) -> bool {
    !field.optional && !field.defaulted && field.default.is_none()
}
