//! Creates and deletes the pods of a turn, and waits for what comes of it.

use std::io::{IsTerminal as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use kube::Client;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::Ground;
use super::pods;
use super::sightings::{Counts, Sightings, name_prefix};
use crate::load::moment::Moment;

/// Between two lines of progress.
const BEAT: Duration = Duration::from_millis(250);
/// How often a call that got no clear answer is repeated.
const TRIES: u32 = 5;
const BETWEEN_TRIES: Duration = Duration::from_millis(100);

/// A line on the terminal that is written over and over; nothing elsewhere.
#[derive(Clone, Copy, Debug)]
pub(in crate::load) struct Progress {
    is_shown: bool,
}

impl Progress {
    pub(in crate::load) fn new() -> Self {
        Self { is_shown: std::io::stderr().is_terminal() }
    }

    pub(in crate::load) fn show(self, text: &str) {
        if self.is_shown {
            // A terminal that takes no output shows no progress; nothing else depends on it.
            drop(write!(std::io::stderr(), "\r\x1b[K{text}"));
        }
    }
}

/// The pods of one kind on one node.
pub(super) struct Traffic {
    client: Client,
    node: Arc<str>,
    prefix: Arc<str>,
    pods: u32,
    creators: u32,
    progress: Progress,
    title: &'static str,
}

#[derive(Clone, Copy, Debug)]
enum Verb {
    Create,
    Delete,
}

impl Verb {
    /// What becomes of a pod by it.
    fn word(self) -> &'static str {
        match self {
            Self::Create => "running",
            Self::Delete => "gone",
        }
    }

    fn reached(self, counts: Counts) -> u32 {
        match self {
            Self::Create => counts.running,
            Self::Delete => counts.gone,
        }
    }
}

impl Traffic {
    pub(super) fn new(ground: &Ground<'_>, node: &str, kind: &str, pods: u32, title: &'static str) -> Self {
        Self {
            client: ground.client.clone(),
            node: node.into(),
            prefix: name_prefix(node, kind).into(),
            pods,
            creators: ground.load.creators,
            progress: ground.progress,
            title,
        }
    }

    /// Creates all pods and waits until they run. Returns what went wrong.
    pub(super) async fn up(&self, seen: &Sightings, limit: Duration, rate: Option<f64>) -> Vec<String> {
        let all = self.pods;
        let is_up = move |counts: &Counts| counts.running + counts.ended >= all;
        self.phase(seen, limit, (Verb::Create, rate), is_up).await
    }

    /// Deletes all pods and waits until they are gone. Returns what went wrong.
    pub(super) async fn down(&self, seen: &Sightings, limit: Duration) -> Vec<String> {
        // One that could not be made is not waited for.
        let all = seen.known();
        self.phase(seen, limit, (Verb::Delete, None), move |counts| counts.gone >= all).await
    }

    async fn phase(
        &self,
        seen: &Sightings,
        limit: Duration,
        (verb, rate): (Verb, Option<f64>),
        is_over: impl FnMut(&Counts) -> bool,
    ) -> Vec<String> {
        let work = async {
            let failures = self.send_all(seen, verb, rate).await;
            // Those that could not be asked for are not waited for.
            if failures.is_empty() {
                seen.reach(is_over).await;
            }
            failures
        };
        let mut work = std::pin::pin!(tokio::time::timeout(limit, work));
        let mut beat = tokio::time::interval(BEAT);
        let (word, reached) = (verb.word(), || verb.reached(seen.counts()));
        let ended = loop {
            tokio::select! {
                biased;
                ended = &mut work => break ended,
                _tick = beat.tick() => {
                    let line = format!("{}: {} of {} {word}", self.title, reached(), self.pods);
                    self.progress.show(&line);
                }
            }
        };
        self.progress.show("");
        ended.unwrap_or_else(|_elapsed| {
            let count = reached();
            vec![format!("only {count} of {} pods were {word} within {} s", self.pods, limit.as_secs())]
        })
    }

    /// Makes the call for every pod, from as many tasks as there are creators.
    async fn send_all(&self, seen: &Sightings, verb: Verb, rate: Option<f64>) -> Vec<String> {
        let next = Arc::new(AtomicU32::new(0));
        let began = Instant::now();
        let mut creators = JoinSet::new();
        let (answers, mut answered) = tokio::sync::mpsc::channel(1024);
        for _ in 0..self.creators {
            let (client, node, prefix) =
                (self.client.clone(), Arc::clone(&self.node), Arc::clone(&self.prefix));
            let (next, answers, pods) = (Arc::clone(&next), answers.clone(), self.pods);
            creators.spawn(async move {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= pods {
                        return;
                    }
                    if let Some(rate) = rate {
                        let due = began + Duration::from_secs_f64(f64::from(number) / rate);
                        tokio::time::sleep_until(due).await;
                    }
                    let name = format!("{prefix}{number}");
                    let result = send(&client, verb, &node, &name).await.map(|()| Moment::now());
                    if answers.send((number, result)).await.is_err() {
                        return;
                    }
                }
            });
        }
        drop(answers);
        let mut failures = Vec::new();
        let mut refused = 0_u32;
        while let Some((number, result)) = answered.recv().await {
            match (result, verb) {
                (Ok(answered), Verb::Create) => seen.created(number, answered),
                (Ok(_), Verb::Delete) => {}
                (Err(error), _) => {
                    refused += 1;
                    failures = vec![format!("{refused} calls failed, the last with: {error}")];
                }
            }
        }
        failures
    }
}

/// One call; repeated when the API server is busy or the connection broke.
async fn send(client: &Client, verb: Verb, node: &str, name: &str) -> Result<(), kube::Error> {
    let mut tries = 1;
    loop {
        let request = match verb {
            Verb::Create => pods::creation(node, name)?,
            Verb::Delete => pods::deletion(name)?,
        };
        let Err(error) = client.request_text(request).await else { return Ok(()) };
        let code = if let kube::Error::Api(status) = &error { status.code } else { 0 };
        match (verb, code) {
            // A repeated call meets its own effect.
            (Verb::Create, 409) if tries > 1 => return Ok(()),
            (Verb::Delete, 404) => return Ok(()),
            (_, 0 | 429 | 500..) if tries < TRIES => tries += 1,
            _ => return Err(error),
        }
        tokio::time::sleep(BETWEEN_TRIES).await;
    }
}
