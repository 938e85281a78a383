//! When a lost link is made anew.

use std::time::Duration;

/// Pauses between attempts: they grow, up to a bound, and are jittered, so that the clients of a
/// server that restarts do not all come back at once.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Backoff {
    /// The pause before the first attempt, before jitter. 100 ms.
    pub first: Duration,
    /// The longest pause, before jitter. 30 s.
    pub longest: Duration,
    /// Attempts in a row before giving up; `None` means for ever. `None`.
    pub attempts_max: Option<u32>,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            first: Duration::from_millis(100),
            longest: Duration::from_secs(30),
            attempts_max: None,
        }
    }
}

impl Backoff {
    /// Sets [`Backoff::first`].
    #[must_use]
    pub fn first(mut self, pause: Duration) -> Self {
        self.first = pause;
        self
    }

    /// Sets [`Backoff::longest`].
    #[must_use]
    pub fn longest(mut self, pause: Duration) -> Self {
        self.longest = pause;
        self
    }

    /// Sets [`Backoff::attempts_max`].
    #[must_use]
    pub fn attempts_max(mut self, attempts: u32) -> Self {
        self.attempts_max = Some(attempts);
        self
    }

    /// The pause before attempt `attempt`, counted from 0; `None` to give up. `dice` is random:
    /// the pause lies between half and all of what the attempt's number calls for.
    pub(crate) fn pause(&self, attempt: u32, dice: u32) -> Option<Duration> {
        if self.attempts_max.is_some_and(|most| attempt >= most) {
            return None;
        }
        let doubled = self.first.saturating_mul(1u32.checked_shl(attempt).unwrap_or(u32::MAX));
        let full = doubled.min(self.longest);
        Some(full.mul_f64(0.5 + 0.5 * f64::from(dice) / f64::from(u32::MAX)))
    }
}

/// Randomness for the jitter. Without any (a system that has none to give), all clients wait the
/// longer pause: slower, not wrong.
pub(crate) fn dice() -> u32 {
    getrandom::u32().unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_bound_and_are_jittered() {
        let backoff = Backoff::default().attempts_max(40);
        let full = |attempt| backoff.pause(attempt, u32::MAX).unwrap();
        assert_eq!(full(0), Duration::from_millis(100));
        assert_eq!(full(3), Duration::from_millis(800));
        assert_eq!(full(39), Duration::from_secs(30));
        assert_eq!(backoff.pause(0, 0), Some(Duration::from_millis(50)));
        assert_eq!(backoff.pause(40, 0), None);
    }
}
