//! The floors of the issues, one row each.

use crate::cell::{Cell, Comparison, Scenario, Subject, Threads};

/// Which side of the bound is good.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Bound {
    /// fluxar's figure over the other's must not be smaller.
    AtLeast(f64),
    /// fluxar's figure over the other's must not be larger.
    AtMost(f64),
}

impl Bound {
    /// True when the ratio keeps the bound.
    pub(crate) fn holds(self, ratio: f64) -> bool {
        match self {
            Self::AtLeast(floor) => ratio >= floor,
            Self::AtMost(ceiling) => ratio <= ceiling,
        }
    }

    /// How the table writes it.
    pub(crate) fn title(self) -> String {
        match self {
            Self::AtLeast(floor) => format!("≥ {floor}"),
            Self::AtMost(ceiling) => format!("≤ {ceiling}"),
        }
    }
}

/// The bound on what the table compares in this column of this cell.
pub(crate) fn floor(comparison: Comparison, cell: Cell, subject: Subject) -> Option<Bound> {
    match comparison {
        Comparison::Peers => against(cell, subject),
        Comparison::Sessions => cost(cell, subject),
    }
}

/// What of a plain session's figure must be left; of TLS, of what the raw echo has left.
fn cost(cell: Cell, of: Subject) -> Option<Bound> {
    use Bound::{AtLeast, AtMost};
    Some(match (cell.scenario, of) {
        (Scenario::Unary(64), Subject::Resume | Subject::Tls) => AtLeast(0.9),
        (Scenario::Unary(64), Subject::Sealed) => AtLeast(0.7),
        (Scenario::Bulk, Subject::Sealed) => AtLeast(0.5),
        (Scenario::Unary(64), Subject::Quic) => AtLeast(0.2),
        (Scenario::Idle, Subject::Resume) => AtMost(32.0),
        (Scenario::Relink, Subject::Resume) => AtMost(5.0),
        _ => return None,
    })
}

/// The bound on fluxar's figure against this subject; against fluxar itself it bounds the figure,
/// not a ratio.
fn against(cell: Cell, against: Subject) -> Option<Bound> {
    use Bound::{AtLeast, AtMost};
    use Subject::{Fluxar, Raw, Tarpc, Tonic};
    use Threads::{Ct, Mt};
    Some(match (cell.scenario, cell.threads, against) {
        (Scenario::Latency, _, Raw) => AtMost(1.15),
        (Scenario::Latency, _, Tonic) => AtMost(0.45),
        (Scenario::Unary(64), _, Raw) => AtLeast(0.55),
        (Scenario::Unary(64), Ct, Tarpc) => AtLeast(2.5),
        (Scenario::Unary(64), Ct, Tonic) => AtLeast(12.0),
        (Scenario::Unary(64), Mt, Tarpc) => AtLeast(2.0),
        (Scenario::Unary(64), Mt, Tonic) => AtLeast(6.0),
        (Scenario::Unary(1024), _, Tarpc) => AtLeast(3.0),
        (Scenario::Unary(1024), _, Tonic) => AtLeast(20.0),
        (Scenario::Stream(1), Ct, Tonic) => AtLeast(1.5),
        (Scenario::Stream(100), Ct, Tonic) => AtLeast(1.1),
        (Scenario::Stream(_), Mt, Tonic) => AtLeast(1.0),
        (Scenario::Upload, _, Fluxar) => AtMost(3.0),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_floor_holds_at_the_floor() {
        assert!(Bound::AtLeast(2.5).holds(2.5));
        assert!(!Bound::AtLeast(2.5).holds(2.49));
        assert!(Bound::AtMost(1.15).holds(1.15));
        assert!(!Bound::AtMost(1.15).holds(1.16));
    }
}
