//! `fluxar idl diff --run`: both levels of a contract as code, and random values through it.
//!
//! A value of one level is written by that level's code, read and written again by the other's, and
//! read back by the first: names as keys, then numbers. What that shows is held against the rules.

mod judge;
mod language;
mod python;
mod rust;
mod typescript;

pub(super) use judge::Trial;
pub(crate) use language::Language;

use crate::failure::Failure;
use crate::hex;
use crate::terminal;
use fluxar_codegen::evolve::{self, Pair, Use};
use fluxar_codegen::model::Model;
use fluxar_codegen::sample::{self, Origin};
use judge::Answer;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// What to try.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Also try the change: generate both levels, and send random values through them and back
    #[arg(long)]
    run: bool,
    /// Languages to try it in
    #[arg(
        long,
        value_delimiter = ',',
        value_name = "LANGUAGE",
        default_value = "rust,ts,py",
        requires = "run"
    )]
    lang: Vec<Language>,
    /// Values to try in each direction, for each place that has some
    #[arg(long, value_name = "N", default_value_t = 200, requires = "run",
          value_parser = clap::value_parser!(u16).range(1..=10_000))]
    values: u16,
    /// Directory of fluxar's runtime crate, for Rust; by default that from which this command was built
    #[arg(long, value_name = "DIRECTORY", requires = "run")]
    runtime: Option<std::path::PathBuf>,
}

/// Two levels of a package, ready to be generated.
pub(super) struct Levels {
    /// What travels or is kept, each with the name of the record that holds it in both models.
    uses: Vec<(Use, String)>,
    /// The old level and the new one: types only, and a record for each use.
    models: [Model; 2],
    names: [Option<String>; 2],
}

impl Levels {
    fn of((old, new): Pair<'_>) -> Self {
        let uses: Vec<(Use, String)> = evolve::uses(old, new)
            .into_iter()
            .enumerate()
            .map(|(at, one)| (one, free_name(old, new, at)))
            .collect();
        let mut models = [old, new].map(Clone::clone);
        for model in &mut models {
            model.services.clear();
            model.topics.clear();
            model.contracts.clear();
        }
        for (one, name) in &uses {
            let [before, after] = one.records(name);
            models[0].types.push(before);
            models[1].types.push(after);
        }
        let names = [old, new].map(|model| model.name.clone());
        Self { uses, models, names }
    }

    fn name(&self) -> &str {
        self.names[0].as_deref().or(self.names[1].as_deref()).unwrap_or("the contract")
    }
}

/// A name that no type of the two has.
fn free_name(old: &Model, new: &Model, at: usize) -> String {
    let mut name = format!("FluxarUse{at}");
    while old.type_named(&name).is_some() || new.type_named(&name).is_some() {
        name.push('X');
    }
    name
}

/// From which level to which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    /// Written by the old level, read by the new one.
    Forward,
    /// The reverse.
    Back,
}

/// One value to be tried.
struct Request {
    pair: usize,
    one: usize,
    direction: Direction,
    bytes: Vec<u8>,
}

impl Options {
    /// Whether anything is to be tried.
    pub(super) fn is_on(&self) -> bool {
        self.run
    }

    /// Tries the change of these packages.
    ///
    /// # Errors
    /// A tool is missing, or does not take what was generated.
    pub(super) fn run(&self, pairs: &[Pair<'_>]) -> Result<Trial, Failure> {
        let levels: Vec<Levels> = pairs.iter().map(|pair| Levels::of(*pair)).collect();
        let requests = self.requests(&levels);
        if requests.is_empty() {
            terminal::note("run", "the two have no place in common that has values");
            return Ok(Trial::default());
        }
        let mut languages = self.lang.clone();
        languages.sort_unstable();
        languages.dedup();
        // All tools are asked for before any works for a minute.
        for language in &languages {
            language.check(self.runtime.as_deref())?;
        }
        let folder = tempfile::tempdir().map_err(|error| cannot("make", "a directory", &error))?;
        let mut trial = Trial::default();
        for language in languages {
            let text = format_args!("{} values in {}", requests.len(), language.name());
            terminal::note("run", text);
            let place = folder.path().join(language.name());
            write(&place.join("requests.txt"), &lines(&requests, &levels))?;
            let said = language.run(&place, &levels, self.runtime.as_deref())?;
            let answers: Vec<Answer> = said.lines().map(Answer::of).collect();
            if answers.len() != requests.len() {
                let cause = format_args!(
                    "{} answered {} of {} values",
                    language.name(),
                    answers.len(),
                    requests.len()
                );
                return Err(Failure::local(cause, "report this: it is a mistake in fluxar"));
            }
            trial.judge(&levels, language, &requests, &answers, pairs);
        }
        Ok(trial)
    }

    fn requests(&self, levels: &[Levels]) -> Vec<Request> {
        let mut requests = Vec::new();
        for (pair, of) in levels.iter().enumerate() {
            for (one, (_, name)) in of.uses.iter().enumerate() {
                for (direction, model) in
                    [(Direction::Forward, &of.models[0]), (Direction::Back, &of.models[1])]
                {
                    for seed in 0..self.values {
                        let bytes = sample::value(model, name, seed.into(), Origin::Own);
                        requests.push(Request { pair, one, direction, bytes });
                    }
                }
            }
        }
        requests
    }
}

/// A line a request: pair, use, direction, whether constraints are checked, the value.
fn lines(requests: &[Request], levels: &[Levels]) -> String {
    let mut text = String::new();
    for Request { pair, one, direction, bytes } in requests {
        let direction = if *direction == Direction::Forward { "forward" } else { "back" };
        let (one_use, _) = &levels[*pair].uses[*one];
        let checked = if one_use.is_checked() { "checked" } else { "unchecked" };
        // Writing to a string does not fail.
        let _written = writeln!(text, "{pair} {one} {direction} {checked} {}", hex::encode(bytes));
    }
    text
}

/// Writes a file, and makes its folder.
fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let folder = path.parent().unwrap_or(path);
    let written = fs::create_dir_all(folder).and_then(|()| fs::write(path, text));
    written.map_err(|error| cannot("write", &path.display().to_string(), &error))
}

fn cannot(what: &str, name: &str, error: &std::io::Error) -> Failure {
    Failure::local(format_args!("cannot {what} {name}: {error}"), "look at the temporary directory")
}
