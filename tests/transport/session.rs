//! Sessions over links that are encrypted: who is let in, and what nobody gets to see.

use crate::certs::certs;
use fluxar::testing::FaultyLink;
use fluxar::transport::{ListenOptions, TlsClient, TlsServer};
use fluxar::{
    AllowList, Auth, Backoff, Client, ClientBuilder, Code, ConnectError, Context, Identity,
    IdentityKey, JwtAuth, Rights, Seal, SealKey, Server, Sink, State, Status, Streaming,
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

/// A server that names who is on it, at a scheme and without encryption.
async fn mixed(scheme: &str, list: AllowList) -> (Server, String, String) {
    let server = Server::bind(format!("{scheme}://localhost:0")).also("tcp://localhost:0");
    let server = server.tls(asking()).authenticator(list).build().await.expect("bound");
    server.handle("who.am_i", |ctx: Context, ()| async move {
        Ok::<_, Status>(ctx.peer().identity().name.clone())
    });
    server.handle("safe.open", |(): ()| async { Ok::<_, Status>("gold") });
    let [secured, plain] = server.addresses() else { panic!("two addresses") };
    let urls = (secured.to_string(), plain.to_string());
    let running = server.clone();
    tokio::spawn(async move { running.run().await });
    (server, urls.0, urls.1)
}

/// [L4.mtls.2], [L4.rights.1]: nothing presented beside the certificate is the certificate.
#[tokio::test]
async fn a_certificate_that_is_shown_counts_though_nothing_else_is_presented() {
    let rights = Rights::none().call("who.*").subscribe("news.*");
    let list = AllowList::new().any_certificate(Identity::new("any", rights.clone()));
    for scheme in SECURED {
        let (server, secured, _) = mixed(scheme, list.clone()).await;
        let client = dial(&secured, certs().client_as("client")).build().await.expect(scheme);
        let name: String = client.call("who.am_i", &()).await.expect("allowed");
        assert_eq!(name, "client seven", "{scheme}: never anonymous");
        assert_eq!(server.peers()[0].identity().rights, rights, "{scheme}");
        let denied = client.call::<_, String>("safe.open", &()).await.expect_err("no right to");
        assert_eq!(denied.code(), Code::PermissionDenied, "{scheme}");
        let denied = client.events("secrets.>").await.expect_err("no right to");
        assert_eq!(denied.code(), Code::PermissionDenied, "{scheme}");
    }
}

/// [L4.auth.4]: no certificate, one of another authority, and a way in that asks for none.
#[tokio::test]
async fn nobody_is_anonymous_at_a_server_that_asks_for_certificates() {
    let all = Identity::new("any", Rights::all());
    for scheme in SECURED {
        let list = AllowList::new().any_certificate(all.clone());
        let (server, secured, plain) = mixed(scheme, list).await;
        for settings in [certs().client(), certs().client_as("stray")] {
            for auth in [Auth::none(), Auth::certificate(), Auth::bearer("guess")] {
                let outcome = dial(&secured, settings.clone()).auth(auth).build().await;
                assert!(outcome.is_err(), "{scheme}: {settings:?}");
            }
        }
        for auth in [Auth::none(), Auth::certificate()] {
            let outcome = dial(&plain, certs().client_as("client")).auth(auth).build().await;
            let error = outcome.expect_err("this link shows nothing");
            let code = error.status().map(Status::code);
            assert_eq!(code, Some(Code::Unauthenticated), "{error}");
        }
        assert!(server.peers().is_empty(), "{scheme}");
    }
}

/// [L4.auth.4]: where certificates are optional, who shows none is nobody in particular all the
/// same.
#[tokio::test]
async fn an_optional_certificate_that_is_not_shown_gives_no_rights() {
    let optional = certs().server("localhost").client_ca_optional(certs().path("ca.pem"));
    let optional = optional.expect("good files");
    for scheme in SECURED {
        let list = AllowList::new()
            .certificate_name("client-7.example", Identity::new("seven", Rights::all()))
            .token("t", Identity::new("by token", Rights::none().call("who.*")));
        let (_server, url) = serve(scheme, optional.clone(), list).await;
        let error = dial(&url, certs().client()).build().await.expect_err("nothing presented");
        assert_eq!(error.status().map(Status::code), Some(Code::Unauthenticated), "{error}");
        for (settings, auth, expected) in [
            (certs().client_as("client"), Auth::none(), "seven"),
            (certs().client(), Auth::bearer("t"), "by token"),
            (certs().client_as("client"), Auth::bearer("t"), "by token"),
        ] {
            let client = dial(&url, settings).auth(auth).build().await.expect(scheme);
            let name: String = client.call("who.am_i", &()).await.expect("allowed");
            assert_eq!(name, expected, "{scheme}");
        }
    }
}

/// [L4.auth.4]: nobody says what certificates are worth, so there is no such server, and no
/// session over a link that was accepted elsewhere.
#[tokio::test]
async fn a_server_that_asks_for_certificates_and_has_no_authenticator_is_none() {
    for scheme in SECURED {
        let outcome = Server::bind(format!("{scheme}://localhost:0")).tls(asking()).build().await;
        let error = outcome.expect_err("everybody would be welcome").to_string();
        assert!(error.contains("no authenticator"), "{error}");

        let at = format!("{scheme}://localhost:0").parse().expect("an address");
        let options = ListenOptions::default().tls(asking());
        let mut listener = fluxar::transport::listen(&at, &options).await.expect("bound");
        let url = listener.address().to_string();
        let server = Server::unbound().build().await.expect("it listens nowhere");
        let accepting = server.clone();
        tokio::spawn(async move {
            let link = listener.accept().await.expect("comes").establish().await.expect("proved");
            accepting.accept_link(link);
        });
        let error = dial(&url, certs().client_as("client")).build().await.expect_err("unjudged");
        assert_eq!(error.status().map(Status::code), Some(Code::Unauthenticated), "{error}");
        assert!(server.peers().is_empty());
    }
}

/// [L4.resume.5]: a session that a certificate has made does not go on for another one, nor over
/// a link that shows none.
#[tokio::test]
async fn a_session_of_a_certificate_is_not_taken_up_by_another() {
    let list = AllowList::new()
        .certificate_name("client-7.example", Identity::new("seven", Rights::all()))
        .certificate(certs().fingerprint("elsewhere"), Identity::new("other", Rights::all()));
    let (_server, secured, plain) = mixed("tls", list).await;
    for (next, settings, becomes) in [
        (&secured, certs().client_as("elsewhere"), Some("other")),
        (&plain, certs().client(), None),
    ] {
        let (first, next) = (secured.clone(), next.clone());
        let cut = Arc::new(Mutex::new(None));
        let keep = Arc::clone(&cut);
        let client = Client::connect(secured.as_str())
            .reconnect(Backoff::default().first(Duration::from_millis(1)).attempts_max(3));
        let client = client
            .build_with(move |attempt| {
                let (to, settings) = match attempt {
                    0 => (first.clone(), certs().client_as("client")),
                    _ => (next.clone(), settings.clone()),
                };
                let keep = Arc::clone(&keep);
                async move {
                    let options = fluxar::transport::DialOptions::default().tls(settings);
                    let link = fluxar::transport::dial(&to.parse().expect("one"), &options).await?;
                    let (link, control) = FaultyLink::new().wrap(link);
                    *keep.lock().expect("whole") = Some(control);
                    Ok(link)
                }
            })
            .await
            .expect("the right one");
        let name: String = client.call("who.am_i", &()).await.expect("allowed");
        assert_eq!(name, "seven");
        cut.lock().expect("whole").take().expect("one link was made").cut();
        match becomes {
            Some(other) => {
                // It is told that the session is another's, and makes one of its own.
                let name = loop {
                    match client.call::<_, String>("who.am_i", &()).await {
                        Ok(name) => break name,
                        Err(_) => tokio::task::yield_now().await,
                    }
                };
                assert_eq!((name.as_str(), client.resumes()), (other, 0));
            }
            None => {
                let reason = client.closed().await.expect("refused");
                assert_eq!(reason.code(), Code::Unauthenticated, "{reason}");
            }
        }
    }
}

/// [L4.auth.4], [L4.mtls.1]: a certificate that is not listed takes nothing from a key that seals
/// and is; but a certificate that is not there is none.
#[tokio::test]
async fn a_listed_seal_counts_beside_a_certificate_that_is_not_listed() {
    let key = |seed: u8| SealKey::from_bytes(&[seed; 32]);
    let list = AllowList::new()
        .certificate(certs().fingerprint("elsewhere"), Identity::new("other", Rights::all()))
        .seal_key(key(2).public(), Identity::new("by seal", Rights::none().call("who.*")));
    let optional = certs().server("localhost").client_ca_optional(certs().path("ca.pem"));
    let server = Server::bind("tls://localhost:0").tls(optional.expect("good files"));
    let server = server.seal(Seal::require(key(1))).authenticator(list).build().await.expect("ok");
    server.handle("who.am_i", |ctx: Context, ()| async move {
        Ok::<_, Status>(ctx.peer().identity().name.clone())
    });
    let (running, url) = (server.clone(), server.addresses()[0].to_string());
    tokio::spawn(async move { running.run().await });
    let seal = |seed: u8| Seal::require(key(seed)).pin(key(1).public());
    for (settings, seed, expected) in [
        (certs().client(), 2, "by seal"),
        (certs().client_as("client"), 2, "by seal"),
        (certs().client_as("elsewhere"), 2, "other"),
        (certs().client_as("elsewhere"), 3, "other"),
    ] {
        let client = dial(&url, settings).seal(seal(seed)).build().await.expect(expected);
        let name: String = client.call("who.am_i", &()).await.expect("allowed");
        assert_eq!(name, expected);
    }
    for (settings, seed, auth) in [
        (certs().client(), 3, Auth::none()),
        (certs().client_as("client"), 3, Auth::none()),
        (certs().client(), 2, Auth::certificate()),
    ] {
        let refused = dial(&url, settings).seal(seal(seed)).auth(auth).build().await;
        let error = refused.expect_err("nothing that is listed");
        assert_eq!(error.status().map(Status::code), Some(Code::Unauthenticated), "{error}");
    }
}
