// The command line as data: the parser, help, completions and the manual page are made from it.

extension Option {
  /// Options before the verb.
  public static let global: [Option] = [
    Option("root", nil, .directory, "keep the state of containers in DIR"),
    Option("log", nil, .file, "append messages to FILE instead of standard error"),
    Option("log-format", nil, .choice("FORMAT", ["text", "json"]), "text (the default) or json"),
    Option("debug", nil, nil, "log what is of interest to developers too"),
    Option(
      "cgroup-manager", nil, .choice("NAME", ["cgroupfs", "systemd", "disabled"]),
      "cgroupfs (the default), or disabled for no cgroups; systemd is not supported yet"),
    Option("systemd-cgroup", nil, nil, "the same as --cgroup-manager systemd"),
    Option(
      "rootless", nil, .choice("MODE", ["true", "false", "auto"]),
      "accepted for compatibility; found out by itself"),
    Option(
      "policy", nil, .text("NAME|FILE"),
      "of containers that name none: default, strict, compat, nested, none, or a file"),
    Option(
      "egress", nil, .text("RULES"),
      "where containers that say nothing of it may connect to; RULES as for do"),
    Option("dns", nil, .text("ADDRESS[:PORT]"), "who is asked for the names of --egress"),
    Option("criu", nil, .file, "accepted for compatibility"),
    Option("help", "h", nil, "show help"),
    Option("version", "v", nil, "show the version"),
  ]

  fileprivate static let bundle = Option(
    "bundle", "b", .directory, "directory with config.json; the current one by default")
  fileprivate static let policyName = Option(
    "policy", nil, .text("NAME|FILE"),
    "what system calls the command may make: default, strict, compat, nested, or a file")
  fileprivate static let audit = Option(
    "audit", nil, .file, "append a line of JSON to FILE for each call that the policy denies")
  fileprivate static let require = Option(
    "require", nil, .text("FEATURE,..."), "fail if the kernel lacks one; all, or names of features --check")
  fileprivate static let config = Option(
    "config", "f", .file, "another file than config.json of the bundle")
  fileprivate static let pidFile = Option(
    "pid-file", nil, .file, "write the pid of the process to FILE")
  fileprivate static let consoleSocket = Option(
    "console-socket", nil, Argument("PATH", .file), "send the terminal's master to this socket")
  fileprivate static let preserveFDs = Option(
    "preserve-fds", nil, .count(0...65536), "pass N more descriptors on, from 3")
  fileprivate static let noPivot = Option(
    "no-pivot", nil, nil, "move the root instead of pivoting into it")
  fileprivate static let noNewKeyring = Option(
    "no-new-keyring", nil, nil, "keep the session keyring")
  fileprivate static let detach = Option(
    "detach", "d", nil, "return once the process has started")
  fileprivate static let format = Option(
    "format", "f", .choice("FORMAT", ["table", "json"]), "table (the default) or json")
}

