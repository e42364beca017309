//! Pages, filters, bad ids, and what may never look like an absence.

use crate::testing::{Reply, Server, client, settings};

use super::*;

fn owner() -> Owner {
    Owner { cluster: "c1".into(), node: "n1".into() }
}

fn instance(id: &str, cluster: &str) -> String {
    format!(
        "<item><instancesSet><item><instanceId>{id}</instanceId><instanceState><name>running</name></instanceState>\
         <tagSet><item><key>orca.research/cluster</key><value>{cluster}</value></item>\
         <item><key>orca.research/node</key><value>n1</value></item></tagSet></item></instancesSet></item>"
    )
}

fn page(instances: &[&str], next: &str) -> Reply {
    let instances: String = instances.iter().map(|id| instance(id, "c1")).collect();
    let next = if next.is_empty() { String::new() } else { format!("<nextToken>{next}</nextToken>") };
    Reply::xml(
        200,
        &format!(
            "<DescribeInstancesResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\">\
             <reservationSet>{instances}</reservationSet>{next}</DescribeInstancesResponse>"
        ),
    )
}

fn ids(instances: &[Instance]) -> Vec<&str> {
    instances.iter().map(|instance| instance.id.as_str()).collect()
}

fn not_found() -> Reply {
    Reply::error(400, "InvalidInstanceID.NotFound", "The instance ID does not exist")
}

#[tokio::test]
async fn every_page_is_read_although_one_is_empty() {
    let server = Server::new([page(&["i-1"], "t1"), page(&[], "t2"), page(&["i-2", "i-3"], "")]);
    let found = client(&server, &settings()).describe_owned(&owner()).await.expect("list");
    assert_eq!(ids(&found), ["i-1", "i-2", "i-3"]);
    let forms = server.forms();
    let tokens: Vec<_> = forms.iter().map(|form| form.get("NextToken").map(String::as_str)).collect();
    assert_eq!(tokens, [None, Some("t1"), Some("t2")]);
    let first: Vec<String> = forms[0].iter().map(|(key, value)| format!("{key}={value}")).collect();
    assert_eq!(
        first,
        [
            "Action=DescribeInstances",
            "Filter.1.Name=tag:orca.research/cluster",
            "Filter.1.Value.1=c1",
            "Filter.2.Name=tag:orca.research/node",
            "Filter.2.Value.1=n1",
            "MaxResults=1000",
            "Version=2016-11-15",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_failed_page_fails_the_whole_list_after_the_sdks_three_tries() {
    let html = || Reply::xml(500, "<html>no</html>");
    let server = Server::new([page(&["i-1"], "t1"), html(), Reply::Dropped, html()]);
    let error = client(&server, &settings()).describe_owned(&owner()).await.expect_err("partial");
    assert_eq!(error.kind, Kind::Unknown);
    assert_eq!(server.requests().len(), 4);
}

#[tokio::test]
async fn an_unknown_state_fails_the_whole_list() {
    let odd = "<DescribeInstancesResponse><reservationSet><item><instancesSet><item><instanceId>i-1</instanceId>\
               <instanceState><name>dreaming</name></instanceState></item></instancesSet></item></reservationSet>\
               </DescribeInstancesResponse>";
    let server = Server::new([Reply::xml(200, odd)]);
    let error = client(&server, &settings()).describe_owned(&owner()).await.expect_err("unknown state");
    assert!(error.message.contains("dreaming"), "{error}");
}

#[tokio::test]
async fn pages_without_end_are_an_error() {
    let server = Server::new((0..MAX_PAGES).map(|_| page(&[], "again")));
    let error = client(&server, &settings()).describe_owned(&owner()).await.expect_err("no end");
    assert_eq!((error.kind, error.code.as_str()), (Kind::Unknown, "TooManyPages"));
}

#[tokio::test]
async fn what_a_wildcard_lets_through_is_not_the_owners() {
    let body = format!(
        "<DescribeInstancesResponse><reservationSet>{}{}</reservationSet></DescribeInstancesResponse>",
        instance("i-1", "c*"),
        instance("i-2", "c1")
    );
    let server = Server::new([Reply::xml(200, &body)]);
    let owner = Owner { cluster: "c*".into(), node: "n1".into() };
    assert_eq!(ids(&client(&server, &settings()).describe_owned(&owner).await.expect("list")), ["i-1"]);
}

#[tokio::test]
async fn ids_are_asked_for_in_hundreds_and_none_asks_nothing() {
    let server = Server::new([page(&["i-0"], ""), page(&["i-100"], "")]);
    let client = client(&server, &settings());
    assert!(client.describe_ids(&[]).await.expect("none").is_empty());
    let many: Vec<InstanceId> = (0..150).map(|n| InstanceId::new(format!("i-{n}"))).collect();
    assert_eq!(ids(&client.describe_ids(&many).await.expect("found")), ["i-0", "i-100"]);
    let counts: Vec<_> = server
        .forms()
        .iter()
        .map(|form| form.keys().filter(|key| key.starts_with("InstanceId.")).count())
        .collect();
    assert_eq!(counts, [100, 50]);
    assert!(server.forms().iter().all(|form| !form.contains_key("MaxResults")), "EC2 refuses both together");
}

#[tokio::test]
async fn an_id_that_is_not_there_is_absent_and_hides_no_other() {
    let malformed = Reply::error(400, "InvalidInstanceID.Malformed", "Invalid id: \"i-3\"");
    for refusal in [not_found(), malformed] {
        let server = Server::new([refusal, page(&["i-0", "i-1", "i-9"], "")]);
        let asked = ["i-0", "i-1", "i-2", "*"].map(InstanceId::new);
        let found = client(&server, &settings()).describe_ids(&asked).await.expect("found");
        assert_eq!(ids(&found), ["i-0", "i-1"], "an id with a wildcard must not return other instances");
        let forms = server.forms();
        assert_eq!(forms.len(), 2, "two calls for a hundred ids, however many of them are gone");
        assert_eq!(forms[1].get("Filter.1.Name").map(String::as_str), Some("instance-id"));
    }
}

#[tokio::test]
async fn any_other_error_is_an_error() {
    let server = Server::new([not_found(), Reply::error(403, "UnauthorizedOperation", "no")]);
    let error =
        client(&server, &settings()).describe_ids(&["i-0".into(), "i-1".into()]).await.expect_err("denied");
    assert_eq!(error.kind, Kind::Denied);
}
