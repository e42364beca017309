//! Every key of the config as a tree, read off one example that sets all of them.

use std::collections::BTreeMap;

use orca_aws::config::{Aws, Document};
use orca_core::config::{
    BackendSection as _, Cluster, Config, Controller, Development, Gc, Instances, Limits, Logging, Metrics,
    NamespaceQuota, Node, Pods, Prometheus, Taint, TaintEffect, WorkloadTemplate,
};
use orca_core::instance::CapacityType;
use serde_json::Value;

/// Stands in the example for any key of a map, such as the name of a label.
pub(super) const ANY: &str = "*";

/// A config in which every key is set, as JSON: its objects are the sections, all else the values.
pub(super) fn tree() -> Value {
    serde_json::json!(Document { config: example(), backend: Aws::example() })
}

/// Written without `..Default::default()`: a key that is added to the schema and missing here does not compile.
fn example() -> Config {
    Config {
        cluster: Cluster { id: Some(String::new()) },
        node: node(),
        instances: instances(),
        pods: Pods::default(),
        limits: limits(),
        controller: Controller::default(),
        gc: Gc::default(),
        logging: Logging::default(),
        metrics: Metrics { prometheus: Prometheus { enabled: false }, ..Metrics::default() },
        development: Development {
            mock_aws: false,
            dry_run: false,
            enable_fast_cleanup: false,
            cleanup_interval: Some(String::new()),
        },
    }
}

fn node() -> Node {
    Node {
        name: String::new(),
        labels: any(String::new()),
        taints: Some(vec![Taint {
            key: String::new(),
            value: String::new(),
            effect: TaintEffect::NoSchedule,
        }]),
        operating_system: String::new(),
        architecture: String::new(),
        cpu: String::new(),
        memory: String::new(),
        pods: String::new(),
        gpu: Some(String::new()),
        extended_resources: any(String::new()),
        ephemeral_storage: String::new(),
        address: Some(String::new()),
    }
}

fn instances() -> Instances {
    let price = "1.00".parse().ok();
    Instances {
        selection_mode: orca_core::config::Mode::default(),
        templates: any(WorkloadTemplate {
            instance_type: String::new(),
            launch_type: Some(CapacityType::default()),
            max_spot_price: price,
        }),
        default_launch_type: CapacityType::default(),
        allowed_instance_types: vec![String::new()],
        max_spot_prices: price.map(any).unwrap_or_default(),
        check_fit: true,
    }
}

fn limits() -> Limits {
    Limits {
        max_concurrent_instances: 0,
        max_instances_per_namespace: 0,
        daily_budget: 0.0,
        monthly_budget: 0.0,
        max_instance_lifetime: Some(String::new()),
        namespace_quotas: any(NamespaceQuota {
            max_instances: 0,
            max_gpus: 0,
            daily_budget: 0.0,
            monthly_budget: 0.0,
        }),
    }
}

fn any<T>(value: T) -> BTreeMap<String, T> {
    BTreeMap::from([(ANY.to_owned(), value)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_the_example_is_left_out() {
        fn check(value: &Value, path: &str) {
            match value {
                Value::Object(map) => {
                    assert!(!map.is_empty(), "{path} has no keys");
                    map.iter().for_each(|(key, value)| check(value, &format!("{path}.{key}")));
                }
                Value::Array(list) => assert!(!list.is_empty(), "{path} is empty"),
                Value::Null => panic!("{path} is not set"),
                Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
            }
        }
        check(&tree(), "config");
    }

    #[test]
    fn the_example_is_a_config() {
        serde_json::from_value::<Document>(tree()).expect("it has the shape of one");
    }
}
