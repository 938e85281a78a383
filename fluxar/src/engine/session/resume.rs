//! How a session goes on over another link, and how each side proves that the session is its own.
//!
//! ```text
//! dialer                                       acceptor
//!   HELLO {.., 33: {nonce, public}}        ──▶            a new session: both derive a secret
//!   ◀── HELLO ref {.., 33: {nonce, public}}
//!
//!   HELLO {.., 33: {nonce, claim}}         ──▶            another link of it
//!   ◀── HELLO ref {.., 33: {nonce, claim, mac}}
//!   HELLO ref {0: mac}                     ──▶            fenced, then both send again
//! ```
//!
//! The secret never travels. It comes out of an X25519 exchange in the HELLOs, and of what the
//! link itself exports to its two ends where both have that. So whoever only listens cannot take
//! over a session; whoever sat in the middle of a plain link when the session was made can.

use crate::engine::session::auth::Credential;
use crate::engine::session::handshake::{each_key, number, sized_bytes};
use crate::engine::violation::Violation;
use crate::engine::wire::cbor::{self, Reader};
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fmt;
use x25519_dalek::{PublicKey, StaticSecret};

/// What the driver knows about a link that the engine cannot know.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct LinkFacts {
    /// 32 random bytes, fresh for this link. Without them nothing is resumed.
    pub random: Option<[u8; 32]>,
    /// A secret that only the two ends of this link can know: a TLS exporter's value, or Noise's.
    /// It goes into the session's secret and binds a resume to its link, when both ends have it.
    pub binding: Option<[u8; 32]>,
    /// Another 32 random bytes, fresh for this link. Without them nothing is sealed.
    pub seal_random: Option<[u8; 32]>,
}

impl LinkFacts {
    /// A link with randomness, so that its session can be resumed.
    #[must_use]
    pub fn random(random: [u8; 32]) -> Self {
        Self { random: Some(random), ..Self::default() }
    }

    /// Adds randomness for a seal.
    #[must_use]
    pub fn sealing(mut self, random: [u8; 32]) -> Self {
        self.seal_random = Some(random);
        self
    }

    /// Adds what the link exports to its ends.
    #[must_use]
    pub fn binding(mut self, binding: [u8; 32]) -> Self {
        self.binding = Some(binding);
        self
    }
}

impl fmt::Debug for LinkFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LinkFacts")
            .field("is_bound", &self.binding.is_some())
            .finish_non_exhaustive()
    }
}

/// Where one side stands in a session that it wants to go on with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Claim {
    /// The session.
    pub session: [u8; 16],
    /// Links that took it over so far; in an answer, with this one.
    pub epoch: u64,
    /// The next message that this side expects.
    pub rx_next: u64,
    /// The oldest message that this side can send again.
    pub tx_oldest: u64,
}

/// What a HELLO says about resuming: its key 33.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ResumeHello {
    /// Fresh for this link.
    pub nonce: [u8; 32],
    /// The X25519 key of a session to be made.
    pub public: Option<[u8; 32]>,
    /// The link exports a secret to this end.
    pub is_bound: bool,
    /// Where this side stands, when the session was made before.
    pub claim: Option<Claim>,
    /// The proof, in an answer that resumes.
    pub mac: Option<[u8; 32]>,
}

