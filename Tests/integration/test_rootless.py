"""The runtime as an ordinary user."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from support import *  # noqa: E402,F403

USER = 12345


@needs_root
@ours_only
class Rootless(unittest.TestCase):
    """Root is needed only to become another user."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="rcu", dir="/var/tmp"))
        make_rootfs(self.folder / "rootfs")
        shutil.copy(RUNTIME, self.folder / "rcontainer")
        for path in [self.folder, *self.folder.rglob("*")]:
            os.lchown(path, USER, USER)
        self.call("spec", "--rootless")
        self.config = json.loads((self.folder / "config.json").read_text())
        self.config["process"]["terminal"] = False
        # Hand the rest over: tests write as root.
        os.chmod(self.folder, 0o755)

    def tearDown(self):
        for name in os.listdir(self.folder / "state") if (self.folder / "state").exists() else []:
            self.call("delete", "--force", name)
        shutil.rmtree(self.folder)

    def call(self, *words, output=subprocess.PIPE):
        return subprocess.run(["./rcontainer", "--root", "state", *words], cwd=self.folder, user=USER, group=USER, extra_groups=[],
                              env={"PATH": "/usr/bin:/bin"}, stdin=subprocess.DEVNULL, stdout=output, stderr=output, text=True, timeout=60)

    def write(self, *command):
        self.config["process"]["args"] = list(command)
        (self.folder / "config.json").write_text(json.dumps(self.config))

    def test_run_is_root_inside_and_the_user_outside(self):
        self.config["root"]["readonly"] = False
        self.write("sh", "-c", "id -u; touch /made; cat /proc/self/uid_map; ls /dev/null /sys/kernel >/dev/null && echo seen")
        done = self.call("run", "r1")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout.split(), ["0", "0", str(USER), "1", "seen"])
        self.assertEqual((self.folder / "rootfs/made").stat().st_uid, USER)

    def test_life_and_exec(self):
        self.write("sleep", "100")
        self.assertEqual(self.call("run", "--detach", "r2", output=subprocess.DEVNULL).returncode, 0)
        self.assertIn("running", self.call("list").stdout)
        done = self.call("exec", "r2", "sh", "-c", "id -u; ps | grep -c 'sleep 100'")
        self.assertEqual(done.stdout.split()[0], "0", done.stderr)
        self.assertEqual(self.call("delete", "--force", "r2").returncode, 0)
        self.assertEqual(self.call("list", "--quiet").stdout, "")

    def test_limits_without_a_cgroup_are_refused(self):
        self.config["linux"]["resources"] = {"memory": {"limit": 10000000}}
        self.write("true")
        done = self.call("run", "r3")
        self.assertEqual(done.returncode, 1)
        self.assertIn("limits need a cgroup", done.stderr)

    def test_without_a_user_namespace_it_is_refused(self):
        self.config["linux"]["namespaces"] = [n for n in self.config["linux"]["namespaces"] if n["type"] != "user"]
        del self.config["linux"]["uidMappings"], self.config["linux"]["gidMappings"]
        self.write("true")
        self.assertIn("an ordinary user needs a user namespace", self.call("run", "r4").stderr)

    def test_the_own_copy_of_the_runtime_cannot_be_overwritten(self):
        """CVE-2019-5736 where the user owns the program: a sealed copy runs instead."""
        before = (self.folder / "rcontainer").read_bytes()
        self.write("sh", "-c", "while :; do for p in /proc/[0-9]*; do (echo x > $p/exe) 2>/dev/null; done; done")
        self.assertEqual(self.call("run", "--detach", "r5", output=subprocess.DEVNULL).returncode, 0)
        for _ in range(10):
            self.call("exec", "r5", "true")
        self.call("delete", "--force", "r5")
        self.assertEqual((self.folder / "rcontainer").read_bytes(), before)

    def test_several_ids_need_newuidmap(self):
        """An id that /etc/subuid does not allow is refused by newuidmap(1), and said so."""
        self.config["linux"]["uidMappings"].append({"containerID": 1, "hostID": 1, "size": 1})
        self.write("true")
        done = self.call("run", "r6")
        self.assertEqual(done.returncode, 1)
        self.assertIn("newuidmap failed", done.stderr)
        self.assertIn("/etc/subuid", done.stderr)


@needs_root
@ours_only
class RootlessWithSeveralIDs(unittest.TestCase):
    """A user with ranges in /etc/subuid and /etc/subgid, mapped by newuidmap(1) and newgidmap(1)."""

    @classmethod
    def setUpClass(cls):
        cls.user = OrdinaryUser()
        cls.addClassCleanup(cls.user.remove)
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="rcu", dir="/var/tmp"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        make_rootfs(cls.folder / "rootfs")
        shutil.copy(RUNTIME, cls.folder / "rcontainer")
        for path in [cls.folder, *cls.folder.rglob("*")]:
            os.lchown(path, cls.user.uid, cls.user.gid)
        os.chmod(cls.folder, 0o755)

    def call(self, *words):
        return subprocess.run(["./rcontainer", "--root", "state", *words], cwd=self.folder, user=self.user.uid, group=self.user.gid, extra_groups=[],
                              env={"PATH": "/usr/bin:/bin"}, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)

    def test_ids_groups_and_owners(self):
        (self.folder / "config.json").unlink(missing_ok=True)
        self.call("spec", "--rootless")
        config = json.loads((self.folder / "config.json").read_text())
        for kind, field, own in (("uid", "uidMappings", self.user.uid), ("gid", "gidMappings", self.user.gid)):
            first, count = self.user.ranges(kind)
            config["linux"][field] = [{"containerID": 0, "hostID": own, "size": 1}, {"containerID": 1, "hostID": first, "size": count}]
        config["process"].update(terminal=False, args=["sh", "-c", "id; touch /tmp/made; cat /proc/self/setgroups"],
                                 user={"uid": 1000, "gid": 1001, "additionalGids": [7, 8]})
        config["root"]["readonly"] = False
        os.chmod(self.folder / "rootfs/tmp", 0o777)
        (self.folder / "config.json").write_text(json.dumps(config))
        done = self.call("run", "several")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("uid=1000(user) gid=1001 groups=7,8", done.stdout.replace(",1001", ""))
        self.assertIn("allow", done.stdout)
        made = (self.folder / "rootfs/tmp/made").stat()
        self.assertEqual((made.st_uid, made.st_gid), (self.user.ranges("uid")[0] + 999, self.user.ranges("gid")[0] + 1000))


if __name__ == "__main__":
    unittest.main()
