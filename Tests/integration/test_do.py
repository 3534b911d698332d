"""`rcontainer do`: mounts, what a command changed, what it used, and kernels that lack something."""
import json
import os
import pathlib
import shutil
import stat
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from support import RUNTIME, Case, OrdinaryUser, needs_root, ours_only, run, without_calls  # noqa: E402

# Numbers of x86-64 and arm64.
NUMBERS = {"x86_64": {"seccomp": 317, "mount_setattr": 442, "prctl": 157, "openat2": 437, "ptrace": 101, "bpf": 321},
           "aarch64": {"seccomp": 277, "mount_setattr": 442, "prctl": 167, "openat2": 437, "ptrace": 117, "bpf": 280}}[os.uname().machine]


class DoCase(Case):
    def do(self, *words, **more):
        return self.call("do", *words, **more)

    def changes(self, script, *options, root=None):
        """What `--json --diff` says of a script, as {path: (kind, type, size)}; and the whole result."""
        words = ["--root", root] if root else []
        done = self.do("--json", "--diff", *words, *options, "--", "sh", "-c", script)
        self.assertTrue(done.stdout, done.stderr)
        result = json.loads(done.stdout)
        return {c["path"]: (c["kind"], c["type"], c["size"]) for c in result["filesChanged"]}, result


@ours_only
class Mounts(DoCase):
    def test_bind_writable_and_read_only(self):
        (self.folder / "a").mkdir()
        (self.folder / "a/file").write_text("there\n")
        spec = f"type=bind,source={self.folder}/a,target=/data/in/a"
        done = self.do("--mount", spec, "--", "sh", "-c", "cat /data/in/a/file; echo new >/data/in/a/new")
        self.assertEqual((done.stdout, done.returncode), ("there\n", 0), done.stderr)
        self.assertEqual((self.folder / "a/new").read_text(), "new\n")
        for word in ("ro", "readonly", "readonly=true"):
            done = self.do("--mount", f"{spec},{word}", "--", "sh", "-c", "cat /data/in/a/file; echo new >/data/in/a/no")
            self.assertIn("there", done.stdout)
            self.assertIn("ead-only", done.stderr)
        self.assertFalse((self.folder / "a/no").exists())

    def test_tmpfs_with_a_size(self):
        done = self.do("--mount", "type=tmpfs,dst=/data/t,size=1m", "--", "sh", "-c", "df -k /data/t | tail -1; head -c 2000000 /dev/zero >/data/t/x")
        self.assertEqual(done.stdout.split()[1], "1024")
        self.assertIn("No space", done.stderr)

    def test_mistakes_are_one_line(self):
        for spec, text in (("type=bind,src=/no/such/place,dst=/x", "/no/such/place"), ("type=bind,dst=/x", "src is missing"),
                           ("type=tmpfs,dst=x", "absolute"), ("type=nfs,dst=/x,src=/", "bind or tmpfs"), ("bad", "unknown")):
            done = self.do("--mount", spec, "--", "true")
            self.assertEqual((done.returncode, len(done.stderr.splitlines())), (255, 1), done.stderr)
            self.assertIn(text, done.stderr)

    def test_nothing_over_proc(self):
        done = self.do("--mount", "type=tmpfs,dst=/proc/sys", "--", "true")
        self.assertEqual(done.returncode, 255)
        self.assertIn("not allowed over or inside /proc", done.stderr)


