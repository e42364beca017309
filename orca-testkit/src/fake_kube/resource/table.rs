//! The list of resources.

use super::Resource;

const RBAC: &str = "rbac.authorization.k8s.io";

/// Namespaces.
pub static NAMESPACES: Resource = Resource::new("", "v1", "namespaces", "Namespace", "namespace")
    .short(&["ns"])
    .cluster()
    .with(&["status", "finalize"]);
/// Nodes.
pub static NODES: Resource =
    Resource::new("", "v1", "nodes", "Node", "node").short(&["no"]).cluster().with(&["status"]);
/// Pods.
pub static PODS: Resource = Resource::new("", "v1", "pods", "Pod", "pod")
    .short(&["po"])
    .with(&["status", "binding", "eviction", "log", "exec", "attach", "portforward"])
    .counts()
    .returns_deleted()
    .in_all();
/// Services.
pub static SERVICES: Resource = Resource::new("", "v1", "services", "Service", "service")
    .short(&["svc"])
    .with(&["status"])
    .returns_deleted()
    .in_all();
/// Config maps.
pub static CONFIGMAPS: Resource =
    Resource::new("", "v1", "configmaps", "ConfigMap", "configmap").short(&["cm"]);
/// Secrets.
pub static SECRETS: Resource = Resource::new("", "v1", "secrets", "Secret", "secret");
/// Service accounts.
pub static SERVICEACCOUNTS: Resource =
    Resource::new("", "v1", "serviceaccounts", "ServiceAccount", "serviceaccount")
        .short(&["sa"])
        .with(&["token"])
        .returns_deleted();
/// Events in the core group; the store keeps all events in this shape.
pub static EVENTS: Resource = Resource::new("", "v1", "events", "Event", "event").short(&["ev"]);
/// Events in their own group: another view of [`EVENTS`].
pub static EVENTS_V1: Resource =
    Resource::new("events.k8s.io", "v1", "events", "Event", "event").short(&["ev"]);
/// Persistent volumes.
pub static PERSISTENTVOLUMES: Resource =
    Resource::new("", "v1", "persistentvolumes", "PersistentVolume", "persistentvolume")
        .short(&["pv"])
        .cluster()
        .with(&["status"])
        .returns_deleted();
/// Persistent volume claims.
pub static PERSISTENTVOLUMECLAIMS: Resource =
    Resource::new("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim", "persistentvolumeclaim")
        .short(&["pvc"])
        .with(&["status"])
        .returns_deleted();
/// Resource quotas: kept, and not enforced.
pub static RESOURCEQUOTAS: Resource =
    Resource::new("", "v1", "resourcequotas", "ResourceQuota", "resourcequota")
        .short(&["quota"])
        .with(&["status"])
        .returns_deleted();
/// Limit ranges: kept, and not enforced.
pub static LIMITRANGES: Resource =
    Resource::new("", "v1", "limitranges", "LimitRange", "limitrange").short(&["limits"]);
/// Deployments.
pub static DEPLOYMENTS: Resource = Resource::new("apps", "v1", "deployments", "Deployment", "deployment")
    .short(&["deploy"])
    .with(&["status", "scale"])
    .counts()
    .in_all();
/// Replica sets.
pub static REPLICASETS: Resource = Resource::new("apps", "v1", "replicasets", "ReplicaSet", "replicaset")
    .short(&["rs"])
    .with(&["status", "scale"])
    .counts()
    .in_all();
/// Daemon sets.
pub static DAEMONSETS: Resource = Resource::new("apps", "v1", "daemonsets", "DaemonSet", "daemonset")
    .short(&["ds"])
    .with(&["status"])
    .counts()
    .in_all();
/// Stateful sets.
pub static STATEFULSETS: Resource = Resource::new("apps", "v1", "statefulsets", "StatefulSet", "statefulset")
    .short(&["sts"])
    .with(&["status", "scale"])
    .counts()
    .in_all();
/// Controller revisions.
pub static CONTROLLERREVISIONS: Resource =
    Resource::new("apps", "v1", "controllerrevisions", "ControllerRevision", "controllerrevision");
/// Jobs.
pub static JOBS: Resource =
    Resource::new("batch", "v1", "jobs", "Job", "job").with(&["status"]).counts().in_all();
/// Pod disruption budgets.
pub static PODDISRUPTIONBUDGETS: Resource =
    Resource::new("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget", "poddisruptionbudget")
        .short(&["pdb"])
        .with(&["status"])
        .counts();
/// Leases.
pub static LEASES: Resource = Resource::new("coordination.k8s.io", "v1", "leases", "Lease", "lease");
/// Endpoint slices.
pub static ENDPOINTSLICES: Resource =
    Resource::new("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice", "endpointslice").counts();
/// Priority classes.
pub static PRIORITYCLASSES: Resource =
    Resource::new("scheduling.k8s.io", "v1", "priorityclasses", "PriorityClass", "priorityclass")
        .short(&["pc"])
        .cluster()
        .counts();
/// Cluster roles: kept, and not enforced.
pub static CLUSTERROLES: Resource =
    Resource::new(RBAC, "v1", "clusterroles", "ClusterRole", "clusterrole").cluster();
/// Cluster role bindings: kept, and not enforced.
pub static CLUSTERROLEBINDINGS: Resource =
    Resource::new(RBAC, "v1", "clusterrolebindings", "ClusterRoleBinding", "clusterrolebinding").cluster();
/// Roles: kept, and not enforced.
pub static ROLES: Resource = Resource::new(RBAC, "v1", "roles", "Role", "role");
/// Role bindings: kept, and not enforced.
pub static ROLEBINDINGS: Resource = Resource::new(RBAC, "v1", "rolebindings", "RoleBinding", "rolebinding");

/// Every resource with objects, in the order of discovery.
pub static ALL: [&Resource; 27] = [
    &CONFIGMAPS,
    &EVENTS,
    &LIMITRANGES,
    &NAMESPACES,
    &NODES,
    &PERSISTENTVOLUMECLAIMS,
    &PERSISTENTVOLUMES,
    &PODS,
    &RESOURCEQUOTAS,
    &SECRETS,
    &SERVICEACCOUNTS,
    &SERVICES,
    &CONTROLLERREVISIONS,
    &DAEMONSETS,
    &DEPLOYMENTS,
    &REPLICASETS,
    &STATEFULSETS,
    &JOBS,
    &LEASES,
    &ENDPOINTSLICES,
    &EVENTS_V1,
    &PODDISRUPTIONBUDGETS,
    &CLUSTERROLEBINDINGS,
    &CLUSTERROLES,
    &ROLEBINDINGS,
    &ROLES,
    &PRIORITYCLASSES,
];
