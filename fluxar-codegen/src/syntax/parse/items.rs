//! Declarations.

use super::{ITEMS, Parse, Parser, Reported};
use crate::syntax::ast::{Choice, File, Head, Ident, Item, ItemKind, Member, Segment};
use crate::syntax::token::Kind;

impl Parser<'_> {
    pub(super) fn items(&mut self, mut head: Head, file: &mut File) {
        while self.peek() != Kind::End {
            let before = self.at;
            match self.item(head) {
                Ok(item) => file.items.push(item),
                Err(Reported) => {
                    if self.at == before {
                        self.bump();
                    }
                    self.skip_to_item();
                }
            }
            head = self.head();
        }
        if let Some(annotation) = head.annotations.first() {
            let message = "nothing follows this annotation".to_owned();
            self.report("syntax", annotation.span, message, "remove it, or write an item below");
        }
    }

    /// To a word that begins an item, at the start of a line.
    pub(super) fn skip_to_item(&mut self) {
        while self.peek() != Kind::End {
            let token = self.nth(0);
            let starts_line =
                self.text[..token.span.start as usize].ends_with('\n') || token.span.start == 0;
            let is_item = ITEMS.contains(&self.word(0)) || self.word(0) == "use";
            if starts_line && (is_item || matches!(token.kind, Kind::At | Kind::Doc)) {
                return;
            }
            self.bump();
        }
    }

    fn item(&mut self, head: Head) -> Parse<Item> {
        let closed = (self.word(0) == "closed").then(|| self.bump().span);
        let word = self.word(0);
        let may_be_closed = matches!(word, "enum" | "union");
        if let Some(span) = closed.filter(|_| !may_be_closed) {
            let message = "only enums and unions are closed".to_owned();
            return Err(self.report("syntax", span, message, "remove `closed`"));
        }
        if !ITEMS.contains(&word) || self.nth(1).kind != Kind::Name {
            let fix = match word {
                "package" => "the package stands at the top, once",
                "use" => "imports stand below the package, before everything else",
                _ => {
                    "begin with record, enum, union, error, service, topic, contract, newtype, \
                      alias, const or annotation, and a name"
                }
            };
            return Err(self.expected("a declaration", fix));
        }
        self.bump();
        let name = self.name("a name")?;
        let kind = match word {
            "newtype" => {
                self.must(Kind::Colon, "`:`", "write `newtype Name: type`")?;
                ItemKind::Newtype(self.ty()?)
            }
            "alias" => {
                let generics = self.generics()?;
                self.must(Kind::Equal, "`=`", "write `alias Name = type`")?;
                ItemKind::Alias { generics, ty: self.ty()? }
            }
            "const" => {
                self.must(Kind::Colon, "`:`", "write `const NAME: type = value`")?;
                let ty = self.ty()?;
                self.must(Kind::Equal, "`=`", "write `const NAME: type = value`")?;
                ItemKind::Const { ty, value: self.literal()? }
            }
            "record" => {
                let generics = self.generics()?;
                ItemKind::Record { generics, entries: self.entries()? }
            }
            "service" => ItemKind::Service(self.methods()?),
            "topic" => self.topic()?,
            "contract" => ItemKind::Contract(self.sides()?),
            "annotation" => self.declaration()?,
            _ => {
                let choice = match word {
                    "enum" => Choice::Enum,
                    "union" => Choice::Union,
                    _ => Choice::Error,
                };
                let generics = if choice == Choice::Union { self.generics()? } else { Vec::new() };
                let (variants, retired) = self.variants()?;
                ItemKind::Choice { choice, closed, generics, variants, retired }
            }
        };
        Ok(Item { head, name, kind })
    }

    fn topic(&mut self) -> Parse<ItemKind> {
        self.must(Kind::Equal, "`=`", "write `topic Name = path.{id: uuid} : Type`")?;
        let mut segments = vec![self.segment()?];
        while self.eat(Kind::Dot) {
            segments.push(self.segment()?);
        }
        let fix = "a topic is dotted and ends with its type: `orders.{id: uuid} : Order`";
        self.must(Kind::Colon, "`.` or `:`", fix)?;
        Ok(ItemKind::Topic { segments, payload: self.ty()? })
    }

    fn segment(&mut self) -> Parse<Segment> {
        if !self.eat(Kind::OpenBrace) {
            return Ok(Segment::Literal(self.name("a segment")?));
        }
        let name = self.name("the name of a path parameter")?;
        self.must(Kind::Colon, "`:`", "write `{name: type}`")?;
        let ty = self.ty()?;
        self.must(Kind::CloseBrace, "`}`", "close the `{`")?;
        Ok(Segment::Param(name, ty))
    }

    fn declaration(&mut self) -> Parse<ItemKind> {
        let parameters: Vec<Member> =
            if self.peek() == Kind::OpenParen { self.parameters()? } else { Vec::new() };
        if !self.eat_word("on") {
            let fix = "say where it may stand: `annotation name on method, field`";
            return Err(self.expected("`on`", fix));
        }
        let mut targets: Vec<Ident> = vec![self.name("where it may stand")?];
        while self.eat(Kind::Comma) {
            targets.push(self.name("where it may stand")?);
        }
        Ok(ItemKind::Annotation { parameters, targets })
    }
}