@ours_only
class Changes(DoCase):
    def setUp(self):
        super().setUp()
        self.rootfs = self.bundle / "rootfs"
        for name in ("keep", "data/old", "data/gone/below"):
            (self.rootfs / name).mkdir(parents=True)
        for name in ("data/same", "data/edit", "data/rm", "data/old/x", "data/old/y", "data/gone/below/z"):
            (self.rootfs / name).write_text("old\n")
        (self.rootfs / "data/link").symlink_to("same")

    SCRIPT = ("echo more >>/data/edit; rm /data/rm; rm -r /data/gone; rm -r /data/old; mkdir /data/old; echo new >/data/old/x; "
              "mkdir -p /data/n/m; echo 12345 >/data/n/m/f; ln -sf other /data/link; cat /data/same; : >>/data/same; "
              "mkdir /top; echo t >/top/t; rm /bin/nc; chmod 700 /keep; echo no >/tmp/tmp; cat </data/edit >/dev/null")

    def check(self, found):
        self.assertEqual(found, {
            "/data/edit": ("modified", "file", 9), "/data/rm": ("deleted", "file", 4), "/data/gone": ("deleted", "directory", 0),
            "/data/old/x": ("modified", "file", 4), "/data/old/y": ("deleted", "file", 4), "/data/n": ("added", "directory", 0),
            "/data/n/m": ("added", "directory", 0), "/data/n/m/f": ("added", "file", 6), "/data/link": ("modified", "link", 0),
            "/top": ("added", "directory", 0), "/top/t": ("added", "file", 2), "/bin/nc": ("deleted", "link", 0),
            "/keep": ("modified", "directory", 0)})

    def test_added_modified_deleted(self):
        found, _ = self.changes(self.SCRIPT, root=self.rootfs)
        # A file that was opened for writing and not written is none.
        self.check(found)
        self.assertEqual((self.rootfs / "data/edit").read_text(), "old\n")

    def test_nothing(self):
        self.assertEqual(self.changes("cat /data/*; ls /", root=self.rootfs)[0], {})
        self.assertEqual(self.changes("true")[0], {})

    def test_what_the_runtime_makes_is_not_the_commands(self):
        found, _ = self.changes("echo x >/made/near", "--mount", "type=tmpfs,dst=/made/a/b", "--cwd", "/made/c", root=self.rootfs)
        self.assertEqual(found, {"/made/near": ("added", "file", 2)})

    def test_lines_on_standard_error(self):
        done = self.do("--root", self.rootfs, "--diff", "--", "sh", "-c", "echo out; echo x >/data/edit; rm /data/rm; mkdir /data/d")
        self.assertEqual(done.stdout, "out\n")
        self.assertEqual(done.stderr, "A /data/d\nM /data/edit\nD /data/rm\n")

    def test_exit_status_is_the_commands(self):
        self.assertEqual(self.do("--diff", "--", "sh", "-c", "exit 7").returncode, 7)

    def test_kept(self):
        kept = self.folder / "kept"
        script = self.SCRIPT + "; chmod 6755 /data/n/m/f; mkfifo /data/pipe; ln /data/n/m/f /data/n/again; mkdir -m 0 /data/locked; truncate -s 100G /data/holes; ln -s /etc/shadow /data/out"
        done = self.do("--root", self.rootfs, "--keep-changes", kept, "--", "/bin/busybox", "sh", "-c", script)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stderr, f"rcontainer: 1 changed files were left out; {kept}/changes.jsonl says why\n")
        files = kept / "files"
        self.assertEqual((files / "data/edit").read_text(), "old\nmore\n")
        self.assertEqual((files / "data/n/m/f").read_text(), "12345\n")
        self.assertEqual(stat.S_IMODE((files / "data/n/m/f").stat().st_mode), 0o755, "set-user-ID stays behind")
        self.assertEqual((files / "data/n/m/f").stat().st_ino, (files / "data/n/again").stat().st_ino)
        self.assertEqual(os.readlink(files / "data/out"), "/etc/shadow")
        self.assertEqual(stat.S_IMODE((files / "data/locked").stat().st_mode), 0)
        self.assertEqual((files / "data/holes").stat().st_size, 100 << 30)
        self.assertLess((files / "data/holes").stat().st_blocks, 100)
        self.assertFalse((files / "data/same").exists() or (files / "data/rm").exists() or (files / "data/pipe").exists())
        self.assertFalse((files / "bin").exists(), "only what changed")
        lines = [json.loads(line) for line in (kept / "changes.jsonl").read_text().splitlines()]
        self.assertEqual({l["path"] for l in lines if l["kind"] == "deleted"}, {"/data/rm", "/data/gone", "/data/old/y", "/bin/nc"})
        self.assertEqual([(l["path"], l["leftOut"]) for l in lines if "leftOut" in l], [("/data/pipe", "it is a pipe")])
        self.assertEqual(stat.S_IMODE(kept.stat().st_mode), 0o700)

    def test_the_directory_has_to_be_new(self):
        done = self.do("--keep-changes", self.folder, "--", "touch", "/tmp/x")
        self.assertEqual((done.returncode, len(done.stderr.splitlines())), (255, 1))
        self.assertIn("not there yet", done.stderr)
        done = self.do("--keep-changes", self.folder / "new", "--", "no-such-command")
        self.assertEqual(done.returncode, 255)
        self.assertFalse((self.folder / "new").exists(), "left behind though nothing ran")

    @needs_root
    def test_an_ordinary_user(self):
        user = OrdinaryUser()
        self.addCleanup(user.remove)
        os.chown(self.rootfs, user.uid, user.gid)
        for folder, names, files in os.walk(self.rootfs):
            for name in names + files:
                os.lchown(os.path.join(folder, name), user.uid, user.gid)
        out = self.folder / "out"
        out.mkdir()
        os.chown(out, user.uid, user.gid)
        words = ["setpriv", "--reuid", user.uid, "--regid", user.gid, "--clear-groups", RUNTIME, "--root", out / "state", "do",
                 "--root", self.rootfs, "--json", "--diff", "--keep-changes", out / "kept", "--", "/bin/busybox", "sh", "-c"]
        done = run(*words, self.SCRIPT + "; echo l >/data/n/locked; chmod 0 /data/n/locked; mkdir /data/n/dir; echo i >/data/n/dir/in; chmod 0 /data/n/dir")
        self.assertTrue(done.stdout, done.stderr)
        found = {c["path"]: (c["kind"], c["type"], c["size"]) for c in json.loads(done.stdout)["filesChanged"]}
        for path, what in (("/data/n/locked", ("added", "file", 2)), ("/data/n/dir", ("added", "directory", 0)), ("/data/n/dir/in", ("added", "file", 2))):
            self.assertEqual(found.pop(path), what)
        self.check(found)
        self.assertEqual((out / "kept/files/data/n/locked").read_text(), "l\n")
        self.assertEqual((out / "kept/files/data/n/locked").stat().st_uid, user.uid)


