"""Policies of the software con-shim in the real kernel: what is denied is denied, with the error that the policy says,
and what programs need works."""
import errno
import hashlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from support import ROOT, RUNTIME, Case, OrdinaryUser, needs_root, ours_only, run  # noqa: E402

# Tries calls with arguments that no call can use, each in a process of its own; prints name and errno.
TRY = r"""
import ctypes, json, os, sys
calls = json.loads(sys.argv[1])
libc = ctypes.CDLL(None, use_errno=True)
found = {}
for name, number in calls.items():
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        ctypes.set_errno(0)
        result = libc.syscall(number, *[ctypes.c_long(-1)] * 6)
        os.write(writing, str(ctypes.get_errno() if result == -1 else 0).encode())
        os._exit(0)
    os.close(writing)
    found[name] = os.read(reading, 16).decode()
    os.close(reading)
    os.waitpid(child, 0)
print(json.dumps(found))
"""
# What ends, stops or hangs the process that tries it, or what all processes would feel; futex has no such operation.
NOT_TRIED = {"exit", "exit_group", "pause", "rt_sigreturn", "rt_sigsuspend", "kill", "tgkill", "tkill", "fork", "vfork",
             "clone", "restart_syscall", "futex"}


def policy(name):
    return json.loads(run(RUNTIME, "profile", "show", "--json", name).stdout)


# Copies a library to each place and loads it; prints what came of it.
WRITE_CODE = r"""
import ctypes, json, os, shutil, sys
found = {}
for place in sys.argv[2:]:
    path = place + '/written.so'
    try: shutil.copyfile(sys.argv[1], path)
    except OSError: found[place] = 'no file'; continue
    found[place] = 'loaded'
    try: ctypes.CDLL(path)
    except OSError as error: found[place] = 'no code' if 'failed to map' in str(error) else str(error)
print(json.dumps(found))
"""


