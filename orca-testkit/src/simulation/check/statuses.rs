//! What pods show: nothing before its time, nothing that is not so, nothing final twice (S5, S6, S13).

use jiff::Timestamp;
use orca_core::well_known::reason;

use super::timeline::{Life, Timeline};
use super::{Rule, Violation};
use crate::simulation::history::PodVersion;

/// Checks that passed are believed for this long, in seconds.
const READY_MAY_BE_OLD: i64 = 120;

pub(super) fn check(seen: &Timeline<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    for (uid, life) in &seen.pods {
        let violated = |rule, at, what| Violation { rule, at, about: (*uid).to_owned(), what };
        found.extend(final_once(seen, life).into_iter().map(|(at, what)| violated(Rule::S6, at, what)));
        let mut before: Option<&PodVersion> = None;
        for (at, version) in life.shown() {
            // What an older state of the API server says was judged when it was written.
            if seen.set_back.contains(&at) {
                before = Some(version);
                continue;
            }
            if version.phase == "Running" && before.is_none_or(|before| before.phase != "Running") {
                found.extend(runs(seen, uid, at).map(|what| violated(Rule::S5, at, what)));
            }
            if version.is_ready && before.is_none_or(|before| !before.is_ready) {
                found.extend(is_ready(seen, uid, at).map(|what| violated(Rule::S5, at, what)));
            }
            if version.reason == reason::INSTANCE_GONE && before.is_none_or(|before| !before.is_terminal()) {
                found.extend(is_gone(seen, uid, at).map(|what| violated(Rule::S13, at, what)));
            }
            before = Some(version);
        }
    }
    found
}

/// A terminal version is followed by none that says otherwise.
fn final_once(seen: &Timeline<'_>, life: &Life<'_>) -> Option<(Timestamp, String)> {
    let mut last: Option<(Timestamp, &PodVersion)> = None;
    for (at, version) in life.shown() {
        if let Some((when, last)) = last {
            let was_set_back = seen.set_back.iter().any(|set_back| *set_back >= when && *set_back <= at);
            let is_same = (&version.phase, &version.ended) == (&last.phase, &last.ended);
            if !is_same && !was_set_back {
                let what =
                    format!("{} {} became {} {}", last.phase, last.ended, version.phase, version.ended);
                return Some((at, what));
            }
        }
        last = version.is_terminal().then_some((at, version));
    }
    None
}

/// An instance of the pod ran before.
fn runs(seen: &Timeline<'_>, uid: &str, at: Timestamp) -> Option<String> {
    let ran = seen
        .launched_for(uid)
        .any(|(_, instance)| instance.ran_at.is_some_and(|ran| ran <= seen.later(at, 0)));
    (!ran).then(|| "shows Running, and no instance of it has run yet".to_owned())
}

/// The checks of an instance of the pod had passed, and it was not ended for longer than that is believed.
fn is_ready(seen: &Timeline<'_>, uid: &str, at: Timestamp) -> Option<String> {
    let is_fit = seen.launched_for(uid).any(|(_, instance)| {
        let passed = instance.passes_at.is_some_and(|passes| passes <= seen.later(at, 0));
        let is_over = |end: Timestamp| seen.later(end, READY_MAY_BE_OLD) < at;
        let has_ended = instance.ending.is_some_and(|(_, end, _)| is_over(end));
        let has_stopped = instance.stopping.is_some_and(|(end, _)| is_over(end));
        passed && !has_ended && !has_stopped
    });
    (!is_fit).then(|| "shows Ready, and no instance of it has passed its checks and runs".to_owned())
}

/// No instance of the pod is alive, as far as its tags still name the pod.
fn is_gone(seen: &Timeline<'_>, uid: &str, at: Timestamp) -> Option<String> {
    let alive = seen.launched_for(uid).find(|(_, instance)| {
        let is_over = instance.ending.is_some_and(|(_, end, _)| end <= seen.later(at, 0));
        let is_stopped = instance.stopping.is_some_and(|(end, _)| end <= seen.later(at, 0));
        let is_there = instance.launched.is_some_and(|(_, launched)| launched <= at);
        is_there && !is_over && !is_stopped && !instance.was_retagged()
    });
    alive.map(|(id, _)| format!("failed as gone while {id} was alive"))
}
