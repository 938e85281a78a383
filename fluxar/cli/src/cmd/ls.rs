//! `fluxar ls`: what a running peer offers.

use crate::contracts::{Contracts, Idl, Known};
use crate::dial::{self, Dial};
use crate::failure::Failure;
use crate::terminal::{self, Format};
use crate::typed::{may_be_absent, topic};
use fluxar_codegen::emit::idl;
use fluxar_codegen::model::{
    Contract, Docs, Failure as Fails, Lifecycle, Model, Shape, Topic, TypeRef,
};
use serde_json::{Map, Value, json};

/// List the methods and topics of a peer
///
/// On a terminal this is a table; else (or with -o json) each method and topic is one line of JSON.
/// The peer describes itself; of one that does not, --idl lists contract files (then no URL is
/// needed). What is served by closures is listed by name alone.
///
/// Examples:
///   fluxar ls ws://127.0.0.1:9000
///   fluxar ls tcp://10.0.0.5:9000 -o json | jq -r .target
///   fluxar ls --idl idl
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment, override_usage = "fluxar ls [OPTIONS] [URL]")]
pub(crate) struct Args {
    /// Address of the peer (or FLUXAR_URL, or a context)
    #[arg(value_name = "URL")]
    words: Vec<String>,
    #[command(flatten)]
    idl: Idl,
    /// Form of the output [default: text on a terminal, json otherwise]
    #[arg(short, long, value_enum, value_name = "FORMAT")]
    output: Option<Format>,
    #[command(flatten)]
    dial: Dial,
}

/// Lists.
///
/// # Errors
/// No connection, or a peer that does not describe itself.
pub(crate) async fn run(args: Args) -> Result<(), Failure> {
    let (contracts, words) = contracts(args.words, &args.idl, &args.dial).await?;
    dial::expect_words(&words, 0, 0, "[URL]")?;
    match Format::or_fitting(args.output) {
        Format::Text => terminal::data(table(&contracts)),
        Format::Json => {
            for known in contracts.methods() {
                terminal::data_line(method(known))?;
            }
            for (model, of) in contracts.topics() {
                terminal::data_line(topic_line(model, of))?;
            }
            Ok(())
        }
    }
}

/// The contracts of files, or of the peer that the first word names; and the other words.
///
/// # Errors
/// There are none.
pub(crate) async fn contracts(
    words: Vec<String>,
    idl: &Idl,
    dial: &Dial,
) -> Result<(Contracts, Vec<String>), Failure> {
    if let Some(contracts) = idl.load()? {
        return Ok((contracts, words));
    }
    let (way, words) = dial.way(words)?;
    let client = way.connect().await?;
    let contracts = Contracts::of_peer(&client).await;
    client.close().await;
    Ok((contracts.map_err(|silence| silence.failure(&way.url()))?, words))
}

/// How a method is used, in a word or two.
fn shape(known: Known<'_>) -> &'static str {
    match known.method.shape() {
        _ if !known.is_described() => "not described",
        Shape::Notification => "notification",
        Shape::Unary => "call",
        Shape::ServerStream => "stream",
        Shape::ClientStream => "upload",
        Shape::BothWays => "both ways",
        Shape::StreamThen => "stream, result",
        Shape::BothWaysThen => "both ways, result",
    }
}

fn table(contracts: &Contracts) -> String {
    let method = |known: Known<'_>| {
        let signature = match known.is_described() {
            true => idl::signature(known.model, known.method),
            false => String::new(),
        };
        let shape = match known.is_of_client {
            true => format!("{}, asked of you", shape(known)),
            false => shape(known).to_owned(),
        };
        [known.target(), shape, signature]
    };
    let topic = |(_, of): (&Model, &Topic<Contract>)| {
        [topic::path(of), of.delivery.name().replace('_', " "), idl::ty(&of.payload)]
    };
    let methods: Vec<[String; 3]> = contracts.methods().map(method).collect();
    let topics: Vec<[String; 3]> = contracts.topics().map(topic).collect();
    let mut parts = Vec::new();
    if !methods.is_empty() {
        parts.push(columns(["METHOD", "SHAPE", "TAKES AND GIVES"], methods));
    }
    if !topics.is_empty() {
        parts.push(columns(["TOPIC", "DELIVERY", "PAYLOAD"], topics));
    }
    match parts.is_empty() {
        true => "nothing is offered\n".to_owned(),
        false => parts.join("\n"),
    }
}

/// Lines of columns that stand below each other.
fn columns(head: [&str; 3], rows: Vec<[String; 3]>) -> String {
    let rows: Vec<[String; 3]> = std::iter::once(head.map(str::to_owned)).chain(rows).collect();
    let width = |column: usize| {
        rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default()
    };
    let (first, second) = (width(0), width(1));
    let line = |[a, b, c]: &[String; 3]| {
        let line = format!("{a:first$}  {b:second$}  {c}");
        format!("{}\n", line.trim_end())
    };
    rows.iter().map(line).collect()
}

fn method(known: Known<'_>) -> Value {
    let method = known.method;
    let ty = |of: &TypeRef| Value::from(idl::ty(of));
    let mut line = Map::new();
    let mut put = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            line.insert(key.to_owned(), value);
        }
    };
    put("kind", Some("method".into()));
    put("target", Some(known.target().into()));
    put("service", Some((&*known.service.name.source).into()));
    put("shape", Some(shape(known).into()));
    put("side", known.is_of_client.then(|| "client".into()));
    if known.is_described() {
        let params = method.params().map(|field| {
            let is_required = !may_be_absent(field);
            json!({ "name": field.name.wire, "type": idl::ty(&field.ty), "required": is_required })
        });
        put("params", Some(params.collect::<Vec<_>>().into()));
        put("input", method.input().map(ty));
        put("items", method.items().map(ty));
        put("result", method.result().map(ty));
        put(
            "error",
            match &method.failure {
                Fails::App(error) => Some(ty(error)),
                Fails::Never | Fails::Status => None,
            },
        );
    }
    put("deprecated", deprecated(&method.lifecycle));
    put("docs", docs(&method.docs));
    Value::Object(line)
}

fn topic_line(model: &Model, of: &Topic<Contract>) -> Value {
    let params = of.params();
    let params = params.map(|(name, ty)| json!({ "name": name.source, "type": idl::ty(ty) }));
    let mut line = json!({
        "kind": "topic",
        "topic": topic::path(of),
        "filter": of.filter(),
        "name": of.name.source,
        "params": params.collect::<Vec<_>>(),
        "payload": idl::ty(&of.payload),
        "delivery": of.delivery.name(),
    });
    if let Some(fields) = line.as_object_mut() {
        let package = model.name.as_deref().map(Value::from);
        let docs = docs(&of.docs);
        let entries = [("package", package), ("docs", docs)];
        let deprecated = ("deprecated", deprecated(&of.lifecycle));
        for (key, value) in entries.into_iter().chain([deprecated]) {
            fields.extend(value.map(|value| (key.to_owned(), value)));
        }
    }
    line
}

/// The first paragraph, on one line.
fn docs(docs: &Docs) -> Option<Value> {
    let lines = docs.lines.iter().map(|line| line.trim());
    let lines = lines.skip_while(|line| line.is_empty()).take_while(|line| !line.is_empty());
    let text = lines.collect::<Vec<_>>().join(" ");
    (!text.is_empty()).then(|| Value::from(text))
}

fn deprecated(life: &Lifecycle) -> Option<Value> {
    let deprecated = life.deprecated.as_ref()?;
    Some(deprecated.note.as_deref().map_or(Value::Bool(true), Value::from))
}
