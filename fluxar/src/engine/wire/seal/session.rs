//! The handshake of Noise inside the three HELLOs, and the policy about keys.
//!
//! ```text
//! dialer                                               acceptor
//!   offer   {.., seals: [suite], 34: message 1}   ──▶       prologue: the offer
//!   ◀──  answer {.., seals: [suite], 34: message 2}         its payload: a hash of the answer
//!   confirm {34: message 3, or the first record}  ──▶       its payload: what the dialer presents
//!   ◀══  HELLO ref: welcome                                 from here on frames are sealed
//! ```

use super::handshake::{Handshake, Setup};
use super::key::{SealKey, SealPublicKey};
use super::primitives::{KEY_BYTES, Secret, hash};
use super::record::Records;
use super::suite::Suite;
use super::{Pattern, SealError};
use bytes::BytesMut;
use zeroize::Zeroizing;

/// Thirty-two bytes that both sides know already, from an invitation.
#[derive(Clone)]
pub struct Psk(Secret);

impl Psk {
    /// From 32 random bytes.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; KEY_BYTES]) -> Self {
        Self(Zeroizing::new(*bytes))
    }
}

impl std::fmt::Debug for Psk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Psk(redacted)")
    }
}

/// How one link is sealed. A dialer always requires what it asks for.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "made by drivers")]
pub struct SealConfig {
    /// What a dialer asks for.
    pub suite: Suite,
    /// Who we are; an acceptor has one, and a dialer unless its pattern is NK.
    pub key: Option<SealKey>,
    /// The only acceptor that a dialer takes.
    pub pinned: Option<SealPublicKey>,
    /// What both sides know beforehand; with one an acceptor takes no dialer without.
    pub psk: Option<Psk>,
    /// Whether an acceptor refuses links that are not sealed.
    pub required: bool,
}

/// The seal of one link.
#[derive(Debug)]
pub(crate) struct Seal {
    own: Option<SealPublicKey>,
    pinned: Option<SealPublicKey>,
    handshake: Option<Handshake>,
    records: Option<Records>,
    remote: Option<SealPublicKey>,
    suite: Suite,
}

/// What the first message is bound to: the offer, with zeros where the message stands.
fn prologue(id: u64, offer: &[u8]) -> Vec<u8> {
    [b"fluxar/1 seal".as_slice(), &id.to_be_bytes(), offer].concat()
}

/// What the payload of the second message says: the answer, with zeros where the message stands.
fn answer_hash(id: u64, answer: &[u8]) -> [u8; KEY_BYTES] {
    hash(&[b"fluxar/1 answer", &id.to_be_bytes(), answer])
}

impl Seal {
    fn new(
        config: &SealConfig,
        suite: Suite,
        initiator: bool,
        prologue: &[u8],
        ephemeral: Option<[u8; KEY_BYTES]>,
    ) -> Result<Self, SealError> {
        let ephemeral = Zeroizing::new(ephemeral.ok_or(SealError::Key)?);
        let psk = suite.psk_place().map(|place| {
            let psk = config.psk.as_ref().ok_or(SealError::Key)?;
            Ok((place, &*psk.0))
        });
        let handshake = Handshake::new(&Setup {
            pattern: suite.pattern,
            cipher: suite.cipher,
            initiator,
            prologue,
            static_secret: config.key.as_ref().map(SealKey::secret_bytes),
            ephemeral_secret: &ephemeral,
            remote_static: config.pinned.map(SealPublicKey::to_bytes),
            psk: psk.transpose()?,
        })?;
        Ok(Self {
            own: config.key.as_ref().map(SealKey::public),
            pinned: config.pinned.filter(|_| initiator),
            handshake: Some(handshake),
            records: None,
            remote: None,
            suite,
        })
    }

    /// A dialer's: gives the first message too.
    pub(crate) fn dial(
        config: &SealConfig,
        ephemeral: Option<[u8; KEY_BYTES]>,
        id: u64,
        offer: &[u8],
    ) -> Result<(Self, Vec<u8>), SealError> {
        let mut seal = Self::new(config, config.suite, true, &prologue(id, offer), ephemeral)?;
        let mut message = Vec::new();
        seal.handshake()?.write(&[], &mut message)?;
        Ok((seal, message))
    }

    /// An acceptor's, once there is an offer.
    pub(crate) fn accept(
        config: &SealConfig,
        ephemeral: Option<[u8; KEY_BYTES]>,
        number: u64,
        (id, offer): (u64, &[u8]),
        message: &[u8],
    ) -> Result<Self, SealError> {
        let suite = Suite::from_number(number).ok_or(SealError::Suite)?;
        if config.psk.is_some() != suite.has_psk {
            // An invitation that counts only when it is shown would be none.
            return Err(SealError::Key);
        }
        let mut seal = Self::new(config, suite, false, &prologue(id, offer), ephemeral)?;
        let payload = seal.handshake()?.read(message)?;
        // Whatever stood here could be replayed.
        if !payload.is_empty() {
            return Err(SealError::Long);
        }
        seal.check_remote()?;
        Ok(seal)
    }

    /// Bytes of the second message.
    pub(crate) fn answer_len(&self) -> usize {
        self.suite.message_len(1, KEY_BYTES)
    }

    /// The number of the suite.
    pub(crate) fn number(&self) -> u64 {
        self.suite.number()
    }

    /// The second message, bound to the answer that it stands in.
    pub(crate) fn answer(&mut self, id: u64, answer: &[u8]) -> Result<Vec<u8>, SealError> {
        let mut message = Vec::new();
        self.handshake()?.write(&answer_hash(id, answer), &mut message)?;
        Ok(message)
    }

