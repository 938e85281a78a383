//! Sessions over links that are encrypted: who is let in, and what nobody gets to see.

use crate::certs::certs;
use fluxar::transport::{ListenOptions, TlsClient, TlsServer};
use fluxar::{
    AllowList, Auth, Backoff, Client, ClientBuilder, Code, ConnectError, Context, Identity,
    IdentityKey, JwtAuth, Rights, Server, Sink, State, Status, Streaming,
};
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tracing::field::{Field, Visit};
use tracing::span;

const SECURED: [&str; 3] = ["tls", "wss", "quic"];

fn asking() -> TlsServer {
    certs().server("localhost").client_ca(certs().path("ca.pem")).expect("good files")
}

async fn serve(scheme: &str, settings: TlsServer, list: AllowList) -> (Server, String) {
    let server = Server::bind(format!("{scheme}://localhost:0")).tls(settings);
    let server = server.authenticator(list).build().await.expect("bound");
    server.handle("who.am_i", |ctx: Context, ()| async move {
        Ok::<_, Status>(ctx.peer().identity().name.clone())
    });
    server.handle_stream(
        "count.up",
        |_: Context, (): (), _: Streaming<()>, out: Sink<u32>| async move {
            for n in 0..200_000_u32 {
                out.send(n).await?;
            }
            Ok::<_, Status>(())
        },
    );
    let url = server.addresses()[0].to_string();
    let running = server.clone();
    tokio::spawn(async move { running.run().await });
    (server, url)
}

fn dial(url: &str, settings: TlsClient) -> ClientBuilder {
    Client::connect(url).tls(settings).no_reconnect()
}

/// [L4.mtls.1]
#[tokio::test]
async fn a_certificate_is_an_identity() {
    let named = Identity::new("sensor seven", Rights::none().call("who.*"));
    let list = AllowList::new().certificate_name("client-7.example", named);
    for scheme in SECURED {
        let (_server, url) = serve(scheme, asking(), list.clone()).await;
        let client = dial(&url, certs().client_as("client")).auth(Auth::certificate());
        let client = client.build().await.expect(scheme);
        let name: String = client.call("who.am_i", &()).await.expect("allowed");
        assert_eq!(name, "sensor seven");
        let denied = client.call::<_, String>("x.y", &()).await.expect_err("no right to");
        assert_eq!(denied.code(), Code::PermissionDenied);
    }
}

/// [L4.mtls.1], [L4.auth.1]
#[tokio::test]
async fn who_shows_no_certificate_or_one_that_is_not_listed_is_refused() {
    let list = AllowList::new()
        .certificate(certs().fingerprint("elsewhere"), Identity::new("other", Rights::all()));
    for scheme in SECURED {
        let (_server, url) = serve(scheme, asking(), list.clone()).await;
        let unlisted = dial(&url, certs().client_as("client")).auth(Auth::certificate());
        let error = unlisted.build().await.expect_err("not on the list");
        let status = error.status().expect("refused in the session");
        assert_eq!(status.code(), Code::Unauthenticated, "{scheme}: {error}");
        let listed = dial(&url, certs().client_as("elsewhere")).auth(Auth::certificate());
        listed.build().await.expect(scheme);
        let silent = dial(&url, certs().client()).auth(Auth::certificate()).build().await;
        let error = silent.expect_err("nothing was shown").to_string();
        assert!(error.contains("present one"), "{scheme}: {error}");
    }
    // Without TLS there is nothing that such a credential could mean.
    let server = Server::bind("tcp://localhost:0").authenticator(list).build().await.expect("ok");
    let url = server.addresses()[0].to_string();
    tokio::spawn(async move { server.run().await });
    let error = Client::connect(url).auth(Auth::certificate()).no_reconnect().build().await;
    assert!(matches!(error, Err(ConnectError::Refused(_))), "{error:?}");
}

/// [L4.challenge.2]: over every kind of link, since each has another channel or none.
#[tokio::test]
async fn a_key_is_an_identity_on_every_link() {
    let key = IdentityKey::from_seed(&[5; 32]);
    let list = AllowList::new().key(key.public(), Identity::new("ada", Rights::all()));
    for scheme in ["tcp", "ws", "tls", "wss", "quic"] {
        let (_server, url) = serve(scheme, certs().server("localhost"), list.clone()).await;
        let client = dial(&url, certs().client()).auth(Auth::key(key.clone()));
        let client = client.build().await.expect(scheme);
        let name: String = client.call("who.am_i", &()).await.expect("allowed");
        assert_eq!(name, "ada");
        let stranger = IdentityKey::from_seed(&[6; 32]);
        let error = dial(&url, certs().client()).auth(Auth::key(stranger)).build().await;
        let error = error.expect_err("not on the list");
        assert_eq!(error.status().map(Status::code), Some(Code::Unauthenticated));
    }
}

#[tokio::test]
async fn a_stream_crosses_an_encrypted_link_whole() {
    let list = AllowList::new().token("t", Identity::anonymous());
    for scheme in SECURED {
        let (_server, url) = serve(scheme, certs().server("localhost"), list.clone()).await;
        let client = dial(&url, certs().client()).auth(Auth::bearer("t"));
        let client = client.build().await.expect(scheme);
        let mut numbers: Streaming<u32> = client.stream("count.up", &()).expect("open");
        let mut expected = 0;
        while let Some(number) = numbers.next().await {
            assert_eq!(number.expect("in order"), expected);
            expected += 1;
        }
        assert_eq!(expected, 200_000);
        client.close().await;
    }
}

