//! What can be set, with each default explained.

use std::time::Duration;

/// Every bound of a session. A peer declares its own in HELLO, so that the other side keeps to
/// them; nothing a peer sends makes this side use more. Spec: `docs/spec/limits.md`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes of one frame after its length field. 1 MiB.
    pub frame_bytes_max: u32,
    /// Bytes of one frame before the session is ready. 16 KiB.
    pub preauth_frame_bytes_max: u32,
    /// Bytes of one message, over all its fragments. 16 MiB.
    pub message_bytes_max: u32,
    /// Messages above this are cut into fragments of this size. 16 KiB: a small message never
    /// waits behind more than a few of these.
    pub fragment_bytes: u32,
    /// Fragmented messages open at once, per direction. 32.
    pub groups_max: u32,
    /// Bytes of unfinished fragmented messages held for a peer. 32 MiB.
    pub reassembly_bytes_max: u32,
    /// Inbound calls and notifications whose handler has not ended. 1,024.
    pub calls_max: u32,
    /// Inbound streams whose handler has not ended. 1,024.
    pub streams_max: u32,
    /// Inbound subscriptions. 1,000.
    pub subscriptions_max: u32,
    /// Of these, with a wildcard. 100.
    pub wildcards_max: u32,
    /// Payload bytes that a peer may send on a stream or subscription ahead of consumption. 256 KiB.
    pub initial_credit: u32,
    /// Sum of the credit given to a peer over all its streams. 64 MiB; an open that would pass
    /// it is refused with `resource_exhausted`.
    pub session_credit_max: u64,
    /// Bytes waiting in one subscription whose subscriber has no credit left. 1 MiB.
    pub subscription_bytes_max: u32,
    /// Bytes waiting so in all subscriptions of a session. 8 MiB.
    pub session_queue_bytes_max: u32,
    /// Bytes waiting for the link above which producers wait. 256 KiB.
    pub outbox_soft_bytes: u32,
    /// Bytes waiting for the link above which the session is closed. 24 MiB.
    pub outbox_bytes_max: u32,
    /// Bytes of small messages that were sent and have no receipt yet, and of large ones as many
    /// again; above it what is to be sent waits. 4 MiB, and 512 KiB at least: the other side says
    /// nothing of less than 256 KiB for 25 ms. A larger message goes alone.
    pub replay_bytes_max: u32,
    /// Messages that were sent and have no receipt yet. 8,192, and 1,024 at least: the other side
    /// says nothing of fewer than 512 for 25 ms.
    pub replay_messages_max: u32,
    /// How long a session waits for another link when it has lost its own. 2 min.
    pub detached_timeout: Duration,
    /// Length of the chain of calls that call back. 64.
    pub hops_max: u32,
    /// Cheap frames a peer may send at once. 2,048: whoever drops everything that it has in
    /// flight at once does nothing wrong.
    pub budget_burst: u32,
    /// Cheap frames a second after that. 50.
    pub budget_per_second: u32,
    /// References to ids that never existed before the session is closed. 64.
    pub unknown_refs_max: u32,
    /// From link to ready. 5 s.
    pub handshake_timeout: Duration,
    /// Silence on our side after which a heartbeat is sent. 10 s; the smaller of both sides counts.
    pub heartbeat: Duration,
    /// Silence of the peer after which the link is given up, in heartbeats. 2.5.
    pub silence_heartbeats_tenths: u32,
    /// How long open items may still finish after a goodbye. 5 s.
    pub drain_timeout: Duration,
    /// How long a producer may wait for a peer that grants nothing and takes nothing. 30 s.
    pub stall_timeout: Duration,
    /// How long a handler that watches for cancellation may take to finish. 5 s.
    pub cancel_grace: Duration,
    /// Offer to write records with the numbers of their contract instead of names, where the peer
    /// offers it too. True; turn it off where plain serde types meet a peer with contracts.
    pub numbered_keys: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            frame_bytes_max: 1 << 20,
            preauth_frame_bytes_max: 16 << 10,
            message_bytes_max: 16 << 20,
            fragment_bytes: 16 << 10,
            groups_max: 32,
            reassembly_bytes_max: 32 << 20,
            calls_max: 1024,
            streams_max: 1024,
            subscriptions_max: 1000,
            wildcards_max: 100,
            initial_credit: 256 << 10,
            session_credit_max: 64 << 20,
            subscription_bytes_max: 1 << 20,
            session_queue_bytes_max: 8 << 20,
            outbox_soft_bytes: 256 << 10,
            outbox_bytes_max: 24 << 20,
            replay_bytes_max: 4 << 20,
            replay_messages_max: 8192,
            detached_timeout: Duration::from_secs(120),
            hops_max: 64,
            budget_burst: 2048,
            budget_per_second: 50,
            unknown_refs_max: 64,
            handshake_timeout: Duration::from_secs(5),
            heartbeat: Duration::from_secs(10),
            silence_heartbeats_tenths: 25,
            drain_timeout: Duration::from_secs(5),
            stall_timeout: Duration::from_secs(30),
            cancel_grace: Duration::from_secs(5),
            numbered_keys: true,
        }
    }
}

