//! Patterns that Rust, TypeScript and Python read alike (`[IDL.pattern.1]`).
//!
//! What is let in: characters, `.`, classes, groups, alternatives, and repetition. A repetition
//! without a bound may not stand inside another: such a pattern can take a backtracking engine
//! time that grows exponentially with the text.

/// The longest pattern in characters.
const LENGTH_MAX: usize = 256;
/// How deep groups nest.
const GROUPS_MAX: usize = 16;
/// The largest bound of a repetition.
const REPEAT_MAX: u32 = 1000;

/// The pattern with `\d`, `\w` and `\s` written out as ASCII classes.
///
/// # Errors
/// What it must not do, to be read behind "no pattern that".
pub(super) fn normal(pattern: &str) -> Result<String, &'static str> {
    if pattern.chars().count() > LENGTH_MAX {
        return Err("is longer than 256 characters");
    }
    let mut parser = Parser { rest: pattern.chars().peekable(), out: String::new(), depth: 0 };
    parser.alternatives()?;
    match parser.rest.next() {
        None => Ok(parser.out),
        Some(_) => Err("closes a group that is not open"),
    }
}

struct Parser<'p> {
    rest: std::iter::Peekable<std::str::Chars<'p>>,
    out: String,
    depth: usize,
}

impl Parser<'_> {
    /// `a|b`; true when something in it repeats without a bound.
    fn alternatives(&mut self) -> Result<bool, &'static str> {
        let mut repeats = self.sequence()?;
        while self.rest.next_if_eq(&'|').is_some() {
            self.out.push('|');
            repeats |= self.sequence()?;
        }
        Ok(repeats)
    }

    fn sequence(&mut self) -> Result<bool, &'static str> {
        let mut repeats = false;
        while let Some(c) = self.rest.next_if(|c| !matches!(c, '|' | ')')) {
            let inside = self.atom(c)?;
            let unbounded = self.repetition()?;
            if inside && unbounded {
                return Err("repeats inside of a repetition");
            }
            repeats |= inside || unbounded;
        }
        Ok(repeats)
    }

    fn atom(&mut self, c: char) -> Result<bool, &'static str> {
        match c {
            '(' => {
                self.depth += 1;
                if self.depth > GROUPS_MAX {
                    return Err("nests groups too deep");
                }
                if self.rest.next_if_eq(&'?').is_some() && self.rest.next() != Some(':') {
                    return Err("looks around or names groups: only `(…)` and `(?:…)`");
                }
                self.out.push_str("(?:");
                let repeats = self.alternatives()?;
                if self.rest.next() != Some(')') {
                    return Err("leaves a group open");
                }
                self.out.push(')');
                self.depth -= 1;
                return Ok(repeats);
            }
            '[' => self.class()?,
            '\\' => self.escape(false)?,
            '*' | '+' | '?' | '{' | '}' | ']' => {
                return Err(
                    "has `* + ? { } ]` where there is nothing to repeat: write a `\\` before",
                );
            }
            '^' | '$' => return Err("has `^` or `$`: it matches the whole text anyway"),
            '.' => self.out.push_str("[^\\n\\r]"),
            '/' => self.out.push_str("\\/"),
            c if c.is_control() => return Err("has a control character"),
            c => self.out.push(c),
        }
        Ok(false)
    }

    /// What a backslash stands for.
    fn escape(&mut self, in_class: bool) -> Result<(), &'static str> {
        let c = self.rest.next().ok_or("ends with a backslash")?;
        let class = match c {
            'd' => "0-9",
            'w' => "A-Za-z0-9_",
            's' => " \\t\\n\\r",
            'n' | 'r' | 't' => {
                self.out.extend(['\\', c]);
                return Ok(());
            }
            c if c.is_ascii_punctuation() => {
                // Only these mean something; elsewhere a backslash is an error in some languages.
                if "\\.+*?()|[]{}^$/".contains(c) || (in_class && c == '-') {
                    self.out.push('\\');
                }
                self.out.push(c);
                return Ok(());
            }
            _ => return Err("escapes what languages do not agree about"),
        };
        match in_class {
            true => self.out.push_str(class),
            false => self.out.push_str(&format!("[{class}]")),
        }
        Ok(())
    }

    fn class(&mut self) -> Result<(), &'static str> {
        self.out.push('[');
        if self.rest.next_if_eq(&'^').is_some() {
            self.out.push('^');
        }
        let mut count = 0;
        loop {
            let c = self.rest.next().ok_or("leaves a class open")?;
            match c {
                ']' if count > 0 => break,
                ']' => return Err("has an empty class"),
                '[' => return Err("has `[` in a class: write `\\[`"),
                // Sets of classes mean something in Rust and in newer JavaScript.
                '&' | '~' | '-' if self.rest.peek() == Some(&c) => {
                    return Err("has `&&`, `~~` or `--` in a class");
                }
                '\\' => self.escape(true)?,
                '-' if count > 0 && self.rest.peek() != Some(&']') => {
                    let end = *self.rest.peek().ok_or("leaves a class open")?;
                    let start = self.out.chars().next_back().unwrap_or_default();
                    let is_plain = |c: char| c.is_ascii_alphanumeric();
                    if !is_plain(start) || !is_plain(end) || start > end {
                        return Err("has a range in a class that is not of letters or digits");
                    }
                    self.out.push('-');
                }
                '-' | '^' => self.out.extend(['\\', c]),
                '/' => self.out.push_str("\\/"),
                c if c.is_control() => return Err("has a control character"),
                c => self.out.push(c),
            }
            count += 1;
        }
        self.out.push(']');
        Ok(())
    }

    /// `*`, `+`, `?`, `{n}`, `{n,m}`; true when it has no bound.
    fn repetition(&mut self) -> Result<bool, &'static str> {
        let unbounded = match self.rest.peek() {
            Some('*' | '+') => true,
            Some('?') => false,
            Some('{') => {
                self.rest.next();
                let unbounded = self.bounds()?;
                return self.is_single().map(|()| unbounded);
            }
            _ => return Ok(false),
        };
        self.out.extend(self.rest.next());
        self.is_single().map(|()| unbounded)
    }

    fn is_single(&mut self) -> Result<(), &'static str> {
        match self.rest.peek() {
            Some('*' | '+' | '?' | '{') => Err("repeats lazily, possessively or twice"),
            _ => Ok(()),
        }
    }

    fn bounds(&mut self) -> Result<bool, &'static str> {
        const WRONG: &str = "repeats other than `{n}`, `{n,}` or `{n,m}`, up to 1000 times";
        let mut inside = String::new();
        loop {
            match self.rest.next() {
                Some('}') => break,
                Some(c) if inside.len() < 16 => inside.push(c),
                _ => return Err(WRONG),
            }
        }
        let (min, max) = inside.split_once(',').unwrap_or((&inside, &inside));
        let number = |text: &str| {
            let is_digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
            text.parse::<u32>().ok().filter(|n| is_digits && *n <= REPEAT_MAX).ok_or(WRONG)
        };
        let least = number(min)?;
        let unbounded = max.is_empty();
        if !unbounded && number(max)? < least {
            return Err(WRONG);
        }
        self.out.push_str(&format!("{{{inside}}}"));
        Ok(unbounded)
    }
}

