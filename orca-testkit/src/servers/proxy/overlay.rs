//! A lifecycle over the upstream's answers: instances take time to start and to end.

use super::answer::{Answer, elements};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

#[derive(Debug, Default)]
struct Known {
    boot_delay: Duration,
    shutdown_delay: Duration,
    launched: HashMap<String, Instant>,
    terminated: HashMap<String, Instant>,
}

impl Known {
    /// The state to show in place of the upstream's.
    fn shown(&self, instance: &str, state: &str) -> Option<&'static str> {
        let young = |times: &HashMap<String, Instant>, delay| {
            times.get(instance).is_some_and(|time| time.elapsed() < delay)
        };
        match state {
            "running" if young(&self.launched, self.boot_delay) => Some("<code>0</code><name>pending</name>"),
            "terminated" if young(&self.terminated, self.shutdown_delay) => {
                Some("<code>32</code><name>shutting-down</name>")
            }
            _ => None,
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Overlay(Mutex<Known>);

impl Overlay {
    pub(super) fn set_boot_delay(&self, delay: Duration) {
        self.lock().boot_delay = delay;
    }

    pub(super) fn set_shutdown_delay(&self, delay: Duration) {
        self.lock().shutdown_delay = delay;
    }

    pub(super) fn forget(&self) {
        *self.lock() = Known::default();
    }

    /// Learns from the upstream's answer and rewrites it.
    pub(super) fn apply(&self, action: &str, answer: &mut Answer) {
        if !answer.status.is_success() {
            return;
        }
        match action {
            "RunInstances" => remember(&mut self.lock().launched, answer),
            "TerminateInstances" => remember(&mut self.lock().terminated, answer),
            "DescribeInstances" | "DescribeInstanceStatus" => self.rewrite(answer),
            _ => {}
        }
    }

    fn rewrite(&self, answer: &mut Answer) {
        const ID: &str = "<instanceId>";
        const STATE: &str = "<instanceState>";
        let known = self.lock();
        if known.boot_delay.is_zero() && known.shutdown_delay.is_zero() {
            return;
        }
        // Each piece but the first begins with an instance id and holds that instance's state.
        let mut pieces = answer.text().split(ID);
        let mut rewritten = pieces.next().unwrap_or_default().to_owned();
        for piece in pieces {
            rewritten.push_str(ID);
            let instance = piece.split('<').next().unwrap_or_default();
            let parts = piece.split_once(STATE).and_then(|(before, after)| {
                let (state, after) = after.split_once("</instanceState>")?;
                let shown = known.shown(instance, elements(state, "name").next()?)?;
                Some((before, shown, after))
            });
            match parts {
                None => rewritten.push_str(piece),
                Some((before, shown, after)) => {
                    rewritten.extend([before, STATE, shown, "</instanceState>"]);
                    // The checks of an instance that has not booted have not passed (only
                    // DescribeInstanceStatus has them).
                    rewritten
                        .push_str(&after.replace("<status>ok</status>", "<status>initializing</status>"));
                }
            }
        }
        drop(known);
        answer.body = rewritten.into();
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The first time counts: a repeated termination does not prolong the first.
fn remember(times: &mut HashMap<String, Instant>, answer: &Answer) {
    let now = Instant::now();
    for instance in answer.instance_ids() {
        times.entry(instance).or_insert(now);
    }
}
