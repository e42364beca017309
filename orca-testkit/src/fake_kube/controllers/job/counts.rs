//! The pods of a job, counted. A pod that ended is counted once: while it carries the job's finalizer.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value, json};

use super::super::super::object::Object;
use super::super::super::resource::PODS;
use super::super::controller::Context;
use super::super::{json, pods};
use super::failure_policy::{self, Ruling};
use super::{has_finalizer, index};

/// A pod that ended since the last count.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Ended {
    at: String,
    name: String,
    succeeded: bool,
}

/// How a job stands.
#[derive(Debug, Default)]
pub(super) struct Counts {
    /// Pods that run, or will.
    pub(super) active: Vec<Arc<Object>>,
    /// Indexes of pods that are on their way out.
    pub(super) ending: Vec<u32>,
    pub(super) terminating: usize,
    pub(super) ready: usize,
    pub(super) succeeded: usize,
    pub(super) failed: usize,
    /// Indexes with a success; none of a job without indexes.
    pub(super) completed: BTreeSet<u32>,
    pub(super) is_indexed: bool,
    /// Whether a pod is replaced only when it has ended.
    pub(super) waits_for_end: bool,
    /// Pods that this count includes for the first time, and that may go.
    pub(super) counted: Vec<Arc<Object>>,
    /// Why a failed pod fails the job at once.
    pub(super) fatal: Option<String>,
    /// How often containers of active pods were started again.
    pub(super) restarts: i64,
    ended: Vec<Ended>,
}

impl Counts {
    pub(super) fn of(job: &Object, context: &Context<'_>) -> Self {
        let before =
            |name: &str| usize::try_from(job.value()["status"][name].as_i64().unwrap_or(0)).unwrap_or(0);
        let is_indexed = job.text("/spec/completionMode") == "Indexed";
        let mut counts = Self {
            succeeded: before("succeeded"),
            failed: before("failed"),
            completed: if is_indexed {
                index::parse(job.text("/status/completedIndexes"))
            } else {
                BTreeSet::new()
            },
            is_indexed,
            waits_for_end: job.text("/spec/podReplacementPolicy") == "Failed"
                || !job.value()["spec"]["podFailurePolicy"].is_null(),
            ..Self::default()
        };
        for pod in context.view.controlled(&PODS, job.uid()) {
            counts.add(job, pod);
        }
        if is_indexed {
            counts.succeeded = counts.completed.len();
        }
        counts.ended.sort();
        counts
    }

    fn add(&mut self, job: &Object, pod: &Arc<Object>) {
        if pods::is_active(pod) {
            self.ready += usize::from(pods::is_ready(pod));
            self.restarts += pods::restarts(pod);
            self.active.push(Arc::clone(pod));
            return;
        }
        if pods::is_terminating(pod) {
            self.terminating += 1;
            self.ending.extend(index::of(pod));
        }
        if !has_finalizer(pod) {
            return;
        }
        if pod.text("/status/phase") == "Succeeded" {
            match index::of(pod).filter(|_| self.is_indexed) {
                Some(index) => _ = self.completed.insert(index),
                None => self.succeeded += 1,
            }
            self.end(pod, true);
        } else if pods::is_terminal(pod) || !self.waits_for_end || job.is_deleting() {
            match failure_policy::judge(job, pod) {
                Ruling::Count => self.failed += 1,
                Ruling::Ignore => {}
                Ruling::FailJob(why) => {
                    self.failed += 1;
                    self.fatal.get_or_insert(why);
                }
            }
            self.end(pod, false);
        }
    }

    fn end(&mut self, pod: &Arc<Object>, succeeded: bool) {
        let statuses = pod.items("/status/containerStatuses").iter();
        let at = statuses.filter_map(|status| status["state"]["terminated"]["finishedAt"].as_str()).max();
        let at = at.unwrap_or_default().to_owned();
        self.ended.push(Ended { at, name: pod.name().to_owned(), succeeded });
        self.counted.push(Arc::clone(pod));
    }

    /// Whether each pod that ended since the last count succeeded, in the order in which they ended.
    pub(super) fn news(&self) -> impl Iterator<Item = bool> {
        self.ended.iter().map(|ended| ended.succeeded)
    }

    /// Takes note of pods whose deletion was asked for just now.
    pub(super) fn removed(&mut self, gone: &[Arc<Object>]) {
        self.active.retain(|pod| gone.iter().all(|gone| gone.uid() != pod.uid()));
        self.ready = self.active.iter().filter(|pod| pods::is_ready(pod)).count();
        self.terminating += gone.len();
        self.ending.extend(gone.iter().filter_map(|pod| index::of(pod)));
    }

    pub(super) fn write(&self, status: &mut Value) {
        json::set(status, &["ready"], self.ready);
        json::set(status, &["terminating"], self.terminating);
        json::set(status, &["uncountedTerminatedPods"], json!({}));
        json::set_count(status, "active", self.active.len());
        json::set_count(status, "succeeded", self.succeeded);
        json::set_count(status, "failed", self.failed);
        if self.is_indexed && !self.completed.is_empty() {
            json::set(status, &["completedIndexes"], index::format(&self.completed));
        }
    }
}
