//! All that leads to a peer: the options of verbs that dial, and what a context holds.

use crate::compress::Compress;
use crate::credential::Credential;
use crate::failure::Failure;
use crate::forms::{Text, one_or_many};
use crate::seal::{Acceptor, told, with_psk};
use crate::secret;
use fluxar::transport::tls::TlsError;
use fluxar::transport::{Address, Fingerprint, TlsClient};
use fluxar::{Seal, SealKey};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// How to reach a peer, whom to trust there, and what to present.
#[derive(Clone, Debug, Default, PartialEq, Eq, clap::Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Profile {
    /// Another address of the same peer, tried when the ones before are not there; may be repeated
    #[arg(long = "url", value_name = "URL")]
    #[serde(rename = "url", deserialize_with = "one_or_many")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) urls: Vec<String>,
    /// Credential: bearer:TOKEN, basic:USER:PASSWORD, api_key:KEY, key:FILE or certificate. A secret
    /// written @FILE is read from there, one written $NAME from the environment, so that it stands
    /// in no command line (or FLUXAR_AUTH)
    #[arg(long, value_name = "AUTH")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) auth: Option<Credential>,
    /// Certificate authorities to trust at tls://, wss:// and quic:// beside the system's, as a PEM
    /// file; may be repeated (or FLUXAR_CA)
    #[arg(long, value_name = "FILE")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) ca: Vec<PathBuf>,
    /// Trust just the certificate with this SHA-256 (fluxar doctor shows it); may be repeated
    #[arg(long, value_name = "FINGERPRINT")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pin: Vec<Text<Fingerprint>>,
    /// Certificate to show to a server that asks for one, as a PEM file
    #[arg(long, value_name = "FILE", requires = "key")]
    #[serde(skip_serializing_if = "Option::is_none")]
    cert: Option<PathBuf>,
    /// Its key, as a PEM file
    #[arg(long, value_name = "FILE", requires = "cert")]
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<PathBuf>,
    /// Encrypt from peer to peer, and take no peer but the one with this fingerprint (as #fp=... in
    /// the URL does); without one, whoever answers is taken
    #[arg(long, value_name = "FINGERPRINT", num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "any")]
    #[serde(skip_serializing_if = "Option::is_none")]
    seal: Option<Text<Acceptor>>,
    /// The key that says who we are, made by fluxar key new; asks for a sealed session too
    #[arg(long, value_name = "FILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    seal_key: Option<PathBuf>,
    /// A secret that the peer has, too, made by fluxar key new --psk; asks for a sealed session
    #[arg(long, value_name = "FILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    seal_psk: Option<PathBuf>,
    /// Compress messages, if the other side does; not on sealed sessions [default: off]
    #[arg(long, value_enum, value_name = "CODEC")]
    #[serde(skip_serializing_if = "Option::is_none")]
    compress: Option<Compress>,
    /// Dial again when the link is lost, for half a minute, and go on where it was; always so with
    /// several addresses
    #[arg(long)]
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    reconnect: bool,
}

/// What was chosen, or else what the other says.
macro_rules! chosen {
    ($over:expr, $base:expr, many: $($many:ident),*; one: $($one:ident),*) => {
        Profile {
            $($many: if $over.$many.is_empty() { $base.$many } else { $over.$many },)*
            $($one: $over.$one.or($base.$one),)*
            reconnect: $over.reconnect || $base.reconnect,
        }
    };
}

impl Profile {
    /// This one, and what it leaves open from another. A certificate and its key go together. Who is
    /// sealed with somebody else is somebody else; but a key of one's own changes nothing in whom
    /// to seal with: without the pin, whoever answers would be taken.
    pub(crate) fn over(self, mut base: Self) -> Self {
        if self.cert.is_some() {
            base.key = None;
        }
        if self.seal.is_some() {
            (base.seal_key, base.seal_psk) = (None, None);
        }
        if !self.pin.is_empty() || !self.ca.is_empty() {
            (base.pin, base.ca) = (Vec::new(), Vec::new());
        }
        chosen!(self, base, many: urls, ca, pin;
            one: auth, cert, key, seal, seal_key, seal_psk, compress)
    }

    /// The paths in it made absolute, as seen from here.
    pub(crate) fn absolute(mut self) -> Self {
        self.auth = self.auth.as_ref().map(Credential::absolute);
        for path in self.ca.iter_mut().chain(&mut self.cert).chain(&mut self.key) {
            *path = secret::absolute_path(path);
        }
        self.seal_key = self.seal_key.as_deref().map(secret::absolute_path);
        self.seal_psk = self.seal_psk.as_deref().map(secret::absolute_path);
        self
    }

    /// The same without the secret that may stand in it.
    pub(crate) fn hidden(mut self) -> Self {
        self.auth = self.auth.as_ref().map(Credential::hidden);
        self
    }

