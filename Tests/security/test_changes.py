"""What a sandboxed command leaves in its layers for who reads them afterwards, and who may use a pool. Each attack has a control
in which it succeeds against a reader, or a server, that is less careful."""
import json
import os
import pathlib
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from support import RUNTIME, Case, OrdinaryUser, needs_root, ours_only, run  # noqa: E402

PYTHON = "/usr/bin/python3"


class Hostile(Case):
    def setUp(self):
        super().setUp()
        (self.bundle / "rootfs/data/dir").mkdir(parents=True)
        (self.bundle / "rootfs/data/dir/file").write_text("public\n")
        self.kept = self.folder / "kept"

    def attack(self, script, *options, **more):
        """Runs a shell in a sandbox whose root is the bundle's, and reads what it changed."""
        done = self.call("do", "--root", self.bundle / "rootfs", "--json", "--diff", "--keep-changes", self.kept, *options, "--",
                         "/bin/busybox", "sh", "-c", script, **more)
        self.assertTrue(done.stdout, done.stderr)
        self.done = done
        return json.loads(done.stdout)

    def python(self, script, **more):
        """The same with the host's programs, below /srv."""
        done = self.call("do", "--json", "--diff", "--keep-changes", self.kept, "--", PYTHON, "-c", script, **more)
        self.assertTrue(done.stdout, done.stderr)
        return json.loads(done.stdout)


