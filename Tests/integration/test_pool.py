"""`rcontainer pool` and `do --pool`."""
import json
import os
import pathlib
import pty
import signal
import stat
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from support import RUNTIME, Case, OrdinaryUser, needs_root, ours_only, run  # noqa: E402


class PoolCase(Case):
    """A pool that is there for one test."""

    def setUp(self):
        super().setUp()
        self.pools = []

    def tearDown(self):
        for process in self.pools:
            if process.poll() is None:
                process.terminate()
                process.wait(timeout=20)
            process.stderr.close()
        super().tearDown()

    def pool(self, *options, size=2, name="socket", prefix=()):
        socket = self.folder / name
        process = subprocess.Popen([*prefix, RUNTIME, "--root", self.state, "pool", "--size", str(size), "--socket", socket, *map(str, options)],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.pools.append(process)
        self.until(lambda: run(RUNTIME, "do", "--pool", socket, "--", "true").returncode == 0 or process.poll() is not None)
        self.assertIsNone(process.poll(), "the pool ended")
        return process, socket

    def until(self, what, seconds=10):
        end = time.time() + seconds
        while not what():
            self.assertLess(time.time(), end, "waited in vain")
            time.sleep(0.02)

    def claim(self, socket, *words, **more):
        return run(RUNTIME, "do", "--pool", socket, *words, **more)

    def alive(self, marker):
        """Processes of whose command line a word is the marker."""
        found = []
        for folder in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                if marker.encode() in (folder / "cmdline").read_bytes().split(b"\0"):
                    found.append(int(folder.name))
            except OSError:
                pass
        return found


@ours_only
class Pool(PoolCase):
    def test_streams_arguments_environment_directory_status(self):
        _, socket = self.pool()
        done = self.claim(socket, "-e", "A=b c", "--cwd", "/etc", "--", "sh", "-c", 'cat; echo "$A|$PWD|$1"; echo err >&2; exit 5', "x", "y z", input="in\n")
        self.assertEqual((done.stdout, done.stderr, done.returncode), ("in\nb c|/etc|y z\n", "err\n", 5))
        many = ["a" * 1000] * 500
        self.assertEqual(self.claim(socket, "--", "sh", "-c", 'echo $#', "x", *many).stdout, "500\n")

    def test_a_sandbox_is_used_once(self):
        _, socket = self.pool()
        for _ in range(6):
            done = self.claim(socket, "--", "sh", "-c", "ls /tmp; touch /tmp/was-here /etc/was-here; ls /etc/was-here; [ $$ -lt 10 ] && echo few")
            self.assertEqual(done.stdout, "/etc/was-here\nfew\n")

    def test_json_time_and_changes(self):
        _, socket = self.pool()
        done = self.claim(socket, "--json", "--timeout", "300ms", "--diff", "--keep-changes", self.folder / "kept", "--",
                          "sh", "-c", "echo out; echo err >&2; echo x >/etc/new; sleep 9")
        result = json.loads(done.stdout)
        self.assertEqual((result["exitCode"], result["timedOut"], result["stdout"], result["stderr"]), (124, True, "out\n", "err\n"))
        self.assertEqual([(c["kind"], c["path"]) for c in result["filesChanged"]], [("added", "/etc/new")])
        self.assertEqual((self.folder / "kept/files/etc/new").read_text(), "x\n")
        self.assertIn("userMilliseconds", result["resources"])

    def test_what_the_pool_has_decided(self):
        _, socket = self.pool("--hostname", "pooled", "--policy", "strict", "--mount", "type=tmpfs,dst=/data/t,size=1m", "--memory", "64m")
        done = self.claim(socket, "--", "sh", "-c", "hostname; df -k /data/t | tail -1 | tr -s ' ' | cut -d' ' -f2")
        self.assertEqual(done.stdout, "pooled\n1024\n", done.stderr)
        self.assertEqual(self.claim(socket, "--", "/usr/bin/python3", "-c", "x = bytearray(200 << 20)").returncode, 137)
        result = json.loads(self.claim(socket, "--json", "--", "true").stdout)
        self.assertEqual(result["resources"]["memoryPeakOf"], "all")
        for option in (["--memory", "1g"], ["--rw", "/etc"], ["--net", "host"], ["--policy", "compat"], ["--audit", "/dev/null"], ["--summary"]):
            done = self.claim(socket, *option, "--", "true")
            self.assertEqual((done.returncode, len(done.stderr.splitlines())), (255, 1))
            self.assertIn(option[0], done.stderr)

    def test_denied_calls(self):
        audit = self.folder / "audit"
        _, socket = self.pool("--summary", "--audit", audit, "--pids", "50")
        script = "mount -t tmpfs x /mnt 2>/dev/null; sleep 0.2 & sleep 0.2 & wait"
        done = self.claim(socket, "--json", "--summary", "--", "sh", "-c", script)
        result = json.loads(done.stdout)
        self.assertEqual(result["deniedCalls"], [{"call": "mount", "error": "EPERM", "count": 1}])
        self.assertEqual(result["resources"].get("tasksPeak", 3), 3)
        self.assertEqual(done.stderr, "rcontainer: the policy denied mount (EPERM, 1)\n")
        lines = [json.loads(line) for line in audit.read_text().splitlines()]
        self.assertEqual([line["decision"] for line in lines if line["call"] == "mount"], ["denied"])
        self.assertEqual(json.loads(self.claim(socket, "--json", "--", "true").stdout)["deniedCalls"], [], "of the own command only")
        self.assertEqual(self.claim(socket, "--summary", "--", "true").stderr, "rcontainer: the policy denied no call\n")
        self.assertEqual(len([line for line in audit.read_text().splitlines() if '"mount"' in line]), len([line for line in lines if '"mount"' in json.dumps(line)]))
        # Without being asked to a pool does not count.
        _, other = self.pool(name="other")
        self.assertNotIn("deniedCalls", json.loads(self.claim(other, "--json", "--", "true").stdout))
        done = self.claim(other, "--summary", "--", "touch", self.folder / "ran")
        self.assertEqual((done.returncode, done.stderr.count("\n")), (255, 1))
        self.assertRegex(done.stderr, "--summary: this pool does not count denied calls .*pool --summary")
        self.assertEqual(self.claim(other, "--", "true").returncode, 0, "it goes on")

    def test_what_can_not_be_had(self):
        done = run(RUNTIME, "pool", "--socket", self.folder / "none", "--shim", "cca")
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual(done.stderr.count("\n"), 1)
        self.assertIn("--shim cca is not for pools", done.stderr)

    def test_a_command_that_is_not_there(self):
        _, socket = self.pool()
        done = self.claim(socket, "--", "no-such-command")
        self.assertEqual((done.returncode, len(done.stderr.splitlines())), (255, 1))
        self.assertIn("no-such-command", done.stderr)
        self.assertEqual(self.claim(socket, "--cwd", "/no/such", "--", "true").returncode, 255)
        self.assertEqual(self.claim(socket, "--", "true").returncode, 0)

    def test_more_at_once_than_are_ready(self):
        _, socket = self.pool(size=1)
        clients = [subprocess.Popen([RUNTIME, "do", "--pool", socket, "--", "sh", "-c", f"sleep 0.3; exit {n}"]) for n in range(8)]
        self.assertEqual([client.wait(timeout=20) for client in clients], list(range(8)))

    def test_signals(self):
        _, socket = self.pool()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1):
            client = subprocess.Popen([RUNTIME, "do", "--pool", socket, "--", "sh", "-c", f"trap 'echo got; exit 9' {int(number)}; echo ready; while :; do sleep 0.05; done"],
                                      stdout=subprocess.PIPE, text=True)
            self.assertEqual(client.stdout.readline(), "ready\n")
            client.send_signal(number)
            self.assertEqual((client.stdout.read(), client.wait(timeout=10)), ("got\n", 9))
            client.stdout.close()
        self.assertEqual(self.claim(socket, "--", "sh", "-c", "kill -TERM $$").returncode, 128 + 15)

    def test_control_c_on_a_terminal(self):
        _, socket = self.pool()
        pid, master = pty.fork()
        if pid == 0:
            os.execv(RUNTIME, [RUNTIME, "do", "--pool", str(socket), "--", "sh", "-c", "echo ready; exec sleep 60"])
        text = b""
        while b"ready" not in text:
            text += os.read(master, 100)
        os.write(master, b"\x03")
        _, status = os.waitpid(pid, 0)
        os.close(master)
        self.assertEqual(os.waitstatus_to_exitcode(status), 128 + 2)

    def test_a_client_that_dies_ends_its_sandbox(self):
        _, socket = self.pool()
        marker = str(1000 + int.from_bytes(os.urandom(3), "big"))
        client = subprocess.Popen([RUNTIME, "do", "--pool", socket, "--", "sh", "-c", f"sleep {marker} & trap '' TERM HUP; sleep {marker}"])
        self.until(lambda: len(self.alive(marker)) == 2)
        client.kill()
        client.wait()
        self.until(lambda: not self.alive(marker))
        self.assertEqual(self.claim(socket, "--", "true").returncode, 0)

    def test_nothing_is_left_of_a_pool_that_is_killed(self):
        process, socket = self.pool("--memory", "64m", size=3)
        marker = str(1000 + int.from_bytes(os.urandom(3), "big"))
        client = subprocess.Popen([RUNTIME, "do", "--pool", socket, "--", "sleep", marker], stderr=subprocess.PIPE, text=True)
        self.until(lambda: [p for p in self.alive(marker) if p != client.pid])
        self.until(lambda: len(os.listdir(self.state)) >= 3)
        names = os.listdir(self.state)
        process.kill()
        process.wait()
        self.assertEqual(client.wait(timeout=10), 255)
        self.assertIn("pool has ended", client.stderr.read())
        client.stderr.close()
        self.until(lambda: not self.alive(marker) and not self.alive(str(socket)))
        self.until(lambda: os.listdir(self.state) == [] and not socket.exists())
        for name in names:
            self.assertEqual([str(p) for p in pathlib.Path("/sys/fs/cgroup").glob("**/" + name)], [])

    def test_nothing_is_left_of_a_pool_that_is_told_to_end(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            process, socket = self.pool(size=3)
            process.send_signal(number)
            self.assertEqual(process.wait(timeout=10), 0)
            self.assertEqual(os.listdir(self.state), [])
            self.assertFalse(socket.exists())
            self.until(lambda: not self.alive(str(socket)))

    def test_a_socket_that_is_taken(self):
        _, socket = self.pool()
        done = self.call("pool", "--socket", socket)
        self.assertEqual((done.returncode, len(done.stderr.splitlines())), (1, 1), done.stderr)
        self.assertEqual(self.claim(socket, "--", "true").returncode, 0)
        (self.folder / "file").write_text("precious")
        self.assertEqual(self.call("pool", "--socket", self.folder / "file").returncode, 1)
        self.assertEqual((self.folder / "file").read_text(), "precious")
        done = self.claim(self.folder / "nowhere", "--", "true")
        self.assertEqual((done.returncode, len(done.stderr.splitlines())), (255, 1))
        self.assertIn("rcontainer pool --socket", done.stderr)
        self.assertIn("107", self.call("pool", "--socket", "/" + "x" * 200).stderr)

    def test_egress(self):
        _, socket = self.pool("--egress", "127.0.0.1:1,192.0.2.1:80")
        result = json.loads(self.claim(socket, "--json", "--", "/usr/bin/python3", "-c", "import socket\ntry: socket.create_connection(('192.0.2.9', 80), 2)\nexcept OSError as e: print('refused')").stdout)
        self.assertIn("connections", result)


@ours_only
@needs_root
class Users(PoolCase):
    def test_an_ordinary_user(self):
        user = OrdinaryUser()
        self.addCleanup(user.remove)
        os.chown(self.folder, user.uid, user.gid)
        as_user = ["setpriv", "--reuid", str(user.uid), "--regid", str(user.gid), "--clear-groups"]
        socket = self.folder / "socket"
        process = subprocess.Popen([*as_user, RUNTIME, "--root", self.state, "pool", "--size", "2", "--socket", socket], stderr=subprocess.PIPE, text=True)
        self.pools.append(process)
        self.until(lambda: socket.exists() and run(*as_user, RUNTIME, "do", "--pool", socket, "--", "true").returncode == 0)
        done = run(*as_user, RUNTIME, "do", "--pool", socket, "--json", "--diff", "--", "sh", "-c", "id -u; echo x >/tmp/x; exit 4")
        self.assertEqual((json.loads(done.stdout)["stdout"], done.returncode), (f"{user.uid}\n", 4))


if __name__ == "__main__":
    unittest.main()
