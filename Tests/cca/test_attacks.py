"""Root of the host, and its kernel, against a con-shim. Each attack has a control: the same on an ordinary process
succeeds."""
import os
import random
import re
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from machine import Case  # noqa: E402


def new_secret():
    """What Tests/cca/programs/secret.c holds is this with each letter one less: so no file and no argument has it. It
    is another one each time: memory of processes that ended keeps theirs."""
    return "".join(random.choice("BCDEFGHIJKLMNOPQRSTUVWXYZ") for _ in range(24))


class Secret(Case):
    """A program holds a secret, in a con-shim or outside; attacks look for it."""

    def start(self, words):
        """Starts it; the pid of its process, which is the proxy's for a con-shim."""
        self.coded = new_secret()
        text = self.shell(f"rm -f /tmp/secret.out; ({words} {self.coded} >/tmp/secret.out 2>&1 & echo $! >/tmp/secret.pid); "
                          "for i in $(seq 100); do grep -q 'held at' /tmp/secret.out && break; sleep 0.1; done; cat /tmp/secret.out /tmp/secret.pid")
        self.assertIn("secret: held at", text)
        return text.split()[-1]

    def end(self, pid):
        """Ends it kindly: it says whether its memory is what it was."""
        text = self.shell(f"kill -TERM {pid}; for i in $(seq 100); do grep -q sum /tmp/secret.out && break; sleep 0.1; done; cat /tmp/secret.out")
        return re.search(r"unchanged sum (\d+)", text).group(1)

    def checksum(self):
        """Of the secret's memory, which it fills as often as it fits in."""
        plain = bytes(ord(letter) - 1 for letter in self.coded)
        return str(sum(plain) * ((65536 - 1) // len(plain)))

    def both(self, attack):
        """What an attack says of an ordinary process, and of one in a con-shim. `attack` is a command with {pid}."""
        results = []
        for words in ("/tests/secret", self.inside("/tests/secret")):
            pid = self.start(words)
            try:
                results.append(self.machine.run(attack.replace("{pid}", pid).replace("{coded}", self.coded), timeout=240))
            finally:
                self.shell(f"kill -CONT {pid}; kill -KILL {pid}; sleep 0.3; true")
        return results

    def found(self, result):
        return int(re.search(r"found (\d+) times|(\d+) found", result.output).group(0).replace("found", "").replace("times", ""))

    def hidden(self, attack):
        outside, inside = self.both(attack)
        self.assertGreater(self.found(outside), 100, f"the control: {outside}")
        self.assertEqual(self.found(inside), 0, inside)

    def test_proc_mem(self):
        self.hidden("/tests/peek mem {pid} {coded}")

    def test_process_vm_readv(self):
        self.hidden("/tests/peek vm {pid} {coded}")

    def test_ptrace(self):
        self.hidden("/tests/peek ptrace {pid} {coded}")

    def test_core_dump(self):
        dump = ("echo /tmp/core >/proc/sys/kernel/core_pattern; echo 0 >/proc/sys/kernel/core_uses_pid; rm -f /tmp/core; "
                "kill -ABRT {pid}; sleep 2; test -e /tmp/core && /tests/count /tmp/core {coded} || echo no core, found 0 times")
        outside = self.start_with_core("/tests/secret", dump)
        inside = self.start_with_core(self.inside("/tests/secret"), dump)
        self.assertGreater(self.found(outside), 100, f"the control: {outside}")
        self.assertEqual(self.found(inside), 0, inside)

    def start_with_core(self, words, attack):
        pid = self.start(f"sh -c 'ulimit -c unlimited; exec {words} $0'")
        return self.machine.run(attack.replace("{pid}", pid).replace("{coded}", self.coded), timeout=120)

    def test_every_page_through_the_kernel(self):
        """A kernel module reads all of RAM through its linear map."""
        outside, inside = self.both("/tests/attack search {coded}")
        self.assertGreater(self.found(outside), 100, f"the control: {outside}")
        # The text is in the arguments of the search itself only with other letters.
        self.assertLess(self.found(inside), 10, inside)
        self.assertEqual(re.findall(r", (\d+) out of reach", outside.output), ["0"])
        self.assertGreater(int(re.search(r", (\d+) out of reach", inside.output).group(1)), 511)

    def test_every_hidden_page_read_written_and_mapped(self):
        """Nothing that is out of reach is reached by a write, a mapping of a program's, or the kernel for a program;
        and the memory of the con-shim is what it was."""
        pid = self.start(self.inside("/tests/secret"))
        result = self.machine.run("/tests/attack touch", timeout=240)
        self.assertEqual(result.status, 0, result)
        self.assertIn(", 0 reached all the same", result.output)
        self.assertEqual(self.end(pid), self.checksum())

    def test_a_million_calls_of_the_monitor(self):
        pid = self.start(self.inside("/tests/secret"))
        before = self.taken()
        text = self.shell("/tests/attack calls 1000000", timeout=400)
        self.assertIn("1000000 calls, 0 did something", text)
        self.assertEqual(self.taken(), before)
        self.assertEqual(self.end(pid), self.checksum())

    def test_memory_that_was_a_con_shims_is_scrubbed(self):
        pid = self.start(self.inside("/tests/secret"))
        self.shell(f"kill -KILL {pid}; sleep 1; true")
        result = self.machine.run(f"/tests/attack search {self.coded}", timeout=240)
        self.assertEqual(re.findall(r", (\d+) out of reach", result.output), ["0"], result)
        self.assertLess(self.found(result), 10, result)


class LyingHost(Case):
    """A proxy that answers wrongly (Tests/cca/programs/hostile.c): the program may end, but its memory stays what it
    was, nobody else notices, and everything comes back."""

    def lie(self, mode):
        before = self.taken()
        result = self.machine.run(f"/tests/hostile {mode} /tests/iago", timeout=180, input=b"")
        self.assertNotIn("iago: violated", result.output, result)
        self.assertRegex(result.output, r"hostile: (\d+ answers after START|the program ended)", result)
        self.assertEqual(self.taken(), before)
        self.assertIn("hello", self.shell(self.inside("/bin/busybox echo hello")))
        return result

    def test_honest(self):
        """The control: without lies the program ends well."""
        self.assertIn("the program ended with 0", self.lie("honest").output)

    def test_results_too_long(self):
        self.lie("long")

    def test_numbers_that_are_no_errors(self):
        self.lie("negative")

    def test_addresses_inside(self):
        self.lie("pointer")

    def test_nothing_but_zero(self):
        self.lie("zero")

    def test_a_buffer_full_of_other_things(self):
        self.lie("fill")

    def test_a_buffer_that_changes_while_it_is_read(self):
        self.lie("change")

    def test_replayed_exits(self):
        self.lie("replay")

    def test_one_thread_on_two_processors(self):
        self.lie("twice")


class Waking(Case):
    """A host that wakes threads of programs when nobody asked for it, or never: they compute what they do always."""

    def test_without_reason(self):
        before = self.taken()
        for part in ("pingpong", "barrier", "memory", "faults"):
            expected = self.machine.run(f"/tests/threads {part}").output
            result = self.machine.run(f"/tests/hostile wake /tests/threads {part}", timeout=240)
            self.assertEqual(result.output, expected + "hostile: the program ended with 0\n", result)
        self.assertEqual(self.taken(), before)

    def test_never(self):
        before = self.taken()
        result = self.machine.run("timeout -s KILL 10 /tests/hostile sleep /tests/threads memory", timeout=60)
        self.assertNotIn("line ", result.output, result)
        self.assertIn(result.status, (0, 137), result)
        self.assertIn("hello", self.shell(self.inside("/bin/busybox echo hello")))
        self.assertEqual(self.taken(), before)


class ThroughTheProxy(Case):
    def test_the_proxy_is_out_of_the_programs_reach(self):
        self.assertIn("probe: 0 failures", self.shell(self.inside("/tests/probe")))


if __name__ == "__main__":
    unittest.main()
