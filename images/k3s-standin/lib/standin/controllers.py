"""What runs on a server once its API is up: the election, the controllers of its winner, and the care of etcd's learners."""
import json
import os
import threading
import time

from . import etcd, log, manifests, store

# Kubernetes' own: a lease holds 15 s, its holder renews it every 2 s and gives up 10 s after it could last.
LEASE, RENEW, RETRY = 15, 10, 2
NAMES = ("kube-controller-manager", "kube-scheduler", "k3s-cloud-controller-manager", "k3s", "k3s-etcd")
# How long a node may be silent (since Kubernetes 1.32).
GRACE = 50
STALL = 300


def start(server):
    for action in (Election(server).run, Members(server).run):
        threading.Thread(target=action, daemon=True).start()


class Election:
    """One election for all leases: whoever holds the first has the others as well."""

    def __init__(self, server):
        self.server, self.store = server, server.api.store
        self.identity = "%s_%s" % (server.name, store.uid())
        self.held, self.renewed_at, self.revision = False, 0.0, 0
        self.seen, self.seen_at = None, 0.0

    def run(self):
        self._announce()
        while not self.server.ending.is_set():
            try:
                if self.held:
                    self._renew()
                else:
                    self._try()
            except (etcd.EtcdError, store.Conflict) as error:
                log.klog("E", "leaderelection.go:429", "Failed to update lock optimistically: %s, falling back to slow path" % error)
            if self.held and time.monotonic() - self.renewed_at > RENEW:
                log.klog("I", "leaderelection.go:297", "failed to renew lease kube-system/%s: timed out waiting for the condition" % NAMES[0])
                log.klog("E", "controllermanager.go:332", '"leaderelection lost"')
                os._exit(1)
            time.sleep(RETRY)

    def _announce(self):
        """Adds this server to those that agents may ask."""
        server = self.server
        place = ("[%s]:%d" if ":" in server.advertise else "%s:%d") % (server.advertise, server.port)
        while not server.ending.is_set():
            try:
                entry = server.etcd.get("k3s/apiaddresses")
                places = json.loads(entry.value) if entry else []
                if place in places or server.etcd.put("k3s/apiaddresses", json.dumps(sorted(places + [place])),
                                                      entry.revision if entry else 0):
                    return
            except etcd.EtcdError:
                time.sleep(2)

    def _lease(self, name):
        return {"metadata": {"name": name, "namespace": "kube-system"}, "spec": {
            "holderIdentity": self.identity, "leaseDurationSeconds": LEASE, "renewTime": store.micro()}}

    def _try(self):
        entry = self.server.etcd.get(store.Store.key("leases", "kube-system", NAMES[0]), RENEW)
        now = time.monotonic()
        if entry and entry.revision != self.seen:
            self.seen, self.seen_at = entry.revision, now
            return
        if entry and now - self.seen_at < LEASE:
            return
        first = dict(self._lease(NAMES[0]))
        first["metadata"].update({"uid": store.uid(), "creationTimestamp": store.now()})
        revision = self.server.etcd.put(store.Store.key("leases", "kube-system", NAMES[0]), json.dumps(first), entry.revision if entry else 0)
        if revision is None:
            return
        self.held, self.renewed_at, self.revision, self.first = True, now, revision, first
        log.klog("I", "leaderelection.go:271", "successfully acquired lease kube-system/%s" % NAMES[0])
        for name in NAMES[1:]:
            self.store.delete("leases", "kube-system", name)
            self.store.create("leases", self._lease(name))
        threading.Thread(target=Controllers(self.server, self).run, daemon=True).start()

    def _renew(self):
        started = time.monotonic()
        left = max(1.0, RENEW - (started - self.renewed_at))
        self.first["spec"]["renewTime"] = store.micro()
        revision = self.server.etcd.put(store.Store.key("leases", "kube-system", NAMES[0]), json.dumps(self.first), self.revision, left)
        if revision is None:
            # A write that timed out may have been done all the same; then the lease is still ours.
            entry = self.server.etcd.get(store.Store.key("leases", "kube-system", NAMES[0]), left)
            if entry is None or json.loads(entry.value)["spec"]["holderIdentity"] != self.identity:
                log.klog("E", "controllermanager.go:332", '"leaderelection lost"')
                os._exit(1)
            revision = entry.revision
        self.revision, self.renewed_at = revision, time.monotonic()


