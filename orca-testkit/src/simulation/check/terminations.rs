//! What is ended and removed: only what no pod wants, only what is ours, and in the right order (S3, S4, S7, S9).

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::timeline::{Asked, InstanceLife, Life, Place, Timeline};
use super::{Rule, Violation};
use crate::fake_ec2::{Call, CallOutcome, Ender};
use crate::simulation::history::PodVersion;

/// A list of instances may be this old, in seconds, when something is done about one: a minute, and the call itself.
const TAGS_MAY_BE_OLD: i64 = 120;
/// So many pods that were forgotten are ordinary within an hour, or one of so many instances.
const FEW: usize = 3;
const SHARE: usize = 10;
const HOUR: i64 = 3_600;

pub(super) fn check(seen: &Timeline<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    for (place, at, call) in &seen.calls {
        if call.action == "TerminateInstances" {
            found.extend(call.instances.iter().filter_map(|id| ended(seen, (*place, *at), call, id)));
        }
    }
    found.extend(too_many(seen));
    found.extend(seen.requests.iter().filter_map(|asked| removed(seen, asked)));
    found
}

fn ended(seen: &Timeline<'_>, (place, at): (Place, Timestamp), call: &Call, id: &str) -> Option<Violation> {
    let Some(instance) = seen.instances.get(id) else {
        let what = format!("{id} is to be ended, which was never launched");
        return Some(Violation { rule: Rule::S4, at, about: id.to_owned(), what });
    };
    if let Some(stranger) = stranger(seen, at, id, instance) {
        return Some(stranger);
    }
    let uid = instance.pod()?;
    let life = seen.pods.get(uid)?;
    // A call that is about one that ends already does nothing.
    if !instance.is_alive_at(place) && call.outcome != CallOutcome::Done {
        return None;
    }
    if life.was_unwanted_before(place) {
        return None;
    }
    let twins =
        seen.launched_for(uid).filter(|(other, twin)| *other != id && twin.is_alive_at(place)).count();
    if twins > 0 {
        return None;
    }
    let was_stopped = instance.stopping.is_some_and(|(when, _)| when <= at);
    let rule = if was_stopped { Rule::S7 } else { Rule::S3 };
    let phase = life.at_place(place).map_or("nothing", |version| version.phase.as_str());
    let what = format!("{id} is to be ended while its pod {uid} is wanted and shows {phase}");
    Some(Violation { rule, at, about: uid.to_owned(), what })
}

/// Its tags named our cluster and a node of ours, now or while the list was made.
fn stranger(seen: &Timeline<'_>, at: Timestamp, id: &str, instance: &InstanceLife<'_>) -> Option<Violation> {
    let cluster = seen.history.cluster.as_str();
    let spans =
        instance.tags.iter().zip(instance.tags.iter().skip(1).map(|(until, _)| Some(*until)).chain([None]));
    let counts = spans.filter(|((from, _), until)| {
        *from <= at && until.is_none_or(|until| seen.later(until, TAGS_MAY_BE_OLD) >= at)
    });
    let mut is_ours = false;
    for ((_, named), _) in counts {
        is_ours |= named.cluster.as_deref() == Some(cluster)
            && named.node.as_deref().is_some_and(|node| seen.is_ours(node));
    }
    let what = "is to be ended, and its tags do not name this cluster and node".to_owned();
    (!is_ours).then(|| Violation { rule: Rule::S4, at, about: id.to_owned(), what })
}

/// Of the pods that an API server forgot when it was set back, a process that never knew them ends few within an hour: it
/// cannot tell them from pods that it was never to know. One that knew them may have proof, so a second process at the same
/// time is not judged.
fn too_many(seen: &Timeline<'_>) -> Option<Violation> {
    if seen.started.iter().any(|(_, process)| *process != 0) {
        return None;
    }
    let mut ended: BTreeMap<Timestamp, Vec<(Timestamp, &str)>> = BTreeMap::new();
    for (id, instance) in &seen.instances {
        let Some((place, at, Ender::Api)) = instance.ending else { continue };
        let life = instance.pod().and_then(|uid| seen.pods.get(uid));
        let Some(forgotten) = life.and_then(|life| forgotten_at(seen, life, place)) else { continue };
        let latest = seen.started.iter().rev().find(|(started, _)| *started < at);
        if let Some((started, _)) = latest.filter(|(started, _)| *started > forgotten) {
            ended.entry(*started).or_default().push((at, id));
        }
    }
    for (started, mut ended) in ended {
        ended.sort_unstable();
        for (number, (at, id)) in ended.iter().enumerate() {
            let hour =
                ended.iter().take(number).filter(|(before, _)| seen.later(*before, HOUR) > *at).count();
            let alive = seen.instances.values().filter(|instance| instance.was_alive_at(*at)).count();
            if hour >= FEW.max(alive / SHARE) {
                let what = format!(
                    "is ended after {hour} others by the process of {started:.0}: their pods were forgotten, and not deleted"
                );
                return Some(Violation { rule: Rule::S3, at: *at, about: (*id).to_owned(), what });
            }
        }
    }
    None
}

/// When the API server forgot this pod, as it was set back, although it was wanted.
fn forgotten_at(seen: &Timeline<'_>, life: &Life<'_>, place: Place) -> Option<Timestamp> {
    let before = |(when, _, _): &&(Place, Timestamp, _)| *when < place;
    let mut versions = life.versions.iter().rev().filter(before);
    let (_, at, None) = versions.next()? else { return None };
    let was_wanted = versions.next().and_then(|(_, _, version)| *version).is_some_and(PodVersion::is_wanted);
    (was_wanted && seen.set_back.contains(at)).then_some(*at)
}

/// A pod object that the controller removed has no instance that it knows to be alive.
fn removed(seen: &Timeline<'_>, asked: &Asked<'_>) -> Option<Violation> {
    // One whose answer was lost has removed it if it is gone at that moment.
    let vanished = |uid: &str| {
        let versions = seen.pods.get(uid).map(|life| life.versions.as_slice()).unwrap_or_default();
        versions.iter().any(|(_, when, version)| *when == asked.at && version.is_none())
    };
    let was_done = (200..300).contains(&asked.code) || asked.uid.is_some_and(vanished);
    if asked.verb != "delete" || !was_done {
        return None;
    }
    let Some(uid) = asked.uid else {
        let what = "was removed without its UID".to_owned();
        return Some(Violation { rule: Rule::S9, at: asked.at, about: asked.name.to_owned(), what });
    };
    let recorded =
        seen.pods.get(uid).and_then(|life| life.at_place(asked.place)?.record.as_ref()?.instance.clone());
    let home = &seen.history.home;
    let alive = seen.launched_for(uid).find(|(id, instance)| {
        let is_known = recorded.as_deref() == Some(*id)
            || instance.answered_at.is_some_and(|answered| answered < asked.at);
        // Of what lies elsewhere, or has lost its tags, nothing is known.
        is_known && instance.is_alive_at(asked.place) && !instance.was_retagged() && instance.cloud == home
    });
    let (id, _) = alive?;
    let what = format!("was removed while {id} was alive and known");
    Some(Violation { rule: Rule::S9, at: asked.at, about: uid.to_owned(), what })
}
