//! What a change of a contract breaks, for whom, and in which order it can be deployed.
//!
//! Two contracts are compared by what travels: from each method and topic of the old one along the
//! references of its types, so that the name and the place of a type do not matter, and every type
//! is judged where it is used. A change has two sides: whether what *old* peers write is read by
//! *new* ones, and the reverse. Where a value travels decides what that means for a deploy:
//!
//! | the value is | new server, old client | old server, new client | stored |
//! |---|---|---|---|
//! | input of a method | new reads old | old reads new | |
//! | output of a method | old reads new | new reads old | |
//! | payload of a topic | both | both | new reads old |
//! | type that nothing uses | | | new reads old |
//!
//! A service that the dialing side of a contract offers has the sides of the first two columns
//! exchanged: its callee is the client.

mod index;
mod odds;
mod rules;
mod services;
mod types;
mod uses;

pub use odds::Shown;
pub use rules::Rule;
pub use uses::{Judged, Use, uses};

use crate::model::{Contract, Package};
use std::fmt;

/// How bad it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// Both sides understand each other.
    #[default]
    Ok,
    /// They do, in all but some values or some uses: look at it.
    Warn,
    /// They do not.
    Break,
}

impl Verdict {
    /// Its word in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warning",
            Self::Break => "breaks",
        }
    }
}

/// A verdict for each direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verdicts {
    /// A server of the new contract, with clients of the old one.
    pub new_server_old_client: Verdict,
    /// A server of the old contract, with clients of the new one.
    pub old_server_new_client: Verdict,
    /// Events that were published under the old contract and are kept (and, as a warning at most,
    /// subscribers of the old one).
    pub stored: Verdict,
}

impl Verdicts {
    /// The worst of each.
    #[must_use]
    pub fn join(self, other: Self) -> Self {
        Self {
            new_server_old_client: self.new_server_old_client.max(other.new_server_old_client),
            old_server_new_client: self.old_server_new_client.max(other.old_server_new_client),
            stored: self.stored.max(other.stored),
        }
    }

    /// The worst of all.
    #[must_use]
    pub fn worst(self) -> Verdict {
        self.new_server_old_client.max(self.old_server_new_client).max(self.stored)
    }

    /// The order in which servers and clients can be deployed so that nothing breaks meanwhile.
    #[must_use]
    pub fn order(self) -> Order {
        let broken = |verdict| verdict == Verdict::Break;
        match (broken(self.new_server_old_client), broken(self.old_server_new_client)) {
            (false, false) => Order::Any,
            (false, true) => Order::ServersFirst,
            (true, false) => Order::ClientsFirst,
            (true, true) => Order::None,
        }
    }
}

/// What to deploy first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// It does not matter.
    Any,
    /// All servers, then the clients.
    ServersFirst,
    /// All clients, then the servers.
    ClientsFirst,
    /// Neither order works: make the change in two steps.
    None,
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Any => "in any order",
            Self::ServersFirst => "all servers first, then the clients",
            Self::ClientsFirst => "all clients first, then the servers",
            Self::None => {
                "in no order: add the new beside the old, move all peers over, then retire the old"
            }
        })
    }
}

/// One change and what it means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The package; nothing for a contract that names none.
    pub package: Option<String>,
    /// Which change it is.
    pub rule: Rule,
    /// Where: `shop.v1.users.get(id)`, `User.email`, `OrderEvents`.
    pub place: String,
    /// What was found, and what to do.
    pub message: String,
    /// For whom.
    pub verdicts: Verdicts,
    /// How often random values show it.
    pub shown: Shown,
}

/// All changes that mean something, in the order of the old contract, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The changes.
    pub findings: Vec<Finding>,
}

impl Report {
    /// The verdict over all.
    #[must_use]
    pub fn verdicts(&self) -> Verdicts {
        let all = self.findings.iter().map(|finding| finding.verdicts);
        all.fold(Verdicts::default(), Verdicts::join)
    }

    /// True when somebody breaks.
    #[must_use]
    pub fn breaks(&self) -> bool {
        self.verdicts().worst() == Verdict::Break
    }
}

/// Compares two versions of a package.
#[must_use]
pub fn diff(old: &Package<Contract>, new: &Package<Contract>) -> Report {
    let mut walk = types::Walk::new(old, new);
    services::compare(&mut walk);
    let mut report = walk.finish();
    for finding in &mut report.findings {
        finding.package = old.name.clone().or_else(|| new.name.clone());
    }
    report
}

/// Two versions of a package, the old one first.
pub type Pair<'p> = (&'p Package<Contract>, &'p Package<Contract>);

/// The packages that two versions of many have in common, by name. Where there is one on each
/// side, these two, whatever their names.
#[must_use]
pub fn pairs<'p>(old: &'p [Package<Contract>], new: &'p [Package<Contract>]) -> Vec<Pair<'p>> {
    if let ([one], [other]) = (old, new) {
        return vec![(one, other)];
    }
    let counterpart = |before| new.iter().find(|after| is_same(before, after));
    old.iter().filter_map(|before| Some((before, counterpart(before)?))).collect()
}

fn is_same(one: &Package<Contract>, other: &Package<Contract>) -> bool {
    one.name == other.name
}

/// Compares two versions of many packages, those of a directory.
#[must_use]
pub fn diff_all(old: &[Package<Contract>], new: &[Package<Contract>]) -> Report {
    let pairs = pairs(old, new);
    let mut report = Report::default();
    for before in old {
        match pairs.iter().find(|(one, _)| std::ptr::eq(*one, before)) {
            Some((_, after)) => report.findings.extend(diff(before, after).findings),
            None => report.findings.push(removed(before)),
        }
    }
    for after in new {
        if !pairs.iter().any(|(_, other)| std::ptr::eq(*other, after)) {
            let nothing = Package::empty(after.name.clone());
            report.findings.extend(diff(&nothing, after).findings);
        }
    }
    report
}

/// One finding for all that a removed package had.
fn removed(package: &Package<Contract>) -> Finding {
    let verdicts = diff(package, &Package::empty(package.name.clone())).verdicts();
    let counts = [
        (package.services.len(), "services"),
        (package.topics.len(), "topics"),
        (package.types.len(), "types"),
    ];
    let counts: Vec<String> =
        counts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
    Finding {
        package: package.name.clone(),
        rule: Rule::PackageRemoved,
        place: package.name.clone().unwrap_or_else(|| "the contract without a package".to_owned()),
        message: format!(
            "removed with all it had ({}): deprecate it, move its peers over, then remove it",
            counts.join(", ")
        ),
        verdicts,
        shown: Shown::default(),
    }
}
