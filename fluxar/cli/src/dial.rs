//! The options of every verb that connects to a peer.

use crate::context::Store;
use crate::failure::{Exit, Failure};
use crate::profile::Profile;
use crate::terminal;
use crate::units;
use fluxar::transport::DialOptions;
use fluxar::{Backoff, Client, ConnectError, State};
use std::path::PathBuf;
use std::time::Duration;

/// The environment variable that stands in for the URL.
const URL_VARIABLE: &str = "FLUXAR_URL";
const CONTEXT_VARIABLE: &str = "FLUXAR_CONTEXT";
const AUTH_VARIABLE: &str = "FLUXAR_AUTH";
const CA_VARIABLE: &str = "FLUXAR_CA";
/// Attempts to find a lost peer again: half a minute, with these pauses.
const ATTEMPTS_MAX: u32 = 12;
const LONGEST_PAUSE: Duration = Duration::from_secs(4);
const WRONG_AUTH: &str = "correct --auth, FLUXAR_AUTH or the context (fluxar ctx edit NAME)";

/// How to connect.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Connection")]
pub(crate) struct Dial {
    /// Context to connect by, see fluxar ctx; '' for none [default: without a URL the one of
    /// FLUXAR_CONTEXT, or the one in use]
    #[arg(long = "ctx", value_name = "NAME")]
    context: Option<String>,
    #[command(flatten)]
    profile: Profile,
    /// Time to connect and shake hands
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = units::duration)]
    connect_timeout: Duration,
}

/// The way to a peer: addresses, and how to go there.
#[derive(Clone, Debug)]
pub(crate) struct Way {
    profile: Profile,
    timeout: Duration,
}

impl Dial {
    /// Takes the URLs off the front of a verb's words, or from options, environment and contexts;
    /// gives back the other words.
    ///
    /// # Errors
    /// Exit code 2: there is no URL, or the context makes no sense.
    pub(crate) fn way(&self, words: Vec<String>) -> Result<(Way, Vec<String>), Failure> {
        let (way, words) = self.way_if_any(words)?;
        let way = way.ok_or_else(|| {
            let next = format!(
                "put one in front, such as ws://127.0.0.1:9000, set {URL_VARIABLE}, or name a \
                 context with --ctx (fluxar ctx)"
            );
            let first = words.first().map(|word| format!(": `{word}` is none"));
            Failure::usage(format_args!("there is no URL{}", first.unwrap_or_default()), next)
        })?;
        Ok((way, words))
    }

    /// The same where no URL at all means something as well.
    ///
    /// # Errors
    /// Exit code 2: the context makes no sense.
    pub(crate) fn way_if_any(
        &self,
        mut words: Vec<String>,
    ) -> Result<(Option<Way>, Vec<String>), Failure> {
        let mut urls = Vec::new();
        if words.first().is_some_and(|word| is_url(word)) {
            urls = split_urls(&words.remove(0));
        }
        urls.extend(self.profile.urls.iter().flat_map(|url| split_urls(url)));
        let named = self.context.as_deref();
        if urls.is_empty() && named.is_none_or(str::is_empty) {
            urls.extend(variable(URL_VARIABLE).iter().flat_map(|url| split_urls(url)));
        }
        let context = match named {
            Some("") => None,
            Some(name) => Some(name.to_owned()),
            // An address that was given without a context gets none of a context's secrets.
            None if !urls.is_empty() => None,
            None => variable(CONTEXT_VARIABLE).or_else(in_use),
        };
        let mut profile = self.profile.clone();
        profile.urls = urls;
        if let Some(name) = context {
            profile = profile.over(Store::open()?.load(&name)?);
        }
        if profile.urls.is_empty() {
            return Ok((None, words));
        }
        let profile = from_environment(profile)?;
        Ok((Some(Way { profile, timeout: self.connect_timeout }), words))
    }

    /// The way to this address, whatever context is in use.
    ///
    /// # Errors
    /// As [`Dial::way`].
    pub(crate) fn way_to(&self, url: &str) -> Result<Way, Failure> {
        self.way(vec![url.to_owned()]).map(|(way, _)| way)
    }
}

