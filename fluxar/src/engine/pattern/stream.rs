//! Streams: items in order, both ways, with credit.
//!
//! ```text
//! IDLE ──open──▶ ACTIVE ──cancel or deadline──▶ CANCELLING
//!                  │                                │
//!                  └──── both ends seen ───▶ CLOSED ◀┘
//! ```
//! Inside ACTIVE each direction ends once (half-closed). The callee's end is final: an opener that
//! has not ended answers it with its own end.

use crate::engine::event::{Event, Refusal};
use crate::engine::message::envelope::{Bare, Outgoing};
use crate::engine::message::kind::Kind;
use crate::engine::outbox::{Effects, Mark};
use crate::engine::pattern::rpc::too_large_status;
use crate::engine::pattern::window::Window;
use crate::engine::pattern::{
    CREDIT_MAX, Earliest, credit_cost, deadline_status, lost_status, overruled,
};
use crate::engine::time::Time;
use crate::engine::violation::Violation;
use crate::error::{Code, Status};
use bytes::Bytes;
use rustc_hash::FxHashMap;

#[derive(Debug)]
struct Stream {
    /// We opened it.
    ours: bool,
    mark: Mark,
    deadline: Option<Time>,
    /// CANCELLING, and why.
    cancelled: Option<Status>,
    /// The application hears no more of it.
    abandoned: bool,
    local_ended: bool,
    remote_ended: bool,
    /// What we may still send; negative after an item larger than the rest.
    send_credit: i64,
    /// `send_item` was refused: tell when there is credit again.
    blocked: bool,
    window: Window,
    /// Its part of the session's committed credit.
    committed: u64,
    /// Items that came.
    items: u64,
}

/// What is asked of a new stream.
#[derive(Debug)]
pub(crate) struct Opening {
    pub(crate) ours: bool,
    pub(crate) mark: Mark,
    pub(crate) deadline: Option<Time>,
    pub(crate) opener_ended: bool,
    pub(crate) send_credit: u64,
    pub(crate) window: u64,
    /// It was refused: it only waits for the opener's end.
    pub(crate) refused: bool,
}

/// Streams open in both directions.
#[derive(Debug, Default)]
pub(crate) struct Streams {
    open: FxHashMap<u64, Stream>,
    inbound: usize,
    /// Windows given to the peer, over all streams of ours and over all of its own.
    committed_ours: u64,
    committed_theirs: u64,
    deadlines: Earliest,
}

impl Streams {
    pub(crate) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    pub(crate) fn outbound_len(&self) -> usize {
        self.open.len() - self.inbound
    }

    pub(crate) fn inbound_len(&self) -> usize {
        self.inbound
    }

    /// Windows given to the peer over the streams that one side opened.
    pub(crate) fn committed(&self, ours: bool) -> u64 {
        if ours { self.committed_ours } else { self.committed_theirs }
    }

    fn committed_mut(&mut self, ours: bool) -> &mut u64 {
        if ours { &mut self.committed_ours } else { &mut self.committed_theirs }
    }

    pub(crate) fn timeout(&self) -> Option<Time> {
        self.deadlines.get()
    }

    /// Whether it is open, and whether we opened it.
    pub(crate) fn is_ours(&self, id: u64) -> Option<bool> {
        self.open.get(&id).map(|stream| stream.ours)
    }

    pub(crate) fn opened(&mut self, id: u64, opening: &Opening) {
        self.deadlines.note(opening.deadline);
        self.inbound += usize::from(!opening.ours);
        // A direction that is closed from the start needs no credit.
        let window = if opening.ours || !opening.opener_ended { opening.window } else { 0 };
        let committed = if opening.refused { 0 } else { window };
        *self.committed_mut(opening.ours) += committed;
        let stream = Stream {
            ours: opening.ours,
            mark: opening.mark,
            deadline: opening.deadline,
            cancelled: None,
            abandoned: false,
            local_ended: opening.ours && opening.opener_ended,
            remote_ended: !opening.ours && opening.opener_ended,
            send_credit: opening.send_credit as i64,
            blocked: false,
            window: Window::new(window),
            committed,
            items: 0,
        };
        self.open.insert(id, stream);
    }

    fn remove(&mut self, id: u64) {
        if let Some(stream) = self.open.remove(&id) {
            self.inbound -= usize::from(!stream.ours);
            *self.committed_mut(stream.ours) -= stream.committed;
        }
    }

