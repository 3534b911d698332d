// The command line as data: the parser, help, completions and the man page are all made from it.

/// Options before the verb.
public let globalOptions: [Option] = [
  Option("root", nil, "DIR", "directory for the state of containers"),
  Option("log", nil, "FILE", "append messages to FILE instead of standard error"),
  Option("log-format", nil, "FORMAT", "text or json"),
  Option("debug", nil, nil, "log what is of interest to developers too"),
  Option("cgroup-manager", nil, "NAME", "cgroupfs, or disabled for no cgroups"),
  Option("systemd-cgroup", nil, nil, "let systemd manage cgroups (not supported yet)"),
  Option("rootless", nil, "MODE", "accepted for compatibility; found out by itself"),
  Option("criu", nil, "PATH", "accepted for compatibility"),
  Option("help", "h", nil, "show help"),
  Option("version", "v", nil, "show the version"),
]

private let bundle = Option("bundle", "b", "DIR", "directory with config.json; here by default")
private let config = Option("config", "f", "FILE", "another file than config.json of the bundle")
private let pidFile = Option("pid-file", nil, "FILE", "write the pid of the process to FILE")
private let console = Option(
  "console-socket", nil, "PATH", "send the terminal's master to this socket")
private let preserve = Option(
  "preserve-fds", nil, "N", "pass N descriptors on, from 3")
private let noPivot = Option("no-pivot", nil, nil, "move the root instead of pivoting into it")
private let noKeyring = Option("no-new-keyring", nil, nil, "keep the session keyring")
private let detach = Option("detach", "d", nil, "return once the process has started")

/// All verbs, in the order of help.
public let verbs: [Verb] = [
  Verb(
    "do", "[--] <command> [argument...]", 1...Int.max,
    "run a command in a sandbox: no image, no bundle", commandAfter: 0,
    [
      Option("rw", nil, "DIR", "let the command write to DIR (repeatable)"),
      Option("ro", nil, "DIR", "show DIR of the host read-only, as it is now (repeatable)"),
      Option("net", nil, "MODE", "none (loopback only) or host"),
      Option("memory", "m", "SIZE", "limit memory, as in 512m"),
      Option("cpus", nil, "N", "limit CPU time, as in 1.5"),
      Option("pids", nil, "N", "limit the number of processes"),
      Option("timeout", nil, "TIME", "end the command after TIME, as in 30s; exit status 124"),
      Option("env", "e", "NAME[=VALUE]", "set a variable, or pass it on (repeatable)"),
      Option("cwd", nil, "DIR", "working directory"),
      Option("root", nil, "DIR", "another root than the host's"),
      Option("hostname", nil, "NAME", "host name in the sandbox"),
      Option("json", nil, nil, "print a result as JSON, with the command's output in it"),
    ]),
  Verb(
    "run", "<id>", 1...1, "create, start, wait for and delete a container",
    [
      bundle, config, console, detach,
      Option("keep", nil, nil, "do not delete the container at its end"), pidFile, noPivot,
      noKeyring, preserve,
    ]),
  Verb(
    "create", "<id>", 1...1, "create a container; its process waits for start",
    [bundle, config, console, pidFile, noPivot, noKeyring, preserve]),
  Verb("start", "<id>", 1...1, "start the process of a created container"),
  Verb("state", "<id>", 1...1, "show the state of a container as JSON"),
  Verb(
    "kill", "<id> [signal]", 1...2, "send a signal, TERM by default, to the first process",
    [Option("all", "a", nil, "send it to all processes of the container")]),
  Verb(
    "delete", "<id>", 1...1, "remove what is left of a container",
    [Option("force", "f", nil, "kill it first; it is no error if there is none")]),
  Verb(
    "exec", "<id> [command] [argument...]", 1...Int.max, "run another process in a container",
    commandAfter: 1,
    [
      Option("process", "p", "FILE", "read the process from FILE (JSON)"),
      Option("tty", "t", nil, "give it a terminal"),
      Option("user", "u", "UID[:GID]", "run as this user"),
      Option("additional-gids", "g", "GID", "one more group (repeatable)"),
      Option("cwd", nil, "DIR", "working directory in the container"),
      Option("env", "e", "NAME=VALUE", "set a variable (repeatable)"),
      Option("cap", "c", "NAME", "give one more capability (repeatable)"),
      detach, pidFile, console,
      Option("process-label", nil, "LABEL", "SELinux label"),
      Option("apparmor", nil, "PROFILE", "AppArmor profile"),
      Option("no-new-privs", nil, nil, "set no_new_privs"), preserve,
      Option("ignore-paused", nil, nil, "accept a paused container"),
      Option("cgroup", nil, "PATH", "a cgroup below the container's"),
    ]),
  Verb(
    "list", "", 0...0, "list containers",
    [
      Option("format", "f", "FORMAT", "table or json"),
      Option("quiet", "q", nil, "ids only"),
    ]),
  Verb(
    "ps", "<id> [ps option...]", 1...Int.max, "list the processes of a container",
    commandAfter: 1, [Option("format", "f", "FORMAT", "table or json")]),
  Verb("pause", "<id>", 1...1, "stop all processes of a container"),
  Verb("resume", "<id>", 1...1, "let a paused container go on"),
  Verb(
    "update", "<id>", 1...1, "change the limits of a container",
    [
      Option("resources", "r", "FILE", "read limits from FILE (JSON), - for standard input"),
      Option("blkio-weight", nil, "N", "weight of block I/O, 10 to 1000"),
      Option("cpu-period", nil, "US", "CPU period in microseconds"),
      Option("cpu-quota", nil, "US", "CPU time in each period"),
      Option("cpu-burst", nil, "US", "unused CPU time that may be saved up"),
      Option("cpu-share", nil, "N", "relative weight of CPU time"),
      Option("cpu-shares", nil, "N", "the same as --cpu-share"),
      Option("cpu-rt-period", nil, "US", "real-time period"),
      Option("cpu-rt-runtime", nil, "US", "real-time in each period"),
      Option("cpu-idle", nil, "N", "1 makes it run only when nothing else does"),
      Option("cpuset-cpus", nil, "LIST", "CPUs to run on"),
      Option("cpuset-mems", nil, "LIST", "memory nodes to use"),
      Option("kernel-memory", nil, "SIZE", "refused: the kernel has no such limit any more"),
      Option("kernel-memory-tcp", nil, "SIZE", "limit for TCP buffers (cgroup v1)"),
      Option("memory", nil, "SIZE", "limit memory"),
      Option("memory-reservation", nil, "SIZE", "soft limit"),
      Option("memory-swap", nil, "SIZE", "limit memory and swap together, -1 for none"),
      Option("pids-limit", nil, "N", "limit the number of tasks"),
      Option("l3-cache-schema", nil, "TEXT", "refused: Intel RDT is not supported"),
      Option("mem-bw-schema", nil, "TEXT", "refused: Intel RDT is not supported"),
    ]),
  Verb(
    "events", "<id>", 1...1, "show statistics, and out-of-memory events, as JSON lines",
    [
      Option("interval", nil, "TIME", "time between statistics, 5s by default"),
      Option("stats", nil, nil, "show statistics once"),
    ]),
  Verb(
    "spec", "", 0...0, "write a config.json to start from",
    [bundle, Option("rootless", nil, nil, "one for an ordinary user")]),
  Verb("features", "", 0...0, "show what this runtime and kernel can do, as JSON"),
  Verb("version", "", 0...0, "show the version"),
  Verb("completion", "<bash|zsh|fish>", 1...1, "print a completion script for a shell"),
  Verb("man", "", 0...0, "print the manual page"),
]
