//! Addresses: where to dial and where to listen, as text and in parts.
//!
//! | address | means |
//! |---|---|
//! | `tcp://host:port` | TCP; the port may be left out (9000) |
//! | `ws://host:port/path` | WebSocket; port 9000 and path `/fluxar` may be left out |
//! | `tls://host:port` | TLS 1.3 over TCP |
//! | `wss://host:port/path` | WebSocket over TLS 1.3 |
//! | `quic://host:port` | QUIC |
//! | `unix:///path` | a Unix socket in a directory of ours |
//! | `mem://name` | within this process |
//! | `stdio:` | our own standard input and output |
//! | `exec:program?arg=a&arg=b` | a child, spoken to over its standard input and output |
//!
//! In `unix` and `exec` addresses `%20` stands for a space, and so on.

use super::SCHEMES;
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};
use std::fmt;
use std::str::FromStr;

/// The port when none is given.
pub const DEFAULT_PORT: u16 = 9000;
/// The WebSocket path when none is given.
pub const DEFAULT_PATH: &str = "/fluxar";
/// Bytes of an address as text.
pub const ADDRESS_BYTES_MAX: usize = 4096;
/// Arguments of an `exec:` address.
pub const ARGUMENTS_MAX: usize = 64;
/// Bytes of the name of a `mem://` address.
pub const NAME_BYTES_MAX: usize = 64;
/// Bytes of the path of a Unix socket: what a socket address holds, less the closing zero.
pub const SOCKET_PATH_BYTES_MAX: usize = 107;

const ESCAPED: &AsciiSet =
    &CONTROLS.add(b' ').add(b'%').add(b'?').add(b'#').add(b'&').add(b'"').add(b'<').add(b'>');

/// The shape that a scheme's addresses have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    HostPort,
    HostPortPath,
    Path,
    Name,
    Bare,
    Program,
}

/// Where to dial or listen. Made by [`FromStr`]; its [`Display`](fmt::Display) reads back as an
/// equal address.
///
/// ```
/// # use fluxar::transport::Address;
/// let address: Address = "ws://127.0.0.1".parse()?;
/// assert_eq!(address.to_string(), "ws://127.0.0.1:9000/fluxar");
/// # Ok::<(), fluxar::transport::AddressError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Address {
    scheme: &'static str,
    host: String,
    port: u16,
    path: String,
    arguments: Vec<String>,
}

/// Why a text is not an address. The message says what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressError {
    /// It does not say how to get there.
    #[error("`{text}` does not name a transport: write `{instead}`")]
    NoScheme {
        /// What was given.
        text: String,
        /// What was probably meant.
        instead: String,
    },
    /// It names no transport of fluxar.
    #[error("there is no transport `{scheme}`: {instead}")]
    UnknownScheme {
        /// What stands before `://`.
        scheme: String,
        /// What to use.
        instead: &'static str,
    },
    /// The rest does not fit the scheme.
    #[error("`{text}`: {problem}: write `{instead}`")]
    Malformed {
        /// What was given.
        text: String,
        /// What is wrong with it.
        problem: &'static str,
        /// An address of the right shape.
        instead: String,
    },
    /// Nobody writes such an address on purpose.
    #[error("an address may have {ADDRESS_BYTES_MAX} bytes, this one has {bytes}")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
}

impl Address {
    /// Reads an address in which the scheme may be left out: `default_scheme` is used then.
    ///
    /// # Errors
    /// As [`FromStr`].
    pub fn parse_with(default_scheme: &str, text: &str) -> Result<Self, AddressError> {
        match split_scheme(text) {
            Some(_) => text.parse(),
            None => format!("{default_scheme}://{text}").parse(),
        }
    }

