"""A policy with `nested`: what a container gets mounted is what it may have, whatever it says, and however it changes that
meanwhile. Controls do the same with CAP_SYS_ADMIN and without a policy, where it succeeds.

RACES is how often each race is run (2000); RACE_SECONDS ends one earlier (10)."""
import errno
import json
import os
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from support import PROGRAMS, RUNTIME, Case, compiled, needs_root, ours_only, run  # noqa: E402

RACES = os.environ.get("RACES", "2000")
RACE_SECONDS = os.environ.get("RACE_SECONDS", "10")
RIGHTS = ["CAP_SYS_ADMIN", "CAP_MKNOD", "CAP_DAC_OVERRIDE", "CAP_SYS_PTRACE"]

# What has to fail, and succeeds in the control. /tmp/a is an empty directory.
REFUSED = {
    "sysfs": "mount -t sysfs x /tmp/a",
    "cgroup2": "mount -t cgroup2 x /tmp/a",
    "ramfs": "mount -t ramfs x /tmp/a",
    "devpts": "mount -t devpts x /tmp/a",
    "over /proc": "mount -t tmpfs x /proc",
    "over /sys": "mount -t tmpfs x /sys",
    "over /dev": "mount -t tmpfs x /dev",
    "over the root": "mount -t tmpfs x /",
    "over a part of /proc": "mount -t tmpfs x /proc/sys/net",
    "over /proc by a link": "ln -s /proc /tmp/l; mount -t tmpfs x /tmp/l",
    "over /proc by ..": "mount -t tmpfs x /tmp/../../../proc",
    "over /proc, relative": "cd /tmp/a; mount -t tmpfs x ../../../../../proc",
    "over a read-only volume": "mount -t tmpfs x /data/keys",
    "the first process's root": "mount --bind /proc/1/root /tmp/a",
    "its root by a link": "ln -s /proc/1/root /tmp/l; mount --bind /tmp/l/bin /tmp/a",
    "a descriptor's file": "exec 5</bin; mount --bind /proc/self/fd/5 /tmp/a",
    "a mask": "umount /proc/uptime && grep -q . /proc/uptime",
    "a read-only path": "umount /proc/sys && echo x > /proc/sys/kernel/hostname",
    "the container's /proc": "umount -l /proc",
    "a volume": "umount /data/keys",
    "rw of a read-only path": "mount -o remount,bind,rw /proc/sys && echo x > /proc/sys/kernel/hostname",
    "rw of a read-only volume": "mount -o remount,bind,rw /data/keys && echo x > /data/keys/file",
    "rw of an own mount": "mount -t tmpfs x /tmp/a && mount -o remount,bind,ro /tmp/a && mount -o remount,bind,rw /tmp/a && echo x > /tmp/a/x",
    "suid of an own mount": "mount -t tmpfs x /tmp/a && mount -o remount,bind,suid /tmp/a && ! grep ' /tmp/a .*nosuid' /proc/mounts",
    "devices in memory": "mount -t tmpfs x /tmp/a && ! grep ' /tmp/a .*nodev' /proc/mounts",
    "a new /proc without the masks": "mount -t proc x /tmp/a && grep -q . /tmp/a/uptime",
    "a new /proc that can be written to": "mount -t proc x /tmp/a && echo x > /tmp/a/sys/kernel/hostname",
    "/proc without its masks": "mount --bind /proc /tmp/a && grep -q . /tmp/a/uptime",
    "a mask of a copy": "mount --rbind /proc /tmp/a && umount /tmp/a/uptime && grep -q . /tmp/a/uptime",
    "a read-only path of a copy": "mount --rbind / /tmp/a && umount /tmp/a/proc/sys && echo x > /tmp/a/proc/sys/kernel/hostname",
    "a volume without what narrows it": "mount --bind /data /tmp/a && echo x > /tmp/a/keys/file",
    "an overlay of a volume without what narrows it": "mount -t overlay -o lowerdir=/data:/bin x /tmp/a && test -e /tmp/a/keys/key",
    "moved": "mount --move /data/keys /tmp/a",
    "shared": "mount --make-shared /",
    "more memory than there is": "mount -t tmpfs -o size=0 x /tmp/a && test $(stat -f -c %b /tmp/a) -eq 0",
    "a disk": "mknod /tmp/d b 8 0",
    "memory": "mknod /tmp/d c 1 1",
    "FUSE": "mknod /tmp/d c 10 229",
    "an attribute trusted.*": "/nested set trusted.overlay.opaque /tmp/a",
    "an attribute security.*": "/nested set security.x /tmp/a",
}


