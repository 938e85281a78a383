//! The user's entries of an event's meta, as they travel. Spec: `[L5.carry.1]`.

use crate::engine::message::meta::{USER_BYTES_MAX, USER_ENTRIES_MAX};
use crate::engine::wire::cbor::{self, Reader};
use crate::error::{Code, Status};
use std::fmt;
use std::sync::Arc;

/// Entries of meta that are the user's: texts by texts. Cheap to clone, and nothing where there are
/// none.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct UserMeta(Option<Arc<[u8]>>);

impl UserMeta {
    /// Takes entries as they stand behind each other in a meta map that was read.
    pub(crate) fn of_wire(entries: &[u8]) -> Self {
        Self((!entries.is_empty()).then(|| entries.into()))
    }

    /// The entries behind each other, in the order of the wire.
    pub(crate) fn wire(&self) -> &[u8] {
        self.0.as_deref().unwrap_or_default()
    }

    /// How many bytes they have on the wire.
    #[must_use]
    pub fn wire_len(&self) -> usize {
        self.wire().len()
    }

    /// The value of the entry with this key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.iter().find_map(|(other, value)| (other == key).then_some(value))
    }

    /// All of them, in the order of the wire: short keys first.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let mut reader = Reader::new(self.wire());
        std::iter::from_fn(move || Some((reader.text().ok()?, reader.text().ok()?)))
    }

    /// Adds an entry, in place of one with the same key.
    pub fn insert(&mut self, key: &str, value: &str) {
        let mut entries: Vec<(&str, &str)> =
            self.iter().filter(|(other, _)| *other != key).collect();
        entries.push((key, value));
        entries.sort_by_key(|(key, _)| (key.len(), *key));
        let mut out = Vec::new();
        for (key, value) in entries {
            cbor::put_text(&mut out, key);
            cbor::put_text(&mut out, value);
        }
        *self = Self::of_wire(&out);
    }

    /// Whether they leave room for the protocol's own keys.
    pub(crate) fn fits(&self) -> bool {
        self.wire_len() <= USER_BYTES_MAX && self.iter().count() as u64 <= USER_ENTRIES_MAX
    }

    /// As `fits`, for a publisher of ours.
    pub(crate) fn check(&self) -> Result<(), Status> {
        if self.fits() { Ok(()) } else { Err(user_status()) }
    }
}

/// Entries of the user's that do not fit.
pub(crate) fn user_status() -> Status {
    Status::new(Code::InvalidArgument, "meta takes at most 48 unique keys and 7 KiB")
}

impl fmt::Debug for UserMeta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}
