//! A tree of segments. It holds patterns and is asked with a topic, or holds topics and is asked
//! with a pattern. Every walk keeps its own stack and enters each place once, so that the cost of
//! a question is bounded by the size of the tree, and the depth by `LEVELS_MAX`.

use super::topic::{LEVELS_MAX, ONE, REST};
use std::collections::BTreeMap;

/// Index of a place. The root is 0 and always there.
type Place = u32;
const ROOT: Place = 0;

/// Values at the ends of dotted paths.
#[derive(Debug)]
pub(super) struct Trie<V> {
    nodes: Vec<Node<V>>,
    free: Vec<Place>,
}

/// Ordered maps instead of hashed ones: peers choose the segments, and could make them collide.
#[derive(Debug)]
struct Node<V> {
    literals: BTreeMap<Box<str>, Place>,
    one: Option<Place>,
    rest: Option<Place>,
    values: Vec<V>,
}

impl<V> Node<V> {
    const fn new() -> Self {
        Self { literals: BTreeMap::new(), one: None, rest: None, values: Vec::new() }
    }

    fn is_empty(&self) -> bool {
        self.values.is_empty()
            && self.literals.is_empty()
            && self.one.is_none()
            && self.rest.is_none()
    }

    fn child(&self, segment: &str) -> Option<Place> {
        match segment {
            ONE => self.one,
            REST => self.rest,
            _ => self.literals.get(segment).copied(),
        }
    }
}

/// The working memory of questions, kept between them, and their cost.
#[derive(Debug, Default)]
pub(super) struct Walk {
    /// Places to enter, each with the offset of the segment that its children are asked for.
    stack: Vec<(Place, usize)>,
    /// Places entered so far.
    pub(super) visited: u64,
}

impl<V> Default for Trie<V> {
    fn default() -> Self {
        Self { nodes: vec![Node::new()], free: Vec::new() }
    }
}

impl<V> Trie<V> {
    /// Adds a value at the end of `path` and says which position it has in the list there.
    pub(super) fn insert(&mut self, path: &str, value: V) -> usize {
        let mut place = ROOT;
        for segment in path.split('.') {
            place = match self.node(place).child(segment) {
                Some(child) => child,
                None => self.add_child(place, segment),
            };
        }
        let values = &mut self.nodes[place as usize].values;
        values.push(value);
        values.len() - 1
    }

    /// Removes the value at `position` at the end of `path`. The last value there takes its
    /// position and is returned, unless it was the one removed.
    pub(super) fn remove(&mut self, path: &str, position: usize) -> Option<V>
    where
        V: Copy,
    {
        let end = self.find(path)?;
        let values = &mut self.nodes[end as usize].values;
        values.swap_remove(position);
        let moved = values.get(position).copied();
        self.prune(path);
        moved
    }

    /// The value that stands alone at the end of `path`.
    pub(super) fn single_mut(&mut self, path: &str) -> Option<&mut V> {
        let end = self.find(path)?;
        self.nodes[end as usize].values.first_mut()
    }

    /// Takes out the value that stands alone at the end of `path`.
    pub(super) fn take_single(&mut self, path: &str) -> Option<V> {
        let end = self.find(path)?;
        let value = self.nodes[end as usize].values.pop();
        self.prune(path);
        value
    }

    /// Asks a tree of patterns which values a topic fits.
    pub(super) fn for_topic(&self, topic: &str, walk: &mut Walk, mut found: impl FnMut(&V)) {
        walk.stack.push((ROOT, 0));
        while let Some((place, offset)) = walk.stack.pop() {
            walk.visited += 1;
            let node = self.node(place);
            let Some((segment, next)) = segment_at(topic, offset) else {
                node.values.iter().for_each(&mut found);
                continue;
            };
            if let Some(rest) = node.rest {
                walk.visited += 1;
                self.node(rest).values.iter().for_each(&mut found);
            }
            walk.stack.extend(node.one.map(|child| (child, next)));
            walk.stack.extend(node.literals.get(segment).map(|child| (*child, next)));
        }
    }

    /// Asks a tree of topics which values a pattern fits.
    pub(super) fn for_pattern(&self, pattern: &str, walk: &mut Walk, mut found: impl FnMut(&V)) {
        // An offset that no pattern reaches: below here everything fits.
        const ALL: usize = usize::MAX;
        walk.stack.push((ROOT, 0));
        while let Some((place, offset)) = walk.stack.pop() {
            walk.visited += 1;
            let node = self.node(place);
            let children = node.literals.values().rev();
            if offset == ALL {
                node.values.iter().for_each(&mut found);
                walk.stack.extend(children.map(|child| (*child, ALL)));
                continue;
            }
            match segment_at(pattern, offset) {
                None => node.values.iter().for_each(&mut found),
                Some((REST, _)) => walk.stack.extend(children.map(|child| (*child, ALL))),
                Some((ONE, next)) => walk.stack.extend(children.map(|child| (*child, next))),
                Some((segment, next)) => {
                    walk.stack.extend(node.literals.get(segment).map(|child| (*child, next)));
                }
            }
        }
    }

    /// Places in use, the root among them.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.nodes.len() - self.free.len()
    }

    fn node(&self, place: Place) -> &Node<V> {
        &self.nodes[place as usize]
    }

    fn find(&self, path: &str) -> Option<Place> {
        path.split('.').try_fold(ROOT, |place, segment| self.node(place).child(segment))
    }

    fn add_child(&mut self, parent: Place, segment: &str) -> Place {
        let child = self.free.pop().unwrap_or_else(|| {
            self.nodes.push(Node::new());
            Place::try_from(self.nodes.len() - 1)
                .expect("the limits of the broker keep the tree below 2^32 places")
        });
        let node = &mut self.nodes[parent as usize];
        match segment {
            ONE => node.one = Some(child),
            REST => node.rest = Some(child),
            _ => {
                node.literals.insert(segment.into(), child);
            }
        }
        child
    }

    /// Frees the places at the end of `path` that hold nothing any more.
    fn prune(&mut self, path: &str) {
        let mut trail = [ROOT; LEVELS_MAX];
        let mut place = ROOT;
        let mut depth = 0;
        for (parent, segment) in trail.iter_mut().zip(path.split('.')) {
            *parent = place;
            let Some(child) = self.node(place).child(segment) else { return };
            place = child;
            depth += 1;
        }
        for (parent, segment) in trail.iter().take(depth).rev().zip(path.rsplit('.')) {
            if !self.node(place).is_empty() {
                return;
            }
            let node = &mut self.nodes[*parent as usize];
            match segment {
                ONE => node.one = None,
                REST => node.rest = None,
                _ => {
                    node.literals.remove(segment);
                }
            }
            self.nodes[place as usize] = Node::new();
            self.free.push(place);
            place = *parent;
        }
    }
}

/// The segment that starts at `offset`, and the offset of the one after it; nothing at the end.
fn segment_at(text: &str, offset: usize) -> Option<(&str, usize)> {
    let rest = text.get(offset..)?;
    let segment = rest.split('.').next()?;
    // Past the last segment the offset is one past the end, where `get` finds nothing.
    Some((segment, offset + segment.len() + 1))
}
