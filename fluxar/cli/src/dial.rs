//! The options of every verb that connects to a peer.

use crate::failure::{Exit, Failure};
use crate::seal::DialSeal;
use crate::units;
use fluxar::{Auth, Client, ConnectError};
use std::time::Duration;

/// The environment variable that stands in for the URL.
const URL_VARIABLE: &str = "FLUXAR_URL";

/// How to connect.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Dial {
    /// Credential: bearer:TOKEN, basic:USER:PASSWORD or api_key:KEY
    #[arg(long, env = "FLUXAR_AUTH", hide_env_values = true, value_parser = credential)]
    auth: Option<Credential>,
    #[command(flatten)]
    seal: DialSeal,
    /// Time to connect and shake hands
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = units::duration)]
    connect_timeout: Duration,
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
        (_, _) if rest.is_empty() => None,
        ("bearer", _) => Some(Auth::bearer(rest)),
        ("api_key", _) => Some(Auth::api_key(rest)),
        ("basic", Some((user, password))) => Some(Auth::basic(user, password)),
        _ => None,
    };
    // The text is a secret: it is not repeated.
    let message = "write bearer:TOKEN, basic:USER:PASSWORD or api_key:KEY";
    auth.map(Credential).ok_or_else(|| message.to_owned())
}

impl Dial {
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
fn is_url(word: &str) -> bool {
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
        for right in ["bearer:t", "bearer:a:b", "basic:u:p", "basic:u:", "api_key:k"] {
            assert!(credential(right).is_ok(), "{right}");
        }
        for wrong in ["", "t", "bearer:", "basic:u", "digest:x"] {
            let message = credential(wrong).unwrap_err();
            assert!(message.contains("bearer:TOKEN") && !message.contains("digest"), "{wrong}");
        }
    }
}
