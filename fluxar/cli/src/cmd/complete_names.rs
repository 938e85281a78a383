//! `fluxar complete-names`: what the completion scripts ask while somebody types.

use super::Verb;
use super::describe;
use crate::contracts::{self, Contracts};
use crate::dial::Way;
use crate::failure::Failure;
use crate::terminal;
use crate::typed::{Types, topic};
use clap::Parser;
use fluxar_codegen::model::{Contract, Model, Segment, Topic};
use std::time::Duration;

/// Time for all of it: somebody waits at the keyboard.
const TIME: Duration = Duration::from_millis(1500);
/// Paths that are made of one topic.
const PATHS_MAX: usize = 64;

/// Print the names that may stand at the end of a command line (for completion scripts)
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The command line up to the cursor
    line: String,
}

/// Where names are wanted, and of what.
enum Place {
    Target,
    Name,
    Topic,
    Filter,
}

/// Prints the names, one a line. What cannot be completed, because the line is wrong so far or the
/// peer says nothing, is no failure: there are no names then.
///
/// # Errors
/// Standard output fails.
pub(crate) async fn run(args: &Args) -> Result<(), Failure> {
    let (done, prefix) = split(&args.line);
    let Some(words) = shlex::split(done) else { return Ok(()) };
    let names = tokio::time::timeout(TIME, names(words)).await;
    for name in names.ok().flatten().unwrap_or_default() {
        if name.starts_with(prefix) {
            terminal::data_line(name)?;
        }
    }
    Ok(())
}

/// The words that are whole, and the one that is being typed.
fn split(line: &str) -> (&str, &str) {
    let at = line.rfind(char::is_whitespace).map_or(0, |at| at + 1);
    let (done, word) = line.split_at(at);
    (done, word.trim_start_matches(['\'', '"']))
}

async fn names(words: Vec<String>) -> Option<Vec<String>> {
    // The line is read by the command's own rules, with whatever options it has.
    let (place, words, dial) = match crate::Command::try_parse_from(words).ok()?.verb {
        Verb::Call(args) => (Place::Target, args.words, args.dial),
        Verb::Describe(args) => (Place::Name, args.words, args.dial),
        Verb::Publish(args) => (Place::Topic, args.words, args.dial),
        Verb::Subscribe(args) => (Place::Filter, args.words, args.dial),
        _ => return None,
    };
    let (way, words) = dial.way(words).ok()?;
    // Pressing a key must not run a program.
    let runs = |url: &String| url.starts_with("exec:") || url.starts_with("stdio:");
    if !words.is_empty() || way.urls().iter().any(runs) {
        return None;
    }
    let contracts = ask(&way).await?;
    Some(match place {
        Place::Target => {
            let of_peer = contracts.methods().filter(|known| !known.is_of_client);
            of_peer.map(contracts::Known::target).collect()
        }
        Place::Name => describe::names(&contracts),
        Place::Topic => contracts.topics().flat_map(|(model, of)| paths(model, of)).collect(),
        Place::Filter => contracts.topics().map(|(_, of)| of.filter()).collect(),
    })
}

async fn ask(way: &Way) -> Option<Contracts> {
    let client = way.connect().await.ok()?;
    let contracts = Contracts::of_peer(&client).await.ok();
    client.close().await;
    contracts
}

/// The paths of a topic as far as they are known: up to the first parameter that may be anything.
fn paths(model: &Model, of: &Topic<Contract>) -> Vec<String> {
    let mut paths = vec![String::new()];
    for segment in &of.segments {
        let parts = match segment {
            Segment::Literal(text) => vec![&**text],
            Segment::Param { ty, .. } => Types::new(model).members(ty),
        };
        if parts.is_empty() {
            let open = |path: String| if path.is_empty() { path } else { format!("{path}.") };
            return paths.into_iter().map(open).filter(|path| !path.is_empty()).collect();
        }
        let longer = paths.iter().flat_map(|path| {
            parts.iter().map(move |part| match path.is_empty() {
                true => (*part).to_owned(),
                false => format!("{path}.{part}"),
            })
        });
        paths = longer.take(PATHS_MAX).collect();
    }
    // What a peer says of itself may be odd: a name with a dot is no segment.
    paths.retain(|path| topic::is_at(of, path));
    paths
}

#[cfg(test)]
mod tests {
    use super::{paths, split};
    use fluxar_codegen::check;

    #[test]
    fn the_word_under_the_cursor_is_told_from_the_others() {
        assert_eq!(split("fluxar call ws://h llm.c"), ("fluxar call ws://h ", "llm.c"));
        assert_eq!(split("fluxar sub ws://h 'ord"), ("fluxar sub ws://h ", "ord"));
        assert_eq!(split("fluxar call ws://h "), ("fluxar call ws://h ", ""));
        assert_eq!(split(""), ("", ""));
    }

    #[test]
    fn paths_go_as_far_as_they_are_known() {
        let text = "package a.v1\nenum Region { 1 eu, 2 us }\n\
            topic All = all : u8\ntopic By = by.{a: Region}.x.{b: Region} : u8\n\
            topic Open = open.{a: Region}.{id: uuid}.{b: Region} : u8\ntopic Any = {id: u8} : u8\n";
        let model = check::compile_sources(&[("test", text)]).models.remove(0);
        let of = |name: &str| {
            let found = model.topics.iter().find(|topic| topic.name.source == name);
            paths(&model, found.unwrap())
        };
        assert_eq!(of("All"), ["all"]);
        assert_eq!(of("By"), ["by.eu.x.eu", "by.eu.x.us", "by.us.x.eu", "by.us.x.us"]);
        assert_eq!(of("Open"), ["open.eu.", "open.us."]);
        assert!(of("Any").is_empty());
        let mut odd = model.topics[0].clone();
        odd.segments.clear();
        assert!(paths(&model, &odd).is_empty());
    }
}
