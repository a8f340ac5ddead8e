//! Compares two schemas keyword by keyword. The rules decide what a change means for each direction.

use super::context::{Context, Direction};
use super::engine::Engine;
use super::node::Node;
use super::rules::*;
use super::schema::View;
use super::types::Types;
use super::values::{contains, cut, list, same, show};
use serde_json::Value;

/// Which way a limit moved.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Moved {
    Not,
    Wider,
    Narrower,
    Aside,
}

impl Moved {
    fn from(wider: bool, narrower: bool) -> Moved {
        match (wider, narrower) {
            (true, true) => Moved::Not,
            (true, false) => Moved::Wider,
            (false, true) => Moved::Narrower,
            (false, false) => Moved::Aside,
        }
    }
    fn and(self, other: Moved) -> Moved {
        match (self, other) {
            (Moved::Not, moved) | (moved, Moved::Not) => moved,
            (a, b) if a == b => a,
            _ => Moved::Aside,
        }
    }
}

impl<'v> Engine<'v> {
    pub(super) fn walk(&mut self, old: &Node<'v>, new: &Node<'v>, ctx: &Context) {
        let a = View::of(&self.old, old, &mut self.lost_old);
        let b = View::of(&self.new, new, &mut self.lost_new);
        self.annotations(&a, &b, ctx);
        if !a.unions.is_empty() || !b.unions.is_empty() {
            return self.alternatives((old, &a), (new, &b), ctx);
        }
        let common = self.types(&a, &b, ctx);
        if common.is_empty() {
            return;
        }
        self.values(&a, &b, ctx);
        // If the values are listed, only they matter.
        if a.values.is_none() && b.values.is_none() {
            if common.meets(Types::NUMBER) {
                self.numbers(&a, &b, ctx);
            }
            if common.has(Types::STRING) {
                self.lengths(&a, &b, ctx);
            }
        }
        if a.values.is_none() || b.values.is_none() {
            if common.has(Types::STRING) {
                self.patterns(&a, &b, ctx);
            }
            if common.has(Types::ARRAY) {
                self.arrays(&a, &b, ctx);
            }
            if common.has(Types::OBJECT) {
                self.objects(&a, &b, ctx);
            }
        }
        self.others(&a, &b, ctx);
    }

    fn annotations(&mut self, a: &View<'v>, b: &View<'v>, ctx: &Context) {
        match (a.default, b.default) {
            (None, Some(new)) => self.shape(ctx, &DEFAULT_ADDED, "default", (a, b), &"", &show(new)),
            (Some(old), None) => self.shape(ctx, &DEFAULT_REMOVED, "default", (a, b), &show(old), &""),
            (Some(old), Some(new)) if !same(old, new) => {
                self.shape(ctx, &DEFAULT_CHANGED, "default", (a, b), &show(old), &show(new))
            }
            _ => {}
        }
        match (a.deprecated, b.deprecated) {
            (false, true) => self.shape(ctx, &SCHEMA_DEPRECATED, "deprecated", (a, b), &"", &""),
            (true, false) => self.shape(ctx, &SCHEMA_REACTIVATED, "deprecated", (a, b), &"", &""),
            _ => {}
        }
        self.discriminators(a, b, ctx);
        if a.content_type != b.content_type {
            let (old, new) = (a.content_type.unwrap_or("anything"), b.content_type.unwrap_or("anything"));
            self.shape(ctx, &CONTENT_TYPE_CHANGED, "contentMediaType", (a, b), &old, &new);
        }
        if a.content_encoding != b.content_encoding {
            let (old, new) = (a.content_encoding.unwrap_or("none"), b.content_encoding.unwrap_or("none"));
            self.shape(ctx, &CONTENT_ENCODING_CHANGED, "contentEncoding", (a, b), &old, &new);
        }
    }

    fn discriminators(&mut self, a: &View<'v>, b: &View<'v>, ctx: &Context) {
        let property = |d: &'v Value| d.get("propertyName").and_then(Value::as_str).unwrap_or("?");
        let (old, new) = match (a.discriminator, b.discriminator) {
            (Some(old), Some(new)) => (old, new),
            (None, Some(new)) => {
                return self.shape(ctx, &DISCRIMINATOR_ADDED, "discriminator", (a, b), &"", &property(new));
            }
            (Some(old), None) => {
                return self.shape(ctx, &DISCRIMINATOR_REMOVED, "discriminator", (a, b), &property(old), &"");
            }
            (None, None) => return,
        };
        if property(old) != property(new) {
            self.shape(ctx, &DISCRIMINATOR_CHANGED, "discriminator", (a, b), &property(old), &property(new));
        }
        let mapping = |d: &'v Value| d.get("mapping").and_then(Value::as_object);
        for (name, target) in mapping(new).into_iter().flatten() {
            match mapping(old).and_then(|m| m.get(name)) {
                None => self.shape(ctx, &MAPPING_ADDED, "discriminator", (a, b), &"", name),
                Some(before) if before != target => {
                    let (before, now) = (format!("{} by {name}", show(before)), show(target));
                    self.shape(ctx, &MAPPING_CHANGED, "discriminator", (a, b), &before, &now);
                }
                _ => {}
            }
        }
        for name in mapping(old)
            .into_iter()
            .flat_map(|m| m.keys())
            .filter(|name| mapping(new).is_none_or(|m| !m.contains_key(*name)))
        {
            self.shape(ctx, &MAPPING_REMOVED, "discriminator", (a, b), name, &"");
        }
    }