#[cfg(test)]
mod tests {
    use super::normal;

    #[test]
    fn shorthands_are_written_out() {
        for (pattern, expected) in [
            ("[a-z]+", "[a-z]+"),
            (r"\d{3}-\w*", "[0-9]{3}-[A-Za-z0-9_]*"),
            (r"[\d\-_]|(x|y)?", r"[0-9\-_]|(?:x|y)?"),
            (r"\#a/b\-", r"#a\/b-"),
            ("a.b", "a[^\\n\\r]b"),
            ("é{2,}", "é{2,}"),
            ("", ""),
        ] {
            assert_eq!(normal(pattern).as_deref(), Ok(expected), "{pattern}");
            assert_eq!(normal(expected).as_deref(), Ok(expected), "twice: {expected}");
        }
    }

    #[test]
    fn what_languages_read_differently_is_refused() {
        for pattern in [
            "(a+)+",
            "(?=a)",
            "(?<n>a)",
            r"\1",
            r"\b",
            r"\p{L}",
            "a*?",
            "a++",
            "a{2}{3}",
            "[a&&b]",
            "[]a]",
            "[a",
            "(a",
            "a)",
            "^a$",
            "*a",
            "a{,3}",
            "a{9999}",
            "a{3,2}",
            "[z-a]",
            "\\",
            "(a|b*)*",
            "[[:alpha:]]",
        ] {
            assert!(normal(pattern).is_err(), "{pattern}");
        }
        assert!(normal(&"a".repeat(300)).is_err());
        assert!(normal(&"(".repeat(100)).is_err());
    }
}
