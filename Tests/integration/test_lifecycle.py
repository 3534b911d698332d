import json
import os
import pathlib
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from support import *  # noqa: E402,F403


@needs_root
class Lifecycle(Case):
    def test_create_start_state_kill_delete(self):
        self.write(self.example("sleep", "100"))
        pid_file = self.folder / "pid"
        with open(os.devnull, "w") as null:
            created = subprocess.run([RUNTIME, "--root", self.state, "create", "--bundle", self.bundle, "--pid-file", pid_file, self.id],
                                     stdin=subprocess.DEVNULL, stdout=null, stderr=null)
        self.assertEqual(created.returncode, 0)
        info = self.info()
        self.assertEqual((info["status"], info["id"], info["bundle"]), ("created", self.id, str(self.bundle)))
        self.assertEqual(int(pid_file.read_text()), info["pid"])
        self.assertNotEqual(self.call("delete", self.id).returncode if IS_OURS else 1, 0)
        self.assertEqual(self.call("start", self.id).returncode, 0)
        self.assertEqual(self.info()["status"], "running")
        self.assertNotEqual(self.call("start", self.id).returncode, 0, "started twice")
        self.assertNotEqual(self.call("delete", self.id).returncode, 0, "deleted while it runs")
        self.assertEqual(self.call("kill", self.id, "KILL").returncode, 0)
        self.wait_status("stopped")
        self.assertNotEqual(self.call("kill", self.id, "TERM").returncode, 0)
        self.assertEqual(self.call("delete", self.id).returncode, 0)
        self.assertNotEqual(self.call("state", self.id).returncode, 0)
        self.assertEqual(self.call("delete", "--force", self.id).returncode, 0)

    def test_exit_status_is_the_commands(self):
        self.assertEqual(self.run_container(self.example("sh", "-c", "exit 7")).returncode, 7)
        self.assertEqual(self.run_container(self.example("sh", "-c", "sleep 100 & kill -9 $!; wait $!")).returncode, 137)

    def test_an_id_is_used_once(self):
        self.detached()
        second = self.call("run", "--bundle", self.bundle, self.id)
        self.assertNotEqual(second.returncode, 0)
        if IS_OURS:
            self.assertIn("container with id exists: " + self.id, second.stderr)
        self.assertEqual(self.info()["status"], "running", "the first one was harmed")

    def test_exec(self):
        self.detached()
        done = self.call("exec", "--env", "A=b", "--cwd", "/etc", self.id, "sh", "-c", "echo $A; pwd; cat /proc/1/cmdline; exit 3")
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn("b\n/etc\nsleep\x00100", done.stdout)
        self.assertEqual(self.call("exec", "--user", "1000:1000", self.id, "id", "-u").stdout, "1000\n")
        process = self.folder / "process.json"
        process.write_text(json.dumps({"args": ["sh", "-c", "echo $X"], "env": ["X=y", "PATH=/bin"], "cwd": "/", "user": {"uid": 0, "gid": 0}}))
        self.assertEqual(self.call("exec", "--process", process, self.id).stdout, "y\n")
        missing = self.call("exec", self.id, "nosuch")
        self.assertNotEqual(missing.returncode, 0)
        self.assertIn("not found", missing.stderr)

    def test_exec_joins_all_namespaces_and_the_cgroup(self):
        self.detached()
        script = "for n in /proc/self/ns/*; do readlink $n; done | grep -v children; cat /proc/self/cgroup"
        inside = self.call("exec", self.id, "sh", "-c", script).stdout
        first = self.call("exec", self.id, "sh", "-c", script.replace("self", "1")).stdout
        self.assertEqual(inside, first)

    def test_pause_and_resume(self):
        self.detached()
        self.assertEqual(self.call("pause", self.id).returncode, 0)
        self.assertEqual(self.info()["status"], "paused")
        self.assertNotEqual(self.call("exec", self.id, "true").returncode if IS_OURS else 1, 0)
        self.assertEqual(self.call("resume", self.id).returncode, 0)
        self.assertEqual(self.info()["status"], "running")

    def test_ps_list_events(self):
        self.detached()
        pids = json.loads(self.call("ps", "--format", "json", self.id).stdout)
        self.assertEqual(pids, [self.info()["pid"]])
        self.assertIn("sleep 100", self.call("ps", self.id).stdout)
        listed = json.loads(self.call("list", "--format", "json").stdout)
        self.assertEqual([(c["id"], c["status"]) for c in listed], [(self.id, "running")])
        self.assertEqual(self.call("list", "--quiet").stdout.split(), [self.id])
        if "crun" in RUNTIME:
            return
        stats = json.loads(self.call("events", "--stats", self.id).stdout)
        self.assertEqual((stats["type"], stats["id"]), ("stats", self.id))
        self.assertGreater(stats["data"]["memory"]["usage"]["usage"], 0)

    def test_update(self):
        self.detached()
        self.assertEqual(self.call("update", "--memory", "64m", "--pids-limit", "50", self.id).returncode, 0)
        done = self.call("update", "--resources", "-", self.id, input='{"cpu":{"shares":512}}')
        self.assertEqual(done.returncode, 0, done.stderr)
        values = {}
        for file in ("memory.limit_in_bytes", "pids.max", "cpu.shares", "memory.max"):
            for found in CGROUPS.glob(f"**/{self.id}/{file}"):
                values[file] = found.read_text().strip()
        self.assertEqual(values.get("memory.limit_in_bytes", values.get("memory.max")), str(64 << 20))
        self.assertEqual(values["pids.max"], "50")

    def test_terminal(self):
        import socket
        config = self.example("sh", "-c", "tty; test -t 0 && echo terminal; stty 2>/dev/null; ls -l /dev/console")
        config["process"]["terminal"] = True
        config["process"]["consoleSize"] = {"height": 11, "width": 77}
        self.write(config)
        path = str(self.folder / "console")
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        listener.listen()
        process = subprocess.Popen([RUNTIME, "--root", str(self.state), "run", "--detach", "--bundle", str(self.bundle), "--console-socket", path, self.id])
        connection, _ = listener.accept()
        _, (master,), _, _ = socket.recv_fds(connection, 100, 1)
        text = b""
        try:
            while chunk := os.read(master, 1000):
                text += chunk
        except OSError:
            pass
        self.assertEqual(process.wait(), 0)
        self.assertIn(b"/dev/pts/0", text)
        self.assertIn(b"terminal", text)
        self.assertIn(b"/dev/console", text)
        os.close(master)

    def test_signals_reach_the_command_of_a_foreground_run(self):
        self.write(self.example("sh", "-c", "trap 'exit 9' TERM; echo ready; while :; do sleep 0.05; done"))
        process = subprocess.Popen([RUNTIME, "--root", str(self.state), "run", "--bundle", str(self.bundle), self.id], stdout=subprocess.PIPE)
        self.assertEqual(process.stdout.readline(), b"ready\n")
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(timeout=20), 9)
        process.stdout.close()

    def test_two_hundred_at_once(self):
        self.write(self.example("true"))
        ids = [f"{self.id}-{n}" for n in range(200)]
        config = self.example("true")
        del config["linux"]["cgroupsPath"]
        self.write(config)
        for start in range(0, 200, 50):
            running = [subprocess.Popen([RUNTIME, "--root", str(self.state), "run", "--bundle", str(self.bundle), i]) for i in ids[start:start + 50]]
            self.assertEqual([p.wait(timeout=120) for p in running], [0] * 50)


