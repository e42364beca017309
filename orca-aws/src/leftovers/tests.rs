//! Pages, filters, what is in use, and how each kind is removed.

use orca_core::ids::PodRef;

use crate::testing::{Reply, Server, client, settings};

use super::*;

const TAGS: &str = "<tagSet><item><key>orca.research/cluster</key><value>c1</value></item>\
                    <item><key>orca.research/node</key><value>n1</value></item>\
                    <item><key>orca.research/pod-uid</key><value>u1</value></item></tagSet>";

fn owner() -> Owner {
    Owner { cluster: "c1".into(), node: "n1".into() }
}

fn answer(action: &str, set: &str, items: &[String], next: &str) -> Reply {
    let next = if next.is_empty() { String::new() } else { format!("<nextToken>{next}</nextToken>") };
    let items = items.concat();
    Reply::xml(
        200,
        &format!(
            "<{action}Response xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><{set}>{items}</{set}>{next}</{action}Response>"
        ),
    )
}

fn volume(id: &str, state: &str, tags: &str) -> String {
    format!(
        "<item><volumeId>{id}</volumeId><status>{state}</status><createTime>1970-01-01T00:10:00.000Z</createTime>{tags}</item>"
    )
}

fn volumes(items: &[String], next: &str) -> Reply {
    answer("DescribeVolumes", "volumeSet", items, next)
}

fn interfaces(items: &[String]) -> Reply {
    answer("DescribeNetworkInterfaces", "networkInterfaceSet", items, "")
}

fn requests(items: &[String]) -> Reply {
    answer("DescribeSpotInstanceRequests", "spotInstanceRequestSet", items, "")
}

#[tokio::test]
async fn what_is_unused_and_ours_is_found_on_every_page() {
    let foreign = TAGS.replace(">n1<", ">n2<");
    let interface = |id: &str, state: &str| {
        format!("<item><networkInterfaceId>{id}</networkInterfaceId><status>{state}</status>{TAGS}</item>")
    };
    let request = |id: &str, state: &str, more: &str| {
        format!(
            "<item><spotInstanceRequestId>{id}</spotInstanceRequestId><state>{state}</state>{more}{TAGS}</item>"
        )
    };
    let server = Server::new([
        volumes(&[volume("vol-1", "available", TAGS), volume("vol-2", "in-use", TAGS)], "t1"),
        volumes(&[volume("vol-3", "available", &foreign), volume("vol-4", "available", "")], ""),
        interfaces(&[interface("eni-1", "available"), interface("eni-2", "in-use")]),
        requests(&[
            request("sir-1", "open", ""),
            request("sir-2", "active", ""),
            request("sir-3", "open", "<instanceId>i-1</instanceId>"),
        ]),
    ]);
    let found = client(&server, &settings()).leftovers(&owner()).await.expect("a list");
    let names: Vec<String> = found.iter().map(|leftover| leftover.id.to_string()).collect();
    assert_eq!(names, ["volume vol-1", "network interface eni-1", "spot request sir-1"]);
    assert_eq!(found[0].pod, Some(PodRef::new("", "", "u1")));
    assert_eq!(found[0].created_at.map(jiff::Timestamp::as_second), Some(600));
    let forms = server.forms();
    let asked: Vec<_> = forms.iter().map(|form| form["Action"].as_str()).collect();
    assert_eq!(
        asked,
        ["DescribeVolumes", "DescribeVolumes", "DescribeNetworkInterfaces", "DescribeSpotInstanceRequests"]
    );
    for form in &forms {
        assert_eq!(
            (form["Filter.1.Name"].as_str(), form["Filter.1.Value.1"].as_str()),
            ("tag:orca.research/cluster", "c1")
        );
        assert_eq!(
            (form["Filter.2.Name"].as_str(), form["Filter.2.Value.1"].as_str()),
            ("tag:orca.research/node", "n1")
        );
    }
    assert_eq!(forms[1]["NextToken"], "t1");
}

#[tokio::test]
async fn a_list_that_fails_in_part_fails_as_a_whole() {
    let server = Server::new([
        volumes(&[volume("vol-1", "available", TAGS)], ""),
        Reply::error(403, "UnauthorizedOperation", "no"),
    ]);
    let error = client(&server, &settings()).leftovers(&owner()).await.expect_err("partial");
    assert_eq!(error.kind, Kind::Denied);
}

fn owned(kind: LeftoverKind, id: &str) -> OwnedLeftover {
    let leftover = Leftover {
        id: LeftoverId { kind, id: id.into() },
        owner: Some(owner()),
        pod: Some(PodRef::new("ml", "train", "u1")),
        created_at: None,
    };
    leftover.owned_by(&owner(), &"u1".into()).expect("ours")
}

#[tokio::test]
async fn each_kind_is_removed_by_its_own_call_and_what_is_gone_is_removed() {
    for (kind, action, key, gone) in [
        (LeftoverKind::Volume, "DeleteVolume", "VolumeId", "InvalidVolume.NotFound"),
        (
            LeftoverKind::NetworkInterface,
            "DeleteNetworkInterface",
            "NetworkInterfaceId",
            "InvalidNetworkInterfaceID.NotFound",
        ),
        (
            LeftoverKind::SpotRequest,
            "CancelSpotInstanceRequests",
            "SpotInstanceRequestId.1",
            "InvalidSpotInstanceRequestID.NotFound",
        ),
    ] {
        let done = Reply::xml(200, &format!("<{action}Response><return>true</return></{action}Response>"));
        let server =
            Server::new([done, Reply::error(400, gone, "no"), Reply::error(400, "VolumeInUse", "no")]);
        let client = client(&server, &settings());
        let thing = owned(kind, "x-1");
        client.remove(&thing).await.expect("removed");
        client.remove(&thing).await.expect("gone");
        assert_eq!(client.remove(&thing).await.expect_err("in use").code, "VolumeInUse");
        let form = &server.forms()[0];
        assert_eq!((form["Action"].as_str(), form[key].as_str()), (action, "x-1"));
    }
}

#[tokio::test]
async fn the_instances_of_a_cluster_are_asked_for_by_one_tag() {
    let server = Server::new([answer("DescribeInstances", "reservationSet", &[], "")]);
    let found = client(&server, &settings()).list_cluster(&"c1".into()).await.expect("a list");
    assert!(found.is_empty());
    let form = &server.forms()[0];
    assert_eq!(form["Filter.1.Name"], "tag:orca.research/cluster");
    assert!(!form.contains_key("Filter.2.Name"));
}
