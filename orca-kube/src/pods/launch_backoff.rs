//! Owners whose pods end within minutes of their launch: each next launch waits longer, so that a crash loop does not
//! buy instances.
//!
//! It is kept in memory: after a restart the count of every owner starts over.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use orca_core::backoff::Backoff;
use orca_core::{limits, pod};

/// How long an owner waits between launches.
const HOLD: Backoff = Backoff { first: Duration::from_secs(10), cap: Duration::from_mins(5) };
/// How many owners are remembered. Beyond that, those that no longer have to wait are forgotten.
const REMEMBERED: usize = 4096;

#[derive(Debug, Default)]
pub(super) struct LaunchBackoff {
    owners: Mutex<HashMap<String, Owner>>,
}

#[derive(Clone, Copy, Debug)]
struct Owner {
    short_lives: u32,
    until: Timestamp,
}

impl LaunchBackoff {
    /// Until when pods of this pod's owner have to wait.
    pub(super) fn held_until(&self, pod: &Pod) -> Option<Timestamp> {
        let owner = pod::controller(pod)?;
        let owners = self.owners.lock().unwrap_or_else(PoisonError::into_inner);
        owners.get(&owner.uid).map(|owner| owner.until)
    }

    /// Notes how long the instance of an ended pod lived.
    pub(super) fn ended(&self, pod: &Pod, lived: Duration, now: Timestamp) {
        let Some(owner) = pod::controller(pod) else {
            return;
        };
        let mut owners = self.owners.lock().unwrap_or_else(PoisonError::into_inner);
        if lived >= limits::SHORT_LIFE {
            owners.remove(&owner.uid);
            return;
        }
        if owners.len() >= REMEMBERED {
            owners.retain(|_, owner| owner.until > now);
        }
        let before = owners.get(&owner.uid).copied();
        // The pods of one Job end together when their instances do: that is one short life, not many.
        if before.is_some_and(|owner| owner.until > now) {
            return;
        }
        let short_lives = before.map_or(1, |owner| owner.short_lives.saturating_add(1));
        let until = now.saturating_add(HOLD.delay(short_lives)).unwrap_or(Timestamp::MAX);
        owners.insert(owner.uid.clone(), Owner { short_lives, until });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("in range")
    }

    fn pod(owner: &str) -> Pod {
        let owners = serde_json::json!([
            { "apiVersion": "batch/v1", "kind": "Job", "name": "j", "uid": owner, "controller": true }
        ]);
        serde_json::from_value(serde_json::json!({ "metadata": { "ownerReferences": owners } }))
            .expect("a pod")
    }

    #[test]
    fn short_lives_one_after_another_hold_the_owner_back_longer_and_longer() {
        let owners = LaunchBackoff::default();
        let mut now = 0;
        let mut holds = Vec::new();
        for _ in 0..7 {
            owners.ended(&pod("a"), Duration::from_secs(30), at(now));
            let until = owners.held_until(&pod("a")).expect("held");
            holds.push(until.as_second() - now);
            now = until.as_second() + 1;
        }
        assert_eq!(holds, [10, 20, 40, 80, 160, 300, 300]);
        assert_eq!(owners.held_until(&pod("b")), None);
    }

    #[test]
    fn pods_that_end_together_are_one_short_life_and_a_long_life_forgives() {
        let owners = LaunchBackoff::default();
        for _ in 0..20 {
            owners.ended(&pod("a"), Duration::from_secs(30), at(0));
        }
        assert_eq!(owners.held_until(&pod("a")), Some(at(10)));
        owners.ended(&pod("a"), Duration::from_mins(10), at(700));
        assert_eq!(owners.held_until(&pod("a")), None);
    }
}