impl ResumeHello {
    pub(crate) fn put(&self, out: &mut Vec<u8>) {
        let entries = 2
            + u64::from(self.public.is_some())
            + 4 * u64::from(self.claim.is_some())
            + u64::from(self.mac.is_some());
        cbor::put_head(out, cbor::MAP, entries);
        cbor::put_uint(out, 0);
        cbor::put_bytes(out, &self.nonce);
        if let Some(public) = &self.public {
            cbor::put_uint(out, 1);
            cbor::put_bytes(out, public);
        }
        cbor::put_uint(out, 2);
        cbor::put_bool(out, self.is_bound);
        if let Some(claim) = &self.claim {
            cbor::put_uint(out, 3);
            cbor::put_bytes(out, &claim.session);
            for (key, number) in [(4, claim.epoch), (5, claim.rx_next), (6, claim.tx_oldest)] {
                cbor::put_uint(out, key);
                cbor::put_uint(out, number);
            }
        }
        if let Some(mac) = &self.mac {
            cbor::put_uint(out, 7);
            cbor::put_bytes(out, mac);
        }
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, Violation> {
        let (mut nonce, mut public, mut is_bound, mut mac) = (None, None, None, None);
        let (mut session, mut epoch, mut rx_next, mut tx_oldest) = (None, None, None, None);
        each_key(reader, |key, reader| {
            match key {
                0 => nonce = Some(sized_bytes(reader)?),
                1 => public = Some(sized_bytes(reader)?),
                2 => is_bound = Some(reader.bool()?),
                3 => session = Some(sized_bytes(reader)?),
                4 => epoch = Some(number(reader)?),
                5 => rx_next = Some(number(reader)?),
                6 => tx_oldest = Some(number(reader)?),
                7 => mac = Some(sized_bytes(reader)?),
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        let claim = match (session, epoch, rx_next, tx_oldest) {
            (None, None, None, None) => None,
            (Some(session), Some(epoch), Some(rx_next), Some(tx_oldest)) => {
                Some(Claim { session, epoch, rx_next, tx_oldest })
            }
            _ => return Err(Violation::HelloResume),
        };
        match (nonce, is_bound) {
            (Some(nonce), Some(is_bound)) if public.is_some() != claim.is_some() => {
                Ok(Self { nonce, public, is_bound, claim, mac })
            }
            _ => Err(Violation::HelloResume),
        }
    }
}

/// The payload of a confirmation that resumes: `{0: mac}`.
pub(crate) fn encode_proof(mac: &[u8; 32]) -> Vec<u8> {
    let mut out = Vec::with_capacity(40);
    cbor::put_head(&mut out, cbor::MAP, 1);
    cbor::put_uint(&mut out, 0);
    cbor::put_bytes(&mut out, mac);
    out
}

pub(crate) fn decode_proof(bytes: &[u8]) -> Result<[u8; 32], Violation> {
    let mut reader = Reader::new(bytes);
    let mut mac = None;
    let read = each_key(&mut reader, |key, reader| {
        if key == 0 {
            mac = Some(sized_bytes(reader)?);
        }
        Ok(key == 0)
    });
    read.and_then(|()| reader.finish()).map_err(|_| Violation::ResumeProof)?;
    mac.ok_or(Violation::ResumeProof)
}

/// What one side draws for one link.
pub(crate) struct Ephemeral {
    nonce: [u8; 32],
    secret: StaticSecret,
}

impl fmt::Debug for Ephemeral {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ephemeral")
    }
}

impl Ephemeral {
    pub(crate) fn new(random: &[u8; 32]) -> Self {
        let nonce = expand(None, random, b"fluxar/1 nonce");
        Self { nonce, secret: StaticSecret::from(expand(None, random, b"fluxar/1 x25519")) }
    }

    /// What a HELLO of a session to be made says.
    pub(crate) fn hello(&self, is_bound: bool) -> ResumeHello {
        let public = Some(PublicKey::from(&self.secret).to_bytes());
        ResumeHello { nonce: self.nonce, public, is_bound, claim: None, mac: None }
    }

    /// What a HELLO of a session that goes on says: its secret was agreed on before.
    pub(crate) fn claiming(&self, is_bound: bool, claim: Claim) -> ResumeHello {
        ResumeHello { nonce: self.nonce, public: None, is_bound, claim: Some(claim), mac: None }
    }

    /// The session's secret. `None` when the peer's key makes it one that anybody knows.
    pub(crate) fn agree(
        &self,
        session: &[u8; 16],
        hellos: [&ResumeHello; 2],
        theirs: &ResumeHello,
        binding: Option<&[u8; 32]>,
    ) -> Option<Secret> {
        let shared = self.secret.diffie_hellman(&PublicKey::from(theirs.public?));
        if !shared.was_contributory() {
            return None;
        }
        let mut info = b"fluxar/1 resume".to_vec();
        info.extend_from_slice(session);
        for hello in hellos {
            info.extend_from_slice(&hello.nonce);
            info.extend_from_slice(&hello.public?);
        }
        let both = hellos.iter().all(|hello| hello.is_bound);
        let salt = binding.filter(|_| both).map(|binding| &binding[..]);
        Some(Secret(expand(salt, shared.as_bytes(), &info)))
    }
}

fn expand(salt: Option<&[u8]>, secret: &[u8; 32], info: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    Hkdf::<Sha256>::new(salt, secret).expand(info, &mut out).expect("32 bytes are one block");
    out
}

/// What both sides of a session know and never send.
#[derive(Clone)]
pub(crate) struct Secret([u8; 32]);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// Both HELLOs of a resume, and what binds them to their link.
#[derive(Debug)]
pub(crate) struct Transcript<'a> {
    pub(crate) offer: &'a ResumeHello,
    pub(crate) answer: &'a ResumeHello,
    pub(crate) binding: Option<&'a [u8; 32]>,
}

impl Transcript<'_> {
    fn hmac(&self, secret: &Secret, who: &[u8]) -> Hmac<Sha256> {
        let mut text = Vec::with_capacity(320);
        cbor::put_head(&mut text, cbor::ARRAY, 5);
        cbor::put_text(&mut text, "fluxar/1 proof");
        cbor::put_bytes(&mut text, who);
        self.offer.put(&mut text);
        ResumeHello { mac: None, ..*self.answer }.put(&mut text);
        let both = self.offer.is_bound && self.answer.is_bound;
        cbor::put_bytes(&mut text, self.binding.filter(|_| both).map_or(&[], |binding| binding));
        let mut hmac = Hmac::<Sha256>::new_from_slice(&secret.0).expect("any length is a key");
        hmac.update(&text);
        hmac
    }

    pub(crate) fn prove(&self, secret: &Secret, who: &[u8]) -> [u8; 32] {
        self.hmac(secret, who).finalize().into_bytes().into()
    }

    /// In constant time.
    pub(crate) fn is_proof(&self, secret: &Secret, who: &[u8], mac: &[u8; 32]) -> bool {
        self.hmac(secret, who).verify_slice(mac).is_ok()
    }
}

/// Whose proof it is.
pub(crate) const DIALER: &[u8] = b"dialer";
/// See [`DIALER`].
pub(crate) const ACCEPTOR: &[u8] = b"acceptor";

/// What an acceptor needs of a session, to give it back to its dialer over a new link.
#[derive(Clone, Debug)]
pub struct Ticket {
    pub(crate) secret: Secret,
    pub(crate) claim: Claim,
    pub(crate) tx_next: u64,
}

/// A link whose dialer has proved that a session is its own.
#[derive(Clone, Debug)]
pub struct Attachment {
    /// Where the dialer stands.
    pub(crate) theirs: Claim,
    /// Where it was told that we stand.
    pub(crate) ours: Claim,
    pub(crate) credential: Option<Credential>,
}

impl Attachment {
    /// The session.
    #[must_use]
    pub fn session(&self) -> [u8; 16] {
        self.ours.session
    }

    /// What the dialer has presented behind a seal, where
    /// [`Event::Resume`](crate::engine::event::Event::Resume) could not have it yet: to be checked
    /// before the session is attached.
    #[must_use]
    pub fn credential(&self) -> Option<&Credential> {
        self.credential.as_ref()
    }
}
