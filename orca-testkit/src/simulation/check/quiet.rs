//! Calls in moderation, and none at all when nothing happens (L8, L9).

use std::collections::BTreeMap;

use super::timeline::Timeline;
use super::{Rule, Violation};

/// More calls of one action in a minute are a storm. In a small world a sweep every two seconds, with its page and its
/// look by ids, is the most that is meant; faults that end a call at once must not make it many more.
const STORM: usize = 200;
/// Of launches and ends there are fewer: one a second would be a storm.
const STORM_OF_CHANGES: usize = 60;

pub(super) fn check(seen: &Timeline<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut minutes: BTreeMap<(&str, i64), usize> = BTreeMap::new();
    for (_, at, call) in &seen.calls {
        *minutes.entry((call.action, at.as_second() / 60)).or_default() += 1;
    }
    for ((action, minute), calls) in minutes {
        let is_change = matches!(action, "RunInstances" | "TerminateInstances");
        if calls > if is_change { STORM_OF_CHANGES } else { STORM } {
            let at = jiff::Timestamp::from_second(minute * 60).unwrap_or_default();
            let what = format!("{calls} calls in a minute");
            found.push(Violation { rule: Rule::L8, at, about: action.to_owned(), what });
        }
    }
    let Some(from) = seen.history.quiet_from else { return found };
    for (_, at, call) in &seen.calls {
        if *at > from && matches!(call.action, "RunInstances" | "TerminateInstances") {
            let (about, what) = (call.action.to_owned(), format!("in a quiet cluster: {:?}", call.instances));
            found.push(Violation { rule: Rule::L9, at: *at, about, what });
        }
    }
    for (uid, life) in &seen.pods {
        // Of what belongs to another node, account or region nothing is expected.
        let is_ours = life.shown().last().is_some_and(|(_, last)| seen.is_present(last));
        let late = life.versions.iter().find(|(_, at, _)| is_ours && *at > from);
        if let Some((_, at, _)) = late {
            let what = "changed in a quiet cluster".to_owned();
            found.push(Violation { rule: Rule::L9, at: *at, about: (*uid).to_owned(), what });
        }
    }
    found
}
