//! Reports as people and as tools read them.

use crate::check::{compile_sources, lint_sources};
use crate::report::{REPORTS_MAX, json, render};

const SOURCE: &str = "package a.v1\n\nrecord User {\n  1 id: uuid\n  1 name: strin\n}\n";

#[test]
fn a_report_shows_the_line_the_rule_and_what_to_do() {
    let found = compile_sources(&[("shop.fluxar", SOURCE)]);
    let expected = "\
error[unknown-name]: nothing is called `strin`
 --> shop.fluxar:5:11
  |
5 |   1 name: strin
  |           ^^^^^
  = help: declare it, or import it with `use`

";
    assert_eq!(render(&found.reports), expected);
}

#[test]
fn a_report_about_two_places_shows_both() {
    let source = "record A {\n  1 a: u8\n  1 b: u8\n}\n";
    let text = render(&compile_sources(&[("a.fluxar", source)]).reports);
    assert!(text.contains("3 |   1 b: u8\n  |     ^\n"), "{text}");
    assert!(text.contains("2 |   1 a: u8\n  |     - first here\n"), "{text}");
}

#[test]
fn tools_get_json() {
    let found = compile_sources(&[("a\"b.fluxar", SOURCE)]);
    assert_eq!(
        json(&found.reports),
        "[{\"rule\":\"unknown-name\",\"severity\":\"error\",\"message\":\"nothing is called \
         `strin`\",\"fix\":\"declare it, or import it with `use`\",\"file\":\"a\\\"b.fluxar\",\
         \"line\":5,\"column\":11,\"start\":51,\"end\":56}]"
    );
}

#[test]
fn nothing_from_a_file_reaches_the_terminal_as_control_characters() {
    let source = "record A { 1 a: \u{1b}[31mred }";
    let text = render(&compile_sources(&[("\u{7}.fluxar", source)]).reports);
    assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{text:?}");
}

#[test]
fn many_warnings_hide_no_error_and_refuse_nothing() {
    let untidy: String = (0..300).map(|n| format!("record bad_{n} {{}}\n")).collect();
    let found = lint_sources(&[("a", &untidy)]);
    assert_eq!((found.models.len(), found.reports.list.len()), (1, REPORTS_MAX));
    assert_eq!(found.reports.dropped, 200);
    let wrong = format!("{untidy}record A {{ 1 a: nope }}\n");
    let found = lint_sources(&[("a", &wrong)]);
    assert!(found.models.is_empty() && found.reports.ids().contains(&"unknown-name"));
}
