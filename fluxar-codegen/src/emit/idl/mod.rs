//! Model → contract file. Reading what is printed gives the model back.
//!
//! What the language has no words for is printed as near as it goes: a field without a number is
//! printed without one (the reader then asks for it), a default that only says "the type's own"
//! as that value, a line break within a line of documentation as a space.

mod annotations;
mod literal;
mod types;

use crate::front::snake_case;
use crate::model::{
    Answer, Argument, Contract, ContractDef, Docs, Failure, Method, Model, Segment, Service, Topic,
    TypeRef,
};
pub(crate) use literal::of_type as literal;

use annotations::{Marks, life, target_list, uses};
use std::fmt::Write as _;

/// The contract as a file of fluxar's interface language.
#[must_use]
pub fn print(model: &Model) -> String {
    let mut printer = Printer { model, text: "fluxar 1\n\n".to_owned() };
    printer.package();
    for def in &model.declared {
        printer.docs(&def.docs, "");
        let parameters: Vec<String> = def
            .parameters
            .iter()
            .map(|parameter| {
                let default = parameter.default.as_ref();
                let default = default
                    .map(|value| format!(" = {}", literal::of_type(value, &parameter.ty, model)));
                let (name, ty) = (&parameter.name.source, ty(&parameter.ty));
                format!("{name}: {ty}{}", default.unwrap_or_default())
            })
            .collect();
        let parameters = match parameters.is_empty() {
            true => String::new(),
            false => format!("({})", parameters.join(", ")),
        };
        let name = &def.name.source;
        printer.line(&format!("annotation {name}{parameters} on {}", target_list(&def.targets)));
    }
    for def in &model.types {
        printer.gap();
        printer.type_def(def);
    }
    for service in &model.services {
        printer.service(service);
    }
    for topic in &model.topics {
        printer.topic(topic);
    }
    for contract in &model.contracts {
        printer.contract(contract);
    }
    let length = printer.text.trim_end().len();
    printer.text.truncate(length);
    printer.text.push('\n');
    printer.text
}

/// What a method of the contract takes, gives and fails with, on one line:
/// `(id: UserId) -> User ! UserError`.
#[must_use]
pub fn signature(model: &Model, method: &Method<Contract>) -> String {
    let mut method = method.clone();
    for argument in &mut method.arguments {
        if let Argument::Value(field) = argument {
            field.docs.lines.clear();
        }
    }
    Printer { model, text: String::new() }.signature(&method)
}

struct Printer<'m> {
    model: &'m Model,
    text: String,
}

