//! Which types a part of a contract needs.

use super::{
    Answer, Argument, Body, Contract, Failure, Method, Model, TypeDef, TypeRef, VariantBody,
};
use std::collections::BTreeSet;

impl Model {
    /// Drops the types that nothing refers to from services, topics or the types named here.
    pub fn drop_unused_types(&mut self, kept: &[&str]) {
        let mut open: Vec<String> = kept.iter().map(|name| (*name).to_owned()).collect();
        let mut visit = |ty: &TypeRef| ty.each_name(&mut |name| open.push(name.to_owned()));
        for method in self.services.iter().flat_map(|service| &service.methods) {
            each_of_method(method, &mut visit);
        }
        for topic in &self.topics {
            visit(&topic.payload);
            topic.params().for_each(|(_, ty)| visit(ty));
        }
        let mut needed: BTreeSet<String> = BTreeSet::new();
        while let Some(name) = open.pop() {
            if let Some(def) = self.type_named(&name).filter(|_| needed.insert(name)) {
                each_of_def(def, &mut |ty| ty.each_name(&mut |name| open.push(name.to_owned())));
            }
        }
        self.types.retain(|def| needed.contains(&def.name.source));
    }
}

fn each_of_method(method: &Method<Contract>, visit: &mut impl FnMut(&TypeRef)) {
    for argument in &method.arguments {
        match argument {
            Argument::Context { .. } => {}
            Argument::Value(field) => visit(&field.ty),
            Argument::Input { item, .. } | Argument::Output { item, .. } => visit(item),
        }
    }
    if let Answer::Value(ty) | Answer::Items(ty) = &method.answer {
        visit(ty);
    }
    if let Failure::App(ty) = &method.failure {
        visit(ty);
    }
}

fn each_of_def(def: &TypeDef<Contract>, visit: &mut impl FnMut(&TypeRef)) {
    match &def.body {
        Body::Record(fields) => fields.iter().for_each(|field| visit(&field.ty)),
        Body::Newtype(ty) => visit(ty),
        Body::Unit => {}
        Body::Enum(variants) | Body::Union(variants) => {
            for variant in variants {
                match &variant.body {
                    VariantBody::Unit => {}
                    VariantBody::Newtype(ty) => visit(ty),
                    VariantBody::Record(fields) => {
                        fields.iter().for_each(|field| visit(&field.ty));
                    }
                }
            }
        }
    }
}
