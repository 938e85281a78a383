//! Calls and streams from the peer.

use super::Received;
use crate::engine::Engine;
use crate::engine::commands::credit_status;
use crate::engine::event::Event;
use crate::engine::message::Form;
use crate::engine::message::envelope::Outgoing;
use crate::engine::message::kind::Kind;
use crate::engine::outbox::Mark;
use crate::engine::pattern::pubsub::is_well_formed;
use crate::engine::pattern::stream::Opening;
use crate::engine::pattern::{CREDIT_MAX, expired_status};
use crate::engine::session::phase::Phase;
use crate::engine::violation::Violation;
use crate::error::Code;
use crate::error::Origin;
use crate::error::Status;

impl Engine {
    /// Why a call or stream is not admitted.
    pub(super) fn admission(
        &self,
        received: &Received<'_>,
        open: usize,
        max: u32,
    ) -> Option<Status> {
        let envelope = &received.envelope;
        let target = envelope.target.unwrap_or_default();
        let is_call = envelope.kind == Kind::Call && envelope.id.is_some();
        let meta = &envelope.meta;
        let unsupported = if is_call { meta.unsupported } else { meta.unsupported_but_on_calls() };
        let draining = self.phase == Phase::Draining && envelope.id.is_some();
        let (code, text) = if draining {
            (Code::Unavailable, "the callee is closing its session: reconnect".to_owned())
        } else if let Some(key) = unsupported {
            (
                Code::Unimplemented,
                format!("[X.open.1] meta key {key} asks for what was not offered"),
            )
        } else if !is_well_formed(target, false) {
            let text =
                format!("[L3.target.2] `{target}` is no target: use segments joined by dots");
            (Code::InvalidArgument, text)
        } else if envelope.meta.deadline_ms == Some(0) {
            (Code::DeadlineExceeded, "[L5.deadline.2] no time was left on arrival".to_owned())
        } else if self.is_expired {
            return Some(expired_status());
        } else if !self.identity.rights.may_call(target) {
            (Code::PermissionDenied, format!("[L4.rights.1] no right to call `{target}`"))
        } else if open >= max as usize {
            let text = format!("[L5.call.5] {max} are open already: wait for one to end");
            (Code::ResourceExhausted, text)
        } else if envelope.meta.hops > u64::from(self.config.limits.hops_max) {
            let text = format!(
                "[L5.hops.1] the chain of calls is longer than {}: do they call back for ever?",
                self.config.limits.hops_max
            );
            (Code::ResourceExhausted, text)
        } else {
            return None;
        };
        Some(Status::new(code, text))
    }

    pub(super) fn handle_request(&mut self, received: &Received<'_>) -> Result<(), Violation> {
        let id = match received.envelope.id {
            Some(_) => Some(self.take_remote_id(received)?),
            None => None,
        };
        let max = self.config.limits.calls_max;
        if let Some(status) = self.admission(received, self.calls.inbound_len(), max) {
            self.budget.charge(self.now)?;
            match id {
                Some(id) => {
                    let message = Outgoing::answering(Kind::Call, id).with_error(Some(&status));
                    self.fx.out.put_now(&message);
                }
                None => self.notifications_dropped += 1,
            }
            return Ok(());
        }
        let deadline = self.deadline(received);
        match id {
            Some(id) => self.calls.accepted(id, deadline),
            None => self.calls.notified(),
        }
        self.fx.emit(Event::Call {
            id,
            target: received.target(),
            payload: received.payload(),
            meta: received.meta(),
            deadline,
        });
        Ok(())
    }

    pub(super) fn handle_response(&mut self, received: &Received<'_>) -> Result<(), Violation> {
        let id = Self::reference(received);
        if !self.calls.is_outbound(id) {
            return self.not_open(id, received);
        }
        let outcome = match received.error() {
            Some(status) => Err(status),
            None => Ok(received.payload().unwrap_or_default()),
        };
        self.calls.answered(id, outcome, &mut self.fx);
        self.slot_freed();
        self.check_drained();
        Ok(())
    }

    /// A ref that the kind's own table does not have: open as another kind or of the other side,
    /// or a stray.
    pub(super) fn not_open(&mut self, id: u64, received: &Received<'_>) -> Result<(), Violation> {
        let open = self.calls.is_inbound(id)
            || self.calls.is_outbound(id)
            || self.streams.is_ours(id).is_some()
            || self.subscriptions.is_ours(id).is_some();
        if open {
            self.budget.charge_unknown_ref(self.now)
        } else {
            self.stray(received.envelope.reference)
        }
    }

