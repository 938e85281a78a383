//! A peer with a contract, `idl/shop.fluxar`, in this process.

#[allow(dead_code, unreachable_pub, missing_docs, reason = "generated; no test uses all of it")]
mod contract {
    include!(concat!(env!("OUT_DIR"), "/shop.v1.rs"));
}

use contract::{
    Completion, Delta, Email, ImportReport, Llm, LlmError, Message, NewUser, OrderEvents, PageReq,
    PageUser, Prompt, Role, Shop, Stop, User, UserError, UserId, Users,
};
use fluxar::{
    AllowList, Code, Identity, Rights, ServerBuilder, Sink, Status, Stream, Streaming, Timestamp,
    Uuid,
};
use futures_util::{StreamExt, stream};
use std::time::Duration;

/// The one user that there is.
pub(crate) const ADA: &str = "0190a0f0-0000-7000-8000-00000000000a";

fn ada() -> User {
    User {
        id: UserId(ADA.parse().unwrap()),
        email: Email("ada@example.org".into()),
        display_name: String::new(),
        created_at: Timestamp::from_micros(1_795_509_000_250_000),
        roles: vec![Role::Admin],
        avatar: None,
        balance: "12.50".parse().unwrap(),
    }
}

struct People;

impl Users for People {
    async fn get(&self, id: UserId) -> Result<User, UserError> {
        let nobody = Uuid::from_bytes([0; 16]);
        match id == ada().id {
            true => Ok(ada()),
            false if id.0 == nobody => Err(UserError::EmailTaken),
            false => Err(UserError::NotFound { id }),
        }
    }

    async fn list(&self, page: PageReq) -> Result<PageUser, Status> {
        let next = Some(format!("{} at most", page.limit));
        Ok(PageUser { items: vec![ada()], next })
    }

    fn watch(&self, role: Option<Role>) -> impl Stream<Item = Result<User, Status>> {
        let fits = role.is_none_or(|role| role == Role::Admin);
        stream::iter(fits.then(|| Ok(ada())))
    }

    async fn import(
        &self,
        dry_run: bool,
        mut rows: Streaming<NewUser>,
    ) -> Result<ImportReport, UserError> {
        let mut created = 0;
        while let Some(row) = rows.next().await {
            match row {
                Ok(row) if row.email.0.starts_with("taken") => return Err(UserError::EmailTaken),
                Ok(_) => created += 1,
                Err(_) => break,
            }
        }
        let (created, skipped) = if dry_run { (0, created) } else { (created, 0) };
        Ok(ImportReport { created, skipped })
    }

    async fn all(&self) -> Result<Vec<User>, Status> {
        Err(Status::new(Code::Unavailable, "not today"))
    }
}

struct Model;

impl Llm for Model {
    async fn complete(&self, prompt: Prompt, out: Sink<Delta>) -> Result<Completion, LlmError> {
        if prompt.model == "busy" {
            return Err(LlmError::Overloaded { retry_after: Duration::from_millis(1500) });
        }
        let said = format!("{} of {}", prompt.messages.len(), prompt.max_tokens);
        for delta in [Delta::Text(said), Delta::Thinking("hm".into())] {
            out.send(delta).await.map_err(|_| LlmError::BadPrompt { reason: "gone".into() })?;
        }
        Ok(Completion { stop: Stop::End, input_tokens: 1.into(), output_tokens: 2.into() })
    }

    fn chat(
        &self,
        system: String,
        turns: Streaming<Message>,
    ) -> impl Stream<Item = Result<Delta, LlmError>> {
        turns.map(move |turn| match turn {
            Ok(turn) => Ok(Delta::Text(format!("{system}: {} parts", turn.content.len()))),
            Err(status) => Err(LlmError::BadPrompt { reason: status.to_string() }),
        })
    }
}

/// A server that listens until it is dropped.
pub(crate) struct Peer {
    pub(crate) url: String,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Peer {
    /// With the whole contract and a closure beside it.
    pub(crate) fn shop() -> Self {
        Self::start(|server| {
            Shop::serve(server, People, Model);
            server.handle("raw.echo", |value: fluxar::Value| async move { Ok::<_, Status>(value) });
        })
    }

    /// With the whole contract and nothing else.
    pub(crate) fn contract() -> Self {
        Self::start(|server| Shop::serve(server, People, Model))
    }

    /// With the services alone: nobody said what the contract is called, or of its topics.
    pub(crate) fn services() -> Self {
        Self::start(|server| {
            server.serve(contract::UsersServer::new(People));
            server.serve(contract::LlmServer::new(Model));
        })
    }

    /// One that knows the methods, and not how to describe itself.
    pub(crate) fn silent() -> Self {
        Self::start(|server| {
            Shop::serve(server, People, Model);
            server.handle("fluxar.describe", |(): ()| async move {
                Err::<(), _>(Status::new(Code::Unimplemented, "there is no `fluxar.describe`"))
            });
        })
    }

    /// One that describes itself in another way.
    pub(crate) fn foreign() -> Self {
        Self::start(|server| {
            server.handle("fluxar.describe", |(): ()| async move { Ok::<_, Status>("hello") });
            server.handle("raw.echo", |value: fluxar::Value| async move { Ok::<_, Status>(value) });
        })
    }

    /// One that lets its callers, with the token `t`, call `raw.echo` and nothing else.
    pub(crate) fn guarded() -> Self {
        let identity = Identity::new("caller", Rights::none().call("raw.>"));
        let list = AllowList::new().token("t", identity);
        Self::start_as(
            |builder| builder.authenticator(list),
            |server| {
                server.handle(
                    "raw.echo",
                    |value: fluxar::Value| async move { Ok::<_, Status>(value) },
                );
            },
        )
    }

    /// One whose documentation tries to command the terminal.
    pub(crate) fn rude() -> Self {
        let text =
            "/// Red: \u{1b}[31m\nrecord A { 1 a: u8 }\n/// \u{9b}31m\nservice S { f(a: A) }\n";
        let loaded = fluxar_codegen::check::compile_sources(&[("rude", text)]);
        let model = loaded.models.first().expect("it is a contract").descriptor();
        let described: fluxar::Value = fluxar::payload::decode(&model).unwrap();
        Self::start(move |server| {
            server.handle("fluxar.describe", move |(): ()| {
                let described = described.clone();
                async move { Ok::<_, Status>(described) }
            });
        })
    }

    fn start(serve: impl FnOnce(&fluxar::Server) + Send + 'static) -> Self {
        Self::start_as(|builder| builder, serve)
    }

    fn start_as(
        settings: impl FnOnce(ServerBuilder) -> ServerBuilder + Send + 'static,
        serve: impl FnOnce(&fluxar::Server) + Send + 'static,
    ) -> Self {
        let (told, url) = std::sync::mpsc::channel();
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let builder = settings(fluxar::Server::bind("tcp://127.0.0.1:0"));
                let server = builder.build().await.unwrap();
                serve(&server);
                told.send(server.addresses()[0].to_string()).unwrap();
                tokio::select! {
                    () = server.run() => {}
                    _ = stopped => {}
                }
            });
        });
        Self { url: url.recv().unwrap(), stop: Some(stop), thread: Some(thread) }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

/// The topic's path by the contract, to compare with what people type.
pub(crate) fn order_path() -> String {
    use fluxar::service::topic::Topic as _;
    let topic = OrderEvents { region: contract::Region::Eu, order_id: ADA.parse().unwrap() };
    topic.path().unwrap()
}
