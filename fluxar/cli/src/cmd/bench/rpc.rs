//! Calls: one at a time, or on schedule.

use super::load::{Load, Schedule, Sheet};
use super::targets;
use fluxar::{Client, Status};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use serde_bytes::ByteBuf;
use std::sync::Arc;
use tokio::time::Instant;

/// Scheduled calls of one client that have not come back. Above it the schedule is late, and the
/// latency says so.
const IN_FLIGHT_MAX: usize = 4096;

/// Works off the load.
///
/// # Errors
/// A call fails.
pub(super) async fn work(client: Client, load: Arc<Load>, index: usize) -> Result<Sheet, Status> {
    match load.schedule(index) {
        Some(schedule) => on_schedule(&client, &load, schedule).await,
        None => one_by_one(&client, &load).await,
    }
}

async fn one_by_one(client: &Client, load: &Load) -> Result<Sheet, Status> {
    let mut sheet = Sheet::new();
    while let Some(measured) = load.admit() {
        let start = Instant::now();
        call(client, load, start).await?;
        if measured {
            sheet.sent += 1;
            sheet.record(start);
        }
    }
    Ok(sheet)
}

async fn on_schedule(
    client: &Client,
    load: &Load,
    mut schedule: Schedule,
) -> Result<Sheet, Status> {
    let mut sheet = Sheet::new();
    let mut flying = FuturesUnordered::new();
    let mut record = |(measured, moment): (bool, Instant)| {
        if measured {
            sheet.sent += 1;
            sheet.record(moment);
        }
    };
    let mut moment = None;
    loop {
        let due = match moment.take() {
            Some(due) => due,
            None => tokio::select! {
                due = schedule.next() => due,
                Some(done) = flying.next(), if !flying.is_empty() => {
                    record(done?);
                    continue;
                }
            },
        };
        if flying.len() >= IN_FLIGHT_MAX {
            if let Some(done) = flying.next().await {
                record(done?);
            }
            moment = Some(due);
            continue;
        }
        let Some(measured) = load.admit() else { break };
        flying.push(async move { call(client, load, due).await.map(|()| (measured, due)) });
    }
    while let Some(done) = flying.next().await {
        record(done?);
    }
    Ok(sheet)
}

async fn call(client: &Client, load: &Load, moment: Instant) -> Result<(), Status> {
    let request = load.stamp(0, moment);
    let answer: ByteBuf = client.call(targets::ECHO, &request).await?;
    match answer.len() == request.len() {
        true => Ok(()),
        false => Err(Status::new(fluxar::Code::DataLoss, "the echo is not what was sent")),
    }
}
