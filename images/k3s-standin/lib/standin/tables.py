"""Objects as the rows that kubectl prints."""
import calendar
import time


def age(stamp):
    try:
        seconds = max(0, int(time.time() - calendar.timegm(time.strptime(stamp[:19], "%Y-%m-%dT%H:%M:%S"))))
    except (ValueError, TypeError):
        return "<unknown>"
    for limit, unit, size, lower, below in (
            (120, "s", 1, "", 0), (600, "m", 60, "s", 1), (10800, "m", 60, "", 0), (28800, "h", 3600, "m", 60), (172800, "h", 3600, "", 0),
            (691200, "d", 86400, "h", 3600)):
        if seconds < limit:
            rest = seconds % size // below if below else 0
            return "%d%s%s" % (seconds // size, unit, "%d%s" % (rest, lower) if rest else "")
    return "%dd" % (seconds // 86400)


def _created(value):
    return age(value["metadata"].get("creationTimestamp"))


def _conditions(value):
    return {c["type"]: c["status"] for c in value.get("status", {}).get("conditions", [])}


def _node(value):
    status, labels = value.get("status", {}), value["metadata"].get("labels", {})
    ready = {"True": "Ready", "False": "NotReady"}.get(_conditions(value).get("Ready"), "NotReady" if _conditions(value) else "Unknown")
    if value.get("spec", {}).get("unschedulable"):
        ready += ",SchedulingDisabled"
    roles = sorted(key.rpartition("/")[2] for key in labels if key.startswith("node-role.kubernetes.io/"))
    address = {a["type"]: a["address"] for a in reversed(status.get("addresses", []))}
    info = status.get("nodeInfo", {})
    return [value["metadata"]["name"], ready, ",".join(roles) or "<none>", _created(value), info.get("kubeletVersion", ""),
            address.get("InternalIP", "<none>"), address.get("ExternalIP", "<none>"), info.get("osImage", "<unknown>"),
            info.get("kernelVersion", "<unknown>"), info.get("containerRuntimeVersion", "<unknown>")]


def _pod(value):
    status = value.get("status", {})
    containers = status.get("containerStatuses", [])
    wanted = max(len(value.get("spec", {}).get("containers", [])), 1)
    phase = status.get("reason") or status.get("phase", "Unknown")
    for container in containers:
        waiting = container.get("state", {}).get("waiting", {}).get("reason")
        phase = waiting or phase
    if phase == "Succeeded":
        phase = "Completed"
    return [value["metadata"]["name"], "%d/%d" % (sum(1 for c in containers if c.get("ready")), wanted), phase,
            sum(c.get("restartCount", 0) for c in containers), _created(value), status.get("podIP") or "<none>",
            value.get("spec", {}).get("nodeName") or "<none>", "<none>", "<none>"]


def _deployment(value):
    status, spec = value.get("status", {}), value.get("spec", {})
    return [value["metadata"]["name"], "%d/%d" % (status.get("readyReplicas", 0), spec.get("replicas", 1)), status.get("updatedReplicas", 0),
            status.get("availableReplicas", 0), _created(value)]


def _service(value):
    spec = value.get("spec", {})
    ports = ",".join("%s/%s" % (p["port"], p.get("protocol", "TCP")) for p in spec.get("ports", [])) or "<none>"
    return [value["metadata"]["name"], spec.get("type", "ClusterIP"), spec.get("clusterIP", "None"), "<none>", ports, _created(value)]


TABLES = {
    "nodes": (["Name", "Status", "Roles", "Age", "Version", "Internal-IP*", "External-IP*", "OS-Image*", "Kernel-Version*",
               "Container-Runtime*"], _node),
    "pods": (["Name", "Ready", "Status", "Restarts", "Age", "IP*", "Node*", "Nominated Node*", "Readiness Gates*"], _pod),
    "namespaces": (["Name", "Status", "Age"], lambda v: [v["metadata"]["name"], v.get("status", {}).get("phase", "Active"), _created(v)]),
    "deployments": (["Name", "Ready", "Up-to-date", "Available", "Age"], _deployment),
    "services": (["Name", "Type", "Cluster-IP", "External-IP", "Port(s)", "Age"], _service),
    "leases": (["Name", "Holder", "Age"], lambda v: [v["metadata"]["name"], v.get("spec", {}).get("holderIdentity", ""), _created(v)]),
    "secrets": (["Name", "Type", "Data", "Age"],
                lambda v: [v["metadata"]["name"], v.get("type", "Opaque"), len(v.get("data", {})), _created(v)]),
    "configmaps": (["Name", "Data", "Age"], lambda v: [v["metadata"]["name"], len(v.get("data", {})), _created(v)]),
    "events": (["Last Seen", "Type", "Reason", "Object", "Message"], lambda v: [
        age(v.get("lastTimestamp")), v.get("type", ""), v.get("reason", ""),
        "%s/%s" % (v.get("involvedObject", {}).get("kind", "").lower(), v.get("involvedObject", {}).get("name", "")), v.get("message", "")]),
}


def table(resource, values, version, group="meta.k8s.io/v1"):
    names, cells = TABLES.get(resource, (["Name", "Age"], lambda v: [v["metadata"]["name"], _created(v)]))
    columns = [{"name": n.rstrip("*"), "type": "string", "format": "name" if n == "Name" else "", "description": n.rstrip("*"),
                "priority": 1 if n.endswith("*") else 0} for n in names]
    rows = [{"cells": cells(v), "object": {"kind": "PartialObjectMetadata", "apiVersion": group, "metadata": v["metadata"]}} for v in values]
    return {"kind": "Table", "apiVersion": group, "metadata": {"resourceVersion": str(version)}, "columnDefinitions": columns, "rows": rows}
