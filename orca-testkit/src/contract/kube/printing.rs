//! What `kubectl get pods` prints: forty pods in the states that real ones come into, and what the columns make of them.

mod rows;

use serde_json::{Value, json};

use self::rows::{Row, deleted, holds};
use super::Outcome;
use super::caller::{Caller, ensure, pod};

async fn make(caller: &Caller, row: &Row, is_deleted: bool) -> Outcome {
    // Only pods on a node are deleted in two steps.
    let mut pod = pod(row.name, "nowhere");
    pod["metadata"]["labels"]["printed"] = "yes".into();
    pod["spec"]["containers"] = (1..=row.containers)
        .map(|at| json!({ "name": format!("c{at}"), "image": "example.com/none:1" }))
        .collect();
    let init = |name: &&str| {
        let policy = name.starts_with("side").then_some("Always");
        json!({ "name": name, "image": "example.com/none:1", "restartPolicy": policy })
    };
    pod["spec"]["initContainers"] = row.init.iter().map(init).collect();
    caller.post(&caller.path("pods"), &pod).await?.expect(201)?;
    let path = caller.path(&format!("pods/{}", row.name));
    if is_deleted {
        caller.delete(&path, &Value::Null).await?.expect(200)?;
    }
    caller.patch("merge", &format!("{path}/status"), &json!({ "status": row.status })).await?.expect(200)?;
    Ok(())
}

pub(super) async fn pods_print_what_says_most(caller: &Caller) -> Outcome {
    let (living, deleted) = (rows::living(), deleted());
    for (rows, is_deleted) in [(&living, false), (&deleted, true)] {
        for row in rows {
            make(caller, row, is_deleted).await.map_err(|error| format!("{}: {error}", row.name))?;
        }
    }
    let found = caller.table(&caller.path("pods?labelSelector=printed%3Dyes")).await?.expect(200)?;
    let cells = |name: &str| {
        let rows = found["rows"].as_array().into_iter().flatten();
        rows.map(|row| &row["cells"]).find(|cells| cells[0] == name).cloned().unwrap_or_default()
    };
    let wrong: Vec<String> = living
        .iter()
        .chain(&deleted)
        .map(|row| (row, cells(row.name)))
        .filter(|(row, cells)| json!([cells[1], cells[2], cells[3]]) != json!(row.printed))
        .map(|(row, cells)| format!("{}: wanted {:?}, got {cells}", row.name, row.printed))
        .collect();
    ensure(wrong.is_empty(), || wrong.join("; "))
}

pub(super) async fn wide_rows_have_addresses_and_gates(caller: &Caller) -> Outcome {
    let mut gated = pod("wide", "");
    gated["spec"]["readinessGates"] = json!([{ "conditionType": "a.b/one" }, { "conditionType": "a.b/two" }]);
    caller.post(&caller.path("pods"), &gated).await?.expect(201)?;
    let status = json!({ "status": {
        "podIP": "10.0.0.7", "podIPs": [{ "ip": "10.0.0.7" }, { "ip": "fd00::7" }],
        "nominatedNodeName": "other", "conditions": holds(&["a.b/two"]),
    } });
    let path = caller.path("pods/wide");
    caller.patch("merge", &format!("{path}/status"), &status).await?.expect(200)?;
    let found = caller.table(&path).await?.expect(200)?;
    let cells = &found["rows"][0]["cells"];
    let wide = json!([cells[5], cells[6], cells[7], cells[8]]);
    super::caller::same("wide", &wide, json!(["10.0.0.7", "<none>", "other", "1/2"]))
}
