//! Contract files: code from them, their form, their errors, and what a change of them breaks.

use crate::rig::run;
use std::path::Path;

const GOOD: &str = "package shop.v1\n\nrecord User {\n  1 id: u64\n  2 name: string\n}\n\n\
    service Users {\n  get(id: u64) -> User\n}\n";

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    /// A file in its formatted form.
    fn formatted(&self, name: &str, text: &str) -> String {
        let path = self.file(name, text);
        run(&["idl", "fmt", &path]).ok();
        path
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        path
    }
}

#[test]
fn code_is_made_in_every_language_and_only_what_changed_is_written() {
    let folder = Folder::new();
    let contract = folder.file("shop.fluxar", GOOD);
    for (language, extension) in [("rust", ".rs"), ("ts", ".ts"), ("py", ".py")] {
        let out = folder.path(language);
        let said = run(&["gen", language, &contract, "-o", &out]).ok();
        let made = said.stdout.lines().map(Path::new).collect::<Vec<_>>();
        assert!(made.iter().all(|path| path.exists()), "{made:?}");
        let has_user = |path: &&Path| {
            let text = std::fs::read_to_string(path).unwrap();
            path.to_str().unwrap().ends_with(extension) && text.contains("User")
        };
        assert!(made.iter().any(has_user), "{made:?}");
        let again = run(&["gen", language, &contract, "-o", &out]).ok();
        assert_eq!(again.stdout, "", "nothing has changed");
    }
}

#[test]
fn a_wrong_contract_is_told_with_its_place_and_makes_no_code() {
    let folder = Folder::new();
    let contract = folder.file("shop.fluxar", "package shop.v1\nrecord User {\n  1 id u64\n}\n");
    let out = folder.path("out");
    for args in [
        &["gen", "ts", &contract, "-o", &out][..],
        &["idl", "check", &contract],
        &["idl", "lint", &contract],
        &["idl", "fmt", &contract],
    ] {
        let said = run(args).failed(1, "contract");
        assert!(said.stderr.contains("shop.fluxar:3:"), "{args:?}: {}", said.stderr);
        assert_eq!(said.stdout, "", "{args:?}");
    }
    assert!(!Path::new(&out).exists());
    let said = run(&["idl", "check", "--json", &contract]).failed(1, "contract");
    assert_eq!(said.json_lines()[0][0]["severity"], "error");
}

#[test]
fn good_contracts_pass() {
    let folder = Folder::new();
    let contract = folder.file("shop.fluxar", GOOD);
    assert_eq!(run(&["idl", "check", &contract]).ok().stdout, "");
    assert!(run(&["idl", "lint", "--json", &contract]).ok().json_lines()[0].is_array());
}

#[test]
fn files_are_formatted_in_place_and_only_looked_at_with_check() {
    let folder = Folder::new();
    let ugly = "package shop.v1\nrecord   User{ id:u64\n name :string }\n";
    let contract = folder.file("shop.fluxar", ugly);
    let said = run(&["idl", "fmt", "--check", &contract]).failed(1, "contract");
    assert_eq!(said.stdout.trim(), contract);
    assert_eq!(std::fs::read_to_string(&contract).unwrap(), ugly, "only looked at");
    run(&["idl", "fmt", "--ids", &contract]).ok();
    let text = std::fs::read_to_string(&contract).unwrap();
    assert!(text.contains("1 id: u64") && text.contains("2 name: string"), "{text}");
    assert_eq!(run(&["idl", "fmt", "--check", "--ids", &contract]).ok().stdout, "");
}

#[test]
fn the_contracts_of_the_repository_are_formatted_and_right() {
    let idl = concat!(env!("CARGO_MANIFEST_DIR"), "/../idl");
    assert_eq!(run(&["idl", "fmt", "--check", idl]).ok().stdout, "");
    assert_eq!(run(&["idl", "check", idl]).ok().stdout, "");
    let folder = Folder::new();
    let empty = folder.path("");
    assert!(run(&["idl", "check", &empty]).failed(1, "local").stderr.contains("no contract files"));
}

