//! When each pod took which step, and on which instance: the table at the end.

use std::collections::BTreeMap;
use std::time::Duration;

use orca_core::well_known::annotation;
use serde::Serialize;
use serde_json::Value;

use super::object::has;
use super::story::pod_name;

/// The steps of one pod; seconds since the sandbox began.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Steps {
    pub(super) pod: String,
    pub(super) instance: Option<String>,
    pub(super) instance_type: Option<String>,
    pub(super) created: Option<f64>,
    pub(super) scheduled: Option<f64>,
    pub(super) launched: Option<f64>,
    pub(super) running: Option<f64>,
    pub(super) ready: Option<f64>,
    pub(super) failed: Option<f64>,
    pub(super) gone: Option<f64>,
}

/// The steps of every pod, in the order in which they were first seen.
#[derive(Debug, Default)]
pub(super) struct Timeline {
    order: BTreeMap<String, usize>,
    pods: Vec<Steps>,
}

impl Timeline {
    /// Whether the object of one of the pods has not been seen to go.
    pub(super) fn has_left(&self) -> bool {
        self.pods.iter().any(|steps| steps.gone.is_none())
    }

    /// Takes in a state of a pod; none means that it is gone.
    pub(super) fn saw(&mut self, before: Option<&Value>, after: Option<&Value>, at: Duration) {
        let Some(pod) = after.or(before) else { return };
        let seconds = (at.as_secs_f64() * 1000.0).round() / 1000.0;
        let steps = self.steps(pod);
        let Some(pod) = after else {
            steps.gone.get_or_insert(seconds);
            return;
        };
        steps.created.get_or_insert(seconds);
        if pod["spec"]["nodeName"].is_string() {
            steps.scheduled.get_or_insert(seconds);
        }
        if let Some(instance) = pod["metadata"]["annotations"][annotation::INSTANCE_ID].as_str() {
            steps.launched.get_or_insert(seconds);
            steps.instance = Some(instance.to_owned());
        }
        steps.instance_type =
            pod["metadata"]["annotations"][annotation::INSTANCE_TYPE].as_str().map(str::to_owned);
        match pod["status"]["phase"].as_str() {
            Some("Running") => drop(steps.running.get_or_insert(seconds)),
            Some("Failed") => drop(steps.failed.get_or_insert(seconds)),
            _ => {}
        }
        if has(pod, "Ready", "True") {
            steps.ready.get_or_insert(seconds);
        }
    }

    fn steps(&mut self, pod: &Value) -> &mut Steps {
        let uid = pod["metadata"]["uid"].as_str().unwrap_or_default().to_owned();
        let next = self.pods.len();
        let index = *self.order.entry(uid).or_insert(next);
        if index == next {
            self.pods.push(Steps { pod: pod_name(pod), ..Steps::default() });
        }
        &mut self.pods[index]
    }

    pub(super) fn pods(&self) -> &[Steps] {
        &self.pods
    }

    /// A table for people; a dash where a step was not taken.
    pub(super) fn table(&self) -> String {
        let title =
            ["POD", "INSTANCE", "TYPE", "SCHEDULED", "LAUNCHED", "RUNNING", "READY", "FAILED", "GONE"];
        let mut rows: Vec<Vec<String>> = vec![title.iter().map(ToString::to_string).collect()];
        rows.extend(self.pods.iter().map(Steps::row));
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..title.len()).map(width).collect();
        let line = |row: &Vec<String>| {
            let cells: Vec<String> =
                row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
            format!("{}\n", cells.join("  ").trim_end())
        };
        rows.iter().map(line).collect()
    }
}

impl Steps {
    fn row(&self) -> Vec<String> {
        let time =
            |step: Option<f64>| step.map_or_else(|| "-".to_owned(), |seconds| format!("{seconds:.2}s"));
        let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
        let mut row = vec![self.pod.clone(), text(&self.instance), text(&self.instance_type)];
        let steps = [self.scheduled, self.launched, self.running, self.ready, self.failed, self.gone];
        row.extend(steps.map(time));
        row
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_first_time_of_each_step_counts() {
        let mut timeline = Timeline::default();
        let mut pod = json!({ "metadata": { "name": "a", "uid": "1", "annotations": {} }, "status": { "phase": "Pending" } });
        timeline.saw(None, Some(&pod), Duration::from_millis(100));
        pod["spec"]["nodeName"] = "n".into();
        timeline.saw(None, Some(&pod), Duration::from_millis(200));
        pod["status"]["phase"] = "Running".into();
        pod["metadata"]["annotations"][annotation::INSTANCE_ID] = "i-1".into();
        timeline.saw(None, Some(&pod), Duration::from_secs(1));
        timeline.saw(None, Some(&pod), Duration::from_secs(2));
        timeline.saw(Some(&pod), None, Duration::from_secs(3));
        let steps = &timeline.pods()[0];
        assert_eq!((steps.created, steps.scheduled, steps.launched), (Some(0.1), Some(0.2), Some(1.0)));
        assert_eq!((steps.running, steps.ready, steps.gone), (Some(1.0), None, Some(3.0)));
        let table = timeline.table();
        let rows: Vec<&str> = table.lines().collect();
        assert_eq!(rows[0], "POD    INSTANCE  TYPE  SCHEDULED  LAUNCHED  RUNNING  READY  FAILED  GONE");
        assert_eq!(rows[1], "pod/a  i-1       -     0.20s      1.00s     1.00s    -      -       3.00s");
    }

    #[test]
    fn two_pods_of_one_name_are_two_rows() {
        let mut timeline = Timeline::default();
        for uid in ["1", "2", "1"] {
            timeline.saw(None, Some(&json!({ "metadata": { "name": "a", "uid": uid } })), Duration::ZERO);
        }
        assert_eq!(timeline.pods().len(), 2);
    }
}
