//! What goes on after an error: where the next member or item begins.

use super::{ITEMS, Parser, Reported};
use crate::syntax::token::Kind;

/// How many tokens a look ahead sees.
const LOOKAHEAD_MAX: usize = 64;

/// How the members of a body begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Members {
    /// Fields and variants: `1 name`.
    Numbered,
    /// Methods: `name(`.
    Methods,
    /// Sides of a contract: `server:`.
    Sides,
}

/// What is open between the start of a member and a token.
#[derive(Debug, Default)]
struct Open {
    braces: usize,
    others: usize,
}

impl Open {
    fn step(&mut self, kind: Kind) {
        match kind {
            Kind::OpenBrace => self.braces += 1,
            Kind::CloseBrace => self.braces = self.braces.saturating_sub(1),
            Kind::OpenParen | Kind::OpenBracket | Kind::Less => self.others += 1,
            Kind::CloseParen | Kind::CloseBracket | Kind::Greater => {
                self.others = self.others.saturating_sub(1);
            }
            _ => {}
        }
    }

    fn is_none(&self) -> bool {
        self.braces == 0 && self.others == 0
    }
}

impl Parser<'_> {
    /// Reports what stands here instead of `what`.
    pub(super) fn expected(&mut self, what: &str, fix: &str) -> Reported {
        let token = self.nth(0);
        let text = token.span.of(self.text);
        let found = match token.kind {
            Kind::End => "the file ends".to_owned(),
            Kind::Wrong if text.starts_with('"') => "a text without its closing quote".to_owned(),
            _ => format!("`{}`", text.chars().take(40).collect::<String>()),
        };
        let fix = match token.kind {
            Kind::Wrong if text.starts_with('"') => "close the text with `\"` on the same line",
            Kind::Wrong if matches!(text, "/" | "#") && self.line_starts(0) => {
                "a comment begins with `//`, documentation with `///`"
            }
            _ => fix,
        };
        self.report("syntax", token.span, format!("here goes {what}, not {found}"), fix)
    }

    /// True when only spaces stand before the token on its line.
    pub(super) fn line_starts(&self, ahead: usize) -> bool {
        let Some(at) = self.visible.get(self.at + ahead) else { return true };
        let before = at.checked_sub(1).map(|before| self.tokens[before]);
        before.is_none_or(|before| {
            before.kind == Kind::Space && before.span.of(self.text).contains('\n')
        })
    }

    fn is_unindented(&self) -> bool {
        let start = self.nth(0).span.start as usize;
        start == 0 || self.text[..start].ends_with('\n')
    }

    /// True where an item begins in a body that was not closed: its documentation and annotations
    /// may stand before it.
    pub(super) fn is_next_item(&self) -> bool {
        if !self.line_starts(0) {
            return false;
        }
        let mut at = 0;
        while at < LOOKAHEAD_MAX {
            at = match self.nth(at).kind {
                Kind::Doc => at + 1,
                Kind::At => self.behind_annotation(at + 1),
                _ => break,
            };
        }
        // Names without numbers stand in bodies too, so the shape must be one of an item only.
        let is_headed = ITEMS.contains(&self.word(at))
            && self.nth(at + 1).kind == Kind::Name
            && !self.line_starts(at + 1);
        let behind = at + if self.word(at) == "closed" { 3 } else { 2 };
        let is_bodied = matches!(self.nth(behind).kind, Kind::OpenBrace | Kind::Less | Kind::Equal);
        is_headed && (is_bodied || self.is_unindented())
    }

    fn behind_annotation(&self, mut at: usize) -> usize {
        while matches!(self.nth(at).kind, Kind::Name | Kind::Dot) && !self.line_starts(at) {
            at += 1;
            if self.nth(at).kind == Kind::Name && self.nth(at - 1).kind == Kind::Name {
                return at;
            }
        }
        if self.nth(at).kind != Kind::OpenParen {
            return at;
        }
        let mut open = Open::default();
        while at < LOOKAHEAD_MAX && self.nth(at).kind != Kind::End {
            open.step(self.nth(at).kind);
            at += 1;
            if open.is_none() {
                break;
            }
        }
        at
    }

    /// True where a member of such a body begins.
    pub(super) fn is_member(&self, members: Members, ahead: usize) -> bool {
        let behind = self.nth(ahead + 1).kind;
        match (self.nth(ahead).kind, members) {
            (Kind::Doc, _) | (Kind::At, Members::Methods) | (Kind::Spread, Members::Numbered) => {
                true
            }
            (Kind::Int, Members::Numbered) => behind == Kind::Name,
            (Kind::Name, Members::Numbered) => self.word(ahead) == "retired" && behind == Kind::Int,
            (Kind::Name, Members::Methods) => behind == Kind::OpenParen,
            (Kind::Name, Members::Sides) => behind == Kind::Colon,
            _ => false,
        }
    }

    /// To the next item, at the start of a line.
    pub(super) fn skip_to_item(&mut self) {
        while self.peek() != Kind::End {
            let is_item =
                ITEMS.contains(&self.word(0)) || matches!(self.word(0), "use" | "package");
            let is_head = matches!(self.peek(), Kind::At | Kind::Doc);
            if self.is_unindented() && (is_item || is_head) || self.is_next_item() {
                return;
            }
            self.bump();
        }
    }

    /// To the next line, comma or closing brace of the body that the member which began at `before`
    /// is in; by a token at least, unless it stands at the comma or brace.
    pub(super) fn skip_member(&mut self, before: usize, members: Members) {
        let mut open = Open::default();
        for at in &self.visible[before..self.at] {
            open.step(self.tokens[*at].kind);
        }
        while self.peek() != Kind::End && !self.is_next_item() {
            let has_line = self.line_starts(0);
            let is_next = self.is_member(members, 0)
                && (has_line || (open.is_none() && members == Members::Numbered));
            let ends = match self.peek() {
                _ if self.at > before && (is_next || (has_line && open.is_none())) => true,
                Kind::CloseBrace => open.braces == 0,
                // What was left open is not closed when the next member begins.
                Kind::Comma => open.is_none() || self.is_member(members, 1),
                _ => open.is_none() && self.is_semicolon(),
            };
            if ends {
                return;
            }
            open.step(self.peek());
            self.bump();
        }
    }

    /// Behind the closing parenthesis, if it stands on this line; else to the next line. `from` is
    /// the opening one.
    pub(super) fn leave_parens(&mut self, from: usize) {
        let mut open = Open::default();
        for at in &self.visible[from..self.at] {
            open.step(self.tokens[*at].kind);
        }
        while open.others > 0 && self.peek() != Kind::End && !self.line_starts(0) {
            open.step(self.peek());
            self.bump();
        }
    }

    fn is_semicolon(&self) -> bool {
        let token = self.nth(0);
        token.kind == Kind::Wrong && token.span.of(self.text) == ";"
    }

    /// What stands between members.
    pub(super) fn separator(&mut self) {
        if self.is_semicolon() {
            let span = self.bump().span;
            let message = "members end with a comma or their line, not with `;`".to_owned();
            self.report("syntax", span, message, "remove the `;`");
        }
        self.eat(Kind::Comma);
    }
}
