//! Compares two schemas keyword by keyword. The rules decide what a change means for each direction.

use super::context::{Context, Direction};
use super::engine::Engine;
use super::node::Node;
use super::rules::*;
use super::schema::{View, possible, possible_types};
use super::types::Types;
use super::values::{Number, contains, cut, list, same, show};
use crate::finding::Level;
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
        if self.within(old, new, ctx) {
            return;
        }
        let mut a = View::of(&self.old, old, &mut self.lost_old);
        let mut b = View::of(&self.new, new, &mut self.lost_new);
        self.annotations(&a, &b, ctx);
        if !a.unions.is_empty() || !b.unions.is_empty() {
            return self.alternatives((old, &a), (new, &b), ctx);
        }
        // Nothing breaks if no value can be sent. That is rare, so it is asked only where it may matter.
        let apart = !(a.types & b.types).meets(!Types::NULL);
        let needs = |view: &View<'v>| !view.required.is_empty() || view.items_count.least > 0.0;
        if apart || needs(&a) || needs(&b) {
            let was = |engine: &Self| possible_types(&engine.old, old, &a, 4);
            let is = |engine: &Self| possible_types(&engine.new, new, &b, 4);
            let request = ctx.direction == Direction::Request;
            let sent = if request { was(self) } else { is(self) };
            if sent.is_empty() {
                let (old, new) = (was(self), is(self));
                if old != new {
                    let shape = if request { &TYPES_WIDENED } else { &TYPES_NARROWED };
                    self.shape(ctx, shape, "type", (&a, &b), &old, &new);
                }
                return;
            }
            if apart {
                (a.types, b.types) = (was(self), is(self));
            } else {
                let never = if request { a.types } else { b.types } & !sent;
                a.types &= !never;
                b.types &= !never;
            }
        }
        let nulls = (
            a.types.has(Types::NULL) && self.takes_null(false, old),
            b.types.has(Types::NULL) && self.takes_null(true, new),
        );
        let common = self.types(&a, &b, nulls, ctx);
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
        let default = match (a.default, b.default) {
            (None, Some(_)) => Some(&DEFAULT_ADDED),
            (Some(_), None) => Some(&DEFAULT_REMOVED),
            (Some(old), Some(new)) if !same(old, new) => Some(&DEFAULT_CHANGED),
            _ => None,
        };
        if let Some(shape) = default {
            let [old, new] = [a.default, b.default].map(|value| value.map(show).unwrap_or_default());
            // A trial asks what fits, and no default decides that.
            if self.is_trial() {
                self.weigh(Level::Info);
            } else {
                self.shape(ctx, shape, "default", (a, b), &old, &new);
            }
        }
        match (a.deprecated, b.deprecated) {
            (false, true) => self.shape(ctx, &SCHEMA_DEPRECATED, "deprecated", (a, b), &"", &""),
            (true, false) => self.shape(ctx, &SCHEMA_REACTIVATED, "deprecated", (a, b), &"", &""),
            _ => {}
        }
        self.discriminators(a, b, ctx);
        // What 3.0 says by a format. It counts only beside the keyword of 3.1.
        let said = |own: Option<&'v str>,
                    other: Option<&str>,
                    view: &View<'v>,
                    format: &str,
                    means: &'static str| {
            own.or(other.and(view.format).filter(|word| *word == format).map(|_| means))
        };
        let media = |own: &View<'v>, other: &View<'v>| {
            said(own.content_type, other.content_type, own, "binary", "application/octet-stream")
        };
        let encoding = |own: &View<'v>, other: &View<'v>| {
            said(own.content_encoding, other.content_encoding, own, "byte", "base64")
        };
        let (old, new) = (media(a, b), media(b, a));
        if old != new {
            let (old, new) = (old.unwrap_or("anything"), new.unwrap_or("anything"));
            self.shape(ctx, &CONTENT_TYPE_CHANGED, "contentMediaType", (a, b), &old, &new);
        }
        let (old, new) = (encoding(a, b), encoding(b, a));
        if old != new {
            let (old, new) = (old.unwrap_or("none"), new.unwrap_or("none"));
            self.shape(ctx, &CONTENT_ENCODING_CHANGED, "contentEncoding", (a, b), &old, &new);
        }
    }

    /// Reports the difference of the types, and returns the types that both allow.
    fn types(&mut self, a: &View<'v>, b: &View<'v>, nulls: (bool, bool), ctx: &Context) -> Types {
        // The side that must accept the value accepts every type, if it does not limit the type.
        let (accepting, sending) = if ctx.direction == Direction::Request { (b, a) } else { (a, b) };
        if !accepting.typed && sending.typed {
            return a.types & b.types;
        }
        let (old, new) = (a.types & !Types::NULL, b.types & !Types::NULL);
        if a.types != Types::ALL && b.types != Types::ALL {
            self.null(nulls, a, b, ctx);
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
        let old = a.only(a.types & !Types::NULL);
        self.weight(&old, items, &Context { repeats: false, ..ctx.clone() })
            .is_none_or(|level| level == Level::Info)
    }

    fn values(&mut self, a: &View<'v>, b: &View<'v>, ctx: &Context) {
        let contains = |values: &[&Value], value: &Value| {
            contains(values, value) || ctx.text && values.iter().any(|v| as_text(v) == as_text(value))
        };
        // A short range of integers is a list, too.
        let (sent, accepted) = if ctx.direction == Direction::Request { (a, b) } else { (b, a) };
        let known = |value: &Value| accepted.values.as_ref().is_some_and(|known| contains(known, value));
        if let Some(sent) = sent.integers().filter(|sent| sent.iter().all(known)) {
            let shape = if ctx.direction == Direction::Request { &ENUM_ADDED } else { &ENUM_REMOVED };
            let sent: Vec<&Value> = sent.iter().collect();
            let mut others: Vec<&Value> = accepted.values.iter().flatten().copied().collect();
            others.retain(|value| !contains(&sent, value));
            if !others.is_empty() {
                self.shape(ctx, shape, "enum", (a, b), &list(&others), &list(&others));
            }
            return;
        }
        let keyword = |view: &View| if view.constant { "const" } else { "enum" };
        let word = if b.values.is_some() { keyword(b) } else { keyword(a) };
        match (&a.values, &b.values) {
            (None, Some(new)) if b.constant => self.shape(ctx, &CONST_ADDED, word, (a, b), &"", &list(new)),
            (None, Some(new)) => self.shape(ctx, &BECAME_ENUM, word, (a, b), &"", &list(new)),
            (Some(old), None) if a.constant => self.shape(ctx, &CONST_REMOVED, word, (a, b), &list(old), &""),
            (Some(old), None) => self.shape(ctx, &NO_ENUM, word, (a, b), &list(old), &""),
            (Some(old), Some(new)) => match (&old[..], &new[..]) {
                ([before], [now]) if a.constant && b.constant && !contains(old, now) => {
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
        let (document, sent, accepted) = match ctx.direction {
            Direction::Request => (&self.old, a, b),
            Direction::Response => (&self.new, b, a),
        };
        // A list of impossible items is empty.
        let impossible = |items: &Node<'v>| !possible(document, items, 4);
        let empty = sent.prefix.is_empty() && sent.items.as_ref().is_some_and(impossible);
        if !empty || accepted.items_count.least > 0.0 {
            self.item_counts(a, b, ctx);
        }
        match (a.unique, b.unique) {
            (false, true) => self.shape(ctx, &UNIQUE_SET, "uniqueItems", (a, b), &"", &""),
            (true, false) => self.shape(ctx, &UNIQUE_UNSET, "uniqueItems", (a, b), &"", &""),
            _ => {}
        }
        if sent.items_count.most == Some(0.0) {
            return;
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
                None if says_nothing(keyword, new, b) || self.excludes_nothing(true, keyword, new, b) => {}
                None => self.keyword(&KEYWORD_ADDED, keyword, a, b, ctx),
                Some((_, old)) if matches!(*keyword, "if" | "not") => {
                    self.condition(keyword, (old, a), (new, b), ctx)
                }
                Some((_, old)) if *keyword == "dependentSchemas" => {
                    self.dependent_schemas(old, new, a, b, ctx)
                }
                Some((_, old)) => self.compare(old, new, &ctx.inner()),
            }
        }
        for (keyword, old) in &a.others {
            let idle = says_nothing(keyword, old, a) || self.excludes_nothing(false, keyword, old, a);
            if !idle && !b.others.iter().any(|(k, _)| k == keyword) {
                self.keyword(&KEYWORD_REMOVED, keyword, a, b, ctx);
            }
        }
    }

    /// `not` refuses what fits it, and `if` limits what fits it when there is only `then`: a larger schema
    /// allows fewer values.
    fn condition(
        &mut self,
        keyword: &'static str,
        (old, a): (&Node<'v>, &View<'v>),
        (new, b): (&Node<'v>, &View<'v>),
        ctx: &Context,
    ) {
        let mut fits = |direction| {
            let ctx = Context { direction, exact: true, ..ctx.clone() };
            self.weight(old, new, &ctx).is_none_or(|level| level <= Level::Info)
        };
        // Whether every value of the old one fits the new one, and the other way round.
        let (grows, shrinks) = (fits(Direction::Request), fits(Direction::Response));
        let has = |word: &str| a.others.iter().chain(&b.others).any(|(k, _)| *k == word);
        let (then, or_else) = (keyword == "not" || has("then"), keyword == "if" && has("else"));
        let shape = match (grows, shrinks) {
            (true, true) => return,
            (false, false) => &KEYWORD_CHANGED,
            _ if then == or_else => &KEYWORD_CHANGED,
            (grows, _) if grows == then => &KEYWORD_NARROWED,
            _ => &KEYWORD_WIDENED,
        };
        self.keyword(shape, keyword, a, b, ctx);
    }

    /// `dependentSchemas`: each schema limits the whole object if a property is present.
    fn dependent_schemas(
        &mut self,
        old: &Node<'v>,
        new: &Node<'v>,
        a: &View<'v>,
        b: &View<'v>,
        ctx: &Context,
    ) {
        let of = |node: &Node<'v>| -> Vec<(&'v str, Node<'v>)> {
            let [raw] = &node.raws[..] else { return Vec::new() };
            let schemas = raw.value.as_object().into_iter().flatten();
            schemas.map(|(name, schema)| (name.as_str(), Node::new(schema, raw.at.key(name)))).collect()
        };
        let (before, after) = (of(old), of(new));
        for (name, schema) in &after {
            match before.iter().find(|(n, _)| n == name) {
                Some((_, known)) => {
                    self.compare(&known.only(Types::OBJECT), &schema.only(Types::OBJECT), ctx)
                }
                None => self.keyword(&KEYWORD_NARROWED, "dependentSchemas", a, b, ctx),
            }
        }
        if before.iter().any(|(name, _)| !after.iter().any(|(n, _)| n == name)) {
            self.keyword(&KEYWORD_WIDENED, "dependentSchemas", a, b, ctx);
        }
    }

    /// Whether it is a `not` whose schema no value of these types fits.
    fn excludes_nothing(&mut self, is_new: bool, keyword: &str, node: &Node<'v>, view: &View<'v>) -> bool {
        let (document, lost) =
            if is_new { (&self.new, &mut self.lost_new) } else { (&self.old, &mut self.lost_old) };
        keyword == "not" && !view.types.meets(View::of(document, node, lost).types)
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

/// How a value is written where everything is text.
fn as_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_string)
}

/// Whether every value passes: an empty schema, but not in `not` or `contains`, or `if` alone.
fn says_nothing(keyword: &str, node: &Node, view: &View) -> bool {
    if keyword == "if" {
        return !view.others.iter().any(|(word, _)| matches!(*word, "then" | "else"));
    }
    !matches!(keyword, "not" | "contains")
        && node
            .raws
            .iter()
            .all(|raw| raw.value == true || raw.value.as_object().is_some_and(serde_json::Map::is_empty))
}

/// Whether the bounds keep an integer inside of its format.
fn is_within(view: &View) -> bool {
    let limit: i128 = match view.format {
        Some("int32") => 1 << 31,
        Some("int64") => 1 << 63,
        _ => return false,
    };
    let whole = !view.types.meets(!(Types::INTEGER | Types::NULL) & Types::NUMBER);
    whole
        && view.least.is_some_and(|least| least.value >= Number::Whole(-limit))
        && view.most.is_some_and(|most| most.value < Number::Whole(limit))
}

/// A format limits the value. One of two formats may include the other.
fn format_moved(a: &View, b: &View, retyped: bool) -> Moved {
    // For another type these formats add nothing to the type.
    let plain = |format: Option<&'_ str>| retyped && matches!(format, Some("double" | "float"));
    let old = a.format.filter(|_| !plain(a.format) && !is_within(a));
    let new = b.format.filter(|_| !plain(b.format) && !is_within(b));
    match (old, new) {
        (old, new) if old == new => Moved::Not,
        (None, Some(_)) => Moved::Narrower,
        (Some(_), None) | (Some("int32"), Some("int64")) | (Some("float"), Some("double")) => Moved::Wider,
        (Some("int64"), Some("int32")) | (Some("double"), Some("float")) => Moved::Narrower,
        _ => Moved::Aside,
    }
}
