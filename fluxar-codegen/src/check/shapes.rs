//! Types whose values would never end.

use super::build::Built;
use crate::model::{Body, Contract, Field, Model, TypeDef, TypeRef, VariantBody};
use crate::report::Reports;
use std::collections::HashSet;

/// Reports types that have no finite value: each is made of itself without `?` or list between.
pub(super) fn check(built: &Built, reports: &mut Reports) {
    let finite = finite(&built.model);
    for def in &built.model.types {
        if finite.contains(def.name.source.as_str()) {
            continue;
        }
        if let Some(place) = built.places.get(&def.name.source) {
            let message =
                format!("a value of `{}` holds another one, without end", def.name.source);
            reports.add("type-infinite", *place, message);
        }
    }
}

/// The types that have a finite value: found from below, until nothing is added.
fn finite(model: &Model) -> HashSet<&str> {
    let names: HashSet<&str> = model.types.iter().map(|def| def.name.source.as_str()).collect();
    let mut found = HashSet::new();
    let mut open: Vec<&TypeDef<Contract>> = model.types.iter().collect();
    loop {
        let before = open.len();
        open.retain(|def| {
            // What is not there is reported already.
            let is_there = |name: &str| found.contains(name) || !names.contains(name);
            let is_finite = has_end(&def.body, &is_there);
            if is_finite {
                found.insert(def.name.source.as_str());
            }
            !is_finite
        });
        if open.len() == before {
            return found;
        }
        // A chain is often written from its end: then every round finds all of it.
        open.reverse();
    }
}

fn has_end(body: &Body<Contract>, is_there: &impl Fn(&str) -> bool) -> bool {
    let all =
        |fields: &[Field<Contract>]| fields.iter().all(|field| is_finite(&field.ty, is_there));
    match body {
        Body::Unit | Body::Enum(_) => true,
        Body::Newtype(ty) => is_finite(ty, is_there),
        Body::Record(fields) => all(fields),
        Body::Union(variants) => {
            variants.is_empty()
                || variants.iter().any(|variant| match &variant.body {
                    VariantBody::Unit => true,
                    VariantBody::Newtype(ty) => is_finite(ty, is_there),
                    VariantBody::Record(fields) => all(fields),
                })
        }
    }
}

fn is_finite(ty: &TypeRef, is_there: &impl Fn(&str) -> bool) -> bool {
    match ty {
        TypeRef::Scalar(_) | TypeRef::Optional(_) | TypeRef::List(_) | TypeRef::Map(..) => true,
        TypeRef::Array(of, _) => is_finite(of, is_there),
        TypeRef::Named(name) => is_there(name),
    }
}
