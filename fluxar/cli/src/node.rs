//! The options and the life of every verb that listens.

use crate::failure::Failure;
use crate::seal::{self, ListenSeal};
use crate::terminal::{self, Interrupts};
use fluxar::{AuthAttempt, Credential, Identity, Rights, Server, Status};

/// For whom a verb listens.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Access {
    /// Bearer token that callers must present
    #[arg(long, env = "FLUXAR_TOKEN", hide_env_values = true)]
    token: Option<String>,
    #[command(flatten)]
    seal: ListenSeal,
}

impl Access {
    /// Listens at every address.
    ///
    /// # Errors
    /// An address is wrong, or taken.
    pub(crate) async fn bind(&self, name: &str, urls: &[String]) -> Result<Server, Failure> {
        let (first, others) = urls.split_first().ok_or_else(|| {
            Failure::usage("there is no address to listen on", "give one with --listen")
        })?;
        let mut server = Server::bind(first.as_str()).name(name);
        for url in others {
            server = server.also(url.as_str());
        }
        if let Some(seal) = self.seal.seal()? {
            server = server.seal(seal);
        }
        if let Some(token) = self.token.clone() {
            server = server.authenticator(move |attempt: AuthAttempt| {
                let outcome = admit(&token, &attempt.credential);
                async move { outcome }
            });
        }
        server.build().await.map_err(|error| {
            let next = "choose another --listen, such as one with port 0, which takes a free port";
            Failure::local(format_args!("cannot listen: {error}"), next)
        })
    }
}

fn admit(token: &str, credential: &Credential) -> Result<Identity, Status> {
    match credential {
        Credential::Bearer(given) if same(token, given) => {
            Ok(Identity::new("bearer", Rights::all()))
        }
        _ => Err(Status::new(fluxar::Code::Unauthenticated, "a bearer token is wanted here")),
    }
}

/// Compares secrets in a time that does not tell where they differ.
fn same(one: &str, other: &str) -> bool {
    let pairs = one.bytes().zip(other.bytes());
    one.len() == other.len() && pairs.fold(0, |all, (a, b)| all | (a ^ b)) == 0
}

/// Tells where the server really listens, and gives back the first address.
pub(crate) fn announce(verb: &str, server: &Server) -> Option<String> {
    let fragment = seal::fragment(server);
    let addresses: Vec<String> =
        server.addresses().iter().map(|address| format!("{address}{fragment}")).collect();
    for address in &addresses {
        terminal::note(verb, format_args!("listening on {address}"));
    }
    addresses.into_iter().next()
}

/// Serves until it is stopped, then drains; a second wish to stop leaves at once.
pub(crate) async fn run(verb: &str, server: &Server, interrupts: &mut Interrupts) {
    tokio::select! {
        () = server.run() => return,
        () = interrupts.next() => {}
    }
    terminal::note(verb, "draining; Ctrl-C again leaves at once");
    tokio::select! {
        () = server.shutdown() => {}
        () = interrupts.next() => {}
    }
}

/// Serves in the background, until the server is shut down or the process ends.
pub(crate) fn spawn(server: &Server) {
    let server = server.clone();
    tokio::spawn(async move { server.run().await });
}
