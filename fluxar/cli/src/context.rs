//! Where contexts are kept: a file each, that only its owner may read.
//!
//! `$XDG_CONFIG_HOME/fluxar/context/NAME.toml`, and `$XDG_CONFIG_HOME/fluxar/current` with the name
//! of the one in use and of the one before, a line each.

use crate::failure::Failure;
use crate::forms;
use crate::profile::Profile;
use crate::secret;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// Bytes of a name.
const NAME_BYTES_MAX: usize = 64;
const ENDING: &str = "toml";

/// The contexts of this user.
#[derive(Debug)]
pub(crate) struct Store {
    /// `…/fluxar`.
    home: PathBuf,
}

impl Store {
    /// Finds the place; nothing is made before it is needed.
    ///
    /// # Errors
    /// Exit code 1: there is no home.
    pub(crate) fn open() -> Result<Self, Failure> {
        // What is not absolute is to be ignored, says the XDG base directory specification.
        let absolute = |name| Some(PathBuf::from(std::env::var_os(name)?));
        let absolute = |name| absolute(name).filter(|path: &PathBuf| path.is_absolute());
        let config = absolute("XDG_CONFIG_HOME")
            .or_else(|| absolute("HOME").map(|home| home.join(".config")))
            .or_else(|| absolute("APPDATA"));
        let config = config.ok_or_else(|| {
            Failure::local("there is no place for contexts", "set XDG_CONFIG_HOME or HOME")
        })?;
        Ok(Self { home: config.join("fluxar") })
    }

    fn directory(&self) -> PathBuf {
        self.home.join("context")
    }

    /// The file of a context.
    ///
    /// # Errors
    /// Exit code 2: the name is none.
    pub(crate) fn path(&self, name: &str) -> Result<PathBuf, Failure> {
        let is_fit = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
        let starts = name.starts_with(|letter: char| letter.is_ascii_alphanumeric());
        if starts && name.len() <= NAME_BYTES_MAX && name.chars().all(is_fit) {
            return Ok(self.directory().join(format!("{name}.{ENDING}")));
        }
        let cause = format_args!("`{name}` is no name for a context");
        Err(Failure::usage(cause, "use up to 64 letters, digits and - _ . such as prod-eu"))
    }

    /// Reads one.
    ///
    /// # Errors
    /// Exit code 2: there is none, others may read it, or it makes no sense.
    pub(crate) fn load(&self, name: &str) -> Result<Profile, Failure> {
        let path = self.path(name)?;
        if !path.exists() {
            return Err(absent(name));
        }
        let read = secret::read_private(&path).and_then(|text| parse(&text));
        read.map_err(|cause| {
            let cause = format_args!("context `{name}`: {cause}");
            Failure::usage(cause, format!("correct it with: fluxar ctx edit {name}"))
        })
    }

    /// Writes one.
    ///
    /// # Errors
    /// Exit code 1: it cannot be written.
    pub(crate) fn save(&self, name: &str, profile: &Profile) -> Result<(), Failure> {
        let text = toml::to_string(profile).expect("a profile is texts, lists and booleans");
        self.write(&self.path(name)?, &text)
    }

    fn write(&self, path: &Path, text: &str) -> Result<(), Failure> {
        secret::make_private_dir(&self.directory())
            .and_then(|()| secret::write_private(path, text))
            .map_err(|error| unwritten(path, &error))
    }

    /// The names of all, in order.
    ///
    /// # Errors
    /// Exit code 1: the directory cannot be read.
    pub(crate) fn names(&self) -> Result<Vec<String>, Failure> {
        let directory = self.directory();
        let entries = match fs::read_dir(&directory) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.and_then(Iterator::collect::<io::Result<Vec<_>>>),
        };
        let entries = entries.map_err(|error| {
            let cause = format_args!("cannot read {}: {error}", directory.display());
            Failure::local(cause, "look at its owner and mode")
        })?;
        let mut names: Vec<String> = entries
            .iter()
            .filter_map(|entry| entry.file_name().into_string().ok())
            .filter_map(|file| Some(file.strip_suffix(ENDING)?.strip_suffix('.')?.to_owned()))
            .filter(|name| self.path(name).is_ok())
            .collect();
        names.sort();
        Ok(names)
    }

    /// Removes one; it is not in use any more then.
    ///
    /// # Errors
    /// Exit code 2: there is none; 1: it cannot be removed.
    pub(crate) fn remove(&self, name: &str) -> Result<(), Failure> {
        let path = self.path(name)?;
        fs::remove_file(&path).map_err(|error| match error.kind() {
            ErrorKind::NotFound => absent(name),
            _ => unwritten(&path, &error),
        })?;
        let [current, previous] = self.chosen();
        let keep = |chosen: Option<String>| chosen.filter(|chosen| chosen != name);
        self.write_chosen(keep(current), keep(previous))
    }

    /// The context in use, and the one before.
    pub(crate) fn chosen(&self) -> [Option<String>; 2] {
        let text = fs::read_to_string(self.home.join("current")).unwrap_or_default();
        let mut lines = text.lines().map(str::to_owned);
        [(); 2].map(|()| lines.next().filter(|name| self.path(name).is_ok()))
    }

    /// Uses this one from now on, and gives it back.
    ///
    /// # Errors
    /// Exit code 2: it cannot be used; 1: that cannot be written down.
    pub(crate) fn choose(&self, name: &str) -> Result<Profile, Failure> {
        let profile = self.load(name)?;
        let [current, previous] = self.chosen();
        let previous = if current.as_deref() == Some(name) { previous } else { current };
        self.write_chosen(Some(name.to_owned()), previous).map(|()| profile)
    }

    fn write_chosen(
        &self,
        current: Option<String>,
        previous: Option<String>,
    ) -> Result<(), Failure> {
        let text = format!("{}\n{}\n", current.unwrap_or_default(), previous.unwrap_or_default());
        self.write(&self.home.join("current"), &text)
    }
}

/// What a context's file holds.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn parse(text: &str) -> Result<Profile, String> {
    let profile: Profile = forms::from_toml(text)?;
    profile.check()?;
    Ok(profile)
}

/// There is none of this name.
pub(crate) fn absent(name: &str) -> Failure {
    let cause = format_args!("there is no context `{name}`");
    Failure::usage(cause, "see fluxar ctx ls, or make it with fluxar ctx add")
}

fn unwritten(path: &Path, error: &io::Error) -> Failure {
    let cause = format_args!("cannot write {}: {error}", path.display());
    Failure::local(cause, "look at the owner and mode of the directory, and at the room there")
}
