//! Who gets an upgrade, and what may come over a WebSocket.

use crate::rig::{address, dial_to, listen_at};
use bytes::BytesMut;
use fluxar::transport::{
    Address, DialOptions, Link, ListenOptions, Listener, TransportError, dial, listen,
};
use fluxar_tests::links::{close, read, read_exactly, read_to_end, write};
use futures_util::{SinkExt, StreamExt};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::ClientRequestBuilder;
use tokio_tungstenite::{WebSocketStream, client_async};

const KEY: &str = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
const UPGRADE: &str = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n";
const PROTOCOL: &str = "Sec-WebSocket-Protocol: fluxar.1\r\n";

async fn listen_with(text: &str, options: ListenOptions) -> Listener {
    listen(&address(text), &options).await.expect(text)
}

async fn connect(listener: &Listener) -> TcpStream {
    let port = listener.address().port();
    TcpStream::connect(("127.0.0.1", port)).await.expect("the listener is there")
}

async fn establish(listener: &mut Listener) -> Result<Link, TransportError> {
    listener.accept().await.expect("somebody comes").establish().await
}

/// What a listener answers to this text, and what it makes of the peer.
async fn answer(listener: &mut Listener, request: &str) -> (String, Result<(), TransportError>) {
    let mut stream = connect(listener).await;
    let ask = async {
        stream.write_all(request.as_bytes()).await.expect("sent");
        let mut got = Vec::new();
        while !got.windows(4).any(|end| end == b"\r\n\r\n") {
            if stream.read_buf(&mut got).await.expect("answered") == 0 {
                break;
            }
        }
        if !got.starts_with(b"HTTP/1.1 101") {
            stream.read_to_end(&mut got).await.expect("refused and closed");
        }
        String::from_utf8(got).expect("text")
    };
    let (got, made) = tokio::join!(ask, establish(listener));
    (got, made.map(drop))
}

fn request(path: &str, headers: &str) -> String {
    format!("GET {path} HTTP/1.1\r\n{headers}{UPGRADE}{KEY}\r\n")
}

fn refused(answer: &(String, Result<(), TransportError>), status: &str, must_say: &str) {
    let (said, made) = answer;
    assert!(said.starts_with(&format!("HTTP/1.1 {status} ")), "{said}");
    assert!(said.contains(must_say), "{said}");
    match made {
        Err(error @ TransportError::Rejected { .. }) => {
            assert!(error.to_string().contains(must_say), "{error}");
        }
        other => panic!("not rejected: {other:?}"),
    }
}

/// [L0.ws.3]
#[tokio::test]
async fn host_and_origin_and_bind_decide_together() {
    let hosts = [
        ("localhost:9000", true),
        ("LOCALHOST", true),
        ("127.0.0.1:1", true),
        ("[::1]:9000", true),
        ("app.example:9000", true), // On the list.
        ("192.0.2.7:9000", false),
        ("evil.example", false),
        ("localhost.evil.example", false),
        ("127.0.0.1.evil.example:9000", false),
        ("*", false),
        ("", false),
    ];
    let origins = [
        (None, true),
        (Some("https://app.example"), true), // On the list.
        (Some("https://app.example:444"), false),
        (Some("https://evil.example"), false),
        (Some("http://localhost:9000"), false),
        (Some("null"), false),
    ];
    for bind in ["ws://127.0.0.1:0", "ws://0.0.0.0:0", "ws://localhost:0"] {
        let options =
            ListenOptions::default().allow_host("app.example").allow_origin("https://app.example");
        let mut listener = listen_with(bind, options).await;
        for (host, host_fits) in hosts {
            for (origin, origin_fits) in origins {
                let origin = origin.map(|origin| format!("Origin: {origin}\r\n"));
                let headers = format!("Host: {host}\r\n{}{PROTOCOL}", origin.unwrap_or_default());
                let answer = answer(&mut listener, &request("/fluxar", &headers)).await;
                if !host_fits {
                    refused(&answer, "403", "allow_host");
                } else if !origin_fits {
                    refused(&answer, "403", "allow_origin");
                } else {
                    assert!(answer.0.starts_with("HTTP/1.1 101 "), "{}", answer.0);
                    assert!(answer.1.is_ok());
                }
            }
        }
    }
}

