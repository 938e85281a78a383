//! `fn` in a trait → [`Method`].

use super::attributes::{Options, Place, docs_of, foreign};
use super::names::{name_of, segment_problem};
use super::payload::{self, arguments_of, bare, stream_item};
use crate::diagnostics::Diagnostics;
use crate::emit::rust::{Rust, RustExtra};
use crate::model::{Answer, Argument, Failure, Field, Method, MethodOptions, Name};
use syn::{Attribute, FnArg, Pat, PatType, ReceiverKind, ReturnType, Signature, TraitItemFn, Type};

/// Names that the generated client has for itself.
const CLIENT_NAMES: [&str; 1] = ["new"];

/// Reads one method; nothing when it is too wrong to go on with.
pub(super) fn read_method(item: &TraitItemFn, found: &mut Diagnostics) -> Option<Method<Rust>> {
    let options = Options::of(&item.attrs, Place::Method, found);
    let signature = &item.sig;
    check_signature(item, found);
    let arguments = read_arguments(signature, found);
    let (answer, failure) = match options.notification {
        true => (check_notification(signature, &options, &arguments, found), Failure::Never),
        false => read_answer(signature, found)?,
    };
    if let Answer::Items(_) = &answer {
        for argument in &arguments {
            if let Argument::Output { name, .. } = argument {
                found.report_at(
                    name.span,
                    "a method sends its items one way: return a stream, or take a sink and write \
                     `async fn` with the result after the items",
                );
            }
        }
    }
    let mut name = name_of(&signature.ident);
    if CLIENT_NAMES.contains(&name.source.as_str()) {
        let message = format!(
            "the generated client has `{0}` already: name the method otherwise, and keep the name \
             on the wire with `#[fluxar(rename = \"{0}\")]`",
            name.source
        );
        found.report(&signature.ident, message);
    }
    name.called = options.called.map(|called| called.value);
    if let Some(wire) = options.rename {
        if let Some(problem) = segment_problem(&wire.value) {
            found.report_at(wire.span, format!("the name of a method {problem}"));
        }
        name = name.on_wire(wire.value);
    }
    let spelled = match &signature.output {
        ReturnType::Default => None,
        ReturnType::Type(_, ty) => Some((**ty).clone()),
    };
    Some(Method {
        name,
        docs: docs_of(&item.attrs),
        annotations: options.annotations,
        lifecycle: options.lifecycle,
        arguments,
        answer,
        failure,
        options: MethodOptions {
            idempotent: options.idempotent,
            resumable: options.resumable,
            cache: options.cache.map(|cache| cache.value),
            bytes_max: options.bytes_max.map(|bytes| u64::from(bytes.value)),
        },
        timeout: options.timeout.map(|timeout| timeout.value),
        extra: RustExtra { attributes: foreign(&item.attrs), spelled, ..RustExtra::default() },
    })
}

fn check_signature(item: &TraitItemFn, found: &mut Diagnostics) {
    let signature = &item.sig;
    if let Some(body) = &item.default {
        found.report(
            body,
            "a method of a service has no default body: write `;` here and the body in the impl",
        );
    }
    if !signature.generics.params.is_empty() {
        found.report(
            &signature.generics.params,
            "a method of a service has no generics: write one method for each concrete type",
        );
    }
    if let Some(clause) = &signature.generics.where_clause {
        found.report(clause, "a method of a service has no where clause: remove it");
    }
    if let Some(token) = &signature.constness {
        found.report(token, "a method of a service is not const: remove `const`");
    }
    if let syn::Safety::Unsafe(token) = &signature.safety {
        found.report(token, "a method of a service is not unsafe: remove `unsafe`");
    }
    if let Some(abi) = &signature.abi {
        found.report(abi, "a method of a service has no ABI: remove `extern`");
    }
    if let Some(variadic) = &signature.variadic {
        found.report(variadic, "parameters have names and types: remove `...`");
    }
    let Some(receiver) = signature.receiver() else {
        let message = "a method of a service takes `&self` first: calls run at the same time on \
                       one implementation";
        found.report(&signature.ident, message);
        return;
    };
    if !matches!(receiver.kind, ReceiverKind::Reference(_, None, None)) {
        let message = "write `&self`: calls run at the same time on one implementation (keep \
                       what changes in a `Mutex` or an atomic)";
        found.report(receiver, message);
    }
}

fn read_arguments(signature: &Signature, found: &mut Diagnostics) -> Vec<Argument<Rust>> {
    let mut arguments: Vec<Argument<Rust>> = Vec::new();
    for (index, input) in signature.inputs.iter().enumerate() {
        let FnArg::Typed(typed) = input else { continue };
        let first = index == usize::from(signature.receiver().is_some());
        let Some(argument) = read_argument(typed, first, found) else { continue };
        let again = |a: &Argument<Rust>| match (a, &argument) {
            (Argument::Input { .. }, Argument::Input { .. }) => {
                Some("a method takes the items of one `Streaming`: put both kinds in one enum")
            }
            (Argument::Output { .. }, Argument::Output { .. }) => {
                Some("a method has one `Sink`: put both kinds of item in one enum")
            }
            (Argument::Value(a), Argument::Value(b)) if a.name.wire == b.name.wire => {
                Some("another parameter has this name on the wire: rename one of the two")
            }
            (Argument::Value(a), Argument::Value(b)) if a.id.is_some() && a.id == b.id => {
                Some("another parameter has this id: ids are unique in a method")
            }
            _ => None,
        };
        match arguments.iter().find_map(again) {
            Some(problem) => found.report(typed, problem),
            None => arguments.push(argument),
        }
    }
    arguments
}

