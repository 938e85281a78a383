//! `unix:///path`: a socket in a directory that only its owner can enter.
//!
//! Between binding a socket and changing its mode anybody could connect, so that the protection
//! has to stand before the socket does: the directory is private (0700, ours, no symbolic link),
//! and is made so before anything is bound. A lock file beside the socket says whether its owner
//! lives; a socket without a living owner is removed.

use super::byte_stream::{StreamReader, StreamWriter};
use super::error::listen_error;
use super::{
    Accept, AcceptError, Address, BoxFuture, DialOptions, Incoming, Io, Link, LinkInfo,
    ListenOptions, Listener, TransportError,
};
use std::fs::{self, DirBuilder, File, Metadata, OpenOptions, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::task::{Context, Poll, ready};
use tokio::net::{UnixListener, UnixStream};

/// Attempts to lock a lock file that its owner may be removing just now.
const LOCK_ATTEMPTS_MAX: usize = 8;

/// Who may do anything anyway.
const ROOT: u32 = 0;

pub(super) const IO: Io = Io { dial: Some(dial), listen: Some(listen) };

fn dial<'a>(
    address: &'a Address,
    options: &'a DialOptions,
) -> BoxFuture<'a, Result<Link, TransportError>> {
    Box::pin(async move {
        let failed = |source| TransportError::Connect { address: address.to_string(), source };
        let stream = UnixStream::connect(address.path()).await.map_err(failed)?;
        let owner = stream.peer_cred().map_err(failed)?.uid();
        if owner != own_user() && owner != ROOT && !options.users.contains(&owner) {
            return Err(TransportError::Refused {
                address: address.to_string(),
                reason: format!(
                    "user {owner} listens there: allow it if you trust it (DialOptions::allow_user)"
                ),
            });
        }
        Ok(link(stream, own_name(), address.to_string()))
    })
}

/// How we look from the other end of a socket.
fn own_name() -> String {
    format!("unix:pid={}", std::process::id())
}

fn link(stream: UnixStream, local: String, peer: String) -> Link {
    let (reader, writer) = stream.into_split();
    let info = LinkInfo::new("unix", local, peer);
    Link::new(StreamReader::new(reader), StreamWriter::new(writer), info)
}

fn listen<'a>(
    address: &'a Address,
    options: &'a ListenOptions,
) -> BoxFuture<'a, Result<Listener, TransportError>> {
    Box::pin(async move {
        let failed = |source: io::Error| listen_error(address, source);
        let ours = own_user();
        let path = Path::new(address.path());
        let parent = path.parent().unwrap_or_else(|| Path::new("/"));
        let directory = private_directory(parent, ours, &failed)?;
        let lock = Lock::take(path, address, &failed)?;
        remove_stale(path, ours, address, &failed)?;
        let listener = UnixListener::bind(path).map_err(failed)?;
        let place = Place { path: path.to_owned(), _lock: lock };
        fs::set_permissions(path, Permissions::from_mode(0o600)).map_err(failed)?;
        if private_directory(parent, ours, &failed)? != directory {
            return Err(not_safe(parent, "it was exchanged while the socket was made"));
        }
        let mut users = options.users.clone();
        users.push(ours);
        let local = address.to_string();
        Ok(Listener::new(Unix { listener, users, local, _place: place }, address.clone()))
    })
}

/// The user that this process acts as.
fn own_user() -> u32 {
    rustix::process::geteuid().as_raw()
}

fn not_safe(path: &Path, reason: &'static str) -> TransportError {
    TransportError::Unsafe { path: path.display().to_string(), reason }
}

/// Which directory it is, whatever its name.
type Identity = (u64, u64);

fn identity(metadata: &Metadata) -> Identity {
    (metadata.dev(), metadata.ino())
}

/// Makes the directory, or checks that the one there lets nobody else in.
fn private_directory(
    path: &Path,
    ours: u32,
    failed: &impl Fn(io::Error) -> TransportError,
) -> Result<Identity, TransportError> {
    match DirBuilder::new().recursive(true).mode(0o700).create(path) {
        Ok(()) => {}
        // A symbolic link that leads nowhere, or a file: said better below.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(failed(error)),
    }
    let metadata = fs::symlink_metadata(path).map_err(failed)?;
    if metadata.is_symlink() {
        return Err(not_safe(path, "it is a symbolic link: name the directory itself"));
    }
    if !metadata.is_dir() {
        return Err(not_safe(path, "it is no directory: name a file in a directory of yours"));
    }
    if metadata.uid() != ours {
        return Err(not_safe(
            path,
            "the directory belongs to somebody else: add one more level to the path, which is \
             then made as yours",
        ));
    }
    if metadata.mode() & 0o077 != 0 {
        return Err(not_safe(
            path,
            "others may enter the directory: `chmod 700` it, or add one more level to the path",
        ));
    }
    Ok(identity(&metadata))
}

