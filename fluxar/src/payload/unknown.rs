//! Variants that this side does not know, kept to be passed on.

use super::mismatch::Mismatch;
use super::write::Writer;
use super::{Decode, Encode, Reader, Table, Value};
use std::fmt;

/// A variant of an open enum or union that this side's contract does not have: a newer peer's.
/// It is written back as it came.
///
/// Stands in a variant marked `#[fluxar(unknown)]`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Unknown {
    pub(super) key: UnknownKey,
    pub(super) content: Option<Vec<u8>>,
}

/// The key of an unknown variant, in the form in which it came.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UnknownKey {
    /// Its number.
    Number(u64),
    /// Its name.
    Name(String),
}

impl fmt::Display for UnknownKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Name(name) => name.fmt(f),
        }
    }
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown variant `{}`", self.key)
    }
}

impl Unknown {
    /// A variant without content.
    #[must_use]
    pub fn bare(key: UnknownKey) -> Self {
        Self { key, content: None }
    }

    /// A variant of this name, without content.
    #[must_use]
    pub fn named(name: impl Into<String>) -> Self {
        Self::bare(UnknownKey::Name(name.into()))
    }

    /// The key.
    #[must_use]
    pub fn key(&self) -> &UnknownKey {
        &self.key
    }

    /// The content, if it has any.
    ///
    /// # Errors
    /// A map in it has a key twice.
    pub fn content(&self) -> Result<Option<Value>, Mismatch> {
        let read = |bytes: &Vec<u8>| Value::decode(&mut Reader::new(bytes, false));
        self.content.as_ref().map(read).transpose()
    }
}

impl Decode for Unknown {
    fn decode(from: &mut Reader<'_>) -> Result<Self, Mismatch> {
        const NONE: Table = Table { name: "Unknown", names: &[], ids: &[], keys: &[], was: &[] };
        let picked = from.pick(&NONE)?;
        let unknown = from.unknown(&picked)?;
        from.close(picked, &NONE)?;
        Ok(unknown)
    }
}

impl Encode for Unknown {
    fn encode(&self, to: &mut Writer) -> Result<(), Mismatch> {
        if self.content.is_some() {
            to.map(1);
        }
        match &self.key {
            UnknownKey::Number(number) => to.uint(*number),
            UnknownKey::Name(name) => to.text(name),
        }
        if let Some(content) = &self.content {
            to.raw(content);
        }
        Ok(())
    }
}
