"""The ways in which clients change a part of an object."""


def apply(kind, value, patch):
    """`value` with a JSON patch, merge patch or strategic merge patch applied; may be the same object."""
    if "json-patch" in kind:
        for step in patch:
            _step(value, step)
        return value
    return _merge(value, patch, strategic="strategic" in kind)


def _merge(value, patch, strategic):
    for key, new in patch.items():
        if key.startswith("$"):
            continue
        old = value.get(key)
        if new is None:
            value.pop(key, None)
        elif isinstance(new, dict):
            value[key] = _merge(old if isinstance(old, dict) else {}, new, strategic)
        elif strategic and isinstance(new, list) and isinstance(old, list) and all(isinstance(item, dict) for item in new + old):
            value[key] = _merge_lists(old, new, "type" if key in ("conditions", "addresses") else "key" if key == "taints" else "name")
        else:
            value[key] = new
    return value


def _merge_lists(old, new, name):
    out = [dict(item) for item in old]
    for item in new:
        same = next((o for o in out if o.get(name) == item.get(name)), None)
        if item.get("$patch") == "delete":
            out = [o for o in out if o is not same]
        elif same is None:
            out.append(item)
        else:
            _merge(same, item, True)
    return out


def _step(value, step):
    *path, last = [part.replace("~1", "/").replace("~0", "~") for part in step["path"].split("/")[1:]]
    for part in path:
        value = value[int(part)] if isinstance(value, list) else value.setdefault(part, {})
    if isinstance(value, list):
        place = len(value) if last == "-" else int(last)
        if step["op"] == "add":
            value.insert(place, step["value"])
        elif step["op"] == "remove":
            del value[place]
        else:
            value[place] = step["value"]
    elif step["op"] == "remove":
        value.pop(last, None)
    elif step["op"] in ("add", "replace"):
        value[last] = step["value"]
