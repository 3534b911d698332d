"""rcontainer profile derive: policies from the code of Debian's programs, and from what was watched besides, held
against what the programs do."""
import errno
import json
import os
import pathlib
import platform
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from support import ROOT, RUNTIME, needs_root, run  # noqa: E402

FILES = ROOT / "build/profile"
ROOTFS = FILES / "rootfs"

REDIS = r"""
cd /tmp
up() { redis-server --daemonize yes --port 7000 --dir /tmp --logfile /tmp/log --appendonly yes >/tmp/out
       i=0; until redis-cli -p 7000 ping >/tmp/ping 2>&1 && [ "$(redis-cli -p 7000 ping)" = PONG ]; do i=$((i+1)); [ $i -lt 2000 ] || exit 3; done; }
up
redis-cli -p 7000 set key value; redis-cli -p 7000 save; redis-cli -p 7000 bgsave; redis-cli -p 7000 shutdown save
up
redis-cli -p 7000 get key; redis-cli -p 7000 shutdown nosave
"""
NGINX = r"""
for applet in wget mkdir cat grep; do alias $applet="busybox $applet"; done
mkdir -p /tmp/n/www; echo page >/tmp/n/www/x
cat >/tmp/n/c <<END
pid /tmp/n/pid; error_log /tmp/n/err; user root; events {}
http { access_log /tmp/n/acc; client_body_temp_path /tmp/n/1; proxy_temp_path /tmp/n/2; fastcgi_temp_path /tmp/n/3;
  uwsgi_temp_path /tmp/n/4; scgi_temp_path /tmp/n/5; server { listen 127.0.0.1:8080; root /tmp/n/www; } }
END
nginx -c /tmp/n/c && wget -qO- http://127.0.0.1:8080/x && nginx -c /tmp/n/c -s reload && wget -qO- http://127.0.0.1:8080/x
nginx -c /tmp/n/c -s quit; i=0; while [ -e /tmp/n/pid ] && [ $i -lt 200000 ]; do i=$((i+1)); done
grep -c alert /tmp/n/err; cat /tmp/n/acc | grep -c 'GET /x HTTP/1.1" 200'
"""
GIT = r"""
export HOME=/tmp; cd /tmp
git config --global user.name somebody; git config --global user.email somebody@example.org
git init -q a && cd a && echo one >f && git add f && git commit -qm one && echo two >>f && git commit -qam two && cd .. &&
git clone -q a b && git clone -q file:///tmp/a c && git -C b gc -q && git -C c fsck && git -C b status --short &&
git -C b log --format=%s && git -C b diff HEAD~ --stat
"""
PYTHON = r"""
import asyncio, concurrent.futures, ctypes, hashlib, http.server, json, os, pathlib, select, shutil, socket, sqlite3, ssl
import subprocess, sys, tempfile, threading, time, urllib.request, zlib
os.chdir("/tmp")
pathlib.Path("f").write_text("data")
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
threading.Thread(target=server.serve_forever, daemon=True).start()
assert urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}/f").read() == b"data"
assert subprocess.run([sys.executable, "-c", "print(1)"], capture_output=True, text=True).stdout == "1\n"
assert subprocess.run("echo a", shell=True, capture_output=True, text=True).stdout == "a\n"
base = sqlite3.connect("/tmp/base")
base.execute("create table t(a)"); base.execute("insert into t values(4)"); base.commit()
assert base.execute("select a from t").fetchall() == [(4,)]
assert hashlib.sha256(b"").hexdigest().startswith("e3b0c442")
with tempfile.TemporaryDirectory() as folder:
    pathlib.Path(folder, "a").write_text("b")
    shutil.copy(folder + "/a", folder + "/c")
async def main():
    server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    assert await reader.read() == b""
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", "print(2)", stdout=asyncio.subprocess.PIPE)
    assert (await child.communicate())[0] == b"2\n"
    await asyncio.to_thread(time.sleep, 0.01)
asyncio.run(main())
with concurrent.futures.ThreadPoolExecutor() as pool: list(pool.map(str, range(9)))
print(json.dumps({"done": True}), socket.getaddrinfo("localhost", 80)[0][4][0])
"""
BUSYBOX = r"""
for applet in tar gzip gunzip find awk httpd wget seq sort sed mkdir cat wc sleep; do alias $applet="busybox $applet"; done
mkdir -p /tmp/w/d; seq 100 >/tmp/w/d/a; cd /tmp
seq 5 | sort -r | sed s/1/one/ | awk '{ sum += $1 } END { print NR, sum }'
tar -cf t.tar w && gzip t.tar && gunzip t.tar.gz && mkdir x && tar -xf t.tar -C x && find x -type f | wc -l
httpd -p 127.0.0.1:8000 -h /tmp/w; wget -qO- http://127.0.0.1:8000/d/a | wc -l
"""

