//! The forms of kubeconfigs that kubectl takes, each against the real API server, beside kubectl itself.

mod proxy;

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use data_encoding::BASE64;
use k8s_openapi::api::authentication::v1::SelfSubjectReview;
use kube::api::{Api, PostParams};
use orca_cli::environment::Environment;
use orca_cli::kubeconfig::{Request, resolve};
use orca_cli::proxies::Proxies;
use orca_testkit::servers::{self, ControlPlane};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::Instant;

use self::proxy::{Kind, Proxy};
use super::world::command;

const VERSION_1: &str = include_str!("../../pem/version-1.crt");
const ADMIN: &str = "admin";
const ORCA: &str = "system:serviceaccount:kube-system:default";

/// A control plane, and a folder with everything that a kubeconfig can point to.
struct Place {
    plane: ControlPlane,
    folder: TempDir,
    token: String,
}

impl Place {
    async fn start() -> Self {
        // As in the program: another test may have installed it already.
        drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
        let installation = servers::installed().expect("the servers are prepared");
        let plane = ControlPlane::start(&installation).await.expect("a control plane");
        let folder = TempDir::new().expect("a folder");
        let created = ["create", "token", "default", "--namespace=kube-system", "--duration=1h"];
        let token = plane.kubectl().run(&created).await.expect("a token").trim().to_owned();
        let place = Self { plane, folder, token };
        let admin: Value = serde_json::from_str(&read(place.plane.admin_kubeconfig())).expect("JSON");
        let admin = &admin["users"][0]["user"];
        let path = |key: &str| PathBuf::from(admin[key].as_str().expect("a path"));
        place.write("ca.crt", place.plane.ca_pem());
        place.write("admin.crt", &read(&path("client-certificate")));
        place.write("admin.key", &read(&path("client-key")));
        let own = place.plane.ca_file().with_file_name("kube-apiserver.crt");
        place.write("server.crt", &read(&own));
        place.write("token", &format!("{}\n", place.token));
        place.write("version-1.crt", VERSION_1);
        place
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).expect("written");
        path
    }

    /// The content of a file in the folder, as data in a kubeconfig.
    fn data(&self, name: &str) -> String {
        BASE64.encode(read(&self.folder.path().join(name)).as_bytes())
    }

    /// A credential plugin that answers with this status.
    fn plugin(&self, name: &str, version: &str, status: &Value) -> String {
        let answer = json!({ "apiVersion": format!("client.authentication.k8s.io/{version}"), "kind": "ExecCredential", "status": status });
        // It has to be told who it is, and of the cluster when that was asked for.
        let script = format!(
            "#!/bin/sh\n[ \"$WHO\" = test ] || exit 7\n[ -z \"$1\" ] || echo \"$KUBERNETES_EXEC_INFO\" | grep -q \"$1\" || exit 8\n\
             cat <<'END'\n{answer}\nEND\n"
        );
        let path = self.write(name, &script);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("executable");
        path.to_str().expect("UTF-8").to_owned()
    }

    fn kubeconfig(&self, form: &Form) -> PathBuf {
        let mut cluster = json!({ "server": self.plane.server_url(), "certificate-authority": "ca.crt" });
        merge(&mut cluster, &form.cluster);
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "c",
            "clusters": [{ "name": "here", "cluster": cluster }],
            "users": [{ "name": "somebody", "user": form.user }],
            "contexts": [{ "name": "c", "context": { "cluster": "here", "user": "somebody", "namespace": "n" } }],
        });
        self.write(&format!("{}.json", form.name.replace(' ', "-")), &config.to_string())
    }
}

/// One form, as what it adds to a kubeconfig that is complete but for its user.
struct Form {
    name: &'static str,
    cluster: Value,
    user: Value,
}

fn form(name: &'static str, cluster: Value, user: Value) -> Form {
    Form { name, cluster, user }
}

fn exec(version: &str, command: &str, more: Value) -> Value {
    let mut exec = json!({
        "apiVersion": format!("client.authentication.k8s.io/{version}"), "command": command,
        "interactiveMode": "IfAvailable", "env": [{ "name": "WHO", "value": "test" }],
    });
    merge(&mut exec, &more);
    json!({ "exec": exec })
}

/// Who the API server says that we are, by ORCA's way to it.
async fn who(request: &Request) -> Result<String, String> {
    let (access, _source) = resolve(request).map_err(|error| error.to_string())?;
    assert_eq!(access.config.default_namespace, "n");
    let client = access.client().map_err(|error| error.to_string())?;
    let reviews: Api<SelfSubjectReview> = Api::all(client);
    let asked = SelfSubjectReview::default();
    let review =
        reviews.create(&PostParams::default(), &asked).await.map_err(|error| orca_kube::in_words(&error))?;
    let user = review.status.and_then(|status| status.user_info).and_then(|user| user.username);
    user.ok_or_else(|| "nobody".into())
}

fn request(path: &Path) -> Request {
    Request { kubeconfig: Some(path.into()), ..Request::default() }
}

