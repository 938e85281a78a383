//! What becomes of messages and frames between the tables and the link: codecs are chosen, frames
//! sealed and opened. `docs/spec/seal.md`, `docs/spec/compress.md`.

use crate::engine::Engine;
use crate::engine::Handshake;
use crate::engine::event::Event;
use crate::engine::frame::{self, CODEC, Frame, LEN_BYTES, SEALED, SEQ};
use crate::engine::inbound::abort;
use crate::engine::outbox::KEEP_BYTES;
use crate::engine::session::auth::Credential;
use crate::engine::session::handshake::{
    HelloBody, Presented, decode_confirm, encode_confirm, without_seal,
};
use crate::engine::session::resume::ResumeHello;
use crate::engine::violation::Violation;
use crate::engine::wire::compress::{Codec, DecompressError};
use crate::engine::wire::seal::{OVERHEAD_BYTES, RECORD_LEN_MAX, Seal, SealConfig};
use crate::error::Status;
use bytes::BytesMut;

impl Engine {
    // ---- getters

    /// Whether frames are sealed by now.
    #[must_use]
    pub fn is_sealed(&self) -> bool {
        self.seal.as_ref().is_some_and(Seal::is_in_force)
    }

    /// The key that the other side has proved to have, if the link is sealed and it showed one.
    #[must_use]
    pub fn seal_key(&self) -> Option<[u8; 32]> {
        self.seal.as_ref().filter(|seal| seal.is_in_force())?.remote()
    }

    /// The hash of the seal's handshake: the same at both ends, and at no others.
    #[must_use]
    pub fn seal_hash(&self) -> Option<[u8; 32]> {
        self.seal.as_ref()?.hash()
    }

    /// What a signature on a live session is bound to beside its HELLOs, if the link is sealed.
    pub(super) fn seal_channel(&self) -> Option<[u8; 32]> {
        self.seal_export(b"fluxar/1 challenge")
    }

    /// A secret that only the two ends of a sealed link have, another one for every label.
    #[must_use]
    pub fn seal_export(&self, label: &[u8]) -> Option<[u8; 32]> {
        self.seal.as_ref()?.export(label)
    }

    // ---- the dialer's handshake

    /// What is offered. With a seal, what is presented follows when it is sealed.
    pub(super) fn offer(
        &mut self,
        id: u64,
        resume: Option<ResumeHello>,
    ) -> Result<HelloBody, Violation> {
        let mut body = HelloBody::of(&self.config.limits, self.config.peer.clone());
        body.resume = resume;
        body.codecs = self.codecs_taken(self.config.wire.seal.is_some());
        let Some(config) = &self.config.wire.seal else {
            let signs = matches!(self.config.credential, Credential::Key(_));
            // A session that goes on is proved by its own secret.
            if signs && body.resume.is_none_or(|resume| resume.claim.is_none()) {
                body.nonce = self.transcript.draw();
            }
            body.credential = Some(self.config.credential.clone());
            return Ok(body);
        };
        body.seals = vec![config.number()];
        body.seal = vec![0; config.offer_len()];
        // For this handshake, and gone with it.
        let random = self.facts.seal_random.take();
        let (seal, message) = Seal::dial(config, random, id, &body.encode())?;
        self.seal = Some(seal);
        body.seal = message;
        Ok(body)
    }

    /// What was answered must have been offered, and what this side requires must be in it.
    pub(super) fn check_chosen(&self, answer: &HelloBody) -> Result<(), Violation> {
        let offered = self.codecs_taken(self.seal.is_some());
        if !answer.codecs.iter().all(|codec| offered.contains(codec)) {
            return Err(Violation::HelloCaps);
        }
        match (&self.config.wire.seal, &answer.seals[..], answer.seal.is_empty()) {
            (None, [], true) => Ok(()),
            (None, ..) => Err(Violation::HelloCaps),
            (Some(_), [], _) => Err(Violation::SealRequired),
            (Some(config), [seal], false) if *seal == config.number() => Ok(()),
            (Some(_), ..) => Err(Violation::SealOffer),
        }
    }

