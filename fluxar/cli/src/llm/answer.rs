//! What the in-process endpoint says to one request: a sequence of chunks, as OpenAI sends them.

use super::chat::{
    ChatMessage, ChatRequest, Choice, Chunk, Delta, FunctionDelta, ToolCallDelta, Usage,
};
use super::ngram::{self, Finish, Manner, Model, Speaker};
use std::collections::VecDeque;
use std::sync::Arc;

/// The tool that this model knows how to ask for.
pub(crate) const APPROVE: &str = "approve";
/// Tokens after which an answer ends with its sentence, unless the request says less.
const ENOUGH_TOKENS: u32 = 90;
/// Tokens at most, unless the request says less.
const TOKENS_MAX: u32 = 400;
/// Tokens before it asks for approval, then to the end of the sentence.
const TOKENS_BEFORE_ASKING: u32 = 20;
const TEMPERATURE: f64 = 0.8;

/// One answer under way: an iterator of chunks. The first is the role, the last one has the
/// usage if that was asked for; `[DONE]` is not its business.
#[derive(Debug)]
pub(crate) struct Answer {
    speaker: Speaker,
    id: String,
    model: String,
    created: u64,
    prompt_tokens: u32,
    completion_tokens: u32,
    /// Chunks ready to go, before anything new is said.
    ready: VecDeque<Delta>,
    /// It will ask for approval at the end of this sentence.
    asks: bool,
    may_speak: bool,
    include_usage: bool,
    finished: bool,
}

impl Answer {
    /// Reads the conversation and decides what to say.
    pub(crate) fn new(model: &Arc<Model>, request: &ChatRequest, id: String, created: u64) -> Self {
        let prompt = last_of(&request.messages, "user");
        let said = last_of(&request.messages, "assistant");
        let result = request.messages.last().filter(|message| message.role == "tool");
        let declined = result.is_some_and(|message| !approves(message));
        let asks = request.tools.iter().any(|tool| tool.function.name == APPROVE)
            && !request.messages.iter().any(|message| message.role == "tool");
        let manner = manner(request, asks);
        let speaker = match result {
            Some(_) => model.go_on(prompt, said, manner),
            None => model.answer(prompt, manner),
        };
        let role = Delta {
            role: Some("assistant".to_owned()),
            content: Some(String::new()),
            tool_calls: None,
        };
        let mut ready = VecDeque::from([role]);
        if declined {
            let farewell = ngram::spoken("You did not agree, so I stop here.");
            ready.extend(farewell.into_iter().map(content));
        }
        let texts = request.messages.iter().filter_map(|message| message.content.as_deref());
        Self {
            speaker,
            id,
            model: request.model.clone(),
            created,
            prompt_tokens: texts.map(Model::count_tokens).sum(),
            completion_tokens: 0,
            ready,
            asks,
            may_speak: !declined,
            include_usage: request.stream_options.is_some_and(|options| options.include_usage),
            finished: false,
        }
    }

    fn chunk(&self, delta: Delta, finish_reason: Option<&str>) -> Chunk {
        let choice =
            Choice { delta, finish_reason: finish_reason.map(str::to_owned), ..Choice::default() };
        self.bare_chunk(vec![choice], None)
    }

    fn bare_chunk(&self, choices: Vec<Choice>, usage: Option<Usage>) -> Chunk {
        Chunk {
            id: self.id.clone(),
            object: "chat.completion.chunk".to_owned(),
            created: self.created,
            model: self.model.clone(),
            choices,
            usage,
            error: None,
        }
    }

    /// The tool call, in as many pieces as OpenAI would send.
    fn ask(&mut self) {
        let action = format!("go on about {}", self.speaker.topic());
        let arguments = serde_json::json!({ "action": action }).to_string();
        let piece = |id: Option<String>, name: Option<&str>, arguments: String| Delta {
            tool_calls: Some(vec![ToolCallDelta {
                index: 0,
                kind: id.is_some().then(|| "function".to_owned()),
                id,
                function: FunctionDelta {
                    name: name.map(str::to_owned),
                    arguments: Some(arguments),
                },
            }]),
            ..Delta::default()
        };
        let id = format!("call_{}", self.id.trim_start_matches("chatcmpl-"));
        self.ready.push_back(piece(Some(id), Some(APPROVE), String::new()));
        let pieces = arguments.split_inclusive(' ').map(|part| piece(None, None, part.to_owned()));
        self.ready.extend(pieces);
    }

    fn finish_reason(&self) -> &'static str {
        if self.asks {
            return "tool_calls";
        }
        match self.speaker.finish() {
            Some(Finish::Length) => "length",
            Some(Finish::Stop) | None => "stop",
        }
    }
}

impl Iterator for Answer {
    type Item = Chunk;