/// Client certificates, each with the user that it means.
fn certificates(place: &Place) -> Vec<(Form, &'static str)> {
    let none = || json!({});
    let certificate = |more: Value| {
        let mut user = json!({ "client-certificate": "admin.crt", "client-key": "admin.key" });
        merge(&mut user, &more);
        user
    };
    let absolute = |name: &str| place.folder.path().join(name);
    let files = json!({ "client-certificate": absolute("admin.crt"), "client-key": absolute("admin.key") });
    let (pem, key) = (place.data("admin.crt"), place.data("admin.key"));
    let lines: Vec<_> = pem.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
    let lines = json!({ "client-certificate-data": lines.join("\n"), "client-key-data": key });
    let trust = json!({ "certificate-authority": null, "certificate-authority-data": place.data("ca.crt") });
    let inline = json!({ "client-certificate-data": pem, "client-key-data": key });
    let acting = json!({
        "as": "jane", "as-groups": ["a", "b"], "as-uid": "7", "as-user-extra": { "reason": ["test"] },
    });
    let empty = json!({
        "client-certificate-data": "", "token": "", "tokenFile": "", "username": "", "password": "", "as": "",
    });
    vec![
        (form("relative files", none(), certificate(none())), ADMIN),
        (form("absolute files", json!({ "certificate-authority": absolute("ca.crt") }), files), ADMIN),
        (form("inline data", trust, inline), ADMIN),
        (form("data in lines", none(), lines), ADMIN),
        (form("impersonation", none(), certificate(acting)), "jane"),
        (form("empty values", json!({ "tls-server-name": "", "proxy-url": "" }), certificate(empty)), ADMIN),
    ]
}

