//! Launch records after any history: what was written is read back, and what was not is an error.

use std::collections::BTreeMap;

use jiff::Timestamp;
use orca_core::instance::CapacityType;
use orca_core::launch::{AttemptState, LaunchRecord, NewAttempt, Offer};
use orca_core::{CloudError, Kind};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{moment, text};

/// What happens to a record.
#[derive(Clone, Debug)]
enum Event {
    Resend(Timestamp),
    Refused(usize, CloudError, Timestamp),
    NotSent(usize, CloudError, Timestamp),
    Unanswered,
    Mismatched(usize),
    Launched,
}

fn error() -> impl Strategy<Value = CloudError> {
    (prop::sample::select(Kind::ALL.to_vec()), text(), text())
        .prop_map(|(kind, code, message)| CloudError::new(kind, code, message))
}

fn event() -> impl Strategy<Value = Event> {
    let mark = 0usize..4;
    prop_oneof![
        4 => moment().prop_map(Event::Resend),
        2 => (mark.clone(), error(), moment()).prop_map(|(mark, error, now)| Event::Refused(mark, error, now)),
        2 => (mark.clone(), error(), moment()).prop_map(|(mark, error, now)| Event::NotSent(mark, error, now)),
        1 => Just(Event::Unanswered),
        1 => mark.prop_map(Event::Mismatched),
        1 => Just(Event::Launched),
    ]
}

/// The record of a pod with this UID after such a history.
pub(crate) fn record(uid: &'static str) -> impl Strategy<Value = LaunchRecord> {
    (moment(), 1u32..5, prop::collection::vec(event(), 0..8), text()).prop_map(
        move |(begin, attempt, events, text)| events.iter().fold(open(uid, attempt, &text, begin), after),
    )
}

fn open(uid: &str, attempt: u32, text: &str, now: Timestamp) -> LaunchRecord {
    let offer = Offer {
        instance_type: "t3.micro".into(),
        capacity_type: CapacityType::OnDemand,
        zone: None,
        price: None,
        tags: BTreeMap::from([("note".to_owned(), text.to_owned())]),
        parameters: json!({ "image": text }),
        provides: None,
    };
    let (cluster, pod, cloud) = ("cluster".into(), uid.into(), "cloud".into());
    LaunchRecord::open(
        NewAttempt { cluster: &cluster, pod: &pod, attempt, cloud, offer, request_digest: text.into() },
        now,
    )
}

fn after(record: LaunchRecord, event: &Event) -> LaunchRecord {
    let mark = |place: usize| record.unresolved.get(place).copied().unwrap_or(record.send_at);
    match event {
        Event::Resend(now) => record.resend(*now),
        Event::Refused(place, error, now) => record.refused(mark(*place), error.clone(), *now),
        Event::NotSent(place, error, now) => record.not_sent(mark(*place), error.clone(), *now),
        Event::Unanswered => record.unanswered(),
        Event::Mismatched(place) => record.mismatched(mark(*place)),
        Event::Launched => record.launched(&"i-1".into()),
    }
}

fn decode(text: &str) -> Option<LaunchRecord> {
    LaunchRecord::decode(text, &"cluster".into(), &"uid".into()).ok()
}

/// The document with one of its values replaced or taken away.
fn altered(record: &LaunchRecord, place: prop::sample::Index, value: Option<Value>) -> String {
    let mut document: Value = serde_json::from_str(&record.encode()).expect("JSON");
    let object = document.as_object_mut().expect("an object");
    let key = place.get(&object.keys().cloned().collect::<Vec<_>>()).clone();
    match value {
        Some(value) => object.insert(key, value),
        None => object.remove(&key),
    };
    document.to_string()
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        text().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        Just(Value::Null),
        Just(json!([])),
        Just(json!({})),
    ]
}

proptest! {
    #[test]
    fn what_was_written_is_read_back(record in record("uid")) {
        prop_assert_eq!(decode(&record.encode()), Some(record));
    }

    #[test]
    fn any_text_is_no_record(text in text()) {
        prop_assert_eq!(decode(&text), None);
    }

    #[test]
    fn an_altered_record_launches_nothing_else(
        record in record("uid"),
        place in any::<prop::sample::Index>(),
        value in prop::option::of(value()),
    ) {
        if let Some(read) = decode(&altered(&record, place, value)) {
            let sent = |record: &LaunchRecord| (record.token.clone(), record.offer.clone(), record.attempt);
            prop_assert_eq!(sent(&read), sent(&record));
            let is_launched = |record: &LaunchRecord| matches!(record.state(), AttemptState::Launched(_));
            prop_assert!(!is_launched(&read) || record.instance_id.is_some(), "a launch was made up");
        }
    }

    #[test]
    fn a_record_of_another_pod_is_refused(record in record("other")) {
        prop_assert_eq!(decode(&record.encode()), None);
    }

    #[test]
    fn a_send_that_never_left_leaves_the_others_as_they_were(record in record("uid"), error in error(), now in moment()) {
        let sent = record.resend(now);
        let others = |record: &LaunchRecord| {
            let marks: Vec<Timestamp> = record.unresolved.iter().copied().filter(|mark| *mark != now).collect();
            (marks, record.unsettled, record.refusal.clone(), record.instance_id.clone())
        };
        let stopped = sent.not_sent(now, error, now);
        prop_assert_eq!(others(&stopped), others(&sent));
    }

    #[test]
    fn an_attempt_with_a_send_that_may_still_be_executed_is_never_closed(record in record("uid")) {
        let is_closed = matches!(record.state(), AttemptState::Closed(_) | AttemptState::Unsent);
        prop_assert!(!is_closed || (record.unresolved.is_empty() && record.unsettled.is_none()));
    }
}
