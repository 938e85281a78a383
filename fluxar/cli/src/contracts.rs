//! The contracts that a verb goes by: what the peer says of itself, or what files say.

use crate::cmd::idl;
use crate::failure::{Exit, Failure};
use crate::terminal;
use crate::typed::{Types, topic};
use fluxar::payload::encode;
use fluxar::{Client, Code, Origin, Status, Value};
use fluxar_codegen::check;
use fluxar_codegen::emit::idl::print;
use fluxar_codegen::model::{Answer, Contract, Failure as Fails, Method, Model, Scalar};
use fluxar_codegen::model::{Service, Topic, TypeRef};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The reserved method that answers with the contract of all that a node serves.
const DESCRIBE: &str = "fluxar.describe";
/// Time for a peer to describe itself, so that one that never answers does not hold up a call.
const DESCRIBE_TIME: Duration = Duration::from_secs(5);

/// Where contracts come from.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Idl {
    /// Go by contract files, not by what the peer says of itself: a file, or a directory of them
    #[arg(long, value_name = "PATH")]
    idl: Option<PathBuf>,
}

/// Whether JSON is read and written by a contract.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Typing {
    #[command(flatten)]
    idl: Idl,
    /// Send and show JSON as it is, and ask for no contract
    #[arg(long, conflicts_with = "idl")]
    untyped: bool,
}

/// One contract or several.
#[derive(Debug)]
pub(crate) struct Contracts {
    models: Vec<Model>,
    /// True when files say it: then what they do not say is a mistake.
    pub(crate) is_of_files: bool,
}

/// A method, with the model that it is in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known<'m> {
    pub(crate) model: &'m Model,
    pub(crate) service: &'m Service<Contract>,
    pub(crate) method: &'m Method<Contract>,
    /// Only the side that dials offers it.
    pub(crate) is_of_client: bool,
}

/// Why there is no contract of a peer.
#[derive(Debug)]
pub(crate) enum Silence {
    /// It does not say.
    Status(Status),
    /// What it says is not understood.
    Foreign(String),
}

impl Idl {
    /// The contracts of the files, if any are named.
    ///
    /// # Errors
    /// A file cannot be read, or is wrong.
    pub(crate) fn load(&self) -> Result<Option<Contracts>, Failure> {
        self.idl.as_deref().map(of_files).transpose()
    }
}

impl Typing {
    /// The contracts of the files, to be read before anybody is dialed.
    ///
    /// # Errors
    /// A contract file is wrong.
    pub(crate) fn load(&self) -> Result<Option<Contracts>, Failure> {
        self.idl.load()
    }

    /// The contracts to go by, those of the files first; nothing where JSON is sent and shown as it
    /// is.
    pub(crate) async fn contracts(
        &self,
        files: Option<Contracts>,
        client: &Client,
    ) -> Option<Contracts> {
        if self.untyped || files.is_some() {
            return files;
        }
        match Contracts::of_peer(client).await {
            Ok(contracts) => Some(contracts),
            Err(Silence::Status(status)) => {
                // Many peers have no contract to show, and a lost link is told by what comes next.
                if status.code() == Code::DeadlineExceeded && status.origin() != Origin::Link {
                    terminal::note("contract", "the peer does not describe itself in time");
                }
                None
            }
            Err(Silence::Foreign(why)) => {
                let text = format_args!("the peer's description is not understood: {why}");
                terminal::note("contract", text);
                None
            }
        }
    }
}

impl Silence {
    pub(crate) fn failure(self, url: &str) -> Failure {
        match self {
            Self::Status(status) if status.origin() == Origin::Link => {
                Failure::remote(DESCRIBE, &status)
            }
            Self::Status(status) => {
                let (cause, next) = match status.code() {
                    Code::Unimplemented => (
                        format!("{url} does not describe itself"),
                        "not every peer does; name its contract files instead: --idl PATH",
                    ),
                    Code::PermissionDenied => (
                        format!("{url} does not describe itself to you: {}", status.message()),
                        "use a credential that may call fluxar.describe (--auth), or name contract \
                         files: --idl PATH",
                    ),
                    _ => (
                        format!("{url} does not describe itself: {}", status.message()),
                        "try again, or name its contract files: --idl PATH",
                    ),
                };
                Failure::new(Exit::of(&status), status.code().name(), cause, next)
            }
            Self::Foreign(why) => {
                let cause =
                    format!("{url} describes itself in a way that is not understood: {why}");
                let next = "use the version of fluxar that the peer has, or name its contract \
                            files: --idl PATH";
                Failure::new(Exit::Failed, "contract", cause, next)
            }
        }
    }
}

