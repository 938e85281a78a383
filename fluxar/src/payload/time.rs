//! RFC 3339, as far as the tag 0 needs it.

/// Microseconds since the epoch of `2026-11-24T08:30:00.25Z`, with any offset.
pub(super) fn parse(text: &str) -> Option<i64> {
    let number = |from: usize, to: usize| -> Option<i64> {
        let digits = text.get(from..to)?;
        digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok())?
    };
    let at =
        |index: usize, wanted: &[u8]| text.as_bytes().get(index).filter(|b| wanted.contains(b));
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    for (index, wanted) in [(4, "-"), (7, "-"), (10, "Tt "), (13, ":"), (16, ":")] {
        at(index, wanted.as_bytes())?;
    }
    let is_time = (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && hour < 24
        && minute < 60
        && second <= 60;
    if !is_time {
        return None;
    }
    let rest = text.get(19..)?;
    let (fraction, zone) = match rest.strip_prefix('.') {
        Some(rest) => rest.split_at(rest.find(|c: char| !c.is_ascii_digit())?),
        None => ("", rest),
    };
    let micros = format!("{fraction:0<6}").get(..6)?.parse::<i64>().ok()?;
    let offset = match zone {
        "Z" | "z" => 0,
        _ => {
            let (hours, minutes) = zone.get(1..)?.split_once(':')?;
            let minutes = hours.parse::<i64>().ok()? * 60 + minutes.parse::<i64>().ok()?;
            match zone.as_bytes().first()? {
                b'+' => minutes,
                b'-' => -minutes,
                _ => return None,
            }
        }
    };
    let minutes = days(year, month, day) * 1440 + hour * 60 + minute - offset;
    Some((minutes * 60 + second) * 1_000_000 + micros)
}

/// Days from the epoch to a date of the Gregorian calendar.
fn days(year: i64, month: i64, day: i64) -> i64 {
    // Years begin in March, so that the leap day is the last of its year.
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn times_of_rfc_3339_are_microseconds() {
        assert_eq!(parse("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(parse("2000-02-29T12:00:00.25+01:00"), Some(951_822_000_250_000));
        assert_eq!(parse("1969-12-31T23:59:59.999999Z"), Some(-1));
        for wrong in ["", "2000-13-01T00:00:00Z", "2000-01-01T00:00:00", "2000-01-01T00:00:00.5"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
