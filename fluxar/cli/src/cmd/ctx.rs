//! `fluxar ctx`: peers by name.

use crate::context::{self, Store};
use crate::credential::Credential;
use crate::failure::Failure;
use crate::profile::Profile;
use crate::secret;
use crate::terminal::{self, Format};
use serde_json::json;
use std::fs;
use std::path::Path;

/// Name peers: their addresses, and what to trust and present there
///
/// Where a context is in use, the URL of other verbs may be left out. --ctx NAME uses one for one
/// command, FLUXAR_CONTEXT for one shell, `fluxar ctx use NAME` from then on. A URL on the command
/// line or in FLUXAR_URL leaves the context in use aside, so that its secrets go nowhere else.
///
/// Contexts are files that only you may read, in $XDG_CONFIG_HOME/fluxar/context (or
/// ~/.config/fluxar/context). Name a secret by its file (bearer:@FILE) or variable (bearer:$NAME)
/// rather than writing it down.
///
/// Examples:
///   fluxar ctx add prod tls://h1:9443 tls://h2:9443 --auth bearer:@token --ca ca.pem
///   fluxar ctx use prod
///   fluxar call llm.complete '{"prompt":"How do tides work?"}'
///   fluxar ctx -
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    Add(Box<Add>),
    /// List contexts; * marks the one in use
    Ls {
        /// Form of the output [default: text on a terminal, json otherwise]
        #[arg(short, long, value_enum, value_name = "FORMAT")]
        output: Option<Format>,
    },
    /// Use a context from now on; - is the one before
    Use {
        /// Name of the context
        name: String,
    },
    /// Show a context, by default the one in use; a secret written in it is hidden
    Show {
        /// Name of the context
        name: Option<String>,
        /// Form of the output [default: text on a terminal, json otherwise]
        #[arg(short, long, value_enum, value_name = "FORMAT")]
        output: Option<Format>,
    },
    /// Change a context in VISUAL or EDITOR
    Edit {
        /// Name of the context
        name: String,
    },
    /// Remove a context
    Rm {
        /// Name of the context
        name: String,
    },
    /// Use the context before
    #[command(name = "-")]
    Back,
}

/// Make a context; paths become absolute
#[derive(Debug, clap::Args)]
struct Add {
    /// Name of the context
    name: String,
    /// Address of the peer; several are tried one after the other
    #[arg(value_name = "URL")]
    addresses: Vec<String>,
    /// Replace the context of this name
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    profile: Profile,
}

/// Does it.
///
/// # Errors
/// A name that is none, a context that is not there or makes no sense, a file that cannot be
/// written.
pub(crate) async fn run(args: Args) -> Result<(), Failure> {
    let store = Store::open()?;
    match args.verb {
        Verb::Add(add) => self::add(&store, *add),
        Verb::Ls { output } => ls(&store, Format::or_fitting(output)),
        Verb::Use { name } if name == "-" => back(&store),
        Verb::Use { name } => using(&store, &name),
        Verb::Show { name, output } => show(&store, name, Format::or_fitting(output)),
        Verb::Edit { name } => edit(&store, &name).await,
        Verb::Rm { name } => {
            store.remove(&name)?;
            terminal::note("ctx", format_args!("removed {name}"));
            Ok(())
        }
        Verb::Back => back(&store),
    }
}

fn add(store: &Store, add: Add) -> Result<(), Failure> {
    let mut profile = add.profile.absolute();
    profile.urls.splice(0..0, add.addresses);
    let mut urls = Vec::new();
    for url in &profile.urls {
        urls.extend(crate::dial::split_urls(url));
    }
    profile.urls = urls;
    if profile.urls.is_empty() {
        let next = "name it, as in: fluxar ctx add prod tls://host:9443";
        return Err(Failure::usage("a context needs an address", next));
    }
    profile.check().map_err(|cause| Failure::usage(cause, "see fluxar ctx add --help"))?;
    let path = store.path(&add.name)?;
    if path.exists() && !add.force {
        let cause = format_args!("there is a context `{}` already", add.name);
        return Err(Failure::usage(cause, "choose another name, or replace it with --force"));
    }
    store.save(&add.name, &profile)?;
    terminal::note("ctx", format_args!("wrote {}", path.display()));
    if profile.auth.as_ref().is_some_and(Credential::is_literal) {
        let hint = "the secret stands in that file: bearer:@FILE or bearer:$NAME keep it elsewhere";
        terminal::note("ctx", hint);
    }
    Ok(())
}

