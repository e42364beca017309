//! Rules about offers, launches and tokens.

use std::time::Duration;

use orca_core::cloud::LaunchOutcome;
use orca_core::error::Kind;
use orca_core::launch::LaunchRequest;
use orca_core::limits::SIGNATURE_LIFETIME;

use super::CloudContract;
use super::world::{ensure, launched};

impl CloudContract<'_> {
    pub(super) async fn the_identity_is_stable(&self) -> Result<(), String> {
        let ask = || async { self.client.identity().await.map_err(|error| format!("identity: {error}")) };
        let (first, second) = (ask().await?, ask().await?);
        ensure(!first.as_str().is_empty(), || "the identity is empty".to_owned())?;
        ensure(first == second, || format!("the identity was {first} and then {second}"))
    }

    pub(super) async fn offers_launch_nothing(&self) -> Result<(), String> {
        let wish = self.wish_of(&self.owner, "offers");
        for _ in 0..3 {
            let offers = self.client.offers(&wish).await.map_err(|error| format!("offers: {error}"))?;
            ensure(!offers.is_empty(), || "there is no offer for the wish".to_owned())?;
            let same = offers.iter().all(|offer| offer.tags == wish.tags);
            ensure(same, || "an offer has other tags than the wish".to_owned())?;
        }
        let listed = self.listed_for("offers").await?;
        ensure(listed.is_empty(), || format!("offers launched {} instances", listed.len()))
    }

    pub(super) fn tokens_are_remembered_long_enough(&self) -> Result<(), String> {
        let memory = self.client.token_memory();
        ensure(memory > SIGNATURE_LIFETIME, || format!("tokens are remembered for {memory:?} only"))
    }

    pub(super) async fn what_was_launched_is_listed(&self) -> Result<(), String> {
        let launched = self.launch("listed").await?;
        if let Some(cloud) = &launched.cloud {
            let identity = self.client.identity().await.map_err(|error| format!("identity: {error}"))?;
            ensure(*cloud == identity, || format!("it lives in {cloud}, and the identity is {identity}"))?;
        }
        let pod = self.pod("listed");
        self.only("listed", &launched.id).await?;
        let listed = self.listed_for("listed").await?;
        let [one] = &listed[..] else { return Err("it is listed no more".to_owned()) };
        ensure(one.owner.as_ref() == Some(&self.owner), || format!("its owner is {:?}", one.owner))?;
        ensure(one.pod.as_ref() == Some(&pod), || format!("its pod is {:?}", one.pod))?;
        ensure(*one.instance_type == *self.wish.instance_type, || {
            format!("its type is {}", one.instance_type)
        })?;
        ensure(one.capacity_type == self.wish.capacity_type, || "it is of another market".to_owned())?;
        ensure(one.state.is_alive(), || format!("its state is {:?}", one.state))
    }

    pub(super) async fn the_same_token(&self) -> Result<(), String> {
        let offer = self.offer(&self.wish_of(&self.owner, "same")).await?;
        let token = self.token("same");
        let first = launched(self.send(&offer, &token).await)?;
        for _ in 0..2 {
            let again = launched(self.send(&offer, &token).await)?;
            ensure(again.id == first.id, || format!("{} and then {}", first.id, again.id))?;
        }
        self.only("same", &first.id).await
    }

    pub(super) async fn concurrent_sends(&self) -> Result<(), String> {
        let offer = self.offer(&self.wish_of(&self.owner, "at-once")).await?;
        let token = self.token("at-once");
        let send = || Box::pin(self.send(&offer, &token));
        let outcomes: [LaunchOutcome; 10] =
            tokio::join!(send(), send(), send(), send(), send(), send(), send(), send(), send(), send())
                .into();
        let mut ids = Vec::new();
        for outcome in outcomes {
            ids.push(launched(outcome)?.id);
        }
        ids.sort();
        ids.dedup();
        let [one] = &ids[..] else { return Err(format!("ten sends named {ids:?}")) };
        self.only("at-once", one).await
    }

    pub(super) async fn another_offer(&self) -> Result<(), String> {
        let wish = self.wish_of(&self.owner, "mismatch");
        let token = self.token("mismatch");
        let first = launched(self.send(&self.offer(&wish).await?, &token).await)?;
        let other = LaunchRequest { instance_type: self.other_type.clone(), ..wish };
        let outcome = self.send(&self.offer(&other).await?, &token).await;
        ensure(outcome == LaunchOutcome::Mismatch, || format!("another offer brought {outcome:?}"))?;
        self.only("mismatch", &first.id).await
    }

    pub(super) async fn an_ended_token(&self) -> Result<(), String> {
        let offer = self.offer(&self.wish_of(&self.owner, "ended")).await?;
        let token = self.token("ended");
        let first = launched(self.send(&offer, &token).await)?;
        self.end("ended", &first).await?;
        match self.send(&offer, &token).await {
            LaunchOutcome::Ended => {}
            LaunchOutcome::Launched(again) if again.id == first.id && !again.state.is_alive() => {}
            other @ (LaunchOutcome::Launched(_)
            | LaunchOutcome::Refused(_)
            | LaunchOutcome::Mismatch
            | LaunchOutcome::NotSent(_)
            | LaunchOutcome::Unknown(_)) => {
                return Err(format!("the token of an ended instance brought {other:?}"));
            }
        }
        let alive = self.listed_for("ended").await?.iter().filter(|each| each.state.is_alive()).count();
        ensure(alive == 0, || format!("{alive} instances are alive"))
    }

    pub(super) async fn a_refusal(&self) -> Result<(), String> {
        let wish =
            LaunchRequest { instance_type: self.no_type.clone(), ..self.wish_of(&self.owner, "refused") };
        let error = match self.client.offers(&wish).await {
            Err(error) => error,
            Ok(offers) => {
                // Nothing that fits is an answer as well.
                let Some(offer) = offers.first() else { return Ok(()) };
                match self.send(offer, &self.token("refused")).await {
                    LaunchOutcome::Refused(error) => error,
                    other @ (LaunchOutcome::Launched(_)
                    | LaunchOutcome::Mismatch
                    | LaunchOutcome::Ended
                    | LaunchOutcome::NotSent(_)
                    | LaunchOutcome::Unknown(_)) => {
                        return Err(format!("a type that does not exist brought {other:?}"));
                    }
                }
            }
        };
        ensure(matches!(error.kind, Kind::Invalid(_)), || {
            format!("it is refused as {:?}: {error}", error.kind)
        })?;
        let listed = self.listed_for("refused").await?;
        ensure(listed.is_empty(), || "a refused launch has launched".to_owned())
    }

    pub(super) async fn nothing_after_its_time(&self) -> Result<(), String> {
        let offer = self.offer(&self.wish_of(&self.owner, "late")).await?;
        let token = self.token("late");
        let now = self.clock.now();
        let past = now.checked_sub(Duration::from_secs(1)).unwrap_or(now);
        let before = self.calls();
        let outcome = self.client.launch(&offer, &token, past).await;
        ensure(self.calls() == before, || "a call was made after its time".to_owned())?;
        ensure(matches!(outcome, LaunchOutcome::NotSent(_)), || format!("too late, and yet {outcome:?}"))?;
        let listed = self.listed_for("late").await?;
        ensure(listed.is_empty(), || "it was launched after its time".to_owned())?;
        let in_time = launched(self.send(&offer, &token).await)?;
        self.only("late", &in_time.id).await
    }
}
