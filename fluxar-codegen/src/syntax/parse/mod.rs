//! Tokens → AST, with recovery: an error skips to the next member or item, and parsing goes on.
//! Every loop moves by a token at least, and looks ahead at most `LOOKAHEAD_MAX`: parsing takes
//! time in proportion to the source.

mod file;
mod heads;
mod items;
mod literals;
mod members;
mod recover;
mod types;

use super::ast::{File, Ident, Int, Path};
use super::lexer::lex;
use super::token::{Kind, Span, Token};
use super::{DEPTH_MAX, SOURCE_BYTES_MAX};
use crate::report::{Place, Reports};

/// The words that begin an item.
const ITEMS: [&str; 12] = [
    "newtype",
    "alias",
    "const",
    "record",
    "closed",
    "enum",
    "union",
    "error",
    "service",
    "topic",
    "contract",
    "annotation",
];

/// What parsing gives.
#[derive(Clone, Debug)]
pub struct Parsed {
    /// All tokens, spaces and comments included.
    pub tokens: Vec<Token>,
    /// What was understood.
    pub file: File,
    /// The starts of members within braces, as indices of tokens: between two on one line the
    /// formatter writes a comma.
    pub members: Vec<usize>,
    /// The tokens that may begin a line without being the rest of the line before: items,
    /// members, annotations in front of them, and what follows those.
    pub lines: Vec<usize>,
}

/// Parses a source. What is wrong goes to `reports`, with `source` as its index there.
pub fn parse(text: &str, source: usize, reports: &mut Reports) -> Parsed {
    if text.len() > SOURCE_BYTES_MAX {
        let span = Span { start: 0, end: 1 };
        let message = format!("the file is longer than {SOURCE_BYTES_MAX} bytes");
        reports.add("too-large", Place { source, span }, message);
        return Parsed {
            tokens: Vec::new(),
            file: File::default(),
            members: Vec::new(),
            lines: Vec::new(),
        };
    }
    let tokens = lex(text);
    let mut parser = Parser {
        text,
        visible: (0..tokens.len()).filter(|at| !tokens[*at].kind.is_trivia()).collect(),
        tokens: &tokens,
        at: 0,
        depth: 0,
        source,
        reports,
        members: Vec::new(),
        lines: Vec::new(),
    };
    let file = parser.file();
    let (members, lines) = (parser.members, parser.lines);
    Parsed { tokens, file, members, lines }
}

/// An error that is reported already: whoever gets it goes on at a place that makes sense.
#[derive(Debug)]
struct Reported;

type Parse<T> = Result<T, Reported>;

struct Parser<'s> {
    text: &'s str,
    tokens: &'s [Token],
    /// Indices of the tokens that the grammar sees.
    visible: Vec<usize>,
    /// The next of them.
    at: usize,
    depth: usize,
    source: usize,
    reports: &'s mut Reports,
    members: Vec<usize>,
    lines: Vec<usize>,
}

impl<'s> Parser<'s> {
    fn nth(&self, ahead: usize) -> Token {
        let end = u32::try_from(self.text.len()).unwrap_or(u32::MAX);
        let after = Token { kind: Kind::End, span: Span { start: end, end } };
        self.visible.get(self.at + ahead).map_or(after, |at| self.tokens[*at])
    }

    fn peek(&self) -> Kind {
        self.nth(0).kind
    }

    fn word(&self, ahead: usize) -> &'s str {
        let token = self.nth(ahead);
        if token.kind == Kind::Name { token.span.of(self.text) } else { "" }
    }

    fn bump(&mut self) -> Token {
        let token = self.nth(0);
        self.at = (self.at + 1).min(self.visible.len());
        token
    }

    fn eat(&mut self, kind: Kind) -> bool {
        let is_next = self.peek() == kind;
        if is_next {
            self.bump();
        }
        is_next
    }

    fn eat_word(&mut self, word: &str) -> bool {
        let is_next = self.word(0) == word;
        if is_next {
            self.bump();
        }
        is_next
    }

    fn place(&self, span: Span) -> Place {
        Place { source: self.source, span }
    }

    fn report(&mut self, rule: &str, span: Span, message: String, fix: &str) -> Reported {
        let place = self.place(span);
        match fix {
            "" => self.reports.add(rule, place, message),
            fix => self.reports.add_with_fix(rule, place, message, fix),
        }
        Reported
    }

    fn must(&mut self, kind: Kind, what: &str, fix: &str) -> Parse<Token> {
        if self.peek() == kind { Ok(self.bump()) } else { Err(self.expected(what, fix)) }
    }

    fn name(&mut self, what: &str) -> Parse<Ident> {
        let token = self.must(Kind::Name, what, "write a name: letters, digits and `_`")?;
        Ok(Ident { text: token.span.of(self.text).to_owned(), span: token.span })
    }

    fn path(&mut self, what: &str) -> Parse<Path> {
        let first = self.name(what)?;
        let mut path = Path { span: first.span, segments: vec![first] };
        while self.peek() == Kind::Dot && self.nth(1).kind == Kind::Name {
            self.bump();
            let segment = self.name("a name")?;
            path.span = path.span.to(segment.span);
            path.segments.push(segment);
        }
        Ok(path)
    }

    fn int(&mut self) -> Parse<Int> {
        let token = self.must(Kind::Int, "a number", "write a number without sign and unit")?;
        match token.span.of(self.text).parse() {
            Ok(value) => Ok(Int { value, span: token.span }),
            Err(_) => {
                let message = "the number is too large".to_owned();
                Err(self.report("id-range", token.span, message, ""))
            }
        }
    }

    /// Runs `parse` one level deeper, unless that is too deep.
    fn deeper<T>(&mut self, parse: impl FnOnce(&mut Self) -> Parse<T>) -> Parse<T> {
        if self.depth >= DEPTH_MAX {
            let span = self.nth(0).span;
            let message = format!("this nests deeper than {DEPTH_MAX}");
            return Err(self.report("too-large", span, message, ""));
        }
        self.depth += 1;
        let parsed = parse(self);
        self.depth -= 1;
        parsed
    }
}
