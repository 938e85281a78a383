//! Constraints: `range = "1..=5"`, `len = "..=256"`, `format = "email"`, `pattern = "[a-z]+"`.

use super::attributes::text;
use super::literal;
use crate::model::{Constraints, Format, Number, Value};
use syn::meta::ParseNestedMeta;

const RANGE: &str = "write a range with both ends in it, `1..=5`, `1..=` or `..=5`";

/// Reads one constraint.
///
/// # Errors
/// One that is there already, or a value that is none.
pub(super) fn take(
    constraints: &mut Constraints,
    key: &str,
    meta: &ParseNestedMeta<'_>,
) -> syn::Result<()> {
    let twice = || meta.error("this bound is written twice: keep one");
    let mut bounds = |min: Option<Number>, max: Option<Number>| {
        let taken = (min.is_some() && constraints.min.is_some())
            || (max.is_some() && constraints.max.is_some());
        constraints.min = min.or(constraints.min);
        constraints.max = max.or(constraints.max);
        if taken { Err(twice()) } else { Ok(()) }
    };
    match key {
        "min" => bounds(Some(number(meta)?), None),
        "max" => bounds(None, Some(number(meta)?)),
        "range" => {
            let range = text(meta)?;
            let wrong = || syn::Error::new(range.span, RANGE);
            let parse = |text: &str| match text.parse::<i128>() {
                Ok(value) => Ok(Number::Int(value)),
                Err(_) => text.parse().map(Number::Float).map_err(|_| wrong()),
            };
            let (min, max) = ends(&range.value).ok_or_else(wrong)?;
            bounds(min.map(parse).transpose()?, max.map(parse).transpose()?)
        }
        "len" => {
            let range = text(meta)?;
            let wrong = || syn::Error::new(range.span, RANGE);
            let parse = |text: &str| text.parse::<u64>().map_err(|_| wrong());
            let (min, max) = ends(&range.value).ok_or_else(wrong)?;
            let (min, max) = (min.map(parse).transpose()?, max.map(parse).transpose()?);
            let is_taken = constraints.len_min.is_some() || constraints.len_max.is_some();
            (constraints.len_min, constraints.len_max) = (min, max);
            if is_taken { Err(twice()) } else { Ok(()) }
        }
        "format" => {
            let name = text(meta)?;
            let names = Format::ALL.map(Format::name).join(", ");
            let message = format!("no such format: write one of {names}");
            let format = Format::named(&name.value);
            let format = format.ok_or_else(|| syn::Error::new(name.span, message))?;
            constraints.format.replace(format).map_or(Ok(()), |_| Err(twice()))
        }
        _ => {
            let pattern = text(meta)?.value;
            constraints.pattern.replace(pattern).map_or(Ok(()), |_| Err(twice()))
        }
    }
}

fn number(meta: &ParseNestedMeta<'_>) -> syn::Result<Number> {
    match literal::value(meta.value()?)? {
        Value::Int(value) => Ok(Number::Int(value)),
        Value::Float(value) => Ok(Number::Float(value)),
        _ => Err(meta.error("write a number")),
    }
}

/// The ends of `1..=5`, each perhaps left out, but not both.
fn ends(range: &str) -> Option<(Option<&str>, Option<&str>)> {
    let (min, max) = range.split_once("..=")?;
    let (has_min, has_max) = (!min.trim().is_empty(), !max.trim().is_empty());
    (has_min || has_max).then(|| (has_min.then(|| min.trim()), has_max.then(|| max.trim())))
}