SQLITE = """
create table t(a, b); insert into t values(1, 2), (3, 4); select sum(b) from t;
pragma journal_mode=wal; insert into t values(5, 6); select count(*) from t;
"""
# Parts of the work, which the rest is like but for files, amounts and moments.
SHORT_REDIS = REDIS.replace(" redis-cli -p 7000 bgsave;", "")
SHORT_NGINX = NGINX.replace(" && nginx -c /tmp/n/c -s reload && wget -qO- http://127.0.0.1:8080/x", "")
SHORT_GIT = GIT[:GIT.index("git clone -q a b")] + """
git clone -q file:///tmp/a c && git -C c fsck && git -C c status --short && git -C c log --format=%s
"""
SHORT_PYTHON = re.sub(r"assert subprocess.run.*\n", "", PYTHON)
SHORT_BUSYBOX = re.sub(r"seq 5 .*\n", "", BUSYBOX)
SHORT_SQLITE = """
pragma journal_mode=truncate; create table t(a, b); insert into t values(1, 2);
pragma journal_mode=delete; insert into t values(3, 4); select sum(b) from t;
"""

TROUBLE = """
import subprocess, sys
try:
    subprocess.run([sys.executable, "-c", "import time; time.sleep(9)"], timeout=0.3)
except subprocess.TimeoutExpired:
    print("ended")
print(subprocess.run([sys.executable, "-c", "import os; os.abort()"]).returncode)
"""


# Makes system calls that a policy denies, with arguments that none could use, and prints how each failed.
PROBE = r"""
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/syscall.h>
int main(int count, char **words) {
  char text[8192];
  int length = 0;
  for (int i = 1; i < count; i++) {
    errno = 0;
    long result = syscall(atol(words[i]), -1L, -1L, -1L, -1L, -1L, -1L);
    length += sprintf(text + length, "%d ", result == -1 ? errno : 0);
  }
  return syscall(SYS_write, 1, text, length) != length;
}
"""


def derive(*words):
    return run(RUNTIME, "profile", "derive", *words, timeout=60)


