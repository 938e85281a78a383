//! A service as a trait: the client, the server and the names on the wire come from it.
//!
//! Run it: `cargo run -p fluxar-examples --bin typed`

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use fluxar::{Client, Error, Server, Sink, Streaming};
use futures_util::{Stream, stream};
use std::sync::Mutex;

#[derive(Clone, Debug, fluxar::Type)]
struct Book {
    title: String,
    pages: u32,
}

#[derive(Debug, fluxar::Type)]
struct Progress {
    page: u32,
}

/// Why a book cannot be had. The caller gets it back as this type.
#[derive(Debug, fluxar::Type)]
#[fluxar(error)]
enum LibraryError {
    /// Nobody has heard of it.
    #[fluxar(code = "not_found")]
    Unknown { title: String },
}

/// A small library.
#[fluxar::service]
trait Library {
    /// One answer.
    async fn find(&self, title: String) -> Result<Book, LibraryError>;
    /// Items, one by one.
    fn list(&self) -> impl Stream<Item = Result<Book, LibraryError>>;
    /// Items from the caller, then one answer.
    async fn donate(&self, books: Streaming<Book>) -> Result<u32, LibraryError>;
    /// Items, then a result.
    async fn read(&self, title: String, out: Sink<Progress>) -> Result<String, LibraryError>;
    /// Nobody answers.
    #[fluxar(notification)]
    async fn greet(&self, name: String);
}

struct Shelf {
    books: Mutex<Vec<Book>>,
}

impl Shelf {
    fn books(&self) -> Vec<Book> {
        self.books.lock().map(|books| books.clone()).unwrap_or_default()
    }
}

impl Library for Shelf {
    async fn find(&self, title: String) -> Result<Book, LibraryError> {
        let book = self.books().into_iter().find(|book| book.title == title);
        book.ok_or(LibraryError::Unknown { title })
    }

    fn list(&self) -> impl Stream<Item = Result<Book, LibraryError>> {
        stream::iter(self.books().into_iter().map(Ok))
    }

    async fn donate(&self, mut books: Streaming<Book>) -> Result<u32, LibraryError> {
        let mut count = 0;
        while let Some(Ok(book)) = books.next().await {
            if let Ok(mut shelf) = self.books.lock() {
                shelf.push(book);
            }
            count += 1;
        }
        Ok(count)
    }

    async fn read(&self, title: String, out: Sink<Progress>) -> Result<String, LibraryError> {
        let book = self.find(title).await?;
        for page in [1, book.pages / 2, book.pages] {
            // A reader who has gone away ends the handler; nothing else needs to be said.
            if out.send(Progress { page }).await.is_err() {
                break;
            }
        }
        Ok(format!("{} was good", book.title))
    }

    async fn greet(&self, name: String) {
        println!("library: {name} is here");
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let server = Server::bind("tcp://127.0.0.1:0").build().await?;
    server.serve(LibraryServer::new(Shelf { books: Mutex::new(Vec::new()) }));
    let accepting = server.clone();
    tokio::spawn(async move { accepting.run().await });

    let client = Client::connect(server.addresses()[0].to_string()).build().await?;
    let library = LibraryClient::new(&client);

    library.greet("Ann".to_owned()).await?;

    let books = [("Tides", 120), ("Soups", 80)];
    let books = books.map(|(title, pages)| Book { title: title.to_owned(), pages });
    println!("donated {}", library.donate().send_all(stream::iter(books)).await?);

    let mut list = library.list().open()?;
    while let Some(book) = list.next().await {
        println!("there is {:?}", book?.title);
    }

    match library.find("Clouds".to_owned()).await {
        Err(Error::App(LibraryError::Unknown { title })) => println!("there is no {title:?}"),
        other => println!("unexpected: {other:?}"),
    }

    let mut reading = library.read("Tides".to_owned()).open()?;
    while let Some(progress) = reading.next().await {
        println!("page {}", progress?.page);
    }
    println!("{}", reading.finish().await?);

    client.close().await;
    server.shutdown().await;
    Ok(())
}
