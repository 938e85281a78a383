//! `fluxar idl diff`: what a change of a contract breaks.

use super::run::{Options, Trial};
use super::{tell, wrong};
use crate::contracts;
use crate::dial::{self, Dial};
use crate::failure::Failure;
use crate::terminal::{self, Format};
use fluxar_codegen::check;
use fluxar_codegen::evolve::{self, Finding, Report};
use fluxar_codegen::model::Model;
use serde_json::json;
use std::collections::{BTreeSet, HashSet};
use std::path::Path;

/// Compare two versions of a contract: what breaks, for whom, and what to deploy first
///
/// A side is a contract file, a directory of them, or the URL of a running peer. Directories are
/// compared package by package. A peer may serve more than one contract: beside files, only what is
/// of their packages counts, and of many packages those of which it serves something; what is left
/// out is told. Types that no service and no topic uses count as stored data.
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
        (true, false) => fit(&mut old, &mut new, &args.new),
        (false, true) => fit(&mut new, &mut old, &args.old),
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

/// Makes a running peer and contract files comparable: a peer says what it serves, which may be
/// several contracts, or only a side of one, and may have no numbers. Of many packages those stay
/// of which it serves something.
fn fit(running: &mut Vec<Model>, files: &mut Vec<Model>, name: &str) {
    let Some(peer) = running.pop() else { return };
    let is_one = files.len() == 1;
    let mut parts: Vec<Model> = files.iter().map(|file| part(&peer, file)).collect();
    let mut other: BTreeSet<&str> = peer.services.iter().map(|s| s.name.source.as_str()).collect();
    for service in parts.iter().flat_map(|part| &part.services) {
        other.remove(service.name.source.as_str());
    }
    note("not of", name, "and not compared", other.into_iter());
    let is_served = |part: &Model| is_one || !part.services.is_empty() || !part.topics.is_empty();
    let missing = files.iter().zip(&parts).filter(|(_, part)| !is_served(part));
    let missing: Vec<&str> =
        missing.map(|(file, _)| file.name.as_deref().unwrap_or("the one without a name")).collect();
    note("of", name, "and not served by the peer", missing.into_iter());
    let mut served = parts.iter().map(is_served).collect::<Vec<_>>().into_iter();
    files.retain(|_| served.next() == Some(true));
    parts.retain(is_served);
    for (part, file) in parts.iter_mut().zip(files) {
        fit_one(part, file);
    }
    *running = parts;
}

fn note<'n>(whose: &str, name: &str, what: &str, all: impl Iterator<Item = &'n str>) {
    let all: Vec<&str> = all.collect();
    if !all.is_empty() {
        terminal::note("diff", format_args!("{whose} {name}, {what}: {}", all.join(", ")));
    }
}

/// What a peer serves of a package.
fn part(peer: &Model, file: &Model) -> Model {
    let topics: HashSet<&str> = file.topics.iter().map(|t| t.name.source.as_str()).collect();
    let contracts: HashSet<&str> = file.contracts.iter().map(|c| c.name.source.as_str()).collect();
    let mut part = peer.clone();
    part.name = file.name.clone();
    part.services.retain(|service| {
        file.counterpart(service).is_some()
            || (service.package == file.name && service.methods.iter().any(contracts::is_described))
    });
    // Topics and contracts do not say of which package they are; a peer of one package does.
    if peer.name.is_none() || peer.name != file.name {
        part.topics.retain(|topic| topics.contains(topic.name.source.as_str()));
        part.contracts.retain(|contract| contracts.contains(contract.name.source.as_str()));
    }
    part
}

/// Makes a part of a running peer and its contract file comparable.
fn fit_one(running: &mut Model, file: &mut Model) {
    // Without contracts it is the services of one side that are described.
    if running.contracts.is_empty() {
        let of_client: HashSet<String> =
            file.services_of_client().into_iter().map(str::to_owned).collect();
        let before = (file.services.len(), file.topics.len());
        file.services.retain(|service| {
            !of_client.contains(&service.name.source) || running.counterpart(service).is_some()
        });
        file.contracts.clear();
        // Nor are topics, where a peer describes none at all.
        if running.topics.is_empty() {
            file.topics.clear();
        }
        if before != (file.services.len(), file.topics.len()) {
            let text = "the peer describes what it serves alone: topics, and services of those \
                        that dial, are not compared";
            terminal::note("diff", text);
        }
    }
    // Nor does a peer know of types that nothing uses.
    file.drop_unused_types(&[]);
    running.drop_unused_types(&[]);
    running.number_like(file);
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
    for Finding { package, rule, place, message, verdicts, .. } in &report.findings {
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