/// [L4.reauth.1]: a refreshed credential counts on this link and on those to come.
#[tokio::test]
async fn a_client_presents_its_newest_credential_when_it_comes_back() {
    let list = AllowList::new()
        .token("old", Identity::new("old", Rights::all()))
        .token("new", Identity::new("new", Rights::all()));
    let (server, url) = serve("tls", certs().server("localhost"), list).await;
    let client = Client::connect(url).tls(certs().client()).auth(Auth::bearer("old"));
    let backoff = Backoff::default().first(Duration::from_millis(1));
    let client = client.reconnect(backoff).build().await.expect("welcome");
    let name = async |client: &Client| client.call::<_, String>("who.am_i", &()).await;
    assert_eq!(name(&client).await.expect("allowed"), "old");
    client.reauthenticate(Auth::bearer("new")).await.expect("welcome");
    assert_eq!(name(&client).await.expect("allowed"), "new");
    let refused = client.reauthenticate(Auth::bearer("wrong")).await.expect_err("unknown");
    assert_eq!(refused.code(), Code::Unauthenticated);
    assert_eq!(name(&client).await.expect("allowed"), "new");
    // Cut it from the other side; the one that comes back is known by the new name.
    server.peers()[0].abort(&Status::new(Code::Unavailable, "cut"));
    client.state_changed(State::Ready).await;
    while client.state() != State::Ready {
        client.state_changed(client.state()).await;
    }
    assert_eq!(name(&client).await.expect("allowed"), "new");
}

/// Peers that say nothing, or not enough, leave room for those who do.
#[tokio::test]
async fn silent_peers_of_tls_do_not_keep_others_out() {
    let server = Server::bind("tls://localhost:0").tls(certs().server("localhost"));
    let node = fluxar::NodeLimits::default();
    let mut node = node;
    node.handshakes_max = 8;
    let server = server.node_limits(node).build().await.expect("bound");
    server.handle("a.b", |(): ()| async move { Ok::<_, Status>(7_u8) });
    let (port, url) = (server.addresses()[0].port(), server.addresses()[0].to_string());
    tokio::spawn(async move { server.run().await });
    let mut silent = Vec::new();
    for _ in 0..64 {
        silent.push(tokio::net::TcpStream::connect(("localhost", port)).await.expect("there"));
    }
    let client = dial(&url, certs().client()).build().await.expect("there is room");
    assert_eq!(client.call::<_, u8>("a.b", &()).await.expect("served"), 7);
}

/// [L4.auth.2]: everything that this process says at any level, and no secret in it.
#[tokio::test]
async fn no_secret_reaches_a_log() {
    let log = Log::default();
    let heard = Arc::clone(&log.text);
    let _guard = tracing::subscriber::set_default(log);
    let seed = [0xca; 32];
    let canaries = ["canary-token", "canary-password", "canary-key", "cacacaca", "202, 202"];
    let key = IdentityKey::from_seed(&seed);
    let list = AllowList::new()
        .token("canary-token", Identity::anonymous())
        .key(key.public(), Identity::anonymous());
    for scheme in ["tcp", "ws", "tls", "wss", "quic"] {
        let (server, url) = serve(scheme, certs().server("localhost"), list.clone()).await;
        for (auth, fits) in [
            (Auth::bearer("canary-token"), true),
            (Auth::bearer("canary-token-wrong"), false),
            (Auth::basic("user", "canary-password"), false),
            (Auth::api_key("canary-key"), false),
            (Auth::key(key.clone()), true),
        ] {
            let _ = write!(heard.lock().expect("whole"), "{auth:?}");
            let client = dial(&url, certs().client()).auth(auth).build().await;
            assert_eq!(client.is_ok(), fits, "{scheme}: {client:?}");
            if let Ok(client) = client {
                client.reauthenticate(Auth::bearer("canary-token")).await.expect("welcome");
                let wrong = Auth::bearer("canary-token-other");
                let error = client.reauthenticate(wrong).await.expect_err("unknown");
                let link = client.link();
                let _ = write!(heard.lock().expect("whole"), "{error:?} {client:?} {link:?}");
            }
        }
        let _ = write!(heard.lock().expect("whole"), "{server:?}");
    }
    let jwt = JwtAuth::new("here").hs256(b"canary-key canary-key canary-key").expect("long");
    let options = ListenOptions::default().tls(certs().server("localhost"));
    let _ = write!(heard.lock().expect("whole"), "{jwt:?} {list:?} {options:?} {key:?}");
    tracing::trace!(target: "fluxar", "the log hears everything");
    let heard = heard.lock().expect("whole").clone();
    assert!(heard.contains("the log hears everything"));
    for canary in canaries {
        assert!(!heard.contains(canary), "{canary} in: {heard}");
    }
}

/// Keeps all that is said.
#[derive(Default)]
struct Log {
    text: Arc<Mutex<String>>,
}

struct Words<'a>(&'a mut String);

impl Visit for Words<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let _ = write!(self.0, "{field}={value:?} ");
    }
}

impl tracing::Subscriber for Log {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &span::Attributes<'_>) -> span::Id {
        span.record(&mut Words(&mut self.text.lock().expect("whole")));
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, values: &span::Record<'_>) {
        values.record(&mut Words(&mut self.text.lock().expect("whole")));
    }

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        event.record(&mut Words(&mut self.text.lock().expect("whole")));
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}
