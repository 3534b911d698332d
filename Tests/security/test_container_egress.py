"""Where a container may connect to, by the annotation org.rcontainer.egress: what the rules allow works, and nothing else leaves
its network namespace, whatever is tried. The container has a link to this host; what goes over it is recorded. The control
is the same container without the annotation.

RACES is how often each race is run (20000); RACE_SECONDS ends one earlier (30)."""
import contextlib
import ctypes
import json
import os
import pathlib
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from support import PROGRAMS, RUNTIME, Case, OrdinaryUser, compiled, needs_root, ours_only, run  # noqa: E402
import test_egress as plain  # noqa: E402

ADDRESS, OTHER = "198.51.100.17", "198.51.100.18"
ADDRESS6, OTHER6 = "2001:db8:52::7", "2001:db8:52::8"
HOST, INSIDE, HOST6, INSIDE6 = "203.0.113.1", "203.0.113.2", "2001:db8:53::1", "2001:db8:53::2"
NAMESPACE, LINK = "rcegress", "rcegress0"
ANNOTATION = "org.rcontainer.egress"
RACES, RACE_SECONDS = int(os.environ.get("RACES", "20000")), os.environ.get("RACE_SECONDS", "30")


class Names(plain.Names):
    zone = {"api.test": [ADDRESS], "other.test": [OTHER], "host.test": ["127.0.0.1", "169.254.169.254"]}
    zone6 = {"api.test": [ADDRESS6]}


class Recorder:
    """The destinations of the packets that come over the link."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.socket.bind((LINK, 0))
        self.socket.settimeout(0.1)
        self.seen = set()

    def __enter__(self):
        self.running = True
        self.thread = threading.Thread(target=self.record)
        self.thread.start()
        return self

    def __exit__(self, *_):
        time.sleep(0.3)
        self.running = False
        self.thread.join()
        self.socket.close()

    def record(self):
        while self.running:
            with contextlib.suppress(TimeoutError):
                data, source = self.socket.recvfrom(65536)
                if source[2] == socket.PACKET_OUTGOING:
                    continue
                if data[12:14] == b"\x08\x00":
                    self.seen.add(socket.inet_ntop(socket.AF_INET, data[30:34]))
                elif data[12:14] == b"\x86\xdd":
                    self.seen.add(socket.inet_ntop(socket.AF_INET6, data[38:54]))


def came(address):
    """A function that tells whether anything came over the link for this address. The kernel looks, so that none is missed."""
    four = ":" not in address
    packed = socket.inet_pton(socket.AF_INET if four else socket.AF_INET6, address)[-4:]
    # Half a word at 12 is the protocol, a word at 30 or 50 the last of the destination: ldh, jeq, ld, jeq, ret.
    text = [(0x28, 0, 0, 12), (0x15, 0, 3, 0x0800 if four else 0x86dd), (0x20, 0, 0, 30 if four else 50),
            (0x15, 0, 1, int.from_bytes(packed, "big")), (6, 0, 0, 0x40000), (6, 0, 0, 0)]
    filter = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in text))
    watch = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    watch.setsockopt(socket.SOL_SOCKET, 26, struct.pack("HL", len(text), ctypes.addressof(filter)))  # SO_ATTACH_FILTER
    watch.bind((LINK, 3))  # ETH_P_ALL
    watch.setblocking(False)

    def tell():
        with watch, contextlib.suppress(BlockingIOError):
            return len(watch.recv(1)) > 0
        return False
    return tell


# Each attack says whether it was let; what left the container says the recorder.
ATTACKS = """
import ctypes, errno, json, os, socket, struct, sys
port, address, other, other6, address6 = int(sys.argv[1]), *sys.argv[2:6]
libc = ctypes.CDLL(None, use_errno=True)
U, T = socket.SOCK_DGRAM, socket.SOCK_STREAM
def tcp(family, host):
    s = socket.socket(family, T)
    s.settimeout(2)
    s.connect((host, port))
    return s.recv(7)
def udp(family, host):
    s = socket.socket(family, U)
    s.settimeout(1)
    s.sendto(b'x', (host, port))
    return s.recv(10)
def udp_connected(family, host):
    s = socket.socket(family, U)
    s.settimeout(1)
    s.connect((host, port))
    s.send(b'x')
    return s.recv(10)
def again(kind):
    s = socket.socket(socket.AF_INET, kind)
    s.settimeout(2)
    s.connect((address, port))
    libc.connect(s.fileno(), struct.pack('H14x', 0), 16)  # AF_UNSPEC: not connected any more
    s.connect((other, port))
    s.send(b'x')
    return s.recv(7)