/// Tokens and plugins, each with the user that it means.
fn tokens(place: &Place) -> Vec<(Form, &'static str)> {
    let none = || json!({});
    let token = json!({ "token": place.token });
    let v1 = place.plugin("v1.sh", "v1", &token);
    place.plugin("v1beta1.sh", "v1beta1", &token);
    let pair = json!({
        "clientCertificateData": read(&place.folder.path().join("admin.crt")),
        "clientKeyData": read(&place.folder.path().join("admin.key")),
    });
    let pair = place.plugin("pair.sh", "v1", &pair);
    let bare = place.plane.server_url().replace("https://", "");
    let told = json!({ "provideClusterInfo": true, "args": [bare] });
    let insecure = json!({ "certificate-authority": "", "insecure-skip-tls-verify": true });
    vec![
        (form("token", none(), token.clone()), ORCA),
        (form("token file", none(), json!({ "tokenFile": "token" })), ORCA),
        (form("token file before token", none(), json!({ "tokenFile": "token", "token": "stale" })), ORCA),
        (form("exec v1", none(), exec("v1", &v1, none())), ORCA),
        (form("exec v1beta1 by a relative path", none(), exec("v1beta1", "./v1beta1.sh", none())), ORCA),
        (form("exec with a certificate", none(), exec("v1", &pair, none())), ADMIN),
        (form("exec told of the cluster", none(), exec("v1", &v1, told)), ORCA),
        (form("tls-server-name", json!({ "tls-server-name": "kubernetes" }), token.clone()), ORCA),
        (form("insecure", insecure, token), ORCA),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the real servers: run orca-testkit/servers/prepare first"]
async fn kubeconfigs_that_kubectl_takes_are_taken() {
    let place = Place::start().await;
    let whoami = ["auth", "whoami", "-o", "jsonpath={.status.userInfo.username}"];
    for (form, user) in certificates(&place).into_iter().chain(tokens(&place)) {
        let path = place.kubeconfig(&form);
        let kubectl = place.plane.kubectl().with_kubeconfig(&path).run(&whoami).await;
        assert_eq!(kubectl.expect(form.name), user, "kubectl, {}", form.name);
        assert_eq!(who(&request(&path)).await.as_deref(), Ok(user), "{}", form.name);
    }

    let proxies = [("http", Kind::Connect), ("https", Kind::ConnectOverTls), ("socks5", Kind::Socks)];
    for (scheme, kind) in proxies {
        let pair = place.plane.server_certificate(&["127.0.0.1"]).expect("a certificate");
        let proxy = Proxy::start(kind, &pair).await;
        let user = if scheme == "socks5" { "" } else { "user:pass@" };
        let url = format!("{scheme}://{user}{}", proxy.address());
        let form = form("proxy", json!({ "proxy-url": url }), json!({ "token": place.token }));
        let path = place.kubeconfig(&form);
        assert_eq!(who(&request(&path)).await.as_deref(), Ok(ORCA), "through {url}");
        assert!(proxy.tunnels() > 0, "through {url}");
    }

    // Nobody listens on the discard port: a proxy there must not be used for loopback, whatever NO_PROXY looks like.
    let plain = place.kubeconfig(&form("loopback", json!({}), json!({ "tokenFile": "token" })));
    let variables = [("HTTPS_PROXY", "http://127.0.0.1:9"), ("NO_PROXY", "example.org,")];
    let proxies = Proxies::new(&Environment::from_iter(variables));
    assert_eq!(who(&Request { proxies, ..request(&plain) }).await.as_deref(), Ok(ORCA));

    // The first file to say something counts, and an empty value says nothing.
    let whole: Value = serde_json::from_str(&read(&plain)).expect("JSON");
    let first = json!({ "current-context": "", "users": whole["users"] });
    let second = json!({ "current-context": "c", "clusters": whole["clusters"], "contexts": whole["contexts"], "users": [{ "name": "somebody", "user": {} }] });
    let files = [place.write("first", &first.to_string()), place.write("second", &second.to_string())];
    let list = std::env::join_paths(files).expect("a list");
    assert_eq!(who(&request(Path::new(&list))).await.as_deref(), Ok(ORCA), "merged");
}

/// What fails, with what is said: by the program, because some of it shows in the first connection.
fn refused(place: &Place) -> Vec<(Form, &'static [&'static str])> {
    let token = json!({ "token": place.token });
    let nowhere = json!({ "installHint": "Install it from example.com.\n" });
    let failing = place.plugin("failing.sh", "v1", &json!({}));
    let url = place.plane.server_url();
    vec![
        (
            form(
                "version 1",
                json!({}),
                json!({ "client-certificate": "version-1.crt", "client-key": "admin.key" }),
            ),
            &["(client-certificate) is of X.509 version 1", "extendedKeyUsage=clientAuth"],
        ),
        (
            form("own certificate", json!({ "certificate-authority": "server.crt" }), token.clone()),
            &["UnknownIssuer", "the server's own certificate does for kubectl"],
        ),
        (
            form("another authority", json!({ "certificate-authority": "version-1.crt" }), token.clone()),
            &["UnknownIssuer", "certificate-authority-data"],
        ),
        (
            form("another name", json!({ "tls-server-name": "other.example" }), token.clone()),
            &["other.example", "kubernetes.default.svc", "tls-server-name"],
        ),
        (
            form("plain", json!({ "server": url.replace("https", "http") }), token.clone()),
            &["write https:// in server"],
        ),
        (
            form("wrong token", json!({}), json!({ "token": "nonsense" })),
            &["refuses these credentials (Unauthorized)"],
        ),
        (
            form("basic auth", json!({}), json!({ "username": "admin", "password": "s3cret" })),
            &["refuses these credentials (it takes this client for system:anonymous"],
        ),
        (
            form("missing plugin", json!({}), exec("v1", "nowhere-get-token", nowhere)),
            &[
                "the credential plugin \"nowhere-get-token\" is not installed, or not in PATH. Install it from example.com.",
            ],
        ),
        (
            form(
                "failing plugin",
                json!({}),
                exec("v1", &failing, json!({ "env": [], "interactiveMode": "Never" })),
            ),
            &["the credential plugin failed (exit status: 7)"],
        ),
        (
            form("an old plugin", json!({}), exec("v1alpha1", &failing, json!({}))),
            &["client.authentication.k8s.io/v1alpha1", "give client.authentication.k8s.io/v1 or"],
        ),
        (
            form("no token file", json!({}), json!({ "tokenFile": "nowhere" })),
            &["of tokenFile cannot be read"],
        ),
        (
            form("half a pair", json!({}), json!({ "client-certificate": "admin.crt" })),
            &["client-certificate is given without client-key-data"],
        ),
        (
            form("no proxy", json!({ "proxy-url": "ftp://proxy" }), token),
            &["proxy-url has the scheme \"ftp\""],
        ),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the real servers: run orca-testkit/servers/prepare first"]
async fn kubeconfigs_that_cannot_work_say_why_at_once() {
    let place = Place::start().await;
    let config = place.write("config.yaml", "aws: {region: us-west-2}\n");
    for (form, says) in refused(&place) {
        let path = place.kubeconfig(&form);
        let began = Instant::now();
        let output =
            command().arg("--kubeconfig").arg(&path).arg("--config").arg(&config).output().expect("orca");
        let text = String::from_utf8_lossy(&output.stderr);
        let last = text.lines().last().unwrap_or_default().replace("\\\"", "\"");
        assert_eq!(output.status.code(), Some(1), "{}: {text}", form.name);
        assert!(began.elapsed() < Duration::from_secs(10), "{}: at once, {text}", form.name);
        for part in says {
            assert!(last.contains(part), "{}: {part} is missing in {last}", form.name);
        }
        assert!(last.len() < 900 && !last.contains("s3cret"), "{}: {last}", form.name);
        assert!(!text.contains("kube_client"), "no line of a library says it again: {text}");
    }
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Puts the values of an object into another; null takes one away.
fn merge(into: &mut Value, more: &Value) {
    for (key, value) in more.as_object().into_iter().flatten() {
        match (value, into.as_object_mut()) {
            (Value::Null, Some(object)) => drop(object.remove(key)),
            (_, _) => into[key] = value.clone(),
        }
    }
}
