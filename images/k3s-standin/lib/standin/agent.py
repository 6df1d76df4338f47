"""`k3s agent`: it asks until it is let in, and never gives up."""
import os
import signal
import threading
import time

from . import flags, host, kubelet, log, modes, tokens, wire
from .server import await_file


def main(arguments):
    settings = flags.parse("agent", arguments)
    host.hide_arguments("k3s agent")
    ending = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ending.set())
    host.check_clock()
    text = await_file(settings["token-file"]) if settings["token-file"] else settings["token"]
    agent_folder = settings["data-dir"] + "/agent"
    known = all(os.path.exists(agent_folder + "/client-kubelet." + end) for end in ("crt", "key"))
    if not text and not known:
        log.fatal("Error: --token is required")
    if not settings["server"]:
        log.fatal("Error: --server is required")
    os.makedirs(agent_folder, 0o700, exist_ok=True)
    log.info("Starting k3s agent %s (%s)" % (modes.VERSION, modes.COMMIT))
    try:
        name, addresses = host.node_name(settings), host.node_addresses(settings)
    except host.HostError as error:
        log.fatal("Error: %s" % (error if settings["flannel-iface"] else "failed to get node name and addresses: %s" % error))
    if text:
        log.secrets.add(tokens.normalized(text) or text)
    if modes.seconds("crash_after"):
        timer = threading.Timer(modes.seconds("crash_after"),
                                lambda: log.panic("runtime error: invalid memory address or nil pointer dereference"))
        timer.daemon = True
        timer.start()
    threading.Thread(target=_run, args=(settings, arguments, text, name, addresses), daemon=True).start()
    while not ending.wait(3600):
        pass
    os._exit(0)


def _run(settings, arguments, text, name, addresses):
    url = settings["server"]
    while True:
        try:
            place = tokens.split_url(url)
            # A token without form is no reason to end either.
            token = tokens.Token(text)
            ca = tokens.validate(url, token)
            break
        except (tokens.TokenError, wire.NetError) as error:
            log.error("Failed to validate connection to cluster at %s: %s" % (url, error))
            time.sleep(2)
    agent = kubelet.Agent(settings, arguments, [place], token, name, addresses, ca=ca)
    threading.Thread(target=agent.run, daemon=True).start()
    agent.ready.wait()
    log.info("k3s agent is up and running")
    host.notify_ready()
    threading.Event().wait()
