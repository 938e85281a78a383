//! What a session costs while nothing happens, and how long it is without a link.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

use crate::machine;
use crate::measure::{Plan, SMALL_BYTES, Sample, Times};
use crate::peers::{Echo, Target};

/// Sessions that are opened before memory is read: allocator and tables have grown by then.
const WARM_SESSIONS: usize = 100;
/// Sessions whose memory is measured.
const IDLE_SESSIONS: usize = 400;
/// Cuts of a link.
const CUTS: usize = 100;

/// Memory of the server a session, after each has made a call and then been left alone.
pub(crate) async fn idle<E: Echo>(target: &Target, plan: &Plan) -> Result<Sample> {
    let server = *plan.processes.first().context("the server's process is not known")?;
    let payload = Bytes::from(vec![7; SMALL_BYTES]);
    let mut sessions = Vec::new();
    let mut open = async |count| {
        for _ in 0..count {
            let client = E::connect(target).await?;
            client.echo(payload.clone()).await?;
            sessions.push(client);
        }
        sleep(plan.window).await;
        machine::resident_kib(server).context("the server's memory cannot be read")
    };
    let before = open(WARM_SESSIONS).await?;
    let after = open(IDLE_SESSIONS).await?;
    ensure!(after > before, "{IDLE_SESSIONS} sessions take no memory");
    let value = (after - before) as f64 / IDLE_SESSIONS as f64;
    Ok(Sample { value, ..Sample::default() })
}

/// Cuts the link again and again. The figure is the median of the time from the cut to the answer
/// of a call that was made right behind it.
pub(crate) async fn relink<E: Echo>(target: &Target, _plan: &Plan) -> Result<Sample> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let proxy = Target { server: listener.local_addr()?, ..target.clone() };
    let cut = Arc::<Notify>::default();
    let forwarding = tokio::spawn(forward(listener, target.server, Arc::clone(&cut)));
    let client = E::connect(&proxy).await?;
    let payload = Bytes::from(vec![7; SMALL_BYTES]);
    let mut times = Times::default();
    for _ in 0..CUTS {
        client.echo(payload.clone()).await?;
        cut.notify_one();
        let start = Instant::now();
        client.echo(payload.clone()).await?;
        times.add(start.elapsed());
    }
    forwarding.abort();
    times.sort();
    let (p50, p99) = (times.percentile_us(0.50), times.percentile_us(0.99));
    Ok(Sample { value: p50 / 1e3, p50_us: Some(p50), p99_us: Some(p99), ..Sample::default() })
}

/// Carries one link after the other until each is cut.
async fn forward(listener: TcpListener, server: SocketAddr, cut: Arc<Notify>) -> Result<()> {
    loop {
        let (mut near, _) = listener.accept().await?;
        let mut far = TcpStream::connect(server).await?;
        near.set_nodelay(true)?;
        far.set_nodelay(true)?;
        tokio::select! {
            ended = copy_bidirectional(&mut near, &mut far) => { ended?; }
            () = cut.notified() => {}
        }
    }
}
