//! Every way to a peer for every verb: transports, credentials, seals, compression, several
//! addresses.

use crate::rig::{Peer, Running, fluxar, run};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Sender, channel};

/// A peer that listens everywhere, wants a token and seals; its addresses, the pin in each.
fn everywhere(directory: &tempfile::TempDir) -> (Peer, Vec<String>) {
    let at = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    run(&["cert", "dev", "--out", &at("certs")]).ok();
    run(&["key", "new", &at("seal.key")]).ok();
    let unix = format!("unix://{}", at("sockets/fluxar.sock"));
    let (cert, key) = (at("certs/server.pem"), at("certs/server.key"));
    let mut args = vec!["up", "--token", "t0p-secret", "--compress", "any"];
    let seal = at("seal.key");
    args.extend(["--tls-cert", &cert, "--tls-key", &key, "--seal-key", &seal]);
    let secured = ["tls://localhost:0", "wss://localhost:0", "quic://localhost:0"];
    for url in ["tcp://127.0.0.1:0", "ws://127.0.0.1:0", &unix].into_iter().chain(secured) {
        args.extend(["--listen", url]);
    }
    let mut peer = Peer::start(&args);
    let urls = ["tcp", "ws", "unix", "tls", "wss", "quic"].map(|scheme| peer.url_of(scheme));
    assert!(urls.iter().all(|url| url.contains("#fp=")), "{urls:?}");
    (peer, urls.to_vec())
}

/// From `cert dev` to a call, as somebody does who has read the help.
#[test]
fn every_verb_goes_every_way() {
    let directory = tempfile::tempdir().unwrap();
    let (_peer, urls) = everywhere(&directory);
    let ca = directory.path().join("certs/ca.pem");
    let how = ["--auth", "bearer:t0p-secret", "--ca", ca.to_str().unwrap(), "--compress", "zstd"];
    for url in &urls {
        let (bare, pin) = url.split_once("#fp=").unwrap();
        let seal = format!("--seal={pin}");
        // The pin in the address, or as an option.
        for way in [&[url.as_str()][..], &[bare, &seal]] {
            let with = |verb: &[&str], words: &[&str]| {
                let args = [&verb[..1], &way[..1], &verb[1..], words, &way[1..], &how[..]].concat();
                run(&args)
            };
            with(&["call"], &["llm.complete", "prompt=x", "max_tokens=1"]).ok();
            with(&["pub"], &["a.b", "{\"n\":1}", "--retain"]).ok();
            let said = with(&["sub"], &["a.b", "-C", "1"]).ok();
            assert_eq!(said.json_lines()[0]["payload"]["n"], 1, "{url}");
            with(&["doctor"], &[]).ok();
        }
        let bench = ["--msgs", "20", "--clients", "1", "--warm-up", "0s", "--size", "8k", "--json"];
        let said = run(&[&["bench", "rpc", url], &bench[..], &how[..]].concat()).ok();
        assert_eq!(said.json_lines()[0]["messages"], 20, "{url}");
        let pinned = run(&[&["key", "pin", bare], &how[..]].concat()).ok();
        assert_eq!(pinned.stdout.trim(), url);
        // Without the credential, and for another key, there is no session.
        let call = ["call", url, "llm.complete", "prompt=x"];
        run(&[&call[..], &["--ca", ca.to_str().unwrap()]].concat()).failed(3, "unauthenticated");
        let other = url.replace(&pin[..2], if pin.starts_with("aa") { "ab" } else { "aa" });
        let said = run(&[&["call", &other, "llm.complete", "prompt=x"], &how[..]].concat());
        assert_ne!(said.code, Some(0), "{url}: {said:?}");
        // A plain session is not what this peer takes.
        let plain = run(&[&["call", bare, "llm.complete", "prompt=x"], &how[..]].concat());
        assert_eq!(plain.code, Some(3), "{url}: {plain:?}");
    }
}

/// What one side compresses the other must want; what travels is counted on its way.
#[test]
fn codecs_meet_or_nothing_is_compressed() {
    // Not all the same: what shrinks to a hundredth is sent as it is.
    let readings = (0..1000).map(|n| format!("sensor {n} reads {} degrees, ", n * 7 % 100));
    let payload = format!("\"{}\"", readings.collect::<String>());
    for (theirs, ours, is_packed) in [
        ("zstd", "zstd", true),
        ("gzip", "any", true),
        ("any", "gzip", true),
        ("gzip", "zstd", false),
        ("off", "zstd", false),
        ("zstd", "off", false),
    ] {
        let peer = Peer::start(&["up", "--listen", "tcp://127.0.0.1:0", "--compress", theirs]);
        let (through, forwarder) = Forwarder::start(&peer.url);
        run(&["pub", &through, "a.b", &payload, "--compress", ours]).ok();
        let bytes = forwarder.bytes.load(Ordering::Relaxed);
        let most = payload.len() as u64 / 2;
        assert_eq!(bytes < most, is_packed, "{theirs} {ours}: {bytes} of {most}");
    }
    let wrong = run(&["call", "tcp://127.0.0.1:1", "a.b", "--compress", "lz4"]);
    assert_eq!(wrong.code, Some(2));
    assert!(wrong.stderr.contains("zstd"), "{}", wrong.stderr);
}

