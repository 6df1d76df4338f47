"""Holds the stand-in to a fixture: `contract.py LIB PROBE` takes the fixture as JSON, says what differs, a line each, and how much it has looked at.

Python's standard library alone, and neither etcd nor a guest: what the stand-in would ask of them is played here.
"""
import base64
import calendar
import contextlib
import errno
import io
import json
import os
import re
import shutil
import ssl
import sys
import tempfile
import time

sys.path.insert(0, sys.argv[1])
from standin import api, bootstrap, commands, controllers, crypto, etcd, flags, kubelet, log, main, pki, server, snapshots  # noqa: E402
from standin import supervisor, tokens, wire  # noqa: E402

differences, looked = [], 0


def same(what, found, expected):
    global looked
    looked += 1
    if found != expected:
        differences.append("%s: %r, not %r" % (what, found, expected))


def matches(what, found, pattern):
    global looked
    looked += 1
    if not re.search(pattern, found):
        differences.append("%s: %r has no %r" % (what, found, pattern))


def said(action, *arguments):
    """What an action writes to both outputs, and how it ends: its status, nil when it goes on."""
    out, status = io.StringIO(), None
    leave, os._exit = os._exit, sys.exit
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            try:
                action(*arguments)
            except SystemExit as end:
                status = end.code
    finally:
        os._exit = leave
    return out.getvalue(), status


class FakeEtcd:
    """A key-value store in memory with the calls of the stand-in's etcd.Api."""

    def __init__(self, members=()):
        self.values, self.revision, self.list, self.well = {}, 0, list(members), True

    def _check(self):
        if not self.well:
            raise etcd.EtcdError("context deadline exceeded")

    @staticmethod
    def _entry(key, value, revision):
        return etcd.Entry({"key": base64.b64encode(key.encode()).decode(), "value": base64.b64encode(value).decode(), "mod_revision": revision})

    def get(self, key, timeout=0):
        self._check()
        return self._entry(key, *self.values[key]) if key in self.values else None

    def range(self, prefix, *_, **__):
        self._check()
        return [self._entry(k, *v) for k, v in sorted(self.values.items()) if k.startswith(prefix)], self.revision

    def put(self, key, value, revision=None, timeout=0):
        self._check()
        if revision is not None and self.values.get(key, (b"", 0))[1] != revision:
            return None
        self.revision += 1
        self.values[key] = (value.encode() if isinstance(value, str) else value, self.revision)
        return self.revision

    def delete(self, key, timeout=0):
        self._check()
        return 1 if self.values.pop(key, None) else 0

    def members(self, timeout=0):
        self._check()
        return self.list


class Standin:
    """A server of the stand-in in a folder of its own, without a listener, an agent or etcd."""

    def __init__(self, stage="ready", members=()):
        self.folder = tempfile.mkdtemp(prefix="contract-")
        kubelet.PASSWORD = self.folder + "/node-password"
        tokens.write(kubelet.PASSWORD, "own\n")
        server.KUBECONFIG = self.folder + "/etc/k3s.yaml"
        settings = flags.Settings(flags._DEFAULTS)
        settings.kinds = flags._table("server")[0]
        settings.update({"data-dir": self.folder + "/data", "token": "first-secret", "node-name": "server-1", "node-ip": ["192.168.1.1"],
                         "bind-address": "192.168.1.1"})
        self.server = it = server.Server(settings, [])
        it.name, it.addresses, it.address, it.advertise = "server-1", ["192.168.1.1"], "192.168.1.1", "192.168.1.1"
        said(it._make_data_folder)
        said(it._read_tokens)
        it._make_files()
        it.etcd = FakeEtcd(members) if stage == "ready" else None
        it.stage = "starting" if stage == "starting" else "handlers"
        it.supervisor = supervisor.Supervisor(it)
        if stage == "ready":
            it.api = api.Api(it)
            it.api_running, it.ready_at = True, 0.0

    def close(self):
        shutil.rmtree(self.folder)

    def ask(self, path, method="GET", headers=None, body=b"", peer="127.0.0.1", user=None, groups=()):
        request = wire.Request(method, path, headers or {}, body, (peer, 40000), (user, list(groups)))
        text, _ = said(lambda: setattr(self, "reply", self.server._answer(request)))
        return self.reply, text


def basic(user, password):
    return {"authorization": "Basic " + base64.b64encode(("%s:%s" % (user, password)).encode()).decode()}


# -- Probes ----------------------------------------------------------------------------------------------------------------------------

