//! `anyOf` and `oneOf`: which alternatives have the same meaning, which correspond to each other, which were
//! added and removed. Their order does not matter, nor whether they are written as alternatives, as a list of
//! types or as a reference.

use super::context::{Context, Direction};
use super::engine::Engine;
use super::node::Node;
use super::rules::*;
use super::schema::View;
use super::types::Types;
use super::values::{cut, show};
use crate::finding::Level;
use serde_json::Value;

/// One of several schemas that a value may fit.
struct Alternative<'v> {
    node: Node<'v>,
    types: Types,
    /// Its reference, if it is one.
    name: Option<&'v str>,
    /// A property with only one value, which distinguishes it from the others: `kind = "text"`.
    tag: Option<(&'v str, &'v Value)>,
    title: Option<&'v str>,
    open: bool,
}

impl Alternative<'_> {
    fn show(&self) -> String {
        let name = self.name.map(|name| name.rsplit('/').next().unwrap_or(name).to_string());
        let tag = self.tag.map(|(property, value)| format!("the one whose {property} is {}", show(value)));
        cut(&name.or(self.title.map(str::to_string)).or(tag).unwrap_or_else(|| self.types.to_string()))
    }
}

/// How to find the new alternative that an old one has become.
type Find<'v> = fn(&mut Engine<'v>, &Alternative<'v>, &[Alternative<'v>], &Context) -> Option<usize>;

/// If there are more pairs than this, they are not compared with each other.
const PAIRS: usize = 40_000;

impl<'v> Engine<'v> {
    pub(super) fn alternatives(
        &mut self,
        (old, a): (&Node<'v>, &View<'v>),
        (new, b): (&Node<'v>, &View<'v>),
        ctx: &Context,
    ) {
        let (mut before, null_before) = self.expand(false, old, a);
        let (mut after, null_after) = self.expand(true, new, b);
        self.null((null_before, null_after), a, b, ctx);
        if let ([old], [new]) = (&before[..], &after[..]) {
            return self.compare(&old.node, &new.node, ctx);
        }
        self.pair_up(&mut before, &mut after, Engine::same_name, ctx);
        self.pair_up(&mut before, &mut after, Engine::same_meaning, ctx);
        self.drop_covered(&mut before, &mut after, ctx);
        self.pair_up(&mut before, &mut after, Engine::akin, ctx);
        let keyword = b.unions.first().or(a.unions.first()).map_or("anyOf", |union| union.keyword);
        let (added, removed) = if keyword == "oneOf" {
            (&ONE_OF_ADDED, &ONE_OF_REMOVED)
        } else {
            (&ANY_OF_ADDED, &ANY_OF_REMOVED)
        };
        for old in before.iter().filter(|old| old.open) {
            self.shape(ctx, removed, keyword, (a, b), &old.show(), &"");
        }
        for new in after.iter().filter(|new| new.open) {
            self.shape(ctx, added, keyword, (a, b), &"", &new.show());
        }
    }

