//! Changes of instances, tags and requests over HTTP.

use super::instances::write_state;
use super::send;
use crate::fake_ec2::FakeEc2;
use crate::fake_ec2::action::{CancelSpotRequests, CreateTags, StopInstances, TerminateInstances};
use crate::fake_ec2::http::answer::ec2;
use crate::fake_ec2::http::query::Query;
use crate::fake_ec2::http::xml::Xml;
use crate::fake_ec2::model::Change;
use crate::fake_ec2::pipeline::Failure;

pub(super) async fn terminate(fake: &FakeEc2, query: &Query) -> Result<String, Failure> {
    let changes = fake.call(&TerminateInstances(query.list("InstanceId"))).await?;
    Ok(ec2("TerminateInstances", |xml| write_changes(xml, &changes)))
}

pub(super) async fn stop(fake: &FakeEc2, query: &Query) -> Result<String, Failure> {
    let changes = fake.call(&StopInstances(query.list("InstanceId"))).await?;
    Ok(ec2("StopInstances", |xml| write_changes(xml, &changes)))
}

pub(super) async fn create_tags(fake: &FakeEc2, query: &Query) -> Result<String, Failure> {
    let resources = query.list("ResourceId");
    send(fake, query.tags("Tag").map(|tags| CreateTags { resources, tags })).await?;
    Ok(ec2("CreateTags", |xml| xml.leaf("return", true)))
}

pub(super) async fn cancel_requests(fake: &FakeEc2, query: &Query) -> Result<String, Failure> {
    let cancelled = fake.call(&CancelSpotRequests(query.list("SpotInstanceRequestId"))).await?;
    Ok(ec2("CancelSpotInstanceRequests", |xml| {
        xml.list("spotInstanceRequestSet", &cancelled, |xml, (id, state)| {
            xml.leaf("spotInstanceRequestId", id);
            xml.leaf("state", state.as_str());
        });
    }))
}

fn write_changes(xml: &mut Xml, changes: &[Change]) {
    xml.list("instancesSet", changes, |xml, change| {
        xml.leaf("instanceId", &change.id);
        xml.nest("currentState", |xml| write_state(xml, change.after));
        xml.nest("previousState", |xml| write_state(xml, change.before));
    });
}
