// The contract `shop.v1`, emitted by fluxar. Do not edit.

/// A `UserId`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, ::fluxar::Type)]
pub struct UserId(pub ::fluxar::Uuid);

/// A `Email`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, ::fluxar::Type)]
#[fluxar(len = "..=254", format = "email")]
pub struct Email(pub ::std::string::String);

/// A `Role`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, ::fluxar::Type)]
pub enum Role {
    #[fluxar(id = 1, rename = "admin")]
    Admin,
    #[fluxar(id = 2, rename = "member")]
    Member,
    #[fluxar(id = 3, rename = "self")]
    Self_,
    /// What a newer peer sends, as it came.
    #[fluxar(unknown)]
    Unknown(::fluxar::Unknown),
}

/// A `Side`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, ::fluxar::Type)]
pub enum Side {
    #[fluxar(id = 1, rename = "buy")]
    Buy,
    #[fluxar(id = 2, rename = "sell")]
    Sell,
}

/// A `UserError`.
#[derive(Clone, Debug, PartialEq, ::fluxar::Type)]
#[fluxar(error, rename = "shop.v1.UserError")]
pub enum UserError {
    #[fluxar(id = 1, rename = "not_found", code = "not_found")]
    NotFound { #[fluxar(id = 1)] id: UserId },
    #[fluxar(id = 2, rename = "email_taken", code = "already_exists", retry)]
    EmailTaken,
    /// What a newer peer sends, as it came.
    #[fluxar(unknown)]
    Unknown(::fluxar::Unknown),
}

/// A `Delta`.
#[derive(Clone, Debug, PartialEq, ::fluxar::Type)]
pub enum Delta {
    #[fluxar(id = 1, rename = "text")]
    Text(::std::string::String),
    #[fluxar(id = 2, rename = "tool_call")]
    ToolCall {
        #[fluxar(id = 1)]
        index: u32,
        #[fluxar(id = 2)]
        name: ::core::option::Option<::std::string::String>,
    },
    #[fluxar(id = 3, rename = "heartbeat")]
    Heartbeat,
    /// What a newer peer sends, as it came.
    #[fluxar(unknown)]
    Unknown(::fluxar::Unknown),
}

/// A `Region`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, ::fluxar::Type)]
pub enum Region {
    #[fluxar(id = 1, rename = "eu")]
    Eu,
    #[fluxar(id = 2, rename = "us")]
    Us,
    /// What a newer peer sends, as it came.
    #[fluxar(unknown)]
    Unknown(::fluxar::Unknown),
}

/// A `User`.
#[derive(Clone, Debug, PartialEq, ::fluxar::Type)]
pub struct User {
    #[fluxar(id = 1)]
    pub id: UserId,
    #[fluxar(id = 2)]
    pub email: Email,
    #[fluxar(id = 3, default = "")]
    pub display_name: ::std::string::String,
    #[fluxar(id = 4)]
    pub created_at: ::fluxar::Timestamp,
    #[fluxar(id = 5, default = [])]
    pub roles: ::std::vec::Vec<Role>,
    #[fluxar(id = 6)]
    pub avatar: ::core::option::Option<::fluxar::Url>,
    #[fluxar(id = 8, default = "0")]
    pub balance: ::fluxar::Decimal,
    #[fluxar(id = 9)]
    pub boss: ::core::option::Option<::std::boxed::Box<Self>>,
    #[fluxar(id = 10, default = member("member"))]
    pub r#type: Role,
    #[fluxar(id = 11, rename = "self", default = -7)]
    pub self_: ::fluxar::Int,
}

/// A `Context`.
#[derive(Clone, Debug, PartialEq, ::fluxar::Type)]
#[fluxar(rename = "Context")]
pub struct Context_ {
    #[fluxar(id = 1, min = 1)]
    pub qty: u32,
    #[fluxar(id = 2, default = 30000000)]
    pub wait: ::core::time::Duration,
    #[fluxar(id = 3, default = 0.5)]
    pub heat: f32,
    #[fluxar(id = 4)]
    pub by_region: ::std::collections::BTreeMap<Region, Side>,
    #[fluxar(id = 5)]
    pub args: ::fluxar::Value,
    #[fluxar(id = 6)]
    pub data: ::fluxar::bytes::Bytes,
    #[fluxar(id = 7)]
    pub pair: [u8; 2],
}

/// A service.
#[::fluxar::service(package = "shop.v1", name = "users")]
pub trait Users {
    /// What it does.
    #[fluxar(timeout = "2s", idempotent)]
    async fn get(
        &self,
        #[fluxar(id = 1)]
        id: UserId,
    ) -> ::core::result::Result<User, UserError>;
    /// What it does.
    fn watch(
        &self,
        #[fluxar(id = 1)]
        role: ::core::option::Option<Role>,
    ) -> impl ::fluxar::Stream<Item = ::core::result::Result<User, ::fluxar::Status>>;
    /// What it does.
    async fn import(
        &self,
        #[fluxar(id = 1, default = false)]
        dry_run: bool,
        rows: ::fluxar::Streaming<User>,
    ) -> ::core::result::Result<u32, UserError>;
    /// What it does.
    #[fluxar(rename = "new")]
    async fn new_(
        &self,
        #[fluxar(id = 1)]
        r#type: Context_,
    ) -> ::core::result::Result<Context_, ::fluxar::Status>;
    /// What it does.
    async fn complete(
        &self,
        #[fluxar(id = 1)]
        prompt: ::std::string::String,
        out: ::fluxar::Sink<Delta>,
    ) -> ::core::result::Result<::core::time::Duration, ::fluxar::Status>;
    /// What it does.
    fn chat(
        &self,
        turns: ::fluxar::Streaming<::std::string::String>,
    ) -> impl ::fluxar::Stream<Item = ::core::result::Result<Delta, ::fluxar::Status>>;
}

/// A service.
#[::fluxar::service(package = "shop.v1", name = "approvals")]
pub trait Approvals {
    /// What it does.
    async fn approve(&self, #[fluxar(id = 1)] what: ::std::string::String) -> bool;
}

/// Orders as they come.
#[::fluxar::topic(
    "orders.{region}.{type}",
    value = Delta,
    retain = 1,
    replay = "86400s",
    delivery = "at_least_once",
    key = "type"
)]
#[derive(Clone, Debug, PartialEq)]
pub struct OrderEvents {
    pub region: Region,
    pub r#type: UserId,
}

