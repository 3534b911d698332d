"""Attacks that must fail. Each has a control that shows that the attack works where nothing defends."""
import contextlib
import json
import os
import pathlib
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from support import *  # noqa: E402,F403


@needs_root
class PathAttacks(Case):
    """CVE-2021-30465, CVE-2024-45310, CVE-2026-41579, CVE-2026-47766: links of the image must not lead set-up outside."""

    def outside(self):
        folder = self.folder / "outside"
        folder.mkdir()
        return folder

    def test_mount_destination_through_a_link(self):
        outside = self.outside()
        (self.bundle / "rootfs/escape").symlink_to(outside)
        config = self.example("sh", "-c", "cat /proc/self/mountinfo")
        config["mounts"].append({"destination": "/escape/made/here", "type": "tmpfs", "source": "tmpfs"})
        self.run_container(config)
        self.assertEqual(list(outside.iterdir()), [], "a directory was made outside of the root")
        # Control: who resolves the path in the host's root ends outside.
        os.makedirs(str(self.bundle / "rootfs") + "/escape/made/here")
        self.assertEqual([p.name for p in outside.iterdir()], ["made"])

    def test_bind_file_destination_through_a_link(self):
        outside = self.outside()
        (self.bundle / "rootfs/etc/target").symlink_to(str(outside) + "/created")
        config = self.example("true")
        config["mounts"].append({"destination": "/etc/target", "type": "bind", "source": "/etc/hostname", "options": ["bind"]})
        self.run_container(config)
        self.assertFalse((outside / "created").exists(), "an empty file was made on the host")
        open(str(self.bundle / "rootfs/etc/target"), "w").close()  # control
        self.assertTrue((outside / "created").exists())

    def test_dev_is_a_link(self):
        outside = self.outside()
        (self.bundle / "rootfs/dev").rmdir()
        (self.bundle / "rootfs/dev").symlink_to(outside)
        config = self.example("true")
        config["mounts"] = [m for m in config["mounts"] if not m["destination"].startswith("/dev")]
        self.run_container(config)
        self.assertEqual(list(outside.iterdir()), [], "devices were made on the host")
        os.mkfifo(str(self.bundle / "rootfs/dev") + "/null")  # control
        self.assertEqual([p.name for p in outside.iterdir()], ["null"])

    def test_link_swapped_while_mounting(self):
        outside = self.outside()
        swapped = self.bundle / "rootfs/swap"
        stop = threading.Event()

        def swap():
            while not stop.is_set():
                for make in (lambda: swapped.mkdir(), lambda: swapped.symlink_to(outside)):
                    try:
                        if swapped.is_symlink():
                            swapped.unlink()
                        elif swapped.exists():
                            swapped.rmdir()
                        make()
                    except OSError:
                        pass
        thread = threading.Thread(target=swap)
        thread.start()
        try:
            config = self.example("true")
            config["mounts"].append({"destination": "/swap/x", "type": "tmpfs", "source": "t"})
            for _ in range(30):
                self.run_container(config)
        finally:
            stop.set()
            thread.join()
        self.assertEqual(list(outside.iterdir()), [])

    def test_masked_path_source_cannot_be_replaced(self):
        """CVE-2025-31133: /dev/null of the image as a link to what should be hidden."""
        (self.bundle / "rootfs/secret").write_text("hidden")
        (self.bundle / "rootfs/bait").write_text("bait")
        (self.bundle / "rootfs/dev/null").symlink_to("/bait")
        config = self.example("sh", "-c", "cat /secret; echo end")
        config["mounts"] = [m for m in config["mounts"] if m["destination"] != "/dev"]
        config["linux"]["maskedPaths"] = ["/secret"]
        result = self.run_container(config)
        self.assertNotIn("hidden", result.stdout)
        self.assertNotIn("bait", result.stdout)
        del config["linux"]["maskedPaths"]  # control
        self.assertIn("hidden", self.run_container(config).stdout)

    def swapping(self, *states):
        """Runs states over and over in a thread, as another container with the same volume would; for `with`."""
        @contextlib.contextmanager
        def context():
            stop = threading.Event()

            def loop():
                while not stop.is_set():
                    for state in states:
                        try:
                            state()
                        except OSError:
                            pass
            thread = threading.Thread(target=loop)
            thread.start()
            try:
                yield
            finally:
                stop.set()
                thread.join()
        return context()

    def test_console_peer_cannot_be_replaced(self):
        """CVE-2025-52565: another container with the same /dev swaps /dev/pts, so that /dev/pts/0 names something
        else while the console is mounted. The peer is opened from its master and mounted by descriptor."""
        shared, bait = self.folder / "shared", self.bundle / "rootfs/bait"
        bait.write_text("bait")
        for name in ("pts", "fake"):
            (shared / name).mkdir(parents=True)
        for number in range(4):
            (shared / f"fake/{number}").symlink_to("/bait")
        (shared / "fake/ptmx").symlink_to("/bait")
        config = self.example("sh", "-c", "grep ' /dev/console ' /proc/self/mountinfo; cat /dev/console </dev/null | head -c 4 & sleep 0.01; kill $!")
        config["process"]["terminal"] = True
        config["mounts"] = [m for m in config["mounts"] if m["destination"] != "/dev"]
        config["mounts"].insert(0, {"destination": "/dev", "type": "bind", "source": str(shared), "options": ["rbind", "rprivate"]})
        self.write(config)
        seen = set()

        def look():
            seen.add(os.path.islink(shared / "pts/0"))
        mounted = 0
        with self.swapping(lambda: os.rename(shared / "pts", shared / "kept"), lambda: os.rename(shared / "fake", shared / "pts"), look,
                           lambda: os.rename(shared / "pts", shared / "fake"), lambda: os.rename(shared / "kept", shared / "pts"), look):
            for _ in range(40):
                shown = in_terminal(RUNTIME, "--root", self.state, "run", "--bundle", self.bundle, self.id)
                self.assertNotIn("bait", shown)
                for line in shown.splitlines():
                    if " /dev/console " in line:
                        self.assertIn("- devpts ", line)
                        mounted += 1
        self.assertEqual(seen, {True, False}, "the control: a path leads to the bait")
        self.assertGreater(mounted, 0)

    def test_writes_to_proc_cannot_be_redirected(self):
        """CVE-2025-52881: what the runtime writes to procfs goes elsewhere because /proc is covered, at times."""
        target = self.folder / "target"
        target.write_text("untouched")
        fake = self.folder / "fake/sys/net/ipv4"
        fake.mkdir(parents=True)
        (fake / "ip_forward").symlink_to(target)
        for attribute in ("self/attr/exec", "self/attr/apparmor/exec", "thread-self/attr/exec", "self/oom_score_adj", "self/setgroups"):
            path = self.folder / "fake" / attribute
            path.parent.mkdir(parents=True, exist_ok=True)
            path.symlink_to(target)
        (fake / "ip_forward").write_text("control")
        self.assertEqual(target.read_text(), "control", "the control: a path leads there")
        target.write_text("untouched")
        volume = self.folder / "volume"
        volume.mkdir()
        config = self.example("true")
        config["linux"]["sysctl"] = {"net.ipv4.ip_forward": "1"}
        config["process"]["oomScoreAdj"] = 10
        before = pathlib.Path("/proc/sys/net/ipv4/ip_forward").read_text()
        for covering in ({"destination": "/proc", "type": "bind", "source": str(self.folder / "fake"), "options": ["rbind"]},
                         {"destination": "/proc/sys", "type": "bind", "source": str(self.folder / "fake/sys"), "options": ["rbind"]},
                         {"destination": "/proc/self/attr", "type": "bind", "source": str(self.folder / "fake/self/attr"), "options": ["rbind"]}):
            config["mounts"] = self.example()["mounts"] + [covering]
            self.run_container(config)
            self.assertEqual(target.read_text(), "untouched", covering)
        # The place of /proc swapped by whoever shares the volume that is the root.
        root = self.bundle / "rootfs"
        (root / "elsewhere").symlink_to("/lib")
        config["mounts"] = self.example()["mounts"]
        with self.swapping(lambda: os.rename(root / "proc", root / "kept"), lambda: os.rename(root / "elsewhere", root / "proc"),
                           lambda: os.rename(root / "proc", root / "elsewhere"), lambda: os.rename(root / "kept", root / "proc")):
            for _ in range(40):
                self.run_container(config)
        self.assertEqual(target.read_text(), "untouched")
        self.assertEqual(pathlib.Path("/proc/sys/net/ipv4/ip_forward").read_text(), before, "the host was changed")

    def test_proc_cannot_be_covered(self):
        """CVE-2019-16884, CVE-2019-19921, CVE-2023-27561: a link or a mount in the place of /proc."""
        (self.bundle / "rootfs/proc").rmdir()
        (self.bundle / "rootfs/elsewhere").mkdir()
        (self.bundle / "rootfs/proc").symlink_to("elsewhere")
        config = self.example("sh", "-c", "cat /proc/sys/net/ipv4/ip_forward")
        config["linux"]["sysctl"] = {"net.ipv4.ip_forward": "1"}
        before = pathlib.Path("/proc/sys/net/ipv4/ip_forward").read_text()
        result = self.run_container(config)
        self.assertEqual(pathlib.Path("/proc/sys/net/ipv4/ip_forward").read_text(), before, "the host was changed")
        self.assertTrue(result.returncode != 0 or result.stdout == "1\n")


