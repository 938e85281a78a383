//! What a change breaks, for whom, and in which order to deploy: the table of the rules, each with
//! a case that breaks somebody and one that does not.

use super::model;
use crate::evolve::{Order, Report, Rule, Verdict, diff, diff_all, uses};
use std::collections::HashSet;

/// Where the type `R` of a case travels.
#[derive(Clone, Copy, Debug)]
enum At {
    /// From clients to the server.
    In,
    /// From the server to clients.
    Out,
    /// From the server to clients, in a service that clients offer.
    Back,
    /// In a topic.
    Topic,
    /// The case is a whole contract.
    Whole,
}

fn whole(at: At, types: &str) -> String {
    let uses = match at {
        At::In => "service S { f(a: R) }",
        At::Out => "service S { f() -> R }",
        At::Back => "service S { f(a: R) }\ncontract C { client: S }",
        At::Topic => "topic T = t : R",
        At::Whole => "",
    };
    format!("package a.v1\n{types}\n{uses}\n")
}

fn report(at: At, old: &str, new: &str) -> Report {
    diff(&model(&whole(at, old)), &model(&whole(at, new)))
}

/// New server and old client, old server and new client, stored.
fn words(report: &Report, rule: Option<Rule>) -> [&'static str; 3] {
    let found = report.findings.iter().filter(|f| rule.is_none_or(|rule| f.rule == rule));
    let verdicts = found
        .map(|f| f.verdicts)
        .fold(Default::default(), |a: crate::evolve::Verdicts, b| a.join(b));
    let word = |verdict: Verdict| match verdict {
        Verdict::Ok => "ok",
        Verdict::Warn => "warn",
        Verdict::Break => "break",
    };
    [
        word(verdicts.new_server_old_client),
        word(verdicts.old_server_new_client),
        word(verdicts.stored),
    ]
}

const OK: [&str; 3] = ["ok"; 3];
const NEW_SERVER: [&str; 3] = ["break", "ok", "ok"];
const OLD_SERVER: [&str; 3] = ["ok", "break", "ok"];
const BOTH: [&str; 3] = ["break", "break", "ok"];
const STORED: [&str; 3] = ["ok", "ok", "break"];
const STORED_WARN: [&str; 3] = ["ok", "ok", "warn"];

const A: &str = "record R { 1 a: u8 }";

