//! The table: medians, ratios taken inside a round, and the floors beside them.

use std::fmt::Write as _;

use crate::cell::{Cell, Comparison, Scenario, Subject};
use crate::floor::floor;
use crate::machine;
use crate::measure::Sample;

/// Cores kept busy by others from which the table says that it is not to be trusted.
const BUSY_CORES: f64 = 0.2;

/// How it was measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setting {
    /// Rounds a cell.
    pub(crate) rounds: u32,
    /// Length of one measurement.
    pub(crate) seconds: f64,
    /// Size of the upload, MiB.
    pub(crate) upload_mib: u32,
    /// How often a round is repeated since others were busy.
    pub(crate) patience: u32,
}

/// All samples of one cell: round, subject, figures.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    /// The table that it is in.
    pub(crate) comparison: Comparison,
    /// The cell.
    pub(crate) cell: Cell,
    /// What was measured, in the order of measuring.
    pub(crate) samples: Vec<(usize, Subject, Sample)>,
}

impl Row {
    fn of(&self, subject: Subject) -> impl Iterator<Item = &Sample> {
        self.samples.iter().filter(move |(_, who, _)| *who == subject).map(|(_, _, sample)| sample)
    }

    fn median_of(&self, subject: Subject, figure: impl Fn(&Sample) -> Option<f64>) -> Option<f64> {
        median(self.of(subject).filter_map(figure).collect())
    }

    /// What is compared, one ratio for every round in which all that it takes have a figure:
    /// fluxar : other beside other libraries, variant : plain session else. Of TLS that is taken
    /// as a part of what the raw echo has left.
    fn ratios(&self, subject: Subject) -> Vec<f64> {
        use Subject::{Fluxar, Raw, RawTls, Tls};
        let rounds = self.samples.iter().filter(|(_, who, _)| *who == subject);
        rounds
            .filter_map(|&(round, ..)| {
                let value = |subject| {
                    let found =
                        self.samples.iter().find(|(r, who, _)| (*r, *who) == (round, subject));
                    found.map(|(_, _, sample)| sample.value)
                };
                let over = |a, b| Some(value(a)? / value(b)?);
                match (self.comparison, subject) {
                    (_, Fluxar) | (Comparison::Sessions, Raw) => None,
                    (Comparison::Peers, other) => over(Fluxar, other),
                    (Comparison::Sessions, RawTls) => over(RawTls, Raw),
                    (Comparison::Sessions, Tls) if value(Raw).is_some() => {
                        Some(over(Tls, Fluxar)? / over(RawTls, Raw)?)
                    }
                    (Comparison::Sessions, variant) => over(variant, Fluxar),
                }
            })
            .collect()
    }
}

/// The middle value; of an even number, the mean of the two in the middle.
fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_unstable_by(f64::total_cmp);
    let (low, high) = (values.len().checked_sub(1)? / 2, values.len() / 2);
    Some(f64::midpoint(values[low], values[high]))
}

/// The whole report.
pub(crate) fn markdown(
    comparison: Comparison,
    rows: &[Row],
    setting: &Setting,
    with_nats: bool,
) -> String {
    let columns = comparison.columns();
    let mut text = String::from("| scenario | rt |");
    for subject in columns {
        text += &format!(" {} |", subject.title());
    }
    text += "\n|---|---|";
    text += &"---|".repeat(columns.len());
    text.push('\n');
    let mut verdicts = Verdicts::default();
    for row in rows {
        let title = row.cell.scenario.title();
        let _ = write!(text, "| {title} | {} |", row.cell.threads.key());
        for subject in columns {
            let _ = write!(text, " {} |", entry(row, *subject, &mut verdicts));
        }
        text.push('\n');
    }
    text + &footnotes(comparison, rows, setting, with_nats, &verdicts)
}

/// Floors kept and missed.
#[derive(Debug, Default)]
struct Verdicts {
    met: usize,
    missed: Vec<String>,
}

