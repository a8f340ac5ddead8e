//! Alternatives together. Compared one by one, they cannot show everything: `oneOf` refuses what fits two of
//! them, and several may take together what one took before. A value decides.

use super::alternatives::types_of;
use super::context::{Context, Direction};
use super::document::Document;
use super::engine::Engine;
use super::node::Node;
use super::rules::*;
use super::schema::View;
use super::types::Types;
use super::values::{Number, show};
use super::witness::{self, OneOf, SEARCH};
use crate::finding::Level;
use serde_json::{Value, json};

/// How many values are tried for schemas that are decided by trying.
const TRIED: usize = 200;
/// How deep such schemas are read.
const DEPTH: usize = 8;

/// What trying every kind of value says about a pair of schemas.
enum Decided {
    /// The receiver refuses this one, which the sender may send.
    Refused(Value),
    /// The receiver takes everything. `more`: it takes more than what is sent.
    Taken { more: bool },
    /// The receiver takes everything but perhaps an object or a list.
    PlainTaken { more: bool },
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
        let decided = if ctx.text { None } else { decide(sender, receiver) };
        let wider = if request { &TYPES_WIDENED } else { &TYPES_NARROWED };
        let refused = match decided {
            Some(Decided::Taken { more }) => {
                if self.is_trial() {
                    if more {
                        self.weigh(Level::Info);
                    }
                    return;
                }
                let level = self.trial(|engine| engine.one_by_one((old, a), (new, b), ctx));
                return match level {
                    // Only the whole shows that nothing breaks.
                    Some(Level::Breaking) if more => {
                        self.shape(ctx, wider, "", (a, b), &a.types, &b.types);
                    }
                    Some(Level::Breaking) => {}
                    _ => self.one_by_one((old, a), (new, b), ctx),
                };
            }
            Some(Decided::PlainTaken { more }) => {
                let whole = self.trial(|engine| engine.undecided((old, a), (new, b), None, ctx));
                if whole == Some(Level::Breaking) {
                    // Only an object or a list breaks, if anything does.
                    if more {
                        self.shape(ctx, wider, "", (a, b), &a.types, &b.types);
                    }
                    let [old, new] = [old, new].map(|node| node.only(Types::STRUCTURED));
                    let a = View::of(&self.old, &old, &mut Vec::new());
                    let b = View::of(&self.new, &new, &mut Vec::new());
                    return self.undecided((&old, &a), (&new, &b), None, ctx);
                }
                None
            }
            Some(Decided::Refused(value)) => Some((value, true)),
            None => None,
        };
        self.undecided((old, a), (new, b), refused, ctx);
    }

    /// Compares one by one, and looks for a value of which only the whole shows that it is refused.
    fn undecided(
        &mut self,
        (old, a): (&Node<'v>, &View<'v>),
        (new, b): (&Node<'v>, &View<'v>),
        refused: Option<(Value, bool)>,
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
        let refused = refused.or_else(|| self.overlapping((old, a), (new, b), ctx));
        if !self.is_trial() {
            if refused.is_some() {
                level = self.trial(|engine| engine.one_by_one((old, a), (new, b), ctx));
            }
            self.one_by_one((old, a), (new, b), ctx);
        }
        let Some((value, fits_none)) = refused else { return };
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

/// Decides by trying, if only types, lists of values and limits matter: between two neighbouring limits all
/// values are alike. None if something else matters.
fn decide<'v>(
    (sender, sent, sends): (&Document<'v>, &Node<'v>, &View<'v>),
    (receiver, accepted): (&Document<'v>, &Node<'v>),
) -> Option<Decided> {
    let mut kinds = Kinds::default();
    for (document, node) in [(sender, sent), (receiver, accepted)] {
        node.raws.iter().try_for_each(|raw| kinds.read(document, raw.value, DEPTH))?;
    }
    // What limits objects and lists of the receiver does not matter if none are sent.
    let structured = kinds.structured;
    let mut more = false;
    let types = types_of(sender, sends, DEPTH);
    let whole = !structured || !types.meets(Types::STRUCTURED);
    for value in kinds.values() {
        let sent = witness::fits(sender, sent, &value, OneOf::Exactly)?;
        let taken = witness::fits(receiver, accepted, &value, OneOf::Exactly)?;
        if sent && !taken {
            return Some(Decided::Refused(value));
        }
        more |= taken && !sent;
    }
    match whole {
        true => Some(Decided::Taken { more: more || structured }),
        false => types.meets(!Types::STRUCTURED).then_some(Decided::PlainTaken { more }),
    }
}

/// The limits of both schemas.
#[derive(Default)]
struct Kinds {
    listed: Vec<Value>,
    numbers: Vec<Number>,
    lengths: Vec<usize>,
    /// Whether something limits the content of objects or lists: those are not tried then.
    structured: bool,
}

impl Kinds {
    fn read(&mut self, document: &Document, schema: &Value, depth: usize) -> Option<()> {
        let Some(map) = schema.as_object() else { return schema.is_boolean().then_some(()) };
        if depth == 0 || self.listed.len() + self.numbers.len() + self.lengths.len() > TRIED {
            return None;
        }
        for (key, limit) in map {
            match key.as_str() {
                "type" | "nullable" => {}
                "enum" => self.listed.extend(limit.as_array()?.iter().cloned()),
                "const" => self.listed.push(limit.clone()),
                "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" => {
                    self.numbers.extend(Number::of(limit))
                }
                "minLength" | "maxLength" => {
                    let length = limit.as_u64().and_then(|n| usize::try_from(n).ok())?;
                    self.lengths.push(Some(length).filter(|n| *n < 1000)?);
                }
                "anyOf" | "oneOf" | "allOf" if key != "oneOf" || !map.contains_key("discriminator") => {
                    limit.as_array()?.iter().try_for_each(|part| self.read(document, part, depth - 1))?
                }
                "$ref" => {
                    let (target, _) = document.target(limit.as_str()?).ok()?;
                    self.read(document, target, depth - 1)?
                }
                "properties"
                | "required"
                | "additionalProperties"
                | "minProperties"
                | "maxProperties"
                | "items"
                | "minItems"
                | "maxItems"
                | "uniqueItems"
                    if map.contains_key("type") =>
                {
                    self.structured = true
                }
                "title" | "description" | "example" | "examples" | "default" | "deprecated" => {}
                _ => return None,
            }
        }
        Some(())
    }

    fn values(self) -> Vec<Value> {
        let mut all = self.listed;
        all.extend([json!(null), json!(true), json!(false), json!("a")]);
        if !self.structured {
            all.extend([json!([]), json!({})]);
        }
        for number in self.numbers.into_iter().chain([Number::Whole(0)]) {
            all.extend(number.neighbours());
        }
        for length in self.lengths.into_iter().chain([1]) {
            let lengths = [length.saturating_sub(1), length, length + 1];
            // Probably not one of the listed values.
            all.extend(lengths.map(|n| json!("q".repeat(n))));
        }
        all
    }
}
