"""Unmodified static programs do in a con-shim what they do outside: the same output, the same errors, the same
exit code."""
import hashlib
import json
import os
import shlex
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from machine import ROOT, TOOL, Case, Machine  # noqa: E402

BUSYBOX = "/bin/busybox"


class Busybox(Case):
    def same(self, script, timeout=120, quiet=True):
        """A script for busybox's shell, in which every command is busybox's own."""
        words = f"{BUSYBOX} sh -c {shlex.quote(script)}"
        outside = self.machine.run(f"cd /tmp && rm -rf w && mkdir w && cd w && {words}", timeout=timeout)
        within = self.machine.run(f"cd /tmp && rm -rf w && mkdir w && cd w && {self.inside(words)}", timeout=timeout)
        self.assertEqual(within, outside, f"{script}\n=== inside\n{within}\n=== outside\n{outside}")
        return within

    def test_echo_and_cat(self):
        self.assertEqual(self.same("echo hello; echo $((6 * 7)); cat /etc/passwd /nosuch; exit 3").status, 3)

    def test_sha256sum_of_32_mb(self):
        self.shell("test -e /tmp/32m || dd if=/dev/urandom of=/tmp/32m bs=1M count=32 2>/dev/null")
        self.assertIn("/tmp/32m", self.same("sha256sum /tmp/32m", timeout=300).output)

    def test_sort_and_unique(self):
        self.same("seq 5000 | awk '{ print $1 * 7919 % 5003 }' | sort -n | uniq | sha256sum; seq 300 | sort | tail -n 3")

    def test_pipes_redirections_and_subshells(self):
        self.same("echo one >a; (echo two; echo three) >>a; wc -l <a; cat a | tr a-z A-Z | sed 's/T/t/' 2>&1; "
                  "{ echo out; echo err >&2; } 2>b; cat b; x=$(cat a | head -n 1); echo $x; (exit 5); echo $?; cat <<E\nhere $x\nE\n")

    def test_a_long_pipeline(self):
        self.same("seq 1 20000 | cat | cat | cat | grep 7 | cut -c1-3 | sort | uniq -c | sort -rn | head -n 5")

    def test_background_jobs_and_wait(self):
        # busybox says "Terminated" only where the child had not ended before wait looked: which, is a race outside as well.
        self.same("for i in 1 2 3 4; do (sleep 0.$i; echo $i) & done; wait; (exit 7) & wait $!; echo $?; "
                  "sleep 100 & kill $!; wait $! 2>/dev/null; echo $?")

    def test_traps_and_signals(self):
        self.same("trap 'echo term' TERM; trap 'echo bye' EXIT; kill -TERM $$; trap '' INT; kill -INT $$; echo alive; "
                  "(trap 'echo child; exit 4' USR1; kill -USR1 $(sh -c 'echo $PPID'); sleep 1); echo $?")
        self.same("yes | head -n 2; echo done")
        self.assertEqual(self.same("kill -KILL $$").status, 137)

    def test_find_tar_and_gzip(self):
        self.same("mkdir -p d/e/f; for i in 1 2 3; do seq 1000 >d/$i; ln -s ../1 d/e/l$i; done; find d | sort; "
                  "tar -cf - d | gzip -9 | gzip -dc | tar -xf - -C d/e/f; find d/e/f -type f | sort | xargs sha256sum; "
                  "find d -name '2' -exec rm {} +; ls d", timeout=180)

    def test_awk(self):
        self.same("awk 'BEGIN { for (i = 0; i < 20000; i++) a[i % 97] += i * i; for (i = 0; i < 97; i++) s = s \" \" a[i]; print length(s), s }' | sha256sum; "
                  "awk -F: '{ print $1 }' /etc/passwd; awk 'BEGIN { printf \"%.6f %s\\n\", exp(1), substr(\"abcdef\", 2, 3) }'")

    def test_files_and_directories(self):
        self.same("mkdir a; cd a; echo x >f; cp f g; mv g h; ln f i; ls -1; test -e g; echo $?; stat -c '%s %h %F' f; chmod 600 f; stat -c %a f; "
                  "touch -d '2020-01-02 03:04:05' f; stat -c %y f; readlink /proc/self/cwd; cd ..; rm -r a; ls; du -s /etc/passwd | cut -f1; df / >/dev/null; id; pwd")

    def test_scripts_with_an_interpreter(self):
        self.same("printf '#!/bin/sh\\necho script $0 $*\\n' >s; chmod +x s; ./s a b; printf '#!/nosuch\\n' >t; chmod +x t; ./t; echo $?; echo garbage >u; chmod +x u; ./u; echo $?; /etc; echo $?")

    def test_environment_and_arguments(self):
        self.same("env -i A=1 B='x y' sh -c 'env | sort; echo \"$0\" \"$@\"' zero one 'two three' ''; seq 2000 | xargs echo | wc -c")

    def test_wget_from_a_server_on_the_host(self):
        self.shell("mkdir -p /tmp/www; seq 100000 >/tmp/www/numbers; (httpd -p 127.0.0.1:8080 -h /tmp/www </dev/null >/dev/null 2>&1 &); sleep 0.3")
        self.assertEqual(self.same("wget -q -O - http://127.0.0.1:8080/numbers | sha256sum; wget -q -O - http://127.0.0.1:8080/nosuch; echo $?", timeout=180).status, 0)

    def test_interrupt_from_the_terminal(self):
        """Ctrl-C is a signal to the foreground: the shell's trap runs, and a command without one ends by it."""
        script = "trap 'echo interrupted' INT; sleep 100; echo $?; trap - INT; sleep 100; echo never"
        # The shell starts what is in the background with SIGINT ignored; `defaults` undoes that.
        pressed = (f"/tests/defaults setsid {{}} sh -c {shlex.quote(script)} & p=$!; sleep 1.5; kill -INT -$p; sleep 1; kill -INT -$p; wait $p; echo ended $?")
        outside = self.machine.run(pressed.replace("{}", BUSYBOX))
        within = self.machine.run(pressed.replace("{}", self.inside(BUSYBOX)))
        self.assertEqual(within, outside)
        self.assertIn("interrupted", within.output)

    def test_signals_that_were_ignored_before(self):
        """What is ignored at the start stays so, and no trap of a shell changes that; what is blocked stays blocked."""
        script = "trap 'echo trapped' INT; kill -INT $$; echo alive; grep -E 'SigIgn|SigBlk' /proc/self/status"
        for way in ("ignored", "blocked", "defaults"):
            outside = self.machine.run(f"/tests/{way} {BUSYBOX} sh -c {shlex.quote(script)}")
            within = self.machine.run(f"/tests/{way} {self.inside(BUSYBOX)} sh -c {shlex.quote(script)}")
            self.assertEqual(within, outside)
            self.assertEqual("trapped" in within.output, way == "defaults", within)


