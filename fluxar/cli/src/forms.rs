//! What files of ours hold: TOML, with errors that say where and what to write instead.

use crate::suggest::nearest;
use serde::de::{DeserializeOwned, Deserializer, SeqAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// Reads TOML.
///
/// # Errors
/// The place, what is wrong there, and for an unknown key the one that was meant. Nothing of the
/// line itself is repeated: it may be a secret.
pub(crate) fn from_toml<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    toml::from_str(text).map_err(|error| {
        let message = error.message();
        let hint = suggestion(message).map(|meant| format!("; did you mean `{meant}`?"));
        let hint = hint.unwrap_or_default();
        match error.span() {
            Some(span) => {
                let before = text.get(..span.start).unwrap_or_default();
                let line = before.matches('\n').count() + 1;
                format!("line {line}: {message}{hint}")
            }
            None => format!("{message}{hint}"),
        }
    })
}

/// Of the keys in a message about an unknown one, the one that looks like it.
fn suggestion(message: &str) -> Option<&str> {
    let mut quoted = message.split('`').skip(1).step_by(2);
    if !message.starts_with("unknown ") {
        return None;
    }
    let unknown = quoted.next()?;
    nearest(unknown, quoted)
}

/// A text, or a list of them.
pub(crate) fn one_or_many<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    struct Texts;
    impl<'de> Visitor<'de> for Texts {
        type Value = Vec<String>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a text or a list of texts")
        }

        fn visit_str<E>(self, text: &str) -> Result<Vec<String>, E> {
            Ok(vec![text.to_owned()])
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<String>, A::Error> {
            let mut texts = Vec::new();
            while let Some(text) = seq.next_element()? {
                texts.push(text);
            }
            Ok(texts)
        }
    }
    from.deserialize_any(Texts)
}

/// A value that is written as its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Text<T>(pub(crate) T);

impl<T: FromStr> FromStr for Text<T> {
    type Err = T::Err;

    fn from_str(text: &str) -> Result<Self, T::Err> {
        text.parse().map(Self)
    }
}

impl<T: fmt::Display> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&self.0)
    }
}

impl<'de, T: FromStr<Err: fmt::Display>> Deserialize<'de> for Text<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        text.parse().map(Self).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Form {
        #[serde(default, deserialize_with = "one_or_many")]
        listen: Vec<String>,
        #[serde(default)]
        port: Option<Text<u16>>,
    }

    #[test]
    fn an_unknown_key_is_named_with_its_line_and_the_one_that_was_meant() {
        let error = from_toml::<Form>("listen = []\nlistne = 's3cret'\n").unwrap_err();
        assert!(error.starts_with("line 2: ") && error.ends_with("did you mean `listen`?"));
        assert!(!error.contains("s3cret"), "{error}");
        let error = from_toml::<Form>("zzz = 1").unwrap_err();
        assert!(!error.contains("did you mean") && error.contains("`listen`"), "{error}");
    }

    #[test]
    fn a_list_of_one_may_be_the_one() {
        assert_eq!(from_toml::<Form>("listen = 'a'").unwrap().listen, ["a"]);
        assert_eq!(from_toml::<Form>("listen = ['a', 'b']").unwrap().listen, ["a", "b"]);
        assert!(from_toml::<Form>("listen = 1").unwrap_err().contains("a text or a list"));
        assert_eq!(from_toml::<Form>("port = '80'").unwrap().port, Some(Text(80)));
        assert!(from_toml::<Form>("port = 'x'").unwrap_err().contains("invalid digit"));
    }
}
