//! HELLOs from the peer.

use super::Received;
use crate::engine::Engine;
use crate::engine::Handshake;
use crate::engine::Role;
use crate::engine::brief;
use crate::engine::event::Event;
use crate::engine::message::Form;
use crate::engine::message::envelope::Outgoing;
use crate::engine::message::kind::Kind;
use crate::engine::pattern::expired_status;
use crate::engine::session::auth::{Credential, Identity, Rights};
use crate::engine::session::handshake::{HelloBody, VERSION, decode_proof, encode_proof};
use crate::engine::session::phase::Phase;
use crate::engine::session::resume::Ephemeral;
use crate::engine::time::Time;
use crate::engine::violation::Violation;
use crate::error::Status;
use crate::id::Id;

/// Items of one pattern that we open at a peer, whatever it says that it takes.
const OUTBOUND_MAX: u32 = 65_536;

impl Engine {
    pub(super) fn handle_hello(
        &mut self,
        form: Form,
        received: &Received<'_>,
    ) -> Result<(), Violation> {
        if form == Form::Goodbye {
            return self.handle_goodbye(received);
        }
        if !matches!(form, Form::Offer | Form::Answer | Form::Confirm) {
            return Err(Violation::PhaseEarly);
        }
        let payload = received.envelope.payload.unwrap_or_default();
        let proves = match &self.handshake {
            Handshake::AwaitProof(_) => true,
            Handshake::AwaitConfirm { .. } => self.seal.is_some() || self.transcript.key.is_some(),
            _ => false,
        };
        let is_empty = received.envelope.payload.is_none();
        if form == Form::Confirm && is_empty == proves && received.envelope.error.is_none() {
            return Err(Violation::HelloConfirm);
        }
        match (std::mem::replace(&mut self.handshake, Handshake::Idle), form) {
            (Handshake::AwaitOffer, Form::Offer) => self.handle_offer(received, payload),
            (Handshake::AwaitAnswer { offer, ephemeral }, Form::Answer) => {
                self.expect_ref(received, offer)?;
                let answer = self.take_remote_id(received)?;
                match received.error() {
                    Some(refusal) => {
                        self.finish(Some(&refusal));
                        Ok(())
                    }
                    None => self.handle_answer((offer, answer), payload, ephemeral.as_deref()),
                }
            }
            // Their ids are the link's: they take no part in those of the session.
            (Handshake::AwaitResumed(offered), Form::Answer) => {
                self.expect_ref(received, 1)?;
                self.handle_resumed(&offered, received.error().map_or(Ok(payload), Err))
            }
            (Handshake::AwaitProof(answered), Form::Confirm) => {
                self.expect_ref(received, 2)?;
                match received.error() {
                    Some(refusal) => {
                        self.finish(Some(&refusal));
                        Ok(())
                    }
                    None => self.handle_proof(&answered, payload),
                }
            }
            (Handshake::AwaitConfirm { offer, answer, body }, Form::Confirm) => {
                self.expect_ref(received, answer)?;
                match received.error() {
                    Some(refusal) => self.finish(Some(&refusal)),
                    None if self.seal.is_some() => {
                        return self.take_sealed_confirm(offer, body, payload);
                    }
                    None => {
                        self.take_proof(received)?;
                        self.take_identity();
                        self.ready(&body);
                    }
                }
                Ok(())
            }
            (Handshake::AwaitWelcome { offer, body }, Form::Confirm) => {
                self.expect_ref(received, offer)?;
                match received.error() {
                    Some(refusal) => self.finish(Some(&refusal)),
                    None => self.ready(&body),
                }
                Ok(())
            }
            _ => Err(Violation::PhaseEarly),
        }
    }

    /// A HELLO on a session that is ready: the dialer authenticates again.
    pub(super) fn handle_rehello(
        &mut self,
        form: Form,
        received: &Received<'_>,
    ) -> Result<(), Violation> {
        let payload = received.envelope.payload.unwrap_or_default();
        match (std::mem::replace(&mut self.handshake, Handshake::Done), form) {
            (Handshake::Done, Form::Offer) if self.role == Role::Acceptor => {
                self.budget.charge(self.now)?;
                self.handshake_deadline = Some(self.now + self.config.limits.handshake_timeout);
                self.handle_reoffer(received, payload)
            }
            (due, Form::Offer) => {
                self.handshake = due;
                self.refuse_offer(received)
            }
            (Handshake::AwaitAnswer { offer, .. }, Form::Answer) => {
                self.expect_ref(received, offer)?;
                let answer = self.take_remote_id(received)?;
                let outcome = match received.error() {
                    Some(refusal) => Err(refusal),
                    None => {
                        let body = HelloBody::decode(payload)?;
                        Self::check_answer(&body)?;
                        self.confirm(answer, &body, payload)?;
                        Ok(())
                    }
                };
                self.fx.emit(Event::Reauthenticated { outcome });
                Ok(())
            }
            (Handshake::AwaitConfirm { answer, .. }, Form::Confirm) => {
                self.expect_ref(received, answer)?;
                if received.error().is_some() {
                    self.next_identity = None;
                    return Ok(());
                }
                self.take_proof(received)?;
                self.take_identity();
                self.fx.emit(Event::Identified { identity: self.identity.clone() });
                Ok(())
            }
            _ => Err(Violation::HelloTwice),
        }
    }

