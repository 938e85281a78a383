//! The formatter: the author's tokens, comments and line breaks, with the house's spaces, indents
//! and commas.
//!
//! It works on tokens, so it cannot lose any: only commas between members come and go.

use super::parse::{Parsed, parse};
use super::token::{Kind, Token};
use crate::report::{Reports, Source};
use std::collections::{BTreeSet, HashSet};

/// The formatted source. Formatting twice is formatting once.
///
/// # Errors
/// What is wrong with the source, when it does not follow the grammar.
pub fn format(text: &str) -> Result<String, Reports> {
    let parsed = parsed(text)?;
    Ok(Formatter::new(text, &parsed).run())
}

pub(super) fn parsed(text: &str) -> Result<Parsed, Reports> {
    let source = Source { name: "input".to_owned(), text: text.to_owned() };
    let mut reports = Reports { sources: vec![source], ..Reports::default() };
    let parsed = parse(text, 0, &mut reports);
    if reports.has_errors() { Err(reports) } else { Ok(parsed) }
}

/// What encloses a token.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Within {
    /// The braces of an item.
    Body,
    /// The braces of an import.
    Import,
    /// Other braces, and brackets.
    Tight,
    /// Parentheses.
    Parens,
    /// The parentheses of an annotation.
    Annotation,
}

struct Formatter<'s> {
    text: &'s str,
    tokens: &'s [Token],
    members: HashSet<usize>,
    lines: BTreeSet<usize>,
    out: String,
    within: Vec<Within>,
    /// What the last closing token closed.
    closed: Option<Within>,
    /// The word that began the item.
    item: &'s str,
    previous: Option<Token>,
    /// True when what was written last ends its line.
    must_break: bool,
    /// True between an `@` and what follows the annotation's name.
    in_annotation: bool,
}

impl<'s> Formatter<'s> {
    fn new(text: &'s str, parsed: &'s Parsed) -> Self {
        Self {
            text,
            tokens: &parsed.tokens,
            members: parsed.members.iter().copied().collect(),
            lines: parsed.lines.iter().copied().collect(),
            out: String::with_capacity(text.len()),
            within: Vec::new(),
            closed: None,
            item: "",
            previous: None,
            must_break: false,
            in_annotation: false,
        }
    }

    fn run(mut self) -> String {
        let mut breaks = 0;
        for (index, token) in self.tokens.iter().enumerate() {
            match token.kind {
                Kind::Space => {
                    breaks += token.span.of(self.text).matches('\n').count();
                    continue;
                }
                Kind::Comma if self.is_needless(index) => continue,
                _ => {}
            }
            self.token(index, *token, breaks);
            breaks = 0;
        }
        let length = self.out.trim_end().len();
        self.out.truncate(length);
        if !self.out.is_empty() {
            self.out.push('\n');
        }
        self.out
    }

    /// The next token that the grammar sees, and whether a line ends before it.
    fn next_visible(&self, index: usize) -> (Option<usize>, bool) {
        let mut breaks = false;
        for (ahead, token) in self.tokens.iter().enumerate().skip(index + 1) {
            match token.kind {
                Kind::Space => breaks |= token.span.of(self.text).contains('\n'),
                Kind::Comment => breaks = true,
                _ => return (Some(ahead), breaks),
            }
        }
        (None, true)
    }

    /// A comma between members is needless at the end of a line.
    fn is_needless(&self, comma: usize) -> bool {
        let (next, breaks) = self.next_visible(comma);
        let Some(next) = next else { return false };
        let closes = self.tokens[next].kind == Kind::CloseBrace;
        let is_doc = self.tokens[next].kind == Kind::Doc;
        self.within.last() == Some(&Within::Body)
            && (closes || (self.members.contains(&next) && (breaks || is_doc)))
    }

    fn token(&mut self, index: usize, token: Token, breaks: usize) {
        let text = token.span.of(self.text);
        let closes = matches!(token.kind, Kind::CloseBrace | Kind::CloseBracket | Kind::CloseParen);
        if closes {
            self.closed = self.within.pop();
        }
        let breaks_line = breaks > 0 || self.must_break || token.kind == Kind::Doc;
        let is_member = self.members.contains(&index);
        if self.within.is_empty() && self.lines.contains(&index) && token.kind == Kind::Name {
            self.item = text;
        }
        match self.previous {
            None => {}
            Some(previous) if breaks_line => {
                let is_tight = previous.kind == Kind::OpenBrace || closes;
                self.out.push_str(if breaks > 1 && !is_tight { "\n\n" } else { "\n" });
                let is_rest = !is_member
                    && !closes
                    && !self.lines.contains(&index)
                    && !matches!(token.kind, Kind::Doc | Kind::Comment);
                let in_body = self.within.last().is_none_or(|within| *within == Within::Body);
                let depth = self.within.len() + usize::from(is_rest && in_body);
                self.out.push_str(&"  ".repeat(depth));
            }
            Some(previous) => {
                let is_next = is_member && self.within.last() == Some(&Within::Body);
                if is_next && !matches!(previous.kind, Kind::OpenBrace | Kind::Comma) {
                    self.out.push(',');
                }
                if is_next || self.has_space(previous, token) {
                    self.out.push(' ');
                }
            }
        }
        self.out.push_str(text.trim_end());
        self.must_break = matches!(token.kind, Kind::Doc | Kind::Comment);
        self.opened(index, token);
        // A comment is not what the next token is spaced from, but the line ends anyway.
        self.previous = Some(token);
    }

