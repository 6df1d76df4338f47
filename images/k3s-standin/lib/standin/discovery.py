"""What the API server says of itself: groups, versions, resources."""
import json

from . import modes

# Per group and version: resource, kind, short names, whether it is in a namespace, sub-resources.
RESOURCES = {
    "v1": [
        ("nodes", "Node", ["no"], False, ["status"]), ("pods", "Pod", ["po"], True, ["status", "log", "binding", "eviction"]),
        ("namespaces", "Namespace", ["ns"], False, []), ("services", "Service", ["svc"], True, []),
        ("endpoints", "Endpoints", ["ep"], True, []), ("configmaps", "ConfigMap", ["cm"], True, []),
        ("secrets", "Secret", [], True, []), ("events", "Event", ["ev"], True, []),
        ("serviceaccounts", "ServiceAccount", ["sa"], True, []), ("persistentvolumes", "PersistentVolume", ["pv"], False, []),
        ("persistentvolumeclaims", "PersistentVolumeClaim", ["pvc"], True, []),
    ],
    "apps/v1": [
        ("deployments", "Deployment", ["deploy"], True, ["status"]), ("daemonsets", "DaemonSet", ["ds"], True, ["status"]),
        ("replicasets", "ReplicaSet", ["rs"], True, ["status"]), ("statefulsets", "StatefulSet", ["sts"], True, ["status"]),
    ],
    "batch/v1": [("jobs", "Job", [], True, ["status"])],
    "coordination.k8s.io/v1": [("leases", "Lease", [], True, [])],
    "storage.k8s.io/v1": [("storageclasses", "StorageClass", ["sc"], False, [])],
}
KINDS = {resource: (version, kind) for version, items in RESOURCES.items() for resource, kind, _, _, _ in items}
SINGULAR_GROUP = {resource: version.rpartition("/")[0] for resource, (version, _) in KINDS.items()}


def paths(path, address):
    """The answer to a discovery path, nil for any other."""
    parts = [part for part in path.split("/") if part]
    if path.rstrip("/") == "/version":
        return {"major": "1", "minor": "34", "gitVersion": modes.VERSION, "gitCommit": modes.COMMIT, "gitTreeState": "clean",
                "buildDate": "2026-01-01T00:00:00Z", "goVersion": "none", "compiler": "none", "platform": "linux/amd64"}
    if path.rstrip("/") == "/api":
        return {"kind": "APIVersions", "versions": ["v1"],
                "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}]}
    if path.rstrip("/") == "/apis":
        groups = []
        for version in RESOURCES:
            group, found, number = version.partition("/")
            if found:
                entry = {"groupVersion": version, "version": number}
                groups.append({"name": group, "versions": [entry], "preferredVersion": entry})
        return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}
    version = "v1" if parts == ["api", "v1"] else "/".join(parts[1:]) if parts[:1] == ["apis"] and len(parts) == 3 else None
    if version not in RESOURCES:
        return None
    verbs = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
    resources = []
    for resource, kind, short, namespaced, sub in RESOURCES[version]:
        resources.append({"name": resource, "singularName": "", "namespaced": namespaced, "kind": kind, "verbs": verbs, "shortNames": short})
        resources += [{"name": resource + "/" + part, "singularName": "", "namespaced": namespaced, "kind": kind,
                       "verbs": ["get", "patch", "update"]} for part in sub]
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version, "resources": resources}


def text(value):
    return json.dumps(value) + "\n"
