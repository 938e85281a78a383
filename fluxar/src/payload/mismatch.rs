//! What does not fit, and where.

use crate::error::{Code, Status};
use std::fmt;

/// Why bytes are no value of a type, or why a value may not travel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch(Box<Inner>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Inner {
    what: String,
    /// From the inside out.
    path: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Name(String),
    Index(usize),
}

impl Mismatch {
    /// Says what does not fit.
    #[cold]
    #[must_use]
    pub fn new(what: impl fmt::Display) -> Self {
        Self(Box::new(Inner { what: what.to_string(), path: Vec::new() }))
    }

    /// Adds the field, variant or key that it happened in.
    #[cold]
    #[must_use]
    pub fn at(mut self, name: &str) -> Self {
        self.0.path.push(Step::Name(name.to_owned()));
        self
    }

    /// Adds the place in a list that it happened in.
    #[cold]
    #[must_use]
    pub fn at_index(mut self, index: usize) -> Self {
        self.0.path.push(Step::Index(index));
        self
    }

    /// Where it happened, `rows[3].email`; empty when it is the whole value.
    #[must_use]
    pub fn path(&self) -> String {
        let mut path = String::new();
        for step in self.0.path.iter().rev() {
            match step {
                Step::Name(name) if path.is_empty() => path.push_str(name),
                Step::Name(name) => path.extend([".", name.as_str()]),
                Step::Index(index) => path += &format!("[{index}]"),
            }
        }
        path
    }

    /// What does not fit, without the place.
    #[must_use]
    pub fn what(&self) -> &str {
        &self.0.what
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.path.is_empty() {
            true => f.write_str(&self.0.what),
            false => write!(f, "at `{}`: {}", self.path(), self.0.what),
        }
    }
}

impl std::error::Error for Mismatch {}

impl serde::de::Error for Mismatch {
    fn custom<T: fmt::Display>(what: T) -> Self {
        Self::new(what)
    }
}

impl serde::ser::Error for Mismatch {
    fn custom<T: fmt::Display>(what: T) -> Self {
        Self::new(what)
    }
}

impl From<Mismatch> for Status {
    fn from(mismatch: Mismatch) -> Self {
        let what = match mismatch.0.path.is_empty() {
            true => format!("payload: {}", mismatch.0.what),
            false => format!("payload, {mismatch}"),
        };
        Self::new(Code::InvalidArgument, what)
    }
}
