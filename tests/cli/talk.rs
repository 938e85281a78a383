//! Help, completion, and the separation of data from talk.

use crate::rig::run;

const VERBS: [&str; 11] = [
    "demo llm",
    "demo resume",
    "up",
    "call",
    "pub",
    "sub",
    "serve",
    "bench",
    "doctor",
    "ctx",
    "completion",
];

#[test]
fn every_verb_teaches_with_examples() {
    for verb in VERBS {
        let words: Vec<&str> = verb.split(' ').chain(["--help"]).collect();
        let help = run(&words).ok().stdout;
        assert!(help.contains("Examples:"), "{verb}: {help}");
        assert!(help.contains(&format!("fluxar {verb}")), "{verb}: {help}");
    }
}

#[test]
fn no_verb_or_an_unknown_one_is_exit_code_2() {
    assert_eq!(run(&[]).code, Some(2));
    let said = run(&["clal"]);
    assert_eq!(said.code, Some(2));
    assert!(said.stderr.contains("call"), "it suggests: {}", said.stderr);
    assert_eq!(said.stdout, "");
}

#[test]
fn completion_scripts_name_the_verbs() {
    for shell in ["bash", "zsh", "fish"] {
        let script = run(&["completion", shell]).ok().stdout;
        for verb in ["doctor", "bench"] {
            assert!(script.contains(verb), "{shell}");
        }
    }
}

#[test]
fn nothing_is_coloured_when_nobody_looks() {
    for args in [&["--help"][..], &["call", "tcp://127.0.0.1:0", "a.b"]] {
        let said = run(args);
        assert!(!said.stdout.contains('\x1b') && !said.stderr.contains('\x1b'), "{said:#?}");
    }
}
