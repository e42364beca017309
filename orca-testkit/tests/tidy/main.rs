//! House rules that no compiler checks: layers, dependencies, sizes, names and leftovers, over the whole workspace.

mod circles;
mod conformance;
mod dependencies;
mod documents;
mod invariants;
mod layers;
mod planted;
mod sources;
mod words;
mod workspace;
