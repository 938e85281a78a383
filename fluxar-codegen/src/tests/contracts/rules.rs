//! Every rule has a source that breaks it, and the fixed one beside it does not.

use super::broken;
use crate::check::{compile_sources, lint_sources};
use crate::report::{RULES, Severity};
use std::collections::HashSet;

/// Rule, a source that breaks it, and one that does not.
const CASES: &[(&str, &str, &str)] = &[
    ("default-type", "record A { 1 a: u8 @example(\"x\") }", "record A { 1 a: u8 @example(3) }"),
    (
        "default-type",
        "@example({b: 1}) record A { 1 a: u8 }",
        "@example({a: 1}) record A { 1 a: u8 }",
    ),
    ("default-type", "@example(.c) enum A { 1 a }", "@example(.a) enum A { 1 a }"),
    (
        "constraint-empty",
        "record A { 1 a: u8 @max(3) @example(4) }",
        "record A { 1 a: u8 @max(3) @example(3) @example(0) }",
    ),
    ("annotation-arguments", "record A { 1 a: u8 @example }", "record A { 1 a: u8 @example(1) }"),
    ("annotation-place", "@example(1) service S {}", "@example(1) newtype N: u8"),
    ("syntax", "record A { 1 a u8 }", "record A { 1 a: u8 }"),
    ("syntax", "closed record A {}", "closed enum A { 1 a }"),
    ("syntax", "record A {} record", "record A {}"),
    ("syntax", "record A { 1 a: string = \"x }", "record A { 1 a: string = \"x\" }"),
    ("syntax", "record A { 1 a: string = \"\\q\" }", "record A { 1 a: string = \"\\u{e9}\" }"),
    ("syntax", "record A { 1 a: duration = 3x }", "record A { 1 a: duration = 3ms }"),
    ("syntax", "@since(1)", "record A {}"),
    ("edition", "fluxar 2\nrecord A {}", "fluxar 1\nrecord A {}"),
    ("package-name", "package Shop.v1", "package shop.v1"),
    ("import-missing", "use a.b\nrecord A {}", "use fluxar.std { Page }\nrecord A {}"),
    ("import-name", "use fluxar.std { Pages }", "use fluxar.std { Page }"),
    ("unknown-name", "record A { 1 a: B }", "record A { 1 a: B }\nrecord B {}"),
    (
        "unknown-name",
        "record A { 1 a: u8 = LIMIT }",
        "const LIMIT: u8 = 1\nrecord A { 1 a: u8 = LIMIT }",
    ),
    ("unknown-name", "record A { 1 a: unit }", "service S { f() -> stream u8 then unit }"),
    ("duplicate-name", "record A {}\nenum A { 1 a }", "record A {}\nenum B { 1 a }"),
    ("duplicate-name", "record A { 1 a: u8, 2 a: u8 }", "record A { 1 a: u8, 2 b: u8 }"),
    (
        "duplicate-name",
        "record A { 1 a: u8, 2 b: u8 @was(\"a\") }",
        "record A { 1 a: u8, 2 b: u8 @was(\"c\") }",
    ),
    ("duplicate-name", "service S { f()\n f() }", "service S { f()\n g() }"),
    (
        "duplicate-name",
        "service S { f(a: u8, a: stream u8) }",
        "service S { f(a: u8, b: stream u8) }",
    ),
    ("duplicate-name", "topic T = a.{x: u8}.{x: u8} : u8", "topic T = a.{x: u8}.{y: u8} : u8"),
    ("reserved-name", "record string {}", "record String {}"),
    ("name-form", "record __ {}", "record __a {}"),
    ("name-collision", "record A { 1 a_b: u8, 2 aB: u8 }", "record A { 1 a_b: u8, 2 ab: u8 }"),
    ("name-collision", "record Ab_c {}\nrecord AbC {}", "record Ab_d {}\nrecord AbC {}"),
    (
        "name-collision",
        "record P<T> { 1 a: T }\nrecord PU8 {}\nrecord A { 1 a: P<u8> }",
        "record P<T> { 1 a: T }\nrecord A { 1 a: P<u8> }",
    ),
    ("id-missing", "record A { a: u8 }", "record A { 1 a: u8 }"),
    ("id-missing", "enum A { a }", "enum A { 1 a }"),
    ("id-range", "record A { 0 a: u8 }", "record A { 65535 a: u8 }"),
    ("id-range", "record A { 99999999999999999999999 a: u8 }", "record A { 9 a: u8 }"),
    ("id-duplicate", "record A { 1 a: u8, 1 b: u8 }", "record A { 1 a: u8, 2 b: u8 }"),
    ("id-duplicate", "service S { f(a: u8, 1 b: u8) }", "service S { f(a: u8, 3 b: u8) }"),
    (
        "id-duplicate",
        "record B { 1 b: u8 }\nrecord A { 1 a: u8, ...B }",
        "record B { 2 b: u8 }\nrecord A { 1 a: u8, ...B }",
    ),
    ("id-retired", "record A { 1 a: u8, retired 1 b }", "record A { 1 a: u8, retired 2 b }"),
    (
        "id-retired",
        "record A { 1 a: u8, retired 2 a: u8 }",
        "record A { 1 a: u8, retired 2 b: u8 }",
    ),
    ("id-retired", "enum A { 5 a, retired 3..6 }", "enum A { 7 a, retired 3..6 }"),
    (
        "type-arguments",
        "record P<T> { 1 a: T }\nrecord A { 1 a: P }",
        "record P<T> { 1 a: T }\nrecord A { 1 a: P<u8> }",
    ),
    ("type-arguments", "record A { 1 a: u8<u8> }", "record A { 1 a: u8 }"),
    ("type-wrong", "service S {}\nrecord A { 1 a: S }", "record S {}\nrecord A { 1 a: S }"),
    ("type-wrong", "newtype A: u8?", "newtype A: u8"),
    ("type-wrong", "enum A { 1 a: u8 }", "union A { 1 a: u8 }"),
    ("type-wrong", "enum B { 1 b }\nrecord A { ...B }", "record B { 1 b: u8 }\nrecord A { ...B }"),
    ("type-infinite", "record A { 1 a: A }", "record A { 1 a: A? }"),
    ("type-infinite", "union A { 1 a: A, 2 b: { 1 c: [A*2] } }", "union A { 1 a: A, 2 b }"),
    ("type-infinite", "newtype A: B\nnewtype B: A", "newtype A: B\nnewtype B: [A]"),
    ("alias-cycle", "alias A = [B]\nalias B = A", "alias A = [B]\nalias B = u8"),
    (
        "alias-cycle",
        "record A { 1 a: u8, ...A }",
        "record A { 1 a: u8, ...B }\nrecord B { 2 b: A? }",
    ),
    ("alias-cycle", "const A: u8 = B\nconst B: u8 = A", "const A: u8 = B\nconst B: u8 = 1"),
    (
        "instance-limit",
        "record P<T> { 1 a: P<[T]>? }\nrecord A { 1 a: P<u8> }",
        "record P<T> { 1 a: P<T>? }\nrecord A { 1 a: P<u8> }",
    ),
    ("map-key", "record A { 1 a: map<f64, u8> }", "record A { 1 a: map<int, u8> }"),
    (
        "map-key",
        "record B {}\nrecord A { 1 a: map<B, u8> }",
        "enum B { 1 b }\nrecord A { 1 a: map<B, u8> }",
    ),
    ("double-optional", "record A { 1 a: u8?? }", "record A { 1 a: u8? }"),
    (
        "double-optional",
        "alias B = u8?\nrecord A { 1 a: B? }",
        "alias B = u8?\nrecord A { 1 a: B }",
    ),
    ("array-length", "record A { 1 a: [u8*0] }", "record A { 1 a: [u8*3] }"),
    ("empty-choice", "union A {}", "union A { 1 a }"),
    (
        "error-type",
        "record E {}\nservice S { f() ! E }",
        "error E { 1 e @status(.aborted) }\nservice S { f() ! E }",
    ),
    (
        "error-type",
        "service S { f() ! string }",
        "@status(.aborted)\nrecord E {}\nservice S { f() ! E }",
    ),
    ("stream-place", "record A { 1 a: stream u8 }", "record A { 1 stream: u8 }"),
    (
        "stream-place",
        "service S { f(a: stream u8, b: stream u8) }",
        "service S { f(a: stream u8, b: u8) }",
    ),
    ("stream-place", "service S { f(1 a: stream u8) }", "service S { f(a: stream u8) }"),
    ("optional-default", "record A { 1 a: u8? = 1 }", "record A { 1 a: u8? = null }"),
    ("default-type", "record A { 1 a: u8 = 256 }", "record A { 1 a: u8 = 255 }"),
    (
        "default-type",
        "record A { 1 a: int = 9007199254740992 }",
        "record A { 1 a: int = -9007199254740991 }",
    ),
    (
        "default-type",
        "record A { 1 a: decimal = \"1e3\" }",
        "record A { 1 a: decimal = \"-1.50\" }",
    ),
    (
        "default-type",
        "record A { 1 a: uuid = \"x\" }",
        "record A { 1 a: uuid = \"00000000-0000-0000-0000-00000000000f\" }",
    ),
    (
        "default-type",
        "enum B { 1 b }\nrecord A { 1 a: B = .c }",
        "enum B { 1 b }\nrecord A { 1 a: B = .b }",
    ),
    (
        "default-type",
        "record B { 1 b: u8 }\nrecord A { 1 a: B = {} }",
        "record B { 1 b: u8 }\nrecord A { 1 a: B = {b: 1} }",
    ),
    (
        "default-type",
        "record B { 1 b: u8 }\nrecord A { 1 a: B = {b: 1, c: 2} }",
        "record B { 1 b: u8? }\nrecord A { 1 a: B = {} }",
    ),
    ("default-type", "record A { 1 a: [u8] = [\"x\"] }", "record A { 1 a: [u8*2] = [1, 2] }"),
    (
        "default-type",
        "record A { 1 a: map<string, u8> = {\"a b\": 1, \"a b\": 2} }",
        "record A { 1 a: map<string, u8> = {\"a b\": 1} }",
    ),
    ("annotation-arguments", "record A { 1 a: string @min(1) }", "record A { 1 a: u8 @min(1) }"),
    ("annotation-arguments", "record A { 1 a: u8 @range(1) }", "record A { 1 a: u8 @range(1..2) }"),
    ("annotation-arguments", "record A { 1 a: u8 @max(300) }", "record A { 1 a: u8 @max(200) }"),
    (
        "annotation-arguments",
        "record A { 1 a: u8 @len(1) }",
        "record A { 1 a: [u8] @len(max=4) @range(1..2) }",
    ),
    (
        "annotation-arguments",
        "record A { 1 a: string @format(.phone) }",
        "record A { 1 a: string @format(.ipv4) }",
    ),
    (
        "annotation-arguments",
        "record A { 1 a: string @pattern(\"(a+)+\") }",
        "record A { 1 a: string @pattern(\"[a-z]+\") }",
    ),
    (
        "annotation-arguments",
        "error E { 1 a @status(.nope) }",
        "error E { 1 a @status(.internal) }",
    ),
    ("annotation-arguments", "service S { @timeout(3) f() }", "service S { @timeout(3s) f() }"),
    (
        "annotation-arguments",
        "annotation x(a: u8) on record\n@x record A {}",
        "annotation x(a: u8 = 1) on record\n@x record A {}",
    ),
    (
        "annotation-arguments",
        "annotation x on record\n@x(1) record A {}",
        "annotation x on record\n@x record A {}",
    ),
    ("constraint-empty", "record A { 1 a: u8 @range(5..1) }", "record A { 1 a: u8 @range(1..5) }"),
    ("constraint-empty", "record A { 1 a: u8 = 9 @max(5) }", "record A { 1 a: u8 = 5 @max(5) }"),
    ("annotation-unknown", "@nope record A {}", "annotation nope on record\n@nope record A {}"),
    ("annotation-place", "@idempotent record A {}", "service S { @idempotent f() }"),
    (
        "annotation-place",
        "annotation x on method\n@x record A {}",
        "annotation x on record\n@x record A {}",
    ),
    ("annotation-place", "annotation x on nowhere", "annotation x on record"),
    ("annotation-place", "union A { 1 a @status(.aborted) }", "error A { 1 a @status(.aborted) }"),
    (
        "annotation-twice",
        "record A { 1 a: u8 @min(1) @min(2) }",
        "record A { 1 a: u8 @min(1) @max(2) }",
    ),
    ("error-status", "error E { 1 a }", "@status(.aborted)\nerror E { 1 a }"),
    (
        "message-field",
        "error E { 1 a: { 1 b: u8 } @status(.aborted) @message(\"{c}\") }",
        "error E { 1 a: { 1 b: u8 } @status(.aborted) @message(\"{b}\") }",
    ),
    (
        "notification",
        "service S { @notification f() -> u8 }",
        "service S { @notification f(a: u8) }",
    ),
    (
        "level",
        "@level(2)\npackage a.v1\n@since(3) record A {}",
        "@level(3)\npackage a.v1\n@since(3) record A {}",
    ),
    ("level", "@since(3) @removed(2) record A {}", "@since(2) @removed(3) record A {}"),
    ("topic-path", "topic T = a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a : u8", "topic T = a.b : u8"),
    ("topic-param", "topic T = a.{x: f64} : u8", "topic T = a.{x: int} : u8"),
    ("topic-key", "@key(\"y\")\ntopic T = a.{x: u8} : u8", "@key(\"x\")\ntopic T = a.{x: u8} : u8"),
    (
        "contract-side",
        "service S {}\ncontract C { both: S }",
        "service S {}\ncontract C { server: S }",
    ),
    (
        "contract-side",
        "topic T = a : u8\ncontract C { server: T }",
        "topic T = a : u8\ncontract C { topics: T }",
    ),
    (
        "target-length",
        "package a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p\nservice S { f() }",
        "package a.b\nservice S { f() }",
    ),
];

