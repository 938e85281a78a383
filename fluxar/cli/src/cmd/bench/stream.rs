//! Streams both ways: each item comes back.

use super::load::{Load, Sheet, read_stamp};
use super::targets;
use fluxar::{Client, Code, Sink, Status, Streaming};
use serde_bytes::ByteBuf;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio::time::Instant;

/// Numbers of measured items have this bit.
pub(super) const MEASURED: u64 = 1 << 63;

/// Works off the load.
///
/// # Errors
/// The stream breaks, or an item is lost, doubled or out of order: on a stream each of these is a
/// fault of the peer's.
pub(super) async fn work(client: Client, load: Arc<Load>, index: usize) -> Result<Sheet, Status> {
    let opened = client.open(targets::ECHO_ITEMS, &());
    let (input, output): (Sink<ByteBuf>, Streaming<ByteBuf>) = opened?;
    let window = Semaphore::new(load.window as usize);
    let (sent, sheet) =
        tokio::join!(send(&load, index, input, &window), receive(&load, output, &window));
    let (sent, mut sheet) = (sent?, sheet?);
    sheet.sent = sent;
    sheet.lost = sent.saturating_sub(sheet.messages());
    Ok(sheet)
}

async fn send(
    load: &Load,
    index: usize,
    input: Sink<ByteBuf>,
    window: &Semaphore,
) -> Result<u64, Status> {
    let mut schedule = load.schedule(index);
    let (mut number, mut sent) = (0, 0);
    loop {
        let moment = match &mut schedule {
            Some(schedule) => schedule.next().await,
            None => {
                // Never closed; given back by the receiver.
                if let Ok(permit) = window.acquire().await {
                    permit.forget();
                }
                Instant::now()
            }
        };
        let Some(measured) = load.admit() else { break };
        number += 1;
        sent += u64::from(measured);
        let mark = if measured { MEASURED } else { 0 };
        input.send(load.stamp(number | mark, moment)).await?;
    }
    input.finish()?;
    Ok(sent)
}

async fn receive(
    load: &Load,
    mut output: Streaming<ByteBuf>,
    window: &Semaphore,
) -> Result<Sheet, Status> {
    let mut sheet = Sheet::new();
    let mut expected = 0;
    while let Some(item) = output.next().await {
        let item = item?;
        window.add_permits(1);
        expected += 1;
        let (number, nanos) = read_stamp(&item).unwrap_or_default();
        if number & !MEASURED != expected {
            let message = format!("item {} where {expected} was due", number & !MEASURED);
            return Err(Status::new(Code::DataLoss, message));
        }
        if number & MEASURED != 0 {
            sheet.record(load.moment(nanos));
        }
    }
    Ok(sheet)
}
