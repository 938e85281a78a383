//! `fluxar describe`: a contract, or a part of it, as the contract language writes it.

use super::ls;
use crate::contracts::{self, Contracts, Idl};
use crate::dial::{self, Dial};
use crate::failure::Failure;
use crate::terminal;
use crate::typed::{did_you_mean, topic};
use fluxar_codegen::model::Model;

/// Print the contract of a peer, or a part of it
///
/// TARGET is a service, a method, a type, a topic (its name or a path), an error or a contract;
/// what it needs is printed with it. Methods and services have the names of their targets, or the
/// last parts of them. The output is a contract file (fluxar idl pull writes a whole one that was
/// checked).
///
/// Examples:
///   fluxar describe ws://127.0.0.1:9000
///   fluxar describe ws://127.0.0.1:9000 llm.complete
///   fluxar describe tcp://10.0.0.5:9000 UserError
///   fluxar describe --idl idl shop.v1.users.get
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment, override_usage = "fluxar describe [OPTIONS] [URL] [TARGET]")]
pub(crate) struct Args {
    /// Address of the peer (or FLUXAR_URL, or a context), and what to print
    #[arg(value_name = "WORDS")]
    pub(crate) words: Vec<String>,
    #[command(flatten)]
    idl: Idl,
    #[command(flatten)]
    pub(crate) dial: Dial,
}

/// Prints.
///
/// # Errors
/// No connection, a peer that does not describe itself, or nothing of that name.
pub(crate) async fn run(args: Args) -> Result<(), Failure> {
    let (contracts, words) = ls::contracts(args.words, &args.idl, &args.dial).await?;
    dial::expect_words(&words, 0, 1, "[URL] [TARGET]")?;
    let parts: Vec<String> = match words.first() {
        None => contracts.models().iter().map(|model| print(model, "")).collect(),
        Some(target) => contracts.models().iter().filter_map(|model| part(model, target)).collect(),
    };
    if let (true, Some(target)) = (parts.is_empty(), words.first()) {
        let names = names(&contracts);
        let hint = did_you_mean(target, names.iter().map(String::as_str));
        let next = "fluxar ls lists what there is";
        return Err(Failure::usage(format_args!("there is no `{target}`{hint}"), next));
    }
    terminal::data(parts.join("\n"))
}

/// Everything that may be printed on its own.
pub(crate) fn names(contracts: &Contracts) -> Vec<String> {
    let mut names = Vec::new();
    for model in contracts.models() {
        for service in &model.services {
            names.push(service.name.source.clone());
            names.extend(service.methods.iter().map(|method| service.target(method)));
        }
        names.extend(model.types.iter().map(|def| def.name.source.clone()));
        names.extend(model.topics.iter().map(|topic| topic.name.source.clone()));
        names.extend(model.contracts.iter().map(|contract| contract.name.source.clone()));
    }
    names
}

/// What is called so in the model, as text; nothing when it is not there.
fn part(model: &Model, wanted: &str) -> Option<String> {
    let is_end = |name: &str| {
        name == wanted || name.strip_suffix(wanted).is_some_and(|rest| rest.ends_with('.'))
    };
    // A contract stands for what it is about.
    let about = model.contracts.iter().filter(|contract| contract.name.source == wanted);
    let about: Vec<&String> = about
        .flat_map(|contract| contract.server.iter().chain(&contract.client).chain(&contract.topics))
        .collect();
    let is_about = |name: &String| name == wanted || about.contains(&name);
    let mut part = model.clone();
    let mut targets = Vec::new();
    part.services.retain_mut(|service| {
        let described = service.clone();
        let whole = match &service.package {
            Some(package) => format!("{package}.{}", service.name.wire),
            None => service.name.wire.clone(),
        };
        if is_end(&whole) || is_about(&service.name.source) {
            return true;
        }
        service.methods.retain(|method| {
            let in_contract = format!("{}.{}", described.name.source, method.name.source);
            let is_it = is_end(&described.target(method)) || in_contract == wanted;
            if is_it {
                targets.push(described.target(method));
            }
            is_it
        });
        !service.methods.is_empty()
    });
    part.topics.retain(|of| is_about(&of.name.source) || topic::is_at(of, wanted));
    part.contracts.retain(|contract| contract.name.source == wanted);
    let types: Vec<&str> = model
        .types
        .iter()
        .filter(|def| def.name.source == wanted || def.name.wire == wanted)
        .map(|def| &*def.name.source)
        .collect();
    part.drop_unused_types(&types);
    let nothing = part.services.is_empty() && part.topics.is_empty() && part.contracts.is_empty();
    if nothing && part.types.is_empty() {
        return None;
    }
    // These are of the whole.
    part.docs.lines.clear();
    part.annotations.clear();
    part.level = None;
    let targets: Vec<String> = targets.iter().map(|target| format!("// {target}\n")).collect();
    Some(print(&part, &targets.concat()))
}

/// The text of a model, without declarations of annotations that are not used in it.
fn print(model: &Model, head: &str) -> String {
    let text = contracts::text(model);
    let is_used = |name: &str| {
        let mark = format!("@{name}");
        text.match_indices(&mark).any(|(at, _)| {
            let next = text[at + mark.len()..].chars().next();
            !next.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_')
        })
    };
    let mut fewer = model.clone();
    fewer.declared.retain(|def| is_used(&def.name.source));
    match fewer.declared.len() == model.declared.len() {
        true => format!("{head}{text}"),
        false => format!("{head}{}", contracts::text(&fewer)),
    }
}
