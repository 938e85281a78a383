//! The peer over the real engine and the in-memory link, in virtual time.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod auth;
mod calls;
mod cancel;
mod drops;
mod keyed;
mod lifecycle;
#[cfg(feature = "seal")]
mod renewal;
mod resume;
mod review;
mod streams;
mod stress;
mod topics;

use crate::testing::{Pair, pair};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

/// Longer than anything of virtual time that a test waits for on purpose.
const LONG: Duration = Duration::from_secs(60);

async fn connected() -> Pair {
    pair().build().await.unwrap()
}

/// Tells when it is dropped.
struct DropFlag(Arc<Notify>);

impl Drop for DropFlag {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct User {
    name: String,
    age: u32,
}

/// Resolves, or fails the test in virtual time.
async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(LONG, what).await.expect("it never happened")
}

/// Lets every task that is ready run.
async fn settle() {
    for _ in 0..64 {
        tokio::task::yield_now().await;
    }
}
