"""What servers of a cluster share: how a server gets it from another, keeps it in etcd, and compares it with its disk."""
import base64
import calendar
import hashlib
import json
import os
import re
import time

from . import crypto, log, modes, pki, tokens, wire

NOT_NORMAL = "failed to normalize server token; must be in format K10<CA-HASH>::<USERNAME>:<PASSWORD> or <PASSWORD>"
DIFFERENT = "bootstrap data already found and encrypted with different token"
# What two servers must have in common: the flag, and its name in the configuration that a server hands out.
CRITICAL = {
    "cluster-cidr": "ClusterIPRanges", "service-cidr": "ServiceIPRanges", "cluster-dns": "ClusterDNSs", "cluster-domain": "ClusterDomain",
    "disable-cloud-controller": "DisableCCM", "disable-helm-controller": "DisableHelmController", "disable-network-policy": "DisableNPC",
    "secrets-encryption": "EncryptSecrets", "embedded-registry": "EmbeddedRegistry", "flannel-backend": "FlannelBackend",
    "flannel-ipv6-masq": "FlannelIPv6Masq", "flannel-external-ip": "FlannelExternalIP", "egress-selector-mode": "EgressSelectorMode",
    "supervisor-metrics": "SupervisorMetrics",
}
CHAIN = "Error: preparing server: failed to bootstrap cluster data: "


def is_normal(token):
    """Whether bootstrap data can be kept under it."""
    return token.is_parsed and token.bootstrap is None


def storage_key(password):
    return "/bootstrap/" + hashlib.sha256(password.encode()).hexdigest()[:12]


def collect(server_folder):
    """The bootstrap data from the disk, as JSON."""
    files = {}
    for name, path in pki.bootstrap_files(server_folder).items():
        content = tokens.read(path)
        if content is not None:
            files[name] = {"Timestamp": wire.stamp(os.stat(path).st_mtime), "Content": base64.b64encode(content).decode()}
    return json.dumps(files).encode()


def stored(database):
    """The bootstrap data in an etcd database file: the newest value of each key, read without etcd."""
    data = tokens.read(database) or b""
    found = {}
    for match in re.finditer(rb"\x0a\x17(/bootstrap/[0-9a-f]{12})", data):
        try:
            at, fields = match.end(), {}
            while data[at] in (0x10, 0x18, 0x20):
                tag = data[at]
                fields[tag], at = _varint(data, at + 1)
            if data[at] != 0x2A:
                continue
            size, at = _varint(data, at + 1)
        except IndexError:
            continue
        key = match.group(1).decode()
        if fields.get(0x18, 0) > found.get(key, (0, b""))[0]:
            found[key] = (fields[0x18], data[at:at + size])
    return {key: value for key, (_, value) in found.items()}


def _varint(data, at):
    number, shift = 0, 0
    while True:
        byte = data[at]
        number |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if not byte & 0x80:
            return number, at


def reconcile(server_folder, data):
    """Makes the disk equal to the bootstrap data, unless a file on the disk is newer."""
    paths, newer, changed = pki.bootstrap_files(server_folder), [], []
    for name, entry in json.loads(data).items():
        if name not in paths:
            continue
        path, content = paths[name], base64.b64decode(entry["Content"])
        on_disk = tokens.read(path)
        if on_disk == content:
            continue
        if on_disk is not None:
            stored_at = calendar.timegm(time.strptime(entry["Timestamp"], "%Y-%m-%dT%H:%M:%SZ"))
            if int(os.stat(path).st_mtime) - stored_at >= 3:
                newer.append(path)
                continue
            log.warning("%s will be updated from the datastore." % path)
        changed.append((path, content))
    if newer:
        log.fatal(", ".join(newer) + " newer than datastore and could cause a cluster outage. "
                  "Remove the file(s) from disk and restart to be recreated from datastore.")
    if any(os.path.exists(path) for path, _ in changed):
        log.warning("Updating bootstrap data on disk from datastore")
    for path, content in changed:
        tokens.write(path, content)


class Remote:
    """The server that --server names, as a joining server asks it."""

    def __init__(self, url, token, ca):
        self.url, self.token = url.rstrip("/"), token
        self.address = tokens.split_url(url)
        self.context = wire.client_context(ca if ca else "host")

    def get(self, path, user, timeout):
        client = wire.Client([self.address], self.context, (user, self.token.password))
        try:
            status, data = client.request("GET", path, timeout=timeout)
        finally:
            client.close()
        if status != 200:
            raise wire.NetError(tokens.refusal(status, data, client.url(path)))
        return data


def compare(settings, remote):
    """Ends the process when this server's settings do not go together with those of the cluster."""
    try:
        theirs = json.loads(remote.get("/v1-k3s/config", "node", 10))
    except (wire.NetError, ValueError) as error:
        log.warning("Skipping cluster configuration validation: %s" % error)
        return
    ours = configuration(settings)
    different = [flag for flag, name in CRITICAL.items() if theirs.get(name) != ours.get(name)]
    for flag in different:
        log.warning("critical configuration mismatched: %s" % flag)
    if different:
        log.fatal(CHAIN + "failed to validate server configuration: critical configuration value mismatch between servers")