    /// Reports the difference of the types, and returns the types that both allow.
    fn types(&mut self, a: &View<'v>, b: &View<'v>, ctx: &Context) -> Types {
        let (old, new) = (a.types & !Types::NULL, b.types & !Types::NULL);
        if a.types != Types::ALL && b.types != Types::ALL {
            self.null((a.types.has(Types::NULL), b.types.has(Types::NULL)), a, b, ctx);
        }
        if a.values.is_some() && b.values.is_some() {
            return Types::ALL;
        }
        let spread =
            |types: Types| if ctx.text && types.has(Types::STRING) { types | Types::PLAIN } else { types };
        let moved = Moved::from(spread(new).has(spread(old)), spread(old).has(spread(new)));
        let moved = moved.and(format_moved(a, b, moved != Moved::Not));
        let several = |types: Types| types | Types::NULL != Types::ALL && types.each().len() > 1;
        // The list of values already shows the difference.
        if b.values.is_some() && moved == Moved::Narrower && !new.is_empty() {
            return new;
        }
        let shape = match moved {
            Moved::Not => return old & new,
            Moved::Wider if several(old) || several(new) => &TYPES_WIDENED,
            Moved::Wider => &TYPE_GENERALIZED,
            Moved::Narrower if several(old) || several(new) => &TYPES_NARROWED,
            Moved::Narrower if ctx.direction == Direction::Response => &TYPE_SPECIALIZED,
            _ if self.wrapped(a, b, ctx) => &TYPE_GENERALIZED,
            _ => &TYPE_CHANGED,
        };
        let keyword = if old == new { "format" } else { "type" };
        let text =
            |types: Types, format: Option<&str>| format.map_or(types.to_string(), |f| format!("{types}/{f}"));
        self.shape(ctx, shape, keyword, (a, b), &text(old, a.format), &text(new, b.format));
        old & new
    }

    pub(super) fn null(&mut self, (old, new): (bool, bool), a: &View<'v>, b: &View<'v>, ctx: &Context) {
        match (old, new) {
            (false, true) => self.shape(ctx, &NULLABLE, "", (a, b), &"", &""),
            (true, false) => self.shape(ctx, &NOT_NULLABLE, "", (a, b), &"", &""),
            _ => {}
        }
    }

    /// A query value is written like a list with one item (`form` with `explode`), so a list may replace it.
    fn wrapped(&mut self, a: &View<'v>, b: &View<'v>, ctx: &Context) -> bool {
        let list =
            ctx.repeats && b.types & !Types::NULL == Types::ARRAY && Types::PLAIN.has(a.types & !Types::NULL);
        let Some(items) = b.items.as_ref().filter(|_| list && b.items_count.least <= 1.0) else {
            return list;
        };
        let old = a.flat(a.types & !Types::NULL);
        self.weight(&old, items, &Context { repeats: false, ..ctx.clone() })
            .is_none_or(|level| level == crate::finding::Level::Info)
    }

    fn values(&mut self, a: &View<'v>, b: &View<'v>, ctx: &Context) {
        let keyword = |view: &View| if view.constant { "const" } else { "enum" };
        let word = if b.values.is_some() { keyword(b) } else { keyword(a) };
        match (&a.values, &b.values) {
            (None, Some(new)) if b.constant => self.shape(ctx, &CONST_ADDED, word, (a, b), &"", &list(new)),
            (None, Some(new)) => self.shape(ctx, &BECAME_ENUM, word, (a, b), &"", &list(new)),
            (Some(old), None) if a.constant => self.shape(ctx, &CONST_REMOVED, word, (a, b), &list(old), &""),
            (Some(old), None) => self.shape(ctx, &NO_ENUM, word, (a, b), &list(old), &""),
            (Some(old), Some(new)) => match (&old[..], &new[..]) {
                ([before], [now]) if a.constant && b.constant && !same(before, now) => {
                    self.shape(ctx, &CONST_CHANGED, word, (a, b), &show(before), &show(now));
                }
                _ => {
                    for gone in old.iter().filter(|v| !contains(new, v)) {
                        self.shape(ctx, &ENUM_REMOVED, word, (a, b), &show(gone), &"");
                    }
                    for added in new.iter().filter(|v| !contains(old, v)) {
                        self.shape(ctx, &ENUM_ADDED, word, (a, b), &"", &show(added));
                    }
                }
            },
            (None, None) => {}
        }
        if let (Some(old), None) = (&a.values, &b.values) {
            for gone in old.iter().filter(|value| !b.admits(value)) {
                self.shape(ctx, &ENUM_REMOVED, word, (a, b), &show(gone), &"");
            }
        }
        if let (None, Some(new)) = (&a.values, &b.values) {
            for added in new.iter().filter(|value| !a.admits(value)) {
                self.shape(ctx, &ENUM_ADDED, word, (a, b), &"", &show(added));
            }
        }
        for gone in a.extensible.iter().filter(|v| !b.extensible.is_empty() && !contains(&b.extensible, v)) {
            self.shape(ctx, &EXTENSIBLE_REMOVED, "x-extensible-enum", (a, b), &show(gone), &"");
        }
    }