    /// The acceptor is who was asked for, and this is its answer.
    pub(super) fn take_sealed_answer(
        &mut self,
        answer: u64,
        body: &HelloBody,
        payload: &[u8],
    ) -> Result<(), Violation> {
        self.transcript.answered(payload);
        let Some(seal) = &mut self.seal else { return Ok(()) };
        seal.take_answer(answer, &without_seal(payload), &body.seal)?;
        match self.sealed_with {
            Some(known) if known != seal.remote() => Err(Violation::SealKey),
            _ => Ok(()),
        }
    }

    /// Presents what there is to present, and the proof of a resume. What follows is sealed.
    pub(super) fn confirm_sealed(
        &mut self,
        answer: u64,
        mac: Option<&[u8; 32]>,
    ) -> Result<(), Violation> {
        let Some(seal) = &mut self.seal else { return Err(Violation::SealRequired) };
        let credential = self.config.credential.clone();
        let signature = match &credential {
            // The keys of both HELLOs are fresh, so that no nonces are needed.
            Credential::Key(key) => Some(key.sign(&self.transcript.to_sign(None))),
            _ => None,
        };
        let presented = Presented { credential, mac: mac.copied(), signature };
        let message = seal.confirm(&presented.encode())?;
        self.put_hello_bytes(0, answer, Some(&encode_confirm(&message)));
        self.fx.out.seal_from_here();
        Ok(())
    }

    // ---- the acceptor's handshake

    /// Whether the offer asks for a seal, and this side can.
    pub(super) fn is_sealing(&self, offer: &HelloBody) -> bool {
        let asks = !offer.seals.is_empty() || !offer.seal.is_empty();
        asks && self.config.wire.seal.is_some()
    }

    /// Whether this side refuses links that are not sealed.
    pub(super) fn requires_seal(&self) -> bool {
        self.config.wire.seal.as_ref().is_some_and(SealConfig::is_required)
    }

    /// An answer without a seal, its id, and the offer with the codecs that were chosen.
    pub(super) fn answer(&mut self, mut offer: Box<HelloBody>) -> (u64, HelloBody, Box<HelloBody>) {
        let mut answer = HelloBody::of(&self.config.limits, self.config.peer.clone());
        answer.session = Some(self.session);
        let taken = self.codecs_taken(self.seal.is_some());
        offer.codecs.retain(|codec| taken.contains(codec));
        offer.codecs.dedup();
        answer.codecs.clone_from(&offer.codecs);
        answer.numbered_keys &= offer.numbered_keys;
        (self.mint(), answer, offer)
    }

    /// The offer asks for a seal: takes its first message.
    pub(super) fn take_sealed_offer(
        &mut self,
        offer: u64,
        body: &HelloBody,
        payload: &[u8],
    ) -> Result<(), Violation> {
        let ([number], false) = (&body.seals[..], body.seal.is_empty()) else {
            return Err(Violation::SealOffer);
        };
        let Some(config) = &self.config.wire.seal else { return Err(Violation::SealOffer) };
        self.transcript.offered(payload);
        let random = self.facts.seal_random.take();
        let blank = without_seal(payload);
        self.seal = Some(Seal::accept(config, random, *number, (offer, &blank), &body.seal)?);
        Ok(())
    }

    /// Answers before anybody has presented anything: that follows when it is sealed.
    pub(super) fn answer_sealed(&mut self, offer: u64, body: HelloBody) -> Result<(), Violation> {
        let (id, mut answer, body) = self.answer(Box::new(body));
        answer.resume = self.agree_on_resume(&body);
        self.seal_answer(id, &mut answer)?;
        self.put_answered(id, offer, &answer);
        self.handshake = Handshake::AwaitConfirm { offer, answer: id, body };
        Ok(())
    }

    /// An answer that a signature may follow to.
    pub(super) fn put_answered(&mut self, id: u64, offer: u64, answer: &HelloBody) {
        let answer = answer.encode();
        self.transcript.answered(&answer);
        self.put_hello_bytes(id, offer, Some(&answer));
    }

