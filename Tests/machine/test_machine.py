"""Boots emulated machines and talks to them."""
import os
import pathlib
import pty
import signal
import subprocess
import tempfile
import time
import unittest

from emulated import FIRMWARE, PROGRAM, ROOT, StartedMachine, emulators, machine


class Commands(StartedMachine):
    options = ["--plain", "--cpus", "2"]

    def test_streams_and_status(self):
        done = self.run_in("sh", "-c", "echo out; echo err >&2; exit 7")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (7, "out\n", "err\n"))

    def test_arguments_arrive_as_they_are(self):
        words = ["", "a b", "$HOME", "'\"", "\\", "\n", "ü", "--", "-x"]
        done = self.run_in("sh", "-c", 'printf "%s|" "$@"', "sh", *words)
        self.assertEqual(done.stdout, "".join(word + "|" for word in words))

    def test_a_signal_and_what_cannot_be_run(self):
        self.assertEqual(self.run_in("sh", "-c", "kill -TERM $$").returncode, 143)
        self.assertEqual(self.run_in("no-such-program").returncode, 127)
        self.assertEqual(self.run_in("/etc/passwd").returncode, 126)

    def test_a_timeout_ends_the_command(self):
        done = machine("run", "--state", self.state, "--timeout", 1, "--", "sh", "-c", "echo begun; sleep 1234")
        self.assertEqual((done.returncode, done.stdout), (124, "begun\n"))
        self.assertNotIn("1234", self.run_in("ps").stdout)

    def test_standard_input(self):
        data = os.urandom(300_000)
        done = self.run_in("cat", options=["-i"], input=data, text=False)
        self.assertEqual(done.stdout, data)

    def test_input_that_nobody_reads(self):
        self.assertEqual(self.run_in("true", options=["-i"], input=b"x" * 300_000, text=False).returncode, 0)
        self.assertEqual(self.run_in("cat", options=["-i"], input="after\n").stdout, "after\n")

    def test_much_output(self):
        done = self.run_in("head", "-c", "3000000", "/dev/zero", text=False)
        self.assertEqual(done.stdout, bytes(3_000_000))

    def test_output_that_imitates_the_protocol(self):
        hostile = b"\xff\xffRCONTAINER-M\xff\xff" + bytes(16) + b"C\x04\0\0\0\0\0\0\0"
        with tempfile.NamedTemporaryFile() as file:
            file.write(hostile)
            file.flush()
            done = self.run_in("sh", "-c", "cat /tmp/hostile; exit 9",
                               options=["--copy-in", f"{file.name}:/tmp/hostile"], text=False)
        self.assertEqual((done.returncode, done.stdout), (9, hostile))

    def test_copies(self):
        with tempfile.TemporaryDirectory() as folder:
            here = pathlib.Path(folder)
            (here / "in/sub").mkdir(parents=True)
            (here / "in/sub/file").write_bytes(os.urandom(100_000))
            (here / "in/sub/file").chmod(0o750)
            (here / "in/link").symlink_to("sub/file")
            done = self.run_in("cmp", "/tmp/d/link", "/tmp/d/sub/file", options=[
                "--copy-in", f"{here}/in:/tmp/d", "--copy-out", f"/tmp/d:{here}/out",
                "--copy-out", f"/tmp/d/sub/file:{here}/alone"])
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            wanted = (here / "in/sub/file").read_bytes()
            for copy in ("out/sub/file", "alone"):
                self.assertEqual((here / copy).read_bytes(), wanted)
                self.assertEqual((here / copy).stat().st_mode & 0o777, 0o750)
            self.assertEqual(os.readlink(here / "out/link"), "sub/file")

    def test_what_is_left_behind_does_not_hold_the_channel(self):
        self.assertEqual(self.run_in("sh", "-c", "sleep 100 & echo done", timeout=30).stdout, "done\n")

    def test_a_client_that_is_killed(self):
        client = subprocess.Popen([PROGRAM, "run", "--state", self.state, "--", "sh", "-c", "while :; do echo x; done"],
                                  stdout=subprocess.DEVNULL)
        time.sleep(1.5)
        client.kill()
        client.wait()
        self.assertEqual(self.run_in("echo", "alive").stdout, "alive\n")

    def test_commands_wait_for_each_other(self):
        clients = [subprocess.Popen([PROGRAM, "run", "--state", self.state, "--", "sh", "-c", f"sleep 1; echo {n}"],
                                    stdout=subprocess.PIPE, text=True) for n in range(3)]
        self.assertEqual([c.communicate(timeout=120)[0] for c in clients], ["0\n", "1\n", "2\n"])

    def test_status_and_a_second_start(self):
        status = machine("status", "--state", self.state)
        self.assertEqual(status.returncode, 0)
        self.assertIn("2 CPUs", status.stdout)
        again = machine("start", "--plain", "--state", self.state)
        self.assertEqual(again.returncode, 125)
        self.assertIn("already", again.stderr.splitlines()[-1])
        self.assertEqual(self.run_in("nproc").stdout, "2\n")

    def test_the_console(self):
        child, terminal = pty.fork()
        if child == 0:
            os.execv(PROGRAM, [str(PROGRAM), "shell", "--state", str(self.state)])
        time.sleep(1)
        os.write(terminal, b"echo $((6*7))x\r")
        time.sleep(1)
        os.write(terminal, b"\x1d")
        text = b""
        try:
            while chunk := os.read(terminal, 4096):
                text += chunk
        except OSError:
            pass  # the other side is closed
        self.assertEqual(os.waitpid(child, 0)[1], 0)
        self.assertIn(b"42x", text)
        self.assertEqual(self.run_in("true").returncode, 0)


