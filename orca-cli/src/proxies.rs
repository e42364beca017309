//! Proxies: which one of the environment a URL is reached through, and what a proxy's URL must look like.
//!
//! `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`, also in small letters, mean what they mean to kubectl. Loopback is never
//! reached through a proxy of the environment. `ALL_PROXY` is not read: kubectl does not read it either.

use std::net::IpAddr;

use http::Uri;
use hyper_util::client::proxy::matcher::Matcher;

use crate::environment::Environment;

/// What the environment says about proxies.
#[derive(Clone, Debug, Default)]
pub struct Proxies {
    http: String,
    https: String,
    no: String,
}

/// Why a proxy cannot be used. The text never holds the password of a URL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProxyError {
    /// It is no URL with a host.
    #[error("{0} is no URL of a proxy; give one such as http://proxy.example.com:3128")]
    Malformed(&'static str),
    /// Its scheme is none that works.
    #[error("{from} has the scheme \"{scheme}\"; give http://, https:// or socks5://")]
    Scheme {
        /// The key or the variable.
        from: &'static str,
        /// As it was given.
        scheme: String,
    },
    /// A SOCKS proxy that wants a password.
    #[error(
        "{0} names a SOCKS proxy with a user: only SOCKS proxies without a password can be used; give an http:// proxy"
    )]
    SocksWithUser(&'static str),
    /// A SOCKS proxy on the way to AWS.
    #[error(
        "{0} names a SOCKS proxy, and calls to AWS cannot use one; give an http:// proxy, or add amazonaws.com to NO_PROXY"
    )]
    SocksToAws(&'static str),
}

impl Proxies {
    /// What these variables say. An empty one counts as not set.
    #[must_use]
    pub fn new(environment: &Environment) -> Self {
        let read = |names: [&str; 2]| {
            names.into_iter().find_map(|name| environment.get(name)).unwrap_or_default().trim().to_owned()
        };
        Self {
            http: read(["HTTP_PROXY", "http_proxy"]),
            https: read(["HTTPS_PROXY", "https_proxy"]),
            no: read(["NO_PROXY", "no_proxy"]),
        }
    }

    /// The proxy on the way to this URL, if there is one.
    ///
    /// # Errors
    ///
    /// The variable that counts for the URL names no proxy that can be used.
    pub fn to(&self, url: &Uri) -> Result<Option<Uri>, ProxyError> {
        let (from, value) = match url.scheme_str() {
            Some("http") => ("HTTP_PROXY", &self.http),
            Some("https") => ("HTTPS_PROXY", &self.https),
            _ => return Ok(None),
        };
        if value.is_empty() || is_loopback(url) || self.excepts(url) {
            return Ok(None);
        }
        usable(from, &with_scheme(value)).map(Some)
    }

    /// The proxy of everything that is reached as this URL of AWS is, and the hosts that it is not for.
    ///
    /// # Errors
    ///
    /// The variable that counts for the URL names no proxy that can be used.
    #[cfg(feature = "aws")]
    pub(crate) fn to_aws(&self, url: &Uri) -> Result<Option<(Uri, String)>, ProxyError> {
        let is_plain = url.scheme_str() == Some("http");
        let (from, value) = if is_plain { ("HTTP_PROXY", &self.http) } else { ("HTTPS_PROXY", &self.https) };
        if value.is_empty() || is_loopback(url) {
            return Ok(None);
        }
        let proxy = usable(from, &with_scheme(value))?;
        if proxy.scheme_str() == Some("socks5") {
            return if self.excepts(url) { Ok(None) } else { Err(ProxyError::SocksToAws(from)) };
        }
        Ok(Some((proxy, self.list(if is_plain { 80 } else { 443 }))))
    }

    /// `NO_PROXY` in the form that the library knows, for hosts at this port.
    fn list(&self, port: u16) -> String {
        let hosts: Vec<&str> = self.no.split(',').filter_map(|entry| host_of(entry.trim(), port)).collect();
        hosts.join(",")
    }

    /// Whether `NO_PROXY` names the host of this URL, by the library's rules for hosts, suffixes and networks.
    fn excepts(&self, url: &Uri) -> bool {
        let port = url.port_u16().unwrap_or(if url.scheme_str() == Some("http") { 80 } else { 443 });
        // Any proxy will do here: what matters is whether it is passed by.
        let matcher = Matcher::builder().all("http://proxy").no(self.list(port)).build();
        matcher.intercept(url).is_none()
    }
}

/// The host of an entry in the form that the library knows. It does not know `*.example.com`, nor `example.com:8443`,
/// which holds for that port alone.
fn host_of(entry: &str, port: u16) -> Option<&str> {
    let entry = entry.strip_prefix('*').filter(|rest| rest.starts_with('.')).unwrap_or(entry);
    match entry.rsplit_once(':') {
        Some((host, only)) if !host.contains(':') => (only.parse() == Ok(port)).then_some(host),
        _ => Some(entry),
    }
}

/// A proxy without a scheme is one of HTTP, by custom.
fn with_scheme(value: &str) -> String {
    if value.contains("://") { value.to_owned() } else { format!("http://{value}") }
}

