//! Secrets by reference, and files that nobody else may read.

use crate::failure::Failure;
use crate::hex;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// Bytes of a file with a secret or a context, at most.
const FILE_BYTES_MAX: u64 = 64 << 10;
/// Mode of files that nobody else may read.
#[cfg(unix)]
const MODE: u32 = 0o600;

/// Where a secret stands.
enum Place<'a> {
    Here,
    File(&'a Path),
    Variable(&'a str),
}

fn place(text: &str) -> Place<'_> {
    if let Some(path) = text.strip_prefix('@') {
        return Place::File(Path::new(path));
    }
    let is_name = |name: &&str| {
        let is_fit = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        !name.is_empty() && name.chars().all(is_fit)
    };
    text.strip_prefix('$').filter(is_name).map_or(Place::Here, Place::Variable)
}

/// The secret stands in the text itself, rather than where the text says.
pub(crate) fn is_literal(text: &str) -> bool {
    matches!(place(text), Place::Here)
}

/// The text with the path in it made absolute, as seen from here.
pub(crate) fn absolute(text: &str) -> String {
    match place(text) {
        Place::File(path) => format!("@{}", absolute_path(path).display()),
        _ => text.to_owned(),
    }
}

/// The path as seen from here.
pub(crate) fn absolute_path(path: &Path) -> PathBuf {
    // Fails only without a working directory: then the path means nothing either way.
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// The secret of a text: `@FILE` is read from there, `$NAME` from the environment, anything else is
/// the secret.
///
/// # Errors
/// The file cannot be read, or others may read it; there is no such variable. No message has the
/// secret in it.
pub(crate) fn read(text: &str) -> Result<String, String> {
    match place(text) {
        Place::Here => Ok(text.to_owned()),
        Place::File(path) => read_private_line(path),
        Place::Variable(name) => match std::env::var(name) {
            Ok(secret) if !secret.is_empty() => Ok(secret),
            _ => Err(format!("the variable {name} is not set: export {name}=…")),
        },
    }
}

/// What a file holds that nobody else may read, without the end of its line.
///
/// # Errors
/// As [`read_private`].
pub(crate) fn read_private_line(path: &Path) -> Result<String, String> {
    Ok(read_private(path)?.trim_end_matches(['\r', '\n']).to_owned())
}

/// What a file holds that nobody else may read.
///
/// # Errors
/// It cannot be read, is too large, or others may read it.
pub(crate) fn read_private(path: &Path) -> Result<String, String> {
    let shown = path.display();
    let failed = |error: io::Error| format!("cannot read `{shown}`: {error}");
    let file = File::open(path).map_err(failed)?;
    // Of the file that is open: the path may mean another one by now.
    if !is_private(&file.metadata().map_err(failed)?) {
        return Err(format!("others may read `{shown}`: chmod 600 {shown}"));
    }
    let mut text = String::new();
    file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text).map_err(failed)?;
    if text.len() as u64 > FILE_BYTES_MAX {
        return Err(format!("`{shown}` has more than {FILE_BYTES_MAX} bytes: name another file"));
    }
    Ok(text)
}

/// Whether nobody but the owner may read it.
pub(crate) fn is_private(metadata: &fs::Metadata) -> bool {
    #[cfg(unix)]
    let is_private = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o077 == 0;
    #[cfg(not(unix))]
    let is_private = metadata.is_file();
    is_private
}

/// Makes a secret of 32 bytes, in hexadecimal in a new file that only its owner may read.
///
/// # Errors
/// The file is there already, or cannot be made.
pub(crate) fn create(path: &Path) -> Result<[u8; 32], Failure> {
    let bytes: [u8; 32] = rand::random();
    let written = private_options().open(path).and_then(|mut file| {
        writeln!(file, "{}", hex::encode(&bytes))?;
        file.sync_all()
    });
    written.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => {
            let cause = format_args!("`{}` is there already", path.display());
            Failure::local(cause, "choose another file: a secret is never written over")
        }
        _ => {
            let cause = format_args!("`{}`: {error}", path.display());
            Failure::local(cause, "name a file in a folder that you may write to")
        }
    })?;
    Ok(bytes)
}

/// How a file is made that is not there yet and that only its owner may read.
fn private_options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, MODE);
    options
}

/// Writes a file that only its owner may read, and that is at all times either the old or the new
/// one, whole.
///
/// # Errors
/// The directory cannot be written to.
pub(crate) fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let mut fresh = path.as_os_str().to_owned();
    fresh.push(format!(".{:08x}.new", rand::random::<u32>()));
    let fresh = PathBuf::from(fresh);
    let written = private_options().open(&fresh).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    let placed = written.and_then(|()| fs::rename(&fresh, path));
    if placed.is_err() {
        // What is half written serves nobody. That it may not even be there is no second error.
        let _ = fs::remove_file(&fresh);
    }
    placed
}

/// Makes a directory, and those above it, that only its owner may look into. One that is there is
/// closed to others.
///
/// # Errors
/// It cannot be made, or is not ours.
pub(crate) fn make_private_dir(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)?;
    #[cfg(unix)]
    if !is_private(&fs::metadata(path)?) {
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        fs::set_permissions(path, mode)?;
    }
    Ok(())
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn directory(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("fluxar-{name}-{}", std::process::id()));
        make_private_dir(&path).unwrap();
        path
    }

    #[test]
    fn a_secret_is_read_where_the_text_says() {
        let directory = directory("secret");
        let path = directory.join("token");
        write_private(&path, "t0ken\n").unwrap();
        let text = format!("@{}", path.display());
        assert_eq!(read(&text), Ok("t0ken".to_owned()));
        assert!(
            !is_literal(&text) && !is_literal("$HOME") && is_literal("$a-b") && is_literal("x")
        );
        assert_eq!(read("t0ken"), Ok("t0ken".to_owned()));
        assert_eq!(read("$HOME"), Ok(std::env::var("HOME").unwrap()));
        assert!(read("$FLUXAR_NO_SUCH_VARIABLE").unwrap_err().contains("is not set"));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(read(&text).unwrap_err().contains("chmod 600"));
        fs::remove_dir_all(&directory).unwrap();
    }

    #[test]
    fn a_file_is_replaced_whole_and_stays_private() {
        let directory = directory("private");
        let path = directory.join("file");
        for text in ["first", "second, and longer"] {
            write_private(&path, text).unwrap();
            assert_eq!(read_private(&path).unwrap(), text);
            assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, MODE);
        }
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 1, "nothing is left beside it");
        assert_eq!(directory.metadata().unwrap().permissions().mode() & 0o777, 0o700);
        assert!(write_private(&directory.join("no/such/place"), "x").is_err());
        fs::write(&path, "x".repeat(FILE_BYTES_MAX as usize + 1)).unwrap();
        assert!(read_private(&path).unwrap_err().contains("more than"));
        fs::remove_dir_all(&directory).unwrap();
    }
}