class Controllers:
    """The holder's work, every 5 s: silent nodes, pods, the packaged components."""

    def __init__(self, server, election):
        self.server, self.store, self.election = server, server.api.store, election
        self.leases = {}

    def run(self):
        deployed = False
        while not self.server.ending.is_set():
            try:
                if not deployed:
                    manifests.deploy(self.server)
                    deployed = True
                nodes = self._watch_nodes()
                manifests.run_pods(self.server, nodes)
            except (etcd.EtcdError, store.Conflict) as error:
                log.klog("E", "controller.go:146", "sync failed: %s" % error)
            self.server.ending.wait(5)

    def _watch_nodes(self):
        """Marks nodes whose lease is not renewed; the names of those that are ready."""
        renewed = {lease["metadata"]["name"]: lease["spec"]["renewTime"] for lease in self.store.list("leases", "kube-node-lease")[0]}
        now, ready = time.monotonic(), []
        for node in self.store.list("nodes")[0]:
            name = node["metadata"]["name"]
            conditions = {c["type"]: c["status"] for c in node.get("status", {}).get("conditions", [])}
            seen, since = self.leases.get(name, (None, now))
            if renewed.get(name) != seen:
                self.leases[name] = (renewed.get(name), now)
            elif now - since > GRACE and conditions.get("Ready") != "Unknown":
                log.klog("I", "node_lifecycle_controller.go:1008", '"Node is NotReady as of now, marking its status Unknown" node="%s"' % name)
                self.store.change("nodes", None, name, self._mark_unknown)
                continue
            if conditions.get("Ready") == "True" and not node.get("spec", {}).get("unschedulable"):
                ready.append(name)
        return ready

    @staticmethod
    def _mark_unknown(node):
        for condition in node["status"]["conditions"]:
            if condition["type"] in ("Ready", "MemoryPressure", "DiskPressure", "PIDPressure"):
                condition.update({"status": "Unknown", "reason": "NodeStatusUnknown", "message": "Kubelet stopped posting node status.",
                                  "lastTransitionTime": store.now()})


def voter_state(member, trouble=None):
    """Status, reason and message of the condition EtcdIsVoter."""
    if not member:
        return "False", "NotAMember", "Node is not a member of the etcd cluster"
    if trouble:
        return "False", "Unhealthy", trouble
    if member["isLearner"]:
        return "False", "MemberIsLearner", "Node has not been promoted to voting member of the etcd cluster"
    return "True", "MemberNotLearner", "Node is a voting member of the etcd cluster"


class Members:
    """Every 15 s on the leader of etcd: learners are promoted, or removed when they stall; nodes are told what their member is."""

    def __init__(self, server):
        self.server, self.store = server, server.api.store
        self.progress, self.told, self.asked = {}, {}, {}

    def run(self):
        while not self.server.ending.wait(15):
            try:
                status = self.server.etcd.status(5)
                if status["leader"] and status["leader"] == status["id"]:
                    members = self.server.etcd.members(5)
                    for member in members:
                        if member["isLearner"]:
                            self._promote(member)
                    self._tell(members)
            except etcd.EtcdError as error:
                log.error("Failed to get etcd members for learner management: %s" % error)

    def _promote(self, member):
        name, now = member["name"] or member["peerURLs"][0], time.monotonic()
        try:
            self.server.etcd.call("cluster/member/promote", {"ID": str(member["ID"])})
            log.info("Promoted learner %s" % name)
            self.progress.pop(member["ID"], None)
            return
        except etcd.EtcdError:
            # Not ready yet, or already voting: k3s says it on its debug level alone.
            pass
        index = self._index(member)
        seen, since = self.progress.get(member["ID"], (None, now))
        if index != seen:
            self.progress[member["ID"]] = (index, now)
            self.server.etcd.put("k3s/etcd/learnerProgress", json.dumps(
                {"id": member["ID"], "name": name, "raftAppliedIndex": index, "lastProgress": store.now()}))
            return
        log.warning("Learner %s stalled at RaftAppliedIndex=%d for %ds" % (name, index, now - since))
        if now - since > STALL:
            self.server.etcd.call("cluster/member/remove", {"ID": str(member["ID"])})
            log.warning("Removed learner %s from etcd cluster" % name)

    def _status(self, member):
        """A member's own view. Its connection is kept: a new one costs a guest without KVM a third of a second."""
        from .tokens import split_url
        url = member["clientURLs"][0]
        if url not in self.asked:
            self.asked[url] = etcd.Api([split_url(url)], self.server.folder + "/tls")
        return self.asked[url].status(15)

    def _index(self, member):
        try:
            return self._status(member)["applied"] if member["clientURLs"] else 0
        except etcd.EtcdError:
            return 0

    def _trouble(self, member):
        """Why a member is unhealthy; nil for one that answers."""
        if not member["clientURLs"]:
            return "etcd member ClientURLs list is empty"
        try:
            self._status(member)
            return None
        except etcd.EtcdError as error:
            return "failed to check etcd member status: %s" % error

    def _tell(self, members):
        by_node = {etcd.node_of(m["name"]): m for m in members}
        for node in self.store.list("nodes")[0]:
            if "node-role.kubernetes.io/etcd" not in node["metadata"].get("labels", {}):
                continue
            name = node["metadata"]["name"]
            member = by_node.get(name)
            state = voter_state(member, member and self._trouble(member))
            told, at = self.told.get(name, (None, 0))
            if told == (state, node["metadata"]["uid"]) and time.monotonic() - at < STALL:
                continue
            condition = {"type": "EtcdIsVoter", "status": state[0], "reason": state[1], "message": state[2],
                         "lastHeartbeatTime": store.now(), "lastTransitionTime": store.now()}

            def change(value, condition=condition):
                rest = [c for c in value["status"].setdefault("conditions", []) if c["type"] != "EtcdIsVoter"]
                value["status"]["conditions"] = rest + [condition]

            self.store.change("nodes", None, name, change)
            self.told[name] = ((state, node["metadata"]["uid"]), time.monotonic())
