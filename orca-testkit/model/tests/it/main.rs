//! The launch protocol under a model checker: every order of events, within a budget of mishaps, is visited.
//!
//! ```text
//!  runs ──► protocol: which steps there are, and what each leads to
//!             ├─ world       people, the API server, the cloud, the network, time
//!             ├─ controller  two processes: watch, look, send, list, collect
//!             │    └─ judgement   asks production: `lifecycle::decide`, the codec of `records`, the rule of `orphans`
//!             └─ promises    what holds in every state, and what happens in some
//! ```
//!
//! The steps of the controllers are decided by the production code, once for each distinct observation. What the model
//! adds is the world around it, and that is nastier than the real one: single lists may lag behind without end, answers
//! are lost, requests are executed late, processes die between any two steps.
//!
//! What it leaves out: readiness and exit codes, quotas, the pace of launches, leadership (both processes act at all
//! times), the brake and the foreign writer of garbage collection, pods that share nothing but the cloud.

mod controller;
mod judgement;
mod promises;
mod protocol;
mod records;
mod runs;
mod state;
mod time;
mod weakened;
mod weakness;
mod world;
