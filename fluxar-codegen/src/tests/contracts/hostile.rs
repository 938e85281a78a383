//! Files that nobody should write: ten thousand of them, and none panics or takes long
//! (`[IDL.bound.1]`).

use super::random::{self, Rng};
use crate::check::{compile_sources, lint_sources};
use crate::emit::idl::print;
use crate::evolve::diff;
use crate::report::{REPORTS_MAX, Reports, json, render};
use crate::syntax::{SOURCE_BYTES_MAX, assign_ids, format, lex, parse};

const SHOP: &str = include_str!("../../../../idl/shop.fluxar");

/// Words of the language and of trouble.
const PIECES: [&str; 58] = [
    "record ",
    "enum ",
    "union ",
    "error ",
    "service ",
    "topic ",
    "contract ",
    "alias ",
    "const ",
    "newtype ",
    "annotation ",
    "closed ",
    "retired ",
    "stream ",
    "then ",
    "use ",
    "package ",
    "as ",
    "on ",
    "map<",
    "A",
    "B",
    "T",
    "string",
    "u8",
    "1 ",
    "2 ",
    "65536 ",
    "1..2",
    "..",
    "...",
    ".",
    "{",
    "}",
    "[",
    "]",
    "(",
    ")",
    "<",
    ">",
    ",",
    ":",
    "=",
    "?",
    "!",
    "*",
    "@",
    "->",
    "-",
    "\"",
    "\\",
    "\n",
    "// ",
    "/// ",
    "30s",
    "1e999",
    "é",
    "\u{0}",
];

/// Everything that takes a source, on this one.
fn feed(source: &str) {
    let text: String = lex(source).iter().map(|token| token.span.of(source)).collect();
    assert_eq!(text, source, "the tokens are the source");
    let found = lint_sources(&[("hostile.fluxar", source)]);
    assert!(found.reports.list.len() <= 2 * REPORTS_MAX);
    assert_eq!(found.models.is_empty(), found.reports.has_errors(), "{source}");
    let _ = (render(&found.reports), json(&found.reports));
    for model in &found.models {
        let again = compile_sources(&[("again", &print(model))]);
        let again = again.models.first().map(crate::model::Package::hash);
        assert_eq!(again, Some(model.hash()), "{source}");
    }
    if let Ok(formatted) = format(source) {
        assert_eq!(format(&formatted).ok(), Some(formatted), "{source}");
    }
    let _ = assign_ids(source);
}

