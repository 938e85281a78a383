//! A session that goes on over another link: detached, resumed, or too late.

use crate::engine::event::Event;
use crate::engine::message::envelope::Outgoing;
use crate::engine::message::kind::Kind;
use crate::engine::sealing::LinkSeal;
use crate::engine::session::auth::Credential;
use crate::engine::session::handshake::HelloBody;
use crate::engine::session::phase::Phase;
use crate::engine::session::resume::{
    ACCEPTOR, Attachment, Claim, DIALER, Ephemeral, LinkFacts, ResumeHello, Secret, Ticket,
    Transcript, decode_proof, encode_proof,
};
use crate::engine::time::Time;
use crate::engine::violation::Violation;
use crate::engine::wire::seal::Seal;
use crate::engine::{Engine, Handshake, Role, brief};
use crate::error::{Code, Origin, Status};
use bytes::BytesMut;

/// The HELLOs of a link that takes over a session have these ids, whatever the session's are.
const OFFER: u64 = 1;
/// See [`OFFER`].
const ANSWER: u64 = 2;

/// What makes a session one that can be resumed.
#[derive(Debug)]
pub(super) struct Resumable {
    secret: Secret,
    /// Links that took it over.
    epoch: u64,
    /// The HELLOs of the present link are done, or under way.
    has_link: bool,
    /// While detached: since when, why, and whether it was draining.
    lost: Option<Lost>,
    heartbeat: std::time::Duration,
}

#[derive(Debug)]
struct Lost {
    until: Time,
    reason: Status,
    was_draining: bool,
}

/// An offer to go on, as both sides know it.
#[derive(Debug)]
pub(super) struct Offered {
    offer: ResumeHello,
    binding: Option<[u8; 32]>,
}

impl Offered {
    fn transcript<'a>(&'a self, answer: &'a ResumeHello) -> Transcript<'a> {
        Transcript { offer: &self.offer, answer, binding: self.binding.as_ref() }
    }
}

/// An acceptor's answer to it, with the ticket from the session's own engine.
#[derive(Debug)]
pub(super) struct Answered {
    offered: Offered,
    theirs: Claim,
    ours: Claim,
    answer: ResumeHello,
    ticket: Ticket,
}

impl Engine {
    // ---- what others ask

    /// Whether a lost link would leave the session alive.
    #[must_use]
    pub fn is_resumable(&self) -> bool {
        self.resumable.is_some() && !matches!(self.phase, Phase::Handshaking | Phase::Closed)
    }

    /// What another engine of this process needs to give this session back to its dialer.
    #[must_use]
    pub fn ticket(&self) -> Option<Ticket> {
        let resumable = self.resumable.as_ref().filter(|_| self.is_resumable())?;
        let claim = self.own_claim()?;
        let tx_next = self.fx.out.replay.next();
        Some(Ticket { secret: resumable.secret.clone(), claim, tx_next })
    }

    /// What the dialer presents from the next link on.
    pub fn present(&mut self, credential: Credential) {
        self.config.credential = credential;
    }

