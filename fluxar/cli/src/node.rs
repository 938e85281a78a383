//! The options and the life of every verb that listens.

use crate::compress::Compress;
use crate::config::Guard;
use crate::failure::Failure;
use crate::rights;
use crate::seal::{self, ListenSeal};
use crate::terminal::{self, Interrupts};
use fluxar::transport::tls::TlsError;
use fluxar::transport::{Address, ListenOptions, TlsServer};
use fluxar::{
    AllowList, BindError, Compression, Identity, Limits, NodeLimits, PublicKey, Rights, Seal,
    SealPublicKey, Server,
};
use std::net::IpAddr;
use std::path::PathBuf;

/// For whom a verb listens.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Access {
    /// Bearer token that callers must present
    #[arg(long, env = "FLUXAR_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// Origin of pages in browsers that may connect over WebSocket, may be repeated
    #[arg(long, value_name = "ORIGIN")]
    allow_origin: Vec<String>,
    /// Public key (64 hexadecimal digits) whose holder is welcome as well; may be repeated
    #[arg(long, value_name = "PUBLIC_KEY")]
    allow_key: Vec<PublicKey>,
    /// Fingerprint of a key (fluxar key show) whose holder is welcome as well, by sealing with it
    /// (--seal-key); may be repeated
    #[arg(long, value_name = "FINGERPRINT")]
    allow_seal_key: Vec<SealPublicKey>,
    /// Certificate to show at tls://, wss:// and quic:// addresses, as a PEM file; read again when
    /// it changes (fluxar cert dev makes one for localhost)
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Its key, as a PEM file
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Take only callers with a certificate of an authority in this PEM file. It is their credential,
    /// too, with --client-rights; without those they present a token or a key beside it
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    client_ca: Option<PathBuf>,
    /// What a caller may do whose credential is a certificate: all, or a list such as
    /// call=llm.>,subscribe=sensors.*.temp (call, serve, publish, subscribe; * one segment, > the
    /// rest). Makes it a credential beside tokens and keys
    #[arg(long, value_name = "RIGHTS", requires = "client_ca", value_parser = rights::parse)]
    client_rights: Option<Rights>,
    /// Compress messages for callers that do; not on sealed sessions [default: off]
    #[arg(long, value_enum, value_name = "CODEC")]
    compress: Option<Compress>,
    #[command(flatten)]
    seal: ListenSeal,
}

/// All that a listening peer is made of, from options or from a file.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) name: String,
    pub(crate) urls: Vec<String>,
    pub(crate) options: ListenOptions,
    pub(crate) tls: Option<TlsServer>,
    pub(crate) seal: Option<Seal>,
    /// Everybody is welcome without.
    pub(crate) guard: Option<Guard>,
    pub(crate) limits: Limits,
    pub(crate) node_limits: NodeLimits,
    pub(crate) compression: Compression,
}

impl Settings {
    /// Where it listens and for whom, for people.
    pub(crate) fn about(&self) -> String {
        let whom = if self.guard.is_some() { "those with a credential" } else { "everybody" };
        format!("{} for {whom}", self.urls.join(", "))
    }

    /// Listens at every address.
    ///
    /// # Errors
    /// An address is wrong, or taken.
    pub(crate) async fn bind(self) -> Result<Server, Failure> {
        let (first, others) = self.urls.split_first().ok_or_else(|| {
            Failure::usage("there is no address to listen on", "give one with --listen")
        })?;
        let server = Server::bind(first.as_str()).name(self.name).listen_options(self.options);
        let mut server = others.iter().fold(server, |server, url| server.also(url.as_str()));
        // What is printed elsewhere has names, whatever the other side knows.
        server = server.limits(self.limits).node_limits(self.node_limits).numbered_keys(false);
        server = server.compress(self.compression);
        if let Some(seal) = self.seal {
            server = server.seal(seal);
        }
        if let Some(settings) = self.tls {
            server = server.tls(settings);
        }
        let is_open = self.guard.is_none();
        if let Some(guard) = self.guard {
            server = server.authenticator(guard.authenticator());
        }
        let server = server.build().await.map_err(|error| {
            let next = match error {
                BindError::Transport(_) => {
                    "choose another --listen, such as one with port 0, which takes a free port"
                }
                _ => "correct that, see --help",
            };
            Failure::local(format_args!("cannot listen: {error}"), next)
        })?;
        if is_open && server.addresses().iter().any(is_for_others) {
            let hint = "whoever reaches this peer may do everything: ask for a credential with \
                        --token, --allow-key, --client-ca or a file (-c)";
            terminal::note("open", hint);
        }
        Ok(server)
    }
}

