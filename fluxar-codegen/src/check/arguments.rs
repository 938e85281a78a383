//! The arguments of a built-in annotation, taken one by one.

use crate::model::{Number, Scalar};
use crate::syntax::ast::{Annotation, Literal, LiteralKind};
use std::time::Duration;

/// Arguments that are not taken yet, and what was wrong with one.
pub(super) struct Arguments<'a> {
    left: Vec<(Option<&'a str>, &'a Literal)>,
    /// What should have been written.
    pub(super) wrong: Option<String>,
}

impl<'a> Arguments<'a> {
    pub(super) fn new(annotation: &'a Annotation) -> Self {
        let left = annotation
            .arguments
            .iter()
            .map(|argument| (argument.name.as_ref().map(|n| n.text.as_str()), &argument.value))
            .collect();
        Self { left, wrong: None }
    }

    /// What should have been written, unless all is well.
    pub(super) fn finish(self) -> Option<String> {
        let left = (!self.left.is_empty()).then(|| "fewer or other arguments".to_owned());
        self.wrong.or(left)
    }

    fn expected<T>(&mut self, what: &str) -> Option<T> {
        self.wrong = Some(what.to_owned());
        None
    }

    /// The next argument without a name.
    pub(super) fn next(&mut self) -> Option<&'a Literal> {
        let at = self.left.iter().position(|(name, _)| name.is_none())?;
        Some(self.left.remove(at).1)
    }

    /// The argument of that name.
    pub(super) fn named(&mut self, name: &str) -> Option<&'a Literal> {
        let at = self.left.iter().position(|(known, _)| *known == Some(name))?;
        Some(self.left.remove(at).1)
    }

    pub(super) fn as_u32(&mut self, literal: &Literal) -> Option<u32> {
        match literal.kind {
            LiteralKind::Int(value) if (1..=i128::from(u32::MAX)).contains(&value) => {
                u32::try_from(value).ok()
            }
            _ => self.expected("a number from 1"),
        }
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        match self.next() {
            Some(literal) => self.as_u32(literal),
            None => self.expected("a number"),
        }
    }

    pub(super) fn text(&mut self) -> Option<String> {
        match self.next().map(|literal| &literal.kind) {
            Some(LiteralKind::Text(text)) => Some(text.clone()),
            _ => self.expected("a text in quotes"),
        }
    }

    pub(super) fn maybe_text(&mut self) -> Option<String> {
        if self.left.iter().any(|(name, _)| name.is_none()) { self.text() } else { None }
    }

    pub(super) fn member(&mut self) -> Option<String> {
        match self.next().map(|literal| &literal.kind) {
            Some(LiteralKind::Member(member)) => Some(member.text.clone()),
            _ => self.expected("a word with a dot before it"),
        }
    }

    pub(super) fn duration(&mut self) -> Option<Duration> {
        match self.next().map(|literal| &literal.kind) {
            Some(LiteralKind::Duration(us)) if *us > 0 => {
                u64::try_from(*us).ok().map(Duration::from_micros)
            }
            _ => self.expected("a length of time above zero, `30s`"),
        }
    }

    pub(super) fn size(&mut self) -> Option<u64> {
        match self.next().map(|literal| &literal.kind) {
            Some(LiteralKind::Size(bytes) | LiteralKind::Int(bytes)) if *bytes > 0 => {
                u64::try_from(*bytes).ok()
            }
            _ => self.expected("a number of bytes above zero, `1MiB`"),
        }
    }

    /// A bound of values of a scalar.
    pub(super) fn number(&mut self, literal: &Literal, of: Scalar) -> Option<Number> {
        let found = match (&literal.kind, of) {
            #[expect(clippy::cast_precision_loss, reason = "a bound of floats is one")]
            (LiteralKind::Int(value), Scalar::F32 | Scalar::F64) => {
                Some(Number::Float(*value as f64))
            }
            (LiteralKind::Float(value), Scalar::F32 | Scalar::F64) => Some(Number::Float(*value)),
            (LiteralKind::Duration(us) | LiteralKind::Int(us), Scalar::Duration)
            | (LiteralKind::Int(us), Scalar::Timestamp) => {
                i64::try_from(*us).ok().map(|us| Number::Int(us.into()))
            }
            (LiteralKind::Int(value) | LiteralKind::Size(value), _) => of
                .int_range()
                .filter(|(min, max)| (min..=max).contains(&value))
                .map(|_| Number::Int(*value)),
            _ => None,
        };
        match found {
            Some(number) => Some(number),
            None => self.expected(&format!("values of `{}`", of.name())),
        }
    }

    pub(super) fn length(&mut self, literal: &Literal) -> Option<u64> {
        match literal.kind {
            LiteralKind::Int(value) | LiteralKind::Size(value) if value >= 0 => {
                i64::try_from(value).ok().and_then(|value| u64::try_from(value).ok())
            }
            _ => self.expected("lengths from 0"),
        }
    }
}
