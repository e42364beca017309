//! The one way that EC2 fulfils a wish so far: `RunInstances` in the configured subnet, with everything frozen.

use orca_core::error::{CloudError, Fault, Kind};
use orca_core::instance::CapacityType;
use orca_core::launch::{LaunchRequest, Offer};

use crate::client::Ec2Client;
use crate::config::given;
use crate::parameters::{Parameters, Root};

impl Ec2Client {
    /// Exactly one offer.
    pub(crate) async fn make_offers(&self, wish: &LaunchRequest) -> Result<Vec<Offer>, CloudError> {
        let ami = self.image(wish.image.as_deref()).await?;
        let parameters = self.parameters(wish, ami)?;
        Ok(vec![Offer {
            instance_type: wish.instance_type.clone(),
            capacity_type: wish.capacity_type,
            // One subnet is one zone: its name would tell no two offers apart, and would cost a call to learn.
            zone: None,
            price: None,
            tags: wish.tags.clone(),
            parameters: parameters.write().map_err(|error| {
                CloudError::new(Kind::Invalid(Fault::Config), "UnwritableOffer", error.to_string())
            })?,
        }])
    }

    fn parameters(&self, wish: &LaunchRequest, ami: String) -> Result<Parameters, CloudError> {
        let settings = &self.settings;
        let size_gib = settings.root_volume.size_gib.map(i32::try_from).transpose().map_err(|_| {
            CloudError::new(
                Kind::Invalid(Fault::Config),
                "RootVolumeTooLarge",
                "aws.rootVolume.sizeGiB is above 65536",
            )
        })?;
        Ok(Parameters {
            schema: Parameters::SCHEMA,
            region: settings.region.clone(),
            subnet_id: given(settings.subnet_id.as_ref()).map(str::to_owned),
            security_group_ids: settings.security_group_ids.clone(),
            ami,
            pod_named_image: wish.image.is_some(),
            instance_profile: given(settings.instance_profile.as_ref()).map(str::to_owned),
            root_volume: Root {
                device_name: settings.root_volume.device_name.clone(),
                volume_type: settings.root_volume.volume_type.clone(),
                size_gib,
            },
            max_price: wish.max_price.filter(|_| wish.capacity_type == CapacityType::Spot),
            user_data: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Aws;

    use crate::testing::{Server, client, settings, wish};

    use super::*;

    #[tokio::test]
    async fn an_offer_freezes_all_that_a_launch_depends_on() {
        let client = client(&Server::new([]), &settings());
        let offers = client.make_offers(&wish()).await.expect("offers");
        let [offer] = &offers[..] else { panic!("one offer: {offers:?}") };
        assert_eq!(offer.tags, wish().tags);
        assert_eq!((offer.instance_type.as_str(), offer.capacity_type), ("t3.micro", CapacityType::OnDemand));
        assert_eq!(
            offer.parameters,
            serde_json::json!({
                "schema": 1,
                "region": "us-west-2",
                "subnetId": "subnet-1",
                "securityGroupIds": ["sg-1", "sg-2"],
                "ami": "ami-00000000000000001",
                "podNamedImage": false,
                "instanceProfile": "orca",
                "rootVolume": { "deviceName": "/dev/xvda", "volumeType": "gp3", "sizeGib": 40 },
            })
        );
        assert_eq!(Parameters::read(&offer.parameters).expect("read").ami, "ami-00000000000000001");
    }

    #[tokio::test]
    async fn a_price_belongs_to_spot_and_a_subnet_is_optional() {
        let bare = Aws { subnet_id: Some(String::new()), instance_profile: None, ..settings() };
        let client = client(&Server::new([]), &bare);
        let priced = LaunchRequest { max_price: "0.5".parse().ok(), ..wish() };
        let offers = client.make_offers(&priced).await.expect("offers");
        assert_eq!(
            (offers[0].parameters.get("maxPrice"), offers[0].parameters.get("subnetId")),
            (None, None)
        );
        let spot =
            LaunchRequest { capacity_type: CapacityType::Spot, image: Some("ami-0123abcd".into()), ..priced };
        let offers = client.make_offers(&spot).await.expect("offers");
        assert_eq!(offers[0].parameters["maxPrice"], "0.50");
        assert_eq!(offers[0].parameters["podNamedImage"], true);
    }
}