@needs_root
class RuntimeAttacks(Case):
    def test_the_runtime_cannot_be_overwritten(self):
        """CVE-2019-5736: the image's program is /proc/self/exe, which is the runtime until execve."""
        copy = self.folder / "runtime"
        shutil.copy(RUNTIME, copy)
        before = copy.read_bytes()
        shell = "#!/proc/self/exe\n"
        (self.bundle / "rootfs/evil").write_text(shell)
        (self.bundle / "rootfs/evil").chmod(0o755)
        attack = "for p in /proc/[0-9]*; do (echo owned > $p/exe) 2>/dev/null && echo WROTE; done; true"
        config = self.example("sh", "-c", "while :; do " + attack + "; done")
        config["process"]["noNewPrivileges"] = False
        config["process"]["capabilities"] = {k: ["CAP_DAC_OVERRIDE", "CAP_SYS_PTRACE"] for k in ("bounding", "effective", "permitted")}
        self.write(config)
        with open(self.folder / "out", "w") as out:
            subprocess.run([copy, "--root", self.state, "run", "--detach", "--bundle", self.bundle, self.id], stdout=out, stderr=out, stdin=subprocess.DEVNULL, check=True)
        for _ in range(20):
            run(copy, "--root", self.state, "exec", self.id, "/evil")
            run(copy, "--root", self.state, "exec", self.id, "/proc/self/exe", "--version")
        run(copy, "--root", self.state, "kill", self.id, "KILL")
        self.assertEqual(copy.read_bytes(), before)
        self.assertNotIn("WROTE", (self.folder / "out").read_text())

    @ours_only
    def test_what_exec_runs_from_is_read_only(self):
        """The same, looked at directly, with its control: a process that is not sealed can be written to."""
        self.detached()
        config = json.loads((self.bundle / "config.json").read_text())
        process = {"args": ["/proc/self/exe", "events", "--interval", "60s", "x"], "cwd": "/", "user": {"uid": 0, "gid": 0}}
        (self.folder / "p.json").write_text(json.dumps(process))
        seen = subprocess.Popen([RUNTIME, "--root", self.state, "exec", "--process", self.folder / "p.json", self.id], stderr=subprocess.PIPE, stdout=subprocess.PIPE)
        seen.communicate(timeout=20)
        running = subprocess.Popen([RUNTIME, "--root", self.state, "exec", self.id, "sleep", "30"])
        time.sleep(0.3)
        with self.assertRaises(OSError) as raised:
            os.open(f"/proc/{running.pid}/exe", os.O_WRONLY)
        self.assertIn(raised.exception.errno, (30, 26))  # EROFS, ETXTBSY
        self.assertEqual(os.statvfs(f"/proc/{running.pid}/exe").f_flag & os.ST_RDONLY, os.ST_RDONLY)
        control = subprocess.Popen([RUNTIME, "--root", self.state, "events", "--interval", "60s", self.id], stdout=subprocess.DEVNULL)
        time.sleep(0.3)
        self.assertEqual(os.statvfs(f"/proc/{control.pid}/exe").f_flag & os.ST_RDONLY, 0)
        for p in (control, running):
            p.kill()
            p.wait()
        del config

    def test_leaked_descriptor_and_working_directory(self):
        """CVE-2024-21626: a working directory of /proc/self/fd/N that is a directory of the host."""
        for number in range(3, 20):
            config = self.example("sh", "-c", "cat ../../../../../../../../etc/hostname ./etc/hostname 2>/dev/null; pwd")
            config["process"]["cwd"] = f"/proc/self/fd/{number}"
            result = self.run_container(config)
            host = pathlib.Path("/etc/hostname").read_text().strip()
            self.assertNotIn(host, result.stdout.split(), f"descriptor {number} leads to the host")
            self.call("delete", "--force", self.id)
        # Control: such a directory leads out of a chroot.
        probe = "import os; fd=os.open('/',0); os.chroot('%s'); print(os.listdir(fd))" % (self.bundle / "rootfs")
        self.assertIn("boot", run(sys.executable, "-c", probe).stdout)

    def test_exec_is_not_visible_to_the_container_before_it_is_confined(self):
        """CVE-2016-9962: the container may not read the descriptors of a process that is entering it."""
        config = self.example("sh", "-c", "while :; do for p in /proc/[0-9]*; do ls -l $p/fd 2>/dev/null; done; done")
        config["process"]["capabilities"] = {k: [] for k in ("bounding", "effective", "permitted")}
        self.write(config)
        with open(self.folder / "out", "w") as out:
            subprocess.run([RUNTIME, "--root", self.state, "run", "--detach", "--bundle", self.bundle, self.id], stdout=out, stderr=out, stdin=subprocess.DEVNULL, check=True)
        for _ in range(30):
            self.call("exec", self.id, "true")
        self.call("kill", self.id, "KILL")
        self.assertNotIn(str(self.state), (self.folder / "out").read_text())

    def test_user_is_parsed_strictly(self):
        """CVE-2026-30892."""
        if not IS_OURS:
            self.skipTest("about ours")
        self.detached()
        for user in ("0x3e8", "1000abc", "-1", "4294967296", "1000:", ":0", ""):
            result = self.call("exec", "--user", user, self.id, "id", "-u")
            self.assertNotEqual(result.returncode, 0, user)
            self.assertEqual(result.stdout, "", user)
        self.assertEqual(self.call("exec", "--user", "1000", self.id, "id", "-u").stdout, "1000\n")  # control

    def test_cgroup_of_v1_cannot_be_mounted_for_release_agent(self):
        """CVE-2022-0492."""
        config = self.example("sh", "-c", "mkdir /m; mount -t cgroup -o memory c /m && echo MOUNTED; true")
        self.assertNotIn("MOUNTED", self.run_container(config).stdout)
        self.assertIn("cgroup", pathlib.Path("/proc/filesystems").read_text())  # control: the kernel has it
        folder = self.folder / "m"
        folder.mkdir()
        if subprocess.run(["mount", "-t", "cgroup", "-o", "memory", "c", folder], capture_output=True).returncode == 0:
            subprocess.run(["umount", folder], check=True)

    def test_cgroups_of_the_host_are_not_seen(self):
        """CVE-2023-25809: the cgroup mount shows the container's own, read-only."""
        config = self.example("sh", "-c", "find /sys/fs/cgroup -name '*.procs' | wc -l; for f in $(find /sys/fs/cgroup -name cgroup.procs); do echo 1 2>/dev/null > $f && echo WROTE; done; true")
        config["mounts"].append({"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup", "options": ["ro", "nosuid", "nodev", "noexec"]})
        result = self.run_container(config)
        self.assertNotIn("WROTE", result.stdout)
        control = self.example("sh", "-c", "find /sys/fs/cgroup -name 'cgroup.procs' | while read f; do echo $$ 2>/dev/null > $f && echo WROTE; done; true")
        control["mounts"].append({"destination": "/sys/fs/cgroup", "type": "bind", "source": "/sys/fs/cgroup", "options": ["rbind", "rw"]})
        control["mounts"] = [m for m in control["mounts"] if m["destination"] != "/sys/fs/cgroup" or m["type"] == "bind"]
        self.assertIn("WROTE", self.run_container(control).stdout)

    def test_abstract_sockets_of_the_host_are_out_of_reach(self):
        """CVE-2020-15257."""
        import socket
        listener = socket.socket(socket.AF_UNIX)
        listener.bind("\0" + self.id)
        listener.listen()
        config = self.example("sh", "-c", "cat /proc/net/unix")
        self.assertNotIn("@" + self.id, self.run_container(config).stdout)
        config["linux"]["namespaces"] = [n for n in config["linux"]["namespaces"] if n["type"] != "network"]
        config["mounts"] = [m for m in config["mounts"] if m["type"] != "sysfs"]
        self.assertIn("@" + self.id, self.run_container(config).stdout)  # control
        listener.close()