@needs_root
@unittest.skipUnless(platform.machine() == "x86_64", "the numbers are those of x86-64")
class Programs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        fetched = run(ROOT / "scripts/fetch-programs", FILES, timeout=600)
        if fetched.returncode != 0:
            raise unittest.SkipTest(fetched.stderr.strip().splitlines()[-1])
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="rct"))
        # What commands do under "default".
        cls.plain = {}

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def policy(self, limit, *programs):
        """Derives a policy twice: it is the same, and lets at most `limit` calls pass."""
        file = self.folder / "policy.json"
        done = derive("--output", file, ROOTFS, *programs)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(derive(ROOTFS, *programs).stdout, file.read_text())
        checked = run(RUNTIME, "profile", "check", file).stdout
        count = int(checked.split(", ")[1].split()[0])
        reach = [run(RUNTIME, "profile", "check", name).stdout.split(", ")[1].split()[0] for name in ("default", "compat")]
        self.assertRegex(done.stderr, f"{count} system calls of .*; default allows {reach[0]}, compat {reach[1]}\n")
        self.assertLessEqual(count, limit)
        print(f"{programs[0]}: {count} of 305", file=sys.stderr)
        return file

    def watched(self, name, *command):
        """A policy of what a command does."""
        file = self.folder / f"{name}.json"
        done = run(RUNTIME, "profile", "learn", "--output", file, "--root", ROOTFS, "--", *command)
        self.assertEqual(done.returncode, 0, done.stderr)
        return file

    @staticmethod
    def allowed(policy):
        calls = json.loads(run(RUNTIME, "profile", "show", "--json", policy).stdout)["calls"]
        return {call["name"] for call in calls
                if "denied" not in call["class"] and not call["class"].startswith("mediated, ")}

    def measured(self, file, what):
        """How many calls a policy allows, held against the kernel: all others are tried, and none is made."""
        calls = json.loads(run(RUNTIME, "profile", "show", "--json", file).stdout)["calls"]
        denied = {call["name"]: call for call in calls if "denied" in call["class"] or call["class"].startswith("mediated, ")}
        probe = ROOTFS / "probe"
        if not probe.exists():
            done = run("gcc", "-static", "-O1", "-x", "c", "-o", probe, "-", input=PROBE)
            self.assertEqual(done.returncode, 0, done.stderr)
        numbers = [call["number"] for call in denied.values()]
        # It writes and ends, which a program that was learned from does, too; and it is executed.
        done = run(RUNTIME, "do", "--policy", file, "--root", ROOTFS, "--", "/probe", *numbers)
        self.assertEqual(done.returncode, 0, done.stderr)
        found = [int(word) for word in done.stdout.split()]
        self.assertEqual(found, [getattr(errno, call["class"].split(", ")[1]) for call in denied.values()])
        reach = len(calls) - len(denied)
        print(f"{what}: {reach} of 305", file=sys.stderr)
        self.assertLessEqual(reach, 90)
        return {call["name"] for call in calls} - set(denied)

    def joined(self, file, what, *programs):
        """A policy of code and of what was watched. It is part of what `default` and the code allow."""
        policy = self.folder / "joined.json"
        done = derive("--explain", "--output", policy, "--watched", file, ROOTFS, *programs)
        self.assertEqual(done.returncode, 0, done.stderr)
        allowed = self.measured(policy, what)
        self.assertLessEqual(len(allowed), 152)
        self.assertRegex(done.stderr, rf": {len(allowed)} system calls of ")
        self.assertLessEqual(allowed, self.allowed("default"))
        code = {match[1]: match[2] for match in re.finditer(r"(?m)^rcontainer-profile: (\w+): .*; (.*)$", done.stderr)}
        self.assertEqual({name for name, verdict in code.items() if verdict.startswith("denied")} & allowed, set())
        # The first rule is what the code can call, and was neither watched nor is kin.
        rules = json.loads(policy.read_text())["rules"]
        self.assertEqual(
            set(rules[0]["calls"]), {name for name, verdict in code.items() if verdict == "denied, neither watched nor kin"})
        self.assertEqual(set(rules[0]["calls"]) & allowed, set())
        return policy

    def under(self, policy, *command):
        """A command under a policy: how it went, and what was denied."""
        audit = self.folder / "audit"
        audit.unlink(missing_ok=True)
        done = run(RUNTIME, "do", "--policy", policy, "--audit", audit, "--root", ROOTFS, "--", *command)
        return done, {json.loads(line)["call"] for line in audit.read_text().splitlines()}

    def works(self, policy, *command):
        """What a command prints under a policy; no call is denied that "default" makes."""
        def done(name):
            done, denied = self.under(name, *command)
            self.assertEqual(done.returncode, 0, done.stderr)
            return done.stdout, denied

        out, denied = done(policy)
        if command not in self.plain:
            self.plain[command] = done("default")
        plain, denied_anyway = self.plain[command]
        self.assertEqual(denied - denied_anyway, set())
        self.assertEqual(re.sub("[0-9a-f]{7,}", "", out), re.sub("[0-9a-f]{7,}", "", plain))
        return out

    def outputs(self, derived, programs, command, part, misses=()):
        """What a command prints under a policy of the code, one of what was watched, and two of both: with all of the
        command watched, and with a part of it. What kin are for: under a policy of what the part alone did, the whole
        meets denials."""
        whole = self.watched("whole", *command)
        short = self.watched("part", *part)
        name = programs[0]
        self.measured(whole, f"{name} as it was watched")
        yield self.works(derived, *command)
        joined = self.joined(whole, f"{name}, code and all that was watched", *programs)
        yield self.works(joined, *command)
        # Processes take other turns each time, so that one run may make a call that another did not. Kin are such calls.
        done, denied = self.under(whole, *command)
        late = denied - self.plain[command][1]
        self.assertLessEqual(late, self.allowed(joined))
        if not late:
            self.assertEqual(done.returncode, 0, done.stderr)
            yield done.stdout
        yield self.works(self.joined(short, f"{name}, code and a part that was watched", *programs), *command)
        if misses:
            self.assertLessEqual(set(misses), self.under(short, *command)[1] - self.plain[command][1])

    def test_busybox(self):
        programs = ["/bin/busybox"]
        command = ("/bin/busybox", "sh", "-c")
        for out in self.outputs(self.policy(152, *programs), programs, (*command, BUSYBOX), (*command, SHORT_BUSYBOX)):
            self.assertEqual(out.split(), ["5", "14", "1", "100"])

    def test_redis(self):
        self.policy(152, "/usr/bin/redis-server")
        programs = ["/usr/bin/redis-server", "/usr/bin/redis-cli", "/bin/dash"]
        command = ("/bin/dash", "-c")
        for out in self.outputs(self.policy(152, *programs), programs, (*command, REDIS), (*command, SHORT_REDIS)):
            self.assertEqual(out.split("\n"), ["OK", "OK", "Background saving started", "value", ""])

    def test_nginx(self):
        self.policy(125, "/usr/sbin/nginx")
        programs = ["/usr/sbin/nginx", "/bin/busybox"]
        command = ("/bin/busybox", "sh", "-c")
        for out in self.outputs(self.policy(152, *programs), programs, (*command, NGINX), (*command, SHORT_NGINX)):
            self.assertEqual(out.split(), ["page", "page", "0", "2"])

    def test_sqlite(self):
        programs = ["/usr/bin/sqlite3"]
        command = ("/usr/bin/sqlite3", "/tmp/x.db")
        for out in self.outputs(
                self.policy(115, *programs), programs, (*command, SQLITE), (*command, SHORT_SQLITE), misses=["munmap"]):
            self.assertEqual(out.split(), ["6", "wal", "3"])

    def test_threads_and_their_end_are_found(self):
        # The C library's functions for it have an end before the system call, in the tables.
        done = derive("--explain", ROOTFS, "/usr/bin/redis-server")
        for call in ("clone", "clone3", "exit"):
            self.assertRegex(done.stderr, f"(?m): {call}: ")

    def test_git(self):
        programs = ["/usr/bin/git"]
        command = ("/bin/sh", "-c")
        for out in self.outputs(
                self.policy(110, *programs), programs, (*command, GIT), (*command, SHORT_GIT), misses=["rmdir"]):
            self.assertIn("two\none\n", out)

    def test_python(self):
        # The module os has a function for most calls, and any of them can be reached.
        programs = ["/usr/bin/python3.11"]
        command = (*programs, "-c")
        for out in self.outputs(
                self.policy(165, *programs), programs, (*command, PYTHON), (*command, SHORT_PYTHON), misses=["getppid"]):
            self.assertEqual(out, '{"done": true} 127.0.0.1\n')

    def test_calls_of_another_program_are_named_and_denied(self):
        file = self.watched("server", "/bin/dash", "-c", REDIS)
        done = derive("--watched", file, ROOTFS, "/bin/dash")
        self.assertEqual(done.returncode, 0, done.stderr)
        calls = re.search(r": watched, and not in the code, so denied: (.*); name the programs", done.stderr)[1].split()
        self.assertLessEqual({"accept4", "listen", "epoll_wait"}, set(calls))
        denied = {call for rule in json.loads(done.stdout)["rules"] for call in rule["calls"]}
        self.assertLessEqual(set(calls), denied)
        # Control: with the program that makes them nothing is named.
        done = derive("--watched", file, ROOTFS, "/bin/dash", "/usr/bin/redis-server", "/usr/bin/redis-cli")
        self.assertNotIn("not in the code", done.stderr)

    def test_what_default_denies_stays_denied(self):
        # chroot(2) fails without its capability, and is watched all the same.
        file = self.folder / "chroot.json"
        run(RUNTIME, "profile", "learn", "--output", file, "--root", ROOTFS, "--", "/bin/busybox", "chroot", "/", "/bin/busybox", "true")
        self.assertIn("chroot", json.loads(file.read_text())["rules"][0]["calls"])
        policy = self.folder / "joined.json"
        done = derive("--watched", file, "--output", policy, ROOTFS, "/bin/busybox")
        self.assertRegex(done.stderr, r"watched, and denied by default:.* chroot\b")
        calls = json.loads(run(RUNTIME, "profile", "show", "--json", policy).stdout)["calls"]
        self.assertEqual([call["class"] for call in calls if call["name"] == "chroot"], ["denied, EPERM"])

    def test_trouble_is_kin_to_what_went_well(self):
        # Watched: a child that ends by itself. Then: one that has to be killed, and one that aborts.
        command = ("/usr/bin/python3.11", "-c")
        file = self.watched("child", *command, 'import subprocess, sys; subprocess.run([sys.executable, "-c", "pass"])')
        policy = self.joined(file, "python3, code and a child that was watched", "/usr/bin/python3.11")
        self.assertEqual(self.works(policy, *command, TROUBLE), "ended\n-6\n")
        # Control: by what was watched alone it can't be killed.
        done, denied = self.under(file, *command, TROUBLE)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("kill", denied)

    def test_several_files_add_up(self):
        one = self.watched("one", "/bin/busybox", "mkdir", "/tmp/a")
        two = self.watched("two", "/bin/busybox", "chmod", "700", "/tmp")
        files = {
            name: {call for rule in json.loads(derive(*words, ROOTFS, "/bin/busybox").stdout)["rules"] for call in rule["calls"]}
            for name, words in {"one": ["--watched", one], "two": ["--watched", two],
                                "both": ["--watched", one, "--watched", two]}.items()}
        self.assertIn("mkdir", files["two"] - files["one"])
        self.assertIn("chmod", files["one"] - files["two"])
        self.assertEqual(files["both"], files["one"] & files["two"])

    def test_a_call_that_is_not_in_the_code_is_denied(self):
        policy = self.policy(90, "/bin/dash")
        done = run(RUNTIME, "do", "--policy", policy, "--root", ROOTFS, "--", "/bin/busybox", "mkdir", "-m", "700", "/tmp/a")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("not permitted", done.stderr)

    def test_a_script_needs_its_interpreter_and_what_it_names(self):
        with tempfile.TemporaryDirectory(prefix="rct") as folder:
            root = pathlib.Path(folder)
            (root / "bin").mkdir()
            shutil.copy("/bin/busybox", root / "bin/busybox")
            (root / "bin/sh").symlink_to("/bin/busybox")
            (root / "run").write_text("#!/bin/sh\necho hello\n")
            (root / "run").chmod(0o755)
            done = derive(root, "/run")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("of 2 programs", done.stderr)
            (root / "config.json").write_text(json.dumps({"root": {"path": "."}, "process": {"args": ["/run"]}}))
            self.assertEqual(json.loads(derive(root).stdout)["rules"], json.loads(done.stdout)["rules"])


