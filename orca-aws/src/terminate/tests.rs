//! How a batch is split, and that every instance gets an outcome.

use orca_core::error::Fault;

use crate::testing::{Reply, Server, client, owned, settings};

use super::*;

fn ending(changes: &[(&str, &str)]) -> Reply {
    let item = |(id, state): &(&str, &str)| {
        format!("<item><instanceId>{id}</instanceId><currentState><name>{state}</name></currentState></item>")
    };
    let items: Vec<String> = changes.iter().map(item).collect();
    let items = items.concat();
    Reply::xml(
        200,
        &format!(
            "<TerminateInstancesResponse><instancesSet>{items}</instancesSet></TerminateInstancesResponse>"
        ),
    )
}

fn asked(server: &Server) -> Vec<Vec<String>> {
    let ids = |form: &BTreeMap<String, String>| {
        form.iter().filter(|(key, _)| key.starts_with("InstanceId.")).map(|(_, id)| id.clone()).collect()
    };
    server.forms().iter().map(ids).collect()
}

#[tokio::test]
async fn each_instance_gets_the_state_of_the_reply() {
    let server =
        Server::new([ending(&[("i-1", "shutting-down"), ("i-2", "terminated"), ("i-3", "dreaming")])]);
    let given = ["i-1", "i-2", "i-3", "i-4"].map(owned);
    let outcomes = client(&server, &settings()).terminate_instances(&given).await;
    assert_eq!(outcomes[&"i-1".into()], Ok(InstanceState::ShuttingDown));
    assert_eq!(outcomes[&"i-2".into()], Ok(InstanceState::Terminated));
    assert_eq!(outcomes[&"i-3".into()].as_ref().expect_err("unknown state").kind, Kind::Unknown);
    assert_eq!(outcomes[&"i-4".into()].as_ref().expect_err("left out").kind, Kind::Unknown);
    assert_eq!((outcomes.len(), server.requests().len()), (4, 1));
}

#[tokio::test]
async fn one_bad_id_does_not_keep_the_others_alive() {
    for (status, code, kind) in [
        (400, "InvalidInstanceID.NotFound", Kind::NotFound),
        (400, "OperationNotPermitted", Kind::Invalid(Fault::Config)),
        (403, "UnauthorizedOperation", Kind::Denied),
    ] {
        let bad = || Reply::error(status, code, "i-2");
        let server = Server::new([
            bad(),
            bad(),
            ending(&[("i-1", "shutting-down")]),
            bad(),
            ending(&[("i-3", "shutting-down"), ("i-4", "terminated")]),
        ]);
        let given = ["i-1", "i-2", "i-3", "i-4"].map(owned);
        let outcomes = client(&server, &settings()).terminate_instances(&given).await;
        assert_eq!(
            asked(&server),
            [
                vec!["i-1", "i-2", "i-3", "i-4"],
                vec!["i-1", "i-2"],
                vec!["i-1"],
                vec!["i-2"],
                vec!["i-3", "i-4"]
            ]
        );
        let refused = outcomes[&"i-2".into()].as_ref().expect_err("refused");
        assert_eq!((refused.kind, refused.code.as_str()), (kind, code));
        assert_eq!(outcomes.values().filter(|outcome| outcome.is_ok()).count(), 3, "{code}");
    }
}

#[tokio::test]
async fn a_policy_that_refuses_everything_costs_a_bounded_number_of_calls() {
    let server = Server::new(vec![Reply::error(403, "UnauthorizedOperation", "no"); 200]);
    let given: Vec<OwnedInstance> = (0..500).map(|number| owned(&format!("i-{number}"))).collect();
    let outcomes = client(&server, &settings()).terminate_instances(&given).await;
    assert!(outcomes.len() == 500 && outcomes.values().all(Result::is_err));
    let alone = outcomes.values().filter_map(|outcome| outcome.as_ref().err());
    let alone = alone.filter(|error| error.code == "UnauthorizedOperation").count();
    assert!(alone >= 16, "some are known for certain after each go: {alone}");
    assert_eq!(server.requests().len(), 1 + 2 * MOST_SPLITS);
}

#[tokio::test]
async fn an_error_about_the_call_is_everyones_and_is_not_repeated() {
    for reply in [
        Reply::error(503, "RequestLimitExceeded", "slow down"),
        Reply::error(401, "AuthFailure", "no"),
        Reply::error(500, "InternalError", "no"),
        Reply::xml(500, "<html>no</html>"),
        Reply::Dropped,
    ] {
        let server = Server::new([reply]);
        let outcomes = client(&server, &settings()).terminate_instances(&["i-1", "i-2"].map(owned)).await;
        assert!(outcomes.values().all(Result::is_err));
        assert_eq!((outcomes.len(), server.requests().len()), (2, 1));
    }
}

#[tokio::test]
async fn no_call_names_more_than_five_hundred_and_none_calls_nothing() {
    let server = Server::new([ending(&[]), ending(&[])]);
    let client = client(&server, &settings());
    assert!(client.terminate_instances(&[]).await.is_empty());
    let many: Vec<OwnedInstance> = (0..501).map(|n| owned(&format!("i-{n}"))).collect();
    assert_eq!(client.terminate_instances(&many).await.len(), 501);
    let counts: Vec<_> = asked(&server).iter().map(Vec::len).collect();
    assert_eq!(counts, [500, 1]);
}
