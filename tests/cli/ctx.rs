//! `fluxar ctx`: contexts as files, and verbs that go by them.

use crate::rig::{Peer, Said, finish, fluxar};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

/// A person's home.
struct Home {
    directory: tempfile::TempDir,
}

impl Home {
    fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = fluxar(args);
        command.env("XDG_CONFIG_HOME", self.directory.path()).current_dir(self.directory.path());
        command
    }

    fn run(&self, args: &[&str]) -> Said {
        finish(self.command(args))
    }

    fn with(&self, variable: &str, value: &str, args: &[&str]) -> Said {
        let mut command = self.command(args);
        command.env(variable, value);
        finish(command)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn file(&self, context: &str) -> PathBuf {
        self.path(&format!("fluxar/context/{context}.toml"))
    }
}

fn mode(path: &std::path::Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o777
}

/// A peer that wants a token.
fn guarded() -> Peer {
    Peer::start(&["up", "--listen", "tcp://127.0.0.1:0", "--token", "t0p-secret"])
}

const CALL: [&str; 5] = ["call", "llm.complete", "prompt=x", "max_tokens=1", "--stream"];

#[test]
fn a_context_is_a_private_file_and_takes_the_place_of_the_url() {
    let (home, peer) = (Home::new(), guarded());
    // Somebody has made the directory before, for all to see.
    std::fs::create_dir_all(home.path("fluxar/context")).unwrap();
    std::fs::write(home.path("token"), "t0p-secret\n").unwrap();
    std::fs::set_permissions(home.path("token"), std::fs::Permissions::from_mode(0o600)).unwrap();
    home.run(&CALL).failed(2, "usage");
    home.run(&["ctx", "add", "prod", &peer.url, "--auth", "bearer:@token"]).ok();
    assert_eq!(mode(&home.file("prod")), 0o600);
    assert_eq!(mode(home.file("prod").parent().unwrap()), 0o700);
    let text = std::fs::read_to_string(home.file("prod")).unwrap();
    let absolute = format!("bearer:@{}", home.path("token").display());
    assert!(text.contains(&absolute), "seen from anywhere: {text}");

    home.run(&CALL).failed(2, "usage");
    home.run(&[&CALL[..], &["--ctx", "prod"]].concat()).ok();
    home.with("FLUXAR_CONTEXT", "prod", &CALL).ok();
    home.run(&["ctx", "use", "prod"]).ok();
    home.run(&CALL).ok();
    home.run(&["doctor"]).ok();
    home.run(&["pub", "a.b", "1"]).ok();
    let sub = home.run(&["sub", "a.b", "-W", "10ms"]).ok();
    assert!(sub.stderr.contains("subscribed to a.b"), "{}", sub.stderr);
    let bench =
        home.run(&["bench", "rpc", "--msgs", "10", "--clients", "1", "--warm-up", "0s"]).ok();
    assert!(bench.stderr.contains(&peer.url), "{}", bench.stderr);
    home.run(&["call", "llm.complete", "prompt=x", "--ctx", ""]).failed(2, "usage");
}

/// Whoever names an address does not send it the secrets of the context in use.
#[test]
fn the_context_in_use_lends_its_secrets_to_no_other_address() {
    let (home, peer) = (Home::new(), guarded());
    home.run(&["ctx", "add", "prod", &peer.url, "--auth", "bearer:t0p-secret"]).ok();
    home.run(&["ctx", "use", "prod"]).ok();
    home.run(&CALL).ok();
    let explicit = ["call", &peer.url, "llm.complete", "prompt=x", "max_tokens=1"];
    home.run(&explicit).failed(3, "unauthenticated");
    home.with("FLUXAR_URL", &peer.url, &CALL).failed(3, "unauthenticated");
    // Asked for by name, it does.
    home.run(&[&explicit[..], &["--ctx", "prod"]].concat()).ok();
    // What the command line says goes before.
    let said = home.run(&[&CALL[..], &["--auth", "bearer:other"]].concat());
    said.failed(3, "unauthenticated");
}

#[test]
fn a_secret_is_hidden_when_shown_and_refused_when_others_may_read_it() {
    let home = Home::new();
    let said = home.run(&["ctx", "add", "dev", "tcp://127.0.0.1:1", "--auth", "bearer:t0p-secret"]);
    assert!(said.ok().stderr.contains("bearer:@FILE"), "it advises a reference");
    for args in [&["ctx", "show", "dev"][..], &["ctx", "show", "dev", "-o", "text"], &["ctx", "ls"]]
    {
        let said = home.run(args).ok();
        assert!(said.stdout.contains("dev") && !said.stdout.contains("t0p"), "{}", said.stdout);
    }
    let shown = home.run(&["ctx", "show", "dev"]).ok().json_lines();
    assert_eq!(shown[0]["auth"], "bearer:(hidden)");
    assert_eq!(shown[0]["url"][0], "tcp://127.0.0.1:1");
    std::fs::set_permissions(home.file("dev"), std::fs::Permissions::from_mode(0o644)).unwrap();
    let said = home.run(&[&CALL[..], &["--ctx", "dev"]].concat()).failed(2, "usage");
    assert!(said.stderr.contains("chmod 600") && !said.stderr.contains("t0p"), "{}", said.stderr);
}

