import json
import os
import pathlib
import socket
import subprocess
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from support import *  # noqa: E402,F403


def with_(**changes):
    def change(config):
        for path, value in changes.items():
            target = config
            *parents, last = path.split("__")
            for name in parents:
                target = target.setdefault(name, {})
            target[last] = value
    return change


@needs_root
class Process(Case):
    def test_user_groups_umask_cwd_env(self):
        text = self.shell("id; umask; pwd; echo $FOO", with_(
            process__user={"uid": 1000, "gid": 1001, "additionalGids": [5, 6], "umask": 0o27}, process__cwd="/new/dir",
            process__env=["PATH=/bin", "FOO=bar"]))
        self.assertEqual(text.splitlines(), ["uid=1000(user) gid=1001 groups=5,6" if "groups=5,6" in text else text.splitlines()[0], "0027", "/new/dir", "bar"])
        self.assertIn("uid=1000", text)
        self.assertIn("gid=1001", text)

    def test_capabilities(self):
        def caps(config):
            config["process"]["capabilities"] = {k: ["CAP_KILL", "CAP_CHOWN"] for k in ("bounding", "effective", "permitted", "inheritable", "ambient")}
        text = self.shell("grep Cap /proc/self/status", caps)
        self.assertEqual({line.split()[1] for line in text.splitlines()}, {"0000000000000021"})

    def test_without_capabilities_there_are_none(self):
        self.assertIn("CapEff:\t0000000000000000", self.shell("grep CapEff /proc/self/status"))

    @ours_only
    def test_unknown_capabilities_are_warned_about(self):
        config = self.example("true")
        config["process"]["capabilities"] = {"bounding": ["CAP_NOSUCH", "CAP_KILL"]}
        result = self.run_container(config)
        self.assertEqual(result.returncode, 0)
        self.assertIn("ignoring unknown or unavailable capabilities: [CAP_NOSUCH]", result.stderr)

    def test_rlimits(self):
        text = self.shell("ulimit -n; ulimit -Hn", with_(process__rlimits=[{"type": "RLIMIT_NOFILE", "soft": 111, "hard": 222}]))
        self.assertEqual(text.split(), ["111", "222"])

    def test_no_new_privileges_and_oom_score(self):
        text = self.shell("grep NoNewPrivs /proc/self/status; cat /proc/self/oom_score_adj", with_(process__oomScoreAdj=500))
        self.assertEqual(text.split(), ["NoNewPrivs:", "1", "500"])

    def test_scheduler_and_priority(self):
        text = self.shell("cut -d' ' -f19,41 /proc/self/stat", with_(process__scheduler={"policy": "SCHED_BATCH", "nice": 7}))
        self.assertEqual(text.split(), ["7", "3"])

    @ours_only
    def test_personality(self):
        self.assertEqual(self.shell("cat /proc/self/personality", with_(linux__personality={"domain": "LINUX32"})).strip(), "00000008")

    def test_no_descriptor_leaks_into_the_container(self):
        self.write(self.example("ls", "/proc/self/fd"))
        read, write = os.pipe()
        result = self.call("run", "--bundle", self.bundle, self.id, pass_fds=[read, write])
        os.close(read), os.close(write)
        self.assertEqual(result.stdout.split(), ["0", "1", "2", "3"], "3 is ls's own")

    def test_preserved_descriptors(self):
        read, write = os.pipe()
        os.dup2(write, 9)
        config = self.example("sh", "-c", "echo hi >&3")
        self.write(config)
        done = subprocess.run(["sh", "-c", f'exec 3>&9; exec "$0" --root "$1" run --preserve-fds 1 --bundle "$2" {self.id}', RUNTIME, str(self.state), str(self.bundle)], pass_fds=[9], capture_output=True)
        os.close(write), os.close(9)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(os.read(read, 10), b"hi\n")
        os.close(read)


