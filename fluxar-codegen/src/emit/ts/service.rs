//! Services: definitions of methods, clients, and the functions that serve them.

use super::checks;
use super::names::{distinct, member, parameter, upper_camel};
use super::record::Record;
use super::spell::Speller;
use super::text::{Lines, quote};
use crate::model::{
    Argument, Contract, Failure, Field, Lifecycle, Method, Package, Scalar, Service, Shape, TypeRef,
};

/// Everything about the services of a package.
pub(super) fn services(to: &mut Lines, package: &Package<Contract>, speller: &mut Speller<'_>) {
    for service in &package.services {
        let members = distinct(service.methods.iter().map(|method| member(&method.name.source)));
        let named = service.methods.iter().zip(members);
        let methods: Vec<One<'_>> =
            named.map(|(method, member)| One::new(service, method, member, speller)).collect();
        for method in &methods {
            method.parameters(to, speller);
            method.definition(to, service, speller);
        }
        client(to, service, &methods, speller);
        server(to, service, &methods, speller);
        to.line("");
    }
}

/// A method, with the names that it has here.
struct One<'m> {
    method: &'m Method<Contract>,
    member: String,
    /// The constant that describes it.
    id: String,
    fields: Vec<Field<Contract>>,
    /// What a handler is given, and what a caller gives; the same where nothing has a default.
    args: String,
    params: String,
}

impl<'m> One<'m> {
    fn new(
        service: &Service<Contract>,
        method: &'m Method<Contract>,
        member: String,
        speller: &mut Speller<'_>,
    ) -> Self {
        let class = upper_camel(&service.name.source);
        let base = format!("{class}{}", upper_camel(&method.name.source));
        let fields: Vec<Field<Contract>> = method.params().cloned().collect();
        let params = speller.names.claim(&format!("{base}Params"));
        let lenient = fields.iter().any(|field| speller.default(field).is_some());
        let args =
            if lenient { speller.names.claim(&format!("{base}Args")) } else { params.clone() };
        let client = speller.names.derived("client", &service.name.source);
        let id = format!("{client}${}", method.name.source);
        Self { method, member, id, fields, args, params }
    }

    fn has_params(&self) -> bool {
        !self.fields.is_empty()
    }

    /// Whether a caller may give nothing.
    fn may_be_empty(&self, speller: &Speller<'_>) -> bool {
        self.fields.iter().all(|field| field.optional || speller.default(field).is_some())
    }

    fn parameters(&self, to: &mut Lines, speller: &Speller<'_>) {
        if !self.has_params() {
            return;
        }
        let record = Record { speller, ty: &self.args, fields: &self.fields };
        let about = format!("The parameters of `{}`.", self.method.name.wire);
        let none = crate::model::Docs::default();
        to.docs(&none, &Lifecycle::default(), &about);
        to.block(&format!("export interface {}", self.params), "", |to| record.members(to, true));
        if self.args != self.params {
            to.docs(
                &none,
                &Lifecycle::default(),
                &format!("{about} What was left out has its default."),
            );
            to.block(&format!("export interface {}", self.args), "", |to| {
                record.members(to, false)
            });
        }
        record.functions(to);
        let lines = checks::fields(speller, &self.fields);
        if !lines.is_empty() {
            to.block(
                &format!(
                    "function check${}(v: $.Lenient<{}>, path: string): void",
                    self.args, self.args
                ),
                "",
                |to| {
                    lines.iter().for_each(|line| to.line(line));
                },
            );
        }
    }

    fn ty(&self, speller: &Speller<'_>, ty: Option<&TypeRef>) -> String {
        ty.map_or_else(|| "void".to_owned(), |ty| speller.ty(ty))
    }

    fn error(&self) -> Option<&str> {
        match &self.method.failure {
            Failure::App(TypeRef::Named(source)) => Some(source),
            _ => None,
        }
    }