#[test]
fn each_rule_is_broken_by_its_case_and_kept_by_the_fixed_one() {
    for (rule, wrong, right) in CASES {
        assert!(broken(wrong).contains(rule), "{rule}: {wrong}\n{:?}", broken(wrong));
        assert_eq!(broken(right), Vec::<&str>::new(), "{rule}: {right}");
    }
}

/// Lints, a source that has the warning, and one that does not.
const LINTS: &[(&str, &str, &str)] = &[
    ("lint-name", "record user {}", "record User {}"),
    ("lint-name", "record A { 1 aB: u8 }", "record A { 1 a_b: u8 }"),
    ("lint-docs", "service S { f() }", "/// S.\nservice S {\n  /// F.\n  f()\n}"),
    ("lint-version", "package shop", "package shop.v1"),
    ("lint-id", "record A { 24 a: u8 }", "record A { 24 a: u8? }"),
    ("lint-u64", "record A { 1 a: u64 }\ncontract C {}", "record A { 1 a: int }\ncontract C {}"),
    ("lint-unbounded", "service S { f(a: [u8]) }", "service S { @max_size(1MiB) f(a: [u8]) }"),
    (
        "lint-unbounded",
        "record A { 1 a: string }\nservice S { f(a: stream A) }",
        "record A { 1 a: string @len(0..9) }\nservice S { f(a: stream A) }",
    ),
    ("lint-unused", "record A {}\nservice S { f() }", "record A {}\nservice S { f(a: A) }"),
];

