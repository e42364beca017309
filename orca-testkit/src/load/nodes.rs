//! Node objects: made for a peer that needs one, waited for, removed.

use std::time::Duration;

use k8s_openapi::api::core::v1::Node;
use kube::api::{DeleteParams, PostParams};
use kube::{Api, Client};

use super::contestant::{Contestant, Running};
use super::error::Error;

const READY_LIMIT: Duration = Duration::from_mins(1);
const LOOK: Duration = Duration::from_millis(100);

/// The Node object of kwok, which takes care of nodes that are there.
pub(super) async fn create(client: &Client, name: &str) -> Result<(), Error> {
    let room = serde_json::json!({ "cpu": "1000", "memory": "4Ti", "pods": "1000000" });
    let value = serde_json::json!({
        "metadata": { "name": name, "annotations": { "kwok.x-k8s.io/node": "fake" } },
        "status": { "capacity": room, "allocatable": room },
    });
    let node: Node = serde_json::from_value(value).unwrap_or_default();
    let api: Api<Node> = Api::all(client.clone());
    api.create(&PostParams::default(), &node).await.map(drop).map_err(Error::api("making a node"))
}

/// Waits until the contestant's node is ready.
pub(super) async fn wait_ready(
    client: &Client,
    name: &str,
    contestant: Contestant,
    running: &mut Running,
) -> Result<(), Error> {
    let api: Api<Node> = Api::all(client.clone());
    let ready = async {
        loop {
            match api.get_opt(name).await {
                Ok(Some(node)) if is_ready(&node) => return Ok(true),
                Ok(_) if running.has_ended() => return Ok(false),
                Ok(_) => tokio::time::sleep(LOOK).await,
                Err(source) => return Err(Error::api("reading a node")(source)),
            }
        }
    };
    if tokio::time::timeout(READY_LIMIT, ready).await.unwrap_or(Ok(false))? {
        return Ok(());
    }
    let log = running.log_tail();
    Err(Error::NodeNotReady { contestant: contestant.name(), limit: READY_LIMIT, log })
}

/// Removes the Node object; one that is gone is fine.
pub(super) async fn delete(client: &Client, name: &str) -> Result<(), Error> {
    let api: Api<Node> = Api::all(client.clone());
    match api.delete(name, &DeleteParams::default()).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
        Err(source) => Err(Error::api("removing a node")(source)),
    }
}

fn is_ready(node: &Node) -> bool {
    let conditions = node.status.as_ref().and_then(|status| status.conditions.as_ref());
    conditions.into_iter().flatten().any(|condition| condition.type_ == "Ready" && condition.status == "True")
}
