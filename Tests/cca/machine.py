"""The emulated CCA machine for tests: one for all tests of a process, with two CPUs."""
import atexit
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
TOOL = ROOT / "build/rcontainer-machine"


class Result:
    def __init__(self, status, output, errors):
        self.status, self.output, self.errors = status, output, errors

    def __repr__(self):
        return f"status {self.status}\n--- output\n{self.output[-3000:]}\n--- errors\n{self.errors[-3000:]}"

    def __eq__(self, other):
        return (self.status, self.output, self.errors) == (other.status, other.output, other.errors)


# Every thread that is not the kernel's: name, state, times, and where it is in the kernel.
WHO_WAITS = """for t in /proc/[0-9]*/task/[0-9]*; do
  [ -n "$(tr -d '\\0' <$t/cmdline 2>/dev/null)" ] && echo "$(cut -d' ' -f1-4,14,15 $t/stat) $(cat $t/wchan)" && sed -n 1,3p $t/stack
done"""


class Machine:
    """A started machine. Everything has a time limit."""

    def __init__(self, *options):
        self.state = tempfile.mkdtemp(prefix="rcm")
        self.log = []
        done = subprocess.run([TOOL, "start", "--state", self.state, *options], capture_output=True, text=True, timeout=300)
        if done.returncode != 0:
            shutil.rmtree(self.state)
            raise AssertionError("the machine does not start: " + done.stderr)
        atexit.register(self.stop)

    def stop(self):
        if os.path.exists(self.state):
            subprocess.run([TOOL, "stop", "--state", self.state], capture_output=True, timeout=60)
            shutil.rmtree(self.state, ignore_errors=True)

    def run(self, command, *more, timeout=60, input=None, binary=False):
        """Runs a shell command in the machine."""
        words = [TOOL, "run", "--state", self.state, "--timeout", str(timeout), *more]
        if timeout > 10:
            # Shortly before the time is up somebody looks.
            command = f"( (sleep {timeout - 4}; kill -0 $$ && {{ {WHO_WAITS}; }} >/tmp/who) >/dev/null 2>&1 </dev/null & )\n{command}"
        if input is not None:
            words.append("--interactive")
        done = subprocess.run([*words, "--", "sh", "-c", command], capture_output=True, timeout=timeout + 60,
                              input=input if input is not None else b"")
        if binary:
            return Result(done.returncode, done.stdout, done.stderr)
        result = Result(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))
        if "the time was up" in result.errors and timeout > 10:
            result.errors += "--- what waits where\n" + self.run("cat /tmp/who", timeout=10).output
        return result


_machine = None


def machine():
    """The one that tests share; made when it is first needed, made anew if it went down."""
    global _machine
    if not TOOL.exists():
        raise unittest.SkipTest("the machine is not built: make cca")
    if _machine is not None:
        alive = subprocess.run([TOOL, "status", "--state", _machine.state], capture_output=True, timeout=60)
        if alive.returncode != 0:
            _machine.stop()
            _machine = None
    if _machine is None:
        _machine = Machine("--cpus", "2")
        # Tests ask the Monitor what is in use, which the driver has no business with.
        done = _machine.run("insmod /tests/hostile.ko")
        if done.status != 0:
            raise AssertionError(f"the module for tests does not load: {done}")
    return _machine


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.machine = machine()

    def setUp(self):
        self.machine = machine()

    def shell(self, command, status=0, **more):
        """What a command prints, which has to end with a status."""
        result = self.machine.run(command, **more)
        self.assertEqual(result.status, status, result)
        return result.output

    def inside(self, words):
        """The command line that runs a command in a con-shim, from a shell."""
        return "conshim-run " + words

    def taken(self):
        """Con-shims, threads and granules that the Monitor knows of."""
        return self.shell("/tests/attack info").split()
