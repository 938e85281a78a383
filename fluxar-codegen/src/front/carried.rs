//! What Rust only carries for the description: uses of annotations, and numbers that are taken.

use super::literal;
use super::names::name_of;
use crate::emit::rust::Rust;
use crate::model::{Annotation, Retired};
use syn::ext::IdentExt;
use syn::meta::ParseNestedMeta;
use syn::parse::ParseStream;
use syn::{Ident, LitInt, Token, parenthesized};

/// `annotation(scope, name = "users")`
pub(super) fn annotation(input: ParseStream<'_>) -> syn::Result<Annotation> {
    let content;
    parenthesized!(content in input);
    let name = name_of(&content.call(Ident::parse_any)?).source;
    let mut arguments = Vec::new();
    while !content.is_empty() {
        content.parse::<Token![,]>()?;
        if content.is_empty() {
            break;
        }
        let argument = name_of(&content.call(Ident::parse_any)?).source;
        content.parse::<Token![=]>()?;
        arguments.push((argument, literal::value(&content)?));
    }
    Ok(Annotation { name, arguments })
}

/// `retired(7, phone: String, removed = 3)`, `retired(8..=12)`, `retired(7, phone)`
pub(super) fn retired(meta: &ParseNestedMeta<'_>) -> syn::Result<Retired<Rust>> {
    let content;
    parenthesized!(content in meta.input);
    let number = |input: ParseStream<'_>| input.parse::<LitInt>()?.base10_parse::<u32>();
    let first = number(&content)?;
    let last = match content.parse::<Option<Token![..=]>>()? {
        Some(_) => number(&content)?,
        None => first,
    };
    let mut retired = Retired { ids: first..=last, name: None, ty: None, removed: None };
    while !content.is_empty() {
        content.parse::<Token![,]>()?;
        if content.is_empty() {
            break;
        }
        let word = content.call(Ident::parse_any)?;
        if word == "removed" && content.peek(Token![=]) {
            content.parse::<Token![=]>()?;
            retired.removed = Some(number(&content)?);
            continue;
        }
        retired.name = Some(name_of(&word).source);
        if content.parse::<Option<Token![:]>>()?.is_some() {
            retired.ty = Some(content.parse()?);
        }
    }
    Ok(retired)
}