@needs_root
class Namespaces(Case):
    def test_each_is_new(self):
        text = self.shell("for n in pid net ipc uts mnt cgroup; do readlink /proc/self/ns/$n; done; hostname; ip link | grep -c UP")
        lines = text.split()
        for name, link in zip(("pid", "net", "ipc", "uts", "mnt", "cgroup"), lines):
            self.assertNotEqual(link, os.readlink("/proc/self/ns/" + name))
        self.assertEqual(lines[6], "test")

    def test_joined_by_path(self):
        holder = subprocess.Popen(["unshare", "-n", "-i", "sleep", "100"])
        try:
            while os.readlink(f"/proc/{holder.pid}/ns/net") == os.readlink("/proc/self/ns/net"):
                pass
            def join(config):
                for n in config["linux"]["namespaces"]:
                    if n["type"] in ("network", "ipc"):
                        n["path"] = f"/proc/{holder.pid}/ns/" + {"network": "net", "ipc": "ipc"}[n["type"]]
            text = self.shell("readlink /proc/self/ns/net; readlink /proc/self/ns/ipc", join)
            self.assertEqual(text.split(), [os.readlink(f"/proc/{holder.pid}/ns/{n}") for n in ("net", "ipc")])
            if IS_OURS:
                config = self.example("true")
                config["linux"]["namespaces"][4]["path"] = f"/proc/{holder.pid}/ns/ipc"
                self.refused(config, "linux.namespaces[4].path")
        finally:
            holder.kill()
            holder.wait()

    def test_joined_pid_namespace(self):
        other = Case("assertTrue")
        other.setUp()
        other.detached()
        try:
            pid = other.info()["pid"]
            def join(config):
                config["linux"]["namespaces"][0]["path"] = f"/proc/{pid}/ns/pid"
            self.assertIn("sleep 100", self.shell("ps", join))
        finally:
            other.tearDown()

    def test_user_namespace_with_mappings(self):
        def user(config):
            config["linux"]["namespaces"].append({"type": "user"})
            config["linux"]["uidMappings"] = [{"containerID": 0, "hostID": 100000, "size": 65536}]
            config["linux"]["gidMappings"] = [{"containerID": 0, "hostID": 100000, "size": 65536}]
        os.chmod(self.bundle / "rootfs", 0o755)
        for path in [self.bundle / "rootfs", *(self.bundle / "rootfs").rglob("*")]:
            os.lchown(path, 100000, 100000)
        text = self.shell("cat /proc/self/uid_map; id -u; touch /f; ls /dev", user)
        self.assertEqual(text.split()[:4], ["0", "100000", "65536", "0"])
        self.assertEqual((self.bundle / "rootfs/f").stat().st_uid, 100000)
        for device in ("null", "zero", "full", "random", "urandom", "tty"):
            self.assertIn(device, text)

    @unittest.skipIf("runc" in RUNTIME, "not in this runc")
    def test_time_namespace(self):
        def clock(config):
            config["linux"]["namespaces"].append({"type": "time"})
            config["linux"]["timeOffsets"] = {"boottime": {"secs": 1000000}, "monotonic": {"secs": 500}}
        if not IS_OURS:
            self.skipTest("crun 1.8 has none")
        self.assertGreater(float(self.shell("cut -d' ' -f1 /proc/uptime", clock)), 1000000)

    @ours_only
    def test_sysctl_only_in_namespaces_of_its_own(self):
        self.assertEqual(self.shell("cat /proc/sys/net/ipv4/ip_forward", with_(linux__sysctl={"net.ipv4.ip_forward": "1"})).strip(), "1")
        config = self.example("true")
        config["linux"]["sysctl"] = {"kernel.panic": "1"}
        self.refused(config, "linux.sysctl (kernel.panic)", "not in a separate kernel namespace")
        config["linux"]["sysctl"] = {"net.ipv4.ip_forward": "1"}
        config["linux"]["namespaces"] = [n for n in config["linux"]["namespaces"] if n["type"] != "network"]
        self.refused(config, "network namespace")


