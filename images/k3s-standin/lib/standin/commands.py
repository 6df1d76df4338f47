"""`k3s token` and `k3s etcd-snapshot`."""
import base64
import calendar
import json
import os
import random
import re
import string
import sys
import time

from . import log, tokens, wire

SECRETS = "/api/v1/namespaces/kube-system/secrets"
# What a bootstrap token is for, and the group that its bearer is in, unless an option says otherwise.
USAGES, GROUPS = "signing,authentication", "system:bootstrappers:k3s:default-node-token"
TOKEN_COLUMNS = ("TOKEN", "TTL", "EXPIRES", "USAGES", "DESCRIPTION", "EXTRA GROUPS")
SNAPSHOT_COLUMNS = ("Name", "Location", "Size", "Created")
# Options without a value.
SWITCHES = ("s3", "etcd-s3", "snapshot-compress", "etcd-snapshot-compress", "debug")


def table(rows, minimum=0, padding=1):
    """Rows as Go's text/tabwriter lines them up: each column as wide as its widest cell, the last one as it is."""
    widths = [max(minimum, max(len(row[i]) for row in rows) + padding) for i in range(len(rows[0]) - 1)]
    return "".join("".join(cell.ljust(width) for cell, width in zip(row, widths)) + row[-1] + "\n" for row in rows)


def _options(arguments):
    """Options as `--name value` or `--name=value`, and what is left."""
    values, rest, queue = {}, [], list(arguments)
    while queue:
        text = queue.pop(0)
        if text.startswith("-"):
            name, found, value = text.lstrip("-").partition("=")
            values[name] = value if found else "true" if name in SWITCHES else queue.pop(0) if queue else ""
        else:
            rest.append(text)
    return values, rest


def _admin(data):
    tls = data + "/server/tls"
    ca = tokens.read(tls + "/server-ca.crt")
    if not ca:
        log.fatal("Error: no server certificates below %s; is this a server?" % data)
    return wire.Client([("127.0.0.1", 6443)], wire.client_context(ca, (tls + "/client-admin.crt", tls + "/client-admin.key")))


def _call(client, method, path, body=None, prefix=""):
    try:
        status, data = client.request(method, path, json.dumps(body).encode() if body is not None else None,
                                      {"Content-Type": "application/json"}, 120)
    except wire.NetError as error:
        log.fatal("Error: %s%s" % (prefix, error))
    if status >= 300:
        log.fatal("Error: %s%s" % (prefix, tokens.refusal(status, data, client.url(path))))
    return json.loads(data or b"{}")


def _generate():
    letters = string.ascii_lowercase + string.digits
    pick = random.SystemRandom().choice
    return "".join(pick(letters) for _ in range(6)) + "." + "".join(pick(letters) for _ in range(16))


def token(arguments):
    action, (values, rest) = (arguments or ["list"])[0], _options(arguments[1:])
    data = values.get("data-dir") or values.get("d") or "/var/lib/rancher/k3s"
    if action == "generate":
        print(_generate())
    elif action == "create":
        _create(_admin(data), data, values, rest)
    elif action == "delete":
        if not rest:
            log.fatal("Error: missing argument; 'token delete' is missing token")
        _delete(_admin(data), rest)
    elif action == "rotate":
        _rotate(data, values)
    elif action == "list":
        _list(_admin(data), values.get("output") or values.get("o") or "text")
    else:
        print("No help topic for '%s'" % action, file=sys.stderr)
        sys.exit(3)


def _create(client, data, values, rest):
    text = rest[0] if rest else _generate()
    if not re.fullmatch(r"[a-z0-9]{6}\.[a-z0-9]{16}", text):
        log.fatal('Error: the bootstrap token %s was not of the form "\\\\A([a-z0-9]{6})\\\\.([a-z0-9]{16})\\\\z"' % json.dumps(text))
    name, secret = text.split(".")
    fields = {"token-id": name, "token-secret": secret, "auth-extra-groups": values.get("groups", GROUPS)}
    fields.update(("usage-bootstrap-" + usage, "true") for usage in values.get("usages", USAGES).split(","))
    if values.get("description"):
        fields["description"] = values["description"]
    seconds = duration(values.get("ttl", "24h"))
    if seconds:
        fields["expiration"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))
    try:
        if client.request("GET", "%s/bootstrap-token-%s" % (SECRETS, name))[0] == 200:
            log.fatal('Error: a token with id "%s" already exists' % name)
    except wire.NetError as error:
        log.fatal("Error: %s" % error)
    _call(client, "POST", SECRETS, {"metadata": {"name": "bootstrap-token-" + name}, "type": "bootstrap.kubernetes.io/token", "data": {
        key: base64.b64encode(value.encode()).decode() for key, value in fields.items()}})
    print("K10%s::%s.%s" % (tokens.ca_hash(tokens.read(data + "/server/tls/server-ca.crt")), name, secret))


def duration(text):
    """Seconds of a duration as Go writes it: `24h`, `1h30m`, `0`."""
    return int(sum(float(number) * {"h": 3600, "m": 60, "s": 1}[unit] for number, unit in re.findall(r"([0-9.]+)(h|m|s)", text)))


def _delete(client, rest):
    for text in rest:
        match = re.fullmatch(r"([a-z0-9]{6})(\.[a-z0-9]{16})?", text)
        if not match:
            log.fatal('Error: given token didn\'t match pattern "\\\\A([a-z0-9]{6})\\\\z" or "\\\\A([a-z0-9]{6})\\\\.([a-z0-9]{16})\\\\z"')
        name = match.group(1)
        _call(client, "DELETE", "%s/bootstrap-token-%s" % (SECRETS, name), prefix='failed to delete bootstrap token "%s": ' % name)
        print('bootstrap token "%s" deleted' % name)


