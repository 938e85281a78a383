//! Clients, servicers, and the functions that serve them.

use super::names::{method as method_name, parameter};
use super::spell::{Speller, is_optional, tuple, whole};
use super::types::docs;
use super::writer::{Writer, text};
use crate::model::{Argument, Contract, Failure, Field, Method, Package, Service, Shape, TypeRef};
use std::collections::HashSet;

/// Everything about the services of a package.
pub(super) fn services(to: &mut Writer, package: &Package<Contract>, speller: &Speller<'_>) {
    for service in &package.services {
        let service = One::new(service, speller);
        service.methods(to);
        service.client(to);
        service.servicer(to);
        service.serve(to);
    }
}

struct One<'m> {
    service: &'m Service<Contract>,
    speller: &'m Speller<'m>,
    /// The names of the methods, which hide builtins inside of the classes.
    shadow: HashSet<String>,
}

impl<'m> One<'m> {
    fn new(service: &'m Service<Contract>, speller: &'m Speller<'m>) -> Self {
        let name = |method: &Method<Contract>| method_name(&method.name.source, &speller.names);
        Self { service, speller, shadow: service.methods.iter().map(name).collect() }
    }

    fn name(&self, method: &Method<Contract>) -> String {
        method_name(&method.name.source, &self.speller.names)
    }

    fn parameter(&self, source: &str) -> String {
        parameter(source, &self.speller.names)
    }

    /// The constant that describes a method.
    fn constant(&self, method: &Method<Contract>) -> String {
        let client = self.speller.names.derived("client", &self.service.name.source);
        format!("_m_{client}_{}", method.name.source)
    }

    fn optional_type(&self, ty: Option<&TypeRef>, shadow: &HashSet<String>) -> String {
        ty.map_or_else(|| "None".to_owned(), |ty| self.speller.ty(ty, shadow))
    }

    /// `Method[items in, items out, result]`.
    fn generics(&self, method: &Method<Contract>, shadow: &HashSet<String>) -> [String; 3] {
        [method.input(), method.items(), method.result()].map(|ty| self.optional_type(ty, shadow))
    }

    fn methods(&self, to: &mut Writer) {
        for method in &self.service.methods {
            let generics = self.generics(method, &HashSet::new()).join(", ");
            let codec = |ty: Option<&TypeRef>| {
                ty.map_or_else(|| "_c.UNIT".to_owned(), |ty| self.speller.codec(ty))
            };
            let [input, items, result] =
                [method.input(), method.items(), method.result()].map(codec);
            let fields: Vec<&Field<Contract>> = method.params().collect();
            let params = match fields.is_empty() {
                true => "None".to_owned(),
                false => {
                    let rows = fields
                        .iter()
                        .map(|field| self.speller.row(field, &self.parameter(&field.name.source)));
                    format!("_t.Params(lambda: {})", tuple(rows))
                }
            };
            let failure = self.failure(method);
            let timeout = method.timeout.map_or_else(
                || "None".to_owned(),
                |timeout| format!("{:?}", timeout.as_secs_f64()),
            );
            let constant = self.constant(method);
            to.block(format!("{constant}: _m.Method[{generics}] = _m.Method("), |to| {
                to.line(format!("{},", text(&self.service.target(method))));
                for part in [params, input, items, result, failure, timeout] {
                    to.line(format!("{part},"));
                }
                if method.is_keyed() {
                    to.line("idempotent=True,");
                }
            });
            to.line(")");
        }
        to.blank(2);
    }

    fn failure(&self, method: &Method<Contract>) -> String {
        let Failure::App(TypeRef::Named(source)) = &method.failure else {
            return "None".to_owned();
        };
        let wire = self.speller.def(source).map_or(source.as_str(), |def| &def.name.wire);
        let (class, codec) = (self.speller.names.class(source), self.speller.codec_name(source));
        format!("_m.Failure({}, {class}, {codec})", text(wire))
    }

