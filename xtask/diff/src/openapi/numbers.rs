//! Numeric limits: bounds, `multipleOf`, lengths and counts.

use super::context::{Context, Direction};
use super::engine::Engine;
use super::rules::*;
use super::schema::View;
use super::types::Types;
use super::values::{Bound, Count, Number};

/// The rules of one kind of count. If there is no rule for setting or removing a minimum, the change counts
/// as one from or to 0.
struct Counted {
    least: &'static str,
    most: &'static str,
    least_set: &'static Shape,
    least_unset: &'static Shape,
    increased: &'static Shape,
    decreased: &'static Shape,
    most_set: &'static Shape,
    most_unset: &'static Shape,
    most_increased: &'static Shape,
    most_decreased: &'static Shape,
}

const LENGTH: Counted = Counted {
    least: "minLength",
    most: "maxLength",
    least_set: &MIN_LENGTH_INCREASED,
    least_unset: &MIN_LENGTH_DECREASED,
    increased: &MIN_LENGTH_INCREASED,
    decreased: &MIN_LENGTH_DECREASED,
    most_set: &MAX_LENGTH_SET,
    most_unset: &MAX_LENGTH_UNSET,
    most_increased: &MAX_LENGTH_INCREASED,
    most_decreased: &MAX_LENGTH_DECREASED,
};

const ITEMS: Counted = Counted {
    least: "minItems",
    most: "maxItems",
    least_set: &MIN_ITEMS_SET,
    least_unset: &MIN_ITEMS_UNSET,
    increased: &MIN_ITEMS_INCREASED,
    decreased: &MIN_ITEMS_DECREASED,
    most_set: &MAX_ITEMS_SET,
    most_unset: &MAX_ITEMS_UNSET,
    most_increased: &MAX_ITEMS_INCREASED,
    most_decreased: &MAX_ITEMS_DECREASED,
};

const PROPERTIES: Counted = Counted {
    least: "minProperties",
    most: "maxProperties",
    least_set: &MIN_PROPERTIES_INCREASED,
    least_unset: &MIN_PROPERTIES_DECREASED,
    increased: &MIN_PROPERTIES_INCREASED,
    decreased: &MIN_PROPERTIES_DECREASED,
    most_set: &MAX_PROPERTIES_SET,
    most_unset: &MAX_PROPERTIES_UNSET,
    most_increased: &MAX_PROPERTIES_INCREASED,
    most_decreased: &MAX_PROPERTIES_DECREASED,
};

const CONTAINS: Counted = Counted {
    least: "minContains",
    most: "maxContains",
    least_set: &MIN_CONTAINS_INCREASED,
    least_unset: &MIN_CONTAINS_DECREASED,
    increased: &MIN_CONTAINS_INCREASED,
    decreased: &MIN_CONTAINS_DECREASED,
    most_set: &MAX_CONTAINS_SET,
    most_unset: &MAX_CONTAINS_UNSET,
    most_increased: &MAX_CONTAINS_INCREASED,
    most_decreased: &MAX_CONTAINS_DECREASED,
};

