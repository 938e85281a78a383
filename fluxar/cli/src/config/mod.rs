//! `fluxar.toml`: what `fluxar up -c` listens at, for whom, and how.

mod auth;
mod limits;
mod values;

pub(crate) use auth::Guard;

use crate::compress::Compress;
use crate::failure::Failure;
use crate::forms::{from_toml, one_or_many};
use crate::node::Settings;
use crate::seal::{told, with_psk};
use crate::secret::{self, is_private};
use fluxar::transport::{Address, ListenOptions, TlsServer};
use fluxar::{Limits, NodeLimits, Seal, SealKey};
use serde::Deserialize;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Bytes of a configuration.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// The file, as it is written. Every key is documented in `examples/fluxar.toml`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    name: Option<String>,
    #[serde(deserialize_with = "one_or_many")]
    listen: Vec<String>,
    compress: Option<Compress>,
    #[serde(deserialize_with = "one_or_many")]
    allow_origin: Vec<String>,
    #[serde(deserialize_with = "one_or_many")]
    allow_host: Vec<String>,
    allow_user: Vec<u32>,
    tls: Option<Tls>,
    seal: Option<SealPolicy>,
    auth: Option<auth::Auth>,
    limits: limits::Session,
    node: limits::Node,
    /// What serves `llm.complete`.
    model: Model,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Tls {
    cert: PathBuf,
    key: PathBuf,
    client_ca: Option<PathBuf>,
    #[serde(default)]
    client_optional: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SealPolicy {
    policy: Policy,
    key: Option<PathBuf>,
    psk: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Policy {
    /// Sealed sessions only.
    Require,
    /// Others, too.
    Allow,
}

/// The model of `fluxar up`, as its options are.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Model {
    pub(crate) base_url: Option<String>,
    pub(crate) model: Option<String>,
    #[serde(deserialize_with = "values::rate")]
    pub(crate) tokens_per_second: Option<f64>,
}

/// A file that was read, and where its paths begin.
#[derive(Debug)]
pub(crate) struct Loaded {
    config: Config,
    base: PathBuf,
    shown: String,
    /// Nobody else may read the file: it may have secrets in it.
    is_private: bool,
}

impl Loaded {
    /// Reads the file.
    ///
    /// # Errors
    /// Exit code 2: it is not there, or not understood.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let shown = path.display().to_string();
        let unread = |error: std::io::Error| {
            let next = "name the file with -c; examples/fluxar.toml shows all that may be in it";
            Failure::usage(format_args!("cannot read {shown}: {error}"), next)
        };
        let file = File::open(path).map_err(unread)?;
        let is_private = is_private(&file.metadata().map_err(unread)?);
        let mut text = String::new();
        file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text).map_err(unread)?;
        if text.len() as u64 > FILE_BYTES_MAX {
            // A part of it could leave out who is let in.
            let cause = format_args!("{shown} has more than {FILE_BYTES_MAX} bytes");
            return Err(Failure::usage(cause, "split it: one `fluxar up -c` a file"));
        }
        let config = from_toml(&text).map_err(|cause| wrong(&shown, &cause))?;
        let base = secret::absolute_path(path).parent().map(Path::to_owned).unwrap_or_default();
        Ok(Self { config, base, shown, is_private })
    }

    /// Whether it says where to listen.
    pub(crate) fn listens(&self) -> bool {
        !self.config.listen.is_empty()
    }

    /// The model that was asked for.
    pub(crate) fn model(&self) -> &Model {
        &self.config.model
    }

    /// What it comes to, with all files that it names. `listen` takes the place of its addresses.
    ///
    /// # Errors
    /// Exit code 2: something in it cannot be carried out.
    pub(crate) fn settings(&self, name: &str, listen: &[String]) -> Result<Settings, Failure> {
        let config = &self.config;
        let urls = match listen {
            [] => config.listen.clone(),
            listen => listen.to_vec(),
        };
        let failed = |cause: String| wrong(&self.shown, &cause);
        for url in &urls {
            let parsed = url.parse::<Address>();
            parsed.map_err(|error| failed(format!("listen: {error}")))?;
        }
        let mut limits = Limits::default();
        config.limits.apply(&mut limits).map_err(|cause| failed(format!("limits: {cause}")))?;
        limits.check().map_err(|cause| failed(format!("limits: {cause}")))?;
        let mut node_limits = NodeLimits::default();
        config.node.apply(&mut node_limits).map_err(|cause| failed(format!("node: {cause}")))?;
        let certificates = config.tls.as_ref().is_some_and(|tls| tls.client_ca.is_some());
        let asks = auth::Asks { certificates, seals: config.seal.is_some() };
        let guard = Guard::new(config.auth.as_ref(), asks, self).map_err(failed)?;
        Ok(Settings {
            name: config.name.clone().unwrap_or_else(|| name.to_owned()),
            urls,
            options: self.listen_options(),
            tls: self.tls()?,
            seal: self.seal()?,
            guard,
            limits,
            node_limits,
            compression: config.compress.unwrap_or(Compress::Off).compression(),
        })
    }

    fn listen_options(&self) -> ListenOptions {
        let config = &self.config;
        let options = config
            .allow_origin
            .iter()
            .fold(ListenOptions::default(), |options, origin| options.allow_origin(origin));
        let options = config.allow_host.iter().fold(options, ListenOptions::allow_host);
        config.allow_user.iter().fold(options, |options, uid| options.allow_user(*uid))
    }

    fn tls(&self) -> Result<Option<TlsServer>, Failure> {
        let Some(tls) = &self.config.tls else { return Ok(None) };
        let settings = TlsServer::from_pem(self.at(&tls.cert), self.at(&tls.key));
        let settings = settings.and_then(|settings| match &tls.client_ca {
            Some(path) if tls.client_optional => settings.client_ca_optional(self.at(path)),
            Some(path) => settings.client_ca(self.at(path)),
            None => Ok(settings),
        });
        settings.map(Some).map_err(|error| wrong(&self.shown, &format!("tls: {error}")))
    }

    fn seal(&self) -> Result<Option<Seal>, Failure> {
        let Some(seal) = &self.config.seal else { return Ok(None) };
        let key = match &seal.key {
            Some(path) => SealKey::load(self.at(path)),
            None => SealKey::generate(),
        };
        let key = key.map_err(|error| told(&error))?;
        let made = match seal.policy {
            Policy::Require => Seal::require(key),
            Policy::Allow => Seal::allow(key),
        };
        with_psk(made, seal.psk.as_ref().map(|path| self.at(path)).as_deref()).map(Some)
    }

    /// A path of the file, which is seen from where the file is.
    fn at(&self, path: &Path) -> PathBuf {
        self.base.join(path)
    }

    /// A secret of the file: by reference, or in it if nobody else may read it.
    ///
    /// # Errors
    /// It is not there, or not secret.
    fn secret(&self, text: &str) -> Result<String, String> {
        if let Some(path) = text.strip_prefix('@') {
            return secret::read_private_line(&self.at(Path::new(path)));
        }
        if secret::is_literal(text) && !self.is_private {
            let shown = &self.shown;
            return Err(format!(
                "a secret stands in it, and others may read it: write @FILE or $NAME, or chmod 600 \
                 {shown}"
            ));
        }
        secret::read(text)
    }
}

