//! Certificates, and verbs over encrypted links.

use crate::rig::{Peer, fluxar, run};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// A directory of certificates for this machine.
fn certs() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let said = run(&["cert", "dev", "--out", path(&directory, "")]).ok();
    assert!(said.stdout.is_empty(), "talk is no data: {}", said.stdout);
    directory
}

fn path(directory: &tempfile::TempDir, name: &str) -> &'static str {
    let path = directory.path().join(name);
    // A test ends soon.
    path.to_str().unwrap().to_owned().leak()
}

fn mode(path: &str) -> u32 {
    Path::new(path).metadata().unwrap().permissions().mode() & 0o777
}

/// `up` at each of these schemes, on free ports.
fn up(certs: &tempfile::TempDir, scheme: &str, more: &[&str]) -> Peer {
    let (cert, key) = (path(certs, "server.pem"), path(certs, "server.key"));
    let listen = format!("{scheme}://localhost:0");
    let mut args = vec!["up", "--listen", listen.as_str(), "--tls-cert", cert, "--tls-key", key];
    args.extend(more);
    Peer::start(&args)
}

#[test]
fn made_certificates_are_private_and_not_made_twice() {
    let certs = certs();
    for (name, expected) in
        [("ca.pem", 0o644), ("server.pem", 0o644), ("server.key", 0o600), ("client.key", 0o600)]
    {
        assert_eq!(mode(path(&certs, name)), expected, "{name}");
    }
    assert!(!certs.path().join("ca.key").exists(), "nobody can sign more");
    let again = run(&["cert", "dev", "--out", path(&certs, "")]).failed(1, "local");
    assert!(again.stderr.contains("--force"), "{}", again.stderr);
    run(&["cert", "dev", "--out", path(&certs, ""), "--force"]).ok();
    assert_eq!(mode(path(&certs, "server.key")), 0o600);
    run(&["cert", "dev", "--out", path(&certs, "x"), "--name", "no name"]).failed(2, "usage");
}

#[test]
fn verbs_work_over_every_encrypted_transport() {
    let certs = certs();
    let ca = path(&certs, "ca.pem");
    for scheme in ["tls", "wss", "quic"] {
        let peer = up(&certs, scheme, &[]);
        assert!(peer.url.starts_with(&format!("{scheme}://localhost:")), "{}", peer.url);
        run(&["call", &peer.url, "llm.complete", "prompt=x", "max_tokens=1", "--ca", ca]).ok();
        let said = run(&["doctor", &peer.url, "--ca", ca]).ok();
        let found = |check: &str| {
            let lines = said.json_lines();
            let line = lines.into_iter().find(|line| line["check"] == check);
            line.unwrap()["found"].as_str().unwrap().to_owned()
        };
        assert!(found("tls").contains("TLS 1.3") && found("tls").contains(", credentials bound"));
        let shown = found("certificate");
        assert!(shown.contains("localhost, ") || shown.contains("for localhost"), "{shown}");
        let fingerprint = shown.split("sha256 ").nth(1).unwrap();
        run(&["call", &peer.url, "llm.complete", "prompt=x", "max_tokens=1", "--pin", fingerprint])
            .ok();
        let other = "00".repeat(32);
        let said =
            run(&["call", &peer.url, "llm.complete", "prompt=x", "max_tokens=1", "--pin", &other]);
        let said = said.failed(5, "unavailable");
        assert!(said.stderr.contains("none of those pinned"), "{}", said.stderr);
        let said = run(&["call", &peer.url, "llm.complete", "prompt=x", "max_tokens=1"])
            .failed(5, "unavailable");
        assert!(said.stderr.contains("--ca FILE") || said.stderr.contains("ca-certificates"));
    }
}

#[test]
fn a_client_shows_its_certificate() {
    let certs = certs();
    let ca = path(&certs, "ca.pem");
    let peer = up(&certs, "tls", &["--client-ca", ca, "--client-rights", "all"]);
    let own = ["--cert", path(&certs, "client.pem"), "--key", path(&certs, "client.key")];
    let call = |more: &[&str]| {
        let mut args =
            vec!["call", &peer.url, "llm.complete", "prompt=x", "max_tokens=1", "--ca", ca];
        args.extend(more);
        run(&args)
    };
    call(&own).ok();
    call(&[&own[..], &["--auth", "certificate"]].concat()).ok();
    let said = call(&[]).failed(5, "unavailable");
    assert!(said.stderr.contains("--cert, --key"), "{}", said.stderr);
    assert_eq!(call(&["--cert", ca]).code, Some(2), "a certificate needs its key");
}

