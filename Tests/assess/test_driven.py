"""Runtimes that engines drive: the assessment has Podman, containerd and Docker start its containers, on private directories.

ASSESS names the program under test, build/rcontainer-assess by default."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path += [str(ROOT / "Tests/engines"), str(ROOT / "Tests")]
import test_engines as engines  # noqa: E402

ASSESS = os.environ.get("ASSESS", str(ROOT / "build/rcontainer-assess"))
PROBES = {"io-uring", "packet-socket"}


@unittest.skipUnless(os.path.exists(ASSESS), "the assessment is not built: make assess")
class Driven(unittest.TestCase):
    def assessed(self, engine, runtime, **variables):
        engine.setUpClass()
        try:
            with tempfile.TemporaryDirectory() as folder:
                done = subprocess.run(
                    [ASSESS, "--suite", "threats", "--probe", ",".join(PROBES), "--runtime", runtime, "--out", folder],
                    capture_output=True, text=True, timeout=120,
                    env={**os.environ, **{name: str(value) for name, value in variables.items()}})
                self.assertEqual(done.returncode, 0, done.stderr)
                report = json.loads(pathlib.Path(folder, "report.json").read_text())
        finally:
            engine.tearDownClass()
        self.assertEqual([s["id"] for s in report["subjects"]], [runtime + "/docker"])
        self.assertNotIn("ownKernel", report["subjects"][0])
        self.assertEqual({f["probe"] for f in report["findings"]}, PROBES)
        return {f["probe"]: f["verdict"] for f in report["findings"]}

    def test_podman(self):
        verdicts = self.assessed(engines.Podman, "podman:" + engines.OURS, CONTAINERS_CONF="/dev/null")
        self.assertEqual(set(verdicts.values()), {"contained"})

    def test_containerd(self):
        engine = type("Engine", (engines.Containerd,), {})
        # ctr's own folder is not known before the engine is there.
        prepare = engine.prepare.__func__

        def prepared(cls):
            prepare(cls)
            os.environ["CONTAINERD_ADDRESS"] = str(cls.socket)
        engine.prepare = classmethod(prepared)
        self.addCleanup(os.environ.pop, "CONTAINERD_ADDRESS", None)
        self.assertEqual(set(self.assessed(engine, "containerd:" + engines.OURS).values()), {"contained"})

    def test_docker(self):
        engine = type("Engine", (engines.Docker,), {})
        prepare = engine.prepare.__func__

        def prepared(cls):
            prepare(cls)
            os.environ.update(cls.env)
        engine.prepare = classmethod(prepared)
        self.addCleanup(os.environ.pop, "DOCKER_HOST", None)
        self.assertEqual(set(self.assessed(engine, "docker:tested").values()), {"contained"})

    def test_an_engine_that_is_not_there(self):
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run([ASSESS, "--suite", "threats", "--runtime", "docker:nosuch", "--out", folder], capture_output=True,
                                  text=True, timeout=60, env={**os.environ, "DOCKER_HOST": f"unix://{folder}/none"})
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("docker:nosuch/docker", done.stderr)


if __name__ == "__main__":
    unittest.main()