fn wrong(shown: &str, cause: &str) -> Failure {
    let next = "correct the file, and try it with fluxar up -c FILE --check";
    Failure::usage(format_args!("{shown}: {cause}"), next)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Config, String> {
        from_toml(text)
    }

    /// Who is let in may stand at the end.
    #[test]
    fn a_file_is_read_whole_or_not_at_all() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let text = format!("listen = 'ws://127.0.0.1:0'\n#{}\n", "x".repeat(1 << 20));
        std::fs::write(file.path(), text).unwrap();
        let error = Loaded::read(file.path()).err().map(|error| error.to_string());
        assert!(error.is_some_and(|text| text.contains("has more than 1048576 bytes")));
    }

    /// As on the command line: a pause that is no time would end the server's task.
    #[test]
    fn a_pace_that_is_none_is_refused() {
        let read = |rate: &str| read(&format!("[model]\ntokens_per_second = {rate}"));
        assert_eq!(read("30.5").unwrap().model.tokens_per_second, Some(30.5));
        for wrong in ["0.0", "-1.0", "nan", "1e-30", "inf"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    /// The example says of all limits that they are the defaults.
    #[test]
    fn the_example_has_every_limit_with_its_default() {
        let text = include_str!("../../../../examples/fluxar.toml");
        let config = read(text).unwrap();
        let (mut limits, mut node) = (Limits::default(), NodeLimits::default());
        config.limits.apply(&mut limits).unwrap();
        config.node.apply(&mut node).unwrap();
        assert_eq!((limits, node), (Limits::default(), NodeLimits::default()));
        let named = |name: &str| text.contains(&format!("\n{name} = "));
        for field in format!("{:?}{:?}", Limits::default(), NodeLimits::default()).split(['{', ','])
        {
            let name = field.split(':').next().unwrap().trim();
            let is_field = field.contains(':') && name != "numbered_keys";
            assert!(!is_field || named(name), "{name}");
        }
    }

    #[test]
    fn what_is_misspelt_or_of_another_kind_is_refused_with_its_line() {
        for (text, expected) in [
            ("\nlistn = 'ws://h'", "line 2: unknown field `listn`"),
            ("[auth]\ntokens = []", "did you mean `token`?"),
            ("[limits]\nframe_byte_max = 1", "did you mean `frame_bytes_max`?"),
            ("[seal]\npolicy = 'requier'", "did you mean `require`?"),
            ("compress = 'zst'", "did you mean `zstd`?"),
            ("[[auth.token]]\nname = 'a'\ntoken = 'b'\nrights = 'some'", "\"all\", \"none\""),
            ("[[auth.token]]\nname = 'a'\ntoken = 'b'\nrights = {cal = ['x']}", "`call`?"),
            ("[[auth.token]]\nname = 'a'\ntoken = 'b'\nrights = {call = 'a..b'}", "empty segment"),
            ("[[auth.token]]\nname = 'a'\ntoken = 'b'", "missing field `rights`"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
