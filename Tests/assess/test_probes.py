"""The probes of rcontainer assess, and how it behaves when it is disturbed.

ASSESS names the program under test, build/rcontainer-assess by default."""
import collections
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from support import CGROUPS, ROOT  # noqa: E402

ASSESS = os.environ.get("ASSESS", str(ROOT / "build/rcontainer-assess"))
GVISOR = shutil.which("runsc") or str(ROOT / "build/gvisor/usr/bin/runsc")
OURS = os.environ.get("RUNTIME", str(ROOT / "build/rcontainer"))
PROBES = ROOT / "Assess/Probes"
LEAST = {"runtime": 14, "kernel": 20, "namespaces": 12, "leaks": 10, "neighbours": 8, "exhaustion": 8, "egress": 6,
         "credentials": 4, "tampering": 5}
# One of each kind, and fast.
FEW = "io-uring,host-root,neighbour-signal,stranger-tcp,written-program"


def left_behind(work):
    """What an assessment of ours has not removed."""
    found = [str(p) for p in pathlib.Path(work).glob("rcontainer-assess-*")]
    found += [line for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines() if f"{work}/rcontainer-assess-" in line]
    for process in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = process.read_bytes().decode(errors="replace")
        except OSError:  # it has ended
            continue
        if f"{work}/rcontainer-assess-" in words:
            found.append(f"{process.parent.name}: {words}")
    return found


def named(number):
    """Cgroups and network namespaces of the assessment with this process id."""
    found = [os.path.join(top, name) for top, names, _ in os.walk(CGROUPS) for name in names if name.startswith(f"rca{number}-")]
    return found + [str(p) for p in pathlib.Path("/run/netns").glob(f"rca{number}-*")]


class Files(unittest.TestCase):
    def test_what_every_probe_says(self):
        count, groups, ids = 0, collections.Counter(), set()
        for path in sorted(PROBES.glob("*.json")):
            if path.name == "controls.json":
                continue
            text = path.read_text()
            probe = json.loads(text)
            with self.subTest(path.name):
                self.assertEqual(probe["id"], path.stem)
                self.assertLessEqual(len(text.splitlines()), 30)
                self.assertRegex(probe["id"], r"^[a-z0-9]+(-[a-z0-9]+)*$")
                self.assertRegex(probe["technique"], r"^T1\d{3}(\.\d{3})?$")
                self.assertRegex(probe["source"], r"^https://[^ ]+$")
                for cve in probe.get("cve", []):
                    self.assertRegex(cve, r"^CVE-\d{4}-\d{4,}$")
                self.assertGreater(len(probe["meaning"]), 30)
                self.assertNotEqual(probe["controls"]["weak"], probe["controls"]["hard"])
            count += 1
            groups[probe["group"]] += 1
            ids.add(probe["id"])
        self.assertEqual(len(ids), count)
        self.assertGreaterEqual(count, 80)
        for group, least in LEAST.items():
            self.assertGreaterEqual(groups[group], least, group)


@unittest.skipUnless(os.path.exists(ASSESS), "the assessment is not built: make assess")
class Assessed(unittest.TestCase):
    def setUp(self):
        # Beside /var/tmp, so that the assessments of others on this host are not looked at.
        self.work = tempfile.mkdtemp(prefix="rcap", dir="/var/tmp")
        os.chmod(self.work, 0o711)
        self.out = self.work + "/out"

    def tearDown(self):
        self.assertEqual(left_behind(self.work), [])
        shutil.rmtree(self.work)

    def words(self, *runtimes, probe=FEW, configuration="docker,default"):
        words = [ASSESS, "--suite", "threats", "--out", self.out, "--work", self.work]
        words += ["--probe", probe] if probe else []
        words += ["--configuration", configuration] if configuration else []
        return words + [word for runtime in runtimes for word in ("--runtime", runtime)]

    def report(self, *runtimes, **more):
        done = subprocess.run(self.words(*runtimes, **more), capture_output=True, text=True, timeout=600)
        self.assertEqual(done.returncode, 0, done.stderr[-2000:])
        return json.loads(pathlib.Path(self.out, "report.json").read_text())

    def fake(self, text):
        path = pathlib.Path(self.work, "fake")
        path.write_text("#!/bin/sh\n" + text)
        path.chmod(0o755)
        return f"fake={path}"