    fn definition(&self, to: &mut Lines, service: &Service<Contract>, speller: &Speller<'_>) {
        let method = self.method;
        let args = if self.has_params() { self.args.as_str() } else { "void" };
        let error = self
            .error()
            .map_or_else(|| "never".to_owned(), |source| speller.names.class(source).to_owned());
        let result = self.ty(speller, method.result());
        let ty = if method.input().is_some() || method.items().is_some() {
            let input = method.input().map_or_else(|| "never".to_owned(), |ty| speller.ty(ty));
            let items = method.items().map_or_else(|| "never".to_owned(), |ty| speller.ty(ty));
            format!("$.StreamMethod<{args}, {input}, {items}, {result}, {error}>")
        } else {
            format!("$.Method<{args}, {result}, {error}>")
        };
        to.block(&format!("const {}: {ty} =", self.id), ";", |to| {
            to.line(format!("target: {},", quote(&service.target(method))));
            if self.has_params() {
                let checked = self.fields.iter().any(|field| speller.field_is_checked(field));
                let check = if checked { format!(", check: check${args}") } else { String::new() };
                to.line(format!("params: {{ read: read${args}, write: write${args}{check} }},"));
            }
            let unit = TypeRef::Scalar(Scalar::Unit);
            to.line(format!("result: {},", speller.codec(method.result().unwrap_or(&unit))));
            if let Some(input) = method.input() {
                to.line(format!("input: {},", speller.codec(input)));
            }
            if let Some(items) = method.items() {
                to.line(format!("items: {},", speller.codec(items)));
            }
            if let Some(source) = self.error() {
                to.line(format!("error: {},", speller.names.derived("codec", source)));
            }
            if let Some(timeout) = method.timeout {
                to.line(format!("timeoutMs: {},", timeout.as_millis()));
            }
            if method.is_keyed() {
                to.line("idempotent: true,");
            }
        });
    }

    /// What the items that a caller sends are called.
    fn input_name(&self) -> String {
        let name = self.method.arguments.iter().find_map(|argument| match argument {
            Argument::Input { name, .. } => Some(parameter(&name.source)),
            _ => None,
        });
        name.unwrap_or_else(|| "items".to_owned())
    }

    /// The method of the client.
    fn call(&self, to: &mut Lines, speller: &Speller<'_>) {
        let method = self.method;
        let shape = method.shape();
        let options = match shape {
            Shape::Unary => "CallOptions",
            Shape::Notification => "RequestOptions",
            _ => "StreamOptions",
        };
        let mut parameters = Vec::new();
        if self.has_params() {
            let empty = self.may_be_empty(speller) && method.input().is_none();
            let default = if empty { " = {}" } else { "" };
            parameters.push(format!("params: {}{default}", self.params));
        }
        if let Some(input) = method.input() {
            parameters.push(format!("{}: $.Source<{}>", self.input_name(), speller.ty(input)));
        }
        parameters.push(format!("options?: $.{options}"));
        let args = match (self.has_params(), self.args == self.params) {
            (false, _) => "undefined".to_owned(),
            (true, true) => "params".to_owned(),
            (true, false) => format!("params as {}", self.args),
        };
        let (items, result) = (self.ty(speller, method.items()), self.ty(speller, method.result()));
        let input = self.input_name();
        let (answer, body) = match shape {
            Shape::Notification => {
                ("void".to_owned(), format!("$.notify(this.#caller, {}, {args}, options)", self.id))
            }
            Shape::Unary => (
                format!("Promise<{result}>"),
                format!("return $.call(this.#caller, {}, {args}, options)", self.id),
            ),
            Shape::ClientStream => (
                format!("Promise<{result}>"),
                format!(
                    "return $.clientStream(this.#caller, {}, {args}, {input}, options)",
                    self.id
                ),
            ),
            Shape::ServerStream | Shape::StreamThen => (
                format!("$.Streaming<{items}, {result}>"),
                format!("return $.serverStream(this.#caller, {}, {args}, options)", self.id),
            ),
            Shape::BothWays | Shape::BothWaysThen => (
                format!("$.Streaming<{items}, {result}>"),
                format!("return $.duplex(this.#caller, {}, {args}, {input}, options)", self.id),
            ),
        };
        to.docs(&method.docs, &method.lifecycle, "");
        to.block(&format!("{}({}): {answer}", self.member, parameters.join(", ")), "", |to| {
            to.line(format!("{body};"));
        });
    }

