//! What ORCA and kubectl rely on in an API server, as cases that run on the fake and on the real one.
//!
//! The real server is right: the fake is corrected until both pass. All cases use one namespace that is made for the run, each
//! with its own names.

mod caller;
mod concurrency;
mod content;
mod deletion;
mod disruption;
mod listing;
mod patches;
mod pods;
mod printing;
mod watching;
mod workloads;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use caller::Caller;

/// The longest that one case may take.
const LIMIT: Duration = Duration::from_mins(1);

/// An assertion that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The case.
    pub case: &'static str,
    /// What was found instead.
    pub message: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.case, self.message)
    }
}

/// The result of a case: `Err` says what is wrong.
type Outcome = Result<(), String>;
type Running<'c> = Pin<Box<dyn Future<Output = Outcome> + Send + 'c>>;

/// A case.
struct Case {
    name: &'static str,
    run: for<'c> fn(&'c Caller) -> Running<'c>,
}

/// Names functions as cases.
macro_rules! cases {
    ($($module:ident::{$($name:ident),* $(,)?};)*) => {
        &[$($(Case { name: stringify!($name), run: |caller| Box::pin($module::$name(caller)) }),*),*]
    };
}

const CASES: &[Case] = cases! {
    concurrency::{stale_writes_conflict, versions_grow, nothing_changed_writes_nothing, leases_are_renewed, names_are_taken_once};
    watching::{nothing_is_missed, selectors_have_transitions, initial_events_end_with_a_bookmark};
    listing::{pages_are_complete, selectors_select};
    deletion::{pods_end_gracefully, preconditions_hold, finalizers_keep, collections_are_deleted, deletion_of_other_kinds_is_reported, dry_runs_change_nothing};
    pods::{bare_pods_get_defaults, pods_have_resources_as_a_whole, status_is_separate, generation_counts, binding_happens_once, eviction_deletes, new_nodes_are_tainted, accounts_must_exist, what_was_added_survives_a_client_that_leaves_it_out};
    patches::{three_patches_agree, lists_merge_by_key, failed_tests_refuse, apply_owns_fields};
    disruption::{gates_keep_the_scheduler_away, budgets_answer_evictions};
    workloads::{a_suspended_job_counts_no_failure, stateful_sets_keep_names_and_order, daemon_sets_have_a_pod_a_node};
    printing::{pods_print_what_says_most, wide_rows_have_addresses_and_gates};
    content::{mistakes_are_told, events_have_two_shapes, jobs_get_defaults, deployments_get_defaults, tokens_are_minted};
};

/// Runs every case, one after the other, and returns those that fail. The server's controllers and scheduler must be running.
pub async fn run(client: ::kube::Client) -> Vec<Failure> {
    let caller = match Caller::new(client).await {
        Ok(caller) => caller,
        Err(message) => return vec![Failure { case: "a namespace for the run", message }],
    };
    let mut failures = Vec::new();
    for case in CASES {
        let outcome = tokio::time::timeout(LIMIT, (case.run)(&caller)).await;
        let outcome = outcome.unwrap_or_else(|_| Err(format!("not done within {LIMIT:?}")));
        if let Err(message) = outcome {
            failures.push(Failure { case: case.name, message });
        }
    }
    caller.clean().await;
    failures
}

/// How many cases there are.
#[must_use]
pub fn count() -> usize {
    CASES.len()
}
