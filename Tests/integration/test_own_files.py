"""A container with limits sees its own memory, processors and time in /proc and /sys. The control is a container of a peer, which
sees the host's."""
import os
import pathlib
import shutil
import signal
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from support import RUNTIME, Case, OrdinaryUser, needs_root, ours_only, run  # noqa: E402

FILES = ["/proc/" + n for n in ("meminfo", "cpuinfo", "stat", "uptime", "loadavg", "swaps")] + \
    ["/sys/devices/system/cpu/" + n for n in ("online", "possible", "present")]
LIMITS = {"memory": {"limit": 64 << 20}, "cpu": {"quota": 100000, "period": 100000}}


def servers():
    """The processes that hold /dev/fuse open."""
    found = []
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if any(os.readlink(f) == "/dev/fuse" for f in (process / "fd").iterdir()):
                found.append(int(process.name))
        except OSError:
            pass
    return found


@ours_only
@needs_root
@unittest.skipUnless(os.path.exists("/dev/fuse"), "needs /dev/fuse")
class OwnFiles(Case):
    def setUp(self):
        super().setUp()
        self.before = set(servers())

    def tearDown(self):
        super().tearDown()
        for _ in range(100):
            if set(servers()) <= self.before:
                break
            time.sleep(0.02)
        self.assertLessEqual(set(servers()), self.before, "servers left behind")

    def do(self, script, *options):
        done = run(RUNTIME, "do", *options, "--", "sh", "-c", script)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def config(self, *command, policy="default", resources=LIMITS):
        config = self.example(*command)
        config["linux"]["resources"] = resources
        if policy:
            config["annotations"] = {"org.rcontainer.policy": policy}
        return config

    SHOW = "head -n 1 /proc/meminfo; grep -c ^processor /proc/cpuinfo; grep -c ^cpu[0-9] /proc/stat; cut -d. -f1 /proc/uptime; cat /sys/devices/system/cpu/online"

    def test_what_programs_show(self):
        shown = self.do(self.SHOW, "--memory", "64m", "--cpus", "1").splitlines()
        self.assertEqual(shown[0].split(), ["MemTotal:", "65536", "kB"])
        self.assertEqual(shown[1:3], ["1", "1"])
        self.assertLess(int(shown[3]), 5)
        self.assertEqual(shown[4], "0")
        if shutil.which("free"):
            total, used = self.do("free -k", "--memory", "64m").splitlines()[1].split()[1:3]
            self.assertEqual(total, "65536")
            self.assertLess(int(used), 65536)
        if shutil.which("uptime"):
            self.assertRegex(self.do("uptime", "--memory", "64m"), r"up 0 min.*load average: 0\.")

    def test_the_control_shows_the_hosts(self):
        peers = [p for p in ("runc", "crun") if shutil.which(p)]
        if not peers:
            self.skipTest("no peer is installed")
        host = int(pathlib.Path("/proc/meminfo").read_text().split()[1])
        for peer in peers:
            self.write(self.config("sh", "-c", self.SHOW, policy=None))
            done = run(peer, "--root", self.folder / peer, "run", "--bundle", self.bundle, self.id)
            if done.returncode != 0:  # crun 1.8 on this hybrid of cgroups without hugetlb
                continue
            shown = done.stdout.splitlines()
            self.assertEqual(int(shown[0].split()[1]), host)
            self.assertEqual(int(shown[1]), os.cpu_count())
            break
        else:
            self.fail("no peer ran the control")

    def test_use_is_the_containers(self):
        script = "read up idle </proc/uptime; i=0; while [ $i -lt 400000 ]; do i=$((i+1)); done; head -n 1 /proc/stat; cat /proc/loadavg; grep -E 'MemFree|Swap' /proc/meminfo; wc -l </proc/swaps"
        lines = self.do(script, "--memory", "64m", "--cpus", "2").splitlines()
        fields = [int(f) for f in lines[0].split()[1:]]
        self.assertGreater(fields[0] + fields[2], 5)
        self.assertLess(fields[0] + fields[2], 6000, "not the host's")
        self.assertGreater(float(lines[1].split()[0]), 0)
        self.assertLess(int(lines[2].split()[1]), 65536)

    def test_only_with_limits_and_policy(self):
        count = "grep -c ' fuse ' /proc/self/mounts || true"
        self.assertEqual(self.do(count).strip(), "0")
        self.assertEqual(self.do(count, "--pids", "50").strip(), "0")
        self.assertEqual(self.do(count, "--memory", "64m", "--policy", "compat").strip(), "0")
        self.assertEqual(self.do(count, "--memory", "64m").strip(), str(len(FILES)))
        self.assertEqual(self.do(count, "--memory", "64m", "--policy", "strict").strip(), str(len(FILES)))
        policy = self.folder / "policy.json"
        policy.write_text('{"name": "mine", "base": "default", "ownFiles": false}')
        self.assertEqual(self.do(count, "--memory", "64m", "--policy", policy).strip(), "0")
        self.assertEqual(self.output(self.config("sh", "-c", count, policy=None)).strip(), "0")
        self.assertEqual(self.output(self.config("sh", "-c", count)).strip(), str(len(FILES)))

    def test_processors_of_a_set(self):
        last = str(os.cpu_count() - 1)
        shown = self.output(self.config("sh", "-c", self.SHOW, resources={"cpu": {"cpus": last}})).splitlines()
        self.assertEqual(shown[1:3] + shown[4:], ["1", "1", "0"])

    def test_exec_and_update(self):
        self.detached("sleep", "100", change=lambda c: c.update(self.config("sleep", "100")))
        show = ("exec", self.id, "head", "-n", "1", "/proc/meminfo")
        self.assertEqual(self.call(*show).stdout.split()[1], "65536")
        self.assertEqual(self.call("update", "--memory", str(96 << 20), self.id).returncode, 0)
        self.assertEqual(self.call(*show).stdout.split()[1], "98304")
        found = set(servers()) - self.before
        self.assertEqual(len(found), 1)
        status = pathlib.Path(f"/proc/{found.pop()}/status").read_text()
        self.assertRegex(status, r"(?m)^CapPrm:\t0+$")
        self.assertRegex(status, r"(?m)^Uid:\t65534")
        self.assertRegex(status, r"(?m)^NoNewPrivs:\t1$")

    def test_a_killed_server_does_not_stop_the_container(self):
        self.detached("sleep", "100", change=lambda c: c.update(self.config("sleep", "100")))
        os.kill((set(servers()) - self.before).pop(), signal.SIGKILL)
        for path in FILES:
            done = self.call("exec", self.id, "cat", path, timeout=10)
            self.assertNotEqual(done.returncode, 0)
            self.assertRegex(done.stderr, "not connected|Software caused connection abort", path)
        self.assertEqual(self.call("exec", self.id, "cat", "/proc/version").returncode, 0)
        self.assertEqual(self.call("delete", "--force", self.id).returncode, 0)

    def test_nothing_can_be_written_or_reached_through_them(self):
        """Odd reads, writes, changes of attributes, many open files, interrupted readers, mounts of parts of it."""
        script = """
import os, signal, sys
for path in sys.argv[1:]:
    for flags in (os.O_WRONLY, os.O_RDWR, os.O_WRONLY | os.O_TRUNC):
        try: os.open(path, flags); print('opened', path)
        except OSError: pass
    for change in (lambda: os.chmod(path, 0o777), lambda: os.unlink(path), lambda: os.truncate(path, 0), lambda: os.rename(path, path + 'x'),
                   lambda: os.setxattr(path, 'user.a', b'b')):
        try: change(); print('changed', path)
        except OSError: pass
    files = [os.open(path, os.O_RDONLY) for _ in range(300)]
    whole = os.pread(files[0], 1 << 20, 0)
    for offset in (1, len(whole) - 1, len(whole), len(whole) + 1, 1 << 40):
        part = os.pread(files[1], 10, offset)
        if part != whole[offset:offset + 10]: print('other', path, offset)
    text = b''
    while chunk := os.read(files[2], 7): text += chunk
    copy, sent = os.memfd_create('x'), 0
    while count := os.sendfile(copy, files[3], sent, 1 << 20): sent += count
    if abs(sent - len(whole)) > 40 or b'\\0' in os.pread(copy, 1 << 20, 0): print('sent', path, sent, len(whole))
    os.close(copy)
    if not text.endswith(b'\\n') or abs(len(text) - len(whole)) > 40: print('pieces', path)
    for file in files: os.close(file)
    for _ in range(20):
        pid = os.fork()
        if pid == 0:
            while True: open(path, 'rb').read()
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
print('end')
"""
        done = run(RUNTIME, "do", "--memory", "200m", "--cpus", "1", "--", "/usr/bin/python3", "-c", script, *FILES)
        self.assertEqual(done.stdout, "end\n", done.stderr)

    def test_what_is_there_already_stays(self):
        own = self.folder / "meminfo"
        own.write_text("mine\n")
        config = self.config("sh", "-c", "cat /proc/meminfo; grep -c ' fuse ' /proc/self/mounts")
        config["mounts"].append({"destination": "/proc/meminfo", "type": "bind", "source": str(own), "options": ["bind", "ro"]})
        self.assertEqual(self.output(config), f"mine\n{len(FILES) - 1}\n")

    def test_in_a_user_namespace_with_a_range(self):
        config = self.config("sh", "-c", self.SHOW)
        self.add_users(config, host=100000)
        run("chown", "-R", "100000:100000", self.bundle / "rootfs")
        shown = self.output(config).splitlines()
        self.assertEqual(shown[0].split()[1], "65536")
        self.assertEqual(shown[4], "0")

    def test_without_fuse_there_is_a_warning(self):
        with_mount = ("unshare", "--mount", "sh", "-c", 'mount -t tmpfs none /mnt && mknod /mnt/fuse c 1 3 && mount --bind /mnt/fuse /dev/fuse && exec "$@"', "sh")
        done = run(*with_mount, RUNTIME, "do", "--memory", "64m", "--", "head", "-n", "1", "/proc/meminfo")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("the host's memory", done.stderr)
        self.assertEqual(done.stdout.split()[1], pathlib.Path("/proc/meminfo").read_text().split()[1])


