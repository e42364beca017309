//! What people allow a start to take over, or to give up: an existing node, and what was launched elsewhere.

use orca_kube::VirtualNodeBuilder;

/// Flags that say what happens to what was there before.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Takeover {
    /// Take over a node of the same name that ORCA did not make.
    #[arg(long, global = true)]
    pub adopt_node: bool,
    /// Look here for what was launched in this account and region, such as 123456789012/us-west-2; repeatable.
    #[arg(long, global = true, value_name = "IDENTITY", value_parser = place)]
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

/// An account and a region: anything else names no place where something was launched.
fn place(text: &str) -> Result<String, String> {
    let text = identity(text)?;
    match text.split_once('/') {
        Some((account, region)) if !account.is_empty() && !region.is_empty() => Ok(text),
        _ => Err("give account and region, such as 123456789012/us-west-2; `kubectl get node -o yaml` shows them as annotation".into()),
    }
}

fn identity(text: &str) -> Result<String, String> {
    if text.is_empty() || text.contains(char::is_whitespace) {
        return Err("give the identity as ORCA names it, such as 123456789012/us-west-2; `kubectl get node -o yaml` shows it as annotation".into());
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_has_an_account_and_a_region_and_a_cluster_needs_none() {
        for wrong in ["", "us-west-2", "/us-west-2", "123456789012/", "1 2/us-west-2"] {
            let why = place(wrong).expect_err(wrong);
            assert!(why.contains("123456789012/us-west-2"), "{why}");
        }
        assert_eq!(place("123456789012/us-west-2").as_deref(), Ok("123456789012/us-west-2"));
        assert_eq!(identity("my-cluster").as_deref(), Ok("my-cluster"));
    }
}