def token_forms(fixture):
    for form in fixture["accepted"]:
        token = tokens.Token(form["token"].replace("HASH", "0a" * 32))
        expected = [form.get("user") or "", form.get("password") or form.get("bootstrap"), form.get("bootstrap")]
        same(form["token"], [token.user, token.password, token.bootstrap], expected)
        same(form["token"] + " hash", token.hash, "0a" * 32 if "HASH" in form["token"] else "")
    for form in fixture["refused"]:
        try:
            tokens.Token(form["token"])
            same(form["token"], "taken", form["error"])
        except tokens.TokenError as error:
            same(form["token"], str(error), form["error"])


def ca_hash(fixture):
    for bundle in fixture["bundles"]:
        same(bundle["what"], tokens.ca_hash(bundle["pem"].encode()), bundle["hash"])
        same(bundle["what"] + ", in a token", tokens.full(bundle["pem"].encode(), "server", "x"), "K10%s::server:x" % bundle["hash"])


def server_flags(fixture):
    for command in ("server", "agent"):
        kinds, names = flags._table(command)
        known = {name: kind for name, kind in (flags._SERVER if command == "server" else flags._AGENT).items()}
        wanted = {name: kind for key, kind in (("texts", "s"), ("lists", "l"), ("switches", "b")) for name in fixture[command][key]}
        same(command, known, wanted)
        environment = {name: variable for name, variable in flags._ENVIRONMENT.items() if name in kinds}
        same(command + " variables", environment, fixture[command]["environment"])
        for name in fixture["used"][command]:
            same(name, name in kinds, True)
        try:
            flags._command_line(["--no-such"], kinds, names)
            same("--no-such", "taken", "refused")
        except flags.UsageError as error:
            same("--no-such", str(error), "flag provided but not defined: -no-such")


def lines(fixture):
    folder = os.path.dirname(log.__file__)
    text = "".join(open("%s/%s" % (folder, name)).read() for name in sorted(os.listdir(folder)) if name.endswith(".py"))
    # Python joins the parts of a text that goes over several lines.
    text = re.sub(r'"\n\s*"', "", text)
    for line in fixture["lines"]:
        for part in line.get("fixed", []):
            same("in the stand-in: " + part, part in text or part.replace('"', '\\"') in text, True)
            # The example has its first part; others are of lines beside it.
        for part in line.get("fixed", [])[:1]:
            same("in the example: " + part, part in line["line"].replace('\\"', '"'), True)


def failure_lines(fixture):
    lines(fixture)
    # What Python's TLS says comes out in the words of Go's.
    for code, side in ((9, "before"), (10, "after")):
        error = ssl.SSLCertVerificationError()
        error.verify_code = code
        matches("certificate", wire.go_error(error, "192.168.1.1", 6443),
                "^tls: failed to verify certificate: x509: certificate has expired or is not yet valid: current time .* is %s " % side)
    for number, words in ((errno.ENETUNREACH, "network is unreachable"), (errno.EHOSTUNREACH, "no route to host"),
                          (errno.ECONNREFUSED, "connection refused")):
        same(words, wire.go_error(OSError(number, ""), "192.168.1.1", 6443), "dial tcp 192.168.1.1:6443: connect: " + words)