@ours_only
class Layers(Hostile):
    def test_links_are_not_followed(self):
        secret = self.folder / "secret"
        secret.mkdir()
        (secret / "file").write_text("the key\n")
        found = self.attack(f"rm -r /data/dir; ln -s {secret} /data/dir; ln -s {secret}/file /data/key; mkdir /data/up; ln -s ../../../../../../../..{secret} /data/up/up")
        self.assertTrue(all(c["type"] != "file" or c["kind"] == "deleted" for c in found["filesChanged"]), found["filesChanged"])
        copies = [p for p in self.kept.rglob("*") if p.is_file() and not p.is_symlink() and p.name != "changes.jsonl"]
        self.assertEqual(copies, [])
        self.assertEqual(os.readlink(self.kept / "files/data/dir"), str(secret))
        # Control: who follows has the key in the copy.
        shutil.copytree(self.kept / "files", self.folder / "naive", symlinks=False)
        self.assertEqual((self.folder / "naive/data/key").read_text(), "the key\n")

    def test_names_that_write_to_the_terminal(self):
        script = r"cd /data; : >$(printf 'a\033[2J\033]0;owned\007'); : >$(printf 'b\nA shadow'); : >$(printf 'c\302\233m'); : >$(printf 'd\377'); : >$(printf 'e\342\200\256gpj.exe')"
        done = self.call("do", "--root", self.bundle / "rootfs", "--diff", "--", "/bin/busybox", "sh", "-c", script.replace("$(", '"$(').replace("')", "')\""))
        self.assertEqual(done.stderr.splitlines(), [
            r"A /data/a\x1b[2J\x1b]0;owned\x07", r"A /data/b\nA shadow", r"A /data/c\x9bm", r"A /data/d\xff", r"A /data/e\u{202e}gpj.exe"])
        # Control: the names as they are hold what a terminal obeys.
        self.attack(script.replace("$(", '"$(').replace("')", "')\""))
        names = b" ".join(os.listdir(bytes(self.kept / "files/data")))
        self.assertTrue(b"\x1b[2J" in names and b"\n" in names)
        lines = (self.kept / "changes.jsonl").read_text().splitlines()
        self.assertEqual(len(lines), 5)
        self.assertEqual({bytes.fromhex(json.loads(l)["pathHex"]) for l in lines if "pathHex" in l}, {b"/data/d\xff"})

    def test_pipes_and_sockets_do_not_stop_the_reader(self):
        start = time.time()
        found = self.attack("mkfifo /data/pipe; rm /data/dir/file; mkfifo /data/dir/file")
        self.assertLess(time.time() - start, 20)
        self.assertEqual({c["path"]: c["leftOut"] for c in found["filesChanged"]}, {"/data/pipe": "it is a pipe", "/data/dir/file": "it is a pipe"})
        # Control: who opens one waits for ever.
        os.mkfifo(self.folder / "pipe")
        with self.assertRaises(subprocess.TimeoutExpired):
            run("cat", self.folder / "pipe", timeout=1)

    def test_rights_stay_behind(self):
        self.attack("cp /bin/busybox /data/shell; chmod 6755 /data/shell; mkdir /data/sticky; chmod 3777 /data/sticky")
        mode = stat.S_IMODE((self.kept / "files/data/shell").stat().st_mode)
        self.assertEqual(mode, 0o755)
        self.assertEqual(stat.S_IMODE((self.kept / "files/data/sticky").stat().st_mode), 0o777)
        # Control: a copy that keeps modes is set-user-ID of who copies.
        (self.folder / "as-it-was").write_bytes((self.kept / "files/data/shell").read_bytes())
        os.chmod(self.folder / "as-it-was", 0o6755)
        run("cp", "-p", self.folder / "as-it-was", self.folder / "naive")
        self.assertEqual(stat.S_IMODE((self.folder / "naive").stat().st_mode), 0o6755)

    def test_many_names_of_one_file_are_one_file(self):
        self.attack("head -c 4000000 /dev/zero | tr '\\0' x >/data/f; i=0; while [ $i -lt 300 ]; do ln /data/f /data/l$i; i=$((i+1)); done")
        real = int(run("du", "-sk", self.kept).stdout.split()[0])
        self.assertLess(real, 10_000)
        self.assertEqual((self.kept / "files/data/l299").read_bytes()[:3], b"xxx")
        # Control: counted name by name it is more than a gigabyte.
        self.assertGreater(int(run("du", "-sk", "--count-links", self.kept).stdout.split()[0]), 1_000_000)

    def test_holes_are_not_written(self):
        found = self.attack("truncate -s 4096G /data/f; echo end >>/data/f", timeout=60)
        self.assertEqual(found["filesChanged"][0]["size"], (4 << 40) + 4)
        self.assertLess((self.kept / "files/data/f").stat().st_blocks, 100)
        # Control: a copy that reads all is not done in ten seconds.
        with self.assertRaises(subprocess.TimeoutExpired):
            run("dd", f"if={self.kept}/files/data/f", "of=/dev/null", "bs=64k", timeout=10)

    def test_more_files_than_a_list_holds(self):
        script = "import os\nfor a in range(100):\n os.mkdir(f'/srv/d{a}')\n for b in range(800): os.close(os.open(f'/srv/d{a}/'+str(b)+'n'*200, os.O_CREAT|os.O_WRONLY))"
        done = self.call("do", "--json", "--diff", "--", "/usr/bin/python3", "-c", script, timeout=120)
        found = json.loads(done.stdout)
        self.assertTrue(found["filesChangedTruncated"])
        self.assertLessEqual(len(found["filesChanged"]), 65536)
        size = sum(len(c["path"]) for c in found["filesChanged"])
        self.assertLessEqual(size, 16 << 20)
        # Control: all there were are more.
        self.assertGreater(100 * 800 * 200 + 80_000, 16 << 20 if len(found["filesChanged"]) < 65536 else 0)

    def test_a_tree_that_is_too_deep(self):
        found = self.python("import os\nos.chdir('/srv')\nfor n in range(3000):\n os.mkdir('d' * 200)\n os.chdir('d' * 200)\nopen('deep', 'w').write('x')")
        left = [c for c in found["filesChanged"] if "leftOut" in c]
        self.assertEqual([c["leftOut"] for c in left], ["it lies too deep"])
        # Control: its whole path is no path.
        with self.assertRaises(OSError):
            os.stat("/srv" + ("/" + "d" * 200) * 3000)
        run("rm", "-rf", self.kept)


