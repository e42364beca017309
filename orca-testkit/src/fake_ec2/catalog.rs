//! What can be launched: instance types with list prices, machine images, and the parameters that name the images.

use orca_core::quantity::Quantity;
use orca_core::resources::Resources;

/// A processor architecture, as EC2 spells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Architecture {
    /// `x86_64`.
    X86,
    /// `arm64`.
    Arm,
}

impl Architecture {
    /// EC2's word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::X86 => "x86_64",
            Self::Arm => "arm64",
        }
    }
}

/// An instance type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InstanceType {
    /// Such as `p5.48xlarge`.
    pub name: &'static str,
    /// Virtual processors.
    pub vcpus: u32,
    /// Memory in MiB.
    pub memory_mib: u32,
    /// Graphics processors.
    pub gpus: u32,
    /// What it runs.
    pub architecture: Architecture,
    /// The list price on demand, in millionths of a US dollar per hour: about what us-west-2 charges.
    pub price_micros: u64,
}

impl InstanceType {
    /// What it has, by Kubernetes' names.
    pub(super) fn provides(&self) -> Resources {
        let memory = Quantity::from_units(i64::from(self.memory_mib) << 20);
        let of = |name: &str, amount| (name.to_owned(), amount);
        Resources::from([
            of("cpu", Quantity::from_units(self.vcpus.into())),
            of("memory", memory),
            of("nvidia.com/gpu", Quantity::from_units(self.gpus.into())),
        ])
    }

    /// Whether this zone has it: the largest GPU instances are not in a region's fourth zone.
    pub(super) fn is_offered_in(&self, zone: &str) -> bool {
        !(self.name.starts_with('p') && zone.ends_with('d'))
    }
}

/// A machine image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Image {
    /// Its id.
    pub id: &'static str,
    /// Its name.
    pub name: &'static str,
    /// What it runs on.
    pub architecture: Architecture,
}

const fn x86(name: &'static str, vcpus: u32, gib: u32, gpus: u32, price_micros: u64) -> InstanceType {
    let architecture = Architecture::X86;
    InstanceType { name, vcpus, memory_mib: gib * 1024, gpus, architecture, price_micros }
}

const fn arm(name: &'static str, vcpus: u32, gib: u32, gpus: u32, price_micros: u64) -> InstanceType {
    InstanceType { architecture: Architecture::Arm, ..x86(name, vcpus, gib, gpus, price_micros) }
}

/// Every type there is.
pub const INSTANCE_TYPES: &[InstanceType] = &[
    InstanceType { memory_mib: 512, ..x86("t3.nano", 2, 0, 0, 5_200) },
    x86("t3.micro", 2, 1, 0, 10_400),
    x86("t3.small", 2, 2, 0, 20_800),
    x86("t3.medium", 2, 4, 0, 41_600),
    x86("t3.large", 2, 8, 0, 83_200),
    x86("t3.xlarge", 4, 16, 0, 166_400),
    x86("t3.2xlarge", 8, 32, 0, 332_800),
    arm("t4g.micro", 2, 1, 0, 8_400),
    arm("t4g.small", 2, 2, 0, 16_800),
    arm("t4g.medium", 2, 4, 0, 33_600),
    x86("m5.large", 2, 8, 0, 96_000),
    x86("m5.xlarge", 4, 16, 0, 192_000),
    x86("m7i.large", 2, 8, 0, 100_800),
    x86("m7i.xlarge", 4, 16, 0, 201_600),
    x86("m7i.2xlarge", 8, 32, 0, 403_200),
    x86("m7i.4xlarge", 16, 64, 0, 806_400),
    x86("m7i.8xlarge", 32, 128, 0, 1_612_800),
    x86("m7i.16xlarge", 64, 256, 0, 3_225_600),
    x86("m7i.48xlarge", 192, 768, 0, 9_676_800),
    arm("m7g.large", 2, 8, 0, 81_600),
    arm("m7g.xlarge", 4, 16, 0, 163_200),
    x86("c5.large", 2, 4, 0, 85_000),
    x86("c7i.large", 2, 4, 0, 89_250),
    x86("c7i.xlarge", 4, 8, 0, 178_500),
    x86("c7i.2xlarge", 8, 16, 0, 357_000),
    x86("c7i.4xlarge", 16, 32, 0, 714_000),
    x86("c7i.8xlarge", 32, 64, 0, 1_428_000),
    x86("c7i.24xlarge", 96, 192, 0, 4_284_000),
    arm("c7g.xlarge", 4, 8, 0, 145_000),
    x86("r5.large", 2, 16, 0, 126_000),
    x86("r7i.large", 2, 16, 0, 132_300),
    x86("r7i.xlarge", 4, 32, 0, 264_600),
    x86("r7i.2xlarge", 8, 64, 0, 529_200),
    x86("r7i.4xlarge", 16, 128, 0, 1_058_400),
    x86("r7i.8xlarge", 32, 256, 0, 2_116_800),
    x86("r7i.24xlarge", 96, 768, 0, 6_350_400),
    x86("g4dn.xlarge", 4, 16, 1, 526_000),
    x86("g4dn.12xlarge", 48, 192, 4, 3_912_000),
    x86("g5.xlarge", 4, 16, 1, 1_006_000),
    x86("g5.2xlarge", 8, 32, 1, 1_212_000),
    x86("g5.4xlarge", 16, 64, 1, 1_624_000),
    x86("g5.12xlarge", 48, 192, 4, 5_672_000),
    x86("g5.48xlarge", 192, 768, 8, 16_288_000),
    x86("g6.xlarge", 4, 16, 1, 804_800),
    x86("g6.2xlarge", 8, 32, 1, 977_600),
    x86("g6.12xlarge", 48, 192, 4, 4_601_600),
    x86("g6.48xlarge", 192, 768, 8, 13_350_400),
    x86("g6e.xlarge", 4, 32, 1, 1_861_000),
    x86("p3.2xlarge", 8, 61, 1, 3_060_000),
    x86("p4d.24xlarge", 96, 1_152, 8, 21_957_642),
    x86("p5.4xlarge", 16, 256, 1, 6_880_000),
    x86("p5.48xlarge", 192, 2_048, 8, 55_040_000),
    x86("p5en.48xlarge", 192, 2_048, 8, 63_296_000),
];

