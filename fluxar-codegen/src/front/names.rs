//! Names: from Rust's to the wire's.

use crate::model::Name;
use proc_macro2::Ident;
use syn::ext::IdentExt;

/// The longest target that the protocol carries, in bytes.
pub(crate) const TARGET_BYTES_MAX: usize = 512;
/// The most segments that a target has.
pub(crate) const TARGET_SEGMENTS_MAX: usize = 16;

/// The name of an identifier, without `r#`.
pub(super) fn name_of(ident: &Ident) -> Name {
    Name::new(ident.unraw().to_string(), ident.span())
}

/// `HttpServer` → `http_server`, `HTTPServer` → `http_server`, `LlmV2` → `llm_v2`.
pub(crate) fn snake_case(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut snake = String::with_capacity(name.len() + 4);
    for (index, &letter) in letters.iter().enumerate() {
        let before = index.checked_sub(1).and_then(|i| letters.get(i));
        let after = letters.get(index + 1);
        let starts_word = letter.is_uppercase()
            && before.is_some_and(|before| {
                *before != '_'
                    && (!before.is_uppercase() || after.is_some_and(|after| after.is_lowercase()))
            });
        if starts_word {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}

/// `not_found` → `NotFound`, `shop.v1` → `ShopV1`: what was a capital letter stays one.
pub(crate) fn pascal_case(name: &str) -> String {
    let word = |word: &str| {
        let mut letters = word.chars();
        let first = letters.next().map(|c| c.to_ascii_uppercase());
        first.into_iter().chain(letters).collect::<String>()
    };
    name.split(['_', '.']).map(word).collect()
}

/// What is wrong with a dotted name whose segments stand in a target, if anything.
pub(super) fn dotted_problem(name: &str) -> Option<&'static str> {
    if name.len() > TARGET_BYTES_MAX {
        return Some("is longer than a target may be (512 bytes)");
    }
    name.split('.').find_map(segment_problem)
}

/// What is wrong with one segment of a target, if anything.
pub(super) fn segment_problem(segment: &str) -> Option<&'static str> {
    if segment.is_empty() {
        return Some("has an empty segment");
    }
    let bad = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '.' | '*' | '>');
    segment.contains(bad).then_some("may not contain spaces, `*` or `>`, nor a dot in a segment")
}

#[cfg(test)]
mod tests {
    use super::{dotted_problem, pascal_case, segment_problem, snake_case};

    #[test]
    fn services_are_named_in_snake_case() {
        for (rust, wire) in [
            ("Users", "users"),
            ("HttpServer", "http_server"),
            ("HTTPServer", "http_server"),
            ("LlmV2", "llm_v2"),
            ("IOError", "io_error"),
            ("already_snake", "already_snake"),
            ("Äpfel", "äpfel"),
            ("X", "x"),
        ] {
            assert_eq!(snake_case(rust), wire);
        }
    }

    #[test]
    fn words_are_joined_in_pascal_case() {
        let cases = [
            ("not_found", "NotFound"),
            ("shop.v1", "ShopV1"),
            ("__a", "A"),
            ("aB", "AB"),
            ("", ""),
        ];
        for (name, joined) in cases {
            assert_eq!(pascal_case(name), joined);
        }
    }

    #[test]
    fn names_that_would_read_as_patterns_are_refused() {
        assert_eq!(dotted_problem("shop.v1"), None);
        assert!(dotted_problem("shop..v1").is_some());
        assert!(dotted_problem("").is_some());
        assert!(dotted_problem(&"x".repeat(513)).is_some());
        assert!(segment_problem("a.b").is_some());
        assert!(segment_problem("a*").is_some());
        assert!(segment_problem("a b").is_some());
    }
}
