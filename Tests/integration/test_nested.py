"""A policy with `nested`: mounts, device nodes and attributes in containers and sandboxes, of root and of ordinary users."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from support import RUNTIME, Case, OrdinaryUser, needs_root, ours_only, run  # noqa: E402

# Ends with 0 if everything works; needs an empty directory, busybox's applets and /proc.
SCRIPT = r"""
set -e
mkdir t b p m
mount -t tmpfs -o size=1m,mode=750 none t
grep -q ' .*/t tmpfs .*nosuid,nodev.*size=1024k' /proc/mounts
echo one > t/file
mount --bind t b
test "$(cat b/file)" = one
mount -o remount,bind,ro b
! echo two 2>/dev/null > b/file
mount -t proc none p
test -e p/1/stat
mkdir t/lower t/upper t/work
echo low > t/lower/file; echo gone > t/lower/other
mount -t overlay -o lowerdir=t/lower,upperdir=t/upper,workdir=t/work none m
test "$(cat m/file)" = low
echo new > m/file; rm m/other; mkdir m/directory; chmod 700 m/directory
test "$(cat t/upper/file)" = new
test "$(cat t/lower/file)" = low
test ! -e m/other
mount --make-rprivate /
mknod null c 1 3
test -c null
echo lost > null
test -z "$(cat null)"
mknod t/deleted c 0 0
mknod pipe p
test -p pipe
umount m; umount b; umount p; umount t
test ! -e t/file
! umount /proc 2>/dev/null
! mount -t sysfs none t 2>/dev/null
echo done
"""

ATTRIBUTES = r"""
import errno, os
name = "file"
open(name, "w").close()
os.setxattr(name, "user.one", b"1")
os.setxattr(name, "user.two", b"")
with open(name) as file:
    os.setxattr(file.fileno(), "user.three", b"3" * 4096)
    os.removexattr(file.fileno(), "user.two")
assert os.getxattr(name, "user.one") == b"1" and os.getxattr(name, "user.three") == b"3" * 4096
assert sorted(os.listxattr(name)) == ["user.one", "user.three"]
try:
    os.setxattr(name, "user.one", b"", os.XATTR_CREATE)
except FileExistsError:
    print("done")
