//! Tokens: every byte of a source is in exactly one of them.

/// A piece of a source: bytes from `start` up to `end`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// The first byte.
    pub start: u32,
    /// The byte after the last.
    pub end: u32,
}

impl Span {
    /// From the start of this one to the end of another.
    #[must_use]
    pub fn to(self, other: Self) -> Self {
        Self { start: self.start, end: self.end.max(other.end) }
    }

    /// The text.
    #[must_use]
    pub fn of(self, source: &str) -> &str {
        source.get(self.start as usize..self.end as usize).unwrap_or_default()
    }
}

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Spaces and line breaks.
    Space,
    /// `// …`
    Comment,
    /// `/// …`
    Doc,
    /// A name or a keyword: which of the two, the place says.
    Name,
    /// `7`
    Int,
    /// `0.5`, `1e9`
    Float,
    /// `30s`, `1MiB`: digits with letters behind them.
    Quantity,
    /// `"text"`
    Text,
    /// `{`
    OpenBrace,
    /// `}`
    CloseBrace,
    /// `[`
    OpenBracket,
    /// `]`
    CloseBracket,
    /// `(`
    OpenParen,
    /// `)`
    CloseParen,
    /// `<`
    Less,
    /// `>`
    Greater,
    /// `,`
    Comma,
    /// `:`
    Colon,
    /// `=`
    Equal,
    /// `?`
    Question,
    /// `!`
    Bang,
    /// `*`
    Star,
    /// `@`
    At,
    /// `.`
    Dot,
    /// `..`
    DotDot,
    /// `...`
    Spread,
    /// `->`
    Arrow,
    /// `-`
    Minus,
    /// What no token begins with, or a text without its end.
    Wrong,
    /// After the last byte.
    End,
}

impl Kind {
    /// True for what the grammar does not see.
    #[must_use]
    pub fn is_trivia(self) -> bool {
        matches!(self, Self::Space | Self::Comment)
    }
}

/// A token with its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: Kind,
    /// Where it is.
    pub span: Span,
}
