//! The options of every verb that connects to a peer.

use crate::failure::{Exit, Failure};
use crate::seal::DialSeal;
use crate::units;
use fluxar::transport::tls::TlsError;
use fluxar::transport::{DialOptions, Fingerprint, TlsClient};
use fluxar::{Auth, Client, ConnectError, IdentityKey};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The environment variable that stands in for the URL.
const URL_VARIABLE: &str = "FLUXAR_URL";

/// How to connect.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Dial {
    /// Credential: bearer:TOKEN, basic:USER:PASSWORD, api_key:KEY, key:FILE or certificate; a
    /// secret written @FILE is read from there, so that it stands in no command line
    #[arg(long, env = "FLUXAR_AUTH", hide_env_values = true, value_parser = credential)]
    auth: Option<Credential>,
    #[command(flatten)]
    tls: Trust,
    #[command(flatten)]
    seal: DialSeal,
    /// Time to connect and shake hands
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = units::duration)]
    connect_timeout: Duration,
}

/// Whom to trust at tls://, wss:// and quic:// addresses, and what to show there.
#[derive(Clone, Debug, clap::Args)]
struct Trust {
    /// Certificate authorities to trust beside the system's, as a PEM file; may be repeated
    #[arg(long, value_name = "FILE", env = "FLUXAR_CA")]
    ca: Vec<PathBuf>,
    /// Trust just the certificate with this SHA-256 (fluxar doctor shows it); may be repeated
    #[arg(long, value_name = "FINGERPRINT")]
    pin: Vec<Fingerprint>,
    /// Certificate to show to a server that asks for one, as a PEM file
    #[arg(long, value_name = "FILE", requires = "key")]
    cert: Option<PathBuf>,
    /// Its key, as a PEM file
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,
}

impl Trust {
    fn settings(&self) -> Result<TlsClient, Failure> {
        let failed = |error: TlsError| Failure::usage(error, "name other files");
        let mut settings = TlsClient::new();
        for path in &self.ca {
            settings = settings.ca(path).map_err(failed)?;
        }
        for fingerprint in &self.pin {
            settings = settings.pin(*fingerprint);
        }
        match (&self.cert, &self.key) {
            (Some(cert), Some(key)) => settings.identity(cert, key).map_err(failed),
            _ => Ok(settings),
        }
    }
}

/// A credential from the command line. Its debug form hides the secret.
#[derive(Clone)]
pub(crate) struct Credential(Auth);

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Credential(..)")
    }
}

fn credential(text: &str) -> Result<Credential, String> {
    let (scheme, rest) = text.split_once(':').unwrap_or((text, ""));
    let auth = match (scheme, rest.split_once(':')) {
        ("certificate", _) if rest.is_empty() => Auth::certificate(),
        (_, _) if rest.is_empty() => return Err(CREDENTIAL_FORMS.to_owned()),
        ("bearer", _) => Auth::bearer(secret(rest)?),
        ("api_key", _) => Auth::api_key(secret(rest)?),
        ("basic", Some((user, password))) => Auth::basic(user, secret(password)?),
        ("key", _) => {
            let text = secret_file(Path::new(rest))?;
            Auth::key(IdentityKey::from_hex(&text).map_err(|error| format!("`{rest}`: {error}"))?)
        }
        // The text is a secret: it is not repeated.
        _ => return Err(CREDENTIAL_FORMS.to_owned()),
    };
    Ok(Credential(auth))
}

const CREDENTIAL_FORMS: &str =
    "write bearer:TOKEN, basic:USER:PASSWORD, api_key:KEY, key:FILE or certificate";

/// A secret, or the content of the file that is named instead.
fn secret(text: &str) -> Result<String, String> {
    match text.strip_prefix('@') {
        Some(path) => secret_file(Path::new(path)),
        None => Ok(text.to_owned()),
    }
}

/// What a file holds that nobody else may read, without the end of its line.
fn secret_file(path: &Path) -> Result<String, String> {
    let shown = path.display();
    let failed = |error| format!("cannot read `{shown}`: {error}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(path).map_err(failed)?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(format!("others may read `{shown}`: chmod 600 {shown}"));
        }
    }
    let text = std::fs::read_to_string(path).map_err(failed)?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

impl Dial {
    /// How a bare link is dialed.
    ///
    /// # Errors
    /// Exit code 2: a file of the options is of no use.
    pub(crate) fn options(&self) -> Result<DialOptions, Failure> {
        Ok(DialOptions::default().tls(self.tls.settings()?))
    }

    /// Asks for a sealed session even when no option does.
    pub(crate) fn sealing(mut self) -> Self {
        self.seal = self.seal.asked();
        self
    }

