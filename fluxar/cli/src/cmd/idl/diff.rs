//! `fluxar idl diff`: what a change of a contract breaks.

use super::run::{Options, Trial};
use super::{tell, wrong};
use crate::contracts;
use crate::dial::{self, Dial};
use crate::failure::Failure;
use crate::terminal::{self, Format};
use fluxar_codegen::check;
use fluxar_codegen::evolve::{self, Finding, Report};
use fluxar_codegen::model::{Contract, Model, Service};
use serde_json::json;
use std::path::Path;

/// Compare two versions of a contract: what breaks, for whom, and what to deploy first
///
/// A side is a contract file, a directory of them, or the URL of a running peer. Directories are
/// compared package by package. A peer may serve more than one contract: beside a file, only what
/// is of the file's package counts. Types that no service and no topic uses count as stored data.
///
/// With --run the change is tried as well: both levels are generated, and random values of each are
/// written by its own code, read and written by the other's, and read back. What that shows and
/// what the rules say must agree.
///
/// Exits with 1 when something breaks, or when the values and the rules disagree.
///
/// Examples:
///   fluxar idl diff old/shop.fluxar idl/shop.fluxar
///   fluxar idl diff old/idl/ idl/ --run --lang ts,py
///   fluxar idl diff wss://shop.example idl/shop.fluxar      may this be deployed?
///   fluxar idl diff idl/shop.fluxar ws://127.0.0.1:9000 -o json
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    /// What is deployed: a contract file, a directory of them, or a URL
    old: String,
    /// What will be: a contract file, a directory of them, or a URL
    new: String,
    /// Text for reading, or one JSON value; by default what fits the output
    #[arg(short, long, value_name = "FORMAT")]
    output: Option<Format>,
    #[command(flatten)]
    trial: Options,
    #[command(flatten)]
    dial: Dial,
}

/// Compares.
///
/// # Errors
/// A side cannot be read, or something breaks.
pub(super) async fn run(args: &Args) -> Result<(), Failure> {
    let mut old = side(&args.old, &args.dial).await?;
    let mut new = side(&args.new, &args.dial).await?;
    match (dial::is_url(&args.old), dial::is_url(&args.new)) {
        (true, false) => fit(&mut old, &mut new, &args.new)?,
        (false, true) => fit(&mut new, &mut old, &args.old)?,
        _ => {}
    }
    let report = evolve::diff_all(&old, &new);
    let trial = match args.trial.is_on() {
        true => Some(args.trial.run(&evolve::pairs(&old, &new))?),
        false => None,
    };
    match Format::or_fitting(args.output) {
        Format::Json => terminal::data_line(as_json(&report, trial.as_ref()))?,
        Format::Text => {
            let tried = trial.as_ref().map(Trial::as_text).unwrap_or_default();
            terminal::data(tried + &as_text(&report, old.len().max(new.len()) > 1))?;
        }
    }
    if trial.is_some_and(|trial| !trial.disagreements.is_empty()) {
        let next = "take the verdict of the values for true, and report the rule that is wrong";
        return Err(wrong("the values and the rules disagree", next));
    }
    if report.breaks() {
        let next = "keep the old beside the new, or deploy in the order that is given";
        return Err(wrong("the new contract breaks the old one", next));
    }
    Ok(())
}

async fn side(of: &str, dial: &Dial) -> Result<Vec<Model>, Failure> {
    if dial::is_url(of) {
        let client = dial.way_to(of)?.connect().await?;
        let model = contracts::describe(&client).await;
        client.close().await;
        return model.map(|model| vec![model]).map_err(|silence| silence.failure(of));
    }
    let (root, files) = contracts::files_at(Path::new(of))?;
    let loaded = check::load(&[root], &files);
    tell(&loaded.reports)?;
    Ok(loaded.models)
}

/// Makes a running peer and a contract file comparable: a peer says what it serves, which may be
/// several contracts, or only a side of one, and may have no numbers.
///
/// # Errors
/// There is more than one package in the files.
fn fit(running: &mut [Model], files: &mut [Model], name: &str) -> Result<(), Failure> {
    let ([running], [file]) = (running, files) else {
        let cause = format_args!("{name} has more than one package, beside a peer");
        return Err(Failure::usage(cause, "name the contract file of one of them"));
    };
    let is_of_file = |service: &Service<Contract>| {
        file.counterpart(service).is_some()
            || (service.package == file.name && service.methods.iter().any(contracts::is_described))
    };
    let other: Vec<String> = running
        .services
        .iter()
        .filter(|service| !is_of_file(service))
        .map(|service| service.name.source.clone())
        .collect();
    running.services.retain(is_of_file);
    if !other.is_empty() {
        let text = format_args!("not of {name}, and not compared: {}", other.join(", "));
        terminal::note("diff", text);
    }
    // Without topics and contracts it is the services of one side that are described.
    if running.topics.is_empty() && running.contracts.is_empty() {
        let has_topics = !file.topics.is_empty();
        let before = file.services.len();
        let services = std::mem::take(&mut file.services).into_iter();
        file.services = services.filter(|service| !file.is_of_client(service)).collect();
        file.contracts.clear();
        file.topics.clear();
        if has_topics || file.services.len() < before {
            let text = "the peer describes what it serves alone: topics, and services of those \
                        that dial, are not compared";
            terminal::note("diff", text);
        }
    }
    // Nor does a peer know of types that nothing uses.
    file.drop_unused_types(&[]);
    running.number_like(file);
    Ok(())
}

fn as_json(report: &Report, trial: Option<&Trial>) -> serde_json::Value {
    let finding = |finding: &Finding| {
        json!({
            "package": finding.package,
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
    let mut all = json!({ "findings": findings, "breaks": report.breaks(), "deploy": order });
    if let Some(trial) = trial {
        all["run"] = trial.as_json();
    }
    all
}

fn as_text(report: &Report, is_of_many: bool) -> String {
    let mut text = String::new();
    for Finding { package, rule, place, message, verdicts } in &report.findings {
        let package = package.as_deref().filter(|name| is_of_many && !place.starts_with(name));
        let package = package.map(|name| format!("{name} ")).unwrap_or_default();
        text.push_str(&format!(
            "{package}{place}: {message} [{}]\n  new server, old client: {}; old server, new client: {}; \
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
