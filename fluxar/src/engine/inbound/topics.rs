//! Subscriptions, publications and deliveries from the peer.

use super::Received;
use crate::engine::Engine;
use crate::engine::event::Event;
use crate::engine::event::Overflow;
use crate::engine::event::PublishOptions;
use crate::engine::event::SubscribeOptions;
use crate::engine::message::Form;
use crate::engine::message::envelope::Outgoing;
use crate::engine::message::kind::Kind;
use crate::engine::message::user::UserMeta;
use crate::engine::pattern::pubsub::Marks;
use crate::engine::pattern::pubsub::has_wildcard;
use crate::engine::pattern::pubsub::is_well_formed;
use crate::engine::pattern::{CREDIT_MAX, expired_status};
use crate::engine::session::phase::Phase;
use crate::engine::violation::Violation;
use crate::error::Code;
use crate::error::Status;

impl Engine {
    pub(super) fn handle_ask(&mut self, received: &Received<'_>) -> Result<(), Violation> {
        let id = self.take_remote_id(received)?;
        let meta = &received.envelope.meta;
        let pattern = received.envelope.target.unwrap_or_default();
        let credit = meta.credit.unwrap_or_else(|| u64::from(self.peer_limits.initial_credit));
        if credit > CREDIT_MAX as u64 {
            return Err(Violation::CreditOverflow);
        }
        self.budget.charge(self.now)?;
        if let Some(status) = self.subscription_refusal(received) {
            let mut message = Outgoing::answering(Kind::Subscribe, id).with_error(Some(&status));
            message.meta.end = true;
            self.fx.out.put_now(&message);
            return Ok(());
        }
        let options = SubscribeOptions {
            group: meta.group.map(str::to_owned),
            overflow: overflow(meta.overflow),
            credit: u32::try_from(credit).ok(),
        };
        self.subscriptions.asks(id, pattern, credit, &options);
        self.fx.emit(Event::Subscribe { id, pattern: received.target(), options });
        Ok(())
    }

    pub(super) fn subscription_refusal(&self, received: &Received<'_>) -> Option<Status> {
        let pattern = received.envelope.target.unwrap_or_default();
        let limits = &self.config.limits;
        let meta = &received.envelope.meta;
        let wildcards_full = has_wildcard(pattern)
            && self.subscriptions.wildcards() >= limits.wildcards_max as usize;
        let (code, text) = if self.phase == Phase::Draining {
            (Code::Unavailable, "the peer is closing its session: reconnect".to_owned())
        } else if meta.unsupported_but_on_calls().is_some() {
            let text = "[X.open.1] qos 1 and 2, durable subscriptions and the policy `block` are \
                        not offered";
            (Code::Unimplemented, text.to_owned())
        } else if !is_well_formed(pattern, true) {
            (Code::InvalidArgument, format!("[L3.target.2] `{pattern}` is no topic pattern"))
        } else if self.is_expired {
            return Some(expired_status());
        } else if !self.identity.rights.may_subscribe(pattern) {
            (Code::PermissionDenied, format!("[L4.rights.3] no right to subscribe to `{pattern}`"))
        } else if self.subscriptions.inbound_len() >= limits.subscriptions_max as usize
            || wildcards_full
        {
            let text = format!(
                "[L5.topic.6] at most {} subscriptions, {} of them with wildcards",
                limits.subscriptions_max, limits.wildcards_max
            );
            (Code::ResourceExhausted, text)
        } else {
            return None;
        };
        Some(Status::new(code, text))
    }

    pub(super) fn handle_granted(
        &mut self,
        form: Form,
        received: &Received<'_>,
    ) -> Result<(), Violation> {
        let id = Self::reference(received);
        match self.subscriptions.is_ours(id) {
            Some(true) => {
                let over = (form == Form::Over).then(|| received.error());
                if self.subscriptions.answered(id, over, &mut self.fx) {
                    return Ok(());
                }
                self.budget.charge(self.now)
            }
            _ => self.not_open(id, received),
        }
    }

    pub(super) fn handle_publish(&mut self, received: &Received<'_>) -> Result<(), Violation> {
        let envelope = &received.envelope;
        let topic = envelope.target.unwrap_or_default();
        check_reserved(received)?;
        if !is_well_formed(topic, false) {
            return self.budget.charge(self.now);
        }
        if self.is_expired {
            // It was on its way, and nobody answers it.
            return self.budget.charge(self.now);
        }
        if !self.identity.rights.may_publish(topic) {
            return Err(Violation::RightPublish);
        }
        let options = PublishOptions {
            retain: envelope.meta.retain,
            meta: UserMeta::of_wire(envelope.meta.user),
        };
        if !options.meta.fits() {
            // With keys of ours beside them no subscriber would take it.
            return self.budget.charge(self.now);
        }
        let payload = received.payload().unwrap_or_default();
        self.fx.emit(Event::Publish { topic: received.target(), payload, options });
        Ok(())
    }

    pub(super) fn handle_delivery(&mut self, received: &Received<'_>) -> Result<(), Violation> {
        let id = Self::reference(received);
        match self.subscriptions.is_ours(id) {
            Some(true) => {}
            _ => return self.not_open(id, received),
        }
        check_reserved(received)?;
        let meta = &received.envelope.meta;
        let topic = received.envelope.target.is_some().then(|| received.target());
        let payload = received.payload().unwrap_or_default();
        let marks = Marks {
            dropped: meta.dropped,
            retained: meta.retain,
            meta: UserMeta::of_wire(meta.user),
        };
        self.subscriptions.delivered(id, topic, payload, marks, &mut self.fx)
    }
}

/// An event can be refused by nobody's answer, so what asks for more than qos 0 ends the session.
fn check_reserved(received: &Received<'_>) -> Result<(), Violation> {
    let meta = &received.envelope.meta;
    if received.envelope.id.is_some() || meta.qos > 0 {
        return Err(Violation::Qos);
    }
    if meta.unsupported_but_on_calls().is_some() { Err(Violation::EventReserved) } else { Ok(()) }
}

fn overflow(number: u8) -> Overflow {
    match number {
        1 => Overflow::DropNewest,
        2 => Overflow::Latest,
        3 => Overflow::Disconnect,
        _ => Overflow::DropOldest,
    }
}
