//! An OpenAI-compatible endpoint in this process, with the n-gram model behind it.
//!
//! It listens on 127.0.0.1 only, on a port of the system's choice, and wants a key that is made
//! anew at every start. It sends what OpenAI sends, at the pace of a model that thinks, and stops
//! speaking as soon as the reader hangs up.

use super::answer::Answer;
use super::chat::{ChatRequest, ErrorAnswer, ErrorBody, ModelEntry, ModelList};
use super::ngram::{self, Model};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures_util::{Stream, stream};
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;
use tokio::time::{Interval, MissedTickBehavior};

/// Bytes of one request.
const REQUEST_BYTES_MAX: usize = 256 << 10;
/// Answers under way at once.
const ANSWERS_MAX: usize = 64;

/// A running endpoint; dropping it ends it.
#[derive(Debug)]
pub(crate) struct Endpoint {
    address: SocketAddr,
    key: String,
    answers: Arc<Semaphore>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    model: Arc<Model>,
    key: String,
    /// Between two tokens; zero does not wait.
    pace: Duration,
    answers: Arc<Semaphore>,
    ids: AtomicU64,
}

impl Endpoint {
    /// Trains the model and listens. `pace` is the time from one token to the next.
    ///
    /// # Errors
    /// The loopback interface gives no port.
    pub(crate) async fn start(pace: Duration) -> io::Result<Self> {
        let key = format!("sk-local-{:016x}", rand::random::<u64>());
        let answers = Arc::new(Semaphore::new(ANSWERS_MAX));
        let shared = Arc::new(Shared {
            model: Arc::new(Model::shipped()),
            key: key.clone(),
            pace,
            answers: Arc::clone(&answers),
            ids: AtomicU64::new(1),
        });
        let app = Router::new()
            .route("/v1/chat/completions", post(complete))
            .route("/v1/models", get(models))
            .fallback(async || refuse(StatusCode::NOT_FOUND, "there is no such path here"))
            .layer(DefaultBodyLimit::max(REQUEST_BYTES_MAX))
            .with_state(shared);
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let task = tokio::spawn(async move {
            // Accept errors are waited out by axum itself: it ends only by being dropped.
            let _ = axum::serve(listener, app).await;
        });
        Ok(Self { address, key, answers, task })
    }

    /// What goes into `OPENAI_BASE_URL`.
    pub(crate) fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// What goes into `OPENAI_API_KEY`.
    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    /// Waits until no answer is under way.
    pub(crate) async fn silence(&self) {
        let all = u32::try_from(ANSWERS_MAX).unwrap_or(u32::MAX);
        // The semaphore is never closed; its permits go back as this returns.
        let _ = self.answers.acquire_many(all).await;
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn models(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    if let Err(refusal) = shared.admit(&headers) {
        return *refusal;
    }
    let model = ModelEntry {
        id: ngram::NAME.to_owned(),
        object: "model".to_owned(),
        created: now_seconds(),
        owned_by: "fluxar".to_owned(),
    };
    Json(ModelList { object: "list".to_owned(), data: vec![model] }).into_response()
}

async fn complete(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Result<Json<ChatRequest>, axum::extract::rejection::JsonRejection>,
) -> Response {
    if let Err(refusal) = shared.admit(&headers) {
        return *refusal;
    }
    let request = match body {
        Ok(Json(request)) => request,
        Err(rejection) => return refuse(rejection.status(), &rejection.body_text()),
    };
    if request.model != ngram::NAME {
        let message = format!("the model `{}` does not exist", request.model);
        return refuse(StatusCode::NOT_FOUND, &message);
    }
    if !request.stream {
        return refuse(StatusCode::BAD_REQUEST, "this endpoint only streams: set `stream` to true");
    }
    let Ok(permit) = Arc::clone(&shared.answers).try_acquire_owned() else {
        return refuse(StatusCode::TOO_MANY_REQUESTS, "too many answers under way");
    };
    let id = format!("chatcmpl-{:08x}", shared.ids.fetch_add(1, Ordering::Relaxed));
    let answer = Answer::new(&shared.model, &request, id, now_seconds());
    Sse::new(speak(answer, shared.pace, permit)).into_response()
}

/// The answer's chunks as events, one at a time, then `[DONE]`. The permit goes back when the
/// stream is dropped, which is when the reader has hung up or has everything.
fn speak(
    answer: Answer,
    pace: Duration,
    permit: OwnedSemaphorePermit,
) -> impl Stream<Item = Result<Event, Infallible>> {
    let state = Speaking { answer, pace: interval(pace), done: false, _permit: permit };
    stream::unfold(state, |mut state| async move {
        if state.done {
            return None;
        }
        let Some(chunk) = state.answer.next() else {
            state.done = true;
            return Some((Ok(Event::default().data("[DONE]")), state));
        };
        let token = chunk.choices.iter().any(|choice| choice.delta.role.is_none());
        if let (true, Some(pace)) = (token, &mut state.pace) {
            pace.tick().await;
        }
        let data = serde_json::to_string(&chunk).unwrap_or_else(|error| error.to_string());
        Some((Ok(Event::default().data(data)), state))
    })
}

struct Speaking {
    answer: Answer,
    pace: Option<Interval>,
    done: bool,
    _permit: OwnedSemaphorePermit,
}

fn interval(pace: Duration) -> Option<Interval> {
    (!pace.is_zero()).then(|| {
        let mut interval = tokio::time::interval(pace);
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        interval
    })
}

impl Shared {
    fn admit(&self, headers: &HeaderMap) -> Result<(), Box<Response>> {
        let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        if given.and_then(|value| value.strip_prefix("Bearer ")) == Some(&self.key) {
            return Ok(());
        }
        Err(Box::new(refuse(StatusCode::UNAUTHORIZED, "the API key is missing or wrong")))
    }
}

fn refuse(status: StatusCode, message: &str) -> Response {
    let kind = if status == StatusCode::TOO_MANY_REQUESTS {
        "rate_limit"
    } else {
        "invalid_request_error"
    };
    let error = ErrorBody {
        message: message.to_owned(),
        kind: Some(kind.to_owned()),
        ..ErrorBody::default()
    };
    (status, Json(ErrorAnswer { error })).into_response()
}

/// The wall clock, which OpenAI's format wants.
fn now_seconds() -> u64 {
    SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs())
}
