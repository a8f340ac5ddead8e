//! Alternatives together. Compared one by one, they cannot show everything: `oneOf` refuses what fits two of
//! them, and several may take together what one took before. A value decides.

use super::alternatives::types_of;
use super::context::{Context, Direction};
use super::document::Document;
use super::engine::Engine;
use super::node::Node;
use super::rules::*;
use super::samples::{Samples, Written, samples};
use super::schema::View;
use super::types::Types;
use super::values::show;
use super::witness::{self, OneOf, SEARCH};
use crate::finding::Level;
use serde_json::{Value, json};

/// How deep such schemas are read.
const DEPTH: usize = 8;

/// What trying every kind of value says about a pair of schemas.
enum Decided {
    /// The receiver refuses this one, which the sender may send.
    Refused(Value),
    /// The receiver takes everything.
    Taken(More),
    /// The receiver takes everything but perhaps an object or a list.
    PlainTaken(More),
}

/// What the receiver takes beside that which is sent.
enum More {
    Nothing,
    /// Objects or lists, for which no value was tried.
    Untried,
    Value(Value),
}

impl<'v> Engine<'v> {
    pub(super) fn alternatives(
        &mut self,
        (old, a): (&Node<'v>, &View<'v>),
        (new, b): (&Node<'v>, &View<'v>),
        ctx: &Context,
    ) {
        let request = ctx.direction == Direction::Request;
        let (sender, receiver) = match request {
            true => ((&self.old, old, a), (&self.new, new)),
            false => ((&self.new, new, b), (&self.old, old)),
        };
        let known = samples(&written(&self.old, old, &self.new, new), true);
        let known = known.as_ref();
        let decided = known.filter(|_| !ctx.text).and_then(|known| decide(sender, receiver, known));
        let refused = match decided {
            Some(Decided::Taken(more)) => {
                if self.is_trial() {
                    return self.wider((a, b), &more, ctx);
                }
                let level = self.trial(|engine| engine.one_by_one((old, a), (new, b), ctx));
                return match level {
                    // Only the whole shows that nothing breaks, or that more is taken.
                    Some(Level::Breaking) | None => self.wider((a, b), &more, ctx),
                    _ => self.one_by_one((old, a), (new, b), ctx),
                };
            }
            Some(Decided::PlainTaken(more)) => {
                let whole = self.trial(|engine| engine.undecided((old, a), (new, b), (None, known), ctx));
                if whole == Some(Level::Breaking) {
                    // Only an object or a list breaks, if anything does.
                    self.wider((a, b), &more, ctx);
                    let [old, new] = [old, new].map(|node| node.only(Types::STRUCTURED));
                    let a = View::of(&self.old, &old, &mut Vec::new());
                    let b = View::of(&self.new, &new, &mut Vec::new());
                    return self.undecided((&old, &a), (&new, &b), (None, known), ctx);
                }
                None
            }
            Some(Decided::Refused(value)) => Some((value, true)),
            None => None,
        };
        self.undecided((old, a), (new, b), (refused, known), ctx);
    }

    /// Reports that the receiver takes more than before: other types, or at least this value.
    fn wider(&mut self, (a, b): (&View<'v>, &View<'v>), more: &More, ctx: &Context) {
        let (old, new) = (types_of(&self.old, a, DEPTH), types_of(&self.new, b, DEPTH));
        let request = ctx.direction == Direction::Request;
        let (less, all) = if request { (old, new) } else { (new, old) };
        match more {
            More::Nothing => {}
            _ if less != all && all.has(less) => {
                let shape = if request { &TYPES_WIDENED } else { &TYPES_NARROWED };
                self.shape(ctx, shape, "", (a, b), &old, &new);
            }
            More::Value(value) => {
                let shape = if request { &ANY_OF_ADDED } else { &ANY_OF_REMOVED };
                self.shape(ctx, shape, "", (a, b), &show(value), &show(value));
            }
            More::Untried => {
                self.weigh(Level::Info);
            }
        }
    }

    /// Compares one by one, and looks for a value of which only the whole shows that it is refused.
    fn undecided(
        &mut self,
        (old, a): (&Node<'v>, &View<'v>),
        (new, b): (&Node<'v>, &View<'v>),
        (refused, known): (Option<(Value, bool)>, Option<&Samples>),
        ctx: &Context,
    ) {
        let request = ctx.direction == Direction::Request;
        let mut level = None;
        if self.is_trial() {
            level = self.aside(|engine| engine.one_by_one((old, a), (new, b), ctx));
            level.map(|level| self.weigh(level));
            // Looking for a value is most of the work, and nothing is worse than a break.
            if level == Some(Level::Breaking) {
                return;
            }
        }
        let refused = refused.or_else(|| self.overlapping((old, a), (new, b), known, ctx));
        if !self.is_trial() {
            if refused.is_some() {
                level = self.trial(|engine| engine.one_by_one((old, a), (new, b), ctx));
            }
            self.one_by_one((old, a), (new, b), ctx);
        }
        let Some((value, fits_none)) = refused else {
            let turned = Context { direction: ctx.direction.turned(), ..ctx.clone() };
            let exclusive = witness::has_one_of(&self.old, old) != witness::has_one_of(&self.new, new);
            // Perhaps the sender's `oneOf` is all that refuses a value.
            if exclusive
                && !self.is_trial()
                && self.trial(|engine| engine.one_by_one((old, a), (new, b), ctx)).is_none()
                && let Some((value, false)) = self.overlapping((old, a), (new, b), known, &turned)
            {
                self.wider((a, b), &More::Value(value), ctx);
            }
            return;
        };
        // What is a warning for one alternative (a new value of an enum) is not more for the whole.
        let known = if fits_none { Level::Warning } else { Level::Breaking };
        if level < Some(known) {
            let shape = if request { &ONE_OF_OVERLAPS } else { &ONE_OF_OVERLAPPED };
            let (receiver, accepted) = if request { (&self.new, new) } else { (&self.old, old) };
            let fits_some = witness::fits(receiver, accepted, &value, OneOf::AtLeast) == Some(true);
            let number = if fits_some { "more than one" } else { "none" };
            self.shape(ctx, shape, "oneOf", (a, b), &show(&value), &number);
        }
    }

