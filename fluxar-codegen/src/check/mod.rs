//! Contract files → the resolved [`Model`]: names, imports, generics, and every rule.
//!
//! [`load`] reads files and what they import, [`compile_sources`] does the same with texts in
//! memory. Both report everything that is wrong at once, and give a model for each package that
//! has no errors. A package may be in several files; its model is closed over what it imports.

mod annotations;
mod arguments;
mod build;
mod choices;
mod constraints;
mod lint;
mod literals;
mod load;
mod pattern;
mod records;
mod services;
mod shapes;
mod std_package;
mod topics;
mod types;
mod unique;
mod world;

#[cfg(test)]
pub(crate) use annotations::BUILT_IN;

use crate::model::Model;
use crate::report::{Reports, Severity};
use std::path::{Path, PathBuf};

/// The most files of one run, imports included.
pub const FILES_MAX: usize = 256;
/// The most types of one model, instances of generic types included.
pub const TYPES_MAX: usize = 2048;
/// The most parameters of a declared annotation.
pub const PARAMETERS_MAX: usize = 64;

/// What became of some files.
#[derive(Debug, Default)]
pub struct Loaded {
    /// A model for each package of the files that were asked for, in their order; none when there
    /// are errors.
    pub models: Vec<Model>,
    /// What is wrong.
    pub reports: Reports,
    /// Every file that was read or looked for in vain: a build script watches them.
    pub files: Vec<PathBuf>,
}

/// Reads contract files. What they import is looked for under `roots`, and nowhere else:
/// `use shop.v1` is `shop/v1.fluxar` or `shop.v1.fluxar` there.
#[must_use]
pub fn load(roots: &[PathBuf], files: &[PathBuf]) -> Loaded {
    finish(load::from_disk(roots, files), false)
}

/// As [`load`], with the warnings of the linter.
#[must_use]
pub fn lint(roots: &[PathBuf], files: &[PathBuf]) -> Loaded {
    finish(load::from_disk(roots, files), true)
}

/// Every contract file below a folder, sorted: what to give to [`load`]. Links are not followed.
///
/// # Errors
/// A folder cannot be read.
pub fn contract_files(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    load::contract_files(folder)
}

/// Compiles sources in memory: names for people, and texts. They import each other by the names of
/// their packages. Every package gets a model.
#[must_use]
pub fn compile_sources(sources: &[(&str, &str)]) -> Loaded {
    finish(load::from_memory(sources), false)
}

/// As [`compile_sources`], with the warnings of the linter.
#[must_use]
pub fn lint_sources(sources: &[(&str, &str)]) -> Loaded {
    finish(load::from_memory(sources), true)
}

fn finish(mut read: load::Read, with_lint: bool) -> Loaded {
    let mut models = Vec::new();
    for package in read.asked.clone() {
        // Defaults and bounds need to know all types: the first round makes those known.
        let mut unheard = Reports::default();
        let shapes = build::package(&read.world, package, None, &mut unheard);
        let built = build::package(&read.world, package, Some(&shapes.model), &mut read.reports);
        shapes::check(&built, &mut read.reports);
        if with_lint {
            lint::check(&read.world, package, &built, &mut read.reports);
        }
        models.push(built.model);
    }
    let is_wrong = read.reports.has_errors();
    let rank = |severity| usize::from(severity != Severity::Error);
    read.reports.list.sort_by_key(|report| {
        let place = report.place.map_or((0, 0), |place| (place.source, place.span.start));
        (rank(report.rule.severity), place)
    });
    let models = if is_wrong { Vec::new() } else { models };
    Loaded { models, reports: read.reports, files: read.files }
}
