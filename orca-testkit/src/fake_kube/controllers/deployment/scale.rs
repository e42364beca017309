//! Giving replica sets another size.

use super::super::super::error::ApiError;
use super::super::super::object::Object;
use super::super::controller::Context;
use super::super::json;
use super::super::recorder::{Note, Source};
use super::limits::{Limits, is_recreate};
use super::sets::{DESIRED, MOST, Set, Sets, annotate_size};

/// Gives one set another size and says so. Says whether it had another one.
pub(super) fn set(
    deployment: &Object,
    set: &mut Set,
    to: i64,
    context: &mut Context<'_>,
) -> Result<bool, ApiError> {
    let from = set.wished;
    set.object = context.update(&set.object, |value| {
        json::set(value, &["spec", "replicas"], to);
        annotate_size(deployment, json::place(value, &["metadata", "annotations"]));
    })?;
    set.wished = to;
    if from == to {
        return Ok(false);
    }
    let direction = if to > from { "up" } else { "down" };
    let text = format!("Scaled {direction} replica set {} from {from} to {to}", set.object.name());
    context.note(deployment, &Note::normal(Source::Deployment, "ScalingReplicaSet", text));
    Ok(true)
}

/// Takes all pods from the old sets. Says whether they had any.
pub(super) fn empty_old(
    deployment: &Object,
    sets: &mut Sets,
    context: &mut Context<'_>,
) -> Result<bool, ApiError> {
    let mut any = false;
    for old in sets.old.iter_mut().filter(|old| old.wished > 0) {
        any |= set(deployment, old, 0, context)?;
    }
    Ok(any)
}

/// Follows a change of the wished number, in the middle of a rollout by everybody's share.
pub(super) fn resize(
    deployment: &Object,
    sets: &mut Sets,
    context: &mut Context<'_>,
) -> Result<(), ApiError> {
    let limits = Limits::of(deployment);
    let active = sets.all().filter(|set| set.wished > 0).count();
    if active <= 1 {
        let is_old_active = sets.old.iter().any(|set| set.wished > 0);
        let only = if is_old_active || sets.new.is_none() {
            let place = sets.old.iter().rposition(|set| set.wished > 0 || active == 0);
            place.and_then(|place| sets.old.get_mut(place))
        } else {
            sets.new.as_mut()
        };
        if let Some(only) = only {
            set(deployment, only, limits.wished, context)?;
        }
        return Ok(());
    }
    let is_saturated = sets.new.as_ref().is_some_and(|new| {
        new.wished == limits.wished
            && new.annotation(DESIRED) == Some(limits.wished)
            && new.status("availableReplicas") == limits.wished
    });
    if is_saturated {
        empty_old(deployment, sets, context)?;
        return Ok(());
    }
    if is_recreate(deployment) { Ok(()) } else { share(deployment, sets, limits, context) }
}

/// Adds to, or takes from, each set by its part of the whole; the largest gets what is left by rounding.
fn share(
    deployment: &Object,
    sets: &mut Sets,
    limits: Limits,
    context: &mut Context<'_>,
) -> Result<(), ApiError> {
    let allowed = if limits.wished > 0 { limits.most() } else { 0 };
    let total = sets.wished();
    let to_add = allowed - total;
    let replicas = deployment.number("/status/replicas").unwrap_or(total);
    let mut active: Vec<&mut Set> =
        sets.old.iter_mut().chain(&mut sets.new).filter(|set| set.wished > 0).collect();
    // Of equal ones the youngest gains first, and the oldest loses first.
    if to_add > 0 {
        active.reverse();
    }
    active.sort_by_key(|set| std::cmp::Reverse(set.wished));
    let mut sizes: Vec<i64> = Vec::with_capacity(active.len());
    let mut added = 0;
    for set in &active {
        let before = set.annotation(MOST).unwrap_or(replicas).max(1);
        let part = if limits.wished == 0 {
            -set.wished
        } else {
            // Rounded to the nearest.
            (set.wished * limits.most() * 2 + before) / (before * 2) - set.wished
        };
        let left = to_add - added;
        let part = if to_add > 0 { part.min(left).max(0) } else { part.max(left).min(0) };
        added += part;
        sizes.push(set.wished + part);
    }
    if let Some(first) = sizes.first_mut() {
        *first = (*first + to_add - added).max(0);
    }
    for (one, size) in active.into_iter().zip(sizes) {
        set(deployment, one, size, context)?;
    }
    Ok(())
}
