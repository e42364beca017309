//! Lists: pages, selectors, versions.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::Outcome;
use super::caller::{Caller, ensure, pod, same, text};

fn names(list: &Value) -> Vec<String> {
    let items = list["items"].as_array().into_iter().flatten();
    items.map(|item| text(item, "/metadata/name").to_owned()).collect()
}

pub(super) async fn pages_are_complete(caller: &Caller) -> Outcome {
    let maps = caller.path("configmaps");
    for number in 0..5 {
        let map = json!({ "metadata": { "name": format!("page-{number}"), "labels": { "paged": "yes" } } });
        caller.post(&maps, &map).await?.expect(201)?;
    }
    let (mut found, mut token, mut pages) = (BTreeSet::new(), String::new(), 0);
    let mut versions = BTreeSet::new();
    loop {
        let path = format!("{maps}?labelSelector=paged&limit=2&continue={token}");
        let page = caller.get(&path).await?.expect(200)?;
        found.extend(names(&page));
        versions.insert(text(&page, "/metadata/resourceVersion").to_owned());
        pages += 1;
        text(&page, "/metadata/continue").clone_into(&mut token);
        if token.is_empty() || pages > 5 {
            break;
        }
    }
    same("pages and names", &json!([pages, found.len(), versions.len()]), json!([3, 5, 1]))?;
    let plain = caller.get(&format!("{maps}?limit=1")).await?.expect(200)?;
    let remaining = plain["metadata"]["remainingItemCount"].as_u64().unwrap_or(0);
    ensure(remaining >= 4, || format!("remaining: {remaining}"))?;
    caller.get(&format!("{maps}?limit=1&continue=nonsense")).await?.refused(
        400,
        "BadRequest",
        "continue key is not valid",
    )
}

pub(super) async fn selectors_select(caller: &Caller) -> Outcome {
    let pods = caller.path("pods");
    for (name, node) in [("select-a", "nowhere-1"), ("select-b", "nowhere-2"), ("select-c", "")] {
        let mut pod = pod(name, node);
        pod["metadata"]["labels"] = json!({ "suite": "select", "own": name });
        caller.post(&pods, &pod).await?.expect(201)?;
    }
    let cases = [
        ("fieldSelector=spec.nodeName%3Dnowhere-1", vec!["select-a"]),
        ("fieldSelector=metadata.name%3Dselect-b", vec!["select-b"]),
        ("labelSelector=suite%3Dselect,own!%3Dselect-a", vec!["select-b", "select-c"]),
        ("labelSelector=own+in+(select-a,select-c)", vec!["select-a", "select-c"]),
        ("labelSelector=suite,own+notin+(select-a)", vec!["select-b", "select-c"]),
        (
            "labelSelector=suite,!other&fieldSelector=spec.nodeName%3D,status.phase%3DPending",
            vec!["select-c"],
        ),
        ("labelSelector=suite&fieldSelector=status.phase!%3DPending", vec![]),
    ];
    for (query, wanted) in cases {
        let list = caller.get(&format!("{pods}?{query}")).await?.expect(200)?;
        same(query, &json!(names(&list)), json!(wanted))?;
    }
    let list = caller.get(&format!("{pods}?resourceVersion=0&labelSelector=suite")).await?.expect(200)?;
    same("kind of list", &list["kind"], json!("PodList"))?;
    let refused = caller.get(&format!("{pods}?fieldSelector=spec.nothing%3D1")).await?;
    refused.refused(400, "BadRequest", "field label not supported: spec.nothing")?;
    let refused = caller.get(&format!("{pods}?labelSelector=a+b")).await?;
    ensure(refused.code == 400, || format!("{refused:?}"))
}
