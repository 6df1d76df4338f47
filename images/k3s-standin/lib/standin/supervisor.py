"""The endpoints of a server's own on port 6443, and who may use them; everything else is the API server's."""
import base64
import hashlib
import hmac
import json
import os
import random
import time

from . import bootstrap, crypto, etcd, kubelet, log, modes, snapshots, tokens
from .wire import NetError, Reply, Request

AGENTS = ("k3s:agent", "system:nodes", "system:bootstrappers")


def compact(value):
    """JSON as Go writes it: without spaces."""
    return json.dumps(value, separators=(",", ":"))


def status_reply(code, message, reason="", details=None):
    body = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message, "reason": reason}
    if details:
        body["details"] = details
    return Reply(code, compact(dict(body, code=code)) + "\n", "application/json", close=True)


# Frequent while a server starts, and so not logged.
QUIET = ("apiserver not ready", "apiserver disabled")
SERVERS = ("k3s:server",)
# The paths that k3s has in front of the API server's, who may use them, and what answers. `/cacerts` and `/ping` are anybody's.
ROUTES = {
    "/v1-k3s/server-bootstrap": (SERVERS, "_bootstrap"), "/db/info": (SERVERS, "_members"), "/db/snapshot": (SERVERS, "_snapshot"),
    "/v1-k3s/token": (SERVERS, "_token"), "/v1-k3s/config": (AGENTS, "_config"), "/v1-k3s/client-ca.crt": (AGENTS, "_authority"),
    "/v1-k3s/server-ca.crt": (AGENTS, "_authority"), "/v1-k3s/serving-kubelet.crt": (AGENTS, "_kubelet"),
    "/v1-k3s/client-kubelet.crt": (AGENTS, "_kubelet"), "/v1-k3s/client-kube-proxy.crt": (AGENTS, "_component"),
    "/v1-k3s/client-k3s-controller.crt": (AGENTS, "_component"), "/v1-k3s/apiservers": (AGENTS, "_apiservers"),
    "/v1-k3s/readyz": (AGENTS, "_readyz"),
}


