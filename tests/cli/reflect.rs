//! What a running peer says of itself: listed, printed, pulled, compared, and used to type JSON.

use crate::rig::{Running, fluxar, run, run_with_input};
use crate::shop::{ADA, Peer, order_path};
use fluxar_codegen::check;
use serde_json::{Value, json};
use std::path::Path;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../idl/shop.fluxar");
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../idl");
const NOBODY: &str = "0190a0f0-0000-7000-8000-000000000001";

fn hash(path: &str) -> [u8; 32] {
    let path = Path::new(path).to_owned();
    let loaded = check::load(&[path.parent().unwrap().to_owned()], &[path]);
    assert!(!loaded.reports.has_errors(), "{:?}", loaded.reports.list);
    loaded.models[0].hash()
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn within(folder: &tempfile::TempDir, name: &str) -> String {
    folder.path().join(name).to_str().unwrap().to_owned()
}

fn line<'l>(lines: &'l [Value], key: &str, value: &str) -> &'l Value {
    let found = lines.iter().find(|line| line[key] == value);
    found.unwrap_or_else(|| panic!("{value} is not in {lines:#?}"))
}

#[test]
fn ls_lists_methods_and_topics_with_their_shapes() {
    let peer = Peer::shop();
    let lines = run(&["ls", &peer.url]).ok().json_lines();
    let get = line(&lines, "target", "shop.v1.users.get");
    assert_eq!(get["params"], json!([{"name": "id", "type": "UserId", "required": true}]));
    let says = (&get["shape"], &get["result"], &get["error"], &get["docs"]);
    let expected = ("call".into(), "User".into(), "UserError".into(), "Fetch one user.".into());
    assert_eq!(says, (&expected.0, &expected.1, &expected.2, &expected.3));
    assert_eq!(line(&lines, "target", "shop.v1.llm.complete")["shape"], "stream, result");
    assert_eq!(line(&lines, "target", "shop.v1.approvals.approve")["side"], "client");
    assert_eq!(line(&lines, "target", "shop.v1.users.all")["deprecated"], "use list");
    assert_eq!(line(&lines, "target", "raw.echo")["shape"], "not described");
    let topic = line(&lines, "kind", "topic");
    assert_eq!(topic["topic"], "orders.{region}.{order_id}");
    assert_eq!((&topic["filter"], &topic["payload"]), (&"orders.*.*".into(), &"OrderEvent".into()));
    let table = run(&["ls", &peer.url, "-o", "text"]).ok().stdout;
    let row = table.lines().find(|row| row.starts_with("shop.v1.users.get ")).unwrap();
    assert!(row.contains("call") && row.ends_with("(id: UserId) -> User ! UserError"), "{row}");
    assert!(table.contains("\nTOPIC") && table.contains("at least once"), "{table}");
}

#[test]
fn describe_prints_the_contract_or_a_part_with_what_it_needs() {
    let peer = Peer::shop();
    let whole = run(&["describe", &peer.url]).ok().stdout;
    for part in ["package shop.v1", "/// Fetch one user.", "annotation scope", "topic OrderEvents"]
    {
        assert!(whole.contains(part), "{part}: {whole}");
    }
    assert!(whole.contains("/// Served by a closure"), "{whole}");
    let method = run(&["describe", &peer.url, "users.get"]).ok().stdout;
    for part in
        ["// shop.v1.users.get\n", "/// Fetch one user.", "get(id: UserId)", "error UserError"]
    {
        assert!(method.contains(part), "{part}: {method}");
    }
    for part in ["watch(", "NewUser", "topic ", "contract ", "union Part"] {
        assert!(!method.contains(part), "{part}: {method}");
    }
    for (target, part) in [
        ("shop.v1.users", "service Users {"),
        ("Users", "service Users {"),
        ("Delta", "union Delta {"),
        ("OrderEvents", "topic OrderEvents = orders."),
        (&order_path(), "topic OrderEvents = orders."),
        ("shop.v1.LlmError", "error LlmError {"),
        ("Shop", "contract Shop {"),
    ] {
        let text = run(&["describe", &peer.url, target]).ok().stdout;
        assert!(text.contains(part), "{target}: {text}");
        // Each part is a contract of its own.
        let there = folder();
        let file = within(&there, "part.fluxar");
        std::fs::write(&file, text).unwrap();
        run(&["idl", "check", &file]).ok();
    }
    let wrong = run(&["describe", &peer.url, "Usr"]).failed(2, "usage");
    assert!(wrong.stderr.contains("did you mean `User`?"), "{}", wrong.stderr);
}

