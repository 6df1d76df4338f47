"""`k3s server`: the order of its start, and how it ends."""
import json
import os
import random
import signal
import ssl
import threading
import time

from . import bootstrap, controllers, etcd, flags, host, kubelet, log, modes, pki, tokens, wire
from .api import Api
from .supervisor import Supervisor


KUBECONFIG = "/etc/rancher/k3s/k3s.yaml"


class Server:
    def __init__(self, settings, arguments):
        self.settings, self.arguments = settings, arguments
        self.data = settings["data-dir"]
        self.folder = self.data + "/server"
        self.token = self.remote = self.etcd = self.process = None
        self.agent_token = ""
        self.stage = "starting"
        # What is true of the API server: none of its paths answers before its etcd does.
        self.api_running = False
        self.ready_at = None
        self.ending = threading.Event()
        self.status = 0
        self.port = int(settings["https-listen-port"])

    # -- Ends --------------------------------------------------------------------------------------------------------------------------

    def fail(self, text, panics=False):
        """A failure in the background: its status depends on the generation."""
        if modes.generation() == "G1":
            if panics:
                log.panic(text.partition(": ")[2] or text)
            log.fatal(text[0].upper() + text[1:] if text.startswith("failed to wait") else text)
        # In quotes as Go's %q has them.
        log.error("Shutdown request received: %s" % json.dumps(text, ensure_ascii=False))
        self.ending.set()

    def _signal(self, number, _):
        if self.ending.is_set():
            log.info("Second shutdown signal received: %s, exiting..." % {signal.SIGINT: "interrupt"}.get(number, "terminated"))
            os._exit(1)
        self.ending.set()

    # -- Start -------------------------------------------------------------------------------------------------------------------------

    def run(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._signal)
        host.check_clock()
        self._make_data_folder()
        log.info("Starting k3s %s (%s)" % (modes.VERSION, modes.COMMIT))
        self._read_tokens()
        try:
            self.name, self.addresses = host.node_name(self.settings), host.node_addresses(self.settings)
        except host.HostError as error:
            log.fatal("Error: %s" % error)
        self.address = self.addresses[0]
        self.advertise = self.settings["advertise-address"] or self.address
        bootstrap.load(self)
        self._make_files()
        self._tombstone()
        self._listen()
        if modes.seconds("crash_after"):
            self._later(modes.seconds("crash_after"), lambda: log.panic("runtime error: invalid memory address or nil pointer dereference"))
        self.supervisor = Supervisor(self)
        self.stage = "handlers"
        self.agent = kubelet.Agent(
            self.settings, self.arguments, [("127.0.0.1", self.port)], tokens.Token(self.agent_token or self.passwords.password("node")),
            self.name, self.addresses, self)
        threading.Thread(target=self.agent.run, daemon=True).start()
        self._start_etcd()
        self.write_tokens()
        self._write_kubeconfig()
        threading.Thread(target=self._finish, daemon=True).start()
        while not self.ending.wait(3600):
            pass
        self._stop()

    def _later(self, seconds, action):
        timer = threading.Timer(seconds, action)
        timer.daemon = True
        timer.start()

    def _stop(self):
        self.listener.close()
        if self.process:
            self.process.stop()
        log.info("k3s stand-in stopped")
        os._exit(self.status)

    def _make_data_folder(self):
        first = not os.path.isdir(self.data + "/data")
        os.makedirs(self.data, 0o700, exist_ok=True)
        if first:
            log.info("Acquiring lock file %s/data/.lock" % self.data)
            os.makedirs(self.data + "/data/standin/bin", exist_ok=True)
            log.info("Preparing data dir %s/data/standin" % self.data)
            tokens.link(self.data + "/data/current", "standin")
            open(self.data + "/data/.lock", "w").close()
        for folder in (self.folder, self.folder + "/db"):
            os.makedirs(folder, 0o700, exist_ok=True)

    def _read_tokens(self):
        text = self.settings["token"]
        if self.settings["token-file"]:
            text = await_file(self.settings["token-file"])
        self.agent_token = self.settings["agent-token"]
        if self.settings["agent-token-file"]:
            self.agent_token = await_file(self.settings["agent-token-file"])
        try:
            self.token = tokens.Token(text) if text else None
        except tokens.TokenError as error:
            if self.settings["server"] and not bootstrap.is_initialized(self.folder):
                log.fatal(bootstrap.CHAIN + "failed to check if bootstrap data has been initialized: failed to validate token: %s" % error)
            self.token = tokens.Token.unparsed(text)
        if self.agent_token:
            self.agent_token = tokens.normalized(self.agent_token) or self.agent_token
        log.secrets.update(filter(None, [self.token and self.token.password, self.agent_token]))

    def _tombstone(self):
        if os.path.exists(self.folder + "/db/etcd/tombstone"):
            if not self.settings["server"]:
                log.fatal("Error: preparing server: failed to start supervisor listener: tombstone file has been detected but --server is empty: "
                          "backup and delete ${datadir}/server/db to create a new cluster, or set --server to rejoin the cluster")
            log.info("tombstone file has been detected, removing ${datadir}/server/db to rejoin the cluster")
            os.rename(self.folder + "/db/etcd", "%s/db/etcd-backup-%d" % (self.folder, time.time()))

    def _make_files(self):
        tls, cred = self.folder + "/tls", self.folder + "/cred"
        self.passwords = tokens.Passwords(cred + "/passwd")
        password = self.token.password if self.token else self.passwords.password("server") or os.urandom(16).hex()
        log.secrets.add(password)
        self.passwords.set("server", password, "k3s:server")
        self.passwords.set("node", self.agent_token or password, "k3s:agent")
        self.passwords.write()
        if not os.path.exists(cred + "/ipsec.psk"):
            tokens.write(cred + "/ipsec.psk", os.urandom(48).hex() + "\n")
        self.pki = pki.Authorities(tls)
        self.pki.ensure()
        hosts = ["127.0.0.1", "::1", "localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc",
                 "kubernetes.default.svc." + self.settings["cluster-domain"], self.name]
        hosts += [str(service_address(cidr)) for cidr in self.settings["service-cidr"]]
        hosts += [self.advertise] + self.addresses + self.settings["tls-san"]
        self.hosts = list(dict.fromkeys(hosts))
        self.pki.leaves(self.hosts)
        self.ca = tokens.read(tls + "/server-ca.crt")

    def _listen(self):
        chain, key = self.pki.listener(self.hosts)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.num_tickets = 0
        pki.load_chain(context, chain, key)
        context.load_verify_locations(self.folder + "/tls/client-ca.crt")
        context.verify_mode = ssl.CERT_OPTIONAL
        address = self.settings["bind-address"] or ("::" if os.path.exists("/proc/net/if_inet6") else "0.0.0.0")
        self.listener = wire.Server(address, self.port, context, self._answer)

    def _answer(self, request):
        delay = modes.seconds("busy")
        if delay:
            time.sleep(delay)
        if self.stage == "starting":
            return Supervisor.failure(request, 503, "starting")
        return self.supervisor.answer(request)

    # -- etcd --------------------------------------------------------------------------------------------------------------------------

    def _start_etcd(self):
        folder = self.folder + "/db/etcd"
        initialized = bootstrap.is_initialized(self.folder)
        os.makedirs(folder, 0o700, exist_ok=True)
        name = (tokens.read(folder + "/name") or b"").decode().strip()
        if not name:
            name = "%s-%08x" % (self.name, random.SystemRandom().getrandbits(32))
            tokens.write(folder + "/name", name)
        self.member = name
        self.peer = "https://%s:2380" % ("[%s]" % self.address if ":" in self.address else self.address)
        if initialized:
            log.info("Starting etcd for existing cluster member")
            self._run_etcd("%s=%s" % (name, self.peer), "new")
        elif self.remote is None:
            log.info("Starting etcd for new cluster, cluster-reset=false")
            self._run_etcd("%s=%s" % (name, self.peer), "new")
        else:
            threading.Thread(target=self._join, daemon=True).start()

    def _run_etcd(self, cluster, state):
        path = self.folder + "/db/etcd/config"
        tokens.write(path, etcd.configuration(
            self.folder + "/db/etcd", self.member, self.address, self.folder + "/tls", cluster, state, self.settings["etcd-arg"],
            self.settings["etcd-expose-metrics"]))
        self.etcd = etcd.Api([("127.0.0.1", 2379)], self.folder + "/tls")
        self.process = etcd.Process(path, self._etcd_ended)

    def _etcd_ended(self, status, removed):
        if removed:
            tokens.write(self.folder + "/db/etcd/tombstone", "")
            log.info("This node has been removed from the cluster - please restart k3s to rejoin the cluster")
        elif not self.ending.is_set():
            if self.stage == "joining" and not bootstrap.is_initialized(self.folder):
                self.fail("etcd cluster join failed: cannot fetch cluster info from peer urls: could not retrieve cluster information "
                          "from the given URLs")
            else:
                self.fail("etcd exited: status %s" % status)

    def _join(self):
        if modes.generation() == "G1":
            log.info("Waiting for container runtime to become ready before joining etcd cluster")
        self.stage = "joining"
        while not self.ending.is_set():
            try:
                cluster = self._add_member()
                if cluster:
                    self._run_etcd(",".join(cluster), "existing")
                    return
            except etcd.EtcdError as error:
                text = str(error)
                if "too many learner" in text or "unhealthy cluster" in text:
                    log.info("Waiting for other members to finish joining etcd cluster: %s" % text)
                elif "deadline exceeded" in text or "timed out" in text:
                    log.info("Retrying etcd cluster join: MemberAdd request timed out")
                else:
                    self.fail("etcd cluster join failed: %s" % text)
                    return
            time.sleep(1)

    def _add_member(self):
        """The initial cluster for etcd; nil when the members are not to be had yet."""
        try:
            members = json.loads(self.remote.get("/db/info", "server", 20))["members"]
        except (wire.NetError, ValueError, KeyError) as error:
            log.info("Waiting to retrieve etcd cluster member list: failed to get MemberList from server: %s" % error)
            return None
        voters = [member for member in members if not member.get("isLearner")]
        endpoints = [tokens.split_url(url) for member in voters for url in member.get("clientURLs", [])]
        # The server that was asked comes first.
        endpoints.sort(key=lambda place: place[0] != self.remote.address[0])
        cluster, known = [], False
        api = etcd.Api(endpoints, self.folder + "/tls")
        for member in api.members():
            if self.peer in member["peerURLs"] and member["name"] in ("", self.member):
                known = True
                continue
            if etcd.node_of(member["name"]) == self.name:
                os.unlink(self.folder + "/db/etcd/name")
                raise etcd.EtcdError("duplicate node name found, please use a unique name for this node")
            cluster.append("%s=%s" % (member["name"], member["peerURLs"][0]))
        entry = "%s=%s" % (self.member, self.peer)
        if not known:
            log.info("Adding member %s to etcd cluster [%s]" % (entry, " ".join(cluster)))
            api.call("cluster/member/add", {"peerURLs": [self.peer], "isLearner": True})
        return cluster + [entry]

    def _test_etcd(self):
        if self.etcd is None:
            return "failed to get etcd status: " + etcd.unreachable("127.0.0.1:2379: connect: connection refused")
        try:
            status = self.etcd.status()
        except etcd.EtcdError as error:
            return "failed to get etcd status: %s" % error
        try:
            if status["learner"]:
                return "this server has not yet been promoted from learner to voting member"
            if not status["leader"]:
                return "etcdserver: no leader"
            members = self.etcd.members()
        except etcd.EtcdError as error:
            return str(error)
        if not any(m["name"] == self.member and self.peer in m["peerURLs"] for m in members):
            found = " ".join("%s=%s" % (m["name"], ",".join(m["peerURLs"])) for m in members)
            return "this server is not a member of the etcd cluster. Found [%s], expect: %s=%s" % (found, self.member, self.peer)
        return None

    # -- After etcd --------------------------------------------------------------------------------------------------------------------

    def write_tokens(self):
        password = self.passwords.password("server")
        tokens.write(self.folder + "/token", tokens.full(self.ca, "server", password) + "\n")
        tokens.link(self.folder + "/node-token", self.folder + "/token")
        host_address = self.settings["bind-address"] or host.default_address() or "127.0.0.1"
        if ":" in host_address:
            host_address = "[%s]" % host_address
        log.info("Server node token is available at %s/token" % self.folder)
        log.info("To join server node to cluster: k3s server -s https://%s:%d -t ${SERVER_NODE_TOKEN}" % (host_address, self.port))
        if self.agent_token:
            if os.path.islink(self.folder + "/agent-token"):
                os.unlink(self.folder + "/agent-token")
            tokens.write(self.folder + "/agent-token", tokens.full(self.ca, "node", self.agent_token) + "\n")
        else:
            tokens.link(self.folder + "/agent-token", self.folder + "/token")
        log.info("Agent node token is available at %s/agent-token" % self.folder)
        log.info("To join agent node to cluster: k3s agent -s https://%s:%d -t ${AGENT_NODE_TOKEN}" % (host_address, self.port))

    def _write_kubeconfig(self):
        path = KUBECONFIG
        tls = self.folder + "/tls"
        certificate, key = tokens.read(tls + "/client-admin.crt"), tokens.read(tls + "/client-admin.key")
        text = pki.kubeconfig("https://127.0.0.1:%d" % self.port, self.ca, certificate, key)
        tokens.write(self.folder + "/cred/admin.kubeconfig", text)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        given = self.settings["write-kubeconfig"]
        mode = int(self.settings["write-kubeconfig-mode"], 8)
        if os.path.islink(path):
            os.unlink(path)
        tokens.write(given or path, text, mode)
        if given and given != path:
            tokens.link(path, given)
        log.info("Wrote kubeconfig %s" % (given or path))
        log.info("Run: k3s kubectl")

    def _finish(self):
        while problem := self._test_etcd():
            log.info("Failed to test etcd connection: %s" % problem)
            if self.ending.wait(5):
                return
        log.info("Connection to etcd is ready")
        try:
            bootstrap.save(self)
        except ValueError as error:
            self.fail("failed to save bootstrap data: %s" % error, panics=True)
            return
        except etcd.EtcdError as error:
            self.fail("failed to save bootstrap data: %s" % error)
            return
        self.api = Api(self)
        self.api_running = True
        limit, said = time.monotonic() + 900, None
        while problem := self._readiness():
            if problem != said:
                log.info("Polling for API server readiness: GET /readyz failed: %s" % problem)
            said = problem
            if time.monotonic() > limit:
                self.fail("failed to wait for API server to become ready: context deadline exceeded\n%s" % problem)
                return
            if self.ending.wait(2):
                return
        self.ready_at = time.monotonic()
        log.info("ETCD server is now running")
        log.info("Kube API server is now running")
        log.info("k3s is up and running")
        host.notify_ready()
        controllers.start(self)

    def _readiness(self):
        if modes.mode("never_ready") is True:
            return "the server is currently unable to handle the request"
        return None if etcd.healthy(self.etcd) else (
            'an error on the server ("[-]etcd failed: reason withheld\\nreadyz check failed") has prevented the request from succeeding')


def service_address(cidr):
    import ipaddress
    return ipaddress.ip_network(cidr)[1]


def await_file(path):
    """The text of a file that may still have to be made: asked every 2 s, for 4 min at most."""
    limit = time.monotonic() + 240
    while not os.path.exists(path):
        log.info('Waiting for file "%s" to be created\n' % path)
        if time.monotonic() > limit:
            log.fatal("Error: context deadline exceeded")
        time.sleep(2)
    return (tokens.read(path) or b"").decode().strip()


def main(arguments):
    settings = flags.parse("server", arguments)
    host.hide_arguments("k3s server")
    try:
        Server(settings, arguments).run()
    except OSError as error:
        log.fatal("Error: preparing server: %s" % tokens.words(error))
