"""Log lines as k3s writes them: logrus for its own parts, klog for those of Kubernetes. All go to stderr."""
import os
import sys
import threading
import time

_lock = threading.Lock()
secrets = set()


def _write(line):
    # A shorter one would stand in words that are none.
    for secret in (text for text in secrets if len(text) >= 8):
        line = line.replace(secret, "********")
    with _lock:
        try:
            sys.stderr.write(line + "\n")
            sys.stderr.flush()
        except OSError:
            pass


def _logrus(level, message):
    text = message.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    plain = text == message and text and all(c.isalnum() or c in "-._/@^+" for c in text)
    _write('time="%s" level=%s msg=%s' % (time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), level, text if plain else '"%s"' % text))


def info(message):
    _logrus("info", message)


def warning(message):
    _logrus("warning", message)


def error(message):
    _logrus("error", message)


def fatal(message):
    """Ends the process at once with status 1, as logrus.Fatal does."""
    _logrus("fatal", message)
    os._exit(1)


def panic(message):
    """Ends the process as an unrecovered Go panic does: the text, a trace, status 2."""
    _write("panic: %s\n\ngoroutine 1 [running]:\ngithub.com/k3s-io/k3s/pkg/cluster.(*Cluster).Start.func1()\n\t(stand-in: no trace)" % message)
    os._exit(2)


def klog(severity, place, message):
    now = time.time()
    _write("%s%s.%06d %7d %s] %s" % (
        severity, time.strftime("%m%d %H:%M:%S", time.gmtime(now)), int(now % 1 * 1e6), os.getpid(), place, message))


def raw(line):
    _write(line)