    /// A value that the sender may send and that the receiver's `oneOf` refuses, and whether it fits none of
    /// the alternatives.
    fn overlapping(
        &mut self,
        (old, a): (&Node<'v>, &View<'v>),
        (new, b): (&Node<'v>, &View<'v>),
        known: Option<&Samples>,
        ctx: &Context,
    ) -> Option<(Value, bool)> {
        let ((sender, sent), (receiver, accepted)) = match ctx.direction {
            Direction::Request => ((&self.old, (old, a)), (&self.new, (new, b))),
            Direction::Response => ((&self.new, (new, b)), (&self.old, (old, a))),
        };
        if self.fuel < SEARCH || !witness::has_one_of(receiver, accepted.0) {
            return None;
        }
        self.fuel -= SEARCH;
        let fits = |value: &Value, one_of| witness::fits(receiver, accepted.0, value, one_of);
        let mut values = witness::candidates_of_both((sender, sent.0), (receiver, accepted.0));
        values.extend(witness::with_strangers(&values).collect::<Vec<_>>());
        match known.filter(|known| known.structured) {
            Some(known) => values.extend(known.values.iter().cloned()),
            None => {
                let known = samples(&written(&self.old, old, &self.new, new), false);
                values.extend(known.into_iter().flat_map(|known| known.values));
            }
        }
        let refused = |value: &Value| {
            fits(value, OneOf::Exactly) == Some(false)
                && witness::fits(sender, sent.0, value, OneOf::Exactly) == Some(true)
                && witness::is_described(sender, sent.0, value)
        };
        let mut found: Vec<Value> = values.into_iter().filter(refused).collect();
        let several = found.iter().position(|value| fits(value, OneOf::AtLeast) == Some(true));
        // An object of a receiver that knows objects may just have properties that are new.
        let known = types_of(receiver, accepted.1, DEPTH) & Types::STRUCTURED;
        let none = |value: &Value| !known.meets(Types::of(value));
        let at = several.or_else(|| found.iter().position(none))?;
        Some((found.swap_remove(at), several.is_none()))
    }
}

/// Decides by trying, if the values stand for all others.
fn decide<'v>(
    (sender, sent, sends): (&Document<'v>, &Node<'v>, &View<'v>),
    (receiver, accepted): (&Document<'v>, &Node<'v>),
    samples: &Samples,
) -> Option<Decided> {
    let types = types_of(sender, sends, DEPTH);
    let (mut more, mut larger, mut all) = (More::Nothing, More::Nothing, true);
    for value in &samples.values {
        let structured = Types::STRUCTURED.meets(Types::of(value));
        if structured && !(samples.structured && all) {
            continue;
        }
        let sent = witness::fits(sender, sent, value, OneOf::Exactly)?;
        let taken = witness::fits(receiver, accepted, value, OneOf::Exactly)?;
        match (sent, taken) {
            // An object may be refused for a property that the sender does not describe.
            (true, false) if structured && *value != json!([]) && *value != json!({}) => all = false,
            (true, false) => return Some(Decided::Refused(value.clone())),
            (false, true) if structured && matches!(larger, More::Nothing) => {
                larger = More::Value(value.clone());
            }
            (false, true) if !structured && matches!(more, More::Nothing) => {
                more = More::Value(value.clone());
            }
            _ => {}
        }
    }
    let known = samples.structured && all;
    if known || !types.meets(Types::STRUCTURED) {
        // What limits objects and lists of the receiver does not matter if none are sent.
        let larger = if known { larger } else { More::Untried };
        return Some(Decided::Taken(if matches!(more, More::Nothing) { larger } else { more }));
    }
    types.meets(!Types::STRUCTURED).then_some(Decided::PlainTaken(more))
}

/// The written schemas of both nodes.
fn written<'a, 'v>(
    old: &'a Document<'v>,
    a: &Node<'v>,
    new: &'a Document<'v>,
    b: &Node<'v>,
) -> Vec<Written<'a, 'v>> {
    let before = a.raws.iter().map(|raw| Written { document: old, schema: raw.value, old: true });
    let after = b.raws.iter().map(|raw| Written { document: new, schema: raw.value, old: false });
    before.chain(after).collect()
}
