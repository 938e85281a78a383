//! `fluxar idl`: contract files formatted, checked, compared and pulled.

mod diff;
mod pull;
mod run;

use crate::contracts;
use crate::failure::{Exit, Failure};
use crate::terminal;
use fluxar_codegen::check::{self, Loaded};
use fluxar_codegen::report::{self, Reports, Severity};
use fluxar_codegen::syntax;
use std::fs;
use std::path::PathBuf;

/// Format, check, lint and compare contract files, and pull them from running peers
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Verb {
    Fmt(Fmt),
    Check(Check),
    Lint(Lint),
    Diff(diff::Args),
    Pull(pull::Args),
}

/// Format contract files in place, and print the paths of those that change
///
/// Examples:
///   fluxar idl fmt idl/
///   fluxar idl fmt --ids idl/shop.fluxar     also number the fields that have no number
///   fluxar idl fmt --check idl/              change nothing, exit 1 when something would change
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Fmt {
    /// Contract files, and directories of them
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Write nothing; fail when a file would change
    #[arg(long)]
    check: bool,
    /// Give the next free number to each field, member and variant without one
    #[arg(long)]
    ids: bool,
}

/// Check contract files: grammar, names, types, numbers and imports
///
/// Examples:
///   fluxar idl check idl/
///   fluxar idl check shop.fluxar --root idl --json
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Check {
    #[command(flatten)]
    files: Files,
    /// Write what is wrong as a JSON array to standard output
    #[arg(long)]
    json: bool,
}

/// Check contract files and warn of what will hurt later
///
/// Warnings alone do not fail.
///
/// Examples:
///   fluxar idl lint idl/
///   fluxar idl lint shop.fluxar --json
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Lint {
    #[command(flatten)]
    files: Files,
    /// Write what is wrong as a JSON array to standard output
    #[arg(long)]
    json: bool,
}

/// Contract files, and where their imports are.
#[derive(Debug, clap::Args)]
pub(crate) struct Files {
    /// Contract files, and directories of them
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Directory of what they import, may be repeated; by default where each file is, or the directory given
    #[arg(long, value_name = "DIRECTORY")]
    root: Vec<PathBuf>,
}

impl Files {
    /// Reads them with one of the loaders.
    ///
    /// # Errors
    /// A directory cannot be read, or has no contracts.
    pub(crate) fn load(
        &self,
        load: fn(&[PathBuf], &[PathBuf]) -> Loaded,
    ) -> Result<Loaded, Failure> {
        let (mut roots, mut files) = (self.root.clone(), Vec::new());
        for path in &self.files {
            let (root, found) = contracts::files_at(path)?;
            files.extend(found);
            if self.root.is_empty() && !roots.contains(&root) {
                roots.push(root);
            }
        }
        Ok(load(&roots, &files))
    }
}

/// Does it.
///
/// # Errors
/// A contract is wrong, not formatted or breaks another; a file cannot be read or written; or a
/// peer does not describe itself.
pub(crate) async fn run(verb: Verb) -> Result<(), Failure> {
    match verb {
        Verb::Fmt(args) => fmt(&args),
        Verb::Check(args) => told(&args.files.load(check::load)?.reports, args.json),
        Verb::Lint(args) => told(&args.files.load(check::lint)?.reports, args.json),
        Verb::Diff(args) => diff::run(&args).await,
        Verb::Pull(args) => pull::run(args).await,
    }
}

/// Tells the person what is wrong.
///
/// # Errors
/// Something is, and not only worth a warning.
pub(crate) fn tell(reports: &Reports) -> Result<(), Failure> {
    if !reports.list.is_empty() {
        terminal::talk(report::render(reports).trim_end());
    }
    verdict(reports)
}

fn told(reports: &Reports, as_json: bool) -> Result<(), Failure> {
    if !as_json {
        return tell(reports);
    }
    terminal::data_line(report::json(reports))?;
    verdict(reports)
}

fn verdict(reports: &Reports) -> Result<(), Failure> {
    let errors = reports.list.iter().filter(|report| report.rule.severity == Severity::Error);
    match errors.count() {
        0 => Ok(()),
        1 => Err(wrong("1 error in the contracts", "correct it as the report says")),
        n => Err(wrong(&format!("{n} errors in the contracts"), "correct them as reported")),
    }
}

fn wrong(cause: &str, next: &str) -> Failure {
    Failure::new(Exit::Failed, "contract", cause, next)
}

fn fmt(args: &Fmt) -> Result<(), Failure> {
    let (mut changes, mut broken) = (0, Ok(()));
    let mut files = Vec::new();
    for path in &args.files {
        files.extend(contracts::files_at(path)?.1);
    }
    for path in &files {
        let failed = |what: &str, error: &std::io::Error| {
            let cause = format_args!("cannot {what} {}: {error}", path.display());
            Failure::local(
                cause,
                "name a contract file that exists and that you may read and write",
            )
        };
        let text = fs::read_to_string(path).map_err(|error| failed("read", &error))?;
        let formatted = if args.ids { syntax::assign_ids(&text) } else { syntax::format(&text) };
        let formatted = match formatted {
            Ok(formatted) => formatted,
            Err(mut reports) => {
                for source in &mut reports.sources {
                    source.name = path.display().to_string();
                }
                broken = tell(&reports);
                continue;
            }
        };
        if formatted == text {
            continue;
        }
        changes += 1;
        if !args.check {
            fs::write(path, formatted).map_err(|error| failed("write", &error))?;
        }
        terminal::data_line(path.display())?;
    }
    broken?;
    if args.check && changes > 0 {
        let cause = format!("{changes} of {} files are not formatted", files.len());
        return Err(wrong(&cause, "run the same without --check"));
    }
    Ok(())
}