/// Removes a socket whose owner is dead; the lock proves that it is. Anything else stays.
fn remove_stale(
    path: &Path,
    ours: u32,
    address: &Address,
    failed: &impl Fn(io::Error) -> TransportError,
) -> Result<(), TransportError> {
    let metadata = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed(error)),
    };
    if metadata.is_symlink() {
        return Err(not_safe(path, "it is a symbolic link: remove it"));
    }
    if !metadata.file_type().is_socket() {
        return Err(not_safe(path, "there is a file that is no socket: remove it"));
    }
    if metadata.uid() != ours {
        return Err(not_safe(path, "the socket there belongs to somebody else"));
    }
    // A program that knows nothing of our lock may listen there.
    if std::os::unix::net::UnixStream::connect(path).is_ok() {
        return Err(TransportError::InUse { address: address.to_string() });
    }
    fs::remove_file(path).map_err(failed)
}

/// Held while we listen; the system lets go of it when we die, however we die.
struct Lock {
    _file: File,
    path: PathBuf,
}

impl Lock {
    fn take(
        socket: &Path,
        address: &Address,
        failed: &impl Fn(io::Error) -> TransportError,
    ) -> Result<Self, TransportError> {
        let mut path = socket.as_os_str().to_owned();
        path.push(".lock");
        let path = PathBuf::from(path);
        for _ in 0..LOCK_ATTEMPTS_MAX {
            if fs::symlink_metadata(&path).is_ok_and(|metadata| !metadata.is_file()) {
                return Err(not_safe(&path, "the lock file is no plain file: remove it"));
            }
            let mut options = OpenOptions::new();
            let options = options.write(true).create(true).truncate(false).mode(0o600);
            let file = options.open(&path).map_err(failed)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    return Err(TransportError::InUse { address: address.to_string() });
                }
                Err(TryLockError::Error(error)) => return Err(failed(error)),
            }
            // Its last owner may have removed the file between our opening and locking it; then
            // we hold the lock of a file that nobody else will find.
            let held = file.metadata().map_err(failed)?;
            if fs::symlink_metadata(&path).is_ok_and(|now| identity(&now) == identity(&held)) {
                return Ok(Self { _file: file, path });
            }
        }
        Err(TransportError::InUse { address: address.to_string() })
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Removed while it is held. What cannot be removed is locked by nobody, and harms nobody.
        let _ = fs::remove_file(&self.path);
    }
}

/// The socket's file; removed with the listener, before its lock is let go.
struct Place {
    path: PathBuf,
    _lock: Lock,
}

impl Drop for Place {
    fn drop(&mut self) {
        // What is left behind is removed as stale by the next one who listens here.
        let _ = fs::remove_file(&self.path);
    }
}

struct Unix {
    listener: UnixListener,
    users: Vec<u32>,
    local: String,
    _place: Place,
}

impl Accept for Unix {
    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<Result<Incoming, AcceptError>> {
        let (stream, _) = ready!(self.listener.poll_accept(cx)).map_err(AcceptError::new)?;
        let credentials = stream.peer_cred();
        let peer = match &credentials {
            Ok(peer) => match peer.pid() {
                Some(pid) => format!("unix:uid={},pid={pid}", peer.uid()),
                None => format!("unix:uid={}", peer.uid()),
            },
            Err(_) => "unix:?".to_owned(),
        };
        let allowed = credentials.is_ok_and(|peer| self.users.contains(&peer.uid()));
        let (named, local) = (peer.clone(), self.local.clone());
        let establish = async move {
            if allowed {
                return Ok(link(stream, local, named));
            }
            let reason = "another user: have the server allow it (ListenOptions::allow_user)";
            Err(TransportError::Rejected { peer: named, reason: reason.to_owned() })
        };
        Poll::Ready(Ok(Incoming::new(peer, establish)))
    }
}