    fn opened(&mut self, index: usize, token: Token) {
        let opens = match token.kind {
            Kind::OpenBrace => {
                let next = self.next_visible(index).0;
                let is_body = next.is_some_and(|next| self.members.contains(&next));
                match is_body {
                    true => Some(Within::Body),
                    false if self.within.is_empty() && self.item == "use" => Some(Within::Import),
                    false => Some(Within::Tight),
                }
            }
            Kind::OpenBracket => Some(Within::Tight),
            Kind::OpenParen if self.in_annotation => Some(Within::Annotation),
            Kind::OpenParen => Some(Within::Parens),
            _ => None,
        };
        self.within.extend(opens);
        // `@`, a name, and what follows its dots.
        let before = self.previous.map(|previous| previous.kind);
        self.in_annotation = match (before, token.kind) {
            (_, Kind::At) => true,
            (Some(Kind::At | Kind::Dot), Kind::Name) | (Some(Kind::Name), Kind::Dot) => {
                self.in_annotation
            }
            _ => false,
        };
    }

    /// Whether a space stands between two tokens of a line.
    fn has_space(&self, previous: Token, token: Token) -> bool {
        let is_airy = |within| matches!(within, Some(Within::Body | Within::Import));
        match (previous.kind, token.kind) {
            (Kind::OpenBrace, Kind::CloseBrace) => false,
            (_, Kind::Comment) => true,
            (Kind::OpenBrace, _) => is_airy(self.within.last().copied()),
            (_, Kind::CloseBrace) => is_airy(self.closed),
            // Three dots would be another token.
            (Kind::DotDot, Kind::Dot) => true,
            (
                Kind::OpenParen
                | Kind::OpenBracket
                | Kind::Less
                | Kind::At
                | Kind::Spread
                | Kind::Dot
                | Kind::DotDot
                | Kind::Minus
                | Kind::Star,
                _,
            )
            | (
                _,
                Kind::CloseParen
                | Kind::CloseBracket
                | Kind::Less
                | Kind::Greater
                | Kind::Comma
                | Kind::Question
                | Kind::DotDot
                | Kind::OpenParen
                | Kind::Star,
            ) => false,
            (_, Kind::Colon) => self.within.is_empty() && self.item == "topic",
            (Kind::Equal, _) | (_, Kind::Equal) => self.within.last() != Some(&Within::Annotation),
            (before, Kind::Dot) => matches!(before, Kind::Comma | Kind::Colon),
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::format;

    fn check(source: &str, expected: &str) {
        let formatted = format(source).unwrap();
        assert_eq!(formatted, expected);
        assert_eq!(format(&formatted).unwrap(), expected, "twice");
    }

    #[test]
    fn spaces_and_commas_are_set() {
        check(
            "package a.v1\nrecord A<T>{1 a:[T*3]?=[ ]@len( 1..4 ),2 b : map< string,T > }",
            "package a.v1\nrecord A<T> { 1 a: [T*3]? = [] @len(1..4), 2 b: map<string, T> }\n",
        );
        check(
            "topic T=orders.{id:uuid}.all:A\nuse a{B,C}\n".split('\n').next().unwrap(),
            "topic T = orders.{id: uuid}.all : A\n",
        );
        check("use a.b{B,C}", "use a.b { B, C }\n");
        check("contract S{server:A,B client:C}", "contract S { server: A, B, client: C }\n");
        check("record A{}\n\n\n\nrecord B{}", "record A {}\n\nrecord B {}\n");
    }

    #[test]
    fn lines_and_comments_stay() {
        check(
            "// top\nrecord A { // why\n1 a: u8, // first\n\n\n/// two\n2 b: u8,\n  // end\n}\n",
            "// top\nrecord A { // why\n  1 a: u8 // first\n\n  /// two\n  2 b: u8\n  // end\n}\n",
        );
        check(
            "service S {\n/// doc\n@idempotent @cache(30s)\nget(id: u8,\nx: u8) -> stream A then B ! E\n}",
            "service S {\n  /// doc\n  @idempotent @cache(30s)\n  get(id: u8,\n    x: u8) -> stream A \
             then B ! E\n}\n",
        );
        check(
            "@deprecated(\"use list\",since = 3)\nrecord A {\n1 a: T = {x:.y,z:-1}\n@min(1)\n}",
            "@deprecated(\"use list\", since=3)\nrecord A {\n  1 a: T = {x: .y, z: -1}\n    \
             @min(1)\n}\n",
        );
    }

    #[test]
    fn what_does_not_parse_is_not_touched() {
        assert!(format("record {").is_err());
    }
}