    /// The part before the colon.
    #[must_use]
    pub fn scheme(&self) -> &'static str {
        self.scheme
    }

    /// Host of a network address (an IPv6 one without brackets), name of a `mem` one, else
    /// empty.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Port of a network address, else 0.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Path of a `ws`, `wss` or `unix` address, program of an `exec` one, else empty.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Arguments of an `exec` address.
    #[must_use]
    pub fn arguments(&self) -> &[String] {
        &self.arguments
    }

    /// The same address with another port: the one that the system chose for port 0.
    #[cfg(feature = "tcp")]
    pub(crate) fn with_port(&self, port: u16) -> Self {
        Self { port, ..self.clone() }
    }

    /// Host and port as one text, with brackets where IPv6 needs them.
    #[must_use]
    pub fn authority(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

/// The scheme and what follows its colon, when the text starts with something that can only be a
/// scheme: a name of the table, or a word before `://`.
fn split_scheme(text: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = text.split_once(':')?;
    let known = SCHEMES.iter().any(|row| row.name == scheme);
    // `tcp:9000` may be a host called tcp, but nobody means that; `localhost:9000` is a host.
    (known || rest.starts_with("//")).then_some((scheme, rest))
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        if text.len() > ADDRESS_BYTES_MAX {
            return Err(AddressError::TooLong { bytes: text.len() });
        }
        let Some((scheme, rest)) = split_scheme(text) else {
            let instead = if text.starts_with(['/', '.', '~']) {
                format!("unix:///{}", text.trim_start_matches(['/', '.', '~']))
            } else if text.is_empty() {
                "tcp://127.0.0.1:9000".to_owned()
            } else {
                format!("tcp://{text}")
            };
            return Err(AddressError::NoScheme { text: text.to_owned(), instead });
        };
        let Some(row) = SCHEMES.iter().find(|row| row.name == scheme) else {
            return Err(AddressError::UnknownScheme {
                scheme: scheme.to_owned(),
                instead: instead_of(scheme),
            });
        };
        let parser = Parser { text, scheme: row.name };
        match row.form {
            Form::HostPort => parser.host_port(rest, false),
            Form::HostPortPath => parser.host_port(rest, true),
            Form::Path => parser.path(rest),
            Form::Name => parser.name(rest),
            Form::Bare => parser.bare(rest),
            Form::Program => parser.program(rest),
        }
    }
}

/// What somebody who wrote this scheme should write.
fn instead_of(scheme: &str) -> &'static str {
    match scheme {
        "tcps" | "ssl" | "tcp+tls" => "use tls://host:port",
        "https" => "use wss://host:port/fluxar",
        "http" => "use ws://host:port/fluxar",
        "file" => "use unix:///path/of/a.sock",
        _ => "use one of tcp://, tls://, ws://, wss://, quic://, unix://, mem://, stdio:, exec:",
    }
}

/// Reads what follows the scheme; keeps what the messages need.
struct Parser<'a> {
    text: &'a str,
    scheme: &'static str,
}

