use super::*;
use proptest::prelude::*;

fn parse(text: &str) -> Result<Address, AddressError> {
    text.parse()
}

/// What the user reads.
fn complaint(text: &str) -> String {
    parse(text).expect_err(text).to_string()
}

#[test]
fn defaults_are_filled_in_and_the_text_reads_back() {
    for (given, shown) in [
        ("tcp://127.0.0.1:0", "tcp://127.0.0.1:0"),
        ("tcp://example.org", "tcp://example.org:9000"),
        ("tcp://example.org/", "tcp://example.org:9000"),
        ("tcp://[::1]:81", "tcp://[::1]:81"),
        ("tcp://[::1]", "tcp://[::1]:9000"),
        ("ws://localhost", "ws://localhost:9000/fluxar"),
        ("ws://localhost:80/a/b", "ws://localhost:80/a/b"),
        ("unix:///run/a%20b.sock", "unix:///run/a%20b.sock"),
        ("mem://a-1", "mem://a-1"),
        ("stdio:", "stdio:"),
        ("exec:cat", "exec:cat"),
        ("exec:/bin/sh?arg=-c&arg=a%26b%20c", "exec:/bin/sh?arg=-c&arg=a%26b%20c"),
        ("exec:echo?arg=", "exec:echo?arg="),
    ] {
        let address = parse(given).expect(given);
        assert_eq!(address.to_string(), shown);
        assert_eq!(parse(shown).as_ref(), Ok(&address));
    }
}

#[test]
fn parts_are_decoded() {
    let address = parse("exec:/bin/sh?arg=-c&arg=a%26b%20c").expect("well formed");
    assert_eq!(address.path(), "/bin/sh");
    assert_eq!(address.arguments(), ["-c", "a&b c"]);
    assert_eq!(parse("unix:///run/a%20b.sock").expect("well formed").path(), "/run/a b.sock");
    let address = parse("tcp://[fe80::1]:7").expect("well formed");
    assert_eq!((address.host(), address.port()), ("fe80::1", 7));
}

#[test]
fn a_default_scheme_fills_in_for_a_missing_one() {
    let parsed = Address::parse_with("tcp", "127.0.0.1:9000").expect("well formed");
    assert_eq!(parsed.to_string(), "tcp://127.0.0.1:9000");
    let parsed = Address::parse_with("tcp", "ws://127.0.0.1").expect("well formed");
    assert_eq!(parsed.scheme(), "ws");
}

/// [L0.addr.1]
#[test]
fn a_wrong_address_says_what_to_write() {
    for (given, must_say) in [
        ("127.0.0.1:9000", "write `tcp://127.0.0.1:9000`"),
        ("localhost", "write `tcp://localhost`"),
        ("", "write `tcp://127.0.0.1:9000`"),
        ("/run/a.sock", "write `unix:///run/a.sock`"),
        ("https://x", "use wss://host:port/fluxar"),
        ("ssl://x", "use tls://"),
        ("http://x", "use ws://"),
        ("redis://x", "use one of tcp://"),
        ("tcp:x:1", "`//` is missing"),
        ("tcp://:9000", "the host is missing"),
        ("tcp://::1", "needs brackets: write `tcp://[::1]:9000`"),
        ("tcp://[::1", "`]`"),
        ("tcp://[x]", "IPv6"),
        ("tcp://h:x", "the port is a number"),
        ("tcp://h:+1", "the port is a number"),
        ("tcp://h:65536", "the port is a number"),
        ("tcp://h:", "the port is a number"),
        ("tcp://user@h", "credentials"),
        ("tcp://h/x", "no paths: write `tcp://h`"),
        ("ws://h/x?y", "query"),
        ("ws://h/a b", "no spaces"),
        ("tcp://h h", "letters"),
        ("unix://run/a", "absolute"),
        ("unix:///run/", "file name"),
        ("unix:///%ff", "UTF-8"),
        ("mem://", "a name is"),
        ("mem://a/b", "a name is"),
        ("stdio:x", "write `stdio:`"),
        ("exec:", "the program is missing"),
        ("exec:a?b=c", "`arg=…`"),
    ] {
        let said = complaint(given);
        assert!(said.contains(must_say), "{given}: {said}");
    }
    let long = format!("unix:///{}", "a".repeat(SOCKET_PATH_BYTES_MAX));
    assert!(complaint(&long).contains("107 bytes"));
    let many = format!("exec:a?arg=x{}", "&arg=x".repeat(ARGUMENTS_MAX));
    assert!(complaint(&many).contains("64 arguments"));
    assert!(complaint(&"x".repeat(ADDRESS_BYTES_MAX + 1)).contains("4096"));
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused_and_what_is_read_reads_back(
        scheme in prop::sample::select(vec!["tcp:", "tls:", "ws:", "wss:", "quic:", "unix:", "mem:", "stdio:", "exec:", ""]),
        rest in "(//)?[\\PC]{0,40}",
    ) {
        if let Ok(address) = parse(&format!("{scheme}{rest}")) {
            prop_assert_eq!(parse(&address.to_string()), Ok(address));
        }
    }

    #[test]
    fn arguments_of_any_kind_survive(arguments in prop::collection::vec("[^\\x00]{0,20}", 0..5)) {
        let address = Address {
            scheme: "exec",
            host: String::new(),
            port: 0,
            path: "a b".to_owned(),
            arguments,
        };
        prop_assert_eq!(parse(&address.to_string()), Ok(address));
    }
}
