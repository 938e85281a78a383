//! Contracts: what each side of a connection has of the other.

use super::names::{field, snake};
use super::spell::Speller;
use super::types::docs;
use super::writer::Writer;
use crate::model::{Contract, ContractDef, Package};

/// A dialer's and a listener's view of each contract.
pub(super) fn contracts(to: &mut Writer, package: &Package<Contract>, speller: &Speller<'_>) {
    for contract in &package.contracts {
        One { contract, speller }.write(to);
    }
}

/// Parameters of `connect` and `listen` beside the services.
const OPTIONS: &[&str] =
    &["address", "addresses", "auth", "authenticate", "limits", "name", "on_peer", "reconnect"];

struct One<'m> {
    contract: &'m ContractDef,
    speller: &'m Speller<'m>,
}

impl One<'_> {
    fn member(&self, source: &str) -> String {
        let name = field(&snake(source), &self.speller.names);
        // Members that every view has.
        if matches!(name.as_str(), "peer" | "connect" | "close") { name + "_" } else { name }
    }

    fn write(&self, to: &mut Writer) {
        let names = &self.speller.names;
        let source = &self.contract.name.source;
        self.view(to, names.derived("contract", source), &self.contract.server, true);
        self.view(to, names.derived("peer", source), &self.contract.client, false);
        self.listen(to, names.derived("listen", source));
    }

    /// A class with the clients of what the other side offers.
    fn view(&self, to: &mut Writer, class: &str, services: &[String], dialer: bool) {
        let names = &self.speller.names;
        to.block(format!("class {class}:"), |to| {
            let lines = docs(&self.contract.docs, &self.contract.lifecycle);
            if !dialer {
                to.line("\"\"\"What the side that listens has of the one that dialed.\"\"\"");
            } else if !to.docstring(&lines) {
                to.line("\"\"\"What the side that dials has of the other.\"\"\"");
            }
            to.blank(1);
            let peer = if dialer { "_Peer" } else { "_HasSession" };
            to.block(format!("def __init__(self, peer: {peer}) -> None:"), |to| {
                to.line("self.peer = peer");
                for service in services {
                    let client = names.derived("client", service);
                    to.line(format!("self.{} = {client}(peer)", self.member(service)));
                }
                for topic in &self.contract.topics {
                    let client = names.derived("topic", topic);
                    to.line(format!("self.{} = {client}(peer)", self.member(topic)));
                }
            });
            if dialer {
                self.connect(to, class);
            }
        });
        to.blank(2);
    }

    /// Parameters, and the routes made from them.
    fn offers(&self, services: &[String]) -> (String, String) {
        let names = &self.speller.names;
        let name = |service: &String| {
            let name = self.member(service);
            if OPTIONS.contains(&name.as_str()) { name + "_" } else { name }
        };
        let params: String = services
            .iter()
            .map(|service| format!("{}: {}, ", name(service), names.derived("servicer", service)))
            .collect();
        let served = services
            .iter()
            .map(|service| format!("{}({})", names.derived("serve", service), name(service)));
        let routes: Vec<String> = std::iter::once("DESCRIPTOR".to_owned()).chain(served).collect();
        (params, format!("_m.routes({})", routes.join(", ")))
    }

    fn connect(&self, to: &mut Writer, class: &str) {
        let (params, routes) = self.offers(&self.contract.client);
        to.blank(1);
        to.line("@classmethod");
        to.block(
            format!(
                "async def connect(cls, address: str, *, {params}auth: _Auth = _NO_AUTH, \
                 name: str = \"\", limits: _Limits | None = None, \
                 reconnect: _Backoff | None = _Backoff()) -> {class}:"
            ),
            |to| {
                to.line("\"\"\"Dials. Leave it with `close`, or use it in `async with`.\"\"\"");
                to.block("peer = await _connect(", |to| {
                    to.line(format!("address, auth=auth, serve={routes}, name=name,"));
                    to.line("limits=limits, reconnect=reconnect,");
                });
                to.line(")");
                to.line("return cls(peer)");
            },
        );
        to.blank(1);
        to.block("async def close(self) -> None:", |to| {
            to.line("\"\"\"Says goodbye, waits for what is open, and ends.\"\"\"");
            to.line("await self.peer.close()");
        });
        to.blank(1);
        to.block(format!("async def __aenter__(self) -> {class}:"), |to| to.line("return self"));
        to.blank(1);
        to.block("async def __aexit__(self, *_: object) -> None:", |to| {
            to.line("await self.peer.close()");
        });
    }

    fn listen(&self, to: &mut Writer, function: &str) {
        let (params, routes) = self.offers(&self.contract.server);
        to.block(
            format!(
                "async def {function}(*addresses: str, {params}\
                 authenticate: _Authenticate | None = None, name: str = \"\", \
                 limits: _Limits | None = None, \
                 on_peer: _Callable[[_Peer], None] | None = None) -> _Server:"
            ),
            |to| {
                to.line(
                    "\"\"\"Listens at the addresses, and serves its side of the contract.\"\"\"",
                );
                to.block("return await _listen(", |to| {
                    to.line(format!("*addresses, serve={routes}, authenticate=authenticate,"));
                    to.line("name=name, limits=limits, on_peer=on_peer,");
                });
                to.line(")");
            },
        );
        to.blank(2);
    }
}
