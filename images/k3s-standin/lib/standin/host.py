"""What a node knows of its machine: its name, addresses and system; and systemd's notification."""
import fcntl
import os
import socket
import struct
import time

from . import log, modes


class HostError(Exception):
    pass


def node_name(settings):
    return (settings["node-name"] or socket.gethostname()).lower()


def interface_address(interface):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            return socket.inet_ntoa(fcntl.ioctl(sock, 0x8915, struct.pack("256s", interface[:15].encode()))[20:24])
        except OSError:
            raise HostError("interface %s does not have a correct global unicast ip: route ip+net: no such network interface"
                            % interface) from None


def default_address():
    """The address of the interface with the default route; nil without such a route."""
    with open("/proc/net/route") as file:
        for line in file.readlines()[1:]:
            fields = line.split()
            if fields[1] == "00000000":
                try:
                    return interface_address(fields[0])
                except HostError:
                    continue
    return None


def node_addresses(settings):
    """--node-ip, else the address of --flannel-iface, else that of the interface with the default route."""
    if settings["node-ip"]:
        return settings["node-ip"]
    if settings["flannel-iface"]:
        address = interface_address(settings["flannel-iface"])
        log.info("Found ip %s from iface %s" % (address, settings["flannel-iface"]))
        return [address]
    address = default_address()
    if address:
        return [address]
    raise HostError('no default routes found in "/proc/net/route" or "/proc/net/ipv6_route"')


def check_clock():
    if time.time() < 315532800:
        log.fatal("server time isn't set properly: %s" % time.strftime("%Y-%m-%d %H:%M:%S +0000 UTC", time.gmtime()))


def notify_ready():
    path = os.environ.get("NOTIFY_SOCKET")
    if path:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.connect("\0" + path[1:] if path.startswith("@") else path)
            sock.send(b"READY=1\n")


def hide_arguments(title):
    """Writes the title over the arguments that ps shows, as k3s does, and gives the process its name."""
    import ctypes
    with open("/proc/self/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    start, end = int(fields[45]), int(fields[46])
    ctypes.memset(start, 0, end - start)
    ctypes.memmove(start, title.encode()[:end - start - 1], min(len(title), end - start - 1))
    ctypes.CDLL(None).prctl(15, title.replace(" ", "-").encode(), 0, 0, 0)


def _first(path, default=""):
    try:
        with open(path) as file:
            return file.read().strip()
    except OSError:
        return default


def information():
    release = dict(line.split("=", 1) for line in _first("/etc/os-release").splitlines() if "=" in line)
    uname = os.uname()
    architecture = {"x86_64": "amd64", "aarch64": "arm64"}.get(uname.machine, uname.machine)
    return {
        "machineID": _first("/etc/machine-id"), "systemUUID": _first("/sys/class/dmi/id/product_uuid"),
        "bootID": _first("/proc/sys/kernel/random/boot_id"), "kernelVersion": uname.release,
        "osImage": release.get("PRETTY_NAME", "Linux").strip('"'), "containerRuntimeVersion": "containerd://0.0.0-standin",
        "kubeletVersion": modes.VERSION, "kubeProxyVersion": "", "operatingSystem": "linux", "architecture": architecture,
    }


def capacity():
    memory = _first("/proc/meminfo").split("\n", 1)[0].split()
    disk = os.statvfs("/")
    return {"cpu": str(os.cpu_count() or 1), "memory": "%sKi" % (memory[1] if len(memory) > 1 else 0), "pods": "110",
            "ephemeral-storage": "%dKi" % (disk.f_blocks * disk.f_frsize // 1024), "hugepages-2Mi": "0"}
