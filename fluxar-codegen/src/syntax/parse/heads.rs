//! Documentation and annotations.

use super::{Parse, Parser, Reported};
use crate::syntax::ast::{Annotation, Argument, Head, Literal, LiteralKind};
use crate::syntax::token::Kind;

impl Parser<'_> {
    pub(super) fn docs(&mut self) -> Vec<String> {
        let mut docs = Vec::new();
        while self.peek() == Kind::Doc {
            let token = self.bump();
            docs.push(token.span.of(self.text).strip_prefix("///").unwrap_or_default().to_owned());
        }
        if !docs.is_empty() {
            self.starts_line();
        }
        docs
    }

    /// Says that the next token may begin a line.
    fn starts_line(&mut self) {
        self.lines.extend(self.visible.get(self.at));
    }

    /// `{ DOC } { anno }`
    pub(super) fn head(&mut self) -> Head {
        let mut head = Head { docs: self.docs(), annotations: Vec::new() };
        self.starts_line();
        while self.peek() == Kind::At {
            self.starts_line();
            match self.annotation() {
                Ok(annotation) => head.annotations.push(annotation),
                Err(Reported) => break,
            }
            // Documentation between annotations belongs to the item too.
            head.docs.extend(self.docs());
            self.starts_line();
        }
        head
    }

    /// Documentation of a field, variant or parameter. Annotations do not stand here: they are
    /// reported and read all the same.
    pub(super) fn docs_of_member(&mut self) -> Head {
        let mut head = Head { docs: self.docs(), annotations: Vec::new() };
        if self.peek() == Kind::At {
            let message = "this annotation stands before what it is about".to_owned();
            let fix = "annotations of fields, variants and parameters stand behind them";
            self.report("syntax", self.nth(0).span, message, fix);
            while self.peek() == Kind::At {
                let Ok(annotation) = self.annotation() else { break };
                head.annotations.push(annotation);
            }
            head.docs.extend(self.docs());
        }
        head
    }

    pub(super) fn annotations_behind(&mut self, head: &mut Head) -> Parse<()> {
        while self.peek() == Kind::At {
            head.annotations.push(self.annotation()?);
        }
        Ok(())
    }

    pub(super) fn annotation(&mut self) -> Parse<Annotation> {
        let start = self.bump().span;
        let path = self.path("the name of an annotation")?;
        let mut annotation = Annotation { span: start.to(path.span), path, arguments: Vec::new() };
        let open = self.at;
        if self.eat(Kind::OpenParen) {
            if self.arguments(&mut annotation.arguments).is_err() {
                let value = Literal { kind: LiteralKind::Wrong, span: self.nth(0).span };
                annotation.arguments.push(Argument { name: None, value });
                self.leave_parens(open);
            }
            let end = self.visible.get(self.at.saturating_sub(1));
            let end = end.map_or(annotation.span, |at| self.tokens[*at].span);
            annotation.span = annotation.span.to(end);
        }
        Ok(annotation)
    }

    fn arguments(&mut self, arguments: &mut Vec<Argument>) -> Parse<()> {
        while self.peek() != Kind::CloseParen && !self.is_next_item() {
            let is_named = self.peek() == Kind::Name && self.nth(1).kind == Kind::Equal;
            let name = if is_named { Some(self.name("a name")?) } else { None };
            if is_named {
                self.bump();
            }
            let value = self.literal()?;
            arguments.push(Argument { name, value });
            if !self.eat(Kind::Comma) {
                break;
            }
        }
        self.must(Kind::CloseParen, "`)`", "close the parentheses").map(|_| ())
    }
}
