//! moto: an EC2-compatible server that this project did not write.

use super::http::Http;
use super::probe::AUTHORIZATION;
use super::process::{Process, Program};
use super::{Error, Installation, files, ports};
use http_body_util::Full;
use hyper::Request;
use hyper::body::Bytes;
use std::time::Duration;
use tempfile::TempDir;
use url::Url;

/// It starts in about 4 s.
const READY_LIMIT: Duration = Duration::from_mins(1);
const CALL_LIMIT: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(100);
const STARTS: u32 = 3;

/// A running moto server; dropping it stops it.
#[derive(Debug)]
pub struct Moto {
    process: Process,
    endpoint: Url,
    http: Http,
    // The last field: the log goes after the server that writes it.
    _folder: TempDir,
}

impl Moto {
    /// Starts the server and waits until it answers EC2 calls.
    ///
    /// # Errors
    ///
    /// The server does not answer in time.
    pub async fn start(installation: &Installation) -> Result<Self, Error> {
        let mut starts = 1;
        loop {
            match Self::start_once(installation).await {
                Err(error) if starts < STARTS && ports::was_taken(&error) => starts += 1,
                result => return result,
            }
        }
    }

    async fn start_once(installation: &Installation) -> Result<Self, Error> {
        let folder = files::temporary("orca-moto-")?;
        let [port] = ports::free()?;
        let port = port.to_string();
        let arguments = ["-m", "moto.server", "-H", "127.0.0.1", "-p", &port];
        let process = Process::start(Program {
            name: "moto",
            path: installation.python(),
            arguments: arguments.map(Into::into).to_vec(),
            // Without these it launches images and types that do not exist.
            environment: vec![
                ("MOTO_ENABLE_AMI_VALIDATION", "true".into()),
                ("MOTO_EC2_ENABLE_INSTANCE_TYPE_VALIDATION", "true".into()),
            ],
            log: folder.path().join("moto.log"),
        })?;
        let endpoint = super::probe::loopback(&port)?;
        let moto = Self { process, endpoint, http: Http::new(CALL_LIMIT), _folder: folder };
        moto.wait_ready().await?;
        Ok(moto)
    }

    /// Where it listens.
    #[must_use]
    pub fn endpoint(&self) -> &Url {
        &self.endpoint
    }

    /// Forgets everything, so that one server can serve many tests in turn.
    ///
    /// # Errors
    ///
    /// The server does not answer in time.
    pub async fn reset(&self) -> Result<(), Error> {
        let url = format!("{}moto-api/reset", self.endpoint);
        let request = Request::post(&url)
            .body(Full::<Bytes>::default())
            .map_err(|source| Error::NoAnswer { url, source: source.into() })?;
        let answer = self.http.send(request).await?;
        if answer.status().is_success() {
            return Ok(());
        }
        Err(Error::Refused {
            action: "reset".to_owned(),
            status: answer.status().as_u16(),
            body: String::from_utf8_lossy(answer.body()).into_owned(),
        })
    }

    /// Freezes it (`SIGSTOP`): its connections stay open and get no answer.
    ///
    /// # Errors
    ///
    /// The process is gone.
    pub fn freeze(&self) -> Result<(), Error> {
        self.process.freeze()
    }

    /// Lets it run again.
    ///
    /// # Errors
    ///
    /// The process is gone.
    pub fn thaw(&self) -> Result<(), Error> {
        self.process.thaw()
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.process.pid()
    }

    /// The end of its log.
    #[must_use]
    pub fn log_tail(&self) -> String {
        self.process.log_tail()
    }

    async fn wait_ready(&self) -> Result<(), Error> {
        let mut last = String::new();
        let attempts = async {
            loop {
                self.process.check()?;
                // The first EC2 call loads its catalogues, which no test should wait for.
                let parameters = [("Action", "DescribeInstances")];
                match self.http.ec2(&self.endpoint, AUTHORIZATION, &parameters).await {
                    Ok(answer) if answer.status().is_success() => return Ok(()),
                    Ok(answer) => last = format!("status {}", answer.status()),
                    Err(error) => last = error.to_string(),
                }
                tokio::time::sleep(LOOK).await;
            }
        };
        let ended = tokio::time::timeout(READY_LIMIT, attempts).await;
        ended.unwrap_or_else(|_| {
            let log = self.process.log_tail();
            Err(Error::NotReady { server: "moto", limit: READY_LIMIT, last, log })
        })
    }
}