/// What neither the command line nor the context says.
fn from_environment(mut profile: Profile) -> Result<Profile, Failure> {
    if profile.auth.is_none()
        && let Some(text) = variable(AUTH_VARIABLE)
    {
        let wrong = |error| Failure::usage(format_args!("{AUTH_VARIABLE}: {error}"), "set it anew");
        profile.auth = Some(text.parse().map_err(wrong)?);
    }
    if profile.ca.is_empty() {
        profile.ca.extend(variable(CA_VARIABLE).map(PathBuf::from));
    }
    Ok(profile)
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The context in use. Without a home there is none.
fn in_use() -> Option<String> {
    let [current, _] = Store::open().ok()?.chosen();
    current
}

impl Way {
    /// The addresses, for people.
    pub(crate) fn url(&self) -> String {
        self.profile.urls.join(",")
    }

    /// The addresses.
    pub(crate) fn urls(&self) -> &[String] {
        &self.profile.urls
    }

    /// Asks for a sealed session even when no option does.
    pub(crate) fn sealing(mut self) -> Self {
        self.profile = self.profile.sealing();
        self
    }

    /// How a bare link is dialed.
    ///
    /// # Errors
    /// Exit code 2: a file of the options is of no use.
    pub(crate) fn options(&self) -> Result<DialOptions, Failure> {
        Ok(DialOptions::default().tls(self.profile.tls()?))
    }

    /// Connects. A lost link ends the session, unless there are several addresses or it was asked
    /// for: then it is made anew, and the session goes on.
    ///
    /// # Errors
    /// Exit code 5 with the reason, 3 when the peer refuses; 2 when a URL is none.
    pub(crate) async fn connect(&self) -> Result<Client, Failure> {
        let url = self.url();
        let mut addresses = self.profile.urls.iter();
        let first = addresses.next().expect("a way has an address");
        let mut client = addresses
            .fold(Client::connect(first), |client, other| client.or(other))
            .name("fluxar-cli")
            // What is printed has names, whatever the other side knows.
            .numbered_keys(false)
            .compress(self.profile.compression())
            .tls(self.profile.tls()?);
        client = match self.profile.reconnects() {
            true => client
                .reconnect(Backoff::default().longest(LONGEST_PAUSE).attempts_max(ATTEMPTS_MAX)),
            false => client.no_reconnect(),
        };
        if let Some(credential) = &self.profile.auth {
            let auth = credential.auth();
            let wrong = |cause| Failure::usage(cause, WRONG_AUTH);
            client = client.auth(auth.map_err(wrong)?);
            // A file may have been renewed since. One that cannot be read now presents what it held.
            let credential = credential.clone();
            client = client.renew_auth(move || credential.auth().ok());
        }
        if let Some(seal) = self.profile.seal()? {
            client = client.seal(seal);
        }
        match tokio::time::timeout(self.timeout, client.build()).await {
            Ok(Ok(client)) => {
                if self.profile.reconnects() {
                    tell_of_links(&client);
                }
                Ok(client)
            }
            Ok(Err(ConnectError::Seal(error))) => {
                Err(Failure::usage(error, "copy the address as `fluxar key pin URL` prints it"))
            }
            Ok(Err(ConnectError::Address(error))) => {
                Err(Failure::usage(error, "see --help for addresses, such as ws://127.0.0.1:9000"))
            }
            Ok(Err(error)) => Err(Failure::connection(&url, connect_code(&error), error)),
            Err(_) => {
                let cause = format_args!("no answer within {:?}", self.timeout);
                Err(Failure::connection(&url, "deadline_exceeded", cause))
            }
        }
    }
}

/// Says when a link is lost, and when there is another.
fn tell_of_links(client: &Client) {
    // Whether what is lost is more than the link.
    let mut lost: Option<bool> = None;
    client.on_state(move |state| match state {
        State::Detached | State::Disconnected => {
            if lost.is_none() {
                terminal::note("link", "lost: dialing again");
            }
            lost = Some(state == State::Disconnected);
        }
        State::Ready => match lost.take() {
            Some(true) => {
                let news = "there again, in a new session: open calls and streams have ended";
                terminal::note("link", news);
            }
            Some(false) => terminal::note("link", "there again: all goes on where it was"),
            None => {}
        },
        _ => {}
    });
}

/// The code of a session that did not come about.
pub(crate) fn connect_code(error: &ConnectError) -> &'static str {
    error.status().map_or("unavailable", |status| status.code().name())
}

/// An address rather than a target or a topic.
pub(crate) fn is_url(word: &str) -> bool {
    word.contains("://") || word.starts_with("stdio:") || word.starts_with("exec:")
}

/// The addresses of a list with commas; a comma inside of one parts nothing.
pub(crate) fn split_urls(text: &str) -> Vec<String> {
    let mut urls: Vec<String> = Vec::new();
    for part in text.split(',') {
        match urls.last_mut() {
            Some(last) if !is_url(part) => {
                last.push(',');
                last.push_str(part);
            }
            _ => urls.push(part.to_owned()),
        }
    }
    urls
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
    fn commas_part_addresses_and_nothing_in_them() {
        assert_eq!(split_urls("tcp://a:1,ws://b"), ["tcp://a:1", "ws://b"]);
        assert_eq!(split_urls("exec:prog?arg=a,b"), ["exec:prog?arg=a,b"]);
        assert_eq!(split_urls("unix:///a,b,tcp://c"), ["unix:///a,b", "tcp://c"]);
    }
}