class Supervisor:
    REASONS = {400: "BadRequest", 401: "Unauthorized", 403: "Forbidden", 405: "MethodNotAllowed", 500: "InternalError", 503: "ServiceUnavailable"}

    def __init__(self, server):
        self.server = server

    @staticmethod
    def failure(request, code, message):
        if message not in QUIET:
            log.error("Sending HTTP/1.1 %d response to %s: %s" % (code, request.remote, message))
        details = None
        if code == 500:
            details, message = {"causes": [{"message": message}]}, "Internal error occurred: " + message
        elif code == 405:
            details = {"causes": [{"reason": "UnexpectedServerResponse", "message": message}]}
            message = "the server does not allow this method on the requested resource"
        return status_reply(code, message, Supervisor.REASONS.get(code, ""), details)

    @staticmethod
    def hidden_failure(request, component, error):
        """A failure whose cause is in the server's log alone."""
        number = "%s error ID %05d" % (component, random.randrange(99999))
        log.error("%s: %s" % (number, error))
        return Supervisor.failure(request, 500, number)

    def answer(self, request: Request):
        path = request.path
        if path == "/cacerts":
            time.sleep(modes.seconds("slow_cacerts"))
            name = self.server.folder + "/tls/server-ca.crt"
            data = tokens.read(name)
            return Reply(200, data) if data else self.failure(request, 500, "open %s: no such file or directory" % name)
        if path == "/ping":
            return Reply(200, "pong")
        if path in ROUTES:
            try:
                return self._own(request)
            except (etcd.EtcdError, NetError) as error:
                return self.failure(request, 500, str(error))
            except OSError as error:
                return self.failure(request, 500, tokens.words(error))
        if not self.server.api_running:
            return self.failure(request, 503, "apiserver not ready")
        return self.server.api.answer(request)

    def _own(self, request):
        roles, name = ROUTES[request.path]
        action = getattr(self, name)
        refusal = self._refusal(request, roles)
        if refusal:
            return refusal
        if modes.mode("refuse_join") and request.path in ("/v1-k3s/server-bootstrap", "/v1-k3s/config") and not self._local(request):
            return self.failure(request, 503, "runtime core not ready")
        return action(request)

    @staticmethod
    def _local(request):
        return request.peer in ("127.0.0.1", "::1")

    def _refusal(self, request, roles):
        if request.path == "/db/info" and self._local(request):
            return None
        groups = list(request.groups)
        scheme, _, text = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "basic":
            user, _, password = base64.b64decode(text).decode("utf-8", "replace").partition(":")
            role = self.server.passwords.check(user, password) or self._bootstrap_token(password)
            if not role:
                log.error("Failed to authenticate request from %s: invalid username/password combination" % request.remote)
                return self.failure(request, 401, "not authorized")
            groups = [role]
        elif scheme.lower() == "bearer" and self.server.api_running:
            role = self._bootstrap_token(text)
            if not role:
                log.error("Failed to authenticate request from %s: invalid bearer token" % request.remote)
                return self.failure(request, 401, "not authorized")
            groups = [role]
        return None if set(groups) & set(roles) else self.failure(request, 403, "forbidden")

    def _bootstrap_token(self, text):
        name, found, secret = text.partition(".")
        if not found or not self.server.api_running:
            return None
        from . import store
        entry = self.server.api.store.get("secrets", "kube-system", "bootstrap-token-" + name)
        if not entry:
            return None
        data = {key: base64.b64decode(value).decode() for key, value in entry.get("data", {}).items()}
        expired = data.get("expiration", "9") < store.now()
        return "system:bootstrappers" if data.get("token-secret") == secret and not expired else None

    # -- For servers -------------------------------------------------------------------------------------------------------------------

    def _bootstrap(self, request):
        server = self.server
        password = server.passwords.password("server")
        try:
            entry = server.etcd.get(bootstrap.storage_key(password), 5) if server.etcd else None
            data = crypto.decrypt(password, entry.value) if entry else None
            problem = "no bootstrap data found" if entry is None else None
        except (etcd.EtcdError, ValueError) as error:
            data, problem = None, error
        if data is None:
            log.warning("Failed to retrieve HTTP bootstrap data from datastore; falling back to disk for %s: %s" % (request.remote, problem))
            return Reply(200, bootstrap.collect(server.folder), "application/json")
        log.info("Serving HTTP bootstrap from datastore for %s" % request.remote)
        return Reply(200, data, "application/json")

    def _members(self, request):
        if request.method != "GET":
            return self.failure(request, 405, "method not allowed")
        try:
            if self.server.etcd is None:
                raise etcd.EtcdError("etcd not started")
            members = self.server.etcd.members(2)
        except etcd.EtcdError as error:
            return self.failure(request, 500, "failed to get etcd MemberList: %s" % error)
        # What is empty or false is left out, as in all that etcd's structures are written to.
        kept = [{key: value for key, value in member.items() if value} for member in members]
        return Reply(200, compact({"members": kept}) + "\n", "application/json")

    def _snapshot(self, request):
        try:
            if request.method != "POST":
                raise ValueError('%s is not supported on resources of kind "snapshot.k3s.cattle.io"' % request.method)
            return snapshots.answer(self.server, request, json.loads(request.body))
        except (ValueError, OSError, etcd.EtcdError) as error:
            return self.hidden_failure(request, "etcd-snapshot", error)

    def _token(self, request):
        if request.method != "PUT":
            return self.failure(request, 405, "method not allowed")
        try:
            new = tokens.normalized(json.loads(request.body)["newToken"] or os.urandom(16).hex())
        except (ValueError, KeyError, TypeError) as error:
            return self.failure(request, 400, str(error))
        if new is None:
            return self.hidden_failure(request, "token", bootstrap.NOT_NORMAL)
        log.secrets.add(new)
        bootstrap.rotate(self.server, new)
        return Reply(200)

    # -- For agents --------------------------------------------------------------------------------------------------------------------

    def _config(self, _):
        return Reply(200, compact(bootstrap.configuration(self.server.settings)) + "\n", "application/json")

    def _authority(self, request):
        return Reply(200, tokens.read(self.server.folder + "/tls/" + request.path.rsplit("/", 1)[1]))

    def _kubelet(self, request):
        name, password = request.headers.get("k3s-node-name", "").lower(), request.headers.get("k3s-node-password")
        if not name:
            return self.failure(request, 400, "node name not set")
        if not password:
            return self.failure(request, 400, "node password not set")
        if request.user and request.user != "system:node:" + name:
            return self.failure(request, 400, "header node name does not match auth node name")
        refusal = self._check_node_password(request, name, password)
        if refusal:
            return refusal
        public = crypto.Certificate(request.body).public
        if "serving" in request.path:
            addresses = [text for text in request.headers.get("k3s-node-ip", "").split(",") if text]
            return Reply(200, self.server.pki.issue("server-ca", public, name, (), ("server",), [name, "localhost", "127.0.0.1"] + addresses))
        return Reply(200, self.server.pki.issue("client-ca", public, "system:node:" + name, ["system:nodes"]))

    def _check_node_password(self, request, name, password):
        if self.server.ready_at is None:
            # The node of this server starts before its API does: its password is compared with the file that it comes from.
            if name != self.server.name:
                return self.failure(request, 503, "runtime core not ready")
            own = (tokens.read(kubelet.PASSWORD) or b"").decode().strip()
            return None if own == password else self.failure(request, 403, "unable to verify local node password: hash does not match")
        if request.user and not self.server.api.store.get("nodes", None, name):
            return self.failure(request, 401, 'unable to verify node identity: nodes "%s" not found' % name)
        if not self.verify_node(name, password):
            return self.failure(request, 403, "unable to verify password for node %s: hash does not match" % name)
        return None

    def verify_node(self, name, password):
        """Compares a node's password with the one that it came with first."""
        store, secret = self.server.api.store, name + ".node-password.k3s"
        found = store.get("secrets", "kube-system", secret)
        if found:
            return verify_hash(base64.b64decode(found["data"]["hash"]).decode(), password)
        text = base64.b64encode(create_hash(password).encode()).decode()
        store.create("secrets", {"metadata": {"name": secret, "namespace": "kube-system"}, "immutable": True,
                                 "type": "k3s.cattle.io/node-password", "data": {"hash": text}})
        return True

    def _component(self, request):
        user = {"client-kube-proxy.crt": "system:kube-proxy", "client-k3s-controller.crt": "system:k3s-controller"}[
            request.path.rsplit("/", 1)[1]]
        return Reply(200, self.server.pki.issue("client-ca", crypto.Certificate(request.body).public, user))

    def _apiservers(self, _):
        return Reply(200, compact(self.server.api.servers() if self.server.api_running else []) + "\n", "application/json")

    def _readyz(self, request):
        if self.server.ready_at is None:
            return self.failure(request, 503, "runtime core not ready")
        return Reply(200, "ok")


def create_hash(password, salt=None, exponent=10):
    """`$1:SALT:N:R:P:KEY`, the form of k3s's own, with a smaller N than its 15: a guest without KVM would take seconds for that."""
    salt = salt or os.urandom(8)
    key = hashlib.scrypt(password.encode(), salt=salt, n=1 << exponent, r=8, p=1, dklen=64, maxmem=1 << 26)
    return "$1:%s:%d:8:1:%s" % (salt.hex(), exponent, base64.b64encode(key).decode().rstrip("="))


def verify_hash(text, password):
    version, salt, exponent, *_ = text.split(":")
    return version == "$1" and hmac.compare_digest(create_hash(password, bytes.fromhex(salt), int(exponent)), text)
