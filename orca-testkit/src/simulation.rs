//! Whole runs in simulated time: a cluster and a cloud, the real controller between them, and everything that people,
//! processes, servers and clocks do to it.
//!
//! ```text
//!  seed ──► plan ──► world: controller, both fakes, faults ──► history ──► check ──► violations
//!            ▲ JSON, shrunk                                       ▲ also from a run of the program
//! ```
//!
//! It runs on a runtime of its own whose clock jumps from timer to timer, so that hours take a fraction of a second, and
//! the same plan gives the same history.

mod process;

pub mod check;
pub mod coverage;
pub mod history;
pub mod plan;
pub mod planted;
pub mod program;
pub mod trial;
pub mod world;

pub use self::history::History;
pub use self::plan::Plan;
pub use self::process::Process;
