"""What a server does with snapshots of its etcd when `k3s etcd-snapshot` asks."""
import json
import os
import time

from . import log
from .wire import Reply


def answer(server, request, asked):
    operation, names = asked.get("operation"), asked.get("name") or []
    folder = asked.get("dir") or server.settings["etcd-snapshot-dir"] or server.folder + "/db/snapshots"
    if operation not in ("save", "list", "prune", "delete"):
        from .supervisor import Supervisor
        return Supervisor.failure(request, 400, "invalid snapshot operation")
    os.makedirs(folder, 0o700, exist_ok=True)
    if operation == "save":
        value = {"created": [_save(server, folder, (names or [server.settings["etcd-snapshot-name"]])[0])]}
    elif operation == "list":
        # The kind is that of a list in general, not of this one.
        value = {"kind": "List", "apiVersion": "v1", "metadata": {}, "items": [_item(server, folder, name) for name in os.listdir(folder)]}
    else:
        if operation == "prune":
            kept = int(asked.get("retention") or server.settings["etcd-snapshot-retention"])
            names = prunable(os.listdir(folder), (names or [server.settings["etcd-snapshot-name"]])[0], kept)
        gone = []
        for name in names:
            try:
                os.unlink("%s/%s" % (folder, name))
                gone.append(name)
            except OSError:
                log.info("Snapshot %s not found locally" % name)
        value = {"deleted": gone} if gone else {}
    return Reply(200, json.dumps(value, separators=(",", ":")), "application/json")


def _save(server, folder, prefix):
    name = "%s-%s-%d" % (prefix, server.name, time.time())
    log.info("Saving etcd snapshot to %s/%s" % (folder, name))
    server.etcd.snapshot("%s/%s" % (folder, name))
    os.chmod("%s/%s" % (folder, name), 0o600)
    return name


def taken_at(name, otherwise=0):
    """The seconds at the end of a snapshot's name."""
    text = name.rpartition("-")[2]
    return int(text) if text.isdigit() else otherwise


def prunable(files, prefix, kept):
    """All but the newest of those with this prefix."""
    own = sorted((f for f in files if f.startswith(prefix)), key=taken_at, reverse=True)
    return own[kept:] if kept > 0 else []


def _item(server, folder, name):
    found = os.stat("%s/%s" % (folder, name))
    return {"metadata": {"name": "local-" + name},
            "spec": {"snapshotName": name, "nodeName": server.name, "location": "file://%s/%s" % (folder, name)},
            "status": {"size": str(found.st_size), "readyToUse": True, "creationTime": time.strftime(
                "%Y-%m-%dT%H:%M:%SZ", time.gmtime(taken_at(name, found.st_mtime)))}}