impl Parser<'_> {
    fn error(&self, problem: &'static str, instead: impl Into<String>) -> AddressError {
        AddressError::Malformed { text: self.text.to_owned(), problem, instead: instead.into() }
    }

    fn made(&self, host: &str, port: u16, path: String) -> Address {
        let arguments = Vec::new();
        Address { scheme: self.scheme, host: host.to_owned(), port, path, arguments }
    }

    /// What follows `//`, which must be there.
    fn after_slashes<'t>(&self, rest: &'t str, example: &str) -> Result<&'t str, AddressError> {
        rest.strip_prefix("//")
            .ok_or_else(|| self.error("`//` is missing after the scheme", example))
    }

    fn host_port(&self, rest: &str, with_path: bool) -> Result<Address, AddressError> {
        let scheme = self.scheme;
        let example = format!("{scheme}://127.0.0.1:{DEFAULT_PORT}");
        let rest = self.after_slashes(rest, &example)?;
        if rest.contains(['?', '#']) {
            return Err(self.error("a query or fragment has no meaning here", example));
        }
        let (authority, path) = match rest.find('/') {
            Some(at) => rest.split_at(at),
            None => (rest, ""),
        };
        if authority.contains('@') {
            return Err(self.error("credentials do not belong into an address", example));
        }
        let (host, port) = self.split_port(authority, &example)?;
        if host.is_empty() {
            return Err(self.error("the host is missing (0.0.0.0 listens everywhere)", example));
        }
        let path = match path {
            "" | "/" if with_path => DEFAULT_PATH,
            "" | "/" => "",
            _ if !with_path => {
                let instead = format!("{scheme}://{authority}");
                return Err(self.error("this transport has no paths", instead));
            }
            path if path.bytes().all(|byte| byte.is_ascii_graphic()) => path,
            _ => return Err(self.error("a path has no spaces and only ASCII", example)),
        };
        Ok(self.made(host, port, path.to_owned()))
    }

    fn split_port<'t>(
        &self,
        authority: &'t str,
        example: &str,
    ) -> Result<(&'t str, u16), AddressError> {
        let (host, port) = if let Some(inner) = authority.strip_prefix('[') {
            let (host, after) = inner
                .split_once(']')
                .ok_or_else(|| self.error("the `]` of the IPv6 address is missing", example))?;
            if host.parse::<std::net::Ipv6Addr>().is_err() {
                return Err(self.error("between brackets stands an IPv6 address", example));
            }
            (host, after)
        } else {
            let at = authority.find(':').unwrap_or(authority.len());
            let (host, after) = authority.split_at(at);
            if after.matches(':').count() > 1 {
                let instead = format!("{}://[{authority}]:{DEFAULT_PORT}", self.scheme);
                return Err(self.error("an IPv6 address needs brackets", instead));
            }
            if !host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte)) {
                return Err(self.error("a host is letters, digits, dots and dashes", example));
            }
            (host, after)
        };
        if port.is_empty() {
            return Ok((host, DEFAULT_PORT));
        }
        let digits = port.strip_prefix(':').filter(|digits| !digits.starts_with('+'));
        match digits.and_then(|digits| digits.parse().ok()) {
            Some(port) => Ok((host, port)),
            None => Err(self.error("the port is a number up to 65535", example)),
        }
    }

    fn path(&self, rest: &str) -> Result<Address, AddressError> {
        let example = "unix:///run/user/1000/fluxar/a.sock";
        let rest = self.after_slashes(rest, example)?;
        if !rest.starts_with('/') {
            return Err(self.error("the path must be absolute (three slashes)", example));
        }
        if rest.contains(['?', '#']) {
            return Err(self.error("`?` and `#` are written %3F and %23", example));
        }
        let path = self.decode(rest, example)?;
        if path.ends_with('/') || path.contains('\0') {
            return Err(self.error("a socket's path ends in a file name", example));
        }
        if path.len() > SOCKET_PATH_BYTES_MAX {
            return Err(self.error("a socket's path has 107 bytes at most", example));
        }
        Ok(self.made("", 0, path))
    }

    fn name(&self, rest: &str) -> Result<Address, AddressError> {
        let name = self.after_slashes(rest, "mem://name")?;
        let fits = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte));
        if name.is_empty() || name.len() > NAME_BYTES_MAX || !fits {
            let problem = "a name is 1 to 64 letters, digits, dots and dashes";
            return Err(self.error(problem, "mem://name"));
        }
        Ok(self.made(name, 0, String::new()))
    }

    fn bare(&self, rest: &str) -> Result<Address, AddressError> {
        if rest.is_empty() {
            return Ok(self.made("", 0, String::new()));
        }
        Err(self.error("nothing follows the colon", format!("{}:", self.scheme)))
    }

    fn program(&self, rest: &str) -> Result<Address, AddressError> {
        let example = "exec:program?arg=first&arg=second";
        let (program, query) = match rest.split_once('?') {
            Some((program, query)) => (program, Some(query)),
            None => (rest, None),
        };
        if program.starts_with("//") {
            return Err(self.error("no slashes before the program", example));
        }
        if program.contains(['#', '&']) {
            return Err(self.error("arguments follow a `?`", example));
        }
        let mut address = self.made("", 0, self.decode(program, example)?);
        if address.path.is_empty() || address.path.contains('\0') {
            return Err(self.error("the program is missing", example));
        }
        for pair in query.into_iter().flat_map(|query| query.split('&')) {
            let Some(value) = pair.strip_prefix("arg=") else {
                return Err(self.error("every argument is written `arg=…`", example));
            };
            if address.arguments.len() == ARGUMENTS_MAX || value.contains('#') {
                return Err(self.error("64 arguments at most, and `#` is written %23", example));
            }
            let value = self.decode(value, example)?;
            if value.contains('\0') {
                return Err(self.error("an argument cannot hold a zero byte", example));
            }
            address.arguments.push(value);
        }
        Ok(address)
    }

    fn decode(&self, part: &str, example: &str) -> Result<String, AddressError> {
        if part.contains(|c: char| c.is_control()) {
            return Err(self.error("control characters are written %0A and so on", example));
        }
        let decoded = percent_decode_str(part).decode_utf8();
        let decoded = decoded.map_err(|_| self.error("the %-escapes are not UTF-8", example))?;
        Ok(decoded.into_owned())
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = self.scheme;
        let row = SCHEMES.iter().find(|row| row.name == scheme);
        match row.map_or(Form::Bare, |row| row.form) {
            Form::HostPort | Form::HostPortPath => {
                write!(f, "{scheme}://{}{}", self.authority(), self.path)
            }
            Form::Path => write!(f, "{scheme}://{}", utf8_percent_encode(&self.path, ESCAPED)),
            Form::Name => write!(f, "{scheme}://{}", self.host),
            Form::Bare => write!(f, "{scheme}:"),
            Form::Program => {
                write!(f, "{scheme}:{}", utf8_percent_encode(&self.path, ESCAPED))?;
                for (index, argument) in self.arguments.iter().enumerate() {
                    let mark = if index == 0 { '?' } else { '&' };
                    write!(f, "{mark}arg={}", utf8_percent_encode(argument, ESCAPED))?;
                }
                Ok(())
            }
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}

#[cfg(test)]
mod tests;