/// One end of a range: its rules for set, unset, increased and decreased, and the keyword.
type End = ([&'static Shape; 4], &'static str);

const LEAST: End = ([&MIN_SET, &MIN_UNSET, &MIN_INCREASED, &MIN_DECREASED], "minimum");
const ABOVE: End = ([&ABOVE_SET, &ABOVE_UNSET, &ABOVE_INCREASED, &ABOVE_DECREASED], "exclusiveMinimum");
const MOST: End = ([&MAX_SET, &MAX_UNSET, &MAX_INCREASED, &MAX_DECREASED], "maximum");
const BELOW: End = ([&BELOW_SET, &BELOW_UNSET, &BELOW_INCREASED, &BELOW_DECREASED], "exclusiveMaximum");

impl<'v> Engine<'v> {
    pub(super) fn numbers(&mut self, a: &View<'v>, b: &View<'v>, ctx: &Context) {
        self.bound((a.least, b.least), [LEAST, ABOVE], 1, (a, b), ctx);
        self.bound((a.most, b.most), [MOST, BELOW], -1, (a, b), ctx);
        let whole = |view: &View, n: &Number| *n == Number::Whole(1) && !view.types.has(Types::NUMBER);
        match (a.multiple.filter(|n| !whole(a, n)), b.multiple.filter(|n| !whole(b, n))) {
            (None, Some(new)) => self.shape(ctx, &MULTIPLE_SET, "multipleOf", (a, b), &"", &new),
            (Some(old), None) => self.shape(ctx, &MULTIPLE_UNSET, "multipleOf", (a, b), &old, &""),
            (Some(old), Some(new)) if old != new => {
                // oasdiff has the id for narrowing only for responses, and the id for widening only for
                // requests.
                let shape = match ctx.direction {
                    Direction::Request if old.is_multiple_of(new) => &MULTIPLE_GENERALIZED,
                    Direction::Response if new.is_multiple_of(old) => &MULTIPLE_SPECIALIZED,
                    _ => &MULTIPLE_CHANGED,
                };
                self.shape(ctx, shape, "multipleOf", (a, b), &old, &new);
            }
            _ => {}
        }
    }

    /// `step`: the direction to the inside of the range, 1 or -1.
    fn bound(
        &mut self,
        bounds: (Option<Bound>, Option<Bound>),
        ends: [End; 2],
        step: i128,
        views: (&View<'v>, &View<'v>),
        ctx: &Context,
    ) {
        let (a, b) = views;
        let integers = |view: &View| !view.types.meets(!(Types::INTEGER | Types::NULL) & Types::NUMBER);
        let whole = integers(a) && integers(b);
        let normal =
            |bound: Option<Bound>| bound.map(|bound| if whole { bound.of_integers(step) } else { bound });
        let (old, new) = (normal(bounds.0), normal(bounds.1));
        let exclusive = bounds.1.or(bounds.0).is_some_and(|bound| bound.exclusive);
        let ([set, unset, up, down], keyword) = ends[usize::from(exclusive)];
        let shape = match (old, new) {
            (None, Some(_)) => set,
            (Some(_), None) => unset,
            (Some(old), Some(new)) if old != new => {
                let further = if step > 0 { new.value > old.value } else { new.value < old.value };
                let inward = further || (new.value == old.value && new.exclusive);
                if inward == (step > 0) { up } else { down }
            }
            _ => return,
        };
        // The message shows the values as written.
        let both = bounds.0.is_some() && bounds.1.is_some();
        let text = |bound: Option<Bound>| match bound {
            Some(bound) if both => bound.told(step),
            Some(bound) => bound.value.to_string(),
            None => String::new(),
        };
        self.shape(ctx, shape, keyword, (a, b), &text(bounds.0), &text(bounds.1));
    }

    pub(super) fn lengths(&mut self, a: &View<'v>, b: &View<'v>, ctx: &Context) {
        self.count(&LENGTH, a.length, b.length, (a, b), ctx);
    }
    pub(super) fn item_counts(&mut self, a: &View<'v>, b: &View<'v>, ctx: &Context) {
        self.count(&ITEMS, a.items_count, b.items_count, (a, b), ctx);
        let contains = |view: &View| view.others.iter().any(|(keyword, _)| *keyword == "contains");
        if contains(a) && contains(b) {
            self.count(&CONTAINS, a.contains_count, b.contains_count, (a, b), ctx);
        }
    }
    pub(super) fn property_counts(&mut self, a: &View<'v>, b: &View<'v>, ctx: &Context) {
        self.count(&PROPERTIES, a.properties_count, b.properties_count, (a, b), ctx);
    }

    fn count(
        &mut self,
        rules: &Counted,
        old: Count,
        new: Count,
        (a, b): (&View<'v>, &View<'v>),
        ctx: &Context,
    ) {
        if old.least != new.least {
            let shape = match (old.least, new.least) {
                (0.0, _) => rules.least_set,
                (_, 0.0) => rules.least_unset,
                (old, new) if new > old => rules.increased,
                _ => rules.decreased,
            };
            self.shape(ctx, shape, rules.least, (a, b), &old.least, &new.least);
        }
        match (old.most, new.most) {
            (None, Some(new)) => self.shape(ctx, rules.most_set, rules.most, (a, b), &"", &new),
            (Some(old), None) => self.shape(ctx, rules.most_unset, rules.most, (a, b), &old, &""),
            (Some(old), Some(new)) if new > old => {
                self.shape(ctx, rules.most_increased, rules.most, (a, b), &old, &new)
            }
            (Some(old), Some(new)) if new < old => {
                self.shape(ctx, rules.most_decreased, rules.most, (a, b), &old, &new)
            }
            _ => {}
        }
    }
}
