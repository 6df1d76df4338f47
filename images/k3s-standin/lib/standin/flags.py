"""Settings: the command line, config.yaml, the environment, defaults, in this order of weight."""
import base64
import hashlib
import json
import os
import sys

from . import log

# s: text, l: list (repeated, or with commas), b: switch. Aliases after the name.
_BOTH = {
    "config,c": "s", "debug": "b", "v": "s", "vmodule": "s", "log,l": "s", "alsologtostderr": "b", "token,t": "s", "token-file": "s",
    "server,s": "s", "data-dir,d": "s", "node-name": "s", "with-node-id": "b", "node-label": "l", "node-taint": "l",
    "image-credential-provider-bin-dir": "s", "image-credential-provider-config": "s", "selinux": "b", "lb-server-port": "s",
    "protect-kernel-defaults": "b", "container-runtime-endpoint": "s", "default-runtime": "s", "image-service-endpoint": "s",
    "pause-image": "s", "snapshotter": "s", "private-registry": "s", "disable-default-registry-endpoint": "b", "nonroot-devices": "b",
    "airgap-extra-registry": "l", "node-ip,i": "l", "bind-address": "s", "node-external-ip": "l", "node-internal-dns": "l",
    "node-external-dns": "l", "resolv-conf": "s", "flannel-iface": "s", "flannel-conf": "s", "flannel-cni-conf": "s", "kubelet-arg": "l",
    "kube-proxy-arg": "l", "enable-pprof": "b", "rootless": "b", "prefer-bundled-bin": "b", "docker": "b", "vpn-auth": "s",
    "vpn-auth-file": "s",
}
_AGENT = dict(_BOTH, **{"disable-apiserver-lb": "b"})
_SERVER = dict(_BOTH, **{
    "https-listen-port": "s", "supervisor-port": "s", "apiserver-port": "s", "apiserver-bind-address": "s", "advertise-address": "s",
    "advertise-port": "s", "tls-san": "l", "tls-san-security": "b", "cluster-cidr": "l", "service-cidr": "l",
    "service-node-port-range": "s", "cluster-dns": "l", "cluster-domain": "s", "flannel-backend": "s", "flannel-ipv6-masq": "b",
    "flannel-external-ip": "b", "egress-selector-mode": "s", "servicelb-namespace": "s", "write-kubeconfig,o": "s",
    "write-kubeconfig-mode": "s", "write-kubeconfig-group": "s", "helm-job-image": "s", "agent-token": "s", "agent-token-file": "s",
    "cluster-init": "b", "cluster-reset": "b", "cluster-reset-restore-path": "s", "kube-apiserver-arg": "l", "etcd-arg": "l",
    "kube-controller-manager-arg": "l", "kube-scheduler-arg": "l", "kube-cloud-controller-manager-arg": "l", "kube-controller-arg": "l",
    "kube-cloud-controller-arg": "l", "kine-tls": "b", "datastore-endpoint": "s", "datastore-cafile": "s", "datastore-certfile": "s",
    "datastore-keyfile": "s", "etcd-expose-metrics": "b", "etcd-disable-snapshots": "b", "etcd-snapshot-name": "s",
    "etcd-snapshot-schedule-cron": "s", "etcd-snapshot-reconcile-interval": "s", "etcd-snapshot-retention": "s", "etcd-snapshot-dir": "s",
    "etcd-snapshot-compress": "b", "etcd-s3": "b", "etcd-s3-endpoint": "s", "etcd-s3-endpoint-ca": "s", "etcd-s3-skip-ssl-verify": "b",
    "etcd-s3-access-key": "s", "etcd-s3-secret-key": "s", "etcd-s3-session-token": "s", "etcd-s3-bucket": "s",
    "etcd-s3-bucket-lookup-type": "s", "etcd-s3-region": "s", "etcd-s3-folder": "s", "etcd-s3-retention": "s", "etcd-s3-proxy": "s",
    "etcd-s3-config-secret": "s", "etcd-s3-insecure": "b", "etcd-s3-timeout": "s", "default-local-storage-path": "s", "disable": "l",
    "disable-scheduler": "b", "disable-cloud-controller": "b", "disable-kube-proxy": "b", "disable-network-policy": "b",
    "disable-helm-controller": "b", "disable-apiserver": "b", "disable-controller-manager": "b", "disable-etcd": "b", "disable-agent": "b",
    "embedded-registry": "b", "supervisor-metrics": "b", "system-default-registry": "s", "secrets-encryption": "b",
    "secrets-encryption-provider": "s",
})
_ENVIRONMENT = {
    "token": "K3S_TOKEN", "token-file": "K3S_TOKEN_FILE", "server": "K3S_URL", "data-dir": "K3S_DATA_DIR", "node-name": "K3S_NODE_NAME",
    "agent-token": "K3S_AGENT_TOKEN", "agent-token-file": "K3S_AGENT_TOKEN_FILE", "cluster-init": "K3S_CLUSTER_INIT",
    "cluster-reset": "K3S_CLUSTER_RESET", "write-kubeconfig": "K3S_KUBECONFIG_OUTPUT", "write-kubeconfig-mode": "K3S_KUBECONFIG_MODE",
    "write-kubeconfig-group": "K3S_KUBECONFIG_GROUP", "debug": "K3S_DEBUG", "resolv-conf": "K3S_RESOLV_CONF", "selinux": "K3S_SELINUX",
    "lb-server-port": "K3S_LB_SERVER_PORT", "config": "K3S_CONFIG_FILE", "supervisor-port": "K3S_SUPERVISOR_PORT",
    "apiserver-port": "K3S_APISERVER_PORT", "apiserver-bind-address": "K3S_APISERVER_BIND_ADDRESS", "vpn-auth": "K3S_VPN_AUTH",
    "vpn-auth-file": "K3S_VPN_AUTH_FILE", "datastore-endpoint": "K3S_DATASTORE_ENDPOINT", "datastore-cafile": "K3S_DATASTORE_CAFILE",
    "datastore-certfile": "K3S_DATASTORE_CERTFILE", "datastore-keyfile": "K3S_DATASTORE_KEYFILE",
    "etcd-s3-access-key": "AWS_ACCESS_KEY_ID", "etcd-s3-secret-key": "AWS_SECRET_ACCESS_KEY", "etcd-s3-session-token": "AWS_SESSION_TOKEN",
    "system-default-registry": "K3S_SYSTEM_DEFAULT_REGISTRY",
}
_DEFAULTS = {
    "data-dir": "/var/lib/rancher/k3s", "private-registry": "/etc/rancher/k3s/registries.yaml", "cluster-cidr": ["10.42.0.0/16"],
    "service-cidr": ["10.43.0.0/16"], "cluster-domain": "cluster.local", "flannel-backend": "vxlan", "egress-selector-mode": "agent",
    "https-listen-port": "6443", "service-node-port-range": "30000-32767", "write-kubeconfig-mode": "0600", "etcd-snapshot-retention": "5",
    "etcd-snapshot-name": "etcd-snapshot", "pause-image": "rancher/mirrored-pause:3.6",
}
_PAIRS = {"kubelet-arg", "kube-proxy-arg", "kube-apiserver-arg", "etcd-arg", "kube-controller-manager-arg", "kube-scheduler-arg",
          "kube-cloud-controller-manager-arg"}
