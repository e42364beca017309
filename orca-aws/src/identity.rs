//! The identity of the client: the account of its credentials, and its region.

use orca_core::error::{CloudError, Kind};
use orca_core::ids::CloudIdentity;

use crate::call::{Operation, call};
use crate::client::Ec2Client;
use crate::convert;
use crate::error::cloud_error;

impl Ec2Client {
    /// `<account>/<region>`. The call needs no permission (STS API reference, `GetCallerIdentity`).
    pub(crate) async fn caller_identity(&self) -> Result<CloudIdentity, CloudError> {
        let answer = call(Operation::GetCallerIdentity, self.sts.get_caller_identity().send()).await;
        let output = answer.map_err(|error| cloud_error(Operation::GetCallerIdentity, &error))?;
        match output.account().filter(|account| !account.is_empty()) {
            Some(account) => Ok(self.identity_of(account)),
            None => Err(CloudError::new(Kind::Unknown, "NoAccount", "STS did not say which account this is")),
        }
    }

    /// This account in the region of the config.
    pub(crate) fn identity_of(&self, account: &str) -> CloudIdentity {
        convert::identity(account, self.region())
    }
}