    /// Sends an item if there is credit.
    pub(crate) fn send_item(
        &mut self,
        id: u64,
        payload: &[u8],
        writable: bool,
        fx: &mut Effects,
    ) -> Result<(), Refusal> {
        let Some(stream) = self.open.get_mut(&id) else { return Err(gone().into()) };
        if stream.local_ended {
            return Err(gone().into());
        }
        if let (Some(status), false) = (&stream.cancelled, stream.ours) {
            // The opener asked for the end: items would only be in its way.
            return Err(status.clone().into());
        }
        if stream.send_credit <= 0 || !writable {
            stream.blocked = true;
            return Err(Refusal::Blocked);
        }
        if !fx.out.put_bare(&Bare { kind: Kind::Stream, reference: id, payload }) {
            let mut message = Outgoing::answering(Kind::Stream, id);
            message.payload = Some(payload);
            if !fx.out.fits(&message) {
                return Err(too_large_status(fx.out.message_bytes_max()).into());
            }
            fx.out.put(id, &message);
        }
        stream.send_credit -= credit_cost(payload.len()) as i64;
        Ok(())
    }

    /// Ends our direction; a callee's end is final. True when it was a callee's and nobody had
    /// cancelled it.
    pub(crate) fn end(
        &mut self,
        id: u64,
        outcome: Result<Option<&[u8]>, &Status>,
        fx: &mut Effects,
    ) -> bool {
        let Some(stream) = self.open.get_mut(&id) else { return false };
        if std::mem::replace(&mut stream.local_ended, true) {
            return false;
        }
        let earned = !stream.ours && stream.cancelled.is_none();
        let theirs = stream.cancelled.as_ref().filter(|_| !stream.ours);
        let outcome = overruled(theirs).map_or(outcome, Err);
        let mut message = Outgoing::answering(Kind::Stream, id);
        message.meta.end = true;
        let too_large;
        match outcome {
            Ok(payload) if !stream.ours => message.payload = payload,
            Ok(_) => {}
            Err(status) => message.error = Some(stream.cancelled.as_ref().unwrap_or(status)),
        }
        if !fx.out.fits(&message) {
            too_large = too_large_status(fx.out.message_bytes_max());
            message.payload = None;
            message.error = Some(&too_large);
        }
        fx.out.put(id, &message);
        if stream.remote_ended {
            self.remove(id);
        }
        earned
    }

    /// The application took `cost` bytes of items: grants them again in halves of the window.
    pub(crate) fn consumed(&mut self, id: u64, cost: u64, fx: &mut Effects) -> bool {
        let Some(stream) = self.open.get_mut(&id) else { return false };
        if !stream.remote_ended
            && let Some(grant) = stream.window.consume(cost)
        {
            put_credit(id, grant, fx);
        }
        true
    }

    /// Asks the callee to stop. With `abandon` the application hears no more of the stream, and
    /// our direction ends too.
    pub(crate) fn cancel(&mut self, id: u64, abandon: bool, fx: &mut Effects) -> bool {
        let Some(stream) = self.open.get_mut(&id) else { return false };
        if !stream.ours {
            return false;
        }
        stream.abandoned |= abandon;
        if stream.cancelled.is_none() {
            stream.cancelled = Some(Status::new(Code::Cancelled, "cancelled by the opener"));
            fx.out.put(id, &Outgoing::answering(Kind::Cancel, id));
        }
        if abandon {
            let status = Status::new(Code::Cancelled, "cancelled by the opener");
            self.end(id, Err(&status), fx);
        }
        true
    }

    /// An item came.
    pub(crate) fn item(
        &mut self,
        id: u64,
        owner: &Bytes,
        payload: &[u8],
        fx: &mut Effects,
    ) -> Result<(), Violation> {
        let Some(stream) = self.open.get_mut(&id) else { return Ok(()) };
        if stream.remote_ended {
            return Err(Violation::StreamEnded);
        }
        stream.window.take(payload.len())?;
        stream.items += 1;
        let callee_is_done = !stream.ours && stream.local_ended;
        // What nobody reads is not granted again: the sender runs dry until it hears the end.
        if !stream.abandoned && !callee_is_done {
            fx.emit_item(id, owner, payload);
        }
        Ok(())
    }

    /// The peer's direction ended.
    pub(crate) fn ended(
        &mut self,
        id: u64,
        outcome: Result<Option<Bytes>, Status>,
        fx: &mut Effects,
    ) -> Result<(), Violation> {
        let Some(stream) = self.open.get_mut(&id) else { return Ok(()) };
        if stream.remote_ended {
            return Err(Violation::StreamEnded);
        }
        if !stream.ours && matches!(outcome, Ok(Some(_))) {
            // Only the callee has a result.
            return Err(Violation::StreamResult);
        }
        stream.remote_ended = true;
        let callee_is_done = !stream.ours && stream.local_ended;
        if !stream.abandoned && !callee_is_done {
            fx.emit(Event::StreamEnd { id, outcome });
        }
        if stream.ours && !stream.local_ended {
            self.end(id, Ok(None), fx);
        } else if stream.local_ended {
            self.remove(id);
        }
        Ok(())
    }

