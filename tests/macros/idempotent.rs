//! Methods that are marked idempotent: sent again when even the session is lost, and done once.

use fluxar::testing::{FaultyLink, LinkControl};
use fluxar::transport::mem;
use fluxar::{Client, Code, Server, State, Status, service};
use std::future::IntoFuture;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Notify;

#[service]
trait Accounts {
    #[fluxar(idempotent)]
    async fn pay(&self, amount: u64) -> Result<u64, Status>;
    async fn look(&self, amount: u64) -> Result<u64, Status>;
}

#[derive(Default)]
struct Bank {
    runs: AtomicU64,
    entered: Notify,
    go: Notify,
}

struct Shared(Arc<Bank>);

impl Shared {
    async fn run(&self, amount: u64) -> Result<u64, Status> {
        let run = self.0.runs.fetch_add(1, Ordering::Relaxed) + 1;
        self.0.entered.notify_one();
        self.0.go.notified().await;
        Ok(amount * 100 + run)
    }
}

impl Accounts for Shared {
    async fn pay(&self, amount: u64) -> Result<u64, Status> {
        self.run(amount).await
    }

    async fn look(&self, amount: u64) -> Result<u64, Status> {
        self.run(amount).await
    }
}

/// A client whose links are in the test's hand, to a server that resumes nothing.
async fn connect(server: &Server) -> (Client, Arc<Mutex<Option<LinkControl>>>) {
    let (server, link) = (server.clone(), Arc::new(Mutex::new(None)));
    let last = Arc::clone(&link);
    let dial = move |_| {
        let (dialed, accepted) = mem::pair();
        let (dialed, control) = FaultyLink::new().wrap(dialed);
        *last.lock().unwrap() = Some(control);
        server.accept_link(accepted);
        async move { Ok(dialed) }
    };
    (Client::connect("mem://bank").build_with(dial).await.unwrap(), link)
}

/// `[L5.idempotent.1]`, `[L5.idempotent.2]`: the generated client gives each call of a marked method
/// a key of its own; what is sent again attaches to the handler that runs.
#[tokio::test(start_paused = true)]
async fn a_marked_method_outlives_its_session_and_runs_once() {
    let bank = Arc::new(Bank::default());
    let server = Server::unbound().resume(false).build().await.unwrap();
    server.serve(AccountsServer::new(Shared(Arc::clone(&bank))));
    let (client, link) = connect(&server).await;
    let accounts = AccountsClient::new(client.peer());
    let (pay, look) = (accounts.pay(7), accounts.look(8));
    let (pay, look) = (tokio::spawn(pay.into_future()), tokio::spawn(look.into_future()));
    bank.entered.notified().await;
    while bank.runs.load(Ordering::Relaxed) < 2 {
        tokio::task::yield_now().await;
    }
    link.lock().unwrap().as_ref().unwrap().cut();
    client.state_changed(State::Ready).await;
    // What is not marked has one attempt, and nobody knows what became of it.
    assert_eq!(look.await.unwrap().unwrap_err().code(), Code::Indeterminate);
    while client.state() != State::Ready {
        client.state_changed(client.state()).await;
    }
    // The second attempt is there by then.
    client.ping().await.unwrap();
    bank.go.notify_waiters();
    let paid = tokio::time::timeout(Duration::from_secs(60), pay).await.expect("it attaches");
    assert!(paid.unwrap().unwrap() / 100 == 7);
    assert_eq!(bank.runs.load(Ordering::Relaxed), 2, "once each");
    // Another call is another intention, though its parameters are the same.
    let again = tokio::spawn(accounts.pay(7).into_future());
    while bank.runs.load(Ordering::Relaxed) < 3 {
        tokio::task::yield_now().await;
    }
    bank.go.notify_waiters();
    assert_eq!(again.await.unwrap().unwrap(), 703);
}
