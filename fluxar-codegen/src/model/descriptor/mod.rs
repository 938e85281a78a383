//! The canonical descriptor: a contract as one deterministic CBOR item, the same bytes for the same
//! contract in every language, and its hash. Spec: `fluxar/docs/spec/contract.md`.
//!
//! A descriptor comes from the network when a running server describes itself, so reading one
//! refuses what it does not know, is bounded, and never panics.

mod entries;
mod item;
mod read;
mod write;

use crate::model::{Contract, Package};
use std::fmt;

pub use item::BYTES_MAX;

/// Why bytes are no descriptor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DescriptorError {
    /// Where, as keys and indices from the outside in.
    place: String,
    what: &'static str,
}

impl DescriptorError {
    fn new(what: &'static str) -> Self {
        Self { place: String::new(), what }
    }

    /// The same error, within `place`.
    fn within(mut self, place: impl fmt::Display) -> Self {
        self.place = format!("/{place}{}", self.place);
        self
    }
}

impl fmt::Display for DescriptorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = if self.place.is_empty() { "/" } else { &self.place };
        write!(f, "[IDL.desc.1] no descriptor of version 1: {} at {place}", self.what)
    }
}

impl std::error::Error for DescriptorError {}

impl Package<Contract> {
    /// The canonical descriptor, documentation included.
    #[must_use]
    pub fn descriptor(&self) -> Vec<u8> {
        write::package(self).encode()
    }

    /// The descriptor without documentation.
    pub(crate) fn bare_descriptor(&self) -> Vec<u8> {
        write::package(self).without_docs().encode()
    }

    /// The SHA-256 of the descriptor without documentation: equal contracts have equal hashes,
    /// whatever language says them.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        hmac_sha256::Hash::hash(&self.bare_descriptor())
    }

    /// Reads a descriptor.
    ///
    /// # Errors
    /// The bytes are not what [`Package::descriptor`] writes.
    pub fn from_descriptor(bytes: &[u8]) -> Result<Self, DescriptorError> {
        read::package(item::Item::decode(bytes)?)
    }
}

/// The descriptors of single items, as they stand within that of their package.
pub(crate) mod part {
    use super::write;
    use crate::model::{Contract, ContractDef, Package, Service, Topic, TypeDef};

    /// What a package says beside its items.
    #[derive(Debug)]
    pub(crate) struct Head {
        pub(crate) declared: Option<Vec<u8>>,
        pub(crate) annotations: Option<Vec<u8>>,
        pub(crate) docs: Option<Vec<u8>>,
    }

    pub(crate) fn head(package: &Package<Contract>) -> Head {
        let [declared, annotations, docs] =
            write::head(package).map(|item| item.map(|item| item.encode()));
        Head { declared, annotations, docs }
    }

    pub(crate) fn type_def(def: &TypeDef<Contract>) -> Vec<u8> {
        write::type_def(def).encode()
    }

    pub(crate) fn service(service: &Service<Contract>) -> Vec<u8> {
        write::service(service).encode()
    }

    pub(crate) fn topic(topic: &Topic<Contract>) -> Vec<u8> {
        write::topic(topic).encode()
    }

    pub(crate) fn contract(contract: &ContractDef) -> Vec<u8> {
        write::contract(contract).encode()
    }
}

#[cfg(test)]
mod tests;
