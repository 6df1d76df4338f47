"""The agent's part of a node: it fetches its configuration and certificates, registers the node and keeps it Ready."""
import json
import os
import random
import threading
import time

from . import crypto, flags, host, log, modes, pki, store, tokens, wire

REJECTED = ("Node password rejected, duplicate hostname or contents of '/etc/rancher/node/password' may not match server node-passwd "
            "entry, try enabling a unique node name with the --with-node-id flag")
PASSWORD = os.environ.get("K3S_STANDIN_NODE_PASSWORD", "/etc/rancher/node/password")


class Refused(Exception):
    pass


class Agent:
    """Runs beside a server (`server` is it) or alone."""

    def __init__(self, settings, arguments, servers, token, name, addresses, server=None, ca=None):
        self.settings, self.arguments, self.servers, self.token = settings, arguments, servers, token
        self.name, self.addresses, self.server = name, addresses, server
        self.folder = settings["data-dir"] + "/agent"
        self.ca = ca or (server.ca if server else None)
        # An agent's requests go through its load balancer, and so its errors name that.
        self.shown = None if server else "https://127.0.0.1:6444"
        self.ready = threading.Event()

    def run(self):
        while True:
            try:
                self._fetch()
                break
            except (wire.NetError, Refused) as error:
                log.info("Waiting to retrieve agent configuration; server is not ready: %s" % error)
                time.sleep(5 + random.random() * 5)
        self.client = wire.Client(self.servers, wire.client_context(self.ca, (self.folder + "/client-kubelet.crt",
                                                                             self.folder + "/client-kubelet.key")), name=self.shown)
        log.info("Running kubelet --hostname-override=%s --node-ip=%s --pod-infra-container-image=%s" % (
            self.name, ",".join(self.addresses), self.settings["pause-image"]))
        self._await_api()
        self._register()
        while modes.mode("never_ready") is True:
            time.sleep(5)
        self.ready.set()
        self._keep()

    # -- Configuration and certificates ------------------------------------------------------------------------------------------------

    def _fetch(self):
        client = wire.Client(self.servers, wire.client_context(self.ca) if self.ca else wire.client_context("host"),
                             ("node", self.token.password), self.shown)
        config = self._get(client, "GET", "/v1-k3s/config", "failed to retrieve configuration from server: ")
        self.config = json.loads(config)
        for name in ("client-ca.crt", "server-ca.crt"):
            tokens.write(self.folder + "/" + name, self._get(client, "GET", "/v1-k3s/" + name))
        registries = self.settings["private-registry"]
        if os.path.exists(registries):
            self._check_registries(registries)
        headers = {"k3s-Node-Name": self.name, "k3s-Node-Password": self._password(), "k3s-Node-IP": ",".join(self.addresses)}
        for name, user, groups in [("serving-kubelet", self.name, []), ("client-kubelet", "system:node:" + self.name, ["system:nodes"]),
                                   ("client-kube-proxy", "system:kube-proxy", []), ("client-k3s-controller", "system:k3s-controller", [])]:
            path = "%s/%s" % (self.folder, name)
            key = crypto.Key(tokens.read(path + ".key")) if os.path.exists(path + ".key") else crypto.Key()
            tokens.write(path + ".key", key.pem())
            request = crypto.request(key, user, groups)
            tokens.write(path + ".crt", self._get_for_node(client, "/v1-k3s/%s.crt" % name, request, headers, path + ".crt: ")
                         if "kubelet" in name else self._get(client, "POST", "/v1-k3s/%s.crt" % name, path + ".crt: ", request))
        tokens.write(self.folder + "/kubelet.kubeconfig", pki.kubeconfig(
            self.shown or "https://127.0.0.1:6443", tokens.read(self.folder + "/server-ca.crt"),
            tokens.read(self.folder + "/client-kubelet.crt"), tokens.read(self.folder + "/client-kubelet.key")))
        client.close()
        if not self.server:
            self._write_balancer()

    @staticmethod
    def _check_registries(path):
        log.info("Using private registry config file at %s" % path)
        try:
            flags.read_yaml(path)
        except flags.UsageError as error:
            raise Refused(str(error)) from None

    @staticmethod
    def _get(client, method, path, prefix="", body=None, headers=None):
        try:
            status, data = client.request(method, path, body, headers, 10)
        except wire.NetError as error:
            raise Refused(prefix + str(error)) from None
        if not 200 <= status <= 299:
            raise Refused(prefix + tokens.refusal(status, data, client.url(path)))
        return data

    @staticmethod
    def _get_for_node(client, path, body, headers, prefix):
        """A certificate of the node's own. What the server says of a refusal is not shown: 403 has a text of its own, any other its status."""
        try:
            status, data = client.request("POST", path, body, headers, 10)
        except wire.NetError as error:
            raise Refused(prefix + str(error)) from None
        if status != 200:
            raise Refused(prefix + (REJECTED if status == 403 else tokens.refusal(status, b"", client.url(path))))
        return data

    @staticmethod
    def _password():
        text = (tokens.read(PASSWORD) or b"").decode().strip()
        if not text:
            text = os.urandom(16).hex()
            tokens.write(PASSWORD, text + "\n")
        log.secrets.add(text)
        return text

    def _write_balancer(self):
        places = [("[%s]:%d" if ":" in place[0] else "%s:%d") % tuple(place) for place in self.servers]
        tokens.write(self.folder + "/etc/k3s-agent-load-balancer.json", json.dumps(
            {"ServerURL": "https://" + places[0], "ServerAddresses": places}, indent=2), 0o644)

    # -- The node ----------------------------------------------------------------------------------------------------------------------

    def _call(self, method, path, body=None, kind="application/json", timeout=10):
        data = json.dumps(body).encode() if body is not None else None
        status, answer = self.client.request(method, path, data, {"Content-Type": kind, "Accept": "application/json"}, timeout)
        return status, answer

    def _await_api(self):
        said = None
        while True:
            if self.server:
                if self.server.ready_at is not None:
                    if not self.server.supervisor.verify_node(self.name, self._password()):
                        self._report_password()
                    return
            else:
                try:
                    status, data = self.client.request("GET", "/v1-k3s/readyz")
                    if status == 200:
                        return
                    problem = tokens.refusal(status, data, self.client.url("/v1-k3s/readyz"))
                except wire.NetError as error:
                    problem = str(error)
                if problem != said:
                    log.info("Polling for API server readiness: GET /readyz failed: %s" % problem)
                said = problem
            time.sleep(1)

    def _report_password(self):
        """A server has joined when its password can be compared; that it is another than before is told by an event alone."""
        self.server.api.store.create("events", {
            "metadata": {"name": "%s.%s" % (self.name, store.uid()[:8]), "namespace": "default"}, "type": "Warning",
            "involvedObject": {"kind": "Node", "name": self.name, "uid": self.name}, "reason": "NodePasswordValidationFailed", "count": 1,
            "message": "Deferred node password secret validation failed: unable to verify password for node %s: hash does not match" % self.name,
            "firstTimestamp": store.now(), "lastTimestamp": store.now()})

    def _labels(self):
        information = host.information()
        labels = {"kubernetes.io/hostname": self.name, "node.kubernetes.io/instance-type": "k3s"}
        for prefix in ("", "beta."):
            labels[prefix + "kubernetes.io/arch"], labels[prefix + "kubernetes.io/os"] = information["architecture"], "linux"
        if self.server:
            labels.update({"node-role.kubernetes.io/control-plane": "true", "node-role.kubernetes.io/etcd": "true"})
        labels.update(text.partition("=")[::2] for text in self.settings["node-label"])
        return labels

    def _annotations(self):
        given = {"k3s.io/hostname": self.name, "k3s.io/internal-ip": ",".join(self.addresses)}
        given.update(flags.annotations((["server"] if self.server else ["agent"]) + self.arguments, os.environ))
        if self.settings["node-external-ip"]:
            given["k3s.io/external-ip"] = ",".join(self.settings["node-external-ip"])
        if self.server:
            given.update({"etcd.k3s.cattle.io/node-name": self.server.member, "etcd.k3s.cattle.io/node-address": self.server.address})
        return given

    def _status(self, ready):
        capacity = host.capacity()
        addresses = [{"type": "InternalIP", "address": a} for a in self.addresses]
        addresses += [{"type": "ExternalIP", "address": a} for a in self.settings["node-external-ip"]]
        addresses.append({"type": "Hostname", "address": self.name})
        return {"capacity": capacity, "allocatable": capacity, "addresses": addresses, "nodeInfo": host.information(),
                "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}}, "conditions": self._conditions(ready)}

    def _conditions(self, ready):
        stamp = store.now()
        state = ("True", "KubeletReady", "kubelet is posting ready status") if ready else (
            "False", "KubeletNotReady", "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady "
            "message:Network plugin returns error: cni plugin not initialized")
        conditions = [("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
                      ("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
                      ("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"), ("Ready",) + state]
        return [{"type": t, "status": s, "reason": r, "message": m, "lastHeartbeatTime": stamp, "lastTransitionTime": stamp}
                for t, s, r, m in conditions]

    def _register(self):
        body = {"kind": "Node", "apiVersion": "v1", "metadata": {"name": self.name, "labels": self._labels(),
                                                                 "annotations": self._annotations()}, "status": self._status(False)}
        taints = [t for t in self.settings["node-taint"] if ":" in t]
        if taints:
            body["spec"] = {"taints": [{"key": t.partition("=")[0].partition(":")[0], "effect": t.rpartition(":")[2],
                                        "value": t.rpartition(":")[0].partition("=")[2]} for t in taints]}
        path = "/api/v1/nodes"
        while True:
            try:
                status, data = self._call("POST", path, body)
                if status == 409:
                    status, data = self._call("PATCH", "/api/v1/nodes/" + self.name, {"metadata": body["metadata"], "status": body["status"]},
                                              "application/strategic-merge-patch+json")
                if status in (200, 201):
                    log.klog("I", "kubelet_node_status.go:78", '"Successfully registered node" node="%s"' % self.name)
                    log.info("Annotations and labels have been set successfully on node: %s" % self.name)
                    break
                log.klog("E", "kubelet_node_status.go:106", '"Unable to register node with API server" err="%s" node="%s"' % (
                    tokens.refusal(status, data, path), self.name))
            except wire.NetError as error:
                log.klog("E", "kubelet_node_status.go:106", '"Unable to register node with API server" err="%s" node="%s"' % (error, self.name))
            time.sleep(2)

    def _keep(self):
        """A lease every 10 s; the status when it changes, or every 5 minutes."""
        shown, shown_at, turn, lease = None, 0, 0, None
        while True:
            ready = modes.mode("never_ready") != "node"
            try:
                if ready != shown or time.monotonic() - shown_at > 300:
                    code, data = self._call("PATCH", "/api/v1/nodes/%s/status" % self.name, {"status": {"conditions": self._conditions(ready)}},
                                            "application/strategic-merge-patch+json")
                    if code == 200:
                        shown, shown_at = ready, time.monotonic()
                    else:
                        log.klog("E", "kubelet_node_status.go:545", '"Error updating node status, will retry" err="%s"'
                                 % tokens.refusal(code, data, "/api/v1/nodes"))
                lease = self._renew(lease)
                if not self.server and turn % 3 == 0:
                    self._find_servers()
            except wire.NetError as error:
                log.klog("E", "controller.go:195", '"Failed to update lease" err="%s"' % error)
            turn += 1
            # Until the node controller has it as Ready again after an outage, the status is sent again.
            if turn % 3 == 0 and ready and self._is_unknown():
                shown = None
                continue
            time.sleep(10)

    def _is_unknown(self):
        try:
            code, data = self._call("GET", "/api/v1/nodes/" + self.name)
            conditions = json.loads(data).get("status", {}).get("conditions", []) if code == 200 else []
            return any(c["type"] == "Ready" and c["status"] == "Unknown" for c in conditions)
        except (wire.NetError, ValueError):
            return False

    def _renew(self, lease):
        path = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
        body = {"metadata": {"name": self.name, "namespace": "kube-node-lease"},
                "spec": {"holderIdentity": self.name, "leaseDurationSeconds": 40, "renewTime": store.micro()}}
        code, data = self._call("PUT", "%s/%s" % (path, self.name), body) if lease else (404, b"")
        if code == 404:
            code, data = self._call("POST", path, body)
            if code == 409:
                code, data = self._call("PUT", "%s/%s" % (path, self.name), body)
        if code not in (200, 201):
            log.klog("E", "controller.go:195", '"Failed to update lease" err="%s"' % tokens.refusal(code, data, path))
        return code in (200, 201)

    def _find_servers(self):
        code, data = self.client.request("GET", "/v1-k3s/apiservers")
        places = []
        for text in json.loads(data) if code == 200 else []:
            address, _, port = text.rpartition(":")
            places.append((address.strip("[]"), int(port)))
        known = self.servers[:1] + [place for place in sorted(places) if place != self.servers[0]]
        if known != self.servers:
            self.servers[:] = known
            self.client.servers = list(known)
            self._write_balancer()