def answers(fixture):
    passwords = {"server": "first-secret", "node": "first-secret"}
    for number, case in enumerate(fixture["answers"]):
        what = "%d: %s %s" % (number, case["stage"], case["path"])
        with contextlib.closing(Standin(case["stage"], [])) as standin:
            who, headers, user, groups = case.get("as"), {}, None, []
            if who in passwords or who == "wrong":
                headers.update(basic("server" if who == "wrong" else who, passwords.get(who, "no")))
            elif who and who.startswith("node:"):
                user, groups = "system:" + who, ["system:nodes"]
            elif who:
                user, groups = who, [who]
            for key, header in (("node", "k3s-node-name"), ("password", "k3s-node-password")):
                if key in case:
                    headers[header] = case[key]
            if case["stage"] == "ready" and case.get("node", "gone") != "gone":
                # Its first contact, with the password that is its own.
                standin.server.supervisor.verify_node(case["node"].lower(), "own")
            body = crypto.request(crypto.Key(), "x") if case.get("method") == "POST" and ".crt" in case["path"] else b""
            peer = case.get("peer", "192.168.1.2")
            reply, text = standin.ask(case["path"], case.get("method", "GET"), headers, body, peer, user, groups)
            same(what + " status", reply.status, case["status"])
            if "type" in case:
                same(what + " type", reply.kind, case["type"])
            if "body" in case:
                ca = tokens.read(standin.server.folder + "/tls/server-ca.crt")
                same(what + " body", reply.body, ca if case["body"] == "CA" else case["body"].encode())
            if "certificate" in case:
                same(what + " certificate", crypto.Certificate(crypto.unpem(reply.body)).common_name, case["certificate"])
                same(what + " with its CA", reply.body.count(b"BEGIN CERTIFICATE"), 2)
            if "reason" in case:
                status = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": case["message"],
                          "reason": case["reason"], "code": case["status"]}
                found = json.loads(reply.body)
                causes = found.pop("details", {}).get("causes", [{}])
                same(what + " Status", found, status)
                same(what + " cause", causes[0].get("message"), case.get("cause"))
                same(what + " closes", reply.close, True)
                line = "Sending HTTP/1.1 %d response to %s:40000: %s" % (case["status"], peer, case.get("cause") or case["message"])
                same(what + " is logged", line.replace('"', '\\"') in text, case["logged"])
    _node_password(fixture["password"])
    _deferred(fixture["deferred"])
    for route in fixture["paths"]:
        known = supervisor.ROUTES.get(route["path"], (None,))[0]
        same(route["path"], list(known) if known else None, None if route.get("standin") is False else route.get("roles"))
    same("paths", set(supervisor.ROUTES) - {route["path"] for route in fixture["paths"]}, set())


def _node_password(expected):
    with contextlib.closing(Standin()) as standin:
        standin.server.supervisor.verify_node("agent-1", "own")
        secret = standin.server.api.store.get("secrets", "kube-system", expected["secret"]) or {}
        same("secret's type", secret.get("type"), expected["type"])
        same("secret is fixed", secret.get("immutable"), expected["immutable"])
        matches("hash", base64.b64decode(secret.get("data", {}).get(expected["key"], "")).decode(), expected["form"])
        matches("k3s's own hash", expected["hash"], expected["form"])
        same("k3s's own hash is understood", supervisor.verify_hash(expected["hash"], "password"), True)
        same("another password is not taken for it", supervisor.verify_hash(expected["hash"], "passwort"), False)
        os.unlink(kubelet.PASSWORD)
        made = kubelet.Agent._password()
        matches("new password", made, "^[0-9a-f]{%d}$" % expected["digits"])
        same("its file", tokens.read(kubelet.PASSWORD), (made + "\n").encode())
        same("its mode", os.stat(kubelet.PASSWORD).st_mode & 0o777, 0o600)
    same("the stand-in's file", expected["file"] in open(kubelet.__file__).read(), True)


def _deferred(expected):
    with contextlib.closing(Standin()) as standin:
        it = standin.server
        it.supervisor.verify_node("server-1", "before")
        kubelet.Agent(it.settings, [], [("127.0.0.1", 6443)], None, "server-1", ["192.168.1.1"], it)._await_api()
        events = it.api.store.list("events")[0]
        same("events", [{key: event[key] for key in ("reason", "type", "message")} for event in events],
             [{key: expected[key] for key in ("reason", "type", "message")}])


def health(fixture):
    for case in fixture["answers"]:
        what = case["path"] + ("" if case["etcd"] else " without etcd")
        with contextlib.closing(Standin()) as standin:
            standin.server.etcd.well = case["etcd"]
            admin = {} if case.get("anonymous") else {"user": "system:admin", "groups": ["system:masters"]}
            reply, _ = standin.ask(case["path"], **admin)
            text = reply.body.decode()
            same(what, reply.status, case["status"])
            if "body" in case:
                same(what, text, case["body"])
            if "first" in case:
                same(what, text.startswith(case["first"]), True)
            for part in case.get("contains", []):
                same(what + " " + part, part in text.split("\n"), True)
            if "last" in case:
                same(what, text.endswith(case["last"] + "\n"), True)
            if "message" in case:
                same(what, [json.loads(text)[key] for key in ("reason", "message")], [case["reason"], case["message"]])


def voter_conditions(fixture):
    members = {"voter": {"isLearner": False}, "learner": {"isLearner": True}, "none": None, "silent": {"isLearner": False, "clientURLs": []}}
    for state in fixture["states"]:
        member = members[state["member"]]
        trouble = controllers.Members._trouble(None, member) if state["member"] == "silent" else None
        same(state["member"], list(controllers.voter_state(member, trouble)), [state["status"], state["reason"], state["message"]])
    same("type", '"%s"' % fixture["type"] in open(controllers.__file__).read(), True)
    for case in fixture["members"]["names"]:
        same(case["member"], etcd.node_of(case["member"]), case["node"])


