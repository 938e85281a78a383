//! Single keys from the terminal.

use tokio::sync::mpsc;

/// Keys that wait to be looked at.
const WAITING_MAX: usize = 16;

/// The keys that are pressed, one by one and not shown. Dropping it gives the terminal back as it
/// was. Ctrl-C stays what it is.
#[derive(Debug)]
pub(super) struct Keys {
    #[cfg(unix)]
    before: rustix::termios::Termios,
    pressed: mpsc::Receiver<u8>,
}

impl Keys {
    /// Listens; `None` where there is no terminal with a person.
    #[cfg(unix)]
    pub(super) fn listen() -> Option<Self> {
        use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
        if !crate::terminal::can_ask() {
            return None;
        }
        let stdin = std::io::stdin();
        let before = tcgetattr(&stdin).ok()?;
        let mut single = before.clone();
        single.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO);
        tcsetattr(&stdin, OptionalActions::Now, &single).ok()?;
        let (sender, pressed) = mpsc::channel(WAITING_MAX);
        // It cannot be stopped while it reads: it ends with the process, or at the next key.
        std::thread::spawn(move || {
            use std::io::Read;
            let mut key = [0];
            while matches!(std::io::stdin().read(&mut key), Ok(1)) {
                if sender.blocking_send(key[0]).is_err() {
                    return;
                }
            }
        });
        Some(Self { before, pressed })
    }

    /// Listens; never, on this system.
    #[cfg(not(unix))]
    pub(super) fn listen() -> Option<Self> {
        None
    }

    /// The next key. Never without a terminal. Cancel safe.
    pub(super) async fn next(keys: &mut Option<Self>) -> u8 {
        if let Some(keys) = keys
            && let Some(key) = keys.pressed.recv().await
        {
            return key;
        }
        std::future::pending().await
    }
}

#[cfg(unix)]
impl Drop for Keys {
    fn drop(&mut self) {
        use rustix::termios::{OptionalActions, tcsetattr};
        // Without a terminal any more there is nobody to give it back to.
        let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, &self.before);
    }
}