@needs_root
class Mounts(Case):
    def options(self, path, mounts, change=None):
        def both(config):
            config["mounts"] += mounts
            if change:
                change(config)
        for line in self.shell("cat /proc/self/mountinfo", both).splitlines():
            fields = line.split()
            if fields[4] == path:
                last = fields
        return last

    def test_bind_options(self):
        (self.folder / "data").mkdir()
        (self.folder / "data/file").write_text("x")
        fields = self.options("/mnt/deep/data", [{"destination": "/mnt/deep/data", "type": "bind", "source": str(self.folder / "data"), "options": ["rbind", "ro", "nosuid", "nodev", "noexec", "rprivate"]}])
        self.assertLessEqual({"ro", "nosuid", "nodev", "noexec"}, set(fields[5].split(",")))
        self.assertEqual(fields[6], "-", "not private")

    def test_recursive_read_only(self):
        if not IS_OURS:
            self.skipTest("rro came later")
        (self.folder / "data/sub").mkdir(parents=True)
        subprocess.run(["mount", "-t", "tmpfs", "t", self.folder / "data/sub"], check=True)
        try:
            text = self.shell("touch /data/sub/x 2>&1", lambda c: c["mounts"].append({"destination": "/data", "type": "bind", "source": str(self.folder / "data"), "options": ["rbind", "rro"]})
                              if c["process"]["args"].__setitem__(2, "touch /data/sub/x 2>&1; true") is None else None)
            self.assertIn("Read-only", text)
        finally:
            subprocess.run(["umount", self.folder / "data/sub"], check=True)

    def test_tmpfs_with_contents(self):
        if not IS_OURS:
            self.skipTest("needs tmpcopyup of the same form")
        (self.bundle / "rootfs/stuff/deep").mkdir(parents=True)
        (self.bundle / "rootfs/stuff/deep/file").write_text("content")
        (self.bundle / "rootfs/stuff/link").symlink_to("deep/file")
        text = self.shell("cat /stuff/link; echo changed > /stuff/deep/file; stat -f -c %T /stuff", lambda c: c["mounts"].append({"destination": "/stuff", "type": "tmpfs", "source": "tmpfs", "options": ["tmpcopyup"]}))
        self.assertEqual(text, "contenttmpfs\n")
        self.assertEqual((self.bundle / "rootfs/stuff/deep/file").read_text(), "content")

    @ours_only
    def test_tmpfs_has_as_many_files_as_pages(self):
        """In a policy that keeps the machine to itself, if there is a size and no number."""
        def inodes(policy, *options):
            def change(config):
                config["annotations"] = {"org.rcontainer.policy": policy}
                config["mounts"].append({"destination": "/many", "type": "tmpfs", "source": "tmpfs", "options": list(options)})
            return int(self.shell("stat -f -c %c /many", change))
        for policy in ("default", "strict"):
            self.assertEqual(inodes(policy, "size=1m"), 256)
            self.assertEqual(inodes(policy, "size=1m", "nr_inodes=7"), 7)
            self.assertGreater(inodes(policy, "mode=755"), 256)
        self.assertGreater(inodes("compat", "size=1m"), 256)

    def test_masked_and_read_only_paths_and_root(self):
        text = self.shell("ls /proc/acpi 2>/dev/null | wc -l; wc -c < /proc/keys; echo 1 > /proc/sys/kernel/domainname 2>&1 || echo denied; touch /x 2>&1 || echo denied; true", with_(
            linux__maskedPaths=["/proc/acpi", "/proc/keys", "/proc/nosuch"], linux__readonlyPaths=["/proc/sys", "/nosuch"], root__readonly=True))
        self.assertEqual(text.split()[:2], ["0", "0"])
        self.assertEqual(text.count("denied"), 2)

    def test_default_devices_and_links(self):
        text = self.shell("cd /dev; stat -c '%n %t %T %a' null zero full random urandom tty; for l in fd stdin stdout stderr ptmx; do readlink $l; done")
        self.assertEqual(text.splitlines(), ["null 1 3 666", "zero 1 5 666", "full 1 7 666", "random 1 8 666", "urandom 1 9 666", "tty 5 0 666",
                                             "/proc/self/fd", "/proc/self/fd/0", "/proc/self/fd/1", "/proc/self/fd/2", "pts/ptmx"])

    def test_configured_devices(self):
        text = self.shell("stat -c '%n %F %t %T %a %u %g' /dev/fuse /dev/x/pipe", with_(linux__devices=[
            {"path": "/dev/fuse", "type": "c", "major": 10, "minor": 229, "fileMode": 0o600, "uid": 3, "gid": 4},
            {"path": "/dev/x/pipe", "type": "p", "fileMode": 0o644}]))
        self.assertEqual(text.splitlines(), ["/dev/fuse character special file a e5 600 3 4", "/dev/x/pipe fifo 0 0 644 0 0"])

    def test_cgroup_mount_shows_only_the_containers_own(self):
        change = lambda c: c["mounts"].append({"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup", "options": ["ro", "nosuid", "nodev", "noexec"]})
        text = self.shell("cat /proc/self/cgroup | grep -c ':/$'; wc -l < /proc/self/cgroup; ls /sys/fs/cgroup", change)
        own, all_, *names = text.split()
        self.assertEqual(own, all_, "the cgroup namespace shows more than its own root")
        self.assertTrue({"memory", "pids"} <= set(names) or "cgroup.procs" in names, names)

    def test_propagation(self):
        fields = self.options("/", [], with_(linux__rootfsPropagation="shared"))
        self.assertTrue(fields[6].startswith("shared:"), fields)

    @ours_only
    def test_idmapped_mount(self):
        (self.folder / "data").mkdir()
        (self.folder / "data/file").touch()
        os.chown(self.folder / "data/file", 1000, 1000)
        maps = [{"containerID": 1000, "hostID": 2000, "size": 1}]
        text = self.shell("stat -c %u:%g /data/file", lambda c: c["mounts"].append({"destination": "/data", "type": "bind", "source": str(self.folder / "data"), "options": ["bind", "idmap"], "uidMappings": maps, "gidMappings": maps}))
        self.assertEqual(text, "2000:2000\n")

    @ours_only
    def test_nothing_stands_in_for_proc(self):
        config = self.example("true")
        config["mounts"][0] = {"destination": "/proc", "type": "tmpfs", "source": "tmpfs"}
        self.refused(config, "mounts[0] (/proc)", "not allowed over or inside /proc")


