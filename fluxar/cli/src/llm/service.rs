//! `llm.complete` over fluxar: a prompt in, tokens as they come, then a typed summary.

use super::answer::APPROVE;
use super::chat::{ChatMessage, ChatRequest, StreamOptions, Tool, ToolCall, ToolFunction, Usage};
use super::openai::{Heard, OpenAi, UpstreamError};
use fluxar::{Code, Context, Sink, Status};
use serde::Deserialize;
use std::time::Duration;
use tokio::sync::OnceCell;

/// Bytes of a prompt.
const PROMPT_BYTES_MAX: usize = 64 << 10;
/// Requests to the endpoint for one answer: one, and one after each round of questions.
const ROUNDS_MAX: u32 = 8;
/// How long a person may think about a question. No answer is a no.
const APPROVAL_TIMEOUT: Duration = Duration::from_secs(120);
/// What the model is told about its answers.
const SYSTEM: &str = "Answer in plain text, in a paragraph or two.";
/// The finish reason of an answer that the caller stopped.
pub(crate) const CANCELLED: &str = "cancelled";

/// A piece of the answer, with its leading space.
#[derive(Clone, Debug, PartialEq, Eq, fluxar::Type)]
pub(crate) struct Token {
    /// The piece.
    pub(crate) text: String,
}

/// What came of an answer.
#[derive(Clone, Debug, PartialEq, Eq, fluxar::Type)]
pub(crate) struct Summary {
    /// The model that spoke.
    pub(crate) model: String,
    /// Tokens of the conversation, summed over the requests; absent when the endpoint did not say
    /// (it says so at the end, so never for a cancelled answer).
    pub(crate) prompt_tokens: Option<u32>,
    /// Tokens said: as counted by the endpoint, or else the pieces that arrived.
    pub(crate) completion_tokens: u32,
    /// `stop`, `length`, `cancelled`, or whatever else the endpoint says.
    pub(crate) finish_reason: String,
}

/// A yes or a no.
#[derive(Clone, Debug, PartialEq, Eq, fluxar::Type)]
pub(crate) struct Approval {
    /// The model may do what it asked for.
    pub(crate) approved: bool,
}

/// A language model.
#[expect(clippy::too_many_arguments, reason = "callers write one flat map of parameters")]
#[fluxar::service]
pub(crate) trait Llm {
    /// Answers a prompt. With `approvals`, the model may ask for permission on the way: the
    /// callee then calls `approvals.approve` at the caller and goes on with the answer. A
    /// cancelled answer still ends with its summary.
    async fn complete(
        &self,
        ctx: Context,
        prompt: String,
        model: Option<String>,
        max_tokens: Option<u32>,
        seed: Option<u64>,
        approvals: Option<bool>,
        out: Sink<Token>,
    ) -> Result<Summary, Status>;
}

/// Whoever can be asked for permission.
#[fluxar::service]
pub(crate) trait Approvals {
    /// Asks whether the model may do this; the words are the model's.
    async fn approve(&self, action: String) -> Approval;
}

/// Something that somebody says to all.
#[derive(Clone, Debug, PartialEq, Eq, fluxar::Type)]
pub(crate) struct Line {
    /// Who says it.
    pub(crate) who: String,
    /// What is said.
    pub(crate) text: String,
}

/// What people say to each other in a room: the page in examples/browser does.
#[fluxar::topic("demo.chat.{room}", value = Line)]
pub(crate) struct Chat {
    /// The room.
    pub(crate) room: String,
}

/// Serves [`Llm`] from an OpenAI-compatible endpoint.
#[derive(Debug)]
pub(crate) struct Upstream {
    client: OpenAi,
    model: OnceCell<String>,
}

impl Upstream {
    /// `model` is what callers get who name none; without it, the endpoint's first one.
    pub(crate) fn new(client: OpenAi, model: Option<String>) -> Self {
        Self { client, model: OnceCell::new_with(model) }
    }