    fn patterns(&mut self, a: &View<'v>, b: &View<'v>, ctx: &Context) {
        match (a.pattern, b.pattern) {
            (None, Some(new)) => self.shape(ctx, &PATTERN_ADDED, "pattern", (a, b), &"", &cut(new)),
            (Some(old), None) => self.shape(ctx, &PATTERN_REMOVED, "pattern", (a, b), &cut(old), &""),
            (Some(old), Some(new)) if old != new => {
                self.shape(ctx, &PATTERN_CHANGED, "pattern", (a, b), &cut(old), &cut(new))
            }
            _ => {}
        }
    }

    fn arrays(&mut self, a: &View<'v>, b: &View<'v>, ctx: &Context) {
        self.item_counts(a, b, ctx);
        match (a.unique, b.unique) {
            (false, true) => self.shape(ctx, &UNIQUE_SET, "uniqueItems", (a, b), &"", &""),
            (true, false) => self.shape(ctx, &UNIQUE_UNSET, "uniqueItems", (a, b), &"", &""),
            _ => {}
        }
        let inner = ctx.inner();
        for index in 0..a.prefix.len().max(b.prefix.len()) {
            self.held(
                a.prefix.get(index).or(a.items.as_ref()),
                b.prefix.get(index).or(b.items.as_ref()),
                a,
                b,
                &inner,
            );
        }
        self.held(a.items.as_ref(), b.items.as_ref(), a, b, &inner);
    }

    /// Compares subschemas that may be missing on one side, where a missing schema allows anything.
    pub(super) fn held(
        &mut self,
        old: Option<&Node<'v>>,
        new: Option<&Node<'v>>,
        a: &View<'v>,
        b: &View<'v>,
        ctx: &Context,
    ) {
        match (old, new) {
            (None, None) => {}
            (Some(old), Some(new)) => self.compare(old, new, ctx),
            (Some(old), None) => self.compare(old, &Node::anything(b.at.clone()), ctx),
            (None, Some(new)) => self.compare(&Node::anything(a.at.clone()), new, ctx),
        }
    }

    /// Compares subschemas that do not describe the value's content.
    fn others(&mut self, a: &View<'v>, b: &View<'v>, ctx: &Context) {
        for (keyword, new) in &b.others {
            match a.others.iter().find(|(k, _)| k == keyword) {
                None if says_nothing(new) => {}
                None => self.keyword(&KEYWORD_ADDED, keyword, a, b, ctx),
                Some((_, old)) if matches!(*keyword, "if" | "not") => {
                    if self.weight(old, new, ctx).is_some() {
                        self.keyword(&KEYWORD_CHANGED, keyword, a, b, ctx);
                    }
                }
                Some((_, old)) if *keyword == "dependentSchemas" => {
                    if old.raws[0].value != new.raws[0].value {
                        self.keyword(&KEYWORD_CHANGED, keyword, a, b, ctx);
                    }
                }
                Some((_, old)) => self.compare(old, new, &ctx.inner()),
            }
        }
        for (keyword, old) in &a.others {
            if !says_nothing(old) && !b.others.iter().any(|(k, _)| k == keyword) {
                self.keyword(&KEYWORD_REMOVED, keyword, a, b, ctx);
            }
        }
    }

    fn keyword(
        &mut self,
        shape: &'static Shape,
        keyword: &'static str,
        a: &View<'v>,
        b: &View<'v>,
        ctx: &Context,
    ) {
        self.shape(ctx, shape, keyword, (a, b), &keyword, &keyword);
    }
}

fn says_nothing(node: &Node) -> bool {
    node.raws
        .iter()
        .all(|raw| raw.value == true || raw.value.as_object().is_some_and(serde_json::Map::is_empty))
}

/// A format limits the value. One of two formats may include the other.
fn format_moved(a: &View, b: &View, retyped: bool) -> Moved {
    // For another type these formats add nothing to the type.
    let plain = |format: Option<&'_ str>| retyped && matches!(format, Some("double" | "float"));
    let old = a.format.filter(|_| !plain(a.format));
    let new = b.format.filter(|_| !plain(b.format));
    match (old, new) {
        (old, new) if old == new => Moved::Not,
        (None, Some(_)) => Moved::Narrower,
        (Some(_), None) | (Some("int32"), Some("int64")) | (Some("float"), Some("double")) => Moved::Wider,
        (Some("int64"), Some("int32")) | (Some("double"), Some("float")) => Moved::Narrower,
        _ => Moved::Aside,
    }
}