#[test]
fn directories_are_compared_and_what_is_gone_is_told() {
    let (old, new) = (Folder::new(), Folder::new());
    old.formatted("shop.fluxar", GOOD);
    old.formatted("logs.fluxar", "package logs.v1\n\ntopic Lines = logs : string\n");
    old.formatted("store.fluxar", "package store.v1\n\nrecord Kept { 1 a: u8 }\n");
    new.formatted(
        "shop.fluxar",
        &GOOD.replace("2 name: string", "2 name: string\n  3 nick: string?"),
    );
    new.formatted("store.fluxar", "package store.v1\n\nrecord Kept { 1 a: u8, 2 b: u8 }\n");
    let (one, other) = (old.path(""), new.path(""));
    let said = run(&["idl", "diff", &one, &other, "-o", "json"]).failed(1, "contract");
    let found = said.json_lines()[0]["findings"].clone();
    let found: Vec<String> = found
        .as_array()
        .unwrap()
        .iter()
        .map(|f| format!("{} {} {} {}", f["package"], f["place"], f["rule"], f["stored"]))
        .collect();
    let expected = [
        r#""logs.v1" "logs.v1" "IDL.evolve.package.removed" "breaks""#,
        r#""shop.v1" "User.nick" "IDL.evolve.field.added" "ok""#,
        r#""store.v1" "Kept.b" "IDL.evolve.field.required" "breaks""#,
    ];
    assert_eq!(found, expected);
    assert_eq!(
        run(&["idl", "diff", &one, &one, "-o", "text"]).ok().stdout,
        "deploy: in any order\n"
    );
    let said = run(&["idl", "diff", &one, &other, "-o", "text"]).failed(1, "contract");
    assert!(said.stdout.contains("store.v1 Kept.b: new and required"), "{}", said.stdout);
}

#[test]
fn trying_a_change_says_what_to_install() {
    let folder = Folder::new();
    let contract = folder.formatted("shop.fluxar", GOOD);
    for (language, wanted) in
        [("rust", "install Rust"), ("ts", "install Node"), ("py", "pip install cbor2 websockets")]
    {
        let args = ["idl", "diff", &contract, &contract, "--run", "--lang", language];
        let mut command = crate::rig::fluxar(&args);
        command.env("PATH", folder.path("nothing"));
        let said = crate::rig::finish(command).failed(1, "local");
        assert!(said.stderr.contains(wanted) && said.stderr.contains("--lang"), "{}", said.stderr);
    }
    let args = ["idl", "diff", &contract, &contract, "--run", "--lang", "rust", "--runtime"];
    let said = run(&[&args[..], &[&folder.path("")]].concat()).failed(1, "local");
    assert!(said.stderr.contains("is not the source of fluxar's runtime crate"), "{}", said.stderr);
}

#[test]
fn a_breaking_change_fails_and_says_where() {
    let folder = Folder::new();
    let old = folder.formatted("old.fluxar", GOOD);
    let same = run(&["idl", "diff", &old, &old, "-o", "json"]).ok();
    assert_eq!(same.json_lines()[0]["breaks"], false);
    let new = folder.formatted("new.fluxar", &GOOD.replace("1 id: u64", "1 id: string"));
    let said = run(&["idl", "diff", &old, &new, "-o", "json"]).failed(1, "contract");
    let found = &said.json_lines()[0];
    assert_eq!(found["findings"][0]["new_server_old_client"], "breaks", "{found}");
    assert!(found["findings"][0]["place"].as_str().unwrap().contains("User.id"), "{found}");
    let said = run(&["idl", "diff", &old, &new, "-o", "text"]).failed(1, "contract");
    let lines = ["IDL.evolve.", "new server, old client: breaks", "deploy: "];
    assert!(lines.iter().all(|line| said.stdout.contains(line)), "{}", said.stdout);
}