    /// The dialer has proved its key, if that was due.
    fn take_proof(&mut self, received: &Received<'_>) -> Result<(), Violation> {
        let payload = received.envelope.payload;
        let Some(key) = self.transcript.key.take() else {
            return if payload.is_none() { Ok(()) } else { Err(Violation::HelloConfirm) };
        };
        let proof = decode_proof(payload.unwrap_or_default())?;
        if key.verifies(&self.transcript.to_sign(self.seal_channel()), &proof) {
            return Ok(());
        }
        Err(Violation::ProofWrong)
    }

    /// Whoever was accepted is here now.
    pub(in crate::engine) fn take_identity(&mut self) {
        let Some(identity) = self.next_identity.take() else { return };
        self.expires = identity.valid_for.map(|time| self.now + time);
        self.is_expired = false;
        self.identity = identity;
    }

    /// The peer has come back over another link as who it was: its credential may last longer now.
    pub fn renew(&mut self, now: Time, identity: Identity) {
        self.advance(now);
        self.next_identity = Some(identity);
        self.take_identity();
        self.fx.emit(Event::Identified { identity: self.identity.clone() });
    }

    /// What the peer may do is over: so is what it has opened. It may authenticate again.
    pub(in crate::engine) fn expire(&mut self) {
        self.expires = None;
        self.is_expired = true;
        self.identity.rights = Rights::none();
        let status = expired_status();
        self.calls.expire(&status, &mut self.fx);
        self.streams.expire(&status, &mut self.fx);
        self.subscriptions.expire(&status, &mut self.fx);
        self.fx.emit(Event::Identified { identity: self.identity.clone() });
    }

    fn handle_offer(&mut self, received: &Received<'_>, payload: &[u8]) -> Result<(), Violation> {
        let offer = self.take_remote_id(received)?;
        let mut body = HelloBody::decode(payload)?;
        if body.session.is_some() {
            return Err(Violation::HelloForeign);
        }
        let credential = body.credential.take();
        let is_known = body.versions.contains(&VERSION);
        if is_known && self.is_sealing(&body) {
            if credential.is_some() {
                return Err(Violation::SealAuth);
            }
            self.take_sealed_offer(offer, &body, payload)?;
        }
        let claim = body.resume.and_then(|resume| resume.claim);
        if self.seal.is_some() && claim.is_none() {
            return self.answer_sealed(offer, body);
        }
        let credential = credential.unwrap_or_default();
        if claim.is_none() {
            self.expect_proof(&credential, &body, payload)?;
        }
        let peer = body.peer.clone();
        self.handshake = Handshake::AwaitDecision { offer, body: Box::new(body) };
        let violation = match is_known {
            false => Violation::HelloVersion,
            true if self.requires_seal() && self.seal.is_none() => Violation::SealRequired,
            true if !self.can_challenge() => Violation::NonceMissing,
            true => {
                self.fx.emit(match claim {
                    Some(claim) => {
                        let (session, sealed) = (claim.session, self.seal.is_some());
                        Event::Resume { session, credential, peer, sealed }
                    }
                    None => Event::Authenticate { offer, credential, peer, seal_key: None },
                });
                return Ok(());
            }
        };
        self.refuse(self.now, &violation.status());
        Ok(())
    }

    /// The dialer authenticates again: its key, its rights and its time change, nothing else.
    fn handle_reoffer(&mut self, received: &Received<'_>, payload: &[u8]) -> Result<(), Violation> {
        let offer = self.take_remote_id(received)?;
        let mut body = HelloBody::decode(payload)?;
        if body.session.is_some() {
            return Err(Violation::HelloForeign);
        }
        let credential = body.credential.take().unwrap_or_default();
        self.expect_proof(&credential, &body, payload)?;
        let (peer, seal_key) = (body.peer.clone(), self.seal_key());
        let is_known = body.versions.contains(&VERSION);
        self.handshake = Handshake::AwaitDecision { offer, body: Box::new(body) };
        if is_known && self.can_challenge() {
            self.fx.emit(Event::Authenticate { offer, credential, peer, seal_key });
            return Ok(());
        }
        let violation = if is_known { Violation::NonceMissing } else { Violation::HelloVersion };
        self.refuse(self.now, &violation.status());
        Ok(())
    }

