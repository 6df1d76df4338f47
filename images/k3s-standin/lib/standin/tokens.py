"""Tokens: their forms, the check of the CA hash, and the password file of a server."""
import hashlib
import os
import re

from . import crypto, log, wire


class TokenError(Exception):
    pass


class Token:
    """`<password>`, `K10<hash>::<user>:<password>`, or a bootstrap token `<id>.<secret>` bare or behind the hash."""

    def __init__(self, text):
        if not text:
            raise TokenError("token must not be empty")
        self.hash, self.user, self.password, self.bootstrap, self.is_parsed = "", "", text, None, True
        if text.startswith("K10"):
            head, found, rest = text[3:].partition("::")
            if found:
                if head and len(head) != 64:
                    raise TokenError("invalid token CA hash length")
                self.hash = head
            else:
                rest = head
            if re.fullmatch(r"[a-z0-9]{6}\.[a-z0-9]{16}", rest):
                self.bootstrap = self.password = rest
            else:
                self.user, found, self.password = rest.partition(":")
                if not found or not self.password:
                    raise TokenError("invalid token format")
        elif re.fullmatch(r"[a-z0-9]{6}\.[a-z0-9]{16}", text):
            self.bootstrap = text

    @classmethod
    def unparsed(cls, text):
        """What a first server makes of a text that has no form of a token: a password, which it cannot save its bootstrap data under."""
        token = cls.__new__(cls)
        token.hash, token.user, token.password, token.bootstrap, token.is_parsed = "", "", text, None, False
        return token


def normalized(text):
    """The password that bootstrap data is kept under; nil for what has no user and password, bootstrap tokens among it."""
    try:
        token = Token(text)
    except TokenError:
        return None
    return None if token.bootstrap else token.password


def ca_hash(data):
    """One certificate: of the bytes as they are on disk. Several: of the DER of the root that the first chains to; without such a chain as one."""
    blocks = re.findall(rb"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", data, re.S)
    if len(blocks) > 1:
        ders = [crypto.unpem(block) for block in blocks]
        parsed = [crypto.Certificate(der) for der in ders]
        # The first is what the chain is sought for, and so never its own root.
        at, seen = 0, set()
        while at is not None and at not in seen:
            if seen and parsed[at].issuer == parsed[at].subject:
                return hashlib.sha256(ders[at]).hexdigest()
            seen.add(at)
            at = next((i for i, other in enumerate(parsed) if i > 0 and other.subject == parsed[at].issuer), None)
    return hashlib.sha256(data).hexdigest()


def full(ca, user, password):
    return "K10%s::%s:%s" % (ca_hash(ca), user, password)


def split_url(url):
    match = re.fullmatch(r"(\w+)://(\[[0-9a-fA-F:.]+\]|[^:/]+)(?::(\d+))?/?", url or "")
    if not match or match.group(1) != "https":
        raise TokenError("only https:// URLs are supported, invalid scheme: " + (url or ""))
    return match.group(2).strip("[]"), int(match.group(3) or 443)


def _fetch(host, port, context):
    client = wire.Client([(host, port)], context)
    try:
        status, data = client.request("GET", "/cacerts", timeout=10)
    finally:
        client.close()
    if status != 200:
        raise wire.NetError(refusal(status, data, client.url("/cacerts")))
    return data


def refusal(status, data, url):
    """The message of a Status object; for another body the URL and the status line."""
    import json
    try:
        value = json.loads(data)
        if value["kind"] == "Status":
            return value["message"]
    except (ValueError, KeyError, TypeError):
        pass
    return "%s: %d %s" % (url, status, wire.REASONS.get(status, ""))


def validate(url, token, known_ca=None):
    """The CA of the server at `url`, checked against the token's hash: three GETs of /cacerts, one attempt each, 10 s each."""
    host, port = split_url(url)
    if known_ca and token.hash and ca_hash(known_ca) == token.hash:
        return known_ca
    try:
        _fetch(host, port, wire.client_context("host"))
        return None
    except wire.NetError:
        pass
    try:
        ca = _fetch(host, port, wire.client_context(verify=False))
    except wire.NetError as error:
        raise TokenError("failed to get CA certs: %s" % error) from None
    try:
        _fetch(host, port, wire.client_context(ca))
    except (wire.NetError, ValueError, OSError) as error:
        raise TokenError("CA cert validation failed: %s" % _with_times(str(error), host, port)) from None
    if not token.hash:
        log.warning("Cluster CA certificate is not trusted by the host CA bundle, but the token does not include a CA hash. "
                    "Use the full token from the server's node-token file to enable Cluster CA validation.")
    elif ca_hash(ca) != token.hash:
        raise TokenError("token CA hash does not match the Cluster CA certificate hash: %s != %s" % (token.hash, ca_hash(ca)))
    return ca


def _with_times(text, host, port):
    """Adds the certificate's own time, which Python's error lacks and Go's has."""
    import socket
    for words, field in (("is before the certificate's", "not_before"), ("is after the certificate's", "not_after")):
        if words in text:
            try:
                with wire.client_context(verify=False).wrap_socket(socket.create_connection((host, port), 5)) as sock:
                    seconds = getattr(crypto.Certificate(sock.getpeercert(True)), field)
                return text.replace("the certificate's", wire.stamp(seconds))
            except (OSError, ValueError, IndexError):
                pass
    return text


class Passwords:
    """server/cred/passwd: `password,name,name,role` for each line."""

    def __init__(self, path):
        self.path, self.rows = path, {}
        if os.path.exists(path):
            for line in open(path):
                fields = line.rstrip("\n").split(",")
                if len(fields) >= 4:
                    self.rows[fields[1]] = (fields[0], fields[3])

    def password(self, name):
        return self.rows.get(name, ("", ""))[0]

    def set(self, name, password, role):
        self.rows[name] = (password, role)

    def write(self):
        write(self.path, "".join("%s,%s,%s,%s\n" % (p, n, n, r) for n, (p, r) in sorted(self.rows.items())))

    def check(self, name, password):
        """The role; nil when name or password is wrong."""
        import hmac
        known, role = self.rows.get(name, (None, None))
        return role if known and hmac.compare_digest(known.encode(), password.encode()) else None


def write(path, content, mode=0o600):
    """Writes a file with this mode, in one step for its readers."""
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    data = content.encode() if isinstance(content, str) else content
    handle = os.open(path + ".new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(data)
    except OSError as error:
        raise OSError(error.errno, error.strerror, path) from None
    os.replace(path + ".new", path)


def words(error):
    """What Go says of a file that cannot be written."""
    return "write %s: %s" % (error.filename, (error.strerror or str(error)).lower())


def link(path, target):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
    os.symlink(target, path)


def read(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except (FileNotFoundError, NotADirectoryError):
        return None
