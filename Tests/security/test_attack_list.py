"""What escapes were made of (the CVEs of field reports, and the calls behind them), tried in a container as an engine makes it.

Each attack has a control: it works in the same container on crun under docker's default profile; or, where that profile denies
it too, on crun without a filter and with all capabilities, so that it is the filter that stops it here; or a reason why no
control can be had on this machine."""
import errno
import json
import pathlib
import platform
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from support import ROOT, RUNTIME, Case, needs_root, ours_only, run  # noqa: E402

DOCKER, BARE = "works under docker's default profile", "works without a filter, with all capabilities"
# The attack, its control, and what it stood for.
ATTACKS = {
    "af_alg": (DOCKER, "CVE-2026-31431"),
    "af_packet": (DOCKER, "CVE-2020-14386"),
    "af_vsock": (DOCKER, "sockets to the hypervisor"),
    "raw_socket": (DOCKER, "spoofed packets"),
    "netfilter": (DOCKER, "CVE-2024-1086, with a user namespace"),
    "unprivileged_bpf": (BARE, "CVE-2021-3490"),
    "perf_event": (BARE, "CVE-2023-6931"),
    "user_faults": (BARE, "stops the kernel where a race needs it"),
    "io_uring": (DOCKER, "CVE-2022-29582"),
    "own_filter_then_io_uring": (DOCKER, "a filter of the container's own takes nothing away"),
    "kernel_keys": (BARE, "CVE-2016-0728"),
    "session_keyring": (BARE, "CVE-2016-0728"),
    "request_a_key": (BARE, "CVE-2016-0728"),
    "open_by_handle": (BARE, "the first escape from docker, 2014"),
    "trace_another": (DOCKER, "memory and descriptors of other processes"),
    "read_another": (BARE, "memory of other processes"),
    "new_user_namespace": (BARE, "CVE-2022-0185, CVE-2022-0492"),
    "clone_user_namespace": (BARE, "CVE-2022-0185"),
    "clone3_user_namespace": (BARE, "CVE-2022-0185"),
    "join_namespace": (BARE, "another container's namespaces"),
    "mount_tmpfs": (BARE, "CVE-2022-0492"),
    "new_mount_api": (BARE, "CVE-2022-0185"),
    "change_root": (DOCKER, "out of a directory that one was kept in"),
    "make_device": (DOCKER, "the host's disks"),
    "gift_pages": (DOCKER, "CVE-2022-0847"),
    "type_for_another": (DOCKER, "CVE-2016-2568: input for the terminal of who started it"),
    "change_personality": (BARE, "memory that is read is executed"),
    "no_randomization": (BARE, "addresses that are known"),
    "asynchronous_io": (DOCKER, "CVE-2022-29582's elder"),
    "compare_kernel_objects": (BARE, "where the kernel's objects lie"),
    "file_events": (BARE, "who opens what on the host's file system"),
    "kernel_log": (BARE, "the kernel's addresses"),
    "load_module": (BARE, "the kernel itself"),
    "other_kernel": (BARE, "the kernel itself"),
    "multipath_tcp": (DOCKER, "CVE-2024-53122; a way around what holds for TCP"),
    "kernel_tls": (DOCKER, "CVE-2023-0461"),
    "local_descriptor_table": (DOCKER, "CVE-2017-17053"),
    "call_of_i386": (DOCKER, "numbers that a filter of 64 bits does not know"),
    "call_of_x32": (DOCKER, "numbers that a filter of 64 bits does not know"),
}
# Where the control fails too: what this kernel may lack. The attack has to fail here all the same.
ABSENT = {errno.ENOSYS, errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT, errno.ENOPROTOOPT, errno.EOPNOTSUPP, errno.EIO}


@needs_root
@ours_only
@unittest.skipUnless(platform.machine() == "x86_64", "crun's controls were established on x86-64")
class AttackList(Case):
    def tried(self, program, change, *options):
        config = self.example("/attacks")
        docker = json.loads((ROOT / "Tests/OCISpecTests/Fixtures/docker-config.json").read_text())
        config["ociVersion"] = "1.0.2"
        config["process"].update(capabilities=docker["process"]["capabilities"], noNewPrivileges=False)
        config["linux"]["seccomp"] = docker["linux"]["seccomp"]
        config["mounts"].append({"destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid"]})
        if not any(n["type"] == "network" for n in config["linux"]["namespaces"]):
            config["linux"]["namespaces"].append({"type": "network"})
        change(config)
        self.write(config)
        done = run(program, "--root", self.folder / "state", *options, "run", "--bundle", self.bundle, self.id)
        self.assertEqual(done.returncode, 0, done.stderr)
        return {name: int(result) for name, result in (line.split() for line in done.stdout.splitlines())}

    def bare(self, config):
        config["linux"].pop("seccomp")
        config["process"].pop("rlimits", None)
        every = [f"CAP_{name}" for name in CAPABILITIES]
        config["process"]["capabilities"] = {kind: every for kind in ("bounding", "effective", "permitted")}

    def test_attacks_fail_here_and_their_controls_do_not(self):
        done = run("gcc", "-static", "-O1", "-o", self.bundle / "rootfs/attacks", ROOT / "Tests/security/attacks.c")
        self.assertEqual(done.returncode, 0, done.stderr)
        ours = self.tried(RUNTIME, lambda config: None)
        strict = self.tried(RUNTIME, lambda config: None, "--policy", "strict")
        sandbox = run(RUNTIME, "do", "--root", self.bundle / "rootfs", "--", "/attacks")
        sandboxed = {name: int(result) for name, result in (line.split() for line in sandbox.stdout.splitlines())}
        controls = {DOCKER: self.tried("crun", lambda config: None), BARE: self.tried("crun", self.bare)}
        self.assertEqual(set(ATTACKS) | {"route_netlink"}, set(ours))
        # What programs need works, or all of this would say little.
        self.assertEqual((ours["route_netlink"], sandboxed["route_netlink"]), (0, 0))
        without = []
        for name, (control, what) in ATTACKS.items():
            with self.subTest(attack=name, what=what):
                for where, results in (("default", ours), ("strict", strict), ("do", sandboxed)):
                    self.assertNotEqual(results[name], 0, f"works in a container with {where}")
                result = controls[control][name]
                if result in ABSENT or -result == 31:
                    without.append(f"{name} ({errno.errorcode.get(result, result)})")
                else:
                    self.assertEqual(result, 0, f"the control does not work: {errno.errorcode.get(result, result)}")
        print(f"{len(ATTACKS) - len(without)} attacks with a control; this kernel has none for: {', '.join(without) or '-'}",
              file=sys.stderr)


CAPABILITIES = """CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE
NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT
SYS_NICE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM
BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE""".split()

if __name__ == "__main__":
    unittest.main()
