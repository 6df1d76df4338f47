"""The packaged components: their objects, and pods that look as if they ran."""
import hashlib
import os

from . import bootstrap, store

# Deployment, label, and the name that --disable takes.
COMPONENTS = [("coredns", {"k8s-app": "kube-dns"}, "coredns"), ("local-path-provisioner", {"app": "local-path-provisioner"}, "local-storage"),
              ("metrics-server", {"k8s-app": "metrics-server"}, "metrics-server")]


def deploy(server):
    """Creates what a fresh cluster has; what is there stays."""
    objects = server.api.store
    for name in ("default", "kube-system", "kube-public", "kube-node-lease"):
        _create(objects, "namespaces", {"metadata": {"name": name, "labels": {"kubernetes.io/metadata.name": name}},
                                        "status": {"phase": "Active"}})
    first = str(_host(server.settings["service-cidr"][0], 1))
    _create(objects, "services", _service("kubernetes", "default", first, 443, {}))
    disabled = {item.strip() for item in server.settings["disable"]}
    if "coredns" not in disabled:
        _create(objects, "services", _service("kube-dns", "kube-system", bootstrap.cluster_dns(server.settings), 53, {"k8s-app": "kube-dns"}))
    folder = server.folder + "/manifests"
    os.makedirs(folder, 0o700, exist_ok=True)
    for name, labels, item in COMPONENTS:
        if item in disabled:
            objects.delete("deployments", "kube-system", name)
            continue
        _create(objects, "deployments", {
            "metadata": {"name": name, "namespace": "kube-system", "labels": labels},
            "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": {
                "containers": [{"name": name, "image": "rancher/mirrored-%s:standin" % name}]}}}, "status": {}})


def _host(cidr, number):
    import ipaddress
    return ipaddress.ip_network(cidr)[number]


def _service(name, namespace, address, port, labels):
    return {"metadata": {"name": name, "namespace": namespace, "labels": labels}, "spec": {
        "type": "ClusterIP", "clusterIP": address, "ports": [{"port": port, "protocol": "TCP"}], "selector": labels}}


def _create(objects, resource, value):
    if objects.get(resource, value["metadata"].get("namespace"), value["metadata"]["name"]) is None:
        try:
            objects.create(resource, value)
        except store.Conflict:
            pass


def run_pods(server, ready):
    """Each deployment gets its pods, each pod a ready node, and there it runs."""
    objects = server.api.store
    pods = objects.list("pods")[0]
    deployments = objects.list("deployments")[0]
    for deployment in deployments:
        name, namespace = deployment["metadata"]["name"], deployment["metadata"].get("namespace", "default")
        own = [p for p in pods if p["metadata"].get("labels", {}).get("standin/deployment") == name
               and p["metadata"].get("namespace") == namespace]
        replica_set = "%s-%s" % (name, hashlib.sha256(deployment["metadata"]["uid"].encode()).hexdigest()[:10])
        for _ in range(deployment["spec"].get("replicas", 1) - len(own)):
            template = deployment["spec"]["template"]
            labels = dict(template["metadata"].get("labels", {}), **{"standin/deployment": name})
            pod = {"metadata": {"name": "%s-%s" % (replica_set, store.uid()[:5]), "namespace": namespace, "labels": labels},
                   "spec": dict(template["spec"]), "status": {"phase": "Pending"}}
            pods.append(objects.create("pods", pod))
        running = sum(1 for p in own if p.get("status", {}).get("phase") == "Running")
        if deployment.get("status", {}).get("readyReplicas", 0) != running:
            def change(value, running=running):
                value["status"] = {"replicas": len(own), "updatedReplicas": len(own), "readyReplicas": running, "availableReplicas": running}
            objects.change("deployments", namespace, name, change)
    taken = {pod.get("status", {}).get("podIP") for pod in pods}
    for place, pod in enumerate(pods):
        if pod.get("status", {}).get("phase") == "Pending" and ready:
            _advance(objects, pod, ready, place, server, taken)


def _advance(objects, pod, ready, place, server, taken):
    metadata = pod["metadata"]

    def change(value):
        if not value["spec"].get("nodeName"):
            value["spec"]["nodeName"] = ready[place % len(ready)]
            return
        if value["spec"]["nodeName"] not in ready:
            return False
        node = objects.get("nodes", None, value["spec"]["nodeName"]) or {}
        network = node.get("spec", {}).get("podCIDR") or server.settings["cluster-cidr"][0]
        address = next(text for text in (str(_host(network, number)) for number in range(2, 250)) if text not in taken)
        taken.add(address)
        containers = [{"name": c["name"], "image": c.get("image", ""), "imageID": "", "ready": True, "restartCount": 0, "started": True,
                       "state": {"running": {"startedAt": store.now()}}} for c in value["spec"].get("containers", [])]
        value["status"] = {
            "phase": "Running", "podIP": address, "startTime": store.now(), "containerStatuses": containers,
            "hostIP": next((a["address"] for a in node.get("status", {}).get("addresses", [])), ""),
            "conditions": [{"type": t, "status": "True", "lastTransitionTime": store.now()}
                           for t in ("Initialized", "Ready", "ContainersReady", "PodScheduled")]}

    objects.change("pods", metadata["namespace"], metadata["name"], change)