    fn next(&mut self) -> Option<Chunk> {
        if self.finished {
            let usage = Usage {
                prompt_tokens: self.prompt_tokens,
                completion_tokens: self.completion_tokens,
                total_tokens: self.prompt_tokens.saturating_add(self.completion_tokens),
            };
            let wanted = std::mem::take(&mut self.include_usage);
            return wanted.then(|| self.bare_chunk(Vec::new(), Some(usage)));
        }
        if self.ready.is_empty() && self.may_speak {
            match self.speaker.next() {
                Some(piece) => self.ready.push_back(content(piece)),
                None => {
                    self.may_speak = false;
                    self.asks &= self.speaker.finish() == Some(Finish::Stop);
                    if self.asks {
                        self.ask();
                    }
                }
            }
        }
        let Some(delta) = self.ready.pop_front() else {
            self.finished = true;
            return Some(self.chunk(Delta::default(), Some(self.finish_reason())));
        };
        if delta.role.is_none() {
            self.completion_tokens += 1;
        }
        Some(self.chunk(delta, None))
    }
}

fn content(text: String) -> Delta {
    Delta { content: Some(text), ..Delta::default() }
}

fn last_of<'a>(messages: &'a [ChatMessage], role: &str) -> &'a str {
    let mut turns = messages.iter().rev().filter(|message| message.role == role);
    turns.next().and_then(|message| message.content.as_deref()).unwrap_or_default()
}

/// A tool's result counts as a yes only when it says so.
fn approves(message: &ChatMessage) -> bool {
    let content = message.content.as_deref().unwrap_or_default();
    let result: Option<serde_json::Value> = serde_json::from_str(content).ok();
    result.and_then(|value| value.get("approved")?.as_bool()).unwrap_or(false)
}

fn manner(request: &ChatRequest, asks: bool) -> Manner {
    let max_tokens = request.max_completion_tokens.or(request.max_tokens).unwrap_or(TOKENS_MAX);
    let max_tokens = max_tokens.min(TOKENS_MAX);
    let enough = if asks { TOKENS_BEFORE_ASKING } else { ENOUGH_TOKENS };
    Manner {
        seed: request.seed,
        temperature: request.temperature.unwrap_or(TEMPERATURE),
        // Leaves room to end the sentence in front of the hard limit.
        enough_tokens: enough.min(max_tokens / 2),
        max_tokens,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::llm::chat::{StreamOptions, Tool, ToolFunction};

    fn request(messages: Vec<ChatMessage>, tools: bool) -> ChatRequest {
        let function = ToolFunction {
            name: APPROVE.to_owned(),
            description: String::new(),
            parameters: serde_json::Value::Null,
        };
        ChatRequest {
            model: ngram::NAME.to_owned(),
            messages,
            stream: true,
            stream_options: Some(StreamOptions { include_usage: true }),
            tools: tools
                .then(|| Tool { kind: "function".to_owned(), function })
                .into_iter()
                .collect(),
            ..ChatRequest::default()
        }
    }

    fn answer(request: &ChatRequest) -> Vec<Chunk> {
        Answer::new(&Arc::new(Model::shipped()), request, "chatcmpl-1".to_owned(), 0).collect()
    }

    fn text(chunks: &[Chunk]) -> String {
        let choices = chunks.iter().flat_map(|chunk| &chunk.choices);
        choices.filter_map(|choice| choice.delta.content.as_deref()).collect()
    }

    fn reason(chunks: &[Chunk]) -> Option<&str> {
        let choices = chunks.iter().flat_map(|chunk| &chunk.choices);
        choices.filter_map(|choice| choice.finish_reason.as_deref()).next_back()
    }

    #[test]
    fn chunks_come_in_openais_order() {
        let chunks = answer(&request(vec![ChatMessage::text("user", "bread")], false));
        assert_eq!(chunks[0].choices[0].delta.role.as_deref(), Some("assistant"));
        assert_eq!(reason(&chunks), Some("stop"));
        let last = chunks.last().expect("chunks");
        assert!(last.choices.is_empty());
        let said = chunks.len() - 3; // The role, the reason and the usage are no tokens.
        let usage = last.usage.expect("usage was asked for");
        assert_eq!((usage.prompt_tokens, usage.completion_tokens as usize), (2, said));
    }

    #[test]
    fn with_the_tool_it_asks_and_goes_on_when_approved() {
        let question = ChatMessage::text("user", "What makes the tide?");
        let first = answer(&request(vec![question.clone()], true));
        assert_eq!(reason(&first), Some("tool_calls"));
        let deltas = first.iter().flat_map(|chunk| &chunk.choices);
        let calls = deltas.filter_map(|choice| choice.delta.tool_calls.as_ref()).flatten();
        let arguments: String =
            calls.filter_map(|call| call.function.arguments.as_deref()).collect();
        assert_eq!(arguments, r#"{"action":"go on about the sea"}"#);

        let turn = |result: &str| {
            let said = ChatMessage::text("assistant", text(&first));
            vec![question.clone(), said, ChatMessage::text("tool", result)]
        };
        let yes = answer(&request(turn(r#"{"approved":true}"#), true));
        assert_eq!(reason(&yes), Some("stop"));
        assert!(text(&yes).len() > 100);
        let no = answer(&request(turn("anything else"), true));
        assert_eq!(text(&no), " You did not agree, so I stop here.");
    }
}
