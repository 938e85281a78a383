//! Python source, line by line.

/// Lines with an indent.
#[derive(Debug, Default)]
pub(super) struct Writer {
    out: String,
    depth: usize,
}

impl Writer {
    /// Adds a line; an empty one has no indent.
    pub(super) fn line(&mut self, text: impl AsRef<str>) {
        let text = text.as_ref();
        if !text.is_empty() {
            self.out.extend(std::iter::repeat_n("    ", self.depth));
            self.out.push_str(text);
        }
        self.out.push('\n');
    }

    /// Empty lines.
    pub(super) fn blank(&mut self, count: usize) {
        (0..count).for_each(|_| self.line(""));
    }

    /// A line and what is inside of it, one step further in.
    pub(super) fn block(&mut self, head: impl AsRef<str>, inside: impl FnOnce(&mut Self)) {
        self.line(head);
        self.depth += 1;
        inside(self);
        self.depth -= 1;
    }

    /// The text.
    pub(super) fn finish(self) -> String {
        self.out
    }

    /// Documentation as a docstring; true when there was any.
    pub(super) fn docstring(&mut self, lines: &[String]) -> bool {
        let text: Vec<&str> = lines.iter().map(|line| line.trim()).collect();
        let from = text.iter().position(|line| !line.is_empty());
        let to = text.iter().rposition(|line| !line.is_empty());
        let (Some(from), Some(to)) = (from, to) else { return false };
        let text: Vec<String> = text[from..=to].iter().map(|line| escape(line)).collect();
        match text.as_slice() {
            [only] => self.line(format!("\"\"\"{only}\"\"\"")),
            [first, rest @ ..] => {
                self.line(format!("\"\"\"{first}"));
                rest.iter().for_each(|line| self.line(line));
                self.line("\"\"\"");
            }
            [] => {}
        }
        true
    }
}

/// The inside of a string literal in double quotes.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '"' => out.push_str("\\\""),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            // What an editor would not show, or would show in another order, is written out.
            c if c.is_control() || is_invisible(c) => {
                out.push_str(&format!("\\U{:08x}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out
}

fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// A string literal.
pub(super) fn text(text: &str) -> String {
    format!("\"{}\"", escape(text))
}

/// A bytes literal.
pub(super) fn bytes(bytes: &[u8]) -> String {
    let mut out = String::from("b\"");
    for byte in bytes {
        match byte {
            b'"' | b'\\' => out.extend(['\\', char::from(*byte)]),
            b' '..=b'~' => out.push(char::from(*byte)),
            byte => out.push_str(&format!("\\x{byte:02x}")),
        }
    }
    out + "\""
}

#[cfg(test)]
mod tests {
    use super::{Writer, bytes, escape};

    #[test]
    fn nothing_leaves_a_literal() {
        assert_eq!(escape("a\"\"\"b\\"), "a\\\"\\\"\\\"b\\\\");
        assert_eq!(escape("\u{202e}\n\0"), "\\U0000202e\\n\\U00000000");
        assert_eq!(bytes(b"a\"\\\n\xff"), "b\"a\\\"\\\\\\x0a\\xff\"");
    }

    #[test]
    fn docstrings_have_their_lines() {
        let mut writer = Writer::default();
        let lines = ["", " One \"quoted\".", "", " Two.", ""].map(str::to_owned);
        assert!(writer.docstring(&lines));
        assert!(!writer.docstring(&[" ".to_owned()]));
        assert_eq!(writer.finish(), "\"\"\"One \\\"quoted\\\".\n\nTwo.\n\"\"\"\n");
    }
}
