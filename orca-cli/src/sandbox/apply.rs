//! `--apply`: what a person would do with kubectl. Apply, follow, delete, and see that nothing is left.

use std::time::Duration;

use kube::api::{Api, DeleteParams, DynamicObject, Patch, PatchParams, PropagationPolicy};
use kube::core::{ApiResource, GroupVersionKind};
use orca_testkit::fake_kube::resource;
use serde_json::Value;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::manifests::Manifest;
use super::output::Output;
use super::progress::{Progress, progress};
use super::servers::Sandbox;
use super::story::{Line, Tone};
use crate::args::SandboxArgs;
use crate::report::Failure;

/// Between looks.
const LOOK: Duration = Duration::from_millis(50);
/// The longest that the end of everything is waited for.
const FAREWELL: Duration = Duration::from_mins(2);
/// Who applies, as `managedFields` names it.
const MANAGER: &str = "orca-sandbox";

/// Why a apply did not end as wished.
#[derive(Debug, thiserror::Error)]
enum ApplyFailure {
    #[error("{name} ({}) is refused: {text}", file.display())]
    Refused { name: String, file: std::path::PathBuf, text: String },
    #[error("{name} ({}) is of the kind {kind}, which the sandbox does not have; it has {known}", file.display())]
    UnknownKind { name: String, file: std::path::PathBuf, kind: String, known: String },
    #[error("not everything came up: {0}")]
    NotUp(String),
    #[error("interrupted before everything came up")]
    Interrupted,
    #[error("something is left after {} s: {what}", FAREWELL.as_secs())]
    Left { what: String },
}

/// Applies, follows, deletes.
pub(super) async fn run(
    sandbox: &Sandbox,
    output: &Output,
    args: &SandboxArgs,
    manifests: &[Manifest],
    told_to_stop: &CancellationToken,
) -> Result<(), Failure> {
    sandbox.node_is_ready().await;
    for manifest in manifests {
        apply(sandbox, manifest).await.map_err(Failure::new)?;
    }
    let followed = tokio::select! {
        biased;
        () = told_to_stop.cancelled() => Err(ApplyFailure::Interrupted),
        followed = follow(sandbox, manifests, Duration::from_secs(args.timeout)) => followed,
    };
    if followed.is_ok() {
        output.say(&Line::new("sandbox", "all up", summary(manifests), Tone::Good));
    }
    if args.keep {
        told_to_stop.cancelled().await;
    }
    let left = leave(sandbox, manifests).await;
    output.summarise(followed.is_ok());
    followed.and(left).map_err(Failure::new)
}

fn summary(manifests: &[Manifest]) -> String {
    manifests.iter().map(Manifest::name).collect::<Vec<_>>().join(", ")
}

fn api(sandbox: &Sandbox, manifest: &Manifest) -> Result<Api<DynamicObject>, ApplyFailure> {
    let (version, kind) = (manifest.text("/apiVersion"), manifest.text("/kind"));
    let Some(known) = resource::of_kind(version, kind) else {
        let known: Vec<&str> = resource::ALL.iter().map(|known| known.kind).collect();
        return Err(ApplyFailure::UnknownKind {
            name: manifest.name(),
            file: manifest.file.clone(),
            kind: format!("{kind} in {version}"),
            known: known.join(", "),
        });
    };
    let kind = GroupVersionKind::gvk(known.group, known.version, known.kind);
    let described = ApiResource::from_gvk_with_plural(&kind, known.plural);
    Ok(if known.namespaced {
        Api::namespaced_with(sandbox.client(), manifest.namespace(), &described)
    } else {
        Api::all_with(sandbox.client(), &described)
    })
}

async fn apply(sandbox: &Sandbox, manifest: &Manifest) -> Result<(), ApplyFailure> {
    let parameters = PatchParams {
        field_validation: Some(kube::api::ValidationDirective::Strict),
        ..PatchParams::apply(MANAGER)
    };
    let api = api(sandbox, manifest)?;
    let applied =
        api.patch(manifest.text("/metadata/name"), &parameters, &Patch::Apply(&manifest.object)).await;
    let text = match applied {
        Ok(_object) => return Ok(()),
        Err(kube::Error::Api(status)) => status.message.clone(),
        Err(error) => error.to_string(),
    };
    Err(ApplyFailure::Refused { name: manifest.name(), file: manifest.file.clone(), text })
}

async fn follow(sandbox: &Sandbox, manifests: &[Manifest], patience: Duration) -> Result<(), ApplyFailure> {
    let until = Instant::now() + patience;
    // Once up is up: what happens to an instance later does not take that back.
    let mut open: Vec<&Manifest> = manifests.iter().collect();
    loop {
        let mut waits = Vec::new();
        let mut still = Vec::new();
        for manifest in open {
            match progress(&read(sandbox, manifest).await?, &sandbox.pods(manifest.namespace())) {
                Progress::Up => {}
                Progress::Failed(why) => {
                    return Err(ApplyFailure::NotUp(format!("{}: {why}", manifest.name())));
                }
                Progress::Waiting(why) => {
                    waits.push(format!("{}: {why}", manifest.name()));
                    still.push(manifest);
                }
            }
        }
        if still.is_empty() {
            return Ok(());
        }
        if Instant::now() >= until {
            return Err(ApplyFailure::NotUp(format!("after {} s, {}", patience.as_secs(), waits.join("; "))));
        }
        open = still;
        sleep(LOOK).await;
    }
}

async fn read(sandbox: &Sandbox, manifest: &Manifest) -> Result<Value, ApplyFailure> {
    let name = manifest.text("/metadata/name");
    match api(sandbox, manifest)?.get(name).await {
        Ok(object) => Ok(serde_json::to_value(object).unwrap_or_default()),
        Err(error) => Err(ApplyFailure::NotUp(format!("{}: {error}", manifest.name()))),
    }
}

/// Deletes what was applied, the last first, and waits until no pod and no instance is left.
async fn leave(sandbox: &Sandbox, manifests: &[Manifest]) -> Result<(), ApplyFailure> {
    let parameters =
        DeleteParams { propagation_policy: Some(PropagationPolicy::Foreground), ..DeleteParams::default() };
    for manifest in manifests.iter().rev() {
        let deleted = api(sandbox, manifest)?.delete(manifest.text("/metadata/name"), &parameters).await;
        if let Err(error) = deleted {
            tracing::debug!(error = %error, object = manifest.name(), "Not deleted");
        }
    }
    let until = Instant::now() + FAREWELL;
    loop {
        let left = sandbox.left();
        if left.is_empty() {
            return Ok(());
        }
        if Instant::now() >= until {
            return Err(ApplyFailure::Left { what: left.join(", ") });
        }
        sleep(LOOK).await;
    }
}
