//! The constraints of a contract as code: checked on the bytes of a value, read or written.

use super::local;
use crate::model::{Constraints, Number};
use proc_macro2::{Literal, TokenStream};
use quote::quote;

/// Around an expression that writes a value: with the checks of its constraints, if it has any.
pub(super) fn written(
    constraints: &Constraints,
    write: TokenStream,
    rt: &TokenStream,
) -> TokenStream {
    around(constraints, write, &local("to"), rt)
}

/// Around an expression that reads a value.
pub(super) fn read(constraints: &Constraints, read: TokenStream, rt: &TokenStream) -> TokenStream {
    around(constraints, read, &local("from"), rt)
}

fn around(
    constraints: &Constraints,
    inner: TokenStream,
    codec: &proc_macro2::Ident,
    rt: &TokenStream,
) -> TokenStream {
    let Some(limits) = limits(constraints, rt) else { return inner };
    quote!({
        static __FX_LIMITS: #rt::Limits = #limits;
        let __fx_start = #codec.position();
        let __fx_done = #inner;
        if #codec.checks() && __fx_done.is_ok() {
            #codec.check(__fx_start, &__FX_LIMITS)?;
        }
        __fx_done
    })
}

fn limits(constraints: &Constraints, rt: &TokenStream) -> Option<TokenStream> {
    if constraints.is_empty() {
        return None;
    }
    let Constraints { min, max, len_min, len_max, format, pattern } = constraints;
    let bound = |(method, number): (TokenStream, &Number)| {
        let value = match number {
            Number::Int(value) => {
                let value = Literal::i128_suffixed(*value);
                quote!(#rt::Bound::Int(#value))
            }
            Number::Float(value) => {
                let value = Literal::f64_suffixed(*value);
                quote!(#rt::Bound::Float(#value))
            }
        };
        quote!(.#method(#value))
    };
    let bounds = [(quote!(min), min), (quote!(max), max)];
    let bounds = bounds.into_iter().filter_map(|(m, n)| Some(bound((m, n.as_ref()?))));
    let len_min = len_min.map(|length| quote!(.len_min(#length)));
    let len_max = len_max.map(|length| quote!(.len_max(#length)));
    let format = format.map(|format| {
        let name = format.name();
        quote!(.format(#name))
    });
    let pattern = pattern.as_ref().map(|pattern| quote!(.pattern(#pattern)));
    Some(quote!(#rt::Limits::new() #(#bounds)* #len_min #len_max #format #pattern))
}
