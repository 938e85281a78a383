//! Annotations, built-in and declared.

use super::literal;
use crate::model::{
    Annotation, Constraints, ErrorCode, Lifecycle, Model, Number, Scalar, Target, TypeRef, Value,
};

/// Annotations of one place.
#[derive(Debug, Default)]
pub(super) struct Marks(Vec<String>);

impl Marks {
    pub(super) fn add(&mut self, mark: String) {
        self.0.push(mark);
    }

    pub(super) fn add_if(&mut self, is_so: bool, mark: &str) {
        if is_so {
            self.0.push(mark.to_owned());
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn join(&self) -> String {
        self.0.join(" ")
    }
}

pub(super) fn target_list(targets: &[Target]) -> String {
    targets.iter().map(|target| target.name()).collect::<Vec<_>>().join(", ")
}

pub(super) fn life(marks: &mut Marks, life: &Lifecycle) {
    if let Some(since) = life.since {
        marks.add(format!("@since({since})"));
    }
    if let Some(removed) = life.removed {
        marks.add(format!("@removed({removed})"));
    }
    if let Some(deprecated) = &life.deprecated {
        let note = deprecated.note.as_deref().map(literal::quoted);
        let since = deprecated.since.map(|since| format!("since={since}"));
        let arguments: Vec<String> = note.into_iter().chain(since).collect();
        match arguments.is_empty() {
            true => marks.add("@deprecated".to_owned()),
            false => marks.add(format!("@deprecated({})", arguments.join(", "))),
        }
    }
    for name in &life.was {
        marks.add(format!("@was({})", literal::quoted(name)));
    }
}

/// Uses of declared annotations.
pub(super) fn uses(marks: &mut Marks, annotations: &[Annotation], model: &Model) {
    for annotation in annotations {
        let declared = model.declared.iter().find(|def| def.name.source == annotation.name);
        let arguments: Vec<String> = annotation
            .arguments
            .iter()
            .map(|(name, value)| {
                let parameters = declared.map(|def| def.parameters.as_slice()).unwrap_or_default();
                let value = match parameters.iter().find(|p| p.name.source == *name) {
                    Some(parameter) => literal::of_type(value, &parameter.ty, model),
                    None => literal::plain(value),
                };
                format!("{name}={value}")
            })
            .collect();
        match arguments.is_empty() {
            true => marks.add(format!("@{}", annotation.name)),
            false => marks.add(format!("@{}({})", annotation.name, arguments.join(", "))),
        }
    }
}

/// What values must be. `ty` is the type that the bounds are about.
pub(super) fn constraints(
    marks: &mut Marks,
    constraints: &Constraints,
    ty: &TypeRef,
    model: &Model,
) {
    let bound = |number: Number| match number {
        Number::Int(int) if literal::innermost(ty, model) == Some(Scalar::Duration) => {
            literal::duration(int)
        }
        Number::Int(int) => int.to_string(),
        Number::Float(float) => literal::plain(&Value::Float(float)),
    };
    match (constraints.min, constraints.max) {
        (Some(min), Some(max)) => marks.add(format!("@range({}..{})", bound(min), bound(max))),
        (Some(min), None) => marks.add(format!("@min({})", bound(min))),
        (None, Some(max)) => marks.add(format!("@max({})", bound(max))),
        (None, None) => {}
    }
    match (constraints.len_min, constraints.len_max) {
        (Some(min), Some(max)) if min == max => marks.add(format!("@len({min})")),
        (Some(min), None) => marks.add(format!("@len(min={min})")),
        (None, Some(max)) => marks.add(format!("@len(max={max})")),
        (Some(min), Some(max)) => marks.add(format!("@len({min}..{max})")),
        (None, None) => {}
    }
    if let Some(format) = constraints.format {
        marks.add(format!("@format(.{})", format.name()));
    }
    if let Some(pattern) = &constraints.pattern {
        marks.add(format!("@pattern({})", literal::quoted(pattern)));
    }
}

pub(super) fn code(marks: &mut Marks, code: Option<&ErrorCode>) {
    let Some(code) = code else { return };
    if let Some(name) = &code.code {
        marks.add(format!("@status(.{name})"));
    }
    marks.add_if(code.retry, "@retry");
    if let Some(message) = &code.message {
        marks.add(format!("@message({})", literal::quoted(message)));
    }
}
