"""`rcontainer trace ID`: the system calls of a container that runs already."""
import os
import pathlib
import re
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from support import RUNTIME, Case, OrdinaryUser, needs_root, ours_only, run  # noqa: E402

# A thread and processes that come and go.
LOOP = "while true; do cat /etc/passwd >/dev/null; echo one >/dev/null; sleep 0.05; done"


@ours_only
@needs_root
class Trace(Case):
    def trace(self, id=None):
        self.lines = self.folder / "lines"
        process = subprocess.Popen([RUNTIME, "--root", str(self.state), "trace", "--output", str(self.lines), id or self.id],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(lambda: (process.poll() is None and process.kill(), process.wait(), process.stdout.close(), process.stderr.close()))
        return process

    def text(self):
        return self.lines.read_text() if self.lines.exists() else ""

    def until(self, what, message, seconds=10):
        end = time.time() + seconds
        while not what():
            self.assertLess(time.time(), end, message)
            time.sleep(0.02)

    def tracers(self):
        """Who watches the threads of the container."""
        found = set()
        for process in self.call("ps", "--format", "json", self.id).stdout.strip("[]\n").split(","):
            for task in pathlib.Path(f"/proc/{process.strip()}/task").glob("*/status"):
                try:
                    found.add(re.search(r"TracerPid:\t(\d+)", task.read_text())[1])
                except OSError:
                    pass
        return found

    def test_calls_of_all_processes_are_decoded(self):
        self.detached("sh", "-c", LOOP)
        process = self.trace()
        wanted = [r'^\d+ open(at)?\((AT_FDCWD, )?"/etc/passwd", ', r'^\d+ execve\("[^"]+", \["(cat|sleep)"', r'^\d+ write\(1, "one\\n", 4\)$',
                  r"^\d+ exit_group\(0\)$", r"^\d+ (clock_)?nanosleep\("]
        self.until(lambda: all(re.search(w, self.text(), re.M) for w in wanted), "calls are missing")
        self.assertGreater(len({line.split()[0] for line in self.text().splitlines()}), 2, "of more than one process")
        self.assertIn(str(process.pid), self.tracers())
        # Enough: the container goes on, watched by nobody.
        process.send_signal(signal.SIGINT)
        self.assertEqual((process.wait(timeout=10), process.stderr.read()), (0, ""))
        self.assertEqual(self.tracers(), {"0"})
        size = len(self.text())
        time.sleep(0.3)
        self.assertEqual((len(self.text()), self.info()["status"]), (size, "running"))

    def test_the_end_of_the_container_ends_it(self):
        self.detached("sh", "-c", LOOP)
        process = self.trace()
        self.until(lambda: "/etc/passwd" in self.text(), "nothing is traced")
        self.assertEqual(self.call("kill", self.id, "KILL").returncode, 0)
        self.assertEqual((process.wait(timeout=10), process.stderr.read()), (0, ""))
        self.wait_status("stopped")

    def test_signals_reach_the_program(self):
        self.detached("sh", "-c", "trap 'echo got >/tmp/got' USR1; " + LOOP)
        self.trace()
        self.until(lambda: "/etc/passwd" in self.text(), "nothing is traced")
        self.call("kill", self.id, "USR1")
        self.until(lambda: '"/tmp/got"' in self.text(), "the signal is lost")

    def test_exec_while_it_is_traced_and_pause(self):
        self.detached("sh", "-c", LOOP)
        self.trace()
        self.until(lambda: "/etc/passwd" in self.text(), "nothing is traced")
        done = self.call("exec", self.id, "echo", "still", timeout=20)
        self.assertEqual((done.returncode, done.stdout), (0, "still\n"))
        self.assertEqual(self.call("pause", self.id).returncode, 0)
        time.sleep(0.2)
        size = len(self.text())
        time.sleep(0.3)
        self.assertEqual(len(self.text()), size)
        self.assertEqual(self.call("resume", self.id).returncode, 0)
        self.until(lambda: len(self.text()) > size, "nothing goes on")

    def test_with_a_supervisor_that_judges_no_programs(self):
        """A container with own files has one too: the trace sees the same calls, and their answers are the host's meanwhile."""
        self.detached("sh", "-c", "while true; do free >/dev/null; sleep 0.05; done", change=lambda c: c.update(
            linux=c["linux"] | {"resources": {"memory": {"limit": 64 << 20}}}, annotations={"org.rcontainer.policy": "default"},
            process=c["process"] | {"args": ["sh", "-c", "while true; do /bin/busybox free >/dev/null; sleep 0.05; done"]}))
        process = self.trace()
        self.until(lambda: re.search(r"^\d+ sysinfo\(0x", self.text(), re.M), "no sysinfo")
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(timeout=10), 0)
        shown = self.call("exec", self.id, "/bin/busybox", "free", "-k").stdout.splitlines()
        self.assertEqual(shown[1].split()[1], "65536")

    def refused(self, process, *texts):
        self.assertNotEqual(process.wait(timeout=10), 0)
        errors = process.stderr.read()
        self.assertEqual(errors.count("\n"), 1, errors)
        for text in texts:
            self.assertIn(text, errors)

    def test_one_that_judges_programs_or_traces_already(self):
        self.detached("sh", "-c", LOOP, change=lambda c: c.update(annotations={"org.rcontainer.policy": "strict"}))
        self.refused(self.trace(), "has a supervisor, which judges its programs")
        self.call("delete", "--force", self.id)
        self.detached("sh", "-c", LOOP)
        self.trace()
        self.until(lambda: "/etc/passwd" in self.text(), "nothing is traced")
        self.refused(self.trace(), "is traced by another one")

    def test_an_unknown_id_is_a_command(self):
        # Which is not there either.
        done = self.call("trace", "no-such-container")
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        self.assertIn("no-such-container", done.stderr)

    def test_one_that_has_stopped(self):
        self.detached("true")
        self.wait_status("stopped")
        self.refused(self.trace(), f"container {self.id} is not running", "stopped")

    def test_another_users_container(self):
        self.detached("sh", "-c", LOOP)
        user = OrdinaryUser()
        self.addCleanup(user.remove)
        lines = f"/tmp/rct-trace-{user.uid}"
        self.addCleanup(run, "rm", "-rf", lines, lines + ".state")
        # Of root's state it knows nothing, so the id is a command to it.
        done = run("setpriv", "--reuid", user.uid, "--regid", user.gid, "--clear-groups", RUNTIME, "--root", lines + ".state",
                   "trace", "--output", lines, self.id, timeout=20)
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        # A state that says that root's process is its own container's gives no right over it.
        folder = pathlib.Path(lines + ".state") / self.id
        run("rm", "-rf", folder)
        subprocess.run(["cp", "-r", str(self.state / self.id), str(folder)], check=True)
        run("chown", "-R", f"{user.uid}:{user.gid}", lines + ".state")
        done = run("setpriv", "--reuid", user.uid, "--regid", user.gid, "--clear-groups", RUNTIME, "--root", lines + ".state",
                   "trace", "--output", lines, self.id, timeout=20)
        self.assertNotEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        self.assertNotIn("/etc/passwd", pathlib.Path(lines).read_text() if os.path.exists(lines) else "")
        self.assertEqual(self.tracers(), {"0"})


if __name__ == "__main__":
    unittest.main()