/// Asks a peer for its contract.
///
/// # Errors
/// It does not answer, or with something else.
pub(crate) async fn describe(client: &Client) -> Result<Model, Silence> {
    let asked = client.request(DESCRIBE, &None::<Value>).timeout(DESCRIBE_TIME);
    let answer: Value = asked.send().await.map_err(Silence::Status)?;
    let bytes = encode(&answer).map_err(Silence::Status)?;
    Model::from_descriptor(&bytes).map_err(|error| Silence::Foreign(error.to_string()))
}

/// A contract as text. Its documentation is the peer's: nothing in it may command a terminal.
pub(crate) fn text(model: &Model) -> String {
    let commands = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    print(model).replace(commands, "\u{fffd}")
}

/// False for what a closure serves: its description says no more than that it is there.
pub(crate) fn is_described(method: &Method<Contract>) -> bool {
    let is_any = matches!(method.answer, Answer::Value(TypeRef::Scalar(Scalar::Any)));
    !is_any || !method.arguments.is_empty() || matches!(method.failure, Fails::App(_))
}

/// Contract files below a directory, or one file, with the directory to look for imports in.
///
/// # Errors
/// The directory cannot be read, or has none.
pub(crate) fn files_at(path: &Path) -> Result<(PathBuf, Vec<PathBuf>), Failure> {
    if !path.is_dir() {
        let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let folder = folder.unwrap_or_else(|| Path::new(".")).to_owned();
        return Ok((folder, vec![path.to_owned()]));
    }
    let shown = path.display();
    let files = check::contract_files(path).map_err(|error| {
        let next = "name a directory that you may read";
        Failure::local(format_args!("cannot read {shown}: {error}"), next)
    })?;
    if files.is_empty() {
        let next = "name a directory of `.fluxar` files";
        return Err(Failure::local(format_args!("{shown} has no contract files"), next));
    }
    Ok((path.to_owned(), files))
}

fn of_files(path: &Path) -> Result<Contracts, Failure> {
    let (root, files) = files_at(path)?;
    let loaded = check::load(&[root], &files);
    idl::tell(&loaded.reports)?;
    Ok(Contracts { models: loaded.models, is_of_files: true })
}

impl Contracts {
    /// What a peer says of itself.
    ///
    /// # Errors
    /// As [`describe`].
    pub(crate) async fn of_peer(client: &Client) -> Result<Self, Silence> {
        Ok(Self { models: vec![describe(client).await?], is_of_files: false })
    }

    /// The models.
    pub(crate) fn models(&self) -> &[Model] {
        &self.models
    }

    /// Every method.
    pub(crate) fn methods(&self) -> impl Iterator<Item = Known<'_>> + Clone {
        self.models.iter().flat_map(|model| {
            let of_client = model.services_of_client();
            model.services.iter().flat_map(move |service| {
                let is_of_client = of_client.contains(service.name.source.as_str());
                let known = move |method| Known { model, service, method, is_of_client };
                service.methods.iter().map(known)
            })
        })
    }

    /// The method of a target.
    pub(crate) fn method(&self, target: &str) -> Option<Known<'_>> {
        self.methods().find(|known| known.target() == target)
    }

    /// Every topic.
    pub(crate) fn topics(&self) -> impl Iterator<Item = (&Model, &Topic<Contract>)> + Clone {
        self.models.iter().flat_map(|model| model.topics.iter().map(move |topic| (model, topic)))
    }

    /// The topic that a path is of. One that says more of the path goes before.
    pub(crate) fn topic_at(&self, path: &str) -> Option<(&Model, &Topic<Contract>)> {
        let at = self.topics().filter(|(_, topic)| topic::is_at(topic, path));
        at.min_by_key(|(_, topic)| topic.params().count())
    }

    /// The type by which an error travels, with its model.
    pub(crate) fn error_named(&self, wire: &str) -> Option<(&Model, TypeRef)> {
        self.models.iter().find_map(|model| {
            let def = model.types.iter().find(|def| def.is_error && def.name.wire == wire)?;
            Some((model, TypeRef::Named(def.name.source.clone())))
        })
    }
}

impl<'m> Known<'m> {
    /// The target that calls it.
    pub(crate) fn target(self) -> String {
        self.service.target(self.method)
    }

    /// What reads and writes its values.
    pub(crate) fn types(self) -> Types<'m> {
        Types::new(self.model)
    }

    /// False for what a closure serves: its description says no more than that it is there.
    pub(crate) fn is_described(self) -> bool {
        is_described(self.method)
    }
}