extension Verb {
  /// All verbs, in the order of help.
  public static let all: [Verb] = [
    Verb(
      "do", [.command], "run a command in a sandbox: no image, no bundle",
      sandbox + [
        .policyName, .audit,
        Option("summary", nil, nil, "print at the end which calls the policy denied"),
        Option("json", nil, nil, "print a result as JSON, with the command's output in it"),
        Option("diff", nil, nil, "list at the end which files the command changed"),
        .require,
        Option("pool", nil, Argument("PATH", .file), "run in a sandbox of the pool at PATH"),
        Option("keep-changes", nil, .directory, "copy the files that the command changed into the new DIR"),
      ]),
    Verb(
      "pool", [], "keep sandboxes prepared for do --pool",
      [
        Option("size", nil, .count(1...256), "how many, 4 by default"),
        Option("socket", nil, Argument("PATH", .file), "where clients connect"),
      ] + sandbox.filter { !["env", "cwd", "timeout"].contains($0.name) } + [
        .policyName, .audit, .require,
        Option("summary", nil, nil, "count the calls that the policy denies, for do --pool"),
      ]),
    Verb(
      "trace", [.command], "print the system calls of a command in a sandbox, or of a container",
      sandbox + [.policyName, Option("output", "o", .file, "print to FILE instead of standard error")]),
    Verb(
      "run", [.newContainer], "create, start, wait for and delete a container",
      [
        .bundle, .config, .consoleSocket, .detach,
        Option("keep", nil, nil, "do not delete the container at its end"), .pidFile, .noPivot,
        .noNewKeyring, .preserveFDs,
      ]),
    Verb(
      "create", [.newContainer], "create a container; its process waits for start",
      [.bundle, .config, .consoleSocket, .pidFile, .noPivot, .noNewKeyring, .preserveFDs]),
    Verb("start", [.container], "start the process of a created container"),
    Verb("state", [.container], "show the state of a container as JSON"),
    Verb(
      "kill", [.container, .signal], "send a signal, TERM by default, to the first process",
      [Option("all", "a", nil, "send it to all processes of the container")]),
    Verb(
      "delete", [.container], "remove what is left of a container",
      [Option("force", "f", nil, "kill it first; it is no error if there is none")]),
    Verb(
      "exec", [.container, .optionalCommand], "run another process in a container",
      commandUnless: "process",
      [
        Option("process", "p", .file, "read the process from FILE (JSON)"),
        Option("tty", "t", nil, "give it a terminal"),
        Option("user", "u", Argument("UID[:GID]", .user), "run as this user"),
        Option(
          "additional-gids", "g", Argument("GID", .group), repeats: true,
          "one more group (repeatable)"),
        Option("cwd", nil, .directory, "working directory in the container"),
        Option(
          "env", "e", Argument("NAME=VALUE", .assignment), repeats: true,
          "set a variable (repeatable)"),
        Option("cap", "c", .text("NAME"), repeats: true, "give one more capability (repeatable)"),
        .detach, .pidFile, .consoleSocket,
        Option("process-label", nil, .text("LABEL"), "SELinux label"),
        Option("apparmor", nil, .text("PROFILE"), "AppArmor profile"),
        Option("no-new-privs", nil, nil, "set no_new_privs"), .preserveFDs,
        Option("ignore-paused", nil, nil, "accept a paused container"),
        Option("cgroup", nil, .text("PATH"), "a cgroup below the container's"),
      ]),
    Verb(
      "list", [], "list containers", [.format, Option("quiet", "q", nil, "show ids only")]),
    Verb("ps", [.container, .listing], "list the processes of a container", [.format]),
    Verb("pause", [.container], "stop all processes of a container"),
    Verb("resume", [.container], "let a paused container go on"),
    Verb("update", [.container], "change the limits of a container", limits),
    Verb(
      "events", [.container], "show statistics, and out-of-memory events, as JSON lines",
      [
        Option("interval", nil, .time, "time between statistics, 5s by default"),
        Option("stats", nil, nil, "show statistics once"),
      ]),
    Verb(
      "spec", [], "write a config.json to start from",
      [.bundle, Option("rootless", nil, nil, "write one for an ordinary user")]),
    Verb(
      "features", [], "show what this runtime and kernel can do, as JSON",
      [Option("check", nil, nil, "list what the kernel has, and what holds without; status 1 if one lacks")]),
    Verb(
      "profile", [.profileAction, .policies], "show, check, compare, learn or derive policies",
      [
        Option("arch", nil, .choice("NAME", ["x86_64", "aarch64"]), "of another architecture than this machine's"),
        Option("json", nil, nil, "as JSON"),
        Option("output", "o", .file, "learn, derive: write the policy to FILE instead of standard output"),
        Option("all", nil, nil, "derive: from all programs of the root file system"),
        Option(
          "with", nil, .text("PATH"), repeats: true,
          "derive: programs load the library PATH while they run (repeatable)"),
        Option(
          "watched", nil, .file, repeats: true,
          "derive: allow only what learn wrote to FILE, and its kin (repeatable)"),
        Option("explain", nil, nil, "derive: tell where each call is, and what is not known"),
        Option(
          "strict-analysis", nil, nil, "derive: fail if the number of a system call cannot be found out"),
      ] + sandbox),
    Verb("machine", [.tool], "make and start the emulated Arm CCA machine"),
    Verb("assess", [.toolWords], "measure how well runtimes contain threats, and the cost"),
    Verb("version", [], "show the version"),
    Verb("completion", [.shell], "print a completion script for a shell"),
    Verb("man", [], "print the manual page"),
  ]