/// Whether other machines may come by this address.
fn is_for_others(address: &Address) -> bool {
    let is_local = match address.host().parse::<IpAddr>() {
        Ok(ip) => ip.is_loopback(),
        Err(_) => address.host() == "localhost",
    };
    let is_of_machine = matches!(address.scheme(), "unix" | "mem" | "stdio" | "exec");
    !is_of_machine && !is_local
}

impl Access {
    /// Listens at every address.
    ///
    /// # Errors
    /// An address is wrong, or taken.
    pub(crate) async fn bind(&self, name: &str, urls: &[String]) -> Result<Server, Failure> {
        self.settings(name, urls)?.bind().await
    }

    /// What the options come to.
    ///
    /// # Errors
    /// They contradict each other, or a file is of no use.
    pub(crate) fn settings(&self, name: &str, urls: &[String]) -> Result<Settings, Failure> {
        if self.client_ca.is_some() && !urls.iter().any(|url| is_secured(url)) {
            let cause = "--client-ca asks for certificates, and no --listen address can show one";
            return Err(Failure::usage(cause, "listen at a tls://, wss:// or quic:// address"));
        }
        if self.client_ca.is_some() && self.client_rights.is_none() && !self.asks_more() {
            let cause = "--client-ca says who may come in, and nothing says what they may do";
            let hint =
                "add --client-rights call=llm.> or the like (--client-rights all: everything)";
            return Err(Failure::usage(cause, hint));
        }
        if !self.allow_seal_key.is_empty() && !self.seal.is_given() {
            let cause = "--allow-seal-key names keys that seal, and sessions are not sealed here";
            return Err(Failure::usage(cause, "seal them with --seal-key FILE, or --seal"));
        }
        let origins = self.allow_origin.iter();
        Ok(Settings {
            name: name.to_owned(),
            urls: urls.to_vec(),
            options: origins.fold(ListenOptions::default(), ListenOptions::allow_origin),
            tls: self.tls().map_err(|error| Failure::usage(error, "name other files"))?,
            seal: self.seal.seal()?,
            guard: self.list().map(Guard::of),
            limits: Limits::default(),
            node_limits: NodeLimits::default(),
            compression: self.compress.unwrap_or(Compress::Off).compression(),
        })
    }

    /// Whether callers present a token.
    pub(crate) fn asks_for_token(&self) -> bool {
        self.token.is_some()
    }

    /// Whether any of them was given, or stands in the environment.
    pub(crate) fn is_given(&self) -> bool {
        self.token.is_some()
            || !self.allow_origin.is_empty()
            || !self.allow_key.is_empty()
            || !self.allow_seal_key.is_empty()
            || self.tls_cert.is_some()
            || self.compress.is_some()
            || self.seal.is_given()
    }

    fn tls(&self) -> Result<Option<TlsServer>, TlsError> {
        let (Some(cert), Some(key)) = (&self.tls_cert, &self.tls_key) else { return Ok(None) };
        let settings = TlsServer::from_pem(cert, key)?;
        match &self.client_ca {
            Some(path) => settings.client_ca(path).map(Some),
            None => Ok(Some(settings)),
        }
    }

    /// Who is welcome, at every address; everybody, when nothing is asked for. `[L4.auth.4]`
    fn list(&self) -> Option<AllowList> {
        let mut list = AllowList::new();
        if let Some(token) = &self.token {
            list = list.token(token, Identity::new("bearer", Rights::all()));
        }
        for key in &self.allow_key {
            list = list.key(*key, Identity::new(key.to_string(), Rights::all()));
        }
        for key in &self.allow_seal_key {
            list = list.seal_key(*key, Identity::new(key.to_string(), Rights::all()));
        }
        if let Some(rights) = &self.client_rights {
            list = list.any_certificate(Identity::new("certificate", rights.clone()));
        }
        (self.asks_more() || self.client_ca.is_some()).then_some(list)
    }

    /// Whether there is a credential that is no certificate.
    fn asks_more(&self) -> bool {
        self.token.is_some() || !self.allow_key.is_empty() || !self.allow_seal_key.is_empty()
    }
}

/// Whether peers show certificates at this address.
fn is_secured(url: &str) -> bool {
    ["tls://", "wss://", "quic://"].iter().any(|scheme| url.starts_with(scheme))
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