#[test]
fn contexts_are_listed_chosen_back_and_forth_and_removed() {
    let home = Home::new();
    home.run(&["ctx", "add", "one", "tcp://127.0.0.1:1"]).ok();
    home.run(&["ctx", "add", "two", "tcp://127.0.0.1:2,ws://127.0.0.1:3", "--compress", "zstd"])
        .ok();
    home.run(&["ctx", "add", "two", "tcp://127.0.0.1:2"]).failed(2, "usage");
    home.run(&["ctx", "-"]).failed(2, "usage");
    home.run(&["ctx", "use", "one"]).ok();
    home.run(&["ctx", "use", "two"]).ok();
    let current = || {
        let lines = home.run(&["ctx", "ls"]).ok().json_lines();
        let current: Vec<_> = lines.iter().filter(|line| line["current"] == true).collect();
        let name = current.first().map(|line| line["name"].as_str().unwrap().to_owned());
        (lines.len(), name)
    };
    assert_eq!(current(), (2, Some("two".to_owned())));
    home.run(&["ctx", "-"]).ok();
    assert_eq!(current(), (2, Some("one".to_owned())));
    home.run(&["ctx", "use", "-"]).ok();
    assert_eq!(current(), (2, Some("two".to_owned())));
    let text = home.run(&["ctx", "ls", "-o", "text"]).ok().stdout;
    assert!(text.contains("* two  tcp://127.0.0.1:2 ws://127.0.0.1:3"), "{text}");
    home.run(&["ctx", "rm", "two"]).ok();
    assert_eq!(current(), (1, None));
    home.run(&["ctx", "rm", "two"]).failed(2, "usage");
    home.run(&["ctx", "use", "two"]).failed(2, "usage");
    for wrong in ["../two", ".x", "a/b", ""] {
        home.run(&["ctx", "add", wrong, "tcp://h:1"]).failed(2, "usage");
    }
    home.run(&["ctx", "add", "three"]).failed(2, "usage");
    home.run(&["ctx", "add", "three", "nonsense://h"]).failed(2, "usage");
}

#[test]
fn an_edit_that_makes_no_sense_changes_nothing() {
    let home = Home::new();
    home.run(&["ctx", "add", "dev", "tcp://127.0.0.1:1"]).ok();
    let edit =
        |script: &str| home.with("EDITOR", &format!("sed -i {script}"), &["ctx", "edit", "dev"]);
    edit("'s/:1/:7/'").ok();
    let text = std::fs::read_to_string(home.file("dev")).unwrap();
    assert!(text.contains("127.0.0.1:7"), "{text}");
    assert_eq!(mode(&home.file("dev")), 0o600);
    let said = edit("'s/^url/ulr/'").failed(2, "usage");
    assert!(said.stderr.contains("did you mean `url`?"), "{}", said.stderr);
    assert_eq!(std::fs::read_to_string(home.file("dev")).unwrap(), text);
    home.with("EDITOR", "false", &["ctx", "edit", "dev"]).failed(1, "local");
    assert_eq!(std::fs::read_to_string(home.file("dev")).unwrap(), text);
    home.run(&["ctx", "edit", "none"]).failed(2, "usage");
}

/// Whatever a context may hold works from there: a certificate of ours, a pin, a seal.
#[test]
fn certificates_and_seals_come_from_contexts() {
    let home = Home::new();
    home.run(&["cert", "dev"]).ok();
    let key = home.run(&["key", "new", "server.key"]).ok().stdout.trim().to_owned();
    let tls = ["--tls-cert", "certs/server.pem", "--tls-key", "certs/server.key"];
    let up = ["up", "--listen", "tls://localhost:0", "--client-ca", "certs/ca.pem"];
    let own = ["--client-rights", "all", "--seal-key", "server.key", "--compress", "any"];
    let up = [&up[..], &tls, &own].concat();
    let peer = Peer::start_command(home.command(&up));
    let bare = peer.url.split('#').next().unwrap();
    let own = ["--cert", "certs/client.pem", "--key", "certs/client.key", "--ca", "certs/ca.pem"];
    let seal = format!("--seal={key}");
    home.run(&[&["ctx", "add", "full", bare, &seal, "--compress", "zstd"], &own[..]].concat()).ok();
    let other = format!("--seal={}", home.run(&["key", "new", "other.key"]).ok().stdout.trim());
    home.run(&[&["ctx", "add", "wrong", bare, &other], &own[..]].concat()).ok();
    home.run(&[&CALL[..], &["--ctx", "full"]].concat()).ok();
    home.run(&[&CALL[..], &["--ctx", "wrong"]].concat()).failed(3, "unauthenticated");
    home.run(&[&CALL[..], &["--ctx", "wrong", &seal]].concat()).ok();
}
