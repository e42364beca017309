//! Completion indexes: of a pod, and many as the text of a status.

use std::collections::BTreeSet;

use super::super::super::object::Object;

pub(super) const NAME: &str = "batch.kubernetes.io/job-completion-index";

/// The index of a pod.
pub(super) fn of(pod: &Object) -> Option<u32> {
    pod.value()["metadata"]["annotations"][NAME].as_str()?.parse().ok()
}

/// Reads `1,3-5,7`. What makes no sense is left out.
pub(super) fn parse(text: &str) -> BTreeSet<u32> {
    let range = |part: &str| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        Some(first.parse::<u32>().ok()?..=last.parse().ok()?)
    };
    text.split(',').filter_map(range).flatten().collect()
}

/// Writes `1,3-5,7`.
pub(super) fn format(indexes: &BTreeSet<u32>) -> String {
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for index in indexes {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == *index => *last = *index,
            Some(_) | None => ranges.push((*index, *index)),
        }
    }
    let text = |(first, last): (u32, u32)| match last - first {
        0 => first.to_string(),
        1 => format!("{first},{last}"),
        _ => format!("{first}-{last}"),
    };
    ranges.into_iter().map(text).collect::<Vec<_>>().join(",")
}