@unittest.skipUnless(os.geteuid() == 0, "needs root")
class TruthTable(Assessed):
    def table(self, runtime):
        if not shutil.which(runtime):
            self.skipTest(f"{runtime} is not installed")
        done = subprocess.run([ASSESS, "controls", "--runtime", runtime], capture_output=True, text=True, timeout=900)
        wrong = [line for line in done.stdout.splitlines() if line.startswith(("WRONG", "      "))]
        self.assertEqual((done.returncode, wrong), (0, []), done.stderr)
        lines = [line.split()[:2] for line in done.stdout.splitlines()]
        self.assertEqual({mark for mark, _ in lines}, {"ok", "--"})
        return {name.strip(":") for mark, name in lines if mark == "ok"}

    def test_weakened_and_hardened_containers(self):
        right = self.table("runc") | self.table("crun")
        self.assertEqual(right, {p.stem for p in PROBES.glob("*.json")} - {"controls"})


@unittest.skipUnless(os.geteuid() == 0, "needs root")
class Verdicts(Assessed):
    def test_two_runs_agree(self):
        def verdicts():
            report = self.report(f"rcontainer={OURS}", probe=None, configuration="default")
            return {f["probe"]: f["verdict"] for f in report["findings"]}
        first = verdicts()
        self.assertEqual(first, verdicts())
        self.assertNotIn("escaped", first.values())
        self.assertNotIn("inconclusive", first.values())

    def test_the_program_of_a_runtime_that_is_a_link(self):
        # Debian's /usr/bin/runc is a link to ../sbin/runc.
        os.mkdir(self.work + "/bin")
        shutil.copy(shutil.which("runc"), self.work + "/runc")
        os.symlink("../runc", self.work + "/bin/runc")
        report = self.report(f"runc={self.work}/bin/runc", probe="runtime-overwrite", configuration="docker")
        self.assertEqual([f["verdict"] for f in report["findings"]], ["contained"])

    @unittest.skipUnless(os.path.exists(GVISOR), "gVisor is not here: scripts/fetch-gvisor")
    def test_a_runtime_with_a_kernel_of_its_own(self):
        """gVisor's kernel answers what crun leaves to the host's; what is not the kernel's matter stays as open as with crun."""
        report = self.report(f"runsc={GVISOR}", "crun", configuration="docker,hostnet",
                             probe="aio,watch-instances,disk-inodes,memory-limit,process-limit,neighbour-queue,neighbour-signal,written-program,exec-user")
        subjects = {s["id"]: s for s in report["subjects"]}
        self.assertEqual([s.get("ownKernel", False) for s in (subjects["runsc/hostnet"], subjects["crun/docker"])], [True, False])
        found = {(f["subject"], f["probe"]): (f["verdict"], f["reason"]) for f in report["findings"]}
        for probe, reason in {"aio": "own kernel answers", "watch-instances": "own kernel answers", "disk-inodes": "the host has nothing of it"}.items():
            self.assertEqual(found["runsc/hostnet", probe][0], "contained", probe)
            self.assertIn(reason, found["runsc/hostnet", probe][1])
            self.assertEqual(found["crun/docker", probe][0], "exposed", probe)
        for probe in ("memory-limit", "process-limit", "neighbour-queue", "neighbour-signal"):
            self.assertEqual([found[s, probe][0] for s in ("runsc/hostnet", "crun/docker")], ["contained"] * 2, found["runsc/hostnet", probe])
        self.assertEqual([found[s, "written-program"][0] for s in ("runsc/hostnet", "crun/docker")], ["exposed"] * 2)

    def test_settings_of_the_host_stay(self):
        paths = ["/proc/sys/kernel/core_pattern", "/proc/sys/kernel/hostname", "/proc/sys/net/ipv4/ping_group_range",
                 "/sys/kernel/mm/transparent_hugepage/enabled"]
        before = [pathlib.Path(path).read_text() for path in paths]
        self.report("runc", probe="mask-link,core-pattern,host-settings,sys-writable,fresh-proc,fresh-sys,host-name-change,clock")
        self.assertEqual(before, [pathlib.Path(path).read_text() for path in paths])


