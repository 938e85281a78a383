//! `{{…}}` in what `pub` sends: a fresh value for every event.

use rand::RngExt;
use std::time::SystemTime;

/// A text with places to fill.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Template {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq)]
enum Part {
    Text(String),
    Count,
    Time,
    /// An integer, both ends included.
    RandomInteger(i64, i64),
    /// A number, three places behind the point.
    RandomNumber(f64, f64),
}

impl Template {
    /// Reads a text. `{{count}}` counts from 1, `{{time}}` is in milliseconds since 1970, and
    /// `{{rand LOW HIGH}}` is a number between two others (an integer when both are).
    ///
    /// # Errors
    /// A place that is none of these.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(start) = rest.find("{{") {
            let inside = &rest[start + 2..];
            // `{"a":{"b":{{count}}}}` ends in braces of its own: the place ends at the first pair.
            let Some(end) = inside.find("}}") else { break };
            let part = place(inside[..end].trim())?;
            parts.push(Part::Text(rest[..start].to_owned()));
            parts.push(part);
            rest = &inside[end + 2..];
        }
        parts.push(Part::Text(rest.to_owned()));
        Ok(Self { parts })
    }

    /// The text of event number `count`.
    pub(crate) fn render(&self, count: u64) -> String {
        let mut rng = rand::rng();
        let parts = self.parts.iter().map(|part| match part {
            Part::Text(text) => text.clone(),
            Part::Count => count.to_string(),
            Part::Time => milliseconds_since_1970().to_string(),
            Part::RandomInteger(low, high) => rng.random_range(*low..=*high).to_string(),
            Part::RandomNumber(low, high) => format!("{:.3}", rng.random_range(*low..=*high)),
        });
        parts.collect()
    }
}

fn place(inside: &str) -> Result<Part, String> {
    let words: Vec<&str> = inside.split_whitespace().collect();
    match words[..] {
        ["count" | "Count"] => Ok(Part::Count),
        ["time"] => Ok(Part::Time),
        ["rand", low, high] => random(low, high),
        _ => Err(format!(
            "`{{{{{inside}}}}}` is none of {{{{count}}}}, {{{{time}}}}, {{{{rand LOW HIGH}}}}"
        )),
    }
}

fn random(low: &str, high: &str) -> Result<Part, String> {
    let refused = || format!("`rand {low} {high}`: give two numbers, the lower one first");
    if let (Ok(low), Ok(high)) = (low.parse::<i64>(), high.parse::<i64>()) {
        return if low <= high { Ok(Part::RandomInteger(low, high)) } else { Err(refused()) };
    }
    match (low.parse::<f64>(), high.parse::<f64>()) {
        (Ok(low), Ok(high)) if low <= high && (high - low).is_finite() => {
            Ok(Part::RandomNumber(low, high))
        }
        _ => Err(refused()),
    }
}

/// The wall clock: for people, never for measuring.
pub(crate) fn milliseconds_since_1970() -> u128 {
    SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_millis())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_filled_anew_each_time() {
        let template = Template::parse(r#"{"n":{{count}},"t":{{rand 18 25}}}"#).unwrap();
        for count in 1..50 {
            let json: serde_json::Value = serde_json::from_str(&template.render(count)).unwrap();
            assert_eq!(json["n"], count);
            assert!((18..=25).contains(&json["t"].as_i64().unwrap()), "{json}");
        }
    }

    #[test]
    fn numbers_with_a_point_stay_between_the_two() {
        let template = Template::parse("{{ rand 0.5 0.75 }}").unwrap();
        let number: f64 = template.render(1).parse().unwrap();
        assert!((0.5..=0.75).contains(&number));
    }

    #[test]
    fn plain_text_and_single_braces_stay() {
        let template = Template::parse(r#"{"a":{"b":{"c":1}}}"#).unwrap();
        assert_eq!(template.render(9), r#"{"a":{"b":{"c":1}}}"#);
        assert_eq!(Template::parse("open {{ only").unwrap().render(1), "open {{ only");
    }

    #[test]
    fn unknown_places_are_refused() {
        for text in ["{{uuid}}", "{{rand 5 1}}", "{{rand a b}}", "{{rand 1}}", "{{rand 0 inf}}"] {
            assert!(Template::parse(text).is_err(), "{text}");
        }
    }
}