/// A source with some of its bytes changed, dropped, doubled or swapped.
fn mutated(source: &str, rng: &mut Rng) -> String {
    let mut bytes = source.as_bytes().to_vec();
    for _ in 0..=rng.below(6) {
        let (at, to) = (rng.below(bytes.len()), rng.below(bytes.len()));
        let (start, end) = (at.min(to), at.max(to).min(at.min(to) + 60));
        match rng.below(5) {
            0 => bytes[at] = u8::try_from(rng.below(256)).unwrap(),
            1 => drop(bytes.drain(start..end)),
            2 => {
                let piece = bytes[start..end].to_vec();
                bytes.splice(at.min(bytes.len())..at.min(bytes.len()), piece);
            }
            3 => {
                let piece = PIECES[rng.below(PIECES.len())].bytes();
                bytes.splice(at..at, piece);
            }
            _ => bytes.swap(at, to),
        }
        if bytes.is_empty() {
            break;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[test]
fn ten_thousand_random_and_mutated_files_are_survived() {
    let mut rng = Rng(0x1d1);
    for round in 0..10_000_u64 {
        let source = match round % 4 {
            0 => (0..rng.below(60)).map(|_| PIECES[rng.below(PIECES.len())]).collect(),
            1 => mutated(&print(&random::model(round)), &mut rng),
            // The whole example is long: a part of it does.
            2 => {
                let start = rng.below(SHOP.len());
                let end = (start + rng.below(1500)).min(SHOP.len());
                mutated(&SHOP[start..end.max(start + 1)], &mut rng)
            }
            _ => {
                let bytes: Vec<u8> =
                    (0..rng.below(80)).map(|_| u8::try_from(rng.below(256)).unwrap()).collect();
                String::from_utf8_lossy(&bytes).into_owned()
            }
        };
        feed(&source);
    }
}

#[test]
fn files_that_grow_in_every_direction_are_bounded() {
    let deep = |open: &str, close: &str| {
        format!("record A {{ 1 a: {}u8{} }}", open.repeat(5000), close.repeat(5000))
    };
    let many = |piece: &dyn Fn(usize) -> String, count| (0..count).map(piece).collect::<String>();
    let sources = [
        deep("[", "]"),
        deep("map<u8, ", ">"),
        deep("A<", ">"),
        format!("record A {{ 1 a: [u8] = {} }}", "[".repeat(9000)),
        format!("record A {{ 1 a: u8 = {} }}", "-".repeat(9000)),
        format!("record A {}", "{ 1 a: ".repeat(5000)),
        format!("union A {{ {}", "1 a: { ".repeat(5000)),
        format!("{} record A {{}}", "@a ".repeat(5000)),
        format!("record A {{ {} }}", "retired 1..65535 ".repeat(300)),
        many(&|n| format!("alias A{n} = A{}\n", n + 1), 3000),
        many(&|n| format!("const A{n}: u8 = A{}\n", n + 1), 3000),
        many(&|n| format!("newtype A{n}: A{}\n", n + 1), 1500),
        many(&|n| format!("record A{n} {{ ...A{}, ...A{} }}\n", n + 1, n + 2), 60),
        many(&|n| format!("alias A{n}<T> = map<A{}<T>, A{}<T>>\n", n + 1, n + 1), 60)
            + "record R { 1 a: A0<u8> }",
        "record P<T> { 1 a: P<P<T>>?, 2 b: P<[T]>? }\nrecord A { 1 a: P<u8> }".to_owned(),
        "record P<T, U> { 1 a: P<U, [T]>?, 2 b: P<T?, U>? }\nrecord A { 1 a: P<u8, u8> }"
            .to_owned(),
        many(&|n| format!("record A{n} {{}}\n"), 3000),
        format!("use {}", "a.".repeat(5000)),
        "x".repeat(SOURCE_BYTES_MAX + 1),
    ];
    for source in &sources {
        let found = compile_sources(&[("big.fluxar", source)]);
        assert!(found.reports.list.len() <= 2 * REPORTS_MAX);
        let _ = (format(source), assign_ids(source));
    }
}

/// What the checks hold against each other, as often as a file of the largest size has room for it:
/// if that took time in proportion to its square, this test would take minutes.
#[test]
fn the_largest_files_are_checked_in_proportion_to_their_size() {
    // One of these a file: `N` in the piece is the number of its repetition.
    let files: [(&str, &str, &str); 19] = [
        ("record A {", "retired N..N\n", "}"),
        ("record A {", "retired N a_N\n", "}"),
        ("record A {", "N a_N: u8?\n", "retired 40000 b retired 50000 c }"),
        ("topic A = a", ".{a_N: u8}", ": u8"),
        ("record A { 1 a: map<string, u8> = {", "a_N: 1, ", "} }"),
        ("record A { 1 a: u8 }\nconst B: A = {", "a: 1, ", "}"),
        ("", "annotation a_N on record\n", ""),
        ("annotation a(", "a_N: u8 = 1, ", ") on field\nrecord A { 1 a: u8 @a }"),
        ("annotation a(b: u8 = 1) on field\nrecord A {", "N a_N: u8? @a(2)\n", "}"),
        ("", "@since(1)\n", "package a.v1"),
        ("record A {", "N a_N: Nope\n", "}"),
        ("enum A {", "N a_N @was(\"b_N\")\n", "}"),
        ("service A {", "f_N(a: u8)\n", "}"),
        ("record A {} record B {", "N a_N: A? @since(1)\n", "}"),
        ("contract A { server: ", "a_N, ", " }"),
        ("enum A { 1 a }\nconst B: [A] = [", ".a, .b, ", "]"),
        ("@status(.internal) @message(\"", "{b}", "\") record A { 1 a: u8 }"),
        ("service A {", "f_N(a: string)\n", "}"),
        ("service A { f(", "a_N: string, ", ") }"),
    ];
    for (start, piece, end) in files {
        let source = filled(start, piece, end, SOURCE_BYTES_MAX);
        let found = lint_sources(&[("large.fluxar", &source)]);
        assert!(found.reports.list.len() <= 2 * REPORTS_MAX, "{start}{piece}");
        for model in &found.models {
            assert_eq!(diff(model, model).findings, [], "{start}{piece}");
        }
    }
    // As many types as there may be, and references to them in all the rest of the file.
    let types: String = (0..2000).map(|n| format!("enum T{n} {{ 1 a }}\n")).collect();
    let fields = (1..30_000).map(|n| format!("{n} a{n}: T{} = .a\n", n % 2000));
    let source = format!("{types}record A {{\n{}}}\n", fields.collect::<String>());
    let found = compile_sources(&[("large.fluxar", &source)]);
    assert_eq!(found.models.len(), 1, "{}", render(&found.reports));
}

/// As often as a file of this size has room for it.
fn filled(start: &str, piece: &str, end: &str, size: usize) -> String {
    let mut source = start.to_owned();
    for n in 1.. {
        let next = piece.replace('N', &n.to_string());
        if source.len() + next.len() + end.len() > size {
            return source + end;
        }
        source.push_str(&next);
    }
    source
}

/// Two long lists in one file, where each entry of the one could be held against each of the other.
#[test]
fn long_lists_that_speak_of_each_other_are_checked_in_proportion() {
    const HALF: usize = SOURCE_BYTES_MAX / 2;
    let message = filled("@status(.internal) @message(\"", "{zz}", "\") record A {", HALF);
    let sources = [
        filled(
            &filled("", "service A_N {}\n", "contract C { server: ", HALF),
            "A_N, ",
            " }",
            SOURCE_BYTES_MAX,
        ),
        filled(
            &filled("", "topic A_N = a: u8\n", "contract C { topics: ", HALF),
            "A_N, ",
            " }",
            SOURCE_BYTES_MAX,
        ),
        filled(
            &filled("enum E {", "N a_N\n", "}\nconst B: [E] = [", HALF),
            ".a_N,",
            "]",
            SOURCE_BYTES_MAX,
        ),
        filled(&message, "N a_N: u8?\n", "}", SOURCE_BYTES_MAX),
        filled(
            &filled("", "record A_N { 1 a: string, 2 b: A_1? }\n", "service S {", 80_000),
            "f_N(a: A_1)\n",
            "}",
            SOURCE_BYTES_MAX,
        ),
    ];
    for source in &sources {
        let found = lint_sources(&[("large.fluxar", source)]);
        assert!(found.reports.list.len() <= 2 * REPORTS_MAX, "{}", &source[..40]);
    }
}

/// Few bytes that say many values: each is counted, and the count has a bound.
#[test]
fn literals_that_multiply_are_bounded() {
    let records = filled("record A {", "N a_N: u8?\n", "}\nconst B: [A] = [", 40_000);
    let records = filled(&records, "{},", "]", 60_000);
    let times = |name: &str, count: usize| vec![name; count].join(", ");
    let constants = |of: usize| {
        format!(
            "const A: [[[[u8]]]] = [{}]\nconst B: [[[u8]]] = [{}]\nconst C: [[u8]] = [{}]\n\
             const D: [u8] = [{}]\n",
            times("B", of),
            times("C", of),
            times("D", of),
            times("1", of)
        )
    };
    for source in [records, constants(100)] {
        let found = compile_sources(&[("many.fluxar", &source)]);
        assert_eq!(found.reports.ids(), ["too-large"], "{}", render(&found.reports));
    }
    assert!(!compile_sources(&[("few.fluxar", &constants(10))]).reports.has_errors());
}

#[test]
fn a_contract_has_a_bounded_number_of_types_whether_generic_or_not() {
    for (own, generic) in [(2100, 0), (2048, 1), (2047, 2)] {
        let types: String = (0..own).map(|n| format!("newtype T{n}: u8\n")).collect();
        let uses: String = (0..generic).map(|n| format!("  {} p{n}: P<T{n}>\n", n + 1)).collect();
        let source = format!("{types}record P<T> {{ 1 t: T }}\nrecord Uses {{\n{uses}}}\n");
        let found = compile_sources(&[("many.fluxar", &source)]);
        assert_eq!(found.reports.ids(), ["too-large"], "{own} {generic}");
    }
}

/// What makes a parser look ahead, look back or begin again, as often as a large source has room
/// for it: if that took time in proportion to its square, this test would take minutes.
#[test]
fn large_sources_are_parsed_in_proportion_to_their_size() {
    let full = |start: &str, piece: &str| {
        let count = (SOURCE_BYTES_MAX / 4 - start.len()) / piece.len();
        format!("{start}{}", piece.repeat(count))
    };
    let sources = [
        full("record A {", "@a\n"),
        full("record A {\n", "/// a\n"),
        full("service A {\n", "@a(\n"),
        full("service A {\n", "@a.b.c\n"),
        full("service A { f(", "[\n"),
        full("service A {\n", "f(a: u8\n"),
        full("service A {\n", "f(a u8, b: {\n"),
        full("record A {\n", "1 a: {\n"),
        full("record A {\n", "1 a: u8 = {x: {\n"),
        full("union A {\n", "1 a: { 1 b\n"),
        full("union A {\n", "1 a: { 1 b: u8\nrecord A {\n"),
        full("", "record A {\n"),
        full("", "@a(\nrecord A { 1 b }\n"),
        full("enum A {", ";"),
        full("enum A {", ","),
        full("", "\n"),
        full("record A {", " // a\n,"),
        full("record A { 1 a: string = \"", "\\u{"),
        full("topic A = ", "{a: "),
        full("", "#\n"),
    ];
    for source in &sources {
        let mut reports = Reports::default();
        let parsed = parse(source, 0, &mut reports);
        assert_eq!(parsed.tokens.last().map(|token| token.span.end as usize), Some(source.len()));
        assert!(reports.list.len() <= REPORTS_MAX);
    }
}
