//! `HandshakeState`: messages with keys in them, until both sides share what nobody else has.

use super::SealError;
use super::cipher::CipherState;
use super::pattern::{Pattern, Token};
use super::primitives::{Cipher, KEY_BYTES, Secret, TAG_BYTES, dh, hash, hmac, public_of};
use super::symmetric::SymmetricState;
use zeroize::Zeroizing;

/// Bytes of a Noise message, at most.
pub const MESSAGE_BYTES_MAX: usize = 65_535;

/// A key pair.
pub(crate) struct KeyPair {
    secret: Secret,
    pub(crate) public: [u8; KEY_BYTES],
}

impl KeyPair {
    pub(crate) fn new(secret: &[u8; KEY_BYTES]) -> Self {
        Self { secret: Zeroizing::new(*secret), public: public_of(secret) }
    }
}

/// What a handshake begins with. The randomness is handed in: an ephemeral secret must be new for
/// every handshake.
#[expect(clippy::exhaustive_structs, reason = "made by callers")]
pub struct Setup<'a> {
    /// Who sends what.
    pub pattern: Pattern,
    /// The AEAD.
    pub cipher: Cipher,
    /// Whether this side sends the first message.
    pub initiator: bool,
    /// What both sides must have seen alike.
    pub prologue: &'a [u8],
    /// Our static secret, where the pattern has one.
    pub static_secret: Option<&'a [u8; KEY_BYTES]>,
    /// Our ephemeral secret.
    pub ephemeral_secret: &'a [u8; KEY_BYTES],
    /// The responder's static key, where the pattern knows it before.
    pub remote_static: Option<[u8; KEY_BYTES]>,
    /// The place and value of a pre-shared key.
    pub psk: Option<(u8, &'a [u8; KEY_BYTES])>,
}

impl std::fmt::Debug for Setup<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Setup({}, redacted)", self.protocol_name())
    }
}

impl Setup<'_> {
    fn protocol_name(&self) -> String {
        let psk = self.psk.map_or_else(String::new, |(place, _)| format!("psk{place}"));
        let (pattern, cipher) = (self.pattern.name(), self.cipher.name());
        format!("Noise_{pattern}{psk}_25519_{cipher}_SHA256")
    }
}

/// Noise's `HandshakeState`. After an error it is dead.
pub struct Handshake {
    symmetric: SymmetricState,
    pattern: Pattern,
    initiator: bool,
    /// The message that is due; at the end there is none.
    next: usize,
    s: Option<KeyPair>,
    e: KeyPair,
    rs: Option<[u8; KEY_BYTES]>,
    re: Option<[u8; KEY_BYTES]>,
    psk: Option<(u8, Secret)>,
}

/// A handshake that is dead is due to send or take this.
const DEAD: usize = usize::MAX;

impl Handshake {
    /// `Initialize`.
    ///
    /// # Errors
    /// `Key` when the pattern needs a key that is not there.
    pub fn new(setup: &Setup<'_>) -> Result<Self, SealError> {
        let Setup { pattern, initiator, .. } = *setup;
        let mut symmetric = SymmetricState::new(setup.cipher, &setup.protocol_name());
        symmetric.mix_hash(setup.prologue);
        let s = setup.static_secret.map(KeyPair::new);
        let needs_static = pattern.is_mutual() || !initiator;
        let knows_remote = pattern.is_pinned() && initiator;
        if needs_static && s.is_none() || knows_remote && setup.remote_static.is_none() {
            return Err(SealError::Key);
        }
        if pattern.is_pinned() {
            let known = if initiator { setup.remote_static } else { s.as_ref().map(|s| s.public) };
            symmetric.mix_hash(&known.unwrap_or_default());
        }
        Ok(Self {
            symmetric,
            pattern,
            initiator,
            next: 0,
            s,
            e: KeyPair::new(setup.ephemeral_secret),
            rs: setup.remote_static.filter(|_| knows_remote),
            re: None,
            psk: setup.psk.map(|(place, key)| (place, Zeroizing::new(*key))),
        })
    }

    /// `WriteMessage`, appended to `out`.
    ///
    /// # Errors
    /// `Order` when the other side is due, `Long` for a payload beyond what a message holds.
    pub fn write(&mut self, payload: &[u8], out: &mut Vec<u8>) -> Result<(), SealError> {
        let message = self.due(true)?;
        let from = out.len();
        for token in self.pattern.tokens(message, self.psk_place()) {
            match token {
                Token::E => {
                    out.extend_from_slice(&self.e.public);
                    let public = self.e.public;
                    self.mix_ephemeral(&public);
                }
                Token::S => {
                    let public = self.s.as_ref().ok_or(SealError::Key)?.public;
                    self.symmetric.encrypt_and_hash(&public, out)?;
                }
                other => self.mix(other)?,
            }
        }
        self.symmetric.encrypt_and_hash(payload, out)?;
        if out.len() - from > MESSAGE_BYTES_MAX {
            return Err(SealError::Long);
        }
        self.next = message + 1;
        Ok(())
    }

