//! The loops that every subject runs through, and the figures they give.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use crate::machine::CpuTime;
use crate::peers::{Echo, Items, Target, Topics, Upload};

/// Latencies kept of one measurement; more calls than that are made but not kept.
const SAMPLES_MAX: usize = 1 << 22;
/// Payload of a small call, bytes.
pub(crate) const SMALL_BYTES: usize = 32;
/// Payload of an item of a stream, bytes.
pub(crate) const ITEM_BYTES: usize = 30;
/// Payload of an event, bytes.
const EVENT_BYTES: usize = 128;
/// Payload of a large call and of an upload's chunk, bytes.
pub(crate) const CHUNK_BYTES: usize = 64 << 10;
/// Calls in flight of the large echo.
const BULK_CALLERS: usize = 8;
/// Events published but not yet seen by the slowest subscriber.
const EVENTS_AHEAD_MAX: u64 = 1024;
/// A subscriber reports to the publisher after this many events.
const EVENTS_PER_REPORT: u64 = 128;
/// Small calls that an upload must leave room for, or its percentile means nothing.
const LOADED_CALLS_MIN: usize = 100;
/// An upload that takes longer has failed.
const UPLOAD_TIME_MAX: Duration = Duration::from_secs(90);

/// How long to measure, and whose processor time counts.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// Load before the measurement begins.
    pub(crate) warmup: Duration,
    /// The measurement.
    pub(crate) window: Duration,
    /// Size of the upload, bytes.
    pub(crate) upload_bytes: u64,
    /// Processes that belong to the measurement: server and driver.
    pub(crate) processes: Vec<u32>,
}

/// What one run of one cell gave.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Sample {
    /// The figure that is compared: a rate a second, microseconds, or a quotient of two times.
    pub(crate) value: f64,
    /// Operations a second.
    pub(crate) rate: f64,
    /// 50th percentile of a call, microseconds; of cells that time single calls.
    pub(crate) p50_us: Option<f64>,
    /// 99th percentile of a call, microseconds.
    pub(crate) p99_us: Option<f64>,
    /// The same while nothing else ran.
    pub(crate) idle_p99_us: Option<f64>,
    /// Bytes a second moved in bulk, in MiB.
    pub(crate) mib_per_s: Option<f64>,
    /// Processor seconds of server and driver for a million operations.
    pub(crate) cpu_s_per_million: f64,
    /// Cores that processes outside the measurement kept busy.
    pub(crate) foreign_cores: f64,
}

