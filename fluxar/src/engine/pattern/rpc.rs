//! Calls and notifications.

use crate::engine::event::Event;
use crate::engine::message::envelope::{Bare, Outgoing};
use crate::engine::message::kind::Kind;
use crate::engine::outbox::{Effects, Mark};
use crate::engine::pattern::{Earliest, deadline_status, lost_status, overruled};
use crate::engine::time::Time;
use crate::error::{Code, Status};
use bytes::Bytes;
use rustc_hash::FxHashMap;

#[derive(Debug)]
struct Outbound {
    deadline: Option<Time>,
    mark: Mark,
    cancelled: bool,
    /// The application was told the outcome, or does not want it.
    reported: bool,
}

#[derive(Debug)]
struct Inbound {
    deadline: Option<Time>,
    cancelled: Option<Status>,
}

/// Calls in flight, in both directions.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    outbound: FxHashMap<u64, Outbound>,
    inbound: FxHashMap<u64, Inbound>,
    notifications: u32,
    deadlines: Earliest,
}

impl Calls {
    pub(crate) fn is_empty(&self) -> bool {
        self.is_answered() && self.notifications == 0
    }

    /// Nobody waits for an answer, on either side.
    pub(crate) fn is_answered(&self) -> bool {
        self.outbound.is_empty() && self.inbound.is_empty()
    }

    /// Calls of ours that the peer has not answered.
    pub(crate) fn outbound_len(&self) -> usize {
        self.outbound.len()
    }

    /// Calls and notifications of the peer's whose handler has not ended.
    pub(crate) fn inbound_len(&self) -> usize {
        self.inbound.len() + self.notifications as usize
    }

    pub(crate) fn timeout(&self) -> Option<Time> {
        self.deadlines.get()
    }

    pub(crate) fn opened(&mut self, id: u64, deadline: Option<Time>, mark: Mark) {
        self.deadlines.note(deadline);
        let call = Outbound { deadline, mark, cancelled: false, reported: false };
        self.outbound.insert(id, call);
    }

    /// Takes an answer; false when no such call is open.
    pub(crate) fn answered(
        &mut self,
        id: u64,
        outcome: Result<Bytes, Status>,
        fx: &mut Effects,
    ) -> bool {
        let Some(call) = self.outbound.remove(&id) else { return false };
        if !call.reported {
            fx.emit(Event::Response { id, outcome });
        }
        true
    }

    /// Asks the peer to stop. With `abandon` the application does not hear of the call again.
    pub(crate) fn cancel(&mut self, id: u64, abandon: bool, fx: &mut Effects) -> bool {
        let Some(call) = self.outbound.get_mut(&id) else { return false };
        call.reported |= abandon;
        if !std::mem::replace(&mut call.cancelled, true) {
            fx.out.put(id, &Outgoing::answering(Kind::Cancel, id));
        }
        true
    }

    /// The peer calls.
    pub(crate) fn accepted(&mut self, id: u64, deadline: Option<Time>) {
        self.deadlines.note(deadline);
        self.inbound.insert(id, Inbound { deadline, cancelled: None });
    }

    pub(crate) fn is_inbound(&self, id: u64) -> bool {
        self.inbound.contains_key(&id)
    }

    pub(crate) fn is_outbound(&self, id: u64) -> bool {
        self.outbound.contains_key(&id)
    }

    pub(crate) fn notified(&mut self) {
        self.notifications += 1;
    }

    pub(crate) fn notification_ended(&mut self) {
        self.notifications = self.notifications.saturating_sub(1);
    }

    /// The handler ended. True when the call was open and nobody had cancelled it.
    pub(crate) fn respond(
        &mut self,
        id: u64,
        outcome: Result<&[u8], &Status>,
        fx: &mut Effects,
    ) -> bool {
        let Some(call) = self.inbound.remove(&id) else { return false };
        let outcome = overruled(call.cancelled.as_ref()).map_or(outcome, Err);
        if let Ok(payload) = outcome
            && fx.out.put_bare(&Bare { kind: Kind::Call, reference: id, payload })
        {
            return call.cancelled.is_none();
        }
        let mut message = Outgoing::answering(Kind::Call, id);
        let too_large;
        match outcome {
            Ok(payload) => message.payload = Some(payload),
            // The reason why it was cancelled says more than what the handler made of it.
            Err(status) => message.error = Some(call.cancelled.as_ref().unwrap_or(status)),
        }
        if !fx.out.fits(&message) {
            too_large = too_large_status(fx.out.message_bytes_max());
            message.payload = None;
            message.error = Some(&too_large);
        }
        fx.out.put(id, &message);
        call.cancelled.is_none()
    }

    /// The peer gives up a call of its own.
    pub(crate) fn cancelled(&mut self, id: u64, status: Status, fx: &mut Effects) -> bool {
        let Some(call) = self.inbound.get_mut(&id) else { return false };
        if call.cancelled.is_none() {
            call.cancelled = Some(status.clone());
            fx.emit(Event::Cancelled { id, status });
        }
        true
    }

    /// Ends what is past its deadline, and finds the next one.
    pub(crate) fn sweep(&mut self, now: Time, fx: &mut Effects) {
        if self.deadlines.get().is_none_or(|earliest| earliest > now) {
            return;
        }
        self.deadlines.reset();
        let mut late = Vec::new();
        for (id, call) in &mut self.outbound {
            match call.deadline {
                Some(deadline) if deadline <= now => {
                    call.deadline = None;
                    late.push(*id);
                }
                deadline => self.deadlines.note(deadline),
            }
        }
        // A hash map's order is no order: sorted, so that the same inputs give the same outputs.
        late.sort_unstable();
        for id in late.drain(..) {
            // The callee keeps the same deadline: no CANCEL is needed.
            let Some(call) = self.outbound.get_mut(&id) else { continue };
            call.cancelled = true;
            if !std::mem::replace(&mut call.reported, true) {
                fx.emit(Event::Response { id, outcome: Err(deadline_status()) });
            }
        }
        for (id, call) in &mut self.inbound {
            match call.deadline {
                Some(deadline) if deadline <= now => {
                    call.deadline = None;
                    late.push(*id);
                }
                deadline => self.deadlines.note(deadline),
            }
        }
        late.sort_unstable();
        for id in late {
            self.cancelled(id, deadline_status(), fx);
        }
    }

    /// What the peer may do has ended: so do its calls.
    pub(crate) fn expire(&mut self, status: &Status, fx: &mut Effects) {
        let mut open: Vec<u64> = self.inbound.keys().copied().collect();
        open.sort_unstable();
        for id in open {
            self.cancelled(id, status.clone(), fx);
        }
    }

    /// The session is over: every call ends now.
    pub(crate) fn close(&mut self, reason: &Status, fx: &mut Effects) {
        let mut open: Vec<(u64, Outbound)> = self.outbound.drain().collect();
        open.sort_unstable_by_key(|(id, _)| *id);
        for (id, call) in open {
            if !call.reported {
                let unsent = fx.out.is_unsent(id, call.mark);
                fx.emit(Event::Response { id, outcome: Err(lost_status(unsent, reason)) });
            }
        }
        let mut open: Vec<u64> = self.inbound.drain().map(|(id, _)| id).collect();
        open.sort_unstable();
        for id in open {
            fx.emit(Event::Cancelled { id, status: reason.clone() });
        }
        self.deadlines.reset();
    }
}

pub(crate) fn too_large_status(bytes_max: usize) -> Status {
    let text = format!(
        "a message above {bytes_max} bytes, the peer's limit: send it as a stream of items"
    );
    Status::new(Code::ResourceExhausted, text)
}