# What has a secret behind it, among arguments and variables alike. An option of one hyphen with its value in one word is not split, and so shown.
SECRETS = ("K3S_TOKEN", "K3S_DATASTORE_ENDPOINT", "K3S_AGENT_TOKEN", "K3S_CLUSTER_SECRET", "K3S_VPN_AUTH", "AWS_ACCESS_KEY_ID",
           "AWS_SECRET_ACCESS_KEY", "--token", "-t", "--agent-token", "--datastore-endpoint", "--etcd-s3-access-key", "--etcd-s3-secret-key",
           "--vpn-auth")
OMITTED = "********"


class UsageError(Exception):
    pass


class Settings(dict):
    """The value of each flag: text, list of text, or truth. What was not given has its default, or is empty."""

    def __missing__(self, key):
        return {"l": [], "b": False}.get(self.kinds.get(key), "")


def _table(command):
    kinds, names = {}, {}
    for text, kind in (_SERVER if command == "server" else _AGENT).items():
        name, *aliases = text.split(",")
        kinds[name] = kind
        for each in [name] + aliases:
            names[each] = name
    return kinds, names


def _truth(text):
    return str(text).lower() in ("1", "t", "true", "yes")


def parse(command, arguments):
    """Settings of `k3s server` or `k3s agent`, and the arguments as given (for the node's annotations)."""
    kinds, names = _table(command)
    given = _command_line(arguments, kinds, names)
    path = os.environ.get("K3S_CONFIG_FILE") or given.get("config") or "/etc/rancher/k3s/config.yaml"
    merged = _config_files(path, command, kinds, names)
    for name, value in given.items():
        merged[name] = merged.get(name, []) + value if kinds[name] == "l" else value
    settings = Settings(_DEFAULTS)
    settings.kinds = kinds
    for name, variable in _ENVIRONMENT.items():
        if os.environ.get(variable) and name in kinds:
            settings[name] = _truth(os.environ[variable]) if kinds[name] == "b" else os.environ[variable]
    settings.update(merged)
    return settings