    /// The member of the interface that an implementation has.
    fn handler(&self, to: &mut Lines, speller: &Speller<'_>) {
        let method = self.method;
        let (items, result) = (self.ty(speller, method.items()), self.ty(speller, method.result()));
        let mut parameters = Vec::new();
        if self.has_params() {
            parameters.push(format!("args: {}", self.args));
        }
        if let Some(input) = method.input() {
            parameters.push(format!("{}: AsyncIterable<{}>", self.input_name(), speller.ty(input)));
        }
        parameters.push("context: $.Context".to_owned());
        let answer = match method.shape() {
            Shape::Notification => "Promise<void> | void".to_owned(),
            Shape::Unary | Shape::ClientStream => format!("Promise<{result}> | {result}"),
            _ => format!("$.Output<{items}, {result}>"),
        };
        to.docs(&method.docs, &method.lifecycle, "");
        to.line(format!("{}({}): {answer};", self.member, parameters.join(", ")));
    }

    /// The line that serves it.
    fn serve(&self, to: &mut Lines) {
        let method = self.method;
        let mut given = Vec::new();
        if self.has_params() {
            given.push("args");
        }
        if method.input().is_some() {
            given.push("items");
        }
        given.push("context");
        let call = format!("service.{}({})", self.member, given.join(", "));
        let id = &self.id;
        let args = if self.has_params() { "args" } else { "_args" };
        let items = if method.input().is_some() { "items" } else { "_items" };
        to.line(match method.shape() {
            Shape::Notification | Shape::Unary => {
                format!("$.serveUnary(serving, {id}, ({args}, context) => {call});")
            }
            Shape::ClientStream => {
                let given = format!("({args}, {items}, context)");
                format!("$.serveInput(serving, {id}, {given} => {call});")
            }
            shape => {
                let has_result = matches!(shape, Shape::StreamThen | Shape::BothWaysThen);
                let given = format!("({args}, {items}, context)");
                format!("$.serveOutput(serving, {id}, {has_result}, {given} => {call});")
            }
        });
    }
}

fn client(to: &mut Lines, service: &Service<Contract>, methods: &[One<'_>], speller: &Speller<'_>) {
    let class = speller.names.derived("client", &service.name.source);
    to.docs(&service.docs, &Lifecycle::default(), "");
    to.block(&format!("export class {class}"), "", |to| {
        if methods.is_empty() {
            to.line("constructor(_caller: $.Caller) {}");
            return;
        }
        to.line("readonly #caller: $.Caller;");
        to.line("");
        to.block("constructor(caller: $.Caller)", "", |to| to.line("this.#caller = caller;"));
        for method in methods {
            to.line("");
            method.call(to, speller);
        }
    });
}

fn server(to: &mut Lines, service: &Service<Contract>, methods: &[One<'_>], speller: &Speller<'_>) {
    let interface = speller.names.derived("service", &service.name.source);
    let serve = speller.names.derived("serve", &service.name.source);
    to.docs(&service.docs, &Lifecycle::default(), "");
    to.block(&format!("export interface {interface}"), "", |to| {
        methods.iter().for_each(|method| method.handler(to, speller));
    });
    let about = format!("Serves a {interface} to the other side.");
    to.docs(&crate::model::Docs::default(), &Lifecycle::default(), &about);
    let unused = if methods.is_empty() { "_" } else { "" };
    let head =
        format!("export function {serve}(serving: $.Serving, {unused}service: {interface}): void");
    to.block(&head, "", |to| {
        to.line("serving.describe(DESCRIPTOR);");
        methods.iter().for_each(|method| method.serve(to));
    });
}