    /// The peer grants credit.
    pub(crate) fn granted(
        &mut self,
        id: u64,
        credit: u64,
        fx: &mut Effects,
    ) -> Result<(), Violation> {
        let Some(stream) = self.open.get_mut(&id) else { return Ok(()) };
        stream.send_credit = add_credit(stream.send_credit, credit)?;
        if stream.blocked && stream.send_credit > 0 {
            stream.blocked = false;
            fx.emit(Event::StreamWritable { id });
        }
        Ok(())
    }

    /// The outbox has room again: whoever has credit and waits may go on.
    pub(crate) fn writable(&mut self, fx: &mut Effects) {
        let mut ready: Vec<u64> = Vec::new();
        for (id, stream) in &mut self.open {
            if stream.blocked && stream.send_credit > 0 {
                stream.blocked = false;
                ready.push(*id);
            }
        }
        ready.sort_unstable();
        for id in ready {
            fx.emit(Event::StreamWritable { id });
        }
    }

    /// The opener cancels.
    pub(crate) fn cancelled(&mut self, id: u64, status: Status, fx: &mut Effects) {
        let Some(stream) = self.open.get_mut(&id) else { return };
        if stream.cancelled.is_none() && !stream.local_ended {
            stream.cancelled = Some(status.clone());
            fx.emit(Event::Cancelled { id, status });
            if std::mem::take(&mut stream.blocked) {
                fx.emit(Event::StreamWritable { id });
            }
        }
    }

    /// Ends what is past its deadline, and finds the next one.
    pub(crate) fn sweep(&mut self, now: Time, fx: &mut Effects) {
        if self.deadlines.get().is_none_or(|earliest| earliest > now) {
            return;
        }
        self.deadlines.reset();
        let mut late = Vec::new();
        for (id, stream) in &mut self.open {
            match stream.deadline {
                Some(deadline) if deadline <= now => {
                    stream.deadline = None;
                    late.push((*id, stream.ours, stream.abandoned || stream.remote_ended));
                }
                deadline => self.deadlines.note(deadline),
            }
        }
        late.sort_unstable();
        for (id, ours, silent) in late {
            if !ours {
                self.cancelled(id, deadline_status(), fx);
                continue;
            }
            // The callee keeps the same deadline: no CANCEL is needed.
            if let Some(stream) = self.open.get_mut(&id) {
                stream.cancelled = Some(deadline_status());
                stream.abandoned = true;
            }
            self.end(id, Err(&deadline_status()), fx);
            if !silent {
                fx.emit(Event::StreamEnd { id, outcome: Err(deadline_status()) });
            }
        }
    }

    /// What the peer may do has ended: so do the streams that it has opened.
    pub(crate) fn expire(&mut self, status: &Status, fx: &mut Effects) {
        let theirs = self.open.iter().filter(|(_, stream)| !stream.ours);
        let mut open: Vec<u64> = theirs.map(|(id, _)| *id).collect();
        open.sort_unstable();
        open.into_iter().for_each(|id| self.cancelled(id, status.clone(), fx));
    }

    /// The session is over: every stream ends now.
    pub(crate) fn close(&mut self, reason: &Status, fx: &mut Effects) {
        let mut open: Vec<(u64, Stream)> = self.open.drain().collect();
        open.sort_unstable_by_key(|(id, _)| *id);
        for (id, stream) in open {
            if !stream.ours && !stream.local_ended {
                fx.emit(Event::Cancelled { id, status: reason.clone() });
            }
            let callee_is_done = !stream.ours && stream.local_ended;
            if !stream.remote_ended && !stream.abandoned && !callee_is_done {
                let unsent = stream.ours && fx.out.is_unsent(id, stream.mark);
                let mut status = lost_status(unsent, reason);
                if !unsent {
                    // Where whoever asks again may go on.
                    let text = format!("{}; {} items had come", status.message(), stream.items);
                    status = Status::new(status.code(), text).with_origin(status.origin());
                }
                fx.emit(Event::StreamEnd { id, outcome: Err(status) });
            }
        }
        self.inbound = 0;
        self.committed_ours = 0;
        self.committed_theirs = 0;
        self.deadlines.reset();
    }
}

/// Adds a grant to what is left.
pub(crate) fn add_credit(credit: i64, grant: u64) -> Result<i64, Violation> {
    let sum = i64::try_from(grant).ok().and_then(|grant| credit.checked_add(grant));
    sum.filter(|sum| *sum <= CREDIT_MAX).ok_or(Violation::CreditOverflow)
}

pub(crate) fn put_credit(id: u64, grant: u64, fx: &mut Effects) {
    let mut message = Outgoing::answering(Kind::Ack, id);
    message.meta.credit = Some(grant);
    fx.out.put_now(&message);
}

fn gone() -> Status {
    Status::new(Code::Cancelled, "the stream has ended: nobody takes this item")
}