    /// Adds the second message to an answer, if there was a first.
    pub(super) fn seal_answer(&mut self, id: u64, answer: &mut HelloBody) -> Result<(), Violation> {
        let Some(seal) = &mut self.seal else { return Ok(()) };
        answer.seals = vec![seal.number()];
        answer.seal = vec![0; seal.answer_len()];
        answer.seal = seal.answer(id, &answer.encode())?;
        Ok(())
    }

    /// What the dialer presents, now that it has proved its seal's key, and its proof of a resume.
    /// A key that it signs with is proved, too.
    pub(super) fn open_confirm(
        &mut self,
        payload: &[u8],
    ) -> Result<(Option<[u8; 32]>, Credential), Violation> {
        let Some(seal) = &mut self.seal else { return Err(Violation::HelloConfirm) };
        let presented = seal.take_confirm(decode_confirm(payload)?)?;
        self.fx.out.seal_from_here();
        let Presented { credential, mac, signature } = Presented::decode(&presented)?;
        match (&credential, signature) {
            (Credential::PublicKey(key), Some(signature))
                if key.verifies(&self.transcript.to_sign(None), &signature) => {}
            (Credential::PublicKey(_), _) => return Err(Violation::SealChallenge),
            (_, None) => {}
            (_, Some(_)) => return Err(Violation::HelloConfirm),
        }
        Ok((mac, credential))
    }

    /// Whoever has dialed may be asked about.
    pub(super) fn take_sealed_confirm(
        &mut self,
        offer: u64,
        body: Box<HelloBody>,
        payload: &[u8],
    ) -> Result<(), Violation> {
        let (None, credential) = self.open_confirm(payload)? else {
            return Err(Violation::HelloForeign);
        };
        let (peer, seal_key) = (body.peer.clone(), self.seal_key());
        self.handshake = Handshake::AwaitDecision { offer, body };
        self.fx.emit(Event::Authenticate { offer, credential, peer, seal_key });
        Ok(())
    }

    // ---- codecs

    /// The numbers of the codecs that this side takes.
    fn codecs_taken(&self, is_sealed: bool) -> Vec<u64> {
        let compression = &self.config.wire.compression;
        if is_sealed && !compression.under_seal {
            return Vec::new();
        }
        let codecs = compression.codecs.iter().filter(|codec| codec.is_available());
        codecs.map(|codec| u64::from(codec.number())).collect()
    }

    /// The handshake is over. Gives the length of a frame before it is sealed, at most.
    pub(super) fn use_codecs_and_seal(&mut self, body: &HelloBody) -> u32 {
        self.codecs = body.codecs.iter().filter_map(|codec| Codec::from_number(*codec)).collect();
        if let Some(codec) = self.codecs.first() {
            self.fx.out.compress(*codec, self.config.wire.compression.threshold_bytes);
        }
        let whole = body.limits.frame_bytes_max;
        self.shape_records(whole);
        let Some(seal) = &self.seal else { return whole };
        self.sealed_with = Some(seal.remote());
        whole.min(RECORD_LEN_MAX as u32) - OVERHEAD_BYTES as u32
    }

    /// Records of the length that the peer takes; padded where messages are compressed, since lengths
    /// tell how well that went.
    pub(super) fn shape_records(&mut self, frame_bytes_max: u32) {
        let pads = !self.codecs.is_empty();
        self.seal.iter_mut().for_each(|seal| seal.shape(frame_bytes_max as usize, pads));
    }

    // ---- another link of a session

    /// The seal of a link that was handed over, for [`Engine::attach_sealed`].
    #[must_use]
    pub fn take_link_seal(&mut self) -> Option<LinkSeal> {
        self.seal.take_if(|seal| self.handed_over && seal.is_in_force()).map(LinkSeal)
    }

    /// Whether a session may go on over a link with this seal: one that was sealed needs one, made
    /// by the same peer, and one that was not has none.
    pub(super) fn may_go_on_behind(&self, seal: Option<&Seal>) -> bool {
        match (self.sealed_with, seal) {
            (None, None) => true,
            (Some(known), Some(seal)) => seal.is_in_force() && seal.remote() == known,
            _ => false,
        }
    }