/// Rule, where, the old and the new types, the verdicts of that rule.
type Case = (Rule, At, &'static str, &'static str, [&'static str; 3]);

const FIELDS: &[Case] = &[
    (Rule::FieldAdded, At::In, A, "record R { 1 a: u8, 2 b: u8? }", OK),
    (Rule::FieldAdded, At::Topic, A, "record R { 1 a: u8, 2 b: u8 = 1 }", OK),
    (Rule::FieldRequired, At::In, A, "record R { 1 a: u8, 2 b: u8 }", NEW_SERVER),
    (Rule::FieldRequired, At::Out, A, "record R { 1 a: u8, 2 b: u8 }", OLD_SERVER),
    (Rule::FieldRequired, At::Back, A, "record R { 1 a: u8, 2 b: u8 }", OLD_SERVER),
    (Rule::FieldRequired, At::Topic, A, "record R { 1 a: u8, 2 b: u8 }", STORED),
    (Rule::FieldRelaxed, At::Out, A, "record R { 1 a: u8? }", NEW_SERVER),
    (Rule::FieldRelaxed, At::Out, A, "record R { 1 a: u8 = 0 }", NEW_SERVER),
    (Rule::FieldRelaxed, At::In, A, "record R { 1 a: u8? }", OLD_SERVER),
    (Rule::FieldRelaxed, At::Topic, A, "record R { 1 a: u8? }", STORED_WARN),
    (Rule::FieldTightened, At::In, "record R { 1 a: u8? }", A, NEW_SERVER),
    (Rule::FieldTightened, At::Out, "record R { 1 a: u8? }", A, OLD_SERVER),
    (Rule::FieldTightened, At::Topic, "record R { 1 a: u8? }", A, STORED),
    (Rule::FieldRetired, At::In, A, "record R { retired 1 a }", OLD_SERVER),
    (Rule::FieldRetired, At::Out, A, "record R { retired 1 a }", NEW_SERVER),
    (Rule::FieldRetired, At::Out, "record R { 1 a: u8? }", "record R { retired 1 a }", OK),
    (Rule::FieldDropped, At::In, A, "record R {}", BOTH),
    (Rule::Reused, At::In, "record R { retired 1 a }", "record R { 1 b: u8? }", BOTH),
    (Rule::Reused, At::Out, "record R { retired 1 a }", "record R { 2 a: u8? }", BOTH),
    (Rule::Reused, At::In, "enum R { 1 a, retired 2 b }", "enum R { 1 a, 2 c }", BOTH),
    (Rule::Renamed, At::In, A, "record R { 1 b: u8 }", BOTH),
    (Rule::Renamed, At::In, A, "record R { 1 b: u8 @was(\"a\") }", ["ok", "warn", "ok"]),
    (Rule::Renamed, At::Out, "enum R { 1 a }", "enum R { 1 b }", BOTH),
    (Rule::Renumbered, At::In, A, "record R { 2 a: u8 }", BOTH),
    (Rule::Renumbered, At::Topic, "enum R { 1 a }", "enum R { 2 a }", STORED),
    (
        Rule::DefaultChanged,
        At::In,
        "record R { 1 a: u8 = 1 }",
        "record R { 1 a: u8 = 2 }",
        ["warn", "warn", "ok"],
    ),
];

const TYPES: &[Case] = &[
    (Rule::TypeWidened, At::In, A, "record R { 1 a: u32 }", OLD_SERVER),
    (Rule::TypeWidened, At::Out, A, "record R { 1 a: int }", NEW_SERVER),
    (Rule::TypeWidened, At::Topic, A, "record R { 1 a: u16 }", STORED_WARN),
    (Rule::TypeWidened, At::In, "record R { 1 a: f32 }", "record R { 1 a: f64 }", OLD_SERVER),
    (Rule::TypeNarrowed, At::In, "record R { 1 a: u32 }", A, NEW_SERVER),
    (Rule::TypeNarrowed, At::Out, "record R { 1 a: i64 }", "record R { 1 a: int }", OLD_SERVER),
    (Rule::TypeChanged, At::In, A, "record R { 1 a: [u8] }", BOTH),
    (Rule::TypeChanged, At::Out, A, "record R { 1 a: string }", BOTH),
    (Rule::TypeChanged, At::Topic, A, "record R { 1 a: i8 }", STORED),
    (Rule::TypeChanged, At::In, "union R { 1 a: u8 }", "union R { 1 a }", BOTH),
    (Rule::VariantAdded, At::Out, "enum R { 1 a }", "enum R { 1 a, 2 b }", OK),
    (
        Rule::VariantAdded,
        At::Out,
        "closed enum R { 1 a }",
        "closed enum R { 1 a, 2 b }",
        NEW_SERVER,
    ),
    (
        Rule::VariantAdded,
        At::In,
        "closed union R { 1 a }",
        "closed union R { 1 a, 2 b: u8 }",
        OLD_SERVER,
    ),
    (
        Rule::VariantRemoved,
        At::In,
        "enum R { 1 a, 2 b }",
        "enum R { 1 a, retired 2 b }",
        ["warn", "ok", "ok"],
    ),
    (
        Rule::VariantRemoved,
        At::In,
        "closed enum R { 1 a, 2 b }",
        "closed enum R { 1 a, retired 2 b }",
        NEW_SERVER,
    ),
    (Rule::FieldDropped, At::In, "enum R { 1 a, 2 b }", "enum R { 1 a }", BOTH),
    (Rule::Openness, At::In, "enum R { 1 a }", "closed enum R { 1 a }", ["warn", "ok", "ok"]),
    (Rule::ConstraintTightened, At::In, A, "record R { 1 a: u8 @max(9) }", NEW_SERVER),
    (Rule::ConstraintTightened, At::Out, A, "record R { 1 a: u8 @max(9) }", ["ok", "warn", "ok"]),
    (Rule::ConstraintTightened, At::Topic, A, "record R { 1 a: u8 @max(9) }", STORED),
    (
        Rule::ConstraintTightened,
        At::In,
        "newtype N: string\nrecord R { 1 a: N }",
        "@len(1..4) newtype N: string\nrecord R { 1 a: N }",
        NEW_SERVER,
    ),
    (Rule::ConstraintLoosened, At::In, "record R { 1 a: u8 @max(9) }", A, OLD_SERVER),
    (Rule::ConstraintLoosened, At::Out, "record R { 1 a: u8 @max(9) }", A, ["warn", "ok", "ok"]),
    (Rule::ConstraintLoosened, At::Topic, "record R { 1 a: u8 @max(9) }", A, STORED_WARN),
];

const SERVICES: &[Case] = &[
    (
        Rule::MethodAdded,
        At::Whole,
        "service S { f() }",
        "service S { f()\n g() }",
        ["ok", "warn", "ok"],
    ),
    (Rule::MethodRemoved, At::Whole, "service S { f()\n g() }", "service S { f() }", NEW_SERVER),
    (
        Rule::MethodRemoved,
        At::Whole,
        "service S { f()\n @removed(2) g() }",
        "service S { f() }",
        ["warn", "ok", "ok"],
    ),
    (
        Rule::MethodRemoved,
        At::Whole,
        "service S { f()\n g() }\ncontract C { client: S }",
        "service S { f() }\ncontract C { client: S }",
        OLD_SERVER,
    ),
    (
        Rule::ShapeChanged,
        At::Whole,
        "service S { f() -> u8 }",
        "service S { f() -> stream u8 }",
        BOTH,
    ),
    (
        Rule::ShapeChanged,
        At::Whole,
        "service S { f() -> stream u8 }",
        "service S { f() -> stream u8 then u8 }",
        BOTH,
    ),
    (
        Rule::ErrorChanged,
        At::Whole,
        "@status(.aborted) error E { 1 e }\nservice S { f() }",
        "@status(.aborted) error E { 1 e }\nservice S { f() ! E }",
        ["warn", "warn", "ok"],
    ),
    (
        Rule::IdempotencyLost,
        At::Whole,
        "service S { @idempotent f() }",
        "service S { f() }",
        ["warn", "ok", "ok"],
    ),
    (
        Rule::FieldAdded,
        At::Whole,
        "service S { f(a: u8) }",
        "service S { f(a: u8, b: u8 = 1) }",
        OK,
    ),
    (
        Rule::FieldRequired,
        At::Whole,
        "service S { f(a: u8) }",
        "service S { f(a: u8, b: u8) }",
        NEW_SERVER,
    ),
    (
        Rule::TopicPath,
        At::Whole,
        "topic T = a.{x: u8} : u8",
        "topic T = b.{x: u8} : u8",
        ["break"; 3],
    ),
    (
        Rule::TopicPath,
        At::Whole,
        "topic T = a.{x: u8} : u8",
        "topic T = a.{x: int} : u8",
        ["break"; 3],
    ),
    (Rule::TypeRemoved, At::Whole, A, "", STORED_WARN),
    (Rule::FieldRequired, At::Whole, A, "record R { 1 a: u8, 2 b: u8 }", STORED),
    (Rule::FieldAdded, At::Whole, A, "record R { 1 a: u8, 2 b: u8? }", OK),
    (
        Rule::TypeChanged,
        At::Whole,
        "newtype N: u8\nservice S { f() }",
        "newtype N: string\nservice S { f() }",
        STORED,
    ),
    (Rule::TopicRemoved, At::Whole, "topic T = a : u8", "", ["break"; 3]),
    (
        Rule::DeliveryLowered,
        At::Whole,
        "@delivery(.exactly_once) topic T = a : u8",
        "topic T = a : u8",
        ["warn", "ok", "ok"],
    ),
];

#[test]
fn each_change_has_its_verdict_in_each_direction() {
    for (rule, at, old, new, expected) in FIELDS.iter().chain(TYPES).chain(SERVICES) {
        let report = report(*at, old, new);
        let ids: Vec<&str> = report.findings.iter().map(|f| f.rule.id()).collect();
        assert!(ids.contains(&rule.id()), "{rule} {at:?}: {old} → {new}: {ids:?}");
        assert_eq!(words(&report, Some(*rule)), *expected, "{rule} {at:?}: {old} → {new}");
        for finding in &report.findings {
            assert!(!finding.place.is_empty() && !finding.message.is_empty(), "{rule}");
        }
    }
}

#[test]
fn every_rule_has_a_case() {
    let cases: HashSet<Rule> =
        FIELDS.iter().chain(TYPES).chain(SERVICES).map(|(rule, ..)| *rule).collect();
    for rule in Rule::ALL {
        // One file cannot show it: it has a test of its own.
        let is_elsewhere = *rule == Rule::PackageRemoved;
        assert!(is_elsewhere || cases.contains(rule), "{rule} has no case");
    }
}

/// For each rule a change that it is about, made so that it breaks nobody.
const RIGHT: &[(Rule, At, &str, &str)] = &[
    (Rule::FieldAdded, At::In, A, "record R { 1 a: u8, 2 b: u8? }"),
    (Rule::FieldRequired, At::In, A, "record R { 1 a: u8, 2 b: u8 = 1 }"),
    (Rule::FieldRelaxed, At::Out, "record R { 1 a: u8? }", "record R { 1 a: u8? }"),
    (Rule::FieldTightened, At::In, "record R { 1 a: u8? }", "record R { 1 a: u8 = 0 }"),
    (Rule::FieldRetired, At::Out, "record R { 1 a: u8? }", "record R { retired 1 a }"),
    (Rule::FieldDropped, At::In, "record R { 1 a: u8 = 0 }", "record R { retired 1 a }"),
    (Rule::Reused, At::In, "record R { retired 1 a }", "record R { retired 1 a, 2 b: u8? }"),
    (Rule::Renamed, At::In, A, "record R { 1 b: u8 @was(\"a\") }"),
    (Rule::Renumbered, At::In, A, "record R { 1 a: u8, 2 b: u8? }"),
    (
        Rule::DefaultChanged,
        At::In,
        "record R { 1 a: u8 = 1 }",
        "record R { 1 a: u8 = 1, 2 b: u8 = 2 }",
    ),
    (Rule::TypeWidened, At::In, A, "record R { 1 a: u8, 2 b: u32? }"),
    (Rule::TypeNarrowed, At::In, A, "record R { 1 a: u8, 2 b: u8? }"),
    (Rule::TypeChanged, At::In, A, "record R { 1 a: u8, 2 b: [u8] = [] }"),
    (Rule::VariantAdded, At::Out, "enum R { 1 a }", "enum R { 1 a, 2 b }"),
    (Rule::VariantRemoved, At::In, "enum R { 1 a, 2 b }", "enum R { 1 a, retired 2 b }"),
    (Rule::Openness, At::In, "closed enum R { 1 a }", "enum R { 1 a }"),
    (Rule::ConstraintTightened, At::Out, A, "record R { 1 a: u8 @max(9) }"),
    (Rule::ConstraintLoosened, At::Out, "record R { 1 a: u8 @max(9) }", A),
    (Rule::TypeRemoved, At::Whole, A, "record R { 1 a: u8 }\nrecord Q {}"),
    (Rule::MethodAdded, At::Whole, "service S { f() }", "service S { f()\n g() }"),
    (Rule::MethodRemoved, At::Whole, "service S { f()\n @removed(2) g() }", "service S { f() }"),
    (
        Rule::ShapeChanged,
        At::Whole,
        "service S { f() -> u8 }",
        "service S { f() -> u8\n all() -> stream u8 }",
    ),
    (
        Rule::ErrorChanged,
        At::Whole,
        "@status(.aborted) error E { 1 e }\nservice S { f() ! E }",
        "@status(.aborted) error E { 1 e, 2 g }\nservice S { f() ! E }",
    ),
    (Rule::IdempotencyLost, At::Whole, "service S { f() }", "service S { @idempotent f() }"),
    (
        Rule::TopicPath,
        At::Whole,
        "topic T = a.{x: u8} : u8",
        "topic T = a.{x: u8} : u8\ntopic V = b.{x: int} : u8",
    ),
    (Rule::TopicRemoved, At::Whole, "topic T = a : u8", "topic T = a : u8\ntopic V = b : u8"),
    (
        Rule::DeliveryLowered,
        At::Whole,
        "topic T = a : u8",
        "@delivery(.exactly_once) topic T = a : u8",
    ),
];

#[test]
fn every_rule_stands_in_the_spec() {
    let spec = include_str!("../../../../fluxar/docs/spec/contract.md");
    for rule in Rule::ALL {
        let id = rule.id().trim_start_matches("IDL.evolve.");
        assert!(spec.contains(&format!("`{id}`")), "{rule} is not in docs/spec/contract.md");
    }
}

#[test]
fn every_rule_can_be_kept() {
    for (rule, at, old, new) in RIGHT {
        let report = report(*at, old, new);
        assert!(!report.breaks(), "{rule}: {old} → {new}: {:?}", report.findings);
    }
    for rule in Rule::ALL {
        let has_right = RIGHT.iter().any(|(right, ..)| right == rule);
        assert!(has_right || *rule == Rule::PackageRemoved, "{rule} has no case that keeps it");
    }
}

#[test]
fn whole_directories_are_compared_package_by_package() {
    let users = "package users.v1\nrecord U { 1 a: u8 }\nservice S { f() -> U }";
    let (logs, stored) = ("package logs.v1\ntopic T = t : u8", "package stored.v1\nrecord R {}");
    let models = |sources: &[&str]| sources.iter().map(|s| model(s)).collect::<Vec<_>>();
    let all = models(&[users, logs, stored]);
    assert_eq!(diff_all(&all, &all), Report::default());
    let grown = models(&[stored, logs, &users.replace("1 a: u8", "1 a: u8, 2 b: u8?")]);
    let report = diff_all(&all, &grown);
    assert!(!report.breaks() && report.findings.len() == 1, "{report:?}");
    assert_eq!(report.findings[0].package.as_deref(), Some("users.v1"));
    for (kept, gone, verdicts) in [
        ([users, logs], "stored.v1", STORED_WARN),
        ([users, stored], "logs.v1", ["break"; 3]),
        ([logs, stored], "users.v1", NEW_SERVER),
    ] {
        let report = diff_all(&all, &models(&kept));
        let [only] = &report.findings[..] else { panic!("{report:?}") };
        assert_eq!((only.rule, only.place.as_str()), (Rule::PackageRemoved, gone));
        assert_eq!(words(&report, None), verdicts, "{gone}");
        // One that comes is no more than what is in it.
        let back = diff_all(&models(&kept), &all);
        assert!(!back.breaks(), "{back:?}");
    }
    // One file on each side: the same contract, whatever it is called.
    let renamed = users.replace("users.v1", "users.v2");
    let report = diff_all(&models(&[users]), &models(&[&renamed]));
    let rules: Vec<Rule> = report.findings.iter().map(|f| f.rule).collect();
    assert_eq!(rules, [Rule::MethodRemoved, Rule::MethodAdded]);
}

#[test]
fn each_use_is_judged_by_itself() {
    let old = model("record R { 1 a: u8 }\nservice S { f(a: R) -> R\n g(a: u8) }");
    let new = model("record R { 1 a: u8, 2 b: u8 }\nservice S { f(a: R) -> R\n g(a: u8) }");
    let judged: Vec<(String, Verdict, Verdict)> = uses(&old, &new)
        .iter()
        .map(|one| {
            let judged = one.judge(&old, &new);
            (one.place().to_owned(), judged.forward, judged.back)
        })
        .collect();
    let (broken, fine) = (Verdict::Break, Verdict::Ok);
    let expected = [
        ("s.f", broken, fine),
        ("s.f ->", broken, fine),
        ("s.g", fine, fine),
        ("s.g ->", fine, fine),
    ];
    assert_eq!(judged, expected.map(|(place, one, other)| (place.to_owned(), one, other)));
}

/// What must show when random values are tried, one in how many of them: forward, back.
const SHOWN: &[(&str, &str, [Option<u32>; 2])] = &[
    ("1 a: u8", "1 a: u32", [None, Some(6)]),
    ("1 a: u32?", "1 a: u8?", [Some(12), None]),
    ("1 a: u32 @max(9)", "1 a: u8 @max(9)", [None, None]),
    ("1 a: [u32]", "1 a: [u8]", [Some(12), None]),
    ("1 a: i32", "1 a: f64", [None, Some(2)]),
    ("1 a: f32", "1 a: f64", [None, None]),
    ("1 a: string", "1 a: any", [None, Some(1)]),
    ("1 a: [u8]", "1 a: any", [None, None]),
    ("1 a: [u8*4]", "1 a: [u8]", [None, Some(1)]),
    ("1 a: [u8]", "1 a: [u8*2]", [Some(2), None]),
    ("1 a: [u8] @len(2)", "1 a: [u8*2]", [None, None]),
    ("1 a: u8", "1 a: string", [Some(1), Some(1)]),
    ("1 a: u8", "1 a: timestamp", [None, None]),
    ("1 a: uuid", "1 a: bytes", [None, None]),
    ("1 a: u8", "1 a: u8 @max(200)", [Some(6), None]),
    ("1 a: u8", "1 a: u8 @max(255)", [None, None]),
    ("1 a: string", "1 a: string @len(2..900)", [None, None]),
    ("1 a: u8", "1 b: u8", [Some(1), Some(1)]),
    ("1 a: u8?", "1 b: u8?", [None, None]),
    ("1 a: u8, 2 b: u8", "1 b: u8, 2 a: u8", [None, None]),
    ("1 a: u8", "2 a: u8", [Some(1), Some(1)]),
    ("1 a: u8, 2 b: u8", "1 a: u8", [None, Some(1)]),
    ("1 a: u8", "1 a: u8?", [None, Some(2)]),
    ("1 a: B?", "1 a: C?", [Some(6), None]),
];

#[test]
fn what_random_values_must_show_is_known() {
    let whole = |fields: &str| {
        let choices = "closed enum B { 1 a, 2 b, 3 c }\nclosed enum C { 1 a, 2 b }";
        model(&format!("record R {{ {fields} }}\n{choices}\nservice S {{ f(r: R) }}"))
    };
    for (old, new, expected) in SHOWN {
        let (before, after) = (whole(old), whole(new));
        let shown = uses(&before, &after)[0].judge(&before, &after).report.findings;
        let least = |side: fn(&crate::evolve::Shown) -> Option<u32>| {
            shown.iter().filter_map(|finding| side(&finding.shown)).min()
        };
        let found = [least(|shown| shown.forward), least(|shown| shown.back)];
        assert_eq!(found, *expected, "{old} → {new}: {shown:?}");
    }
}

/// Changes that nobody notices.
const HARMLESS: &[(At, &str, &str)] = &[
    (At::In, "record R { 1 a: u8, 2 b: u8 }", "/// Docs.\nrecord R { 2 b: u8, 1 a: u8 }"),
    (At::Out, "record R { 1 a: N }\nnewtype N: u8", "record R { 1 a: M }\nnewtype M: u8"),
    (At::In, "record R { 1 a: B }\nrecord B {}", "record R { 1 a: C }\nrecord C {}"),
    (At::In, "record R { 1 a: L }\nalias L = [u8]", "record R { 1 a: [u8] }"),
    (At::In, "closed enum R { 1 a }", "enum R { 1 a }"),
    (
        At::Whole,
        "record A { 1 a: u8 }\nservice S { f() }",
        "record A { 1 a: u8 }\nservice S { f() }",
    ),
    (At::Whole, "topic T = a.{x: u8} : u8", "topic T = a.{y: u8} : u8"),
];

#[test]
fn what_does_not_travel_does_not_matter() {
    for (at, old, new) in HARMLESS {
        let report = report(*at, old, new);
        assert_eq!(words(&report, None), OK, "{old} → {new}: {:?}", report.findings);
    }
}

#[test]
fn a_contract_does_not_differ_from_itself() {
    for seed in 0..300 {
        let one = super::random::model(seed);
        assert_eq!(diff(&one, &one).findings, [], "seed {seed}");
    }
}

#[test]
fn random_pairs_are_compared_without_end_or_panic() {
    for seed in 0..300 {
        let (old, new) = (super::random::model(seed), super::random::model(seed + 1));
        let there = diff(&old, &new);
        let _ = there.verdicts().order();
    }
}

#[test]
fn the_order_of_deploys_follows_from_the_verdicts() {
    for (at, old, new, order) in [
        (At::In, A, "record R { 1 a: u8, 2 b: u8 }", Order::ClientsFirst),
        (At::Out, A, "record R { 1 a: u8, 2 b: u8 }", Order::ServersFirst),
        (At::In, A, "record R { 1 a: u8, 2 b: u8? }", Order::Any),
        (At::In, A, "record R { 1 a: string }", Order::None),
    ] {
        let report = report(at, old, new);
        assert_eq!(report.verdicts().order(), order, "{old} → {new}");
        assert_eq!(report.breaks(), order != Order::Any);
    }
}
