//! Tokens of service accounts: a bearer of one is that account.

use jiff::SignedDuration;
use serde_json::json;

use crate::fake_kube::answer::Answer;
use crate::fake_kube::cluster::Cluster;
use crate::fake_kube::error::ApiError;
use crate::fake_kube::request::ApiRequest;
use crate::fake_kube::route::Place;
use crate::fake_kube::store::Write;
use crate::fake_kube::time;

/// The shortest and the usual life of a token.
const SHORTEST_SECONDS: i64 = 600;
const USUAL_SECONDS: i64 = 3600;

pub(super) fn mint(cluster: &Cluster, request: &ApiRequest, place: &Place) -> Result<Answer, ApiError> {
    let account = cluster.store.get(place.resource, place.space(), place.title())?;
    let body = request.json()?;
    let seconds = body["spec"]["expirationSeconds"].as_i64().unwrap_or(USUAL_SECONDS);
    if seconds < SHORTEST_SECONDS {
        return Err(ApiError::unprocessable(format!(
            "TokenRequest.authentication.k8s.io \"{}\" is invalid: spec.expirationSeconds: Invalid value: \
             {seconds}: may not specify a duration less than 10 minutes",
            place.title()
        )));
    }
    let token = format!("fake.{}.{}", cluster.store.suffix(24), cluster.store.suffix(24));
    if request.write()? == Write::Commit {
        let user = format!("system:serviceaccount:{}:{}", account.namespace(), account.name());
        cluster.remember_token(token.clone(), user);
    }
    let now = cluster.store.now();
    let end = now.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(now);
    let answer = json!({
        "kind": "TokenRequest",
        "apiVersion": "authentication.k8s.io/v1",
        "metadata": {
            "name": account.name(),
            "namespace": account.namespace(),
            "creationTimestamp": time::seconds(now),
        },
        "spec": {
            "audiences": ["https://kubernetes.default.svc.cluster.local"],
            "expirationSeconds": seconds,
            "boundObjectRef": null,
        },
        "status": { "token": token, "expirationTimestamp": time::seconds(end) },
    });
    Ok(Answer::json(201, &answer))
}
