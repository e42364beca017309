//! What the sandbox says: how to reach it, and each thing that happens, as lines for people or as JSON.

use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::servers::{Sandbox, SandboxEvent};
use super::story::Line;
use super::timeline::Timeline;
use crate::args::{SandboxArgs, SandboxOutput};

/// How long the last lines may take.
const TOLD: Duration = Duration::from_secs(10);

/// Where lines go, and since when.
#[derive(Debug)]
pub(super) struct Output {
    form: SandboxOutput,
    coloured: bool,
    began: Instant,
    timeline: Mutex<Timeline>,
    /// Ends the sandbox when nobody reads what it says.
    unread: CancellationToken,
}

impl Output {
    pub(super) fn new(output: SandboxOutput, coloured: bool, unread: CancellationToken) -> Self {
        Self { form: output, coloured, began: Instant::now(), timeline: Mutex::default(), unread }
    }

    /// How to reach the sandbox, and what to try.
    pub(super) fn greet(&self, sandbox: &Sandbox, args: &SandboxArgs) {
        let (url, kubeconfig) = (sandbox.url(), sandbox.kubeconfig().display().to_string());
        match self.form {
            SandboxOutput::Json => {
                self.print(
                    &json!({ "server": url, "kubeconfig": kubeconfig, "seed": args.seed }).to_string(),
                );
            }
            SandboxOutput::Text => {
                self.print(&format!(
                    "A cluster and a cloud in one process, {}x as fast as AWS. Nothing leaves this machine.\n\n  \
                     API server  {url}\n  Cloud       {}\n",
                    args.speed,
                    sandbox.cloud_path(),
                ));
                // Who only wants to see manifests come and go needs no second terminal.
                if args.apply.is_empty() || args.keep {
                    self.print(&format!(
                        "In another terminal:\n\n  export KUBECONFIG={kubeconfig}\n  kubectl get nodes -o wide\n  \
                         kubectl apply -f examples/kubernetes/gpu-training-pod.yaml\n  kubectl get pods -w\n\n\
                         Ctrl-C ends it and leaves nothing behind.\n",
                    ));
                }
            }
        }
    }

    /// Tells everything that happens, for ever.
    pub(super) async fn tell(&self, sandbox: &Sandbox) {
        let mut events = sandbox.watch();
        loop {
            let at = |output: &Self| output.began.elapsed();
            match events.next().await {
                SandboxEvent::Object { resource, before, after } => {
                    let at = at(self);
                    if resource == "pods" {
                        self.timeline().saw(before.as_ref(), after.as_ref(), at);
                    }
                    let lines = super::story::tell(resource, before.as_ref(), after.as_ref());
                    for line in &lines {
                        self.say_at(line, at);
                    }
                }
                SandboxEvent::Line(line) => self.say_at(&line, at(self)),
            }
        }
    }

    pub(super) fn say(&self, line: &Line) {
        self.say_at(line, self.began.elapsed());
    }

    fn say_at(&self, line: &Line, at: Duration) {
        match self.form {
            SandboxOutput::Text => self.print(&line.text(at, self.coloured)),
            SandboxOutput::Json => self.print(&line.json(at)),
        }
    }

    /// Waits until the end of every pod is told, when all of them are gone: what is told follows what happens, and can be late.
    pub(super) async fn all_told(&self) {
        let until = Instant::now() + TOLD;
        while self.timeline().has_left() && Instant::now() < until {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// The table of all steps, at the end.
    pub(super) fn summarise(&self, came_up: bool) {
        let timeline = self.timeline();
        match self.form {
            SandboxOutput::Text => self.print(&format!("\n{}", timeline.table().trim_end())),
            SandboxOutput::Json => {
                self.print(&json!({ "cameUp": came_up, "pods": timeline.pods() }).to_string());
            }
        }
    }

    /// Who stops reading, as `head` does, has what he wants: the sandbox ends then, as after Ctrl-C.
    fn print(&self, text: &str) {
        let mut stdout = io::stdout().lock();
        if writeln!(stdout, "{text}").and_then(|()| stdout.flush()).is_err() {
            self.unread.cancel();
        }
    }

    fn timeline(&self) -> std::sync::MutexGuard<'_, Timeline> {
        self.timeline.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