fn is_loopback(url: &Uri) -> bool {
    let host = url.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// The URL of a proxy, checked. `from` is the key or the variable that it stands in.
pub(crate) fn usable(from: &'static str, value: &str) -> Result<Uri, ProxyError> {
    let (scheme, rest) = value.split_once("://").unwrap_or(("", value));
    // Go reads socks5h as socks5: names are resolved by the proxy in both.
    let scheme = if scheme == "socks5h" { "socks5" } else { scheme };
    if !["http", "https", "socks5"].contains(&scheme) {
        return Err(ProxyError::Scheme { from, scheme: scheme.to_owned() });
    }
    let uri: Uri = format!("{scheme}://{rest}").parse().map_err(|_| ProxyError::Malformed(from))?;
    let authority = uri.authority().ok_or(ProxyError::Malformed(from))?;
    if uri.host().is_none_or(str::is_empty) {
        return Err(ProxyError::Malformed(from));
    }
    if scheme != "socks5" {
        return Ok(uri);
    }
    if authority.as_str().contains('@') {
        return Err(ProxyError::SocksWithUser(from));
    }
    let port = uri.port_u16().unwrap_or(1080);
    let whole = format!("socks5://{}:{port}", uri.host().unwrap_or_default());
    whole.parse().map_err(|_| ProxyError::Malformed(from))
}

/// A proxy without what a URL can carry besides: user and password.
#[must_use]
pub fn without_password(proxy: &Uri) -> String {
    let host = proxy.host().unwrap_or_default();
    let port = proxy.port_u16().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{host}{port}", proxy.scheme_str().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn to(variables: &[(&str, &str)], url: &str) -> Result<Option<String>, ProxyError> {
        let proxies = Proxies::new(&variables.iter().copied().collect());
        Ok(proxies.to(&url.parse().expect("a URL"))?.map(|proxy| proxy.to_string()))
    }

    #[test]
    fn each_scheme_has_its_variable_and_no_scheme_means_http() {
        let both = [("HTTPS_PROXY", "proxy:3128"), ("http_proxy", "https://plain")];
        assert_eq!(to(&both, "https://a.example/x"), Ok(Some("http://proxy:3128/".into())));
        assert_eq!(to(&both, "http://a.example"), Ok(Some("https://plain/".into())));
        assert_eq!(to(&[("ALL_PROXY", "http://proxy")], "https://a.example"), Ok(None));
        assert_eq!(to(&[("HTTPS_PROXY", "")], "https://a.example"), Ok(None));
    }

    #[test]
    fn loopback_is_never_reached_through_a_proxy() {
        let proxy = [("HTTPS_PROXY", "http://proxy"), ("HTTP_PROXY", "nonsense://")];
        for url in ["https://127.0.0.1:6443", "https://localhost", "http://127.9.9.9", "https://[::1]:1"] {
            assert_eq!(to(&proxy, url), Ok(None), "{url}");
        }
    }

    #[test]
    fn no_proxy_takes_what_go_takes() {
        for (no, url, is_excepted) in [
            ("a.example", "https://a.example", true),
            ("a.example", "https://b.a.example", true),
            (".a.example", "https://b.a.example", true),
            ("*.a.example", "https://b.a.example", true),
            ("other, 10.0.0.0/8", "https://10.1.2.3:6443", true),
            ("10.0.0.0/8", "https://11.1.2.3", false),
            ("a.example:6443", "https://a.example:6443", true),
            ("a.example:6443", "https://a.example", false),
            ("a.example,", "https://a.example", true),
            (",,", "https://a.example", false),
            ("no/host", "https://a.example", false),
            ("*", "https://a.example", true),
            ("fd00::/8", "https://[fd00::1]:6443", true),
            ("", "https://a.example", false),
        ] {
            let variables = [("HTTPS_PROXY", "http://proxy"), ("NO_PROXY", no)];
            let found = to(&variables, url).expect("a proxy or none");
            assert_eq!(found.is_none(), is_excepted, "{no} and {url}");
        }
    }

    #[cfg(feature = "aws")]
    #[test]
    fn aws_is_reached_through_the_proxy_of_its_scheme_and_not_by_socks() {
        let through = |variables: &[(&str, &str)], url: &str| {
            let proxies = Proxies::new(&variables.iter().copied().collect());
            let found = proxies.to_aws(&url.parse().expect("a URL"))?;
            Ok(found.map(|(proxy, hosts)| (proxy.to_string(), hosts)))
        };
        let aws = "https://ec2.us-west-2.amazonaws.com";
        let both = [("HTTPS_PROXY", "proxy:3128"), ("NO_PROXY", "*.a.example, b.example:443, c.example:80")];
        let expected = ("http://proxy:3128/".to_owned(), ".a.example,b.example".to_owned());
        assert_eq!(through(&both, aws), Ok(Some(expected)));
        assert_eq!(through(&both, "http://127.0.0.1:5000"), Ok(None));
        let socks = [("HTTPS_PROXY", "socks5://proxy")];
        assert_eq!(through(&socks, aws), Err(ProxyError::SocksToAws("HTTPS_PROXY")));
        let excepted = [socks[0], ("NO_PROXY", "amazonaws.com")];
        assert_eq!(through(&excepted, aws), Ok(None));
    }

    #[test]
    fn a_proxy_that_cannot_be_used_is_named_without_its_password() {
        for (value, says) in [
            ("ftp://user:s3cret@proxy", "HTTPS_PROXY has the scheme \"ftp\""),
            ("http://", "HTTPS_PROXY is no URL of a proxy"),
            ("http://user:s3cret@ho st", "HTTPS_PROXY is no URL of a proxy"),
            ("socks5://user:s3cret@proxy", "HTTPS_PROXY names a SOCKS proxy with a user"),
        ] {
            let text = to(&[("HTTPS_PROXY", value)], "https://a.example").expect_err(value).to_string();
            assert!(text.starts_with(says) && !text.contains("s3cret"), "{text}");
        }
        let socks = to(&[("HTTPS_PROXY", "socks5h://proxy")], "https://a.example");
        assert_eq!(socks, Ok(Some("socks5://proxy:1080/".into())));
        let uri = "http://user:s3cret@proxy:3128".parse().expect("a URL");
        assert_eq!(without_password(&uri), "http://proxy:3128");
    }
}
