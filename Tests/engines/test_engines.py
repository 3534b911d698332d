"""Podman, containerd and Docker really running, on private directories, with this runtime and with crun as the
control: the same list of checks has to pass with both."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from support import ROOT, OrdinaryUser, in_terminal, make_rootfs, run  # noqa: E402

OURS = str(ROOT / "build/rcontainer")
CRUN = shutil.which("crun") or "/usr/bin/crun"


def hugetlb():
    """crun 1.8 refuses this hybrid of cgroup v1 and v2 unless hugetlb is mounted."""
    place = pathlib.Path("/sys/fs/cgroup/hugetlb")
    if pathlib.Path("/sys/fs/cgroup/unified").is_dir() and not place.exists():
        place.mkdir()
        subprocess.run(["mount", "-t", "cgroup", "-o", "hugetlb", "cgroup", place], check=False)
        unittest.addModuleCleanup(lambda: (run("umount", place), place.rmdir()))


class Engine(unittest.TestCase):
    runtime = OURS

    @classmethod
    def setUpClass(cls):
        if os.geteuid() != 0:
            raise unittest.SkipTest("engines are started as root")
        for program in cls.programs:
            if not shutil.which(program, path="/usr/bin:/usr/sbin"):
                raise unittest.SkipTest(program + " is not installed")
        hugetlb()
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="rce", dir="/var/tmp"))
        make_rootfs(cls.folder / "rootfs")
        for name in ("httpd", "wget", "sync", "stty", "ifconfig", "adduser"):
            (cls.folder / "rootfs/bin" / name).symlink_to("busybox")
        cls.tar = cls.folder / "image.tar"
        subprocess.run(["tar", "-C", cls.folder / "rootfs", "-cf", cls.tar, "."], check=True)
        cls.prepare()

    @classmethod
    def tearDownClass(cls):
        cls.finish()
        shutil.rmtree(cls.folder, ignore_errors=True)

    def ok(self, result, text=None):
        self.assertEqual(result.returncode, 0, result.stderr + result.stdout)
        if text is not None:
            self.assertIn(text, result.stdout)
        return result.stdout


class CommonChecks:
    """What Podman and Docker have in common; `engine` calls them, `new` are the options of a new container."""

    ADDRESSES = ["198.51.100.27", "198.51.100.28"]

    def destinations(self, where=()):
        """Two addresses of the host with a server on port 18080, and a script that says for each whether it can be reached.
        `where` starts the server elsewhere."""
        for address in self.ADDRESSES:
            run("ip", "address", "add", address + "/32", "dev", "lo")
            self.addCleanup(run, "ip", "address", "del", address + "/32", "dev", "lo")
        server = subprocess.Popen([*where, shutil.which("busybox"), "httpd", "-f", "-p", "18080", "-h", self.folder / "rootfs/etc"])
        self.addCleanup(lambda: (server.kill(), server.wait()))
        script = "".join(f"echo | nc -w 3 {a} 18080 >/dev/null 2>/tmp/e && echo reached || tail -n 1 /tmp/e; " for a in self.ADDRESSES)
        return self.ADDRESSES, script

    def test_run_and_exit_code(self):
        self.ok(self.engine("run", "--rm", *self.new, self.image, "sh", "-c", "id; echo hello"), "hello")
        self.assertEqual(self.engine("run", "--rm", *self.new, self.image, "sh", "-c", "exit 7").returncode, 7)
        # Docker makes 125 of crun's words for it.
        self.assertIn(self.engine("run", "--rm", *self.new, self.image, "nosuch").returncode, (127,) if self.runtime == OURS else (127, 125))
        self.assertIn(self.engine("run", "--rm", *self.new, self.image, "/etc/passwd").returncode, (126,) if self.runtime == OURS else (126, 125))

    def test_terminal(self):
        shown = in_terminal(*self.words, "run", "--rm", "-it", *self.new, self.image, "sh", "-c", "test -t 0 && tty", env=self.env)
        self.assertIn("/dev/pts/0", shown)

    def test_long_life(self):
        name = "c" + os.urandom(4).hex()
        self.ok(self.engine("run", "-d", "--name", name, "-m", "64m", *self.new, self.image, "sh", "-c", "echo logged; trap 'exit 0' TERM; while :; do sleep 0.1; done"))
        try:
            self.ok(self.engine("exec", name, "ps"), "ps")
            self.assertEqual(self.engine("exec", name, "sh", "-c", "exit 5").returncode, 5)
            self.ok(self.engine("pause", name))
            self.assertIn("aused", self.ok(self.engine("inspect", "--format", "{{.State.Status}}", name)))
            self.ok(self.engine("unpause", name))
            self.assertIn(name, self.ok(self.engine("stats", "--no-stream", name)))
            self.ok(self.engine("update", *self.update, name))
            time.sleep(0.3)
            self.assertIn("logged", self.ok(self.engine("logs", name)))
            self.ok(self.engine("stop", "-t", "10", name))
            self.assertIn("exited", self.ok(self.engine("inspect", "--format", "{{.State.Status}}", name)))
        finally:
            self.ok(self.engine("rm", "-f", name))

    def test_kill(self):
        name = "c" + os.urandom(4).hex()
        self.ok(self.engine("run", "-d", "--name", name, *self.new, self.image, "sleep", "100"))
        self.ok(self.engine("kill", name))
        self.assertEqual(self.ok(self.engine("wait", name)).strip(), "137")
        self.ok(self.engine("rm", name))

    def test_out_of_memory(self):
        name = "c" + os.urandom(4).hex()
        done = self.engine("run", "--name", name, "-m", "16m", "--memory-swap", "16m", *self.new, self.image, "sh", "-c", "a=x; while :; do a=$a$a; done")
        try:
            self.assertEqual(done.returncode, 137)
        finally:
            self.engine("rm", "-f", name)

    def test_read_only_and_capabilities(self):
        done = self.engine("run", "--rm", "--read-only", "--cap-drop", "all", *self.new, self.image, "sh", "-c", "touch /x 2>&1; grep CapEff /proc/self/status")
        self.assertIn("Read-only", done.stdout)
        self.assertIn("0000000000000000", done.stdout)

    def test_bridge_and_published_port(self):
        name = "c" + os.urandom(4).hex()
        port = str(20000 + os.getpid() % 20000)
        started = self.engine("run", "-d", "--name", name, "-p", f"127.0.0.1:{port}:80", *self.new, self.image, "sh", "-c", "echo served > /tmp/index.html; httpd -f -p 80 -h /tmp")
        try:
            self.ok(started)
            for _ in range(50):
                got = run("busybox", "wget", "-qO-", f"http://127.0.0.1:{port}/index.html")
                if got.returncode == 0:
                    break
                time.sleep(0.1)
            self.assertEqual(got.stdout, "served\n", got.stderr)
        finally:
            self.engine("rm", "-f", name)


class Podman(CommonChecks, Engine):
    programs = ("podman", "conmon")
    image = "localhost/test:1"
    new = []
    update = ["--memory", "48m"]

    @classmethod
    def prepare(cls):
        (cls.folder / "containers.conf").write_text(
            '[containers]\ndefault_ulimits=["nofile=20000:20000","nproc=32768:32768"]\n'
            '[engine]\ncgroup_manager="cgroupfs"\nevents_logger="file"\n')
        cls.env = {**os.environ, "CONTAINERS_CONF": str(cls.folder / "containers.conf")}
        cls.words = ["podman", "--root", str(cls.folder / "root"), "--runroot", str(cls.folder / "run"), "--runtime", cls.runtime]
        subprocess.run([*cls.words, "import", cls.tar, cls.image], check=True, env=cls.env, capture_output=True)

    @classmethod
    def finish(cls):
        cls.engine("rm", "-f", "-a")
        subprocess.run(["umount", "-l", cls.folder / "root/overlay"], capture_output=True)

    @classmethod
    def engine(cls, *words):
        # crun's monitor leaves a file "oom" in the working directory.
        return run(*cls.words, *words, env=cls.env, timeout=90, cwd=cls.folder)

    def test_user_namespace(self):
        done = self.engine("run", "--rm", "--uidmap", "0:100000:65536", "--gidmap", "0:100000:65536", self.image, "cat", "/proc/self/uid_map")
        self.assertEqual(self.ok(done).split(), ["0", "100000", "65536"])

    def held(self, done, refusal):
        """The first destination was reached, the second only if the runtime is not ours, which has a resolver of its own too."""
        lines = self.ok(done).splitlines()
        self.assertEqual(lines[0], "reached", lines)
        if self.runtime == OURS:
            self.assertIn(refusal, lines[1])
            self.assertRegex(lines[2], r"^nameserver 127\.53\.")
        else:
            self.assertEqual(lines[1], "reached", lines)

    def test_egress(self):
        """A container on podman's bridge, held to one address; crun, the control, does not know the annotation."""
        addresses, script = self.destinations()
        done = self.engine("run", "--rm", "--annotation", f"org.rcontainer.egress={addresses[0]}:18080 name.test:1/later", *self.new, self.image,
                           "sh", "-c", script + "cat /etc/resolv.conf")
        self.held(done, "Operation not permitted")
        if self.runtime == OURS:
            name = "c" + os.urandom(4).hex()
            self.ok(self.engine("run", "-d", "--name", name, "--annotation", "org.rcontainer.egress=none", *self.new, self.image, "sleep", "100"))
            done = self.engine("exec", name, "sh", "-c", script)
            self.ok(self.engine("rm", "-f", "-t", "0", name))
            self.assertNotIn("reached", self.ok(done))

    def test_egress_with_users_of_its_own(self):
        """A user namespace for the container, and a network namespace that is the host's to give."""
        network = "rce" + os.urandom(3).hex()
        self.addCleanup(run, "ip", "netns", "del", network)
        subprocess.run(["ip", "netns", "add", network], check=True)
        subprocess.run(["ip", "-n", network, "link", "set", "lo", "up"], check=True)
        for address in self.ADDRESSES:
            subprocess.run(["ip", "-n", network, "address", "add", address + "/32", "dev", "lo"], check=True)
        _, script = self.destinations(["ip", "netns", "exec", network])
        new = ["--uidmap", "0:100000:65536", "--gidmap", "0:100000:65536", "--network", "ns:/run/netns/" + network]
        done = self.engine("run", "--rm", *new, "--annotation", f"org.rcontainer.egress={self.ADDRESSES[0]}:18080 name.test:1/later", self.image,
                           "sh", "-c", script + "cat /etc/resolv.conf")
        self.held(done, "not permitted")

    def test_own_files(self):
        """A container's memory is its limit, whether it has its policy unasked or not; with crun it is the host's."""
        def total(*more):
            return self.ok(self.engine("run", "--rm", "-m", "64m", *more, *self.new, self.image, "head", "-n", "1", "/proc/meminfo")).split()[1]
        host = pathlib.Path("/proc/meminfo").read_text().split()[1]
        self.assertEqual(total(), "65536" if self.runtime == OURS else host)
        self.assertEqual(total("--privileged"), host, "who is trusted has no policy")
        self.assertEqual(total("--annotation", "org.rcontainer.policy=default"), "65536" if self.runtime == OURS else host)

    def test_seccomp_of_podman_is_in_force(self):
        self.assertIn("Seccomp:\t2", self.ok(self.engine("run", "--rm", self.image, "grep", "Seccomp:", "/proc/self/status")))


