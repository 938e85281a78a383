//! The names of the protocol's outcome codes, as contracts write them.

/// Every code's name in `snake_case`, in the order of the numbers (`fluxar::Code::ALL`).
pub const CODES: [&str; 17] = [
    "cancelled",
    "unknown",
    "invalid_argument",
    "deadline_exceeded",
    "not_found",
    "already_exists",
    "permission_denied",
    "resource_exhausted",
    "failed_precondition",
    "aborted",
    "out_of_range",
    "unimplemented",
    "internal",
    "unavailable",
    "data_loss",
    "unauthenticated",
    "indeterminate",
];