def configuration(settings):
    """What /v1-k3s/config hands out; tokens are not part of it."""
    value = {name: settings[flag] for flag, name in CRITICAL.items()}
    value.update({
        "ClusterIPRange": settings["cluster-cidr"][0], "ServiceIPRange": settings["service-cidr"][0],
        "ServiceNodePortRange": settings["service-node-port-range"], "ClusterDNS": cluster_dns(settings), "DisableKubeProxy":
        settings["disable-kube-proxy"], "HTTPSPort": int(settings["https-listen-port"]), "SupervisorPort":
        int(settings["https-listen-port"]), "APIServerPort": 6444, "Skips": {}, "Disables": {n: True for n in settings["disable"]},
    })
    return value


def cluster_dns(settings):
    import ipaddress
    given = settings["cluster-dns"]
    return given[0] if given else str(ipaddress.ip_network(settings["service-cidr"][0])[10])


def is_initialized(server_folder):
    return os.path.isdir(server_folder + "/db/etcd/member/wal")


def load(server):
    """Stage 1 of a start. An error here ends the process; nothing listens yet."""
    settings, folder = server.settings, server.folder
    url, token = settings["server"], server.token
    if is_initialized(folder):
        log.info("Managed etcd cluster bootstrap already complete and initialized")
        if url and token and _reconcile_remote(server, url, token):
            return
        _reconcile_local(folder, token or _token_on_disk(folder))
    elif not (url and token):
        if url and settings["cluster-init"]:
            log.fatal(CHAIN + "failed to check if bootstrap data has been initialized: token is required to join a cluster")
        log.info("Managed etcd cluster initializing")
    else:
        try:
            known = tokens.read(folder + "/tls/server-ca.crt")
            server.remote = Remote(url, token, tokens.validate(url, token, known))
        except (tokens.TokenError, wire.NetError) as error:
            log.fatal(CHAIN + "failed to check if bootstrap data has been initialized: failed to validate token: %s" % error)
        log.info("Managed etcd cluster not yet initialized")
        compare(settings, server.remote)
        try:
            reconcile(folder, server.remote.get("/v1-k3s/server-bootstrap", "server", 15))
        except wire.NetError as error:
            log.fatal(CHAIN + str(error))


def _token_on_disk(folder):
    text = (tokens.read(folder + "/token") or b"").decode().strip()
    return tokens.Token(text) if text else None


def _reconcile_remote(server, url, token):
    try:
        known = tokens.read(server.folder + "/tls/server-ca.crt")
        server.remote = Remote(url, token, tokens.validate(url, token, known))
    except (tokens.TokenError, wire.NetError):
        # Nothing is said of it: a cluster that was switched off starts like this.
        return False
    try:
        data = server.remote.get("/v1-k3s/server-bootstrap", "server", 15)
    except wire.NetError as error:
        log.warning("Unable to reconcile with remote datastore: %s" % error)
        return False
    reconcile(server.folder, data)
    log.info("Successfully reconciled with remote datastore")
    return True


def _reconcile_local(folder, token):
    generation = modes.generation()
    complete = all(os.path.isdir(folder + part) and os.listdir(folder + part) for part in ("/tls", "/tls/etcd", "/cred"))
    values = stored(folder + "/db/etcd/member/snap/db")
    prefix = {"G3": CHAIN + "failed to reconcile with local datastore: "}.get(generation, "Failed to reconcile with temporary etcd: ")
    log.info("Reconciling bootstrap data between datastore and disk")
    if token and not is_normal(token):
        log.fatal(prefix + NOT_NORMAL)
    key = storage_key(token.password) if token else None
    if key not in values:
        if generation != "G3" and (not complete or not values):
            return
        log.fatal(prefix + (DIFFERENT if values else
                            "no bootstrap data found in datastore - check server token value and verify datastore integrity"))
    try:
        data = crypto.decrypt(token.password, values[key])
    except ValueError as error:
        log.fatal(prefix + str(error))
    reconcile(folder, data)
    log.info("Successfully reconciled with local datastore")


def save(server):
    """Puts the bootstrap data into etcd unless it is there. The error of other servers' data under another token is the caller's."""
    if server.token and not is_normal(server.token):
        raise ValueError(NOT_NORMAL)
    key = storage_key(server.passwords.password("server"))
    entries, _ = server.etcd.range("/bootstrap/", keys_only=True)
    if not entries:
        server.etcd.put(key, crypto.encrypt(server.passwords.password("server"), collect(server.folder)), 0)
    elif key not in [entry.key for entry in entries]:
        raise ValueError(DIFFERENT)


def rotate(server, new):
    """Gives the cluster another server token."""
    old = storage_key(server.passwords.password("server"))
    for name, role in (("server", "k3s:server"),) + ((("node", "k3s:agent"),) if not server.agent_token else ()):
        server.passwords.set(name, new, role)
    server.passwords.write()
    server.etcd.put(storage_key(new), crypto.encrypt(new, collect(server.folder)))
    server.etcd.delete(old)
    server.write_tokens()
