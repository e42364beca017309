//! The way of one call through the proxy: ledger, fault, token memory, upstream, lifecycle.

use super::answer::{Answer, AnsweredBy, elements};
use super::fault::{Effect, Faults};
use super::ledger::{Entry, Ledger, Outcome};
use super::overlay::Overlay;
use super::query::Query;
use super::tokens::{LONGEST, Launch, Tokens};
use crate::servers::Error;
use crate::servers::http::Http;
use http_body_util::Full;
use hyper::Request;
use hyper::header::{CONNECTION, TRANSFER_ENCODING};
use url::Url;

#[derive(Debug)]
pub(super) struct Exchange {
    pub(super) faults: Faults,
    pub(super) ledger: Ledger,
    pub(super) overlay: Overlay,
    tokens: Tokens,
    upstream: Url,
    http: Http,
}

impl Exchange {
    pub(super) fn new(upstream: Url, http: Http) -> Self {
        Self {
            faults: Faults::default(),
            ledger: Ledger::new(),
            overlay: Overlay::default(),
            tokens: Tokens::default(),
            upstream,
            http,
        }
    }

    pub(super) fn forget_all(&self) {
        self.faults.clear();
        self.ledger.forget();
        self.overlay.forget();
        self.tokens.forget();
    }

    /// The answer to the call; `None` is to close the connection without one.
    pub(super) async fn handle(&self, query: &Query) -> Option<Answer> {
        let effect = self.faults.next_effect(&query.action, &query.parameters);
        let entry = self.ledger.open(query, effect.clone());
        let Some(effect) = effect else {
            let answer = self.execute(query, entry).await;
            let delivered = answer.is_some();
            self.ledger.close(entry, Outcome::of(answer.as_ref(), delivered));
            return answer;
        };
        let (answer, delivered) = self.with_effect(query, entry, effect).await;
        self.ledger.close(entry, Outcome::of(answer.as_ref(), delivered));
        answer.filter(|_| delivered)
    }

    /// The answer that there is, and whether the client gets it.
    async fn with_effect(&self, query: &Query, entry: Entry, effect: Effect) -> (Option<Answer>, bool) {
        match effect {
            Effect::Refuse { code, message, status } => (Some(refusal(query, status, &code, &message)), true),
            Effect::DropBefore => (None, false),
            Effect::DropAfter => (self.execute(query, entry).await, false),
            Effect::DelayBefore(delay) => {
                tokio::time::sleep(delay).await;
                let answer = self.execute(query, entry).await;
                let delivered = answer.is_some();
                (answer, delivered)
            }
            Effect::DelayAfter(delay) => {
                let answer = self.execute(query, entry).await;
                tokio::time::sleep(delay).await;
                let delivered = answer.is_some();
                (answer, delivered)
            }
            Effect::Hang(time) => {
                tokio::time::sleep(time).await;
                (None, false)
            }
            Effect::HttpError(status) => (Some(Answer::not_from_aws(status)), true),
            Effect::HttpErrorAfter(status) => {
                self.execute(query, entry).await;
                (Some(Answer::not_from_aws(status)), true)
            }
        }
    }

    /// The call without any fault.
    async fn execute(&self, query: &Query, entry: Entry) -> Option<Answer> {
        match query.client_token().filter(|_| query.action == "RunInstances") {
            Some(token) if token.len() > LONGEST => {
                let message = format!("The client token must have at most {LONGEST} characters.");
                Some(Answer::error(400, "InvalidParameterValue", &message))
            }
            Some(token) => self.launch_once(query, token, entry).await,
            None => self.pass(query, entry).await,
        }
    }

    /// Launches unless the token has launched before.
    async fn launch_once(&self, query: &Query, token: &str, entry: Entry) -> Option<Answer> {
        let slot = self.tokens.slot(query, token);
        let mut launch = slot.lock().await;
        let fingerprint = query.parameters.fingerprint();
        if let Some(earlier) = launch.as_ref() {
            return Some(self.again(query, earlier, fingerprint).await);
        }
        let answer = self.pass(query, entry).await?;
        if answer.status.is_success() {
            *launch = Some(Launch { fingerprint, answer: answer.clone() });
        }
        Some(answer)
    }

    async fn again(&self, query: &Query, earlier: &Launch, fingerprint: [u8; 32]) -> Answer {
        if earlier.fingerprint != fingerprint {
            let message = "The request uses the same client token as a previous, but non-identical request.";
            return Answer::error(400, "IdempotentParameterMismatch", message);
        }
        if self.all_terminated(query, &earlier.answer.instance_ids()).await {
            let message = "The request uses the same client token as a launch that has been terminated.";
            return Answer::error(400, "IdempotentInstanceTerminated", message);
        }
        Answer { by: AnsweredBy::Memory, ..earlier.answer.clone() }
    }

    /// Asks the upstream, because instances also end behind the proxy's back.
    async fn all_terminated(&self, query: &Query, instances: &[String]) -> bool {
        let names: Vec<String> = (1..=instances.len()).map(|number| format!("InstanceId.{number}")).collect();
        let mut parameters = vec![("Action", "DescribeInstances")];
        parameters.extend(names.iter().map(String::as_str).zip(instances.iter().map(String::as_str)));
        let Ok(response) = self.http.ec2(&self.upstream, query.authorization(), &parameters).await else {
            return false;
        };
        let answer = Answer::from_upstream(response);
        if answer.error_code().as_deref() == Some("InvalidInstanceID.NotFound") {
            return true;
        }
        let mut states = answer
            .text()
            .split("<instanceState>")
            .skip(1)
            .filter_map(|rest| elements(rest, "name").next())
            .peekable();
        states.peek().is_some() && states.all(|state| state == "terminated")
    }

    /// The upstream's answer, noted and overlaid; `None` when it gave none.
    async fn pass(&self, query: &Query, entry: Entry) -> Option<Answer> {
        let mut answer = match self.forward(query).await {
            Ok(answer) => answer,
            Err(error) => {
                tracing::warn!(action = query.action, ?error, "the EC2-compatible server gave no answer");
                return None;
            }
        };
        if answer.is_html_500() {
            self.ledger.lacks(query, &answer);
            let message = "The EC2-compatible server behind the proxy failed or lacks this call.";
            return Some(refusal(query, 400, "UnsupportedOperation", message));
        }
        self.ledger.launched_now(entry, &answer);
        self.overlay.apply(&query.action, &mut answer);
        Some(answer)
    }

    async fn forward(&self, query: &Query) -> Result<Answer, Error> {
        let mut url = self.upstream.clone();
        url.set_path(query.head.uri.path());
        url.set_query(query.head.uri.query());
        let mut request = Request::builder().method(query.head.method.clone()).uri(url.as_str());
        for (name, value) in &query.head.headers {
            // The host stays the one that the client has signed.
            if name != CONNECTION && name != TRANSFER_ENCODING {
                request = request.header(name, value);
            }
        }
        let request = request
            .body(Full::new(query.body.clone()))
            .map_err(|source| Error::NoAnswer { url: url.to_string(), source: source.into() })?;
        Ok(Answer::from_upstream(self.http.send(request).await?))
    }
}

fn refusal(query: &Query, status: u16, code: &str, message: &str) -> Answer {
    if query.is_json() {
        Answer::json_error(status, code, message)
    } else {
        Answer::error(status, code, message)
    }
}
