//! A contract with one of everything, made by hand: what the emitter gets from a contract file.

use crate::model::{
    Answer, Argument, Body, Constraints, Contract, ContractDef, Delivery, Docs, ErrorCode, Failure,
    Field, Format, Lifecycle, Method, MethodOptions, Name, Number, Package, Scalar, Segment,
    Service, Topic, TypeDef, TypeRef, Value, Variant, VariantBody,
};
use proc_macro2::Span;
use std::time::Duration;

fn name(name: &str) -> Name {
    Name::new(name, Span::call_site())
}

fn docs(line: &str) -> Docs {
    Docs { lines: if line.is_empty() { vec![] } else { vec![format!(" {line}")] } }
}

fn scalar(of: Scalar) -> TypeRef {
    TypeRef::Scalar(of)
}

fn named(of: &str) -> TypeRef {
    TypeRef::Named(of.to_owned())
}

fn list(of: TypeRef) -> TypeRef {
    TypeRef::List(Box::new(of))
}

fn maybe(of: TypeRef) -> TypeRef {
    TypeRef::Optional(Box::new(of))
}

fn field(id: u32, of: &str, ty: TypeRef) -> Field<Contract> {
    Field {
        name: name(of),
        id: Some(id),
        docs: Docs::default(),
        annotations: vec![],
        lifecycle: Lifecycle::default(),
        optional: matches!(ty, TypeRef::Optional(_)),
        ty,
        defaulted: false,
        default: None,
        constraints: Constraints::default(),
    }
}

fn with(mut field: Field<Contract>, default: Value) -> Field<Contract> {
    field.defaulted = true;
    field.default = Some(default);
    field
}

fn bound(mut field: Field<Contract>, constraints: Constraints) -> Field<Contract> {
    field.constraints = constraints;
    field
}

fn variant(id: u32, of: &str, body: VariantBody<Contract>) -> Variant<Contract> {
    Variant {
        name: name(of),
        id: Some(id),
        docs: Docs::default(),
        annotations: vec![],
        lifecycle: Lifecycle::default(),
        body,
        retired: vec![],
        code: None,
    }
}

fn bare(id: u32, of: &str) -> Variant<Contract> {
    variant(id, of, VariantBody::Unit)
}

fn failing(mut variant: Variant<Contract>, code: &str, retry: bool) -> Variant<Contract> {
    variant.code = Some(ErrorCode { code: Some(code.to_owned()), message: None, retry });
    variant
}

fn def(of: &str, body: Body<Contract>) -> TypeDef<Contract> {
    TypeDef {
        name: name(of),
        docs: docs(&format!("A `{of}`.")),
        annotations: vec![],
        lifecycle: Lifecycle::default(),
        body,
        retired: vec![],
        closed: false,
        constraints: Constraints::default(),
        is_error: false,
        code: None,
        extra: (),
    }
}

fn method(
    of: &str,
    arguments: Vec<Argument<Contract>>,
    answer: Answer<Contract>,
    failure: Failure<Contract>,
) -> Method<Contract> {
    Method {
        name: name(of),
        docs: docs("What it does."),
        annotations: vec![],
        lifecycle: Lifecycle::default(),
        arguments,
        answer,
        failure,
        timeout: None,
        options: MethodOptions::default(),
        extra: (),
    }
}

fn input(of: &str, item: TypeRef) -> Argument<Contract> {
    Argument::Input { name: name(of), item, extra: () }
}

fn service(of: &str, wire: &str, methods: Vec<Method<Contract>>) -> Service<Contract> {
    Service {
        name: name(of).on_wire(wire),
        package: Some("shop.v1".to_owned()),
        docs: docs("A service."),
        annotations: vec![],
        lifecycle: Lifecycle::default(),
        methods,
        extra: (),
    }
}

fn types() -> Vec<TypeDef<Contract>> {
    let mut types = choices();
    types.extend(records());
    types
}

fn choices() -> Vec<TypeDef<Contract>> {
    let unit = |id, of: &str| bare(id, of);
    let mut email = def("Email", Body::Newtype(Box::new(scalar(Scalar::String))));
    email.constraints =
        Constraints { format: Some(Format::Email), len_max: Some(254), ..Constraints::default() };
    let mut side = def("Side", Body::Enum(vec![unit(1, "buy"), unit(2, "sell")]));
    side.closed = true;
    let mut error = def(
        "UserError",
        Body::Union(vec![
            failing(
                variant(1, "not_found", VariantBody::Record(vec![field(1, "id", named("UserId"))])),
                "not_found",
                false,
            ),
            failing(unit(2, "email_taken"), "already_exists", true),
        ]),
    );
    error.is_error = true;
    error.name.wire = "shop.v1.UserError".to_owned();
    vec![
        def("UserId", Body::Newtype(Box::new(scalar(Scalar::Uuid)))),
        email,
        def("Role", Body::Enum(vec![unit(1, "admin"), unit(2, "member"), unit(3, "self")])),
        side,
        error,
        def(
            "Delta",
            Body::Union(vec![
                variant(1, "text", VariantBody::Newtype(Box::new(scalar(Scalar::String)))),
                variant(
                    2,
                    "tool_call",
                    VariantBody::Record(vec![
                        field(1, "index", scalar(Scalar::U32)),
                        field(2, "name", maybe(scalar(Scalar::String))),
                    ]),
                ),
                unit(3, "heartbeat"),
            ]),
        ),
        def("Region", Body::Enum(vec![unit(1, "eu"), unit(2, "us")])),
    ]
}

