//! What the fake EC2's own ledger says of calls and instances, as facts of a history.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Change, Entry, Fact, Named};
use crate::fake_ec2::{Event, FakeEc2, Happening};

/// Account and region, as a launch record names them.
#[must_use]
pub fn identity(ec2: &FakeEc2) -> String {
    let settings = ec2.settings();
    format!("{}/{}", settings.account, settings.region)
}

/// What the ledger of a region says.
#[must_use]
pub fn facts(ec2: &FakeEc2) -> Vec<Entry> {
    let cloud = identity(ec2);
    let events = ec2.events();
    let passes = ec2.checks_passed();
    let calls = ec2
        .calls()
        .into_iter()
        .map(|call| Entry { at: call.at, fact: Fact::Call { cloud: cloud.clone(), call } });
    let launched = ec2.first_tags();
    let events = events.into_iter().filter_map(|event| {
        let change = change(&event, &launched, &passes)?;
        Some(Entry {
            at: event.at,
            fact: Fact::Instance { cloud: cloud.clone(), id: event.resource, change },
        })
    });
    calls.chain(events).collect()
}

fn change(
    event: &Event,
    launched: &BTreeMap<String, BTreeMap<String, String>>,
    passes: &BTreeMap<String, Timestamp>,
) -> Option<Change> {
    match &event.what {
        Happening::Launched { .. } => {
            let tags = launched.get(&event.resource);
            Some(Change::Launched(tags.map(Named::by).unwrap_or_default()))
        }
        Happening::Running => Some(Change::Running { passes_at: passes.get(&event.resource).copied() }),
        Happening::Stopping(by) => Some(Change::Stopping(*by)),
        Happening::Ending(by) => Some(Change::Ending(*by)),
        Happening::Terminated => Some(Change::Terminated),
        Happening::SpotNotice(_) | Happening::Stopped | Happening::Created | Happening::Removed => None,
    }
}