class Programs(Case):
    """Small C programs of ours (Tests/cca/programs), which check themselves."""

    def both(self, words, status=0, timeout=120):
        within = self.machine.run(self.inside(words), timeout=timeout)
        outside = self.machine.run(words, timeout=timeout)
        self.assertEqual(outside.status, status, outside)
        self.assertEqual(within.status, status, within)
        return within

    def test_hello(self):
        self.assertIn("argument 2: b c", self.both("/tests/hello a 'b c'", status=7).output)

    def test_signals(self):
        self.both("/tests/signals")

    def test_forks(self):
        self.both("/tests/forks 100 16", timeout=240)

    def test_mappings(self):
        self.both("/tests/mappings")

    def test_recursion(self):
        self.both("/tests/recursion")

    def test_bad_pointers(self):
        self.both("/tests/pointers")

    def test_transfers(self):
        """What the driver makes of reads, writes and moves is what the kernel makes of them, and so for the proxy."""
        results = []
        for words in ("/tests/transfers", self.inside("/tests/transfers"),
                      "env RCONTAINER_SHIM_LOG=trace " + self.inside("/tests/transfers") + " 2>/dev/null"):
            results.append(self.machine.run(f"rm -rf /tmp/t; mkdir /tmp/t; cd /tmp/t; {words}", timeout=240))
        for within in results[1:]:
            self.assertEqual(within.output.splitlines(), results[0].output.splitlines())
            self.assertEqual(within.status, 0, within)

    def test_static_position_independent_program(self):
        self.both("/tests/hello-pie x", status=7)


