//! What people allow a start to take over, or to give up: an existing node, and what was launched elsewhere.

use orca_kube::VirtualNodeBuilder;

/// Flags that say what happens to what was there before.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Takeover {
    /// Take over a node of the same name that ORCA did not make.
    #[arg(long, global = true)]
    pub adopt_node: bool,
    /// Look here for what was launched in this account and region, such as 123456789012/us-west-2; repeatable.
    #[arg(long, global = true, value_name = "IDENTITY", value_parser = identity)]
    pub adopt_identity: Vec<String>,
    /// Leave what was launched in this account and region, or for this cluster id, to yourself: its pods fail; repeatable.
    #[arg(long, global = true, value_name = "IDENTITY", value_parser = identity)]
    pub abandon: Vec<String>,
}

impl Takeover {
    /// The node that may do so.
    pub(crate) fn apply(&self, mut builder: VirtualNodeBuilder) -> VirtualNodeBuilder {
        if self.adopt_node {
            builder = builder.adopt_foreign_node();
        }
        builder =
            self.adopt_identity.iter().fold(builder, |node, was| node.adopt_identity(was.as_str().into()));
        self.abandon.iter().fold(builder, |node, was| node.abandon(was.as_str().into()))
    }
}

fn identity(text: &str) -> Result<String, String> {
    if text.is_empty() || text.contains(char::is_whitespace) {
        return Err("give the identity as ORCA names it, such as 123456789012/us-west-2; `kubectl get node -o yaml` shows it as annotation".into());
    }
    Ok(text.to_owned())
}
