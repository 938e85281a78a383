//! Texts that match a pattern of the kind that contracts may have (`[IDL.pattern.1]`), written out
//! as the model has it.

use super::Rng;
use std::iter::Peekable;
use std::str::Chars;

/// Where what repeats ends, unless it must go on.
const REPEAT_MORE: usize = 4;
/// The longest text that is made: repetitions in repetitions make longer ones.
const LENGTH_MAX: usize = 4096;
/// What a class that says what it is not is tried with.
const OTHERS: &str = "aZ0 _-äé.,;:/\"";

/// A text that matches; cut short where repetitions multiply.
pub(super) fn text(pattern: &str, rng: &mut Rng) -> String {
    let mut made = alternatives(&mut pattern.chars().peekable(), rng);
    if made.len() > LENGTH_MAX {
        made.clear();
    }
    made
}

type Rest<'p> = Peekable<Chars<'p>>;

fn alternatives(rest: &mut Rest<'_>, rng: &mut Rng) -> String {
    let mut all = vec![sequence(rest, rng)];
    while rest.next_if_eq(&'|').is_some() {
        all.push(sequence(rest, rng));
    }
    all.swap_remove(rng.below(all.len()))
}

fn sequence(rest: &mut Rest<'_>, rng: &mut Rng) -> String {
    let mut made = String::new();
    while rest.peek().is_some_and(|c| !matches!(c, '|' | ')')) {
        let start = rest.clone();
        let first = atom(rest, rng);
        let (least, most) = repetition(rest);
        let count = least + rng.below(most - least + 1);
        for at in 0..count {
            let piece = if at == 0 { first.clone() } else { atom(&mut start.clone(), rng) };
            made.push_str(&piece);
            if made.len() > LENGTH_MAX {
                break;
            }
        }
    }
    made
}

fn atom(rest: &mut Rest<'_>, rng: &mut Rng) -> String {
    match rest.next() {
        Some('(') => {
            // `?:`
            rest.next();
            rest.next();
            let made = alternatives(rest, rng);
            rest.next();
            made
        }
        Some('[') => class(rest, rng).to_string(),
        Some('\\') => escaped(rest.next()).to_string(),
        Some(c) => c.to_string(),
        None => String::new(),
    }
}

fn escaped(c: Option<char>) -> char {
    match c {
        Some('n') => '\n',
        Some('r') => '\r',
        Some('t') => '\t',
        other => other.unwrap_or('\\'),
    }
}

fn class(rest: &mut Rest<'_>, rng: &mut Rng) -> char {
    let is_negated = rest.next_if_eq(&'^').is_some();
    let mut members: Vec<char> = Vec::new();
    while let Some(c) = rest.next().filter(|c| *c != ']') {
        if c == '-'
            && let (Some(start), Some(end)) = (members.last().copied(), rest.next())
        {
            members.extend(start..=end);
            continue;
        }
        members.push(if c == '\\' { escaped(rest.next()) } else { c });
    }
    if is_negated {
        members = OTHERS.chars().filter(|c| !members.contains(c)).collect();
    }
    if members.is_empty() { '?' } else { *rng.pick(&members) }
}

fn repetition(rest: &mut Rest<'_>) -> (usize, usize) {
    let bounds = match rest.peek() {
        Some('*') => (0, REPEAT_MORE),
        Some('+') => (1, 1 + REPEAT_MORE),
        Some('?') => (0, 1),
        Some('{') => (0, 0),
        _ => return (1, 1),
    };
    if rest.next() != Some('{') {
        return bounds;
    }
    let mut inside = String::new();
    while let Some(c) = rest.next_if(|c| *c != '}') {
        inside.push(c);
    }
    rest.next();
    let (least, most) = inside.split_once(',').unwrap_or((&inside, &inside));
    let least: usize = least.parse().unwrap_or(0);
    let most: usize = most.parse().unwrap_or(least + REPEAT_MORE);
    (least, most.clamp(least, least + REPEAT_MORE))
}

#[cfg(test)]
mod tests {
    use super::text;
    use crate::sample::Rng;

    #[test]
    fn what_is_made_matches() {
        let patterns = [
            "[a-z]+",
            "[0-9]{3}-[A-Za-z0-9_]*",
            r"[0-9\-_]|(?:x|y)?",
            r"#a\/b-",
            r"a[^\n\r]b",
            "é{2,}",
            "",
            r"(?:ab|[^a-z0-9]{1,3})+\.",
            "[A-Z]{2}[0-9]{4,6}(?:-[a-f0-9]{2}){0,2}",
        ];
        for pattern in patterns {
            let whole = regex_lite::Regex::new(&format!("^(?:{pattern})$")).unwrap();
            for seed in 0..200 {
                let made = text(pattern, &mut Rng(seed));
                assert!(whole.is_match(&made), "{pattern} {made:?}");
            }
        }
    }
}