@ours_only
@needs_root
@unittest.skipUnless(pathlib.Path("/sys/fs/cgroup/memory").is_dir(), "needs cgroup v1")
class OrdinaryUsers(Case):
    """A user with delegated cgroups, for whom /dev/fuse may be opened or not."""
    CONTROLLERS = ("memory", "cpu", "cpuset", "pids", "cpuacct", "freezer", "blkio", "devices")

    def do(self, mode, *command):
        user = OrdinaryUser()
        self.addCleanup(user.remove)
        name, state = f"rct-delegated-{user.uid}", f"/tmp/rct-files-{user.uid}"
        places = [pathlib.Path("/sys/fs/cgroup") / c / name for c in self.CONTROLLERS if (pathlib.Path("/sys/fs/cgroup") / c).is_dir()]
        for place in places:
            place.mkdir()
            if place.parent.name == "cpuset":
                for file in ("cpuset.cpus", "cpuset.mems"):
                    (place / file).write_text((place.parent / file).read_text())
            run("chown", "-R", f"{user.uid}:{user.gid}", place)
        enter = "".join(f"echo $$ >{place}/cgroup.procs; " for place in places)
        device = f"mount -t tmpfs none /mnt; mknod -m {mode} /mnt/fuse c 10 229; mount --bind /mnt/fuse /dev/fuse; "
        try:
            return run("unshare", "--mount", "sh", "-ec", enter + device + 'exec "$@"', "sh",
                       "setpriv", "--reuid", user.uid, "--regid", user.gid, "--clear-groups", RUNTIME, "--root", state, *command)
        finally:
            run("rm", "-rf", state)
            for place in places:
                for _ in range(100):
                    if run("rmdir", place).returncode == 0:
                        break
                    time.sleep(0.02)

    SHOW = "head -n 1 /proc/meminfo; cat /sys/devices/system/cpu/online; busybox free -k | sed -n 2p; nproc; id -u"

    def test_they_have_them(self):
        before = set(servers())
        done = self.do(666, "do", "--memory", "64m", "--cpus", "1", "--", "sh", "-c", self.SHOW)
        lines = done.stdout.splitlines()
        self.assertEqual(lines[0].split()[1], "65536", done.stderr)
        self.assertEqual((lines[1], lines[2].split()[1], lines[3]), ("0", "65536", "1"))
        self.assertNotEqual(lines[4], "0")
        self.assertLessEqual(set(servers()), before)
        self.assertRegex(self.do(666, "features", "--check").stdout, r"(?m)^own-files +yes")

    def test_without_the_device_all_is_the_hosts(self):
        done = self.do(600, "do", "--memory", "64m", "--", "sh", "-c", self.SHOW)
        host = pathlib.Path("/proc/meminfo").read_text().split()[1]
        lines = done.stdout.splitlines()
        self.assertEqual((lines[0].split()[1], lines[2].split()[1]), (host, host), done.stderr)
        self.assertRegex(self.do(600, "features", "--check").stdout, r"(?m)^own-files +missing")


