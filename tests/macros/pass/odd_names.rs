//! Parameters, methods, traits and types whose names generated code might want for itself.
#![deny(warnings)]
#![allow(dead_code, unused_qualifications, non_camel_case_types, reason = "odd on purpose")]

use fluxar::__rt::Stream;
use fluxar::{Context, Sink, Status, Streaming};

#[derive(Clone, Debug, fluxar::Type)]
#[allow(non_snake_case, reason = "odd on purpose")]
pub struct Odd {
    pub r#type: u8,
    pub r#match: Option<u8>,
    pub __fx_entries: u8,
    pub entries: u8,
    pub index: u8,
    pub NAME: u8,
}

#[derive(Clone, Debug, fluxar::Type)]
pub enum Names {
    Ok { from: u8, to: u8, out: u8, content: u8, map: Option<u8> },
    Some(u8),
    None,
    Err,
    r#type,
}

#[fluxar::service]
pub trait S {
    async fn params(&self, params: u8, ctx: u8, client: u8, result: u8, __fx: u8) -> u8;
    async fn locals(&self, values: u8, raw: u8, inner: u8, routes: u8, peer: u8);
    async fn hidden(&self, __fx_values: u8, __fx_raw: u8, __fx_inner: u8, __fx_peer: u8);
    async fn r#type(&self, r#type: u8, r#in: u8, r#self_: u8) -> Result<u8, Status>;
    async fn clone(&self) -> u8;
    async fn fmt(&self, ctx: Context, formatter: u8) -> u8;
    async fn routes(&self, target: u8) -> u8;
    async fn call(&self, timeout: u8, meta: u8) -> u8;
    async fn into_future(&self, input: Streaming<u8>, output: Sink<Odd>) -> Names;
    fn next(&self, context: u8, out: u8) -> impl Stream<Item = u8>;
}

#[fluxar::service]
pub(crate) trait T {
    async fn r#match(&self);
}

mod inner {
    #[fluxar::service]
    pub(in crate::odd_names::inner) trait Deep {
        async fn up(&self, odd: super::Odd, names: self::Own) -> crate::odd_names::Names;
    }

    #[fluxar::service]
    trait Private {
        async fn own(&self, own: Own) -> Own;
    }

    #[derive(fluxar::Type)]
    struct Own;

    struct Imp;

    impl Private for Imp {
        async fn own(&self, own: Own) -> Own {
            own
        }
    }

    fn both_sides(peer: &fluxar::Peer) -> (PrivateServer<Imp>, PrivateClient) {
        (PrivateServer::new(Imp), PrivateClient::new(peer))
    }
}

/// The crate under another name, where its own name means something else.
mod renamed {
    pub mod wire {
        pub use ::fluxar as other_name;
    }

    mod fluxar {}

    #[derive(Debug, ::fluxar::Type)]
    #[fluxar(crate = "crate::odd_names::renamed::wire::other_name", error)]
    pub enum Gone {
        #[fluxar(code = "not_found")]
        Away { since: Option<u8> },
    }

    #[::fluxar::service(crate = "wire::other_name")]
    pub trait Renamed {
        async fn get(&self, id: u8) -> Result<u8, Gone>;
    }
}

macro_rules! by_macro {
    ($name:ident, $method:ident, $param:ident: $ty:ty) => {
        #[fluxar::service]
        trait $name {
            async fn $method(&self, $param: $ty, also: Option<$ty>) -> Result<$ty, Status>;
            async fn fixed(&self, $param: Streaming<$ty>, ctx: $ty);
        }

        #[derive(fluxar::Type)]
        struct Made {
            $param: $ty,
            also: Option<$ty>,
        }
    };
}

by_macro!(ByMacro, run, value: Vec<u8>);

#[test]
fn generated_code_is_usable() {
    // A service may stand in a function, where its types do.
    #[derive(fluxar::Type)]
    struct Local {
        at: u64,
    }
    #[fluxar::service]
    trait Inside {
        async fn get(&self, local: Local) -> Local;
    }
    struct Imp;
    impl Inside for Imp {
        async fn get(&self, local: Local) -> Local {
            Local { at: local.at }
        }
    }
    impl T for Imp {
        async fn r#match(&self) {}
    }
    impl ByMacro for Imp {
        async fn run(&self, value: Vec<u8>, _also: Option<Vec<u8>>) -> Result<Vec<u8>, Status> {
            Ok(value)
        }
        async fn fixed(&self, _value: Streaming<Vec<u8>>, _ctx: Vec<u8>) {}
    }
    let servers = (InsideServer::new(Imp), TServer::new(Imp), ByMacroServer::new(Imp));
    assert_eq!(format!("{:?}", servers.0), "InsideServer { .. }");
    let clients: fn(&fluxar::Peer) -> (InsideClient, TClient, ByMacroClient) =
        |peer| (InsideClient::new(peer), TClient::new(peer), ByMacroClient::new(peer));
    let _ = (clients, Made { value: Vec::new(), also: None }.also, |made: Made| made.value);
    let _calls = |inside: &InsideClient, t: &TClient, by: &ByMacroClient| {
        let _ = inside.get(Local { at: 1 });
        let _ = t.r#match();
        let _ = (by.run(Vec::new(), None), by.fixed(Vec::new()));
    };
}