/// One cell of the table: the figure, then the ratio with its floor and verdict.
fn entry(row: &Row, subject: Subject, verdicts: &mut Verdicts) -> String {
    let Some(value) = row.median_of(subject, |sample| Some(sample.value)) else {
        return "–".into();
    };
    let mut text = figure(row, subject, value);
    let ratio = median(row.ratios(subject));
    if let Some(ratio) = ratio {
        let _ = write!(text, " · {}×", short(ratio));
    }
    // These are bounded by themselves.
    let is_absolute = matches!(row.cell.scenario, Scenario::Idle | Scenario::Relink);
    let ratio = ratio.filter(|_| !is_absolute).unwrap_or(value);
    if let Some(bound) = floor(row.comparison, row.cell, subject) {
        let bound_title = bound.title();
        if bound.holds(ratio) {
            verdicts.met += 1;
            let _ = write!(text, " ({bound_title} met)");
        } else {
            let _ = write!(text, " (**{bound_title} NOT met**)");
            let cell = row.cell;
            verdicts.missed.push(format!(
                "{cell}, {}: {} instead of {bound_title}",
                subject.title(),
                short(ratio)
            ));
        }
    }
    text
}

/// The absolute figure of one subject.
fn figure(row: &Row, subject: Subject, value: f64) -> String {
    let median = |figure: fn(&Sample) -> Option<f64>| row.median_of(subject, figure);
    match row.cell.scenario {
        Scenario::Latency => {
            let rate = median(|sample| Some(sample.rate)).unwrap_or_default();
            format!("{value:.1} µs, {}/s", scaled(rate))
        }
        Scenario::Bulk => {
            format!("{} MiB/s", scaled(median(|sample| sample.mib_per_s).unwrap_or_default()))
        }
        Scenario::Upload => format!(
            "{}× idle ({:.0} → {:.0} µs at {} MiB/s)",
            short(value),
            median(|sample| sample.idle_p99_us).unwrap_or_default(),
            median(|sample| sample.p99_us).unwrap_or_default(),
            scaled(median(|sample| sample.mib_per_s).unwrap_or_default()),
        ),
        Scenario::Idle => format!("{value:.1} KiB"),
        Scenario::Relink => format!(
            "{value:.2} ms (p99 {:.2} ms)",
            median(|sample| sample.p99_us).unwrap_or_default() / 1e3
        ),
        // A fan-out counts every delivery, whichever subscriber it went to.
        Scenario::Unary(_) | Scenario::Stream(_) | Scenario::Fanout(_) => {
            format!("{}/s", scaled(value))
        }
    }
}

/// What the reader must know to believe the table.
fn footnotes(
    comparison: Comparison,
    rows: &[Row],
    setting: &Setting,
    with_nats: bool,
    verdicts: &Verdicts,
) -> String {
    let mut text = format!("\nMachine: {}. ", machine::describe());
    let _ = write!(
        text,
        "Server and driver are processes of their own on this one machine, connected by TCP over \
         the loopback interface without delay; `ct` is a current-thread runtime on each side, `mt` \
         one of two threads. Medians of {} rounds of {} s, the subjects taking turns inside a \
         round; a ratio is taken inside a round, then the median. ",
        setting.rounds, setting.seconds
    );
    text += match comparison {
        Comparison::Peers => {
            "It is fluxar : other. A stream of fluxar has byte credit, a call a deadline and a typed \
             service on both sides; tarpc and tonic carry a deadline as well."
        }
        Comparison::Sessions => {
            "It is column : fluxar, of the raw echo TLS : plain, and of TLS the part of what the raw \
             echo has left; latencies are better when small. Sealed is Noise XX with AES-256-GCM; \
             TLS is 1.3 by rustls."
        }
    };
    if comparison == Comparison::Peers {
        let _ = write!(text, " The upload is {} MiB.", setting.upload_mib);
    }
    if !with_nats && comparison == Comparison::Peers {
        text += " `nats-server` is not installed here, so its column is empty.";
    }
    let foreign: Vec<f64> =
        rows.iter().flat_map(|row| &row.samples).map(|(_, _, s)| s.foreign_cores).collect();
    let worst = foreign.iter().copied().fold(0.0, f64::max);
    let usual = median(foreign).unwrap_or_default();
    let _ =
        write!(text, " Other processes kept {usual:.2} cores busy (median; {worst:.2} at worst).");
    if usual > BUSY_CORES {
        text += " **A busy machine**: with both sides pressed onto one core nobody waits for the other \
                 to wake, which favours the raw echo most; measure again when it is quiet.";
    }
    text.push('\n');
    let asked: usize = rows.iter().map(|row| row.samples.len()).sum();
    let _ = write!(text, "\nRuns that gave a figure: {asked}. ");
    let all = verdicts.met + verdicts.missed.len();
    if all > 0 {
        let _ = write!(text, "Floors met: {} of {all}.", verdicts.met);
    }
    text.push('\n');
    for missed in &verdicts.missed {
        let _ = writeln!(text, "* NOT met: {missed}");
    }
    text
}

