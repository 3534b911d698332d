"""The supervisor: programs are judged by what the kernel loaded, and neither races nor its own end let anything else run.

RACES is how often each race is run (10000); RACE_SECONDS ends one earlier (30)."""
import json
import os
import pathlib
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from support import PROGRAMS, RUNTIME, Case, OrdinaryUser, compiled, needs_root, ours_only, run  # noqa: E402

RACES = int(os.environ.get("RACES", "10000"))
RACE_SECONDS = os.environ.get("RACE_SECONDS", "30")
EACCES = 113  # what executes.c adds 100 to


@ours_only
class Supervisor(Case):
    @classmethod
    def setUpClass(cls):
        cls.programs = pathlib.Path("/var/tmp") / ("rcts" + os.urandom(4).hex())
        cls.programs.mkdir(mode=0o755)
        for name in ("race", "executes", "stacked"):
            compiled(cls.programs / name, PROGRAMS / f"{name}.c")
        for name, status in (("good", 0), ("bad", 1)):
            compiled(cls.programs / name, f"#include <unistd.h>\nint main(void) {{ _exit({status}); }}")
        names = [str(cls.programs / name) for name in ("race", "good", "executes", "stacked")]
        cls.list = cls.policy("list", exec=names)
        cls.image = cls.policy("image", base="compat", exec="image")
        cls.any = cls.policy("any", base="compat")
        for path in (cls.programs, *cls.programs.iterdir()):
            os.chmod(path, 0o755)

    @classmethod
    def tearDownClass(cls):
        run("rm", "-rf", cls.programs)

    @classmethod
    def policy(cls, name, base="default", **members):
        path = cls.programs / f"{name}.json"
        path.write_text(json.dumps({"name": name, "base": base, **members}))
        return path

    def sandbox(self, policy, *command, prefix=(), options=(), runtime=RUNTIME, timeout=600):
        return run(*prefix, runtime, "do", "--policy", policy, *options, "--ro", self.programs, "--", *command, timeout=timeout)

    def raced(self, policy, kind=0, races=RACES, **more):
        done = self.sandbox(policy, self.programs / "race", self.programs / "good", self.programs / "bad", races, RACE_SECONDS, kind, **more)
        self.assertEqual(done.returncode, 0, done.stderr)
        found = json.loads(done.stdout)
        print(f"\n  {self._testMethodName}, {pathlib.Path(policy).stem}: {found}", file=sys.stderr)
        return found

    # Races.

    def test_the_path_is_swapped_while_it_is_executed(self):
        found = self.raced(self.list)
        self.assertEqual(found["bad"], 0)
        self.assertGreater(found["good"], 0)
        # Some were swapped after they were found good, and ended before their first instruction.
        self.assertGreater(found["killed"] + found["refused"], 0)
        # Control: without the rule both run.
        self.assertGreater(self.raced(self.any, races=min(RACES, 2000))["bad"], 0)

    def test_a_link_is_swapped_while_it_is_executed(self):
        found = self.raced(self.list, kind=2)
        self.assertEqual(found["bad"], 0)
        self.assertGreater(found["good"], 0)
        self.assertGreater(self.raced(self.any, kind=2, races=min(RACES, 2000))["bad"], 0)

    def test_a_file_is_renamed_while_it_is_executed(self):
        # The programs have to be where their links can be.
        script = (f"cp {self.programs}/bad /tmp/b; cp {self.programs}/good /tmp/g; "
                  f"exec {self.programs}/race /tmp/g /tmp/b {min(RACES, 5000)} {RACE_SECONDS} 3")
        for policy in (self.list, self.policy("image2", base="compat", exec="image")):
            if policy.stem == "list":
                policy = self.policy("list2", exec=[str(self.programs / "race"), "/bin/sh", "/bin/cp"])
            done = self.sandbox(policy, "/bin/sh", "-c", script)
            found = json.loads(done.stdout)
            # Both were written inside.
            self.assertEqual((found["good"], found["bad"]), (0, 0), done.stderr)
        found = json.loads(self.sandbox(self.any, "/bin/sh", "-c", script).stdout)
        self.assertGreater(found["good"], 0)
        self.assertGreater(found["bad"], 0)

    def test_the_races_as_an_ordinary_user(self):
        if os.geteuid() != 0:
            self.skipTest("the tests are those of an ordinary user already")
        user = OrdinaryUser()
        self.addCleanup(user.remove)
        # The state directory of that user is made by its runtime.
        prefix = ("setpriv", "--reuid", user.uid, "--regid", user.gid, "--clear-groups", "env", "XDG_RUNTIME_DIR=")
        copy = self.programs / "rcontainer"
        run("cp", RUNTIME, copy)
        found = self.raced(self.list, races=min(RACES, 5000), prefix=prefix, runtime=copy)
        self.assertEqual(found["bad"], 0)
        self.assertGreater(found["good"], 0)
        self.assertGreater(self.raced(self.any, races=500, prefix=prefix, runtime=copy)["bad"], 0)
        run("rm", "-rf", f"/tmp/rcontainer-{user.uid}")

    # Ways to execute.

    def ways(self, policy):
        done = self.sandbox(policy, self.programs / "executes", self.programs / "good", timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        return dict(line.split(" ", 1) for line in done.stdout.splitlines())

    def test_all_ways_to_execute(self):
        same = {"plain": "0", "thread": "0", "threads": "0", "vfork": "0", "missing": "102", "badpointer": "114",
                "signals": "0", "stopped": "0", "at": "0", "killed": "0"}
        found = self.ways(self.image)
        self.assertEqual({name: found[name] for name in same}, same)
        # Written inside, in a file or in memory; and a process that another one of the container could change meanwhile.
        self.assertEqual([found[name] for name in ("written", "memfd", "traced")], [str(EACCES)] * 3)
        # Control: without the rule all of them run.
        control = self.ways(self.any)
        self.assertEqual(control, {**same, "written": "0", "memfd": "0", "traced": "0"})

    def test_scripts_and_interpreters_that_were_written_inside(self):
        script = """
cp /bin/true /tmp/true; printf '#!/bin/sh\\necho ran\\n' >/tmp/script; printf '#!/tmp/true\\n' >/tmp/other; chmod +x /tmp/*
/tmp/true; echo $?; /tmp/script; echo $?; /tmp/other; echo $?; ln -f /bin/true /root/linked 2>/dev/null; cd /tmp; ./true; echo $?; /proc/self/root/tmp/true; echo $?
"""
        self.assertEqual(self.sandbox("strict", "sh", "-c", script).stdout.split()[:4], ["126"] * 4)
        self.assertEqual(self.sandbox("default", "sh", "-c", script).stdout.split(), ["0", "ran", "0", "0", "0", "0"])

    @needs_root
    def test_a_file_in_memory_is_written_through_a_mapping(self):
        """tmpfs stamps no change that is made through a mapping: the file looks as it was."""
        if run("stat", "-f", "-c", "%T", "/dev/shm").stdout.strip() != "tmpfs":
            self.skipTest("/dev/shm is no tmpfs here")
        folder = pathlib.Path("/dev/shm") / self.programs.name
        folder.mkdir()
        self.addCleanup(run, "rm", "-rf", folder)
        script = f"""
import mmap, os, subprocess, sys
bad = open('{self.programs}/bad', 'rb').read()
file = open('{folder}/program', 'r+b')
mapped = mmap.mmap(file.fileno(), 0)
# What is mapped by a read is writable too, so that the write is no event for the kernel.
assert len(mapped[:]) > len(bad)
mapped[:len(bad)] = bad
mapped.close(); file.close()
try: sys.exit(subprocess.call(['{folder}/program']))
except OSError as error: sys.exit(error.errno)
"""
        for policy, expected in ((self.image, 13), (self.any, 1)):
            # At least as long as the other one.
            (folder / "program").write_bytes((self.programs / "good").read_bytes() + bytes(65536))
            os.chmod(folder / "program", 0o755)
            before = os.stat(folder / "program").st_ctime_ns
            time.sleep(0.02)
            done = self.sandbox(policy, "/usr/bin/python3", "-c", script, options=("--rw", folder))
            self.assertEqual(done.returncode, expected, done.stderr)
            self.assertEqual(os.stat(folder / "program").st_ctime_ns, before)
        # Where nobody can write, it is executed.
        self.assertEqual(self.sandbox(self.image, folder / "program", options=("--ro", folder)).returncode, 1)

    def test_filters_of_the_container_itself_change_nothing(self):
        policy = self.policy("stacking", base="compat", exec=[str(self.programs / "stacked")])
        found = self.sandbox(policy, self.programs / "stacked", self.programs / "good").stdout.split("\n")
        # EBUSY: there is one listener, and it is the supervisor's.
        # Under the last filter all its calls fail where nobody traces it, to exit too.
        self.assertEqual(found[:4], ["listener 16", "stacked 113", "stacked 113", "stacked -11"])
        # Control: without the rule it gets a listener, under which its own calls wait for it no longer than it asks.
        self.assertIn("listener 0", self.sandbox(self.any, self.programs / "stacked", self.programs / "good").stdout)

    def test_programs_of_other_architectures(self):
        if os.uname().machine != "x86_64":
            self.skipTest("this kernel runs no other architecture that a test could be made for")
        # execve is 11 of i386 (int 0x80), with pointers of 32 bits; and 520 of x32.
        source = r"""
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
int main(int c, char **v) {
  char *low = mmap((void *)0x10000000, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  strcpy(low, v[1]);
  long r = 11;
  if (v[2][0] == '3') __asm__ volatile("int $0x80" : "+a"(r) : "b"(low), "c"(0L), "d"(0L) : "memory");
  else { r = 520 + 0x40000000; __asm__ volatile("syscall" : "+a"(r) : "D"(low), "S"(0L), "d"(0L) : "rcx", "r11", "memory"); }
  _exit(r < 0 ? 100 - r : 99);
}"""
        compiled(self.programs / "other", source)
        policy = self.policy("others", base="compat", exec=[str(self.programs / "other")])
        found = {kind: self.sandbox(policy, self.programs / "other", self.programs / "good", kind).returncode for kind in ("32", "x32")}
        self.assertEqual(found["32"], EACCES)
        self.assertIn(found["x32"], (EACCES, 138))  # ENOSYS where the kernel has no x32
        # Control: both would run, and a policy without other architectures ends them.
        self.assertEqual(self.sandbox(self.any, self.programs / "other", self.programs / "good", "32").returncode, 0)
        strict = self.policy("others2", exec=[str(self.programs / "other")])
        self.assertEqual(self.sandbox(strict, self.programs / "other", self.programs / "good", "32").returncode, 128 + 31)

    def test_descriptors_that_were_passed_over_a_socket(self):
        script = f"""
import array, os, socket, sys
one, other = socket.socketpair()
if os.fork() == 0:
    fd = os.memfd_create('m', 0)
    os.write(fd, open('{self.programs}/good', 'rb').read())
    one.sendmsg([b'x'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', [fd]))])
    os._exit(0)
fd = socket.recv_fds(other, 1, 1)[1][0]
try: os.execve(fd, ['x'], {{}})
except OSError as error: sys.exit(error.errno)
"""
        self.assertEqual(self.sandbox(self.image, "/usr/bin/python3", "-c", script).returncode, 13)
        self.assertEqual(self.sandbox(self.any, "/usr/bin/python3", "-c", script).returncode, 0)

    # Exhaustion and ends.

    def test_ten_thousand_pending_calls(self):
        """A stopped supervisor lets calls pile up; none is made, and all are answered when it goes on."""
        count = int(os.environ.get("PENDING", "10000"))
        source = r"""
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
int main(int c, char **v) {
  int n = atoi(v[2]), made = 0, good = 0, s;
  pid_t p;
  while (access("/tmp/go", 0) != 0) usleep(10000);
  for (; made < n; made++) {
    if ((p = fork()) < 0) break;
    if (p == 0) { execve(v[1], v + 1, 0); _exit(1); }
  }
  printf("made %d\n", made); fflush(stdout);
  while (wait(&s) > 0) good += WIFEXITED(s) && WEXITSTATUS(s) == 0;
  printf("good %d\n", good);
  return 0;
}"""
        compiled(self.bundle / "rootfs/bin/many", source)
        run("cp", self.programs / "good", self.bundle / "rootfs/bin/good")
        time.sleep(0.05)
        config = self.example("/bin/many", "/bin/good", str(count))
        config["annotations"] = {"org.rcontainer.policy": str(self.policy("pending", exec="image"))}
        config["root"]["readonly"] = False
        self.write(config)
        with open(self.folder / "output", "w") as output:
            process = subprocess.Popen([RUNTIME, "--root", str(self.state), "run", "--bundle", str(self.bundle), self.id],
                                       stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        for _ in range(100):
            if (self.state / self.id / "supervisor").exists() and self.info()["status"] == "running" and self.supervisor():
                break
            time.sleep(0.05)
        time.sleep(0.2)
        supervisor = self.supervisor()
        os.kill(supervisor, signal.SIGSTOP)
        (self.bundle / "rootfs/tmp/go").touch()
        end = time.time() + 60
        while "made" not in (self.folder / "output").read_text() and time.time() < end:
            time.sleep(0.1)
        made = int((self.folder / "output").read_text().split()[1])
        print(f"\n  {made} calls were pending", file=sys.stderr)
        # The host goes on meanwhile, other containers too.
        self.assertEqual(run(RUNTIME, "do", "--policy", "strict", "--", "true").returncode, 0)
        os.kill(supervisor, signal.SIGCONT)
        process.wait(timeout=120)
        self.assertEqual((self.folder / "output").read_text().split()[-1], str(made))
        self.assertGreater(made, min(count, 1000) - 1)

    def supervisor(self):
        """The process that answers calls: the child of the one that is recorded."""
        guardian = json.loads((self.state / self.id / "state.json").read_text()).get("supervisorPID", 0)
        found = run("pgrep", "-P", guardian).stdout.split()
        return int(found[0]) if found else None

    def supervised(self, *command, **annotations):
        annotations = annotations or {"policy": "strict"}
        self.detached(*(command or ("sh", "-c", "while true; do /bin/sleep 0.05; done")),
                      change=lambda config: config.update(annotations={"org.rcontainer." + k: str(v) for k, v in annotations.items()}))
        return self.supervisor()

    def gone(self, *pids):
        for _ in range(100):
            if not [pid for pid in pids if pathlib.Path(f"/proc/{pid}/stat").exists()
                    and pathlib.Path(f"/proc/{pid}/stat").read_text().split(") ")[1][0] != "Z"]:
                return True
            time.sleep(0.02)
        return False

    def test_the_container_ends_with_its_supervisor(self):
        for who in ("supervisor", "guardian"):
            supervisor = self.supervised()
            guardian = json.loads((self.state / self.id / "state.json").read_text())["supervisorPID"]
            first = self.info()["pid"]
            os.kill(supervisor if who == "supervisor" else guardian, signal.SIGKILL)
            self.wait_status("stopped")
            self.assertTrue(self.gone(supervisor, guardian, first), who)
            self.assertEqual(self.call("delete", self.id).returncode, 0)
        # Control: without a supervisor there is nobody whose end would end it.
        self.detached(change=lambda config: config.update(annotations={"org.rcontainer.policy": "default"}))
        self.assertNotIn("supervisorPID", (self.state / self.id / "state.json").read_text())

    def test_a_stopped_supervisor_stops_the_container_only(self):
        supervisor = self.supervised()
        guardian = json.loads((self.state / self.id / "state.json").read_text())["supervisorPID"]
        os.kill(supervisor, signal.SIGSTOP)
        self.assertEqual(run(RUNTIME, "do", "--policy", "strict", "--", "true").returncode, 0)
        self.assertEqual(self.info()["status"], "running")
        begin = time.time()
        self.assertEqual(self.call("delete", "--force", self.id).returncode, 0)
        self.assertLess(time.time() - begin, 8)
        self.assertTrue(self.gone(supervisor, guardian))

    def test_delete_leaves_nothing_and_exec_is_judged(self):
        audit = self.folder / "audit"
        # strict would have nothing writable that a program could be executed from.
        policy = self.folder / "image.json"
        policy.write_text('{"name": "image", "base": "default", "exec": "image"}')
        supervisor = self.supervised(policy=policy, audit=audit)
        guardian = json.loads((self.state / self.id / "state.json").read_text())["supervisorPID"]
        done = self.call("exec", self.id, "sh", "-c", "cp /bin/busybox /tmp/new; /bin/true; /tmp/new true; echo $?")
        self.assertEqual(done.stdout.split(), ["126"], done.stderr)
        self.assertEqual(self.call("delete", "--force", self.id).returncode, 0)
        self.assertTrue(self.gone(supervisor, guardian))
        lines = [json.loads(line) for line in audit.read_text().splitlines()]
        digest = run("sha256sum", self.bundle / "rootfs/bin/busybox").stdout.split()[0]
        executed = [line for line in lines if line["call"] == "execve" and line["decision"] == "allowed"]
        self.assertTrue(executed and all(line["sha256"] == digest and line["path"].endswith("/bin/busybox") and line["inode"] > 0
                                         and line["microseconds"] >= 0 for line in executed), executed[:1])
        self.assertTrue(any(line["decision"] == "denied" and '"/tmp/new"' in line["text"] and line["error"] == "EACCES" for line in lines))

    # The supervisor itself.

    def status(self, pid):
        return dict(line.split(":\t", 1) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines() if ":\t" in line)

    @needs_root
    def test_the_supervisor_is_confined(self):
        supervisor = self.supervised()
        guardian = json.loads((self.state / self.id / "state.json").read_text())["supervisorPID"]
        # CAP_KILL, CAP_DAC_READ_SEARCH and CAP_SYS_PTRACE; the other one needs CAP_KILL.
        for pid, capabilities in ((supervisor, 1 << 5 | 1 << 2 | 1 << 19), (guardian, 1 << 5)):
            found = self.status(pid)
            self.assertEqual((found["Seccomp"], found["NoNewPrivs"], int(found["CapEff"], 16), int(found["CapPrm"], 16)),
                             ("2", "1", capabilities, capabilities))
            # Nothing of its caller: standard streams lead nowhere.
            self.assertTrue({os.readlink(f"/proc/{pid}/fd/{n}") for n in os.listdir(f"/proc/{pid}/fd") if int(n) < 3} <= {"/dev/null"}
                            or pid == guardian)
        memory = int(self.status(supervisor)["VmRSS"].split()[0])
        print(f"\n  supervisor: {memory} KiB", file=sys.stderr)
        # Control: the runtime itself has none of this.
        self.assertNotEqual(self.status(os.getpid())["Seccomp"], "2")

    def test_mistakes_are_one_clear_line(self):
        for members, message in (({"exec": "some"}, '"some" is no rule for exec'), ({"exec": ["bin/sh"]}, '"bin/sh" is not absolute'),
                                 ({"exec": []}, "exec lists no program")):
            done = run(RUNTIME, "profile", "check", self.policy("mistake", **members))
            self.assertEqual((done.returncode, done.stderr.count("\n")), (1, 1), done.stderr)
            self.assertIn(message, done.stderr)
        config = self.example("true")
        config["annotations"] = {"org.rcontainer.audit": "relative", "org.rcontainer.policy": "default"}
        self.refused(config, "not an absolute path")
        config["annotations"] = {"org.rcontainer.audit": "/tmp/audit"}
        self.refused(config, "has no effect without a policy")
        config["annotations"] = {"org.rcontainer.policy": "strict"}
        config["linux"]["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": "/nowhere",
                                      "syscalls": [{"names": ["mkdir"], "action": "SCMP_ACT_NOTIFY"}]}
        self.refused(config, "listenerPath", "strict")


if __name__ == "__main__":
    unittest.main()