    /// Whether it makes sense, as far as can be said without looking at files.
    ///
    /// # Errors
    /// What does not.
    pub(crate) fn check(&self) -> Result<(), String> {
        for url in &self.urls {
            let bare = crate::seal::bare(url).parse::<Address>();
            bare.map_err(|error| format!("url: {error}"))?;
        }
        if self.cert.is_some() != self.key.is_some() {
            return Err("cert and key go together: name both files".to_owned());
        }
        Ok(())
    }

    /// Asks for a sealed session even when nothing else does.
    pub(crate) fn sealing(mut self) -> Self {
        self.seal.get_or_insert(Text(Acceptor::Any));
        self
    }

    /// A lost link is to be made anew.
    pub(crate) fn reconnects(&self) -> bool {
        self.reconnect || self.urls.len() > 1
    }

    /// How messages are compressed.
    pub(crate) fn compression(&self) -> fluxar::Compression {
        self.compress.unwrap_or(Compress::Off).compression()
    }

    /// Whom to trust at tls://, wss:// and quic:// addresses, and what to show there.
    ///
    /// # Errors
    /// A file is of no use.
    pub(crate) fn tls(&self) -> Result<TlsClient, Failure> {
        let failed = |error: TlsError| Failure::usage(error, "name other files");
        let mut settings = TlsClient::new();
        for path in &self.ca {
            settings = settings.ca(path).map_err(failed)?;
        }
        for Text(fingerprint) in &self.pin {
            settings = settings.pin(*fingerprint);
        }
        match (&self.cert, &self.key) {
            (Some(cert), Some(key)) => settings.identity(cert, key).map_err(failed),
            _ => Ok(settings),
        }
    }

    /// How the session is sealed, if it is.
    ///
    /// # Errors
    /// The key file is of no use.
    pub(crate) fn seal(&self) -> Result<Option<Seal>, Failure> {
        if self.seal.is_none() && self.seal_key.is_none() && self.seal_psk.is_none() {
            return Ok(None);
        }
        let mut seal = match &self.seal_key {
            Some(path) => Seal::require(SealKey::load(path).map_err(|error| told(&error))?),
            None => Seal::default(),
        };
        if let Some(Text(Acceptor::Pinned(key))) = self.seal {
            seal = seal.pin(key);
        }
        with_psk(seal, self.seal_psk.as_deref()).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forms::from_toml;

    fn profile(text: &str) -> Profile {
        from_toml(text).unwrap()
    }

    #[test]
    fn what_is_written_reads_back() {
        let text = "url = [\"tls://a:9443\", \"ws://b:9000\"]\nauth = \"bearer:$TOKEN\"\n\
                    ca = [\"/etc/ca.pem\"]\ncert = \"/c.pem\"\nkey = \"/c.key\"\nseal = \"any\"\n\
                    compress = \"zstd\"\nreconnect = true\n";
        let read = profile(text);
        assert_eq!(toml::to_string(&read).unwrap(), text);
        assert_eq!(profile(""), Profile::default());
        assert!(from_toml::<Profile>("token = 't0p'").is_err());
        assert!(from_toml::<Profile>("auth = 't0p'").is_err());
        assert!(profile("cert = '/c.pem'").check().is_err());
        assert!(profile("url = 'nonsense://x'").check().is_err());
        profile("url = 'tcp://h:9000'").check().unwrap();
    }

    #[test]
    fn options_go_before_a_context_and_pairs_are_not_torn() {
        let base = profile(
            "url = 'tcp://a'\nauth = 'bearer:b'\ncert = '/b.pem'\nkey = '/b.key'\npin = []",
        );
        let over = profile("url = 'tcp://x'\ncert = '/o.pem'\nkey = '/o.key'");
        let both = over.over(base.clone());
        assert_eq!((both.urls, both.auth.clone()), (vec!["tcp://x".to_owned()], base.auth.clone()));
        assert_eq!((both.cert, both.key), (Some("/o.pem".into()), Some("/o.key".into())));
        assert_eq!(Profile::default().over(base.clone()), base);
        let pinned = profile(&format!("pin = ['{}']", "0a".repeat(32)));
        let trusting = profile("ca = ['/ca.pem']").over(pinned);
        assert!(trusting.pin.is_empty(), "a pin would take the place of the authority");
        let acceptor = SealKey::generate().unwrap().public();
        let sealed = profile(&format!("seal = '{acceptor}'\nseal_key = '/b.key'"));
        let both = profile("seal_key = '/o.key'").over(sealed.clone());
        assert!(matches!(both.seal, Some(Text(Acceptor::Pinned(key))) if key == acceptor));
        assert_eq!(both.seal_key, Some("/o.key".into()));
        assert_eq!(profile("seal = 'any'").over(sealed).seal_key, None);
    }
}
