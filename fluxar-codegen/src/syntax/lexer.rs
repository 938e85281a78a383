//! Source → tokens.

use super::token::{Kind, Span, Token};

/// The tokens of a source, without gaps and without overlap. Any text has tokens.
#[must_use]
pub fn lex(source: &str) -> Vec<Token> {
    let mut tokens = Vec::with_capacity(source.len() / 4);
    // Some editors begin a file with a byte order mark, which says nothing in UTF-8.
    let mut at = if source.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    if at > 0 {
        tokens.push(Token { kind: Kind::Space, span: Span { start: 0, end: position(at) } });
    }
    while let Some(rest) = source.get(at..).filter(|rest| !rest.is_empty()) {
        let (kind, length) = next(rest);
        // A token has a byte at least, and ends where a character does.
        let end = at + length.max(1);
        let span = Span { start: position(at), end: position(end) };
        tokens.push(Token { kind, span });
        at = end;
    }
    tokens
}

fn position(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

fn run(text: &str, is_in: impl Fn(char) -> bool) -> usize {
    text.find(|c| !is_in(c)).unwrap_or(text.len())
}

fn next(rest: &str) -> (Kind, usize) {
    let first = rest.chars().next().unwrap_or_default();
    let line = || run(rest, |c| c != '\n' && c != '\r');
    match first {
        ' ' | '\t' | '\n' | '\r' => (Kind::Space, run(rest, |c| " \t\n\r".contains(c))),
        // Four slashes are a rule drawn by an author, not documentation.
        '/' if rest.starts_with("///") && !rest.starts_with("////") => (Kind::Doc, line()),
        '/' if rest.starts_with("//") => (Kind::Comment, line()),
        'a'..='z' | 'A'..='Z' | '_' => {
            (Kind::Name, run(rest, |c| c.is_ascii_alphanumeric() || c == '_'))
        }
        '0'..='9' => number(rest),
        '"' => text(rest),
        _ if rest.starts_with("...") => (Kind::Spread, 3),
        _ if rest.starts_with("..") => (Kind::DotDot, 2),
        _ if rest.starts_with("->") => (Kind::Arrow, 2),
        other => (punctuation(other).unwrap_or(Kind::Wrong), other.len_utf8()),
    }
}

fn punctuation(c: char) -> Option<Kind> {
    Some(match c {
        '{' => Kind::OpenBrace,
        '}' => Kind::CloseBrace,
        '[' => Kind::OpenBracket,
        ']' => Kind::CloseBracket,
        '(' => Kind::OpenParen,
        ')' => Kind::CloseParen,
        '<' => Kind::Less,
        '>' => Kind::Greater,
        ',' => Kind::Comma,
        ':' => Kind::Colon,
        '=' => Kind::Equal,
        '?' => Kind::Question,
        '!' => Kind::Bang,
        '*' => Kind::Star,
        '@' => Kind::At,
        '.' => Kind::Dot,
        '-' => Kind::Minus,
        _ => return None,
    })
}

fn digits(text: &str) -> usize {
    run(text, |c| c.is_ascii_digit())
}

/// `7`, `0.5`, `1e-9`, `30s`. In `1..64` the dots are no part of the number.
fn number(rest: &str) -> (Kind, usize) {
    let mut length = digits(rest);
    let mut kind = Kind::Int;
    let fraction = rest[length..].strip_prefix('.').map_or(0, digits);
    if fraction > 0 {
        length += 1 + fraction;
        kind = Kind::Float;
    }
    if let Some(exponent) = rest[length..].strip_prefix(['e', 'E']) {
        let sign = usize::from(exponent.starts_with(['+', '-']));
        let count = digits(&exponent[sign..]);
        if count > 0 {
            length += 1 + sign + count;
            kind = Kind::Float;
        }
    }
    let unit = run(&rest[length..], |c| c.is_ascii_alphanumeric() || c == '_');
    match unit {
        0 => (kind, length),
        _ => (Kind::Quantity, length + unit),
    }
}

fn text(rest: &str) -> (Kind, usize) {
    let mut is_escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            '\n' | '\r' => return (Kind::Wrong, at),
            '"' if !is_escaped => return (Kind::Text, at + 1),
            _ => is_escaped = c == '\\' && !is_escaped,
        }
    }
    (Kind::Wrong, rest.len())
}

#[cfg(test)]
mod tests {
    use super::lex;
    use crate::syntax::token::Kind;

    fn kinds(source: &str) -> Vec<(Kind, &str)> {
        lex(source).iter().map(|token| (token.kind, token.span.of(source))).collect()
    }

    #[test]
    fn numbers_units_and_ranges_are_told_apart() {
        assert_eq!(
            kinds("1..64 0.5 1e-9 30s 1MiB 1.x"),
            [
                (Kind::Int, "1"),
                (Kind::DotDot, ".."),
                (Kind::Int, "64"),
                (Kind::Space, " "),
                (Kind::Float, "0.5"),
                (Kind::Space, " "),
                (Kind::Float, "1e-9"),
                (Kind::Space, " "),
                (Kind::Quantity, "30s"),
                (Kind::Space, " "),
                (Kind::Quantity, "1MiB"),
                (Kind::Space, " "),
                (Kind::Int, "1"),
                (Kind::Dot, "."),
                (Kind::Name, "x"),
            ]
        );
    }

    #[test]
    fn every_byte_is_in_a_token() {
        for source in ["record é { \"a\\\"b\" \"open\n", "/// doc\r\n// no\n//// rule", "\u{0}😀→"]
        {
            let text: String = kinds(source).into_iter().map(|(_, text)| text).collect();
            assert_eq!(text, source);
        }
    }

    #[test]
    fn documentation_has_three_slashes() {
        let kinds: Vec<Kind> = lex("/// a\n//// b\n// c").iter().map(|t| t.kind).collect();
        assert_eq!(kinds, [Kind::Doc, Kind::Space, Kind::Comment, Kind::Space, Kind::Comment]);
    }
}