    /// Takes the second message. Whoever sent it is who was pinned, and has sent this answer.
    pub(crate) fn take_answer(
        &mut self,
        id: u64,
        answer: &[u8],
        message: &[u8],
    ) -> Result<(), SealError> {
        let payload = self.handshake()?.read(message)?;
        if payload != answer_hash(id, answer) {
            return Err(SealError::Transcript);
        }
        self.check_remote()
    }

    /// The confirmation: what the dialer presents, for nobody but the acceptor. From here on frames
    /// are sealed.
    pub(crate) fn confirm(&mut self, body: &[u8]) -> Result<Vec<u8>, SealError> {
        let mut handshake = self.handshake.take().ok_or(SealError::Order)?;
        let mut message = Vec::new();
        let is_open = !handshake.is_finished();
        if is_open {
            handshake.write(body, &mut message)?;
        }
        let mut records = Records::new(handshake.split()?);
        if !is_open {
            message = records.seal(body)?;
        }
        self.records = Some(records);
        Ok(message)
    }

    /// The counterpart of `confirm`.
    pub(crate) fn take_confirm(&mut self, message: &[u8]) -> Result<Vec<u8>, SealError> {
        let mut body = None;
        if !self.handshake()?.is_finished() {
            body = Some(self.handshake()?.read(message)?);
            self.check_remote()?;
        }
        let handshake = self.handshake.take().ok_or(SealError::Order)?;
        let mut records = Records::new(handshake.split()?);
        let body = match body {
            Some(body) => body,
            None => records.open(message)?,
        };
        self.records = Some(records);
        Ok(body)
    }

    /// Keeps records as short as the other side takes them, and hides what their lengths give away.
    pub(crate) fn shape(&mut self, record_len_max: usize, pads: bool) {
        self.records.iter_mut().for_each(|records| records.shape(record_len_max, pads));
    }

    /// Seals whole frames, appended to `out`.
    pub(crate) fn seal_frames(
        &mut self,
        frames: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), SealError> {
        self.records.as_mut().ok_or(SealError::Order)?.seal_frames(frames, out)
    }

    /// Opens a record where it is, and leaves the frames in it. False when it was not sealed by the
    /// other side, and is to be dropped.
    pub(crate) fn open_record(&mut self, record: &mut BytesMut) -> Result<bool, SealError> {
        self.records.as_mut().ok_or(SealError::Order)?.open_record(record)
    }

    /// Whether frames are sealed by now.
    pub(crate) fn is_in_force(&self) -> bool {
        self.records.is_some()
    }

    /// The other side's key, if it showed one.
    pub(crate) fn remote(&self) -> Option<[u8; KEY_BYTES]> {
        self.remote.map(SealPublicKey::to_bytes)
    }

    /// The hash of the handshake, once it is over.
    pub(crate) fn hash(&self) -> Option<[u8; KEY_BYTES]> {
        self.records.as_ref().map(|records| records.hash)
    }

    /// A secret of both ends of this link, once it is sealed.
    pub(crate) fn export(&self, label: &[u8]) -> Option<[u8; KEY_BYTES]> {
        self.records.as_ref().map(|records| *records.export(label))
    }

    #[cfg(test)]
    pub(crate) fn shorten_lives(&mut self, records: u64, bytes: u64) {
        self.records.iter_mut().for_each(|own| own.shorten_lives(records, bytes));
    }

    /// The numbers of the next records out and in.
    #[cfg(test)]
    pub(crate) fn numbers(&self) -> (u64, u64) {
        self.records.as_ref().map_or((0, 0), Records::numbers)
    }

    /// A record of whatever it is.
    #[cfg(test)]
    pub(crate) fn seal_raw(&mut self, text: &[u8]) -> Vec<u8> {
        self.records.as_mut().expect("in force").seal_raw(text)
    }

    fn handshake(&mut self) -> Result<&mut Handshake, SealError> {
        self.handshake.as_mut().ok_or(SealError::Order)
    }

    /// Refuses ourselves, an echo, and whoever was not pinned.
    fn check_remote(&mut self) -> Result<(), SealError> {
        let handshake = self.handshake.as_ref().ok_or(SealError::Order)?;
        if handshake.remote_ephemeral() == Some(handshake.ephemeral()) {
            return Err(SealError::Reflected);
        }
        let Some(remote) = handshake.remote_static().map(SealPublicKey::from_bytes) else {
            return Ok(());
        };
        if self.own == Some(remote) {
            return Err(SealError::Reflected);
        }
        if self.pinned.is_some_and(|pinned| pinned != remote) {
            return Err(SealError::Pin);
        }
        self.remote = Some(remote);
        Ok(())
    }
}

impl SealConfig {
    /// The number of the suite that a dialer asks for.
    pub(crate) fn number(&self) -> u64 {
        self.suite.number()
    }

    /// Bytes of the first message.
    pub(crate) fn offer_len(&self) -> usize {
        self.suite.message_len(0, 0)
    }

    /// Whether an acceptor refuses links that are not sealed.
    pub(crate) fn is_required(&self) -> bool {
        self.required
    }

    /// A dialer's choice by what it knows, as the spec has it: NK without a key of its own, XX
    /// without one of the acceptor's, IK with both.
    #[must_use]
    pub fn pattern(has_key: bool, is_pinned: bool) -> Pattern {
        match (has_key, is_pinned) {
            (true, true) => Pattern::Ik,
            (false, true) => Pattern::Nk,
            (_, false) => Pattern::Xx,
        }
    }
}