#[test]
fn nothing_that_a_peer_says_of_itself_commands_the_terminal() {
    let peer = Peer::rude();
    for args in [&["describe", &peer.url][..], &["ls", &peer.url], &["ls", &peer.url, "-o", "text"]]
    {
        let said = run(args).ok();
        assert!(!said.stdout.contains(['\u{1b}', '\u{9b}']), "{args:?} {:?}", said.stdout);
    }
}

#[test]
fn a_pulled_contract_is_the_one_that_the_peer_has() {
    let peer = Peer::shop();
    let there = folder();
    // What the closure serves is in another package, so the name of the package is not said.
    let text = run(&["idl", "pull", &peer.url]).ok().stdout;
    assert!(text.contains("service Users {"), "{text}");
    let peer = Peer::services();
    let said = run(&["idl", "pull", &peer.url, "-o", there.path().to_str().unwrap()]).ok();
    let file = within(&there, "shop.v1.fluxar");
    assert_eq!(said.stdout.trim(), file);
    assert!(said.stderr.contains("not declared by the peer: @scope"), "{}", said.stderr);
    run(&["idl", "check", &file]).ok();
    run(&["idl", "fmt", "--check", &file]).ok();
    let again = run(&["idl", "pull", &peer.url, "-o", &file]).ok();
    assert_eq!(again.stdout, "", "nothing has changed");
    let left: Vec<_> = std::fs::read_dir(there.path()).unwrap().collect();
    assert_eq!(left.len(), 1, "nothing else is left behind: {left:?}");
    assert_ne!(hash(&file), hash(FILE), "the services are a part of the contract");
    let same = run(&["idl", "diff", &file, &peer.url]).ok();
    assert_eq!(same.json_lines()[0]["findings"], json!([]), "{}", same.stdout);
}

#[test]
fn a_whole_contract_is_pulled_with_the_hash_of_its_file() {
    let peer = Peer::contract();
    let there = folder();
    let file = within(&there, "pulled/shop.fluxar");
    let said = run(&["idl", "pull", &peer.url, "-o", &file]).ok();
    assert_eq!(said.stderr, "", "there is nothing to say");
    assert_eq!(hash(&file), hash(FILE));
}

#[test]
fn numbers_that_the_peer_lacks_are_given_and_kept() {
    let peer = crate::rig::Peer::up();
    let there = folder();
    let file = within(&there, "llm.fluxar");
    let said = run(&["idl", "pull", &peer.url, "-o", &file]).ok();
    assert!(said.stderr.contains("had no number"), "{}", said.stderr);
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("1 completion_tokens: u32"), "{text}");
    std::fs::write(&file, text.replace("1 completion_tokens", "9 completion_tokens")).unwrap();
    run(&["idl", "pull", &peer.url, "-o", &file]).ok();
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("9 completion_tokens: u32"), "{text}");
}

#[test]
fn a_running_peer_is_a_side_of_a_diff() {
    let peer = Peer::shop();
    let there = folder();
    let new = within(&there, "new.fluxar");
    let text = std::fs::read_to_string(FILE).unwrap();
    std::fs::write(&new, text.replace("2 email: Email\n", "2 email: u32\n")).unwrap();
    for (old, new, breaks) in [
        (FILE, &*peer.url, false),
        (&*peer.url, FILE, false),
        (&*peer.url, &*peer.url, false),
        (&*peer.url, &*new, true),
        (&*new, &*peer.url, true),
    ] {
        let said = run(&["idl", "diff", old, new, "-o", "json"]);
        let said = if breaks { said.failed(1, "contract") } else { said.ok() };
        let found = &said.json_lines()[0];
        assert_eq!(found["breaks"], breaks, "{old} {new}: {found}");
        let count = found["findings"].as_array().unwrap().len();
        assert_eq!(count > 0, breaks, "{old} {new}: {found}");
    }
    // Only what the peer serves is compared: it says nothing of topics.
    let services = Peer::services();
    let said = run(&["idl", "diff", FILE, &services.url, "-o", "json"]).ok();
    assert_eq!(said.json_lines()[0]["findings"], json!([]));
    assert!(said.stderr.contains("topics"), "{}", said.stderr);
}

