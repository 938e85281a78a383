//! Where the tokens come from: the endpoint that the environment names, or the one in here.

use super::endpoint::Endpoint;
use super::ngram;
use super::openai::OpenAi;
use super::service::Upstream;
use crate::config::Model;
use crate::failure::Failure;
use crate::terminal;
use crate::units;
use std::time::Duration;

/// The options of the verbs that serve a model.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct SourceArgs {
    /// Base URL of an OpenAI-compatible endpoint [default: a small n-gram model in this process]
    #[arg(long, env = "OPENAI_BASE_URL", value_name = "URL")]
    base_url: Option<String>,
    /// Model to ask for [default: the endpoint's first one]
    #[arg(long)]
    model: Option<String>,
    /// Pace of the model in this process [default: 30/s]
    #[arg(long, value_name = "RATE", value_parser = units::rate)]
    tokens_per_second: Option<f64>,
}

/// The pace when nobody says another.
const TOKENS_PER_SECOND: f64 = 30.0;

impl SourceArgs {
    /// The model that was asked for.
    pub(crate) fn model(&self) -> Option<String> {
        self.model.clone()
    }

    /// These, and what they leave open from a file.
    pub(crate) fn or(self, file: &Model) -> Self {
        Self {
            base_url: self.base_url.or_else(|| file.base_url.clone()),
            model: self.model.or_else(|| file.model.clone()),
            tokens_per_second: self.tokens_per_second.or(file.tokens_per_second),
        }
    }
}

/// A model to serve. Dropping it ends the endpoint in this process, if there is one.
#[derive(Debug)]
pub(crate) struct Source {
    /// Answers the calls.
    pub(crate) upstream: Upstream,
    /// Stands in for a real endpoint.
    pub(crate) local: Option<Endpoint>,
    /// The model's name and whereabouts, for people.
    pub(crate) about: String,
}

impl Source {
    /// Finds or starts the endpoint. The key comes from OPENAI_API_KEY only, since a command line
    /// can be seen by others.
    ///
    /// # Errors
    /// A wrong URL, a model that is not there, an endpoint that does not list its models.
    pub(crate) async fn start(args: &SourceArgs) -> Result<Self, Failure> {
        let key = std::env::var("OPENAI_API_KEY").ok().filter(|key| !key.is_empty());
        let next = "unset OPENAI_BASE_URL to run with the model in this process";
        match args.base_url.as_deref().filter(|url| !url.is_empty()) {
            Some(url) => {
                let client = OpenAi::new(url, key).map_err(|error| Failure::usage(error, next))?;
                let upstream = Upstream::new(client, args.model.clone());
                let model = upstream.model().await;
                let model = model.map_err(|error| Failure::local(error, next))?;
                let about = format!("{model} at {url}");
                Ok(Self { upstream, local: None, about })
            }
            None => Self::start_local(args, key.is_some()).await,
        }
    }

    async fn start_local(args: &SourceArgs, has_key: bool) -> Result<Self, Failure> {
        if let Some(model) = args.model.as_deref().filter(|model| *model != ngram::NAME) {
            return Err(Failure::usage(
                format_args!("the model in this process is {}, not {model}", ngram::NAME),
                "set OPENAI_BASE_URL to an endpoint that has it, or leave out --model",
            ));
        }
        if has_key {
            let hint = "OPENAI_API_KEY is not used: set OPENAI_BASE_URL as well, for example \
                        https://api.openai.com/v1";
            terminal::note("model", hint);
        }
        let pace =
            Duration::from_secs_f64(1.0 / args.tokens_per_second.unwrap_or(TOKENS_PER_SECOND));
        let local = Endpoint::start(pace).await.map_err(|error| {
            let next = "check that the loopback interface is up";
            Failure::local(format_args!("cannot listen on 127.0.0.1: {error}"), next)
        })?;
        let client = OpenAi::new(&local.base_url(), Some(local.key().to_owned()));
        let client = client.map_err(|error| Failure::local(error, "report this as a bug"))?;
        let upstream = Upstream::new(client, Some(ngram::NAME.to_owned()));
        let about =
            format!("{} in this process, a small n-gram model: it only counts", ngram::NAME);
        Ok(Self { upstream, local: Some(local), about })
    }
}