    pub(super) fn handle_open(&mut self, received: &Received<'_>) -> Result<(), Violation> {
        let id = self.take_remote_id(received)?;
        let meta = &received.envelope.meta;
        let credit = meta.credit.unwrap_or_else(|| u64::from(self.peer_limits.initial_credit));
        if credit > CREDIT_MAX as u64 {
            return Err(Violation::CreditOverflow);
        }
        let max = self.config.limits.streams_max;
        let window = u64::from(self.config.limits.initial_credit);
        let committed = self.streams.committed(false) + if meta.end { 0 } else { window };
        let refusal = self
            .admission(received, self.streams.inbound_len(), max)
            .or_else(|| (committed > self.config.limits.session_credit_max).then(credit_status));
        if let Some(status) = refusal {
            self.budget.charge(self.now)?;
            return self.refuse_stream(id, meta.end, &status);
        }
        let deadline = self.deadline(received);
        let opening = Opening {
            ours: false,
            mark: Mark::At(0),
            deadline,
            opener_ended: meta.end,
            send_credit: credit,
            window,
            refused: false,
        };
        self.streams.opened(id, &opening);
        self.fx.emit(Event::Stream {
            id,
            target: received.target(),
            payload: received.payload(),
            meta: received.meta(),
            deadline,
            half_closed: meta.end,
        });
        Ok(())
    }

    /// Our end of a stream that was never accepted. Until the opener's own end comes it takes a
    /// place like any other, with no credit: what the opener sends meanwhile is in its window.
    fn refuse_stream(
        &mut self,
        id: u64,
        opener_ended: bool,
        status: &Status,
    ) -> Result<(), Violation> {
        if self.streams.inbound_len() >= 2 * self.config.limits.streams_max as usize {
            return Err(Violation::StreamsTooMany);
        }
        let window = if opener_ended { 0 } else { u64::from(self.config.limits.initial_credit) };
        let opening = Opening {
            ours: false,
            mark: Mark::At(0),
            deadline: None,
            opener_ended,
            send_credit: 0,
            window,
            refused: true,
        };
        self.streams.opened(id, &opening);
        self.streams.end(id, Err(status), &mut self.fx);
        Ok(())
    }

    pub(super) fn handle_item(
        &mut self,
        form: Form,
        received: &Received<'_>,
    ) -> Result<(), Violation> {
        let id = Self::reference(received);
        if self.streams.is_ours(id).is_none() {
            return self.not_open(id, received);
        }
        if form == Form::Item {
            let payload = received.envelope.payload.unwrap_or_default();
            return self.streams.item(id, received.owner, payload, &mut self.fx);
        }
        let outcome = match received.error() {
            Some(status) => Err(status),
            None => Ok(received.payload()),
        };
        self.streams.ended(id, outcome, &mut self.fx)?;
        self.slot_freed();
        self.check_drained();
        Ok(())
    }

    pub(super) fn handle_cancel(&mut self, received: &Received<'_>) -> Result<(), Violation> {
        let id = Self::reference(received);
        let status =
            Status::new(Code::Cancelled, "cancelled by the caller").with_origin(Origin::Peer);
        if self.calls.is_inbound(id) {
            self.budget.charge(self.now)?;
            self.calls.cancelled(id, status, &mut self.fx);
            return Ok(());
        }
        match (self.streams.is_ours(id), self.subscriptions.is_ours(id)) {
            (Some(false), _) => self.streams.cancelled(id, status, &mut self.fx),
            (_, Some(false)) => self.subscriptions.cancelled(id, &mut self.fx),
            _ => return self.not_open(id, received),
        }
        self.budget.charge(self.now)
    }

    pub(super) fn handle_credit(&mut self, received: &Received<'_>) -> Result<(), Violation> {
        let id = Self::reference(received);
        let credit = received.envelope.meta.credit.unwrap_or(0);
        if self.streams.is_ours(id).is_some() {
            self.budget.charge(self.now)?;
            return self.streams.granted(id, credit, &mut self.fx);
        }
        match self.subscriptions.is_ours(id) {
            Some(false) => self.subscriptions.granted(id, credit)?,
            _ => return self.not_open(id, received),
        }
        self.flush_subscriptions();
        self.budget.charge(self.now)
    }
}