CALLS = """
import ctypes, os, sys, threading
library = ctypes.CDLL(None, use_errno=True)
machine = os.uname().machine
SYSINFO, GETAFFINITY, GETTID = (99, 204, 186) if machine == 'x86_64' else (179, 123, 178)
def sysinfo(place=None):
    words = (ctypes.c_uint64 * 14)()
    result = library.syscall(SYSINFO, place if place is not None else words)
    return list(words) if result == 0 else ctypes.get_errno()
def processors(pid=0, size=128):
    mask = (ctypes.c_uint8 * size)()
    count = library.syscall(GETAFFINITY, pid, size, mask)
    return {i for i in range(8 * size) if mask[i // 8] >> i % 8 & 1} if count > 0 else ctypes.get_errno()
"""


@ours_only
@needs_root
class MachineCalls(Case):
    """System calls tell a container with limits the same as its own files. The control is the policy compat, with which they
    tell of the host."""

    def do(self, script, *options):
        done = run(RUNTIME, "do", *options, "--", "/usr/bin/python3", "-c", CALLS + script)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout.splitlines()

    def test_memory_and_time(self):
        script = "print(*sysinfo())"
        own = [int(w) for w in self.do(script, "--memory", "64m")[0].split()]
        host = [int(w) for w in self.do(script, "--memory", "64m", "--policy", "compat")[0].split()]
        self.assertEqual(own[4], 64 << 20)
        self.assertTrue(0 < own[5] < 64 << 20)
        self.assertLess(own[0], 5)
        self.assertLess(own[10], 10)
        self.assertEqual(own[13] & 0xffffffff, 1)
        self.assertEqual(host[4], int(pathlib.Path("/proc/meminfo").read_text().split()[1]) * 1024)
        self.assertGreater(host[10], 10)

    def test_programs(self):
        done = run(RUNTIME, "do", "--memory", "64m", "--cpus", "1", "--", "sh", "-c", "busybox free -k; busybox uptime; nproc; busybox nproc; getconf _NPROCESSORS_ONLN")
        lines = done.stdout.splitlines()
        self.assertEqual(lines[1].split()[:2], ["Mem:", "65536"], done.stderr)
        self.assertRegex(done.stdout, "up 0 min")
        self.assertEqual(lines[-3:], ["1"] * 3)

    @unittest.skipIf(os.cpu_count() < 2, "needs two processors")
    def test_processors(self):
        script = """
print(processors(), processors(os.getpid()), processors(os.getppid()), processors(99999), processors(0, 12), processors(0, 0))
def other(): print(processors(library.syscall(GETTID)), processors(os.getpid()))
thread = threading.Thread(target=other); thread.start(); thread.join()
last = max(processors(1))
os.sched_setaffinity(0, {last}); print(processors() == {last})
child = os.fork()
if child == 0: os._exit(0 if processors() == {last} else 1)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
        # The first process is another one: what it may use in truth.
        host = str(os.sched_getaffinity(0))
        lines = self.do(script, "--cpus", "1")
        self.assertEqual(lines, [f"{{0}} {{0}} {host} 3 22 22", "{0} {0}", "True", "0"])
        self.assertEqual(self.do(script, "--cpus", "1", "--policy", "compat")[:2], [f"{host} {host} {host} 3 22 22", f"{host} {host}"])
        # Not smaller than what the quota can keep busy.
        self.assertEqual(self.do("print(processors())", "--memory", "64m"), [host])
        self.assertEqual(self.do("print(processors())", "--cpus", "1.5"), [host if os.cpu_count() == 2 else "{0, 1}"])

    def test_memory_that_can_not_be_written(self):
        script = """
