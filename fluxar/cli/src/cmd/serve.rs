//! `fluxar serve`: a target answered by a command, or a broker of topics only.

use crate::failure::Failure;
use crate::json::Json;
use crate::node::{self, Access};
use crate::terminal::{self, Interrupts};
use fluxar::{Code, Context, Server, Status};
use std::process::Stdio;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio::sync::Semaphore;

/// Bytes of a command's answer.
const ANSWER_BYTES_MAX: u64 = 8 << 20;
/// Bytes of a command's complaint that are passed on.
const COMPLAINT_BYTES_MAX: u64 = 4 << 10;

/// Answer a target with a command, or carry topics only
///
/// For each call the command runs once: the parameters are JSON on its standard input (null when
/// there are none), its standard output is the JSON answer. If it exits with another code than 0,
/// the caller gets the status `unknown` with what the command said to standard error. The command
/// is split like a shell does, but runs without one; for pipes write --exec "sh -c 'a | b'". The
/// target is in its environment as FLUXAR_TARGET. A cancelled call ends its command.
///
/// Without a target the peer only carries topics, for fluxar pub and fluxar sub.
///
/// Examples:
///   fluxar serve ws://127.0.0.1:9000 echo.say --exec 'cat'
///   fluxar serve tcp://127.0.0.1:0 text.upper --exec 'jq "{text: (.text | ascii_upcase)}"'
///   fluxar serve ws://127.0.0.1:9000
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    /// Address to listen on; port 0 takes a free one
    #[arg(value_name = "URL")]
    listen: String,
    /// What to answer, such as echo.say
    #[arg(requires = "exec")]
    target: Option<String>,
    /// Command that answers
    #[arg(long, value_name = "COMMAND", requires = "target")]
    exec: Option<String>,
    /// Commands that may run at once; further calls wait
    #[arg(long, value_name = "N", default_value = "16", value_parser = clap::value_parser!(u16).range(1..))]
    jobs: u16,
    #[command(flatten)]
    access: Access,
}

/// Serves.
///
/// # Errors
/// An address that cannot be bound, or a command that cannot be split.
pub(crate) async fn run(args: Args) -> Result<(), Failure> {
    let mut interrupts = Interrupts::listen()?;
    let words = args.exec.as_deref().map(split).transpose()?;
    let server = args.access.bind("fluxar-serve", &[args.listen]).await?;
    match (args.target, words) {
        (Some(target), Some(words)) => {
            handle(&server, &target, words, args.jobs);
            terminal::note("serve", format_args!("serving {target} and topics"));
        }
        _ => terminal::note("serve", "serving topics"),
    }
    node::announce("serve", &server);
    node::run("serve", &server, &mut interrupts).await;
    Ok(())
}

fn split(command: &str) -> Result<Vec<String>, Failure> {
    let words = shlex::split(command).filter(|words| !words.is_empty());
    words.ok_or_else(|| {
        let next = "close its quotes, as in --exec 'jq -c \".name\"'";
        Failure::usage(format_args!("`{command}` is no command"), next)
    })
}

fn handle(server: &Server, target: &str, words: Vec<String>, jobs: u16) {
    let words = Arc::new(words);
    let jobs = Arc::new(Semaphore::new(usize::from(jobs)));
    server.handle(target, move |ctx: Context, params: Json| {
        let (words, jobs) = (Arc::clone(&words), Arc::clone(&jobs));
        async move {
            // Never closed.
            let _turn = jobs.acquire().await;
            answer(&words, ctx.target(), &params).await
        }
    });
}

