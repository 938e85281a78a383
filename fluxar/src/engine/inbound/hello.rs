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
        match (std::mem::replace(&mut self.handshake, Handshake::Idle), form) {
            (Handshake::AwaitOffer, Form::Offer) => self.handle_offer(received, payload),
            (Handshake::AwaitAnswer { offer }, Form::Answer) => {
                self.expect_ref(received, offer)?;
                let answer = self.take_remote_id(received)?;
                match received.error() {
                    Some(refusal) => {
                        self.finish(Some(&refusal));
                        Ok(())
                    }
                    None => self.handle_answer(answer, payload),
                }
            }
            (Handshake::AwaitConfirm { answer, body }, Form::Confirm) => {
                self.expect_ref(received, answer)?;
                match received.error() {
                    Some(refusal) => self.finish(Some(&refusal)),
                    None => {
                        self.take_proof(received)?;
                        self.take_identity();
                        self.ready(&body);
                    }
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
                self.handle_offer(received, payload)
            }
            (due, Form::Offer) => {
                self.handshake = due;
                self.refuse_offer(received)
            }
            (Handshake::AwaitAnswer { offer }, Form::Answer) => {
                self.expect_ref(received, offer)?;
                let answer = self.take_remote_id(received)?;
                let outcome = match received.error() {
                    Some(refusal) => Err(refusal),
                    None => {
                        let body = HelloBody::decode(payload)?;
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
        if key.verifies(&self.transcript.to_sign(), &proof) {
            return Ok(());
        }
        Err(Violation::ProofWrong)
    }

    /// Whoever was accepted is here now.
    fn take_identity(&mut self) {
        let Some(identity) = self.next_identity.take() else { return };
        self.expires = identity.valid_for.map(|time| self.now + time);
        self.is_expired = false;
        self.identity = identity;
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
        let credential = body.credential.take().unwrap_or(Credential::None);
        let peer = body.peer.clone();
        let known = body.versions.contains(&VERSION);
        self.transcript.offered(payload);
        self.transcript.key = match &credential {
            Credential::PublicKey(_) if body.nonce.is_none() => {
                return Err(Violation::NonceMissing);
            }
            Credential::PublicKey(key) => Some(*key),
            _ => None,
        };
        let can_challenge = self.transcript.key.is_none() || self.transcript.binding.is_some();
        self.handshake = Handshake::AwaitDecision { offer, body: Box::new(body) };
        if known && can_challenge {
            self.fx.emit(Event::Authenticate { credential, peer });
            return Ok(());
        }
        let violation = if known { Violation::NonceMissing } else { Violation::HelloVersion };
        let status = Status::new(violation.code(), violation.to_string());
        self.refuse(self.now, &status);
        Ok(())
    }

    fn handle_answer(&mut self, answer: u64, payload: &[u8]) -> Result<(), Violation> {
        let body = HelloBody::decode(payload)?;
        self.session = self.confirm(answer, &body, payload)?;
        self.identity = Identity::new(body.peer.name.clone(), self.config.peer_rights.clone());
        self.ready(&body);
        Ok(())
    }

    /// Checks an answer and confirms it, with a proof where our credential needs one. Gives the
    /// session's name.
    fn confirm(
        &mut self,
        answer: u64,
        body: &HelloBody,
        payload: &[u8],
    ) -> Result<[u8; 16], Violation> {
        let session = body.session.ok_or(Violation::HelloMissing)?;
        if body.credential.is_some() {
            return Err(Violation::HelloForeign);
        }
        if body.versions != [VERSION] {
            return Err(Violation::HelloVersion);
        }
        self.transcript.answered(payload);
        let mut proof = None;
        if let Credential::Key(key) = &self.config.credential {
            // Our own nonce come back is no nonce of theirs.
            if body.nonce.is_none() || body.nonce == self.transcript.nonce {
                return Err(Violation::NonceMissing);
            }
            proof = Some(encode_proof(&key.sign(&self.transcript.to_sign())));
        }
        self.put_hello(0, answer, proof.as_deref());
        Ok(session)
    }

    /// Not this side's to take, or not now: refused without harm to the session.
    fn refuse_offer(&mut self, received: &Received<'_>) -> Result<(), Violation> {
        let offer = self.take_remote_id(received)?;
        self.budget.charge(self.now)?;
        let violation = Violation::HelloTwice;
        let status = Status::new(violation.code(), violation.to_string());
        self.put_refusal(offer, &status);
        Ok(())
    }

    pub(in crate::engine) fn put_refusal(&mut self, offer: u64, status: &Status) {
        let status = brief(status);
        let mut refusal = Outgoing::answering(Kind::Hello, offer).with_error(Some(&status));
        refusal.id = self.mint();
        self.fx.out.put_now(&refusal);
    }

    fn expect_ref(&self, received: &Received<'_>, id: u64) -> Result<(), Violation> {
        let reference = received.envelope.reference.and_then(Id::session);
        if reference == Some(id) { Ok(()) } else { Err(Violation::HelloRef) }
    }

    fn ready(&mut self, body: &HelloBody) {
        // Whatever it declares: our own tables are bounded too.
        let mut limits = body.limits;
        for max in [&mut limits.calls_max, &mut limits.streams_max, &mut limits.subscriptions_max] {
            *max = (*max).min(OUTBOUND_MAX);
        }
        self.peer = body.peer.clone();
        self.peer_limits = limits;
        self.numbered_keys = body.numbered_keys && self.config.limits.numbered_keys;
        let groups = (limits.groups_max, limits.reassembly_bytes_max);
        self.fx.out.set_peer_limits(limits.frame_bytes_max, limits.message_bytes_max, groups);
        let silence = self.config.limits.silence_heartbeats_tenths;
        self.heartbeat.start(body.heartbeat, silence, self.now);
        self.handshake = Handshake::Done;
        self.handshake_deadline = None;
        self.phase = Phase::Ready;
        self.fx.emit(Event::Ready { peer: body.peer.clone() });
    }
}
