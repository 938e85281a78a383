//! The part that compares: cells, rounds and subjects, interleaved.

use std::fs;
use std::io::Write as _;

use anyhow::{Context as _, Result, ensure};

use crate::Args;
use crate::cell::{Cell, Comparison, Subject};
use crate::certs::Certs;
use crate::measure::Sample;
use crate::process::{Server, has_nats};
use crate::report::{self, Row, Setting};

/// Cores that others may keep busy before a round is worth repeating.
const QUIET_CORES: f64 = 0.1;
/// Rounds, seconds and upload of `--quick`.
const QUICK: (u32, f64, u32) = (2, 0.3, 512);

/// Measures what the flags ask for and prints the table.
pub(crate) fn run(args: &Args) -> Result<()> {
    ensure!(args.seconds > 0.0 && args.seconds <= 60.0, "--seconds is between 0 and 60");
    let (rounds, seconds, upload_mib) =
        if args.quick { QUICK } else { (args.rounds, args.seconds, args.upload_mib) };
    let setting = Setting { rounds, seconds, upload_mib, patience: args.patience };
    let comparison = if args.sessions { Comparison::Sessions } else { Comparison::Peers };
    // Made once, since server and driver are processes of their own.
    let certs = Certs::make()?;
    let (rows, with_nats) = crate::runtime(1)?.block_on(async {
        let with_nats = has_nats().await;
        let mut rows = Vec::new();
        for cell in cells(args, comparison) {
            let mut row = Row { comparison, cell, samples: Vec::new() };
            let subjects = subjects(args, comparison, cell, with_nats);
            measure_cell(&mut row, &subjects, &setting, &certs).await?;
            rows.push(row);
        }
        anyhow::Ok((rows, with_nats))
    })?;
    let table = report::markdown(comparison, &rows, &setting, with_nats);
    std::io::stdout().write_all(table.as_bytes())?;
    if let Some(path) = &args.markdown {
        fs::write(path, &table).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

/// The cells that the flags select.
fn cells(args: &Args, comparison: Comparison) -> Vec<Cell> {
    let mut cells = Vec::new();
    for &scenario in comparison.scenarios() {
        if !args.only.is_empty() && !args.only.contains(&scenario.family()) {
            continue;
        }
        let runtimes = scenario.runtimes().iter();
        let wanted = runtimes.filter(|rt| args.runtimes.is_empty() || args.runtimes.contains(rt));
        cells.extend(wanted.map(|&threads| Cell { scenario, threads }));
    }
    cells
}

/// The subjects of a cell that the flags select and this machine has.
fn subjects(args: &Args, comparison: Comparison, cell: Cell, with_nats: bool) -> Vec<Subject> {
    let wanted = comparison.subjects(cell.scenario).iter().copied();
    wanted
        .filter(|subject| args.subjects.is_empty() || args.subjects.contains(subject))
        .filter(|&subject| subject != Subject::Nats || with_nats)
        .collect()
}

/// All rounds of one cell: a, b, c, then b, c, a, so that nobody always follows the same neighbour.
async fn measure_cell(
    row: &mut Row,
    subjects: &[Subject],
    setting: &Setting,
    certs: &Certs,
) -> Result<()> {
    for round in 0..setting.rounds as usize {
        let mut best = measure_round(row.cell, round, subjects, setting, certs).await?;
        for _ in 0..setting.patience {
            if busiest(&best) <= QUIET_CORES {
                break;
            }
            let again = measure_round(row.cell, round, subjects, setting, certs).await?;
            // A whole round is replaced, never one subject's part of it: ratios stay inside a round.
            if again.len() >= best.len() && busiest(&again) < busiest(&best) {
                best = again;
            }
        }
        row.samples.extend(best.into_iter().map(|(subject, sample)| (round, subject, sample)));
    }
    Ok(())
}

/// One turn of every subject. A failed run leaves a gap.
async fn measure_round(
    cell: Cell,
    round: usize,
    subjects: &[Subject],
    setting: &Setting,
    certs: &Certs,
) -> Result<Vec<(Subject, Sample)>> {
    let mut samples = Vec::new();
    for turn in 0..subjects.len() {
        let subject = subjects[(round + turn) % subjects.len()];
        let sample = measure_once(cell, subject, setting, certs).await;
        tell(cell, round, subject, &sample)?;
        samples.extend(sample.ok().map(|sample| (subject, sample)));
    }
    Ok(samples)
}

/// The most that other processes did during one sample of a round.
fn busiest(round: &[(Subject, Sample)]) -> f64 {
    round.iter().map(|(_, sample)| sample.foreign_cores).fold(0.0, f64::max)
}

async fn measure_once(
    cell: Cell,
    subject: Subject,
    setting: &Setting,
    certs: &Certs,
) -> Result<Sample> {
    let server = Server::start(subject, cell.threads, certs.directory()).await?;
    server.drive(subject, cell, setting.seconds, setting.upload_mib).await
}

/// Progress, on standard error.
fn tell(cell: Cell, round: usize, subject: Subject, sample: &Result<Sample>) -> Result<()> {
    let mut out = std::io::stderr().lock();
    write!(out, "{cell:<16} round {:<2} {:<7}", round + 1, subject.key())?;
    match sample {
        Err(error) => writeln!(out, " failed: {error:#}")?,
        Ok(sample) => {
            write!(out, " {:>12.2}  {:>11.0}/s", sample.value, sample.rate)?;
            for (name, figure) in [
                ("p50", sample.p50_us),
                ("p99", sample.p99_us),
                ("idle p99", sample.idle_p99_us),
                ("MiB/s", sample.mib_per_s),
            ] {
                if let Some(figure) = figure {
                    write!(out, "  {name} {figure:.1}")?;
                }
            }
            let (cpu, foreign) = (sample.cpu_s_per_million, sample.foreign_cores);
            writeln!(out, "  cpu {cpu:.2} s/M  foreign {foreign:.2}")?;
        }
    }
    Ok(())
}
