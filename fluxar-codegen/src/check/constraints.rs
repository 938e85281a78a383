//! Bounds of values: that they fit the type, and that values and the default keep them.

use super::arguments::Arguments;
use super::build::Builder;
use super::pattern;
use super::types::base;
use crate::model::{Constraints, Format, Number, Scalar, TypeRef, Value};
use crate::report::Place;
use crate::syntax::ast::LiteralKind;

impl Builder<'_> {
    /// Reads one bound of values of a type.
    pub(super) fn bound(
        &self,
        constraints: &mut Constraints,
        arguments: &mut Arguments<'_>,
        name: &str,
        ty: &TypeRef,
    ) {
        // In the first round newtypes are not known: bounds wait for the second.
        let Some(known) = self.known else {
            while arguments.next().is_some() {}
            let _ = (arguments.named("min"), arguments.named("max"));
            return;
        };
        if name == "len" {
            return length(constraints, arguments, base(ty, known, false));
        }
        let TypeRef::Scalar(scalar) = *base(ty, known, true) else {
            while arguments.next().is_some() {}
            arguments.wrong = Some("values that this type does not have".to_owned());
            return;
        };
        match name {
            "format" => {
                let format = arguments.member();
                constraints.format = format.as_deref().and_then(Format::named);
                if constraints.format.is_none() || scalar != Scalar::String {
                    let all = Format::ALL.map(Format::name).join(", .");
                    arguments.wrong = Some(format!("one of .{all}, for a `string`"));
                }
            }
            "pattern" => match arguments.text().map(|text| pattern::normal(&text)) {
                Some(Ok(_)) if scalar != Scalar::String => {
                    arguments.wrong = Some("the pattern of a `string`".to_owned());
                }
                Some(Ok(pattern)) => constraints.pattern = Some(pattern),
                Some(Err(why)) => arguments.wrong = Some(format!("no pattern that {why}")),
                None => {}
            },
            _ => {
                let is_number = scalar.int_range().is_some()
                    || scalar.is_float()
                    || matches!(scalar, Scalar::Duration | Scalar::Timestamp);
                if !is_number {
                    while arguments.next().is_some() {}
                    arguments.wrong = Some("numbers, which this type has not".to_owned());
                    return;
                }
                numbers(constraints, arguments, name, scalar);
            }
        }
    }

    /// That some value keeps the bounds, and the default does.
    pub(super) fn check_bounds(
        &mut self,
        constraints: &Constraints,
        default: Option<&Value>,
        place: Place,
    ) {
        let is_empty = match (constraints.min, constraints.max) {
            (Some(min), Some(max)) => min.as_f64() > max.as_f64(),
            _ => false,
        } || constraints.len_min > constraints.len_max.or(Some(u64::MAX));
        if is_empty {
            self.reports.add("constraint-empty", place, "no value keeps these bounds");
        } else if default.is_some_and(|default| !keeps(constraints, default)) {
            self.reports.add("constraint-empty", place, "the default does not keep the bounds");
        }
    }

    /// That an example keeps the bounds that stand beside it.
    pub(super) fn check_example(&mut self, limits: &Constraints, value: &Value, place: Place) {
        if !keeps(limits, value) {
            self.reports.add("constraint-empty", place, "the example does not keep the bounds");
        }
    }
}

fn numbers(
    constraints: &mut Constraints,
    arguments: &mut Arguments<'_>,
    name: &str,
    scalar: Scalar,
) {
    let literal = arguments.next();
    match (name, literal.map(|literal| (&literal.kind, literal))) {
        ("range", Some((LiteralKind::Range(min, max), _))) => {
            constraints.min = arguments.number(min, scalar);
            constraints.max = arguments.number(max, scalar);
        }
        ("min", Some((_, literal))) => constraints.min = arguments.number(literal, scalar),
        ("max", Some((_, literal))) => constraints.max = arguments.number(literal, scalar),
        ("range", _) => arguments.wrong = Some("a range, `1..64`".to_owned()),
        _ => arguments.wrong = Some("a number".to_owned()),
    }
}

fn length(constraints: &mut Constraints, arguments: &mut Arguments<'_>, ty: &TypeRef) {
    let has_length = match ty {
        TypeRef::List(_) | TypeRef::Map(..) => true,
        TypeRef::Scalar(scalar) => scalar.is_text() || *scalar == Scalar::Bytes,
        _ => false,
    };
    match arguments.next().map(|literal| (&literal.kind, literal)) {
        Some((LiteralKind::Range(min, max), _)) => {
            constraints.len_min = arguments.length(min);
            constraints.len_max = arguments.length(max);
        }
        Some((_, exact)) => {
            constraints.len_min = arguments.length(exact);
            constraints.len_max = constraints.len_min;
        }
        None => {
            let (min, max) = (arguments.named("min"), arguments.named("max"));
            constraints.len_min = min.and_then(|min| arguments.length(min));
            constraints.len_max = max.and_then(|max| arguments.length(max));
            if min.is_none() && max.is_none() {
                arguments.wrong = Some("a length or a range of lengths".to_owned());
            }
        }
    }
    if !has_length {
        arguments.wrong = Some("the length of a text, bytes, a list or a map".to_owned());
    }
}

/// True when a default keeps the bounds, patterns and formats aside.
fn keeps(constraints: &Constraints, value: &Value) -> bool {
    let within = |length: usize| {
        let length = u64::try_from(length).unwrap_or(u64::MAX);
        constraints.len_min.is_none_or(|min| length >= min)
            && constraints.len_max.is_none_or(|max| length <= max)
    };
    let between = |number: Number| {
        let number = number.as_f64();
        constraints.min.is_none_or(|min| number >= min.as_f64())
            && constraints.max.is_none_or(|max| number <= max.as_f64())
    };
    match value {
        Value::Int(value) => between(Number::Int(*value)),
        Value::Float(value) => between(Number::Float(*value)),
        Value::Text(text) => within(text.chars().count()),
        Value::Bytes(bytes) => within(bytes.len()),
        Value::Map(entries) => within(entries.len()),
        Value::List(items) => {
            let alone = Constraints { len_min: None, len_max: None, ..constraints.clone() };
            within(items.len()) && items.iter().all(|item| keeps(&alone, item))
        }
        Value::Null | Value::Bool(_) | Value::Name(_) | Value::Record(_) => true,
    }
}