/// No certificate, one of another authority, a way around, and the right one without the right.
/// [L4.auth.4]
#[test]
fn who_shows_a_certificate_has_its_rights_and_nobody_else_has_any() {
    let (certs, strangers) = (certs(), certs());
    let ca = path(&certs, "ca.pem");
    let rights = ["--client-rights", "call=llm.>"];
    let mut peer = up(
        &certs,
        "tls",
        &[&["--client-ca", ca, "--listen", "tcp://127.0.0.1:0"], &rights[..]].concat(),
    );
    let plain = peer.url_of("tcp");
    let as_client = |certs: &tempfile::TempDir| {
        ["--ca", ca, "--cert", path(certs, "client.pem"), "--key", path(certs, "client.key")]
    };
    let with = |words: &[&str], more: &[&str]| run(&[words, more].concat());
    let call = ["call", &peer.url, "llm.complete", "prompt=x", "max_tokens=1"];
    with(&call, &as_client(&certs)).ok();
    with(&["call", &peer.url, "bench.echo", "1"], &as_client(&certs))
        .failed(3, "permission_denied");
    with(&["sub", &peer.url, "a.*", "-C", "1"], &as_client(&certs)).failed(3, "permission_denied");
    with(&call, &as_client(&strangers)).failed(5, "unavailable");
    with(&call, &["--ca", ca]).failed(5, "unavailable");
    let around = ["call", &plain, "llm.complete", "prompt=x", "max_tokens=1"];
    with(&around, &as_client(&certs)).failed(3, "unauthenticated");
    with(&around, &["--auth", "certificate"]).failed(3, "unauthenticated");
}

/// A token that must be presented is not replaced by a certificate, unless that is said.
#[test]
fn a_certificate_beside_a_token_is_no_credential_unless_it_is_given_rights() {
    let certs = certs();
    let ca = path(&certs, "ca.pem");
    let own =
        ["--ca", ca, "--cert", path(&certs, "client.pem"), "--key", path(&certs, "client.key")];
    for (rights, expected) in [(&[][..], false), (&["--client-rights", "all"][..], true)] {
        let more = [&["--client-ca", ca, "--token", "t0p"], rights].concat();
        let peer = up(&certs, "tls", &more);
        let call = ["call", &peer.url, "llm.complete", "prompt=x", "max_tokens=1"];
        run(&[&call[..], &own, &["--auth", "bearer:t0p"]].concat()).ok();
        let said = run(&[&call[..], &own].concat());
        match expected {
            true => drop(said.ok()),
            false => drop(said.failed(3, "unauthenticated")),
        }
    }
}

/// Other machines may come, and nothing is asked of them: that is said.
#[test]
fn an_open_peer_says_that_it_is_open() {
    for (url, more, expected) in [
        ("ws://0.0.0.0:0", &[][..], true),
        ("ws://0.0.0.0:0", &["--token", "t0p"], false),
        ("tcp://127.0.0.1:0", &[], false),
        ("tcp://localhost:0", &[], false),
    ] {
        let mut peer = Peer::start(&[&["up", "--listen", url], more].concat());
        let talk = peer.running.err.all_until("try: fluxar call ");
        assert_eq!(talk.contains("may do everything"), expected, "{url} {more:?}: {talk}");
    }
}

/// An authority that signs for many must not by itself let all of them do everything.
#[test]
fn an_authority_without_rights_is_a_usage_error() {
    let certs = certs();
    let ca = path(&certs, "ca.pem");
    let (cert, key) = (path(&certs, "server.pem"), path(&certs, "server.key"));
    let args = ["up", "--listen", "tls://127.0.0.1:0", "--client-ca", ca];
    let said = run(&[&args[..], &["--tls-cert", cert, "--tls-key", key]].concat());
    let said = said.failed(2, "usage");
    assert!(said.stderr.contains("--client-rights"), "{}", said.stderr);
}

#[test]
fn certificates_that_nobody_could_show_are_a_usage_error() {
    let certs = certs();
    let ca = path(&certs, "ca.pem");
    let (cert, key) = (path(&certs, "server.pem"), path(&certs, "server.key"));
    let args = ["up", "--listen", "tcp://127.0.0.1:0", "--client-ca", ca];
    let tls = ["--tls-cert", cert, "--tls-key", key];
    run(&[&args[..], &tls, &["--client-rights", "all"]].concat()).failed(2, "usage");
    let wrong = run(&[&args[..], &tls, &["--client-rights", "read=a"]].concat());
    assert_eq!(wrong.code, Some(2));
    assert!(wrong.stderr.contains("call, serve, publish and subscribe"), "{}", wrong.stderr);
}

