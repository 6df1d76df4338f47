"""The Kubernetes API as far as kubectl and the nodes need it. Who asks is told by the client certificate alone."""
import json
import time
import urllib.parse

from . import discovery, etcd, log, modes, patches, store, tables
from .supervisor import compact, status_reply
from .tokens import split_url
from .wire import Reply

READ = ("GET", "HEAD")
VERBS = {"GET": "get", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


class Api:
    def __init__(self, server):
        self.server = server
        self.etcd = server.etcd
        self.store = store.Store(server.etcd)
        self.started = time.time()
        self.requests = 0

    def answer(self, request):
        self.requests += 1
        if not request.user:
            return status_reply(401, "Unauthorized", "Unauthorized")
        try:
            return self._answer(request)
        except etcd.EtcdError as error:
            text = str(error)
            log.klog("E", "status.go:71", 'apiserver received an error that is not an metav1.Status: %s' % text)
            if "deadline" in text:
                return status_reply(504, "Timeout: request did not complete within the allotted timeout", "Timeout")
            return status_reply(500, text)
        except store.Conflict as error:
            return status_reply(409, "Operation cannot be fulfilled: %s" % error, "Conflict")
        except (ValueError, KeyError, TypeError) as error:
            return status_reply(400, "the request could not be understood: %r" % error, "BadRequest")

    def servers(self):
        entry = self.etcd.get("k3s/apiaddresses", 5)
        return json.loads(entry.value) if entry else []

    def _answer(self, request):
        head = request.path.split("/")[1] if "/" in request.path else ""
        if head in ("readyz", "livez", "healthz"):
            return self._health(request, head)
        if request.path == "/metrics":
            return Reply(200, self._metrics())
        found = discovery.paths(request.path, "%s:%d" % (self.server.advertise, self.server.port))
        if found is not None:
            return Reply(200, discovery.text(found), "application/json")
        if request.path.startswith("/openapi/"):
            # An empty document: kubectl then leaves it to the server to judge what it sends.
            return Reply(200, b"", "application/octet-stream")
        place = self._place(request.path)
        if place is None:
            return status_reply(404, "the server could not find the requested resource", "NotFound")
        resource, namespace, name, sub = place
        if not self._allowed(request, resource):
            group = discovery.SINGULAR_GROUP[resource]
            scope = 'in the namespace "%s"' % namespace if namespace else "at the cluster scope"
            verb = "list" if request.method == "GET" and not name else VERBS.get(request.method, "get")
            subject = resource + (' "%s"' % name if name else "")
            return status_reply(403, '%s%s is forbidden: User "%s" cannot %s resource "%s" in API group "%s" %s' % (
                subject.replace(resource, resource + ("." + group if group else ""), 1), "", request.user, verb, resource, group, scope),
                "Forbidden")
        query = dict(urllib.parse.parse_qsl(request.query))
        if request.method in READ:
            return self._read(request, resource, namespace, name, sub, query)
        return self._write(request, resource, namespace, name, sub)

    @staticmethod
    def _place(path):
        parts = [urllib.parse.unquote(part) for part in path.split("/") if part]
        if parts[:2] == ["api", "v1"]:
            version, rest = "v1", parts[2:]
        elif parts[:1] == ["apis"] and len(parts) > 3:
            version, rest = "/".join(parts[1:3]), parts[3:]
        else:
            return None
        namespace = None
        if len(rest) >= 3 and rest[0] == "namespaces" and rest[2] not in ("status", "finalize"):
            namespace, rest = rest[1], rest[2:]
        if not rest or discovery.KINDS.get(rest[0], ("", ""))[0] != version:
            return None
        return rest[0], namespace, rest[1] if len(rest) > 1 else None, rest[2] if len(rest) > 2 else None

    @staticmethod
    def _allowed(request, resource):
        if "system:masters" in request.groups:
            return True
        if not request.user.startswith("system:"):
            return False
        if request.method in READ:
            return resource != "secrets"
        return "system:nodes" in request.groups and resource in ("nodes", "leases", "pods", "events")

    # -- Health and metrics ------------------------------------------------------------------------------------------------------------

    def _health(self, request, kind):
        checks = ["ping", "log", "etcd"] + (["etcd-readiness"] if kind == "readyz" else []) + ["poststarthook/start-apiextensions-controllers"]
        if kind == "readyz":
            checks += ["informer-sync", "shutdown"]
        single = request.path.split("/")[2:]
        if single and single[0]:
            checks = ["/".join(single)]
        bad = set()
        if any(check.startswith("etcd") for check in checks) and not etcd.healthy(self.etcd):
            bad = {"etcd", "etcd-readiness"}
        if kind == "readyz" and modes.mode("never_ready") is True:
            bad.add("poststarthook/start-apiextensions-controllers")
        bad &= set(checks)
        if single and single[0]:
            return Reply(500, "internal server error: etcd client connection not ready\n") if bad else Reply(200, "ok")
        lines = ["[%s]%s %s" % (("-", name, "failed: reason withheld") if name in bad else ("+", name, "ok")) for name in checks]
        if bad:
            return Reply(500, "\n".join(lines) + "\n%s check failed\n" % kind)
        if "verbose" in request.query:
            return Reply(200, "\n".join(lines) + "\n%s check passed\n" % kind)
        return Reply(200, "ok")

    def _metrics(self):
        return ("# HELP apiserver_request_total Counter of apiserver requests.\n# TYPE apiserver_request_total counter\n"
                'apiserver_request_total{component="apiserver"} %d\n'
                "# HELP process_start_time_seconds Start time of the process since unix epoch in seconds.\n"
                "# TYPE process_start_time_seconds gauge\nprocess_start_time_seconds %.2f\n"
                '# TYPE k3s_standin_info gauge\nk3s_standin_info{version="%s"} 1\n' % (self.requests, self.started, modes.VERSION))

    # -- Reads -------------------------------------------------------------------------------------------------------------------------

    def _read(self, request, resource, namespace, name, sub, query):
        accept = request.headers.get("accept", "")
        as_table = next((part for part in accept.split(",") if "as=Table" in part), None)
        group = "meta.k8s.io/v1beta1" if as_table and "v=v1beta1" in as_table and "v=v1;" not in accept else "meta.k8s.io/v1"
        if name:
            value = self.store.get(resource, namespace, name)
            if value is None:
                return self._not_found(resource, name)
            if sub == "log":
                return Reply(200, "k3s stand-in: no containers run here, so there is no log\n")
            if as_table:
                return self._json(tables.table(resource, [value], value["metadata"]["resourceVersion"], group))
            return self._json(self._typed(resource, value))
        matches = selector(query)
        if query.get("watch") in ("true", "1"):
            return Reply(200, kind="application/json", pieces=self._watch(resource, namespace, matches, query, group if as_table else None))
        values, revision = self.store.list(resource, namespace)
        values = [value for value in values if matches(value)]
        if as_table:
            return self._json(tables.table(resource, values, revision, group))
        version, kind = discovery.KINDS[resource]
        return self._json({"kind": kind + "List", "apiVersion": version, "metadata": {"resourceVersion": str(revision)}, "items": values})

    def _watch(self, resource, namespace, matches, query, group):
        limit = time.monotonic() + float(query.get("timeoutSeconds") or 300)
        since, known, quiet = int(query.get("resourceVersion") or 0), None, 0
        while time.monotonic() < limit and not self.server.ending.is_set():
            values, revision = self.store.list(resource, namespace)
            current = {(v["metadata"].get("namespace"), v["metadata"]["name"]): v for v in values if matches(v)}
            events = []
            for key, value in current.items():
                version = int(value["metadata"]["resourceVersion"])
                if known is None:
                    if version > since:
                        events.append(("ADDED", value))
                elif key not in known:
                    events.append(("ADDED", value))
                elif known[key]["metadata"]["resourceVersion"] != value["metadata"]["resourceVersion"]:
                    events.append(("MODIFIED", value))
            for key in set(known or ()) - set(current):
                known[key]["metadata"]["resourceVersion"] = str(revision)
                events.append(("DELETED", known[key]))
            known = current
            for kind, value in events:
                body = tables.table(resource, [value], revision, group) if group else self._typed(resource, value)
                yield json.dumps({"type": kind, "object": body}).encode() + b"\n"
            # White space between events: the only way to learn that nobody reads any more.
            quiet = 0 if events else quiet + 1
            if quiet % 10 == 9:
                yield b"\n"
            time.sleep(1)

    @staticmethod
    def _typed(resource, value):
        version, kind = discovery.KINDS[resource]
        return dict({"kind": kind, "apiVersion": version}, **value)

    @staticmethod
    def _json(value, code=200):
        return Reply(code, compact(value) + "\n", "application/json")

    @staticmethod
    def _not_found(resource, name):
        group = discovery.SINGULAR_GROUP[resource]
        return status_reply(404, '%s%s "%s" not found' % (resource, "." + group if group else "", name), "NotFound",
                            {"name": name, "kind": resource, "group": group})

    # -- Writes ------------------------------------------------------------------------------------------------------------------------

    def _write(self, request, resource, namespace, name, sub):
        if request.method == "DELETE":
            return self._delete(resource, namespace, name)
        body = json.loads(request.body or b"{}")
        if request.method == "POST":
            if sub == "eviction":
                return self._delete(resource, namespace, name)
            return self._create(resource, namespace, body)
        if request.method == "PUT":
            body.setdefault("metadata", {}).setdefault("name", name)
            # What the path says need not be in the object.
            if resource not in store.CLUSTER:
                body["metadata"]["namespace"] = namespace
            old = self.store.get(resource, namespace, name)
            if old is None:
                return self._not_found(resource, name)
            for key in ("uid", "creationTimestamp"):
                body["metadata"][key] = old["metadata"].get(key)
            return self._json(self._typed(resource, self.store.update(resource, body)))
        kind = request.headers.get("content-type", "")
        if "apply-patch" in kind:
            return status_reply(415, "the stand-in does not know server-side apply", "UnsupportedMediaType")

        def change(value):
            changed = patches.apply(kind, value, body)
            if changed is not value:
                value.clear()
                value.update(changed)

        value = self.store.change(resource, namespace, name, change)
        return self._not_found(resource, name) if value is None else self._json(self._typed(resource, value))

    def _create(self, resource, namespace, value):
        metadata = value.setdefault("metadata", {})
        if not metadata.get("name"):
            metadata["name"] = metadata.pop("generateName", "") + store.uid()[:5]
        if resource not in store.CLUSTER:
            metadata["namespace"] = namespace or "default"
        if resource == "nodes":
            self._admit_node(value)
        elif resource == "pods":
            value.setdefault("status", {}).setdefault("phase", "Pending")
        elif resource == "namespaces":
            value.setdefault("status", {})["phase"] = "Active"
        try:
            return self._json(self._typed(resource, self.store.create(resource, value)), 201)
        except store.Conflict:
            return status_reply(409, '%s "%s" already exists' % (resource, metadata["name"]), "AlreadyExists",
                                {"name": metadata["name"], "kind": resource})

    def _admit_node(self, value):
        """Gives a new node its range of pod addresses."""
        import ipaddress
        taken = {text for node in self.store.list("nodes")[0] for text in node.get("spec", {}).get("podCIDRs", [])}
        ranges = []
        for cidr in self.server.settings["cluster-cidr"]:
            network = ipaddress.ip_network(cidr)
            size = max(24 if network.version == 4 else 64, network.prefixlen)
            ranges.append(next(str(part) for part in network.subnets(new_prefix=size) if str(part) not in taken))
        value.setdefault("spec", {}).update(
            {"podCIDR": ranges[0], "podCIDRs": ranges, "providerID": "k3s://" + value["metadata"]["name"]})

    def _delete(self, resource, namespace, name):
        if name is None:
            for value in self.store.list(resource, namespace)[0]:
                self.store.delete(resource, value["metadata"].get("namespace"), value["metadata"]["name"])
            return self._json({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"})
        value = self.store.get(resource, namespace, name)
        if value is None or not self.store.delete(resource, namespace, name):
            return self._not_found(resource, name)
        if resource == "nodes":
            self._forget_node(value)
        return self._json({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success",
                           "details": {"name": name, "kind": resource, "uid": value["metadata"]["uid"]}})

    def _forget_node(self, node):
        """What goes with a node: its password, its lease, its pods, and its member of etcd."""
        name = node["metadata"]["name"]
        self.store.delete("secrets", "kube-system", name + ".node-password.k3s")
        self.store.delete("leases", "kube-node-lease", name)
        for pod in self.store.list("pods")[0]:
            if pod.get("spec", {}).get("nodeName") == name:
                self.store.delete("pods", pod["metadata"]["namespace"], pod["metadata"]["name"])
        for member in self.etcd.members():
            if etcd.node_of(member["name"]) == name and "node-role.kubernetes.io/etcd" in node["metadata"].get("labels", {}):
                address = split_url(member["peerURLs"][0])[0]
                log.info("Removing etcd member from cluster due to node delete")
                log.info("Removing name=%s id=%d address=%s from etcd" % (member["name"], member["ID"], address))
                self.etcd.call("cluster/member/remove", {"ID": str(member["ID"])})
        addresses = {a["address"] for a in node.get("status", {}).get("addresses", [])}
        rest = [place for place in self.servers() if place.rpartition(":")[0].strip("[]") not in addresses]
        self.etcd.put("k3s/apiaddresses", json.dumps(rest))


def selector(query):
    """A test of labels and fields as `labelSelector` and `fieldSelector` say."""
    tests = []
    for text in filter(None, query.get("fieldSelector", "").split(",")):
        key, _, wanted = text.replace("==", "=").partition("=")
        negated = key.endswith("!")
        tests.append((lambda v, k=key.rstrip("!"), w=wanted, n=negated: (str(_field(v, k)) == w) != n))
    import re
    for text in filter(None, re.split(r",(?![^(]*\))", query.get("labelSelector", ""))):
        match = re.fullmatch(r"\s*([^ !=]+)\s+(in|notin)\s+\(([^)]*)\)\s*", text)
        if match:
            key, wanted, negated = match.group(1), [w.strip() for w in match.group(3).split(",")], match.group(2) == "notin"
            tests.append(lambda v, k=key, w=wanted, n=negated: (_labels(v).get(k) in w) != n)
        elif "=" in text:
            key, _, wanted = text.replace("==", "=").partition("=")
            tests.append(lambda v, k=key.rstrip("!").strip(), w=wanted.strip(), n=key.endswith("!"): (_labels(v).get(k) == w) != n)
        else:
            key = text.strip()
            tests.append(lambda v, k=key.lstrip("!"), n=key.startswith("!"): (k in _labels(v)) != n)
    return lambda value: all(test(value) for test in tests)


def _labels(value):
    return value["metadata"].get("labels", {})


def _field(value, path):
    for part in path.split("."):
        value = value.get(part, "") if isinstance(value, dict) else ""
    return value