def _add(values, kinds, name, text):
    if kinds[name] == "l":
        # The value of an argument for another program may have commas of its own.
        values.setdefault(name, []).extend([text] if name in _PAIRS else text.split(","))
    else:
        values[name] = text


def _command_line(arguments, kinds, names):
    values, rest = {}, list(arguments)
    while rest:
        argument = rest.pop(0)
        if not argument.startswith("-") or argument == "-":
            raise UsageError("invalid arguments: %s" % argument)
        flag, has_value, text = argument.lstrip("-").partition("=")
        if flag not in names:
            raise UsageError("flag provided but not defined: -%s" % flag)
        name = names[flag]
        if kinds[name] == "b":
            values[name] = _truth(text) if has_value else True
            continue
        if not has_value:
            if not rest:
                raise UsageError("flag needs an argument: -%s" % flag)
            text = rest.pop(0)
        _add(values, kinds, name, text)
    return values


def _config_files(path, command, kinds, names):
    folder = path + ".d"
    files = [path] if os.path.exists(path) else []
    if os.path.isdir(folder):
        files += [os.path.join(folder, n) for n in sorted(os.listdir(folder)) if n.endswith((".yaml", ".yml"))]
    values = {}
    if not files:
        return values
    for file in files:
        for key, value in read_yaml(file).items():
            append = key.endswith("+")
            flag = key.rstrip("+")
            if flag not in names:
                if command == "agent":
                    raise UsageError("flag provided but not defined: -%s" % flag)
                log.warning("Unknown flag --%s found in config.yaml, skipping\n" % flag)
                continue
            name = names[flag]
            texts = [str(v).lower() if isinstance(v, bool) else str(v) for v in (value if isinstance(value, list) else [value])]
            if kinds[name] == "b":
                values[name] = _truth(texts[0])
                continue
            if kinds[name] == "l" and not append:
                values.pop(name, None)
            for text in texts:
                _add(values, kinds, name, text)
    return values


def read_yaml(file):
    # Imported here: most starts have no such file, and the start of a guest's Python is slow.
    if "/usr/lib/python3/dist-packages" not in sys.path:
        sys.path.append("/usr/lib/python3/dist-packages")
    import yaml
    try:
        with open(file) as handle:
            found = yaml.safe_load(handle) or {}
    except yaml.YAMLError as error:
        raise UsageError("yaml: " + str(error).replace("\n", " ")) from None
    if not isinstance(found, dict):
        raise UsageError("yaml: unmarshal errors: no mapping in %s" % file)
    return found


def go_json(value):
    """JSON as Go's encoding/json writes it: without spaces, maps in the order of their keys, and with what HTML minds escaped."""
    text = json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
    for letter in "<>&":
        text = text.replace(letter, "\\u%04x" % ord(letter))
    return text


def masked(arguments):
    """The arguments with the values of secrets as asterisks."""
    out = []
    for argument in arguments:
        out += argument.split("=", 1) if argument.startswith("--") and "=" in argument else [argument]
    for at in range(len(out) - 1):
        if out[at] in SECRETS:
            out[at + 1] = OMITTED
    return out


def masked_environment(variables):
    # What begins with K3S_STANDIN is the stand-in's own.
    return {name: OMITTED if name in SECRETS else value for name, value in variables.items()
            if name.startswith("K3S_") and not name.startswith("K3S_STANDIN")}


def annotations(arguments, variables):
    """What a node says of how it was started, and the hash of that."""
    given, environment = go_json(masked(arguments)), go_json(masked_environment(variables))
    digest = hashlib.sha256((given + environment).encode()).digest()
    return {"k3s.io/node-args": given, "k3s.io/node-env": environment, "k3s.io/node-config-hash": base64.b32encode(digest).decode()}