def udp_again_at_once():
    s = socket.socket(socket.AF_INET, U)
    s.settimeout(1)
    s.connect((address, port))
    s.sendto(b'x', (other, port))
    return True  # the answer is not from whom it is connected to
def name(host=None, p=None):
    return struct.pack('!HH4s8x', socket.AF_INET << 8 if sys.byteorder == 'little' else socket.AF_INET, p or port, socket.inet_aton(host or other))
def sendmsg():
    s = socket.socket(socket.AF_INET, U)
    s.settimeout(1)
    s.sendmsg([b'x'], [], 0, (other, port))
    return s.recv(10)
def sendmmsg():
    class iovec(ctypes.Structure): _fields_ = [('base', ctypes.c_void_p), ('size', ctypes.c_size_t)]
    class msghdr(ctypes.Structure): _fields_ = [('name', ctypes.c_char_p), ('namelen', ctypes.c_uint32), ('iov', ctypes.POINTER(iovec)), ('iovlen', ctypes.c_size_t), ('control', ctypes.c_void_p), ('controllen', ctypes.c_size_t), ('flags', ctypes.c_int)]
    class mmsghdr(ctypes.Structure): _fields_ = [('hdr', msghdr), ('len', ctypes.c_uint)]
    s = socket.socket(socket.AF_INET, U)
    s.settimeout(1)
    data = ctypes.create_string_buffer(b'x')
    vector = iovec(ctypes.addressof(data), 1)
    messages = (mmsghdr * 2)()
    for i, host in enumerate((address, other)):
        messages[i].hdr = msghdr(name(host), 16, ctypes.pointer(vector), 1, None, 0, 0)
    if libc.sendmmsg(s.fileno(), messages, 2, 0) != 2: raise OSError(ctypes.get_errno() or errno.EPERM, 'only the first')
    return s.recv(10), s.recv(10)
def unspec_datagram():
    s = socket.socket(socket.AF_INET, U)
    s.settimeout(1)
    raw = b'\\0\\0' + name()[2:]  # AF_UNSPEC, which sendto(2) takes for AF_INET
    if libc.sendto(s.fileno(), b'x', 1, 0, raw, 16) < 0: raise OSError(ctypes.get_errno(), 'sendto')
    return s.recv(10)
def v4_on_v6():
    s = socket.socket(socket.AF_INET6, U)
    s.settimeout(1)
    if libc.connect(s.fileno(), name(), 16) != 0: raise OSError(ctypes.get_errno(), 'connect')
    s.send(b'x')
    return s.recv(10)
def fast():
    s = socket.socket()
    s.sendto(b'x', 0x20000000, (other, port))
    return s.recv(7)
def fast_late():
    s = socket.socket()
    s.settimeout(2)
    s.setsockopt(socket.IPPROTO_TCP, 30, 1)  # TCP_FASTOPEN_CONNECT
    s.connect((other, port))
    s.send(b'x')
    return s.recv(7)
# Loose source routes: the packet goes to the first hop, and connect(2) names the last.
ROUTE = bytes([131, 7, 4]) + socket.inet_aton(other) + b'\\0'
def routed(kind):
    s = socket.socket(socket.AF_INET, kind)
    s.settimeout(1)
    s.setsockopt(socket.IPPROTO_IP, socket.IP_OPTIONS, ROUTE)
    s.connect((address, port))
    s.send(b'x')
    return True
def routed_message():
    s = socket.socket(socket.AF_INET, U)
    s.sendmsg([b'x'], [(socket.IPPROTO_IP, 7, ROUTE)], 0, (address, port))  # IP_RETOPTS
    return True
def routed6():
    s = socket.socket(socket.AF_INET6, U)
    header = struct.pack('!BBBBI', 0, 2, 2, 1, 0) + socket.inet_pton(socket.AF_INET6, other6)  # type 2 (RFC 6275)
    s.setsockopt(socket.IPPROTO_IPV6, 57, header)  # IPV6_RTHDR
    s.sendto(b'x', (address6, port))
    return True
def resolver():
    s = socket.socket(socket.AF_INET, U)
    s.settimeout(1)
    s.sendto(b'x', (other, 53))
    return s.recv(10)
def raw():
    s = socket.socket(socket.AF_INET, socket.SOCK_RAW, 17)
    s.sendto(struct.pack('!HHHH', 9, port, 9, 0) + b'x', (other, 0))
    return True
def packet():
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 3)
    s.bind(('eth0', 0))
    return True
