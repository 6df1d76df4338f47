"""The certificates and keys below server/tls, and what is issued to nodes."""
import json
import base64
import os
import time

from . import crypto, tokens

AUTHORITIES = {
    "server-ca": "k3s-server-ca", "client-ca": "k3s-client-ca", "request-header-ca": "k3s-request-header-ca",
    "etcd/server-ca": "etcd-server-ca", "etcd/peer-ca": "etcd-peer-ca",
}
RENEW_DAYS = 120


def bootstrap_files(server):
    """The files that every server of a cluster shares, by their name in the bootstrap data."""
    tls, cred = server + "/tls/", server + "/cred/"
    return {
        "ServerCA": tls + "server-ca.crt", "ServerCAKey": tls + "server-ca.key", "ClientCA": tls + "client-ca.crt",
        "ClientCAKey": tls + "client-ca.key", "ServiceKey": tls + "service.key", "PasswdFile": cred + "passwd",
        "RequestHeaderCA": tls + "request-header-ca.crt", "RequestHeaderCAKey": tls + "request-header-ca.key",
        "IPSECKey": cred + "ipsec.psk", "EncryptionConfig": cred + "encryption-config.json",
        "EncryptionHash": cred + "encryption-state.json", "ETCDServerCA": tls + "etcd/server-ca.crt",
        "ETCDServerCAKey": tls + "etcd/server-ca.key", "ETCDPeerCA": tls + "etcd/peer-ca.crt", "ETCDPeerCAKey": tls + "etcd/peer-ca.key",
    }


class Authorities:
    def __init__(self, tls):
        self.tls, self.loaded = tls, {}

    def ensure(self):
        for name, title in AUTHORITIES.items():
            path = "%s/%s" % (self.tls, name)
            if os.path.exists(path + ".crt") and os.path.exists(path + ".key"):
                continue
            key = crypto.Key()
            der = crypto.certificate(key, None, key.public(), "%s@%d" % (title, time.time()), is_ca=True, days=3650)
            tokens.write(path + ".key", key.pem())
            tokens.write(path + ".crt", crypto.pem("CERTIFICATE", der), 0o644)
        for path in (self.tls + "/service.key",):
            if not os.path.exists(path):
                tokens.write(path, crypto.Key().pem())

    def get(self, name):
        if name not in self.loaded:
            path = "%s/%s" % (self.tls, name)
            self.loaded[name] = (crypto.Key(tokens.read(path + ".key")), crypto.Certificate(crypto.unpem(tokens.read(path + ".crt"))))
        return self.loaded[name]

    def issue(self, authority, public, common_name, organizations=(), usages=("client",), names=()):
        """PEM of the leaf and of its authority."""
        key, certificate = self.get(authority)
        leaf = crypto.certificate(key, certificate, public, common_name, organizations, usages, names)
        return crypto.pem("CERTIFICATE", leaf) + tokens.read("%s/%s.crt" % (self.tls, authority))

    def leaf(self, name, authority, common_name, organizations=(), usages=("client",), names=()):
        """Makes server/tls/NAME.{crt,key} unless they are good for long enough."""
        path = "%s/%s" % (self.tls, name)
        old = tokens.read(path + ".crt")
        if old and os.path.exists(path + ".key") and not names:
            _, issuer = self.get(authority)
            found = crypto.Certificate(crypto.unpem(old))
            if found.issuer == issuer.subject and found.not_after - time.time() > RENEW_DAYS * 86400:
                return
        key = crypto.Key(tokens.read(path + ".key")) if os.path.exists(path + ".key") else crypto.Key()
        tokens.write(path + ".key", key.pem())
        tokens.write(path + ".crt", self.issue(authority, key.public(), common_name, organizations, usages, names), 0o644)

    def leaves(self, hosts):
        masters = ["system:masters"]
        for name, user, groups in [
            ("client-admin", "system:admin", masters), ("client-supervisor", "system:k3s-supervisor", masters),
            ("client-controller", "system:kube-controller-manager", []), ("client-scheduler", "system:kube-scheduler", []),
            ("client-k3s-cloud-controller", "k3s-cloud-controller-manager", []), ("client-kube-apiserver", "system:apiserver", masters),
            ("client-kube-proxy", "system:kube-proxy", []), ("client-k3s-controller", "system:k3s-controller", []),
        ]:
            self.leaf(name, "client-ca", user, groups)
        self.leaf("client-auth-proxy", "request-header-ca", "system:auth-proxy")
        both = ("server", "client")
        self.leaf("serving-kube-apiserver", "server-ca", "kube-apiserver", usages=("server",), names=hosts)
        self.leaf("etcd/client", "etcd/server-ca", "etcd-client")
        self.leaf("etcd/server-client", "etcd/server-ca", "etcd-server", usages=both, names=hosts)
        self.leaf("etcd/peer-server-client", "etcd/peer-ca", "etcd-peer", usages=both, names=hosts)

    def listener(self, hosts):
        """Certificate and key of port 6443 in PEM; dynamic-cert.json has them as a secret."""
        key = crypto.Key()
        chain = self.issue("server-ca", key.public(), "k3s", ["k3s"], ("server",), hosts)
        secret = {"kind": "Secret", "apiVersion": "v1", "metadata": {"name": "k3s-serving", "namespace": "kube-system"},
                  "type": "kubernetes.io/tls", "data": {"tls.crt": base64.b64encode(chain).decode(),
                                                        "tls.key": base64.b64encode(key.pem()).decode()}}
        tokens.write(self.tls + "/dynamic-cert.json", json.dumps(secret))
        return chain, key.pem()


def load_chain(context, chain, key):
    """Gives a TLS context a certificate that lies in memory alone."""
    handles = []
    try:
        for data in (chain, key):
            handle = os.memfd_create("certificate")
            handles.append(handle)
            os.write(handle, data)
            os.lseek(handle, 0, 0)
        context.load_cert_chain(*["/proc/self/fd/%d" % handle for handle in handles])
    finally:
        for handle in handles:
            os.close(handle)


def kubeconfig(server, ca, certificate, key):
    """A kubeconfig with all data embedded; everything in it is named default."""
    text = lambda data: base64.b64encode(data).decode()
    return ("apiVersion: v1\nclusters:\n- cluster:\n    certificate-authority-data: %s\n    server: %s\n  name: default\ncontexts:\n"
            "- context:\n    cluster: default\n    user: default\n  name: default\ncurrent-context: default\nkind: Config\n"
            "preferences: {}\nusers:\n- name: default\n  user:\n    client-certificate-data: %s\n    client-key-data: %s\n"
            % (text(ca), server, text(certificate), text(key)))
