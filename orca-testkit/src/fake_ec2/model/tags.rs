//! What EC2 checks of tags and user data.

use data_encoding::BASE64;
use orca_core::well_known::tag;

use super::Model;
use crate::fake_ec2::api_error::{ApiError, bad_value};
use crate::fake_ec2::instance::Tags;

/// User data before base64, in bytes (EC2 user guide).
const USER_DATA: usize = 16_384;

/// Refuses tags that EC2 would not take.
pub(super) fn check_tags(tags: &Tags) -> Result<(), ApiError> {
    if tags.len() > tag::MAX_TAGS {
        let message = format!("You have reached the maximum of {} tags on a resource", tag::MAX_TAGS);
        return Err(ApiError::new("TagLimitExceeded", message));
    }
    for (key, value) in tags {
        if key.is_empty() || key.chars().count() > tag::MAX_KEY_CHARS {
            return Err(bad_value(format!("Tag key has 1 to {} characters: '{key}'", tag::MAX_KEY_CHARS)));
        }
        if value.chars().count() > tag::MAX_VALUE_CHARS {
            let most = tag::MAX_VALUE_CHARS;
            return Err(bad_value(format!("Tag value exceeds the maximum length of {most} characters")));
        }
        if key.to_ascii_lowercase().starts_with("aws:") {
            let message = "Tag keys starting with 'aws:' are reserved for internal use";
            return Err(bad_value(message));
        }
    }
    Ok(())
}

/// Refuses user data that is no base64 or too long.
pub(super) fn check_user_data(data: Option<&str>) -> Result<(), ApiError> {
    let Some(data) = data else { return Ok(()) };
    match BASE64.decode(data.as_bytes()) {
        Ok(bytes) if bytes.len() <= USER_DATA => Ok(()),
        Ok(_) => {
            let message = format!("User data is limited to {USER_DATA} bytes");
            Err(ApiError::new("InvalidUserData.Malformed", message))
        }
        Err(_) => Err(ApiError::new("InvalidUserData.Malformed", "Invalid BASE64 encoding of user data.")),
    }
}

impl Model {
    /// `CreateTags`: on every resource, or on none.
    pub(in crate::fake_ec2) fn create_tags(
        &mut self,
        resources: &[String],
        tags: &Tags,
        now: jiff::Timestamp,
    ) -> Result<(), ApiError> {
        for resource in resources {
            let mut all = self.tags_of(resource, now)?.clone();
            all.extend(tags.clone());
            check_tags(&all)?;
            *self.tags_of(resource, now)? = all;
        }
        Ok(())
    }

    fn tags_of(&mut self, id: &str, now: jiff::Timestamp) -> Result<&mut Tags, ApiError> {
        let unknown = || ApiError::new("InvalidID", format!("The ID '{id}' is not valid"));
        if id.starts_with("i-") {
            let number = self.visible(id, now)?;
            return self.instance_mut(number).map(|instance| &mut instance.tags).ok_or_else(unknown);
        }
        let number = self.attachments.find(id);
        let attachments = &mut self.attachments;
        let found = number.and_then(|number| {
            let volume = attachments.volumes.get_mut(&number).map(|volume| &mut volume.tags);
            let interface = attachments.interfaces.get_mut(&number).map(|interface| &mut interface.tags);
            let request = attachments.requests.get_mut(&number).map(|request| &mut request.tags);
            volume.or(interface).or(request)
        });
        found.ok_or_else(unknown)
    }
}