import mmap
m = mmap.mmap(-1, 8192)
base = ctypes.addressof(ctypes.c_char.from_buffer(m))
library.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
library.mprotect(base + 4096, 4096, 1)
print(sysinfo(ctypes.c_void_p(0)), sysinfo(ctypes.c_void_p(8)), sysinfo(ctypes.c_void_p(base + 4096)), sysinfo(ctypes.c_void_p(base + 4096 - 50)), sysinfo(ctypes.c_void_p(1 << 63)))
print(m[4096:8192] == bytes(4096), sysinfo(ctypes.c_void_p(base)) != 14)
"""
        self.assertEqual(self.do(script, "--memory", "64m"), ["14 14 14 14 14", "True True"])

    def test_what_the_policy_denies_stays_denied(self):
        policy = self.folder / "policy.json"
        policy.write_text('{"name": "mine", "base": "default", "rules": [{"calls": ["sysinfo", "sched_getaffinity"], "action": "deny", "error": "EACCES"}]}')
        self.assertEqual(self.do("print(sysinfo(), processors())", "--memory", "64m", "--cpus", "1", "--policy", policy), ["13 13"])

    def test_exec_and_audit(self):
        audit = self.folder / "audit"
        self.detached("sleep", "100", change=lambda c: c.update(
            linux=c["linux"] | {"resources": LIMITS}, annotations={"org.rcontainer.policy": "default", "org.rcontainer.audit": str(audit)}))
        shown = self.call("exec", self.id, "/bin/busybox", "free", "-k").stdout.splitlines()
        self.assertEqual(shown[1].split()[1], "65536")
        self.assertRegex(audit.read_text(), r'"call":"sysinfo".*"decision":"emulated","reason":"ownFiles"')

    def test_callers_that_are_killed_or_many(self):
        """Signals and ends in the midst of a call: every caller that lives has its answer, and nobody stays watched."""
        script = """
