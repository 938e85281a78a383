//! `fluxar idl diff`: what a change of a contract breaks.

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
/// A side is a contract file, or the URL of a running peer. A peer may serve more than one
/// contract: beside a file, only what is of the file's package counts.
///
/// Exits with 1 when something breaks.
///
/// Examples:
///   fluxar idl diff old/shop.fluxar idl/shop.fluxar
///   fluxar idl diff wss://shop.example idl/shop.fluxar      may this be deployed?
///   fluxar idl diff idl/shop.fluxar ws://127.0.0.1:9000 -o json
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    /// What is deployed: a contract file, or a URL
    old: String,
    /// What will be: a contract file, or a URL
    new: String,
    /// Text for reading, or one JSON value; by default what fits the output
    #[arg(short, long, value_name = "FORMAT")]
    output: Option<Format>,
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
        (true, false) => fit(&mut old, (&mut new, &args.new)),
        (false, true) => fit(&mut new, (&mut old, &args.old)),
        _ => {}
    }
    let report = evolve::diff(&old, &new);
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

async fn side(of: &str, dial: &Dial) -> Result<Model, Failure> {
    if dial::is_url(of) {
        let client = dial.way_to(of)?.connect().await?;
        let model = contracts::describe(&client).await;
        client.close().await;
        return model.map_err(|silence| silence.failure(of));
    }
    let path = Path::new(of);
    if path.is_dir() {
        let cause = format_args!("{of} is a folder");
        return Err(Failure::usage(cause, "name one contract file of it"));
    }
    let (root, files) = contracts::files_at(path)?;
    let mut loaded = check::load(&[root], &files);
    tell(&loaded.reports)?;
    loaded.models.pop().ok_or_else(|| wrong(&format!("{of} has no contract"), "name another file"))
}

/// Makes a running peer and a contract file comparable: a peer says what it serves, which may be
/// several contracts, or only a side of one, and may have no numbers.
fn fit(running: &mut Model, (file, name): (&mut Model, &str)) {
    let is_of_file = |service: &Service<Contract>| {
        let same = |other: &Service<Contract>| {
            (&other.package, &other.name.wire) == (&service.package, &service.name.wire)
        };
        let in_file = file.services.iter().any(same);
        in_file
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
        let contracts = std::mem::take(&mut file.contracts);
        let of_client = |name: &String| contracts.iter().any(|of| of.client.contains(name));
        let of_server = |name: &String| contracts.iter().any(|of| of.server.contains(name));
        let before = file.services.len();
        file.services.retain(|service| {
            let name = &service.name.source;
            !of_client(name) || of_server(name)
        });
        file.topics.clear();
        if has_topics || file.services.len() < before {
            let text = "the peer describes what it serves alone: topics, and services of those \
                        that dial, are not compared";
            terminal::note("diff", text);
        }
    }
    running.number_like(file);
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
