//! What is launched: one instance for a pod, under one set of parameters (S1, S2, S11, S12).

use std::collections::BTreeMap;

use super::timeline::{Life, Timeline};
use super::{Rule, Violation};

pub(super) fn check(seen: &Timeline<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut by_pod: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (id, instance) in &seen.instances {
        let (Some(pod), Some(launched)) = (instance.pod(), instance.launched) else { continue };
        by_pod.entry(pod).or_default().push(id);
        let others = seen.launched_for(pod).filter(|(other, _)| other != id);
        let alive: Vec<&str> =
            others.filter(|(_, other)| other.is_alive_at(launched.0)).map(|(other, _)| other).collect();
        if !alive.is_empty() {
            let what = format!("{id} was launched while {} was alive", alive.join(", "));
            found.push(Violation { rule: Rule::S1, at: launched.1, about: pod.to_owned(), what });
        }
    }
    for (pod, instances) in by_pod.into_iter().filter(|(_, instances)| instances.len() > 1) {
        let times = instances.iter().filter_map(|id| seen.instances.get(id)?.launched);
        let at = times.map(|(_, at)| at).max().unwrap_or_default();
        let what = format!("{} instances were launched for it: {}", instances.len(), instances.join(", "));
        found.push(Violation { rule: Rule::S2, at, about: pod.to_owned(), what });
    }
    for (uid, life) in &seen.pods {
        found.extend(attempts(seen, uid, life));
        found.extend(strangers(seen, uid, life));
    }
    found
}

/// An attempt keeps its token and its digest, and attempts do not go back.
fn attempts(seen: &Timeline<'_>, uid: &str, life: &Life<'_>) -> Vec<Violation> {
    let mut known: BTreeMap<u64, (&str, &str)> = BTreeMap::new();
    let mut found = Vec::new();
    let mut latest = 0;
    for (at, version) in life.shown() {
        let Some(record) = &version.record else { continue };
        let words = (record.token.as_str(), record.digest.as_str());
        let before = *known.entry(record.attempt).or_insert(words);
        // A pod of an API server that was set back can begin an attempt again that is forgotten.
        if before != words && !seen.was_set_back_before(at) {
            let what = format!("attempt {} changed from {before:?} to {words:?}", record.attempt);
            found.push(Violation { rule: Rule::S12, at, about: uid.to_owned(), what });
        }
        if record.attempt < latest && !seen.was_set_back_before(at) {
            let what = format!("attempt {latest} is followed by attempt {}", record.attempt);
            found.push(Violation { rule: Rule::S12, at, about: uid.to_owned(), what });
        }
        latest = record.attempt;
    }
    found
}

/// What a pod shows as its instance was launched for it.
fn strangers(seen: &Timeline<'_>, uid: &str, life: &Life<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    for (at, version) in life.shown() {
        let recorded = version.record.as_ref().and_then(|record| record.instance.as_deref());
        for id in [recorded, version.container.as_deref()].into_iter().flatten() {
            let pod = seen.instances.get(id).and_then(super::timeline::InstanceLife::pod);
            if pod != Some(uid) {
                let what = format!("shows {id}, which was launched for {pod:?}");
                found.push(Violation { rule: Rule::S11, at, about: uid.to_owned(), what });
                return found;
            }
        }
    }
    found
}