fn read_argument(typed: &PatType, first: bool, found: &mut Diagnostics) -> Option<Argument<Rust>> {
    let Some(name) = argument_name(&typed.pat) else {
        let message = "a parameter travels by its name: write one name here, no pattern";
        found.report(&typed.pat, message);
        return None;
    };
    for attribute in foreign(&typed.attrs).iter().filter(|a| !a.path().is_ident("doc")) {
        found.report(attribute, "a parameter has only `#[fluxar(…)]` and doc comments");
    }
    let ty = &*typed.ty;
    let spelled = |ty: &Type| RustExtra { spelled: Some(ty.clone()), ..RustExtra::default() };
    if arguments_of(ty, "Context").is_some_and(|arguments| arguments.is_empty()) {
        refuse_options(&typed.attrs, "the context has no options", found);
        if !first {
            found.report(typed, "the context goes first, right after `&self`");
        }
        return Some(Argument::Context { name, extra: spelled(ty) });
    }
    for (handle, example) in [("Streaming", "Streaming<Row>"), ("Sink", "Sink<Row>")] {
        let Some(arguments) = arguments_of(ty, handle) else { continue };
        refuse_options(&typed.attrs, "items have no options", found);
        let [item] = arguments[..] else {
            found.report(ty, format!("name the type of one item: `{example}`"));
            return None;
        };
        payload::check(item, found);
        let (item, extra) = (item.clone(), spelled(ty));
        return Some(match handle {
            "Sink" => Argument::Output { name, item, extra },
            _ => Argument::Input { name, item, extra },
        });
    }
    payload::check(ty, found);
    Some(Argument::Value(read_parameter(name, ty, &typed.attrs, found)))
}

fn read_parameter(
    name: Name,
    ty: &Type,
    attributes: &[Attribute],
    found: &mut Diagnostics,
) -> Field<Rust> {
    let options = Options::of(attributes, Place::Field, found);
    super::derive::field_of(name, ty.clone(), options, docs_of(attributes))
}

fn refuse_options(attributes: &[Attribute], what: &str, found: &mut Diagnostics) {
    for attribute in attributes.iter().filter(|a| a.path().is_ident("fluxar")) {
        found.report(attribute, format!("{what}: remove this"));
    }
}

fn argument_name(pattern: &Pat) -> Option<Name> {
    match pattern {
        Pat::Ident(p) if p.by_ref.is_none() && p.mutability.is_none() && p.subpat.is_none() => {
            Some(name_of(&p.ident))
        }
        _ => None,
    }
}

fn check_notification(
    signature: &Signature,
    options: &Options,
    arguments: &[Argument<Rust>],
    found: &mut Diagnostics,
) -> Answer<Rust> {
    if signature.asyncness.is_none() {
        found.report(signature.fn_token, "a notification is an `async fn`");
    }
    if let ReturnType::Type(_, ty) = &signature.output {
        found.report(ty, "nobody answers a notification: remove the return type");
    }
    if let Some(timeout) = &options.timeout {
        found.report_at(timeout.span, "nobody waits for a notification: remove the timeout");
    }
    for argument in arguments {
        if let Argument::Input { name, .. } | Argument::Output { name, .. } = argument {
            found.report_at(
                name.span,
                "a notification is one message and has no items: remove this parameter, or \
                 `notification`",
            );
        }
    }
    Answer::Nothing
}

fn read_answer(
    signature: &Signature,
    found: &mut Diagnostics,
) -> Option<(Answer<Rust>, Failure<Rust>)> {
    let output = match &signature.output {
        ReturnType::Default => None,
        ReturnType::Type(_, ty) => Some(bare(ty)),
    };
    let is_async = signature.asyncness.is_some();
    if let Some(item) = output.and_then(stream_item) {
        if let Some(token) = &signature.asyncness {
            found.report(token, "a stream is returned at once: write `fn`, not `async fn`");
        }
        let (item, failure) = value_and_failure(item, found)?;
        return Some((Answer::Items(item), failure));
    }
    if let Some(Type::ImplTrait(output)) = output {
        let message = "a method answers with a value or with items: write `async fn … -> T`, or \
                       `fn … -> impl Stream<Item = T>`";
        found.report(output, message);
        return None;
    }
    if !is_async {
        let message = "write `async fn` (or return `impl Stream<Item = …>`): the answer comes \
                       from the other side";
        found.report(signature.fn_token, message);
    }
    let (value, failure) = match output {
        None => (syn::parse_quote!(()), Failure::Never),
        Some(output) => value_and_failure(output, found)?,
    };
    Some((Answer::Value(value), failure))
}

/// `Result<T, E>` → `T` fails with `E`; any other type is a value that never fails.
fn value_and_failure(ty: &Type, found: &mut Diagnostics) -> Option<(Type, Failure<Rust>)> {
    let Some(arguments) = arguments_of(ty, "Result") else {
        payload::check(ty, found);
        return Some((ty.clone(), Failure::Never));
    };
    let [value, error] = arguments[..] else {
        let message = "name both types: `Result<T, E>`, where `E` is an application error or \
                       `fluxar::Status`";
        found.report(ty, message);
        return None;
    };
    payload::check(value, found);
    payload::check(error, found);
    Some((value.clone(), Failure::App(error.clone())))
}
