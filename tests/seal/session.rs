//! Sealed and compressed sessions through the public API, and what an outsider learns of them.

use crate::canary::{self, CANARY};
use fluxar::{
    AllowList, Auth, AuthAttempt, Backoff, Cipher, Client, ClientBuilder, Code, Codec, Compression,
    ConnectError, Credential, Identity, Psk, Rights, Seal, SealKey, Server, Status,
};
use fluxar_tests::proxy::{Fault, TcpProxy};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

fn name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("mem://seal-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

fn key(seed: u8) -> SealKey {
    SealKey::from_bytes(&[seed; 32])
}

/// A server that echoes, and takes whoever has the canary as a token.
async fn serve(address: &str, seal: Option<Seal>, compression: Compression) -> (Server, String) {
    let mut server = Server::bind(address).compress(compression).authenticator(admit);
    if let Some(seal) = seal {
        server = server.seal(seal);
    }
    let server = server.build().await.unwrap();
    server.handle("echo.text", |text: String| async move { Ok::<_, Status>(text) });
    let running = server.clone();
    tokio::spawn(async move { running.run().await });
    let url = server.addresses()[0].to_string();
    (server, url)
}

async fn admit(attempt: AuthAttempt) -> Result<Identity, Status> {
    match attempt.credential {
        Credential::Bearer(token) if token == CANARY => {
            let name = attempt.seal_key.map_or_else(String::new, |key| format!("{:?}", key[0]));
            // As with a token: each time it has a little less of its life before it.
            static ASKED: AtomicU32 = AtomicU32::new(0);
            let asked = ASKED.fetch_add(1, Ordering::Relaxed);
            let left = Duration::from_secs(3_600) - Duration::from_millis(asked.into());
            Ok(Identity::new(name, Rights::all()).valid_for(left))
        }
        _ => Err(Status::new(Code::Unauthenticated, "no")),
    }
}

fn client(url: &str) -> ClientBuilder {
    Client::connect(url).auth(Auth::bearer(CANARY)).no_reconnect()
}

async fn echo(client: &Client) {
    let text = format!("{CANARY} {}", "again and again, ".repeat(5_000));
    let back: String = client.call("echo.text", &text).await.unwrap();
    assert_eq!(back, text);
}

#[tokio::test]
async fn sealed_sessions_work_on_every_transport() {
    let log = canary::watch();
    let folder = tempfile::tempdir().unwrap();
    let unix = format!("unix://{}/sealed/a.sock", folder.path().display());
    for address in [&name(), "tcp://127.0.0.1:0", "ws://127.0.0.1:0", &unix] {
        let seal = Some(Seal::require(key(1)));
        let (server, url) = serve(address, seal, Compression::default()).await;
        // Whoever has no key, and whoever has one.
        let pinned = format!("{url}#fp={}", key(1).public());
        let anonymous = client(&pinned).build().await.unwrap();
        assert!(anonymous.is_sealed());
        assert_eq!(anonymous.seal_key(), Some(key(1).public()));
        echo(&anonymous).await;
        for cipher in [Cipher::ChaChaPoly, Cipher::AesGcm] {
            let seal = Seal::require(key(2)).cipher(cipher);
            let named = client(&pinned).seal(seal).build().await.unwrap();
            echo(&named).await;
        }
        // First contact: whoever answers is taken, and can be looked at.
        let seal = Seal::require(key(3));
        let stranger = client(&url).seal(seal).build().await.unwrap();
        assert_eq!(stranger.seal_key(), Some(key(1).public()));
        echo(&stranger).await;
        assert!(server.peers().iter().any(|peer| peer.seal_key() == Some(key(3).public())));
        server.shutdown().await;
    }
    log.must_not_show(&["canary", "again and again"]);
}

#[tokio::test]
async fn whoever_is_not_sealed_or_not_who_was_asked_for_is_refused() {
    let log = canary::watch();
    let seal = Some(Seal::require(key(1)));
    let (server, url) = serve(&name(), seal, Compression::default()).await;
    let (plain_server, plain_url) = serve(&name(), None, Compression::default()).await;
    let invited = || Seal::pinned(key(1).public()).psk(Psk::from_bytes(&[8; 32]));
    let refused = [
        client(&url),
        client(&url).seal(Seal::pinned(key(9).public())),
        client(&url).seal(Seal::require(key(2)).pin(key(9).public())),
        client(&url).seal(Seal::require(key(1)).pin(key(1).public())),
        client(&url).seal(invited()),
        client(&plain_url).seal(Seal::require(key(2))),
        Client::connect(&url).seal(Seal::pinned(key(1).public())).auth(Auth::bearer("other")),
    ];
    for (number, attempt) in refused.into_iter().enumerate() {
        let error = attempt.build().await.unwrap_err();
        let code = error.status().map(Status::code);
        assert_eq!(code, Some(Code::Unauthenticated), "{number}: {error}");
    }
    let two = client(&format!("{url}#fp={}", key(1).public())).seal(Seal::pinned(key(2).public()));
    for attempt in [two, client(&format!("{url}#fp=abc"))] {
        let error = attempt.build().await.unwrap_err();
        assert!(matches!(error, ConnectError::Seal(_)), "{error}");
    }
    server.shutdown().await;
    plain_server.shutdown().await;
    let keyless = Server::bind(name()).seal(Seal::pinned(key(1).public())).build().await;
    assert!(keyless.is_err(), "a server without a key takes nobody");
    log.must_not_show(&["canary"]);
}

#[tokio::test]
async fn invitations_and_optional_seals() {
    let psk = Psk::from_bytes(&[8; 32]);
    let seal = Some(Seal::require(key(1)).psk(psk.clone()));
    let (server, url) = serve(&name(), seal, Compression::default()).await;
    echo(&client(&url).seal(Seal::pinned(key(1).public()).psk(psk)).build().await.unwrap()).await;
    server.shutdown().await;
    let seal = Some(Seal::allow(key(1)));
    let (server, url) = serve(&name(), seal, Compression::default()).await;
    let plain = client(&url).build().await.unwrap();
    assert!(!plain.is_sealed() && plain.seal_key().is_none());
    echo(&plain).await;
    let sealed = client(&url).seal(Seal::pinned(key(1).public())).build().await.unwrap();
    assert!(sealed.is_sealed());
    echo(&sealed).await;
    server.shutdown().await;
}

#[tokio::test]
async fn compressed_sessions_carry_what_they_are_given() {
    let seal = || Some(Seal::allow(key(1)));
    for theirs in [Compression::any(), Compression::only(Codec::Gzip).even_sealed()] {
        let (server, url) = serve("tcp://127.0.0.1:0", seal(), theirs).await;
        for ours in [Compression::any(), Compression::any().even_sealed(), Compression::default()] {
            echo(&client(&url).compress(ours.clone()).build().await.unwrap()).await;
            let sealed = client(&url).compress(ours).seal(Seal::pinned(key(1).public()));
            echo(&sealed.build().await.unwrap()).await;
        }
        server.shutdown().await;
    }
}

#[test]
fn keys_are_kept_where_nobody_else_reads() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("peer.key");
    let made = SealKey::generate().unwrap();
    made.store(&path).unwrap();
    assert_eq!(SealKey::load(&path).unwrap().secret_bytes(), made.secret_bytes());
    assert!(made.store(&path).is_err(), "a key is never written over");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        let error = SealKey::load(&path).unwrap_err().to_string();
        assert!(error.contains("chmod 600"), "{error}");
    }
    let other = folder.path().join("other.key");
    std::fs::write(&other, "fluxar-seal-key-1\nnothing\n").unwrap();
    #[cfg(unix)]
    std::fs::set_permissions(&other, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let error = SealKey::load(&other).unwrap_err().to_string();
    assert!(error.contains("holds no key") && !error.contains("nothing"), "{error}");
}