@unittest.skipUnless(os.geteuid() == 0, "needs root")
class Disturbed(Assessed):
    def interrupted(self, number):
        """The assessment, ended by a signal while containers run."""
        process = subprocess.Popen(self.words("runc", "crun", probe="neighbour-signal,stranger-tcp,runtime-traced,neighbour-shm"),
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(process.kill)
        end = time.time() + 60
        while not os.path.exists(self.out + "/journal.jsonl") or len(pathlib.Path(self.out, "journal.jsonl").read_text().splitlines()) < 3:
            self.assertIsNone(process.poll())
            self.assertLess(time.time(), end)
            time.sleep(0.02)
        process.send_signal(number)
        status = process.wait(timeout=60)
        return process.pid, status

    def test_interrupt(self):
        number, status = self.interrupted(signal.SIGINT)
        self.assertEqual(status, 130)
        self.assertEqual(named(number) + left_behind(self.work), [])

    def test_kill_and_the_next_run(self):
        number, status = self.interrupted(signal.SIGKILL)
        self.assertEqual(status, -signal.SIGKILL)
        self.assertNotEqual(left_behind(self.work), [], "it was killed too late to leave anything")
        report = self.report("runc", probe="io-uring")
        self.assertEqual([f["verdict"] for f in report["findings"]], ["exposed"])
        self.assertEqual(named(number) + left_behind(self.work), [])

    def other_finishes(self, runtime, configuration="docker"):
        """What is said of a runtime that is none; another one beside it is assessed."""
        report = self.report(runtime, "runc", probe="io-uring", configuration=configuration)
        bad, good = report["subjects"]
        self.assertEqual([f["verdict"] for f in report["findings"] if f["subject"] == good["id"]], ["exposed"])
        return bad

    def reason(self, subject):
        self.assertIn("failed", json.dumps(subject["state"]))
        return json.dumps(subject["state"])

    def test_a_runtime_that_is_not_there(self):
        self.assertIn("/no/such/runtime", self.reason(self.other_finishes("gone=/no/such/runtime")))

    def test_a_runtime_that_crashes(self):
        fake = self.fake('case "$*" in *--version*) echo fake 1;; *) kill -SEGV $$;; esac\n')
        self.assertIn("create fails", self.reason(self.other_finishes(fake)))

    def test_a_runtime_that_hangs(self):
        fake = self.fake('case "$*" in *--version*) echo fake 1;; *create*) sleep 300;; esac\n')
        self.assertIn("create hangs", self.reason(self.other_finishes(fake)))

    def test_a_runtime_that_lies_about_its_state(self):
        # A runtime that works, but says of every container that it runs.
        fake = self.fake('case " $* " in *" state "*) exec runc "$@" | sed s/stopped/running/\\;s/created/running/;; *) exec runc "$@";; esac\n')
        subject = self.other_finishes(fake)
        self.assertIn("state of a created container is running", " ".join(subject["problems"]))
        self.assertIn("state of a killed container is running", " ".join(subject["problems"]))


class Ordinary(Assessed):
    @unittest.skipUnless(os.geteuid() == 0 and shutil.which("setpriv"), "needs root, to become somebody else")
    def test_without_root(self):
        os.chmod(self.work, 0o777)
        os.mkdir(self.out)
        os.chmod(self.out, 0o777)
        # Away from a build that only root can enter.
        for name in ("rcontainer-assess", "assess"):
            source = pathlib.Path(ASSESS).parent / name
            (shutil.copytree if source.is_dir() else shutil.copy)(source, pathlib.Path(self.work, name))
        words = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "env", "HOME=/nonexistent", self.work + "/rcontainer-assess"]
        words += self.words("crun", probe="io-uring,release-agent,userns-clone", configuration="")[1:]
        done = subprocess.run(words, capture_output=True, text=True, timeout=120, cwd="/")
        self.assertEqual(done.returncode, 0, done.stderr)
        report = json.loads(pathlib.Path(self.out, "report.json").read_text())
        for subject in report["subjects"]:
            own = {f["probe"]: f for f in report["findings"] if f["subject"] == subject["id"]}
            if not own:
                self.assertTrue(self.told(subject), subject)
                continue
            self.assertEqual(own["release-agent"]["verdict"], "not applicable")
            self.assertIn("root", own["release-agent"]["reason"])
            self.assertIn(own["io-uring"]["verdict"], ("contained", "exposed"))

    @staticmethod
    def told(subject):
        return re.search(r"failed.*reason.*\w{3}", json.dumps(subject["state"]))


if __name__ == "__main__":
    unittest.main()
