//! Rules about lists and descriptions.

use std::collections::BTreeSet;
use std::time::Duration;

use orca_core::ids::{InstanceId, Owner};

use super::CloudContract;
use super::world::{ensure, launched};

impl CloudContract<'_> {
    pub(super) async fn lists_are_complete(&self) -> Result<(), String> {
        let mut expected = BTreeSet::new();
        for number in 0..self.many {
            expected.insert(self.launch(&format!("many-{number}")).await?.id);
        }
        let mut waited = Duration::ZERO;
        loop {
            let listed = self.list().await?;
            let found: BTreeSet<InstanceId> = listed.iter().map(|each| each.id.clone()).collect();
            ensure(found.len() == listed.len(), || "an instance is listed twice".to_owned())?;
            let missing = expected.difference(&found).count();
            if missing == 0 {
                return Ok(());
            }
            ensure(waited < self.patience, || format!("{missing} of {} are missing", expected.len()))?;
            self.wait().await;
            waited += self.pause;
        }
    }

    pub(super) async fn lists_are_the_owners_only(&self) -> Result<(), String> {
        let other = self.other_owner();
        let offer = self.offer(&self.wish_of(&other, "foreign")).await?;
        let foreign = launched(self.send(&offer, &self.token("foreign")).await)?;
        let ours = self.launch("ours").await?;
        self.only("ours", &ours.id).await?;
        ensure(!self.list().await?.iter().any(|each| each.id == foreign.id), || {
            "the list shows an instance of another node".to_owned()
        })?;
        let ask = async |owner: &Owner| {
            self.client.list_owned(owner).await.map_err(|error| format!("list_owned: {error}"))
        };
        ensure(!ask(&other).await?.iter().any(|each| each.id == ours.id), || {
            "the list of another node shows an instance of ours".to_owned()
        })?;
        let nobody = Owner { cluster: "contract-nobody".into(), node: "nobody".into() };
        let none = ask(&nobody).await?;
        ensure(none.is_empty(), || format!("somebody who owns nothing owns {}", none.len()))
    }

    pub(super) async fn unknown_ids(&self) -> Result<(), String> {
        let known = self.launch("known").await?;
        self.only("known", &known.id).await?;
        let describe = async |ids: &[InstanceId]| {
            let found = self.client.describe(ids).await.map_err(|error| format!("describe: {error}"))?;
            Ok::<_, String>(found.into_iter().map(|each| each.id).collect::<Vec<_>>())
        };
        let mut waited = Duration::ZERO;
        // An instance can be listed before it is known by its id.
        while describe(std::slice::from_ref(&known.id)).await?.is_empty() {
            ensure(waited < self.patience, || "a listed instance cannot be described".to_owned())?;
            self.wait().await;
            waited += self.pause;
        }
        let found = describe(&[self.no_id.clone(), known.id.clone()]).await?;
        ensure(found == [known.id.clone()], || format!("of one known and one unknown id: {found:?}"))?;
        let found = describe(std::slice::from_ref(&self.no_id)).await?;
        ensure(found.is_empty(), || format!("of one unknown id: {found:?}"))
    }

    pub(super) async fn nothing_asked(&self) -> Result<(), String> {
        let before = self.calls();
        let described = self.client.describe(&[]).await.map_err(|error| format!("describe: {error}"))?;
        ensure(described.is_empty(), || format!("no ids, and {} instances", described.len()))?;
        let ended = self.client.terminate(&[]).await;
        ensure(ended.is_empty(), || format!("no instances, and {} answers", ended.len()))?;
        let calls = self.calls() - before;
        ensure(calls == 0, || format!("{calls} calls were made for nothing"))
    }
}
