//! The contract language as a whole.

mod corpus;
mod evolution;
mod hostile;
mod imports;
mod laws;
mod random;
mod recovery;
mod reports;
mod rules;

use crate::check::{Loaded, compile_sources};
use crate::model::Model;
use crate::report::render;

/// The one model of a source that is right.
pub(crate) fn model(source: &str) -> Model {
    let mut loaded = compile_sources(&[("test.fluxar", source)]);
    assert!(loaded.reports.list.is_empty(), "{}\n{source}", render(&loaded.reports));
    loaded.models.remove(0)
}

/// The ids of the rules that a source breaks.
pub(crate) fn broken(source: &str) -> Vec<&'static str> {
    let Loaded { models, reports, .. } = compile_sources(&[("test.fluxar", source)]);
    assert_eq!(models.is_empty(), reports.has_errors(), "{source}");
    reports.ids()
}