    /// `ReadMessage`; gives the payload.
    ///
    /// # Errors
    /// `Forged` and `Short` for what is no such message, `WeakKey` for a key of low order, `Order`
    /// when this side is due.
    pub fn read(&mut self, message: &[u8]) -> Result<Vec<u8>, SealError> {
        let number = self.due(false)?;
        if message.len() > MESSAGE_BYTES_MAX {
            return Err(SealError::Long);
        }
        let mut rest = message;
        for token in self.pattern.tokens(number, self.psk_place()) {
            match token {
                Token::E => {
                    let public = *take(&mut rest, KEY_BYTES)?.first_chunk().expect("as asked for");
                    self.re = Some(public);
                    self.mix_ephemeral(&public);
                }
                Token::S => {
                    let tag = if self.symmetric.has_key() { TAG_BYTES } else { 0 };
                    let text = take(&mut rest, KEY_BYTES + tag)?;
                    let plain = self.symmetric.decrypt_and_hash(text)?;
                    self.rs = Some(*plain.first_chunk().expect("as long as was taken"));
                }
                other => self.mix(other)?,
            }
        }
        let payload = self.symmetric.decrypt_and_hash(rest)?;
        self.next = number + 1;
        Ok(payload)
    }

    /// Whether every message is through.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.next == self.pattern.messages().len()
    }

    /// The other side's static key, once it is known.
    #[must_use]
    pub fn remote_static(&self) -> Option<[u8; KEY_BYTES]> {
        self.rs
    }

    /// The other side's ephemeral key, once it is known.
    #[must_use]
    pub fn remote_ephemeral(&self) -> Option<[u8; KEY_BYTES]> {
        self.re
    }

    /// Our ephemeral key.
    #[must_use]
    pub fn ephemeral(&self) -> [u8; KEY_BYTES] {
        self.e.public
    }

    /// `Split`.
    ///
    /// # Errors
    /// `Order` when messages are missing.
    pub fn split(self) -> Result<Keys, SealError> {
        if !self.is_finished() {
            return Err(SealError::Order);
        }
        let (first, second) = self.symmetric.split();
        let (send, receive) = if self.initiator { (first, second) } else { (second, first) };
        let hash = self.symmetric.handshake_hash();
        Ok(Keys { send, receive, hash, exporter: self.symmetric.exporter() })
    }

    /// The number of the due message, unless it is the other side's turn. Dead until it is through.
    fn due(&mut self, write: bool) -> Result<usize, SealError> {
        let number = std::mem::replace(&mut self.next, DEAD);
        let ours = number.is_multiple_of(2) == self.initiator;
        if number >= self.pattern.messages().len() || ours != write {
            return Err(SealError::Order);
        }
        Ok(number)
    }

    fn psk_place(&self) -> Option<u8> {
        self.psk.as_ref().map(|(place, _)| *place)
    }

    fn mix_ephemeral(&mut self, public: &[u8; KEY_BYTES]) {
        self.symmetric.mix_hash(public);
        if self.psk.is_some() {
            self.symmetric.mix_key(public);
        }
    }

    fn mix(&mut self, token: Token) -> Result<(), SealError> {
        if let (Token::Psk, Some((_, psk))) = (token, &self.psk) {
            self.symmetric.mix_key_and_hash(psk);
            return Ok(());
        }
        // The first letter is the initiator's key, the second the responder's.
        let (own_static, remote_static) = match (token, self.initiator) {
            (Token::Ee, _) => (false, false),
            (Token::Ss, _) => (true, true),
            (Token::Es, true) | (Token::Se, false) => (false, true),
            _ => (true, false),
        };
        let own = if own_static { self.s.as_ref().ok_or(SealError::Key)? } else { &self.e };
        let remote = if remote_static { self.rs } else { self.re };
        let shared = dh(&own.secret, &remote.ok_or(SealError::Key)?)?;
        self.symmetric.mix_key(&shared[..]);
        Ok(())
    }
}

impl std::fmt::Debug for Handshake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Handshake({}, redacted)", self.pattern.name())
    }
}

fn take<'a>(rest: &mut &'a [u8], len: usize) -> Result<&'a [u8], SealError> {
    let (front, behind) = rest.split_at_checked(len).ok_or(SealError::Short)?;
    *rest = behind;
    Ok(front)
}

/// What a finished handshake leaves.
pub struct Keys {
    /// Seals what we send.
    pub send: CipherState,
    /// Opens what we receive.
    pub receive: CipherState,
    /// The handshake's hash: the same on both sides, and only there; not secret.
    pub hash: [u8; KEY_BYTES],
    exporter: Secret,
}

impl Keys {
    /// A secret that only both sides know, another one for every label. For what needs one beside
    /// the session's own keys, such as proving on a later link that one was here.
    #[must_use]
    pub fn export(&self, label: &[u8]) -> Zeroizing<[u8; KEY_BYTES]> {
        hmac(&self.exporter, &[&hash(&[label]), &[1]])
    }
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys(redacted)")
    }
}
