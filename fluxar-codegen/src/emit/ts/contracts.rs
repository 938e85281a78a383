//! Contracts: what each side of a connection has of the other, and what it serves.

use super::names::{lower_camel, property};
use super::spell::Speller;
use super::text::Lines;
use crate::model::{Contract, ContractDef, Docs, Lifecycle, Package};

/// Both views of each contract.
pub(super) fn contracts(to: &mut Lines, package: &Package<Contract>, speller: &Speller<'_>) {
    for contract in &package.contracts {
        One { contract, speller }.write(to);
        to.line("");
    }
}

struct One<'c, 'p> {
    contract: &'c ContractDef,
    speller: &'c Speller<'p>,
}

impl One<'_, '_> {
    fn name(&self, kind: &'static str) -> &str {
        self.speller.names.derived(kind, &self.contract.name.source)
    }

    fn write(&self, to: &mut Lines) {
        let contract = self.name("contract");
        let (server, client) = (&self.contract.server, &self.contract.client);
        self.view(to, contract, server, "What the side that dials has of the other.");
        self.view(
            to,
            self.name("remote"),
            client,
            "What the side that listens has of the one that dialed.",
        );
        self.offer(to, self.name("client_offer"), client, "What the side that dials serves.");
        self.offer(to, self.name("server_offer"), server, "What the side that listens serves.");
        to.docs(&self.contract.docs, &self.contract.lifecycle, "");
        to.block(&format!("export const {contract} ="), " as const;", |to| {
            self.connect(to);
            self.over(to);
            self.accept(to);
        });
    }

    /// Clients of services, and the topics.
    fn view(&self, to: &mut Lines, interface: &str, services: &[String], about: &str) {
        to.docs(&self.contract.docs, &Lifecycle::default(), about);
        to.block(&format!("export interface {interface}"), "", |to| {
            to.line("readonly peer: $.Peer;");
            for (member, class) in self.members(services) {
                to.line(format!("readonly {}: {class};", property(&member)));
            }
        });
        to.block(&format!("function {interface}$of(peer: $.Peer): {interface}"), "", |to| {
            let parts = self.members(services).into_iter();
            let parts: Vec<String> = parts
                .map(|(member, class)| format!("{}: new {class}(peer)", property(&member)))
                .collect();
            let parts = std::iter::once("peer".to_owned()).chain(parts).collect::<Vec<_>>();
            to.line(format!("return {{ {} }};", parts.join(", ")));
        });
    }

    fn members(&self, services: &[String]) -> Vec<(String, String)> {
        let clients = services.iter().map(|source| (source, "client"));
        let topics = self.contract.topics.iter().map(|source| (source, "topic"));
        let names =
            super::names::distinct(std::iter::once("peer".to_owned()).chain(
                clients.clone().chain(topics.clone()).map(|(source, _)| lower_camel(source)),
            ));
        let classes = clients
            .chain(topics)
            .map(|(source, kind)| self.speller.names.derived(kind, source).to_owned());
        names.into_iter().skip(1).zip(classes).collect()
    }

    fn offer(&self, to: &mut Lines, interface: &str, services: &[String], about: &str) {
        to.docs(&Docs::default(), &Lifecycle::default(), about);
        to.block(&format!("export interface {interface}"), "", |to| {
            for (member, source) in self.offered(services) {
                let service = self.speller.names.derived("service", source);
                to.line(format!("readonly {}: {service};", property(&member)));
            }
        });
        let unused = if services.is_empty() { "_" } else { "" };
        let head = format!(
            "function {interface}$serve({unused}serving: $.Serving, \
             {unused}offer: {interface}): void"
        );
        to.block(&head, "", |to| {
            for (member, source) in self.offered(services) {
                let serve = self.speller.names.derived("serve", source);
                to.line(format!(
                    "{serve}(serving, {});",
                    super::record::property_of("offer", &member)
                ));
            }
        });
    }

    fn offered<'s>(&self, services: &'s [String]) -> Vec<(String, &'s str)> {
        let names = super::names::distinct(services.iter().map(|source| lower_camel(source)));
        names.into_iter().zip(services.iter().map(String::as_str)).collect()
    }

    fn connect(&self, to: &mut Lines) {
        let (contract, offer) = (self.name("contract"), self.name("client_offer"));
        to.docs(
            &Docs::default(),
            &Lifecycle::default(),
            "Dials, and waits until the session is ready.",
        );
        let head = format!(
            "async connect(address: string, offer: {offer}, \
             options: $.ConnectOptions = {{}}): Promise<{contract}>"
        );
        to.block(&head, ",", |to| {
            to.line("const routes = options.routes ?? new $.Routes();");
            to.line(format!("{offer}$serve(routes, offer);"));
            to.line(format!(
                "return {contract}$of(await $.Peer.connect(address, {{ ...options, routes }}));"
            ));
        });
    }

    fn over(&self, to: &mut Lines) {
        let (contract, offer) = (self.name("contract"), self.name("client_offer"));
        to.docs(
            &Docs::default(),
            &Lifecycle::default(),
            "Speaks over a link that is there, as the side that dialed it.",
        );
        let head = format!(
            "async over(link: $.Link, offer: {offer}, \
             options: $.PeerOptions = {{}}): Promise<{contract}>"
        );
        to.block(&head, ",", |to| {
            to.line("const routes = options.routes ?? new $.Routes();");
            to.line(format!("{offer}$serve(routes, offer);"));
            to.line(format!(
                "return {contract}$of(await $.Peer.over(link, {{ ...options, routes }}));"
            ));
        });
    }

    fn accept(&self, to: &mut Lines) {
        let (remote, offer) = (self.name("remote"), self.name("server_offer"));
        to.docs(
            &Docs::default(),
            &Lifecycle::default(),
            "Takes a link that the other side has dialed.",
        );
        let head = format!(
            "async accept(link: $.Link, offer: {offer}, \
             options: $.AcceptOptions = {{}}): Promise<{remote}>"
        );
        to.block(&head, ",", |to| {
            to.line("const routes = options.routes ?? new $.Routes();");
            to.line(format!("{offer}$serve(routes, offer);"));
            to.line(format!(
                "return {remote}$of(await $.Peer.accept(link, {{ ...options, routes }}));"
            ));
        });
    }
}
