//! `anyOf` and `oneOf`: which alternatives have the same meaning, which correspond to each other, which were
//! added and removed. Their order does not matter, nor whether they are written as alternatives, as a list of
//! types or as a reference.

use super::context::{Context, Direction};
use super::document::{Document, name_of};
use super::engine::Engine;
use super::node::Node;
use super::rules::*;
use super::schema::{View, possible};
use super::types::Types;
use super::values::{contains, cut, same, show};
use super::witness::{self, OneOf, SEARCH};
use crate::finding::Level;
use serde_json::Value;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// One of several schemas that a value may fit.
struct Alternative<'v> {
    node: Node<'v>,
    types: Types,
    /// Its reference, if it is one.
    name: Option<&'v str>,
    /// A property with only one value, which distinguishes it from the others: `kind = "text"`.
    tag: Option<(&'v str, &'v Value)>,
    /// All such properties.
    tags: Vec<(&'v str, &'v Value)>,
    title: Option<&'v str>,
    /// It has no alternatives itself.
    plain: bool,
    open: bool,
}

impl Alternative<'_> {
    fn show(&self) -> String {
        let name = self.name.map(name_of);
        let tag = self.tag.map(|(property, value)| format!("the one whose {property} is {}", show(value)));
        cut(&name.or(self.title.map(str::to_string)).or(tag).unwrap_or_else(|| self.types.to_string()))
    }
}

/// How to find the new alternative that an old one has become.
type Find<'v> = fn(&mut Engine<'v>, &Alternative<'v>, &[Alternative<'v>], &Context) -> Option<usize>;

/// If there are more alternatives than this, those within alternatives stay there.
const FLAT: usize = 100;

/// If there are more pairs than this, they are not compared with each other.
const PAIRS: usize = 40_000;

impl<'v> Engine<'v> {
    /// Compares alternative by alternative.
    pub(super) fn one_by_one(
        &mut self,
        (old, a): (&Node<'v>, &View<'v>),
        (new, b): (&Node<'v>, &View<'v>),
        ctx: &Context,
    ) {
        let (mut before, null_before) = self.expand(false, old, a, NESTED);
        let (mut after, null_after) = self.expand(true, new, b, NESTED);
        let nulls = (null_before && self.takes_null(false, old), null_after && self.takes_null(true, new));
        self.null(nulls, a, b, ctx);
        choose_tag(&mut before, &mut after);
        if let ([old], [new]) = (&before[..], &after[..]) {
            return self.compare(&old.node, &new.node, ctx);
        }
        self.pair_up(&mut before, &mut after, Engine::same_reference, ctx);
        self.pair_up(&mut before, &mut after, Engine::same_meaning, ctx);
        self.pair_up(&mut before, &mut after, Engine::same_values, ctx);
        self.pair_up(&mut before, &mut after, Engine::akin_and_mild, ctx);
        let receiver = if ctx.direction == Direction::Request { b } else { a };
        // A discriminator chooses the alternative by its name, whatever fits others.
        if receiver.discriminator.is_none() {
            self.drop_covered(&mut before, &mut after, ctx);
        }
        self.pair_up(&mut before, &mut after, Engine::same_name, ctx);
        self.pair_up(&mut before, &mut after, Engine::akin, ctx);
        let keyword = b.unions.first().or(a.unions.first()).map_or("anyOf", |union| union.keyword);
        let (added, removed) = if keyword == "oneOf" {
            (&ONE_OF_ADDED, &ONE_OF_REMOVED)
        } else {
            (&ANY_OF_ADDED, &ANY_OF_REMOVED)
        };
        let (mine, whole) = match ctx.direction {
            Direction::Request => (&mut before, old),
            Direction::Response => (&mut after, new),
        };
        mine.retain(|one| !one.open || self.may_be_sent(whole, &one.node, ctx));
        for old in before.iter().filter(|old| old.open) {
            self.shape(ctx, removed, keyword, (a, b), &old.show(), &"");
        }
        for new in after.iter().filter(|new| new.open) {
            self.shape(ctx, added, keyword, (a, b), &"", &new.show());
        }
    }

