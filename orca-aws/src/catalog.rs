//! What EC2 says of a machine image and of an instance type: what a launch of both has to agree with.

use aws_sdk_ec2::types::{
    DeviceType, GpuDeviceInfo, GpuInfo, Image as Listed, InstanceType, InstanceTypeInfo, MemoryInfo,
    NeuronDeviceInfo, NeuronInfo, ProcessorInfo, VCpuInfo,
};
use orca_core::error::{CloudError, Fault, Kind};
use orca_core::quantity::Quantity;
use orca_core::resources::Resources;

use crate::cache::Cache;
use crate::call::{Operation, call};
use crate::client::Ec2Client;
use crate::error::{Context, cloud_error, verdict};

/// What is known of images and types, for as long as it is kept.
#[derive(Debug, Default)]
pub(crate) struct Catalog {
    images: Cache<Image>,
    kinds: Cache<InstanceKind>,
}

/// A machine image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Image {
    /// Such as `/dev/xvda`.
    pub(crate) root_device: Option<String>,
    /// Whether its root is a volume, and not a disk of the instance.
    pub(crate) has_root_volume: bool,
    /// The size of its root in GiB, below which no root volume may be.
    pub(crate) size_gib: Option<i32>,
    /// Such as `x86_64`.
    pub(crate) architecture: Option<String>,
}

/// An instance type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct InstanceKind {
    /// What it runs, such as `x86_64`.
    pub(crate) architectures: Vec<String>,
    /// What it has, by Kubernetes' names. A device that it has not counts as 0.
    pub(crate) provides: Resources,
}

/// Codes of who may not ask, or asks a server that does not know the question: then nothing is known, and nothing is wrong.
const NOT_TOLD: [&str; 7] = [
    "UnauthorizedOperation",
    "AccessDenied",
    "AccessDeniedException",
    "InvalidAction",
    "UnsupportedOperation",
    "NotImplemented",
    "UnknownOperationException",
];

impl Ec2Client {
    /// What is known of this image. None: EC2 does not tell us.
    ///
    /// Errors: there is no such image, or no answer.
    pub(crate) async fn describe_image(
        &self,
        ami: &str,
        pod_named_image: bool,
    ) -> Result<Option<Image>, CloudError> {
        let ask = self.ask_image(ami, pod_named_image);
        let answer = told("image", ami, self.catalog.images.answer(ami, &*self.clock, ask).await);
        if answer.as_ref().is_err_and(is_no_image) {
            self.forget_image(ami);
        }
        answer
    }

    /// What is known of this instance type. None: EC2 does not tell us.
    ///
    /// Errors: there is no such type, or no answer.
    pub(crate) async fn describe_kind(&self, name: &str) -> Result<Option<InstanceKind>, CloudError> {
        let ask = self.ask_kind(name);
        told("instance type", name, self.catalog.kinds.answer(name, &*self.clock, ask).await)
    }

    /// EC2 has no such image, or not any longer: what named it is asked again.
    pub(crate) fn forget_image(&self, ami: &str) {
        self.catalog.images.forget(ami, &*self.clock);
        if let Some(parameter) = &self.settings.ami_parameter {
            self.image_cache.forget(parameter, &*self.clock);
        }
    }

    async fn ask_image(&self, ami: &str, pod_named_image: bool) -> Result<Image, CloudError> {
        let answer = call(Operation::DescribeImages, self.read.describe_images().image_ids(ami).send()).await;
        let context = Context { operation: Operation::DescribeImages, pod_named_image };
        let output = answer.map_err(|error| verdict(context, &error).into_error())?;
        let none = || {
            let fault = if pod_named_image { Fault::Pod } else { Fault::Config };
            let message = format!("EC2 has no machine image {ami} in {}", self.region());
            CloudError::new(Kind::Invalid(fault), "InvalidAMIID.NotFound", message)
        };
        output.images().first().map(image).ok_or_else(none)
    }

    async fn ask_kind(&self, name: &str) -> Result<InstanceKind, CloudError> {
        let ask = self.read.describe_instance_types().instance_types(InstanceType::from(name));
        let answer = call(Operation::DescribeInstanceTypes, ask.send()).await;
        let output = answer.map_err(|error| cloud_error(Operation::DescribeInstanceTypes, &error))?;
        let none = || {
            let message = format!("EC2 has no instance type {name} in {}", self.region());
            CloudError::new(Kind::Invalid(Fault::Pod), "InvalidInstanceType", message)
        };
        output.instance_types().first().map(kind).ok_or_else(none)
    }
}

/// Whether this error says that there is no such image.
pub(crate) fn is_no_image(error: &CloudError) -> bool {
    error.code.starts_with("InvalidAMIID")
}

fn told<V>(what: &str, name: &str, answer: Result<V, CloudError>) -> Result<Option<V>, CloudError> {
    match answer {
        Ok(known) => Ok(Some(known)),
        Err(error) if NOT_TOLD.contains(&error.code.as_str()) => {
            tracing::debug!(what, name, error = %error, "EC2 does not describe it");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

fn image(listed: &Listed) -> Image {
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

fn kind(listed: &InstanceTypeInfo) -> InstanceKind {
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

/// The accelerators that Kubernetes has names for. Who has none of a kind has 0 of it: a pod that asks for one is refused.
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

#[cfg(test)]
mod tests;