@needs_root
@ours_only
class Crashes(Case):
    """The runtime is killed at any moment: `delete --force` leaves nothing."""

    def test_kill_at_every_moment_of_create_start_and_delete(self):
        config = self.example("sleep", "1000")
        config["linux"]["resources"] = {"memory": {"limit": 64 << 20}, "devices": [{"allow": False, "access": "rwm"}]}
        self.write(config)
        null = open(os.devnull, "w")
        killed = 0
        for step in range(120):
            delay = step // 3 * 0.0002
            calls = (["create", "--bundle", self.bundle, self.id], ["start", self.id], ["delete", "--force", self.id])
            for call in calls:
                process = subprocess.Popen([RUNTIME, "--root", str(self.state), *map(str, call)], stdin=subprocess.DEVNULL, stdout=null, stderr=null)
                if calls.index(call) == step % 3:
                    time.sleep(delay)
                    process.kill()
                    killed += process.wait() == -9
                    break
                process.wait(timeout=20)
            done = self.call("delete", "--force", self.id)
            self.assertEqual(done.returncode, 0, f"step {step}: {done.stderr}")
            self.assertEqual(os.listdir(self.state) if self.state.exists() else [], [], step)
            self.assertEqual(self.cgroups(), [], step)
        self.assertGreater(killed, 25, "the runtime was rarely caught at work")
        null.close()
        time.sleep(0.2)
        self.assertEqual(run("pgrep", "-f", "sleep 1000").stdout, "", "a process was left")

    def test_kill_at_every_system_call_of_create(self):
        """Stopped with strace at the Nth call of the runtime or of the first process, and killed there."""
        if not shutil.which("strace"):
            self.skipTest("strace is not installed")
        self.write(self.example("sleep", "1000"))
        for call in ("clone3", "mkdirat", "sendmsg", "move_mount", "pivot_root", "renameat", "openat2", "setresuid"):
            for nth in (1, 2, 4):
                words = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={nth}", RUNTIME, "--root", str(self.state), "create", "--bundle", str(self.bundle), self.id]
                try:
                    subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=1.5)
                except subprocess.TimeoutExpired:
                    pass  # there was no such call; strace follows the container that was made
                done = self.call("delete", "--force", self.id)
                self.assertEqual(done.returncode, 0, f"{call} {nth}: {done.stderr}")
                self.assertEqual(self.cgroups(), [], f"{call} {nth}")
                self.assertEqual(os.listdir(self.state) if self.state.exists() else [], [], f"{call} {nth}")
        self.assertEqual(run("pgrep", "-f", "sleep 1000").stdout, "")


