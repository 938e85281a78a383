//! Constraints of contracts, checked by the runtime's own check.

use fluxar::Value;
use fluxar::payload::{Bound, Encode as _, Limits, Mismatch, Mode, Writer};
use fluxar_codegen::model::{Constraints, Number};
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

/// Checks a value.
///
/// # Errors
/// It breaks a constraint.
pub(super) fn check(constraints: &Constraints, value: &Value) -> Result<(), Mismatch> {
    if constraints.is_empty() {
        return Ok(());
    }
    let mut writer = Writer::new(Vec::new(), Mode::PLAIN);
    value.encode(&mut writer)?;
    writer.check(0, &limits(constraints))
}

fn limits(constraints: &Constraints) -> Limits {
    let bound = |number| match number {
        Number::Int(int) => Bound::Int(int),
        Number::Float(float) => Bound::Float(float),
    };
    let mut limits = Limits::new();
    if let Some(min) = constraints.min {
        limits = limits.min(bound(min));
    }
    if let Some(max) = constraints.max {
        limits = limits.max(bound(max));
    }
    if let Some(min) = constraints.len_min {
        limits = limits.len_min(min);
    }
    if let Some(max) = constraints.len_max {
        limits = limits.len_max(max);
    }
    if let Some(format) = constraints.format {
        limits = limits.format(format.name());
    }
    if let Some(pattern) = &constraints.pattern {
        limits = limits.pattern(kept(pattern));
    }
    limits
}

/// The runtime has its patterns in the program's text. Ours come with a model, of which a command
/// has one or two: each pattern is kept once, for as long as the command runs.
fn kept(pattern: &str) -> &'static str {
    static KEPT: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut all = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = all.get(pattern) {
        return known;
    }
    let pattern: &'static str = Box::leak(pattern.into());
    all.insert(pattern);
    pattern
}