/// Runs the command once. Dropping the future kills it.
async fn answer(words: &[String], target: &str, params: &Json) -> Result<Json, Status> {
    let (program, arguments) = words.split_first().ok_or_else(|| internal("no command"))?;
    let spawned = Command::new(program)
        .args(arguments)
        .env("FLUXAR_TARGET", target)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn();
    let child = spawned.map_err(|error| {
        let message = format!("the callee cannot run `{program}`: {error}");
        Status::new(Code::FailedPrecondition, message)
    })?;
    let Output { answer, complaint, code } =
        communicate(child, format!("{params}\n")).await.map_err(|error| internal(&error))?;
    if code != Some(0) {
        let code = code.map_or_else(|| "by a signal".to_owned(), |code| format!("with {code}"));
        let message = format!("`{program}` ended {code}: {}", complaint.trim());
        return Err(Status::new(Code::Unknown, message));
    }
    if answer.trim().is_empty() {
        return Ok(Json(serde_json::Value::Null));
    }
    serde_json::from_str(&answer)
        .map(Json)
        .map_err(|error| internal(&format!("`{program}` wrote no JSON: {error}")))
}

struct Output {
    answer: String,
    complaint: String,
    code: Option<i32>,
}

/// Feeds the child and reads what it says, all at once so that no pipe fills up.
async fn communicate(mut child: Child, input: String) -> Result<Output, String> {
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (Some(mut stdin), Some(stdout), Some(stderr)) = (stdin, stdout, stderr) else {
        return Err("a pipe is missing".to_owned());
    };
    let feed = async move {
        // A command need not read its input.
        let _ = stdin.write_all(input.as_bytes()).await;
    };
    let (mut answer, mut complaint) = (String::new(), Vec::new());
    let hear = async {
        let read = stdout.take(ANSWER_BYTES_MAX + 1).read_to_string(&mut answer).await;
        read.map_err(|error| error.to_string())?;
        if answer.len() as u64 > ANSWER_BYTES_MAX {
            return Err(format!("the answer has more than {ANSWER_BYTES_MAX} bytes"));
        }
        Ok(())
    };
    let (_, heard, _) = tokio::join!(feed, hear, complain(stderr, &mut complaint));
    heard?;
    let status = child.wait().await.map_err(|error| error.to_string())?;
    let complaint = String::from_utf8_lossy(&complaint).into_owned();
    Ok(Output { answer, complaint, code: status.code() })
}

/// Keeps the beginning, and reads on so that the command is not stopped by a full pipe.
async fn complain(stderr: tokio::process::ChildStderr, into: &mut Vec<u8>) {
    let mut beginning = stderr.take(COMPLAINT_BYTES_MAX);
    let _ = beginning.read_to_end(into).await;
    let _ = tokio::io::copy(&mut beginning.into_inner(), &mut tokio::io::sink()).await;
}

fn internal(message: &str) -> Status {
    Status::new(Code::Internal, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    async fn run(command: &str, params: serde_json::Value) -> Result<serde_json::Value, Status> {
        let words = split(command).unwrap();
        answer(&words, "a.b", &Json(params)).await.map(|json| json.0)
    }

    #[tokio::test]
    async fn a_command_gets_json_and_answers_json() {
        let params = json!({"deep": [1, {"x": null}]});
        assert_eq!(run("cat", params.clone()).await.unwrap(), params);
        let target = run("sh -c 'echo \\\"$FLUXAR_TARGET\\\"'", json!(null)).await;
        assert_eq!(target.unwrap(), "a.b");
        assert_eq!(run("true", json!(1)).await.unwrap(), json!(null));
    }

    #[tokio::test]
    async fn a_failing_command_is_a_status_with_its_complaint() {
        let status = run("sh -c 'echo no such user >&2; exit 3'", json!({})).await.unwrap_err();
        assert_eq!(status.code(), Code::Unknown);
        assert!(status.message().contains("3: no such user"), "{status}");
        let status = run("/nonexistent/program", json!({})).await.unwrap_err();
        assert_eq!(status.code(), Code::FailedPrecondition);
        let status = run("echo hello", json!({})).await.unwrap_err();
        assert!(status.message().contains("no JSON"), "{status}");
    }

    #[tokio::test]
    async fn an_endless_answer_is_cut_off() {
        let status = run("yes", json!({})).await.unwrap_err();
        assert!(status.message().contains("more than"), "{status}");
    }

    #[test]
    fn quotes_must_be_closed() {
        assert!(split("cat 'x").is_err());
        assert!(split("  ").is_err());
    }
}