@needs_root
@unittest.skipIf("crun" in RUNTIME, "crun has no events")
class Events(Case):
    def test_out_of_memory_is_told_and_the_end_is_the_end(self):
        def limit(config):
            config["linux"]["resources"] = {"memory": {"limit": 16 << 20, "swap": 16 << 20}}
        self.detached("sh", "-c", "while ! test -e /go; do sleep 0.02; done; (a=x; while :; do a=$a$a; done); sleep 100", change=limit)
        events = subprocess.Popen([RUNTIME, "--root", str(self.state), "events", "--interval", "500s", self.id], stdout=subprocess.PIPE, text=True)
        try:
            time.sleep(0.3)  # until it watches
            (self.bundle / "rootfs/go").touch()
            self.assertEqual(json.loads(events.stdout.readline())["type"], "oom")
            done = self.call("kill", self.id, "KILL")
            self.assertEqual(done.returncode, 0, done.stderr)
            events.wait(timeout=20)
        finally:
            events.kill()
            events.wait()
            events.stdout.close()

    def test_statistics_come_at_their_interval(self):
        self.detached()
        events = subprocess.Popen([RUNTIME, "--root", str(self.state), "events", "--interval", "100ms", self.id], stdout=subprocess.PIPE, text=True)
        try:
            for _ in range(3):
                self.assertEqual(json.loads(events.stdout.readline())["type"], "stats")
        finally:
            events.kill()
            events.wait()
            events.stdout.close()


@needs_root
class Hooks(Case):
    def test_each_runs_at_its_time_with_the_state(self):
        log = self.folder / "log"
        log.touch()

        def hook(name, where="host"):
            path = "/bin/sh"
            return [{"path": path, "args": ["sh", "-c", f"echo {name} $(cat) >> {log if where == 'host' else '/log'}"], "env": ["PATH=/bin:/usr/bin"], "timeout": 10}]
        config = self.example("sh", "-c", "echo process >> /log")
        config["mounts"].append({"destination": "/log", "type": "bind", "source": str(log), "options": ["bind"]})
        config["hooks"] = {"prestart": hook("prestart"), "createRuntime": hook("createRuntime"), "createContainer": hook("createContainer"),
                           "startContainer": hook("startContainer", "container"), "poststart": hook("poststart"), "poststop": hook("poststop")}
        self.output(config)
        lines = log.read_text().splitlines()
        names = [line.split()[0] for line in lines]
        self.assertEqual(names[:4], ["prestart", "createRuntime", "createContainer", "startContainer"])
        self.assertEqual(sorted(names[4:]), ["poststart", "poststop", "process"])
        self.assertEqual(names[-1], "poststop")
        for line in lines:
            name, _, state = line.partition(" ")
            if name != "process":
                self.assertEqual(json.loads(state)["id"], self.id, line)

    def test_a_failing_hook_stops_everything(self):
        config = self.example("true")
        config["hooks"] = {"createRuntime": [{"path": "/bin/sh", "args": ["sh", "-c", "echo broken >&2; exit 3"]}]}
        text = self.refused(config, "hooks: createRuntime[0] (/bin/sh): exit status 3", "broken")
        self.assertTrue(text)

    @ours_only
    def test_a_slow_hook_is_ended(self):
        config = self.example("true")
        config["hooks"] = {"prestart": [{"path": "/bin/sleep", "args": ["sleep", "60"], "timeout": 1}]}
        begin = time.time()
        self.refused(config, "took longer than 1 s")
        self.assertLess(time.time() - begin, 20)


if __name__ == "__main__":
    unittest.main()