def ping():
    s = socket.socket(socket.AF_INET, U, socket.IPPROTO_ICMP)
    s.sendto(struct.pack('!BBHHH', 8, 0, 0, 1, 1), (other, 0))
    return True
def ring():
    if libc.syscall(425, 1, ctypes.create_string_buffer(120)) < 0: raise OSError(ctypes.get_errno(), 'io_uring_setup')
    return True
def family(*words):
    return lambda: bool(socket.socket(*words))
def in_user_namespace():
    # All capabilities, but over another network.
    if libc.unshare(0x10000000) != 0: raise OSError(ctypes.get_errno(), 'unshare')
    return tcp(socket.AF_INET, other)
def in_another_cgroup():
    os.makedirs('/sys/fs/cgroup/unified/below', exist_ok=True)
    with open('/sys/fs/cgroup/unified/below/cgroup.procs', 'w') as file: file.write('0')
    return tcp(socket.AF_INET, other)
attacks = {
    'tcp4': lambda: tcp(socket.AF_INET, other), 'tcp6': lambda: tcp(socket.AF_INET6, other6),
    'mapped tcp': lambda: tcp(socket.AF_INET6, '::ffff:' + other), 'udp4': lambda: udp(socket.AF_INET, other),
    'udp6': lambda: udp(socket.AF_INET6, other6), 'mapped udp': lambda: udp(socket.AF_INET6, '::ffff:' + other),
    'connected udp4': lambda: udp_connected(socket.AF_INET, other), 'connected udp6': lambda: udp_connected(socket.AF_INET6, other6),
    'tcp twice': lambda: again(T), 'udp twice': lambda: again(U), 'udp connected elsewhere': udp_again_at_once, 'sendmsg': sendmsg,
    'sendmmsg': sendmmsg, 'datagram without family': unspec_datagram, 'v4 address on v6': v4_on_v6, 'fast open': fast, 'fast open later': fast_late,
    'routed tcp': lambda: routed(T), 'routed udp': lambda: routed(U), 'routed message': routed_message, 'routed 6': routed6, 'resolver': resolver,
    'raw': raw, 'packet': packet, 'ping': ping, 'ring': ring, 'sctp': family(socket.AF_INET, T, 132), 'mptcp': family(socket.AF_INET, T, 262),
    'udplite': family(socket.AF_INET, U, 136), 'vsock': family(40, T), 'alg': family(38, 5), 'smc': family(43, T),
    'another cgroup': in_another_cgroup, 'user namespace': in_user_namespace}
for what, attack in attacks.items():
    pid = os.fork()
    if pid == 0:
        try: result = repr(attack())
        except OSError as error: result = 'error ' + errno.errorcode.get(error.errno, type(error).__name__)
        print(json.dumps([what, result]), flush=True)
        os._exit(0)
    os.waitpid(pid, 0)
"""

CONNECT = """
import socket, sys
port = int(sys.argv[1])
for host in sys.argv[2:]:
    try: print(host, socket.create_connection((host, port), 3).recv(100).decode().strip())
    except OSError as error: print(host, type(error).__name__)
