//! Types whose values would never end.

use super::build::Built;
use crate::model::{Body, Model, TypeRef, VariantBody};
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
    let mut found: HashSet<&str> = HashSet::new();
    loop {
        let before = found.len();
        for def in &model.types {
            let all = |fields: &[crate::model::Field<crate::model::Contract>]| {
                fields.iter().all(|field| is_finite(&field.ty, &found, model))
            };
            let is_finite = match &def.body {
                Body::Unit | Body::Enum(_) => true,
                Body::Newtype(ty) => is_finite(ty, &found, model),
                Body::Record(fields) => all(fields),
                Body::Union(variants) => {
                    variants.is_empty()
                        || variants.iter().any(|variant| match &variant.body {
                            VariantBody::Unit => true,
                            VariantBody::Newtype(ty) => is_finite(ty, &found, model),
                            VariantBody::Record(fields) => all(fields),
                        })
                }
            };
            if is_finite {
                found.insert(&def.name.source);
            }
        }
        if found.len() == before {
            return found;
        }
    }
}

fn is_finite(ty: &TypeRef, found: &HashSet<&str>, model: &Model) -> bool {
    match ty {
        TypeRef::Scalar(_) | TypeRef::Optional(_) | TypeRef::List(_) | TypeRef::Map(..) => true,
        TypeRef::Array(of, _) => is_finite(of, found, model),
        // What is not there is reported already.
        TypeRef::Named(name) => found.contains(name.as_str()) || model.type_named(name).is_none(),
    }
}