class Mistakes(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="rct"))

    def tearDown(self):
        shutil.rmtree(self.folder)

    def program(self, content):
        (self.folder / "a").write_bytes(content)
        (self.folder / "a").chmod(0o755)

    def refused(self, text, *words):
        done = derive(*words)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)
        self.assertIn(text, done.stderr)
        self.assertEqual(done.stdout, "")

    def test_a_root_that_is_not_there(self):
        self.refused("No such file", self.folder / "none")

    def test_a_root_without_programs(self):
        self.refused("holds no program", self.folder)

    def test_a_program_that_is_not_there(self):
        self.refused("/b is not in the root file system", self.folder, "/b")

    def test_a_program_that_is_none(self):
        self.program(b"text")
        self.refused("is no ELF file", self.folder, "/a")

    def test_a_program_that_is_cut_off(self):
        self.program(pathlib.Path("/bin/busybox").read_bytes()[:5000])
        self.refused("cut off", self.folder, "/a")

    def test_a_program_of_another_machine(self):
        header = bytearray(pathlib.Path("/bin/busybox").read_bytes()[:64])
        header[18:20] = struct.pack("<H", 243)
        self.program(bytes(header))
        self.refused("machine 243", self.folder, "/a")

    def test_a_library_that_is_missing(self):
        self.program(pathlib.Path(shutil.which("env")).read_bytes())
        self.refused("needs", self.folder, "/a")

    def test_files_that_were_not_learned(self):
        shutil.copy("/bin/busybox", self.folder / "busybox")
        learned = {"name": "a", "summary": "a", "watchedOn": platform.machine(), "base": "default", "rules": []}
        other = {"x86_64": "aarch64", "aarch64": "x86_64"}[platform.machine()]
        file = self.folder / "learned.json"
        for text, message in {
            "text": "learned.json:1:1",
            "": "learned.json:1:1",
            "[]": "learned.json:1:",
            "{}": "name",
            json.dumps({**learned, "rules": [{"calls": ["opeen"], "action": "deny"}]}): '"opeen" is no system call',
            json.dumps({**learned, "watchedOn": "riscv64"}): '"riscv64" is no architecture',
            json.dumps({**learned, "watchedOn": other}): f"was learned on {other}, and /busybox is for {platform.machine()}",
            json.dumps({key: value for key, value in learned.items() if key != "watchedOn"}): "was not learned: give what",
            json.dumps({**learned, "summary": "a" * (1 << 20)}): "larger than 1 MiB",
            json.dumps({**learned, "base": "nothing", "rules": [
                {"calls": ["ptrace", "bpf", "kexec_load", "userfaultfd"], "action": "allow"}]}):
                "was learned from another program: 4 of the 4",
        }.items():
            file.write_text(text)
            self.refused(message, "--watched", file, self.folder, "/busybox")
        self.refused("is not there", "--watched", self.folder / "none", self.folder, "/busybox")
        self.refused("cannot be read", "--watched", self.folder, self.folder, "/busybox")
        os.mkfifo(self.folder / "pipe")
        self.refused("cannot be read", "--watched", self.folder / "pipe", self.folder, "/busybox")
        # Control: the same without the mistakes.
        file.write_text(json.dumps(learned))
        self.assertEqual(derive("--watched", file, self.folder, "/busybox").returncode, 0)

    def test_links_do_not_lead_out(self):
        (self.folder / "a").symlink_to("/../../../bin/busybox")
        self.refused("/a is not in the root file system", self.folder, "/a")

    def test_a_pipe_is_not_waited_for(self):
        os.mkfifo(self.folder / "a", 0o755)
        self.refused("/a is no program", self.folder, "/a")

    def test_damaged_files_are_no_crash(self):
        original = pathlib.Path("/bin/busybox").read_bytes()
        for seed in range(12):
            content = bytearray(original)
            place = (seed * 7919) % 700
            content[place:place + 8] = bytes((seed * 37 + i * 91) & 0xff for i in range(8))
            self.program(bytes(content))
            done = derive(self.folder, "/a")
            self.assertIn(done.returncode, (0, 1), f"{seed}: {done.stderr[-500:]}")


if __name__ == "__main__":
    unittest.main()