class Threads(Case):
    """Programs with threads (Tests/cca/programs/threads.c), on two processors."""

    def same(self, *parts, before="", timeout=240):
        taken = self.taken()
        for part in parts:
            outside = self.machine.run(f"/tests/threads {part}", timeout=timeout)
            within = self.machine.run(before + self.inside(f"/tests/threads {part}"), timeout=timeout)
            self.assertEqual(within, outside, part)
            self.assertNotIn("line ", within.output, part)
        self.assertEqual(self.taken(), taken)

    def test_create_and_join(self):
        self.same("create", "many", "local", "detached")

    def test_locks_and_conditions(self):
        self.same("pingpong", "barrier", "timed", "futex")

    def test_signals_and_cancellation(self):
        self.same("signals", "cancel")

    def test_fork_in_a_threaded_program(self):
        self.same("forks")

    def test_exec_in_a_threaded_program(self):
        self.same("exec", "exec-main")

    def test_memory_that_all_change(self):
        self.same("memory", "faults")

    def test_locks_between_processes(self):
        self.same("processes", "robust")

    def test_the_user_of_all_threads(self):
        self.same("user")

    def test_the_end_while_others_wait(self):
        self.same("exit", "main-exit", "crash", "late")

    def test_killed(self):
        self.same("kill")

    def test_stopped_and_continued(self):
        """Threads come out of their waits without having been woken."""
        for part in ("pingpong", "barrier", "processes", "memory"):
            expected = self.machine.run(f"/tests/threads {part}").output
            within = self.shell(f"{self.inside('/tests/threads ' + part)} & p=$!; i=0; while [ $i -lt 200 ] && kill -STOP $p 2>/dev/null; do kill -CONT $p; i=$((i + 1)); done; wait $p", timeout=240)
            self.assertEqual(within, expected)


class OneProcessor(Threads):
    """The same with one, where who waits has to let others run."""

    @classmethod
    def setUpClass(cls):
        cls.one = Machine("--cpus", "1")
        done = cls.one.run("insmod /tests/hostile.ko")
        if done.status != 0:
            raise AssertionError(f"the module for tests does not load: {done}")

    @classmethod
    def tearDownClass(cls):
        cls.one.stop()

    def setUp(self):
        self.machine = self.one