impl Printer<'_> {
    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn gap(&mut self) {
        if !self.text.ends_with("\n\n") {
            self.text.push('\n');
        }
    }

    fn docs(&mut self, docs: &Docs, indent: &str) {
        for line in &docs.lines {
            let line = line.replace(['\n', '\r'], " ");
            let _ = writeln!(self.text, "{indent}///{line}");
        }
    }

    /// The annotations that stand in front of an item, on a line of their own.
    fn marks_before(&mut self, marks: &Marks, indent: &str) {
        if !marks.is_empty() {
            let _ = writeln!(self.text, "{indent}{}", marks.join());
        }
    }

    fn package(&mut self) {
        let model = self.model;
        self.docs(&model.docs, "");
        let mut marks = Marks::default();
        if let Some(level) = model.level {
            marks.add(format!("@level({level})"));
        }
        uses(&mut marks, &model.annotations, model);
        self.marks_before(&marks, "");
        if let Some(name) = &model.name {
            self.line(&format!("package {name}"));
            self.gap();
        }
    }

    fn service(&mut self, service: &Service<Contract>) {
        self.gap();
        self.docs(&service.docs, "");
        let mut marks = Marks::default();
        let expected = (self.model.name.as_deref(), snake_case(&service.name.source));
        if expected != (service.package.as_deref(), service.name.wire.clone()) {
            let path = match &service.package {
                Some(package) => format!("{package}.{}", service.name.wire),
                None => service.name.wire.clone(),
            };
            marks.add(format!("@wire({})", literal::quoted(&path)));
        }
        life(&mut marks, &service.lifecycle);
        uses(&mut marks, &service.annotations, self.model);
        self.marks_before(&marks, "");
        self.line(&format!("service {} {{", service.name.source));
        for method in &service.methods {
            self.method(method);
        }
        self.line("}");
    }

    fn method(&mut self, method: &Method<Contract>) {
        self.docs(&method.docs, "  ");
        self.marks_before(&self.method_marks(method), "  ");
        let signature = self.signature(method);
        self.line(&format!("  {}{signature}", method.name.source));
    }

    /// What a method takes, gives and fails with.
    fn signature(&self, method: &Method<Contract>) -> String {
        let parameters = self.parameters(method);
        let items = method.items().map(|item| format!("stream {}", ty(item)));
        let result = match (&method.answer, items) {
            (Answer::Value(value), Some(items)) => match is_unit(value) {
                true => format!(" -> {items} then unit"),
                false => format!(" -> {items} then {}", ty(value)),
            },
            (Answer::Value(value), None) if !is_unit(value) => format!(" -> {}", ty(value)),
            (_, Some(items)) => format!(" -> {items}"),
            _ => String::new(),
        };
        let failure = match &method.failure {
            Failure::App(error) => format!(" ! {}", ty(error)),
            Failure::Never | Failure::Status => String::new(),
        };
        format!("({parameters}){result}{failure}")
    }

    fn method_marks(&self, method: &Method<Contract>) -> Marks {
        let mut marks = Marks::default();
        let options = &method.options;
        let duration = |length| literal::duration(i128::try_from(length).unwrap_or(i128::MAX));
        marks.add_if(matches!(method.answer, Answer::Nothing), "@notification");
        marks.add_if(options.idempotent, "@idempotent");
        marks.add_if(options.resumable, "@resumable");
        if let Some(cache) = options.cache {
            marks.add(format!("@cache({})", duration(cache.as_micros())));
        }
        if let Some(timeout) = method.timeout {
            marks.add(format!("@timeout({})", duration(timeout.as_micros())));
        }
        if let Some(bytes) = options.bytes_max {
            marks.add(format!("@max_size({})", literal::size(bytes)));
        }
        if method.name.wire != method.name.source {
            marks.add(format!("@wire({})", literal::quoted(&method.name.wire)));
        }
        life(&mut marks, &method.lifecycle);
        uses(&mut marks, &method.annotations, self.model);
        marks
    }

    /// On one line, or on a line each where one has documentation.
    fn parameters(&self, method: &Method<Contract>) -> String {
        let has_docs = method.params().any(|field| !field.docs.lines.is_empty());
        let mut printed: Vec<String> = Vec::new();
        let mut place = 0;
        for argument in &method.arguments {
            match argument {
                Argument::Value(field) => {
                    place += 1;
                    let id = match field.id {
                        Some(id) if id != place => format!("{id} "),
                        _ => String::new(),
                    };
                    let mut inner = Self { model: self.model, text: String::new() };
                    inner.docs(&field.docs, "    ");
                    if has_docs {
                        inner.text.push_str("    ");
                    }
                    printed.push(format!("{}{id}{}", inner.text, self.member(field)));
                }
                Argument::Input { name, item, .. } => {
                    let indent = if has_docs { "    " } else { "" };
                    printed.push(format!("{indent}{}: stream {}", name.source, ty(item)));
                }
                Argument::Output { .. } | Argument::Context { .. } => {}
            }
        }
        match has_docs {
            true => format!("\n{}\n  ", printed.join(",\n")),
            false => printed.join(", "),
        }
    }

    fn topic(&mut self, topic: &Topic<Contract>) {
        self.gap();
        self.docs(&topic.docs, "");
        let mut marks = Marks::default();
        if topic.delivery != crate::model::Delivery::default() {
            marks.add(format!("@delivery(.{})", topic.delivery.name()));
        }
        if let Some(retain) = topic.retain {
            marks.add(format!("@retain({retain})"));
        }
        if let Some(replay) = topic.replay {
            let replay = i128::try_from(replay.as_micros()).unwrap_or(i128::MAX);
            marks.add(format!("@replay({})", literal::duration(replay)));
        }
        if let Some(key) = &topic.key {
            marks.add(format!("@key({})", literal::quoted(key)));
        }
        life(&mut marks, &topic.lifecycle);
        uses(&mut marks, &topic.annotations, self.model);
        self.marks_before(&marks, "");
        let path: Vec<String> = topic
            .segments
            .iter()
            .map(|segment| match segment {
                Segment::Literal(text) => text.clone(),
                Segment::Param { name, ty: of } => format!("{{{}: {}}}", name.source, ty(of)),
            })
            .collect();
        let (name, path, payload) = (&topic.name.source, path.join("."), ty(&topic.payload));
        self.line(&format!("topic {name} = {path} : {payload}"));
    }

    fn contract(&mut self, contract: &ContractDef) {
        self.gap();
        self.docs(&contract.docs, "");
        let mut marks = Marks::default();
        life(&mut marks, &contract.lifecycle);
        uses(&mut marks, &contract.annotations, self.model);
        self.marks_before(&marks, "");
        self.line(&format!("contract {} {{", contract.name.source));
        let sides = [
            ("server", &contract.server),
            ("client", &contract.client),
            ("topics", &contract.topics),
        ];
        for (side, names) in sides.into_iter().filter(|(_, names)| !names.is_empty()) {
            self.line(&format!("  {side}: {}", names.join(", ")));
        }
        self.line("}");
    }
}

fn is_unit(ty: &TypeRef) -> bool {
    matches!(ty, TypeRef::Scalar(crate::model::Scalar::Unit))
}

/// A type as contracts write it.
#[must_use]
pub fn ty(of: &TypeRef) -> String {
    match of {
        TypeRef::Scalar(scalar) => scalar.name().to_owned(),
        TypeRef::Optional(of) => format!("{}?", ty(of)),
        TypeRef::List(of) => format!("[{}]", ty(of)),
        TypeRef::Array(of, length) => format!("[{}*{length}]", ty(of)),
        TypeRef::Map(key, value) => format!("map<{}, {}>", ty(key), ty(value)),
        TypeRef::Named(name) => name.clone(),
    }
}