@ours_only
class Policies(Case):
    def tried(self, words, calls):
        done = run(*words, "/usr/bin/python3", "-c", TRY, json.dumps(calls))
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def test_every_denied_call_fails_with_its_error_in_the_kernel(self):
        for name in ("default", "strict", "compat"):
            shown = policy(name)
            denied = {call["name"]: (call["number"], getattr(errno, call["class"].split(", ")[1]))
                      for call in shown["calls"] if call["class"].startswith(("denied", "mediated, "))}
            found = self.tried([RUNTIME, "do", "--policy", name, "--"], {call: number for call, (number, _) in denied.items()})
            self.assertEqual({call: int(found[call]) for call in denied}, {call: error for call, (_, error) in denied.items()}, name)
        # Control: without a filter most of them fail for another reason, or not at all.
        calls = {call: number for call, (number, error) in denied.items() if error == errno.EPERM and call not in (
            "reboot", "sync", "syncfs", "vhangup", "acct", "swapoff", "swapon", "setns")}
        outside = self.tried([], calls)
        self.assertGreater(sum(int(value) != errno.EPERM for value in outside.values()), len(calls) / 2)

    def test_at_most_190_calls_reach_the_kernel(self):
        shown = policy("default")
        self.assertEqual(shown["reachable"], sum(call["class"].split(",")[0] in ("direct", "checked") or call["class"] == "mediated"
                                                 for call in shown["calls"]))
        self.assertLessEqual(shown["reachable"], 190)
        self.assertLess(policy("strict")["reachable"], 150)
        reachable = {call["name"]: call["number"] for call in shown["calls"]
                     if call["class"] == "direct" and call["name"] not in NOT_TRIED}
        found = self.tried([RUNTIME, "do", "--"], reachable)
        missing = [call for call, error in found.items() if error == str(errno.ENOSYS)]
        self.assertEqual(missing, [], "called direct, and not there")

    def test_checked_calls_in_the_kernel(self):
        script = """
import ctypes, os, socket, sys
l = ctypes.CDLL(None, use_errno=True)
def call(*a):
    ctypes.set_errno(0)
    return 'ok' if l.syscall(*[ctypes.c_long(x) for x in a]) >= 0 else str(ctypes.get_errno())
n = dict(x86_64=dict(socket=41, socketpair=53, setsockopt=54, prctl=157, ioctl=16, clone=56, mknodat=259),
         aarch64=dict(socket=198, socketpair=199, setsockopt=208, prctl=167, ioctl=29, clone=220, mknodat=33))[os.uname().machine]
name = ctypes.create_string_buffer(b'/tmp/fifo')
fd = socket.socket(socket.AF_INET, socket.SOCK_STREAM).fileno()
print(call(n['socket'], 2, 1 | 0o2000000, 0), call(n['socket'], 16, 3, 0), call(n['socket'], 16, 3, 12), call(n['socket'], 38, 5, 0),
      call(n['socket'], 2, 3, 255), call(n['socket'], 1 << 32 | 1, 1, 0), call(n['socketpair'], 2, 1, 0, 0),
      call(n['setsockopt'], fd, 282, 1, 0, 0), call(n['prctl'], 35, 1, 0, 0, 0), call(n['ioctl'], 0, 0x5412, 0),
      call(n['ioctl'], 0, 1 << 32 | 0x5412, 0), call(n['clone'], 0x10000000, 0, 0, 0, 0),
      call(n['mknodat'], -100, ctypes.addressof(name), 0o10644, 0), call(n['mknodat'], -100, ctypes.addressof(name), 0o20644, 0x103))
"""
        done = run(RUNTIME, "do", "--", "/usr/bin/python3", "-c", script)
        self.assertEqual(done.stdout.split(), ["ok", "ok", "97", "97", "97", "ok", "97", "92", "22", "25", "25", "1", "ok", "1"], done.stderr)

    def test_written_memory_is_not_executed_under_strict(self):
        script = "import mmap; m = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC); print('mapped')"
        inside = run(RUNTIME, "do", "--policy", "strict", "--", "/usr/bin/python3", "-c", script)
        if "needs Linux 6.3" in inside.stderr:
            self.skipTest("PR_SET_MDWE needs Linux 6.3")
        self.assertIn("PermissionError", inside.stderr)
        self.assertEqual(run(RUNTIME, "do", "--", "/usr/bin/python3", "-c", script).stdout, "mapped\n")

    @needs_root
    def test_nothing_written_inside_is_code_under_strict(self):
        (self.folder / "map.c").write_text(r"""
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>
int main(int count, char **paths) {
  for (int i = 1; i < count; i++) {
    int file = open(paths[i], O_RDWR | O_CREAT, 0755);
    if (file < 0) { printf("no file\n"); continue; }
    if (ftruncate(file, 4096)) return 1;
    printf("%s\n", mmap(0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, file, 0) == MAP_FAILED ? "no code" : "code");
  }
}""")
        done = run("gcc", "-static", "-o", self.bundle / "rootfs/map", self.folder / "map.c")
        self.assertEqual(done.returncode, 0, done.stderr)
        volume = self.folder / "volume"
        volume.mkdir()

        def found(*options, program=RUNTIME):
            config = self.example("/map", "/root/x", "/tmp/x", "/volume/x", "/dev/x")
            config["root"]["readonly"] = False
            config["mounts"] += [{"destination": "/tmp", "type": "tmpfs", "source": "tmpfs"},
                                 {"destination": "/volume", "type": "bind", "source": str(volume), "options": ["rbind", "rw"]}]
            self.write(config)
            done = run(program, "--root", self.folder / "state", *options, "run", "--bundle", self.bundle, self.id)
            self.assertEqual(done.returncode, 0, done.stderr)
            return done.stdout.splitlines()

        self.assertEqual(found("--policy", "strict"), ["no file", "no code", "no code", "no code"])
        # Controls: our other policies, and a peer.
        self.assertEqual(found("--policy", "default"), ["code"] * 4)
        self.assertEqual(found(program="crun"), ["code"] * 4)

        def given(*options, program=RUNTIME):
            """What becomes of a file of the host that is the standard input."""
            self.write(self.example("/map", "/proc/self/fd/0"))
            (self.folder / "given").write_text("given")
            with open(self.folder / "given", "r+") as file:
                done = subprocess.run([program, "--root", self.folder / "state", *options, "run", "--bundle", self.bundle, self.id],
                                      stdin=file, capture_output=True, text=True)
            return done.stdout

        self.assertEqual(given("--policy", "strict"), "")
        self.assertEqual([given("--policy", "default"), given(program="crun")], ["code\n"] * 2)

    def sandboxed_code(self, policy, *options, user=None):
        """What becomes of a library that is written to each of some places of a sandbox: {place: "loaded", "no file" or "no code"}."""
        top = pathlib.Path(tempfile.mkdtemp(prefix="rct", dir="/srv"))
        self.addCleanup(shutil.rmtree, top)
        for name in ("work", "home", "given", "moved"):
            (top / name).mkdir()
        for path in (top, *top.iterdir()):
            os.chown(path, user.uid if user else 0, user.gid if user else 0)
        library = next(line.split()[-1] for line in pathlib.Path("/proc/self/maps").read_text().splitlines() if "/libm.so" in line or "/libc.so" in line)
        # The original of the moved one is seen at its own place, too.
        places = ["", str(top / "work"), str(top / "home"), str(top / "given"), str(top / "there"), str(top / "moved"), str(top / "memory"), "/tmp", "/run",
                  "/dev/shm", "/dev", "/etc", "/var/tmp", "/usr/lib"]
        words = [RUNTIME, "--root", top / "state", "do", "--policy", policy, "--env", f"HOME={top}/home", "--cwd", top / "work",
                 "--rw", top / "given", "--mount", f"type=bind,src={top}/moved,dst={top}/there", "--mount", f"type=tmpfs,dst={top}/memory", *options]
        if user:
            words = ["setpriv", "--reuid", user.uid, "--regid", user.gid, "--clear-groups", *words]
        done = run(*words, "--", "/usr/bin/python3", "-c", WRITE_CODE, library, *places)
        self.assertEqual(done.returncode, 0, done.stderr)
        return {key.replace(str(top), "TOP"): value for key, value in json.loads(done.stdout).items()}

    @needs_root
    def test_nothing_written_in_a_sandbox_is_code_under_strict(self):
        written = {"TOP/" + name for name in ("work", "home", "given", "there", "moved", "memory")} | {"/tmp", "/dev/shm"}
        user = OrdinaryUser()
        self.addCleanup(user.remove)
        for who in (None, user):
            with self.subTest(user=bool(who)):
                found = self.sandboxed_code("strict", user=who)
                self.assertEqual({place for place, result in found.items() if result == "no code"} - {"/run", "/dev"}, written, found)
                self.assertNotIn("loaded", found.values())
                # The control.
                found = self.sandboxed_code("default", user=who)
                self.assertLessEqual(written - {"/dev/shm"}, {place for place, result in found.items() if result == "loaded"}, found)
        self.assertEqual(self.sandboxed_code("default")["/usr/lib"], "loaded")

    @needs_root
    def test_no_standard_stream_is_code_under_strict(self):
        """A file that the caller hands in is on a mount of the host."""
        library = next(line.split()[-1] for line in pathlib.Path("/proc/self/maps").read_text().splitlines() if "/libm.so" in line or "/libc.so" in line)
        content = pathlib.Path(library).read_bytes()
        sockets, pools = {}, pathlib.Path(tempfile.mkdtemp(prefix="rct"))
        self.addCleanup(shutil.rmtree, pools)
        for policy in ("strict", "default"):
            sockets[policy] = str(pools / policy)
            pool = subprocess.Popen([RUNTIME, "--root", pools / "state", "pool", "--size", "1", "--socket", sockets[policy], "--policy", policy])
            self.addCleanup(lambda pool=pool: (pool.terminate(), pool.wait()))
            while not os.path.exists(sockets[policy]):
                time.sleep(0.02)
        # Who opens the pipe that it writes to itself, and reads it when it is empty, waits for ever.
        script = "import ctypes, os, signal, sys\n%s\nsignal.alarm(3)\ntry: ctypes.CDLL('/proc/self/fd/%d')\nexcept OSError: sys.exit(7)"
        write = script % (f"data = open('{library}', 'rb').read()\nwhile data: data = data[os.write(1, data):]", 1)
        overwrite = script % (f"try: open('/proc/self/fd/0', 'wb', opener=lambda path, flags: os.open(path, flags | os.O_NONBLOCK)).write(open('{library}', 'rb').read())\nexcept OSError: sys.exit(8)", 0)
        for policy, codes in (("strict", (7, 128 + signal.SIGALRM)), ("default", (0,))):
            for words in (["--policy", policy], ["--pool", sockets[policy]]):
                with self.subTest(words):
                    command = [RUNTIME, "--root", self.state, "do", *words]
                    out = self.folder / "out"
                    with open(out, "wb") as target:
                        done = subprocess.run([*command, "--", "/usr/bin/python3", "-c", write], stdout=target, stderr=subprocess.PIPE, timeout=60)
                    self.assertIn(done.returncode, codes, done.stderr)
                    # All of it arrives, if the program doesn't take it back from its pipe.
                    with open(out, "wb") as target:
                        target.write(b"before")
                        target.flush()
                        subprocess.run([*command, "--", "cat", library], stdout=target, timeout=60, check=True)
                        target.write(b"after")
                    self.assertEqual(out.read_bytes(), b"before" + content + b"after")
                    done = run(*command, "--json", "--", "/usr/bin/python3", "-c", write)
                    self.assertIn(done.returncode, codes, done.stderr)
                    self.assertGreater(len(json.loads(done.stdout)["stdout"]), len(content) // 2)
                    out.write_bytes(b"")
                    with open(out) as source:
                        done = subprocess.run([*command, "--", "/usr/bin/python3", "-c", overwrite], stdin=source, stderr=subprocess.PIPE, timeout=60)
                    self.assertIn(done.returncode, (*codes, 8) if policy == "strict" else codes, done.stderr)
                    self.assertEqual(out.read_bytes(), b"" if policy == "strict" else content)
                    # Input arrives as it is, and who reads none of it is not waited for.
                    with open(library, "rb") as source:
                        done = subprocess.run([*command, "--", "sha256sum"], stdin=source, capture_output=True, text=True, timeout=60)
                    self.assertEqual(done.stdout.split()[:1], [hashlib.sha256(content).hexdigest()], done.stderr)
                    with open(library, "rb") as source:
                        self.assertEqual(subprocess.run([*command, "--", "true"], stdin=source, timeout=60).returncode, 0)

    @needs_root
    def test_programs_and_changes_of_a_sandbox_under_strict(self):
        top = pathlib.Path(tempfile.mkdtemp(prefix="rct", dir="/srv"))
        self.addCleanup(shutil.rmtree, top)
        (top / "tools").mkdir()
        shutil.copy("/bin/busybox", top / "tools/busybox")
        strict = [RUNTIME, "--root", self.state, "do", "--policy", "strict", "--cwd", top]
        # A working directory that can be written to executes nothing, and says so.
        done = run(*strict, "--", "./tools/busybox", "true")
        self.assertEqual((done.returncode, done.stderr.count("\n")), (255, 1), done.stderr)
        self.assertIn("--ro DIR", done.stderr)
        self.assertEqual(run(*strict, "--ro", top / "tools", "--", "./tools/busybox", "true").returncode, 0)
        # Nor what another mount lets be written to.
        for writable in (top, top / "tools"):
            done = run(*strict, "--ro", top / "tools", "--mount", f"type=bind,src={writable},dst={top}/w", "--", "./tools/busybox", "true")
            self.assertIn("noexec", done.stderr)
        # What can be written to is noexec; devices hold nothing.
        mounts = [line.split() for line in run(*strict, "--", "cat", "/proc/self/mounts").stdout.splitlines()]
        self.assertIn("noexec", next(options for _, place, _, options, *_ in mounts if place == str(top)).split(","))
        self.assertEqual([mount for mount in mounts if "rw" in mount[3].split(",") and "noexec" not in mount[3].split(",") and mount[2] != "devtmpfs"], [])
        done = run(*strict, "--rw", "/", "--", "true")
        self.assertEqual((done.returncode, done.stderr.count("\n")), (255, 1), done.stderr)
        self.assertIn("all programs are in it", done.stderr)
        # Where a sandbox works is no place of programs.
        for place in ("/", "/usr", "/bin", "/usr/bin"):
            done = run(*strict, "--cwd", place, "--", "sh", "-c", "echo x >new-file || exit 5")
            self.assertEqual(done.returncode, 5, done.stderr)
            self.assertIn("ead-only", done.stderr)
        done = run(*strict, "--json", "--diff", "--keep-changes", self.folder / "kept", "--", "sh", "-c", "mkdir made; echo x >made/file; rm -r tools; echo x >/etc/new")
        changes = {(change["kind"], change["path"]) for change in json.loads(done.stdout)["filesChanged"]}
        self.assertEqual(changes, {("added", f"{top}/made"), ("added", f"{top}/made/file"), ("deleted", f"{top}/tools")})
        self.assertEqual((self.folder / f"kept/files{top}/made/file").read_text(), "x\n")
        self.assertTrue((top / "tools/busybox").exists())

    @needs_root
    def test_files_that_tell_of_the_host_are_hidden(self):
        names = ("/proc/interrupts", "/proc/slabinfo", "/proc/kpageflags", "/proc/diskstats", "/proc/sys/kernel/random/boot_id")

        def seen(*options, program=RUNTIME):
            self.write(self.example("/bin/busybox", "sh", "-c", "head -c 8 " + " ".join(names) + " | grep -vc '^==>\\|^$'; ls /sys/block | wc -l"))
            done = run(program, "--root", self.folder / "state", *options, "run", "--bundle", self.bundle, self.id)
            return [int(number) for number in done.stdout.split()]

        for policy in ("default", "strict"):
            self.assertEqual(seen("--policy", policy), [0, 0], policy)
        for others in (seen("--policy", "compat"), seen(program="crun")):
            self.assertGreaterEqual(others[0], 4)
            self.assertGreater(others[1], 0)

    def test_programs_of_other_architectures_end(self):
        if os.uname().machine != "x86_64":
            self.skipTest("this kernel runs no other architecture that a test could be made for")
        # int $0x80 makes a call of i386: getpid is 20 there.
        source = "int main(void) { long r = 20; __asm__ volatile(\"int $0x80\" : \"+a\"(r) : : \"memory\"); return r > 0 ? 0 : 1; }"
        program = self.folder / "other"
        subprocess.run(["cc", "-x", "c", "-o", program, "-"], input=source, text=True, check=True)
        self.assertEqual(run(program).returncode, 0)
        self.assertEqual(run(RUNTIME, "do", "--ro", self.folder, "--", program).returncode, 128 + 31)
        self.assertEqual(run(RUNTIME, "do", "--policy", "compat", "--ro", self.folder, "--", program).returncode, 0)

    def test_the_stricter_of_policy_and_configuration_wins(self):
        config = self.example("sh", "-c", "mkdir /tmp/a; ln -s x /tmp/b; unshare -U true 2>/dev/null || echo no")
        config["root"]["readonly"] = False
        config["linux"]["seccomp"] = {
            "defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28}]}
        config["annotations"] = {"org.rcontainer.policy": "default"}
        self.write(config)
        done = self.call("run", "--bundle", str(self.bundle), self.id)
        self.assertIn("No space left", done.stderr)
        self.assertNotIn("/tmp/b", done.stderr)
        self.assertEqual(done.stdout, "no\n")

    def test_exec_is_held_to_the_policy_too(self):
        self.detached(change=lambda config: config.update(annotations={"org.rcontainer.policy": "strict"}))
        done = self.call("exec", self.id, "nc", "127.0.0.1", "1")
        self.assertIn("not supported", done.stderr)

    def test_engines_containers_have_the_policy_default(self):
        """What an engine asks for a container that it was not told to trust; chroot is what its own section would allow."""
        docker = json.loads((ROOT / "Tests/OCISpecTests/Fixtures/docker-config.json").read_text())

        def errors(*options, change=None, program=RUNTIME):
            config = self.example("/bin/busybox", "chroot", "/", "/bin/true")
            config["process"]["capabilities"] = docker["process"]["capabilities"]
            config["linux"]["seccomp"] = docker["linux"]["seccomp"]
            if change:
                change(config)
            self.write(config)
            done = run(program, "--root", self.folder / "state", *options, "run", "--bundle", self.bundle, self.id)
            return done.stderr

        self.assertIn("not permitted", errors())
        # Who is told otherwise: by the caller, by the configuration, by capabilities, or by a section that denies nothing.
        self.assertEqual(errors("--policy", "none"), "")
        self.assertEqual(errors("--policy", "compat"), "")
        self.assertEqual(errors(change=lambda config: config.update(annotations={"org.rcontainer.policy": "compat"})), "")
        self.assertIn("not permitted", errors(
            "--policy", "compat", change=lambda config: config.update(annotations={"org.rcontainer.policy": "default"})))
        self.assertEqual(errors(change=lambda config: config["process"]["capabilities"]["bounding"].append("CAP_SYS_PTRACE")), "")
        self.assertEqual(errors(change=lambda config: config["linux"].pop("seccomp")), "")
        self.assertIn('policy "nope"', errors("--policy", "nope").replace("policy nope", 'policy "nope"'))
        # Control: a peer lets it pass.
        self.assertEqual(errors(program="crun"), "")

    def test_state_and_exec_know_the_policy_that_was_chosen(self):
        docker = json.loads((ROOT / "Tests/OCISpecTests/Fixtures/docker-config.json").read_text())
        self.detached(change=lambda config: (
            config["process"].update(capabilities=docker["process"]["capabilities"]),
            config["linux"].update(seccomp=docker["linux"]["seccomp"])))
        state = json.loads(self.call("state", self.id).stdout)
        self.assertEqual(state["annotations"]["org.rcontainer.policy"], "default")
        self.assertIn("not permitted", self.call("exec", self.id, "/bin/busybox", "chroot", "/", "/bin/true").stderr)

    def test_mistakes_are_one_clear_line(self):
        file = self.folder / "policy.json"
        for text, message in (
            ('{"name": "x", "base": "default", "rules": [{"calls": ["raed"], "action": "allow"}]}', '"raed" is no system call'),
            ('{"name": "x", "base": "default",\n "rules": [{"calls": ["read"], "action": "allow"}, {"calls": ["read"], "action": "deny"}]}',
             "policy.json:2:"),
            ("{", "policy.json:1:")):
            file.write_text(text)
            for words in (["profile", "check", file], ["do", "--policy", file, "--", "true"]):
                done = run(RUNTIME, *words)
                self.assertIn(done.returncode, (1, 255))
                self.assertIn(message, done.stderr)
                self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        self.assertIn("use default, strict, compat", run(RUNTIME, "do", "--policy", "nope", "--", "true").stderr)
        config = self.example("true")
        config["annotations"] = {"org.rcontainer.policy": "nope"}
        self.write(config)
        done = self.call("run", "--bundle", str(self.bundle), self.id)
        self.assertEqual(done.returncode, 1)
        self.assertIn('policy "nope" is unknown', done.stderr)

    def test_show_check_and_diff(self):
        self.assertIn("190 system calls reach the kernel", run(RUNTIME, "profile", "show", "default", "--arch", "x86_64").stdout)
        for name in ("default", "strict", "compat"):
            self.assertEqual(run(RUNTIME, "profile", "check", ROOT / "Policies" / f"{name}.json").returncode, 0)
        same = run(RUNTIME, "profile", "diff", "default", ROOT / "Policies/default.json")
        self.assertEqual((same.returncode, same.stdout), (0, ""))
        other = run(RUNTIME, "profile", "diff", "default", "strict")
        self.assertEqual(other.returncode, 1)
        self.assertIn("- writeExecute: true\n+ writeExecute: false\n", other.stdout)

    def test_learn_makes_a_policy_that_the_command_runs_under(self):
        file = self.folder / "learned.json"
        command = ["sh", "-c", "ls / | wc -l; echo x >/tmp/x; cat /tmp/x"]
        first = run(RUNTIME, "profile", "learn", "--output", file, "--", *command)
        self.assertEqual((first.returncode, first.stderr), (0, ""))
        learned = run(RUNTIME, "do", "--policy", file, "--", *command)
        self.assertEqual((learned.returncode, learned.stdout), (0, first.stdout), learned.stderr)
        reached = int(run(RUNTIME, "profile", "check", file).stdout.split(", ")[1].split()[0])
        self.assertLess(reached, 90)
        # What it did not do, it may not do.
        self.assertNotEqual(run(RUNTIME, "do", "--policy", file, "--", "/usr/bin/python3", "-c", "import socket; socket.socket()").returncode, 0)
        # Control: a policy of what needs a socket lets it.
        program = ["/usr/bin/python3", "-c", "import socket; s = socket.socket(); s.bind(('127.0.0.1', 0)); print('bound')"]
        run(RUNTIME, "profile", "learn", "--output", file, "--", *program)
        self.assertEqual(run(RUNTIME, "do", "--policy", file, "--", *program).stdout, "bound\n")
        missing = run(RUNTIME, "profile", "learn", "--", "/no/such/program")
        self.assertEqual(missing.returncode, 1)
        self.assertEqual((missing.stdout, missing.stderr.count("\n")), ("", 1), missing.stderr)

    def test_trace_prints_calls_with_what_pointers_point_to(self):
        file = self.folder / "trace"
        done = run(RUNTIME, "trace", "--output", file, "--", "sh", "-c", "cat /etc/hostname >/dev/null; echo one; exit 3")
        self.assertEqual((done.returncode, done.stdout), (3, "one\n"))
        text = file.read_text()
        self.assertRegex(text, r'\d+ execve\("[^"]*/sh", \["sh", "-c", ')
        self.assertRegex(text, r'openat\(AT_FDCWD, "/etc/hostname", \d+, 0\)')
        self.assertIn('write(1, "one\\n", 4)', text)
        self.assertIn("exit_group(3)", text)
        # Nothing of the supervisor is left, and what the policy denies is not made.
        self.assertEqual(run("pgrep", "-f", "rcontainer trace").stdout, "")
        denied = run(RUNTIME, "trace", "--", "unshare", "-U", "true")
        self.assertIn("Operation not permitted", denied.stderr)

    def test_the_command_ends_when_the_supervisor_is_killed(self):
        process = subprocess.Popen([RUNTIME, "trace", "--output", self.folder / "trace", "--", "sh", "-c", "while true; do sleep 0.05; done"],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            for _ in range(100):
                children = run("pgrep", "-P", process.pid).stdout.split()
                supervisors = [pid for pid in children if os.path.realpath(f"/proc/{pid}/exe") == os.path.realpath(f"/proc/{process.pid}/exe")
                               and pathlib.Path(f"/proc/{pid}/status").read_text().count("NoNewPrivs:\t1")]
                if len(children) > 1 and supervisors and (self.folder / "trace").stat().st_size > 10000:
                    break
                time.sleep(0.05)
            os.kill(int(supervisors[0]), signal.SIGKILL)
            # Every call is now ENOSYS: the shell can do nothing any more.
            self.assertNotEqual(process.wait(timeout=20), 0)
        finally:
            process.kill()
            process.wait()

    def test_denied_calls_are_told(self):
        file = self.folder / "audit"
        script = "import os; l=__import__('ctypes').CDLL(None); l.mount(b'tmpfs', b'/mnt', b'tmpfs', 0, 0); l.unshare(0x10000000); l.unshare(0x10000000)"
        words = ["--audit", file, "--", "/usr/bin/python3", "-c", script]
        done = run(RUNTIME, "do", "--summary", *words)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("mount (EPERM, 1)", done.stderr)
        self.assertIn("unshare (EPERM, 2)", done.stderr)
        lines = [json.loads(line) for line in file.read_text().splitlines()]
        mounts = [line for line in lines if line["call"] == "mount"]
        self.assertEqual([(line["text"], line["decision"], line["error"]) for line in mounts],
                         [('mount("tmpfs", "/mnt", "tmpfs", 0, NULL)', "denied", "EPERM")])
        self.assertEqual(sum(line["call"] == "unshare" for line in lines), 2)
        self.assertTrue(all(line["container"] == lines[0]["container"] and line["reason"] and line["pid"] > 0 for line in lines))
        result = json.loads(run(RUNTIME, "do", "--json", *words).stdout)
        self.assertIn({"call": "unshare", "error": "EPERM", "count": 2}, result["deniedCalls"])
        self.assertEqual(len(file.read_text().splitlines()), 2 * len(lines), "lines are appended")
        # Control: what is denied without being told is denied as well, and what is not denied is not told.
        self.assertEqual(json.loads(run(RUNTIME, "do", "--json", "--", "true").stdout)["deniedCalls"], [])
        self.assertIn("denied no call", run(RUNTIME, "do", "--summary", "--", "true").stderr)
