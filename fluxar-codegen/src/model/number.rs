//! Numbers for what has none: contracts that were taken from Rust, where they may be left out.

use super::{Body, Contract, Field, Model, Variant, VariantBody};
use std::collections::BTreeSet;

impl Model {
    /// Gives each field and variant without a number that of the same one in `known`, or else the
    /// next that is free. Says how many it gave.
    pub fn number_like(&mut self, known: &Self) -> usize {
        let mut given = 0;
        for def in &mut self.types {
            let known = known.type_named(&def.name.source).map(|def| &def.body);
            given += match (&mut def.body, known) {
                (Body::Record(fields), Some(Body::Record(known))) => number_fields(fields, known),
                (Body::Record(fields), _) => number_fields(fields, &[]),
                (
                    Body::Enum(variants) | Body::Union(variants),
                    Some(Body::Enum(known) | Body::Union(known)),
                ) => number_variants(variants, known),
                (Body::Enum(variants) | Body::Union(variants), _) => number_variants(variants, &[]),
                (Body::Newtype(_) | Body::Unit, _) => 0,
            };
        }
        given
    }
}

fn number_fields(fields: &mut [Field<Contract>], known: &[Field<Contract>]) -> usize {
    let of_known = |name: &str| known.iter().find(|f| f.name.source == name).and_then(|f| f.id);
    let mut taken: BTreeSet<u32> = fields.iter().filter_map(|field| field.id).collect();
    taken.extend(fields.iter().filter_map(|field| of_known(&field.name.source)));
    let mut given = 0;
    for field in fields.iter_mut().filter(|field| field.id.is_none()) {
        let id = of_known(&field.name.source).unwrap_or_else(|| free(&taken));
        taken.insert(id);
        field.id = Some(id);
        given += 1;
    }
    fields.sort_by_key(|field| field.id);
    given
}

fn number_variants(variants: &mut [Variant<Contract>], known: &[Variant<Contract>]) -> usize {
    let of_known = |name: &str| known.iter().find(|v| v.name.source == name);
    let mut taken: BTreeSet<u32> = variants.iter().filter_map(|variant| variant.id).collect();
    taken.extend(variants.iter().filter_map(|v| of_known(&v.name.source)?.id));
    let mut given = 0;
    for variant in variants.iter_mut() {
        let known = of_known(&variant.name.source);
        if variant.id.is_none() {
            let id = known.and_then(|known| known.id).unwrap_or_else(|| free(&taken));
            taken.insert(id);
            variant.id = Some(id);
            given += 1;
        }
        if let VariantBody::Record(fields) = &mut variant.body {
            given += match known.map(|known| &known.body) {
                Some(VariantBody::Record(known)) => number_fields(fields, known),
                _ => number_fields(fields, &[]),
            };
        }
    }
    variants.sort_by_key(|variant| variant.id);
    given
}

fn free(taken: &BTreeSet<u32>) -> u32 {
    (1..).find(|id| !taken.contains(id)).unwrap_or(u32::MAX)
}
