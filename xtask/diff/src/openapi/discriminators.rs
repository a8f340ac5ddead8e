//! Discriminators: which property chooses the alternative, and by which names.

use super::context::Context;
use super::document::name_of;
use super::engine::Engine;
use super::node::Node;
use super::rules::*;
use super::schema::View;
use super::values::show;
use serde_json::{Value, json};
use std::collections::BTreeMap;

impl<'v> Engine<'v> {
    pub(super) fn discriminators(&mut self, a: &View<'v>, b: &View<'v>, ctx: &Context) {
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
        let (before, after) = (names_of_alternatives(a, old), names_of_alternatives(b, new));
        let count = |view: &View<'v>| view.unions.first().map_or(0, |union| union.branches.len());
        // Without a mapping, an alternative's name comes and goes with it.
        let told = |explicit: bool| explicit || count(a) == count(b);
        for (name, (target, explicit)) in &after {
            match before.get(name) {
                None if told(*explicit) => {
                    self.shape(ctx, &MAPPING_ADDED, "discriminator", (a, b), &"", name);
                }
                Some((was, _)) if was != target => {
                    let (was, now) = (format!("{} by {name}", show(&json!(was))), show(&json!(target)));
                    self.shape(ctx, &MAPPING_CHANGED, "discriminator", (a, b), &was, &now);
                }
                _ => {}
            }
        }
        for (name, _) in
            before.iter().filter(|(name, (_, explicit))| told(*explicit) && !after.contains_key(*name))
        {
            self.shape(ctx, &MAPPING_REMOVED, "discriminator", (a, b), name, &"");
        }
    }
}

/// The alternatives' names for a discriminator: what they refer to, and whether its mapping says so. Without
/// a mapping the name is the schema's (OpenAPI 3.1.0, Discriminator Object).
fn names_of_alternatives<'v>(view: &View<'v>, discriminator: &'v Value) -> BTreeMap<String, (String, bool)> {
    let mapping = discriminator.get("mapping").and_then(Value::as_object).into_iter().flatten();
    let full = |target: &str| match target.contains(['/', '#', '.']) {
        true => target.to_string(),
        false => format!("#/components/schemas/{target}"),
    };
    let mut names: BTreeMap<String, (String, bool)> =
        mapping.filter_map(|(name, target)| Some((name.clone(), (full(target.as_str()?), true)))).collect();
    for reference in view.unions.iter().flat_map(|union| &union.branches).filter_map(Node::reference) {
        if !names.values().any(|(target, _)| target == reference) {
            names.insert(name_of(reference), (reference.to_string(), false));
        }
    }
    names
}
