"""HTTP/1.1 over TLS, both ends. Python's own modules for it would cost a second of start and 10 MB in a guest without KVM."""
import base64
import errno
import os
import socket
import ssl
import threading
import time


class NetError(Exception):
    """A request that got no answer, in the words of Go's net/http."""


class Stream:
    """The bytes of one connection, read by line or by count."""

    def __init__(self, sock):
        self.sock, self.buffer = sock, b""

    def fill(self):
        data = self.sock.recv(65536)
        if not data:
            raise EOFError()
        self.buffer += data

    def line(self):
        while b"\r\n" not in self.buffer:
            if len(self.buffer) > 65536:
                raise EOFError()
            self.fill()
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        return line

    def exactly(self, count):
        while len(self.buffer) < count:
            self.fill()
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data

    def headers(self):
        found = {}
        while line := self.line():
            key, _, value = line.decode("latin-1").partition(":")
            found[key.strip().lower()] = value.strip()
        return found

    def chunks(self):
        while size := int(self.line().split(b";")[0], 16):
            yield self.exactly(size)
            self.line()
        self.line()

    def body(self, headers, until_end=False):
        if headers.get("transfer-encoding", "").lower() == "chunked":
            return b"".join(self.chunks())
        if "content-length" in headers:
            return self.exactly(int(headers["content-length"]))
        if until_end:
            try:
                while True:
                    self.fill()
            except EOFError:
                data, self.buffer = self.buffer, b""
                return data
        return b""


# -- Client ----------------------------------------------------------------------------------------------------------------------------