def node_metadata(fixture):
    with contextlib.closing(Standin()) as standin:
        it = standin.server
        it.member = "server-1-3e6a9d21"
        it.settings["node-external-ip"] = ["203.0.113.1"]
        agent = kubelet.Agent(it.settings, ["--token=a"], [("127.0.0.1", 6443)], None, "server-1", ["192.168.1.1", "fd00:1::1"], it)
        labels, annotations = agent._labels(), agent._annotations()
        for role in fixture["roles"]:
            same(role["label"], labels.get(role["label"]), role["value"])
        for annotation in fixture["annotations"]:
            same(annotation["name"], annotation["name"] in annotations, True)
            if "value" in annotation:
                same(annotation["name"], annotations.get(annotation["name"]), annotation["value"])
        same("annotations", set(annotations), {annotation["name"] for annotation in fixture["annotations"]})
        same("arguments", annotations["k3s.io/node-args"], '["server","--token","********"]')
        same("type", labels["node.kubernetes.io/instance-type"], fixture["provider"]["type"])
        node = {"metadata": {"name": "server-1"}}
        it.api._admit_node(node)
        same("provider", node["spec"]["providerID"], fixture["provider"]["id"])
    for case in fixture["configurations"]:
        found = flags.annotations(case["arguments"], case["environment"])
        same("arguments", found["k3s.io/node-args"], case["args"])
        same("variables", found["k3s.io/node-env"], case["env"])
        if "hash" in case:
            same("hash", found["k3s.io/node-config-hash"], case["hash"])


def command_texts(fixture):
    token, snapshot = fixture["token"], fixture["snapshot"]
    sys.argv = ["k3s", "--version"]
    text, _ = said(main.main)
    same("version", text.startswith(fixture["version"]["first"]), True)
    matches("generated", commands._generate(), r"^[a-z0-9]{6}\.[a-z0-9]{16}$")
    same("ttl", commands.duration(token["create"]["ttl"]), 86400)
    same("usages", sorted(commands.USAGES.split(",")), token["create"]["usages"])
    same("groups", commands.GROUPS, token["create"]["groups"])
    listing = token["list"]
    now = calendar.timegm(time.strptime(listing["now"], "%Y-%m-%dT%H:%M:%SZ"))
    same("token list", commands.token_list(listing["secrets"], "text", now), listing["text"])
    same("no secret is shown", "0123456789abcdef" in commands.token_list(listing["secrets"], "json", now), False)
    source = re.sub(r'"\n\s*"', "", open(commands.__file__).read())
    for part in [token["rotated"], token["deleted"]] + snapshot["said"]:
        same(part["text"], part["text"] in source, True)
    for action, cases in ((commands.token, token["errors"]), (commands.snapshot, snapshot["errors"])):
        for case in cases:
            text, status = said(action, case["arguments"])
            same(case["text"], (status, 'level=fatal msg="%s"' % case["text"] in text), (1, True))
    for case in snapshot["requests"]:
        values, rest = commands._options(case["arguments"][1:])
        same(case["arguments"], commands.request(case["arguments"][0], values, rest), json.loads(case["body"]))
    same("snapshot list", commands.snapshot_list(snapshot["list"]["answer"], ""), snapshot["list"]["text"])
    prune = snapshot["prune"]
    same("prune", snapshots.prunable(prune["files"], prune["prefix"], prune["kept"]), prune["gone"])
    _taken(snapshot)


def _taken(snapshot):
    with contextlib.closing(Standin()) as standin:
        standin.server.etcd.snapshot = lambda path: open(path, "wb").close()
        allowed = basic("server", "first-secret")
        name = snapshot["name"]
        reply, _ = standin.ask("/db/snapshot", "POST", allowed, json.dumps({"operation": "save", "name": [name["prefix"]]}).encode())
        created = json.loads(reply.body)["created"]
        matches("snapshot", created[0], name["pattern"])
        same("its place", os.path.exists("%s/data/%s/%s" % (standin.folder, name["folder"], created[0])), True)
        reply, _ = standin.ask("/db/snapshot", "POST", allowed, b'{"operation":"list"}')
        found = json.loads(reply.body)
        same("list", [found["kind"], found["apiVersion"], [item["spec"]["snapshotName"] for item in found["items"]]], ["List", "v1", created])
        for case in snapshot["refusals"]:
            reply, _ = standin.ask("/db/snapshot", "POST", allowed, case["body"].encode())
            same(case["body"], reply.status, case["status"])
            if "message" in case:
                matches(case["body"], json.loads(reply.body)["message"], case["message"])


