//! One entry of a history as a line for people.

use std::fmt;

use super::{Change, Entry, Fact, Named, PodVersion};

impl fmt::Display for Entry {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:.3} {}", self.at, self.fact)
    }
}

impl fmt::Display for Fact {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pod(pod) => pod.fmt(out),
            Self::PodGone { uid } => write!(out, "pod   {} is gone", short(uid)),
            Self::SetBack => write!(out, "api   set back to an older state"),
            Self::Node { name, is_there } => {
                write!(out, "node  {name} is {}", if *is_there { "there" } else { "gone" })
            }
            Self::Event { about, reason } => write!(out, "event {reason} about {about}"),
            Self::Request { verb, name, uid, code } => {
                let uid = uid.as_deref().map(short).unwrap_or_default();
                write!(out, "asks  {verb} {name} {uid} -> {code}")
            }
            Self::Call { call, .. } => {
                let pod = call.pod.as_deref().map(short).unwrap_or_default();
                let named = call.instances.join(" ");
                write!(out, "ec2   {} {pod} {named} -> {:?}", call.action, call.outcome)
            }
            Self::Instance { id, change, .. } => write!(out, "inst  {id} {change}"),
            Self::Started { process } => write!(out, "told  process {process} starts"),
            Self::Told(text) => write!(out, "told  {text}"),
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Launched(named) => write!(out, "launched for {named}"),
            Self::Tagged(named) => write!(out, "is now tagged {named}"),
            Self::Running { .. } => write!(out, "runs"),
            Self::Impaired(is_impaired) => write!(out, "impaired: {is_impaired}"),
            Self::Stopping(by) => write!(out, "stops, by {by:?}"),
            Self::Ending(by) => write!(out, "ends, by {by:?}"),
            Self::Terminated => write!(out, "terminated"),
        }
    }
}

impl fmt::Display for Named {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |value: &Option<String>| value.as_deref().map_or("-", short).to_owned();
        write!(out, "pod {} of {} in {}", text(&self.pod), text(&self.node), text(&self.cluster))
    }
}

impl fmt::Display for PodVersion {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "pod   {} {} v{} {}", self.name, short(&self.uid), self.version, self.phase)?;
        if self.is_ready {
            write!(out, " ready")?;
        }
        for word in [&self.reason, &self.waits] {
            if !word.is_empty() {
                write!(out, " {word}")?;
            }
        }
        if self.deletion.is_some() {
            write!(out, " deleting")?;
        }
        if let Some(record) = &self.record {
            let sends = record.unresolved;
            write!(out, " [attempt {} sends {sends}", record.attempt)?;
            if let Some(instance) = &record.instance {
                write!(out, " {instance}")?;
            }
            write!(out, "]")?;
        }
        Ok(())
    }
}

/// The beginning of a UID, which is enough to tell UIDs apart.
fn short(uid: &str) -> &str {
    uid.get(..8).unwrap_or(uid)
}
