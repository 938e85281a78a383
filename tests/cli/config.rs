//! `fluxar up -c`: the example, and what is wrong with others.

use crate::rig::{Peer, Said, finish, fluxar};
use sha2::{Digest, Sha256};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::SystemTime;

const EXAMPLE: &str = include_str!("../../examples/fluxar.toml");

/// A directory in which commands run.
struct Place {
    directory: tempfile::TempDir,
}

impl Place {
    /// With all that the example names.
    fn of_example() -> Self {
        let place = Self { directory: tempfile::tempdir().unwrap() };
        place.run(&["cert", "dev"]).ok();
        place.run(&["key", "new", "seal.key"]).ok();
        place.write("operator.token", "t0p-secret\n", 0o600);
        place.write("jwt.secret", &"s".repeat(32), 0o600);
        place.write("fluxar.toml", EXAMPLE, 0o644);
        place
    }

    /// With a file of this text.
    fn with(text: &str) -> Self {
        let place = Self { directory: tempfile::tempdir().unwrap() };
        place.write("fluxar.toml", text, 0o644);
        place
    }

    fn write(&self, name: &str, text: &str, mode: u32) {
        let path = self.directory.path().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = fluxar(args);
        command.current_dir(self.directory.path());
        command
    }

    fn run(&self, args: &[&str]) -> Said {
        finish(self.command(args))
    }

    fn check(&self) -> Said {
        self.run(&["up", "-c", "fluxar.toml", "--check"])
    }

    /// The peer of the file at another address.
    fn up(&self, url: &str) -> Peer {
        Peer::start_command(self.command(&["up", "-c", "fluxar.toml", "--listen", url]))
    }
}

#[test]
fn the_example_is_fine_and_seen_from_anywhere() {
    let place = Place::of_example();
    let said = place.check().ok();
    assert!(said.stderr.contains("quic://localhost:9443 for those with a credential"));
    let path = place.directory.path().join("fluxar.toml");
    crate::rig::run(&["up", "-c", path.to_str().unwrap(), "--check"]).ok();
}

/// Tokens, certificates, keys and JSON Web Tokens, each with its rights, at every kind of address.
#[test]
fn each_credential_of_the_example_has_the_rights_that_it_says() {
    let place = Place::of_example();
    let own = ["--cert", "certs/client.pem", "--key", "certs/client.key"];
    let jwt = |scope: &str| format!("bearer:{}", token(&"s".repeat(32), scope));
    let (chat, watch) = (jwt("chat"), jwt("watch x"));
    for url in ["tls://localhost:0", "wss://localhost:0", "quic://localhost:0", "ws://127.0.0.1:0"]
    {
        let peer = place.up(url);
        let is_plain = url.starts_with("ws://");
        let bare = peer.url.split('#').next().unwrap();
        let call = |target: &[&str], how: &[&str]| {
            // Sealed or not: this peer takes both.
            let to = if target.len() > 1 { &peer.url } else { bare };
            let words = [&["call", to, target[0]], &target[1..]].concat();
            place.run(&[&words[..], &["--ca", "certs/ca.pem"], how].concat())
        };
        let llm = ["llm.complete", "prompt=x", "max_tokens=1"];
        let echo = ["bench.echo"];
        let operator = ["--auth", "bearer:@operator.token"];
        call(&llm, &operator).ok();
        call(&echo, &operator).failed(3, "invalid_argument");
        call(&llm, &[]).failed(3, "unauthenticated");
        call(&llm, &["--auth", "bearer:other"]).failed(3, "unauthenticated");
        call(&llm, &["--auth", &chat]).ok();
        call(&llm, &["--auth", &watch]).failed(3, "permission_denied");
        call(&echo, &["--auth", &chat]).failed(3, "permission_denied");
        let forged = format!("bearer:{}", token(&"x".repeat(32), "chat"));
        call(&llm, &["--auth", &forged]).failed(3, "unauthenticated");
        if is_plain {
            call(&llm, &own).failed(3, "unauthenticated");
            continue;
        }
        call(&llm, &own).ok();
        call(&echo, &own).failed(3, "permission_denied");
        let publish = ["pub", bare, "sensors.1.temp", "1", "--ca", "certs/ca.pem"];
        place.run(&[&publish[..], &own].concat()).ok();
        let publish = ["pub", bare, "orders.created", "1", "--ca", "certs/ca.pem"];
        assert_ne!(place.run(&[&publish[..], &own].concat()).code, Some(0));
    }
}