def _rotate(data, values):
    print("\033[33mWARNING\033[0m: Recommended to keep a record of the old token. If restoring from a snapshot, you must use the token "
          "associated with that snapshot.")
    text = values.get("token") or values.get("t") or (tokens.read(data + "/server/token") or b"").decode().strip()
    try:
        old = tokens.Token(text)
    except tokens.TokenError as error:
        log.fatal("Error: %s" % error)
    ca = tokens.read(data + "/server/tls/server-ca.crt")
    client = wire.Client([("127.0.0.1", 6443)], wire.client_context(ca), ("server", old.password))
    _call(client, "PUT", "/v1-k3s/token", {"newToken": values.get("new-token") or ""})
    time.sleep(1)
    print("Token rotated, restart k3s nodes with new token")


def _list(client, output):
    if output not in ("text", "json", "yaml"):
        log.fatal("Error: invalid output format: " + output)
    found = []
    for item in _call(client, "GET", SECRETS)["items"]:
        if item.get("type") == "bootstrap.kubernetes.io/token":
            found.append({key: base64.b64decode(value).decode() for key, value in item["data"].items()})
    sys.stdout.write(token_list(found, output, time.time()))


def _usages(fields):
    return sorted(key[len("usage-bootstrap-"):] for key, value in fields.items() if key.startswith("usage-bootstrap-") and value == "true")


def token_list(found, output, now):
    if output != "text":
        values = []
        for fields in found:
            value = {"description": fields.get("description"), "expires": fields.get("expiration"), "usages": _usages(fields),
                     "groups": [g for g in fields.get("auth-extra-groups", "").split(",") if g]}
            # The parts of the token itself have no names in k3s's JSON.
            values.append(dict({"token": {}}, **{key: each for key, each in value.items() if each}))
        # What is JSON is YAML as well.
        return json.dumps(values, separators=(",", ":")) + "\n"
    rows = [TOKEN_COLUMNS]
    for fields in found:
        expires = fields.get("expiration")
        left = short_duration(calendar.timegm(time.strptime(expires, "%Y-%m-%dT%H:%M:%SZ")) - now) if expires else "<forever>"
        rows.append((fields["token-id"], left, expires or "<never>", ",".join(_usages(fields)) or "<none>",
                     fields.get("description") or "<none>", fields.get("auth-extra-groups") or "<none>"))
    return table(rows, 10, 3)


def short_duration(seconds):
    """As Kubernetes' ShortHumanDuration: the largest unit alone."""
    seconds = int(seconds)
    if seconds < -1:
        return "<invalid>"
    for size, unit in ((365 * 86400, "y"), (86400, "d"), (3600, "h"), (60, "m")):
        if seconds >= size:
            return "%d%s" % (seconds // size, unit)
    return "%ds" % max(0, seconds)


def snapshot(arguments):
    action = arguments[0] if arguments and not arguments[0].startswith("-") else "save"
    values, rest = _options(arguments[1:] if arguments and arguments[0] == action else arguments)
    output = values.get("output", values.get("o", ""))
    if action in ("ls", "list", "l") and output not in ("", "json", "yaml", "table"):
        log.fatal("Error: invalid output format: " + output)
    if action == "delete" and not rest:
        log.fatal("Error: no snapshots given for removal")
    if action == "save" and rest:
        log.fatal("Error: this command does not take any arguments")
    body = request(action, values, rest)
    data = values.get("data-dir") or values.get("d") or "/var/lib/rancher/k3s"
    try:
        text = values.get("etcd-token") or values.get("t") or (tokens.read(data + "/server/token") or b"").decode().strip()
        password = tokens.Token(text).password
    except tokens.TokenError as error:
        log.fatal("Error: %s" % error)
    client = wire.Client([("127.0.0.1", 6443)], wire.client_context(tokens.read(data + "/server/tls/server-ca.crt")), ("server", password))
    answer = _call(client, "POST", "/db/snapshot", body, "see server log for details: ")
    for name in answer.get("created") or []:
        log.info("Snapshot %s saved." % name)
    for name in (answer.get("deleted") or []) if action != "save" else []:
        log.info("Snapshot %s deleted." % name)
    for name in rest if action == "delete" else []:
        if name not in (answer.get("deleted") or []):
            log.warning("Snapshot %s not found." % name)
    if body["operation"] == "list":
        sys.stdout.write(snapshot_list(answer, output))


def request(action, values, rest):
    """What is asked of the server."""
    body = {"operation": "list" if action in ("ls", "list", "l") else action}
    if action == "delete":
        body["name"] = rest
    elif action in ("save", "prune"):
        body["name"] = [values.get("name") or "on-demand"]
    for name, key in (("snapshot-retention", "retention"), ("etcd-snapshot-retention", "retention")):
        if name in values:
            body[key] = int(values[name])
    folder = values.get("etcd-snapshot-dir") or values.get("dir")
    if folder:
        body["dir"] = folder
    if action == "save":
        # Nothing is pruned with it.
        body["retention"] = 0
    return body


def snapshot_list(answer, output):
    items = sorted(answer["items"], key=lambda item: (item["status"]["creationTime"], item["spec"]["snapshotName"]))
    if output in ("json", "yaml"):
        return json.dumps(dict(answer, items=items), indent=4) + "\n"
    return table([SNAPSHOT_COLUMNS] + [(item["spec"]["snapshotName"], item["spec"]["location"], item["status"]["size"],
                                        item["status"]["creationTime"]) for item in items])
