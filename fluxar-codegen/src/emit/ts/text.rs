//! Lines of TypeScript, and what text becomes inside of them.

use crate::model::{Docs, Lifecycle};
use std::fmt::Write as _;

/// Source, line by line.
#[derive(Debug, Default)]
pub(super) struct Lines {
    out: String,
    depth: usize,
}

impl Lines {
    /// Adds a line; an empty one has no indent.
    pub(super) fn line(&mut self, text: impl AsRef<str>) {
        let text = text.as_ref();
        if !text.is_empty() {
            self.out.extend(std::iter::repeat_n("  ", self.depth));
            self.out.push_str(text);
        }
        self.out.push('\n');
    }

    /// `head {`, what is inside of it, and `tail` behind the brace.
    pub(super) fn block(&mut self, head: &str, tail: &str, inside: impl FnOnce(&mut Self)) {
        self.line(format!("{head} {{"));
        self.depth += 1;
        inside(self);
        self.depth -= 1;
        self.line(format!("}}{tail}"));
    }

    /// What is inside, one step further in.
    pub(super) fn deeper(&mut self, inside: impl FnOnce(&mut Self)) {
        self.depth += 1;
        inside(self);
        self.depth -= 1;
    }

    /// Documentation, with what the lifecycle has to say. `otherwise` stands in when there is none.
    pub(super) fn docs(&mut self, docs: &Docs, lifecycle: &Lifecycle, otherwise: &str) {
        let mut lines: Vec<String> = docs.lines.iter().map(|line| comment(line.trim())).collect();
        while lines.last().is_some_and(String::is_empty) {
            lines.pop();
        }
        if lines.is_empty() && !otherwise.is_empty() {
            lines.push(comment(otherwise));
        }
        if let Some(deprecated) = &lifecycle.deprecated {
            let note = deprecated.note.as_deref().unwrap_or("do not use it any more");
            lines.push(format!("@deprecated {}", comment(&note.replace(['\r', '\n'], " "))));
        }
        match lines.as_slice() {
            [] => {}
            [only] => self.line(format!("/** {only} */")),
            many => {
                self.line("/**");
                for line in many {
                    self.line(format!(" * {line}").trim_end());
                }
                self.line(" */");
            }
        }
    }

    /// The text.
    pub(super) fn finish(self) -> String {
        self.out
    }
}

/// Text inside of a comment: it cannot end it, nor begin a line of its own.
fn comment(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') { ' ' } else { c })
        .collect::<String>()
        .replace("*/", "*\u{2215}")
}

/// A string literal: JSON, in ASCII.
pub(super) fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            ' '..='~' => out.push(c),
            other => {
                for unit in other.encode_utf16(&mut [0; 2]) {
                    write!(out, "\\u{unit:04x}").expect("a string takes all text");
                }
            }
        }
    }
    out.push('"');
    out
}

/// A list of expressions in brackets.
pub(super) fn list(parts: impl IntoIterator<Item = String>) -> String {
    format!("[{}]", parts.into_iter().collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::{Lines, quote};
    use crate::model::{Docs, Lifecycle};

    #[test]
    fn text_stays_inside_of_its_quotes() {
        assert_eq!(quote("a\"b\\c\n\u{2028}é𝄞"), r#""a\"b\\c\n\u2028\u00e9\ud834\udd1e""#);
        assert_eq!(quote("${x}`'</script>"), "\"${x}`'</script>\"");
    }

    #[test]
    fn documentation_stays_inside_of_its_comment() {
        let mut lines = Lines::default();
        let docs = Docs { lines: vec!["ends */ alert(1) /*".to_owned(), "\u{2028}x\r".to_owned()] };
        lines.docs(&docs, &Lifecycle::default(), "");
        let text = lines.finish();
        assert_eq!(text.matches("*/").count(), 1, "{text}");
        assert!(!text.contains(['\u{2028}', '\r']), "{text}");
    }
}
