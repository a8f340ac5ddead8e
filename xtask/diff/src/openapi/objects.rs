//! Compares two objects: properties that were added, removed or became required, and unlisted properties.

use super::context::{Context, Direction};
use super::engine::{Engine, fill};
use super::node::{Access, Node};
use super::rules::*;
use super::schema::View;
use super::values::list;
use crate::finding::Level;
use serde_json::Value;

/// A property's status in its object.
struct Property {
    required: bool,
    /// `readOnly` in a request, or `writeOnly` in a response: the property is absent.
    hidden: bool,
    access: Access,
}

impl<'v> Engine<'v> {
    pub(super) fn objects(&mut self, a: &View<'v>, b: &View<'v>, ctx: &Context) {
        let inner = ctx.inner();
        for (position, (name, new)) in b.properties.iter().enumerate() {
            // Usually at the same position.
            let old = a
                .properties
                .get(position)
                .filter(|(n, _)| n == name)
                .map(|(_, node)| node)
                .or_else(|| a.property(name));
            match old {
                Some(old) => {
                    let required = |view: &View<'v>| view.required.contains(name);
                    self.both((old, required(a)), (new, required(b)), &inner);
                }
                None => self.came(name, new, a, b, &inner),
            }
        }
        for (position, (name, old)) in a.properties.iter().enumerate() {
            if b.properties.get(position).is_none_or(|(n, _)| n != name) && b.property(name).is_none() {
                self.went(name, old, a, b, &inner);
            }
        }
        self.unlisted(a, b, ctx);
        self.property_counts(a, b, ctx);
        self.dependent(a, b, ctx);
        for (pattern, new) in &b.pattern_properties {
            match a.pattern_properties.iter().find(|(p, _)| p == pattern) {
                Some((_, old)) => self.compare(old, new, &inner),
                None => self.shape(ctx, &PATTERN_PROPERTY_ADDED, "patternProperties", (a, b), &"", pattern),
            }
        }
        for (pattern, _) in
            a.pattern_properties.iter().filter(|(p, _)| !b.pattern_properties.iter().any(|(q, _)| p == q))
        {
            self.shape(ctx, &PATTERN_PROPERTY_REMOVED, "patternProperties", (a, b), pattern, &"");
        }
    }

    fn property(&self, new: bool, required: bool, node: &Node<'v>, ctx: &Context) -> Property {
        let access = node.access(if new { &self.new } else { &self.old });
        let hidden = if ctx.direction == Direction::Request { access.read_only } else { access.write_only };
        Property { required, hidden, access }
    }

    fn both(&mut self, old: (&Node<'v>, bool), new: (&Node<'v>, bool), ctx: &Context) {
        let unchanged = self.is_unchanged(old.0, new.0);
        if !unchanged || old.1 != new.1 {
            self.property_of_both(old, new, unchanged, ctx);
        }
    }