impl Limits {
    /// Whether a peer would take these limits, and they make sense together.
    ///
    /// # Errors
    /// What to set instead.
    pub fn check(&self) -> Result<(), String> {
        let rules = [
            (self.frame_bytes_max >= 1024, "frame_bytes_max must be at least 1,024"),
            (self.message_bytes_max >= 1024, "message_bytes_max must be at least 1,024"),
            (
                self.reassembly_bytes_max >= self.message_bytes_max,
                "reassembly_bytes_max must be at least message_bytes_max",
            ),
            (self.fragment_bytes >= 256, "fragment_bytes must be at least 256"),
            (self.groups_max >= 1, "groups_max must be at least 1"),
            (
                (1..=i32::MAX as u32).contains(&self.initial_credit),
                "initial_credit must be 1 to 2^31 - 1",
            ),
            (
                self.session_credit_max >= u64::from(self.initial_credit),
                "session_credit_max must be at least initial_credit",
            ),
            (
                u64::from(self.outbox_bytes_max)
                    >= 2 * u64::from(self.outbox_soft_bytes) + u64::from(self.message_bytes_max),
                "outbox_bytes_max must be at least 2 * outbox_soft_bytes + message_bytes_max",
            ),
            (
                self.replay_bytes_max / 2 >= self.fragment_bytes.max(256 << 10)
                    && self.replay_messages_max >= 1024,
                "replay_bytes_max must be at least 512 KiB and 2 * fragment_bytes, \
                 replay_messages_max 1024",
            ),
            (self.heartbeat >= Duration::from_secs(1), "heartbeat must be at least 1 s"),
            (self.silence_heartbeats_tenths >= 10, "silence must be at least one heartbeat"),
        ];
        match rules.into_iter().find(|(holds, _)| !holds) {
            Some((_, rule)) => Err(format!("{rule}: see `Limits`")),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `[L4.receipt.1]`: with less a sender would stand still until the other side's 25 ms are over.
    #[test]
    fn what_is_kept_for_receipts_is_twice_what_they_come_after() {
        let with = |replay_bytes_max, replay_messages_max, fragment_bytes| {
            let replay = Limits { replay_bytes_max, replay_messages_max, ..Limits::default() };
            Limits { fragment_bytes, ..replay }.check().is_ok()
        };
        assert!(with(512 << 10, 1_024, 16 << 10));
        assert!(!with((512 << 10) - 2, 1_024, 16 << 10));
        assert!(!with(512 << 10, 1_023, 16 << 10));
        assert!(!with(512 << 10, 1_024, (256 << 10) + 1));
        assert!(!with(4 << 20, 8_192, 1 << 31), "twice that is no number of 32 bits");
    }
}
