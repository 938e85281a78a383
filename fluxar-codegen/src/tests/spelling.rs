//! One emitter: a contract file and a Rust trait that say the same give the same code.

use super::pretty;
use crate::emit::rust::{Settings, service, type_def};
use crate::front::{derived_type, rust_service};
use crate::model::{
    Answer, Argument, Body, Constraints, Contract, Docs, Failure, Field, Lifecycle, Method,
    MethodOptions, Name, Scalar, Service, TypeDef, TypeRef,
};
use proc_macro2::{Span, TokenStream};
use syn::{Visibility, parse_quote};

fn name(name: &str) -> Name {
    Name::new(name, Span::call_site())
}

fn docs(line: &str) -> Docs {
    Docs { lines: vec![line.to_owned()] }
}

fn field(field: &str, ty: TypeRef) -> Field<Contract> {
    Field {
        name: name(field),
        id: Some(1),
        docs: Docs::default(),
        annotations: Vec::new(),
        lifecycle: Lifecycle::default(),
        default: None,
        constraints: Constraints::default(),
        optional: matches!(ty, TypeRef::Optional(_)),
        ty,
        defaulted: false,
    }
}

fn scalar(name: &str) -> TypeRef {
    TypeRef::Scalar(Scalar::named(name).unwrap())
}

fn method(
    method: &str,
    arguments: Vec<Argument<Contract>>,
    answer: Answer<Contract>,
) -> Method<Contract> {
    Method {
        name: name(method),
        docs: docs(" What it does."),
        annotations: Vec::new(),
        lifecycle: Lifecycle::default(),
        options: MethodOptions::default(),
        arguments,
        answer,
        failure: Failure::App(TypeRef::Named("UserError".to_owned())),
        timeout: None,
        extra: (),
    }
}

#[test]
fn a_service_reads_the_same_from_both() {
    let page = TypeRef::Named("PageU32".to_owned());
    let input = Argument::Input { name: name("rows"), item: scalar("bytes"), extra: () };
    let output = Argument::Output { name: name("out"), item: scalar("bool"), extra: () };
    let contract: Service<Contract> = Service {
        name: name("Users").on_wire("users"),
        package: Some("shop.v1".to_owned()),
        docs: docs(" The users."),
        annotations: Vec::new(),
        lifecycle: Lifecycle::default(),
        methods: vec![
            method(
                "get",
                vec![
                    Argument::Context { name: name("ctx"), extra: () },
                    Argument::Value(field("type", TypeRef::Optional(Box::new(page.clone())))),
                ],
                Answer::Value(scalar("string")),
            ),
            method("list", Vec::new(), Answer::Items(TypeRef::List(Box::new(page)))),
            method("import", vec![input, output], Answer::Value(scalar("unit"))),
        ],
        extra: (),
    };
    let by_contract = service(&contract, &Settings::new(None, Visibility::Inherited), &[]);
    let item: syn::ItemTrait = parse_quote! {
        /// The users.
        trait Users {
            /// What it does.
            async fn get(
                &self,
                ctx: ::fluxar::__rt::Context,
                #[fluxar(id = 1)] r#type: ::core::option::Option<PageU32>,
            ) -> ::core::result::Result<::std::string::String, UserError>;
            /// What it does.
            fn list(&self) -> impl ::fluxar::__rt::Stream<
                Item = ::core::result::Result<
                    ::std::vec::Vec<PageU32>, UserError>>;
            /// What it does.
            async fn import(
                &self,
                rows: ::fluxar::__rt::Streaming<::fluxar::__rt::bytes::Bytes>,
                out: ::fluxar::__rt::Sink<::core::primitive::bool>,
            ) -> ::core::result::Result<(), UserError>;
        }
    };
    let arguments: TokenStream = parse_quote!(package = "shop.v1");
    let read = rust_service(arguments, &item).unwrap();
    let by_trait = service(&read.service, &read.settings, &read.supertraits);
    assert_eq!(pretty(by_contract), pretty(by_trait));
}

#[test]
fn a_type_reads_the_same_from_both() {
    let contract: TypeDef<Contract> = TypeDef {
        name: name("User"),
        docs: docs(" A user."),
        annotations: Vec::new(),
        lifecycle: Lifecycle::default(),
        retired: Vec::new(),
        closed: true,
        constraints: Constraints::default(),
        body: Body::Record(vec![field(
            "tags",
            TypeRef::Map(
                Box::new(scalar("string")),
                Box::new(TypeRef::Array(Box::new(scalar("f32")), 3)),
            ),
        )]),
        is_error: false,
        code: None,
        extra: (),
    };
    let by_contract = type_def(&contract, &Settings::new(None, Visibility::Inherited));
    let item: syn::DeriveInput = parse_quote! {
        /// A user.
        struct User {
            #[fluxar(id = 1)]
            tags: ::std::collections::BTreeMap<::std::string::String, [::core::primitive::f32; 3usize]>,
        }
    };
    let read = derived_type(&item).unwrap();
    assert_eq!(pretty(by_contract), pretty(type_def(&read.def, &read.settings)));
}