    /// The model for callers who name none.
    ///
    /// # Errors
    /// The endpoint has to be asked, and does not answer.
    pub(crate) async fn model(&self) -> Result<&str, UpstreamError> {
        self.model.get_or_try_init(|| self.client.first_model()).await.map(String::as_str)
    }

    /// One request: passes the text on as it comes, and ends with what there is to do next.
    async fn round(
        &self,
        request: &ChatRequest,
        out: &Sink<Token>,
        said: &mut Said,
    ) -> Result<Vec<ToolCall>, Status> {
        let hearing = match self.client.chat(request).await {
            // Some models take no tools: then nobody is asked, and the answer comes all the same.
            Err(UpstreamError::Refused { status: 400 | 422, .. }) if !request.tools.is_empty() => {
                self.client.chat(&without_tools(request)).await
            }
            outcome => outcome,
        };
        let mut hearing = hearing.map_err(|error| status(&error))?;
        let mut calls = Vec::new();
        while let Some(heard) = hearing.next().await {
            match heard.map_err(|error| status(&error))? {
                Heard::Text(text) => {
                    said.text.push_str(&text);
                    said.pieces = said.pieces.saturating_add(1);
                    out.send(Token { text }).await?;
                }
                Heard::Tool(call) => calls.push(call),
                Heard::End { reason, usage } => said.end_round(reason, usage),
            }
        }
        Ok(calls)
    }

    async fn answer(
        &self,
        ctx: &Context,
        mut request: ChatRequest,
        out: &Sink<Token>,
        said: &mut Said,
    ) -> Result<(), Status> {
        for _ in 0..ROUNDS_MAX {
            let start = said.text.len();
            let calls = self.round(&request, out, said).await?;
            if calls.is_empty() {
                return Ok(());
            }
            let mut turn = ChatMessage::text("assistant", &said.text[start..]);
            turn.tool_calls.clone_from(&calls);
            request.messages.push(turn);
            for call in calls {
                let approved = approve(ctx, &call).await;
                let mut result = ChatMessage::text("tool", approved.to_string());
                result.tool_call_id = Some(call.id);
                request.messages.push(result);
            }
        }
        Err(Status::new(Code::ResourceExhausted, "the model asked for more and more: stopped"))
    }
}

impl Llm for Upstream {
    async fn complete(
        &self,
        ctx: Context,
        prompt: String,
        model: Option<String>,
        max_tokens: Option<u32>,
        seed: Option<u64>,
        approvals: Option<bool>,
        out: Sink<Token>,
    ) -> Result<Summary, Status> {
        if prompt.trim().is_empty() || prompt.len() > PROMPT_BYTES_MAX {
            let message = format!("`prompt` must have 1 to {PROMPT_BYTES_MAX} bytes of text");
            return Err(Status::new(Code::InvalidArgument, message));
        }
        let mut said = Said::default();
        let mut name = model.unwrap_or_default();
        let work = async {
            if name.is_empty() {
                self.model().await.map_err(|error| status(&error))?.clone_into(&mut name);
            }
            let asks = approvals.unwrap_or(false);
            let mut request = first_request(name.clone(), prompt, asks);
            request.seed = seed;
            // OpenAI itself has renamed this; the other vendors mostly have not.
            match self.client.base_url().contains("api.openai.com") {
                true => request.max_completion_tokens = max_tokens,
                false => request.max_tokens = max_tokens,
            }
            self.answer(&ctx, request, &out, &mut said).await
        };
        // Cancelled: `work` is dropped here and now, and the endpoint's connection with it.
        let cancelled = tokio::select! {
            biased;
            () = ctx.cancelled() => true,
            outcome = work => match outcome {
                // The cancel came between the two polls, and an item met it first.
                Err(status) if status.code() == Code::Cancelled => true,
                outcome => outcome.map(|()| false)?,
            },
        };
        Ok(said.summary(name, cancelled))
    }
}

/// What was said so far.
#[derive(Debug, Default)]
struct Said {
    text: String,
    /// Pieces since the last usage.
    pieces: u32,
    usage: Option<Usage>,
    reason: String,
}