    /// The parameters of a client's method: those with defaults may be left out.
    fn signature(&self, method: &Method<Contract>) -> String {
        let mut out = String::from("self");
        let fields: Vec<&Field<Contract>> = method.params().collect();
        let default = |field: &Field<Contract>| {
            let default = self.speller.default(field);
            default.or_else(|| is_optional(field).then(|| "None".to_owned()))
        };
        let first_default = fields.iter().position(|field| default(field).is_some());
        let last_required = fields.iter().rposition(|field| default(field).is_none());
        let mut named = false;
        for (index, field) in fields.iter().enumerate() {
            let mixed = first_default.zip(last_required).is_some_and(|(f, l)| f < l);
            if mixed && Some(index) == first_default {
                out += ", *";
                named = true;
            }
            let name = self.parameter(&field.name.source);
            out += &format!(", {name}: {}", self.speller.ty(&whole(field), &self.shadow));
            if let Some(default) = default(field) {
                out += &format!(" = {default}");
            }
        }
        if !named {
            out += ", *";
        }
        out
    }

    fn values(&self, method: &Method<Contract>) -> String {
        let values = method.params().map(|field| {
            let name = self.parameter(&field.name.source);
            format!("{}: {name}", text(&name))
        });
        format!("{{{}}}", values.collect::<Vec<_>>().join(", "))
    }

    fn client(&self, to: &mut Writer) {
        let class = self.speller.names.derived("client", &self.service.name.source);
        to.block(format!("class {class}(_m.Client):"), |to| {
            let said = to.docstring(&self.service.docs.lines);
            if !said {
                to.line("\"\"\"Calls the other side's service.\"\"\"");
            }
            for method in &self.service.methods {
                to.blank(1);
                self.client_method(to, method);
            }
        });
        to.blank(2);
    }

    fn client_method(&self, to: &mut Writer, method: &Method<Contract>) {
        let signature = self.signature(method);
        let (name, constant) = (self.name(method), self.constant(method));
        let values = self.values(method);
        let optional = |ty: &str| {
            let hidden = self.shadow.contains(ty);
            if hidden {
                format!("_builtins.{ty} | None = None")
            } else {
                format!("{ty} | None = None")
            }
        };
        let meta = match (self.shadow.contains("dict"), self.shadow.contains("str")) {
            (false, false) => "meta: dict[str, str] | None = None".to_owned(),
            _ => "meta: _Meta | None = None".to_owned(),
        };
        let timeout = format!("timeout: {}", optional("float"));
        let credit = format!("credit: {}", optional("int"));
        let key = format!("idempotency_key: {}", optional("bytes"));
        let lines = docs(&method.docs, &method.lifecycle);
        let [input, items, result] = self.generics(method, &self.shadow);
        let (head, body) = match method.shape() {
            Shape::Notification => (
                format!("async def {name}({signature}, {meta}) -> None:"),
                format!("await self._notify({constant}, {values}, meta)"),
            ),
            Shape::Unary if method.is_keyed() => (
                format!("async def {name}({signature}, {timeout}, {meta}, {key}) -> {result}:"),
                format!(
                    "return await self._call({constant}, {values}, timeout, meta, idempotency_key)"
                ),
            ),
            Shape::Unary => (
                format!("async def {name}({signature}, {timeout}, {meta}) -> {result}:"),
                format!("return await self._call({constant}, {values}, timeout, meta)"),
            ),
            Shape::ClientStream => (
                format!(
                    "def {name}({signature}, {timeout}, {meta}) -> _m.Upload[{input}, {result}]:"
                ),
                format!("return _m.Upload(self._peer, {constant}, {values}, timeout, meta)"),
            ),
            Shape::ServerStream | Shape::StreamThen => (
                format!(
                    "def {name}({signature}, {timeout}, {meta}, {credit}) -> \
                     _m.Streaming[{items}, {result}]:"
                ),
                format!(
                    "return _m.Streaming(self._peer, {constant}, {values}, timeout, meta, credit)"
                ),
            ),
            Shape::BothWays | Shape::BothWaysThen => (
                format!(
                    "def {name}({signature}, {timeout}, {meta}, {credit}) -> \
                     _m.Duplex[{input}, {items}, {result}]:"
                ),
                format!(
                    "return _m.Duplex(self._peer, {constant}, {values}, timeout, meta, credit)"
                ),
            ),
        };
        to.block(head, |to| {
            to.docstring(&lines);
            to.line(body);
        });
    }