  /// What a sandbox has: for `do` and its like.
  private static let sandbox: [Option] = [
    Option("rw", nil, .directory, repeats: true, "let the command write to DIR (repeatable)"),
    Option(
      "ro", nil, .directory, repeats: true,
      "show DIR of the host read-only, as it is now (repeatable)"),
    Option(
      "mount", nil, .text("SPEC"), repeats: true,
      "type=bind,src=DIR,dst=PATH[,ro] or type=tmpfs,dst=PATH[,size=N] (repeatable)"),
    Option(
      "net", nil, .choice("MODE", ["none", "host"]), "none (loopback only, the default) or host"),
    Option(
      "egress", nil, .text("RULES"),
      "connect to these only: none, all, or a list of HOST:PORT[/udp][/later]"),
    Option("dns", nil, .text("ADDRESS[:PORT]"), "who is asked for the names of --egress"),
    Option("memory", "m", .size, "limit memory, as in 512m"),
    Option("cpus", nil, Argument("N", .cpus), "limit CPU time, as in 1.5"),
    Option(
      "pids", nil, .count(1...UInt64(UInt32.max)), "limit the number of processes and threads"),
    Option("timeout", nil, .time, "end the command after TIME, as in 30s; exit status 124"),
    Option(
      "env", "e", Argument("NAME[=VALUE]", .variable), repeats: true,
      "set a variable, or pass it on (repeatable)"),
    Option("cwd", nil, .directory, "working directory"),
    Option("root", nil, .directory, "another root than the host's"),
    Option("hostname", nil, .text("NAME"), "host name in the sandbox"),
    Option(
      "shim", nil, .choice("KIND", ["software", "cca"]),
      "software (the default), or cca: memory of its own, out of the host's reach (Arm CCA)"),
  ]

  private static let limits: [Option] = [
    Option("resources", "r", .file, "read limits from FILE (JSON), - for standard input"),
    Option("blkio-weight", nil, .count(0...UInt64(UInt16.max)), "weight of block I/O, 10 to 1000"),
    Option("cpu-period", nil, .microseconds, "CPU period in microseconds"),
    Option("cpu-quota", nil, .signedMicroseconds, "CPU time in each period, -1 for no limit"),
    Option("cpu-burst", nil, .microseconds, "unused CPU time that may be saved up"),
    Option("cpu-share", nil, .count(0...UInt64.max), "relative weight of CPU time"),
    Option("cpu-shares", nil, .count(0...UInt64.max), "the same as --cpu-share"),
    Option("cpu-rt-period", nil, .microseconds, "real-time period"),
    Option("cpu-rt-runtime", nil, .signedMicroseconds, "real-time in each period"),
    Option("cpu-idle", nil, .count(0...1), "1 makes it run only when nothing else does"),
    Option("cpuset-cpus", nil, .text("LIST"), "CPUs to run on, as in 0-2,5"),
    Option("cpuset-mems", nil, .text("LIST"), "memory nodes to use"),
    Option("kernel-memory", nil, .size, "refused: the kernel has no such limit any more"),
    Option("kernel-memory-tcp", nil, .size, "limit for TCP buffers (cgroup v1)"),
    Option("memory", nil, .size, "limit memory"),
    Option("memory-reservation", nil, .size, "soft limit"),
    Option("memory-swap", nil, .size, "limit memory and swap together, -1 for none"),
    Option("pids-limit", nil, Argument("N", .integer), "limit the number of tasks, -1 for none"),
    Option("l3-cache-schema", nil, .text("TEXT"), "refused: Intel RDT is not supported"),
    Option("mem-bw-schema", nil, .text("TEXT"), "refused: Intel RDT is not supported"),
  ]
}