impl Said {
    fn end_round(&mut self, reason: String, usage: Option<Usage>) {
        self.reason = reason;
        if let Some(usage) = usage {
            self.pieces = 0;
            let sum = self.usage.get_or_insert_default();
            sum.prompt_tokens = sum.prompt_tokens.saturating_add(usage.prompt_tokens);
            sum.completion_tokens = sum.completion_tokens.saturating_add(usage.completion_tokens);
        }
    }

    fn summary(self, model: String, cancelled: bool) -> Summary {
        let counted = self.usage.map_or(0, |usage| usage.completion_tokens);
        Summary {
            model,
            prompt_tokens: self.usage.filter(|_| !cancelled).map(|usage| usage.prompt_tokens),
            completion_tokens: counted.saturating_add(self.pieces),
            finish_reason: if cancelled { CANCELLED.to_owned() } else { self.reason },
        }
    }
}

fn without_tools(request: &ChatRequest) -> ChatRequest {
    let mut request = request.clone();
    request.tools.clear();
    if let Some(system) = request.messages.first_mut() {
        system.content = Some(SYSTEM.to_owned());
    }
    request
}

fn first_request(model: String, prompt: String, approvals: bool) -> ChatRequest {
    let mut system = SYSTEM.to_owned();
    if approvals {
        system.push_str(
            " After your first two sentences, call the tool `approve` once to ask whether you \
             may go on, and in which direction. Go on only if it is approved.",
        );
    }
    let function = ToolFunction {
        name: APPROVE.to_owned(),
        description: "Asks the person for permission to do something.".to_owned(),
        parameters: serde_json::json!({
            "type": "object",
            "properties": {
                "action": { "type": "string", "description": "What you want to do, in a few words." }
            },
            "required": ["action"],
        }),
    };
    let tool = Tool { kind: "function".to_owned(), function };
    ChatRequest {
        model,
        messages: vec![ChatMessage::text("system", system), ChatMessage::text("user", prompt)],
        stream: true,
        stream_options: Some(StreamOptions { include_usage: true }),
        tools: approvals.then_some(tool).into_iter().collect(),
        ..ChatRequest::default()
    }
}

/// Asks the caller. What cannot be asked is declined, with the reason for the model.
async fn approve(ctx: &Context, call: &ToolCall) -> serde_json::Value {
    #[derive(Deserialize)]
    struct Arguments {
        action: String,
    }
    let declined = |why: &str| serde_json::json!({ "approved": false, "reason": why });
    if call.function.name != APPROVE {
        return declined("there is no such tool");
    }
    let Ok(Arguments { action }) = serde_json::from_str(&call.function.arguments) else {
        return declined("the arguments must be {\"action\": string}");
    };
    let asked = ApprovalsClient::new(&ctx.peer()).approve(action).timeout(APPROVAL_TIMEOUT).await;
    match asked {
        Ok(Approval { approved }) => serde_json::json!({ "approved": approved }),
        Err(status) => declined(status.code().name()),
    }
}

/// The one place where the endpoint's failures become codes.
fn status(error: &UpstreamError) -> Status {
    let code = match error {
        UpstreamError::Unreachable { .. } => Code::Unavailable,
        UpstreamError::Silent { .. } => Code::DeadlineExceeded,
        UpstreamError::TooMany { .. } | UpstreamError::TooLarge { .. } => Code::ResourceExhausted,
        UpstreamError::Refused { status: 400..500, .. } => Code::InvalidArgument,
        UpstreamError::Refused { .. } => Code::Internal,
        UpstreamError::BadUrl { .. }
        | UpstreamError::KeyRefused { .. }
        | UpstreamError::NotFound { .. }
        | UpstreamError::NoModel { .. }
        | UpstreamError::NotUnderstood { .. } => Code::FailedPrecondition,
    };
    let status = Status::new(code, error.to_string());
    match error {
        UpstreamError::TooMany { retry_after: Some(after), .. } => status.with_retry_after(*after),
        _ => status,
    }
}