#[tokio::test]
async fn without_lists_only_loopback_names_and_programs_come_in() {
    let mut listener = listen_at("ws://0.0.0.0:0").await;
    let with =
        |host: &str, more: &str| request("/fluxar", &format!("Host: {host}\r\n{more}{PROTOCOL}"));
    let fits = answer(&mut listener, &with("localhost", "")).await;
    assert!(fits.1.is_ok());
    for host in ["0.0.0.0:9000", "app.example", "192.0.2.7"] {
        refused(&answer(&mut listener, &with(host, "")).await, "403", "allow_host");
    }
    let page = with("localhost", "Origin: http://localhost\r\n");
    refused(&answer(&mut listener, &page).await, "403", "allow_origin");
    let two = with("localhost", "Origin: null\r\nOrigin: null\r\n");
    refused(&answer(&mut listener, &two).await, "403", "allow_origin");
}

#[tokio::test]
async fn a_star_lets_everybody_in() {
    let options = ListenOptions::default().allow_host("*").allow_origin("*");
    let mut listener = listen_with("ws://127.0.0.1:0", options).await;
    let headers = format!("Host: any.example\r\nOrigin: null\r\n{PROTOCOL}");
    assert!(answer(&mut listener, &request("/fluxar", &headers)).await.1.is_ok());
}

/// [L0.ws.2]
#[tokio::test]
async fn a_wrong_upgrade_is_told_what_is_wrong() {
    let mut listener = listen_at("ws://127.0.0.1:0").await;
    let host = "Host: localhost\r\n";
    let plain = format!("GET /fluxar HTTP/1.1\r\n{host}{PROTOCOL}\r\n");
    let version =
        format!("GET /fluxar HTTP/1.1\r\n{host}{PROTOCOL}{}{KEY}\r\n", UPGRADE.replace("13", "8"));
    let bad_key = format!(
        "GET /fluxar HTTP/1.1\r\n{host}{PROTOCOL}{UPGRADE}Sec-WebSocket-Key: short\r\n\r\n"
    );
    let post = request("/fluxar", &format!("{host}{PROTOCOL}")).replace("GET", "POST");
    let long = format!("{host}{PROTOCOL}X-Long: {}\r\n", "x".repeat(9 << 10));
    let other = format!("{host}Sec-WebSocket-Protocol: fluxar.2, mqtt\r\n");
    for (text, status, must_say) in [
        (request("/", &format!("{host}{PROTOCOL}")), "404", "/fluxar"),
        (request("/fluxar/x", &format!("{host}{PROTOCOL}")), "404", "/fluxar"),
        (request("/fluxar", host), "400", "fluxar.1"),
        (request("/fluxar", &other), "400", "fluxar.1"),
        (request("/fluxar", PROTOCOL), "400", "Host"),
        (request("/fluxar", &format!("{host}{host}{PROTOCOL}")), "400", "Host"),
        (plain, "400", "speaks WebSocket"),
        (version, "400", "speaks WebSocket"),
        (bad_key, "400", "speaks WebSocket"),
        (post, "400", "not a WebSocket upgrade"),
        ("hello, is this fluxar?\r\n\r\n".to_owned(), "400", "not a WebSocket upgrade"),
    ] {
        refused(&answer(&mut listener, &text).await, status, must_say);
    }
    // The rest of a head that is too long is not read: the answer may be lost with the reset.
    let mut stream = connect(&listener).await;
    let text = request("/fluxar", &long);
    let (_, made) = tokio::join!(stream.write_all(text.as_bytes()), establish(&mut listener));
    let error = made.expect_err("too long").to_string();
    assert!(error.contains("431"), "{error}");
}

/// [L0.ws.2], [L0.ws.4]
#[tokio::test]
async fn the_answer_selects_the_subprotocol_and_no_extension() {
    let mut listener = listen_at("ws://127.0.0.1:0").await;
    let headers = "Host: localhost\r\nSec-WebSocket-Protocol: mqtt, fluxar.1\r\n\
                   Sec-WebSocket-Extensions: permessage-deflate\r\n";
    let (said, made) = answer(&mut listener, &request("/fluxar", headers)).await;
    assert!(made.is_ok());
    let said = said.to_ascii_lowercase();
    assert!(said.contains("sec-websocket-protocol: fluxar.1\r\n"), "{said}");
    assert!(!said.contains("extensions"), "{said}");
}

