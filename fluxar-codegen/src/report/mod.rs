//! What is wrong with contract files: data first, text second.

mod render;
mod rules;

pub use render::{json, render};
pub use rules::{RULES, Rule, Severity, rule};

use crate::syntax::Span;

/// The most errors of one run, and the most warnings. What comes after is counted, not kept.
pub const REPORTS_MAX: usize = 100;

/// A file that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Its name for people.
    pub name: String,
    /// What is in it.
    pub text: String,
}

/// A place in one of the sources.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// The index of the source.
    pub source: usize,
    /// The bytes.
    pub span: Span,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The rule that is broken.
    pub rule: &'static Rule,
    /// Where; nothing when it is about no place in a file.
    pub place: Option<Place>,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub fix: String,
    /// Another place that it is about, and why.
    pub related: Option<(Place, String)>,
}

/// Everything that was found, and the sources that it is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reports {
    /// The sources.
    pub sources: Vec<Source>,
    /// In the order of finding.
    pub list: Vec<Report>,
    /// How many more there were than [`REPORTS_MAX`] of a kind.
    pub dropped: usize,
}

impl Reports {
    /// Adds a report about a place.
    pub(crate) fn add(&mut self, id: &str, place: Place, message: impl Into<String>) {
        self.push(Report {
            rule: rule(id),
            place: Some(place),
            message: message.into(),
            fix: rule(id).fix.to_owned(),
            related: None,
        });
    }

    /// Adds a report with what to do about it.
    pub(crate) fn add_with_fix(
        &mut self,
        id: &str,
        place: Place,
        message: impl Into<String>,
        fix: impl Into<String>,
    ) {
        self.push(Report {
            rule: rule(id),
            place: Some(place),
            message: message.into(),
            fix: fix.into(),
            related: None,
        });
    }

    /// Adds a report that two places are part of.
    pub(crate) fn add_pair(
        &mut self,
        id: &str,
        place: Place,
        message: impl Into<String>,
        other: (Place, &str),
    ) {
        self.push(Report {
            rule: rule(id),
            place: Some(place),
            message: message.into(),
            fix: rule(id).fix.to_owned(),
            related: Some((other.0, other.1.to_owned())),
        });
    }

    /// Adds a report about no place in a file.
    pub(crate) fn add_nowhere(&mut self, id: &str, message: impl Into<String>) {
        self.push(Report {
            rule: rule(id),
            place: None,
            message: message.into(),
            fix: rule(id).fix.to_owned(),
            related: None,
        });
    }

    fn push(&mut self, report: Report) {
        // The same thing found on two ways is one thing.
        if self.list.contains(&report) {
            return;
        }
        match self.count(report.rule.severity) < REPORTS_MAX {
            true => self.list.push(report),
            false => self.dropped += 1,
        }
    }

    fn count(&self, severity: Severity) -> usize {
        self.list.iter().filter(|known| known.rule.severity == severity).count()
    }

    /// True when no further error would be kept.
    pub(crate) fn is_full(&self) -> bool {
        self.count(Severity::Error) >= REPORTS_MAX
    }

    /// True when something is wrong enough that there is no contract.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.list.iter().any(|report| report.rule.severity == Severity::Error)
    }

    /// The ids of the rules that are broken, for tests and tools.
    #[must_use]
    pub fn ids(&self) -> Vec<&'static str> {
        self.list.iter().map(|report| report.rule.id).collect()
    }
}
