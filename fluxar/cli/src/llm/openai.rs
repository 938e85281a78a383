//! The client of any OpenAI-compatible endpoint: one request, then a stream of what the model says.
//!
//! Dropping a [`Hearing`] closes its HTTP connection, which is how such an endpoint is told to
//! stop. Nothing the endpoint sends makes this side hold more than the bounds below.

use super::chat::{ChatRequest, Chunk, ErrorAnswer, ModelList, ToolCall, ToolCallDelta, Usage};
use eventsource_stream::{Event, EventStreamError, Eventsource};
use futures_util::{Stream, StreamExt, TryStreamExt};
use reqwest::{RequestBuilder, Response, StatusCode};
use std::collections::VecDeque;
use std::pin::Pin;
use std::time::Duration;

/// Bytes of one server-sent event.
const EVENT_BYTES_MAX: usize = 256 << 10;
/// Bytes of one answer, over all its events.
const ANSWER_BYTES_MAX: usize = 64 << 20;
/// Bytes of an error's or a listing's body that are read.
const BODY_BYTES_MAX: usize = 256 << 10;
/// Characters of a foreign error message that are passed on.
const MESSAGE_CHARS_MAX: usize = 400;
/// Tool calls in one answer.
const TOOL_CALLS_MAX: usize = 16;
/// Bytes of one tool call's arguments.
const ARGUMENTS_BYTES_MAX: usize = 64 << 10;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Silence after which the endpoint is given up.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(60);

/// Why the endpoint could not be heard. Each message says what to do next.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum UpstreamError {
    #[error(
        "{url} is no usable base URL ({reason}): set OPENAI_BASE_URL to something like \
         https://api.openai.com/v1"
    )]
    BadUrl { url: String, reason: String },
    #[error("cannot reach {url} ({reason}): check OPENAI_BASE_URL, and that the endpoint is up")]
    Unreachable { url: String, reason: String },
    #[error("{url} was silent for {} s: try again, or another endpoint", SILENCE_TIMEOUT.as_secs())]
    Silent { url: String },
    #[error("{url} refused the key ({message}): set OPENAI_API_KEY to a key of this endpoint")]
    KeyRefused { url: String, message: String },
    #[error(
        "{url} does not know the path or the model ({message}): check OPENAI_BASE_URL (it usually \
         ends in /v1) and --model"
    )]
    NotFound { url: String, message: String },
    #[error("{url} wants fewer requests ({message}): wait, or look at the account's quota")]
    TooMany { url: String, message: String, retry_after: Option<Duration> },
    #[error("{url} answered {status} ({message})")]
    Refused { url: String, status: u16, message: String },
    #[error("{url} names no model: choose one with --model")]
    NoModel { url: String },
    #[error("{url} does not speak OpenAI's event stream ({reason}): check OPENAI_BASE_URL")]
    NotUnderstood { url: String, reason: String },
    #[error("the model sent more than {limit} bytes of {what}: it was cut off")]
    TooLarge { what: &'static str, limit: usize },
}

/// Something the model says.
#[derive(Debug, PartialEq)]
pub(crate) enum Heard {
    /// The next token.
    Text(String),
    /// It asks for something; complete. Followed by `End`.
    Tool(ToolCall),
    /// It is done.
    End {
        /// `stop`, `length`, `tool_calls`, or whatever the vendor says.
        reason: String,
        /// The counts, if the vendor gives them.
        usage: Option<Usage>,
    },
}

/// An endpoint and the credentials for it.
#[derive(Clone, Debug)]
pub(crate) struct OpenAi {
    http: reqwest::Client,
    base_url: String,
    key: Option<String>,
}

