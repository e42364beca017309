//! How much of the cluster is silent. When all of it is, the fault is more likely here than there, and
//! nothing is evicted.

use std::collections::BTreeMap;

/// How much of the cluster is not ready.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Level {
    /// Little.
    #[default]
    Normal,
    /// So much that no further node is emptied.
    Partial,
    /// All: no node is emptied.
    Full,
}

/// From this share of nodes that are not ready, in hundredths, and at least three of them.
const PARTIAL_PERCENT: usize = 55;
const PARTIAL_NODES: usize = 3;
/// A large cluster is emptied further, though slowly.
const LARGE: usize = 50;

/// The readiness of all nodes that said something about it.
#[derive(Debug, Default)]
pub(super) struct Disruption {
    ready: BTreeMap<String, bool>,
    silent: usize,
    level: Level,
}

impl Disruption {
    /// Takes note of the word of a node; an empty one means none. Says whether the level became another one.
    pub(super) fn saw(&mut self, node: &str, readiness: &str) -> bool {
        let before = if readiness.is_empty() {
            self.ready.remove(node)
        } else {
            self.ready.insert(node.to_owned(), readiness == "True")
        };
        self.silent -= usize::from(before == Some(false));
        self.silent += usize::from(!readiness.is_empty() && readiness != "True");
        let level = self.judge();
        std::mem::replace(&mut self.level, level) != level
    }

    pub(super) fn level(&self) -> Level {
        self.level
    }

    fn judge(&self) -> Level {
        let all = self.ready.len();
        if all > 0 && self.silent == all {
            Level::Full
        } else if self.silent >= PARTIAL_NODES && self.silent * 100 >= all * PARTIAL_PERCENT && all <= LARGE {
            Level::Partial
        } else {
            Level::Normal
        }
    }
}
