//! What an offer freezes, and which images, types and sizes do not go together.

use crate::config::Aws;
use crate::testing::{Reply, Server, client, described, image, kind, settings, wish};

use super::*;

const DENIED: &str = "UnauthorizedOperation";

fn denied() -> Reply {
    Reply::error(403, DENIED, "You are not authorized to perform this operation.")
}

async fn offer(settings: &Aws, wish: &LaunchRequest, replies: [Reply; 2]) -> Result<Offer, CloudError> {
    let offers = client(&Server::new(replies), settings).make_offers(wish).await?;
    assert_eq!(offers.len(), 1, "one subnet makes one offer");
    Ok(offers.into_iter().next().expect("one offer"))
}

#[tokio::test]
async fn an_offer_freezes_all_that_a_launch_depends_on() {
    let offer = offer(&settings(), &wish(), described()).await.expect("an offer");
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
    let provides = offer.provides.expect("known");
    let bytes = |gib: i64| Quantity::from_units(gib << 30);
    assert_eq!((provides["memory"], provides["ephemeral-storage"]), (bytes(1), bytes(40)));
    assert_eq!((provides["cpu"], provides["nvidia.com/gpu"]), (Quantity::from_units(2), Quantity::ZERO));
}

#[tokio::test]
async fn a_price_belongs_to_spot_and_a_subnet_is_optional() {
    let bare = Aws { subnet_id: Some(String::new()), instance_profile: None, ..settings() };
    let priced = LaunchRequest { max_price: "0.5".parse().ok(), ..wish() };
    let on_demand = offer(&bare, &priced, described()).await.expect("an offer");
    assert_eq!((on_demand.parameters.get("maxPrice"), on_demand.parameters.get("subnetId")), (None, None));
    let spot =
        LaunchRequest { capacity_type: CapacityType::Spot, image: Some("ami-0123abcd".into()), ..priced };
    let spot = offer(&bare, &spot, described()).await.expect("an offer");
    assert_eq!(spot.parameters["maxPrice"], "0.50");
    assert_eq!(spot.parameters["podNamedImage"], true);
}

#[tokio::test]
async fn the_root_volume_is_the_images_own_and_never_a_second_disk() {
    let configured = |device: Option<&str>, size_gib| {
        let root_volume =
            RootVolume { size_gib, device_name: device.map(str::to_owned), ..RootVolume::default() };
        Aws { root_volume, ..settings() }
    };
    let root = |offer: Offer| offer.parameters["rootVolume"].clone();
    let volume = |device: &str, size: u32| serde_json::json!({ "deviceName": device, "volumeType": "gp3", "sizeGib": size });
    for (settings, expected) in [
        (configured(None, None), volume("/dev/sda1", 30)),
        (configured(Some("/dev/xvda"), None), volume("/dev/sda1", 30)),
        (configured(None, Some(30)), volume("/dev/sda1", 30)),
        (configured(None, Some(31)), volume("/dev/sda1", 31)),
    ] {
        let replies = [image("/dev/sda1", 30), kind("")];
        assert_eq!(root(offer(&settings, &wish(), replies).await.expect("an offer")), expected);
    }
    let small = offer(&configured(None, Some(8)), &wish(), [image("/dev/sda1", 30), kind("")]).await;
    let small = small.expect_err("the image does not fit");
    assert_eq!((small.kind, small.code.as_str()), (Kind::Invalid(Fault::Config), "RootVolumeTooSmall"));
    assert!(small.message.contains("is 8") && small.message.contains("at least 30"), "{small}");
    // Where EC2 does not describe the image, the config has to.
    let told = offer(&configured(Some("/dev/xvdb"), None), &wish(), [denied(), kind("")]).await;
    assert_eq!(
        root(told.expect("an offer")),
        serde_json::json!({ "deviceName": "/dev/xvdb", "volumeType": "gp3" })
    );
    let untold =
        offer(&configured(None, None), &wish(), [denied(), kind("")]).await.expect_err("nobody knows");
    assert_eq!((untold.kind, untold.code.as_str()), (Kind::Invalid(Fault::Config), "ImageNotDescribed"));
    assert!(untold.remedy.expect("a remedy").contains("ec2:DescribeImages"));
}

#[tokio::test]
async fn an_image_and_a_type_that_do_not_go_together_are_never_launched() {
    let Reply::Answer { body, .. } = image("/dev/xvda", 8) else { panic!("an answer") };
    let replies = [Reply::xml(200, &body.replace("x86_64", "arm64")), kind("")];
    let error = offer(&settings(), &wish(), replies).await.expect_err("another architecture");
    assert_eq!((error.kind, error.code.as_str()), (Kind::Invalid(Fault::Pod), "ArchitectureMismatch"));
    assert!(error.message.contains("is for arm64") && error.message.contains("runs x86_64"), "{error}");
    let replies = [Reply::xml(200, &body.replace(">ebs<", ">instance-store<")), kind("")];
    let error = offer(&settings(), &wish(), replies).await.expect_err("no root volume");
    assert_eq!((error.kind, error.code.as_str()), (Kind::Invalid(Fault::Config), "ImageWithoutRootVolume"));
}

#[tokio::test]
async fn what_nobody_may_know_of_a_type_is_not_checked() {
    let unchecked = offer(&settings(), &wish(), [image("/dev/xvda", 8), denied()]).await.expect("an offer");
    assert_eq!(unchecked.provides, None);
    let missing =
        Reply::error(400, "InvalidInstanceType", "The following supplied instance types do not exist");
    let error =
        offer(&settings(), &wish(), [image("/dev/xvda", 8), missing]).await.expect_err("no such type");
    assert_eq!(error.kind, Kind::Invalid(Fault::Pod));
}
