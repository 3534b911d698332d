#compdef rcontainer
_rcontainer_containers() {
  local -a containers=(${(f)"$(rcontainer list --quiet 2>/dev/null)"})
  _describe container containers
}
_rcontainer() {
  local curcontext=$curcontext state line
  local -a verbs=(
    'do:run a command in a sandbox\: no image, no bundle'
    'pool:keep sandboxes prepared for do --pool'
    'trace:print the system calls of a command in a sandbox, or of a container'
    'run:create, start, wait for and delete a container'
    'create:create a container; its process waits for start'
    'start:start the process of a created container'
    'state:show the state of a container as JSON'
    'kill:send a signal, TERM by default, to the first process'
    'delete:remove what is left of a container'
    'exec:run another process in a container'
    'list:list containers'
    'ps:list the processes of a container'
    'pause:stop all processes of a container'
    'resume:let a paused container go on'
    'update:change the limits of a container'
    'events:show statistics, and out-of-memory events, as JSON lines'
    'spec:write a config.json to start from'
    'features:show what this runtime and kernel can do, as JSON'
    'profile:show, check, compare, learn or derive policies'
    'machine:make and start the emulated Arm CCA machine'
    'assess:measure how well runtimes contain threats, and the cost'
    'version:show the version'
    'completion:print a completion script for a shell'
    'man:print the manual page'
  )
  _arguments -s -C \
    '--root=[keep the state of containers in DIR]:DIR:_files -/' \
    '--log=[append messages to FILE instead of standard error]:FILE:_files' \
    '--log-format=[text (the default) or json]:FORMAT:(text json)' \
    '--debug[log what is of interest to developers too]' \
    '--cgroup-manager=[cgroupfs (the default), or disabled for no cgroups; systemd is not supported yet]:NAME:(cgroupfs systemd disabled)' \
    '--systemd-cgroup[the same as --cgroup-manager systemd]' \
    '--rootless=[accepted for compatibility; found out by itself]:MODE:(true false auto)' \
    '--policy=[of containers that name none\: default, strict, compat, nested, none, or a file]:NAME|FILE: ' \
    '--egress=[where containers that say nothing of it may connect to; RULES as for do]:RULES: ' \
    '--dns=[who is asked for the names of --egress]:ADDRESS\[\:PORT\]: ' \
    '--criu=[accepted for compatibility]:FILE:_files' \
    '(-h --help)'{-h,--help}'[show help]' \
    '(-v --version)'{-v,--version}'[show the version]' \
    '1:verb:{_describe verb verbs}' \
    '*::argument:->rest'
  [[ $state == rest ]] || return
  curcontext=${curcontext%:*}-$line[1]:
  case $line[1] in
  do)
    _arguments -s -A '-*' \
    '*--rw=[let the command write to DIR (repeatable)]:DIR:_files -/' \
    '*--ro=[show DIR of the host read-only, as it is now (repeatable)]:DIR:_files -/' \
    '*--mount=[type=bind,src=DIR,dst=PATH\[,ro\] or type=tmpfs,dst=PATH\[,size=N\] (repeatable)]:SPEC: ' \
    '--net=[none (loopback only, the default) or host]:MODE:(none host)' \
    '--egress=[connect to these only\: none, all, or a list of HOST\:PORT\[/udp\]\[/later\]]:RULES: ' \
    '--dns=[who is asked for the names of --egress]:ADDRESS\[\:PORT\]: ' \
    '(-m --memory)'{-m,--memory=}'[limit memory, as in 512m]:SIZE: ' \
    '--cpus=[limit CPU time, as in 1.5]:N: ' \
    '--pids=[limit the number of processes and threads]:N: ' \
    '--timeout=[end the command after TIME, as in 30s; exit status 124]:TIME: ' \
    '*'{-e,--env=}'[set a variable, or pass it on (repeatable)]:NAME\[=VALUE\]: ' \
    '--cwd=[working directory]:DIR:_files -/' \
    '--root=[another root than the host'\''s]:DIR:_files -/' \
    '--hostname=[host name in the sandbox]:NAME: ' \
    '--shim=[software (the default), or cca\: memory of its own, out of the host'\''s reach (Arm CCA)]:KIND:(software cca)' \
    '--policy=[what system calls the command may make\: default, strict, compat, nested, or a file]:NAME|FILE: ' \
    '--audit=[append a line of JSON to FILE for each call that the policy denies]:FILE:_files' \
    '--summary[print at the end which calls the policy denied]' \
    '--json[print a result as JSON, with the command'\''s output in it]' \
    '--diff[list at the end which files the command changed]' \
    '--require=[fail if the kernel lacks one; all, or names of features --check]:FEATURE,...: ' \
    '--pool=[run in a sandbox of the pool at PATH]:PATH:_files' \
    '--keep-changes=[copy the files that the command changed into the new DIR]:DIR:_files -/' \
    '*::command: _normal'
    ;;
  pool)
    _arguments -s \
    '--size=[how many, 4 by default]:N: ' \
    '--socket=[where clients connect]:PATH:_files' \
    '*--rw=[let the command write to DIR (repeatable)]:DIR:_files -/' \
    '*--ro=[show DIR of the host read-only, as it is now (repeatable)]:DIR:_files -/' \
    '*--mount=[type=bind,src=DIR,dst=PATH\[,ro\] or type=tmpfs,dst=PATH\[,size=N\] (repeatable)]:SPEC: ' \
    '--net=[none (loopback only, the default) or host]:MODE:(none host)' \
    '--egress=[connect to these only\: none, all, or a list of HOST\:PORT\[/udp\]\[/later\]]:RULES: ' \
    '--dns=[who is asked for the names of --egress]:ADDRESS\[\:PORT\]: ' \
    '(-m --memory)'{-m,--memory=}'[limit memory, as in 512m]:SIZE: ' \
    '--cpus=[limit CPU time, as in 1.5]:N: ' \
    '--pids=[limit the number of processes and threads]:N: ' \
    '--root=[another root than the host'\''s]:DIR:_files -/' \
    '--hostname=[host name in the sandbox]:NAME: ' \
    '--shim=[software (the default), or cca\: memory of its own, out of the host'\''s reach (Arm CCA)]:KIND:(software cca)' \
    '--policy=[what system calls the command may make\: default, strict, compat, nested, or a file]:NAME|FILE: ' \
    '--audit=[append a line of JSON to FILE for each call that the policy denies]:FILE:_files' \
    '--require=[fail if the kernel lacks one; all, or names of features --check]:FEATURE,...: ' \
    '--summary[count the calls that the policy denies, for do --pool]' \
    ':no more arguments:'
    ;;
  trace)
    _arguments -s -A '-*' \
    '*--rw=[let the command write to DIR (repeatable)]:DIR:_files -/' \
    '*--ro=[show DIR of the host read-only, as it is now (repeatable)]:DIR:_files -/' \
    '*--mount=[type=bind,src=DIR,dst=PATH\[,ro\] or type=tmpfs,dst=PATH\[,size=N\] (repeatable)]:SPEC: ' \
    '--net=[none (loopback only, the default) or host]:MODE:(none host)' \
    '--egress=[connect to these only\: none, all, or a list of HOST\:PORT\[/udp\]\[/later\]]:RULES: ' \
    '--dns=[who is asked for the names of --egress]:ADDRESS\[\:PORT\]: ' \
    '(-m --memory)'{-m,--memory=}'[limit memory, as in 512m]:SIZE: ' \
    '--cpus=[limit CPU time, as in 1.5]:N: ' \
    '--pids=[limit the number of processes and threads]:N: ' \
    '--timeout=[end the command after TIME, as in 30s; exit status 124]:TIME: ' \
    '*'{-e,--env=}'[set a variable, or pass it on (repeatable)]:NAME\[=VALUE\]: ' \
    '--cwd=[working directory]:DIR:_files -/' \
    '--root=[another root than the host'\''s]:DIR:_files -/' \
    '--hostname=[host name in the sandbox]:NAME: ' \
    '--shim=[software (the default), or cca\: memory of its own, out of the host'\''s reach (Arm CCA)]:KIND:(software cca)' \
    '--policy=[what system calls the command may make\: default, strict, compat, nested, or a file]:NAME|FILE: ' \
    '(-o --output)'{-o,--output=}'[print to FILE instead of standard error]:FILE:_files' \
    '*::command: _normal'
    ;;
  run)
    _arguments -s \
    '(-b --bundle)'{-b,--bundle=}'[directory with config.json; the current one by default]:DIR:_files -/' \
    '(-f --config)'{-f,--config=}'[another file than config.json of the bundle]:FILE:_files' \
    '--console-socket=[send the terminal'\''s master to this socket]:PATH:_files' \
    '(-d --detach)'{-d,--detach}'[return once the process has started]' \
    '--keep[do not delete the container at its end]' \
    '--pid-file=[write the pid of the process to FILE]:FILE:_files' \
    '--no-pivot[move the root instead of pivoting into it]' \
    '--no-new-keyring[keep the session keyring]' \
    '--preserve-fds=[pass N more descriptors on, from 3]:N: ' \
    '1:id: '
    ;;
  create)
    _arguments -s \
    '(-b --bundle)'{-b,--bundle=}'[directory with config.json; the current one by default]:DIR:_files -/' \
    '(-f --config)'{-f,--config=}'[another file than config.json of the bundle]:FILE:_files' \
    '--console-socket=[send the terminal'\''s master to this socket]:PATH:_files' \
    '--pid-file=[write the pid of the process to FILE]:FILE:_files' \
    '--no-pivot[move the root instead of pivoting into it]' \
    '--no-new-keyring[keep the session keyring]' \
    '--preserve-fds=[pass N more descriptors on, from 3]:N: ' \
    '1:id: '
    ;;
  start)
    _arguments -s \
    '1:container:_rcontainer_containers'
    ;;
  state)
    _arguments -s \
    '1:container:_rcontainer_containers'
    ;;
  kill)
    _arguments -s \
    '(-a --all)'{-a,--all}'[send it to all processes of the container]' \
    '1:container:_rcontainer_containers' \
    '2:signal:(HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS)'
    ;;
  delete)
    _arguments -s \
    '(-f --force)'{-f,--force}'[kill it first; it is no error if there is none]' \
    '1:container:_rcontainer_containers'
    ;;
  exec)
    _arguments -s -A '-*' \
    '(-p --process)'{-p,--process=}'[read the process from FILE (JSON)]:FILE:_files' \
    '(-t --tty)'{-t,--tty}'[give it a terminal]' \
    '(-u --user)'{-u,--user=}'[run as this user]:UID\[\:GID\]: ' \
    '*'{-g,--additional-gids=}'[one more group (repeatable)]:GID: ' \
    '--cwd=[working directory in the container]:DIR:_files -/' \
    '*'{-e,--env=}'[set a variable (repeatable)]:NAME=VALUE: ' \
    '*'{-c,--cap=}'[give one more capability (repeatable)]:NAME: ' \
    '(-d --detach)'{-d,--detach}'[return once the process has started]' \
    '--pid-file=[write the pid of the process to FILE]:FILE:_files' \
    '--console-socket=[send the terminal'\''s master to this socket]:PATH:_files' \
    '--process-label=[SELinux label]:LABEL: ' \
    '--apparmor=[AppArmor profile]:PROFILE: ' \
    '--no-new-privs[set no_new_privs]' \
    '--preserve-fds=[pass N more descriptors on, from 3]:N: ' \
    '--ignore-paused[accept a paused container]' \
    '--cgroup=[a cgroup below the container'\''s]:PATH: ' \
    '1:container:_rcontainer_containers' \
    '*::command:_files'
    ;;
  list)
    _arguments -s \
    '(-f --format)'{-f,--format=}'[table (the default) or json]:FORMAT:(table json)' \
    '(-q --quiet)'{-q,--quiet}'[show ids only]' \
    ':no more arguments:'
    ;;
  ps)
    _arguments -s -A '-*' \
    '(-f --format)'{-f,--format=}'[table (the default) or json]:FORMAT:(table json)' \
    '1:container:_rcontainer_containers' \
    '*::option of ps: '
    ;;
  pause)
    _arguments -s \
    '1:container:_rcontainer_containers'
    ;;
  resume)
    _arguments -s \
    '1:container:_rcontainer_containers'
    ;;
  update)
    _arguments -s \
    '(-r --resources)'{-r,--resources=}'[read limits from FILE (JSON), - for standard input]:FILE:_files' \
    '--blkio-weight=[weight of block I/O, 10 to 1000]:N: ' \
    '--cpu-period=[CPU period in microseconds]:US: ' \
    '--cpu-quota=[CPU time in each period, -1 for no limit]:US: ' \
    '--cpu-burst=[unused CPU time that may be saved up]:US: ' \
    '--cpu-share=[relative weight of CPU time]:N: ' \
    '--cpu-shares=[the same as --cpu-share]:N: ' \
    '--cpu-rt-period=[real-time period]:US: ' \
    '--cpu-rt-runtime=[real-time in each period]:US: ' \
    '--cpu-idle=[1 makes it run only when nothing else does]:N: ' \
    '--cpuset-cpus=[CPUs to run on, as in 0-2,5]:LIST: ' \
    '--cpuset-mems=[memory nodes to use]:LIST: ' \
    '--kernel-memory=[refused\: the kernel has no such limit any more]:SIZE: ' \
    '--kernel-memory-tcp=[limit for TCP buffers (cgroup v1)]:SIZE: ' \
    '--memory=[limit memory]:SIZE: ' \
    '--memory-reservation=[soft limit]:SIZE: ' \
    '--memory-swap=[limit memory and swap together, -1 for none]:SIZE: ' \
    '--pids-limit=[limit the number of tasks, -1 for none]:N: ' \
    '--l3-cache-schema=[refused\: Intel RDT is not supported]:TEXT: ' \
    '--mem-bw-schema=[refused\: Intel RDT is not supported]:TEXT: ' \
    '1:container:_rcontainer_containers'
    ;;
  events)
    _arguments -s \
    '--interval=[time between statistics, 5s by default]:TIME: ' \
    '--stats[show statistics once]' \
    '1:container:_rcontainer_containers'
    ;;
  spec)
    _arguments -s \
    '(-b --bundle)'{-b,--bundle=}'[directory with config.json; the current one by default]:DIR:_files -/' \
    '--rootless[write one for an ordinary user]' \
    ':no more arguments:'
    ;;
  features)
    _arguments -s \
    '--check[list what the kernel has, and what holds without; status 1 if one lacks]' \
    ':no more arguments:'
    ;;
  profile)
    _arguments -s \
    '--arch=[of another architecture than this machine'\''s]:NAME:(x86_64 aarch64)' \
    '--json[as JSON]' \
    '(-o --output)'{-o,--output=}'[learn, derive\: write the policy to FILE instead of standard output]:FILE:_files' \
    '--all[derive\: from all programs of the root file system]' \
    '*--with=[derive\: programs load the library PATH while they run (repeatable)]:PATH: ' \
    '*--watched=[derive\: allow only what learn wrote to FILE, and its kin (repeatable)]:FILE:_files' \
    '--explain[derive\: tell where each call is, and what is not known]' \
    '--strict-analysis[derive\: fail if the number of a system call cannot be found out]' \
    '*--rw=[let the command write to DIR (repeatable)]:DIR:_files -/' \
    '*--ro=[show DIR of the host read-only, as it is now (repeatable)]:DIR:_files -/' \
    '*--mount=[type=bind,src=DIR,dst=PATH\[,ro\] or type=tmpfs,dst=PATH\[,size=N\] (repeatable)]:SPEC: ' \
    '--net=[none (loopback only, the default) or host]:MODE:(none host)' \
    '--egress=[connect to these only\: none, all, or a list of HOST\:PORT\[/udp\]\[/later\]]:RULES: ' \
    '--dns=[who is asked for the names of --egress]:ADDRESS\[\:PORT\]: ' \
    '(-m --memory)'{-m,--memory=}'[limit memory, as in 512m]:SIZE: ' \
    '--cpus=[limit CPU time, as in 1.5]:N: ' \
    '--pids=[limit the number of processes and threads]:N: ' \
    '--timeout=[end the command after TIME, as in 30s; exit status 124]:TIME: ' \
    '*'{-e,--env=}'[set a variable, or pass it on (repeatable)]:NAME\[=VALUE\]: ' \
    '--cwd=[working directory]:DIR:_files -/' \
    '--root=[another root than the host'\''s]:DIR:_files -/' \
    '--hostname=[host name in the sandbox]:NAME: ' \
    '--shim=[software (the default), or cca\: memory of its own, out of the host'\''s reach (Arm CCA)]:KIND:(software cca)' \
    '1:action:(show check diff learn derive)' \
    '2:policy:{_values policy default strict compat; _files}'
    ;;
  machine)
    _arguments -s -A '-*' \
    '*::command: _normal'
    ;;
  assess)
    _arguments -s -A '-*' \
    '*::command: _normal'
    ;;
  version)
    _arguments -s \
    ':no more arguments:'
    ;;
  completion)
    _arguments -s \
    '1:shell:(bash zsh fish)'
    ;;
  man)
    _arguments -s \
    ':no more arguments:'
    ;;
  esac
}
_rcontainer "$@"
