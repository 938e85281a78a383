//! `fluxar idl`: contract files formatted, checked and compared.

use crate::failure::{Exit, Failure};
use crate::terminal::{self, Format};
use fluxar_codegen::check::{self, Loaded};
use fluxar_codegen::evolve::{self, Finding, Report};
use fluxar_codegen::report::{self, Reports, Severity};
use fluxar_codegen::{model::Model, syntax};
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};

/// Format, check, lint and compare contract files
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Verb {
    Fmt(Fmt),
    Check(Check),
    Lint(Lint),
    Diff(Diff),
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

/// Compare two versions of a contract: what breaks, for whom, and what to deploy first
///
/// Exits with 1 when something breaks.
///
/// Examples:
///   fluxar idl diff old/shop.fluxar idl/shop.fluxar
///   fluxar idl diff old/shop.fluxar idl/shop.fluxar -o json
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Diff {
    /// Contract file of what is deployed
    old: PathBuf,
    /// Contract file of what will be
    new: PathBuf,
    /// Text for reading, or one JSON value; by default what fits the output
    #[arg(short, long, value_name = "FORMAT")]
    output: Option<Format>,
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
    /// A directory cannot be read.
    pub(crate) fn load(
        &self,
        load: fn(&[PathBuf], &[PathBuf]) -> Loaded,
    ) -> Result<Loaded, Failure> {
        let files = expanded(&self.files)?;
        if !self.root.is_empty() {
            return Ok(load(&self.root, &files));
        }
        let mut roots: Vec<PathBuf> = self.files.iter().map(|path| folder(path)).collect();
        roots.dedup();
        Ok(load(&roots, &files))
    }
}

/// The files among these paths, and those in the directories among them.
fn expanded(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    for path in paths {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let found = check::contract_files(path).map_err(|error| {
            let cause = format_args!("cannot read {}: {error}", path.display());
            Failure::local(cause, "name a directory that you may read")
        })?;
        if found.is_empty() {
            let cause = format_args!("{} has no contract files", path.display());
            return Err(Failure::local(cause, "name a directory of `.fluxar` files"));
        }
        files.extend(found);
    }
    Ok(files)
}

/// Where the imports of a path are, when nothing else is said.
fn folder(path: &Path) -> PathBuf {
    if path.is_dir() {
        return path.to_owned();
    }
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    parent.unwrap_or_else(|| Path::new(".")).to_owned()
}

/// Does it.
///
/// # Errors
/// A contract is wrong, not formatted or breaks another; or a file cannot be read or written.
pub(crate) fn run(verb: &Verb) -> Result<(), Failure> {
    match verb {
        Verb::Fmt(args) => fmt(args),
        Verb::Check(args) => told(&args.files.load(check::load)?.reports, args.json),
        Verb::Lint(args) => told(&args.files.load(check::lint)?.reports, args.json),
        Verb::Diff(args) => diff(args),
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
    let files = expanded(&args.files)?;
    for path in &files {
        let failed = |what: &str, error: &std::io::Error| {
            let cause = format_args!("cannot {what} {}: {error}", path.display());
            Failure::local(cause, "name a contract file that you may read and write")
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

fn model(path: &Path) -> Result<Model, Failure> {
    let mut loaded = check::load(&[folder(path)], &[path.to_owned()]);
    tell(&loaded.reports)?;
    let none = || wrong(&format!("{} has no contract", path.display()), "name another file");
    loaded.models.pop().ok_or_else(none)
}

fn diff(args: &Diff) -> Result<(), Failure> {
    let report = evolve::diff(&model(&args.old)?, &model(&args.new)?);
    match Format::or_fitting(args.output) {
        Format::Json => terminal::data_line(as_json(&report))?,
        Format::Text => terminal::data(as_text(&report))?,
    }
    if report.breaks() {
        let next = "keep the old beside the new, or deploy in the order that is given";
        return Err(wrong("the new contract breaks the old one", next));
    }
    Ok(())
}

fn as_json(report: &Report) -> serde_json::Value {
    let finding = |finding: &Finding| {
        json!({
            "rule": finding.rule.id(),
            "place": finding.place,
            "message": finding.message,
            "new_server_old_client": finding.verdicts.new_server_old_client.name(),
            "old_server_new_client": finding.verdicts.old_server_new_client.name(),
            "stored": finding.verdicts.stored.name(),
        })
    };
    let findings: Vec<_> = report.findings.iter().map(finding).collect();
    let order = report.verdicts().order().to_string();
    json!({ "findings": findings, "breaks": report.breaks(), "deploy": order })
}

fn as_text(report: &Report) -> String {
    let mut text = String::new();
    for Finding { rule, place, message, verdicts } in &report.findings {
        text.push_str(&format!(
            "{place}: {message} [{}]\n  new server, old client: {}; old server, new client: {}; \
             stored: {}\n",
            rule.id(),
            verdicts.new_server_old_client.name(),
            verdicts.old_server_new_client.name(),
            verdicts.stored.name(),
        ));
    }
    text.push_str(&format!("deploy: {}\n", report.verdicts().order()));
    text
}
