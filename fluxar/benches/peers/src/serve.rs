//! The part of the server: listens, prints its port, serves until its standard input ends.

use std::io::{Read as _, Write as _};

use anyhow::{Context as _, Result, bail};
use tokio::net::TcpListener;

use crate::Args;
use crate::cell::Subject;
use crate::certs::Files;
use crate::peers;

/// Serves one subject on a free port of the loopback interface.
pub(crate) fn run(subject: Subject, args: &Args) -> Result<()> {
    end_with_parent();
    let files = args.certs.as_deref().map(Files::of);
    crate::runtime(args.threads)?.block_on(async {
        if peers::fluxar::is_variant(subject) {
            // It binds by itself.
            return peers::fluxar::serve(subject, files, announce).await;
        }
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        announce(listener.local_addr()?.port())?;
        match subject {
            Subject::Raw => peers::raw::serve(listener).await,
            Subject::Tarpc => peers::tarpc::serve(listener).await,
            Subject::Tonic => peers::tonic::serve(listener).await,
            Subject::RawTls => peers::raw_tls::serve(listener, &files.context("no --certs")?).await,
            other => bail!("{other:?} is not served from here"),
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