/// The shop.
/// The side of `Shop` that dials.
#[derive(Clone, Debug)]
pub struct Shop {
    __fx_client: ::fluxar::Client,
    /// Calls `Users` of the other side.
    pub users: UsersClient,
}

impl Shop {
    /// Dials, and serves what this side offers.
    ///
    /// # Errors
    /// The address is none, nobody listens there, or the other side refused.
    pub async fn connect<__FxApprovals: Approvals>(
        __fx_address: impl ::core::convert::Into<::std::string::String>,
        approvals: __FxApprovals,
    ) -> ::core::result::Result<Self, ::fluxar::ConnectError> {
        Self::build(::fluxar::Client::connect(__fx_address), approvals).await
    }
    /// As `connect`, with options of the client.
    ///
    /// # Errors
    /// As `connect`.
    pub async fn build<__FxApprovals: Approvals>(
        __fx_builder: ::fluxar::ClientBuilder,
        approvals: __FxApprovals,
    ) -> ::core::result::Result<Self, ::fluxar::ConnectError> {
        let __fx_client = __fx_builder
            .serve(ApprovalsServer::new(approvals))
            .describe(describe)
            .build()
            .await?;
        ::core::result::Result::Ok(Self::of(__fx_client))
    }
    /// With a session that exists.
    #[must_use]
    pub fn of(__fx_client: ::fluxar::Client) -> Self {
        let __fx_peer = __fx_client.peer();
        Self {
            users: UsersClient::new(__fx_peer),
            __fx_client,
        }
    }
    /// The session.
    #[must_use]
    pub fn client(&self) -> &::fluxar::Client {
        &self.__fx_client
    }
    /// The other side.
    #[must_use]
    pub fn peer(&self) -> &::fluxar::Peer {
        self.__fx_client.peer()
    }
    /// Serves what the side that listens offers.
    pub fn serve<__FxUsers: Users>(__fx_server: &::fluxar::Server, users: __FxUsers) {
        __fx_server.serve(UsersServer::new(users));
        __fx_server.describe(describe);
    }
    /// Publishes `OrderEvents` at the other side.
    #[must_use]
    pub fn order_events(&self) -> ::fluxar::Publisher<OrderEvents> {
        OrderEvents::publisher(self.peer())
    }
}

/// What the side of `Shop` that listens may call.
#[derive(Clone, Debug)]
pub struct ShopCaller {
    __fx_peer: ::fluxar::Peer,
    /// Calls `Approvals` of the other side.
    pub approvals: ApprovalsClient,
}

impl ShopCaller {
    /// Calls this peer.
    #[must_use]
    pub fn of(__fx_peer: &::fluxar::Peer) -> Self {
        Self {
            approvals: ApprovalsClient::new(__fx_peer),
            __fx_peer: ::core::clone::Clone::clone(__fx_peer),
        }
    }
    /// The other side.
    #[must_use]
    pub fn peer(&self) -> &::fluxar::Peer {
        &self.__fx_peer
    }
    /// Publishes `OrderEvents` at the other side.
    #[must_use]
    pub fn order_events(&self) -> ::fluxar::Publisher<OrderEvents> {
        OrderEvents::publisher(self.peer())
    }
}

/// Describes the whole contract, as `fluxar.describe` does for those who serve it.
pub fn describe(__fx_registry: &mut ::fluxar::service::describe::Registry) {
    let _ = <UserId as ::fluxar::Type>::describe(__fx_registry);
    let _ = <Email as ::fluxar::Type>::describe(__fx_registry);
    let _ = <Role as ::fluxar::Type>::describe(__fx_registry);
    let _ = <Side as ::fluxar::Type>::describe(__fx_registry);
    let _ = <UserError as ::fluxar::Type>::describe(__fx_registry);
    let _ = <Delta as ::fluxar::Type>::describe(__fx_registry);
    let _ = <Region as ::fluxar::Type>::describe(__fx_registry);
    let _ = <User as ::fluxar::Type>::describe(__fx_registry);
    let _ = <Context_ as ::fluxar::Type>::describe(__fx_registry);
    <UsersClient as ::fluxar::service::describe::Described>::describe(__fx_registry);
    <ApprovalsClient as ::fluxar::service::describe::Described>::describe(__fx_registry);
    <OrderEvents as ::fluxar::service::describe::Described>::describe(__fx_registry);
    __fx_registry
        .contract(
            "Shop",
            b"\xA5\0dShop\x02\x81eUsers\x03\x81iApprovals\x04\x81kOrderEvents\x0F\x81j The shop.",
        );
    __fx_registry
        .head(::fluxar::service::describe::Head {
            name: ::core::option::Option::Some("shop.v1"),
            packages: &["shop.v1"],
            level: ::core::option::Option::Some(4),
            declared: ::core::option::Option::None,
            annotations: ::core::option::Option::None,
            docs: ::core::option::Option::None,
        });
}