"""


@ours_only
@needs_root
class Containers(Case):
    def nested(self, *command, users=False, change=None):
        config = self.example(*command)
        config["annotations"] = {"org.rcontainer.policy": "nested"}
        if users:
            self.add_users(config)
        if change:
            change(config)
        return config

    def test_mounts_of_a_bundle(self):
        for users in (False, True):
            work = self.bundle / f"rootfs/work{users}"
            work.mkdir()
            self.assertEqual(self.output(self.nested("sh", "-c", f"cd /work{users}" + SCRIPT, users=users)), "done\n")
            # Whatever was made, its owner is the caller, and what was mounted is gone with the container.
            self.assertEqual({(path.lstat().st_uid, path.lstat().st_gid) for path in work.iterdir()}, {(0, 0)})
            self.assertEqual(list((work / "t").iterdir()), [])

    def test_nodes_have_the_callers_mask_and_owner(self):
        def other(config):
            config["process"]["user"] = {"uid": 1000, "gid": 1001, "umask": 0o27}
            (self.bundle / "rootfs/tmp").chmod(0o1777)
        self.output(self.nested("mknod", "/tmp/white", "c", "0", "0", change=other))
        made = (self.bundle / "rootfs/tmp/white").stat()
        self.assertEqual((made.st_uid, made.st_gid, made.st_mode & 0o777), (1000, 1001, 0o640))

    def test_processes_that_join_later(self):
        self.nested()
        config = self.nested("sleep", "100")
        self.write(config)
        self.detached("sleep", "100", change=lambda started: started.update(annotations=config["annotations"]))
        done = self.call("exec", self.id, "sh", "-c", "mkdir /tmp/x && mount -t tmpfs none /tmp/x && echo in > /tmp/x/file")
        self.assertEqual(done.returncode, 0, done.stderr)
        done = self.call("exec", self.id, "sh", "-c", "cat /tmp/x/file && umount /tmp/x && ls /tmp/x")
        self.assertEqual((done.returncode, done.stdout), (0, "in\n"), done.stderr)

    def test_memory_is_bounded_by_the_containers_limit(self):
        def limited(config):
            config["linux"]["resources"] = {"memory": {"limit": 32 << 20}}
        script = "mkdir /tmp/x && mount -t tmpfs -o size=1g none /tmp/x && grep -o 'size=[0-9]*k' /proc/mounts | tail -n 1"
        done = self.output(self.nested("sh", "-c", script.replace("| tail -n 1", "| grep 32768"), change=limited))
        self.assertEqual(done, "size=32768k\n")


@ours_only
class Sandboxes(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="rctn", dir="/var/tmp"))
        self.addCleanup(shutil.rmtree, self.folder)

    def sandbox(self, *command, options=()):
        return run(RUNTIME, "do", "--policy", "nested", *options, "--", *command)

    def test_mounts_of_a_sandbox(self):
        done = self.sandbox("busybox", "sh", "-c", "mkdir /tmp/w; cd /tmp/w" + SCRIPT)
        self.assertEqual((done.returncode, done.stdout), (0, "done\n"), done.stderr)

    def test_attributes(self):
        done = self.sandbox("/usr/bin/python3", "-c", "import os; os.chdir('/tmp')" + ATTRIBUTES)
        self.assertEqual((done.returncode, done.stdout), (0, "done\n"), done.stderr)
        # Control: without nested there are none.
        done = run(RUNTIME, "do", "--", "/usr/bin/python3", "-c", "import os; os.chdir('/tmp')" + ATTRIBUTES)
        self.assertIn("Operation not supported", done.stderr)

    def test_the_audit_tells_what_was_made_and_why_not(self):
        audit = self.folder / "audit"
        self.sandbox("busybox", "sh", "-c", "mkdir /tmp/x; mount -t tmpfs none /tmp/x; mount -t sysfs none /tmp/x; umount /tmp", options=["--audit", audit])
        lines = [line for line in map(json.loads, audit.read_text().splitlines()) if line["call"] in ("mount", "umount2")]
        self.assertEqual([(line["call"], line["decision"], line.get("error"), line["reason"]) for line in lines], [
            ("mount", "emulated", None, "nested: tmpfs"),
            ("mount", "denied", "EPERM", "nested: only tmpfs, proc, overlay and bind mounts are made"),
            ("umount2", "denied", "EPERM", "nested: the mount was not made by the container")])
        self.assertIn('mount("none", "/tmp/x", "tmpfs"', lines[0]["text"])

    def test_denied_calls_are_counted(self):
        done = self.sandbox("busybox", "sh", "-c", "mkdir /tmp/x; mount -t sysfs none /tmp/x; mount -t tmpfs none /tmp/x", options=["--json"])
        denied = {call["call"]: call["count"] for call in json.loads(done.stdout)["deniedCalls"]}
        self.assertEqual(denied.get("mount"), 1)

    def test_watching_and_nested_exclude_each_other(self):
        done = run(RUNTIME, "trace", "--policy", "nested", "--", "true")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("nested", done.stderr)


@ours_only
@needs_root
class OrdinaryUsers(unittest.TestCase):
    def test_mounts_and_attributes_without_root(self):
        user = OrdinaryUser()
        self.addCleanup(user.remove)
        folder = pathlib.Path(tempfile.mkdtemp(prefix="rctn", dir="/var/tmp"))
        self.addCleanup(shutil.rmtree, folder)
        shutil.copy(RUNTIME, folder / "rcontainer")
        for path in (folder, folder / "rcontainer"):
            os.chown(path, user.uid, user.gid)
            os.chmod(path, 0o755)
        for command in (["busybox", "sh", "-c", "mkdir /tmp/w; cd /tmp/w" + SCRIPT], ["/usr/bin/python3", "-c", "import os; os.chdir('/tmp')" + ATTRIBUTES]):
            done = subprocess.run(
                ["./rcontainer", "--root", "state", "do", "--policy", "nested", "--", *command], cwd=folder, user=user.uid, group=user.gid,
                extra_groups=[], env={"PATH": "/usr/bin:/bin"}, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
            self.assertEqual((done.returncode, done.stdout), (0, "done\n"), done.stderr)


if __name__ == "__main__":
    unittest.main()
