"""The arm64 program under emulation does what the program of this machine does, as far as an emulator of
one process can show it: read its arguments, write its texts, read and write files, refuse mistakes."""
import json
import os
import pathlib
import shutil
import struct
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PROGRAM = ROOT / "build/arm64/rcontainer"
NATIVE = ROOT / "build/rcontainer"
EMULATOR = shutil.which("qemu-aarch64-static")
PT_INTERP, PT_DYNAMIC, EM_AARCH64 = 3, 2, 183


def run(*words, folder=None):
    return subprocess.run([str(word) for word in words], cwd=folder, capture_output=True, text=True, timeout=60)


class Program(unittest.TestCase):
    def test_is_a_static_arm64_program(self):
        data = PROGRAM.read_bytes()
        self.assertEqual(data[:5], b"\x7fELF\x02")
        self.assertEqual(struct.unpack_from("<H", data, 18)[0], EM_AARCH64)
        (table,) = struct.unpack_from("<Q", data, 32)
        size, count = struct.unpack_from("<HH", data, 54)
        kinds = [struct.unpack_from("<I", data, table + i * size)[0] for i in range(count)]
        self.assertNotIn(PT_INTERP, kinds)
        self.assertNotIn(PT_DYNAMIC, kinds)


@unittest.skipUnless(EMULATOR, "qemu-aarch64-static is not installed")
@unittest.skipUnless(NATIVE.exists(), "there is no build/rcontainer to compare with")
class SameAsHere(unittest.TestCase):
    def both(self, *words):
        with tempfile.TemporaryDirectory() as here, tempfile.TemporaryDirectory() as there:
            native = run(NATIVE, *words, folder=here)
            arm64 = run(EMULATOR, PROGRAM, *words, folder=there)
            files = [{name: pathlib.Path(folder, name).read_text() for name in os.listdir(folder)}
                     for folder in (here, there)]
        self.assertEqual(native.returncode, arm64.returncode, arm64.stderr)
        self.assertEqual(native.stdout, arm64.stdout)
        self.assertEqual(native.stderr, arm64.stderr)
        self.assertEqual(files[0], files[1])
        return arm64, files[1]

    def test_texts(self):
        for words in (["--version"], ["--help"], ["do", "--help"], ["man"], ["completion", "bash"],
                      ["completion", "zsh"], ["completion", "fish"]):
            with self.subTest(words):
                result, _ = self.both(*words)
                self.assertEqual(result.returncode, 0)
                self.assertTrue(result.stdout)

    def test_mistakes(self):
        for words in (["crate"], ["create"], ["create", "--bundel", "/x", "y"], ["exec", "-u", "root", "c", "id"],
                      ["completion", "tcsh"], ["state", "/"]):
            with self.subTest(words):
                result, _ = self.both(*words)
                self.assertNotEqual(result.returncode, 0)
                self.assertEqual(len(result.stderr.splitlines()), 1)

    def test_writes_a_configuration(self):
        _, files = self.both("spec")
        self.assertEqual(json.loads(files["config.json"])["root"]["path"], "rootfs")

    def test_reads_a_document(self):
        """By `state`: the verbs that read configurations execute themselves first, by execveat(2) of a descriptor,
        which the emulator lacks."""
        with tempfile.TemporaryDirectory() as root:
            pathlib.Path(root, "x").mkdir()
            pathlib.Path(root, "x/state.json").write_text('{"id": "x",\n "pid": [}')
            result, _ = self.both("--root", root, "state", "x")
        self.assertNotEqual(result.returncode, 0)
        self.assertIn("state.json:2:9: pid: expected an integer, found an array", result.stderr)

    def test_features(self):
        result = run(EMULATOR, PROGRAM, "features")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("SCMP_ARCH_AARCH64", json.loads(result.stdout)["linux"]["seccomp"]["archs"])


if __name__ == "__main__":
    unittest.main()