@ours_only
@needs_root
class Pools(Case):
    def setUp(self):
        super().setUp()
        self.user = OrdinaryUser()
        self.socket = self.folder / "socket"

    def tearDown(self):
        if hasattr(self, "process"):
            self.process.terminate()
            self.process.wait(timeout=20)
        self.user.remove()
        super().tearDown()

    def pool(self, *options):
        self.process = subprocess.Popen([RUNTIME, "--root", self.state, "pool", "--size", "2", "--socket", self.socket, *options])
        for _ in range(300):
            if run(RUNTIME, "do", "--pool", self.socket, "--", "true").returncode == 0:
                return
            time.sleep(0.05)
        self.fail("no pool")

    def as_user(self, *words, **more):
        return run("setpriv", "--reuid", self.user.uid, "--regid", self.user.gid, "--clear-groups", *words, **more)

    def test_another_user_gets_nothing(self):
        self.pool()
        self.assertEqual(stat.S_IMODE(self.socket.stat().st_mode), 0o600)
        claim = [RUNTIME, "do", "--pool", self.socket, "--", "touch", "/tmp/x"]
        self.assertEqual(self.as_user(*claim).returncode, 255)
        # Even if somebody opened the door: the client leaves before, and another client is refused.
        os.chmod(self.socket, 0o666)
        self.assertIn("another user's", self.as_user(*claim).stderr)
        script = "import socket,sys\ns=socket.socket(socket.AF_UNIX,socket.SOCK_SEQPACKET)\ns.connect(sys.argv[1])\ns.settimeout(5)\nprint(s.recv(4096))"
        self.assertIn("another user", self.as_user(PYTHON, "-c", script, self.socket).stdout)
        # Control: its owner is served.
        self.assertEqual(run(*claim).returncode, 0)

    def test_input_is_not_given_to_another_users_server(self):
        # A server in a place where everybody may make files, which waits for commands and their secrets.
        script = ("import socket,sys,os\ns=socket.socket(socket.AF_UNIX,socket.SOCK_SEQPACKET)\ns.bind(sys.argv[1])\nos.chmod(sys.argv[1],0o666)\ns.listen()\n"
                  "print('up',flush=True)\nwhile True:\n c,_=s.accept()\n m,fds,_,_=socket.recv_fds(c,4096,8)\n print(len(fds),flush=True)\n c.close()")
        os.chmod(self.folder, 0o777)
        server = subprocess.Popen(["setpriv", "--reuid", str(self.user.uid), "--regid", str(self.user.gid), "--clear-groups", PYTHON, "-c", script, self.socket],
                                  stdout=subprocess.PIPE, text=True)
        try:
            self.assertEqual(server.stdout.readline(), "up\n")
            done = run(RUNTIME, "do", "--pool", self.socket, "--", "cat", input="secret")
            self.assertEqual(done.returncode, 255)
            self.assertIn("another user's", done.stderr)
            self.assertEqual(server.stdout.readline(), "0\n")
            # Control: a client that does not look hands its descriptors over.
            with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as client:
                client.connect(str(self.socket))
                socket.send_fds(client, [b"\x01\x00"], [0, 1, 2])
                self.assertEqual(server.stdout.readline(), "3\n")
        finally:
            server.kill()
            server.wait()
            server.stdout.close()
            os.chmod(self.folder, 0o755)

    def test_a_sandbox_has_no_descriptors_of_the_pool(self):
        self.pool()
        script = ("import os\nfor p in filter(str.isdigit, os.listdir('/proc')):\n try:\n  for n in os.listdir(f'/proc/{p}/fd'):\n"
                  "   if int(n) > 2: print(os.readlink(f'/proc/{p}/fd/{n}'))\n except OSError: pass")
        done = run(RUNTIME, "do", "--pool", self.socket, "--", PYTHON, "-c", script)
        self.assertEqual((done.stdout, done.stderr), ("", ""))
        # Control: what the pool itself has is seen like this.
        folder = f"/proc/{self.process.pid}/fd"
        found = [os.readlink(f"{folder}/{n}") for n in os.listdir(folder)]
        self.assertTrue(any(link.startswith("socket:") for link in found), found)

    def test_a_client_that_says_nonsense(self):
        self.pool()
        for messages in ([b"\x07"], [b"\x01"], [b"\x01\x00"], [b"\x01\x04"], [b""], [b"\x02" + b"9\0"], [b"\x01" * 60000], [os.urandom(500)]):
            with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as client:
                client.connect(str(self.socket))
                for message in messages:
                    client.send(message)
        # Descriptors that are no streams, a claim that is none: an error, and the pool goes on.
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as client, tempfile.TemporaryFile() as claim:
            for content in (b"", b"\0", b"/\0" b"1\0" b"99\0" b"true\0", b"x" * 100000, b"relative\0" b"0\0" b"1\0" b"true\0"):
                with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as client:
                    claim.seek(0)
                    claim.truncate()
                    claim.write(content)
                    claim.flush()
                    client.connect(str(self.socket))
                    socket.send_fds(client, [b"\x01\x00"], [0, 1, 2, claim.fileno()])
                    client.settimeout(10)
                    self.assertIn(b"not understood", client.recv(4096))
        # Connected, and silent: others are served.
        silent = [socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) for _ in range(20)]
        for one in silent:
            one.connect(str(self.socket))
        self.assertEqual(run(RUNTIME, "do", "--pool", self.socket, "--", "true", timeout=20).returncode, 0)
        for one in silent:
            one.close()
        # Control: what is said right is done.
        self.assertEqual(run(RUNTIME, "do", "--pool", self.socket, "--", "echo", "x").stdout, "x\n")


if __name__ == "__main__":
    unittest.main()