/// Forwards one connection, until told to cut it. Nobody listens any more then.
struct Forwarder {
    cut: Sender<()>,
    /// What went to the peer.
    bytes: Arc<AtomicU64>,
}

impl Forwarder {
    /// Where to dial for what listens at this address.
    fn start(to: &str) -> (String, Self) {
        let to = to.trim_start_matches("tcp://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("tcp://{}", listener.local_addr().unwrap());
        let (cut, cuts) = channel();
        let bytes = Arc::new(AtomicU64::new(0));
        let sent = Arc::clone(&bytes);
        std::thread::spawn(move || {
            let (client, _) = listener.accept().unwrap();
            drop(listener);
            let server = TcpStream::connect(to).unwrap();
            carry(&client, &server, sent);
            carry(&server, &client, Arc::default());
            // Dropping the sender cuts, too.
            let _ = cuts.recv();
            let _ = (client.shutdown(Shutdown::Both), server.shutdown(Shutdown::Both));
        });
        (url, Self { cut, bytes })
    }

    fn cut(&self) {
        self.cut.send(()).unwrap();
    }
}

fn carry(from: &TcpStream, into: &TcpStream, count: Arc<AtomicU64>) {
    let (mut from, mut into) = (from.try_clone().unwrap(), into.try_clone().unwrap());
    std::thread::spawn(move || {
        let mut bytes = [0; 4096];
        while let Ok(read @ 1..) = from.read(&mut bytes) {
            count.fetch_add(read as u64, Ordering::Relaxed);
            if into.write_all(&bytes[..read]).is_err() {
                return;
            }
        }
        // The end goes on as well.
        let _ = into.shutdown(Shutdown::Write);
    });
}

#[test]
fn the_next_address_is_tried_when_one_is_dead() {
    let peer = Peer::up();
    let dead = "tcp://127.0.0.1:1";
    let words = ["llm.complete", "prompt=x", "max_tokens=1"];
    let both = format!("{dead},{}", peer.url);
    run(&[&["call", &both], &words[..]].concat()).ok();
    run(&[&["call", dead], &words[..], &["--url", &peer.url]].concat()).ok();
    run(&[&["call"], &words[..], &["--url", dead, "--url", &peer.url]].concat()).ok();
    let said = run(&["doctor", &both]).failed(5, "doctor");
    let lines = said.json_lines();
    let links: Vec<_> = lines.iter().filter(|line| line["check"] == "link").collect();
    assert_eq!((&links[0]["ok"], &links[1]["ok"]), (&false.into(), &true.into()));
    assert!(lines.iter().any(|line| line["check"] == "ping" && line["ok"] == true));
    run(&[&["call", &format!("{dead},tcp://127.0.0.1:2")], &words[..]].concat())
        .failed(5, "unavailable");
}

#[test]
fn a_lost_link_is_made_again_at_another_address_and_all_goes_on() {
    let peer = Peer::up();
    let (through, forwarder) = Forwarder::start(&peer.url);
    let args = ["sub", &format!("{through},{}", peer.url), "a.b", "-C", "2"];
    let mut running = Running::start(fluxar(&args));
    running.err.wait_for("subscribed to");
    run(&["pub", &peer.url, "a.b", "1"]).ok();
    running.out.wait_for("\"payload\":1");
    forwarder.cut();
    running.err.wait_for("there again: all goes on where it was");
    run(&["pub", &peer.url, "a.b", "2"]).ok();
    let said = running.finish().ok();
    assert_eq!(said.json_lines()[1]["payload"], 2, "{}", said.stdout);
}

/// One address, and nobody asked for more: the end of the link is the end.
#[test]
fn a_lost_link_ends_a_verb_with_one_address() {
    let peer = Peer::up();
    let (through, forwarder) = Forwarder::start(&peer.url);
    let mut running = Running::start(fluxar(&["sub", &through, "a.b"]));
    running.err.wait_for("subscribed to");
    forwarder.cut();
    running.finish().failed(5, "unavailable");
}
