//! Whole runs in simulated time: a cluster, a cloud, the real controller between them, and faults of servers, processes,
//! clocks and people.
//!
//! ```text
//!  seed ──► plan ──► world: controller, both fakes, faults ──► history ──► check ──► violations
//!            ▲ JSON, shrunk                                       ▲ also from a run of the program
//! ```
//!
//! Each run has its own runtime, whose clock jumps from timer to timer: hours take a fraction of a second, and the same plan
//! gives the same history. The command `orca-sim` runs it.

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