#[test]
fn a_fingerprint_has_one_text() {
    for seed in 0..=255 {
        let public = key(seed).public();
        let text = public.to_string();
        assert_eq!(text.len(), 52);
        assert_eq!(text.parse(), Ok(public));
        assert!(text.to_uppercase().parse::<fluxar::SealPublicKey>().is_err());
        // The last character has four bits to spare.
        let last = text.chars().last().unwrap();
        assert!(last == 'a' || last == 'q', "{text}");
        assert!(format!("{}b", &text[..51]).parse::<fluxar::SealPublicKey>().is_err());
    }
}

/// `[L4.seal.8]`: links are cut at any byte, also within their handshakes; every call runs once, and
/// every answer comes.
#[tokio::test]
async fn sealed_sessions_survive_their_links() {
    let log = canary::watch();
    let runs = std::sync::Arc::new(AtomicU32::new(0));
    let compression = Compression::any().even_sealed();
    let seal = Some(Seal::require(key(1)));
    let (server, url) = serve("tcp://127.0.0.1:0", seal, compression.clone()).await;
    let counted = std::sync::Arc::clone(&runs);
    server.handle("echo.counted", move |text: String| {
        counted.fetch_add(1, Ordering::Relaxed);
        async move { Ok::<_, Status>(text) }
    });
    let upstream = url.strip_prefix("tcp://").unwrap().parse().unwrap();
    let proxy = TcpProxy::start(upstream, 7, 20, 5_000, &[Fault::Cut, Fault::Reset]).await.unwrap();
    let address = format!("tcp://{}#fp={}", proxy.address(), key(1).public());
    let backoff = Backoff::default().first(Duration::from_millis(1));
    // The first link may be one that breaks within its handshake: then there is no session yet.
    let client = loop {
        let attempt = Client::connect(&address)
            .auth(Auth::bearer(CANARY))
            .compress(compression.clone())
            .reconnect(backoff.clone());
        if let Ok(client) = attempt.build().await {
            break client;
        }
    };
    for number in 0..120_u32 {
        let text = format!("{CANARY} {number} {}", "and so on, ".repeat(150));
        let back: String = client.call("echo.counted", &text).await.unwrap();
        assert_eq!(back, text);
        assert!(client.is_sealed());
    }
    assert_eq!(runs.load(Ordering::Relaxed), 120);
    assert!(proxy.faults() >= 5, "{} cuts", proxy.faults());
    log.must_not_show(&["canary", "and so on"]);
}

