//! The record's codec, and the bookkeeping of sends.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::instance::CapacityType;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("in range")
}

fn record() -> LaunchRecord {
    let offer = Offer {
        instance_type: "p5.48xlarge".into(),
        capacity_type: CapacityType::Spot,
        zone: Some("us-west-2b".into()),
        price: None,
        tags: BTreeMap::from([("ManagedBy".into(), "ORCA".into())]),
        parameters: serde_json::json!({ "ami": "ami-0123456789abcdef0", "subnet": "subnet-1" }),
    };
    let new = NewAttempt { cluster: &"c".into(), pod: &"u".into(), attempt: 1, offer, wish: "w".into() };
    LaunchRecord::open(new, at(1_000))
}

fn capacity() -> CloudError {
    CloudError::new(Kind::NoCapacity, "InsufficientInstanceCapacity", "none left")
}

#[test]
fn what_was_written_is_read_back() {
    for record in [
        record(),
        record().resend(at(1_002)),
        record().refused(at(1_000), capacity(), at(1_001)),
        record().launched(&"i-1".into()),
        record().mismatched(at(1_000)),
    ] {
        assert_eq!(LaunchRecord::decode(&record.encode(), &"c".into(), &"u".into()), Ok(record));
    }
}

#[test]
fn a_record_of_another_pod_or_an_altered_offer_launches_nothing() {
    let text = record().encode();
    let decode = |text: &str, uid: &str| LaunchRecord::decode(text, &"c".into(), &uid.into());
    assert_eq!(decode(&text, "other"), Err(RecordError::Inconsistent("token")));
    assert_eq!(decode(&text.replace("subnet-1", "subnet-2"), "u"), Err(RecordError::Inconsistent("offer")));
    assert_eq!(decode(&text.replace("\"v\":1", "\"v\":2"), "u"), Err(RecordError::Version(2)));
    assert!(matches!(decode("{}", "u"), Err(RecordError::Unreadable(_))));
}

#[test]
fn a_refusal_closes_the_attempt_only_when_no_other_send_is_unresolved() {
    let first = record();
    let AttemptState::Unresolved { refused: None, until } = first.state() else {
        panic!("{first:?}");
    };
    assert_eq!(until, at(1_000 + 20 * 60));

    let second = first.resend(at(1_030)).refused(at(1_030), capacity(), at(1_031));
    assert!(
        matches!(second.state(), AttemptState::Unresolved { refused: Some(_), .. }),
        "the first may have launched"
    );

    let settled = second.resend(at(1_000 + 21 * 60));
    assert_eq!(settled.unresolved, [at(1_000 + 21 * 60)], "the first is too old to be executed");
    let closed = settled.refused(at(1_000 + 21 * 60), capacity(), at(1_000 + 22 * 60));
    assert!(matches!(closed.state(), AttemptState::Closed(_)));
}

#[test]
fn a_send_that_never_left_leaves_no_mark() {
    assert_eq!(record().not_sent(at(1_000)).state(), AttemptState::Unsent);
}

#[test]
fn the_marks_are_bounded() {
    let mut record = record();
    for second in 0..1_000 {
        record = record.resend(at(1_001 + second));
    }
    assert!(record.unresolved.len() <= MAX_MARKS);
    assert!(record.encode().len() < 8 * 1024);
}

proptest! {
    #[test]
    fn any_message_is_an_error_and_never_a_panic(message in "\\PC{0,200}") {
        prop_assert!(LaunchRecord::decode(&message, &"c".into(), &"u".into()).is_err());
    }
}