#[tokio::test]
async fn a_silent_peer_does_not_hold_up_the_next() {
    let options = ListenOptions::default().handshake_timeout(Duration::from_secs(3600));
    let mut listener = listen_with("ws://127.0.0.1:0", options).await;
    let silent = connect(&listener).await;
    let waiting = listener.accept().await.expect("comes").establish();
    let waiting = tokio::spawn(waiting);
    let to = listener.address().clone();
    let (dialed, accepted) = tokio::join!(dial_to(&to), establish(&mut listener));
    assert!(dialed.is_ok() && accepted.is_ok());
    assert!(!waiting.is_finished());
    drop(silent);
    let error = waiting.await.expect("no panic").expect_err("it said nothing");
    assert!(matches!(error, TransportError::Handshake { .. }), "{error}");
}

#[tokio::test]
async fn a_handshake_has_a_deadline_on_both_sides() {
    let mut listener = listen_at("ws://127.0.0.1:0").await;
    let mut silent = connect(&listener).await;
    silent.write_all(b"GET /fluxar HTTP/1.1\r\n").await.expect("sent");
    let incoming = listener.accept().await.expect("comes");
    tokio::time::pause();
    let error = incoming.establish().await.expect_err("it never went on");
    assert!(matches!(error, TransportError::Timeout { .. }), "{error}");

    let mute = TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let port = mute.local_addr().expect("bound").port();
    let error = dial_to(&address(&format!("ws://127.0.0.1:{port}"))).await;
    let error = error.expect_err("it never answers");
    assert!(matches!(error, TransportError::Timeout { .. }), "{error}");
    assert!(error.is_retryable());
}

/// Answers one dialler with this text.
async fn dial_answered(text: &'static str) -> TransportError {
    let server = TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let port = server.local_addr().expect("bound").port();
    let serve = async {
        let (mut stream, _) = server.accept().await.expect("comes");
        let mut head = Vec::new();
        while !head.windows(4).any(|end| end == b"\r\n\r\n") {
            stream.read_buf(&mut head).await.expect("asked");
        }
        stream.write_all(text.as_bytes()).await.expect("answered");
        head
    };
    let options = DialOptions::default().origin("https://app.example");
    let to = address(&format!("ws://127.0.0.1:{port}/a"));
    let (error, head) = tokio::join!(dial(&to, &options), serve);
    let head = String::from_utf8(head).expect("text").to_ascii_lowercase();
    assert!(head.starts_with("get /a http/1.1\r\n"), "{head}");
    assert!(head.contains("origin: https://app.example\r\n"), "{head}");
    assert!(head.contains("sec-websocket-protocol: fluxar.1\r\n"), "{head}");
    error.expect_err("it is no fluxar")
}

#[tokio::test]
async fn a_dialler_shows_what_it_was_told() {
    let error = dial_answered("HTTP/1.1 403 Forbidden\r\n\r\nno pages here\n").await;
    assert!(matches!(error, TransportError::Refused { .. }));
    assert!(error.to_string().ends_with("HTTP 403 Forbidden: no pages here"), "{error}");
    assert!(!error.is_retryable());
    let error = dial_answered("SSH-2.0-OpenSSH_9.9\r\n\r\n").await;
    assert!(matches!(error, TransportError::Handshake { .. }), "{error}");
}

#[tokio::test]
async fn our_own_refusal_reaches_our_own_dialler() {
    let mut listener = listen_at("ws://127.0.0.1:0/here").await;
    let port = listener.address().port();
    let elsewhere = address(&format!("ws://127.0.0.1:{port}/there"));
    let (dialed, _) = tokio::join!(dial_to(&elsewhere), establish(&mut listener));
    let error = dialed.expect_err("the path is another").to_string();
    assert!(error.contains("404") && error.contains("no fluxar at this path"), "{error}");
}