"""


@ours_only
@needs_root
class ContainerEgress(Case):
    @classmethod
    def setUpClass(cls):
        def ip(*words):
            subprocess.run(["ip", *words], check=True)
        run("ip", "netns", "del", NAMESPACE)
        cls.addClassCleanup(run, "ip", "netns", "del", NAMESPACE)
        ip("netns", "add", NAMESPACE)
        ip("link", "add", LINK, "type", "veth", "peer", "name", "eth0", "netns", NAMESPACE)
        for address in (ADDRESS, OTHER):
            ip("address", "add", address + "/32", "dev", LINK)
        ip("address", "add", HOST + "/24", "dev", LINK)
        for address in (ADDRESS6 + "/128", OTHER6 + "/128", HOST6 + "/64"):
            ip("address", "add", address, "dev", LINK, "nodad")
        ip("link", "set", LINK, "up")
        inside = ["-n", NAMESPACE]
        ip(*inside, "link", "set", "lo", "up")
        ip(*inside, "address", "add", INSIDE + "/24", "dev", "eth0")
        ip(*inside, "address", "add", INSIDE6 + "/64", "dev", "eth0", "nodad")
        ip(*inside, "link", "set", "eth0", "up")
        ip(*inside, "route", "add", "default", "via", HOST)
        ip(*inside, "-6", "route", "add", "default", "via", HOST6)
        run("ip", "netns", "exec", NAMESPACE, "sh", "-c", "echo 0 2147483647 >/proc/sys/net/ipv4/ping_group_range")
        cls.servers = [plain.Server((ADDRESS, 0), plain.Echo)]
        cls.port = cls.servers[0].server_address[1]
        cls.servers += [plain.Server((OTHER, cls.port), plain.Echo), plain.Server6((ADDRESS6, cls.port), plain.Echo),
                        plain.Server6((OTHER6, cls.port), plain.Echo), plain.Server((HOST, cls.port), plain.Echo),
                        plain.Datagrams((ADDRESS, cls.port), plain.Talk), plain.Datagrams((OTHER, cls.port), plain.Talk),
                        plain.Datagrams((OTHER, 53), plain.Talk), plain.Datagrams6((ADDRESS6, cls.port), plain.Talk),
                        plain.Datagrams6((OTHER6, cls.port), plain.Talk), plain.Datagrams(("127.0.0.1", 0), Names)]
        cls.dns = f"127.0.0.1:{cls.servers[-1].server_address[1]}"
        for server in cls.servers:
            threading.Thread(target=server.serve_forever, daemon=True).start()

    @classmethod
    def tearDownClass(cls):
        for server in cls.servers:
            server.shutdown()
            server.server_close()

    def setUp(self):
        super().setUp()
        root = self.bundle / "rootfs"
        (root / "usr").mkdir()
        for name in ("lib", "lib64"):
            (root / name).symlink_to("usr/" + name)

    def config(self, rules, *command, **annotations):
        config = self.example(*command)
        config["mounts"] += [{"destination": "/usr", "type": "bind", "source": "/usr", "options": ["rbind", "ro"]},
                             {"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup"}]
        config["process"]["env"] = ["PATH=/bin:/usr/bin"]
        namespaces = config["linux"]["namespaces"]
        next(n for n in namespaces if n["type"] == "network")["path"] = f"/run/netns/{NAMESPACE}"
        if rules is not None:
            config["annotations"] = {ANNOTATION: rules, ANNOTATION + ".dns": self.dns, **annotations}
        return config

    def connect(self, rules, *hosts):
        text = self.output(self.config(rules, "/usr/bin/python3", "-c", CONNECT, str(self.port), *hosts))
        return dict(line.split(" ", 1) for line in text.splitlines())

    def attack(self, rules, capabilities=()):
        config = self.config(rules, "/usr/bin/python3", "-c", ATTACKS, str(self.port), ADDRESS, OTHER, OTHER6, ADDRESS6)
        sets = ("bounding", "effective", "permitted")
        config["process"]["capabilities"] = {name: list(capabilities) for name in sets}
        with Recorder() as recorder:
            text = self.output(config)
        return dict(json.loads(line) for line in text.splitlines()), recorder.seen

    def test_addresses_networks_and_protocols(self):
        self.assertEqual(self.connect(f"{ADDRESS}:{self.port}", ADDRESS, OTHER, ADDRESS6),
                         {ADDRESS: "server", OTHER: "PermissionError", ADDRESS6: "PermissionError"})
        self.assertEqual(self.connect(f"198.51.100.18/31:{self.port - 1}-{self.port},[2001:db8:52::]/48:*", ADDRESS, OTHER, ADDRESS6, OTHER6),
                         {ADDRESS: "PermissionError", OTHER: "server", ADDRESS6: "server", OTHER6: "server"})
        self.assertEqual(self.connect(f"{ADDRESS}:{self.port}/udp,{OTHER}:1", ADDRESS, OTHER), {ADDRESS: "PermissionError", OTHER: "PermissionError"})
        self.assertEqual(self.connect("none", ADDRESS), {ADDRESS: "PermissionError"})
        self.assertEqual(self.connect("0.0.0.0/0:*,[::]/0:*", ADDRESS, OTHER6, "169.254.169.254"),
                         {ADDRESS: "server", OTHER6: "server", "169.254.169.254": "PermissionError"})
        # Controls.
        self.assertEqual(set(self.connect(None, ADDRESS, OTHER, ADDRESS6, OTHER6).values()), {"server"})
        self.assertEqual(set(self.connect("all", ADDRESS, OTHER).values()), {"server"})

    def test_rules_of_the_caller(self):
        """What an operator says of a runtime (`runtimeArgs` of docker) holds for containers that say nothing themselves."""
        def connect(*options, **annotations):
            config = self.config(None, "/usr/bin/python3", "-c", CONNECT, str(self.port), "api.test", OTHER)
            config["annotations"] = annotations
            self.write(config)
            done = self.call(*options, "run", "--bundle", self.bundle, self.id)
            self.assertEqual(done.returncode, 0, done.stderr)
            return [line.split(" ", 1)[1] for line in done.stdout.splitlines()]
        options = ("--egress", f"api.test:{self.port}", "--dns", self.dns)
        self.assertEqual(connect(), ["gaierror", "server"], "the control")
        self.assertEqual(connect(*options), ["server", "PermissionError"])
        self.assertEqual(connect("--egress", "none"), ["gaierror", "PermissionError"])
        self.assertEqual(connect(*options, **{ANNOTATION: f"{OTHER}:{self.port}"}), ["gaierror", "server"])
        self.write(self.config(None, "true"))
        done = self.call("--egress", "example.com", "run", "--bundle", self.bundle, self.id)
        self.assertEqual((done.returncode, done.stderr.count("\n")), (1, 1), done.stderr)
        self.assertIn("--egress: ", done.stderr)
        self.assertIn("has no port", done.stderr)
        self.assertIn("--dns x is not", self.call("--dns", "x", "run", "--bundle", self.bundle, self.id).stderr)

    def test_many_rules(self):
        rules = [f"10.{n}.0.0/{8 + n % 25}:{n + 1}-{60000 - n}" for n in range(100)] + [f"[2001:db8:{n:x}::]/{30 + n}:{n + 1}/udp" for n in range(90)]
        rules += [f"name{n}.test:{n + 1}/later" for n in range(65)] + [f"{ADDRESS}:{self.port}"]
        self.assertEqual(self.connect(",".join(rules), ADDRESS, OTHER), {ADDRESS: "server", OTHER: "PermissionError"})

    def test_names(self):
        Names.asked.clear()
        self.assertEqual(self.connect(f"api.test:{self.port}", ADDRESS, "other.test", "api.test", ADDRESS, OTHER),
                         {"api.test": "server", ADDRESS: "server", "other.test": "gaierror", OTHER: "PermissionError"})
        self.assertEqual(set(Names.asked), {"api.test"}, "other names do not even leave the container")
        # An address counts only once its name was looked up, and for its name's ports.
        self.assertEqual(self.connect(f"api.test:{self.port}", ADDRESS), {ADDRESS: "PermissionError"})
        self.assertEqual(self.connect(f"api.test:1,other.test:{self.port}", "api.test", "other.test"),
                         {"api.test": "PermissionError", "other.test": "server"})
        self.assertEqual(self.connect(f"*.test:{self.port}", "other.test", "host.test"), {"other.test": "server", "host.test": "gaierror"})

    def test_the_resolver_is_the_only_one_and_cannot_be_replaced(self):
        script = "cat /etc/resolv.conf; (echo nameserver 1.2.3.4 >/etc/resolv.conf) 2>/dev/null || echo read-only; rm -f /etc/resolv.conf 2>/dev/null || echo stays"
        self.assertRegex(self.output(self.config("api.test:1", "sh", "-c", script)), r"^nameserver 127\.53\.\d+\.\d+\nread-only\nstays\n$")
        # An engine's resolver in the container's own namespace would answer for all names.
        for address in ("127.0.0.1", "127.0.0.11"):
            server = subprocess.Popen(["ip", "netns", "exec", NAMESPACE, sys.executable, "-c",
                                       f"import socket\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\ns.bind(('{address}', 53))\nprint(flush=True)\n"
                                       "while True:\n  d, a = s.recvfrom(99)\n  s.sendto(b'secret', a)"], stdout=subprocess.PIPE)
            server.stdout.readline()
            ask = f"import socket\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\ns.settimeout(1)\ns.sendto(b'x', ('{address}', 53))\nprint(s.recv(9))"
            try:
                self.assertIn("secret", self.output(self.config(None, "/usr/bin/python3", "-c", ask)), "the control")
                self.assertIn("PermissionError", self.run_container(self.config("api.test:1", "/usr/bin/python3", "-c", ask)).stderr)
            finally:
                server.kill()
                server.wait()
                server.stdout.close()

    def test_loopback_is_the_containers_own(self):
        script = """