class Lives(unittest.TestCase):
    def setUp(self):
        if not PROGRAM.exists():
            self.skipTest("build/rcontainer-machine was not built (make machine)")
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name).resolve()

    def test_nothing_is_left_after_stop(self):
        states = [self.folder / "one", self.folder / "two"]
        for state in states:
            self.addCleanup(machine, "stop", "--state", state)
            self.assertEqual(machine("start", "--plain", "--state", state).returncode, 0)
        self.assertTrue(all(emulators(state) for state in states))
        for state in states:
            self.assertEqual(machine("stop", "--state", state).returncode, 0)
            self.assertEqual(emulators(state), [])
            self.assertFalse(state.exists())
            self.assertEqual(machine("status", "--state", state).returncode, 1)
            self.assertEqual(machine("stop", "--state", state).returncode, 0)

    def test_a_killed_run_takes_its_machine_along(self):
        client = subprocess.Popen([PROGRAM, "run", "--plain", "--fresh", "--", "sleep", "1000"])
        state = ROOT / f"build/machine/run-{client.pid}"
        end = time.time() + 30
        while not emulators(state) and time.time() < end:
            time.sleep(0.1)
        self.assertTrue(emulators(state))
        client.send_signal(signal.SIGKILL)
        client.wait()
        end = time.time() + 10
        while emulators(state) and time.time() < end:
            time.sleep(0.1)
        self.assertEqual(emulators(state), [])
        self.assertEqual(machine("stop", "--state", state).returncode, 0)

    def test_an_interrupted_run_leaves_nothing(self):
        client = subprocess.Popen([PROGRAM, "run", "--plain", "--fresh", "--", "sh", "-c", "echo up; sleep 1000"],
                                  stdout=subprocess.PIPE, text=True)
        self.assertEqual(client.stdout.readline(), "up\n")
        client.send_signal(signal.SIGTERM)
        self.assertEqual(client.wait(timeout=20), 143)
        client.stdout.close()
        self.assertFalse((ROOT / f"build/machine/run-{client.pid}").exists())

    def test_missing_firmware(self):
        done = machine("run", "--fresh", "--firmware", "/nonexistent", "--", "true")
        self.assertEqual(done.returncode, 125)
        # What was built first, if something was, is told as well.
        self.assertIn("make firmware", done.stderr.splitlines()[-1])
        self.assertFalse(done.stdout)

    def test_missing_qemu(self):
        done = machine("start", "--plain", "--state", self.folder / "s", env={"PATH": "/nonexistent"})
        self.assertEqual(done.returncode, 125)
        self.assertIn("missing", done.stderr)
        self.assertFalse((self.folder / "s").exists())

    def test_a_machine_that_does_not_come_up(self):
        done = machine("run", "--fresh", "--plain", "--append", "rdinit=/bin/false", "--", "true")
        self.assertEqual(done.returncode, 125)
        self.assertIn("Kernel panic", done.stderr)

    def test_the_same_instructions_every_time(self):
        for options in [["--plain"]] + ([["--cpus", "2"]] if FIRMWARE.exists() else []):
            # A copy: it must be the same in both runs.
            if FIRMWARE.exists() and "--plain" not in options:
                (self.folder / "firmware").write_bytes(FIRMWARE.read_bytes())
                options = options + ["--firmware", self.folder / "firmware"]
            counts = {machine("run", "--icount", "--timeout", 300, *options, "--", "counter").stdout for _ in range(2)}
            with self.subTest(options=options):
                self.assertEqual(len(counts), 1, counts)
                self.assertGreater(int(counts.pop()), 100_000_000)


@unittest.skipUnless(FIRMWARE.exists(), "build/firmware/monitor.bin was not built (make firmware)")
class UnderTheMonitor(StartedMachine):
    options = ["--cpus", "2"]

    def test_both_cpus_and_the_firmware(self):
        self.assertEqual(self.run_in("nproc").stdout, "2\n")
        self.assertIn("PSCIv1", self.run_in("dmesg").stdout)


if __name__ == "__main__":
    unittest.main()
