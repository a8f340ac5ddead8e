//! The state of a comparison: the differences found and their operations, the pairs of schemas already
//! compared, and trial runs, which only measure how severe a difference is.

use super::context::{Context, Direction};
use super::document::{At, Document, Lost};
use super::node::Node;
use super::rules::{Rule, Shape};
use super::schema::View;
use super::texts::Texts;
use super::unchanged::Unchanged;
use crate::finding::Level;
use std::collections::{BTreeMap, HashMap};
use std::fmt::Display;

/// A difference that a client can notice.
#[derive(Clone, Debug)]
pub struct Change {
    pub id: String,
    pub level: Level,
    pub message: String,
    /// JSON pointers into both documents. For something missing, the pointer to its parent.
    pub old: String,
    pub new: String,
    /// `POST /runs/wait`; empty if the change concerns the whole document.
    pub operations: Vec<String>,
}

/// The differences found in an operation or a pair of schemas, and the pairs that it uses.
#[derive(Default)]
struct Group {
    operation: Option<String>,
    changes: Vec<Change>,
    used_by: Vec<usize>,
}

type Pair = (Vec<usize>, Vec<usize>, u8);

pub(super) struct Engine<'v> {
    pub old: Document<'v>,
    pub new: Document<'v>,
    /// `2026-11-21`
    pub today: &'v str,
    pub unchanged: Unchanged,
    groups: Vec<Group>,
    current: usize,
    met: BTreeMap<Pair, usize>,
    waiting: Vec<(usize, Node<'v>, Node<'v>, Context)>,
    pub lost_old: Vec<(Lost, At<'v>)>,
    pub lost_new: Vec<(Lost, At<'v>)>,
    weighed: BTreeMap<Pair, Option<Level>>,
    pub texts: Texts,
    /// The weight of pairs without references, by their texts.
    written: HashMap<Pair, Option<Level>>,
    /// Whether a value of an alternative may be sent, by the texts of the whole and the alternative.
    pub sent: HashMap<(Vec<usize>, Vec<usize>), bool>,
    trail: Vec<Pair>,
    depth: usize,
    /// Whether a trial run met a schema that is too deep.
    cut: bool,
    worst: Option<Level>,
    /// How many more pairs of schemas may be compared: without a limit, some documents would take hours.
    pub fuel: usize,
    pub exhausted: bool,
}

const FUEL: usize = 2_000_000;
/// How deep a trial run descends; deeper schemas count as different.
const DEPTH: usize = 120;

impl<'v> Engine<'v> {
    pub(super) fn new(old: Document<'v>, new: Document<'v>, today: &'v str) -> Engine<'v> {
        Engine {
            unchanged: Unchanged::between(&old, &new),
            old,
            new,
            today,
            groups: vec![Group::default()],
            current: 0,
            met: BTreeMap::new(),
            waiting: Vec::new(),
            lost_old: Vec::new(),
            lost_new: Vec::new(),
            weighed: BTreeMap::new(),
            texts: Texts::default(),
            written: HashMap::new(),
            sent: HashMap::new(),
            trail: Vec::new(),
            depth: 0,
            cut: false,
            worst: None,
            fuel: FUEL,
            exhausted: false,
        }
    }

    /// The following differences belong to this operation.
    pub(super) fn begin(&mut self, operation: String) {
        self.groups.push(Group { operation: Some(operation), ..Group::default() });
        self.current = self.groups.len() - 1;
    }

    /// The following differences belong to no single operation.
    pub(super) fn whole_document(&mut self) {
        self.current = 0;
    }

    pub(super) fn shape(
        &mut self,
        ctx: &Context,
        shape: &Shape,
        keyword: &str,
        (old, new): (&View, &View),
        from: &dyn Display,
        to: &dyn Display,
    ) {
        let level = if ctx.direction == Direction::Request { shape.request } else { shape.response };
        if self.weigh(level) {
            return;
        }
        let id = format!("{}-{}", ctx.prefix(), shape.id.replace("{keyword}", &kebab(keyword)));
        let what = ctx.what(&new.at);
        self.push(id, level, fill(shape.says, &what, from, to), old.place(keyword), new.place(keyword));
    }

    pub(super) fn rule(
        &mut self,
        rule: &Rule,
        what: &str,
        places: (&At, &At),
        from: &dyn Display,
        to: &dyn Display,
    ) {
        if !self.weigh(rule.level) {
            self.push(
                rule.id.to_string(),
                rule.level,
                fill(rule.says, what, from, to),
                places.0.pointer(),
                places.1.pointer(),
            );
        }
    }

    /// Records a difference whose id is built from parts.
    pub(super) fn custom(&mut self, id: String, level: Level, message: String, places: (String, String)) {
        if !self.weigh(level) {
            self.push(id, level, message, places.0, places.1);
        }
    }

    fn push(&mut self, id: String, level: Level, message: String, old: String, new: String) {
        let group = &mut self.groups[self.current];
        if !group.changes.iter().any(|c| c.id == id && c.new == new && c.old == old && c.message == message) {
            group.changes.push(Change { id, level, message, old, new, operations: Vec::new() });
        }
    }

    /// Records a difference. In a trial run only its level is kept.
    pub(super) fn weigh(&mut self, level: Level) -> bool {
        if self.depth > 0 {
            self.worst = self.worst.max(Some(level));
        }
        self.depth > 0
    }

    /// Compares two schemas. Targets of references are queued, so that recursion is bounded and each pair is
    /// compared once.
    pub(super) fn compare(&mut self, old: &Node<'v>, new: &Node<'v>, ctx: &Context) {
        if !self.is_unchanged(old, new) {
            self.compare_changed(old, new, ctx);
        }
    }

    /// The same for schemas that are known not to be written identically.
    pub(super) fn compare_changed(&mut self, old: &Node<'v>, new: &Node<'v>, ctx: &Context) {
        if self.fuel == 0 {
            self.exhausted = true;
            self.worst = Some(Level::Breaking);
            return;
        }
        self.fuel -= 1;
        if self.depth > 0 {
            return self.weigh_written(old, new, ctx);
        }
        let Some(pair) = self.pair(old, new, ctx) else { return self.walk(old, new, ctx) };
        let group = *self.met.entry(pair).or_insert_with(|| {
            self.groups.push(Group::default());
            self.waiting.push((self.groups.len() - 1, old.clone(), new.clone(), ctx.clone()));
            self.groups.len() - 1
        });
        self.groups[group].used_by.push(self.current);
    }

    /// Whether both are written identically and have the same alternatives chosen.
    pub(super) fn is_unchanged(&self, old: &Node<'v>, new: &Node<'v>) -> bool {
        old.only == new.only
            && old.raws.len() == new.raws.len()
            && old
                .raws
                .iter()
                .zip(&new.raws)
                .all(|(a, b)| a.same_reading(b) && self.unchanged.is(a.value, b.value))
    }

    pub(super) fn finish_waiting(&mut self) {
        while let Some((group, old, new, ctx)) = self.waiting.pop() {
            self.current = group;
            self.walk(&old, &new, &ctx);
        }
    }

    fn pair(&self, old: &Node<'v>, new: &Node<'v>, ctx: &Context) -> Option<Pair> {
        let (a, b) = (old.identity(&self.old), new.identity(&self.new));
        if a.is_none() && b.is_none() {
            return None;
        }
        let written = |node: &Node| {
            let parts = node.raws.iter().map(|raw| std::ptr::from_ref(raw.value) as usize * 16);
            parts.chain([node.only.bits()]).collect()
        };
        Some((a.unwrap_or_else(|| written(old)), b.unwrap_or_else(|| written(new)), ctx.tag()))
    }

    /// The most severe difference between two schemas. None if they mean the same.
    pub(super) fn weight(&mut self, old: &Node<'v>, new: &Node<'v>, ctx: &Context) -> Option<Level> {
        self.trial(|engine| engine.compare(old, new, ctx))
    }

    /// Whether differences are only weighed.
    pub(super) fn is_trial(&self) -> bool {
        self.depth > 0
    }

    /// The most severe difference that a comparison finds, without recording any.
    pub(super) fn trial(&mut self, run: impl FnOnce(&mut Self)) -> Option<Level> {
        self.depth += 1;
        let weight = self.aside(run);
        self.depth -= 1;
        if self.depth == 0 {
            // Pairs that were met again during the comparison were assumed equal. If they turned out to
            // differ, results that depended on that are discarded.
            for pair in self.trail.drain(..) {
                if weight.is_some() && self.weighed.get(&pair) != Some(&Some(Level::Breaking)) {
                    self.weighed.remove(&pair);
                }
            }
        }
        weight
    }

    /// Weighs texts without references once, wherever they are: nested alternatives often repeat, and each
    /// pair of them compares all pairs within.
    fn weigh_written(&mut self, old: &Node<'v>, new: &Node<'v>, ctx: &Context) {
        if self.worst == Some(Level::Breaking) {
            return;
        }
        let texts = match (self.texts.of(old), self.texts.of(new)) {
            (Some(a), Some(b)) if !ctx.repeats => (a, b, ctx.tag()),
            _ => return self.weigh_pair(old, new, ctx),
        };
        let known = self.written.get(&texts).copied();
        let weight = known.unwrap_or_else(|| {
            let cut = std::mem::replace(&mut self.cut, false);
            let weight = self.aside(|engine| engine.weigh_pair(old, new, ctx));
            // At a place that is less deep, the weight may be another one.
            if !self.cut {
                self.written.insert(texts, weight);
            }
            self.cut |= cut;
            weight
        });
        self.worst = self.worst.max(weight);
    }

    /// What this adds to a trial run, without adding it.
    pub(super) fn aside(&mut self, run: impl FnOnce(&mut Self)) -> Option<Level> {
        let outer = self.worst.take();
        run(self);
        std::mem::replace(&mut self.worst, outer)
    }

    fn weigh_pair(&mut self, old: &Node<'v>, new: &Node<'v>, ctx: &Context) {
        let pair = self.pair(old, new, ctx);
        if let Some(known) = pair.as_ref().and_then(|pair| self.weighed.get(pair)) {
            self.worst = self.worst.max(*known);
            return;
        }
        if self.depth > DEPTH {
            self.cut = true;
            self.worst = self.worst.max(Some(Level::Warning));
            return;
        }
        if let Some(pair) = &pair {
            self.weighed.insert(pair.clone(), None);
        }
        self.depth += 1;
        let weight = self.aside(|engine| engine.walk(old, new, ctx));
        self.depth -= 1;
        self.worst = self.worst.max(weight);
        if let Some(pair) = pair {
            self.weighed.insert(pair.clone(), weight);
            self.trail.push(pair);
        }
    }

    /// All changes, each with its operations; identical changes at the same places are merged.
    pub(super) fn changes(mut self) -> Vec<Change> {
        let mut all: Vec<(Change, Vec<usize>)> = Vec::new();
        for index in 0..self.groups.len() {
            for change in std::mem::take(&mut self.groups[index].changes) {
                let same = |c: &Change| {
                    c.new == change.new
                        && c.old == change.old
                        && c.id == change.id
                        && c.message == change.message
                };
                match all.iter_mut().find(|(c, _)| same(c)) {
                    Some((_, groups)) => groups.push(index),
                    None => all.push((change, vec![index])),
                }
            }
        }
        // Most changes of one schema belong to the same groups.
        let mut known = BTreeMap::new();
        let with_operations = |(change, groups): (Change, Vec<usize>)| {
            let operations = known.entry(groups).or_insert_with_key(|groups| self.operations(groups.clone()));
            Change { operations: operations.clone(), ..change }
        };
        all.into_iter().map(with_operations).collect()
    }

    /// The operations that use one of the groups, sorted by path.
    fn operations(&self, groups: Vec<usize>) -> Vec<String> {
        let mut seen = vec![false; self.groups.len()];
        let (mut todo, mut used) = (groups, Vec::new());
        while let Some(index) = todo.pop() {
            if !std::mem::replace(&mut seen[index], true) {
                used.push(index);
                todo.extend(&self.groups[index].used_by);
            }
        }
        used.sort_unstable();
        let labels = used.into_iter().filter_map(|index| self.groups[index].operation.clone());
        let mut labels: Vec<String> = labels.collect();
        // The expressions of one callback have the same label.
        labels.dedup();
        labels
    }
}

/// `propertyNames` in the ids' spelling.
pub(super) fn kebab(word: &str) -> String {
    word.chars().flat_map(|c| c.is_uppercase().then_some('-').into_iter().chain(c.to_lowercase())).collect()
}

pub(super) fn fill(says: &str, what: &str, from: &dyn Display, to: &dyn Display) -> String {
    let mut text = String::new();
    let mut rest = says;
    while let Some((before, tail)) = rest.split_once('{') {
        text.push_str(before);
        let (word, tail) = tail.split_once('}').unwrap_or((tail, ""));
        match word {
            "what" => text.push_str(what),
            "old" => text.push_str(&from.to_string()),
            _ => text.push_str(&to.to_string()),
        }
        rest = tail;
    }
    text + rest
}
