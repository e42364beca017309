//! What EC2 says about machine images and instance types, as far as a launch depends on it.

use aws_sdk_ec2::types::{
    DeviceType, GpuDeviceInfo, GpuInfo, Image as Listed, InstanceTypeInfo, MemoryInfo, NeuronDeviceInfo,
    NeuronInfo, ProcessorInfo, VCpuInfo,
};
use orca_core::error::CloudError;
use orca_core::quantity::Quantity;
use orca_core::resources::Resources;

use crate::cache::Cache;

/// Cached answers about images and types.
#[derive(Debug, Default)]
pub(crate) struct Catalog {
    pub(crate) images: Cache<Image>,
    pub(crate) kinds: Cache<InstanceKind>,
}

/// A machine image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Image {
    /// Such as `/dev/xvda`.
    pub(crate) root_device: Option<String>,
    /// Whether its root is a volume, and not a disk of the instance.
    pub(crate) has_root_volume: bool,
    /// The size of its root in GiB. No root volume may be smaller.
    pub(crate) size_gib: Option<i32>,
    /// Such as `x86_64`.
    pub(crate) architecture: Option<String>,
}

/// An instance type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct InstanceKind {
    /// What it runs, such as `x86_64`.
    pub(crate) architectures: Vec<String>,
    /// What it has, by the names of Kubernetes resources. A known device that it lacks is there with 0.
    pub(crate) provides: Resources,
}

/// Whether this error says that there is no such image.
pub(crate) fn is_no_image(error: &CloudError) -> bool {
    error.code.starts_with("InvalidAMIID")
}

pub(crate) fn image(listed: &Listed) -> Image {
    let root_device = listed.root_device_name().filter(|name| !name.is_empty());
    let is_root = |name: Option<&str>| name.is_some() && name == root_device;
    let disk = listed.block_device_mappings().iter().find(|one| is_root(one.device_name()));
    Image {
        root_device: root_device.map(str::to_owned),
        has_root_volume: listed.root_device_type() != Some(&DeviceType::InstanceStore),
        size_gib: disk.and_then(|disk| disk.ebs()?.volume_size()),
        architecture: listed.architecture().map(|architecture| architecture.as_str().to_owned()),
    }
}

pub(crate) fn kind(listed: &InstanceTypeInfo) -> InstanceKind {
    let processor = listed.processor_info();
    let architectures = processor.map(ProcessorInfo::supported_architectures).unwrap_or_default();
    let mut provides = devices(listed);
    if let Some(cores) = listed.v_cpu_info().and_then(VCpuInfo::default_v_cpus) {
        provides.insert("cpu".into(), Quantity::from_units(cores.into()));
    }
    if let Some(mebibytes) = listed.memory_info().and_then(MemoryInfo::size_in_mib) {
        provides.insert("memory".into(), Quantity::from_units(mebibytes.saturating_mul(1 << 20)));
    }
    let architectures = architectures.iter().map(|one| one.as_str().to_owned()).collect();
    InstanceKind { architectures, provides }
}

/// The accelerators that have a resource name in Kubernetes. A type without one has 0, so a pod that asks for it is refused.
fn devices(listed: &InstanceTypeInfo) -> Resources {
    let gpus = listed.gpu_info().map(GpuInfo::gpus).unwrap_or_default();
    let of = |maker: &str| -> i32 {
        let made =
            |gpu: &&GpuDeviceInfo| gpu.manufacturer().is_some_and(|name| name.eq_ignore_ascii_case(maker));
        gpus.iter().filter(made).filter_map(GpuDeviceInfo::count).sum()
    };
    let neurons = listed.neuron_info().map(NeuronInfo::neuron_devices).unwrap_or_default();
    let cores =
        |device: &NeuronDeviceInfo| Some(device.count()?.saturating_mul(device.core_info()?.count()?));
    let chips: i32 = neurons.iter().filter_map(NeuronDeviceInfo::count).sum();
    let efa = listed.network_info().and_then(|info| info.efa_info()?.maximum_efa_interfaces());
    [
        ("nvidia.com/gpu", of("NVIDIA")),
        ("amd.com/gpu", of("AMD")),
        ("habana.ai/gaudi", of("Habana")),
        ("aws.amazon.com/neuron", chips),
        ("aws.amazon.com/neurondevice", chips),
        ("aws.amazon.com/neuroncore", neurons.iter().filter_map(cores).sum()),
        ("vpc.amazonaws.com/efa", efa.unwrap_or_default()),
    ]
    .into_iter()
    .map(|(name, count)| (name.to_owned(), Quantity::from_units(count.into())))
    .collect()
}
