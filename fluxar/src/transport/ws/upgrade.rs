//! The listener's side of the upgrade from HTTP, and who may have one.
//!
//! Browsers let any page open a WebSocket to any address, so that a local server has to look at
//! two headers that a page cannot forge: `Origin` (who asks) and `Host` (by which name).

use super::{SUBPROTOCOL, Socket, Wire};
use crate::transport::{Address, ListenOptions, TransportError};
use std::net::IpAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::machine::TryParse;
use tokio_tungstenite::tungstenite::handshake::server::{Request, create_response, write_response};
use tokio_tungstenite::tungstenite::http::header::{
    HOST, HeaderValue, ORIGIN, SEC_WEBSOCKET_PROTOCOL,
};
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

/// Bytes of the request's line and headers.
const HEAD_BYTES_MAX: usize = 8 << 10;
/// Anything else in a `Host` or `Origin` list.
const ANY: &str = "*";
const LOOPBACK_NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// Who may upgrade.
pub(super) struct Policy {
    path: String,
    hosts: Vec<String>,
    origins: Vec<String>,
}

/// A status line and what the body says.
#[derive(Debug, PartialEq, Eq)]
struct Denial(&'static str, &'static str);

const BAD_REQUEST: &str = "400 Bad Request";
const FORBIDDEN: &str = "403 Forbidden";
const NO_UPGRADE: &str = "this is not a WebSocket upgrade over HTTP/1.1";
const NOT_FOUND: &str = "404 Not Found";
const TOO_LARGE: &str = "431 Request Header Fields Too Large";

impl Policy {
    /// The rules of a listener at `address`.
    pub(super) fn new(address: &Address, options: &ListenOptions) -> Self {
        let mut hosts: Vec<String> = LOOPBACK_NAMES.map(str::to_owned).into();
        let everywhere = address.host().parse().is_ok_and(|ip: IpAddr| ip.is_unspecified());
        if !everywhere {
            hosts.push(address.host().to_owned());
        }
        hosts.extend(options.hosts.iter().cloned());
        let origins = options.origins.clone();
        Self { path: address.path().to_owned(), hosts, origins }
    }

    fn check(&self, request: &Request) -> Result<(), Denial> {
        let headers = request.headers();
        let mut hosts = headers.get_all(HOST).iter();
        let (Some(host), None) = (hosts.next().and_then(text), hosts.next()) else {
            return Err(Denial(BAD_REQUEST, "exactly one Host header is needed"));
        };
        if !listed(&self.hosts, host_name(host)) {
            return Err(Denial(
                FORBIDDEN,
                "this Host is not served here: use a loopback name, or have the server allow it \
                 (ListenOptions::allow_host)",
            ));
        }
        for origin in headers.get_all(ORIGIN) {
            if !text(origin).is_some_and(|origin| listed(&self.origins, origin)) {
                return Err(Denial(
                    FORBIDDEN,
                    "pages of this Origin may not connect: have the server allow it \
                     (ListenOptions::allow_origin)",
                ));
            }
        }
        if request.uri().path() != self.path {
            return Err(Denial(NOT_FOUND, "no fluxar at this path: the usual one is /fluxar"));
        }
        let offered = headers.get_all(SEC_WEBSOCKET_PROTOCOL).iter().filter_map(text);
        if !offered.flat_map(|list| list.split(',')).any(|name| name.trim() == SUBPROTOCOL) {
            return Err(Denial(
                BAD_REQUEST,
                "the WebSocket subprotocol fluxar.1 must be offered (Sec-WebSocket-Protocol)",
            ));
        }
        Ok(())
    }
}

fn text(value: &HeaderValue) -> Option<&str> {
    value.to_str().ok()
}

fn listed(allowed: &[String], value: &str) -> bool {
    allowed.iter().any(|entry| entry == ANY || entry.eq_ignore_ascii_case(value))
}

