"""The control file of the stand-in. It is read at every use, so a test may change it while k3s runs."""
import json
import os

PATH = os.environ.get("K3S_STANDIN_MODES", "/etc/k3s-standin/modes.json")
DEFAULTS = {
    "generation": "G3",      # exit behaviour: G1, G2 or G3
    "slow_cacerts": 0,       # seconds until /cacerts answers
    "never_ready": False,    # true: the API server never gets ready, so READY=1 is never sent; "node": the Node stays NotReady
    "crash_after": 0,        # seconds after the start until a panic ends the process with status 2
    "refuse_join": False,    # true: no server and no agent is let in (503)
    "busy": 0,               # seconds that each request waits for its answer; the port stays open. true: 30
}
VERSION = "v1.34.8+standin"
COMMIT = "57a4d14e"


def mode(name):
    try:
        with open(PATH) as file:
            value = json.load(file).get(name, DEFAULTS[name])
    except (OSError, ValueError, AttributeError):
        value = DEFAULTS[name]
    return value


def generation():
    text = str(mode("generation"))
    return text if text in ("G1", "G2", "G3") else "G3"


def seconds(name, when_true=30):
    value = mode(name)
    if value is True:
        return when_true
    try:
        return float(value or 0)
    except (TypeError, ValueError):
        return 0
