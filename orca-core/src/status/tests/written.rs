//! What a patch carries besides the phase: the launch record, annotations, changes, and nothing that is there already.

use super::*;
use crate::error::{CloudError, Kind};
use crate::launch::{NewAttempt, Offer};

pub(super) fn record() -> LaunchRecord {
    let offer = Offer {
        instance_type: "t3.micro".into(),
        capacity_type: CapacityType::OnDemand,
        zone: None,
        price: None,
        tags: std::collections::BTreeMap::new(),
        parameters: Value::Null,
        provides: None,
    };
    let (cloud, request_digest) = ("cloud".into(), "digest".into());
    let (cluster, pod) = ("c".into(), "u".into());
    LaunchRecord::open(
        NewAttempt { cluster: &cluster, pod: &pod, attempt: 1, cloud, offer, request_digest },
        at(5),
    )
}

#[test]
fn a_record_is_a_condition_that_says_how_far_the_launch_is() {
    let launched = record().launched(&"i-1".into());
    let refusal = CloudError::new(Kind::Denied, "C", "m");
    for (record, status, reason) in [
        (record(), "False", "Sent"),
        (launched, "True", "Launched"),
        (record().refused(at(5), refusal, at(6)), "False", "Refused"),
        (record().mismatched(at(5)), "False", "Mismatch"),
    ] {
        let rendered = render(&pod(), &waiting(), Some(&record), at(10));
        let found = rendered.conditions.into_iter().flatten().find(|one| one.type_ == "orca.research/Launch");
        let found = found.expect("the record's condition");
        assert_eq!((found.status.as_str(), found.reason.as_deref()), (status, Some(reason)));
        assert_eq!(found.message, Some(record.encode()));
    }
}

#[test]
fn a_record_alone_takes_nothing_else_away() {
    let mut live = after(&pod(), &running(Ready::Yes), 10);
    let resize = json!({ "type": "PodResizePending", "status": "True" });
    let conditions = live.status.as_mut().and_then(|status| status.conditions.as_mut()).expect("conditions");
    conditions.push(serde_json::from_value(resize).expect("a condition"));
    let launched = record().launched(&"i-1".into());
    let value = record_patch(&live, &launched, at(20)).expect("a patch");
    let keys: Vec<_> = value["status"].as_object().expect("an object").keys().cloned().collect();
    assert_eq!(keys, ["conditions", "observedGeneration"]);
    let kinds: Vec<_> =
        value["status"]["conditions"].as_array().expect("a list").iter().map(|c| &c["type"]).collect();
    assert_eq!(kinds, ["orca.research/Launch"]);
    assert_eq!(value["metadata"]["annotations"], json!({ "orca.research/instance-id": "i-1" }));
    live.status.as_mut().expect("a status").phase = Some("Failed".into());
    assert_eq!(record_patch(&live, &launched, at(20)), None, "B37");
}

#[test]
fn people_read_the_instance_and_its_public_address_from_annotations() {
    let public = Instance { public_ip: "192.0.2.7".parse().ok(), ..instance() };
    let shown = Shown::Running { instance: Box::new(public), ready: Ready::Yes };
    let told = annotations(Some(&shown), Some(&record().launched(&"i-1".into())));
    let expected = [("orca.research/instance-id", "i-1"), ("orca.research/public-ip", "192.0.2.7")];
    assert_eq!(told, expected.map(|(key, value)| (key, value.to_owned())));
    assert_eq!(annotations(Some(&waiting()), Some(&record())), []);

    let mut live = pod();
    live.metadata.annotations = Some([("orca.research/instance-id".to_owned(), "i-1".to_owned())].into());
    let value = patch(&live, &render(&live, &shown, None, at(10)), &told).expect("a patch");
    assert_eq!(value["metadata"]["annotations"], json!({ "orca.research/public-ip": "192.0.2.7" }));
}

#[test]
fn a_first_address_is_a_list_that_replaces_nothing() {
    let live = pod();
    let value = patch(&live, &render(&live, &running(Ready::Yes), None, at(10)), &[]).expect("a patch");
    assert_eq!(value["status"]["podIPs"], json!([{ "ip": "10.0.0.7" }]));
    assert_eq!(value["status"]["hostIPs"], json!([{ "ip": "10.0.0.7" }]));
}

#[test]
fn only_a_pod_that_was_launched_can_have_been_changed_since() {
    let mut live = after(&pod(), &waiting(), 10);
    live.spec.as_mut().expect("a spec").containers[0].image = Some("other".into());
    assert_eq!((changes::not_applied(&live, None).len(), changes::is_resized(&live, None)), (0, false));
    let ran = after(&live, &running(Ready::Yes), 20);
    assert_eq!((changes::not_applied(&ran, None).len(), changes::is_resized(&ran, None)), (0, false));
    assert!(crate::pod::condition(&ran, "PodResizePending").is_none());
    let statuses = json!(ran.status.as_ref().map(|status| &status.container_statuses));
    assert_eq!((&statuses[1]["image"], &statuses[1]["resources"]), (&json!("other"), &json!({})));
    assert_eq!((&statuses[1]["started"], &statuses[1]["imageID"]), (&json!(true), &json!("")));
}

#[test]
fn an_instance_with_addresses_of_both_families_gives_its_pod_both_in_the_order_that_is_wanted() {
    use crate::instance::IpFamily::{Ipv4, Ipv6};
    let (v4, v6) = ("10.0.0.7", "2001:db8::7");
    let with = |private: &str, other: Option<&str>, first| {
        let parsed = |ip: &str| ip.parse().expect("an address");
        let both = Instance { private_ip: Some(parsed(private)), other_ip: other.map(parsed), ..instance() };
        let shown = Shown::Running { instance: Box::new(both.with_first(first)), ready: Ready::Yes };
        let status = json!(render(&pod(), &shown, None, at(10)));
        assert_eq!(status["podIPs"], status["hostIPs"]);
        assert_eq!(
            (&status["podIP"], &status["hostIP"]),
            (&status["podIPs"][0]["ip"], &status["podIPs"][0]["ip"])
        );
        status["podIPs"].clone()
    };
    let both = |first: &str, second: &str| json!([{ "ip": first }, { "ip": second }]);
    assert_eq!(with(v4, Some(v6), Ipv4), both(v4, v6));
    assert_eq!(with(v4, Some(v6), Ipv6), both(v6, v4));
    assert_eq!(with(v6, Some(v4), Ipv4), both(v4, v6), "whichever the cloud named first");
    assert_eq!(with(v6, None, Ipv4), json!([{ "ip": v6 }]), "there is no other");
    assert_eq!(with(v4, None, Ipv6), json!([{ "ip": v4 }]));
}