import socket
for family, host in ((socket.AF_INET, '127.0.0.1'), (socket.AF_INET6, '::1')):
    s = socket.socket(family)
    s.bind((host, 0))
    s.listen()
    c = socket.create_connection(s.getsockname()[:2], 3)
    print(s.accept()[1][0])
"""
        self.assertEqual(self.output(self.config("none", "/usr/bin/python3", "-c", script)), "127.0.0.1\n::1\n")

    def test_attacks(self):
        rules = f"{ADDRESS}:{self.port},{ADDRESS}:{self.port}/udp,[{ADDRESS6}]:{self.port}/udp"
        raw = ["CAP_NET_RAW", "CAP_NET_ADMIN", "CAP_NET_BIND_SERVICE"]
        control, seen = self.attack(None, raw)
        self.assertLessEqual({OTHER, OTHER6}, seen, "the control")
        worked = {what for what, result in control.items() if not result.startswith("error")}
        self.assertLessEqual({"tcp4", "tcp6", "mapped tcp", "udp4", "udp6", "mapped udp", "connected udp4", "connected udp6", "tcp twice",
                              "udp twice", "udp connected elsewhere", "sendmsg", "sendmmsg", "datagram without family", "v4 address on v6",
                              "fast open", "fast open later", "resolver", "raw", "packet", "ping", "routed udp", "another cgroup",
                              "user namespace"}, worked, control)
        found, seen = self.attack(rules, raw)
        # Source routes are set without a word; their packets do not leave.
        silent = {"routed tcp", "routed udp", "routed message", "routed 6"}
        for what, result in found.items():
            with self.subTest(what):
                if what not in silent:
                    self.assertRegex(result, "^error E", what)
        self.assertNotIn(OTHER, seen)
        self.assertNotIn(OTHER6, seen)
        self.assertIn(ADDRESS, seen)

    def raced(self, kind, four, rules, races):
        good, bad = (ADDRESS, OTHER) if four else (ADDRESS6, OTHER6)
        family = socket.AF_INET if four else socket.AF_INET6
        with socket.socket(family, socket.SOCK_DGRAM) as sink, socket.socket(family, socket.SOCK_DGRAM) as other:
            sink.bind((good, 0))
            port = sink.getsockname()[1]
            other.bind((bad, port))
            if rules:
                host = good if four else f"[{good}]"
                rules = f"{host}:{port},{host}:{port}/udp"
            config = self.config(rules, "/bin/destination", kind, good, bad, str(port), str(races), RACE_SECONDS)
            good_came, bad_came = came(good), came(bad)
            done = self.run_container(config, timeout=float(RACE_SECONDS) + 60)
            self.assertEqual(done.returncode, 0, done.stderr)
            time.sleep(0.1)
            return {**json.loads(done.stdout), "good": good_came(), "bad": bad_came()}

    def test_an_address_is_swapped_while_it_is_used(self):
        compiled(self.bundle / "rootfs/bin/destination", PROGRAMS / "destination.c")
        for kind, four in (("connect", True), ("connect", False), ("sendto", True), ("sendto", False), ("sendmsg", True), ("sendmsg", False),
                           ("sendmmsg", True), ("sendmmsg", False), ("stream", True), ("stream", False)):
            with self.subTest(kind, four=four):
                control = self.raced(kind, four, None, 10000)
                self.assertEqual((control["good"], control["bad"], control["refused"]), (True, True, 0), control)
                found = self.raced(kind, four, True, RACES)
                print(f"\n  {kind}, IPv{4 if four else 6}: {found}", file=sys.stderr)
                self.assertEqual((found["good"], found["bad"]), (True, False), found)
                # Both addresses were met, and nothing else went wrong.
                self.assertGreater(found["taken"], 0)
                self.assertGreater(found["refused"], 0)
                self.assertEqual(found["other"], 0)

    def test_source_routes_control(self):
        """That the attack with source routes is one: without the annotation its packet goes to the hop and not to the address."""
        attack = ATTACKS.split("attacks = {")[0] + "routed(U)\nrouted_message()\n"
        words = ("/usr/bin/python3", "-c", attack, str(self.port), ADDRESS, OTHER, OTHER6, ADDRESS6)
        control = self.config(None, *words)
        control["process"]["capabilities"] = {name: ["CAP_NET_RAW"] for name in ("bounding", "effective", "permitted")}
        with Recorder() as recorder:
            self.output(control)
        self.assertIn(OTHER, recorder.seen)
        with Recorder() as recorder:
            self.run_container(self.config(f"{ADDRESS}:{self.port}/udp", *words))
        self.assertNotIn(OTHER, recorder.seen)

    def test_exec_is_held_to_it(self):
        config = self.config(f"{ADDRESS}:{self.port}", "sleep", "100")
        self.write(config)
        self.assertEqual(subprocess.run([RUNTIME, "--root", self.state, "run", "--detach", "--bundle", self.bundle, self.id],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL).returncode, 0)
        done = self.call("exec", self.id, "/usr/bin/python3", "-c", CONNECT, self.port, ADDRESS, OTHER)
        self.assertEqual(done.stdout, f"{ADDRESS} server\n{OTHER} PermissionError\n", done.stderr)
        done = self.call("exec", "--cap", "CAP_NET_RAW", self.id, "/usr/bin/python3", "-c",
                         "import socket; socket.socket(socket.AF_INET, socket.SOCK_RAW, 255)")
        self.assertIn("PermissionError", done.stderr)
        done = self.call("exec", "--cap", "CAP_SYS_ADMIN", self.id, "true")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("CAP_SYS_ADMIN", done.stderr)

    def test_the_resolver_ends_with_the_container_and_without_it_nothing_opens(self):
        def resolvers():
            return [p for p in run("pgrep", "-f", str(self.state)).stdout.split() if pathlib.Path(f"/proc/{p}/status").exists()]
        for way in ("kill", "delete"):
            self.write(self.config(f"api.test:{self.port}", "sleep", "100"))
            subprocess.run([RUNTIME, "--root", self.state, "run", "--detach", "--bundle", self.bundle, self.id],
                           stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)
            alive = resolvers()
            self.assertEqual(len(alive), 1)
            status = pathlib.Path(f"/proc/{alive[0]}/status").read_text()
            self.assertRegex(status, r"(?m)^CapPrm:\t0+$")
            self.assertRegex(status, r"(?m)^Uid:\t65534")
            self.assertEqual(os.readlink(f"/proc/{alive[0]}/ns/net"), os.readlink("/proc/self/ns/net"))
            if way == "delete":
                os.kill(int(alive[0]), signal.SIGKILL)
                done = self.call("exec", self.id, "/usr/bin/python3", "-c", CONNECT, self.port, "api.test", ADDRESS)
                self.assertEqual(done.stdout, f"api.test gaierror\n{ADDRESS} PermissionError\n")
            self.call("delete", "--force", self.id)
            for _ in range(100):
                if not resolvers():
                    break
                time.sleep(0.02)
            self.assertEqual(resolvers(), [])

    def test_a_user_namespace_that_does_not_own_the_network(self):
        """As with podman's --userns and --network ns:PATH: low ports there are not the container's to take."""
        for host in (0, 100000):
            run("chown", "-R", f"{host}:{host}", self.bundle / "rootfs")
            config = self.config(f"api.test:{self.port}", "/usr/bin/python3", "-c", CONNECT, str(self.port), "api.test", "other.test", OTHER)
            self.add_users(config, host=host)
            config["mounts"] = [mount for mount in config["mounts"] if mount["destination"] != "/sys"]
            self.assertEqual(self.output(config), f"api.test server\nother.test gaierror\n{OTHER} PermissionError\n")
            # Controls: without the annotation all is reached, and a process in it gets no low port.
            del config["annotations"]
            self.assertEqual(self.output(config), f"api.test gaierror\nother.test gaierror\n{OTHER} server\n")
            bind = "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).bind(('127.0.0.1', 53))"
            config["process"]["args"] = ["/usr/bin/python3", "-c", bind]
            config["process"]["capabilities"] = {name: ["CAP_NET_BIND_SERVICE"] for name in ("bounding", "effective", "permitted")}
            self.assertIn("PermissionError", self.run_container(config).stderr)

    def test_a_user_namespace_that_is_another_containers(self):
        """Of a pod: both are joined, or the user namespace only and the network is new in it."""
        holder = subprocess.Popen(["unshare", "--user", "--net", "sh", "-c", "echo; exec sleep 100"], stdout=subprocess.PIPE)
        self.addCleanup(lambda: (holder.kill(), holder.wait(), holder.stdout.close()))
        holder.stdout.readline()
        for name in ("uid_map", "gid_map"):
            pathlib.Path(f"/proc/{holder.pid}/{name}").write_text("0 0 65536")
        subprocess.run(["nsenter", f"--net=/proc/{holder.pid}/ns/net", "ip", "link", "set", "lo", "up"], check=True)
        own = "import socket\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\ns.settimeout(3)\n"
        ask = own + "question = b'\\0\\1\\1\\0\\0\\1' + bytes(6) + b'\\3api\\4test\\0\\0\\1\\0\\1'\ns.sendto(question, (open('/etc/resolv.conf').read().split()[1], 53))\nprint(socket.inet_ntoa(s.recv(512)[-4:]))\n"
        for network in (f"/run/netns/{NAMESPACE}", f"/proc/{holder.pid}/ns/net", None):
            config = self.config(f"api.test:{self.port}", "/usr/bin/python3", "-c", ask)
            config["linux"]["namespaces"] = [n for n in config["linux"]["namespaces"] if n["type"] != "network"]
            config["linux"]["namespaces"] += [{"type": "user", "path": f"/proc/{holder.pid}/ns/user"},
                                              {"type": "network", **({"path": network} if network else {})}]
            config["mounts"] = [mount for mount in config["mounts"] if mount["destination"] != "/sys"]
            with self.subTest(network):
                self.assertEqual(self.output(config), ADDRESS + "\n")
        # The control: without the annotation nobody answers there.
        config = self.config(None, "/usr/bin/python3", "-c", own + "s.connect(('127.53.0.1', 53))\ns.send(b'x')\ns.recv(9)\n")
        self.assertIn("ConnectionRefusedError", self.run_container(config).stderr)

    def test_two_containers_share_a_namespace(self):
        """Each has its own resolver and its own list; to ask the other's is no way."""
        self.write(self.config(f"api.test:{self.port}", "sleep", "100"))
        subprocess.run([RUNTIME, "--root", self.state, "run", "--detach", "--bundle", self.bundle, self.id],
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)
        theirs = self.call("exec", self.id, "cat", "/etc/resolv.conf").stdout.split()[1]
        ask = f"import socket\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\ntry: s.sendto(b'x', ('{theirs}', 53))\nexcept OSError as e: print(e.errno)\n"
        config = self.config(f"other.test:{self.port}", "/usr/bin/python3", "-c", ask + CONNECT, str(self.port), "other.test", "api.test")
        config["linux"]["cgroupsPath"] += "-second"
        self.write(config)
        done = self.call("run", "--bundle", self.bundle, self.id + "-second")
        self.assertEqual(done.stdout, "1\nother.test server\napi.test gaierror\n", done.stderr)
        done = self.call("exec", self.id, "/usr/bin/python3", "-c", CONNECT, self.port, "other.test", "api.test")
        self.assertEqual(done.stdout, "other.test gaierror\napi.test server\n", done.stderr)

    def test_what_cannot_be_held_does_not_start(self):
        def refused(change, *texts):
            config = self.config(f"{ADDRESS}:{self.port}", "true")
            change(config)
            self.refused(config, *texts)
        def host(config): config["linux"]["namespaces"] = [n for n in config["linux"]["namespaces"] if n["type"] != "network"]
        def own(config): next(n for n in config["linux"]["namespaces"] if n["type"] == "network")["path"] = "/proc/self/ns/net"
        refused(host, "host's network")
        refused(own, "runtime's own")
        refused(lambda c: c["process"].update(capabilities={"bounding": ["CAP_SYS_ADMIN"]}), "CAP_SYS_ADMIN")
        refused(lambda c: c["annotations"].update({ANNOTATION: "example.com"}), "has no port")
        refused(lambda c: c["annotations"].update({ANNOTATION + ".dns": "x"}), "is no name server")
        refused(lambda c: c["annotations"].update({ANNOTATION: "api.test:1,nope.test:1"}), "knows no address of nope.test", "/later")
        # A socket from outside is in another network.
        self.write(self.config(f"{ADDRESS}:{self.port}", "true"))
        done = run("bash", "-c", f"exec 3<>/dev/tcp/{ADDRESS}/{self.port}; exec \"$@\"", "bash", RUNTIME, "--root", self.state,
                   "run", "--preserve-fds", "1", "--bundle", self.bundle, self.id)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("descriptor 3 is a socket", done.stderr)

    def test_an_ordinary_user_is_told(self):
        user = OrdinaryUser()
        self.addCleanup(user.remove)
        config = self.config("a.test:1", "true")
        config["linux"] = {"namespaces": [{"type": t} for t in ("user", "pid", "mount", "network")],
                           "uidMappings": [{"containerID": 0, "hostID": user.uid, "size": 1}],
                           "gidMappings": [{"containerID": 0, "hostID": user.gid, "size": 1}]}
        self.write(config)
        state = f"/tmp/rct-egress-{user.uid}"
        done = run("setpriv", "--reuid", user.uid, "--regid", user.gid, "--clear-groups", RUNTIME, "--root", state, "run", "--bundle", self.bundle, self.id)
        run("rm", "-rf", state)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("needs root", done.stderr)
        self.assertEqual(done.stderr.count("\n"), 1)


if __name__ == "__main__":
    unittest.main()
