//! Reports as text in the manner of rustc, and as JSON.

use super::{Place, Report, Reports};
use std::fmt::Write as _;

/// A long line is cut around the place.
const COLUMNS_MAX: usize = 160;

/// All reports as text, a snippet each, and a last line that counts them.
#[must_use]
pub fn render(reports: &Reports) -> String {
    let mut text = String::new();
    for report in &reports.list {
        let _ = writeln!(
            text,
            "{}[{}]: {}",
            report.rule.severity.name(),
            report.rule.id,
            one_line(&report.message)
        );
        if let Some(place) = report.place {
            snippet(&mut text, reports, place, "^", "");
        }
        if let Some((place, why)) = &report.related {
            snippet(&mut text, reports, *place, "-", why);
        }
        let _ = writeln!(text, "  = help: {}\n", one_line(&report.fix));
    }
    if reports.dropped > 0 {
        let _ = writeln!(text, "and {} more", reports.dropped);
    }
    text
}

/// Names in messages come from files: control characters do not reach a terminal.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// A line of a source and where in it a place starts and ends, in characters from 0.
struct Line {
    number: usize,
    text: String,
    start: usize,
    end: usize,
}

fn line_of(source: &str, place: Place) -> Line {
    let mut at = (place.span.start as usize).min(source.len());
    while !source.is_char_boundary(at) {
        at -= 1;
    }
    let before = &source[..at];
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let line_end = source[at..].find('\n').map_or(source.len(), |len| at + len);
    let mut end = (place.span.end as usize).clamp(at, line_end);
    while !source.is_char_boundary(end) {
        end -= 1;
    }
    Line {
        number: before.matches('\n').count() + 1,
        text: source[line_start..line_end].trim_end_matches('\r').to_owned(),
        start: source[line_start..at].chars().count(),
        end: source[line_start..end.max(at)].chars().count(),
    }
}

fn snippet(text: &mut String, reports: &Reports, place: Place, mark: &str, why: &str) {
    let Some(source) = reports.sources.get(place.source) else { return };
    let line = line_of(&source.text, place);
    let from = line.start.saturating_sub(COLUMNS_MAX / 2);
    let shown: String = line.text.chars().skip(from).take(COLUMNS_MAX).collect();
    // A tab is as wide as a space here, so that the marks stand under their text.
    let shown = one_line(&shown);
    let width = line.end.saturating_sub(line.start).clamp(1, COLUMNS_MAX / 2);
    let number = line.number.to_string();
    let margin = " ".repeat(number.len());
    let marks = format!("{}{}", " ".repeat(line.start - from), mark.repeat(width));
    let column = line.start + 1;
    let _ = writeln!(text, "{margin}--> {}:{number}:{column}", one_line(&source.name));
    let _ = writeln!(text, "{margin} |\n{number} | {}", shown.trim_end());
    let _ = writeln!(text, "{}", format!("{margin} | {marks} {why}").trim_end());
}

/// All reports as a JSON array, for editors and other tools. Lines and columns count from 1,
/// columns in characters.
#[must_use]
pub fn json(reports: &Reports) -> String {
    let items: Vec<String> = reports.list.iter().map(|report| object(reports, report)).collect();
    format!("[{}]", items.join(","))
}

fn object(reports: &Reports, report: &Report) -> String {
    let mut entries = vec![
        format!("\"rule\":{}", escaped(report.rule.id)),
        format!("\"severity\":{}", escaped(report.rule.severity.name())),
        format!("\"message\":{}", escaped(&report.message)),
        format!("\"fix\":{}", escaped(&report.fix)),
    ];
    if let Some(place) = report.place {
        entries.push(where_is(reports, place));
    }
    if let Some((place, why)) = &report.related {
        let about = format!("\"message\":{},{}", escaped(why), where_is(reports, *place));
        entries.push(format!("\"related\":{{{about}}}"));
    }
    format!("{{{}}}", entries.join(","))
}

fn where_is(reports: &Reports, place: Place) -> String {
    let Some(source) = reports.sources.get(place.source) else { return "\"file\":null".to_owned() };
    let line = line_of(&source.text, place);
    format!(
        "\"file\":{},\"line\":{},\"column\":{},\"start\":{},\"end\":{}",
        escaped(&source.name),
        line.number,
        line.start + 1,
        place.span.start,
        place.span.end
    )
}

fn escaped(text: &str) -> String {
    let mut json = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            c if c.is_control() => {
                let _ = write!(json, "\\u{:04x}", u32::from(c));
            }
            c => json.push(c),
        }
    }
    json.push('"');
    json
}
