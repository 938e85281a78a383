//! HELLOs from the peer.

use super::Received;
use crate::engine::Engine;
use crate::engine::Handshake;
use crate::engine::brief;
use crate::engine::event::Event;
use crate::engine::message::Form;
use crate::engine::message::envelope::Outgoing;
use crate::engine::message::kind::Kind;
use crate::engine::session::auth::Identity;
use crate::engine::session::handshake::HelloBody;
use crate::engine::session::handshake::VERSION;
use crate::engine::session::phase::Phase;
use crate::engine::session::resume::Ephemeral;
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
            Handshake::AwaitConfirm { .. } => self.seal.is_some(),
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
            (Handshake::AwaitResumed(resuming), Form::Answer) => {
                self.expect_ref(received, 1)?;
                self.handle_resumed(&resuming, received.error().map_or(Ok(payload), Err))
            }
            (Handshake::AwaitProof(resuming), Form::Confirm) => {
                self.expect_ref(received, 2)?;
                match received.error() {
                    Some(refusal) => {
                        self.finish(Some(&refusal));
                        Ok(())
                    }
                    None => self.handle_proof(&resuming, payload),
                }
            }
            (Handshake::AwaitConfirm { offer, answer, body }, Form::Confirm) => {
                self.expect_ref(received, answer)?;
                match received.error() {
                    Some(refusal) => self.finish(Some(&refusal)),
                    None if self.seal.is_some() => {
                        return self.take_sealed_confirm(offer, body, payload);
                    }
                    None => self.ready(&body),
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
        let peer = body.peer.clone();
        self.handshake = Handshake::AwaitDecision { offer, body: Box::new(body) };
        let violation = match is_known {
            false => Violation::HelloVersion,
            true if self.requires_seal() && self.seal.is_none() => Violation::SealRequired,
            true => {
                let credential = credential.unwrap_or_default();
                self.fx.emit(match claim {
                    Some(claim) => {
                        let (session, sealed) = (claim.session, self.seal.is_some());
                        Event::Resume { session, credential, peer, sealed }
                    }
                    None => Event::Authenticate { credential, peer, seal_key: None },
                });
                return Ok(());
            }
        };
        let status = Status::new(violation.code(), violation.to_string());
        self.refuse(self.now, &status);
        Ok(())
    }

    fn handle_answer(
        &mut self,
        (offer, answer): (u64, u64),
        payload: &[u8],
        ephemeral: Option<&Ephemeral>,
    ) -> Result<(), Violation> {
        let body = HelloBody::decode(payload)?;
        let session = body.session.ok_or(Violation::HelloMissing)?;
        if body.credential.is_some() {
            return Err(Violation::HelloForeign);
        }
        if body.versions != [VERSION] {
            return Err(Violation::HelloVersion);
        }
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
        self.put_hello(0, answer, None);
        self.ready(&body);
        Ok(())
    }

    /// Re-authentication is reserved: refused without harm to the session.
    pub(super) fn refuse_offer(&mut self, received: &Received<'_>) -> Result<(), Violation> {
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