/// A WebSocket of somebody else's making, and our end of it.
async fn foreign(listener: &mut Listener) -> (WebSocketStream<TcpStream>, Link) {
    let to: &Address = listener.address();
    let uri = to.to_string().parse().expect("an address is a URI");
    let request = ClientRequestBuilder::new(uri).with_sub_protocol("fluxar.1");
    let stream = connect(listener).await;
    let (socket, link) = tokio::join!(client_async(request, stream), establish(listener));
    (socket.expect("upgraded").0, link.expect("upgraded"))
}

/// [L0.ws.1]
#[tokio::test]
async fn a_text_message_ends_the_link_behind_what_came_before_it() {
    let mut listener = listen_at("ws://127.0.0.1:0").await;
    let (mut socket, mut link) = foreign(&mut listener).await;
    socket.send(Message::binary(&b"frames"[..])).await.expect("sent");
    socket.send(Message::text("{}")).await.expect("sent");
    let got = read_exactly(link.reader.as_mut(), 6).await.expect("arrived");
    assert_eq!(got, b"frames"[..]);
    let error = read(link.reader.as_mut(), &mut BytesMut::new()).await.expect_err("text");
    assert!(error.to_string().contains("binary messages only"), "{error}");
    let after = read(link.reader.as_mut(), &mut BytesMut::new()).await;
    assert_eq!(after.expect("said once"), 0);
}

#[tokio::test]
async fn a_message_over_the_limit_is_refused_before_it_has_come() {
    let options = ListenOptions::default().message_bytes_max(1000);
    let mut listener = listen_with("ws://127.0.0.1:0", options).await;
    let (mut socket, mut link) = foreign(&mut listener).await;
    socket.send(Message::binary(vec![1; 1000])).await.expect("sent");
    read_exactly(link.reader.as_mut(), 1000).await.expect("fits");
    // Only the head of a message that claims 1 GiB.
    let head = [0x82, 0xff, 0, 0, 0, 0, 0x40, 0, 0, 0, 1, 2, 3, 4];
    socket.get_mut().write_all(&head).await.expect("sent");
    let mut into = BytesMut::new();
    let error = read(link.reader.as_mut(), &mut into).await.expect_err("too long");
    assert!(error.to_string().contains("too long"), "{error}");
    assert!(into.capacity() < 1 << 20);
}

/// [L0.ws.1]: pieces of a message are the library's concern, not a frame's.
#[tokio::test]
async fn pings_are_answered_and_pieces_put_together() {
    use tokio_tungstenite::tungstenite::protocol::frame::Frame;
    use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
    let mut listener = listen_at("ws://127.0.0.1:0").await;
    let (mut socket, mut link) = foreign(&mut listener).await;
    socket.send(Message::Ping("are you there".into())).await.expect("sent");
    let first = Frame::message("fra", OpCode::Data(Data::Binary), false);
    let second = Frame::message("mes", OpCode::Data(Data::Continue), true);
    socket.send(Message::Frame(first)).await.expect("sent");
    socket.send(Message::Frame(second)).await.expect("sent");
    let got = read_exactly(link.reader.as_mut(), 6).await.expect("arrived");
    assert_eq!(got, b"frames"[..]);
    write(link.writer.as_mut(), *b"answer").await.expect("sent");
    let next = socket.next().await.expect("something").expect("whole");
    assert_eq!(next, Message::Pong("are you there".into()));
    let next = socket.next().await.expect("something").expect("whole");
    assert_eq!(next, Message::binary(&b"answer"[..]));
}

/// [L0.link.4]
#[tokio::test]
async fn one_batch_is_one_message_and_a_close_is_a_close_frame() {
    let mut listener = listen_at("ws://127.0.0.1:0").await;
    let (mut socket, mut link) = foreign(&mut listener).await;
    write(link.writer.as_mut(), vec![5; 200_000]).await.expect("sent");
    let next = socket.next().await.expect("something").expect("whole");
    assert_eq!(next.into_data().len(), 200_000);
    close(link.writer.as_mut()).await.expect("closed");
    let next = socket.next().await.expect("something").expect("whole");
    assert!(matches!(next, Message::Close(_)));
    // Looking for more is what sends the foreign side's answer.
    let rest = tokio::select! {
        rest = read_to_end(link.reader.as_mut()) => rest,
        next = socket.next() => panic!("{next:?} behind the close"),
    };
    assert!(rest.expect("the peer answers the close").is_empty());
    drop(link);
    assert!(socket.next().await.is_none());
}