/// [L4.auth.4]: a key that seals is what its holder is known by, with the rights of that key; any
/// other, and a session that is not sealed, gives none.
#[tokio::test]
async fn a_key_that_seals_is_a_credential() {
    let rights = Rights::none().call("echo.*");
    let list = AllowList::new()
        .seal_key(key(2).public(), Identity::new("two", rights.clone()))
        .token("t", Identity::new("by token", Rights::none()));
    let server = Server::bind(name()).seal(Seal::allow(key(1))).authenticator(list).build().await;
    let server = server.unwrap();
    server.handle("echo.text", |text: String| async move { Ok::<_, Status>(text) });
    server.handle("other.text", |text: String| async move { Ok::<_, Status>(text) });
    let (running, url) = (server.clone(), server.addresses()[0].to_string());
    tokio::spawn(async move { running.run().await });
    let dial = || Client::connect(&url).no_reconnect();
    let client = dial().seal(Seal::require(key(2)).pin(key(1).public())).build().await.unwrap();
    let back: String = client.call("echo.text", "x").await.unwrap();
    assert_eq!(back, "x");
    let denied = client.call::<_, String>("other.text", "x").await.unwrap_err();
    assert_eq!(denied.code(), Code::PermissionDenied);
    assert_eq!(*server.peers()[0].identity(), Identity::new("two", rights));
    for stranger in [
        dial(),
        dial().seal(Seal::require(key(3))),
        dial().seal(Seal::pinned(key(1).public())),
        dial().seal(Seal::require(key(2))).auth(Auth::bearer("guess")),
    ] {
        let error = stranger.build().await.unwrap_err();
        assert_eq!(error.status().map(Status::code), Some(Code::Unauthenticated), "{error}");
    }
    // What is presented goes before the seal.
    let by_token = dial().seal(Seal::require(key(2))).auth(Auth::bearer("t"));
    let by_token = by_token.build().await.unwrap();
    let denied = by_token.call::<_, String>("echo.text", "x").await.unwrap_err();
    assert_eq!(denied.code(), Code::PermissionDenied);
    server.shutdown().await;
}