/// A large number with a unit, three figures.
fn scaled(value: f64) -> String {
    match value {
        1e6.. => format!("{}M", short(value / 1e6)),
        1e4.. => format!("{:.0}k", value / 1e3),
        1e3.. => format!("{:.1}k", value / 1e3),
        _ => format!("{value:.0}"),
    }
}

/// A ratio, three figures at most.
fn short(value: f64) -> String {
    match value {
        100.0.. => format!("{value:.0}"),
        10.0.. => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cell::Threads;

    fn row(scenario: Scenario, values: &[(usize, Subject, f64)]) -> Row {
        let sample = |value| Sample { value, rate: value, ..Sample::default() };
        let samples = values.iter().map(|&(r, who, value)| (r, who, sample(value))).collect();
        let cell = Cell { scenario, threads: Threads::Ct };
        Row { comparison: Comparison::Peers, cell, samples }
    }

    #[test]
    fn a_ratio_is_taken_inside_a_round_before_the_median() {
        let row = row(
            Scenario::Unary(64),
            &[
                (0, Subject::Fluxar, 300.0),
                (0, Subject::Tarpc, 100.0),
                (1, Subject::Tarpc, 1000.0),
                (1, Subject::Fluxar, 2000.0),
                (2, Subject::Fluxar, 400.0),
                (2, Subject::Tarpc, 100.0),
            ],
        );
        assert_eq!(median(row.ratios(Subject::Tarpc)), Some(3.0));
        let mut verdicts = Verdicts::default();
        assert_eq!(entry(&row, Subject::Tarpc, &mut verdicts), "100/s · 3.00× (≥ 2.5 met)");
        assert_eq!(verdicts.met, 1);
    }

    #[test]
    fn a_missed_floor_is_named() {
        let row =
            row(Scenario::Unary(64), &[(0, Subject::Fluxar, 20e3), (0, Subject::Tarpc, 10e3)]);
        let text = markdown(
            Comparison::Peers,
            &[row],
            &Setting { rounds: 1, seconds: 1.0, upload_mib: 1, patience: 0 },
            false,
        );
        assert!(text.contains("10k/s · 2.00× (**≥ 2.5 NOT met**)"), "{text}");
        assert!(text.contains("* NOT met: unary-64-ct, tarpc 0.38: 2.00"), "{text}");
    }

    #[test]
    fn tls_is_judged_by_what_the_raw_echo_has_left() {
        let figures = [
            (0, Subject::Fluxar, 100.0),
            (0, Subject::Tls, 60.0),
            (0, Subject::Raw, 400.0),
            (0, Subject::RawTls, 200.0),
            (0, Subject::Sealed, 80.0),
        ];
        let row = Row { comparison: Comparison::Sessions, ..row(Scenario::Unary(64), &figures) };
        let mut verdicts = Verdicts::default();
        assert_eq!(entry(&row, Subject::Tls, &mut verdicts), "60/s · 1.20× (≥ 0.9 met)");
        assert_eq!(entry(&row, Subject::RawTls, &mut verdicts), "200/s · 0.50×");
        assert_eq!(entry(&row, Subject::Sealed, &mut verdicts), "80/s · 0.80× (≥ 0.7 met)");
        assert_eq!(entry(&row, Subject::Raw, &mut verdicts), "400/s");
    }

    #[test]
    fn the_median_of_an_even_number_lies_between() {
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median(Vec::new()), None);
    }
}
