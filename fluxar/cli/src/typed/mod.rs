//! JSON by a contract: what a person types becomes the payload that the contract asks for, and
//! what comes back becomes JSON that a person reads.
//!
//! | type | JSON |
//! |---|---|
//! | `bool`, integers, floats | as they are; `"NaN"`, `"Infinity"`, `"-Infinity"` |
//! | `string`, `url` | text |
//! | `decimal` | text, `"12.50"`; an integer is taken, too |
//! | `bytes` | base64; `{"$bytes": "<base64>"}` is taken, too |
//! | `uuid` | `"0190a0f0-0000-7000-8000-00000000000a"` |
//! | `timestamp` | `"2026-11-24T08:30:00.25Z"`; a number is microseconds since 1970 |
//! | `duration` | `"250ms"`, `"1.5h"`; a number is microseconds |
//! | `T?` | null, or left out |
//! | lists, arrays, maps | lists and objects |
//! | records | objects; what is left out reads as its default |
//! | enums | the name of the member |
//! | unions, errors | the name of the variant, or `{"variant": content}` |
//! | `any` | any JSON |
//!
//! Names are those on the wire; those of the contract and earlier ones (`@was`) are taken, too.
//! The model comes from the network, so nothing here trusts it: what it does not know reads as
//! `any`, and types that only refer to each other end at a depth.

mod limits;
mod literal;
mod read;
#[cfg(test)]
mod tests;
mod text;
pub(crate) mod topic;
mod write;

pub(crate) use crate::suggest::did_you_mean;
pub(crate) use write::may_be_absent;

use crate::json::Json;
use fluxar::Value;
use fluxar::payload::Mismatch;
use fluxar_codegen::model::{Contract, Field, Lifecycle, Model, Name, Variant};

/// How deep types are followed. A payload nests at most 64 deep; newtypes and optionals between
/// its levels do not count there, but here.
const DEPTH_MAX: usize = 4 * fluxar::payload::DEPTH_MAX;

/// Reads and writes by the types of a model.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Types<'m> {
    model: &'m Model,
}

impl<'m> Types<'m> {
    /// By this model.
    pub(crate) fn new(model: &'m Model) -> Self {
        Self { model }
    }
}

/// A value of which nothing is known, as JSON.
pub(crate) fn untyped(value: &Value) -> Result<serde_json::Value, Mismatch> {
    value.to::<Json>().map(|Json(json)| json)
}

fn too_deep() -> Mismatch {
    Mismatch::new("nested deeper than a payload may be")
}

/// How well a key names something: on the wire, in the contract, or formerly.
fn rank(name: &Name, life: &Lifecycle, key: &str) -> Option<u8> {
    if name.wire == key {
        return Some(0);
    }
    if name.source == key {
        return Some(1);
    }
    life.was.iter().any(|was| was == key).then_some(2)
}

/// What a key names: a field, a member or a variant.
trait Called {
    fn id(&self) -> Option<u32>;
    fn name(&self) -> (&Name, &Lifecycle);
}

impl Called for Field<Contract> {
    fn id(&self) -> Option<u32> {
        self.id
    }

    fn name(&self) -> (&Name, &Lifecycle) {
        (&self.name, &self.lifecycle)
    }
}

impl Called for Variant<Contract> {
    fn id(&self) -> Option<u32> {
        self.id
    }

    fn name(&self) -> (&Name, &Lifecycle) {
        (&self.name, &self.lifecycle)
    }
}

/// The one of `things` that a key names.
fn called<'t, T: Called>(things: &'t [T], key: &str) -> Option<(usize, &'t T)> {
    let ranked = things.iter().enumerate().filter_map(|(index, thing)| {
        let (name, life) = thing.name();
        Some((rank(name, life, key)?, (index, thing)))
    });
    ranked.min_by_key(|(rank, _)| *rank).map(|(_, found)| found)
}

/// The one of `things` that a key of a payload names, which may be its number.
fn keyed<'t, T: Called>(things: &'t [T], key: &Value) -> Option<(usize, &'t T)> {
    match key {
        Value::Text(key) => called(things, key),
        Value::Int(key) => {
            let is_it = |thing: &T| thing.id().is_some_and(|id| i128::from(id) == *key);
            things.iter().enumerate().find(|(_, thing)| is_it(thing))
        }
        _ => None,
    }
}
