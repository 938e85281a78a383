//! The part of the driver: one cell against a running server, the figures as JSON on standard output.

use std::io::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Result, bail};

use crate::Args;
use crate::cell::{Cell, Scenario, Subject, Threads};
use crate::measure::{self, Plan, Sample};
use crate::peers::{
    Echo, Handle, Items, Target, Topics, Upload, fluxar, nats, raw, raw_tls, tarpc, tonic,
};
use crate::session;

/// Load before a measurement, as a part of its length.
const WARMUP_PART: f64 = 0.3;

/// Runs one cell and prints its sample.
pub(crate) fn run(subject: Subject, cell: Cell, server: SocketAddr, args: &Args) -> Result<()> {
    let processes = args.server_process.into_iter().chain([std::process::id()]).collect();
    let plan = Plan {
        warmup: Duration::from_secs_f64(args.seconds * WARMUP_PART),
        window: Duration::from_secs_f64(args.seconds),
        upload_bytes: u64::from(args.upload_mib) << 20,
        processes,
    };
    let threads = match cell.threads {
        Threads::Ct => 1,
        Threads::Mt => 2,
    };
    let target = Target { server, subject, certs: args.certs.clone() };
    let runtime = crate::runtime(threads)?;
    // Spawned, so that with two threads no part of the load runs on the main thread.
    let sample = runtime.block_on(async move {
        tokio::spawn(async move { drive(cell.scenario, &target, &plan).await }).await
    })??;
    writeln!(std::io::stdout(), "{}", serde_json::to_string(&sample)?)?;
    Ok(())
}

async fn drive(scenario: Scenario, target: &Target, plan: &Plan) -> Result<Sample> {
    match (target.subject, scenario) {
        (Subject::Raw, _) => calls::<raw::Client>(scenario, target, plan).await,
        (Subject::Tarpc, _) => calls::<tarpc::Client>(scenario, target, plan).await,
        (Subject::Tonic, Scenario::Stream(_) | Scenario::Upload) => {
            flows::<tonic::Client>(scenario, target, plan).await
        }
        (Subject::Tonic, _) => calls::<tonic::Client>(scenario, target, plan).await,
        (Subject::Nats, _) => topics::<nats::Client>(scenario, target, plan).await,
        (Subject::Fluxar, Scenario::Stream(_) | Scenario::Upload) => {
            flows::<fluxar::Client>(scenario, target, plan).await
        }
        (Subject::Fluxar, Scenario::Fanout(_)) => {
            topics::<fluxar::Client>(scenario, target, plan).await
        }
        (Subject::RawTls, _) => calls::<raw_tls::Client>(scenario, target, plan).await,
        (_, Scenario::Idle) => session::idle::<fluxar::Client>(target, plan).await,
        (_, Scenario::Relink) => session::relink::<fluxar::Client>(target, plan).await,
        (_, _) => calls::<fluxar::Client>(scenario, target, plan).await,
    }
}

async fn calls<C: Handle + Echo>(
    scenario: Scenario,
    target: &Target,
    plan: &Plan,
) -> Result<Sample> {
    let client = C::connect(target).await?;
    match scenario {
        Scenario::Latency => measure::latency(client, plan).await,
        Scenario::Unary(callers) => measure::unary(client, callers, plan).await,
        Scenario::Bulk => measure::bulk(client, plan).await,
        other => bail!("{other:?} is not made of calls"),
    }
}

async fn flows<C: Items + Upload + Echo>(
    scenario: Scenario,
    target: &Target,
    plan: &Plan,
) -> Result<Sample> {
    let client = C::connect(target).await?;
    match scenario {
        Scenario::Stream(streams) => measure::streams(client, streams, plan).await,
        Scenario::Upload => measure::upload(client, plan).await,
        other => bail!("{other:?} is not made of streams"),
    }
}

async fn topics<C: Topics>(scenario: Scenario, target: &Target, plan: &Plan) -> Result<Sample> {
    match scenario {
        Scenario::Fanout(subscribers) => measure::fanout::<C>(target, subscribers, plan).await,
        other => bail!("{other:?} is not made of topics"),
    }
}
