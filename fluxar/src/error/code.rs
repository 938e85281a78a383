//! The wire's outcome codes: the one table.

/// What became of a call, a stream or a subscription. Numbers 1..16 are gRPC's.
///
/// Success is the absence of an error, so there is no `Ok`. Spec: `docs/spec/codes.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
#[non_exhaustive]
pub enum Code {
    /// The caller gave up.
    Cancelled = 1,
    /// No better code is known (also: a code from a newer peer).
    Unknown = 2,
    /// The request is wrong whatever the state of the system: fix it before retrying.
    InvalidArgument = 3,
    /// Time ran out before the outcome was known.
    DeadlineExceeded = 4,
    /// The thing asked for does not exist.
    NotFound = 5,
    /// The thing to be made exists already.
    AlreadyExists = 6,
    /// The identity is known and may not do this.
    PermissionDenied = 7,
    /// A limit is reached: retry later, or ask for less.
    ResourceExhausted = 8,
    /// The system is not in the state that the request needs.
    FailedPrecondition = 9,
    /// A conflict with something concurrent.
    Aborted = 10,
    /// Past the end of the valid range.
    OutOfRange = 11,
    /// The peer does not serve this.
    Unimplemented = 12,
    /// The callee broke an invariant of its own (a handler panicked, say).
    Internal = 13,
    /// Never reached the callee: safe to retry.
    Unavailable = 14,
    /// Data is lost for good.
    DataLoss = 15,
    /// No valid credential.
    Unauthenticated = 16,
    /// It was sent, the session was lost, and nobody knows whether it ran.
    Indeterminate = 17,
}

impl Code {
    /// Every code, in the order of the numbers.
    pub const ALL: [Self; 17] = [
        Self::Cancelled,
        Self::Unknown,
        Self::InvalidArgument,
        Self::DeadlineExceeded,
        Self::NotFound,
        Self::AlreadyExists,
        Self::PermissionDenied,
        Self::ResourceExhausted,
        Self::FailedPrecondition,
        Self::Aborted,
        Self::OutOfRange,
        Self::Unimplemented,
        Self::Internal,
        Self::Unavailable,
        Self::DataLoss,
        Self::Unauthenticated,
        Self::Indeterminate,
    ];

    /// The number on the wire.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The code of a wire number. A number of a newer peer reads as [`Code::Unknown`]; 0 and
    /// anything above 255 is for the decoder to refuse.
    #[must_use]
    pub fn from_number(number: u8) -> Self {
        let index = usize::from(number).wrapping_sub(1);
        Self::ALL.get(index).copied().unwrap_or(Self::Unknown)
    }

    /// The name in `snake_case`, as printed by the command and written in contracts.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cancelled => "cancelled",
            Self::Unknown => "unknown",
            Self::InvalidArgument => "invalid_argument",
            Self::DeadlineExceeded => "deadline_exceeded",
            Self::NotFound => "not_found",
            Self::AlreadyExists => "already_exists",
            Self::PermissionDenied => "permission_denied",
            Self::ResourceExhausted => "resource_exhausted",
            Self::FailedPrecondition => "failed_precondition",
            Self::Aborted => "aborted",
            Self::OutOfRange => "out_of_range",
            Self::Unimplemented => "unimplemented",
            Self::Internal => "internal",
            Self::Unavailable => "unavailable",
            Self::DataLoss => "data_loss",
            Self::Unauthenticated => "unauthenticated",
            Self::Indeterminate => "indeterminate",
        }
    }

    /// The code with this `snake_case` name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.name() == name)
    }
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
