//! Files that verbs make.

use crate::failure::Failure;
use crate::terminal;
use std::fs;
use std::path::Path;

/// Writes a file when it is another one than before, and prints its path then. It is written beside
/// its place and moved there, so that nobody finds half of it; its folder is made.
///
/// # Errors
/// Exit code 1: it cannot be written; `next` is what to do.
pub(crate) fn write(path: &Path, text: &str, next: &str) -> Result<(), Failure> {
    if fs::read(path).is_ok_and(|old| old == text.as_bytes()) {
        return Ok(());
    }
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let folder = folder.unwrap_or_else(|| Path::new("."));
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    let beside = folder.join(format!(".{name}.{}", std::process::id()));
    let written = fs::create_dir_all(folder)
        .and_then(|()| fs::write(&beside, text))
        .and_then(|()| fs::rename(&beside, path));
    written.map_err(|error| {
        // It may not be there.
        let _ = fs::remove_file(&beside);
        Failure::local(format_args!("cannot write {}: {error}", path.display()), next)
    })?;
    terminal::data_line(path.display())
}
