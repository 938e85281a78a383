//! The import law of `fluxar/ARCHITECTURE.md`.

use crate::tree::{File, files, none};

/// A folder or file, and what its code must not name.
struct Law {
    place: &'static str,
    never: &'static [&'static str],
}

/// Whatever belongs to the outside world: clocks, tasks, sockets, locks, chance.
const WORLD: &[&str] = &[
    "tokio",
    "tracing",
    "getrandom",
    "futures_",
    "std::net",
    "std::fs",
    "std::env",
    "std::io",
    "std::thread",
    "std::process",
    "Instant",
    "SystemTime",
    "Mutex",
    "RwLock",
    "Condvar",
    "Atomic",
    "Waker",
    "async fn",
    "async move",
    ".await",
];

const LAWS: &[Law] = &[
    Law { place: "fluxar/src/engine", never: WORLD },
    Law { place: "fluxar/src/broker", never: WORLD },
    Law {
        place: "fluxar/src/engine",
        never: &[
            "crate::transport",
            "crate::peer",
            "crate::service",
            "crate::broker",
            "crate::payload",
            "crate::testing",
        ],
    },
    Law {
        place: "fluxar/src/broker",
        never: &["crate::transport", "crate::peer", "crate::service", "crate::testing"],
    },
    Law {
        place: "fluxar/src/engine/frame.rs",
        never: &["engine::wire", "engine::message", "engine::session", "engine::pattern"],
    },
    Law {
        place: "fluxar/src/engine/wire",
        never: &["engine::message", "engine::session", "engine::pattern", "engine::outbox"],
    },
    Law {
        place: "fluxar/src/engine/message",
        never: &["engine::session", "engine::pattern", "engine::outbox", "engine::inbound"],
    },
    Law { place: "fluxar/src/engine/session", never: &["engine::pattern", "engine::inbound"] },
    Law { place: "fluxar/src/engine/pattern", never: &["engine::session", "engine::inbound"] },
    Law {
        place: "fluxar/src/transport",
        never: &["crate::engine", "crate::peer", "crate::service", "crate::broker"],
    },
    Law {
        place: "fluxar/src/service",
        never: &["crate::peer", "crate::transport", "crate::engine", "tokio"],
    },
    Law { place: "fluxar-codegen/src", never: &["use fluxar::", "extern crate fluxar"] },
];

fn applies(law: &Law, file: &File) -> bool {
    (file.path == law.place || file.is_under(law.place)) && !file.is_test()
}

#[test]
fn imports_keep_the_law() {
    let files = files(&[".rs"]);
    let mut found = Vec::new();
    for law in LAWS {
        assert!(files.iter().any(|file| applies(law, file)), "nothing is at {}", law.place);
        for file in files.iter().filter(|file| applies(law, file)) {
            for (number, line) in file.code() {
                if let Some(never) = law.never.iter().find(|never| names(&line, never)) {
                    let (path, place) = (&file.path, law.place);
                    found.push(format!("{path}:{number}: `{never}` in {place}: {}", line.trim()));
                }
            }
        }
    }
    none("the import law is broken", &found);
}

/// Whether the word stands in the line, and not as a part of a longer one.
fn names(line: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    // In text between quotes it is no code.
    let code: String = line.split('"').step_by(2).collect();
    code.match_indices(word).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        let after = code[at + word.len()..].chars().next();
        let open_end = word.ends_with('_') || word == "Atomic";
        !before.is_some_and(is_part) && (open_end || !after.is_some_and(is_part))
    })
}

#[test]
fn nothing_is_exported_by_star() {
    let mut found = Vec::new();
    for file in files(&[".rs"]) {
        for (number, line) in file.code() {
            if line.trim_start().starts_with("pub use") && line.contains("::*") {
                found.push(format!("{}:{number}", file.path));
            }
        }
    }
    none("`pub use x::*`: name what is public", &found);
}

#[test]
fn features_gate_modules_and_not_variants() {
    // House: a `cfg` on a variant, a field or an arm makes combinations that nobody tests.
    let mut found = Vec::new();
    for file in files(&[".rs"]).iter().filter(|file| file.is_under("fluxar/src")) {
        let code = file.code();
        for pair in code.windows(2) {
            let (number, line) = &pair[0];
            let next = pair[1].1.trim_start();
            let is_item =
                ["mod ", "use ", "pub", "fn ", "async fn ", "impl", "struct ", "#", "const "]
                    .iter()
                    .any(|start| next.starts_with(start));
            if line.trim_start().starts_with("#[cfg(feature") && !is_item {
                found.push(format!("{}:{number}: {next}", file.path));
            }
        }
    }
    // The scheme table has a row a transport: rows are what features are for.
    found.retain(|place| !place.starts_with("fluxar/src/transport/mod.rs"));
    none("features inside of items", &found);
}

#[test]
fn the_code_generator_does_not_depend_on_the_runtime() {
    for path in ["fluxar-codegen/Cargo.toml", "fluxar-macros/Cargo.toml"] {
        let all = files(&["Cargo.toml"]);
        let manifest = all.iter().find(|file| file.path == path).unwrap();
        let section = manifest.text.split("[dependencies]").nth(1).unwrap_or_default();
        let dependencies = section.split("\n[").next().unwrap_or_default();
        let wrong = dependencies.lines().any(|line| {
            line.starts_with("fluxar.")
                || line.starts_with("fluxar ")
                || line.starts_with("fluxar=")
        });
        assert!(!wrong, "{path} depends on the runtime");
    }
}