impl OpenAi {
    /// Prepares a client; nothing is sent. `base_url` usually ends in `/v1`.
    ///
    /// # Errors
    /// The URL is not one, or the TLS library finds no certificates.
    pub(crate) fn new(base_url: &str, key: Option<String>) -> Result<Self, UpstreamError> {
        let bad = |reason: String| UpstreamError::BadUrl { url: base_url.to_owned(), reason };
        let url = reqwest::Url::parse(base_url).map_err(|error| bad(error.to_string()))?;
        // A second installation is refused, and the first one serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut http = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(SILENCE_TIMEOUT)
            // A redirect would carry the key elsewhere.
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("fluxar/", env!("CARGO_PKG_VERSION")));
        match url.scheme() {
            "https" => {}
            // Works without certificates on the machine; a loopback address needs no proxy.
            "http" => {
                http = http.tls_certs_only([]);
                if matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]")) {
                    http = http.no_proxy();
                }
            }
            other => return Err(bad(format!("the scheme {other} is neither http nor https"))),
        }
        let http = http.build().map_err(|error| bad(causes(&error)))?;
        let base_url = base_url.trim_end_matches('/').to_owned();
        Ok(Self { http, base_url, key: key.filter(|key| !key.is_empty()) })
    }

    /// Where it asks.
    pub(crate) fn base_url(&self) -> &str {
        &self.base_url
    }

    /// The first model that the endpoint lists.
    ///
    /// # Errors
    /// It cannot be reached, refuses, or lists none.
    pub(crate) async fn first_model(&self) -> Result<String, UpstreamError> {
        let url = format!("{}/models", self.base_url);
        let response = self.send(&url, self.http.get(&url)).await?;
        let body = read_body(response).await;
        let list: ModelList = serde_json::from_slice(&body).map_err(|error| {
            UpstreamError::NotUnderstood { url: url.clone(), reason: error.to_string() }
        })?;
        let first = list.data.into_iter().next().map(|model| model.id);
        first.ok_or(UpstreamError::NoModel { url })
    }

    /// Asks. Returns when the answer begins. Cancel safe: dropping the future hangs up.
    ///
    /// # Errors
    /// It cannot be reached, or refuses.
    pub(crate) async fn chat(&self, request: &ChatRequest) -> Result<Hearing, UpstreamError> {
        let url = format!("{}/chat/completions", self.base_url);
        let response = self.send(&url, self.http.post(&url).json(request)).await?;
        let mut total = Meter::default();
        let bytes = response.bytes_stream().map_err(Broken::Http);
        let bytes = bytes.map(move |part| part.and_then(|part| total.pass(part)));
        Ok(Hearing {
            url,
            events: Box::pin(bytes.eventsource()),
            calls: Vec::new(),
            ready: VecDeque::new(),
            reason: None,
            usage: None,
            over: false,
        })
    }

    async fn send(&self, url: &str, request: RequestBuilder) -> Result<Response, UpstreamError> {
        let request = match &self.key {
            Some(key) => request.bearer_auth(key),
            None => request,
        };
        let response = request.send().await.map_err(|error| transport_error(url, &error))?;
        if response.status().is_success() {
            return Ok(response);
        }
        Err(refusal(url, response).await)
    }
}

/// An answer under way. Dropping it hangs up.
pub(crate) struct Hearing {
    url: String,
    events: Pin<Box<dyn Stream<Item = Result<Event, EventStreamError<Broken>>> + Send>>,
    calls: Vec<ToolCall>,
    ready: VecDeque<Heard>,
    reason: Option<String>,
    usage: Option<Usage>,
    over: bool,
}

impl Hearing {
    /// What the model says next; `None` after `End` or an error. Cancel safe.
    pub(crate) async fn next(&mut self) -> Option<Result<Heard, UpstreamError>> {
        loop {
            if let Some(heard) = self.ready.pop_front() {
                return Some(Ok(heard));
            }
            if self.over {
                return None;
            }
            let outcome = match self.events.next().await {
                Some(Ok(event)) if event.data.trim() == "[DONE]" => self.end(),
                Some(Ok(event)) => self.take(&event.data),
                Some(Err(error)) => Err(self.broken(error)),
                // Some vendors end without the last word.
                None => self.end(),
            };
            if let Err(error) = outcome {
                self.over = true;
                return Some(Err(error));
            }
        }
    }

    fn take(&mut self, data: &str) -> Result<(), UpstreamError> {
        let chunk: Chunk =
            serde_json::from_str(data).map_err(|error| self.not_understood(error.to_string()))?;
        if let Some(error) = chunk.error {
            let message = clip(&error.message);
            return Err(UpstreamError::Refused { url: self.url.clone(), status: 200, message });
        }
        self.usage = chunk.usage.or(self.usage);
        for choice in chunk.choices.into_iter().filter(|choice| choice.index == 0) {
            if let Some(text) = choice.delta.content.filter(|text| !text.is_empty()) {
                self.ready.push_back(Heard::Text(text));
            }
            for delta in choice.delta.tool_calls.into_iter().flatten() {
                self.add_to_call(delta)?;
            }
            self.reason = choice.finish_reason.or_else(|| self.reason.take());
        }
        Ok(())
    }

