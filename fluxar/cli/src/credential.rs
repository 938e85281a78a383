//! What the command presents, as it is written on a command line or in a context.

use crate::secret;
use fluxar::{Auth, IdentityKey};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// A credential as it was written. Its debug form hides the secret.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Credential(String);

/// The parts of one.
enum Form<'a> {
    Certificate,
    Bearer(&'a str),
    ApiKey(&'a str),
    Basic(&'a str, &'a str),
    /// In a file.
    Key(&'a Path),
}

const FORMS: &str = "write bearer:TOKEN, basic:USER:PASSWORD, api_key:KEY, key:FILE or certificate";
/// Stands for a secret that is not shown.
const HIDDEN: &str = "(hidden)";

fn form(text: &str) -> Result<Form<'_>, &'static str> {
    let (scheme, rest) = text.split_once(':').unwrap_or((text, ""));
    match (scheme, rest.split_once(':')) {
        ("certificate", _) if rest.is_empty() => Ok(Form::Certificate),
        (_, _) if rest.is_empty() => Err(FORMS),
        ("bearer", _) => Ok(Form::Bearer(rest)),
        ("api_key", _) => Ok(Form::ApiKey(rest)),
        ("basic", Some((user, password))) => Ok(Form::Basic(user, password)),
        ("key", _) => Ok(Form::Key(Path::new(rest))),
        // The text is a secret: it is not repeated.
        _ => Err(FORMS),
    }
}

impl std::str::FromStr for Credential {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        form(text).map(|_| Self(text.to_owned()))
    }
}

impl TryFrom<String> for Credential {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        text.parse()
    }
}

impl From<Credential> for String {
    fn from(credential: Credential) -> Self {
        credential.0
    }
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Credential(..)")
    }
}

impl Credential {
    fn form(&self) -> Form<'_> {
        form(&self.0).expect("it was checked when it was made")
    }

    /// What is presented, with secrets from where they are.
    ///
    /// # Errors
    /// A secret is not there, or not secret.
    pub(crate) fn auth(&self) -> Result<Auth, String> {
        Ok(match self.form() {
            Form::Certificate => Auth::certificate(),
            Form::Bearer(token) => Auth::bearer(secret::read(token)?),
            Form::ApiKey(key) => Auth::api_key(secret::read(key)?),
            Form::Basic(user, password) => Auth::basic(user, secret::read(password)?),
            Form::Key(path) => {
                let text = secret::read_private_line(path)?;
                let shown = path.display();
                let key = IdentityKey::from_hex(&text);
                Auth::key(key.map_err(|error| format!("`{shown}`: {error}"))?)
            }
        })
    }

    /// It has the secret in it, rather than where to find it.
    pub(crate) fn is_literal(&self) -> bool {
        match self.form() {
            Form::Bearer(text) | Form::ApiKey(text) | Form::Basic(_, text) => {
                secret::is_literal(text)
            }
            Form::Certificate | Form::Key(_) => false,
        }
    }

    /// The same without the secret.
    pub(crate) fn hidden(&self) -> Self {
        let text = match self.form() {
            _ if !self.is_literal() => self.0.clone(),
            Form::Basic(user, _) => format!("basic:{user}:{HIDDEN}"),
            _ => format!("{}:{HIDDEN}", self.0.split(':').next().unwrap_or_default()),
        };
        Self(text)
    }

    /// The same with the path in it made absolute, as seen from here.
    pub(crate) fn absolute(&self) -> Self {
        let text = match self.form() {
            Form::Certificate => self.0.clone(),
            Form::Key(path) => format!("key:{}", secret::absolute_path(path).display()),
            Form::Bearer(text) => format!("bearer:{}", secret::absolute(text)),
            Form::ApiKey(text) => format!("api_key:{}", secret::absolute(text)),
            Form::Basic(user, text) => format!("basic:{user}:{}", secret::absolute(text)),
        };
        Self(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn auth(text: &str) -> Result<Auth, String> {
        text.parse::<Credential>().map_err(str::to_owned)?.auth()
    }

    #[test]
    fn credentials_need_a_scheme_and_a_secret() {
        for right in ["bearer:t", "bearer:a:b", "basic:u:p", "basic:u:", "api_key:k", "certificate"]
        {
            assert!(auth(right).is_ok(), "{right}");
        }
        for wrong in ["", "t", "bearer:", "basic:u", "digest:x", "certificate:x"] {
            let message = auth(wrong).unwrap_err();
            assert!(message.contains("bearer:TOKEN") && !message.contains("digest"), "{wrong}");
        }
    }

    #[test]
    fn a_secret_is_never_shown_and_a_place_is() {
        for (text, shown) in [
            ("bearer:t0p", "bearer:(hidden)"),
            ("api_key:t0p", "api_key:(hidden)"),
            ("basic:ada:t0p", "basic:ada:(hidden)"),
            ("bearer:@/etc/token", "bearer:@/etc/token"),
            ("bearer:$TOKEN", "bearer:$TOKEN"),
            ("key:/etc/key", "key:/etc/key"),
            ("certificate", "certificate"),
        ] {
            let credential: Credential = text.parse().unwrap();
            assert_eq!(String::from(credential.hidden()), shown);
            assert_eq!(credential.is_literal(), text.contains("t0p"), "{text}");
            assert!(!format!("{credential:?}").contains("t0p"));
        }
    }

    #[cfg(unix)]
    #[test]
    fn secrets_come_from_files_that_nobody_else_may_read() {
        use std::os::unix::fs::PermissionsExt;
        let directory = std::env::temp_dir().join(format!("fluxar-dial-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let path = directory.join("secret");
        let write = |text: &str, mode| {
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        };
        let shown = path.display();
        write("t0ken\n", 0o600);
        assert_eq!(auth(&format!("bearer:@{shown}")).unwrap(), Auth::bearer("t0ken"));
        assert_eq!(auth(&format!("basic:ada:@{shown}")).unwrap(), Auth::basic("ada", "t0ken"));
        let error = auth(&format!("key:{shown}")).unwrap_err();
        assert!(error.contains("64 hexadecimal digits") && !error.contains("t0ken"), "{error}");
        write(&"0a".repeat(32), 0o600);
        assert!(auth(&format!("key:{shown}")).is_ok());
        write("t0ken", 0o644);
        assert!(auth(&format!("bearer:@{shown}")).unwrap_err().contains("chmod 600"));
        assert!(auth("bearer:@/nowhere/to/be/found").unwrap_err().contains("cannot read"));
        std::fs::remove_dir_all(&directory).unwrap();
    }
}
