//! The options of sealed sessions, of both sides.

use crate::failure::Failure;
use crate::{hex, secret};
use fluxar::{FingerprintError, KeyError, Psk, Seal, SealKey, SealPublicKey, Server};
use std::path::{Path, PathBuf};

/// Whom a dialer takes for the other end of a sealed session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Acceptor {
    /// Whoever answers.
    Any,
    /// Who has this key.
    Pinned(SealPublicKey),
}

impl std::str::FromStr for Acceptor {
    type Err = FingerprintError;

    fn from_str(text: &str) -> Result<Self, FingerprintError> {
        if text == "any" { Ok(Self::Any) } else { text.parse().map(Self::Pinned) }
    }
}

impl std::fmt::Display for Acceptor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Any => f.write_str("any"),
            Self::Pinned(key) => key.fmt(f),
        }
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
    /// Take only sealed sessions, of callers who have this secret, too (fluxar key new --psk)
    #[arg(long, value_name = "FILE")]
    seal_psk: Option<PathBuf>,
}

impl ListenSeal {
    /// Whether anything was.
    pub(crate) fn is_given(&self) -> bool {
        self.seal || self.seal_key.is_some() || self.seal_psk.is_some()
    }

    /// What was asked for.
    ///
    /// # Errors
    /// The key file is of no use.
    pub(crate) fn seal(&self) -> Result<Option<Seal>, Failure> {
        let key = match &self.seal_key {
            Some(path) => SealKey::load(path),
            None if self.is_given() => SealKey::generate(),
            None => return Ok(None),
        };
        let seal = Seal::require(key.map_err(|error| told(&error))?);
        with_psk(seal, self.seal_psk.as_deref()).map(Some)
    }
}

/// The seal with the secret of this file, if there is one.
///
/// # Errors
/// The file is no secret.
pub(crate) fn with_psk(seal: Seal, file: Option<&Path>) -> Result<Seal, Failure> {
    let Some(path) = file else { return Ok(seal) };
    let next = "name a file made by `fluxar key new --psk`";
    let text = secret::read_private_line(path).map_err(|cause| Failure::local(cause, next))?;
    let bytes = hex::decode(&text).and_then(|bytes| bytes.try_into().ok()).ok_or_else(|| {
        let cause = format_args!("`{}` holds no 32 bytes in hexadecimal", path.display());
        Failure::local(cause, next)
    })?;
    Ok(seal.psk(Psk::from_bytes(&bytes)))
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
