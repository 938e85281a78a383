//! Keys as credentials: a dialer signs both HELLOs of this very link.
//!
//! What is signed holds the nonces of both sides, their instances, the session's name and all
//! that was offered and chosen, and, on a link that is encrypted, a secret of that link. So a
//! signature is worth nothing in another handshake, in the other direction, or on a link that
//! somebody in the middle has made.

use crate::engine::wire::cbor;
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};
use std::fmt;

/// What is signed begins with this, so that no other use of the key can be taken for it.
const CONTEXT: &str = "fluxar/1 challenge";
const NONCE_CONTEXT: &[u8] = b"fluxar/1 nonce";

/// An Ed25519 public key.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PublicKey([u8; 32]);

impl PublicKey {
    /// Takes the 32 bytes of a key; whether they are one shows when a signature is checked.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Whether this key signed. Keys and signatures of weak forms are refused.
    #[must_use]
    pub fn verifies(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        let key = VerifyingKey::from_bytes(&self.0);
        key.is_ok_and(|key| key.verify_strict(message, &Signature::from_bytes(signature)).is_ok())
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

impl std::str::FromStr for PublicKey {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        hex(text).map(Self).ok_or("a public key is 64 hexadecimal digits")
    }
}

/// 32 bytes of hexadecimal digits.
fn hex(text: &str) -> Option<[u8; 32]> {
    let digits: Vec<u8> =
        text.chars().map(|c| c.to_digit(16).map(|d| d as u8)).collect::<Option<_>>()?;
    let (pairs, []) = digits.as_chunks::<2>() else { return None };
    let bytes: Vec<u8> = pairs.iter().map(|[high, low]| high * 16 + low).collect();
    bytes.try_into().ok()
}

/// An Ed25519 key of ours. Never printed, and wiped when it is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct IdentityKey(SigningKey);

impl IdentityKey {
    /// A key of 32 secret random bytes.
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// A key of 64 hexadecimal digits, as key files hold them.
    ///
    /// # Errors
    /// The text is something else; it is not repeated.
    pub fn from_hex(text: &str) -> Result<Self, &'static str> {
        let seed = hex(text.trim()).ok_or("a key file holds 64 hexadecimal digits, and no more")?;
        Ok(Self::from_seed(&seed))
    }

    /// What others know it by.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key().to_bytes())
    }

    pub(crate) fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
}

impl fmt::Debug for IdentityKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IdentityKey({}, redacted)", self.public())
    }
}

/// What makes a handshake on one link unlike any other.
#[derive(Clone, Copy)]
pub struct LinkBinding {
    /// Random, drawn for this link, and told to nobody: nonces are made of it.
    pub seed: [u8; 32],
    /// The secret of the link's own handshake, when it had one.
    pub channel: Option<[u8; 32]>,
}

impl fmt::Debug for LinkBinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LinkBinding")
            .field("channel", &self.channel.is_some())
            .finish_non_exhaustive()
    }
}

/// What has been said in the present handshake, as far as a signature needs it.
#[derive(Debug, Default)]
pub(crate) struct Transcript {
    pub(crate) binding: Option<LinkBinding>,
    nonces: u64,
    /// Ours of the present handshake.
    pub(crate) nonce: Option<[u8; 32]>,
    offer: [u8; 32],
    answer: [u8; 32],
    /// The key that the dialer has to prove, as the acceptor sees it.
    pub(crate) key: Option<PublicKey>,
}

impl Transcript {
    /// A nonce that nobody can foresee; none on a link that was not bound.
    pub(crate) fn draw(&mut self) -> Option<[u8; 32]> {
        let binding = self.binding.as_ref()?;
        self.nonces += 1;
        let hash = Sha256::new().chain_update(NONCE_CONTEXT).chain_update(binding.seed);
        self.nonce = Some(hash.chain_update(self.nonces.to_be_bytes()).finalize().into());
        self.nonce
    }

    pub(crate) fn offered(&mut self, body: &[u8]) {
        self.offer = Sha256::digest(body).into();
    }

    pub(crate) fn answered(&mut self, body: &[u8]) {
        self.answer = Sha256::digest(body).into();
    }

    /// `["fluxar/1 challenge", SHA-256 of the offer, SHA-256 of the answer, channel or null]`. A
    /// seal that is in force is a channel of its own.
    pub(crate) fn to_sign(&self, seal: Option<[u8; 32]>) -> Vec<u8> {
        let mut out = Vec::with_capacity(128);
        cbor::put_head(&mut out, cbor::ARRAY, 4);
        cbor::put_text(&mut out, CONTEXT);
        cbor::put_bytes(&mut out, &self.offer);
        cbor::put_bytes(&mut out, &self.answer);
        match seal.or_else(|| self.binding?.channel) {
            Some(channel) => cbor::put_bytes(&mut out, &channel),
            None => out.push(cbor::NULL),
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_shown() {
        let key = IdentityKey::from_seed(&[0x5a; 32]);
        let binding = LinkBinding { seed: [0x5a; 32], channel: Some([0x5b; 32]) };
        for text in [format!("{key:?}"), format!("{binding:?}")] {
            assert!(
                !text.contains("5a5a") && !text.contains("90, 90") && !text.contains("91"),
                "{text}"
            );
        }
    }

    #[test]
    fn keys_read_back() {
        let key = IdentityKey::from_hex(&"0b".repeat(32)).unwrap();
        assert_eq!(key.public().to_string().parse(), Ok(key.public()));
        for wrong in ["", "0b", &"0b".repeat(33), &"zz".repeat(32)] {
            assert!(IdentityKey::from_hex(wrong).is_err());
        }
    }

    /// What is not a point of the curve, or one of small order, signs nothing.
    #[test]
    fn weak_keys_verify_nothing() {
        for key in [[0; 32], [0xff; 32], IdentityKey::from_seed(&[1; 32]).public().0] {
            assert!(!PublicKey::new(key).verifies(b"message", &[0; 64]));
        }
    }
}