/// Operations done by one task, alone in its cache line.
#[derive(Debug, Default)]
#[repr(align(64))]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    /// Counts one operation. Only the owning task counts, so no locked instruction is needed.
    pub(crate) fn add_one(&self) -> u64 {
        let next = self.0.load(Ordering::Relaxed) + 1;
        self.0.store(next, Ordering::Relaxed);
        next
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Tasks under load and their counters.
#[derive(Default)]
struct Load {
    counters: Vec<Arc<Counter>>,
    tasks: JoinSet<Result<()>>,
}

impl Load {
    fn counter(&mut self) -> Arc<Counter> {
        let counter = Arc::<Counter>::default();
        self.counters.push(Arc::clone(&counter));
        counter
    }

    fn total(&self) -> u64 {
        self.counters.iter().map(|counter| counter.get()).sum()
    }

    /// Lets the tasks run; any of them ending is a failure, since they work without end.
    async fn run_for(&mut self, time: Duration) -> Result<()> {
        match timeout(time, self.tasks.join_next()).await {
            Err(_) => Ok(()),
            Ok(None) => bail!("no task is running"),
            Ok(Some(Ok(Ok(())))) => bail!("a task ended before its time"),
            Ok(Some(Ok(Err(error)))) => Err(error),
            Ok(Some(Err(error))) => Err(error.into()),
        }
    }

    /// Warms up, measures, and stops the tasks.
    async fn measure(mut self, plan: &Plan) -> Result<Sample> {
        self.run_for(plan.warmup).await?;
        let (cpu, start, before) = (CpuTime::read(&plan.processes), Instant::now(), self.total());
        self.run_for(plan.window).await?;
        let (after, elapsed) = (self.total(), start.elapsed().as_secs_f64());
        let cpu = CpuTime::read(&plan.processes).since(cpu);
        ensure!(after > before, "nothing happened in {elapsed:.1} s");
        let operations = (after - before) as f64;
        let rate = operations / elapsed;
        Ok(Sample {
            value: rate,
            rate,
            cpu_s_per_million: cpu.ours / operations * 1e6,
            foreign_cores: cpu.foreign() / elapsed,
            ..Sample::default()
        })
    }
}

/// Echo from many waiting callers on one connection.
pub(crate) async fn calls<E: Echo>(
    client: E,
    callers: usize,
    payload_bytes: usize,
    plan: &Plan,
) -> Result<Sample> {
    let mut load = Load::default();
    let payload = Bytes::from(vec![7; payload_bytes]);
    for _ in 0..callers {
        let (client, payload, counter) = (client.clone(), payload.clone(), load.counter());
        load.tasks.spawn(async move {
            loop {
                let answer = client.echo(payload.clone()).await?;
                ensure!(answer.len() == payload.len(), "the echo has another length");
                counter.add_one();
            }
        });
    }
    load.measure(plan).await
}

/// Small calls from 1,024 or fewer callers.
pub(crate) async fn unary<E: Echo>(client: E, callers: usize, plan: &Plan) -> Result<Sample> {
    calls(client, callers, SMALL_BYTES, plan).await
}

/// The large echo.
pub(crate) async fn bulk<E: Echo>(client: E, plan: &Plan) -> Result<Sample> {
    let mut sample = calls(client, BULK_CALLERS, CHUNK_BYTES, plan).await?;
    sample.mib_per_s = Some(sample.rate * CHUNK_BYTES as f64 / f64::from(1 << 20));
    Ok(sample)
}

/// One call in flight, each timed.
pub(crate) async fn latency<E: Echo>(client: E, plan: &Plan) -> Result<Sample> {
    let payload = Bytes::from(vec![7; SMALL_BYTES]);
    timed_calls(&client, &payload, async { sleep(plan.warmup).await }).await?;
    let (cpu, start) = (CpuTime::read(&plan.processes), Instant::now());
    let times = timed_calls(&client, &payload, async { sleep(plan.window).await }).await?;
    let elapsed = start.elapsed().as_secs_f64();
    let cpu = CpuTime::read(&plan.processes).since(cpu);
    let operations = times.count as f64;
    let p50 = times.percentile_us(0.50);
    Ok(Sample {
        value: p50,
        rate: operations / elapsed,
        p50_us: Some(p50),
        p99_us: Some(times.percentile_us(0.99)),
        cpu_s_per_million: cpu.ours / operations * 1e6,
        foreign_cores: cpu.foreign() / elapsed,
        ..Sample::default()
    })
}

/// Latencies.
#[derive(Default)]
pub(crate) struct Times {
    nanos: Vec<u32>,
    count: u64,
}

impl Times {
    /// Takes one more, as long as there is room.
    pub(crate) fn add(&mut self, time: Duration) {
        self.count += 1;
        if self.nanos.len() < SAMPLES_MAX {
            self.nanos.push(u32::try_from(time.as_nanos()).unwrap_or(u32::MAX));
        }
    }

    /// Must be called before [`Times::percentile_us`].
    pub(crate) fn sort(&mut self) {
        self.nanos.sort_unstable();
    }

    /// Of sorted times.
    pub(crate) fn percentile_us(&self, part: f64) -> f64 {
        let last = self.nanos.len().saturating_sub(1);
        let index = (last as f64 * part).round() as usize;
        self.nanos.get(index).map_or(f64::NAN, |&nanos| f64::from(nanos) / 1e3)
    }
}

/// Calls one after the other until `until` is ready.
async fn timed_calls<E: Echo, U>(
    client: &E,
    payload: &Bytes,
    until: impl Future<Output = U>,
) -> Result<Times> {
    let mut times = Times { nanos: Vec::with_capacity(1 << 16), count: 0 };
    tokio::select! {
        ended = call_forever(client, payload, &mut times) => match ended? {},
        _ = until => {}
    }
    times.sort();
    Ok(times)
}

async fn call_forever<E: Echo>(
    client: &E,
    payload: &Bytes,
    times: &mut Times,
) -> Result<Infallible> {
    loop {
        let start = Instant::now();
        client.echo(payload.clone()).await?;
        times.add(start.elapsed());
    }
}

/// Endless server streams, all on one connection.
pub(crate) async fn streams<I: Items>(client: I, streams: usize, plan: &Plan) -> Result<Sample> {
    let mut load = Load::default();
    for _ in 0..streams {
        let (client, counter) = (client.clone(), load.counter());
        load.tasks.spawn(async move { client.items(&counter).await });
    }
    load.measure(plan).await
}

/// Small calls, idle and then beside an upload on the same connection.
pub(crate) async fn upload<U: Echo + Upload>(client: U, plan: &Plan) -> Result<Sample> {
    let payload = Bytes::from(vec![7; SMALL_BYTES]);
    timed_calls(&client, &payload, async { sleep(plan.warmup).await }).await?;
    let idle = timed_calls(&client, &payload, async { sleep(plan.window).await }).await?;
    let (cpu, start) = (CpuTime::read(&plan.processes), Instant::now());
    let sender = client.clone();
    let bytes = plan.upload_bytes;
    let chunk = Bytes::from(vec![7; CHUNK_BYTES]);
    let mut uploading = tokio::spawn(async move { sender.upload(bytes, chunk).await });
    let loaded = timeout(UPLOAD_TIME_MAX, async {
        let mut received = None;
        let times = timed_calls(&client, &payload, async {
            received = Some((&mut uploading).await);
        });
        let times = times.await?;
        let received = received.context("the upload ended")???;
        ensure!(received == bytes, "{received} of {bytes} bytes arrived");
        Ok(times)
    });
    let loaded = loaded.await.context("the upload took too long")??;
    let elapsed = start.elapsed().as_secs_f64();
    let cpu = CpuTime::read(&plan.processes).since(cpu);
    let calls = loaded.nanos.len();
    ensure!(calls >= LOADED_CALLS_MIN, "only {calls} calls got through during the upload");
    let (idle_p99, loaded_p99) = (idle.percentile_us(0.99), loaded.percentile_us(0.99));
    Ok(Sample {
        value: loaded_p99 / idle_p99,
        rate: calls as f64 / elapsed,
        p50_us: Some(loaded.percentile_us(0.50)),
        p99_us: Some(loaded_p99),
        idle_p99_us: Some(idle_p99),
        mib_per_s: Some(bytes as f64 / elapsed / f64::from(1 << 20)),
        cpu_s_per_million: cpu.ours / (bytes as f64 / CHUNK_BYTES as f64) * 1e6,
        foreign_cores: cpu.foreign() / elapsed,
    })
}

/// What a subscriber tells the publisher.
#[derive(Debug, Default)]
pub(crate) struct Arrivals {
    counter: Arc<Counter>,
    progress: Arc<Notify>,
}

impl Arrivals {
    /// Counts one event.
    pub(crate) fn one(&self) {
        if self.counter.add_one().is_multiple_of(EVENTS_PER_REPORT) {
            self.progress.notify_one();
        }
    }
}

/// One publisher and many subscribers, each on its own connection. The publisher stays at most
/// [`EVENTS_AHEAD_MAX`] events ahead of the slowest, so that nobody has to drop anything.
pub(crate) async fn fanout<T: Topics>(
    target: &Target,
    subscribers: usize,
    plan: &Plan,
) -> Result<Sample> {
    let mut load = Load::default();
    let progress = Arc::<Notify>::default();
    for _ in 0..subscribers {
        let client = T::connect(target).await?;
        let counter = load.counter();
        let arrivals = Arrivals { counter, progress: Arc::clone(&progress) };
        let receiving = client.subscribe(arrivals).await?;
        load.tasks.spawn(receiving);
    }
    let publisher = T::connect(target).await?;
    let counters = load.counters.clone();
    let slowest = move || counters.iter().map(|counter| counter.get()).min().unwrap_or_default();
    load.tasks.spawn(async move {
        let payload = Bytes::from(vec![7; EVENT_BYTES]);
        for sent in 0.. {
            while u64::is_multiple_of(sent, EVENTS_PER_REPORT)
                && sent - slowest() > EVENTS_AHEAD_MAX
            {
                progress.notified().await;
            }
            publisher.publish(payload.clone()).await?;
        }
        Ok(())
    });
    load.measure(plan).await
}
