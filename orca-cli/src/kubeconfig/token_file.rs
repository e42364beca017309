//! A bearer token in a file, which somebody may write anew at any time.
//!
//! kube takes the whole content for the token, so the line end that nearly every such file has makes a header that
//! cannot be sent. It is read as client-go reads it: trimmed, once a minute, and the last one stays while it cannot be read.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::HeaderValue;
use http::header::AUTHORIZATION;
use kube::client::Body;
use tokio::time::Instant;

/// As client-go: the kubelet writes a new token long before the old one ends.
const READ_EVERY: Duration = Duration::from_mins(1);

/// The file and what it last held. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct TokenFile {
    path: PathBuf,
    last: Arc<Mutex<(HeaderValue, Instant)>>,
}

/// Why there is no token in the file.
#[derive(Debug, thiserror::Error)]
pub enum TokenFileError {
    /// The file cannot be read.
    #[error("the file {} of tokenFile cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// There is nothing in it but white space.
    #[error("the file {} of tokenFile is empty", .0.display())]
    Empty(PathBuf),
    /// It is no token.
    #[error("the file {} of tokenFile holds no token: it has line ends or other signs that none has", .0.display())]
    NoToken(PathBuf),
}

impl TokenFile {
    pub(super) fn open(path: &Path) -> Result<Self, TokenFileError> {
        let last = Arc::new(Mutex::new((header(path)?, Instant::now())));
        Ok(Self { path: path.to_owned(), last })
    }

    /// Puts the token into a request.
    pub(super) fn authorize(&self, mut request: http::Request<Body>) -> http::Request<Body> {
        request.headers_mut().insert(AUTHORIZATION, self.at(Instant::now()));
        request
    }

    fn at(&self, now: Instant) -> HeaderValue {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if now.duration_since(last.1) >= READ_EVERY {
            match header(&self.path) {
                Ok(token) => *last = (token, now),
                Err(error) => {
                    tracing::warn!(error = %error, "Token cannot be read; the last one is used");
                    last.1 = now;
                }
            }
        }
        last.0.clone()
    }
}

fn header(path: &Path) -> Result<HeaderValue, TokenFileError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| TokenFileError::Unreadable { path: path.to_owned(), source })?;
    let token = text.trim();
    if token.is_empty() {
        return Err(TokenFileError::Empty(path.to_owned()));
    }
    let mut value = HeaderValue::try_from(format!("Bearer {token}"))
        .map_err(|_| TokenFileError::NoToken(path.to_owned()))?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_trimmed_and_read_again_and_the_last_one_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("token");
        std::fs::write(&path, "first\r\n").expect("written");
        let file = TokenFile::open(&path).expect("a token");
        let now = Instant::now();
        assert_eq!(file.at(now), "Bearer first");
        std::fs::write(&path, "second\n").expect("written");
        assert_eq!(file.at(now), "Bearer first", "a file is not read for each request");
        assert_eq!(file.at(now + READ_EVERY * 2), "Bearer second");
        std::fs::remove_file(&path).expect("removed");
        assert_eq!(file.at(now + READ_EVERY * 4), "Bearer second");
    }

    #[test]
    fn a_malformed_token_is_reported() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("token");
        let said = || TokenFile::open(&path).expect_err("no token").to_string();
        assert!(said().contains("cannot be read"), "{}", said());
        std::fs::write(&path, " \n").expect("written");
        assert!(said().ends_with("is empty"), "{}", said());
        std::fs::write(&path, "one\ntwo\n").expect("written");
        assert!(said().contains("holds no token"), "{}", said());
    }
}