    /// Reads a frame that may be compressed as was agreed.
    pub(super) fn decode_frame<'a>(&self, bytes: &'a [u8]) -> Result<Frame<'a>, Violation> {
        let packed = if self.codecs.is_empty() { 0 } else { CODEC };
        let numbered = if self.is_resumable() { SEQ } else { 0 };
        let frame = frame::decode_with(bytes, packed | numbered)?;
        if frame.flags & CODEC != 0 {
            self.codec(frame.flags)?;
        }
        Ok(frame)
    }

    fn codec(&self, flags: u8) -> Result<Codec, Violation> {
        let codec = self.codecs.iter().find(|codec| codec.number() == flags & CODEC);
        codec.copied().ok_or(Violation::FrameCodec)
    }

    /// Decompresses a message.
    pub(super) fn unpack(&mut self, flags: u8, packed: &[u8]) -> Result<Vec<u8>, Violation> {
        let codec = self.codec(flags)?;
        let max = self.config.limits.message_bytes_max as usize;
        self.contexts.decompress(codec, packed, max).map_err(|error| match error {
            DecompressError::Broken => Violation::CodecBroken,
            DecompressError::TooLarge => Violation::CodecTooLarge,
        })
    }

    // ---- frames

    /// Moves what may be written now into `batch`, sealed if the link is.
    pub(super) fn take_batch(&mut self, batch: &mut Vec<u8>) -> bool {
        let Some(seal) = self.seal.as_mut().filter(|seal| seal.is_in_force()) else {
            return self.fx.out.take(batch);
        };
        let mut plain = std::mem::take(&mut self.plain_batch);
        plain.clear();
        let clear = self.fx.out.take_clear();
        let any = self.fx.out.take(&mut plain);
        batch.extend_from_slice(&plain[..clear]);
        let sealed = seal.seal_frames(&plain[clear..], batch);
        if plain.capacity() <= KEEP_BYTES {
            self.plain_batch = plain;
        }
        if let Err(error) = sealed {
            // Nothing may leave that is not sealed, not even a goodbye.
            batch.clear();
            let violation = Violation::from(error);
            self.finish(Some(&violation.status()));
            self.fx.out.clear();
            return false;
        }
        any
    }

    /// The last batch as it was before it was sealed, for those who read along.
    #[cfg(test)]
    pub(super) fn before_sealing<'a>(&'a self, batch: &'a [u8]) -> &'a [u8] {
        if self.is_sealed() { &self.plain_batch } else { batch }
    }

    /// Opens the record at the front of `bytes`, if it is all there: its frames are read next. One
    /// that was not sealed by the other side does nothing but count. False when there is none, or
    /// when the link is over.
    pub(super) fn open_record(&mut self, bytes: &mut BytesMut) -> Result<bool, Violation> {
        let Some(whole) = self.whole_frame(bytes)? else { return Ok(false) };
        let mut record = bytes.split_to(whole);
        if self.is_handshaking()
            && let Some(status) = farewell(&record)
        {
            // An acceptor that could not open the confirmation has no key to say so with.
            self.finish(Some(&status));
            return Ok(false);
        }
        let Some(seal) = &mut self.seal else { return Ok(false) };
        match seal.open_record(&mut record).map_err(Violation::from) {
            Ok(true) => {
                self.heartbeat.heard(self.now);
                self.opened = record;
            }
            Ok(false) => {}
            Err(Violation::SealFailures) if self.is_resumable() => {
                // Another link may be better.
                self.detach_for(Violation::SealFailures);
                return Ok(false);
            }
            Err(violation) => return Err(violation),
        }
        Ok(true)
    }
}

/// The seal of one link. See [`Engine::take_link_seal`].
#[derive(Debug)]
pub struct LinkSeal(pub(super) Seal);

impl LinkSeal {
    /// The key that the other side has proved to have, if it has one.
    #[must_use]
    pub fn remote(&self) -> Option<[u8; 32]> {
        self.0.remote()
    }
}

/// The error of a goodbye that is not sealed.
fn farewell(chunk: &[u8]) -> Option<Status> {
    let frame = chunk.get(LEN_BYTES..)?;
    if frame.first()? & SEALED != 0 {
        return None;
    }
    abort(frame::decode(frame).ok()?.body)
}
