//! Literals.

use super::{Parse, Parser, Reported};
use crate::syntax::ast::{Ident, Literal, LiteralKind};
use crate::syntax::token::{Kind, Span, Token};

/// Units of time in microseconds, and of sizes in bytes.
const UNITS: [(&str, bool, i128); 12] = [
    ("us", true, 1),
    ("ms", true, 1_000),
    ("s", true, 1_000_000),
    ("m", true, 60_000_000),
    ("h", true, 3_600_000_000),
    ("d", true, 86_400_000_000),
    ("KiB", false, 1 << 10),
    ("MiB", false, 1 << 20),
    ("GiB", false, 1 << 30),
    ("kB", false, 1_000),
    ("MB", false, 1_000_000),
    ("GB", false, 1_000_000_000),
];

impl Parser<'_> {
    pub(super) fn literal(&mut self) -> Parse<Literal> {
        self.deeper(|parser| {
            let start = parser.one_literal()?;
            if !parser.eat(Kind::DotDot) {
                return Ok(start);
            }
            let end = parser.one_literal()?;
            let span = start.span.to(end.span);
            Ok(Literal { kind: LiteralKind::Range(Box::new(start), Box::new(end)), span })
        })
    }

    fn one_literal(&mut self) -> Parse<Literal> {
        let token = self.nth(0);
        let made = |kind| Ok(Literal { kind, span: token.span });
        match token.kind {
            Kind::Minus => {
                self.bump();
                if !matches!(self.peek(), Kind::Int | Kind::Float | Kind::Quantity) {
                    return Err(self.expected("a number", "write a number behind the `-`"));
                }
                let number = self.bump();
                let span = token.span.to(number.span);
                self.number(number, span, -1)
            }
            Kind::Int | Kind::Float | Kind::Quantity => {
                self.bump();
                self.number(token, token.span, 1)
            }
            Kind::Text => {
                self.bump();
                let text = self.unescaped(token)?;
                made(LiteralKind::Text(text))
            }
            Kind::Dot => {
                self.bump();
                let name = self.name("the name of a member")?;
                let span = token.span.to(name.span);
                Ok(Literal { kind: LiteralKind::Member(name), span })
            }
            Kind::OpenBracket => self.list_literal(),
            Kind::OpenBrace => self.braces(),
            Kind::Name => {
                let word = match self.word(0) {
                    "true" => Some(LiteralKind::Bool(true)),
                    "false" => Some(LiteralKind::Bool(false)),
                    "null" => Some(LiteralKind::Null),
                    _ => None,
                };
                if let Some(kind) = word {
                    self.bump();
                    return made(kind);
                }
                let path = self.path("a literal")?;
                Ok(Literal { span: path.span, kind: LiteralKind::Const(path) })
            }
            _ => Err(self.expected("a literal", "write `7`, `\"text\"`, `.member`, `[]` or `{}`")),
        }
    }

    fn number(&mut self, token: Token, span: Span, sign: i128) -> Parse<Literal> {
        let text = token.span.of(self.text);
        let kind = match token.kind {
            Kind::Int => text.parse().ok().map(|int: i128| LiteralKind::Int(sign * int)),
            Kind::Float => {
                let float = text.parse().ok().filter(|float: &f64| float.is_finite());
                float.map(|float| LiteralKind::Float(if sign < 0 { -float } else { float }))
            }
            Kind::Quantity => return self.quantity(text, span, sign),
            _ => None,
        };
        match kind {
            Some(kind) => Ok(Literal { kind, span }),
            None => {
                let message = "this is no number, or one that is too large".to_owned();
                Err(self.report("syntax", span, message, "write a number"))
            }
        }
    }

    fn quantity(&mut self, text: &str, span: Span, sign: i128) -> Parse<Literal> {
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = text.split_at(digits);
        if unit.starts_with('.') {
            let message = "with a unit goes a whole number".to_owned();
            return Err(self.report("syntax", span, message, "take a smaller unit: `90m`"));
        }
        let Some((_, is_time, factor)) = UNITS.into_iter().find(|(name, ..)| *name == unit) else {
            let message = format!("there is no unit `{unit}`");
            let fix = "use us, ms, s, m, h, d, or KiB, MiB, GiB, kB, MB, GB";
            return Err(self.report("syntax", span, message, fix));
        };
        let value = number.parse().ok().and_then(|n: i128| n.checked_mul(factor * sign));
        match value {
            Some(value) if is_time => Ok(Literal { kind: LiteralKind::Duration(value), span }),
            Some(value) => Ok(Literal { kind: LiteralKind::Size(value), span }),
            None => Err(self.report("syntax", span, "the number is too large".to_owned(), "")),
        }
    }

    /// The text between quotes.
    fn unescaped(&mut self, token: Token) -> Parse<String> {
        let inner = token.span.of(self.text).trim_start_matches('"');
        let inner = inner.strip_suffix('"').unwrap_or(inner);
        let mut text = String::with_capacity(inner.len());
        let mut rest = inner.chars();
        while let Some(c) = rest.next() {
            if c != '\\' {
                text.push(c);
                continue;
            }
            match rest.next() {
                Some('n') => text.push('\n'),
                Some('r') => text.push('\r'),
                Some('t') => text.push('\t'),
                Some(c @ ('"' | '\\')) => text.push(c),
                Some('u') => {
                    let (c, behind) =
                        code_point(rest.as_str()).ok_or_else(|| self.bad_escape(token))?;
                    text.push(c);
                    rest = behind.chars();
                }
                _ => return Err(self.bad_escape(token)),
            }
        }
        Ok(text)
    }

    fn bad_escape(&mut self, token: Token) -> Reported {
        let message = "there is no such escape".to_owned();
        let fix = "write `\\\\`, `\\\"`, `\\n`, `\\r`, `\\t` or `\\u{e9}`";
        self.report("syntax", token.span, message, fix)
    }

    fn list_literal(&mut self) -> Parse<Literal> {
        let open = self.bump().span;
        let mut items = Vec::new();
        while self.peek() != Kind::CloseBracket {
            items.push(self.literal()?);
            if !self.eat(Kind::Comma) {
                break;
            }
        }
        let close = self.must(Kind::CloseBracket, "`]`", "close the `[`")?;
        Ok(Literal { kind: LiteralKind::List(items), span: open.to(close.span) })
    }

    fn braces(&mut self) -> Parse<Literal> {
        let open = self.bump().span;
        let mut entries = Vec::new();
        while self.peek() != Kind::CloseBrace {
            let key = if self.peek() == Kind::Text {
                let token = self.bump();
                Ident { text: self.unescaped(token)?, span: token.span }
            } else {
                self.name("the name of a field")?
            };
            self.must(Kind::Colon, "`:`", "write `name: value`")?;
            entries.push((key, self.literal()?));
            if !self.eat(Kind::Comma) {
                break;
            }
        }
        let close = self.must(Kind::CloseBrace, "`}`", "close the `{`")?;
        Ok(Literal { kind: LiteralKind::Braces(entries), span: open.to(close.span) })
    }
}

/// The character of `{e9}`, and what stands behind it.
fn code_point(text: &str) -> Option<(char, &str)> {
    let (code, behind) = text.strip_prefix('{')?.split_once('}')?;
    let is_code = (1..=6).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_hexdigit());
    let c = u32::from_str_radix(code, 16).ok().filter(|_| is_code).and_then(char::from_u32)?;
    Some((c, behind))
}
