//! The order in which images are looked for, and how rarely SSM is asked.

use crate::config::Aws;

use super::*;
use crate::testing::{Reply, Server, StoppedClock, client, settings};

const PARAMETER: &str = "/aws/service/some/image_id";

fn asks_ssm() -> Aws {
    Aws { ami_id: None, ami_parameter: Some(PARAMETER.into()), ..settings() }
}

fn holds(value: &str) -> Reply {
    Reply::json(
        200,
        &format!(r#"{{"Parameter":{{"Name":"{PARAMETER}","Type":"String","Value":"{value}"}}}}"#),
    )
}

#[test]
fn an_image_id_has_eight_or_seventeen_hexadecimal_digits() {
    assert!(is_image_id("ami-0123abcd") && is_image_id("ami-0123456789abcdef0"));
    for text in [
        "",
        "ami-",
        "ami-0123456789abcdef",
        "ami-0123ABCD",
        "ami-0123abcg",
        "resolve:ssm:/x",
        "ami-0123abcd ",
    ] {
        assert!(!is_image_id(text), "{text}");
    }
}

#[tokio::test]
async fn the_pods_image_comes_first_and_is_checked_here() {
    let server = Server::new([]);
    let client = client(&server, &settings());
    assert_eq!(client.image(Some("ami-0123abcd")).await.expect("own"), "ami-0123abcd");
    assert_eq!(client.image(None).await.expect("config"), "ami-00000000000000001");
    let error = client.image(Some("ubuntu")).await.expect_err("malformed");
    assert_eq!((error.kind, error.code.as_str()), (Kind::Invalid(Fault::Pod), "InvalidAMIID.Malformed"));
    assert!(error.message.contains("orca.research/ami") && error.message.contains("\"ubuntu\""), "{error}");
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn no_image_anywhere_is_the_configs_fault() {
    let client = client(&Server::new([]), &Aws { ami_id: Some(String::new()), ..settings() });
    let error = client.image(None).await.expect_err("none");
    assert_eq!(error.kind, Kind::Invalid(Fault::Config));
    assert!(error.remedy.expect("remedy").contains("aws.amiID"));
}

#[tokio::test]
async fn ssm_is_asked_once_a_day_even_by_many_pods_at_once() {
    let server = Server::new([holds("ami-0123abcd"), holds("ami-4567abcd")]);
    let clock = StoppedClock::at(0);
    let mut client = client(&server, &asks_ssm());
    client.clock = clock.shared();
    let (one, two) = tokio::join!(client.image(None), client.image(None));
    assert_eq!((one.expect("one").as_str(), two.expect("two").as_str()), ("ami-0123abcd", "ami-0123abcd"));
    clock.set(24 * 3600 - 1);
    assert_eq!(client.image(None).await.expect("cached"), "ami-0123abcd");
    assert_eq!(server.requests().len(), 1);
    clock.set(24 * 3600);
    assert_eq!(client.image(None).await.expect("again"), "ami-4567abcd");
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn a_failure_is_kept_for_seconds_only() {
    let missing = Reply::json(400, r#"{"__type":"ParameterNotFound","message":""}"#);
    let server = Server::new([missing, holds("ami-0123abcd")]);
    let clock = StoppedClock::at(0);
    let mut client = client(&server, &asks_ssm());
    client.clock = clock.shared();
    for _ in 0..2 {
        let error = client.image(None).await.expect_err("missing");
        assert_eq!((error.kind, error.code.as_str()), (Kind::Invalid(Fault::Config), "ParameterNotFound"));
        assert!(error.message.contains(PARAMETER), "{error}");
    }
    assert_eq!(server.requests().len(), 1);
    clock.set(5);
    assert_eq!(client.image(None).await.expect("there"), "ami-0123abcd");
}

#[tokio::test]
async fn a_parameter_that_holds_something_else_is_refused() {
    let server = Server::new([holds("latest")]);
    let error = client(&server, &asks_ssm()).image(None).await.expect_err("no id");
    assert_eq!((error.kind, error.code.as_str()), (Kind::Invalid(Fault::Config), "NoMachineImage"));
}

/// A clock that shows one time after the other.
#[derive(Debug)]
struct Times(std::sync::Mutex<std::collections::VecDeque<i64>>);

impl orca_core::clock::Clock for Times {
    fn now(&self) -> jiff::Timestamp {
        let second = self.0.lock().expect("a lock").pop_front().expect("a time");
        jiff::Timestamp::from_second(second).expect("a time")
    }
}

#[tokio::test]
async fn a_failure_that_took_long_is_cached_too() {
    let server = Server::new([Reply::json(400, r#"{"__type":"ParameterNotFound","message":""}"#)]);
    let mut client = client(&server, &asks_ssm());
    client.clock = std::sync::Arc::new(Times(std::sync::Mutex::new([0, 30, 31].into())));
    for _ in 0..2 {
        client.image(None).await.expect_err("missing");
    }
    assert_eq!(server.requests().len(), 1, "callers that waited for the answer make no call");
}
