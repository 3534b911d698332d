"""Where a sandbox may connect to: what the rules allow works, and nothing else does, whatever is tried. The server has an
address of the host that is not a loopback address; the control is a sandbox with the host's network."""
import contextlib
import json
import pathlib
import re
import socket
import socketserver
import struct
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from support import RUNTIME, Case, OrdinaryUser, needs_root, ours_only, run  # noqa: E402

ADDRESS, OTHER, ADDRESS6 = "198.51.100.7", "198.51.100.8", "2001:db8:51::7"
PYTHON = "/usr/bin/python3"


class Echo(socketserver.BaseRequestHandler):
    """Says who it is, then sends back what comes until the other side has ended."""

    def handle(self):
        with contextlib.suppress(ConnectionError):  # the relay resets what the sandbox leaves
            self.request.sendall(b"server\n")
            while chunk := self.request.recv(65536):
                self.request.sendall(chunk)


class Names(socketserver.BaseRequestHandler):
    """A name server with a few names; counts what it is asked."""
    zone = {"api.test": [ADDRESS], "other.test": [OTHER], "rebound.test": ["127.0.0.1", "169.254.169.254", ADDRESS],
            "host.test": ["127.0.0.1"]}
    zone6 = {"api.test": [ADDRESS6]}
    asked = []

    def handle(self):
        data, server = self.request
        labels, place = [], 12
        while data[place]:
            labels.append(data[place + 1:place + 1 + data[place]].decode())
            place += 1 + data[place]
        name, kind = ".".join(labels), struct.unpack("!H", data[place + 1:place + 3])[0]
        Names.asked.append(name)
        found = self.zone.get(name, []) if kind == 1 else self.zone6.get(name, []) if kind == 28 else []
        known = name in self.zone
        answer = data[:2] + struct.pack("!HHHHH", 0x8180 | (0 if known else 3), 1, len(found), 0, 0) + data[12:place + 5]
        for address in found:
            packed = socket.inet_pton(socket.AF_INET if kind == 1 else socket.AF_INET6, address)
            answer += struct.pack("!HHHIH", 0xc00c, kind, 1, 5, len(packed)) + packed
        server.sendto(answer, self.client_address)


class Talk(socketserver.BaseRequestHandler):
    """Sends a datagram back, with a word before it."""

    def handle(self):
        data, server = self.request
        server.sendto(b"server " + data, self.client_address)


class Datagrams(socketserver.ThreadingUDPServer):
    max_packet_size = 65536


class Datagrams6(Datagrams):
    address_family = socket.AF_INET6


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 512


class Server6(Server):
    address_family = socket.AF_INET6


