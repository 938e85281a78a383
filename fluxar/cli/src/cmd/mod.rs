//! The verbs: one file each, with its `Args` and its `run`.

pub(crate) mod bench;
pub(crate) mod call;
pub(crate) mod cert;
pub(crate) mod complete_names;
pub(crate) mod completion;
pub(crate) mod ctx;
pub(crate) mod demo;
pub(crate) mod describe;
pub(crate) mod doctor;
pub(crate) mod r#gen;
pub(crate) mod idl;
pub(crate) mod key;
pub(crate) mod ls;
pub(crate) mod publish;
pub(crate) mod serve;
pub(crate) mod subscribe;
pub(crate) mod up;

use crate::failure::Failure;

/// What the command can do.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Verb {
    Demo(demo::Args),
    Up(up::Args),
    Ls(ls::Args),
    Describe(describe::Args),
    Call(call::Args),
    #[command(name = "pub")]
    Publish(publish::Args),
    #[command(name = "sub")]
    Subscribe(subscribe::Args),
    Serve(serve::Args),
    Bench(bench::Args),
    Doctor(doctor::Args),
    #[command(subcommand)]
    Cert(cert::Verb),
    Key(key::Args),
    Ctx(ctx::Args),
    Gen(r#gen::Args),
    #[command(subcommand)]
    Idl(idl::Verb),
    Completion(completion::Args),
    #[command(hide = true)]
    CompleteNames(complete_names::Args),
}

impl Verb {
    /// Does it.
    ///
    /// # Errors
    /// Whatever kept it from being done, told to the person by `main`.
    pub(crate) async fn run(self) -> Result<(), Failure> {
        match self {
            Self::Demo(args) => demo::run(args).await,
            Self::Up(args) => up::run(args).await,
            Self::Ls(args) => ls::run(args).await,
            Self::Describe(args) => describe::run(args).await,
            Self::Call(args) => call::run(args).await,
            Self::Publish(args) => publish::run(args).await,
            Self::Subscribe(args) => subscribe::run(args).await,
            Self::Serve(args) => serve::run(args).await,
            Self::Bench(args) => bench::run(args).await,
            Self::Doctor(args) => doctor::run(args).await,
            Self::Cert(verb) => cert::run(&verb),
            Self::Key(args) => key::run(args).await,
            Self::Ctx(args) => ctx::run(args).await,
            Self::Gen(args) => r#gen::run(&args),
            Self::Idl(verb) => idl::run(verb).await,
            Self::Completion(args) => completion::run(&args),
            Self::CompleteNames(args) => complete_names::run(&args).await,
        }
    }
}
