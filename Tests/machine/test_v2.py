"""The runtime on a host with nothing but cgroup v2, which is the emulated machine: its kernel, its hierarchy."""
import json
import pathlib
import subprocess
import tempfile
import unittest

from emulated import ROOT, StartedMachine

BUNDLE = """
mkdir -p /b/rootfs/bin /b/rootfs/proc /b/rootfs/dev /b/rootfs/etc /b/rootfs/sys /b/rootfs/tmp
cp /bin/busybox /b/rootfs/bin/
for name in sh sleep cat echo head tail grep dd mknod id ls test free nproc ip nc httpd nslookup; do ln -s busybox /b/rootfs/bin/$name; done
"""

# Two addresses in a network of their own, with a server.
ADDRESS, OTHER, PORT = "198.51.100.17", "198.51.100.18", 18080
SERVE = f"ip address add {ADDRESS}/32 dev lo; ip address add {OTHER}/32 dev lo; exec httpd -f -p {PORT} -h /etc"
REACH = "".join(f"echo | nc -w 5 {a} {PORT} >/dev/null 2>/tmp/e && echo reached || tail -n 1 /tmp/e; " for a in (ADDRESS, OTHER))

# A name server, which gives every name the first of them.
NAMES = r"""
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>
int main(void) {
  struct sockaddr_in own = {.sin_family = AF_INET, .sin_port = htons(5353), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}, from;
  static const unsigned char answer[] = {0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 198, 51, 100, 17};
  int s = socket(AF_INET, SOCK_DGRAM, 0);
  if (bind(s, (struct sockaddr *)&own, sizeof own) || daemon(0, 0)) return 1;
  for (;;) {
    unsigned char b[600] = {0};
    socklen_t length = sizeof from;
    if (recvfrom(s, b, 512, 0, (struct sockaddr *)&from, &length) < 12) continue;
    int end = 12;
    while (b[end] && end < 500) end += b[end] + 1;
    end += 5;
    int has = b[end - 3] == 1;
    b[2] = 0x81, b[3] = 0x80, b[7] = has, b[9] = b[11] = 0;
    for (int i = 0; has && i < (int)sizeof answer; i++) b[end++] = answer[i];
    sendto(s, b, end, 0, (struct sockaddr *)&from, length);
  }
}
"""


