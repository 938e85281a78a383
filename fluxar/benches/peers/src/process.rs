//! Servers and drivers as child processes, each with a time limit.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::cell::{Cell, Scenario, Subject, Threads};
use crate::measure::Sample;

/// A server that has not named its port by then has failed.
const START_TIME_MAX: Duration = Duration::from_secs(10);
/// What a driver may take beside its measurements.
const DRIVE_TIME_SPARE: Duration = Duration::from_secs(20);
/// What the upload may take on top.
const UPLOAD_TIME_SPARE: Duration = Duration::from_secs(100);
/// More output than that is not a sample.
const OUTPUT_BYTES_MAX: u64 = 64 << 10;
/// Lines of a server's talk that are searched for its port.
const LINES_MAX: usize = 200;

/// A running server; ended when dropped.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    address: SocketAddr,
    certs: PathBuf,
}

impl Server {
    /// Starts the server of this subject and waits for its port.
    pub(crate) async fn start(subject: Subject, threads: Threads, certs: &Path) -> Result<Self> {
        let starting = async {
            match subject {
                Subject::Nats => start_nats(certs).await,
                other => start_own(other, threads, certs).await,
            }
        };
        timeout(START_TIME_MAX, starting).await.context("the server did not start in time")?
    }

    /// Runs the driver against this server.
    pub(crate) async fn drive(
        &self,
        subject: Subject,
        cell: Cell,
        seconds: f64,
        upload_mib: u32,
    ) -> Result<Sample> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["--drive", subject.key(), "--cell", &cell.to_string()]);
        command.args(["--server", &self.address.to_string()]);
        command.args(["--seconds", &seconds.to_string()]);
        command.args(["--upload-mib", &upload_mib.to_string()]);
        command.arg("--certs").arg(&self.certs);
        if let Some(process) = self.child.id() {
            command.args(["--server-process", &process.to_string()]);
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn()?;
        let stdout = child.stdout.take().context("the driver's output is piped")?;
        let limit = match cell.scenario {
            Scenario::Upload => DRIVE_TIME_SPARE + UPLOAD_TIME_SPARE,
            _ => DRIVE_TIME_SPARE,
        } + Duration::from_secs_f64(seconds * 4.0);
        let running = async {
            let mut output = String::new();
            stdout.take(OUTPUT_BYTES_MAX).read_to_string(&mut output).await?;
            let status = child.wait().await?;
            ensure!(status.success(), "the driver failed: {status}");
            Ok(serde_json::from_str(&output)?)
        };
        timeout(limit, running).await.context("the driver did not end in time")?
    }
}

/// This binary as a server.
async fn start_own(subject: Subject, threads: Threads, certs: &Path) -> Result<Server> {
    let threads = match threads {
        Threads::Ct => "1",
        Threads::Mt => "2",
    };
    let mut child = Command::new(std::env::current_exe()?)
        .args(["--serve", subject.key(), "--threads", threads])
        .arg("--certs")
        .arg(certs)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let stdout = child.stdout.take().context("the server's output is piped")?;
    let port = find_line(BufReader::new(stdout), |line| line.trim().parse().ok()).await?;
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    Ok(Server { child, address, certs: certs.into() })
}

/// `nats-server` on a free port, which it names in its log.
async fn start_nats(certs: &Path) -> Result<Server> {
    let mut child = Command::new("nats-server")
        .args(["--addr", "127.0.0.1", "--port", "-1"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let mut stderr = BufReader::new(child.stderr.take().context("the log is piped")?);
    let address = find_line(&mut stderr, |line| {
        line.split_once("client connections on ")?.1.trim().parse().ok()
    })
    .await?;
    // The broker would stop at a full pipe.
    tokio::spawn(async move { tokio::io::copy(&mut stderr, &mut tokio::io::sink()).await });
    Ok(Server { child, address, certs: certs.into() })
}

/// True when the broker can be started here.
pub(crate) async fn has_nats() -> bool {
    let mut command = Command::new("nats-server");
    command.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().await.is_ok_and(|status| status.success())
}

async fn find_line<T>(
    input: impl AsyncBufRead + Unpin,
    find: impl Fn(&str) -> Option<T>,
) -> Result<T> {
    let mut lines = input.lines();
    for _ in 0..LINES_MAX {
        let line = lines.next_line().await?.context("the server ended before it named its port")?;
        if let Some(found) = find(&line) {
            return Ok(found);
        }
    }
    bail!("the server talks but names no port")
}
