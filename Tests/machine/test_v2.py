"""The runtime on a host with nothing but cgroup v2, which is the emulated machine: its kernel, its hierarchy."""
import json
import unittest

from emulated import ROOT, StartedMachine

BUNDLE = """
mkdir -p /b/rootfs/bin /b/rootfs/proc /b/rootfs/dev /b/rootfs/sys /b/rootfs/tmp
cp /bin/busybox /b/rootfs/bin/
for name in sh sleep cat echo head dd mknod id ls test; do ln -s busybox /b/rootfs/bin/$name; done
"""


def config(name, *command, resources=None):
    """As for Tests/support.py, with a sleeping process unless told otherwise."""
    return {
        "ociVersion": "1.0.2",
        "process": {"args": list(command) or ["sleep", "1000"], "cwd": "/", "env": ["PATH=/bin"],
                    "user": {"uid": 0, "gid": 0}, "noNewPrivileges": True,
                    "capabilities": {kind: ["CAP_MKNOD"] for kind in ("bounding", "effective", "permitted")}},
        "root": {"path": "rootfs"},
        "hostname": "test",
        "mounts": [
            {"destination": "/proc", "type": "proc", "source": "proc"},
            {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755", "size=64k"]},
            {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["ro", "nosuid"]}],
        "linux": {"cgroupsPath": f"/{name}", "resources": resources or {},
                  "namespaces": [{"type": t} for t in ("pid", "mount", "ipc", "uts", "network", "cgroup")]},
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

    def create(self, *command, resources=None):
        """A container that the test deletes in the end; its name is that of its cgroup."""
        name = self._testMethodName
        text = json.dumps(config(name, *command, resources=resources))
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


if __name__ == "__main__":
    unittest.main()
