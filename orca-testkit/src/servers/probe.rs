//! A direct view of the instances for tests, without the proxy and without an AWS client.

use super::Error;
use super::http::Http;
use roxmltree::{Document, Node};
use std::collections::BTreeMap;
use std::time::Duration;
use url::Url;

/// A well-formed but unsigned credential. The server chooses its state by the region in it.
pub(crate) const AUTHORIZATION: &str = "AWS4-HMAC-SHA256 Credential=test/20260101/us-west-2/ec2/aws4_request, \
                                        SignedHeaders=host, Signature=00";
const LIMIT: Duration = Duration::from_mins(2);

/// The address of a port on loopback.
pub(crate) fn loopback(port: &str) -> Result<Url, Error> {
    let url = format!("http://127.0.0.1:{port}/");
    Url::parse(&url).map_err(|source| Error::NoAnswer { url, source: source.into() })
}

/// An instance as the EC2-compatible server sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstanceView {
    /// Its id.
    pub id: String,
    /// `pending`, `running`, `shutting-down`, `terminated`, `stopping` or `stopped`.
    pub state: String,
    /// Its type.
    pub instance_type: String,
    /// Its machine image.
    pub image_id: String,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// `spot`, or nothing for an on-demand instance.
    pub lifecycle: Option<String>,
    /// Its subnet.
    pub subnet_id: Option<String>,
    /// Its private address.
    pub private_ip: Option<String>,
    /// The client token of its launch.
    pub client_token: Option<String>,
}

impl InstanceView {
    /// Whether it still costs money.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.state != "terminated" && self.state != "shutting-down"
    }
}

/// A reader of an EC2-compatible server in region `us-west-2`.
#[derive(Clone, Debug)]
pub struct Ec2Probe {
    endpoint: Url,
    http: Http,
}

impl Ec2Probe {
    /// A probe of the server at this address: moto itself, not the proxy, unless the test wants the
    /// proxy's view.
    #[must_use]
    pub fn new(endpoint: &Url) -> Self {
        Self { endpoint: endpoint.clone(), http: Http::new(LIMIT) }
    }

    /// Every instance, in any state.
    ///
    /// # Errors
    ///
    /// The server refused the call, or its answer cannot be read.
    pub async fn instances(&self) -> Result<Vec<InstanceView>, Error> {
        let mut instances = Vec::new();
        let mut page = String::new();
        loop {
            let mut parameters = vec![("MaxResults", "1000")];
            if !page.is_empty() {
                parameters.push(("NextToken", &page));
            }
            let xml = self.call("DescribeInstances", &parameters).await?;
            let document = parse("DescribeInstances", &xml)?;
            let sets = document.descendants().filter(|node| named(*node, "instancesSet"));
            instances.extend(sets.flat_map(|set| set.children()).filter(Node::is_element).map(view));
            match text(document.root_element(), "nextToken") {
                Some(next) => page = next,
                None => return Ok(instances),
            }
        }
    }

    /// The instances that still cost money.
    ///
    /// # Errors
    ///
    /// The server refused the call, or its answer cannot be read.
    pub async fn alive(&self) -> Result<Vec<InstanceView>, Error> {
        let mut instances = self.instances().await?;
        instances.retain(InstanceView::is_alive);
        Ok(instances)
    }

    /// The user data of an instance, in base64, as it was given.
    ///
    /// # Errors
    ///
    /// The server refused the call, or its answer cannot be read.
    pub async fn user_data(&self, id: &str) -> Result<Option<String>, Error> {
        let action = "DescribeInstanceAttribute";
        let xml = self.call(action, &[("InstanceId", id), ("Attribute", "userData")]).await?;
        let document = parse(action, &xml)?;
        let data = document.descendants().find(|node| named(*node, "userData"));
        Ok(data.and_then(|node| text(node, "value")))
    }

    /// Launches an instance with these tags, without ORCA, and returns its id.
    ///
    /// # Errors
    ///
    /// The server refused the call, or its answer cannot be read.
    pub async fn launch(&self, image: &str, tags: &[(&str, &str)]) -> Result<String, Error> {
        let named = tag_parameters("instance", tags);
        let mut parameters =
            vec![("ImageId", image), ("InstanceType", "t3.micro"), ("MinCount", "1"), ("MaxCount", "1")];
        parameters.extend(named.iter().map(|(key, value)| (key.as_str(), value.as_str())));
        self.first("RunInstances", &parameters, "instanceId").await
    }

    /// Makes a volume with these tags that is attached to nothing, and returns its id.
    ///
    /// # Errors
    ///
    /// The server refused the call, or its answer cannot be read.
    pub async fn create_volume(&self, tags: &[(&str, &str)]) -> Result<String, Error> {
        let named = tag_parameters("volume", tags);
        let mut parameters = vec![("AvailabilityZone", "us-west-2a"), ("Size", "1")];
        parameters.extend(named.iter().map(|(key, value)| (key.as_str(), value.as_str())));
        self.first("CreateVolume", &parameters, "volumeId").await
    }

