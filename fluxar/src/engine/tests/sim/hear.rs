//! What the engines tell about calls and streams, held against the ledger.

use super::ledger::{Asker, CALLEE, OPENER, Outcome};
use super::world::World;
use crate::engine::session::phase::Phase;
use crate::engine::time::Time;
use crate::error::{Code, Origin, Status};
use bytes::Bytes;
use std::time::Duration;

/// Why something ended without an answer of its callee's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Why {
    /// The session ended before it was sent.
    Unsent,
    /// The session ended after it was sent.
    Unknown,
    Late,
    /// The peer's engine or application said so.
    Said,
}

fn why(status: &Status) -> Why {
    let lost = status.message().starts_with("the session ended");
    match status.code() {
        Code::Unavailable if lost => Why::Unsent,
        Code::Indeterminate if lost => Why::Unknown,
        Code::DeadlineExceeded if status.origin() == Origin::Local => Why::Late,
        _ => Why::Said,
    }
}

/// Without ever reaching the callee's application, these are the answers of its engine.
fn is_refusal(code: Code) -> bool {
    matches!(code, Code::ResourceExhausted | Code::Unavailable)
}

impl World {
    pub(super) fn called(
        &mut self,
        side: usize,
        id: u64,
        target: &str,
        payload: Option<&[u8]>,
        deadline: Option<Time>,
    ) {
        let now = self.now;
        let call = self.ledger.call(id).expect("a call that somebody made");
        assert_eq!(call.by, 1 - side, "{id}");
        assert!(!call.executed, "{id} runs twice");
        assert!(!call.never, "{id} runs although its caller was told that it never would");
        assert_eq!(target, format!("call.{}", call.request.tag), "{id}");
        assert!(call.request.is(payload.unwrap_or_default()), "{id}: another request");
        check_deadline(id, now, (call.made, call.deadline), deadline);
        call.executed = true;
        call.callee_deadline = deadline;
    }

    pub(super) fn answered(&mut self, side: usize, id: u64, outcome: Result<Bytes, Status>) {
        let now = self.now;
        let closed = self.sides[side].engine.phase() == Phase::Closed;
        let sent = self.sniffers[side].opened.contains(&id);
        let call = self.ledger.call(id).expect("a call that somebody made");
        assert_eq!(call.by, side, "{id}");
        assert_eq!(call.asker, Asker::Waits, "{id} is answered again, or for nobody");
        call.asker = Asker::Ended;
        let status = match outcome {
            Ok(payload) => {
                let answered = call.answered.expect("an answer that nobody gave");
                return answered.check(Ok(Some(&payload)), id);
            }
            Err(status) => status,
        };
        match why(&status) {
            Why::Unsent => {
                assert!(closed && !sent && !call.executed, "{id} was sent: {status}");
                call.never = true;
            }
            Why::Unknown => {
                assert!(closed, "{id} is indeterminate on a live session");
                self.ledger_check_later(id);
            }
            Why::Late => {
                let late = call.deadline.is_some_and(|deadline| deadline <= now);
                assert!(late, "{id} is not late");
            }
            Why::Said => match call.answered {
                Some(answered) => answered.check(Err(&status), id),
                None => {
                    assert!(!call.executed && is_refusal(status.code()), "{id}: {status}");
                    call.never = true;
                }
            },
        }
    }

    pub(super) fn stream_opened(
        &mut self,
        side: usize,
        id: u64,
        target: &str,
        (payload, deadline, half_closed): (Option<&[u8]>, Option<Time>, bool),
    ) {
        let now = self.now;
        let stream = self.ledger.stream(id).expect("a stream that somebody opened");
        assert_eq!(stream.by, 1 - side, "{id}");
        assert!(!stream.executed && !stream.never, "{id} runs twice, or never should");
        assert_eq!(target, format!("stream.{}", stream.request.tag), "{id}");
        assert!(stream.request.is(payload.unwrap_or_default()), "{id}: another request");
        assert_eq!(half_closed, stream.half_closed, "{id}");
        check_deadline(id, now, (Time::ZERO, stream.deadline), deadline);
        stream.executed = true;
        stream.callee_deadline = deadline;
    }

