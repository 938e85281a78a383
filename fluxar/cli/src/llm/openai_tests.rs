//! The client against the in-process endpoint, and against scripted bytes.

use super::*;
use crate::llm::chat::{ChatMessage, StreamOptions, Tool, ToolFunction};
use crate::llm::endpoint::Endpoint;
use crate::llm::ngram;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const NO_PAUSE: Duration = Duration::ZERO;

fn request(prompt: &str) -> ChatRequest {
    ChatRequest {
        model: ngram::NAME.to_owned(),
        messages: vec![ChatMessage::text("user", prompt)],
        stream: true,
        stream_options: Some(StreamOptions { include_usage: true }),
        ..ChatRequest::default()
    }
}

async fn local(pace: Duration) -> (Endpoint, OpenAi) {
    let endpoint = Endpoint::start(pace).await.unwrap();
    let key = endpoint.key().to_owned();
    let client = OpenAi::new(&endpoint.base_url(), Some(key)).unwrap();
    (endpoint, client)
}

/// An endpoint that sends these bytes to whoever comes first, then closes.
async fn scripted(head: &str, body: Vec<u8>) -> OpenAi {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    let head = format!("HTTP/1.1 {head}\r\nconnection: close\r\n\r\n");
    tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut request = vec![0; 64 << 10];
        let _ = socket.read(&mut request).await.unwrap();
        let _ = socket.write_all(head.as_bytes()).await;
        let _ = socket.write_all(&body).await;
        let _ = socket.shutdown().await;
    });
    OpenAi::new(&url, None).unwrap()
}

async fn hear(client: &OpenAi, request: &ChatRequest) -> Result<Vec<Heard>, UpstreamError> {
    let mut hearing = client.chat(request).await?;
    let mut all = Vec::new();
    while let Some(heard) = hearing.next().await {
        all.push(heard?);
    }
    Ok(all)
}

#[tokio::test]
async fn a_whole_answer_ends_with_its_reason_and_counts() {
    let (_endpoint, client) = local(NO_PAUSE).await;
    let all = hear(&client, &request("What makes the tide?")).await.unwrap();
    let Some(Heard::End { reason, usage: Some(usage) }) = all.last() else { panic!("{all:?}") };
    assert_eq!(reason, "stop");
    assert_eq!(usage.completion_tokens as usize, all.len() - 1);
    assert_eq!(client.first_model().await.unwrap(), ngram::NAME);
}

#[tokio::test]
async fn a_tool_call_is_put_together_from_its_pieces() {
    let (_endpoint, client) = local(NO_PAUSE).await;
    let function = ToolFunction {
        name: "approve".to_owned(),
        description: String::new(),
        parameters: serde_json::json!({ "type": "object" }),
    };
    let mut request = request("bread");
    request.tools.push(Tool { kind: "function".to_owned(), function });
    let all = hear(&client, &request).await.unwrap();
    let [.., Heard::Tool(call), Heard::End { reason, .. }] = &all[..] else { panic!("{all:?}") };
    assert_eq!(reason, "tool_calls");
    assert_eq!(call.function.name, "approve");
    assert_eq!(call.function.arguments, r#"{"action":"go on about the kitchen"}"#);
}

#[tokio::test]
async fn dropping_the_answer_stops_the_endpoint() {
    let (endpoint, client) = local(Duration::from_millis(1)).await;
    let mut hearing = client.chat(&request("the sea")).await.unwrap();
    assert!(matches!(hearing.next().await, Some(Ok(Heard::Text(_)))));
    drop(hearing);
    tokio::time::timeout(Duration::from_secs(5), endpoint.silence())
        .await
        .expect("it goes on speaking");
}

#[tokio::test]
async fn a_wrong_key_and_a_wrong_model_say_what_to_do() {
    let (endpoint, client) = local(NO_PAUSE).await;
    let wrong = OpenAi::new(&endpoint.base_url(), Some("sk-wrong".to_owned())).unwrap();
    let error = hear(&wrong, &request("x")).await.unwrap_err();
    assert!(matches!(error, UpstreamError::KeyRefused { .. }), "{error:?}");
    assert!(error.to_string().contains("OPENAI_API_KEY"), "{error}");
    let unknown = ChatRequest { model: "gpt-9".to_owned(), ..request("x") };
    let error = hear(&client, &unknown).await.unwrap_err();
    assert!(error.to_string().contains("--model"), "{error}");
    let elsewhere = OpenAi::new(&endpoint.base_url().replace("/v1", "/v2"), None).unwrap();
    let error = hear(&elsewhere, &request("x")).await.unwrap_err();
    assert!(matches!(error, UpstreamError::NotFound { .. }), "{error:?}");
}

#[tokio::test]
async fn too_many_requests_says_when_to_come_back() {
    let body = br#"{"error":{"message":"slow\ndown","type":"rate_limit"}}"#.to_vec();
    let client = scripted("429 Too Many Requests\r\nretry-after: 7", body).await;
    let error = hear(&client, &request("x")).await.unwrap_err();
    let UpstreamError::TooMany { message, retry_after, .. } = error else { panic!("{error:?}") };
    assert_eq!((message.as_str(), retry_after), ("slow down", Some(Duration::from_secs(7))));
}

#[tokio::test]
async fn nobody_there_is_unreachable() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    drop(listener);
    let error = hear(&OpenAi::new(&url, None).unwrap(), &request("x")).await.unwrap_err();
    assert!(matches!(error, UpstreamError::Unreachable { .. }), "{error:?}");
}

#[tokio::test]
async fn an_endless_event_is_cut_off() {
    let mut body = b"data: ".to_vec();
    body.resize(EVENT_BYTES_MAX + 100, b'x');
    let client = scripted("200 OK\r\ncontent-type: text/event-stream", body).await;
    let error = hear(&client, &request("x")).await.unwrap_err();
    assert!(matches!(error, UpstreamError::TooLarge { .. }), "{error:?}");
}

#[tokio::test]
async fn other_vendors_habits_are_understood() {
    let body = concat!(
        ": keep-alive\r\n\r\n",
        "data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\r\n\r\n",
        "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}],\"x\":1}\r\n\r\n",
    );
    let client = scripted("200 OK", body.as_bytes().to_vec()).await;
    let all = hear(&client, &request("x")).await.unwrap();
    let end = Heard::End { reason: "stop".to_owned(), usage: None };
    assert_eq!(all, [Heard::Text("Hi".to_owned()), end]);
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_an_error() {
    let body = b"data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\n".to_vec();
    let client = scripted("200 OK", body).await;
    let error = hear(&client, &request("x")).await.unwrap_err();
    assert!(error.to_string().contains("finish_reason"), "{error}");
}

#[test]
fn only_http_urls_are_taken() {
    for url in ["", "api.openai.com/v1", "ftp://host/v1"] {
        let error = OpenAi::new(url, None).unwrap_err();
        assert!(error.to_string().contains("OPENAI_BASE_URL"), "{error}");
    }
}