def config(name, *command, resources=None, capabilities=("CAP_MKNOD",), network=None, annotations=None):
    """As for Tests/support.py, with a sleeping process unless told otherwise."""
    return {
        "ociVersion": "1.0.2",
        "process": {"args": list(command) or ["sleep", "1000"], "cwd": "/", "env": ["PATH=/bin"],
                    "user": {"uid": 0, "gid": 0}, "noNewPrivileges": True,
                    "capabilities": {kind: list(capabilities) for kind in ("bounding", "effective", "permitted")}},
        "annotations": annotations or {},
        "root": {"path": "rootfs"},
        "hostname": "test",
        "mounts": [
            {"destination": "/proc", "type": "proc", "source": "proc"},
            {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755", "size=64k"]},
            {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["ro", "nosuid"]}],
        "linux": {"cgroupsPath": f"/{name}", "resources": resources or {},
                  "namespaces": [{"type": t} for t in ("pid", "mount", "ipc", "uts", "cgroup")]
                  + [{"type": "network", **({"path": network} if network else {})}]},
    }


@unittest.skipUnless((ROOT / "build/arm64/rcontainer").exists(), "build/arm64/rcontainer was not built (make arm64)")
class UnifiedHierarchy(StartedMachine):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.ok(cls, "sh", "-ec", BUNDLE)

    def ok(self, *command, **more):
        done = StartedMachine.run_in(self, *command, **more)
        if done.returncode:
            raise AssertionError(f"{command}: status {done.returncode}: {done.stderr}{done.stdout}")
        return done.stdout

    def create(self, *command, suffix="", **more):
        """A container that the test deletes in the end; its name is that of its cgroup."""
        name = self._testMethodName + suffix
        text = json.dumps(config(name, *command, **more))
        self.ok("sh", "-c", "cat >/b/config.json", options=["-i"], input=text)
        self.addCleanup(self.run_in, "rcontainer", "delete", "--force", name)
        # The container's process would keep the pipes of the command open.
        self.ok("sh", "-c", f"rcontainer create --bundle /b {name} </dev/null >/tmp/{name} 2>&1 || "
                f"{{ cat /tmp/{name}; exit 1; }}")
        return name

    def limit(self, name, file):
        return self.ok("cat", f"/sys/fs/cgroup/{name}/{file}").strip()

    def status(self, name):
        return json.loads(self.ok("rcontainer", "state", name))["status"]

    def test_the_host_is_what_it_is_meant_to_be(self):
        self.assertEqual(self.ok("stat", "-f", "-c", "%t", "/sys/fs/cgroup").strip(), "63677270")
        self.assertNotIn(" cgroup ", self.ok("cat", "/proc/mounts"))
        self.assertIn("aarch64", self.ok("uname", "-m"))

    def test_a_life(self):
        name = self.create()
        self.assertEqual(self.status(name), "created")
        self.ok("rcontainer", "start", name)
        self.assertEqual(self.status(name), "running")
        self.assertEqual(self.ok("rcontainer", "exec", name, "echo", "inside"), "inside\n")
        self.assertEqual(self.ok("rcontainer", "exec", name, "cat", "/proc/self/cgroup"), "0::/\n")
        self.assertEqual(self.run_in("rcontainer", "exec", name, "sh", "-c", "exit 5").returncode, 5)
        self.ok("rcontainer", "pause", name)
        self.assertEqual(self.limit(name, "cgroup.freeze"), "1")
        self.ok("rcontainer", "resume", name)
        self.ok("rcontainer", "kill", name, "KILL")
        self.ok("sh", "-c", f"until rcontainer state {name} | grep -q stopped; do sleep 0.1; done")
        self.ok("rcontainer", "delete", name)
        self.assertNotEqual(self.run_in("rcontainer", "state", name).returncode, 0)
        self.assertEqual(self.run_in("test", "-e", f"/sys/fs/cgroup/{name}").returncode, 1)

    def test_limits_and_their_update(self):
        name = self.create(resources={"memory": {"limit": 64 << 20}, "pids": {"limit": 20},
                                      "cpu": {"quota": 50000, "period": 100000}})
        self.assertEqual(self.limit(name, "memory.max"), str(64 << 20))
        self.assertEqual(self.limit(name, "pids.max"), "20")
        self.assertEqual(self.limit(name, "cpu.max"), "50000 100000")
        self.ok("rcontainer", "start", name)
        self.ok("rcontainer", "update", "--memory", "128M", "--pids-limit", "30", name)
        self.assertEqual(self.limit(name, "memory.max"), str(128 << 20))
        self.assertEqual(self.limit(name, "pids.max"), "30")
        self.assertEqual(self.limit(name, "cpu.max"), "50000 100000")

    def test_a_denied_device(self):
        name = self.create(resources={"devices": [
            {"allow": False, "access": "rwm"},
            {"allow": True, "type": "c", "major": 204, "minor": 64, "access": "rm"}]})
        self.ok("rcontainer", "start", name)
        # The machine's console is not among the devices that every container has.
        self.ok("rcontainer", "exec", name, "sh", "-ec", "mknod /tmp/console c 204 64; : </tmp/console; : >/dev/null")
        done = self.run_in("rcontainer", "exec", name, "sh", "-c", ": >/tmp/console")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("not permitted", done.stderr)

    def test_memory_that_is_not_there(self):
        name = self.create("sh", "-c", "head -c 100000000 /dev/zero | sleep 1000",
                           resources={"memory": {"limit": 32 << 20, "swap": 32 << 20}})
        self.ok("rcontainer", "start", name)
        self.run_in("rcontainer", "exec", name, "dd", "if=/dev/zero", "of=/dev/null", "bs=100M", "count=1")
        self.assertRegex(self.limit(name, "memory.events"), r"oom_kill [1-9]")

    def test_own_files(self):
        """A container with limits sees them in its files and by its calls; with the policy compat, the control, it sees the host's."""
        show = ("head -n 1 /proc/meminfo; cat /sys/devices/system/cpu/online; grep -c ^cpu[0-9] /proc/stat; nproc; "
                "free -k | grep Mem; grep -c ' fuse ' /proc/self/mounts")
        limits = {"memory": {"limit": 64 << 20}, "cpu": {"quota": 100000, "period": 100000}}

        def shown(name):
            lines = self.run_in("rcontainer", "exec", name, "sh", "-c", show).stdout.splitlines()
            return [lines[0].split()[1], *lines[1:4], lines[4].split()[1], lines[5]]
        own = self.create(suffix="-own", resources=limits, annotations={"org.rcontainer.policy": "default"})
        self.ok("rcontainer", "start", own)
        self.assertEqual(shown(own), ["65536", "0", "1", "1", "65536", "9"])
        self.ok("rcontainer", "update", "--memory", "96M", own)
        self.assertEqual(shown(own)[0], "98304")
        used = [int(line.split()[1]) for line in self.ok("rcontainer", "exec", own, "grep", "-E", "MemTotal|MemFree", "/proc/meminfo").splitlines()]
        self.assertTrue(0 < used[1] < used[0], used)
        host = self.ok("head", "-n", "1", "/proc/meminfo").split()[1]
        control = self.create(suffix="-host", resources=limits, annotations={"org.rcontainer.policy": "compat"})
        self.ok("rcontainer", "start", control)
        seen = shown(control)
        self.assertEqual((seen[0], seen[4], seen[5]), (host, host, "0"))
        # In a sandbox too.
        self.assertEqual(self.ok("rcontainer", "do", "--memory", "64m", "--", "head", "-n", "1", "/proc/meminfo").split()[1], "65536")

    def network(self):
        """The network of a container with two addresses and a server at each."""
        name = self.create("sh", "-c", SERVE, suffix="-servers", capabilities=["CAP_NET_ADMIN"])
        self.ok("rcontainer", "start", name)
        path = f"/proc/{json.loads(self.ok('rcontainer', 'state', name))['pid']}/ns/net"
        self.ok("sh", "-c", f"until nsenter --net={path} nc -w 1 {OTHER} {PORT} </dev/null; do sleep 0.1; done")
        return path

    def test_egress(self):
        network = self.network()

        def reached(suffix, rules, script=REACH, **more):
            annotations = {"org.rcontainer.egress": rules} if rules else {}
            name = self.create("sh", "-c", script + "sleep 1000", suffix=suffix, network=network, annotations=annotations | more)
            self.ok("rcontainer", "start", name)
            held = self.ok("rcontainer", "exec", name, "sh", "-c", script).splitlines()
            first = self.ok("sh", "-c", f"until [ $(wc -l </tmp/{name}) -ge {len(held)} ]; do sleep 0.1; done; cat /tmp/{name}").splitlines()
            self.assertEqual(first, held, "what is executed later is held to it too")
            return [line.split(": ")[-1] for line in held]
        self.assertEqual(reached("-control", None), ["reached", "reached"])
        self.assertEqual(reached("-address", f"{ADDRESS}:{PORT}"), ["reached", "Operation not permitted"])
        self.assertEqual(reached("-none", "none"), ["Operation not permitted"] * 2)

    def test_egress_by_name(self):
        network = self.network()
        with tempfile.TemporaryDirectory() as folder:
            program = pathlib.Path(folder) / "names"
            subprocess.run(["aarch64-linux-gnu-gcc", "-static", "-o", program, "-x", "c", "-"], input=NAMES, text=True, check=True)
            self.ok("/tmp/names", options=["--copy-in", f"{program}:/tmp/names"])
        name = self.create(network=network, annotations={
            "org.rcontainer.egress": f"api.test:{PORT}", "org.rcontainer.egress.dns": "127.0.0.1:5353"})
        self.ok("rcontainer", "start", name)

        def inside(script):
            return self.run_in("rcontainer", "exec", name, "sh", "-c", script).stdout
        # An address opens once its name was looked up, and no name but that of the rule is.
        denied = "Operation not permitted"
        self.assertEqual([line.split(": ")[-1] for line in inside(REACH).splitlines()], [denied] * 2)
        self.assertIn("can't find other.test", inside("nslookup other.test 2>&1"))
        self.assertEqual([line.split(": ")[-1] for line in inside(REACH).splitlines()], [denied] * 2)
        self.assertIn(ADDRESS, inside("nslookup api.test"))
        self.assertEqual([line.split(": ")[-1] for line in inside(REACH).splitlines()], ["reached", denied])


if __name__ == "__main__":
    unittest.main()
