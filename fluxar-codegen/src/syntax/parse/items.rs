//! Declarations.

use super::{ITEMS, Parse, Parser, Reported};
use crate::syntax::ast::{
    Choice, File, Head, Ident, Item, ItemKind, Member, Segment, Type, TypeKind,
};
use crate::syntax::token::Kind;

impl Parser<'_> {
    pub(super) fn items(&mut self, mut head: Head, file: &mut File) {
        while self.peek() != Kind::End {
            let before = self.at;
            if matches!(self.word(0), "package" | "use") && self.nth(1).kind == Kind::Name {
                self.misplaced(head, file);
                head = self.head();
                continue;
            }
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

    /// A package or an import below an item: reported, and read all the same.
    fn misplaced(&mut self, head: Head, file: &mut File) {
        let span = self.nth(0).span;
        if self.word(0) == "package" {
            let message = "the package stands here too late, or twice".to_owned();
            self.report("syntax", span, message, "a file begins with its package, once");
            self.package(head, file);
        } else {
            let message = "this import stands too late".to_owned();
            let fix = "imports stand below the package, before everything else";
            self.report("syntax", span, message, fix);
            self.import(file);
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
        if !ITEMS.contains(&word) || word == "closed" {
            let fix = match word {
                "struct" | "message" | "class" | "interface" => {
                    "write `record Name { 1 field: type }`, or `service Name { method() }`"
                }
                "type" => "write `alias Name = type`, or `newtype Name: type`",
                "import" | "include" => "write `use a.b { Name }`, below the package",
                _ => {
                    "begin with record, enum, union, error, service, topic, contract, newtype, \
                      alias, const or annotation, and a name"
                }
            };
            return Err(self.expected("a declaration", fix));
        }
        self.bump();
        let name = self.name(&format!("the name of the {word}"))?;
        let kind = match word {
            "newtype" => {
                self.must(Kind::Colon, "`:`", "write `newtype Name: type`")?;
                ItemKind::Newtype(self.last_type())
            }
            "alias" => {
                let generics = self.generics()?;
                self.must(Kind::Equal, "`=`", "write `alias Name = type`")?;
                ItemKind::Alias { generics, ty: self.last_type() }
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
        Ok(ItemKind::Topic { segments, payload: self.last_type() })
    }

    /// The type that an item ends with. A wrong one does not take the item's name from those who
    /// use it.
    fn last_type(&mut self) -> Type {
        let span = self.nth(0).span;
        self.ty().unwrap_or_else(|Reported| {
            self.skip_to_item();
            Type { kind: TypeKind::Wrong, span }
        })
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