    /// How often the session was resumed.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.resumable.as_ref().map_or(0, |resumable| resumable.epoch)
    }

    /// Whether the peer has said something over the present link, beside its HELLOs. A dialer goes
    /// on when it has proved that it may, and hears only then that it does.
    #[must_use]
    pub fn is_heard(&self) -> bool {
        self.receipts.is_heard()
    }

    /// Bytes that were sent and have no receipt yet.
    #[must_use]
    pub fn replay_bytes(&self) -> usize {
        self.fx.out.replay.bytes()
    }

    /// Messages that were sent again over a link that took over, counted each time.
    #[must_use]
    pub fn resent(&self) -> u64 {
        self.fx.out.replay.resent()
    }

    fn own_claim(&self) -> Option<Claim> {
        Some(Claim {
            session: self.session,
            epoch: self.resumable.as_ref()?.epoch,
            rx_next: self.receipts.next(),
            tx_oldest: self.fx.out.replay.oldest(),
        })
    }

    // ---- a session that is made

    pub(super) fn ephemeral(&self) -> Option<Box<Ephemeral>> {
        self.facts.random.as_ref().map(|random| Box::new(Ephemeral::new(random)))
    }

    /// As the acceptor of a new session, what to say about resuming.
    pub(super) fn agree_on_resume(&mut self, offer: &HelloBody) -> Option<ResumeHello> {
        let (theirs, drawn) = (offer.resume?, self.ephemeral()?);
        let answer = drawn.hello(self.facts.binding.is_some());
        self.agree(&drawn, [&theirs, &answer], &theirs, offer.heartbeat).then_some(answer)
    }

    /// As its dialer, what was answered.
    pub(super) fn agreed_on_resume(&mut self, ephemeral: Option<&Ephemeral>, answer: &HelloBody) {
        if let (Some(drawn), Some(theirs)) = (ephemeral, &answer.resume) {
            let offer = drawn.hello(self.facts.binding.is_some());
            self.agree(drawn, [&offer, theirs], theirs, answer.heartbeat);
        }
    }

    fn agree(
        &mut self,
        drawn: &Ephemeral,
        hellos: [&ResumeHello; 2],
        theirs: &ResumeHello,
        heartbeat: std::time::Duration,
    ) -> bool {
        let binding = self.facts.binding.as_ref();
        let secret = drawn.agree(&self.session, hellos, theirs, binding);
        self.resumable = secret.map(|secret| {
            Box::new(Resumable { secret, epoch: 0, has_link: true, lost: None, heartbeat })
        });
        self.resumable.is_some()
    }

    // ---- a link that is lost

    pub(super) fn has_link(&self) -> bool {
        match &self.resumable {
            Some(resumable) => resumable.has_link,
            None => self.phase != Phase::Idle,
        }
    }

    /// The HELLOs of a link are under way.
    pub(super) fn is_handshaking(&self) -> bool {
        matches!(self.phase, Phase::Handshaking | Phase::Detached)
    }

    /// Draining, with a link or without.
    pub(super) fn is_draining(&self) -> bool {
        let lost = self.resumable.as_ref().and_then(|resumable| resumable.lost.as_ref());
        self.phase == Phase::Draining || lost.is_some_and(|lost| lost.was_draining)
    }

    /// The peer may not have all that was said, and could only get it from here.
    pub(super) fn owes(&self) -> bool {
        self.is_resumable() && self.fx.out.owes()
    }

    /// Both sides have said goodbye, and the peer has all that we owed it.
    pub(super) fn has_parted(&self) -> bool {
        self.goodbye_sent && self.goodbye_heard && !self.owes()
    }

    pub(super) fn detached_until(&self) -> Option<Time> {
        Some(self.resumable.as_ref()?.lost.as_ref()?.until)
    }

    /// The link is lost, the session lives.
    pub(super) fn detach(&mut self, reason: Status) {
        let until = self.now + self.config.limits.detached_timeout;
        let was_draining = self.is_draining();
        let authenticates = matches!(self.phase, Phase::Ready | Phase::Draining)
            && matches!(self.handshake, Handshake::AwaitAnswer { .. });
        let Some(resumable) = self.resumable.as_mut() else { return };
        if authenticates {
            let text = "the link was lost before the answer: the next one presents the credential";
            let status = Status::new(Code::Unavailable, text).with_origin(Origin::Link);
            self.fx.emit(Event::Reauthenticated { outcome: Err(status) });
        }
        self.next_identity = None;
        resumable.has_link = false;
        resumable.lost.get_or_insert(Lost { until, reason: reason.clone(), was_draining });
        self.unlink();
        self.phase = Phase::Detached;
        self.fx.emit(Event::Detached { reason });
    }

    /// The link breaks a rule, and another may be better.
    pub(super) fn detach_for(&mut self, violation: Violation) {
        let reason = Status::new(Code::Unavailable, violation.to_string());
        self.detach(reason.with_origin(Origin::Link));
    }

    /// Forgets what belongs to the link.
    fn unlink(&mut self) {
        self.fx.out.detach();
        self.seal = None;
        self.assembler.clear();
        self.receipts.stop();
        self.heartbeat.stop();
        (self.heartbeat.ping, self.heartbeat.pong_due) = (None, None);
        self.partial_bytes = 0;
        self.opened = BytesMut::new();
        self.handshake = Handshake::Done;
        self.handshake_deadline = None;
    }

    /// Whether no other link came in time: then the session is over.
    pub(super) fn is_given_up(&mut self, now: Time) -> bool {
        if self.detached_until().is_none_or(|until| until > now) {
            return false;
        }
        self.give_up("and no other link took over in time");
        true
    }

    /// We say goodbye without a link: at once when nothing is open, else as soon as there is one.
    pub(super) fn leave_detached(&mut self) {
        let is_done = self.is_idle() && !self.owes() && self.fx.out.bytes() == 0;
        if is_done {
            self.finish(None);
            return self.fx.out.clear();
        }
        let lost = self.resumable.as_mut().and_then(|resumable| resumable.lost.as_mut());
        let Some(lost) = lost.filter(|lost| !lost.was_draining) else { return };
        lost.was_draining = true;
        self.drain_deadline = Some(self.now + self.config.limits.drain_timeout);
        self.fx.emit(Event::Draining);
        self.goodbye_due = !self.goodbye_sent;
        self.say_goodbye();
    }

    fn give_up(&mut self, why: &str) {
        let lost = self.resumable.as_mut().and_then(|resumable| resumable.lost.take());
        let first = lost.as_ref().map_or("the link was lost", |lost| lost.reason.message());
        let status = Status::new(Code::Unavailable, format!("{first}; {why}"));
        let was_draining = lost.is_some_and(|lost| lost.was_draining);
        let is_done = was_draining && self.is_idle() && !self.fx.out.has_flows();
        let status = status.with_origin(Origin::Link);
        self.finish(if is_done { None } else { Some(&status) });
        self.fx.out.clear();
    }

    // ---- another link, at the dialer

    pub(super) fn offer_resume(&mut self, facts: LinkFacts) {
        self.facts = facts;
        let Some(resumable) = self.resumable.as_mut() else { return };
        if self.role == Role::Acceptor || resumable.has_link {
            return;
        }
        resumable.has_link = true;
        let Some((drawn, claim)) = self.ephemeral().zip(self.own_claim()) else {
            let text = "no randomness to prove with that the session is ours";
            return self.detach(Status::new(Code::Unavailable, text));
        };
        let is_bound = self.facts.binding.is_some();
        let offer = drawn.claiming(is_bound, claim);
        match self.offer(OFFER, Some(offer)) {
            Ok(body) => {
                let body = body.encode();
                self.transcript.offered(&body);
                self.put_hello_bytes(OFFER, 0, Some(&body));
            }
            Err(violation) => {
                return self.detach(Status::new(Code::Unavailable, violation.to_string()));
            }
        }
        self.handshake_deadline = Some(self.now + self.config.limits.handshake_timeout);
        let binding = self.facts.binding;
        self.handshake = Handshake::AwaitResumed(Box::new(Offered { offer, binding }));
    }

    /// The acceptor's answer to our offer to go on.
    pub(super) fn handle_resumed(
        &mut self,
        offered: &Offered,
        answer: Result<&[u8], Status>,
    ) -> Result<(), Violation> {
        let payload = match answer {
            Ok(payload) => payload,
            Err(refusal) => {
                self.did_not_go_on(refusal);
                return Ok(());
            }
        };
        let body = HelloBody::decode(payload)?;
        self.check_chosen(&body)?;
        self.take_sealed_answer(ANSWER, &body, payload)?;
        let resumable = self.resumable.as_ref().ok_or(Violation::ResumeProof)?;
        let answer = body.resume.ok_or(Violation::HelloResume)?;
        let claim = answer.claim.ok_or(Violation::HelloResume)?;
        let mac = answer.mac.ok_or(Violation::HelloResume)?;
        let transcript = offered.transcript(&answer);
        let known = claim.session == self.session && claim.epoch > resumable.epoch;
        if !known || !transcript.is_proof(&resumable.secret, ACCEPTOR, &mac) {
            return Err(Violation::ResumeProof);
        }
        if !self.can_go_on(&claim) {
            self.give_up(Violation::ResumePosition.text());
            return Ok(());
        }
        let mac = transcript.prove(&resumable.secret, DIALER);
        if self.seal.is_some() {
            self.confirm_sealed(ANSWER, Some(&mac))?;
        } else {
            self.put_hello_bytes(0, ANSWER, Some(&encode_proof(&mac)));
        }
        let begins = offered.offer.claim.map_or(1, |claim| claim.rx_next);
        self.go_on(&claim, claim.epoch, begins);
        Ok(())
    }

    /// Whoever answers our offer does not take the session up: not now, or never.
    pub(super) fn did_not_go_on(&mut self, refusal: Status) {
        if Self::is_for_now(&refusal) {
            self.detach(refusal);
        } else {
            self.give_up(&format!("the peer did not go on: {}", refusal.message()));
        }
    }

    /// Whether this goodbye with an error, when it is the first that comes over a link that is to
    /// take over, is a refusal: of somebody whom the session was not given to yet.
    pub(super) fn is_refused_by(&self, goodbye: &Status) -> bool {
        self.role == Role::Dialer && Self::is_for_now(goodbye)
    }

    /// Whether a session may be taken up later by who does not take it up now.
    #[must_use]
    pub fn is_for_now(refusal: &Status) -> bool {
        use Code::{DeadlineExceeded, ResourceExhausted, Unavailable};
        matches!(refusal.code(), Unavailable | ResourceExhausted | DeadlineExceeded)
    }

    fn can_go_on(&self, theirs: &Claim) -> bool {
        let next = self.fx.out.replay.next();
        self.own_claim().is_some_and(|ours| reaches(&ours, next, theirs))
    }

    /// Both sides send again what the other does not have; `begins` is where the peer begins.
    fn go_on(&mut self, theirs: &Claim, epoch: u64, begins: u64) {
        let Some(resumable) = self.resumable.as_mut() else { return };
        resumable.epoch = epoch;
        resumable.has_link = true;
        let was_draining = resumable.lost.take().is_some_and(|lost| lost.was_draining);
        let heartbeat = resumable.heartbeat;
        self.fx.out.attach(theirs.rx_next);
        self.shape_records(self.peer_limits.frame_bytes_max);
        self.receipts.attach(begins, self.role == Role::Acceptor);
        let silence = self.config.limits.silence_heartbeats_tenths;
        self.heartbeat.start(heartbeat, silence, self.now);
        self.handshake = Handshake::Done;
        self.handshake_deadline = None;
        self.phase = if was_draining { Phase::Draining } else { Phase::Ready };
        if was_draining {
            self.receipts.hurry();
        }
        self.fx.emit(Event::Resumed);
        self.check_drained();
    }

    // ---- another link, at the acceptor

    /// Answers [`Event::Resume`]: here is the session's ticket.
    pub fn accept_resume(&mut self, now: Time, ticket: Ticket) {
        self.advance(now);
        let Handshake::AwaitDecision { offer, body } =
            std::mem::replace(&mut self.handshake, Handshake::Done)
        else {
            return;
        };
        let Some(hello) = body.resume else { return };
        let Some(claim) = hello.claim else { return };
        self.handshake = Handshake::AwaitDecision { offer, body };
        let drawn = match self.ephemeral() {
            Some(drawn) if claim.session == ticket.claim.session => drawn,
            _ => {
                let text = "this session cannot be resumed here: make another";
                return self.refuse(now, &Status::new(Code::NotFound, text));
            }
        };
        if !reaches(&ticket.claim, ticket.tx_next, &claim) {
            return self.refuse(now, &Violation::ResumePosition.status());
        }
        let is_bound = self.facts.binding.is_some();
        // The dialer may have missed the answers of earlier attempts; it is never ahead of us.
        let epoch = ticket.claim.epoch.max(claim.epoch) + 1;
        let ours = Claim { epoch, ..ticket.claim };
        let mut answer = drawn.claiming(is_bound, ours);
        let binding = self.facts.binding;
        let offered = Offered { offer: hello, binding };
        answer.mac = Some(offered.transcript(&answer).prove(&ticket.secret, ACCEPTOR));
        let mut reply = HelloBody::of(&self.config.limits, self.config.peer.clone());
        reply.session = Some(ours.session);
        reply.resume = Some(answer);
        if let Err(violation) = self.seal_answer(ANSWER, &mut reply) {
            return self.fail(violation);
        }
        self.put_answered(ANSWER, offer, &reply);
        let answered = Answered { offered, theirs: claim, ours, answer, ticket };
        self.handshake = Handshake::AwaitProof(Box::new(answered));
    }

    /// The confirmation that proves it. The engine of the session goes on from here.
    pub(super) fn handle_proof(
        &mut self,
        answered: &Answered,
        payload: &[u8],
    ) -> Result<(), Violation> {
        let (mac, credential) = match self.seal {
            Some(_) => self.open_confirm(payload).map(|(mac, shown)| (mac, Some(shown)))?,
            None => (Some(decode_proof(payload)?), None),
        };
        let mac = mac.ok_or(Violation::ResumeProof)?;
        let Answered { offered, theirs, ours, answer, ticket } = answered;
        if !offered.transcript(answer).is_proof(&ticket.secret, DIALER, &mac) {
            return Err(Violation::ResumeProof);
        }
        self.phase = Phase::Closed;
        self.handshake = Handshake::Done;
        self.handshake_deadline = None;
        self.handed_over = true;
        self.fx.emit(Event::Handover {
            attachment: Attachment { theirs: *theirs, ours: *ours, credential },
        });
        Ok(())
    }

    /// Goes on over the link whose dialer has proved that the session is its own. The link before
    /// it, if there still is one, is fenced: nothing that comes over it counts any more. False when
    /// yet another link was faster, or the session is over: then close this one.
    pub fn attach(&mut self, now: Time, attachment: &Attachment) -> bool {
        self.attach_behind(now, attachment, None)
    }

    /// As [`Engine::attach`] for a link that is sealed. A session that was sealed goes on only so,
    /// and only for the peer whose key it was sealed with.
    pub fn attach_sealed(&mut self, now: Time, attachment: &Attachment, seal: LinkSeal) -> bool {
        self.attach_behind(now, attachment, Some(seal.0))
    }

    fn attach_behind(&mut self, now: Time, attachment: &Attachment, seal: Option<Seal>) -> bool {
        self.advance(now);
        let Attachment { theirs, ours, .. } = attachment;
        let is_late = !self.is_resumable() || self.epoch() >= ours.epoch;
        let is_foreign = ours.session != self.session || !self.may_go_on_behind(seal.as_ref());
        if is_late || is_foreign || !self.can_go_on(theirs) {
            return false;
        }
        if self.phase != Phase::Detached {
            let was_draining = self.is_draining();
            self.unlink();
            if let Some(resumable) = self.resumable.as_mut() {
                let reason = fenced_status();
                resumable.lost = Some(Lost { until: now, reason, was_draining });
            }
        }
        self.seal = seal;
        self.go_on(theirs, ours.epoch, ours.rx_next);
        true
    }

    /// The last words on a link whose session went on over another.
    #[must_use]
    pub fn fenced() -> Vec<u8> {
        last_words(&fenced_status())
    }

    /// The last words on a link that has proved its session and does not get it; sealed, if the link
    /// is. `unavailable` and `resource_exhausted` say that its dialer may try again.
    #[must_use]
    pub fn refusal(mut seal: Option<LinkSeal>, status: &Status) -> Vec<u8> {
        let words = last_words(&brief(status));
        let mut sealed = Vec::new();
        match seal.as_mut().map(|seal| seal.0.seal_frames(&words, &mut sealed)) {
            None => words,
            Some(Ok(())) => sealed,
            // Nothing leaves such a link that is not sealed.
            Some(Err(_)) => Vec::new(),
        }
    }

    // ---- receipts

    /// A sign of life, which on a session that can be resumed says how far we came.
    pub(super) fn put_receipt(&mut self) {
        let mut message = Outgoing::new(Kind::Ack);
        message.meta.receipt = self.is_resumable().then(|| self.receipts.tell());
        self.fx.out.put_receipt(&message);
    }

    /// The peer says how far it came, or just that it lives.
    pub(super) fn handle_receipt(&mut self, receipt: Option<u64>) -> Result<(), Violation> {
        let Some(upto) = receipt.filter(|_| self.is_resumable()) else {
            return self.budget.charge(self.now);
        };
        let is_first = self.receipts.hear();
        match self.fx.out.receipt(upto) {
            None => Err(Violation::ReceiptAhead),
            // As many as these we have sent messages ourselves.
            Some(true) => {
                self.check_drained();
                Ok(())
            }
            Some(false) if is_first => Ok(()),
            Some(false) => self.budget.charge(self.now),
        }
    }
}

/// Whether what the peer needs is there, and what we need it has; our next message is `tx_next`.
fn reaches(ours: &Claim, tx_next: u64, theirs: &Claim) -> bool {
    (ours.tx_oldest..=tx_next).contains(&theirs.rx_next) && theirs.tx_oldest <= ours.rx_next
}

/// A goodbye with an error, in a frame.
fn last_words(status: &Status) -> Vec<u8> {
    let mut out = Vec::new();
    let message = Outgoing::new(Kind::Cancel).with_error(Some(status));
    crate::engine::frame::put_whole(&mut out, 0, |out| message.put(out));
    out
}

fn fenced_status() -> Status {
    Status::new(Code::Aborted, "[L4.fence.1] the session goes on over another link")
}