def data_folder(fixture):
    with contextlib.closing(Standin("handlers")) as standin:
        it, data = standin.server, standin.folder + "/data"
        said(it.write_tokens)
        said(it._write_kubeconfig)
        it.pki.listener(it.hosts)
        it._run_etcd = lambda cluster, state: tokens.write(it.folder + "/db/etcd/config", etcd.configuration(
            it.folder + "/db/etcd", it.member, it.address, it.folder + "/tls", cluster, state, [], False))
        said(it._start_etcd)
        agent = kubelet.Agent(it.settings, [], [("192.168.1.1", 6443)], None, "agent-1", ["192.168.1.2"])
        agent._write_balancer()
        for entry in fixture["entries"]:
            path = "%s/%s" % (data, entry["path"])
            same(entry["path"], os.path.lexists(path), True)
            if not os.path.lexists(path):
                continue
            if "mode" in entry:
                same(entry["path"], "%04o" % (os.stat(path).st_mode & 0o777), entry["mode"])
            same(entry["path"] + " is a link", os.path.islink(path), "link" in entry)
            if "link" in entry:
                same(entry["path"], os.readlink(path), "%s/%s" % (data, entry["link"]))
            if "content" in entry:
                matches(entry["path"], open(path).read(), entry["content"].replace("\\n", "\n"))
        os.makedirs(os.path.dirname(data + "/" + fixture["initialized"]["path"]))
        same("not initialized", bootstrap.is_initialized(it.folder), False)
        os.makedirs(data + "/" + fixture["initialized"]["path"])
        same("initialized", bootstrap.is_initialized(it.folder), True)
        kubeconfig = fixture["kubeconfig"]
        same("kubeconfig", "%04o" % (os.stat(server.KUBECONFIG).st_mode & 0o777), kubeconfig["mode"])
        same("kubeconfig's place", '"%s"' % kubeconfig["path"] in open(server.__file__).read(), True)
        for part in kubeconfig["contains"]:
            same(part, part in open(server.KUBECONFIG).read(), True)
        same("passwd", sorted(open(it.folder + "/cred/passwd").read().split()), sorted(fixture["passwords"]["lines"]))
        matches("token", open(it.folder + "/token").read(), fixture["token"]["form"])
        _tombstone(standin, fixture["tombstone"])


def _tombstone(standin, expected):
    it = standin.server
    tokens.write("%s/data/%s" % (standin.folder, expected["path"]), "")
    text, status = said(it._tombstone)
    same("tombstone without --server", (status, "tombstone file has been detected but --server is empty" in text), (1, True))
    it.settings["server"] = "https://192.168.1.2:6443"
    said(it._tombstone)
    moved = [name for name in os.listdir(it.folder + "/db") if re.search(expected["backup"], name)]
    same("tombstone with --server", (len(moved), os.path.exists(it.folder + "/db/etcd")), (1, False))


def bootstrap_data(fixture):
    for case in fixture["key"]["passwords"]:
        same(case["key"], bootstrap.storage_key(case["password"]), case["key"])
    sealed = fixture["sealed"]
    plain = sealed["plain"].encode()
    same("opened", crypto.decrypt(sealed["password"], sealed["text"].encode()), plain)
    again = crypto.encrypt(sealed["password"], plain)
    matches("sealed", again.decode(), "^[0-9a-f]{16}:[A-Za-z0-9+/]+=*$")
    same("opened again", crypto.decrypt(sealed["password"], again), plain)
    try:
        crypto.decrypt("other", again)
        same("another password", "opens it", "does not")
    except ValueError:
        same("another password", True, True)
    same("files", pki.bootstrap_files("/s"), {name: "/s/" + path for name, path in fixture["files"]["places"].items()})
    with contextlib.closing(Standin("handlers")) as standin:
        found = json.loads(bootstrap.collect(standin.server.folder))
        # Without secrets' encryption the last two are not there.
        same("collected", set(fixture["files"]["places"]) - set(found), {"EncryptionConfig", "EncryptionHash"})
        same("of each", {key for entry in found.values() for key in entry}, {"Timestamp", "Content"})
        _different(standin, fixture["texts"])