    /// Whether a value of this alternative may be sent. It is asked again and again for nested alternatives.
    fn may_be_sent(&mut self, whole: &Node<'v>, one: &Node<'v>, ctx: &Context) -> bool {
        let sender = if ctx.direction == Direction::Request { &self.old } else { &self.new };
        let fuel = &mut self.fuel;
        let mut search = || {
            *fuel = fuel.saturating_sub(SEARCH);
            some_may_be_sent(sender, whole, one)
        };
        match self.texts.of(whole).zip(self.texts.of(one)) {
            Some(texts) => *self.sent.entry(texts).or_insert_with(search),
            None => search(),
        }
    }

    /// Whether `oneOf` lets null pass, which one of its alternatives allows.
    pub(super) fn takes_null(&self, is_new: bool, node: &Node<'v>) -> bool {
        let document = if is_new { &self.new } else { &self.old };
        !witness::has_one_of(document, node)
            || witness::fits(document, node, &Value::Null, OneOf::Exactly) != Some(false)
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
    fn expand(
        &mut self,
        is_new: bool,
        node: &Node<'v>,
        view: &View<'v>,
        depth: usize,
    ) -> (Vec<Alternative<'v>>, bool) {
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
            let branch = view.with(node, union, branch);
            let flat = view.unions.len() == 1 && all.len() < FLAT;
            let nested = flat.then(|| self.nested(is_new, &branch, depth)).flatten();
            if let Some((nested, allows)) = nested {
                null |= allows;
                all.extend(nested);
                continue;
            }
            let (alternative, allows) = self.alternative(is_new, branch);
            null |= allows;
            // At most null fits it.
            let document = if is_new { &self.new } else { &self.old };
            if !alternative.types.is_empty() && possible(document, &alternative.node, NESTED) {
                all.push(alternative);
            }
        }
        (all, null && view.types.has(Types::NULL))
    }

    /// The alternatives of an alternative without a name: they count as those of the whole.
    fn nested(
        &mut self,
        is_new: bool,
        branch: &Node<'v>,
        depth: usize,
    ) -> Option<(Vec<Alternative<'v>>, bool)> {
        if depth == 0 || branch.reference().is_some() {
            return None;
        }
        let (document, lost) =
            if is_new { (&self.new, &mut self.lost_new) } else { (&self.old, &mut self.lost_old) };
        let view = View::of(document, branch, lost);
        (view.unions.len() == 1).then(|| self.expand(is_new, branch, &view, depth - 1))
    }

