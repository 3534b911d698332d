"""What the assessment measures: the surface is the same twice, and all metrics are there, with a baseline that costs what it costs.

ASSESS names the program under test, build/rcontainer-assess by default."""
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
ASSESS = os.environ.get("ASSESS", str(ROOT / "build/rcontainer-assess"))
OURS = os.environ.get("RUNTIME", str(ROOT / "build/rcontainer"))
PEER = shutil.which("crun") or shutil.which("runc")
CONTROLLERS = pathlib.Path("/sys/fs/cgroup/cgroup.controllers")
CPUSET = os.path.isdir("/sys/fs/cgroup/cpuset") or CONTROLLERS.exists() and "cpuset" in CONTROLLERS.read_text().split()


def assess(*words, timeout):
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run([ASSESS, "--out", folder, *words], capture_output=True, text=True, timeout=timeout)
        if done.returncode:
            raise AssertionError(done.stderr)
        return json.loads(pathlib.Path(folder, "report.json").read_text())


@unittest.skipUnless(os.geteuid() == 0, "needs root")
@unittest.skipUnless(os.path.exists(ASSESS), "the assessment is not built: make assess")
@unittest.skipUnless(os.path.exists(OURS), "the runtime is not built: make")
@unittest.skipUnless(PEER, "neither crun nor runc is installed")
class Measures(unittest.TestCase):
    def surface(self):
        report = assess("--suite", "surface", "--runtime", "peer=" + PEER, "--runtime", "rcontainer=" + OURS,
                        "--configuration", "docker,unconfined,default", timeout=300)
        return {record["subject"]: {count["id"]: count for count in record["counts"]} for record in report["surface"]}

    def test_surface(self):
        first, second = self.surface(), self.surface()
        self.assertEqual(first.keys(), second.keys())
        for subject, counts in first.items():
            self.assertEqual(counts.keys(), second[subject].keys())
            for name, count in counts.items():
                with self.subTest(subject=subject, count=name):
                    again = second[subject][name]
                    if name.startswith("kernel-function"):  # what the scheduler does differs
                        self.assertAlmostEqual(count["value"], again["value"], delta=count["value"] * 0.1)
                    else:
                        self.assertEqual(count, again)
        # A filter takes calls away, and nothing else does.
        unconfined, peer = first["peer/unconfined"], first["peer/docker"]
        self.assertEqual(unconfined["syscalls"]["value"], unconfined["syscalls"]["tried"])
        self.assertIn("mount", unconfined["syscalls"]["names"])
        self.assertNotIn("mount", peer["syscalls"]["names"])
        self.assertIn("clone", peer["syscalls"]["names"])
        self.assertIn("exit_group", peer["syscalls"]["names"])
        self.assertNotIn("keyctl", peer["syscalls"]["names"])
        self.assertLess(first["rcontainer/default"]["syscalls"]["value"], peer["syscalls"]["value"])
        self.assertIn("chown", peer["capabilities"]["names"])
        self.assertEqual(peer["capabilities"]["value"], 14)
        self.assertEqual(peer["setuid-files"]["value"], 0)
        self.assertIn("/dev/null", peer["devices"]["names"])
        self.assertGreater(peer["proc-sys-readable"]["value"], 100)

    def test_performance(self):
        # The same program twice, so that the second is the baseline against itself.
        report = assess("--suite", "performance", "--configuration", "docker", "--runtime", "one=" + PEER,
                        "--runtime", "two=" + PEER, timeout=300)
        performance = report["performance"]
        self.assertEqual(performance["baseline"], "one/docker")
        self.assertIsNotNone(performance["noise"])
        results = {(result["metric"], result["subject"]): result for result in performance["results"]}
        groups = {metric["group"] for metric in performance["metrics"]}
        self.assertEqual(groups, {"start", "memory", "calls", "files", "network"})
        other = 0
        for metric in performance["metrics"]:
            with self.subTest(metric=metric["id"]):
                one, two = results[metric["id"], "one/docker"], results[metric["id"], "two/docker"]
                self.assertEqual(one["judgement"], "baseline")
                self.assertNotEqual(two["judgement"], "failed", two.get("reason"))
                self.assertGreaterEqual(min(len(one["samples"]), len(two["samples"])), 7)
                self.assertGreater(one["median"]["value"], 0)
                self.assertLessEqual(two["cost"]["low"], two["cost"]["value"])
                self.assertLessEqual(two["cost"]["value"], two["cost"]["high"])
                other += two["judgement"] in ("better", "worse")
        # By chance one in twenty; whether it is so is no matter for a test, but not the most of them.
        self.assertLess(other, len(performance["metrics"]) // 2)

    def test_failing_subject(self):
        """A runtime that starts containers until it is measured loses its own column and no other."""
        with tempfile.TemporaryDirectory() as folder:
            broken = pathlib.Path(folder, "broken")
            seen = pathlib.Path(folder, "seen")
            broken.write_text(f'''#!/bin/sh
case "$*" in *-perf-*run*|*run*-perf-*)
  while [ $# -gt 0 ]; do
    [ "$1" != --bundle ] || cat "$2/config.json" >>{seen}
    shift
  done
  echo "no more" >&2
  exit 1 ;;
esac
exec {PEER} "$@"
''')
            broken.chmod(0o755)
            report = assess("--suite", "performance", "--configuration", "docker", "--runtime", "one=" + PEER,
                            "--runtime", f"broken={broken}", timeout=300)
            pinned = self.pinned(seen.read_text())
        for result in report["performance"]["results"]:
            if result["subject"] == "broken/docker":
                self.assertEqual(result["judgement"], "failed", result["metric"])
                self.assertIn("no more", result["reason"])
            else:
                self.assertEqual(result["judgement"], "baseline", result["metric"])
        # Processes that wait for each other are kept on one processor, from outside, and all others are not.
        together = {"call-pipe", "call-futex", "call-fork", "call-unix"}
        self.assertIn(together, [names for names, _ in pinned])
        first = str(min(os.sched_getaffinity(0))) if CPUSET else None
        for names, processors in pinned:
            self.assertEqual(processors, first if names == together else None, names)

    @staticmethod
    def pinned(text):
        """Of each container that was to be started: what its bench measures, and the processors it is kept on."""
        found, decoder = [], json.JSONDecoder()
        while text := text.strip():
            config, end = decoder.raw_decode(text)
            text = text[end:]
            found.append((set(config["process"]["args"][4:]), config["linux"]["resources"].get("cpu", {}).get("cpus")))
        return found


if __name__ == "__main__":
    unittest.main()
