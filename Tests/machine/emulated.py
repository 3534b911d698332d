"""Calls of rcontainer-machine, and a machine that is started for a class of tests."""
import os
import pathlib
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PROGRAM = ROOT / "build/rcontainer-machine"
FIRMWARE = ROOT / "build/firmware/monitor.bin"


def machine(*words, timeout=300, text=True, **more):
    """Runs rcontainer-machine. The limit is only for a tool that hangs: it has limits of its own."""
    if "input" not in more and "stdin" not in more:
        more["stdin"] = subprocess.DEVNULL
    return subprocess.run([PROGRAM, *(str(w) for w in words)], capture_output=True, text=text, timeout=timeout,
                          errors="replace" if text else None, **more)


def emulators(state):
    """QEMU processes that work in a directory."""
    found = []
    for process in pathlib.Path("/proc").iterdir():
        try:
            if process.name.isdigit() and pathlib.Path(os.readlink(process / "cwd")) == pathlib.Path(state):
                found.append(int(process.name))
        except OSError:
            continue
    return found


class StartedMachine(unittest.TestCase):
    """One machine for all tests of a class, in a directory of its own."""
    options = ["--plain"]

    @classmethod
    def setUpClass(cls):
        if not PROGRAM.exists():
            raise unittest.SkipTest("build/rcontainer-machine was not built (make machine)")
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.state = pathlib.Path(cls.folder.name).resolve() / "state"
        cls.addClassCleanup(machine, "stop", "--state", cls.state)
        started = machine("start", "--state", cls.state, *cls.options)
        if started.returncode:
            raise AssertionError(f"the machine did not start: {started.stderr}")

    def run_in(self, *command, options=(), **more):
        return machine("run", "--state", self.state, "--timeout", 60, *options, "--", *command, **more)