    pub(super) fn told_to_stop(&mut self, side: usize, id: u64, status: &Status) {
        let now = self.now;
        let closed = self.sides[side].engine.phase() == Phase::Closed;
        let check = |told: &mut Option<Code>, cancelled: bool, deadline: Option<Time>| {
            if closed {
                return;
            }
            assert!(told.is_none(), "{id} is cancelled twice");
            *told = Some(status.code());
            let late = deadline.is_some_and(|deadline| deadline <= now);
            match status.code() {
                Code::Cancelled => assert!(cancelled, "{id} is cancelled by nobody"),
                Code::DeadlineExceeded => assert!(late, "{id} is not late"),
                other => panic!("{id} is cancelled with {other}"),
            }
        };
        if let Some(call) = self.ledger.call(id) {
            assert!(call.by != side && call.executed && call.answered.is_none(), "{id}");
            return check(&mut call.told_cancel, call.cancelled, call.callee_deadline);
        }
        let stream = self.ledger.stream(id).expect("a call or stream that somebody opened");
        assert!(stream.by != side && stream.is_served(), "{id} has no handler to cancel");
        check(&mut stream.told_cancel, stream.cancelled, stream.callee_deadline);
    }

    pub(super) fn stream_ended(
        &mut self,
        side: usize,
        id: u64,
        outcome: Result<Option<Bytes>, Status>,
    ) {
        let closed = self.sides[side].engine.phase() == Phase::Closed;
        let stream = self.ledger.stream(id).expect("a stream that somebody opened");
        if stream.by != side {
            // The opener's direction ended, for a handler that still runs.
            assert!(stream.is_served(), "{id} has no handler to tell");
            let way = &mut stream.ways[OPENER];
            if closed && outcome.as_ref().is_err_and(|status| why(status) != Why::Said) {
                assert!(!way.heard && !way.muted, "{id}: ended twice");
                way.heard = true;
                return;
            }
            return way.end_heard(as_heard(&outcome), id);
        }
        self.outcome_heard(side, id, outcome);
    }

    /// The final outcome, for the opener.
    fn outcome_heard(&mut self, side: usize, id: u64, outcome: Result<Option<Bytes>, Status>) {
        let now = self.now;
        let closed = self.sides[side].engine.phase() == Phase::Closed;
        let sent = self.sniffers[side].opened.contains(&id);
        let stream = self.ledger.stream(id).expect("a stream that somebody opened");
        assert!(!stream.over_for_opener(), "{id} ended twice");
        let cause = outcome.as_ref().err().map(why);
        let late = stream.deadline.is_some_and(|deadline| deadline <= now);
        // An opener that has not ended does so at once.
        let own_end = match cause {
            Some(Why::Late) => Outcome::Failed(Code::DeadlineExceeded),
            _ => Outcome::Nothing,
        };
        stream.ways[OPENER].ended.get_or_insert(own_end);
        match cause {
            Some(Why::Unsent) => {
                assert!(closed && !sent && !stream.executed, "{id} was sent");
                stream.never = true;
                stream.ways[CALLEE].heard = true;
            }
            Some(Why::Unknown) => {
                assert!(closed, "{id} is indeterminate on a live session");
                stream.ways[CALLEE].heard = true;
                self.ledger_check_later(id);
            }
            Some(Why::Late) => {
                assert!(late, "{id} is not late");
                stream.ways[CALLEE].muted = true;
            }
            _ if !stream.executed => {
                let code = outcome.expect_err("a refusal is an error").code();
                assert!(is_refusal(code), "{id}: {code}");
                stream.never = true;
                stream.ways[CALLEE].heard = true;
            }
            _ => stream.ways[CALLEE].end_heard(as_heard(&outcome), id),
        }
    }

    /// Indeterminate says that it was sent; a closed side may still have it to send.
    fn ledger_check_later(&mut self, id: u64) {
        self.unknown.push(id);
    }
}

fn as_heard(outcome: &Result<Option<Bytes>, Status>) -> Result<Option<&[u8]>, &Status> {
    outcome.as_ref().map(|payload| payload.as_deref())
}

/// The callee has no more time than its caller had left, and no less than that.
fn check_deadline(id: u64, now: Time, (made, asked): (Time, Option<Time>), heard: Option<Time>) {
    match (asked, heard) {
        (None, None) => {}
        (Some(asked), Some(heard)) => {
            let left = heard.since(now);
            let given = asked.since(made).max(Duration::from_millis(1));
            assert!(left <= given, "{id} has {left:?} of {given:?}");
            assert!(left > Duration::ZERO, "{id} has no time at all");
        }
        (asked, heard) => panic!("{id}: deadline {asked:?} became {heard:?}"),
    }
}
