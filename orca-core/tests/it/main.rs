//! The domain under texts and objects that nobody meant well: whatever comes in, there is an answer, and a harmless one.
//!
//! Each property is tried with a few hundred cases on every run; `PROPTEST_CASES=100000` tries more.

mod annotations;
mod decisions;
mod documents;
mod edges;
mod fuzz;
mod hostile;
mod observations;
mod quantities;
mod records;
mod resources;
mod support;
mod tags;
