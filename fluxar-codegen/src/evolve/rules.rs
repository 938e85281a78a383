//! The changes that are told apart, each with the id that reports and the manual use.

use std::fmt;

macro_rules! rules {
    ($($(#[$about:meta])* $rule:ident = $id:literal, $text:literal;)*) => {
        /// A kind of change.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Rule {
            $($(#[$about])* $rule,)*
        }

        impl Rule {
            /// Every rule.
            pub const ALL: &'static [Self] = &[$(Self::$rule,)*];

            /// `IDL.evolve.field.added`
            #[must_use]
            pub fn id(self) -> &'static str {
                match self { $(Self::$rule => concat!("IDL.evolve.", $id),)* }
            }

            /// What it says, in one sentence.
            #[must_use]
            pub fn text(self) -> &'static str {
                match self { $(Self::$rule => $text,)* }
            }
        }
    };
}

rules! {
    /// A field or parameter that a reader can do without.
    FieldAdded = "field.added", "an optional or defaulted field may be added";
    /// A field or parameter that a reader must have.
    FieldRequired = "field.required", "a required field is missing in what old peers write";
    /// No longer required.
    FieldRelaxed = "field.relaxed", "old readers need a field that new peers may leave out";
    /// Required now.
    FieldTightened = "field.tightened", "old peers may leave out what is required now";
    /// Gone, and said so.
    FieldRetired = "field.retired", "a retired field may still be required by old readers";
    /// Gone, and its number free to be taken.
    FieldDropped = "field.dropped", "what is removed must be retired, so that its number stays taken";
    /// A retired number or name in use.
    Reused = "reused", "the number and the name of something retired stay taken";
    /// The same number under another name.
    Renamed = "renamed", "a new name needs @was for peers that write names";
    /// The same name under another number.
    Renumbered = "renumbered", "a number may not change";
    /// The default is another.
    DefaultChanged = "default", "old readers keep the old default";
    /// Every value of the old type is one of the new.
    TypeWidened = "type.widened", "old readers cannot hold every value of a wider type";
    /// Every value of the new type is one of the old.
    TypeNarrowed = "type.narrowed", "new readers cannot hold every value of the old type";
    /// Another type.
    TypeChanged = "type.changed", "a type may not change into one that is written otherwise";
    /// A member or variant that old readers do not know.
    VariantAdded = "variant.added", "closed types refuse what they do not know";
    /// A member or variant that new readers do not know.
    VariantRemoved = "variant.removed", "old peers may still write a removed variant";
    /// Closed or opened.
    Openness = "openness", "a closed type refuses what an open one keeps";
    /// Fewer values are allowed.
    ConstraintTightened = "constraint.tightened", "old peers may write what is refused now";
    /// More values are allowed.
    ConstraintLoosened = "constraint.loosened", "old readers refuse what is allowed now";
    /// A type that nothing used, and that is not there any more.
    TypeRemoved = "type.removed", "what was stored as a removed type is no longer read";
    /// A package that is not there any more.
    PackageRemoved = "package.removed", "old peers still use a removed package";
    /// A method that old servers do not have.
    MethodAdded = "method.added", "old servers answer a new method with unimplemented";
    /// A method that old clients still call.
    MethodRemoved = "method.removed", "old clients still call a removed method";
    /// Another flow.
    ShapeChanged = "method.shape", "who sends what may not change";
    /// Another error type, or none.
    ErrorChanged = "method.error", "a typed error arrives as a plain status where it is not known";
    /// It may not be called twice any more.
    IdempotencyLost = "method.idempotent", "old clients send an idempotent method again";
    /// Another path.
    TopicPath = "topic.path", "a topic's path is immutable";
    /// No such topic any more.
    TopicRemoved = "topic.removed", "old peers still use a removed topic";
    /// Less is promised.
    DeliveryLowered = "topic.delivery", "old subscribers count on the delivery that they were promised";
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}
