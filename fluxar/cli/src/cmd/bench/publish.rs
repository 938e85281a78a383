//! Topics: from a publisher to a subscriber on the same connection, through the peer.

use super::load::{Load, Sheet, read_stamp};
use super::stream::MEASURED;
use fluxar::{Client, Events, Status};
use serde_bytes::ByteBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// Silence after which what has not come is lost. Events have no receipts at qos 0.
const SILENCE: Duration = Duration::from_secs(2);

/// How far publisher and subscriber are.
#[derive(Debug, Default)]
struct Progress {
    sent: AtomicU64,
    /// Everything up to this number has come or is lost.
    settled: AtomicU64,
    moved: Notify,
    done: AtomicU64,
}

/// Works off the load.
///
/// # Errors
/// The peer refuses the subscription or an event.
pub(super) async fn work(client: Client, load: Arc<Load>, index: usize) -> Result<Sheet, Status> {
    // Nobody else's events come here.
    let topic = format!("bench.pub.{:016x}.{index}", rand::random::<u64>());
    let events = client.events(&topic).await?;
    let progress = Progress::default();
    let (sent, sheet) = tokio::join!(
        publish(&client, &load, index, &topic, &progress),
        receive(&load, events, &progress)
    );
    let (sent, mut sheet) = (sent?, sheet?);
    sheet.sent = sent;
    sheet.lost = sent.saturating_sub(sheet.messages());
    Ok(sheet)
}

async fn publish(
    client: &Client,
    load: &Load,
    index: usize,
    topic: &str,
    progress: &Progress,
) -> Result<u64, Status> {
    let mut schedule = load.schedule(index);
    let (mut number, mut sent) = (0, 0);
    let outcome = loop {
        let moment = match &mut schedule {
            Some(schedule) => schedule.next().await,
            None => {
                progress.wait_for_room(load.window).await;
                Instant::now()
            }
        };
        let Some(measured) = load.admit() else { break Ok(()) };
        number += 1;
        sent += u64::from(measured);
        let mark = if measured { MEASURED } else { 0 };
        let event = load.stamp(number | mark, moment);
        if let Err(status) = client.publish(topic, &event).await {
            break Err(status);
        }
        progress.sent.store(number, Ordering::Relaxed);
    };
    progress.done.store(1, Ordering::Relaxed);
    progress.moved.notify_waiters();
    outcome.map(|()| sent)
}

async fn receive(load: &Load, mut events: Events, progress: &Progress) -> Result<Sheet, Status> {
    let mut sheet = Sheet::new();
    let mut highest = 0;
    while !progress.is_over(highest) {
        let event = tokio::select! {
            event = events.next() => event,
            () = progress.moved.notified() => continue,
            () = tokio::time::sleep(SILENCE) => {
                // The tail is lost: do not wait for it, and let the publisher go on.
                highest = highest.max(progress.sent.load(Ordering::Relaxed));
                progress.settle(highest);
                continue;
            }
        };
        let Some(event) = event else { break };
        let bytes: ByteBuf = event.payload()?;
        let (number, nanos) = read_stamp(&bytes).unwrap_or_default();
        let measured = number & MEASURED != 0;
        let number = number & !MEASURED;
        if number <= highest {
            sheet.duplicated += u64::from(measured);
            continue;
        }
        highest = number;
        progress.settle(number);
        if measured {
            sheet.record(load.moment(nanos));
        }
    }
    Ok(sheet)
}

impl Progress {
    fn settle(&self, number: u64) {
        self.settled.store(number, Ordering::Relaxed);
        self.moved.notify_waiters();
    }

    fn is_over(&self, highest: u64) -> bool {
        self.done.load(Ordering::Relaxed) != 0 && highest >= self.sent.load(Ordering::Relaxed)
    }

    async fn wait_for_room(&self, window: u32) {
        loop {
            let moved = self.moved.notified();
            let settled = self.settled.load(Ordering::Relaxed);
            let flying = self.sent.load(Ordering::Relaxed).saturating_sub(settled);
            if flying < u64::from(window) {
                return;
            }
            moved.await;
        }
    }
}