@needs_root
class Limits(Case):
    def test_memory_pids_cpu(self):
        self.detached(change=with_(linux__resources={"memory": {"limit": 64 << 20}, "pids": {"limit": 33}, "cpu": {"shares": 512, "quota": 50000, "period": 100000}}))
        files = {"memory/{}/memory.limit_in_bytes": str(64 << 20), "pids/{}/pids.max": "33", "cpu/{}/cpu.shares": "512", "cpu/{}/cpu.cfs_quota_us": "50000"}
        for file, value in files.items():
            controller, _, name = file.split("/")
            found = list(CGROUPS.glob(f"{controller}/**/{self.id}/{name}"))
            if not (CGROUPS / controller).exists():
                self.skipTest("cgroup v1 is not mounted here")
            self.assertEqual(found[0].read_text().strip(), value, file)

    def test_out_of_memory_ends_the_command(self):
        config = self.example("sh", "-c", "a=x; while :; do a=$a$a; done")
        config["linux"]["resources"] = {"memory": {"limit": 16 << 20, "swap": 16 << 20}}
        if not list(CGROUPS.glob("memory/memory.memsw.limit_in_bytes")):
            del config["linux"]["resources"]["memory"]["swap"]
        self.assertEqual(self.run_container(config).returncode, 137)

    def test_device_rules(self):
        def rules(config):
            config["process"]["capabilities"] = {k: ["CAP_MKNOD"] for k in ("bounding", "effective", "permitted")}
            config["linux"]["resources"] = {"devices": [{"allow": False, "access": "rwm"}, {"allow": True, "type": "c", "major": 10, "minor": 229, "access": "r"}]}
        text = self.shell("mknod /dev/mem c 1 1; head -c 1 /dev/mem 2>&1 || true; mknod /dev/fuse c 10 229; (: < /dev/fuse) && echo readable; (: > /dev/fuse) 2>/dev/null || echo unwritable; echo y > /dev/null && echo null", rules)
        self.assertIn("not permitted", text)
        self.assertIn("readable", text)
        self.assertIn("unwritable", text)
        self.assertIn("null", text)

    @ours_only
    def test_limits_that_cannot_be_had_are_refused(self):
        for resources, text in [({"memory": {"kernel": 1000000}}, "memory.kernel is not supported"), ({"unified": {"memory.max": "1"}}, "needs cgroup v2"), ({"devices": [{"allow": True, "access": "q"}]}, "devices[0]")]:
            config = self.example("true")
            config["linux"]["resources"] = resources
            self.refused(config, text)
        config = self.example("true")
        config["linux"]["cgroupsPath"] = "system.slice:docker:abc"
        self.refused(config, "systemd, which is not supported")