@ours_only
@needs_root
class Egress(Case):
    @classmethod
    def setUpClass(cls):
        for address in (f"{ADDRESS}/32", f"{OTHER}/32"):
            subprocess.run(["ip", "address", "add", address, "dev", "lo"], check=True)
        subprocess.run(["ip", "address", "add", f"{ADDRESS6}/128", "dev", "lo", "nodad"], check=True)
        cls.servers = [Server((ADDRESS, 0), Echo)]
        cls.port = cls.servers[0].server_address[1]
        cls.servers += [Server((OTHER, cls.port), Echo), Server6((ADDRESS6, cls.port), Echo),
                        Server(("127.0.0.1", cls.port), Echo), Datagrams((ADDRESS, cls.port), Talk),
                        Datagrams((OTHER, cls.port), Talk), Datagrams6((ADDRESS6, cls.port), Talk),
                        socketserver.ThreadingUDPServer(("127.0.0.1", 0), Names)]
        cls.dns = f"127.0.0.1:{cls.servers[-1].server_address[1]}"
        for server in cls.servers:
            threading.Thread(target=server.serve_forever, daemon=True).start()

    @classmethod
    def tearDownClass(cls):
        for server in cls.servers:
            server.shutdown()
            server.server_close()
        for address in (f"{ADDRESS}/32", f"{OTHER}/32", f"{ADDRESS6}/128"):
            subprocess.run(["ip", "address", "del", address, "dev", "lo"], check=False)

    CONNECT = """
import socket, sys
for host in sys.argv[2:]:
    try:
        s = socket.create_connection((host, int(sys.argv[1])), 5)
        print(host, s.recv(100).decode().strip() or "closed")
    except OSError as error:
        print(host, "refused" if isinstance(error, (ConnectionResetError, ConnectionRefusedError)) else type(error).__name__)
"""

    def sandbox(self, rules, *words, options=()):
        return run(RUNTIME, "do", "--egress", rules, "--dns", self.dns, *options, "--", *words)

    def connect(self, rules, *hosts, port=None):
        done = self.sandbox(rules, PYTHON, "-c", self.CONNECT, port or self.port, *hosts)
        self.assertEqual(done.returncode, 0, done.stderr)
        return dict(line.split() for line in done.stdout.splitlines())

    def test_addresses_and_networks(self):
        self.assertEqual(self.connect(f"{ADDRESS}:{self.port}", ADDRESS, OTHER, ADDRESS6),
                         {ADDRESS: "server", OTHER: "refused", ADDRESS6: "refused"})
        self.assertEqual(self.connect(f"198.51.100.8/31:{self.port},[2001:db8:51::]/48:{self.port}", ADDRESS, OTHER, ADDRESS6),
                         {ADDRESS: "refused", OTHER: "server", ADDRESS6: "server"})
        self.assertEqual(self.connect(f"{ADDRESS}:1", ADDRESS), {ADDRESS: "refused"})
        # Controls: the host's network has all of them, no rules none.
        done = run(RUNTIME, "do", "--egress", "all", "--", PYTHON, "-c", self.CONNECT, self.port, ADDRESS, OTHER, ADDRESS6)
        self.assertEqual(done.stdout.count("server"), 3)
        done = run(RUNTIME, "do", "--", PYTHON, "-c", self.CONNECT, self.port, ADDRESS, OTHER)
        self.assertEqual(done.stdout.count("server"), 0)

    def test_names(self):
        Names.asked.clear()
        self.assertEqual(self.connect(f"api.test:{self.port}", "api.test", ADDRESS, "other.test", OTHER),
                         {"api.test": "server", ADDRESS: "server", "other.test": "gaierror", OTHER: "refused"})
        self.assertEqual(set(Names.asked), {"api.test"}, "other names do not even leave the sandbox")
        # An address counts only once its name was looked up.
        self.assertEqual(self.connect(f"api.test:{self.port}", ADDRESS), {ADDRESS: "refused"})
        self.assertEqual(self.connect(f"*.test:{self.port}", "api.test", "other.test"), {"api.test": "server", "other.test": "server"})
        # An allowed name on a port that is another's.
        self.assertEqual(self.connect(f"api.test:1,other.test:{self.port}", "api.test", "other.test"),
                         {"api.test": "refused", "other.test": "server"})

    def test_a_name_never_means_the_host_itself(self):
        done = self.sandbox(f"rebound.test:{self.port},host.test:{self.port}", PYTHON, "-c",
                            "import socket; print(sorted({a[4][0] for a in socket.getaddrinfo('rebound.test', 1)}))")
        self.assertEqual(done.stdout, f"['{ADDRESS}']\n", done.stderr)
        self.assertEqual(self.connect(f"host.test:{self.port}", "host.test", "127.0.0.1", "0.0.0.0"),
                         {"host.test": "gaierror", "127.0.0.1": "refused", "0.0.0.0": "refused"})
        # Not even a rule does: 127.0.0.1 is the sandbox's own.
        self.assertEqual(self.connect(f"127.0.0.0/8:{self.port}", "127.0.0.1"), {"127.0.0.1": "refused"})

    def test_another_resolver_is_the_same_one(self):
        script = f"""
import socket, struct
def ask(server, name):
    s = socket.socket(socket.AF_INET6 if ':' in server else socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(2)
    s.connect((server, 53))
    s.send(struct.pack('!HHHHHH', 7, 0x100, 1, 0, 0, 0) + b''.join(bytes([len(l)]) + l.encode() for l in name.split('.')) + b'\\0\\0\\1\\0\\1')
    answer = s.recv(512)
    return answer[3] & 15, struct.unpack('!H', answer[6:8])[0]
print(ask('8.8.8.8', 'api.test'), ask('2001:4860:4860::8888', 'other.test'), ask('127.0.0.53', 'secret.data.evil.test'))
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
u.settimeout(1)
try:
    u.sendto(b'x', ('{ADDRESS}', 5353))
    print(u.recv(10))
except OSError as error:
    print(type(error).__name__)
"""
        Names.asked.clear()
        done = self.sandbox(f"api.test:{self.port}/later", PYTHON, "-c", script)
        self.assertEqual(done.stdout.splitlines()[0], "(0, 1) (3, 0) (3, 0)", done.stderr)
        self.assertIn(done.stdout.splitlines()[1], ("TimeoutError", "ConnectionRefusedError"))
        self.assertEqual(Names.asked, ["api.test"])

    TALK = """
import socket, sys
for host in sys.argv[2:]:
    s = socket.socket(socket.AF_INET6 if ':' in host else socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(2)
    try:
        s.sendto(b'hello', (host, int(sys.argv[1])))
        data, sender = s.recvfrom(100)
        print(host, data.decode().replace(' ', '-'), sender[0])
    except OSError as error:
        print(host, 'nothing', '-')
"""

    def test_datagrams(self):
        def talk(rules, *hosts):
            done = self.sandbox(rules, PYTHON, "-c", self.TALK, self.port, *hosts)
            self.assertEqual(done.returncode, 0, done.stderr)
            return {line.split()[0]: line.split()[1:] for line in done.stdout.splitlines()}
        nothing = ["nothing", "-"]
        # Who answers is who was asked, whatever the relay's own address is.
        self.assertEqual(talk(f"{ADDRESS}:{self.port}/udp,[2001:db8:51::]/48:{self.port}/udp", ADDRESS, OTHER, ADDRESS6),
                         {ADDRESS: ["server-hello", ADDRESS], OTHER: nothing, ADDRESS6: ["server-hello", ADDRESS6]})
        # A rule is about one protocol.
        self.assertEqual(talk(f"{ADDRESS}:{self.port}", ADDRESS), {ADDRESS: nothing})
        self.assertEqual(self.connect(f"{ADDRESS}:{self.port}/udp", ADDRESS), {ADDRESS: "refused"})
        # Names, and the host itself.
        self.assertEqual(talk(f"api.test:{self.port}/udp", "api.test", "other.test")["api.test"], ["server-hello", ADDRESS])
        self.assertEqual(talk(f"127.0.0.0/8:{self.port}/udp", "127.0.0.1"), {"127.0.0.1": nothing})
        # Controls: all of the host's network, and none.
        done = run(RUNTIME, "do", "--egress", "all", "--", PYTHON, "-c", self.TALK, self.port, ADDRESS, OTHER, ADDRESS6)
        self.assertEqual(done.stdout.count("server-hello"), 3)
        done = run(RUNTIME, "do", "--", PYTHON, "-c", self.TALK, self.port, ADDRESS)
        self.assertEqual(done.stdout.count("server-hello"), 0)

    def test_many_talkers(self):
        """More pairs than the table holds: the oldest end, all are answered. Large datagrams, and what the result says."""
        script = f"""
import socket
held, answered = [], 0
for number in range(400):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(5)
    s.connect(('{ADDRESS}', {self.port}))
    s.send(b'%d' % number)
    answered += s.recv(100) == b'server %d' % number
    held.append(s)
held[0].send(b'again')
print(answered, held[0].recv(100))
s.send(b'x' * 40000)
print(len(s.recv(65536)))
s.connect(('{OTHER}', {self.port}))
s.send(b'x')
s.settimeout(1)
try: print(s.recv(10))
except OSError: print('nothing')
"""
        done = self.sandbox(f"{ADDRESS}:{self.port}/udp", PYTHON, "-c", script, options=["--json"])
        result = json.loads(done.stdout)
        self.assertEqual(result["stdout"], "400 b'server again'\n40007\nnothing\n", result["stderr"])
        counts = {(c["decision"], c["address"]): c for c in result["connections"]}
        self.assertEqual(counts["allowed", ADDRESS]["protocol"], "udp")
        self.assertEqual(counts["allowed", ADDRESS]["count"], 401)
        self.assertEqual(counts["denied", OTHER]["count"], 1)

    def test_nothing_else_leads_out(self):
        """Raw and packet sockets, tricks with connected sockets, new routes, descriptors of the host."""
        script = f"""
import ctypes, os, socket, struct
def attempt(what, body):
    try:
        print(what, body())
    except OSError as error:
        print(what, 'error')
def again():
    s = socket.create_connection(('{ADDRESS}', {self.port}))
    s.recv(7)
    # AF_UNSPEC ends the connection (connect(2)); the socket is then connected elsewhere.
    ctypes.CDLL(None).connect(s.fileno(), struct.pack('H14x', 0), 16)
    s.settimeout(3)
    s.connect(('{OTHER}', {self.port}))
    return s.recv(7)
def fast():
    s = socket.socket()
    s.settimeout(3)
    s.sendto(b'x', 0x20000000, ('{OTHER}', {self.port}))
    return s.recv(7)
def source():
    s = socket.socket()
    s.settimeout(3)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b'eth0')
    s.connect(('{OTHER}', {self.port}))
    return s.recv(7)
attempt('again', again)
attempt('fast', fast)
attempt('device', source)
attempt('raw', lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 255))
attempt('packet', lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 3))
attempt('links', lambda: sorted(os.listdir('/sys/class/net')))
print('sockets', [n for n in os.listdir('/proc/self/fd') if os.path.exists('/proc/self/fd/' + n) and 'socket' in os.readlink('/proc/self/fd/' + n)])
"""
        done = self.sandbox(f"{ADDRESS}:{self.port}", PYTHON, "-c", script)
        found = dict(line.split(" ", 1) for line in done.stdout.splitlines())
        for what in ("again", "fast", "device", "raw", "packet"):
            self.assertIn(found[what], ("error", "b''"), what)
        self.assertEqual(found["links"], "['lo']")
        self.assertEqual(found["sockets"], "[]")

    def test_much_data_both_ways_and_half_closed(self):
        script = f"""
import hashlib, socket, threading, os
data = os.urandom(1 << 20) * 24
s = socket.create_connection(('{ADDRESS}', {self.port}))
def send():
    s.sendall(data)
    s.shutdown(socket.SHUT_WR)
threading.Thread(target=send).start()
got = b''.join(iter(lambda: s.recv(1 << 16), b''))
print(len(got), hashlib.sha256(got).digest() == hashlib.sha256(b'server\\n' + data).digest())
"""
        done = self.sandbox(f"{ADDRESS}:{self.port}", PYTHON, "-c", script, options=["--json"])
        result = json.loads(done.stdout)
        self.assertEqual(result["stdout"], f"{(24 << 20) + 7} True\n", result["stderr"])
        self.assertEqual(result["connections"], [{"decision": "allowed", "address": ADDRESS, "protocol": "tcp", "port": self.port, "count": 1,
                                                  "sentBytes": 24 << 20, "receivedBytes": (24 << 20) + 7}])

    def test_many_connections_at_once(self):
        script = f"""
import socket
held = [socket.create_connection(('{ADDRESS}', {self.port}), 20) for _ in range(200)]
print(sum(s.recv(7) == b'server\\n' for s in held))
for s in held: s.close()
late = [socket.create_connection(('{ADDRESS}', {self.port}), 20) for _ in range(300)]
for s in late[:200]: s.close()
late[290].settimeout(20)
print(late[290].recv(7))
"""
        done = self.sandbox(f"{ADDRESS}:{self.port}", PYTHON, "-c", script)
        self.assertEqual(done.stdout, "200\nb'server\\n'\n", done.stderr)

    def test_the_result_says_what_was_tried(self):
        done = self.sandbox(f"api.test:{self.port}", PYTHON, "-c", self.CONNECT, self.port, "api.test", "evil.test", OTHER, options=["--json"])
        connections = json.loads(done.stdout)["connections"]
        self.assertIn(("allowed", "api.test"), [(c["decision"], c.get("name")) for c in connections])
        self.assertIn(("denied", "evil.test"), [(c["decision"], c.get("name")) for c in connections])
        self.assertIn(("denied", OTHER), [(c["decision"], c["address"]) for c in connections])

    def test_without_the_relay_there_is_no_way(self):
        process = subprocess.Popen([RUNTIME, "do", "--egress", f"{ADDRESS}:{self.port}", "--", PYTHON, "-c",
                                    f"import socket, sys\nsys.stdin.readline()\ns = socket.create_connection(('{ADDRESS}', {self.port}), 5)\nprint(s.recv(7))"],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        children = []
        for _ in range(100):
            children = run("pgrep", "-P", process.pid).stdout.split()
            if len(children) > 1:
                break
        relays = [pid for pid in children if re.search(r"^NSpid:\t\d+$", pathlib.Path(f"/proc/{pid}/status").read_text(), re.M)]
        self.assertEqual(len(relays), 1, children)
        run("kill", "-9", relays[0])
        output, errors = process.communicate("\n", timeout=30)
        self.assertNotIn("server", output)
        self.assertRegex(errors, "ConnectionRefusedError|ConnectionResetError|TimeoutError")
        self.assertEqual(run("pgrep", "-f", "do --egress").stdout, "")

    def test_an_ordinary_user_has_it_too(self):
        user = OrdinaryUser()
        self.addCleanup(user.remove)
        done = run("setpriv", "--reuid", user.uid, "--regid", user.gid, "--clear-groups", RUNTIME, "--root", f"/tmp/rct-egress-{user.uid}",
                   "do", "--egress", f"api.test:{self.port}", "--dns", self.dns, "--", PYTHON, "-c", self.CONNECT, self.port, "api.test", OTHER)
        run("rm", "-rf", f"/tmp/rct-egress-{user.uid}")
        self.assertEqual(done.stdout, f"api.test server\n{OTHER} refused\n", done.stderr)

    def test_a_name_without_an_address_is_said_before_the_command_runs(self):
        Names.asked.clear()
        for rules in ("nope.test:443", f"api.test:1,{ADDRESS}:1,nope.test:9/udp", " ".join(f"nope{n}.test:1" for n in range(40))):
            done = self.sandbox(rules, "echo", "ran")
            self.assertEqual((done.returncode, done.stdout, done.stderr.count("\n")), (255, "", 1), done.stderr)
            self.assertRegex(done.stderr, r"--egress: name server 127\.0\.0\.1:\d+ knows no address of nope\d*\.test .*/later")
        self.assertNotIn("nope39.test", Names.asked, "the first that fails is enough")
        self.assertEqual(self.connect(f"nope.test:1/later,{ADDRESS}:{self.port}", ADDRESS), {ADDRESS: "server"})
        self.assertEqual(self.connect(f"*.nope.test:1,{ADDRESS}:{self.port}", ADDRESS), {ADDRESS: "server"})
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
            silent.bind(("127.0.0.1", 0))
            begin = time.monotonic()
            done = run(RUNTIME, "do", "--egress", "api.test:1", "--dns", f"127.0.0.1:{silent.getsockname()[1]}", "--", "true")
            self.assertLess(time.monotonic() - begin, 15)
            silent.setblocking(False)
            asked = 0
            with contextlib.suppress(BlockingIOError):
                while silent.recv(512):
                    asked += 1
        self.assertEqual((done.returncode, done.stderr.count("\n")), (255, 1))
        self.assertIn("does not say whether api.test has an address", done.stderr)
        self.assertGreaterEqual(asked, 4, "each question is asked again")

    def test_a_pool_says_it_too(self):
        done = run(RUNTIME, "pool", "--size", "1", "--socket", self.folder / "pool", "--egress", "nope.test:1", "--dns", self.dns)
        self.assertEqual((done.returncode, done.stderr.count("\n")), (1, 1))
        self.assertIn("knows no address of nope.test", done.stderr)

    def test_mistakes_are_one_clear_line(self):
        for rules, message in (("example.com", "has no port"), ("10.0.0.0/40:1", "prefix"), ("a:1-9999", "too many"), ("", "has no port"), ("a:1/sctp", "neither tcp nor udp"), ("a:1/later/udp", "neither tcp nor udp"), ("10.0.0.1:1/later", "leave /later out"),
                               ("a:53/udp", "own resolver")):
            done = run(RUNTIME, "do", "--egress", rules, "--", "true")
            self.assertEqual(done.returncode, 255)
            self.assertIn(message, done.stderr)
            self.assertEqual(done.stderr.count("\n"), 1)
        self.assertIn("no effect", run(RUNTIME, "do", "--net", "host", "--egress", "10.0.0.1:1", "--", "true").stderr)
        self.assertIn("--dns x is not", run(RUNTIME, "do", "--egress", "a:1", "--dns", "x", "--", "true").stderr)
