//! The tables `[limits]` and `[node]`: the fields of `Limits` and `NodeLimits` by their names.

use super::values::{Number, Time};
use fluxar::{Limits, NodeLimits};
use serde::Deserialize;

/// A table of optional fields over a struct of the library's.
macro_rules! table {
    (
        $(#[$about:meta])* $name:ident over $of:ident {
            numbers: $($number:ident),*;
            times: $($time:ident),*;
        }
    ) => {
        $(#[$about])*
        #[derive(Debug, Default, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub(super) struct $name {
            $($number: Option<Number>,)*
            $($time: Option<Time>,)*
        }

        impl $name {
            /// Sets what the table has.
            ///
            /// # Errors
            /// A number that is too large.
            pub(super) fn apply(&self, to: &mut $of) -> Result<(), String> {
                $(if let Some(number) = self.$number {
                    let is_bytes = stringify!($number).contains("bytes")
                        || stringify!($number).contains("credit");
                    let fits = number.fit(is_bytes);
                    to.$number = fits.map_err(|error| {
                        format!(concat!(stringify!($number), ": {}"), error)
                    })?;
                })*
                $(if let Some(time) = self.$time {
                    to.$time = time.0;
                })*
                Ok(())
            }
        }
    };
}

table! {
    /// What one session may use.
    Session over Limits {
        numbers: frame_bytes_max, preauth_frame_bytes_max, message_bytes_max, fragment_bytes,
            groups_max, reassembly_bytes_max, calls_max, streams_max, subscriptions_max,
            wildcards_max, initial_credit, session_credit_max, subscription_bytes_max,
            session_queue_bytes_max, outbox_soft_bytes, outbox_bytes_max, replay_bytes_max,
            replay_messages_max, hops_max, budget_burst, budget_per_second, unknown_refs_max,
            silence_heartbeats_tenths;
        times: detached_timeout, handshake_timeout, heartbeat, drain_timeout, stall_timeout,
            cancel_grace;
    }
}

table! {
    /// What all sessions together may use.
    Node over NodeLimits {
        numbers: sessions_max, handshakes_max, credit_bytes_max, detached_per_identity_max,
            detached_bytes_max;
        times: ;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forms::from_toml;
    use std::time::Duration;

    #[test]
    fn numbers_and_times_are_read_as_people_write_them() {
        let text = "frame_bytes_max = '2M'\ncalls_max = '2k'\ninitial_credit = '64k'\n\
                    detached_timeout = '90s'\nstreams_max = 7";
        let mut limits = Limits::default();
        from_toml::<Session>(text).unwrap().apply(&mut limits).unwrap();
        assert_eq!((limits.frame_bytes_max, limits.calls_max), (2 << 20, 2000));
        assert_eq!((limits.initial_credit, limits.streams_max), (64 << 10, 7));
        assert_eq!(limits.detached_timeout, Duration::from_secs(90));
        for wrong in ["calls_max = -1", "calls_max = '1x'", "heartbeat = 5", "call_max = 1"] {
            assert!(from_toml::<Session>(wrong).is_err(), "{wrong}");
        }
        let large = from_toml::<Session>("calls_max = '9000M'").unwrap();
        assert!(large.apply(&mut limits).unwrap_err().contains("calls_max: 9000000000 is more"));
    }

    /// A limit that the library gains is one here as well; what keys records have is none.
    #[test]
    fn every_limit_can_be_set() {
        let fields = |debug: String| -> Vec<String> {
            let inside = debug.split_once('{').unwrap().1.to_owned();
            let names = inside.split(", ").map(|field| field.split(':').next().unwrap().trim());
            names.map(str::to_owned).collect()
        };
        for (known, error) in [
            (
                fields(format!("{:?}", Limits::default())),
                from_toml::<Session>("x = 1").unwrap_err(),
            ),
            (
                fields(format!("{:?}", NodeLimits::default())),
                from_toml::<Node>("x = 1").unwrap_err(),
            ),
        ] {
            assert!(known.len() > 4);
            for name in known.into_iter().filter(|name| name != "numbered_keys") {
                assert!(error.contains(&format!("`{name}`")), "{name}");
            }
        }
    }
}