#[test]
fn a_directory_of_packages_is_compared_with_what_a_peer_serves_of_them() {
    let peer = Peer::shop();
    let there = folder();
    std::fs::copy(FILE, within(&there, "shop.fluxar")).unwrap();
    let other = "package other.v1\nservice Others { f(a: u8) }\ntopic Noise = noise.{n: u8}: u8\n";
    std::fs::write(within(&there, "other.fluxar"), other).unwrap();
    let all = there.path().to_str().unwrap();
    for (old, new) in [(all, &*peer.url), (&*peer.url, all)] {
        let said = run(&["idl", "diff", old, new, "-o", "json"]).ok();
        assert_eq!(said.json_lines()[0]["findings"], json!([]), "{old} {new}");
        assert!(said.stderr.contains("and not served by the peer: other.v1"), "{}", said.stderr);
    }
    let text = std::fs::read_to_string(FILE).unwrap().replace("2 email: Email\n", "2 email: u32\n");
    std::fs::write(within(&there, "shop.fluxar"), text).unwrap();
    let said = run(&["idl", "diff", &peer.url, all, "-o", "json"]).failed(1, "contract");
    let found = &said.json_lines()[0]["findings"][0];
    assert_eq!(found["package"], "shop.v1", "{found}");
}

#[test]
fn what_up_serves_is_described_with_its_topics_and_is_that_of_the_file() {
    let peer = crate::rig::Peer::up();
    let topics = run(&["ls", &peer.url, "-o", "text"]).ok().stdout;
    assert!(topics.contains("demo.chat.{room}"), "{topics}");
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../idl/llm.fluxar");
    for (old, new) in [(file, &*peer.url), (&*peer.url, file)] {
        let said = run(&["idl", "diff", old, new, "-o", "json"]).ok();
        assert_eq!(said.json_lines()[0]["findings"], json!([]), "{}", said.stdout);
    }
    let said = run(&["pub", &peer.url, "demo.chat.hall", r#"{"who":"ada"}"#]);
    assert!(said.failed(1, "invalid_argument").stderr.contains("`text` (string) must be given"));
}

#[test]
fn a_call_by_the_contract_is_typed_both_ways() {
    let peer = Peer::shop();
    let user = json!({
        "id": ADA, "email": "ada@example.org", "display_name": "",
        "created_at": "2026-11-24T08:30:00.25Z", "roles": ["admin"], "balance": "12.50",
    });
    let id = format!("id={ADA}");
    let said = run(&["call", &peer.url, "shop.v1.users.get", &id]).ok();
    assert_eq!(said.json_lines()[0], user);
    let page = run(&["call", &peer.url, "shop.v1.users.list", r#"{"page":{"limit":3}}"#]).ok();
    assert_eq!(page.json_lines()[0], json!({"items": [user], "next": "3 at most"}));
    let watched = run(&["call", &peer.url, "shop.v1.users.watch", "role=admin"]).ok();
    assert_eq!(watched.json_lines(), [user]);
    let prompt = json!({"prompt": {"model": "m", "messages": [
        {"role": "user", "content": [{"text": "hi"}, {"image": {"mime": "i", "data": "AAH/"}}]},
    ]}});
    let said = run(&["call", &peer.url, "shop.v1.llm.complete", &prompt.to_string()]).ok();
    let result = json!({"stop": "end", "input_tokens": 1, "output_tokens": 2});
    let lines =
        [json!({"text": "1 of 1024"}), json!({"thinking": "hm"}), json!({"$result": result})];
    assert_eq!(said.json_lines(), lines);
    let raw = run(&["call", &peer.url, "raw.echo", r#"{"$bytes":"AAH/"}"#]).ok();
    assert_eq!(raw.stdout, "{\"$bytes\":\"AAH/\"}\n");
}

#[test]
fn items_are_lines_of_json_that_are_typed_too() {
    let peer = Peer::shop();
    let there = folder();
    let file = within(&there, "rows.jsonl");
    let import = |rows: &str, args: &[&str]| {
        std::fs::write(&file, rows).unwrap();
        let all = ["call", &peer.url, "shop.v1.users.import", "--items", &file];
        run(&[&all[..], args].concat())
    };
    let rows = "{\"email\":\"a@b.example\"}\n\n{\"email\":\"c@d.example\",\"display_name\":\"C\"}";
    let said = import(rows, &[]).ok();
    assert_eq!(said.json_lines(), [json!({"$result": {"created": 2, "skipped": 0}})]);
    let said = import(rows, &["dry_run=true"]).ok();
    assert_eq!(said.json_lines(), [json!({"$result": {"created": 0, "skipped": 2}})]);
    let said = import("", &[]).ok();
    assert_eq!(said.json_lines(), [json!({"$result": {"created": 0, "skipped": 0}})]);
    for (rows, message) in [
        (
            "{\"email\":\"a@b.example\"}\n{\"email\":\"nobody\"}",
            "line 2: at `email`: not of the form",
        ),
        ("{\"emial\":1}", "line 1: there is no field `emial`: did you mean `email`?"),
        ("{", "line 1: no JSON"),
    ] {
        let said = import(rows, &[]).failed(1, "invalid_argument");
        assert!(said.stderr.contains(message), "{rows}: {}", said.stderr);
    }
    let said = import("{\"email\":\"taken@b.example\"}", &[]).failed(3, "already_exists");
    assert!(said.stderr.contains("email_taken"), "{}", said.stderr);
    // Both ways, from standard input.
    let chat = ["call", &peer.url, "shop.v1.llm.chat", "system=s", "--items", "-"];
    let turns =
        "{\"role\":\"user\",\"content\":[]}\n{\"role\":\"tool\",\"content\":[{\"text\":\"t\"}]}\n";
    let said = run_with_input(&chat, turns).ok();
    assert_eq!(said.json_lines(), [json!({"text": "s: 0 parts"}), json!({"text": "s: 1 parts"})]);
    let args = ["call", &peer.url, "shop.v1.users.all", "--items", &file];
    assert!(run(&args).failed(2, "usage").stderr.contains("takes no items"));
}

#[test]
fn wrong_parameters_are_refused_before_they_are_sent() {
    let peer = Peer::shop();
    for (target, words, message) in [
        ("shop.v1.users.get", "{}", "`id` (UserId) must be given"),
        ("shop.v1.users.get", "id=7", "at `id`: a uuid is"),
        ("shop.v1.users.watch", "role=amdin", "did you mean `admin`?"),
        ("shop.v1.users.list", r#"{"page":{"limt":1}}"#, "did you mean `limit`?"),
        (
            "shop.v1.llm.complete",
            r#"{"prompt":{"model":"m","messages":[],"max_tokens":0}}"#,
            "at `prompt.messages`: 0 items are less than 1",
        ),
        ("shop.v1.users.all", "a=1", "takes no parameters"),
    ] {
        let said = run(&["call", &peer.url, target, words]).failed(1, "invalid_argument");
        assert!(said.stderr.contains(message), "{target} {words}: {}", said.stderr);
        assert!(said.stderr.contains("fluxar describe"), "{}", said.stderr);
    }
    let said = run(&["call", &peer.url, "users.get", "a=1"]).failed(3, "unimplemented");
    assert!(said.stderr.contains("did you mean `shop.v1.users.get`?"), "{}", said.stderr);
}

#[test]
fn typed_errors_are_shown_by_name_with_their_fields() {
    let peer = Peer::shop();
    let get = |id: &str| run(&["call", &peer.url, "shop.v1.users.get", &format!("id={id}")]);
    let said = get(NOBODY).failed(3, "not_found");
    let shown = format!(r#"[shop.v1.UserError {{"not_found":{{"id":"{NOBODY}"}}}}]"#);
    assert!(said.stderr.contains(&shown), "{}", said.stderr);
    let said = get("00000000-0000-0000-0000-000000000000").failed(3, "already_exists");
    assert!(said.stderr.contains(r#"[shop.v1.UserError "email_taken"]"#), "{}", said.stderr);
    let busy = json!({"prompt": {"model": "busy", "messages": [{"role": "user", "content": []}]}});
    let said = run(&["call", &peer.url, "shop.v1.llm.complete", &busy.to_string()]);
    let said = said.failed(3, "unavailable");
    let shown = r#"[shop.v1.LlmError {"overloaded":{"retry_after":"1500ms"}}]"#;
    assert!(said.stderr.contains(shown), "{}", said.stderr);
}

#[test]
fn topics_of_the_contract_are_typed_both_ways() {
    let peer = Peer::shop();
    let mut sub = Running::start(fluxar(&["sub", &peer.url, "orders.>", "-C", "2"]));
    sub.err.wait_for("subscribed to");
    let order = json!({
        "id": ADA, "buyer": ADA, "side": "buy",
        "lines": [{"sku": "s", "qty": 1, "price": "0.50"}],
    });
    let path = order_path();
    let publish = |path: &str, event: &Value| run(&["pub", &peer.url, path, &event.to_string()]);
    publish(&path, &json!({"created": order})).ok();
    publish(&path, &json!({"cancelled": {}})).ok();
    let lines = sub.finish().ok().json_lines();
    assert_eq!(lines[0]["payload"], json!({"created": order}));
    assert_eq!(lines[1]["payload"], json!({"cancelled": {"reason": ""}}));
    for (path, event, message) in [
        (&*path, json!({"created": {"id": ADA}}), "at `created`"),
        (&*path, json!("shiped"), "did you mean `shipped`?"),
        (&*path.replace("eu", "ue"), json!("heartbeat"), "did you mean `eu`?"),
        (&*path.replace("0190", "019"), json!("heartbeat"), "is no `uuid`"),
    ] {
        let said = publish(path, &event).failed(1, "invalid_argument");
        assert!(said.stderr.contains(message), "{path} {event}: {}", said.stderr);
    }
    publish("other.topic", &json!({"any": "thing"})).ok();
}

#[test]
fn a_peer_that_does_not_describe_itself_says_so_and_takes_json_as_it_is() {
    let peer = Peer::silent();
    for args in [&["ls", &peer.url][..], &["describe", &peer.url], &["idl", "pull", &peer.url]] {
        let said = run(args).failed(3, "unimplemented");
        assert!(said.stderr.contains("does not describe itself"), "{}", said.stderr);
        assert!(said.stderr.contains("--idl"), "{}", said.stderr);
    }
    let id = format!("id={ADA}");
    let untyped = run(&["call", &peer.url, "shop.v1.users.get", &id]).ok();
    assert_eq!(untyped.json_lines()[0]["created_at"], 1_795_509_000_250_000_u64);
    // By files it is typed again, and what they do not have is a mistake.
    for idl in [FILE, FOLDER] {
        let typed = run(&["call", &peer.url, "shop.v1.users.get", &id, "--idl", idl]).ok();
        assert_eq!(typed.json_lines()[0]["created_at"], "2026-11-24T08:30:00.25Z");
    }
    let said = run(&["call", &peer.url, "shop.v1.users.gt", "--idl", FILE]).failed(2, "usage");
    assert!(said.stderr.contains("did you mean `shop.v1.users.get`?"), "{}", said.stderr);
    let lines = run(&["ls", "--idl", FILE]).ok().json_lines();
    line(&lines, "target", "shop.v1.users.get");
    run(&["describe", "--idl", FOLDER, "UserError"]).ok();
    run(&["ls", "--idl", "/nowhere.fluxar"]).failed(1, "contract");
}

#[test]
fn who_may_not_ask_for_the_contract_may_call_all_the_same() {
    let peer = Peer::guarded();
    let auth = ["--auth", "bearer:t"];
    let said = run(&[&["ls", &*peer.url], &auth[..]].concat()).failed(3, "permission_denied");
    assert!(said.stderr.contains("--auth"), "{}", said.stderr);
    let said = run(&[&["call", &*peer.url, "raw.echo", "7"], &auth[..]].concat()).ok();
    assert_eq!((&*said.stdout, &*said.stderr), ("7\n", ""));
}

#[test]
fn a_description_that_is_not_understood_stops_nobody_from_calling() {
    let peer = Peer::foreign();
    let said = run(&["ls", &peer.url]).failed(1, "contract");
    assert!(said.stderr.contains("not understood"), "{}", said.stderr);
    let said = run(&["call", &peer.url, "raw.echo", "7"]).ok();
    assert_eq!(said.stdout, "7\n");
    assert!(said.stderr.contains("not understood"), "{}", said.stderr);
    let said = run(&["call", &peer.url, "raw.echo", "7", "--untyped"]).ok();
    assert!(!said.stderr.contains("not understood"), "{}", said.stderr);
}

#[test]
fn a_file_that_is_not_there_is_told_as_that() {
    let there = folder();
    let (missing, empty) = (within(&there, "no.fluxar"), there.path().to_str().unwrap());
    let out = within(&there, "out");
    for args in [
        &["idl", "check", &missing][..],
        &["idl", "lint", &missing],
        &["idl", "diff", &missing, FILE],
        &["idl", "fmt", &missing],
        &["gen", "ts", &missing, "-o", &out],
    ] {
        let said = run(args);
        assert_eq!(said.code, Some(1), "{args:?} {said:#?}");
        assert!(said.stderr.contains("No such file"), "{args:?} {}", said.stderr);
        assert!(said.stderr.contains("file that exists"), "{args:?} {}", said.stderr);
        assert!(!said.stderr.contains("after the package"), "{args:?} {}", said.stderr);
    }
    let said = run(&["idl", "check", empty]).failed(1, "local");
    assert!(said.stderr.contains("has no contract files"), "{}", said.stderr);
    // A folder stands for what is in it.
    run(&["idl", "check", FOLDER]).ok();
}

/// What bash offers at the end of a line.
#[cfg(unix)]
fn completed(line: &str) -> Vec<String> {
    let script = r#"
        source <("$FLUXAR" completion bash)
        fluxar() { "$FLUXAR" "$@"; }
        COMP_LINE="$LINE"; COMP_POINT=${#LINE}
        # As readline splits it: the characters of COMP_WORDBREAKS are words of their own.
        read -ra COMP_WORDS <<< "${LINE//:/ : }"
        [[ "$LINE" == *" " ]] && COMP_WORDS+=("")
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
        _fluxar_names fluxar "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}" 2>/dev/null
        printf '%s\n' "${COMPREPLY[@]}"
    "#;
    let mut bash = std::process::Command::new("bash");
    bash.args(["-c", script]).env("FLUXAR", crate::rig::binary()).env("LINE", line);
    bash.env_remove("FLUXAR_URL").env_remove("FLUXAR_AUTH").env_remove("FLUXAR_CONTEXT");
    bash.env("XDG_CONFIG_HOME", "/nonexistent");
    let said = bash.output().unwrap();
    let words = String::from_utf8(said.stdout).unwrap();
    words.lines().filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

#[cfg(unix)]
#[test]
fn bash_completes_what_the_peer_offers() {
    let peer = Peer::shop();
    let url = &peer.url;
    let targets = completed(&format!("fluxar call {url} shop.v1.users."));
    let all = ["get", "list", "watch", "import", "all"].map(|name| format!("shop.v1.users.{name}"));
    let sorted = |mut words: Vec<String>| {
        words.sort();
        words
    };
    assert_eq!(sorted(targets), sorted(all.to_vec()));
    assert_eq!(completed(&format!("fluxar call {url} ra")), ["raw.echo"]);
    assert_eq!(completed(&format!("fluxar call {url} --timeout 5s ra")), ["raw.echo"]);
    // The peer calls that one at the side that dials.
    assert!(completed(&format!("fluxar call {url} shop.v1.approvals")).is_empty());
    assert_eq!(completed(&format!("fluxar describe {url} UserE")), ["UserError"]);
    assert_eq!(completed(&format!("fluxar sub {url} ")), ["orders.*.*"]);
    let paths = completed(&format!("fluxar pub {url} orders."));
    assert_eq!(paths, ["orders.eu.", "orders.us.", "orders.apac."]);
    // What has nothing to do with a peer is completed as before.
    assert!(completed("fluxar call --time").contains(&"--timeout".to_owned()));
    assert!(completed("fluxar ca").contains(&"call".to_owned()));
    // Nobody there, and no program is run by pressing a key.
    assert!(completed("fluxar call tcp://127.0.0.1:1 x").is_empty());
    let there = folder();
    let mark = within(&there, "ran");
    let line = format!("fluxar call exec:touch?arg={mark} x");
    assert!(completed(&line).is_empty());
    assert!(!Path::new(&mark).exists());
}