#[test]
fn lints_warn_and_do_not_refuse() {
    for (rule, wrong, right) in LINTS {
        let found = lint_sources(&[("test", wrong)]);
        assert!(found.reports.ids().contains(rule), "{rule}: {wrong}");
        assert_eq!(found.models.len(), 1, "{rule}: a warning refuses nothing");
        let found = lint_sources(&[("test", right)]);
        assert!(!found.reports.ids().contains(rule), "{rule}: {right}");
    }
}

#[test]
fn every_rule_has_a_case() {
    // These need several files, or files that are too large: they are tested beside this.
    let elsewhere = [
        "too-large",
        "not-text",
        "file-missing",
        "mixed-packages",
        "import-outside",
        "import-cycle",
    ];
    let cases: HashSet<&str> = CASES.iter().chain(LINTS).map(|(rule, ..)| *rule).collect();
    for rule in RULES {
        let is_tested = cases.contains(rule.id) || elsewhere.contains(&rule.id);
        assert!(is_tested, "{} has no case", rule.id);
        assert_eq!(rule.severity == Severity::Warning, rule.id.starts_with("lint-"), "{}", rule.id);
    }
}

#[test]
fn several_errors_are_found_in_one_run() {
    let source = "package a.v1\nrecord A { 1 a u8\n 2 b: Nope\n 2 c: u8 }\nrecor B {}\n\
                  service S { f( -> u8\n g() ! A }\n";
    let found = compile_sources(&[("a.fluxar", source)]);
    let ids = found.reports.ids();
    for rule in ["syntax", "unknown-name", "error-type"] {
        assert!(ids.contains(&rule), "{rule} in {ids:?}");
    }
    assert!(ids.iter().filter(|rule| **rule == "syntax").count() >= 3, "{ids:?}");
}

/// What is said as an example is read by whoever reads the documentation, in every language.
#[test]
fn examples_are_documentation() {
    let source = "/// How long.\n@example(90s) newtype T: duration\n\
                  record A { 1 a: string? @example(\"b\\\"c\"), 2 t: T @example(1m) @example(2h) }";
    let read = super::model(source);
    assert_eq!(read.types[0].docs.lines, [" How long.", " Example: `90s`"]);
    let crate::model::Body::Record(fields) = &read.types[1].body else { panic!("a record") };
    assert_eq!(fields[0].docs.lines, [" Example: `\"b\\\"c\"`"]);
    assert_eq!(fields[1].docs.lines, [" Example: `1m`", " Example: `2h`"]);
    assert_eq!(super::model(&crate::emit::idl::print(&read)), read);
    for files in [crate::emit::ts::generate(&read), crate::emit::py::generate(&read)] {
        assert!(files.iter().any(|(_, text)| text.contains("Example: `2h`")));
    }
    assert!(crate::emit::rust::contract(&read).contains("Example: `2h`"));
}