@ours_only
class Resources(DoCase):
    def test_time_of_all_processes(self):
        script = "end=$(($(date +%s%N) / 1000000 + 500)); while [ $(($(date +%s%N) / 1000000)) -lt $end ]; do :; done"
        found = json.loads(self.do("--json", "--", "sh", "-c", f"({script}) & ({script}) & wait").stdout)["resources"]
        self.assertGreater(found["userMilliseconds"] + found["systemMilliseconds"], 200)
        self.assertEqual(found["memoryPeakOf"], "largestProcess")
        idle = json.loads(self.do("--json", "--", "sleep", "0.5").stdout)["resources"]
        self.assertLess(idle["userMilliseconds"] + idle["systemMilliseconds"], 200)

    def test_background_processes_count_too(self):
        script = "import os,time\nif os.fork()==0:\n while True: pass\ntime.sleep(1)"
        found = json.loads(self.do("--json", "--", "/usr/bin/python3", "-c", script).stdout)["resources"]
        self.assertGreater(found["userMilliseconds"] + found["systemMilliseconds"], 300)

    def test_memory(self):
        script = "import os,time\nx=bytearray(60<<20)\nif os.fork()==0:\n y=bytearray(60<<20)\n time.sleep(0.5)\nelse: os.wait()"
        one = json.loads(self.do("--json", "--", "/usr/bin/python3", "-c", script).stdout)["resources"]
        self.assertGreater(one["memoryPeakBytes"], 60 << 20)
        if os.geteuid() == 0:
            both = json.loads(self.do("--json", "--memory", "1g", "--", "/usr/bin/python3", "-c", script).stdout)["resources"]
            self.assertEqual(both["memoryPeakOf"], "all")
            self.assertGreater(both["memoryPeakBytes"], 115 << 20)

    @needs_root
    def test_processes_and_threads(self):
        def peak(script, *options):
            return json.loads(self.do("--json", *options, "--", "sh", "-c", script).stdout)["resources"].get("tasksPeak")
        if next(pathlib.Path("/sys/fs/cgroup").glob("**/pids.peak"), None) is None:
            self.skipTest("the kernel tells no peak")
        self.assertEqual(peak("for i in 1 2 3 4 5; do sleep 0.5 & done; wait", "--pids", "50"), 6)
        self.assertEqual(peak("sleep 0.1; sleep 0.1; sleep 0.1", "--memory", "64m"), 2)
        self.assertIsNone(peak("true"), "nobody counted")


