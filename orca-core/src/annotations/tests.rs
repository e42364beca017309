//! What pod authors write, well and badly.

use proptest::prelude::*;

use super::*;

fn parse(annotations: &[(&str, &str)]) -> Result<Wishes, Vec<AnnotationError>> {
    let map = annotations.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    Wishes::parse(&map)
}

fn refused(annotations: &[(&str, &str)]) -> String {
    let errors = parse(annotations).expect_err("refused");
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

#[test]
fn the_original_designs_example_is_understood() {
    let wishes = parse(&[
        ("orca.research/instance-type", "p5.48xlarge"),
        ("orca.research/launch-type", "spot"),
        ("orca.research/max-spot-price", "35.00"),
        ("orca.research/ami", "ami-0123456789abcdef0"),
        ("example.com/other", "left alone"),
    ])
    .expect("understood");
    assert_eq!(wishes.instance_type.as_deref(), Some("p5.48xlarge"));
    assert_eq!(wishes.capacity_type, Some(CapacityType::Spot));
    assert_eq!(wishes.max_price.map(UsdPerHour::micros), Some(35_000_000));
    assert_eq!(wishes.image.as_deref(), Some("ami-0123456789abcdef0"));
    assert!(wishes.notes.is_empty());
}

#[test]
fn a_wrong_value_names_key_value_and_remedy() {
    let text = refused(&[("orca.research/launch-type", "sport")]);
    assert_eq!(
        text,
        "annotation orca.research/launch-type has the value \"sport\": did you mean spot? Give on-demand or spot"
    );
}

#[test]
fn every_wrong_value_is_reported_at_once() {
    let errors = parse(&[
        ("orca.research/launch-type", "spot"),
        ("orca.research/instance-type", ""),
        ("orca.research/max-spot-price", "NaN"),
        ("orca.research/ami", "ami-1; rm -rf /"),
    ])
    .expect_err("three wrong values");
    assert_eq!(errors.len(), 3);
}

#[test]
fn what_concerns_money_or_safety_and_cannot_be_honoured_is_refused() {
    for (key, _) in REFUSED {
        assert!(refused(&[(key, "x")]).contains(key));
    }
    let text =
        refused(&[("orca.research/launch-type", "on-demand"), ("orca.research/max-spot-price", "1.00")]);
    assert!(text.contains("no effect on on-demand"), "{text}");
}

#[test]
fn an_unknown_key_is_refused_with_the_likely_spelling() {
    for (key, remedy) in [
        ("orca.research/instance-typ", "did you mean orca.research/instance-type?"),
        ("orca.research/Max-Spot-Price", "did you mean orca.research/max-spot-price?"),
        ("orca.research/max-spot-prise", "did you mean orca.research/max-spot-price?"),
        ("orca.reserach/max-spot-price", "did you mean orca.research/max-spot-price?"),
        ("orca.research/colour", "known are orca.research/instance-type, "),
    ] {
        let text = refused(&[(annotation::INSTANCE_TYPE, "t3.micro"), (key, "1")]);
        assert!(
            text.starts_with(&format!("annotation {key} has the value")) && text.contains(remedy),
            "{text}"
        );
    }
}

#[test]
fn annotations_of_others_and_of_orca_itself_are_not_refused() {
    for key in [
        "orca.research/instance-id",
        "orca.research/public-ip",
        "example.com/ami",
        "ami",
        "orca.example/colour",
    ] {
        assert_eq!(parse(&[(key, "x")]).map(|wishes| wishes.notes), Ok(Vec::new()), "{key}");
    }
}

#[test]
fn every_annotation_that_is_read_has_its_wish() {
    let wishes = parse(&[
        ("orca.research/workload-template", "vision_training.v2"),
        ("orca.research/launch-type", "on-demand"),
    ]);
    let wishes = wishes.expect("understood");
    assert_eq!(wishes.template.as_deref(), Some("vision_training.v2"));
    assert_eq!(wishes.capacity_type, Some(CapacityType::OnDemand));
    let old =
        parse(&[("orca.research/spot-max-price", "1.50"), ("orca.research/debug", "true")]).expect("read");
    assert_eq!(old.max_price.map(UsdPerHour::micros), Some(1_500_000), "its name before");
    assert_eq!(old.notes, ["orca.research/debug is not acted on yet"]);
    let written = parse(&[("orca.research/instance-id", "i-1"), ("orca.research/public-ip", "192.0.2.7")]);
    assert_eq!(written, Ok(Wishes::default()), "annotations that ORCA writes ask for nothing");
}

#[test]
fn a_name_has_at_most_128_characters() {
    let named = |length: usize| parse(&[("orca.research/instance-type", &"a".repeat(length))]).is_ok();
    assert_eq!((named(0), named(1), named(128), named(129)), (false, true, true, false));
}

proptest! {
    #[test]
    fn any_annotations_are_answered_and_what_is_taken_is_harmless(
        key in "orca\\.research/[a-z-]{0,20}",
        value in "\\PC{0,300}",
    ) {
        for key in [key.as_str(), annotation::INSTANCE_TYPE, annotation::AMI] {
            if let Ok(wishes) = parse(&[(key, value.as_str())]) {
                for taken in [wishes.instance_type, wishes.image, wishes.template].into_iter().flatten() {
                    prop_assert!(taken.bytes().all(|b| b.is_ascii_graphic()) && taken.len() <= 128);
                }
            }
        }
    }
}