/// A token as an issuer makes it (HS256).
fn token(secret: &str, scope: &str) -> String {
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let claims = serde_json::json!({
        "iss": "https://issuer.example", "aud": "fluxar.example", "sub": "bo", "exp": now + 300,
        "scope": scope,
    });
    let signed =
        format!("{}.{}", base64(br#"{"alg":"HS256"}"#), base64(claims.to_string().as_bytes()));
    let pad = |with: u8| {
        let mut block = [with; 64];
        secret.bytes().enumerate().for_each(|(at, byte)| block[at] ^= byte);
        block
    };
    let inner = Sha256::new().chain_update(pad(0x36)).chain_update(&signed).finalize();
    let mac = Sha256::new().chain_update(pad(0x5c)).chain_update(inner).finalize();
    format!("{signed}.{}", base64(&mac))
}

/// As in URLs, without padding.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let groups = bytes.chunks(3).map(|chunk| {
        let of = |at: usize| u32::from(chunk.get(at).copied().unwrap_or(0));
        let bits = of(0) << 16 | of(1) << 8 | of(2);
        let letters = (0..=chunk.len()).map(move |at| bits >> (18 - 6 * at) & 63);
        letters.map(|index| char::from(LETTERS[index as usize])).collect::<String>()
    });
    groups.collect()
}

#[test]
fn what_is_wrong_is_named_and_exit_code_2() {
    let token = "[[auth.token]]\nname = 'a'\ntoken = 'literal'\nrights = 'all'\n";
    let tls = "[tls]\ncert = 'c.pem'\nkey = 'c.key'\n";
    let certificate = "[[auth.certificate]]\nany = true\nrights = 'all'\n";
    for (text, expected) in [
        ("listne = 'ws://127.0.0.1:0'", "did you mean `listen`?"),
        ("listen = 'nonsense://x'", "listen: "),
        ("listen = [", "line 1"),
        (token, "others may read it: write @FILE or $NAME, or chmod 600"),
        (certificate, "nobody is asked for one: name tls.client_ca"),
        ("[auth]", "nobody could come in"),
        (&format!("{tls}client_ca = 'ca.pem'"), "nobody could come in"),
        (tls, "tls: "),
        ("[seal]\npolicy = 'require'\nkey = 'none.key'", "none.key"),
        ("[limits]\nframe_bytes_max = 1", "frame_bytes_max must be at least 1,024"),
        ("[limits]\ncalls_max = '9000M'", "is more than this can be"),
        ("[[auth.seal_key]]\nfingerprint = 'x'\nrights = 'all'", "line 2"),
        (
            "[[auth.seal_key]]\nfingerprint = 'v32xxva2j6ghs35wgjqu6bqv7mmozbkvbyt36r75up564m3umujq'\nrights = 'all'",
            "sessions are not sealed: add the table seal",
        ),
        ("[auth.jwt]\naudience = 'a'", "no key: name eddsa or hs256"),
    ] {
        let said = Place::with(text).check();
        assert!(matches!(said.code, Some(1 | 2)), "{text}: {said:?}");
        assert!(said.stderr.contains(expected), "{text}: {}", said.stderr);
        assert!(!said.stderr.contains("literal"), "no secret is shown: {}", said.stderr);
    }
    let private = Place::with("");
    private.write("fluxar.toml", token, 0o600);
    private.check().ok();
    private.run(&["up", "-c", "none.toml"]).failed(2, "usage");
    private.run(&["up", "-c", "fluxar.toml", "--token", "x", "--check"]).failed(2, "usage");
    let mut command = private.command(&["up", "-c", "fluxar.toml", "--check"]);
    command.env("FLUXAR_TOKEN", "x");
    finish(command).failed(2, "usage");
}
