//! The record's codec, and the bookkeeping of sends.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::error::Kind;
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
        provides: None,
    };
    let (cluster, pod, cloud) = ("c".into(), "u".into(), "123456789012/us-west-2".into());
    let new =
        NewAttempt { cluster: &cluster, pod: &pod, attempt: 1, cloud, offer, request_digest: "w".into() };
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
        record().not_sent(at(1_000), capacity(), at(1_001)),
        record().resend(at(1_000 + 21 * 60)),
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
    assert_eq!(decode(&text.replace("\"v\":2", "\"v\":3"), "u"), Err(RecordError::Version(3)));
    assert!(matches!(decode("{}", "u"), Err(RecordError::Unreadable(_))));
}

#[test]
fn a_record_of_the_first_version_is_answered_in_words() {
    let first = r#"{"v":1,"attempt":1,"token":"o1","offer":{},"digest":"d","wish":"w"}"#;
    let error = LaunchRecord::decode(first, &"c".into(), &"u".into()).expect_err("outdated");
    assert_eq!(error, RecordError::Outdated);
    assert!(error.to_string().contains("delete the pod and make it again"), "{error}");
}

const AGED: i64 = 20 * 60;

fn is_open(record: &LaunchRecord) -> bool {
    matches!(record.state(), AttemptState::Unresolved { .. })
}

#[test]
fn a_refusal_closes_the_attempt_only_when_no_other_send_is_unresolved() {
    let first = record();
    let AttemptState::Unresolved { refused: None, until } = first.state() else {
        panic!("{first:?}");
    };
    assert_eq!(until, at(1_000 + AGED));

    let second = first.resend(at(1_030)).refused(at(1_030), capacity(), at(1_031));
    assert!(
        matches!(second.state(), AttemptState::Unresolved { refused: Some(_), .. }),
        "the first may have launched"
    );

    let third = second.resend(at(1_060 + AGED));
    assert_eq!(third.unresolved, [at(1_060 + AGED)], "the first is too old to be executed");
    assert_eq!(third.unsettled, Some(at(1_000)), "the first may have been executed");
    let closed = third.refused(at(1_060 + AGED), capacity(), at(1_061 + AGED));
    assert!(matches!(closed.state(), AttemptState::Closed(_)), "its token was asked for again: {closed:?}");
}

#[test]
fn a_refusal_resolves_only_sends_that_could_no_longer_be_executed() {
    let two = record().resend(at(1_600)).resend(at(1_010 + AGED));
    assert_eq!((two.unsettled, two.unresolved.len()), (Some(at(1_000)), 2));
    let refused = two.refused(at(1_010 + AGED), capacity(), at(1_011 + AGED));
    assert_eq!((refused.unsettled, refused.unresolved.as_slice()), (None, &[at(1_600)][..]));
    assert!(is_open(&refused), "the second may still be executed");
}

#[test]
fn a_send_that_never_left_closes_nothing() {
    let unsent = record().not_sent(at(1_000), capacity(), at(1_001));
    assert_eq!(unsent.state(), AttemptState::Unsent);
    let again = unsent.resend(at(1_002)).not_sent(at(1_002), capacity(), at(1_003));
    assert_eq!(again.held.as_ref().map(|held| held.times), Some(2));

    // The settling send after a refusal is stopped: what the first send did is as open as before.
    let refused = record().resend(at(1_030)).refused(at(1_030), capacity(), at(1_031));
    let late = refused.resend(at(1_000 + AGED)).not_sent(at(1_000 + AGED), capacity(), at(1_061 + AGED));
    assert!(late.unresolved.is_empty() && is_open(&late), "{late:?}");

    // So it is when a later send of an unanswered attempt cannot leave for want of credentials.
    let denied = record().resend(at(1_030)).not_sent(at(1_030), capacity(), at(1_031));
    let much_later = denied.resend(at(9_000)).not_sent(at(9_000), capacity(), at(9_001));
    assert!(is_open(&denied) && is_open(&much_later), "{much_later:?}");
}

#[test]
fn a_refusal_resolves_a_send_from_the_second_on_in_which_that_is_void() {
    let closes = |record: LaunchRecord, sent: i64| {
        let refused = record.refused(at(sent), capacity(), at(sent));
        matches!(refused.state(), AttemptState::Closed(_))
    };
    assert!(closes(record(), 1_000 + AGED) && !closes(record(), 1_000 + AGED - 1));
    let again = record().resend(at(1_000 + AGED));
    assert_eq!(again.unsettled, Some(at(1_000)));
    assert!(closes(again, 1_000 + AGED));
    let third = record().resend(at(1_100)).resend(at(1_050 + AGED));
    let late = third.refused(at(1_100), capacity(), at(1_051 + AGED));
    assert_eq!(late.unsettled, Some(at(1_000)), "it was sent when the first could still be executed");
}

#[test]
fn an_answer_takes_its_own_mark_and_says_that_the_send_has_left() {
    let two = record().resend(at(1_030));
    assert_eq!(two.mismatched(at(1_030)).unresolved, [at(1_000)]);
    let held = two.not_sent(at(1_030), capacity(), at(1_031));
    assert!(held.held.is_some() && held.unanswered().held.is_none());
    assert_eq!(held.unanswered().unresolved, held.unresolved);
}

#[test]
fn a_send_after_one_that_nobody_answered_is_a_repetition() {
    assert!(!record().is_repeated(), "S1: nothing of this token was sent before");
    assert!(record().resend(at(1_030)).is_repeated());
    assert!(
        record().resend(at(1_000 + AGED)).is_repeated(),
        "nobody knows what became of a send that is void"
    );
    let unsent = record().not_sent(at(1_000), capacity(), at(1_001)).resend(at(1_030));
    assert!(!unsent.is_repeated(), "the first never left");
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
