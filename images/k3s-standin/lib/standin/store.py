"""The objects of the Kubernetes API, as JSON in etcd."""
import json
import os
import time

CLUSTER = {"nodes", "namespaces", "persistentvolumes", "storageclasses"}


class Conflict(Exception):
    pass


def now():
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def micro():
    seconds = time.time()
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + ".%06dZ" % (seconds % 1 * 1e6)


def uid():
    text = os.urandom(16).hex()
    return "-".join([text[:8], text[8:12], "4" + text[13:16], "8" + text[17:20], text[20:]])


class Store:
    def __init__(self, etcd):
        self.etcd = etcd

    @staticmethod
    def key(resource, namespace, name):
        return "/registry/%s/%s" % (resource, name if resource in CLUSTER else "%s/%s" % (namespace, name))

    @staticmethod
    def _object(entry):
        value = json.loads(entry.value)
        value["metadata"]["resourceVersion"] = str(entry.revision)
        return value

    def get(self, resource, namespace, name):
        entry = self.etcd.get(self.key(resource, namespace, name))
        return self._object(entry) if entry else None

    def list(self, resource, namespace=None):
        """The objects and the revision that they are of."""
        prefix = "/registry/%s/%s" % (resource, namespace + "/" if namespace and resource not in CLUSTER else "")
        entries, revision = self.etcd.range(prefix)
        return [self._object(entry) for entry in entries], revision

    def create(self, resource, value):
        metadata = value["metadata"]
        metadata.setdefault("uid", uid())
        metadata["creationTimestamp"] = now()
        metadata.pop("resourceVersion", None)
        key = self.key(resource, metadata.get("namespace"), metadata["name"])
        revision = self.etcd.put(key, json.dumps(value), 0)
        if revision is None:
            raise Conflict("already exists")
        metadata["resourceVersion"] = str(revision)
        return value

    def update(self, resource, value):
        """Writes an object that has not changed since it was read."""
        metadata = value["metadata"]
        read_at = int(metadata.pop("resourceVersion", None) or 0)
        key = self.key(resource, metadata.get("namespace"), metadata["name"])
        revision = self.etcd.put(key, json.dumps(value), read_at or None)
        if revision is None:
            raise Conflict("the object has been modified")
        metadata["resourceVersion"] = str(revision)
        return value

    def change(self, resource, namespace, name, action):
        """Applies `action` to the object until no one else changed it meanwhile; nil when there is none."""
        for _ in range(10):
            value = self.get(resource, namespace, name)
            if value is None or action(value) is False:
                return value
            try:
                return self.update(resource, value)
            except Conflict:
                continue
        raise Conflict("the object has been modified")

    def delete(self, resource, namespace, name):
        return self.etcd.delete(self.key(resource, namespace, name))