class Filters(Case):
    """A container's filter holds for the calls of its con-shim, whoever makes them."""

    def container(self, rules, command, annotations={"org.rcontainer.shim": "cca"}):
        config = {
            "ociVersion": "1.0.2",
            "process": {"args": command, "cwd": "/", "env": ["PATH=/bin"], "user": {"uid": 0, "gid": 0}, "noNewPrivileges": True},
            "root": {"path": "rootfs"},
            "annotations": annotations,
            "mounts": [{"destination": "/dev", "type": "tmpfs", "source": "tmpfs"}],
            "linux": {"namespaces": [{"type": kind} for kind in ("pid", "mount", "ipc", "uts", "network")],
                      "seccomp": {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": rules}},
        }
        self.machine.run("rm -rf /filters; mkdir -p /filters/rootfs/bin; cp /tests/bench /tests/filtered /bin/busybox /filters/rootfs/bin; cat >/filters/config.json",
                         input=json.dumps(config).encode())
        return self.machine.run("rcontainer run --bundle /filters filters", timeout=120)

    def test_forbidden_calls(self):
        for annotations in ({}, {"org.rcontainer.shim": "cca"}):
            calls = ["lseek", "read", "write", "pread64", "pwrite64"]
            result = self.container([], ["/bin/filtered", *calls], annotations)
            self.assertEqual(result.output, "".join(f"{call}: 0\n" for call in calls), result)
            for forbidden in calls:
                rule = {"names": [forbidden], "action": "SCMP_ACT_ERRNO", "errnoRet": 99, "args": [{"index": 0, "value": 7, "op": "SCMP_CMP_EQ"}]}
                result = self.container([rule], ["/bin/filtered", *calls], annotations)
                self.assertEqual(result.output, "".join(f"{call}: {99 if call == forbidden else 0}\n" for call in calls), result)

    def test_a_process_with_a_filter_gets_none_around_it(self):
        self.assertEqual(self.shell("/tests/filtered device"), "before: 0\nwith a filter: 1\n")


class Mistakes(Case):
    """One clear line, an exit code as a shell's, and nothing left."""

    def refused(self, words, status, *texts):
        before = self.taken()
        result = self.machine.run(words)
        self.assertEqual(result.status, status, result)
        lines = [line for line in result.errors.splitlines() if line]
        self.assertEqual(len(lines), 1, result)
        for text in texts:
            self.assertIn(text, lines[0])
        self.assertEqual(self.taken(), before)

    def test_a_program_that_does_not_exist(self):
        self.refused(self.inside("/nosuch"), 127, "/nosuch", "o such file")

    def test_a_file_that_is_no_program(self):
        self.refused("echo x >/tmp/x; chmod +x /tmp/x; " + self.inside("/tmp/x"), 126, "/tmp/x", "xec format")

    def test_a_program_for_another_machine(self):
        header = "\\177ELF\\2\\1\\1" + "\\0" * 9 + "\\2\\0\\76\\0\\1\\0\\0\\0" + "\\0" * 40
        self.refused(f"printf '{header}' >/tmp/x86; chmod +x /tmp/x86; " + self.inside("/tmp/x86"), 126, "/tmp/x86", "xec format")

    def test_a_program_without_the_right_to_be_one(self):
        self.refused("cp /bin/busybox /tmp/bb; chmod 600 /tmp/bb; " + self.inside("/tmp/bb"), 126, "/tmp/bb", "ermission denied")

    def test_an_interpreter_that_is_missing(self):
        self.refused(self.inside("/tests/hello-dynamic"), 127, "/tests/hello-dynamic")

    def test_another_version_of_the_interface(self):
        before = self.taken()
        self.assertIn("version: Protocol error", self.shell("/tests/hostile version none"))
        self.assertEqual(self.taken(), before)

    def test_firmware_that_is_not_ours(self):
        """The driver does not load, and says why in one line."""
        done = subprocess.run([TOOL, "run", "--fresh", "--plain", "--timeout", "60", "--", "sh", "-c", "insmod /lib/modules/conshim.ko; echo $?; dmesg | grep conshim:"],
                              capture_output=True, text=True, timeout=200)
        self.assertNotIn(done.stdout.split()[0], "0", "it loaded")
        lines = [line for line in done.stdout.splitlines() if "conshim: " in line and "taint" not in line and "signature" not in line]
        self.assertTrue(lines, done.stdout)
        self.assertEqual({line.split("] ")[1] for line in lines}, {"conshim: this machine's firmware takes no SMC: there is no Monitor"})

    def test_without_the_driver(self):
        try:
            self.shell("rmmod conshim")
            result = self.machine.run(self.inside("/tests/hello"))
            self.assertIn("load the driver", result.errors)
            self.assertEqual(len(result.errors.strip().splitlines()), 1, result)
            self.assertNotEqual(result.status, 0)
        finally:
            self.shell("insmod /lib/modules/conshim.ko")

    def test_little_memory(self):
        """A con-shim that gets no more memory ends its program like a host does that has none; the host goes on."""
        script = ("mkdir /sys/fs/cgroup/small; echo +memory >/sys/fs/cgroup/cgroup.subtree_control; echo 12M >/sys/fs/cgroup/small/memory.max; "
                  "(echo 0 >/sys/fs/cgroup/small/cgroup.procs; exec " + self.inside("/bin/busybox sh -c 'a=x; while :; do a=$a$a; done'") + "); "
                  "echo $?; sleep 0.5; rmdir /sys/fs/cgroup/small")
        before = self.taken()
        result = self.machine.run(script, timeout=180)
        self.assertNotEqual(result.output.split()[-1], "0", result)
        self.assertEqual(self.taken(), before)


class Memory(Case):
    def test_freed_memory_goes_back_to_the_host(self):
        script = ("cd /tmp; rm -f touched free freed again; conshim-run /tests/release & p=$!; "
                  "while ! test -e touched; do sleep 0.1; done; /tests/attack info; >free; "
                  "while ! test -e freed; do sleep 0.1; done; /tests/attack info; >again; wait $p; echo $?")
        lines = self.shell(script, timeout=120).split("\n")
        # Con-shims, threads, granules.
        full, empty = int(lines[0].split()[2]), int(lines[1].split()[2])
        self.assertGreater(full, 16384)
        self.assertLess(empty, full - 10000, lines)
        self.assertEqual(lines[2:4], ["release: done", "0"])

    def test_killed_children_leave_nothing(self):
        """Two thousand children that end by signals which nobody handles, and nothing grows."""
        def info(count):
            lines = self.shell(f"cd /tmp; rm -f killed end; conshim-run /tests/kills {count} & p=$!; "
                               "while ! test -e killed && test -e /proc/$p; do sleep 0.1; done; /tests/attack info; >end; wait $p; echo $?",
                               timeout=400).split("\n")
            self.assertEqual(lines[1:3], [f"kills: {count} done", "0"], lines)
            return [int(word) for word in lines[0].split()[:3]]

        few, many = info(50), info(2000)
        self.assertEqual(many[:2], few[:2])
        self.assertLess(many[2], few[2] + 256)

    def test_executed_files_are_measured(self):
        """The measurement is what the digests of mini-OS and files give; the log tells their order."""
        script = ("cd /tmp; RCONTAINER_SHIM_LOG=1 conshim-run /bin/busybox sh -c '/tests/hello; /tests/hello; sleep 3' 2>log >/dev/null & p=$!; "
                  "sleep 2; cat log; /tests/measurement $p; sha256sum /bin/busybox /tests/hello; wait $p")
        lines = self.shell(script).split("\n")
        files = [line.split()[0] for line in lines[3:5]]
        self.assertEqual(lines[:2], [f"con-shim: measured {digest}" for digest in files])
        image = (ROOT / "build/firmware/minios.code").read_bytes()
        measurement = hashlib.sha256(image).digest()
        for digest in files:
            measurement = hashlib.sha256(measurement + bytes.fromhex(digest)).digest()
        self.assertEqual(lines[2], measurement.hex())


class Ledger(Case):
    def test_two_hundred_con_shims_leave_nothing(self):
        before = self.taken()
        self.shell("i=0; while [ $i -lt 200 ]; do " + self.inside("/bin/busybox true") + " || exit 1; i=$((i + 1)); done", timeout=600)
        self.assertEqual(self.taken(), before)

    def test_many_at_once(self):
        before = self.taken()
        self.shell("for i in 1 2 3 4 5 6 7 8; do " + self.inside("/bin/busybox sh -c 'seq 2000 | sort -n | tail -n 1'") + " >/tmp/o$i & done; wait; cat /tmp/o* | sort -u | grep -x 2000", timeout=240)
        self.assertEqual(self.taken(), before)

    def test_a_killed_proxy_gives_everything_back(self):
        before = self.taken()
        self.shell("for i in 1 2 3; do setsid " + self.inside("/bin/busybox sh -c 'sleep 100 & sleep 100 & wait'") + " & p=\"$p -$!\"; done; "
                   "sleep 3; kill -KILL $p; sleep 1; true")
        self.assertEqual(self.taken(), before)


if __name__ == "__main__":
    unittest.main()