    fn add_to_call(&mut self, delta: ToolCallDelta) -> Result<(), UpstreamError> {
        let index = delta.index as usize;
        if index >= TOOL_CALLS_MAX {
            return Err(self.not_understood(format!("tool call number {index}")));
        }
        while self.calls.len() <= index {
            self.calls.push(ToolCall { kind: "function".to_owned(), ..ToolCall::default() });
        }
        let call = &mut self.calls[index];
        if let Some(id) = delta.id.filter(|id| !id.is_empty()) {
            call.id = id;
        }
        call.function.name.push_str(&delta.function.name.unwrap_or_default());
        call.function.arguments.push_str(&delta.function.arguments.unwrap_or_default());
        if call.function.arguments.len() + call.function.name.len() > ARGUMENTS_BYTES_MAX {
            let what = "tool call arguments";
            return Err(UpstreamError::TooLarge { what, limit: ARGUMENTS_BYTES_MAX });
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), UpstreamError> {
        self.over = true;
        self.ready.extend(std::mem::take(&mut self.calls).into_iter().map(Heard::Tool));
        let Some(reason) = self.reason.take() else {
            return Err(self.not_understood("it ended without a finish_reason".to_owned()));
        };
        self.ready.push_back(Heard::End { reason, usage: self.usage });
        Ok(())
    }

    fn not_understood(&self, reason: String) -> UpstreamError {
        UpstreamError::NotUnderstood { url: self.url.clone(), reason }
    }

    fn broken(&self, error: EventStreamError<Broken>) -> UpstreamError {
        match error {
            EventStreamError::Transport(Broken::Http(error)) => transport_error(&self.url, &error),
            EventStreamError::Transport(Broken::TooLarge { what, limit }) => {
                UpstreamError::TooLarge { what, limit }
            }
            other => self.not_understood(other.to_string()),
        }
    }
}

/// Why the bytes of an answer ended early.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error(transparent)]
    Http(reqwest::Error),
    #[error("too large")]
    TooLarge { what: &'static str, limit: usize },
}

/// Counts what has passed, since the event parser itself knows no bounds.
#[derive(Debug, Default)]
struct Meter {
    answer_bytes: usize,
    event_bytes: usize,
    after_line_end: bool,
}

impl Meter {
    fn pass<B: AsRef<[u8]>>(&mut self, part: B) -> Result<B, Broken> {
        for byte in part.as_ref() {
            self.event_bytes += 1;
            match byte {
                // An empty line ends an event.
                b'\n' if self.after_line_end => self.event_bytes = 0,
                b'\n' => self.after_line_end = true,
                b'\r' => {}
                _ => self.after_line_end = false,
            }
            if self.event_bytes > EVENT_BYTES_MAX {
                return Err(Broken::TooLarge { what: "one event", limit: EVENT_BYTES_MAX });
            }
        }
        self.answer_bytes += part.as_ref().len();
        if self.answer_bytes > ANSWER_BYTES_MAX {
            return Err(Broken::TooLarge { what: "answer", limit: ANSWER_BYTES_MAX });
        }
        Ok(part)
    }
}

fn transport_error(url: &str, error: &reqwest::Error) -> UpstreamError {
    let url = url.to_owned();
    if error.is_timeout() && !error.is_connect() {
        return UpstreamError::Silent { url };
    }
    UpstreamError::Unreachable { url, reason: causes(error) }
}

async fn refusal(url: &str, response: Response) -> UpstreamError {
    let url = url.to_owned();
    let status = response.status();
    let seconds = response.headers().get(reqwest::header::RETRY_AFTER);
    let seconds = seconds.and_then(|value| value.to_str().ok()?.parse().ok());
    let body = read_body(response).await;
    let message = match serde_json::from_slice::<ErrorAnswer>(&body) {
        Ok(answer) => clip(&answer.error.message),
        Err(_) if body.is_empty() => "without a reason".to_owned(),
        Err(_) => clip(&String::from_utf8_lossy(&body)),
    };
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            UpstreamError::KeyRefused { url, message }
        }
        StatusCode::NOT_FOUND => UpstreamError::NotFound { url, message },
        StatusCode::TOO_MANY_REQUESTS => {
            UpstreamError::TooMany { url, message, retry_after: seconds.map(Duration::from_secs) }
        }
        _ => UpstreamError::Refused { url, status: status.as_u16(), message },
    }
}

/// The body up to its bound; what cannot be read is left out, since it only explains.
async fn read_body(mut response: Response) -> Vec<u8> {
    let mut body = Vec::new();
    while let Ok(Some(part)) = response.chunk().await {
        let room = BODY_BYTES_MAX - body.len();
        body.extend_from_slice(&part[..part.len().min(room)]);
        if body.len() >= BODY_BYTES_MAX {
            break;
        }
    }
    body
}

/// One line of a foreign message, without control characters.
fn clip(message: &str) -> String {
    let spoken = |letter: char| if letter.is_control() { ' ' } else { letter };
    message.chars().map(spoken).take(MESSAGE_CHARS_MAX).collect::<String>().trim().to_owned()
}

/// The innermost cause, where the HTTP library hides what happened.
fn causes(error: &dyn std::error::Error) -> String {
    let mut deepest = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    deepest.to_string()
}

#[cfg(test)]
#[path = "openai_tests.rs"]
mod tests;
