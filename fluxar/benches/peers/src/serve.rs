//! The part of the server: listens, prints its port, serves until its standard input ends.

use std::io::{Read as _, Write as _};

use anyhow::{Result, bail};
use tokio::net::TcpListener;

use crate::cell::Subject;
use crate::peers;

/// Serves one subject on a free port of the loopback interface.
pub(crate) fn run(subject: Subject, threads: usize) -> Result<()> {
    end_with_parent();
    crate::runtime(threads)?.block_on(async {
        if subject == Subject::Fluxar {
            // It binds by itself.
            return peers::fluxar::serve(announce).await;
        }
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        announce(listener.local_addr()?.port())?;
        match subject {
            Subject::Raw => peers::raw::serve(listener).await,
            Subject::Tarpc => peers::tarpc::serve(listener).await,
            Subject::Tonic => peers::tonic::serve(listener).await,
            Subject::Fluxar | Subject::Nats => bail!("{subject:?} is not served from here"),
        }
    })
}

/// Tells the parent where to connect.
fn announce(port: u16) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{port}")?;
    Ok(out.flush()?)
}

/// A server outlives nobody: the parent holds our standard input and closes it by ending.
fn end_with_parent() {
    std::thread::spawn(|| {
        let mut nothing = [0; 64];
        while matches!(std::io::stdin().read(&mut nothing), Ok(1..)) {}
        std::process::exit(0);
    });
}
