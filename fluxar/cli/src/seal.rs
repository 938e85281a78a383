//! The options of sealed sessions, of both sides.

use crate::failure::Failure;
use fluxar::{KeyError, Seal, SealKey, SealPublicKey, Server};
use std::path::PathBuf;

/// How a verb that connects seals.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct DialSeal {
    /// Encrypt from peer to peer, and take no peer but the one with this fingerprint (as #fp=... in
    /// the URL does); without one, whoever answers is taken
    #[arg(long, value_name = "FINGERPRINT", num_args = 0..=1, require_equals = true)]
    seal: Option<Option<SealPublicKey>>,
    /// The key that says who we are, made by fluxar key new; asks for a sealed session too
    #[arg(long, value_name = "FILE")]
    seal_key: Option<PathBuf>,
}

impl DialSeal {
    /// Asks for a sealed session even when nothing else does.
    pub(crate) fn asked(mut self) -> Self {
        self.seal.get_or_insert(None);
        self
    }

    /// What was asked for.
    ///
    /// # Errors
    /// The key file is of no use.
    pub(crate) fn seal(&self) -> Result<Option<Seal>, Failure> {
        if self.seal.is_none() && self.seal_key.is_none() {
            return Ok(None);
        }
        let mut seal = match &self.seal_key {
            Some(path) => Seal::require(SealKey::load(path).map_err(|error| told(&error))?),
            None => Seal::default(),
        };
        if let Some(pinned) = self.seal.flatten() {
            seal = seal.pin(pinned);
        }
        Ok(Some(seal))
    }
}

/// How a verb that listens seals.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct ListenSeal {
    /// Take only sealed sessions, with a key made for the occasion unless there is --seal-key
    #[arg(long)]
    seal: bool,
    /// Take only sealed sessions, with this key, made by fluxar key new
    #[arg(long, value_name = "FILE")]
    seal_key: Option<PathBuf>,
}

impl ListenSeal {
    /// What was asked for.
    ///
    /// # Errors
    /// The key file is of no use.
    pub(crate) fn seal(&self) -> Result<Option<Seal>, Failure> {
        let key = match &self.seal_key {
            Some(path) => SealKey::load(path),
            None if self.seal => SealKey::generate(),
            None => return Ok(None),
        };
        Ok(Some(Seal::require(key.map_err(|error| told(&error))?)))
    }
}

/// What pins a server in its addresses; nothing when it does not seal.
pub(crate) fn fragment(server: &Server) -> String {
    server.seal_key().map_or_else(String::new, |key| pinned("", &key))
}

/// Before the fingerprint in a URL.
const FRAGMENT: &str = "#fp=";

/// A URL without the fingerprint in it.
pub(crate) fn bare(url: &str) -> &str {
    url.split_once(FRAGMENT).map_or(url, |(bare, _)| bare)
}

/// The URL with this fingerprint in it.
pub(crate) fn pinned(url: &str, key: &SealPublicKey) -> String {
    format!("{}{FRAGMENT}{key}", bare(url))
}

/// What went wrong with a key.
pub(crate) fn told(error: &KeyError) -> Failure {
    let next = match error {
        KeyError::File { error, .. } if error.kind() == std::io::ErrorKind::AlreadyExists => {
            "choose another file: a key is never written over"
        }
        _ => "name a file made by `fluxar key new`",
    };
    Failure::local(error, next)
}