@needs_root
class Seccomp(Case):
    def test_errno_kill_and_arguments(self):
        def seccomp(config):
            config["linux"]["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"], "syscalls": [
                {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28},
                {"names": ["kill"], "action": "SCMP_ACT_ERRNO", "args": [{"index": 1, "value": 10, "op": "SCMP_CMP_EQ"}]}]}
        text = self.shell("mkdir /a 2>&1; kill -0 $$ && echo ok; kill -10 $$ 2>&1; grep Seccomp: /proc/self/status", seccomp)
        self.assertIn("No space left", text)
        self.assertIn("ok", text)
        self.assertIn("not permitted", text)
        self.assertIn("Seccomp:\t2", text)

    def test_works_without_no_new_privileges(self):
        def seccomp(config):
            config["process"]["noNewPrivileges"] = False
            config["process"]["capabilities"] = {k: ["CAP_KILL"] for k in ("bounding", "effective", "permitted")}
            config["linux"]["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO"}]}
        text = self.shell("mkdir /a 2>&1; grep -E 'CapEff|NoNew' /proc/self/status", seccomp)
        self.assertIn("not permitted", text)
        self.assertIn("CapEff:\t0000000000000020", text)

    def test_listener_gets_descriptor_and_state(self):
        path = str(self.folder / "agent")
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        listener.listen()
        got = {}

        def agent():
            connection, _ = listener.accept()
            data, descriptors, _, _ = socket.recv_fds(connection, 65536, 1)
            got["state"], got["descriptor"] = json.loads(data), os.readlink(f"/proc/self/fd/{descriptors[0]}")
            os.close(descriptors[0])
            connection.close()
        thread = threading.Thread(target=agent)
        thread.start()
        config = self.example("true")
        config["linux"]["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": path, "listenerMetadata": "hello", "syscalls": [{"names": ["mknod"], "action": "SCMP_ACT_NOTIFY"}]}
        result = self.run_container(config)
        thread.join(timeout=20)
        listener.close()
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("seccomp", got["descriptor"])
        self.assertEqual((got["state"]["metadata"], got["state"]["state"]["id"], got["state"]["fds"]), ("hello", self.id, ["seccompFd"]))

    @ours_only
    def test_mistakes_are_named(self):
        for seccomp, text in [({"defaultAction": "X"}, 'linux.seccomp.defaultAction: "X" is unknown'),
                              ({"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_VAX"]}, "linux.seccomp.architectures[0]"),
                              ({"defaultAction": "SCMP_ACT_ALLOW", "flags": ["F"]}, "linux.seccomp.flags[0]"),
                              ({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["read"], "action": "SCMP_ACT_ERRNO", "args": [{"index": 9, "value": 0, "op": "SCMP_CMP_EQ"}]}]}, "args[0].index"),
                              ({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["read"], "action": "SCMP_ACT_NOTIFY"}]}, "needs linux.seccomp.listenerPath")]:
            config = self.example("true")
            config["linux"]["seccomp"] = seccomp
            self.refused(config, text)


