//! What must come true once nothing fails (L1 to L4, L7, L10).

use jiff::Timestamp;
use orca_core::well_known::reason;

use super::timeline::{InstanceLife, Life, Timeline};
use super::{Rule, Violation};
use crate::fake_ec2::{Call, CallOutcome, Ender};
use crate::simulation::history::PodVersion;

/// A wanted pod runs within this time, in seconds: three minutes of scarce capacity, five of an owner's back-off, boot
/// and checks …
const RUNS: i64 = 720;
/// … and twenty-five minutes more while a send of unknown outcome may still be carried out.
const SETTLES: i64 = 2_100;
/// An instance whose pod is there and names it ends within a minute …
const ENDS_KNOWN: i64 = 60;
/// … and any other within ten: five of age, and the rounds of a garbage collection.
const ENDS_UNKNOWN: i64 = 600;
/// Refusals of a termination that only people can resolve.
const FOR_PEOPLE: [&str; 3] = ["AuthFailure", "RequestExpired", "UnauthorizedOperation"];
/// A deleted pod is gone so long after its grace: five minutes for what is unresolved, three for the instance to end.
const GOES: i64 = 480;
/// A pod whose instance ended says so.
const FAILS: i64 = 120;
/// A node is made again.
const NODE: i64 = 120;
/// A pod says what it waits for.
const SILENT: i64 = 60;

/// The events after which garbage collection ends nothing, and people are asked.
const BRAKES: [&str; 4] =
    [reason::ORPHAN_BRAKE, reason::FOREIGN_WRITER, reason::CLUSTER_CHANGED, reason::VANISHED_PODS];

pub(super) fn check(seen: &Timeline<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    for (uid, life) in &seen.pods {
        let violated =
            |rule, (at, what): (Timestamp, String)| Violation { rule, at, about: (*uid).to_owned(), what };
        found.extend(runs(seen, uid, life).map(|late| violated(Rule::L1, late)));
        found.extend(goes(seen, uid, life).map(|late| violated(Rule::L3, late)));
        found.extend(fails(seen, uid, life).map(|late| violated(Rule::L4, late)));
        found.extend(says_why(seen, life).map(|late| violated(Rule::L10, late)));
    }
    for (id, instance) in &seen.instances {
        let late = ends(seen, id, instance);
        found.extend(late.map(|(at, what)| Violation { rule: Rule::L2, at, about: (*id).to_owned(), what }));
    }
    for (name, lives) in &seen.nodes {
        let gone = lives.last().filter(|(_, is_there)| !is_there);
        let late = gone.and_then(|(at, _)| overdue(seen, *at, NODE)).filter(|_| seen.is_present_node(name));
        let what = "is gone and was not made again".to_owned();
        found.extend(late.map(|at| Violation { rule: Rule::L7, at, about: (*name).to_owned(), what }));
    }
    found
}

/// When this is overdue, so many seconds after this time or after the calm began; none if the run ended before.
fn overdue(seen: &Timeline<'_>, since: Timestamp, seconds: i64) -> Option<Timestamp> {
    let due = seen.later(since.max(seen.history.calm_from), seconds);
    (due <= seen.history.end).then_some(due)
}

/// A pod that wants an instance has one and shows it.
fn runs(seen: &Timeline<'_>, uid: &str, life: &Life<'_>) -> Option<(Timestamp, String)> {
    let since = life.since(|version| version.is_some_and(PodVersion::is_wanted))?;
    let last = life.last().filter(|last| seen.is_present(last))?;
    let calm = life.at(seen.history.calm_from).and_then(|version| version.record.as_ref());
    let is_unresolved = calm.is_some_and(|record| record.unresolved > 0 && record.instance.is_none());
    let due = overdue(seen, since, if is_unresolved { SETTLES } else { RUNS })?;
    let retagged = seen.launched_for(uid).any(|(_, instance)| instance.was_retagged());
    let shown = life.shown().any(|(at, version)| at <= due && version.phase == "Running" && version.is_ready);
    let impaired = seen
        .launched_for(uid)
        .any(|(_, instance)| instance.impaired.last().is_some_and(|(_, is_impaired)| *is_impaired));
    (!shown && !retagged && !impaired)
        .then(|| (due, format!("is wanted and shows {} {}{}", last.phase, last.reason, last.waits)))
}

