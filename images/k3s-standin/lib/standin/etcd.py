"""The etcd of a server: its process, and its API through the JSON gateway that every etcd has."""
import base64
import json
import os
import subprocess
import threading

from . import log, wire

PROGRAM = os.environ.get("K3S_STANDIN_ETCD", "/usr/bin/etcd")
TIMEOUT = 20


class EtcdError(Exception):
    """An error that etcd answered with, or that no answer came; the text is as etcd's own client puts it."""


def unreachable(place):
    """An address and what is wrong with it, as gRPC puts it."""
    return 'rpc error: code = Unavailable desc = connection error: desc = "transport: Error while dialing: dial tcp %s"' % place


def _b64(data):
    return base64.b64encode(data.encode() if isinstance(data, str) else data).decode()


def node_of(member):
    """The node of a member: its name without the part behind the last hyphen. A name of one letter keeps it, as in k3s."""
    last = member.rfind("-")
    return member[:last] if last > 1 else member


class Entry:
    def __init__(self, item):
        self.key = base64.b64decode(item["key"]).decode()
        self.value = base64.b64decode(item.get("value", ""))
        self.revision = int(item.get("mod_revision", 0))


class Api:
    """Calls to one member, or to whichever of several answers."""

    def __init__(self, endpoints, tls):
        context = wire.client_context(open(tls + "/etcd/server-ca.crt", "rb").read(), (tls + "/etcd/client.crt", tls + "/etcd/client.key"))
        self.make = lambda: wire.Client(endpoints, context)
        self.local = threading.local()

    def call(self, path, body=None, timeout=TIMEOUT, stream=None):
        # A connection for each thread: a call that waits for a quorum must not hold up one that needs none.
        client = getattr(self.local, "client", None)
        if client is None:
            client = self.local.client = self.make()
        try:
            status, data = client.request("POST", "/v3/" + path, json.dumps(body or {}).encode(), timeout=timeout, stream=stream)
        except wire.NetError as error:
            text = str(error)
            _, found, place = text.partition(": dial tcp ")
            raise EtcdError("context deadline exceeded" if "deadline exceeded" in text else unreachable(place) if found else text) from None
        if stream and not data:
            return {}
        try:
            answer = json.loads(data)
        except ValueError:
            answer = {"error": data.decode("utf-8", "replace").strip()}
        if status != 200:
            raise EtcdError(str(answer.get("error") or answer.get("message")))
        return answer

    def range(self, prefix, timeout=TIMEOUT, keys_only=False, limit=0):
        end = prefix[:-1] + chr(ord(prefix[-1]) + 1)
        answer = self.call("kv/range", {"key": _b64(prefix), "range_end": _b64(end), "keys_only": keys_only, "limit": limit}, timeout)
        return [Entry(item) for item in answer.get("kvs", [])], int(answer["header"]["revision"])

    def get(self, key, timeout=TIMEOUT):
        found = self.call("kv/range", {"key": _b64(key)}, timeout).get("kvs", [])
        return Entry(found[0]) if found else None

    def put(self, key, value, revision=None, timeout=TIMEOUT):
        """The new revision; nil when the key is not at `revision` any more (0: not there). Without `revision` always written."""
        put = {"request_put": {"key": _b64(key), "value": _b64(value)}}
        if revision is None:
            return int(self.call("kv/put", put["request_put"], timeout)["header"]["revision"])
        compare = {"key": _b64(key), "target": "MOD", "result": "EQUAL", "mod_revision": str(revision)}
        answer = self.call("kv/txn", {"compare": [compare], "success": [put]}, timeout)
        return int(answer["header"]["revision"]) if answer.get("succeeded") else None

    def put_all(self, pairs, timeout=TIMEOUT):
        self.call("kv/txn", {"success": [{"request_put": {"key": _b64(k), "value": _b64(v)}} for k, v in pairs]}, timeout)

    def delete(self, key, timeout=TIMEOUT):
        return int(self.call("kv/deleterange", {"key": _b64(key)}, timeout).get("deleted", 0))

    def members(self, timeout=TIMEOUT):
        found = self.call("cluster/member/list", timeout=timeout)["members"]
        return [{"ID": int(m["ID"]), "name": m.get("name", ""), "peerURLs": m.get("peerURLs", []),
                 "clientURLs": m.get("clientURLs", []), "isLearner": bool(m.get("isLearner"))} for m in found]

    def status(self, timeout=30):
        answer = self.call("maintenance/status", timeout=timeout)
        return {"id": int(answer["header"]["member_id"]), "leader": int(answer.get("leader", 0)), "learner": bool(answer.get("isLearner")),
                "applied": int(answer.get("raftAppliedIndex", 0)), "term": int(answer.get("raftTerm", 0))}

    def snapshot(self, path):
        """Writes the database to a file; one that cannot be written whole is removed."""
        rest, failed = [b""], []
        with open(path, "wb", buffering=0) as file:
            def take(piece):
                *lines, rest[0] = (rest[0] + piece).split(b"\n")
                for line in filter(bytes.strip, lines):
                    data = base64.b64decode(json.loads(line).get("result", {}).get("blob", ""))
                    # An error here would count as one of the connection.
                    try:
                        while data and not failed:
                            data = data[file.write(data):]
                    except OSError as error:
                        failed.append(error)
            self.call("maintenance/snapshot", timeout=120, stream=take)
        if failed:
            os.unlink(path)
            raise OSError(failed[0].errno, failed[0].strerror, path)