import random, signal, time
def call():
    while True:
        words = sysinfo()
        # A handler without SA_RESTART may interrupt a call that nobody has taken yet: EINTR.
        if words != 4 and (type(words) is int or words[4] != 67108864): print('wrong', words, flush=True)
for turn in range(60):
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGUSR1, lambda *a: None)
        for _ in range(3): threading.Thread(target=call, daemon=True).start()
        call()
    time.sleep(random.random() * 0.02)
    for _ in range(5): os.kill(child, signal.SIGUSR1)
    if turn % 3 == 0: os.kill(child, signal.SIGSTOP); time.sleep(0.002); os.kill(child, signal.SIGCONT)
    if turn % 4 == 0:
        os.kill(child, signal.SIGTERM)
    else: os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
print(sysinfo()[4], [l.split()[1] for l in open('/proc/self/status') if l.startswith('TracerPid')])
"""
        self.assertEqual(self.do(script, "--memory", "64m"), ["67108864 ['0']"])


# What docker masks by default, and what else tells of the host or its memory.
HOST_WIDE = ["/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/sched_debug",
             "/proc/scsi", "/proc/timer_list", "/proc/timer_stats", "/sys/firmware", "/sys/devices/virtual/powercap",
             "/proc/kallsyms", "/proc/kmsg", "/proc/kpagecount", "/proc/kpageflags", "/proc/kpagecgroup", "/proc/pagetypeinfo",
             "/proc/slabinfo", "/proc/vmallocinfo", "/proc/allocinfo", "/proc/sysrq-trigger", "/sys/kernel/notes", "/sys/kernel/vmcoreinfo",
             "/sys/kernel/slab", "/sys/kernel/debug", "/sys/kernel/tracing", "/sys/kernel/security", "/sys/fs/bpf", "/sys/fs/fuse/connections",
             "/sys/fs/cgroup", "/sys/fs/pstore"]

READ = """
import os, sys
for path in sys.argv[1:]:
    try:
        if os.path.isdir(path): found = bool(os.listdir(path))
        else:
            file = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
            found = bool(os.read(file, 4096))
    except OSError: found = False
    if found: print(path)
"""


@ours_only
@needs_root
class HostWideFiles(Case):
    def read(self, *before):
        done = run(*before, "/usr/bin/python3", "-c", READ, *HOST_WIDE)
        self.assertEqual(done.returncode, 0, done.stderr)
        return set(done.stdout.split())

    def test_a_sandbox_reads_none(self):
        host = self.read()
        self.assertLessEqual({"/proc/interrupts", "/proc/kallsyms", "/proc/slabinfo", "/proc/kpageflags"}, host, "the control")
        self.assertEqual(self.read(RUNTIME, "do", "--"), set())

    def test_nor_one_of_an_ordinary_user(self):
        user = OrdinaryUser()
        self.addCleanup(user.remove)
        state = f"/tmp/rct-files-{user.uid}"
        found = self.read("setpriv", "--reuid", user.uid, "--regid", user.gid, "--clear-groups", RUNTIME, "--root", state, "do", "--")
        run("rm", "-rf", state)
        self.assertEqual(found, set())

    def test_nothing_can_be_triggered(self):
        script = "for f in /proc/sysrq-trigger /proc/sys/kernel/core_pattern /proc/sys/vm/drop_caches /sys/kernel/uevent_helper; do (echo b >$f) 2>/dev/null && echo wrote $f; done; true"
        done = run(RUNTIME, "do", "--", "sh", "-c", script)
        self.assertEqual((done.returncode, done.stdout), (0, ""), done.stderr)


if __name__ == "__main__":
    unittest.main()
