//! Constraints, as statements that throw.

use super::spell::{Speller, field_names};
use super::text::quote;
use crate::model::{Constraints, Contract, Field, Number, Scalar, TypeRef};

/// Statements that check `value` of a type; `path` is the expression of its place.
pub(super) fn value(
    speller: &Speller<'_>,
    ty: &TypeRef,
    constraints: Option<&Constraints>,
    value: &str,
    path: &str,
) -> Vec<String> {
    let mut out = Vec::new();
    let base = speller.base(ty);
    let some = constraints.filter(|constraints| !constraints.is_empty());
    match base {
        TypeRef::List(of) | TypeRef::Array(of, _) => {
            if let Some(constraints) = some {
                out.extend(length(constraints, value, path));
            }
            let each = some.map(|constraints| Constraints {
                len_min: None,
                len_max: None,
                ..constraints.clone()
            });
            let inside = self::value(speller, of, each.as_ref(), "v", "p");
            if !inside.is_empty() {
                let guard =
                    if matches!(**of, TypeRef::Optional(_)) { "if (v !== undefined) " } else { "" };
                let body = inside.join(" ");
                out.push(format!(
                    "$.checkEach({value}, (v, p) => {{ {guard}{{ {body} }} }}, {path});"
                ));
            }
        }
        TypeRef::Map(_, of) => {
            if let Some(constraints) = some {
                out.extend(length(constraints, value, path));
            }
            let inside = self::value(speller, of, None, "v", "p");
            if !inside.is_empty() {
                out.push(format!(
                    "$.checkValues({value}, (v, p) => {{ {} }}, {path});",
                    inside.join(" ")
                ));
            }
        }
        TypeRef::Scalar(scalar) => {
            if let Some(constraints) = some {
                out.extend(scalar_checks(constraints, *scalar, value, path));
            }
        }
        TypeRef::Named(_) | TypeRef::Optional(_) => {}
    }
    // What the type itself says, newtypes among them.
    if let TypeRef::Named(source) = ty.required()
        && speller.is_checked(ty)
    {
        out.push(format!("check${}({value}, {path});", speller.names.class(source)));
    }
    out
}

/// Statements that check the fields of a record.
pub(super) fn fields(speller: &Speller<'_>, fields: &[Field<Contract>]) -> Vec<String> {
    let mut out = Vec::new();
    for (field, name) in fields.iter().zip(field_names(fields)) {
        if !speller.field_is_checked(field) {
            continue;
        }
        let read = super::record::property_of("v", &name);
        let path = format!("$.at(path, {})", quote(&field.name.wire));
        let inside = value(speller, &field.ty, Some(&field.constraints), "f", &path);
        if !inside.is_empty() {
            out.push(format!(
                "{{ const f = {read}; if (f !== undefined) {{ {} }} }}",
                inside.join(" ")
            ));
        }
    }
    out
}

fn length(constraints: &Constraints, value: &str, path: &str) -> Option<String> {
    let bound =
        |bound: Option<u64>| bound.map_or_else(|| "null".to_owned(), |bound| bound.to_string());
    (constraints.len_min.is_some() || constraints.len_max.is_some()).then(|| {
        let (least, most) = (bound(constraints.len_min), bound(constraints.len_max));
        format!("$.checkLength({value}, {least}, {most}, {path});")
    })
}

fn scalar_checks(
    constraints: &Constraints,
    scalar: Scalar,
    value: &str,
    path: &str,
) -> Vec<String> {
    let mut out: Vec<String> = length(constraints, value, path).into_iter().collect();
    let big = matches!(scalar, Scalar::U64 | Scalar::I64);
    let bound = |bound: Option<Number>| match bound {
        None => "null".to_owned(),
        Some(Number::Int(value)) => format!("{value}{}", if big { "n" } else { "" }),
        Some(Number::Float(value)) => format!("{value:?}"),
    };
    if constraints.min.is_some() || constraints.max.is_some() {
        let (least, most) = (bound(constraints.min), bound(constraints.max));
        out.push(format!("$.checkRange({value}, {least}, {most}, {path});"));
    }
    if let Some(format) = constraints.format {
        out.push(format!("$.checkFormat({value}, {}, {path});", quote(format.name())));
    }
    if let Some(pattern) = &constraints.pattern {
        out.push(format!("$.checkPattern({value}, {}, {path});", quote(pattern)));
    }
    out
}