    /// Compares a property that both objects have; each schema with whether it is required.
    pub(super) fn property_of_both(
        &mut self,
        (old, was_required): (&Node<'v>, bool),
        (new, is_required): (&Node<'v>, bool),
        unchanged: bool,
        ctx: &Context,
    ) {
        let was = self.property(false, was_required, old, ctx);
        let is = self.property(true, is_required, new, ctx);
        self.access(&was, &is, (old, new), ctx);
        if was.hidden || is.hidden {
            return;
        }
        if was.required != is.required {
            self.requiredness(&is, (&View::anything(old.at.clone()), &View::anything(new.at.clone())), ctx);
        }
        if !unchanged {
            self.compare_changed(old, new, ctx);
        }
    }

    fn requiredness(&mut self, is: &Property, (a, b): (&View<'v>, &View<'v>), ctx: &Context) {
        let shape = match is.required {
            true if is.access.default && ctx.direction == Direction::Request => &BECAME_REQUIRED_DEFAULT,
            true => &BECAME_REQUIRED,
            false => &BECAME_OPTIONAL,
        };
        self.shape(ctx, shape, "", (a, b), &"", &"");
    }

    /// Changes of `readOnly` and `writeOnly` themselves.
    fn access(&mut self, was: &Property, is: &Property, (old, new): (&Node<'v>, &Node<'v>), ctx: &Context) {
        let read = (was.access.read_only, is.access.read_only, "read-only");
        let write = (was.access.write_only, is.access.write_only, "write-only");
        for (before, now, word) in [read, write].into_iter().filter(|(before, now, _)| before != now) {
            let what = ctx.what(&new.at);
            if before && word == "write-only" && is.required && ctx.direction == Direction::Response {
                self.rule(&RESPONSE_PROPERTY_SHOWN, &what, (&old.at, &new.at), &"", &"");
                continue;
            }
            let sent = is.required && !is.access.default && ctx.direction == Direction::Request;
            if before && word == "read-only" && sent {
                self.rule(&REQUEST_PROPERTY_SENT, &what, (&old.at, &new.at), &"", &"");
                continue;
            }
            // A trial asks what fits, whether it may be sent or not.
            let level = match access_level(ctx.direction, was.required, now, word) {
                Level::Warning if self.is_trial() => Level::Info,
                level => level,
            };
            let id = access_id(ctx.direction, is.required, now, word);
            let message = fill(access_says(ctx.direction, now, word), &what, &"", &word);
            self.custom(id, level, message, (old.at.pointer(), new.at.pointer()));
        }
    }

    fn came(&mut self, name: &'v str, new: &Node<'v>, a: &View<'v>, b: &View<'v>, ctx: &Context) {
        let is = self.property(true, b.required.contains(&name), new, ctx);
        if is.hidden {
            return;
        }
        let was = a.required.contains(&name);
        if ctx.exact && ctx.direction == Direction::Response && a.closed && a.additional.is_none() {
            self.weigh(Level::Breaking);
        }
        let rule = match (ctx.direction, is.required) {
            // It was required before, but not described.
            (_, true) if was => None,
            (_, false) if was => {
                let views = (&View::anything(a.home.clone()), &View::anything(new.at.clone()));
                self.requiredness(&is, views, ctx);
                None
            }
            (Direction::Request, true) if is.access.default => Some(&REQUEST_PROPERTY_DEFAULT_NEW),
            (Direction::Request, true) => Some(&REQUEST_PROPERTY_REQUIRED_NEW),
            (Direction::Request, false) => Some(&REQUEST_PROPERTY_OPTIONAL_NEW),
            (Direction::Response, true) => Some(&RESPONSE_PROPERTY_REQUIRED_NEW),
            (Direction::Response, false) => Some(&RESPONSE_PROPERTY_OPTIONAL_NEW),
        };
        if let Some(rule) = rule {
            self.rule(rule, &ctx.what(&new.at), (&a.home, &new.at), &"", &"");
        }
        // The schema for unlisted properties applied to this one.
        if let Some(old) = &a.additional {
            self.compare(old, new, ctx);
        }
    }

    fn went(&mut self, name: &'v str, old: &Node<'v>, a: &View<'v>, b: &View<'v>, ctx: &Context) {
        let was = self.property(false, a.required.contains(&name), old, ctx);
        if was.hidden {
            return;
        }
        let rule = match (ctx.direction, was.required) {
            (_, true) if b.required.contains(&name) => None,
            (_, false) if b.required.contains(&name) => {
                let is = Property { required: true, ..was };
                let undeclared = View::anything(b.at.key("properties").key(name));
                self.requiredness(&is, (&View::anything(old.at.clone()), &undeclared), ctx);
                None
            }
            (Direction::Request, _) if ctx.exact && !(b.closed && b.additional.is_none()) => None,
            (Direction::Request, _) if b.closed && b.additional.is_none() => Some(&REQUEST_PROPERTY_REFUSED),
            (Direction::Request, _) => Some(&REQUEST_PROPERTY_REMOVED),
            (Direction::Response, true) => Some(&RESPONSE_PROPERTY_REMOVED),
            (Direction::Response, false) => Some(&RESPONSE_PROPERTY_OPTIONAL_REMOVED),
        };
        if let Some(rule) = rule {
            self.rule(rule, &ctx.what(&old.at), (&old.at, &b.home), &"", &"");
        }
        if let Some(new) = &b.additional {
            self.compare(old, new, ctx);
        }
    }

    /// Names that are required but not described, and unlisted properties.
    fn unlisted(&mut self, a: &View<'v>, b: &View<'v>, ctx: &Context) {
        let described = |name: &str| a.property(name).is_some() || b.property(name).is_some();
        let moved = |from: &View<'v>, to: &View<'v>| -> Vec<&'v str> {
            to.required
                .iter()
                .filter(|name| !from.required.contains(name) && !described(name))
                .copied()
                .collect()
        };
        for (names, shape) in [(moved(a, b), &BECAME_REQUIRED), (moved(b, a), &BECAME_OPTIONAL)] {
            for name in names {
                let at = |view: &View<'v>| View::anything(view.at.key("properties").key(name));
                self.shape(&ctx.inner(), shape, "", (&at(a), &at(b)), &"", &"");
            }
        }
        match (a.closed, b.closed) {
            (false, true) => self.shape(ctx, &CLOSED, "additionalProperties", (a, b), &"", &""),
            (true, false) if ctx.exact && ctx.direction == Direction::Response => {
                self.weigh(Level::Breaking);
            }
            (true, false) => self.shape(ctx, &OPENED, "additionalProperties", (a, b), &"", &""),
            (true, true) => {}
            (false, false) => self.held(a.additional.as_ref(), b.additional.as_ref(), a, b, &ctx.inner()),
        }
    }

    fn dependent(&mut self, a: &View<'v>, b: &View<'v>, ctx: &Context) {
        let names = |view: &View<'v>, name: &str| -> Vec<&'v Value> {
            let found = view.dependent.iter().filter(|(n, _)| *n == name);
            found.flat_map(|(_, list)| list.as_array().into_iter().flatten()).collect()
        };
        let required = |view: &View<'v>, name: &Value| view.required.iter().any(|known| *known == name);
        for (name, _) in &b.dependent {
            let (old, new) = (names(a, name), names(b, name));
            let added: Vec<&Value> =
                new.into_iter().filter(|v| !old.contains(v) && !required(a, v)).collect();
            if !added.is_empty() {
                self.shape(ctx, &DEPENDENT_ADDED, "dependentRequired", (a, b), name, &list(&added));
            }
        }
        for (name, _) in &a.dependent {
            let (old, new) = (names(a, name), names(b, name));
            let gone: Vec<&Value> = old.into_iter().filter(|v| !new.contains(v) && !required(b, v)).collect();
            if !gone.is_empty() {
                self.shape(ctx, &DEPENDENT_REMOVED, "dependentRequired", (a, b), name, &list(&gone));
            }
        }
    }
}
