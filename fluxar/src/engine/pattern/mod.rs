//! L5: tables of what is open, one a pattern.

pub(crate) mod pubsub;
pub(crate) mod rpc;
pub(crate) mod stream;
mod window;

use crate::engine::message::envelope::cut;
use crate::engine::time::Time;
use crate::error::{Code, Status};

/// What an item or event takes from credit beside its payload: about what it costs to hold one, so
/// that a window of tiny items is bounded like one of large items. Spec: `[L5.credit.2]`.
pub const ITEM_OVERHEAD_BYTES: u64 = 32;

/// What an item or event of so many payload bytes takes from credit.
#[must_use]
pub fn credit_cost(payload_bytes: usize) -> u64 {
    payload_bytes as u64 + ITEM_OVERHEAD_BYTES
}

/// Credit adds up to no more than this.
pub(crate) const CREDIT_MAX: i64 = 1 << 31;

/// Bytes of a session's end that are repeated for each item that it ended.
const REASON_BYTES_MAX: usize = 200;

/// The earliest deadline in a table: a lower bound, made exact again by each sweep. Cheaper than a
/// heap, since nearly every call ends long before its deadline.
#[derive(Debug, Default)]
pub(crate) struct Earliest(Option<Time>);

impl Earliest {
    pub(crate) fn note(&mut self, deadline: Option<Time>) {
        if let Some(deadline) = deadline {
            self.0 = Some(self.0.map_or(deadline, |earliest| earliest.min(deadline)));
        }
    }

    pub(crate) fn get(&self) -> Option<Time> {
        self.0
    }

    pub(crate) fn reset(&mut self) {
        self.0 = None;
    }
}

pub(crate) fn deadline_status() -> Status {
    Status::new(Code::DeadlineExceeded, "the deadline passed before the answer came")
}

/// Why the callee itself ended it: the deadline, or its opener's rights. What its handler made of it
/// counts no more then; to an opener that only cancels, a result may still be welcome.
/// Spec: `[L5.deadline.2]`, `[L4.auth.3]`, `[L5.cancel.1]`.
pub(crate) fn overruled(cancelled: Option<&Status>) -> Option<&Status> {
    cancelled.filter(|status| status.code() != Code::Cancelled)
}

pub(crate) fn expired_status() -> Status {
    let text = "[L4.auth.3] the credential has expired: authenticate again";
    Status::new(Code::Unauthenticated, text)
}

/// What became of something open when its session ended.
pub(crate) fn lost_status(unsent: bool, reason: &Status) -> Status {
    let (code, what) = if unsent {
        (Code::Unavailable, "it was never sent, so it is safe to send again")
    } else {
        (Code::Indeterminate, "it was sent, and nobody knows whether it ran")
    };
    let why = cut(reason.message(), REASON_BYTES_MAX);
    let text = format!("the session ended ({}: {why}): {what}", reason.code());
    Status::new(code, text).with_origin(reason.origin())
}