@ours_only
@needs_root
class Nested(Case):
    @classmethod
    def setUpClass(cls):
        cls.program = pathlib.Path("/var/tmp") / ("rctn" + os.urandom(4).hex())
        compiled(cls.program, PROGRAMS / "nested.c")
        cls.addClassCleanup(cls.program.unlink)

    def config(self, script, nested=True, users=False, change=None):
        config = self.example("sh", "-c", "mkdir /tmp/a; " + script)
        volume = self.folder / "volume"
        (volume / "keys").mkdir(parents=True, exist_ok=True)
        (volume / "keys/key").write_text("secret")
        (volume / "keys/file").write_text("")
        (self.bundle / "rootfs/tmp").chmod(0o1777)
        (self.bundle / "rootfs/data").mkdir(exist_ok=True)
        target = self.bundle / "rootfs/nested"
        target.write_bytes(self.program.read_bytes())
        target.chmod(0o755)
        config["mounts"] += [
            {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": ["mode=1777"]},
            {"destination": "/data", "type": "bind", "source": str(volume), "options": ["bind", "rw"]},
            {"destination": "/data/keys", "type": "bind", "source": str(volume / "keys"), "options": ["bind", "ro"]}]
        config["linux"]["maskedPaths"] = ["/proc/uptime"]
        config["linux"]["readonlyPaths"] = ["/proc/sys"]
        rights = [] if nested else RIGHTS
        config["process"]["capabilities"] = {kind: rights for kind in ("bounding", "effective", "permitted")}
        if nested:
            config["annotations"] = {"org.rcontainer.policy": "nested"}
        if users:
            self.add_users(config)
        if change:
            change(config)
        return config

    def attempt(self, script, **more):
        return self.run_container(self.config(script, **more))

    def test_what_may_not_be_is_refused(self):
        for name, script in REFUSED.items():
            with self.subTest(name):
                for users in (False, True):
                    done = self.attempt(script, users=users)
                    self.assertNotEqual(done.returncode, 0, f"{name}: {done.stdout}{done.stderr}")
                control = self.attempt(script, nested=False)
                self.assertEqual(control.returncode, 0, f"control of {name}: {control.stderr}")

    def test_only_root_of_the_container_mounts(self):
        def ordinary(config):
            config["process"]["user"] = {"uid": 1000, "gid": 1000}
        script = "mount -t tmpfs x /tmp/a"
        for users in (False, True):
            self.assertNotEqual(self.attempt(script, users=users, change=ordinary).returncode, 0)
            self.assertEqual(self.attempt(script, users=users).returncode, 0)
        self.assertNotEqual(self.attempt("mknod /tmp/n c 1 3", change=ordinary).returncode, 0)
        # An attribute is set with the caller's rights.
        set_it = "touch /tmp/mine; /nested set user.a /tmp/mine"
        self.assertEqual(self.attempt(set_it, change=ordinary).returncode, 0)
        self.assertEqual(self.attempt("/nested set user.a /data", change=ordinary).returncode, errno.EACCES)
        self.assertEqual(self.attempt("/nested set user.a /data").returncode, 0)

    def test_what_the_configuration_hides_in_the_image_stays_hidden(self):
        def hides(config):
            (self.bundle / "rootfs/etc/secret").write_text("secret")
            config["linux"]["maskedPaths"].append("/etc/secret")
        attacks = ["mount --bind / /tmp/a && test -s /tmp/a/etc/secret", "mount -t overlay -o lowerdir=/etc:/bin x /tmp/a && test -s /tmp/a/secret",
                   "mount --bind /root /tmp/a && mv /etc /root/ && test -s /tmp/a/etc/secret"]
        for script in attacks:
            self.assertNotEqual(self.attempt(script, change=hides).returncode, 0, script)
            self.assertEqual(self.attempt(script, nested=False, change=hides).returncode, 0, script)
            if not (self.bundle / "rootfs/etc").exists():
                os.rename(self.bundle / "rootfs/root/etc", self.bundle / "rootfs/etc")
        self.assertEqual(self.attempt("mount -t tmpfs x /tmp/a", change=hides).returncode, 0)

    def test_mounts_are_bounded(self):
        loop = "i=0; while mount {} /tmp/a 2>/dev/null; do i=$((i+1)); test $i -lt 80 || exit 1; done; test $i -gt {} && test $(grep -c . /proc/mounts) -lt 1100"
        self.assertEqual(self.attempt(loop.format("-t tmpfs x", 60)).returncode, 0)
        self.assertEqual(self.attempt(loop.format("--rbind /tmp", 3)).returncode, 0)
        self.assertNotEqual(self.attempt(loop.format("-t tmpfs x", 60), nested=False).returncode, 0)

    def race(self, kind, races=RACES, **more):
        done = self.attempt(f"exec /nested race {kind} {races} {RACE_SECONDS}", **more)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def test_races_between_check_and_mount_are_lost(self):
        for kind in ("type", "target", "link", "rename", "source", "name"):
            with self.subTest(kind):
                for users in (False, True):
                    result = self.race(kind, users=users)
                    self.assertEqual(result["bad"], 0, result)
                    self.assertGreater(result["made"], 0, result)
                # It ends when it has won, which may take a while: nothing there lets the other thread run.
                self.assertGreater(self.race(kind, races=10**9, nested=False)["bad"], 0, "control")

    def test_calls_beside_mount_stay_shut(self):
        # fsopen, fsmount, move_mount, open_tree, mount_setattr, pivot_root, setns, unshare
        script = "import ctypes; l = ctypes.CDLL(None); print([l.syscall(n, *[0] * 6) for n in (430, 432, 429, 428, 442, 155, 308, 272)])"
        done = run(RUNTIME, "do", "--policy", "nested", "--", "/usr/bin/python3", "-c", script)
        self.assertEqual(done.stdout.strip(), str([-1] * 8), done.stderr)

    def test_a_container_without_mounts_of_its_own_is_refused(self):
        config = self.config("true")
        config["linux"]["namespaces"] = [n for n in config["linux"]["namespaces"] if n["type"] != "mount"]
        config["mounts"], config["linux"]["maskedPaths"], config["linux"]["readonlyPaths"] = [], [], []
        self.refused(config, "nested", "mount namespace")


if __name__ == "__main__":
    unittest.main()
