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
    #[error("{name} ({}) cannot be applied: {source}", file.display())]
    Unanswered { name: String, file: std::path::PathBuf, source: Box<kube::Error> },
    #[error("{name} ({}) is of the kind {kind}, which the sandbox does not have; it has {known}", file.display())]
    UnknownKind { name: String, file: std::path::PathBuf, kind: String, known: String },
    #[error("not everything came up: {0}")]
    NotUp(String),
    #[error("something is left after {} s: {what}", FAREWELL.as_secs())]
    Left { what: String },
}

impl ApplyFailure {
    /// Whether the manifest is wrong, so that starting again cannot help.
    fn into_failure(self) -> Failure {
        match self {
            Self::Refused { .. } | Self::UnknownKind { .. } => Failure::usage(self),
            Self::Unanswered { .. } | Self::NotUp(_) | Self::Left { .. } => Failure::new(self),
        }
    }
}

/// Applies, follows, deletes. Who tells it to stop gets everything deleted at once, and no failure.
pub(super) async fn run(
    sandbox: &Sandbox,
    output: &Output,
    args: &SandboxArgs,
    manifests: &[Manifest],
    told_to_stop: &CancellationToken,
) -> Result<(), Failure> {
    let followed = tokio::select! {
        biased;
        () = told_to_stop.cancelled() => None,
        followed = apply_and_follow(sandbox, manifests, Duration::from_secs(args.timeout)) => Some(followed),
    };
    let is_up = matches!(followed, Some(Ok(())));
    if is_up {
        output.say(&Line::new("sandbox", "all up", summary(manifests), Tone::Good));
    }
    let is_refused = matches!(
        followed,
        Some(Err(ApplyFailure::Refused { .. }
            | ApplyFailure::UnknownKind { .. }
            | ApplyFailure::Unanswered { .. }))
    );
    if args.keep && !is_refused {
        told_to_stop.cancelled().await;
    }
    let left = leave(sandbox, manifests).await;
    if left.is_ok() {
        output.all_told().await;
    }
    if !is_refused {
        output.summarise(is_up);
    }
    followed.unwrap_or(Ok(())).and(left).map_err(ApplyFailure::into_failure)
}

async fn apply_and_follow(
    sandbox: &Sandbox,
    manifests: &[Manifest],
    patience: Duration,
) -> Result<(), ApplyFailure> {
    // All kinds first: a mistake in the last manifest applies none of the others.
    for manifest in manifests {
        api(sandbox, manifest)?;
    }
    sandbox.node_is_ready().await;
    for manifest in manifests {
        apply(sandbox, manifest).await?;
    }
    follow(sandbox, manifests, patience).await
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
    let (name, file) = (manifest.name(), manifest.file.clone());
    match applied {
        Ok(_object) => Ok(()),
        Err(kube::Error::Api(status)) if (400..500).contains(&status.code) => {
            Err(ApplyFailure::Refused { name, file, text: status.message.clone() })
        }
        Err(error) => Err(ApplyFailure::Unanswered { name, file, source: Box::new(error) }),
    }
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
        // What the sandbox does not have was not applied.
        let Ok(api) = api(sandbox, manifest) else { continue };
        let deleted = api.delete(manifest.text("/metadata/name"), &parameters).await;
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