@needs_root
class Mistakes(Case):
    @ours_only
    def test_messages(self):
        self.refused('{"ociVersion": "1.0.2",\n "process": 3}', "config.json:2:13: process: expected an object, found a number")
        self.refused('{', "config.json:1:2")
        self.refused({"ociVersion": "3.0.0"}, "version \"3.0.0\" is not supported")
        (self.bundle / "config.json").unlink()
        result = self.call("run", "--bundle", self.bundle, self.id)
        self.assertEqual(result.returncode, 1)
        self.assertIn("config.json: no such file or directory", result.stderr)
        self.assertIn("bundle", self.call("run", "--bundle", "/nosuch", self.id).stderr)
        config = self.example("nosuch")
        self.refused(config, "executable file not found in $PATH")
        config = self.example("/etc/passwd")
        self.refused(config, "permission denied")
        config = self.example("true")
        config["linux"]["intelRdt"] = {"closID": "x"}
        self.refused(config, "linux.intelRdt is not supported")

    @ours_only
    def test_log_formats(self):
        log = self.folder / "log.json"
        self.call("--log", log, "--log-format", "json", "state", "nosuch")
        entry = json.loads(log.read_text())
        self.assertEqual((entry["level"], entry["msg"]), ("error", "state: container does not exist: nosuch"))
        text = self.folder / "log.text"
        self.call("--log", text, "state", "nosuch")
        self.assertRegex(text.read_text(), r'^time="[^"]+" level=error msg="state: container does not exist: nosuch"\n$')

    def test_ids_are_names(self):
        for name in ("../x", "a/b", "", ".", "..", "a b"):
            self.assertNotEqual(self.call("run", "--bundle", self.bundle, name).returncode, 0, name)


@needs_root
@ours_only
@unittest.skipUnless(os.uname().machine == "x86_64", "the filter is written for the numbers of x86-64")
class OldKernel(Case):
    """Linux 5.10 and 5.11 have no mount_setattr(2) (442); 5.10 to 5.16 no recursive read-only mounts by it."""

    def run_container(self, config, **more):
        return super().run_container(config, preexec_fn=without_calls(442), **more)

    def test_the_filter_is_one(self):
        """The control: what can only be done with the call fails."""
        config = self.example("true")
        config["mounts"].append({"destination": "/mnt", "type": "bind", "source": "/tmp", "options": ["rbind", "rro"]})
        self.refused(config, "mounts[4] (/mnt)", "unction not implemented")

    def test_attributes_of_bind_mounts(self):
        def change(config):
            config["mounts"] += [{"destination": "/a", "type": "bind", "source": "/usr/share", "options": ["rbind", "ro", "nosuid", "nodev", "noexec"]},
                                 {"destination": "/b", "type": "bind", "source": "/usr/share", "options": ["bind", "rprivate", "noatime"]}]
        text = self.shell("grep -E ' /(a|b) ' /proc/self/mountinfo; touch /a/x 2>&1 || true", change)
        self.assertRegex(text, r" /a ro,nosuid,nodev,noexec")
        self.assertRegex(text, r" /b rw,noatime")
        self.assertIn("Read-only", text)

    def test_masked_and_read_only_paths_and_root(self):
        def change(config):
            config["root"]["readonly"] = True
            config["linux"]["maskedPaths"] = ["/proc/keys", "/proc/bus"]
            config["linux"]["readonlyPaths"] = ["/proc/sys"]
            config["mounts"].append({"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup", "options": ["ro", "nosuid"]})
        text = self.shell("exec 2>&1; touch /x; wc -c </proc/keys; ls /proc/bus | wc -l; (echo x >/proc/sys/kernel/hostname); touch /sys/fs/cgroup/x || true", change)
        self.assertEqual(text.count("Read-only"), 3, text)
        self.assertIn("0\n0\n", text)

    def test_life(self):
        config = self.example("sleep", "100")
        self.write(config)
        done = subprocess.run([RUNTIME, "--root", str(self.state), "run", "--detach", "--bundle", str(self.bundle), self.id], stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, preexec_fn=without_calls(442), timeout=60)
        self.assertEqual(done.returncode, 0)
        self.assertEqual(self.call("exec", self.id, "echo", "in", preexec_fn=without_calls(442)).stdout, "in\n")


