//! Durations, counts, sizes and rates as people type them.

use std::time::Duration;

/// `250ms`, `5s`, `2m`, `1h`; a bare number is seconds.
///
/// # Errors
/// Anything else, or more than a century.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let refused = || format!("`{text}` is no duration: write 250ms, 5s, 2m or 1h");
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let number: f64 = digits.parse().map_err(|_| refused())?;
    let seconds = match &text[digits.len()..] {
        "us" => number / 1e6,
        "ms" => number / 1e3,
        "" | "s" => number,
        "m" => number * 60.0,
        "h" => number * 3600.0,
        _ => return Err(refused()),
    };
    const CENTURY_SECONDS: f64 = 3.2e9;
    if !(0.0..CENTURY_SECONDS).contains(&seconds) {
        return Err(refused());
    }
    Duration::try_from_secs_f64(seconds).map_err(|_| refused())
}

/// `100`, `100k`, `2M`: decimal multiples.
///
/// # Errors
/// Anything else.
pub(crate) fn count(text: &str) -> Result<u64, String> {
    scaled(text, 1000).ok_or_else(|| format!("`{text}` is no count: write 100, 100k or 2M"))
}

/// Bytes: `32`, `4k`, `1M`: binary multiples.
///
/// # Errors
/// Anything else.
pub(crate) fn size(text: &str) -> Result<usize, String> {
    let bytes = scaled(text, 1024).and_then(|bytes| usize::try_from(bytes).ok());
    bytes.ok_or_else(|| format!("`{text}` is no size: write 32, 4k or 1M"))
}

/// Events a second: `10`, `10/s`, `5k/s`, `0.5/s`.
///
/// # Errors
/// Anything else, or nothing a second.
pub(crate) fn rate(text: &str) -> Result<f64, String> {
    const PER_SECOND: std::ops::RangeInclusive<f64> = 1e-9..=1e9;
    let bare = text.strip_suffix("/s").unwrap_or(text);
    let (digits, factor) = match bare.strip_suffix('k') {
        Some(digits) => (digits, 1e3),
        None => (bare, 1.0),
    };
    let rate = digits.parse().map(|number: f64| number * factor).unwrap_or_default();
    // As the pause between two, it has to fit a duration.
    PER_SECOND
        .contains(&rate)
        .then_some(rate)
        .ok_or_else(|| format!("`{text}` is no rate: write 10/s or 5k/s"))
}

fn scaled(text: &str, step: u64) -> Option<u64> {
    let (digits, factor) = match text.as_bytes().last()? {
        b'k' | b'K' => (&text[..text.len() - 1], step),
        b'M' => (&text[..text.len() - 1], step * step),
        _ => (text, 1),
    };
    digits.parse::<u64>().ok()?.checked_mul(factor)
}

/// Returns after this time; never without one.
pub(crate) async fn after(time: Option<Duration>) {
    match time {
        Some(time) => tokio::time::sleep(time).await,
        None => std::future::pending().await,
    }
}

/// A short duration for reading: three digits, in the fitting unit.
pub(crate) fn show(duration: Duration) -> String {
    let micros = duration.as_secs_f64() * 1e6;
    match micros {
        ..1e3 => format!("{micros:.1} µs"),
        1e3..1e6 => format!("{:.2} ms", micros / 1e3),
        _ => format!("{:.2} s", micros / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(duration("1.5"), Ok(Duration::from_millis(1500)));
        assert_eq!(duration("2m"), Ok(Duration::from_secs(120)));
        for wrong in ["", "s", "5 s", "-1s", "5d", "1e300h", "NaN"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn counts_sizes_and_rates() {
        assert_eq!(count("100k"), Ok(100_000));
        assert_eq!(size("4k"), Ok(4096));
        assert_eq!(rate("5k/s"), Ok(5000.0));
        assert_eq!(rate("0.5"), Ok(0.5));
        for wrong in ["", "k", "-1", "1G", "99999999999999999999", "9999999999999999M"] {
            assert!(count(wrong).is_err() && size(wrong).is_err(), "{wrong}");
        }
        for wrong in ["0", "/s", "-5/s", "inf", "NaN", "1e99/s"] {
            assert!(rate(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn shown_in_the_fitting_unit() {
        assert_eq!(show(Duration::from_nanos(12_340)), "12.3 µs");
        assert_eq!(show(Duration::from_micros(4_500)), "4.50 ms");
        assert_eq!(show(Duration::from_millis(2_000)), "2.00 s");
    }
}