/// A `Host` without its port, brackets and closing dot.
fn host_name(host: &str) -> &str {
    let name = match host.strip_prefix('[') {
        Some(inner) => inner.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name.strip_suffix('.').unwrap_or(name)
}

/// Reads the request, checks it and answers it. The caller bounds the time.
pub(super) async fn accept<S: Wire>(
    mut stream: S,
    policy: &Policy,
    peer: &str,
    config: WebSocketConfig,
) -> Result<Socket<S>, TransportError> {
    let failed = |error: std::io::Error| TransportError::Handshake {
        peer: peer.to_owned(),
        reason: error.to_string(),
    };
    let (decision, rest) = match read_head(&mut stream).await.map_err(failed)? {
        Ok((request, rest)) => (respond(policy, &request), rest),
        Err(denial) => (Err(denial), Vec::new()),
    };
    match decision {
        Ok(response) => {
            stream.write_all(&response).await.map_err(failed)?;
            let role = Role::Server;
            Ok(WebSocketStream::from_partially_read(stream, rest, role, Some(config)).await)
        }
        Err(Denial(status, body)) => {
            // Nobody waits for the answer to be read: the reason is for people.
            let answer = format!(
                "HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\
                 X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n{body}\n",
                body.len() + 1,
            );
            stream.write_all(answer.as_bytes()).await.map_err(failed)?;
            stream.shutdown().await.map_err(failed)?;
            let reason = format!("{status}: {body}");
            Err(TransportError::Rejected { peer: peer.to_owned(), reason })
        }
    }
}

/// The request, and the bytes that came behind it.
type Head = (Request, Vec<u8>);

async fn read_head<S: Wire>(stream: &mut S) -> std::io::Result<Result<Head, Denial>> {
    let mut head = Vec::with_capacity(1 << 10);
    loop {
        if head.len() >= HEAD_BYTES_MAX {
            return Ok(Err(Denial(TOO_LARGE, "the request's head has 8 KiB at most")));
        }
        let (before, left) = (head.len(), (HEAD_BYTES_MAX - head.len()) as u64);
        if stream.take(left).read_buf(&mut head).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        if !head.first().is_some_and(u8::is_ascii_uppercase) {
            // TLS, most likely: its client would wait for us as long as we for it.
            return Ok(Err(Denial(BAD_REQUEST, NO_UPGRADE)));
        }
        // Parsed once, when its end has come: a peer that drips bytes costs no work.
        let news = head.get(before.saturating_sub(3)..).unwrap_or_default();
        if !news.windows(4).any(|end| end == b"\r\n\r\n") {
            continue;
        }
        return Ok(match Request::try_parse(&head) {
            Ok(Some((bytes, request))) => Ok((request, head.split_off(bytes))),
            _ => Err(Denial(BAD_REQUEST, NO_UPGRADE)),
        });
    }
}

/// The answer that makes it a WebSocket, or why not.
fn respond(policy: &Policy, request: &Request) -> Result<Vec<u8>, Denial> {
    policy.check(request)?;
    let not_an_upgrade =
        |_| Denial(BAD_REQUEST, "this port speaks WebSocket: connect with a fluxar client");
    let mut response = create_response(request).map_err(not_an_upgrade)?;
    let chosen = HeaderValue::from_static(SUBPROTOCOL);
    response.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, chosen);
    let mut bytes = Vec::new();
    write_response(&mut bytes, &response).map_err(not_an_upgrade)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_compared_without_port_brackets_and_dot() {
        for (host, name) in [
            ("localhost:9000", "localhost"),
            ("localhost", "localhost"),
            ("localhost.", "localhost"),
            ("[::1]:9000", "::1"),
            ("[::1]", "::1"),
            ("127.0.0.1:1", "127.0.0.1"),
            ("localhost.evil.example:9000", "localhost.evil.example"),
        ] {
            assert_eq!(host_name(host), name);
        }
    }

    #[test]
    fn the_name_bound_is_served_and_everywhere_is_no_name() {
        let policy = |address: &str| {
            Policy::new(&address.parse().expect(address), &ListenOptions::default())
        };
        assert!(listed(&policy("ws://192.0.2.1").hosts, "192.0.2.1"));
        assert!(!listed(&policy("ws://0.0.0.0").hosts, "0.0.0.0"));
        assert!(!listed(&policy("ws://[::]").hosts, "::"));
        assert!(listed(&policy("ws://0.0.0.0").hosts, "LocalHost"));
    }
}
