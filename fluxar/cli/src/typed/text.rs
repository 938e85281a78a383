//! Durations and points in time as people write them.

use fluxar::{Timestamp, Value};

const MICROS_A_SECOND: i64 = 1_000_000;
const MICROS_A_DAY: i64 = 86_400 * MICROS_A_SECOND;

/// Units of durations, the longest first.
const UNITS: [(&str, i64); 6] = [
    ("d", MICROS_A_DAY),
    ("h", 3600 * MICROS_A_SECOND),
    ("m", 60 * MICROS_A_SECOND),
    ("s", MICROS_A_SECOND),
    ("ms", 1000),
    ("us", 1),
];

/// The microseconds of `250ms`, `1.5h`.
pub(super) fn parse_duration(text: &str) -> Option<i64> {
    let (digits, unit) = text.split_at(text.find(|c: char| c.is_ascii_alphabetic())?);
    let (_, length) = UNITS.into_iter().find(|(name, _)| *name == unit)?;
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    const FRACTION_DIGITS_MAX: usize = 18;
    if !is_number(whole) || !is_number(fraction) || fraction.len() > FRACTION_DIGITS_MAX {
        return None;
    }
    let whole = whole.parse::<i64>().ok()?.checked_mul(length)?;
    let scale = 10_i128.pow(u32::try_from(fraction.len()).ok()?);
    let part = i128::from(length).checked_mul(fraction.parse().ok()?)? / scale;
    whole.checked_add(i64::try_from(part).ok()?)
}

/// A duration in the longest unit that says it exactly.
pub(super) fn show_duration(micros: i64) -> String {
    let unit = UNITS.into_iter().find(|(_, length)| micros != 0 && micros % length == 0);
    match unit {
        Some((name, length)) => format!("{}{name}", micros / length),
        None => "0s".to_owned(),
    }
}

/// The microseconds of a text of RFC 3339, which the runtime reads.
pub(super) fn parse_timestamp(text: &str) -> Option<i64> {
    let tagged = Value::Tag(0, Box::new(Value::from(text)));
    tagged.to::<Timestamp>().ok().map(Timestamp::as_micros)
}

/// RFC 3339 in UTC, with as many digits as there are; nothing beyond its years.
pub(super) fn show_timestamp(micros: i64) -> Option<String> {
    let (year, month, day) = civil(micros.div_euclid(MICROS_A_DAY));
    if !(0..=9999).contains(&year) {
        return None;
    }
    let of_day = micros.rem_euclid(MICROS_A_DAY);
    let (seconds, fraction) = (of_day / MICROS_A_SECOND, of_day % MICROS_A_SECOND);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let fraction = match fraction {
        0 => String::new(),
        micros => format!(".{}", format!("{micros:06}").trim_end_matches('0')),
    };
    Some(format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}Z"))
}

/// The date of the Gregorian calendar so many days after 1970-01-01.
fn civil(days: i64) -> (i64, i64, i64) {
    // Years begin in March, so that the leap day is the last of its year; 400 years repeat.
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let leaps = day_of_era / 1460 - day_of_era / 36_524 + day_of_era / 146_096;
    let year_of_era = (day_of_era - leaps) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_come_back() {
        for (text, micros) in [
            ("0s", 0),
            ("1us", 1),
            ("1500ms", 1_500_000),
            ("90s", 90_000_000),
            ("2h", 7_200_000_000),
            ("1d", 86_400_000_000),
        ] {
            assert_eq!(parse_duration(text), Some(micros), "{text}");
            assert_eq!(show_duration(micros), text);
        }
        assert_eq!(parse_duration("1.5h"), Some(5_400_000_000));
        assert_eq!(parse_duration("0.25ms"), Some(250));
        for wrong in ["", "5", "s", "-1s", "1 s", "1.s", ".5s", "5y", "99999999999999999d"] {
            assert_eq!(parse_duration(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn points_in_time_come_back() {
        for text in [
            "1970-01-01T00:00:00Z",
            "1969-12-31T23:59:59.999999Z",
            "2000-02-29T12:00:00.25Z",
            "2100-03-01T00:00:00Z",
            "0001-01-01T00:00:00Z",
            "9999-12-31T23:59:59Z",
        ] {
            let micros = parse_timestamp(text).unwrap();
            assert_eq!(show_timestamp(micros).as_deref(), Some(text));
        }
        assert_eq!(parse_timestamp("2000-02-29T12:00:00+01:00"), Some(951_822_000_000_000));
        assert_eq!(show_timestamp(i64::MAX), None);
        assert_eq!(parse_timestamp("yesterday"), None);
    }
}