fn ls(store: &Store, format: Format) -> Result<(), Failure> {
    let [current, _] = store.chosen();
    let names = store.names()?;
    if names.is_empty() {
        terminal::note("ctx", "there are none yet: fluxar ctx add NAME URL");
    }
    let width = names.iter().map(String::len).max().unwrap_or_default();
    for name in names {
        let is_current = current.as_ref() == Some(&name);
        // One that makes no sense is listed all the same: it has to be found to be corrected.
        let urls = store.load(&name).map(|profile| profile.urls);
        match format {
            Format::Json => {
                let mut line = json!({ "name": name, "current": is_current });
                match urls {
                    Ok(urls) => line["url"] = json!(urls),
                    Err(failure) => line["error"] = json!(failure.cause()),
                }
                terminal::data_line(line)?;
            }
            Format::Text => {
                let mark = if is_current { '*' } else { ' ' };
                let about = match urls {
                    Ok(urls) => urls.join(" "),
                    Err(failure) => failure.cause(),
                };
                terminal::data_line(format_args!("{mark} {name:<width$}  {about}"))?;
            }
        }
    }
    Ok(())
}

fn using(store: &Store, name: &str) -> Result<(), Failure> {
    let profile = store.choose(name)?;
    terminal::note("ctx", format_args!("{name}: {}", profile.urls.join(" ")));
    Ok(())
}

fn back(store: &Store) -> Result<(), Failure> {
    let [_, previous] = store.chosen();
    let previous = previous.ok_or_else(|| {
        Failure::usage("there is no context before", "choose one with: fluxar ctx use NAME")
    })?;
    using(store, &previous)
}

fn show(store: &Store, name: Option<String>, format: Format) -> Result<(), Failure> {
    let name = match name {
        Some(name) => name,
        None => store.chosen()[0].clone().ok_or_else(|| {
            Failure::usage("no context is in use", "name one: fluxar ctx show NAME")
        })?,
    };
    let profile = store.load(&name)?.hidden();
    match format {
        Format::Json => {
            let mut line = serde_json::to_value(&profile).expect("a profile is plain data");
            line["name"] = json!(name);
            terminal::data_line(line)
        }
        Format::Text => {
            let text = toml::to_string(&profile).expect("a profile is texts, lists and booleans");
            terminal::data(format_args!("# {name}\n{text}"))
        }
    }
}

/// Edits a copy, which takes the context's place when it makes sense.
async fn edit(store: &Store, name: &str) -> Result<(), Failure> {
    let path = store.path(name)?;
    if !path.exists() {
        return Err(context::absent(name));
    }
    let wrong = |cause: String| Failure::usage(cause, "see fluxar ctx --help");
    let text = secret::read_private(&path).map_err(wrong)?;
    let copy = path.with_extension("toml.edit");
    let unwritten = |error| {
        let cause = format_args!("cannot write {}: {error}", copy.display());
        Failure::local(cause, "look at the owner and mode of the directory")
    };
    secret::write_private(&copy, &text).map_err(unwritten)?;
    let outcome = edited(&copy).await;
    if outcome.is_err() {
        // What was not edited is the context itself.
        let _ = fs::remove_file(&copy);
    }
    let edited = outcome?;
    if let Err(cause) = context::parse(&edited) {
        let cause = format_args!("{name} stays as it was: {cause}");
        let next = format!("what you wrote is in {}; edit again to start anew", copy.display());
        return Err(Failure::usage(cause, next));
    }
    // The editor may have made another file, with another mode.
    secret::write_private(&path, &edited).map_err(unwritten)?;
    fs::remove_file(&copy).map_err(unwritten)?;
    terminal::note("ctx", format_args!("wrote {}", path.display()));
    Ok(())
}

/// What a person makes of a file.
async fn edited(path: &Path) -> Result<String, Failure> {
    let editor = ["VISUAL", "EDITOR"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|editor| !editor.trim().is_empty()));
    let editor = editor.unwrap_or_else(|| "vi".to_owned());
    let failed = |cause: String| {
        Failure::local(format_args!("`{editor}`: {cause}"), "set EDITOR to an editor of yours")
    };
    let words = shlex::split(&editor).filter(|words| !words.is_empty());
    let words = words.ok_or_else(|| failed("its quotes do not match".to_owned()))?;
    let mut command = tokio::process::Command::new(&words[0]);
    let status = command.args(&words[1..]).arg(path).status().await;
    let status = status.map_err(|error| failed(error.to_string()))?;
    if !status.success() {
        return Err(failed(format!("{status}, nothing was changed")));
    }
    fs::read_to_string(path).map_err(|error| failed(error.to_string()))
}