class PodmanOnCrun(Podman):
    """The control."""
    runtime = CRUN


class RootlessPodman(Engine):
    """Podman of an ordinary user: the runtime is root of a user namespace that has several ids."""
    programs = ("podman", "conmon", "newuidmap")

    @classmethod
    def prepare(cls):
        cls.user = OrdinaryUser()
        cls.addClassCleanup(cls.user.remove)
        cls.user.ranges("uid")
        shutil.copy(cls.runtime, cls.folder / "runtime")
        (cls.folder / "xdg").mkdir(mode=0o700)
        for path in [cls.folder, *cls.folder.rglob("*")]:
            os.lchown(path, cls.user.uid, cls.user.gid)
        os.chmod(cls.folder, 0o755)
        cls.words = ["podman", "--root", cls.folder / "store", "--runroot", cls.folder / "runroot", "--storage-driver", "vfs",
                     "--cgroup-manager", "cgroupfs", "--events-backend", "file", "--runtime", cls.folder / "runtime"]
        done = cls.engine("import", cls.tar, "localhost/test:1")
        if done.returncode != 0:
            raise unittest.SkipTest("rootless podman can't store images here: " + done.stderr[-200:])

    @classmethod
    def finish(cls):
        cls.engine("rm", "-f", "-a")
        cls.engine("unshare", "rm", "-rf", cls.folder / "store")
        # Podman's process that keeps the user namespace.
        run("pkill", "-KILL", "-u", str(cls.user.uid))

    @classmethod
    def engine(cls, *words):
        return run(*cls.words, *words, timeout=90, user=cls.user.uid, group=cls.user.gid, extra_groups=[], cwd=cls.folder,
                   env={"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "HOME": str(cls.folder), "XDG_RUNTIME_DIR": str(cls.folder / "xdg")})

    new = ["--network", "none", "localhost/test:1"]

    def test_run(self):
        done = self.engine("run", "--rm", *self.new, "sh", "-c", "id -u; cat /proc/self/uid_map; exit 3")
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertEqual(done.stdout.split()[:4], ["0", "0", str(self.user.uid), "1"])

    def test_life(self):
        name = "c" + os.urandom(4).hex()
        self.ok(self.engine("run", "-d", "--name", name, *self.new, "sleep", "100"))
        self.ok(self.engine("exec", "-u", "1000", name, "id"), "uid=1000")
        self.ok(self.engine("kill", name))
        self.assertEqual(self.ok(self.engine("wait", name)).strip(), "137")
        self.ok(self.engine("rm", name))

    def test_devices_and_read_only(self):
        done = self.engine("run", "--rm", "--read-only", *self.new, "sh", "-c", "echo x > /dev/null && head -c 3 /dev/zero | wc -c; touch /x 2>&1; ls /dev")
        self.assertIn("3\n", self.ok(done))
        self.assertIn("Read-only", done.stdout)
        self.assertIn("urandom", done.stdout)


class RootlessPodmanOnCrun(RootlessPodman):
    """The control."""
    runtime = CRUN


class Containerd(Engine):
    programs = ("containerd", "ctr")

    @classmethod
    def prepare(cls):
        config = cls.folder / "containerd.toml"
        cls.socket = cls.folder / "containerd.sock"
        config.write_text(f'version = 2\nroot = "{cls.folder}/ctd"\nstate = "{cls.folder}/ctds"\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n[grpc]\naddress = "{cls.socket}"\n')
        cls.daemon = subprocess.Popen(["containerd", "-c", config], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(100):
            if cls.socket.exists():
                break
            time.sleep(0.1)
        cls.make_image()

    @classmethod
    def make_image(cls):
        """An OCI image of one layer, which ctr imports."""
        import hashlib
        layout = cls.folder / "layout"
        (layout / "blobs/sha256").mkdir(parents=True)

        def blob(data):
            digest = hashlib.sha256(data).hexdigest()
            (layout / "blobs/sha256" / digest).write_bytes(data)
            return {"digest": "sha256:" + digest, "size": len(data)}
        layer = blob(cls.tar.read_bytes())
        config = blob(json.dumps({"architecture": "amd64" if os.uname().machine == "x86_64" else "arm64", "os": "linux", "config": {"Env": ["PATH=/bin"]}, "rootfs": {"type": "layers", "diff_ids": [layer["digest"]]}}).encode())
        manifest = blob(json.dumps({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": {"mediaType": "application/vnd.oci.image.config.v1+json", **config},
                                    "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar", **layer}]}).encode())
        (layout / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [{"mediaType": "application/vnd.oci.image.manifest.v1+json", **manifest, "annotations": {"io.containerd.image.name": "localhost/test:1", "org.opencontainers.image.ref.name": "1"}}]}))
        (layout / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
        subprocess.run(["tar", "-C", layout, "-cf", cls.folder / "oci.tar", "."], check=True)
        subprocess.run(["ctr", "-a", cls.socket, "image", "import", cls.folder / "oci.tar"], check=True, capture_output=True)

    @classmethod
    def finish(cls):
        cls.daemon.terminate()
        cls.daemon.wait()

    def ctr(self, *words):
        return run("ctr", "-a", self.socket, *words)

    def test_run_exec_pause_kill(self):
        new = ["--runc-binary", self.runtime, "localhost/test:1"]
        self.ok(self.ctr("run", "--rm", *new, "a", "sh", "-c", "echo hello"), "hello")
        self.assertEqual(self.ctr("run", "--rm", *new, "b", "sh", "-c", "exit 4").returncode, 4)
        c = "c" + os.urandom(4).hex()
        self.ok(self.ctr("run", "-d", *new, c, "sleep", "100"))
        self.addCleanup(self.ctr, "container", "rm", c)
        self.addCleanup(self.ctr, "task", "rm", "--force", c)
        self.ok(self.ctr("task", "exec", "--exec-id", "e", c, "ps"), "sleep 100")
        self.ok(self.ctr("task", "pause", c))
        self.assertIn("PAUSED", self.ok(self.ctr("task", "ls")))
        self.ok(self.ctr("task", "resume", c))
        self.ok(self.ctr("task", "metrics", c), "memory")
        self.ok(self.ctr("task", "kill", "-s", "KILL", c))
        for _ in range(50):
            if "STOPPED" in self.ctr("task", "ls").stdout:
                break
            time.sleep(0.1)
        self.ctr("task", "rm", c)
        self.ok(self.ctr("container", "rm", c))


class ContainerdOnCrun(Containerd):
    """The control."""
    runtime = CRUN


class Docker(CommonChecks, Containerd):
    programs = ("containerd", "dockerd", "docker")
    folders = ("/usr/bin", "/usr/sbin")
    image = "test:1"
    update = ["-m", "48m", "--memory-swap", "96m"]

    @classmethod
    def prepare(cls):
        super().prepare()
        config = cls.folder / "docker.json"
        config.write_text(json.dumps({
            "containerd": str(cls.socket), "data-root": str(cls.folder / "dkd"), "exec-root": str(cls.folder / "dke"), "hosts": [f"unix://{cls.folder}/docker.sock"],
            "pidfile": str(cls.folder / "docker.pid"), "exec-opts": ["native.cgroupdriver=cgroupfs"], "runtimes": {
                "tested": {"path": cls.runtime},
                "held": {"path": OURS, "runtimeArgs": ["--egress", f"{cls.ADDRESSES[0]}:18080,name.test:1/later"]},
                "alone": {"path": OURS, "runtimeArgs": ["--egress", "none"]}}}))
        cls.log = open(cls.folder / "dockerd.log", "w")
        path = ":".join([*cls.folders, os.environ["PATH"]])
        cls.env = {**os.environ, "PATH": path, "DOCKER_HOST": f"unix://{cls.folder}/docker.sock"}
        cls.docker = subprocess.Popen([shutil.which("dockerd", path=path), "--config-file", config], stdout=cls.log, stderr=cls.log, env=cls.env)
        cls.words = [shutil.which("docker", path=path)]
        cls.new = ["--runtime", "tested"]
        for _ in range(300):
            if run(*cls.words, "version", env=cls.env).returncode == 0:
                break
            time.sleep(0.1)
        else:
            cls.finish()
            raise unittest.SkipTest("dockerd does not start here: " + (cls.folder / "dockerd.log").read_text()[-300:])
        subprocess.run([*cls.words, "import", cls.tar, cls.image], check=True, env=cls.env, capture_output=True)

    @classmethod
    def finish(cls):
        cls.docker.terminate()
        cls.docker.wait()
        cls.log.close()
        super().finish()

    def engine(self, *words):
        return run(*self.words, *words, env=self.env, timeout=90)

    test_run_exec_pause_kill = None  # that is containerd's

    def test_own_files(self):
        """A container's memory is its limit, by its policy that nobody asked for; with crun it is the host's."""
        done = self.engine("run", "--rm", "-m", "64m", *self.new, self.image, "head", "-n", "1", "/proc/meminfo")
        host = pathlib.Path("/proc/meminfo").read_text().split()[1]
        self.assertEqual(self.ok(done).split()[1], "65536" if self.runtime == OURS else host)

    def test_egress(self):
        """Held to one address, on docker's bridge; crun, the control, does not know the annotation."""
        if "--annotation" not in run(*self.words, "run", "--help").stdout:
            self.skipTest("this docker passes no annotations on; NewDocker's does")
        addresses, script = self.destinations()
        done = self.engine("run", "--rm", "--annotation", f"org.rcontainer.egress={addresses[0]}:18080", *self.new, self.image, "sh", "-c", script)
        lines = self.ok(done).splitlines()
        self.assertEqual(lines[0], "reached", lines)
        self.assertIn("Operation not permitted" if self.runtime == OURS else "reached", lines[1])

    def test_egress_of_a_runtime(self):
        """What daemon.json says of a runtime holds for its containers; the control is a runtime of which it says nothing."""
        _, script = self.destinations()
        new = ["-d", self.image, "sleep", "100"]
        for runtime, results in (("tested", ["reached", "reached"]), ("held", ["reached", "not permitted"]), ("alone", ["not permitted"] * 2)):
            started = self.engine("run", "--runtime", runtime, *new)
            name = self.ok(started).strip()
            self.addCleanup(self.engine, "rm", "-f", name)
            lines = self.ok(self.engine("exec", name, "sh", "-c", script + "cat /etc/resolv.conf")).splitlines()
            for line, result in zip(lines, results):
                self.assertIn(result, line, runtime)
            self.assertEqual(runtime != "tested", lines[2].startswith("nameserver 127.53."), lines)
        # The host's network cannot be held to it.
        done = self.engine("run", "--rm", "--runtime", "held", "--network", "host", self.image, "true")
        self.assertNotEqual(done.returncode, 0)
        self.assertRegex(done.stderr, "has the host's network|is the runtime's own")


class DockerOnCrun(Docker):
    """The control."""
    runtime = CRUN
    test_egress_of_a_runtime = None


class NewDocker(Docker):
    """A newer Docker than Debian 12's, which scripts/fetch-docker unpacks."""
    folders = tuple(str(ROOT / "build/docker/root/usr" / name) for name in ("bin", "sbin"))

    @classmethod
    def setUpClass(cls):
        if not shutil.which("dockerd", path=cls.folders[1]):
            raise unittest.SkipTest("build/docker is not there (scripts/fetch-docker)")
        super().setUpClass()


class NewDockerOnRunc(NewDocker):
    """The control. Debian 12's crun knows no configuration of the version that it writes."""
    runtime = shutil.which("runc") or "/usr/sbin/runc"
    test_egress_of_a_runtime = None


if __name__ == "__main__":
    unittest.main()