fn records() -> Vec<TypeDef<Contract>> {
    let quantity = Constraints { min: Some(Number::Int(1)), ..Constraints::default() };
    vec![
        def(
            "User",
            Body::Record(vec![
                field(1, "id", named("UserId")),
                field(2, "email", named("Email")),
                with(field(3, "display_name", scalar(Scalar::String)), Value::Text(String::new())),
                field(4, "created_at", scalar(Scalar::Timestamp)),
                with(field(5, "roles", list(named("Role"))), Value::List(vec![])),
                field(6, "avatar", maybe(scalar(Scalar::Url))),
                with(field(8, "balance", scalar(Scalar::Decimal)), Value::Text("0".to_owned())),
                field(9, "boss", maybe(named("User"))),
                with(field(10, "type", named("Role")), Value::Name("member".to_owned())),
                with(field(11, "self", scalar(Scalar::Int)), Value::Int(-7)),
            ]),
        ),
        def(
            "Context",
            Body::Record(vec![
                bound(field(1, "qty", scalar(Scalar::U32)), quantity),
                with(field(2, "wait", scalar(Scalar::Duration)), Value::Int(30_000_000)),
                with(field(3, "heat", scalar(Scalar::F32)), Value::Float(0.5)),
                field(
                    4,
                    "by_region",
                    TypeRef::Map(Box::new(named("Region")), Box::new(named("Side"))),
                ),
                field(5, "args", scalar(Scalar::Any)),
                field(6, "data", scalar(Scalar::Bytes)),
                field(7, "pair", TypeRef::Array(Box::new(scalar(Scalar::U8)), 2)),
            ]),
        ),
    ]
}

fn users() -> Service<Contract> {
    let fails = || Failure::App(named("UserError"));
    let mut get = method(
        "get",
        vec![Argument::Value(field(1, "id", named("UserId")))],
        Answer::Value(named("User")),
        fails(),
    );
    get.timeout = Some(Duration::from_secs(2));
    get.options.idempotent = true;
    let dry = with(field(1, "dry_run", scalar(Scalar::Bool)), Value::Bool(false));
    service(
        "Users",
        "users",
        vec![
            get,
            method(
                "watch",
                vec![Argument::Value(field(1, "role", maybe(named("Role"))))],
                Answer::Items(named("User")),
                Failure::Status,
            ),
            method(
                "import",
                vec![Argument::Value(dry), input("rows", named("User"))],
                Answer::Value(scalar(Scalar::U32)),
                fails(),
            ),
            method(
                "new",
                vec![Argument::Value(field(1, "type", named("Context")))],
                Answer::Value(named("Context")),
                Failure::Status,
            ),
            method(
                "complete",
                vec![
                    Argument::Value(field(1, "prompt", scalar(Scalar::String))),
                    Argument::Output { name: name("out"), item: named("Delta"), extra: () },
                ],
                Answer::Value(scalar(Scalar::Duration)),
                Failure::Status,
            ),
            method(
                "chat",
                vec![input("turns", scalar(Scalar::String))],
                Answer::Items(named("Delta")),
                Failure::Status,
            ),
        ],
    )
}

/// The contract.
pub(crate) fn shop() -> Package<Contract> {
    let approve = method(
        "approve",
        vec![Argument::Value(field(1, "what", scalar(Scalar::String)))],
        Answer::Value(scalar(Scalar::Bool)),
        Failure::Never,
    );
    let topic = Topic {
        name: name("OrderEvents").on_wire("orders.*.*"),
        docs: docs("Orders as they come."),
        annotations: vec![],
        lifecycle: Lifecycle::default(),
        segments: vec![
            Segment::Literal("orders".to_owned()),
            Segment::Param { name: name("region"), ty: named("Region") },
            Segment::Param { name: name("type"), ty: named("UserId") },
        ],
        payload: named("Delta"),
        delivery: Delivery::AtLeastOnce,
        retain: Some(1),
        replay: Some(Duration::from_secs(86_400)),
        key: Some("type".to_owned()),
        extra: (),
    };
    let contract = ContractDef {
        name: name("Shop"),
        docs: docs("The shop."),
        annotations: vec![],
        lifecycle: Lifecycle::default(),
        server: vec!["Users".to_owned()],
        client: vec!["Approvals".to_owned()],
        topics: vec!["OrderEvents".to_owned()],
    };
    Package {
        level: Some(4),
        declared: Vec::new(),
        name: Some("shop.v1".to_owned()),
        docs: Docs::default(),
        annotations: vec![],
        types: types(),
        services: vec![users(), service("Approvals", "approvals", vec![approve])],
        topics: vec![topic],
        contracts: vec![contract],
    }
}
