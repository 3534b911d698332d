"""What the tests share: a bundle from busybox, calls of the runtime, and what must not be left behind.

RUNTIME names the program under test, build/rcontainer by default; with RUNTIME=crun or runc the same tests
run against a peer."""
import ctypes
import errno
import json
import os
import pathlib
import pwd
import shutil
import struct
import subprocess
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent
RUNTIME = shutil.which(os.environ.get("RUNTIME", "")) or str(ROOT / "build/rcontainer")
IS_OURS = "rcontainer" in pathlib.Path(RUNTIME).name
APPLETS = ("sh true false echo ls cat id mount umount sleep ps hostname env touch stat dd nc mkdir grep head wc "
           "tr seq kill ip test sha256sum readlink mknod chmod ln rm mv find tty ulimit nice cut date pwd").split()
CGROUPS = pathlib.Path("/sys/fs/cgroup")
PROGRAMS = ROOT / "Tests/security/programs"


def make_rootfs(folder):
    for name in ("bin", "proc", "sys", "dev", "etc", "tmp", "root"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    shutil.copy("/bin/busybox", folder / "bin/busybox")
    for applet in APPLETS:
        (folder / "bin" / applet).symlink_to("busybox")
    (folder / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\nuser:x:1000:1000::/home:/bin/sh\n")
    return folder


def run(*words, input=None, timeout=60, env=None, **more):
    return subprocess.run([str(w) for w in words], input=input, capture_output=True, text=True,
                          timeout=timeout, env=env, **more)


def compiled(target, source):
    """A static program from C: a file, or its text."""
    words = ["cc", "-O2", "-static", "-pthread", "-w", "-o", target]
    if isinstance(source, pathlib.Path):
        subprocess.run([*words, source], check=True)
    else:
        subprocess.run([*words, "-x", "c", "-"], input=source, text=True, check=True)


def in_terminal(*words, env=None, timeout=60):
    """Runs a command on a terminal of its own; what it shows."""
    master, slave = os.openpty()
    process = subprocess.Popen([str(w) for w in words], stdin=slave, stdout=slave, stderr=slave, env=env, start_new_session=True)
    os.close(slave)
    text = b""
    end = time.time() + timeout
    while time.time() < end:
        try:
            chunk = os.read(master, 4096)
        except OSError:  # the other side is closed
            break
        if not chunk:
            break
        text += chunk
    process.wait(timeout=timeout)
    os.close(master)
    return text.decode(errors="replace")


def without_calls(*numbers):
    """For preexec_fn: from then on these system calls answer ENOSYS, as on a kernel that does not have them."""
    filter_ = [(0x20, 0, 0, 0)] + [i for n in numbers for i in ((0x15, 0, 1, n), (0x06, 0, 0, 0x00050000 | errno.ENOSYS))] + [(0x06, 0, 0, 0x7fff0000)]
    code = b"".join(struct.pack("HBBI", *i) for i in filter_)

    def install():
        libc = ctypes.CDLL(None, use_errno=True)
        program = struct.pack("HxxxxxxP", len(filter_), ctypes.cast(ctypes.c_char_p(code), ctypes.c_void_p).value)
        if libc.prctl(38, 1, 0, 0, 0) != 0 or libc.prctl(22, 2, program) != 0:  # PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP
            raise OSError(ctypes.get_errno(), "the filter was not taken")
    return install


class OrdinaryUser:
    """An account with ranges in /etc/subuid and /etc/subgid, for as long as a test class needs it."""

    def __init__(self):
        self.name = "rct" + os.urandom(3).hex()
        done = run("useradd", "--no-create-home", "--home-dir", "/nonexistent", self.name)
        if done.returncode != 0:
            raise unittest.SkipTest("no account can be made here: " + done.stderr.strip())
        entry = pwd.getpwnam(self.name)
        self.uid, self.gid = entry.pw_uid, entry.pw_gid

    def ranges(self, kind):
        """First id and count in /etc/subuid or /etc/subgid."""
        for line in pathlib.Path("/etc/sub" + kind).read_text().splitlines():
            name, first, count = line.split(":")
            if name == self.name:
                return int(first), int(count)
        raise unittest.SkipTest("useradd gives no range in /etc/sub" + kind)

    def remove(self):
        run("userdel", self.name)


class Case(unittest.TestCase):
    """A test with a bundle and a state directory of its own, which leaves nothing behind."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="rct"))
        os.chmod(self.folder, 0o755)
        self.bundle = self.folder / "bundle"
        make_rootfs(self.bundle / "rootfs")
        self.state = self.folder / "state"
        self.id = self.folder.name
        self.write(self.example())

    def tearDown(self):
        if self.state.exists():
            for name in os.listdir(self.state):
                self.call("delete", "--force", name)
            self.assertEqual(os.listdir(self.state), [], "state left behind")
        self.assertEqual(self.cgroups(), [], "cgroups left behind")
        self.assertEqual([l for l in pathlib.Path("/proc/self/mountinfo").read_text().splitlines() if str(self.folder) in l], [], "mounts left behind")
        shutil.rmtree(self.folder)

    def cgroups(self):
        # Others' cgroups come and go meanwhile, which os.walk does not mind.
        return [os.path.join(top, name) for top, names, _ in os.walk(CGROUPS) for name in names if name.startswith(self.id)]

    def example(self, *command):
        return {
            "ociVersion": "1.0.2",
            "process": {"args": list(command) or ["true"], "cwd": "/", "env": ["PATH=/bin"],
                        "user": {"uid": 0, "gid": 0}, "noNewPrivileges": True},
            "root": {"path": "rootfs"},
            "hostname": "test",
            "mounts": [
                {"destination": "/proc", "type": "proc", "source": "proc"},
                {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755", "size=64k"]},
                {"destination": "/dev/pts", "type": "devpts", "source": "devpts", "options": ["newinstance", "ptmxmode=0666", "mode=0620"]},
                {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["ro", "nosuid"]}],
            "linux": {"cgroupsPath": "/" + self.id,
                      "namespaces": [{"type": t} for t in ("pid", "mount", "ipc", "uts", "network", "cgroup")]},
        }

    def add_users(self, config, host=0):
        """Gives a configuration a user namespace, whose ids are the host's from `host` on."""
        config["linux"]["namespaces"].append({"type": "user"})
        for kind in ("uidMappings", "gidMappings"):
            config["linux"][kind] = [{"containerID": 0, "hostID": host, "size": 65536}]

    def write(self, config):
        (self.bundle / "config.json").write_text(json.dumps(config) if isinstance(config, dict) else config)

    def call(self, *words, **more):
        return run(RUNTIME, "--root", self.state, *words, **more)

    def run_container(self, config, **more):
        self.write(config)
        return self.call("run", "--bundle", self.bundle, self.id, **more)

    def output(self, config):
        result = self.run_container(config)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout

    def shell(self, script, change=None):
        """What a shell in a container prints."""
        config = self.example("sh", "-c", script)
        if change:
            change(config)
        return self.output(config)

    def refused(self, config, *texts):
        """The configuration is refused with one line that holds all texts, and nothing is left."""
        result = self.run_container(config)
        self.assertNotEqual(result.returncode, 0)
        if IS_OURS:
            self.assertEqual(len(result.stderr.strip().splitlines()), 1, result.stderr)
            for text in texts:
                self.assertIn(text, result.stderr)
        self.assertEqual(os.listdir(self.state) if self.state.exists() else [], [])
        return result.stderr

    def detached(self, *command, change=None):
        """Starts a container that goes on."""
        config = self.example(*(command or ("sleep", "100")))
        if change:
            change(config)
        self.write(config)
        with open(self.folder / "output", "w") as output:
            done = subprocess.run([RUNTIME, "--root", str(self.state), "run", "--detach", "--bundle", str(self.bundle), self.id],
                                  stdin=subprocess.DEVNULL, stdout=output, stderr=output, timeout=60)
        self.assertEqual(done.returncode, 0, (self.folder / "output").read_text())

    def info(self):
        return json.loads(self.call("state", self.id).stdout)

    def wait_status(self, status):
        for _ in range(200):
            if self.info()["status"] == status:
                return
            time.sleep(0.02)
        self.fail(f"never {status}: {self.info()}")


def ours_only(test):
    return unittest.skipUnless(IS_OURS, "about messages or options of ours")(test)


def needs_root(test):
    return unittest.skipUnless(os.geteuid() == 0, "needs root")(test)


if __name__ == "__main__":
    unittest.main()