/// An instance whose pod does not want it is ended.
fn ends(seen: &Timeline<'_>, id: &str, instance: &InstanceLife<'_>) -> Option<(Timestamp, String)> {
    let (_, launched) = instance.launched?;
    let uid = instance.pod()?;
    let life = seen.pods.get(uid)?;
    let is_ours = instance.cloud == seen.history.home && !instance.was_retagged();
    let node = instance.tags.first().and_then(|(_, named)| named.node.as_deref()).unwrap_or_default();
    if !is_ours || !seen.is_present_node(node) {
        return None;
    }
    let since = life.since(|version| version.is_none_or(|version| !version.is_wanted()))?.max(launched);
    let pod = life.at(since.max(seen.history.calm_from));
    // What is stopped, or unwanted since before a fault ended, is known all the same when the pod names it.
    let is_known = pod.is_some_and(|version| {
        let recorded = version.record.as_ref().and_then(|record| record.instance.as_deref());
        recorded == Some(id) && version.node == node
    });
    if !is_known && BRAKES.iter().any(|brake| seen.was_told(brake)) {
        return None;
    }
    let asked_again = refused(seen, id).map_or(since, |again| since.max(again));
    let due = overdue(seen, asked_again, if is_known { ENDS_KNOWN } else { ENDS_UNKNOWN })?;
    let is_late = instance.ending.is_none_or(|(_, end, _)| end > due);
    is_late.then(|| {
        (due, format!("is alive and pod {uid} does not want it since {since:.0}; known: {is_known}"))
    })
}

/// When an end is asked for again that EC2 refused for a reason that people must mend: half a minute after the first refusal,
/// twice as long after each one more, ten minutes at most.
fn refused(seen: &Timeline<'_>, id: &str) -> Option<Timestamp> {
    let ends = seen.calls.iter().filter(|(_, at, call)| {
        let is_before = *at <= seen.history.calm_from;
        is_before && call.action == "TerminateInstances" && call.instances.iter().any(|named| named == id)
    });
    let is_refused = |call: &Call| matches!(&call.outcome, CallOutcome::Refused(code) if FOR_PEOPLE.contains(&code.as_str()));
    let refusals: Vec<Timestamp> =
        ends.rev().take_while(|(_, _, call)| is_refused(call)).map(|(_, at, _)| *at).collect();
    let doublings = u32::try_from(refusals.len().saturating_sub(1)).unwrap_or(u32::MAX);
    let pause = 30_i64.saturating_mul(2_i64.saturating_pow(doublings)).min(600);
    refusals.first().map(|latest| seen.later(*latest, pause))
}

/// A deleted pod goes.
fn goes(seen: &Timeline<'_>, uid: &str, life: &Life<'_>) -> Option<(Timestamp, String)> {
    let last = life.last()?;
    // An instance that has lost its tags may not be ended, and its pod waits for it: people have to end it.
    if seen.launched_for(uid).any(|(_, instance)| instance.was_retagged()) {
        return None;
    }
    let deadline = last.deletion.filter(|_| seen.is_present(last))?;
    let due = overdue(seen, deadline, GOES)?;
    Some((due, format!("was to be deleted at {deadline:.0} and shows {}", last.phase)))
}

/// A pod whose instance ended fails, and says that it was disrupted if that was not its own doing.
fn fails(seen: &Timeline<'_>, uid: &str, life: &Life<'_>) -> Option<(Timestamp, String)> {
    let last = life.last().filter(|last| seen.is_present(last) && last.deletion.is_none())?;
    let endings = seen.launched_for(uid).filter_map(|(_, instance)| instance.ending);
    let (_, ended, by) = endings.max_by_key(|(_, at, _)| *at)?;
    let stopped = seen.launched_for(uid).filter_map(|(_, instance)| instance.stopping);
    let is_own_doing =
        stopped.map(|(_, by)| by).chain([by]).any(|by| matches!(by, Ender::Guest | Ender::Request));
    let says_why = last.is_disrupted || last.reason == reason::DEADLINE_EXCEEDED || is_own_doing;
    if last.phase == "Failed" && says_why {
        return None;
    }
    let recorded = last.record.as_ref().is_some_and(|record| record.instance.is_some());
    let due = overdue(seen, ended, if recorded { FAILS } else { SETTLES })?;
    Some((due, format!("its instance ended at {ended:.0} and it shows {} {}", last.phase, last.reason)))
}

/// A pod that waits says for what.
fn says_why(seen: &Timeline<'_>, life: &Life<'_>) -> Option<(Timestamp, String)> {
    let since =
        life.since(|version| version.is_some_and(|version| version.is_wanted() && is_silent(version)))?;
    let last = life.last().filter(|last| seen.is_present(last))?;
    let due = overdue(seen, since, SILENT)?;
    let told = seen.events.iter().any(|(_, about, _)| *about == last.name);
    (!told).then(|| (due, "is Pending and says nothing".to_owned()))
}

fn is_silent(version: &PodVersion) -> bool {
    version.phase == "Pending" && version.waits.is_empty() && version.reason.is_empty()
}
