//! The budget for cheap messages: those that cost the sender nothing and us something. One bucket
//! for all of them, since each kind of flood got its own fix, years apart, elsewhere.

use crate::engine::time::Time;
use crate::engine::violation::Violation;

/// Thousandths, so that slow refills do not round to nothing.
const UNIT: u64 = 1000;

/// A token bucket, refilled by time and by work that was really done.
#[derive(Debug)]
pub(crate) struct Budget {
    level: u64,
    burst: u64,
    per_second: u64,
    refilled_at: Time,
    unknown_refs_left: u32,
}

impl Budget {
    pub(crate) fn new(burst: u32, per_second: u32, unknown_refs_max: u32, now: Time) -> Self {
        let burst = u64::from(burst) * UNIT;
        let per_second = u64::from(per_second);
        Self {
            level: burst,
            burst,
            per_second,
            refilled_at: now,
            unknown_refs_left: unknown_refs_max,
        }
    }

    /// A call completed, or an item or event was sent: one more grant or cancel is earned.
    pub(crate) fn earn(&mut self) {
        self.level = self.burst.min(self.level + UNIT);
    }

    /// Takes one from the bucket.
    pub(crate) fn charge(&mut self, now: Time) -> Result<(), Violation> {
        self.refill(now);
        if self.level < UNIT {
            return Err(Violation::Calm);
        }
        self.level -= UNIT;
        Ok(())
    }

    fn refill(&mut self, now: Time) {
        let micros = now.since(self.refilled_at).as_micros();
        let refill = micros.saturating_mul(u128::from(self.per_second * UNIT)) / 1_000_000;
        let refill = u64::try_from(refill).unwrap_or(self.burst).min(self.burst);
        if refill > 0 {
            self.level = self.burst.min(self.level + refill);
            self.refilled_at = now;
        }
    }

    /// A ref to an id that never existed.
    pub(crate) fn charge_unknown_ref(&mut self, now: Time) -> Result<(), Violation> {
        self.unknown_refs_left =
            self.unknown_refs_left.checked_sub(1).ok_or(Violation::RefUnknown)?;
        self.charge(now)
    }
}
