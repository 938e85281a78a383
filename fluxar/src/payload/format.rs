//! The forms of text that contracts name, `[IDL.format.1]`.

use std::net::{Ipv4Addr, Ipv6Addr};

/// True when the text has the form; a form that nobody knows fits nothing.
pub(super) fn fits(format: &str, text: &str) -> bool {
    match format {
        "email" => is_email(text),
        "hostname" => is_hostname(text),
        "ipv4" => text.parse::<Ipv4Addr>().is_ok(),
        "ipv6" => text.parse::<Ipv6Addr>().is_ok(),
        "date" => is_date(text),
        _ => false,
    }
}

/// `local@domain`: something without spaces before the one `@`, and a host name after it.
fn is_email(text: &str) -> bool {
    const LOCAL_BYTES_MAX: usize = 64;
    let Some((local, domain)) = text.split_once('@') else { return false };
    let is_local = |c: char| c.is_ascii_alphanumeric() || ".!#$%&'*+/=?^_`{|}~-".contains(c);
    (1..=LOCAL_BYTES_MAX).contains(&local.len())
        && local.chars().all(is_local)
        && is_hostname(domain)
}

/// Labels of letters, digits and inner hyphens, joined by dots.
fn is_hostname(text: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    text.len() <= 253 && text.split('.').all(is_label)
}

/// `2026-11-24`: a day of the Gregorian calendar.
fn is_date(text: &str) -> bool {
    let is_shaped = text.len() == 10
        && text.bytes().enumerate().all(|(index, byte)| match index {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    let number = |from: usize, to: usize| text.get(from..to).and_then(|t| t.parse::<u32>().ok());
    let (Some(year), Some(month), Some(day)) = (number(0, 4), number(5, 7), number(8, 10)) else {
        return false;
    };
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        2 => 28 + u32::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    is_shaped && (1..=days).contains(&day)
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn forms_are_told_from_what_looks_like_them() {
        for (format, good, bad) in [
            ("email", "a.b+c@x.example", "a b@x"),
            ("email", "a@b", "a@b@c"),
            ("hostname", "a-b.example", "-a.example"),
            ("ipv4", "192.0.2.1", "192.0.2.256"),
            ("ipv6", "2001:db8::1", "2001:db8"),
            ("date", "2024-02-29", "2023-02-29"),
            ("date", "2026-11-24", "2026-1-24"),
        ] {
            assert!(fits(format, good), "{format} {good}");
            assert!(!fits(format, bad), "{format} {bad}");
        }
        assert!(!fits("colour", "red"));
    }
}
