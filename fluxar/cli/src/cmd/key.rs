//! `fluxar key`: the keys that sealed sessions are proved with.

use crate::dial::{self, Dial};
use crate::failure::Failure;
use crate::seal::{pinned, told};
use crate::secret;
use crate::terminal;
use fluxar::SealKey;
use std::path::PathBuf;

/// Make and show keys for sealed sessions, and pin a peer's
///
/// A key says who a peer is. Its fingerprint is public; in an address it pins the peer:
/// ws://host:9000#fp=FINGERPRINT takes nobody else, and encrypts everything.
///
/// Examples:
///   fluxar key new server.key              make a key, readable for nobody else
///   fluxar up --seal-key server.key        take sealed sessions only
///   fluxar key show server.key             the fingerprint to give to others
///   fluxar key pin ws://127.0.0.1:9000     the address with the fingerprint of who answers now
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Make a key, store it with mode 0600, and print its fingerprint
    New {
        /// A file that is not there yet
        file: PathBuf,
        /// Make a secret that both sides have instead, for --seal-psk; prints nothing
        #[arg(long)]
        psk: bool,
    },
    /// Print the fingerprint of a key
    Show {
        /// A file made by `fluxar key new`
        file: PathBuf,
    },
    /// Connect, and print the address with the fingerprint of whoever answers
    ///
    /// Whoever sits on the way now can be who answers: compare the fingerprint with what the peer's
    /// owner tells you.
    Pin {
        /// The peer's address (or that of FLUXAR_URL or a context)
        #[arg(value_name = "URL")]
        words: Vec<String>,
        #[command(flatten)]
        dial: Box<Dial>,
    },
}

/// Does what is asked.
///
/// # Errors
/// A file that cannot be read or made, or no connection.
pub(crate) async fn run(args: Args) -> Result<(), Failure> {
    match args.what {
        What::New { file, psk: true } => secret::create(&file).map(drop),
        What::New { file, .. } => {
            let key = SealKey::generate().map_err(|error| told(&error))?;
            key.store(&file).map_err(|error| told(&error))?;
            terminal::data_line(key.public())
        }
        What::Show { file } => {
            terminal::data_line(SealKey::load(&file).map_err(|error| told(&error))?.public())
        }
        What::Pin { words, dial } => {
            let (way, words) = dial.way(words)?;
            dial::expect_words(&words, 0, 0, "[URL]")?;
            let client = way.clone().sealing().connect().await?;
            let Some(key) = client.seal_key() else {
                return Err(Failure::local(
                    "the peer shows no key",
                    "ask for one with `fluxar up --seal`",
                ));
            };
            client.close().await;
            way.urls().iter().try_for_each(|url| terminal::data_line(pinned(url, &key)))
        }
    }
}