/// Every image there is. The names begin as Amazon's do, so that filters by name find them.
pub const IMAGES: &[Image] = &[
    Image {
        id: "ami-0aaaaaaaaaaaaaaa1",
        name: "al2023-ami-2023.9.20261101.0-kernel-6.1-x86_64",
        architecture: Architecture::X86,
    },
    Image {
        id: "ami-0aaaaaaaaaaaaaaa2",
        name: "al2023-ami-2023.9.20261101.0-kernel-6.1-arm64",
        architecture: Architecture::Arm,
    },
    Image {
        id: "ami-0aaaaaaaaaaaaaaa3",
        name: "al2023-ami-minimal-2023.9.20261101.0-kernel-6.1-x86_64",
        architecture: Architecture::X86,
    },
    Image {
        id: "ami-0aaaaaaaaaaaaaaa4",
        name: "Deep Learning Base OSS Nvidia Driver GPU AMI (Amazon Linux 2023) 20261101",
        architecture: Architecture::X86,
    },
    // The id that AWS's documentation and our examples use for an image of one's own.
    Image { id: "ami-0123456789abcdef0", name: "my-workload", architecture: Architecture::X86 },
];

/// The public parameters of the parameter store, and the image that each names.
const PARAMETERS: &[(&str, &str)] = &[
    ("/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64", "ami-0aaaaaaaaaaaaaaa1"),
    ("/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-6.1-x86_64", "ami-0aaaaaaaaaaaaaaa1"),
    ("/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64", "ami-0aaaaaaaaaaaaaaa2"),
    (
        "/aws/service/ami-amazon-linux-latest/al2023-ami-minimal-kernel-default-x86_64",
        "ami-0aaaaaaaaaaaaaaa3",
    ),
    (
        "/aws/service/deeplearning/ami/x86_64/base-oss-nvidia-driver-gpu-amazon-linux-2023/latest/ami-id",
        "ami-0aaaaaaaaaaaaaaa4",
    ),
    ("/aws/service/ecs/optimized-ami/amazon-linux-2023/recommended/image_id", "ami-0aaaaaaaaaaaaaaa1"),
    ("/aws/service/ecs/optimized-ami/amazon-linux-2023/gpu/recommended/image_id", "ami-0aaaaaaaaaaaaaaa4"),
];

/// The type of this name.
#[must_use]
pub fn instance_type(name: &str) -> Option<&'static InstanceType> {
    INSTANCE_TYPES.iter().find(|kind| kind.name == name)
}

/// The image with this id.
#[must_use]
pub fn image(id: &str) -> Option<&'static Image> {
    IMAGES.iter().find(|image| image.id == id)
}

/// The default image for instances of this architecture.
#[must_use]
pub const fn default_image(architecture: Architecture) -> &'static str {
    match architecture {
        Architecture::X86 => "ami-0aaaaaaaaaaaaaaa1",
        Architecture::Arm => "ami-0aaaaaaaaaaaaaaa2",
    }
}

/// The value of this parameter of the parameter store.
pub(super) fn parameter(name: &str) -> Option<&'static str> {
    PARAMETERS.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
}