    fn servicer(&self, to: &mut Writer) {
        let class = self.speller.names.derived("servicer", &self.service.name.source);
        to.block(format!("class {class}(_Protocol):"), |to| {
            let said = to.docstring(&self.service.docs.lines);
            if !said && self.service.methods.is_empty() {
                to.line("pass");
            }
            for (index, method) in self.service.methods.iter().enumerate() {
                if index > 0 || said {
                    to.blank(1);
                }
                self.servicer_method(to, method);
            }
        });
        to.blank(2);
    }

    fn servicer_method(&self, to: &mut Writer, method: &Method<Contract>) {
        let shape = method.shape();
        let mut signature = String::from("self, ctx: _Context");
        for argument in &method.arguments {
            let name = self.parameter(&argument.name().source);
            let ty = match argument {
                Argument::Context { .. } => continue,
                Argument::Value(field) => self.speller.ty(&whole(field), &self.shadow),
                Argument::Input { item, .. } => {
                    format!("_AsyncIterator[{}]", self.speller.ty(item, &self.shadow))
                }
                Argument::Output { item, .. } => {
                    if !matches!(shape, Shape::StreamThen | Shape::BothWaysThen) {
                        continue;
                    }
                    format!("_m.Sink[{}]", self.speller.ty(item, &self.shadow))
                }
            };
            signature += &format!(", {name}: {ty}");
        }
        let [_, items, result] = self.generics(method, &self.shadow);
        let name = self.name(method);
        let head = match shape {
            Shape::ServerStream | Shape::BothWays => {
                format!("def {name}({signature}, /) -> _AsyncIterator[{items}]:")
            }
            Shape::Notification => format!("async def {name}({signature}, /) -> None:"),
            _ => format!("async def {name}({signature}, /) -> {result}:"),
        };
        to.block(head, |to| {
            to.docstring(&docs(&method.docs, &method.lifecycle));
            to.line("...");
        });
    }

    fn serve(&self, to: &mut Writer) {
        let names = &self.speller.names;
        let function = names.derived("serve", &self.service.name.source);
        let class = names.derived("servicer", &self.service.name.source);
        to.block(format!("def {function}(service: {class}) -> _Routes:"), |to| {
            to.line("\"\"\"What serves this service to the other side.\"\"\"");
            to.block("return _m.routes(", |to| {
                to.line("DESCRIPTOR,");
                for method in &self.service.methods {
                    self.serve_method(to, method);
                }
            });
            to.line(")");
        });
        to.blank(2);
    }

    fn serve_method(&self, to: &mut Writer, method: &Method<Contract>) {
        let mut call = String::from("ctx");
        for argument in &method.arguments {
            match argument {
                Argument::Context { .. } => {}
                Argument::Value(field) => {
                    call += &format!(", args[{}]", text(&self.parameter(&field.name.source)));
                }
                Argument::Input { .. } => call += ", items",
                Argument::Output { .. } => call += ", sink",
            }
        }
        let (name, constant) = (self.name(method), self.constant(method));
        let (serve, takes) = match method.shape() {
            Shape::Notification | Shape::Unary => ("serve_call", "ctx, args"),
            Shape::ServerStream | Shape::BothWays => {
                call = call.replace(", sink", "");
                ("serve_items", "ctx, args, items")
            }
            _ => ("serve_stream", "ctx, args, items, sink"),
        };
        to.line(format!("_m.{serve}({constant}, lambda {takes}: service.{name}({call})),"));
    }
}