#[test]
fn keys_and_secrets_from_files_are_credentials() {
    let certs = certs();
    let file = path(&certs, "me.key");
    let public = run(&["cert", "key", file]).ok().stdout.trim().to_owned();
    assert_eq!((public.len(), mode(file)), (64, 0o600));
    run(&["cert", "key", file]).failed(1, "local");
    let (ca, token) = (path(&certs, "ca.pem"), path(&certs, "token"));
    std::fs::write(token, "t0p-secret\n").unwrap();
    std::fs::set_permissions(token, std::fs::Permissions::from_mode(0o600)).unwrap();
    let peer = up(&certs, "tls", &["--allow-key", &public, "--token", "t0p-secret"]);
    let with = |auth: &str| {
        run(&[
            "call",
            &peer.url,
            "llm.complete",
            "prompt=x",
            "max_tokens=1",
            "--ca",
            ca,
            "--auth",
            auth,
        ])
    };
    with(&format!("key:{file}")).ok();
    with(&format!("bearer:@{token}")).ok();
    let said = with("bearer:t0p-wrong").failed(3, "unauthenticated");
    assert!(!said.stderr.contains("t0p"), "{}", said.stderr);
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let said = with(&format!("key:{file}"));
    assert_eq!(said.code, Some(2));
    assert!(said.stderr.contains("chmod 600"), "{}", said.stderr);
}

#[test]
fn a_listener_without_a_certificate_says_what_is_missing() {
    let said = run(&["up", "--listen", "tls://localhost:0"]).failed(1, "local");
    assert!(said.stderr.contains("fluxar cert dev"), "{}", said.stderr);
    let mut command =
        fluxar(&["up", "--tls-cert", "/nowhere/a.pem", "--tls-key", "/nowhere/a.key"]);
    command.env("NO_COLOR", "1");
    let said = crate::rig::finish(command).failed(2, "usage");
    assert!(said.stderr.contains("no such file"), "{}", said.stderr);
}

/// Several addresses, one of them encrypted.
#[test]
fn one_peer_listens_at_several_addresses() {
    let certs = certs();
    let mut peer =
        up(&certs, "quic", &["--listen", "tls://localhost:0", "--listen", "tcp://127.0.0.1:0"]);
    for scheme in ["tls://localhost:", "tcp://127.0.0.1:"] {
        let line = peer.running.err.wait_for(&format!("listening on {scheme}")).to_owned();
        assert!(line.contains(scheme));
    }
    run(&[
        "call",
        &peer.url,
        "llm.complete",
        "prompt=x",
        "max_tokens=1",
        "--ca",
        path(&certs, "ca.pem"),
    ])
    .ok();
}

/// Both sides have a secret: who has another one, or none, is not taken, and it never stands on a
/// command line.
#[test]
fn a_secret_of_both_sides_seals() {
    let home = tempfile::tempdir().unwrap();
    let [ours, other] = ["ours.psk", "other.psk"].map(|name| home.path().join(name));
    let [ours, other] = [&ours, &other].map(|path| path.to_str().unwrap());
    for file in [ours, other] {
        assert_eq!(run(&["key", "new", "--psk", file]).ok().stdout, "");
        assert_eq!(std::fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
    }
    run(&["key", "new", "--psk", ours]).failed(1, "local");
    let peer = Peer::start(&["up", "--listen", "tcp://127.0.0.1:0", "--seal-psk", ours]);
    let bare = peer.url.split('#').next().unwrap();
    let call = |url: &str, more: &[&str]| {
        run(&[&["call", url, "llm.complete", "prompt=x", "max_tokens=1"], more].concat())
    };
    call(bare, &["--seal-psk", ours]).ok();
    call(&peer.url, &["--seal-psk", ours]).ok();
    for wrong in [&["--seal-psk", other][..], &["--seal"], &[]] {
        assert_ne!(call(bare, wrong).code, Some(0), "{wrong:?}");
    }
    std::fs::set_permissions(ours, std::fs::Permissions::from_mode(0o644)).unwrap();
    let said = call(bare, &["--seal-psk", ours]);
    assert_ne!(said.code, Some(0));
    assert!(said.stderr.contains("chmod 600"), "{}", said.stderr);
}