def healthy(api, timeout=2):
    """Whether a read that needs a quorum is answered in time, as /readyz asks."""
    try:
        api.get("/registry/health", timeout)
        return True
    except EtcdError:
        return False


class Process:
    """A running etcd. It ends with its k3s, however that ends, as it would inside of it."""

    def __init__(self, config, ended):
        self.child, self.removed = None, False
        started = threading.Event()
        # setpriv: the kernel ends etcd when the thread that started it ends, also by SIGKILL. So that thread must live as long as etcd.
        threading.Thread(target=self._follow, args=(config, started, ended), daemon=True).start()
        started.wait()

    def _follow(self, config, started, ended):
        self.child = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", PROGRAM, "--config-file", config], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, start_new_session=True)
        started.set()
        for line in self.child.stderr:
            text = line.decode("utf-8", "replace").rstrip("\n")
            if "removed from the cluster" in text:
                self.removed = True
            log.raw(text)
        ended(self.child.wait(), self.removed)

    def stop(self):
        if self.child.poll() is None:
            self.child.terminate()
            try:
                self.child.wait(10)
            except subprocess.TimeoutExpired:
                self.child.kill()


def configuration(data, name, address, tls, cluster, state, arguments, expose_metrics):
    """What is written to db/etcd/config: k3s's own values, then those of --etcd-arg."""
    hosts = ["127.0.0.1"] + ([address] if address != "127.0.0.1" else [])
    bracket = lambda host: "[%s]" % host if ":" in host else host
    urls = lambda port: ",".join("https://%s:%d" % (bracket(host), port) for host in hosts)
    metrics = hosts if expose_metrics else hosts[:1]
    security = lambda name, ca: {"cert-file": "%s/etcd/%s.crt" % (tls, name), "key-file": "%s/etcd/%s.key" % (tls, name),
                                 "client-cert-auth": True, "trusted-ca-file": "%s/etcd/%s.crt" % (tls, ca)}
    values = {
        "name": name, "data-dir": data, "listen-client-urls": urls(2379), "listen-peer-urls": urls(2380),
        "listen-metrics-urls": ",".join("http://%s:2381" % bracket(host) for host in metrics),
        "advertise-client-urls": "https://%s:2379" % bracket(address),
        "initial-advertise-peer-urls": "https://%s:2380" % bracket(address), "initial-cluster": cluster, "initial-cluster-state": state,
        "client-transport-security": security("server-client", "server-ca"),
        "peer-transport-security": security("peer-server-client", "peer-ca"), "heartbeat-interval": 500, "election-timeout": 5000,
        "snapshot-count": 10000, "experimental-initial-corrupt-check": True, "logger": "zap", "log-outputs": ["stderr"],
        "socket-options": {"reuse-address": True, "reuse-port": True},
        # The stand-in's own: it speaks to etcd through its JSON gateway, which k3s has on port 2382 alone, and switched off.
        "enable-grpc-gateway": True, "log-level": "info",
    }
    for argument in arguments:
        key, found, text = argument.partition("=")
        key = key.lstrip("-")
        if not found:
            continue
        if text.lower() in ("true", "false"):
            values[key] = text.lower() == "true"
        else:
            values[key] = int(text) if text.lstrip("-").isdigit() else text
    # JSON is YAML, and what is in it stays readable.
    return json.dumps(values, indent=1) + "\n"
