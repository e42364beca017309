//! Whether running instances pass EC2's own two checks, of the instance and of the host under it.

use std::collections::BTreeMap;

use aws_sdk_ec2::types::{Filter, InstanceStatus, InstanceStatusSummary, SummaryStatus};
use orca_core::error::{CloudError, Kind};
use orca_core::ids::InstanceId;
use orca_core::instance::Health;

use crate::bisect::Bisect;
use crate::call::{Operation, call};
use crate::client::Ec2Client;
use crate::describe::{IDS_PER_CALL, MAX_PAGES, PAGE, absent, is_bad_id};
use crate::error::cloud_error;

/// The filters for the two checks (EC2 API reference, `DescribeInstanceStatus`).
const CHECKS: [&str; 2] = ["instance-status.status", "system-status.status"];

impl Ec2Client {
    /// The health of those of these that run. 100 ids are the most for one call (EC2 API reference,
    /// `DescribeInstanceStatus`), and EC2 answers for running instances only.
    pub(crate) async fn describe_health(
        &self,
        ids: &[InstanceId],
    ) -> Result<BTreeMap<InstanceId, Health>, CloudError> {
        let mut found = BTreeMap::new();
        let mut batches = Bisect::new(ids, IDS_PER_CALL);
        while let Some(batch) = batches.take() {
            let named = batch.iter().map(|id| id.as_str().to_owned()).collect();
            let request = self.read.describe_instance_status().set_instance_ids(Some(named));
            match call(Operation::DescribeInstanceStatus, request.send()).await {
                Ok(output) => found.extend(output.instance_statuses().iter().filter_map(entry)),
                Err(error) => {
                    let error = cloud_error(Operation::DescribeInstanceStatus, &error);
                    if !is_bad_id(&error) {
                        return Err(error);
                    }
                    if let Some(id) = batches.split(batch) {
                        absent(id, &error);
                    }
                }
            }
        }
        Ok(found)
    }

    /// The running instances of the account that fail one of the two checks. One call for each check, because all filters of a
    /// call must match.
    pub(crate) async fn describe_impaired(&self) -> Result<Vec<InstanceId>, CloudError> {
        let mut found = Vec::new();
        for check in CHECKS {
            let filter = Filter::builder().name(check).values(SummaryStatus::Impaired.as_str()).build();
            let request = self.read.describe_instance_status().filters(filter).max_results(PAGE);
            let mut next = None;
            for _ in 0..MAX_PAGES {
                let page =
                    call(Operation::DescribeInstanceStatus, request.clone().set_next_token(next).send())
                        .await
                        .map_err(|error| cloud_error(Operation::DescribeInstanceStatus, &error))?;
                // A server that does not know the filter returns all instances.
                let impaired = page.instance_statuses().iter().filter_map(entry);
                found.extend(impaired.filter(|(_, health)| *health == Health::Impaired).map(|(id, _)| id));
                next = page.next_token().filter(|token| !token.is_empty()).map(str::to_owned);
                if next.is_none() {
                    break;
                }
            }
            if next.is_some() {
                let message = format!("DescribeInstanceStatus gave {MAX_PAGES} pages and no end");
                return Err(CloudError::new(Kind::Unknown, "TooManyPages", message));
            }
        }
        Ok(found)
    }
}

fn entry(source: &InstanceStatus) -> Option<(InstanceId, Health)> {
    let id = InstanceId::new(source.instance_id()?);
    Some((id, health(source.instance_status(), source.system_status())))
}

/// One failed check is enough to be impaired; both must have passed to be healthy.
fn health(instance: Option<&InstanceStatusSummary>, system: Option<&InstanceStatusSummary>) -> Health {
    let checks = [instance, system].map(|summary| summary.and_then(InstanceStatusSummary::status));
    if checks.contains(&Some(&SummaryStatus::Impaired)) {
        Health::Impaired
    } else if checks == [Some(&SummaryStatus::Ok); 2] {
        Health::Passed
    } else {
        Health::Initializing
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{Reply, Server, client, settings};

    use super::*;

    fn item(id: &str, instance: &str, system: &str) -> String {
        format!(
            "<item><instanceId>{id}</instanceId><systemStatus><status>{system}</status></systemStatus>\
             <instanceStatus><status>{instance}</status></instanceStatus></item>"
        )
    }

    fn statuses(items: &str) -> Reply {
        let body = format!(
            "<DescribeInstanceStatusResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\">\
             <instanceStatusSet>{items}</instanceStatusSet></DescribeInstanceStatusResponse>"
        );
        Reply::xml(200, &body)
    }

    #[tokio::test]
    async fn both_checks_must_pass_and_one_is_enough_to_fail() {
        let cases = [
            ("i-1", "ok", "ok", Health::Passed),
            ("i-2", "impaired", "ok", Health::Impaired),
            ("i-3", "initializing", "impaired", Health::Impaired),
            ("i-4", "initializing", "ok", Health::Initializing),
            ("i-5", "insufficient-data", "ok", Health::Initializing),
            ("i-6", "something-new", "ok", Health::Initializing),
        ];
        let items: String =
            cases.iter().map(|(id, instance, system, _)| item(id, instance, system)).collect();
        let server = Server::new([statuses(&items)]);
        let ids = cases.map(|(id, ..)| InstanceId::new(id));
        let found = client(&server, &settings()).describe_health(&ids).await.expect("health");
        for (id, _, _, expected) in cases {
            assert_eq!(found[&InstanceId::new(id)], expected, "{id}");
        }
    }

    #[tokio::test]
    async fn who_fails_a_check_is_found_by_two_questions_page_by_page() {
        let paged = |items: &str, next: &str| {
            let body = format!(
                "<DescribeInstanceStatusResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\">\
                 <instanceStatusSet>{items}</instanceStatusSet><nextToken>{next}</nextToken></DescribeInstanceStatusResponse>"
            );
            Reply::xml(200, &body)
        };
        let server = Server::new([
            paged("", "more"),
            paged(&item("i-1", "impaired", "ok"), ""),
            statuses(&(item("i-2", "ok", "impaired") + &item("i-3", "ok", "ok"))),
        ]);
        let found = client(&server, &settings()).describe_impaired().await.expect("impaired");
        assert_eq!(found, ["i-1".into(), "i-2".into()], "an instance that passes is not impaired");
        let filters: Vec<String> = server.forms().iter().map(|form| form["Filter.1.Name"].clone()).collect();
        assert_eq!(filters, ["instance-status.status", "instance-status.status", "system-status.status"]);
    }

    #[tokio::test]
    async fn an_unknown_id_is_left_out_and_the_rest_is_answered() {
        let not_found =
            || Reply::error(400, "InvalidInstanceID.NotFound", "The instance ID 'i-2' does not exist");
        let server = Server::new([not_found(), statuses(&item("i-1", "ok", "ok")), not_found()]);
        let ids = [InstanceId::new("i-1"), InstanceId::new("i-2")];
        let found = client(&server, &settings()).describe_health(&ids).await.expect("health");
        assert_eq!(found, BTreeMap::from([(InstanceId::new("i-1"), Health::Passed)]));
        assert_eq!(server.requests().len(), 3);
    }

    #[tokio::test]
    async fn no_ids_ask_nothing() {
        let server = Server::new([]);
        assert_eq!(client(&server, &settings()).describe_health(&[]).await.expect("health"), BTreeMap::new());
        assert!(server.requests().is_empty());
    }
}