@ours_only
class Sandbox(unittest.TestCase):
    """`do`: what untrusted code tries first."""

    def do(self, *words):
        return run(RUNTIME, "do", *words)

    def attempt(self, script):
        return self.do("--", sys.executable if sys.executable.startswith("/usr") else "/usr/bin/python3", "-c", script)

    CALL = "import ctypes,os; l=ctypes.CDLL(None,use_errno=True); r=l.syscall({}); print(r, ctypes.get_errno())"

    def test_dangerous_calls_are_blocked(self):
        for name, arguments, free in (
            ("mount", "165,0,0,0,0,0", False), ("bpf", "321,0,0,0", False), ("perf_event_open", "298,0,0,0,0,0", False),
            ("keyctl", "250,0,0", True), ("userfaultfd", "323,0", True), ("io_uring_setup", "425,1,0", False),
            ("unshare user", "272,0x10000000", True), ("ptrace", "101,16,1,0,0", False), ("fsopen", "430,0,0", False),
            ("open_by_handle_at", "304,0,0,0", False), ("AF_ALG", "41,38,5,0", True), ("AF_VSOCK", "41,40,1,0", True),
            ("AF_PACKET", "41,17,3,0", True), ("TIOCSTI", "16,0,0x5412,0", False)):
            if os.uname().machine != "x86_64":
                self.skipTest("the numbers are those of x86-64")
            inside = self.attempt(self.CALL.format(arguments)).stdout.split()
            self.assertEqual(inside[0], "-1", name)
            self.assertIn(inside[1], ("1", "25", "38", "97"), name)
            if free and os.geteuid() == 0:  # control: outside it works
                outside = run(sys.executable, "-c", self.CALL.format(arguments)).stdout.split()
                self.assertNotIn(outside[:2], (["-1", "1"], ["-1", "38"]), name)

    def test_files_of_the_host_stay_as_they_are(self):
        mark = pathlib.Path("/root/rcontainer-test" if os.geteuid() == 0 else os.path.expanduser("~/rcontainer-test"))
        result = self.do("--", "sh", "-c", f"echo x > {mark} && cat {mark}; rm -rf /etc/hostname; ls /etc/hostname")
        self.assertIn("x", result.stdout)
        self.assertFalse(mark.exists())
        self.assertTrue(os.path.exists("/etc/hostname"))

    def test_no_network_but_loopback(self):
        self.assertEqual(self.do("--", "sh", "-c", "cat /proc/net/dev | tail -n +3 | cut -d: -f1").stdout.split(), ["lo"])

    def test_no_capabilities_and_a_filter(self):
        text = self.do("--", "grep", "-E", "CapEff|CapBnd|NoNewPrivs|Seccomp:", "/proc/self/status").stdout.split()
        self.assertEqual(text[1::2], ["0000000000000000", "0000000000000000", "1", "2"])

    def test_exit_codes_signals_and_time(self):
        self.assertEqual(self.do("--", "sh", "-c", "exit 42").returncode, 42)
        self.assertEqual(self.do("--", "sh", "-c", "kill -TERM $$").returncode, 143)
        self.assertEqual(self.do("--timeout", "300ms", "--", "sleep", "20").returncode, 124)
        self.assertEqual(self.do("--", "nosuchcommand").returncode, 255)
        process = subprocess.Popen([RUNTIME, "do", "--", "sleep", "50"])
        time.sleep(0.5)
        process.send_signal(2)
        self.assertEqual(process.wait(timeout=10), 130)

    def test_result_as_json(self):
        result = json.loads(self.do("--json", "--", "sh", "-c", "echo out; echo err >&2; exit 3").stdout)
        self.assertEqual((result["exitCode"], result["stdout"], result["stderr"], result["timedOut"]), (3, "out\n", "err\n", False))

    def test_writable_and_read_only_directories(self):
        import tempfile
        with tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o777)
            self.assertEqual(self.do("--rw", folder, "--", "sh", "-c", f"echo y > {folder}/file").returncode, 0)
            self.assertEqual(pathlib.Path(folder, "file").read_text(), "y\n")
            self.assertNotEqual(self.do("--ro", folder, "--", "sh", "-c", f"echo z > {folder}/file").returncode, 0)
            self.assertEqual(pathlib.Path(folder, "file").read_text(), "y\n")
            self.assertNotEqual(self.do("--", "ls", folder + "/file").returncode, 0, "the host's /tmp is seen")

    @unittest.skipUnless(os.geteuid() == 0, "needs root")
    def test_limits(self):
        self.assertNotEqual(self.do("--memory", "32m", "--", "python3", "-c", "x='a'*200000000").returncode, 0)
        self.assertEqual(self.do("--memory", "500m", "--", "python3", "-c", "x='a'*200000000").returncode, 0)
        self.assertNotEqual(self.do("--pids", "5", "--", "sh", "-c", "for i in 1 2 3 4 5 6 7 8; do sleep 1 & done; wait").stderr, "")

    @unittest.skipUnless(os.geteuid() == 0, "needs root to become another user")
    def test_works_for_an_ordinary_user(self):
        done = subprocess.run([RUNTIME, "do", "--", "sh", "-c", "id -u; touch /etc/x && echo layer; touch /tmp/y && echo yes"],
                              user=12345, group=12345, cwd="/", env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True)
        self.assertEqual(done.stdout.split(), ["12345", "layer", "yes"], done.stderr)


if __name__ == "__main__":
    unittest.main()