    /// Notes the key that the dialer will have to prove, if it presents one.
    fn expect_proof(
        &mut self,
        credential: &Credential,
        body: &HelloBody,
        payload: &[u8],
    ) -> Result<(), Violation> {
        self.transcript.offered(payload);
        self.transcript.key = match credential {
            Credential::PublicKey(_) if body.nonce.is_none() => {
                return Err(Violation::NonceMissing);
            }
            Credential::PublicKey(key) => Some(*key),
            _ => None,
        };
        Ok(())
    }

    fn can_challenge(&self) -> bool {
        self.transcript.key.is_none() || self.transcript.binding.is_some()
    }

    fn handle_answer(
        &mut self,
        (offer, answer): (u64, u64),
        payload: &[u8],
        ephemeral: Option<&Ephemeral>,
    ) -> Result<(), Violation> {
        let body = HelloBody::decode(payload)?;
        let session = Self::check_answer(&body)?;
        self.check_chosen(&body)?;
        self.session = session;
        self.identity = Identity::new(body.peer.name.clone(), self.config.peer_rights.clone());
        self.agreed_on_resume(ephemeral, &body);
        if self.seal.is_some() {
            self.take_sealed_answer(answer, &body, payload)?;
            self.confirm_sealed(answer, None)?;
            self.handshake = Handshake::AwaitWelcome { offer, body: Box::new(body) };
            return Ok(());
        }
        self.confirm(answer, &body, payload)?;
        self.ready(&body);
        Ok(())
    }

    /// What every answer must be. Gives the session's name.
    fn check_answer(body: &HelloBody) -> Result<[u8; 16], Violation> {
        let session = body.session.ok_or(Violation::HelloMissing)?;
        if body.credential.is_some() {
            return Err(Violation::HelloForeign);
        }
        if body.versions != [VERSION] {
            return Err(Violation::HelloVersion);
        }
        Ok(session)
    }

    /// Confirms an answer, with a proof where our credential needs one.
    fn confirm(&mut self, answer: u64, body: &HelloBody, payload: &[u8]) -> Result<(), Violation> {
        self.transcript.answered(payload);
        let mut proof = None;
        if let Credential::Key(key) = &self.config.credential {
            // Our own nonce come back is no nonce of theirs.
            if body.nonce.is_none() || body.nonce == self.transcript.nonce {
                return Err(Violation::NonceMissing);
            }
            let channel = self.seal_channel();
            proof = Some(encode_proof(&key.sign(&self.transcript.to_sign(channel))));
        }
        self.put_hello_bytes(0, answer, proof.as_deref());
        Ok(())
    }

    /// Not this side's to take, or not now: refused without harm to the session.
    fn refuse_offer(&mut self, received: &Received<'_>) -> Result<(), Violation> {
        let offer = self.take_remote_id(received)?;
        self.budget.charge(self.now)?;
        let violation = Violation::HelloTwice;
        let status = violation.status();
        self.put_refusal(offer, &status);
        Ok(())
    }

    pub(in crate::engine) fn put_refusal(&mut self, offer: u64, status: &Status) {
        let status = brief(status);
        let mut refusal = Outgoing::answering(Kind::Hello, offer).with_error(Some(&status));
        // Behind a seal it stands where the welcome would.
        if !self.is_handshaking() || !self.is_sealed() {
            refusal.id = self.mint();
        }
        self.fx.out.put_front(&refusal);
    }

    fn expect_ref(&self, received: &Received<'_>, id: u64) -> Result<(), Violation> {
        let reference = received.envelope.reference.and_then(Id::session);
        if reference == Some(id) { Ok(()) } else { Err(Violation::HelloRef) }
    }

    /// `body` is the peer's, with the codecs that were chosen.
    pub(in crate::engine) fn ready(&mut self, body: &HelloBody) {
        // Whatever it declares: our own tables are bounded too.
        let mut limits = body.limits;
        for max in [&mut limits.calls_max, &mut limits.streams_max, &mut limits.subscriptions_max] {
            *max = (*max).min(OUTBOUND_MAX);
        }
        self.peer = body.peer.clone();
        self.peer_limits = limits;
        self.numbered_keys = body.numbered_keys && self.config.limits.numbered_keys;
        let groups = (limits.groups_max, limits.reassembly_bytes_max);
        let frame_bytes_max = self.use_codecs_and_seal(body);
        self.fx.out.set_peer_limits(frame_bytes_max, limits.message_bytes_max, groups);
        let silence = self.config.limits.silence_heartbeats_tenths;
        self.heartbeat.start(body.heartbeat, silence, self.now);
        self.handshake = Handshake::Done;
        self.handshake_deadline = None;
        self.phase = Phase::Ready;
        if self.is_resumable() {
            self.fx.out.replay.start();
        }
        self.fx.emit(Event::Ready { peer: body.peer.clone() });
    }
}
