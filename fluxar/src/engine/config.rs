//! What an engine is made of: its side of the link, its limits, what it says of itself, and how
//! its messages travel.

use crate::config::Limits;
use crate::engine::session::auth::{Credential, Rights};
use crate::engine::session::handshake::PeerInfo;
use crate::engine::wire::compress::{Codec, THRESHOLD_BYTES};
use crate::engine::wire::seal::SealConfig;

/// Which side of the link an engine is. It decides the parity of ids and who speaks first, and
/// nothing after the handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a link has two ends")]
pub enum Role {
    /// Made the link: mints odd ids.
    Dialer,
    /// Took the link: mints even ids.
    Acceptor,
}

/// What an engine is made of.
#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// Its bounds.
    pub limits: Limits,
    /// Who it says it is.
    pub peer: PeerInfo,
    /// What it presents, as a dialer.
    pub credential: Credential,
    /// What the acceptor may do here, as a dialer.
    pub peer_rights: Rights,
    /// The session's name, as an acceptor.
    pub session: [u8; 16],
    /// What becomes of messages and frames between here and the link.
    pub wire: WireConfig,
}

/// Whether messages are compressed and frames sealed. Neither by default.
#[derive(Clone, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "made by drivers")]
pub struct WireConfig {
    /// How messages may be compressed.
    pub compression: Compression,
    /// How the link is sealed.
    pub seal: Option<SealConfig>,
}

/// How messages may be compressed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "made by drivers")]
pub struct Compression {
    /// What is offered and taken, the preferred first.
    pub codecs: Vec<Codec>,
    /// Messages below this are sent as they are.
    pub threshold_bytes: u32,
    /// Also where the link is sealed. The length of what is sealed tells how well it was
    /// compressed; lengths are padded then, which hides most of that, and not all.
    pub under_seal: bool,
}

impl Compression {
    /// By every codec of this build, the better ones first.
    #[must_use]
    pub fn any() -> Self {
        let codecs = Codec::ALL.into_iter().filter(|codec| codec.is_available()).collect();
        Self { codecs, ..Self::default() }
    }

    /// By one codec.
    #[must_use]
    pub fn only(codec: Codec) -> Self {
        Self { codecs: vec![codec], ..Self::default() }
    }

    /// Also where the link is sealed: see [`Compression::under_seal`].
    #[must_use]
    pub fn even_sealed(mut self) -> Self {
        self.under_seal = true;
        self
    }
}

impl Default for Compression {
    fn default() -> Self {
        Self { codecs: Vec::new(), threshold_bytes: THRESHOLD_BYTES, under_seal: false }
    }
}