@needs_root
@ours_only
class NetworkDevicesAndMemoryPolicy(Case):
    """runtime-spec 1.3; the peers that Debian offers don't know these yet."""

    def setUp(self):
        super().setUp()
        self.device = "rct" + str(os.getpid() % 10000)
        run("ip", "link", "add", self.device, "type", "veth", "peer", "name", self.device + "p", check=True)
        self.addCleanup(run, "ip", "link", "del", self.device + "p")
        for words in (["addr", "add", "192.0.2.7/25", "brd", "+", "dev", self.device], ["addr", "add", "2001:db8::7/64", "nodad", "dev", self.device],
                      ["addr", "add", "169.254.7.7/16", "scope", "link", "dev", self.device], ["link", "set", self.device, "mtu", "1400"]):
            run("ip", *words, check=True)

    def inside(self, devices, *namespaces):
        config = self.example("sh", "-c", "ip addr; cat /sys/class/net/*/mtu")
        config["linux"]["netDevices"] = devices
        config["linux"]["namespaces"] += namespaces
        return self.output(config)

    def test_a_device_is_moved_with_its_lasting_addresses_and_is_up(self):
        text = self.inside({self.device: {"name": "eth7"}})
        self.assertIn("eth7@", text)
        self.assertIn("inet 192.0.2.7/25 brd 192.0.2.127", text)
        self.assertIn("inet6 2001:db8::7/64", text)
        self.assertNotIn("169.254.7.7", text)
        self.assertIn(",UP", text[text.index("eth7"):])
        self.assertIn("1400", text)
        self.assertNotIn(self.device + "@", run("ip", "link").stdout)

    def test_it_keeps_its_name_without_another(self):
        self.assertIn(self.device + "@", self.inside({self.device: {}}))

    def test_the_kernel_chooses_a_number(self):
        self.assertIn("net0@", self.inside({self.device: {"name": "net%d"}}))

    def test_into_a_namespace_that_is_joined(self):
        name = self.device + "ns"
        run("ip", "netns", "add", name, check=True)
        self.addCleanup(run, "ip", "netns", "del", name)
        config = self.example("ip", "addr", "show", "eth7")
        config["linux"]["netDevices"] = {self.device: {"name": "eth7"}}
        config["linux"]["namespaces"] = [n for n in config["linux"]["namespaces"] if n["type"] != "network"] + [{"type": "network", "path": "/run/netns/" + name}]
        self.assertIn("192.0.2.7", self.output(config))
        self.assertIn("192.0.2.7", run("ip", "-n", name, "addr").stdout, "it stays with its namespace")

    def test_what_is_refused(self):
        for devices, text in (({"nosuch0": {}}, "the host has no such device"), ({self.device: {"name": "lo"}}, "has a device lo already"),
                              ({self.device: {"name": "a/b"}}, "no name of a network device"), ({self.device: {"name": "x"}, self.device + "p": {"name": "x"}}, "two devices")):
            config = self.example("true")
            config["linux"]["netDevices"] = devices
            self.refused(config, text)
        config = self.example("true")
        config["linux"]["netDevices"] = {self.device: {}}
        config["linux"]["namespaces"] = [n for n in config["linux"]["namespaces"] if n["type"] != "network"]
        self.refused(config, "needs a network namespace")
        self.assertIn(self.device + "@", run("ip", "link").stdout, "nothing was moved")

    def test_memory_policy(self):
        text = self.shell("cat /proc/self/numa_maps", with_(linux__memoryPolicy={"mode": "MPOL_BIND", "nodes": "0", "flags": ["MPOL_F_STATIC_NODES"]}))
        self.assertIn("bind=static:0", text)
        for policy, text in (({"mode": "MPOL_BEST"}, "is unknown"), ({"mode": "MPOL_BIND", "nodes": "0-"}, "not a list of nodes"),
                             ({"mode": "MPOL_BIND", "nodes": "63"}, "does this machine have the nodes"), ({"mode": "MPOL_LOCAL", "flags": ["MPOL_F_X"]}, "is unknown")):
            config = self.example("true")
            config["linux"]["memoryPolicy"] = policy
            self.refused(config, text)


if __name__ == "__main__":
    unittest.main()
