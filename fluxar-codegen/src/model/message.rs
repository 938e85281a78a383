//! Messages of errors: text with `{field}` where a field's value goes.

/// A part of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Text as it stands.
    Text(String),
    /// The value of a field, by its name in the source.
    Value {
        /// The field's name (`0` for the content without a name).
        field: String,
        /// True for `{field:?}`: as a developer wants to see it.
        debug: bool,
    },
}

const IN_BRACES: &str = "in braces stands the name of a field, `{field}` or `{field:?}`; a brace \
                         that stands for itself is written twice";

/// The parts of a message. `{{` and `}}` stand for braces.
///
/// # Errors
/// What is wrong with the message.
pub fn pieces(message: &str) -> Result<Vec<Piece>, &'static str> {
    let mut pieces = Vec::new();
    let mut text = String::new();
    let mut rest = message.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '{' | '}' if rest.peek() == Some(&c) => {
                rest.next();
                text.push(c);
            }
            '{' => {
                // Without a closing brace this takes all the rest, which no field is called.
                let inside: String = rest.by_ref().take_while(|c| *c != '}').collect();
                let (field, debug) = match inside.strip_suffix(":?") {
                    Some(field) => (field, true),
                    None => (inside.as_str(), false),
                };
                if field.is_empty() || !field.chars().all(|c| c.is_alphanumeric() || c == '_') {
                    return Err(IN_BRACES);
                }
                if !text.is_empty() {
                    pieces.push(Piece::Text(std::mem::take(&mut text)));
                }
                pieces.push(Piece::Value { field: field.to_owned(), debug });
            }
            '}' => return Err(IN_BRACES),
            other => text.push(other),
        }
    }
    if !text.is_empty() {
        pieces.push(Piece::Text(text));
    }
    Ok(pieces)
}

#[cfg(test)]
mod tests {
    use super::{Piece, pieces};

    fn text(text: &str) -> Piece {
        Piece::Text(text.to_owned())
    }

    fn value(field: &str, debug: bool) -> Piece {
        Piece::Value { field: field.to_owned(), debug }
    }

    #[test]
    fn fields_and_braces_are_found() {
        assert_eq!(pieces("no user {id}"), Ok(vec![text("no user "), value("id", false)]));
        assert_eq!(pieces("{0:?}!"), Ok(vec![value("0", true), text("!")]));
        assert_eq!(pieces("{{{a}}}"), Ok(vec![text("{"), value("a", false), text("}")]));
        assert_eq!(pieces(""), Ok(vec![]));
    }

    #[test]
    fn malformed_messages_are_refused() {
        for wrong in ["{", "}", "{}", "{a b}", "{a:>3}", "x } y"] {
            assert!(pieces(wrong).is_err(), "{wrong}");
        }
    }
}