    fn pair_up(
        &mut self,
        before: &mut [Alternative<'v>],
        after: &mut [Alternative<'v>],
        find: Find<'v>,
        ctx: &Context,
    ) {
        for old in before.iter_mut().filter(|old| old.open) {
            let Some(at) = find(self, old, after, ctx) else { continue };
            (old.open, after[at].open) = (false, false);
            self.compare(&old.node, &after[at].node, ctx);
        }
    }

    /// Closes old alternatives that clients may still send by another one, and new ones that they could
    /// already receive: there is nothing to report.
    fn drop_covered(&mut self, before: &mut [Alternative<'v>], after: &mut [Alternative<'v>], ctx: &Context) {
        let (mine, others, mine_is_new) = match ctx.direction {
            Direction::Request => (before, after, false),
            Direction::Response => (after, before, true),
        };
        for one in mine.iter_mut().filter(|one| one.open) {
            one.open = !self.fits_one(one, others, mine_is_new, ctx);
        }
    }

    /// The alternatives of one side without null, and whether null is one. A schema without alternatives
    /// counts as one alternative for each of its types.
    fn expand(&mut self, is_new: bool, node: &Node<'v>, view: &View<'v>) -> (Vec<Alternative<'v>>, bool) {
        let Some(union) = view.unions.first() else {
            let types = view.types & !Types::NULL;
            let split = if types | Types::NULL == Types::ALL { vec![types] } else { types.each() };
            let parts = if split.len() == 1 {
                vec![node.only(!Types::NULL)]
            } else {
                split.iter().map(|t| node.only(*t)).collect()
            };
            return (
                parts.into_iter().map(|node| self.alternative(is_new, node).0).collect(),
                view.types.has(Types::NULL),
            );
        };
        let mut null = union.null;
        let mut all = Vec::new();
        for branch in &union.branches {
            let (alternative, allows) = self.alternative(is_new, view.with(node, union, branch));
            null |= allows;
            // At most null fits it.
            if !alternative.types.is_empty() {
                all.push(alternative);
            }
        }
        (all, null && view.types.has(Types::NULL))
    }

    fn alternative(&mut self, is_new: bool, node: Node<'v>) -> (Alternative<'v>, bool) {
        let (document, lost) =
            if is_new { (&self.new, &mut self.lost_new) } else { (&self.old, &mut self.lost_old) };
        let view = View::of(document, &node, lost);
        let tag = view.properties.iter().find_map(|(name, property)| {
            let value = property.keyword(document, "const");
            let only = || {
                property
                    .keyword(document, "enum")
                    .and_then(Value::as_array)
                    .filter(|list| list.len() == 1)
                    .map(|list| &list[0])
            };
            Some((*name, value.or_else(only)?))
        });
        let title = node.keyword(document, "title").and_then(Value::as_str);
        let null = view.types.has(Types::NULL) && view.types != Types::ALL;
        let types = view.types & !Types::NULL;
        let name = node.reference();
        // Null is compared once for all alternatives.
        let node = if null { node.only(!Types::NULL) } else { node };
        (Alternative { types, name, tag, title, node, open: true }, null)
    }

    fn same_name(&mut self, old: &Alternative<'v>, after: &[Alternative<'v>], _: &Context) -> Option<usize> {
        let name = old.name?;
        after.iter().position(|new| new.open && new.name == Some(name))
    }

    fn same_meaning(
        &mut self,
        old: &Alternative<'v>,
        after: &[Alternative<'v>],
        ctx: &Context,
    ) -> Option<usize> {
        if after.len() * after.len() > PAIRS {
            return None;
        }
        let mut open = after.iter().enumerate().filter(|(_, new)| {
            new.open && new.types == old.types && new.tag.map(|t| t.0) == old.tag.map(|t| t.0)
        });
        open.find(|(_, new)| self.weight(&old.node, &new.node, ctx).is_none()).map(|(at, _)| at)
    }

    /// Whether a different alternative is the changed old one: both have the same distinguishing property, or
    /// they are the only ones of their type.
    fn akin(&mut self, old: &Alternative<'v>, after: &[Alternative<'v>], _: &Context) -> Option<usize> {
        let open = || after.iter().enumerate().filter(|(_, new)| new.open);
        let tagged = open().find(|(_, new)| old.tag.is_some() && new.tag == old.tag);
        let titled = || open().find(|(_, new)| old.title.is_some() && new.title == old.title);
        let typed = || {
            let mut alike = open()
                .filter(|(_, new)| new.types.meets(old.types) && (old.name.is_none() || new.name.is_none()));
            let first = alike.next().filter(|(_, new)| old.tag.is_none() && new.tag.is_none())?;
            alike.next().is_none().then_some(first)
        };
        tagged.or_else(titled).or_else(typed).map(|(at, _)| at)
    }

    /// Whether everything that fits this alternative already fits one of the other side.
    fn fits_one(
        &mut self,
        one: &Alternative<'v>,
        others: &[Alternative<'v>],
        one_is_new: bool,
        ctx: &Context,
    ) -> bool {
        others.len() < 200
            && others.iter().filter(|other| other.types.meets(one.types)).any(|other| {
                let weight = match one_is_new {
                    true => self.weight(&other.node, &one.node, ctx),
                    false => self.weight(&one.node, &other.node, ctx),
                };
                weight.is_none_or(|level| level <= Level::Info)
            })
    }
}
