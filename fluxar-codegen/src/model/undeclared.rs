//! Uses of annotations without their declarations: what a server that offers a part of a contract
//! says of itself.

use super::{Annotation, Argument, Body, Contract, Field, Model, VariantBody};
use std::collections::BTreeSet;

impl Model {
    /// Drops the uses of annotations that are not declared, and says which. Without that the model
    /// cannot be printed as a contract file.
    pub fn drop_undeclared_annotations(&mut self) -> BTreeSet<String> {
        let declared = self.declared.iter().map(|def| def.name.source.clone()).collect();
        let mut sieve = Sieve { declared, dropped: BTreeSet::new() };
        sieve.of(&mut self.annotations);
        for def in &mut self.types {
            sieve.of(&mut def.annotations);
            match &mut def.body {
                Body::Record(fields) => sieve.fields(fields),
                Body::Newtype(_) | Body::Unit => {}
                Body::Enum(variants) | Body::Union(variants) => {
                    for variant in variants {
                        sieve.of(&mut variant.annotations);
                        if let VariantBody::Record(fields) = &mut variant.body {
                            sieve.fields(fields);
                        }
                    }
                }
            }
        }
        for service in &mut self.services {
            sieve.of(&mut service.annotations);
            for method in &mut service.methods {
                sieve.of(&mut method.annotations);
                for argument in &mut method.arguments {
                    if let Argument::Value(field) = argument {
                        sieve.of(&mut field.annotations);
                    }
                }
            }
        }
        self.topics.iter_mut().for_each(|topic| sieve.of(&mut topic.annotations));
        self.contracts.iter_mut().for_each(|contract| sieve.of(&mut contract.annotations));
        sieve.dropped
    }
}

struct Sieve {
    declared: BTreeSet<String>,
    dropped: BTreeSet<String>,
}

impl Sieve {
    fn of(&mut self, annotations: &mut Vec<Annotation>) {
        annotations.retain(|annotation| {
            let is_declared = self.declared.contains(&annotation.name);
            if !is_declared {
                self.dropped.insert(annotation.name.clone());
            }
            is_declared
        });
    }

    fn fields(&mut self, fields: &mut [Field<Contract>]) {
        fields.iter_mut().for_each(|field| self.of(&mut field.annotations));
    }
}
