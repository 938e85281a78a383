//! Typed errors: how an application's own error travels inside a [`Status`].

use crate::error::{Code, Status};
use crate::payload;
use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::convert::Infallible;
use std::fmt;

/// An application's own error type, the `E` of a method's `Result<T, E>`.
///
/// Usually derived: `#[derive(fluxar::Type)] #[fluxar(error)]`.
pub trait AppError: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The name on the wire, by which the caller recognises the type.
    const NAME: &'static str;

    /// The nearest code, for those who do not know the type.
    fn code(&self) -> Code;

    /// What went wrong, for a person.
    fn message(&self) -> String;

    /// False for a variant that this side's contract does not have: the caller then gets the
    /// status, which says more.
    fn is_known(&self) -> bool {
        true
    }
}

/// Why a typed call failed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error<E> {
    /// The callee answered with its own error.
    App(E),
    /// Everything else: limits, deadlines, a lost link, or an error of another type.
    Status(Status),
}

impl<E> Error<E> {
    /// The application's error, if it is one.
    #[must_use]
    pub fn app(&self) -> Option<&E> {
        match self {
            Self::App(error) => Some(error),
            Self::Status(_) => None,
        }
    }

    /// The status, unless it is an application's error.
    #[must_use]
    pub fn status(&self) -> Option<&Status> {
        match self {
            Self::App(_) => None,
            Self::Status(status) => Some(status),
        }
    }
}

impl<E: AppError> Error<E> {
    /// The code, whichever of the two it is.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::App(error) => error.code(),
            Self::Status(status) => status.code(),
        }
    }
}

impl<E> From<Status> for Error<E> {
    fn from(status: Status) -> Self {
        Self::Status(status)
    }
}

impl<E: AppError> From<Error<E>> for Status {
    fn from(error: Error<E>) -> Self {
        match error {
            Error::App(error) => error.into_status(),
            Error::Status(status) => status,
        }
    }
}

impl<E: fmt::Display> fmt::Display for Error<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::App(error) => error.fmt(f),
            Self::Status(status) => status.fmt(f),
        }
    }
}

impl<E: std::error::Error> std::error::Error for Error<E> {}

/// What may stand right of the comma in a method's `Result<T, E>`: an [`AppError`], a [`Status`],
/// or [`Infallible`]. Not meant to be implemented elsewhere.
pub trait Failure: Sized + Send + 'static {
    /// What the caller gets: [`Error<E>`] for an application's error, [`Status`] for the others.
    type Error: Send + 'static;

    /// The callee's side.
    fn into_status(self) -> Status;

    /// The caller's side.
    fn from_status(status: Status) -> Self::Error;
}

impl<E: AppError> Failure for E {
    type Error = Error<E>;

    fn into_status(self) -> Status {
        let status = Status::new(self.code(), self.message());
        match payload::encode(&self) {
            Ok(details) => status.with_details(E::NAME, Bytes::from(details)),
            // The code and the message are still true.
            Err(_) => status,
        }
    }

    fn from_status(status: Status) -> Self::Error {
        let details = status.details().filter(|_| status.type_name() == Some(E::NAME));
        match details.map(|details| payload::decode::<E>(details)) {
            Some(Ok(error)) if error.is_known() => Error::App(error),
            _ => Error::Status(status),
        }
    }
}

impl Failure for Status {
    type Error = Self;

    fn into_status(self) -> Self {
        self
    }

    fn from_status(status: Self) -> Self {
        status
    }
}

impl Failure for Infallible {
    type Error = Status;

    fn into_status(self) -> Status {
        match self {}
    }

    fn from_status(status: Status) -> Status {
        status
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Serialize, Deserialize, Debug, PartialEq)]
    enum Lookup {
        Missing { id: u32 },
    }

    impl AppError for Lookup {
        const NAME: &'static str = "test.Lookup";
        fn code(&self) -> Code {
            Code::NotFound
        }
        fn message(&self) -> String {
            "no such user".into()
        }
    }

    #[test]
    fn an_application_error_survives_the_wire() {
        let status = Lookup::Missing { id: 7 }.into_status();
        assert_eq!(status.code(), Code::NotFound);
        assert_eq!(Lookup::from_status(status), Error::App(Lookup::Missing { id: 7 }));
    }

    #[test]
    fn an_unknown_error_type_stays_a_status() {
        let status = Status::new(Code::NotFound, "x").with_details("other.Type", Bytes::new());
        assert_eq!(Lookup::from_status(status.clone()), Error::Status(status));
    }
}