@ours_only
class Kernels(DoCase):
    """Kernels without something are faked by a filter that answers ENOSYS."""

    def test_all_that_is_missing_in_one_line(self):
        self.assertEqual(self.do("--require", "user-namespaces,openat2", "--", "true").returncode, 0)
        done = self.do("--require", "openat2,mount-attributes,user-notification,mount-api", "--", "touch", "/tmp/ran",
                       preexec_fn=without_calls(NUMBERS["openat2"], NUMBERS["mount_setattr"], NUMBERS["seccomp"]))
        self.assertEqual((done.returncode, len(done.stderr.splitlines())), (255, 1))
        self.assertIn("lacks mount-attributes, openat2, user-notification (", done.stderr)
        self.assertNotIn("mount-api", done.stderr)

    def test_all(self):
        done = self.do("--require", "all", "--", "true", preexec_fn=without_calls(NUMBERS["prctl"]))
        self.assertEqual(done.returncode, 255)
        self.assertIn("mdwe", done.stderr)

    def test_a_feature_that_is_none(self):
        done = self.do("--require", "warp", "--", "true")
        self.assertEqual((done.returncode, len(done.stderr.splitlines())), (255, 1))
        self.assertIn("user-notification", done.stderr)

    def test_check_says_what_holds(self):
        def missing(**more):
            done = self.call("features", "--check", **more)
            rows = [line.split(None, 2) for line in done.stdout.splitlines()]
            self.assertTrue(all(len(row) == 3 and row[2].startswith("without (Linux ") for row in rows), done.stdout)
            found = {row[0] for row in rows if row[1] == "missing"}
            self.assertEqual(done.returncode, 1 if found else 0)
            return found
        here = missing()
        without = missing(preexec_fn=without_calls(NUMBERS["seccomp"]))
        self.assertEqual(without - here, {"seccomp-filter", "user-notification", "killable-notification"} - here)

    def missing(self, *before, **more):
        done = run(*before, RUNTIME, "features", "--check", **more)
        return {line.split()[0] for line in done.stdout.splitlines() if line.split()[1] == "missing"}

    @needs_root
    def test_own_files_programs_on_cgroups_watching_landlock(self):
        """Each is tried: what takes it away is noticed, and what the line says of that holds."""
        self.assertEqual(self.missing() & {"own-files", "egress-programs", "exec-judging", "landlock"}, set())
        without = without_calls(NUMBERS["ptrace"])
        self.assertEqual(self.missing(preexec_fn=without), {"exec-judging"})
        self.assertNotEqual(self.do("--policy", "strict", "--", "true", preexec_fn=without).returncode, 0)
        self.assertEqual(self.do("--", "true", preexec_fn=without).returncode, 0)
        without = without_calls(444)
        self.assertEqual(self.missing(preexec_fn=without), {"landlock"})
        self.assertIn("deniedCalls", self.do("--json", "--", "true", preexec_fn=without).stdout)
        without = without_calls(NUMBERS["bpf"])
        self.assertEqual(self.missing(preexec_fn=without), {"egress-programs"})
        config = self.example("true")
        config["annotations"] = {"org.rcontainer.egress": "none"}
        self.write(config)
        done = self.call("run", "--bundle", self.bundle, self.id, preexec_fn=without)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("org.rcontainer.egress", done.stderr)
        hidden = ("unshare", "--mount", "sh", "-c",
                  'mount -t tmpfs none /mnt && mknod /mnt/fuse c 1 3 && mount --bind /mnt/fuse /dev/fuse && exec "$@"', "sh")
        self.assertEqual(self.missing(*hidden), {"own-files"})
        done = run(*hidden, RUNTIME, "do", "--require", "own-files", "--", "true")
        self.assertEqual((done.returncode, len(done.stderr.splitlines())), (255, 1))

    @needs_root
    def test_an_ordinary_user_is_not_told_what_only_root_uses(self):
        user = OrdinaryUser()
        self.addCleanup(user.remove)
        state = f"/tmp/rct-features-{user.uid}"
        done = run("setpriv", "--reuid", user.uid, "--regid", user.gid, "--clear-groups", RUNTIME, "--root", state, "features", "--check")
        run("rm", "-rf", state)
        names = {line.split()[0] for line in done.stdout.splitlines()}
        self.assertIn("landlock", names)
        self.assertNotIn("egress-programs", names)

    def test_what_is_there_is_what_works(self):
        # The table is no better than its probes: try what they stand for.
        rows = {line.split()[0]: line.split()[1] for line in self.call("features", "--check").stdout.splitlines()}
        found, _ = self.changes("echo x >/etc/new; rm -r /data; mkdir /data", root=self.layers_root())
        self.assertEqual("/etc/new" in found, rows["overlay-in-user-namespaces"] == "yes")
        self.assertEqual("/data/y" in found, rows["tmpfs-attributes"] == "yes")

    def layers_root(self):
        root = self.bundle / "rootfs"
        (root / "data").mkdir()
        (root / "data/y").write_text("")
        return root


if __name__ == "__main__":
    unittest.main()
