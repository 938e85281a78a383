//! Sources with an error in them: each is reported once, at its place, and what stands behind it
//! is understood all the same.

use crate::report::{Reports, Source, json};
use crate::syntax::ast::{Entry, File, ItemKind};
use crate::syntax::parse;
use std::fmt::Write as _;

/// A source, the places `line:column` of its reports, and what is understood of it.
type Case = (&'static str, &'static [&'static str], &'static str);

/// The top of a file.
const TOPS: &[Case] = &[
    ("fluxar\npackage a.v1\nuse b\nrecord A {}", &["2:1"], "a.v1 use b A{}"),
    ("package 1a\nuse b\nuse c { D }\nrecord A {}", &["1:9"], "use b use c A{}"),
    ("package a\nuse b { 1 }\nuse c\nrecord A {}", &["2:9"], "a use c A{}"),
    ("package a\nrecord A {}\nuse b\nrecord B {}", &["3:1"], "a use b A{} B{}"),
    ("record A {}\npackage a\nrecord B {}", &["2:1"], "a A{} B{}"),
    ("package a\npackage b\nrecord B {}", &["2:1"], "a B{}"),
    ("# a\nrecord A {}", &["1:1"], "A{}"),
];

/// Items.
const ITEMS: &[Case] = &[
    ("struct A {\n  1 a: u8\n}\nrecord B {}", &["1:1"], "B{}"),
    ("record 9A { 1 a: u8 }\nrecord B {}", &["1:8"], "B{}"),
    ("record A { 1 a: u8 } }\nrecord B {}", &["1:22"], "A{a} B{}"),
    ("record A\n  1 a: u8\n}\nrecord B {}", &["2:3"], "A{a} B{}"),
    ("closed record A {}\nrecord B {}", &["1:1"], "B{}"),
    ("newtype A:\nrecord B {}", &["2:1"], "A B{}"),
    ("newtype A: [u8\nrecord B {}", &["2:1"], "A B{}"),
    ("alias A = ,\nrecord B {}", &["1:11"], "A B{}"),
    ("const A u8 = 1\nrecord B {}", &["1:9"], "B{}"),
    ("topic T = a/{id: uuid} : u8\nrecord B {}", &["1:12"], "B{}"),
    ("topic T = a.{id: uuid} : !\nrecord B {}", &["1:26"], "T B{}"),
    ("contract C { server: A, B client A topics: T }\nrecord B {}", &["1:34"], "C{server} B{}"),
    ("annotation a(x: u8) method\nrecord B {}", &["1:21"], "B{}"),
    ("@a(3..) record A { 1 a: u8 }\nrecord B {}", &["1:7"], "@A{a} B{}"),
    ("@a(\nrecord A {}\nrecord B {}", &["2:1"], "@A{} B{}"),
    ("record A {}\n@a", &["2:1"], "A{}"),
];

/// Members.
const MEMBERS: &[Case] = &[
    ("record A { 1 a u8, 2 b: u8 }\nrecord B {}", &["1:16"], "A{b} B{}"),
    ("record A {\n  1 a u8\n  2 b: u8\n}\nrecord B {}", &["2:7"], "A{b} B{}"),
    ("record A { 1 a: u8 = {x: 1 2}, 2 b: u8 }\nrecord B {}", &["1:28"], "A{b} B{}"),
    ("record A { 1 a: u8 = -, 2 b: u8 }", &["1:23"], "A{b}"),
    ("record A { 1 a: u8 = -}\nrecord B {}", &["1:23"], "A{} B{}"),
    ("record A { 1 a: [u8, 2 b: u8 }\nrecord B {}", &["1:20"], "A{b} B{}"),
    ("record A { 1 a: map<u8 u8>, 2 b: u8 }\nrecord B {}", &["1:24"], "A{b} B{}"),
    ("record A { 1: u8, 2 b: u8 }", &["1:13"], "A{b}"),
    ("record A { 1 a: u8; 2 b: u8; }", &["1:19", "1:28"], "A{a,b}"),
    ("record A { @a 1 a: u8, 2 b: u8 }", &["1:12"], "A{a,b}"),
    ("record A { 1 a: u8 @min(1 2), 2 b: u8 }", &["1:27"], "A{a,b}"),
    ("record A { 1 a: string = \"\\u{+41}\" 2 b: u8 }", &["1:26"], "A{b}"),
    ("record A { 1 a: string = \"\\u41\", 2 b: u8 }", &["1:26"], "A{b}"),
    ("record A { 1 a: string = \"\\u{0000041}\" }", &["1:26"], "A{}"),
    ("record A { 1 a: duration = 1.5h, 2 b: u8 }", &["1:28"], "A{b}"),
    ("record A {\n  1 a: string = \"x\n  2 b: u8\n}\nrecord B {}", &["2:17"], "A{b} B{}"),
    ("enum A { 1 a, 2, 3 c }\nrecord B {}", &["1:16"], "A{a,c} B{}"),
    ("union A { 1 a: { 1 x u8, 2 y: u8 }, 2 b }\nrecord B {}", &["1:22"], "A{a,b} B{}"),
    ("union A { 1 a: ?, 2 b }\nrecord B {}", &["1:16"], "A{b} B{}"),
    ("error A { retired 1, 2 b }\nrecord B {}", &["1:20"], "A{b} B{}"),
];

/// Methods.
const METHODS: &[Case] = &[
    ("service S {\n  f(a u8, b: u8) -> u8\n  g()\n}\nrecord B {}", &["2:7"], "S{g} B{}"),
    (
        "service S {\n  f(\n    a u8,\n    b: u8\n  ) -> u8\n  g()\n}\nrecord B {}",
        &["3:7"],
        "S{g} B{}",
    ),
    ("service S {\n  f(a: u8\n  g() -> u8\n}\nrecord B {}", &["3:3"], "S{g} B{}"),
    ("service S {\n  @a(30q)\n  f()\n  g()\n}\nrecord B {}", &["2:6"], "S{f,g} B{}"),
    ("service S {\n  @a(1,\n  f()\n  g()\n}\nrecord B {}", &["3:4"], "S{g} B{}"),
    ("service S {\n  @a(3..) f()\n  g()\n}\nrecord B {}", &["2:9"], "S{f,g} B{}"),
    ("service S {\n  f() -> stream u8 then ! E\n  g()\n}\nrecord B {}", &["2:25"], "S{g} B{}"),
    ("service S {\n  f() => u8\n  g()\n}\nrecord B {}", &["2:7"], "S{f,g} B{}"),
    ("service S {\n  f -> u8\n  g()\n}\nrecord B {}", &["2:5"], "S{g} B{}"),
];

/// Bodies that nobody closed: the next item stands where it begins, whatever is before it.
const UNCLOSED: &[Case] = &[
    ("record A {\n  1 a: u8\n", &["3:1"], "A{a}"),
    ("record A {\n  1 a: u8\nrecord B {}", &["3:1"], "A{a} B{}"),
    ("record A {\n  1 a: u8\n  enum B { 1 b }", &["3:3"], "A{a} B{b}"),
    ("record A {\n  1 a: u8\n/// B\n@a(\"x\")\nclosed enum B { 1 b }", &["3:1"], "A{a} @B{b}"),
    ("service A {\n  f()\n\n/// B\n@a.b\nservice B {\n  g()\n}", &["4:1"], "A{f} @B{g}"),
    ("service A {\n  f(a: u8,\nrecord B {}", &["3:1", "3:1"], "A{} B{}"),
    ("union A {\n  1 a: {\n    1 x: u8\n  2 b\n}\nrecord B {}", &["5:1", "6:1"], "A{a} B{}"),
    ("enum A {\n  error\n  warning\n}\nrecord B {}", &[], "A{error,warning} B{}"),
    ("service A {\n  record(a: u8)\n  error()\n}", &[], "A{record,error}"),
];

fn outline(file: &File) -> String {
    let mut parts: Vec<String> = Vec::new();
    parts.extend(file.package.iter().map(|package| package.path.text()));
    parts.extend(file.uses.iter().map(|import| format!("use {}", import.path.text())));
    for item in &file.items {
        let members: Option<Vec<&str>> = match &item.kind {
            ItemKind::Record { entries, .. } => Some(entries.iter().map(entry).collect()),
            ItemKind::Choice { variants, retired, .. } => {
                let gone = retired.iter().map(|_| "retired");
                Some(gone.chain(variants.iter().map(|v| v.name.text.as_str())).collect())
            }
            ItemKind::Service(methods) => {
                Some(methods.iter().map(|m| m.name.text.as_str()).collect())
            }
            ItemKind::Contract(sides) => Some(sides.iter().map(|s| s.name.text.as_str()).collect()),
            _ => None,
        };
        let mark = if item.head.annotations.is_empty() { "" } else { "@" };
        let mut part = format!("{mark}{}", item.name.text);
        if let Some(members) = members {
            let _ = write!(part, "{{{}}}", members.join(","));
        }
        parts.push(part);
    }
    parts.join(" ")
}

fn entry(entry: &Entry) -> &str {
    match entry {
        Entry::Field(field) => &field.name.text,
        Entry::Spread(_) => "...",
        Entry::Retired(_) => "retired",
    }
}

fn check(cases: &[Case]) {
    let mut wrong = String::new();
    for (source, places, understood) in cases {
        let file = Source { name: "f".to_owned(), text: (*source).to_owned() };
        let mut reports = Reports { sources: vec![file], ..Reports::default() };
        let parsed = parse(source, 0, &mut reports);
        let found: Vec<String> = reports
            .list
            .iter()
            .map(|report| {
                assert_eq!(report.rule.id, "syntax", "{source}");
                assert!(!report.fix.is_empty(), "{source}");
                let start = report.place.unwrap().span.start as usize;
                let before = &source[..start];
                let line_start = before.rfind('\n').map_or(0, |at| at + 1);
                let line = before.matches('\n').count() + 1;
                format!("{line}:{}", source[line_start..start].chars().count() + 1)
            })
            .collect();
        let outline = outline(&parsed.file);
        if found != *places || outline != *understood {
            let _ = writeln!(wrong, "{source}\n{found:?} {outline:?}\n{}\n", json(&reports));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn an_error_at_the_top_hides_nothing_below() {
    check(TOPS);
}

#[test]
fn an_item_with_an_error_does_not_take_others_with_it() {
    check(ITEMS);
}

#[test]
fn a_member_with_an_error_does_not_take_others_with_it() {
    check(MEMBERS);
    check(METHODS);
}

#[test]
fn a_body_that_is_not_closed_ends_where_the_next_item_begins() {
    check(UNCLOSED);
}