    fn alternative(&mut self, is_new: bool, node: Node<'v>) -> (Alternative<'v>, bool) {
        let (document, lost) =
            if is_new { (&self.new, &mut self.lost_new) } else { (&self.old, &mut self.lost_old) };
        let view = View::of(document, &node, lost);
        let tags = view.properties.iter().filter_map(|(name, property)| {
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
        let tags: Vec<_> = tags.collect();
        let title = node.keyword(document, "title").and_then(Value::as_str);
        let all = types_of(document, &view, NESTED);
        let null = all.has(Types::NULL) && all != Types::ALL;
        let types = all & !Types::NULL;
        let name = node.reference();
        // Null is compared once for all alternatives.
        let node = if null { node.only(!Types::NULL) } else { node };
        (
            Alternative {
                types,
                name,
                tag: None,
                tags,
                title,
                node,
                plain: view.unions.is_empty(),
                open: true,
            },
            null,
        )
    }

    /// The same reference. One that has changed is left for later if another alternative may cover it.
    fn same_reference(
        &mut self,
        old: &Alternative<'v>,
        after: &[Alternative<'v>],
        ctx: &Context,
    ) -> Option<usize> {
        let at = self.same_name(old, after, ctx)?;
        let rival = |(index, new): (usize, &Alternative)| {
            index != at && new.plain && new.types.meets(old.types) && !tagged_apart(new, old)
        };
        // Only to save time: what is alone is paired later anyway, and alternatives take long to weigh.
        let alone = !old.plain || !after[at].plain || !after.iter().enumerate().any(rival);
        (alone || self.weight(&old.node, &after[at].node, ctx).is_none()).then_some(at)
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
        similar(old, after)
            .find(|(_, new)| self.weight(&old.node, &new.node, ctx).is_none())
            .map(|(at, _)| at)
    }

    /// The same values fit, but defaults or `readOnly` differ.
    fn same_values(
        &mut self,
        old: &Alternative<'v>,
        after: &[Alternative<'v>],
        ctx: &Context,
    ) -> Option<usize> {
        let mut fits = |new: &Alternative<'v>, direction| {
            let ctx = Context { direction, exact: true, ..ctx.clone() };
            self.weight(&old.node, &new.node, &ctx).is_none_or(|level| level == Level::Info)
        };
        similar(old, after)
            .find(|(_, new)| fits(new, Direction::Request) && fits(new, Direction::Response))
            .map(|(at, _)| at)
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

    /// The changed old alternative, if the change breaks nobody.
    fn akin_and_mild(
        &mut self,
        old: &Alternative<'v>,
        after: &[Alternative<'v>],
        ctx: &Context,
    ) -> Option<usize> {
        let at = self.same_name(old, after, ctx).or_else(|| self.akin(old, after, ctx))?;
        let ctx = Context { exact: true, ..ctx.clone() };
        let weight = self.weight(&old.node, &after[at].node, &ctx);
        weight.is_none_or(|level| level <= Level::Info).then_some(at)
    }

    /// Whether everything that fits this alternative already fits one of the other side.
    fn fits_one(
        &mut self,
        one: &Alternative<'v>,
        others: &[Alternative<'v>],
        one_is_new: bool,
        ctx: &Context,
    ) -> bool {
        let each = one.types.each();
        let (mine, theirs) = if one_is_new { (&self.new, &self.old) } else { (&self.old, &self.new) };
        let view = View::of(mine, &one.node, &mut Vec::new());
        let listed = view.values.filter(|values| !values.is_empty()).is_some_and(|values| {
            let known = |value: &Value| {
                let fits =
                    |o: &Alternative| witness::fits(theirs, &o.node, value, OneOf::Exactly) == Some(true);
                others.iter().any(fits)
            };
            values.iter().all(|value| known(value))
        });
        let together = fit_together(mine, one, theirs, others);
        let ctx = Context { exact: true, ..ctx.clone() };
        let mut fits = |node: &Node<'v>, types: Types| {
            let possible = |other: &&Alternative| other.types.meets(types) && !tagged_apart(one, other);
            others.iter().filter(possible).any(|other| {
                let weight = match one_is_new {
                    true => self.weight(&other.node, node, &ctx),
                    false => self.weight(node, &other.node, &ctx),
                };
                weight.is_none_or(|level| level <= Level::Info)
            })
        };
        others.len() < 200
            && (listed
                || together
                || fits(&one.node, one.types)
                || each.len() > 1 && each.iter().all(|types| fits(&one.node.only(*types), *types)))
    }
}

/// The open alternatives of the same types and with the same distinguishing property. None if there are too
/// many to weigh.
fn similar<'a, 'v>(
    old: &'a Alternative<'v>,
    after: &'a [Alternative<'v>],
) -> impl Iterator<Item = (usize, &'a Alternative<'v>)> {
    let few = after.len() * after.len() <= PAIRS;
    let alike = move |new: &Alternative<'v>| {
        new.open && new.types == old.types && new.tag.map(|t| t.0) == old.tag.map(|t| t.0)
    };
    after.iter().enumerate().filter(move |(_, new)| few && alike(new))
}

/// Whether the others together take every plain value of this one. Between two neighbouring limits all values
/// are alike, so it is enough to try those at the limits.
fn fit_together<'v>(
    mine: &Document<'v>,
    one: &Alternative<'v>,
    theirs: &Document<'v>,
    others: &[Alternative<'v>],
) -> bool {
    if one.types.meets(Types::STRUCTURED) || !one.plain {
        return false;
    }
    let others: Vec<_> = others.iter().filter(|other| other.types.meets(one.types)).collect();
    let limited_by_limits = |other: &&Alternative<'v>| {
        let view = View::of(theirs, &other.node, &mut Vec::new());
        other.plain && view.format.is_none() && view.multiple.is_none() && view.others.is_empty()
    };
    if others.len() < 2 || !others.iter().all(limited_by_limits) {
        return false;
    }
    let mut values = witness::candidates(mine, &one.node);
    values.extend(others.iter().flat_map(|other| witness::candidates(theirs, &other.node)));
    let takes = |value: &Value| {
        let fits =
            |other: &&Alternative| witness::fits(theirs, &other.node, value, OneOf::Exactly) == Some(true);
        others.iter().any(fits)
    };
    values.retain(|value| witness::fits(mine, &one.node, value, OneOf::Exactly) != Some(false));
    !values.is_empty() && values.iter().all(takes)
}

/// Whether both have the distinguishing property with different values.
fn tagged_apart(one: &Alternative, other: &Alternative) -> bool {
    matches!((one.tag, other.tag), (Some((a, x)), Some((b, y))) if a == b && !same(x, y))
}

/// How many levels of alternatives within alternatives are read.
const NESTED: usize = 4;

/// Searches a value of this alternative that may be sent: the whole `oneOf` may refuse all of them.
fn some_may_be_sent<'v>(document: &Document<'v>, whole: &Node<'v>, one: &Node<'v>) -> bool {
    let passes = |value: &Value| witness::fits(document, whole, value, OneOf::Exactly) != Some(false);
    if !possible(document, one, NESTED) {
        return false;
    }
    if !witness::has_one_of(document, whole) {
        return true;
    }
    let values = witness::candidates(document, one);
    if values.iter().any(passes) || witness::with_strangers(&values).any(|value| passes(&value)) {
        return true;
    }
    // All of them may be within another alternative, whose limits lead to values outside of it.
    let fits = |value: &Value| witness::fits(document, one, value, OneOf::Exactly) != Some(false);
    let both = witness::candidates_of_both((document, one), (document, whole));
    both.iter().any(|value| passes(value) && fits(value))
}

/// The types of a schema, with those of its alternatives.
pub(super) fn types_of<'v>(document: &Document<'v>, view: &View<'v>, depth: usize) -> Types {
    view.unions.iter().filter(|_| depth > 0).fold(view.types, |types, union| {
        let null = if union.null { Types::NULL } else { Types::NONE };
        types
            & union.branches.iter().fold(null, |all, branch| {
                all | types_of(document, &View::of(document, branch, &mut Vec::new()), depth - 1)
            })
    })
}

/// Sets the property that distinguishes the alternatives: the one with the most values, whatever the order
/// of the keys. A property with the same value in all of them distinguishes nothing.
fn choose_tag<'v>(before: &mut [Alternative<'v>], after: &mut [Alternative<'v>]) {
    let values = |side: &[Alternative], name: &str| -> usize {
        let mut seen: Vec<&Value> = Vec::new();
        for value in side.iter().flat_map(|a| &a.tags).filter(|(n, _)| *n == name).map(|(_, value)| *value) {
            if !contains(&seen, value) {
                seen.push(value);
            }
        }
        seen.len()
    };
    let names: BTreeSet<&str> =
        before.iter().chain(&*after).flat_map(|a| &a.tags).map(|(name, _)| *name).collect();
    let ranks: BTreeMap<String, usize> = names
        .iter()
        .map(|name| (name.to_string(), values(before, name).max(values(after, name))))
        .filter(|(_, rank)| *rank > 1 || before.len().max(after.len()) == 1)
        .collect();
    for one in before.iter_mut().chain(after) {
        one.tag = one
            .tags
            .iter()
            .filter(|(name, _)| ranks.contains_key(*name))
            .max_by_key(|(name, _)| (ranks[*name], Reverse(*name)))
            .copied();
    }
}
