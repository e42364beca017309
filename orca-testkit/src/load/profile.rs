//! The API server's own processor profile while pods come up: which of its work a contestant causes.

use std::path::{Path, PathBuf};

use http_body_util::BodyExt as _;
use kube::Client;
use kube::client::Body;

use super::error::Error;

/// The slowest contestant known brings up so many pods a second: the profile ends while they still come.
const PODS_PER_SECOND: u32 = 300;

/// How long is looked at for so many pods.
fn seconds(pods: u32) -> u32 {
    (pods / PODS_PER_SECOND).clamp(2, 30)
}

/// Asks the API server for its profile from now on, and writes it to `folder/NAME.pb.gz`, for `go tool pprof`.
///
/// Errors: the API server gives no profile (`--profiling=false`, or no rights), or the file cannot be written.
pub(super) async fn take(client: &Client, folder: &Path, name: &str, pods: u32) -> Result<PathBuf, Error> {
    let path = format!("/debug/pprof/profile?seconds={}", seconds(pods));
    let mut request = http::Request::new(Body::empty());
    *request.uri_mut() = path.parse().map_err(|_invalid| Error::NoProfile(format!("{path} is no path")))?;
    let answer = client.send(request).await.map_err(Error::api("asking for the API server's profile"))?;
    let status = answer.status();
    if !status.is_success() {
        return Err(Error::NoProfile(format!("it answers HTTP {status}")));
    }
    let body = answer.into_body().collect().await.map_err(Error::api("reading the API server's profile"))?;
    let file = folder.join(format!("{name}.pb.gz"));
    std::fs::create_dir_all(folder).map_err(Error::system("making the folder for profiles"))?;
    std::fs::write(&file, body.to_bytes()).map_err(Error::system("writing a profile"))?;
    Ok(file)
}
