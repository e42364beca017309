//! What a contestant costs while nothing changes, and how long it takes to know everything again after a kill.

use std::time::Duration;

use tokio::time::Instant;

use super::Ground;
use crate::load::audit::Log;
use crate::load::contestant::{Contestant, Running};
use crate::load::error::Error;
use crate::load::program::Program;
use crate::load::report::{Restart, Steady};
use crate::load::usage::Usage;

/// Between looks at a program that starts again.
const LOOK: Duration = Duration::from_millis(20);
/// A start that takes longer has failed.
const LIMIT: Duration = Duration::from_mins(3);
/// What is still written after all pods are known belongs to the start.
const SETTLE: Duration = Duration::from_secs(5);

/// Watches the contestant for so many seconds in which nobody does anything.
pub(super) async fn steady(
    ground: &Ground<'_>,
    contestant: Contestant,
    running: &Running,
    seconds: u32,
) -> Result<Steady, Error> {
    let log = ground.plane.audit();
    let usage = || running.pid().and_then(Usage::of);
    let (before, from, calls) = (usage(), log.as_ref().map(Log::end), cloud_calls(running));
    for left in (1..=seconds).rev() {
        ground.progress.show(&format!("{}: steady for {left} s more", contestant.name()));
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let (after, to) = (usage(), log.as_ref().map(Log::end));
    let minutes = f64::from(seconds) / 60.0;
    let requests = match (&log, from, to) {
        (Some(log), Some(from), Some(to)) => {
            let counted = log.writes(&contestant.user(), from, to);
            Some(f64::from(counted.map_err(Error::system("reading the audit log"))?.requests) / minutes)
        }
        _ => None,
    };
    let calls = calls.zip(cloud_calls(running)).map(|(before, after)| as_f64(after - before) / minutes);
    Ok(Steady {
        cpu_percent: before
            .zip(after)
            .map(|(before, after)| (after.cpu_seconds - before.cpu_seconds) * 100.0 / f64::from(seconds)),
        memory_mib: after.map(|after| after.memory_mib),
        requests_per_minute: requests,
        cloud_calls_per_minute: calls,
    })
}

/// Kills the program, starts it again, and waits until it knows every pod and every instance.
pub(super) async fn restart(
    ground: &Ground<'_>,
    contestant: Contestant,
    program: &Program,
) -> Result<Restart, Error> {
    let log = ground.plane.audit();
    let pods = f64::from(ground.load.pods);
    ground.progress.show(&format!("{}: killed and started again", contestant.name()));
    program.process.kill();
    let (from, calls, began) = (log.as_ref().map(Log::end), described(program), Instant::now());
    program.process.start_again()?;
    let seconds = loop {
        let known = (program.metric("orca_pods").await, program.metric("orca_instances_alive").await);
        if known.0 >= Some(pods) && known.1 >= Some(pods) {
            break Some(began.elapsed().as_secs_f64());
        }
        if began.elapsed() > LIMIT || program.process.check().is_err() {
            break None;
        }
        tokio::time::sleep(LOOK).await;
    };
    let pages = u32::try_from(described(program) - calls).unwrap_or(u32::MAX);
    tokio::time::sleep(SETTLE).await;
    let pod_writes = match (&log, from) {
        (Some(log), Some(from)) => {
            let counted = log.writes(&contestant.user(), from, log.end());
            Some(counted.map_err(Error::system("reading the audit log"))?.pods)
        }
        _ => None,
    };
    Ok(Restart { seconds, pages, pod_writes })
}

fn cloud_calls(running: &Running) -> Option<u64> {
    match running {
        Running::Program(program) => Some(program.ec2.call_counts().values().sum()),
        Running::Orca(_) | Running::Peer(_) => None,
    }
}

fn described(program: &Program) -> u64 {
    program.ec2.call_counts().get("DescribeInstances").copied().unwrap_or_default()
}

fn as_f64(count: u64) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}