    /// The ids of all volumes.
    ///
    /// # Errors
    ///
    /// The server refused the call, or its answer cannot be read.
    pub async fn volumes(&self) -> Result<Vec<String>, Error> {
        let action = "DescribeVolumes";
        let xml = self.call(action, &[]).await?;
        let document = parse(action, &xml)?;
        let sets = document.descendants().filter(|node| named(*node, "volumeSet"));
        Ok(sets.flat_map(|set| set.children()).filter_map(|volume| text(volume, "volumeId")).collect())
    }

    /// Terminates an instance, as an operator would.
    ///
    /// # Errors
    ///
    /// The server refused the call, or its answer cannot be read.
    pub async fn terminate(&self, id: &str) -> Result<(), Error> {
        self.call("TerminateInstances", &[("InstanceId.1", id)]).await.map(drop)
    }

    /// Stops an instance, as an operator would.
    ///
    /// # Errors
    ///
    /// The server refused the call, or its answer cannot be read.
    pub async fn stop(&self, id: &str) -> Result<(), Error> {
        self.call("StopInstances", &[("InstanceId.1", id)]).await.map(drop)
    }

    /// A subnet of the default network.
    ///
    /// # Errors
    ///
    /// The server refused the call, or its answer cannot be read.
    pub async fn default_subnet(&self) -> Result<String, Error> {
        let filter = [("Filter.1.Name", "default-for-az"), ("Filter.1.Value.1", "true")];
        self.first("DescribeSubnets", &filter, "subnetId").await
    }

    /// The default security group of the default network.
    ///
    /// # Errors
    ///
    /// The server refused the call, or its answer cannot be read.
    pub async fn default_security_group(&self) -> Result<String, Error> {
        let filter = [("Filter.1.Name", "group-name"), ("Filter.1.Value.1", "default")];
        self.first("DescribeSecurityGroups", &filter, "groupId").await
    }

    /// A Linux machine image for x86-64 that the server knows.
    ///
    /// # Errors
    ///
    /// The server refused the call, or its answer cannot be read.
    pub async fn known_image(&self) -> Result<String, Error> {
        let filter = [("Filter.1.Name", "name"), ("Filter.1.Value.1", "al2023-ami-2023*x86_64")];
        self.first("DescribeImages", &filter, "imageId").await
    }

    async fn first(
        &self,
        action: &str,
        parameters: &[(&str, &str)],
        element: &'static str,
    ) -> Result<String, Error> {
        let xml = self.call(action, parameters).await?;
        let document = parse(action, &xml)?;
        let found = document.descendants().find(|node| named(*node, element)).and_then(|node| node.text());
        found
            .map(str::to_owned)
            .ok_or_else(|| Error::Incomplete { action: action.to_owned(), missing: element })
    }

    async fn call(&self, action: &str, parameters: &[(&str, &str)]) -> Result<String, Error> {
        let mut all = vec![("Action", action)];
        all.extend_from_slice(parameters);
        let answer = self.http.ec2(&self.endpoint, AUTHORIZATION, &all).await?;
        let body = String::from_utf8_lossy(answer.body()).into_owned();
        if answer.status().is_success() {
            Ok(body)
        } else {
            Err(Error::Refused { action: action.to_owned(), status: answer.status().as_u16(), body })
        }
    }
}

fn parse<'a>(action: &str, xml: &'a str) -> Result<Document<'a>, Error> {
    Document::parse(xml).map_err(|source| Error::NotXml { action: action.to_owned(), source })
}

/// `TagSpecification` for one kind of resource, as the query protocol spells it.
fn tag_parameters(kind: &str, tags: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut parameters = vec![("TagSpecification.1.ResourceType".to_owned(), kind.to_owned())];
    for (index, (key, value)) in tags.iter().enumerate() {
        let at = format!("TagSpecification.1.Tag.{}", index + 1);
        parameters.push((format!("{at}.Key"), (*key).to_owned()));
        parameters.push((format!("{at}.Value"), (*value).to_owned()));
    }
    parameters
}

fn named(node: Node<'_, '_>, name: &str) -> bool {
    node.tag_name().name() == name
}

fn child<'a, 'input>(node: Node<'a, 'input>, name: &str) -> Option<Node<'a, 'input>> {
    node.children().find(|child| named(*child, name))
}

/// The text of a child that has one.
fn text(node: Node<'_, '_>, name: &str) -> Option<String> {
    child(node, name)?.text().map(str::to_owned)
}

fn view(item: Node<'_, '_>) -> InstanceView {
    let field = |name| text(item, name);
    let tags = child(item, "tagSet").into_iter().flat_map(|set| set.children().filter(Node::is_element));
    InstanceView {
        id: field("instanceId").unwrap_or_default(),
        state: child(item, "instanceState").and_then(|state| text(state, "name")).unwrap_or_default(),
        instance_type: field("instanceType").unwrap_or_default(),
        image_id: field("imageId").unwrap_or_default(),
        tags: tags
            .filter_map(|tag| Some((text(tag, "key")?, text(tag, "value").unwrap_or_default())))
            .collect(),
        lifecycle: field("instanceLifecycle"),
        subnet_id: field("subnetId"),
        private_ip: field("privateIpAddress"),
        client_token: field("clientToken"),
    }
}