    /// Connects once; a lost link ends the session.
    ///
    /// # Errors
    /// Exit code 3 with the reason; 2 when the URL is none.
    pub(crate) async fn connect(&self, url: &str) -> Result<Client, Failure> {
        let mut client = Client::connect(url).name("fluxar-cli").no_reconnect();
        // What is printed has names, whatever the other side knows.
        client = client.numbered_keys(false);
        client = client.tls(self.tls.settings()?);
        if let Some(Credential(auth)) = &self.auth {
            client = client.auth(auth.clone());
        }
        if let Some(seal) = self.seal.seal()? {
            client = client.seal(seal);
        }
        match tokio::time::timeout(self.connect_timeout, client.build()).await {
            Ok(Ok(client)) => Ok(client),
            Ok(Err(ConnectError::Seal(error))) => {
                Err(Failure::usage(error, "copy the address as `fluxar key pin URL` prints it"))
            }
            Ok(Err(ConnectError::Address(error))) => {
                Err(Failure::usage(error, "see --help for addresses, such as ws://127.0.0.1:9000"))
            }
            Ok(Err(error)) => Err(Failure::connection(url, connect_code(&error), error)),
            Err(_) => {
                let cause = format_args!("no answer within {:?}", self.connect_timeout);
                Err(Failure::connection(url, "deadline_exceeded", cause))
            }
        }
    }
}

/// The code of a session that did not come about.
pub(crate) fn connect_code(error: &ConnectError) -> &'static str {
    error.status().map_or("unavailable", |status| status.code().name())
}

/// Takes the URL off the front of a verb's words, or from FLUXAR_URL.
///
/// # Errors
/// Exit code 2: there is neither.
pub(crate) fn split_url(mut words: Vec<String>) -> Result<(String, Vec<String>), Failure> {
    if words.first().is_some_and(|word| is_url(word)) {
        let url = words.remove(0);
        return Ok((url, words));
    }
    match std::env::var(URL_VARIABLE) {
        Ok(url) if !url.is_empty() => Ok((url, words)),
        _ => Err(Failure::usage(
            "there is no URL",
            format!("put one in front, such as ws://127.0.0.1:9000, or set {URL_VARIABLE}"),
        )),
    }
}

/// An address rather than a target or a topic.
pub(crate) fn is_url(word: &str) -> bool {
    word.contains("://") || word.starts_with("stdio:") || word.starts_with("exec:")
}

/// Checks how many words follow the URL.
///
/// # Errors
/// Exit code 2, with the form of the verb.
pub(crate) fn expect_words(
    words: &[String],
    from: usize,
    to: usize,
    form: &str,
) -> Result<(), Failure> {
    if (from..=to).contains(&words.len()) {
        return Ok(());
    }
    let cause = format_args!("{} words where {form} is wanted", words.len());
    Err(Failure::new(Exit::Usage, "usage", cause, "see --help for examples"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_told_from_a_target() {
        for url in ["ws://h", "tcp://h:1", "unix:///s", "stdio:", "exec:prog?arg=x", "mem://x"] {
            assert!(is_url(url), "{url}");
        }
        for other in ["llm.complete", "sensors.*.temp", "{\"a\":\"b\"}", ">"] {
            assert!(!is_url(other), "{other}");
        }
    }

    #[test]
    fn credentials_need_a_scheme_and_a_secret() {
        for right in ["bearer:t", "bearer:a:b", "basic:u:p", "basic:u:", "api_key:k", "certificate"]
        {
            assert!(credential(right).is_ok(), "{right}");
        }
        for wrong in ["", "t", "bearer:", "basic:u", "digest:x", "certificate:x"] {
            let message = credential(wrong).unwrap_err();
            assert!(message.contains("bearer:TOKEN") && !message.contains("digest"), "{wrong}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn secrets_come_from_files_that_nobody_else_may_read() {
        use std::os::unix::fs::PermissionsExt;
        let directory = std::env::temp_dir().join(format!("fluxar-dial-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let path = directory.join("secret");
        let write = |text: &str, mode| {
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        };
        let shown = path.display();
        write("t0ken\n", 0o600);
        assert_eq!(credential(&format!("bearer:@{shown}")).unwrap().0, Auth::bearer("t0ken"));
        let basic = credential(&format!("basic:ada:@{shown}")).unwrap().0;
        assert_eq!(basic, Auth::basic("ada", "t0ken"));
        let error = credential(&format!("key:{shown}")).unwrap_err();
        assert!(error.contains("64 hexadecimal digits") && !error.contains("t0ken"), "{error}");
        write(&"0a".repeat(32), 0o600);
        assert!(credential(&format!("key:{shown}")).is_ok());
        write("t0ken", 0o644);
        assert!(credential(&format!("bearer:@{shown}")).unwrap_err().contains("chmod 600"));
        assert!(credential("bearer:@/nowhere/to/be/found").unwrap_err().contains("cannot read"));
        std::fs::remove_dir_all(&directory).unwrap();
    }
}