def _different(standin, texts):
    it = standin.server
    it.etcd = FakeEtcd()
    it.etcd.put(bootstrap.storage_key("other"), b"x")
    try:
        bootstrap.save(it)
        same("another's data", "saved", "refused")
    except ValueError as error:
        same("another's data", str(error), texts[0]["text"])
    it.etcd = FakeEtcd()
    bootstrap.save(it)
    same("own data", list(it.etcd.values), [bootstrap.storage_key("first-secret")])
    it.token = tokens.Token("abcdef.0123456789abcdef")
    try:
        bootstrap.save(it)
        same("a bootstrap token", "saved under", "refused")
    except ValueError as error:
        same("a bootstrap token", str(error), texts[2]["text"])
    os.makedirs(it.folder + "/db/etcd/member/wal")
    text, status = said(bootstrap._reconcile_local, it.folder, tokens.Token("second"))
    same("an empty database", (status, texts[1]["text"] in text), (1, True))


def etcd_config(fixture):
    def configuration(arguments=(), exposed=False):
        values = fixture["values"]
        return json.loads(etcd.configuration("/d/db/etcd", values["name"], "192.168.1.1", "/d/tls", values["initial-cluster"], "new",
                                             list(arguments), exposed))
    found = configuration()
    for key, value in fixture["values"].items():
        same(key, found.get(key), value)
    same("beside them", set(found) - set(fixture["values"]), {"enable-grpc-gateway", "log-level"})
    for key in fixture["absent"]:
        same(key, key in found, False)
    same("exposed", configuration(exposed=True)["listen-metrics-urls"], fixture["exposed"]["listen-metrics-urls"])
    given = configuration(fixture["arguments"]["given"])
    for key, value in fixture["arguments"]["values"].items():
        same("--etcd-arg " + key, given.get(key), value)
    same("an argument without a value", "nothing" in given, False)
    same("stall", controllers.STALL, fixture["learners"]["stall"])
    same("every", "ending.wait(%d)" % fixture["learners"]["every"] in open(controllers.__file__).read(), True)


def registries_keys(fixture):
    """The stand-in reads the file, says so, and pulls nothing."""
    same("default", flags._DEFAULTS["private-registry"], fixture["path"]["value"])
    reading, flags.read_yaml = flags.read_yaml, lambda path: {}
    text, _ = said(kubelet.Agent._check_registries, fixture["path"]["value"])
    flags.read_yaml = reading
    same("said", fixture["said"]["text"] in text, True)


def etcd_members(fixture):
    """The members as etcd tells them, with what is empty, come out as the fixture has them."""
    full = [dict({"ID": 0, "name": "", "peerURLs": [], "clientURLs": [], "isLearner": False}, **member) for member in fixture["members"]]
    with contextlib.closing(Standin(members=full)) as standin:
        reply, _ = standin.ask("/db/info", headers=basic("server", "first-secret"), peer="192.168.1.2")
        same("/db/info", reply.body.decode(), json.dumps(fixture, separators=(",", ":")) + "\n")


def nodes(fixture):
    """What the client reads of a Node object is where the stand-in has it."""
    with contextlib.closing(Standin()) as standin:
        it, expected = standin.server, fixture["items"][0]
        it.member = "server-1-3e6a9d21"
        agent = kubelet.Agent(it.settings, [], [("127.0.0.1", 6443)], None, "server-1", ["192.168.200.1"], it)
        status = agent._status(True)
        same("addresses", status["addresses"], expected["status"]["addresses"])
        voter = controllers.voter_state({"isLearner": False})
        ready = [[c["type"], c["status"], c["reason"]] for c in status["conditions"] if c["type"] == "Ready"]
        same("conditions", [["EtcdIsVoter"] + list(voter[:2])] + ready,
             [[c["type"], c["status"], c["reason"]] for c in expected["status"]["conditions"]])
        same("version", set(status["nodeInfo"]) >= set(expected["status"]["nodeInfo"]), True)
        labels = agent._labels()
        for label, value in expected["metadata"]["labels"].items():
            same(label, labels.get(label), value)


PROBES = {
    "answers": answers, "bootstrap-data": bootstrap_data, "ca-hash": ca_hash, "commands": command_texts, "data-folder": data_folder,
    "etcd-config": etcd_config, "etcd-members": etcd_members, "failure-lines": failure_lines, "health": health, "node-metadata": node_metadata,
    "nodes": nodes, "registries-keys": registries_keys, "server-flags": server_flags, "start-lines": lines, "token-forms": token_forms,
    "voter-conditions": voter_conditions,
}
PROBES[sys.argv[2]](json.load(sys.stdin))
print("\n".join(differences + ["looked at %d" % looked]))
