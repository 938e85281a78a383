//! What the peer may send ahead of consumption, on a stream or a subscription. Spec: `[L5.credit.1]`
//! to `[L5.credit.4]`.

use crate::engine::pattern::credit_cost;
use crate::engine::violation::Violation;

/// The receiver's side of credit.
#[derive(Debug)]
pub(crate) struct Window {
    size: u64,
    /// What the peer may still send; negative after an item larger than the rest.
    credit: i64,
    /// Consumed, and not granted again yet.
    consumed: u64,
}

impl Window {
    pub(crate) fn new(size: u64) -> Self {
        Self { size, credit: size as i64, consumed: 0 }
    }

    /// An item or event of so many payload bytes came.
    pub(crate) fn take(&mut self, payload_bytes: usize) -> Result<(), Violation> {
        if self.credit <= 0 {
            return Err(Violation::Credit);
        }
        self.credit -= credit_cost(payload_bytes) as i64;
        Ok(())
    }

    /// The application took `cost` bytes. What is to be granted again, in halves of the window.
    pub(crate) fn consume(&mut self, cost: u64) -> Option<u64> {
        self.consumed += cost;
        if self.consumed * 2 < self.size {
            return None;
        }
        // Never more than was used, whatever the application says.
        let used = (self.size as i64 - self.credit).max(0) as u64;
        let grant = std::mem::take(&mut self.consumed).min(used);
        self.credit += grant as i64;
        (grant > 0).then_some(grant)
    }
}