def stamp(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def go_error(error, host, port):
    """What Go would say to this error of Python's."""
    place = "[%s]:%d" % (host, port) if ":" in host else "%s:%d" % (host, port)
    if isinstance(error, ssl.SSLCertVerificationError):
        text = {
            9: "certificate has expired or is not yet valid: current time %s is before the certificate's" % stamp(time.time()),
            10: "certificate has expired or is not yet valid: current time %s is after the certificate's" % stamp(time.time()),
            62: "certificate is not valid for any names, but wanted to match %s" % host,
            64: "certificate is not valid for %s" % host,
        }.get(error.verify_code, "certificate signed by unknown authority")
        return "tls: failed to verify certificate: x509: " + text
    if isinstance(error, (EOFError, ssl.SSLEOFError, ssl.SSLZeroReturnError)):
        return "EOF"
    if isinstance(error, socket.gaierror):
        return "dial tcp: lookup %s: no such host" % host
    if isinstance(error, (TimeoutError, socket.timeout)) and not getattr(error, "errno", None):
        return "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
    if isinstance(error, ssl.SSLError):
        return "remote error: tls: %s" % (error.reason or "handshake failure").lower().replace("_", " ")
    if isinstance(error, ConnectionResetError):
        return "read tcp %s: read: connection reset by peer" % place
    if isinstance(error, BrokenPipeError):
        return "write tcp %s: write: broken pipe" % place
    words = {errno.ETIMEDOUT: "connection timed out", errno.EHOSTUNREACH: "no route to host", errno.ENETUNREACH: "network is unreachable"}
    number = getattr(error, "errno", None)
    return "dial tcp %s: connect: %s" % (place, words.get(number) or (os.strerror(number).lower() if number else str(error)))


def client_context(ca=None, certificate=None, verify=True):
    """`ca`: PEM bytes, or "host" for the host's own store. `certificate`: a file with the certificate and one with its key."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # Our own certificates have no identifier of the authority's key, as those of Go's x509 tests need none.
    context.verify_flags &= ~getattr(ssl, "VERIFY_X509_STRICT", 0)
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif ca == "host":
        if os.path.exists("/etc/ssl/certs/ca-certificates.crt"):
            context.load_verify_locations("/etc/ssl/certs/ca-certificates.crt")
    elif ca:
        context.load_verify_locations(cadata=ca.decode())
    if certificate:
        context.load_cert_chain(*certificate)
    return context


class Client:
    """Requests to one of several servers, over one connection that is kept. Safe for several threads, one request at a time."""

    def __init__(self, servers, context, user=None, name=None):
        self.servers, self.context, self.name = list(servers), context, name
        self.auth = None
        if user:
            self.auth = "Basic " + base64.b64encode(("%s:%s" % user).encode()).decode()
        self.lock = threading.Lock()
        self.stream, self.peer = None, None

    def close(self):
        if self.stream:
            try:
                self.stream.sock.close()
            except OSError:
                pass
        self.stream = None

    def connect(self, timeout):
        failure = None
        for host, port in list(self.servers):
            try:
                plain = socket.create_connection((host, port), timeout)
                plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self.stream, self.peer = Stream(self.context.wrap_socket(plain, server_hostname=host)), (host, port)
                return
            except (OSError, EOFError) as error:
                failure = failure or (error, host, port)
        raise NetError(go_error(*failure))

    def url(self, path):
        """The path as errors name it."""
        host, port = self.servers[0]
        return (self.name or "https://%s:%d" % ("[%s]" % host if ":" in host else host, port)) + path

    def request(self, method, path, body=None, headers=None, timeout=10, stream=None):
        """(status, body). `stream` takes the pieces of an answer as they come."""
        with self.lock:
            try:
                for attempt in (1, 2):
                    fresh = self.stream is None
                    if fresh:
                        self.connect(timeout)
                    try:
                        return self._exchange(method, path, body, headers or {}, timeout, stream)
                    except (OSError, EOFError) as error:
                        host, port = self.peer
                        self.close()
                        # A kept connection may have been closed meanwhile; one that was just made was not.
                        if fresh or attempt == 2 or isinstance(error, (TimeoutError, socket.timeout)):
                            raise NetError(go_error(error, host, port)) from None
            except NetError as error:
                raise NetError('%s "%s": %s' % (method.capitalize(), self.url(path), error)) from None

    def _exchange(self, method, path, body, headers, timeout, stream):
        host, port = self.peer
        lines = ["%s %s HTTP/1.1" % (method, path), "Host: %s:%d" % (host, port), "User-Agent: k3s/standin"]
        if self.auth:
            lines.append("Authorization: " + self.auth)
        lines += ["%s: %s" % pair for pair in headers.items()]
        if body is not None:
            lines.append("Content-Length: %d" % len(body))
        self.stream.sock.settimeout(timeout)
        self.stream.sock.sendall(("\r\n".join(lines) + "\r\n\r\n").encode() + (body or b""))
        status = int(self.stream.line().split(b" ")[1])
        answer = self.stream.headers()
        if stream and status == 200 and answer.get("transfer-encoding") == "chunked":
            for piece in self.stream.chunks():
                stream(piece)
            data = b""
        else:
            data = self.stream.body(answer, until_end=True)
        if answer.get("connection", "").lower() == "close":
            self.close()
        return status, data


# -- Server ----------------------------------------------------------------------------------------------------------------------------

REASONS = {200: "OK", 201: "Created", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found",
           405: "Method Not Allowed", 409: "Conflict", 415: "Unsupported Media Type", 422: "Unprocessable Entity", 429: "Too Many Requests",
           500: "Internal Server Error", 503: "Service Unavailable"}


class Request:
    def __init__(self, method, target, headers, body, peer, subject):
        self.method, self.headers, self.body = method, headers, body
        # The other end's address, and the same with its port as logs have it.
        self.peer = peer[0]
        self.remote = ("[%s]:%d" if ":" in peer[0] else "%s:%d") % peer
        self.path, _, self.query = target.partition("?")
        # The common name and the organizations of a client certificate that our authority signed.
        self.user, self.groups = subject


class Reply:
    def __init__(self, status=200, body=b"", kind="text/plain", close=False, pieces=None):
        self.status, self.kind, self.close, self.pieces = status, kind, close, pieces
        self.body = body.encode() if isinstance(body, str) else body


class Server:
    """Takes connections on a port; `answer` makes a Reply of each Request, in a thread for each connection."""

    def __init__(self, address, port, context, answer):
        self.context, self.answer, self.stopping = context, answer, False
        self.sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # As k3s does: a second one does not fail with "address already in use".
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if self.sock.family == socket.AF_INET6:
            self.sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        self.sock.bind((address, port))
        self.sock.listen(128)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while not self.stopping:
            try:
                sock, peer = self.sock.accept()
            except OSError:
                return
            try:
                threading.Thread(target=self._serve, args=(sock, (peer[0].replace("::ffff:", ""), peer[1])), daemon=True).start()
            except RuntimeError:
                sock.close()

    def close(self):
        self.stopping = True
        self.sock.close()

    def _serve(self, sock, peer):
        try:
            sock.settimeout(15)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock = self.context.wrap_socket(sock, server_side=True)
            subject = self._subject(sock)
            stream = Stream(sock)
            sock.settimeout(90)
            while self._one(stream, peer, subject):
                pass
        except (OSError, EOFError, ValueError, IndexError):
            pass
        finally:
            try:
                sock.close()
            except OSError:
                pass

    @staticmethod
    def _subject(sock):
        user, groups = None, []
        for part in (sock.getpeercert() or {}).get("subject", ()):
            for key, value in part:
                if key == "commonName":
                    user = value
                elif key == "organizationName":
                    groups.append(value)
        return user, groups

    def _one(self, stream, peer, subject):
        method, target, _ = stream.line().decode("latin-1").split(" ", 2)
        headers = stream.headers()
        if headers.get("expect", "").lower() == "100-continue":
            stream.sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        reply = self.answer(Request(method, target, headers, stream.body(headers), peer, subject))
        close = reply.close or headers.get("connection", "").lower() == "close"
        head = "HTTP/1.1 %d %s\r\nContent-Type: %s\r\n" % (reply.status, REASONS.get(reply.status, ""), reply.kind)
        if close:
            head += "Connection: close\r\n"
        if reply.pieces is None:
            head += "Content-Length: %d\r\n\r\n" % len(reply.body)
            stream.sock.sendall(head.encode() + (b"" if method == "HEAD" else reply.body))
            return not close
        stream.sock.sendall((head + "Transfer-Encoding: chunked\r\n\r\n").encode())
        for piece in reply.pieces:
            stream.sock.sendall(b"%x\r\n%s\r\n" % (len(piece), piece) if piece else b"")
        stream.sock.sendall(b"0\r\n\r\n")
        return not close
