# bash completion for rcontainer
_rcontainer() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
  local verb= place=0 word i
  # "--name=value" comes as three words.
  if [[ $current == = ]]; then
    current=
  elif [[ $previous == = ]]; then
    previous=${COMP_WORDS[COMP_CWORD - 2]}
  fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    case $verb:$word in
    :--root | :--log | :--log-format | :--cgroup-manager | :--rootless | :--policy | \
      :--egress | :--dns | :--criu | do:--rw | do:--ro | do:--mount | do:--net | do:--egress | \
      do:--dns | do:--memory | do:-m | do:--cpus | do:--pids | do:--timeout | do:--env | \
      do:-e | do:--cwd | do:--root | do:--hostname | do:--shim | do:--policy | do:--audit | \
      do:--require | do:--pool | do:--keep-changes | pool:--size | pool:--socket | pool:--rw | \
      pool:--ro | pool:--mount | pool:--net | pool:--egress | pool:--dns | pool:--memory | \
      pool:-m | pool:--cpus | pool:--pids | pool:--root | pool:--hostname | pool:--shim | \
      pool:--policy | pool:--audit | pool:--require | trace:--rw | trace:--ro | \
      trace:--mount | trace:--net | trace:--egress | trace:--dns | trace:--memory | trace:-m | \
      trace:--cpus | trace:--pids | trace:--timeout | trace:--env | trace:-e | trace:--cwd | \
      trace:--root | trace:--hostname | trace:--shim | trace:--policy | trace:--output | \
      trace:-o | run:--bundle | run:-b | run:--config | run:-f | run:--console-socket | \
      run:--pid-file | run:--preserve-fds | create:--bundle | create:-b | create:--config | \
      create:-f | create:--console-socket | create:--pid-file | create:--preserve-fds | \
      exec:--process | exec:-p | exec:--user | exec:-u | exec:--additional-gids | exec:-g | \
      exec:--cwd | exec:--env | exec:-e | exec:--cap | exec:-c | exec:--pid-file | \
      exec:--console-socket | exec:--process-label | exec:--apparmor | exec:--preserve-fds | \
      exec:--cgroup | list:--format | list:-f | ps:--format | ps:-f | update:--resources | \
      update:-r | update:--blkio-weight | update:--cpu-period | update:--cpu-quota | \
      update:--cpu-burst | update:--cpu-share | update:--cpu-shares | update:--cpu-rt-period | \
      update:--cpu-rt-runtime | update:--cpu-idle | update:--cpuset-cpus | \
      update:--cpuset-mems | update:--kernel-memory | update:--kernel-memory-tcp | \
      update:--memory | update:--memory-reservation | update:--memory-swap | \
      update:--pids-limit | update:--l3-cache-schema | update:--mem-bw-schema | \
      events:--interval | spec:--bundle | spec:-b | profile:--arch | profile:--output | \
      profile:-o | profile:--with | profile:--watched | profile:--rw | profile:--ro | \
      profile:--mount | profile:--net | profile:--egress | profile:--dns | profile:--memory | \
      profile:-m | profile:--cpus | profile:--pids | profile:--timeout | profile:--env | \
      profile:-e | profile:--cwd | profile:--root | profile:--hostname | profile:--shim) [[ ${COMP_WORDS[i + 1]} == = ]] && ((i++)); ((i++)) ;;
    *:=) ((i++)) ;;
    do:* | exec:*) if ((place > 0)) || [[ $word != -* ]]; then ((place++)); fi ;;
    *:-*) ;;
    :*) verb=$word ;;
    *) ((place++)) ;;
    esac
  done
  COMPREPLY=()
  if [[ $verb == do && $place == 0 ]] || [[ $verb == exec && $place -lt 2 ]] ||
    [[ $verb != do && $verb != exec ]]; then
    case $verb:$previous in
    :--root | do:--rw | do:--ro | do:--cwd | do:--root | do:--keep-changes | pool:--rw | \
      pool:--ro | pool:--root | trace:--rw | trace:--ro | trace:--cwd | trace:--root | \
      run:--bundle | run:-b | create:--bundle | create:-b | exec:--cwd | spec:--bundle | \
      spec:-b | profile:--rw | profile:--ro | profile:--cwd | profile:--root) compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -d -- "$current")); return ;;
    :--log | :--criu | do:--audit | do:--pool | pool:--socket | pool:--audit | \
      trace:--output | trace:-o | run:--config | run:-f | run:--console-socket | \
      run:--pid-file | create:--config | create:-f | create:--console-socket | \
      create:--pid-file | exec:--process | exec:-p | exec:--pid-file | exec:--console-socket | \
      update:--resources | update:-r | profile:--output | profile:-o | profile:--watched) compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- "$current")); return ;;
    :--log-format) COMPREPLY=($(compgen -W 'text json' -- "$current")); return ;;
    :--cgroup-manager) COMPREPLY=($(compgen -W 'cgroupfs systemd disabled' -- "$current")); return ;;
    :--rootless) COMPREPLY=($(compgen -W 'true false auto' -- "$current")); return ;;
    do:--net) COMPREPLY=($(compgen -W 'none host' -- "$current")); return ;;
    do:--shim) COMPREPLY=($(compgen -W 'software cca' -- "$current")); return ;;
    pool:--net) COMPREPLY=($(compgen -W 'none host' -- "$current")); return ;;
    pool:--shim) COMPREPLY=($(compgen -W 'software cca' -- "$current")); return ;;
    trace:--net) COMPREPLY=($(compgen -W 'none host' -- "$current")); return ;;
    trace:--shim) COMPREPLY=($(compgen -W 'software cca' -- "$current")); return ;;
    list:--format | list:-f) COMPREPLY=($(compgen -W 'table json' -- "$current")); return ;;
    ps:--format | ps:-f) COMPREPLY=($(compgen -W 'table json' -- "$current")); return ;;
    profile:--arch) COMPREPLY=($(compgen -W 'x86_64 aarch64' -- "$current")); return ;;
    profile:--net) COMPREPLY=($(compgen -W 'none host' -- "$current")); return ;;
    profile:--shim) COMPREPLY=($(compgen -W 'software cca' -- "$current")); return ;;
    :--root | :--log | :--log-format | :--cgroup-manager | :--rootless | :--policy | \
      :--egress | :--dns | :--criu | do:--rw | do:--ro | do:--mount | do:--net | do:--egress | \
      do:--dns | do:--memory | do:-m | do:--cpus | do:--pids | do:--timeout | do:--env | \
      do:-e | do:--cwd | do:--root | do:--hostname | do:--shim | do:--policy | do:--audit | \
      do:--require | do:--pool | do:--keep-changes | pool:--size | pool:--socket | pool:--rw | \
      pool:--ro | pool:--mount | pool:--net | pool:--egress | pool:--dns | pool:--memory | \
      pool:-m | pool:--cpus | pool:--pids | pool:--root | pool:--hostname | pool:--shim | \
      pool:--policy | pool:--audit | pool:--require | trace:--rw | trace:--ro | \
      trace:--mount | trace:--net | trace:--egress | trace:--dns | trace:--memory | trace:-m | \
      trace:--cpus | trace:--pids | trace:--timeout | trace:--env | trace:-e | trace:--cwd | \
      trace:--root | trace:--hostname | trace:--shim | trace:--policy | trace:--output | \
      trace:-o | run:--bundle | run:-b | run:--config | run:-f | run:--console-socket | \
      run:--pid-file | run:--preserve-fds | create:--bundle | create:-b | create:--config | \
      create:-f | create:--console-socket | create:--pid-file | create:--preserve-fds | \
      exec:--process | exec:-p | exec:--user | exec:-u | exec:--additional-gids | exec:-g | \
      exec:--cwd | exec:--env | exec:-e | exec:--cap | exec:-c | exec:--pid-file | \
      exec:--console-socket | exec:--process-label | exec:--apparmor | exec:--preserve-fds | \
      exec:--cgroup | list:--format | list:-f | ps:--format | ps:-f | update:--resources | \
      update:-r | update:--blkio-weight | update:--cpu-period | update:--cpu-quota | \
      update:--cpu-burst | update:--cpu-share | update:--cpu-shares | update:--cpu-rt-period | \
      update:--cpu-rt-runtime | update:--cpu-idle | update:--cpuset-cpus | \
      update:--cpuset-mems | update:--kernel-memory | update:--kernel-memory-tcp | \
      update:--memory | update:--memory-reservation | update:--memory-swap | \
      update:--pids-limit | update:--l3-cache-schema | update:--mem-bw-schema | \
      events:--interval | spec:--bundle | spec:-b | profile:--arch | profile:--output | \
      profile:-o | profile:--with | profile:--watched | profile:--rw | profile:--ro | \
      profile:--mount | profile:--net | profile:--egress | profile:--dns | profile:--memory | \
      profile:-m | profile:--cpus | profile:--pids | profile:--timeout | profile:--env | \
      profile:-e | profile:--cwd | profile:--root | profile:--hostname | profile:--shim) return ;;
    esac
  fi
  local words=
  if [[ $current == -* ]]; then
    case $verb:$place in
    :*) words='--root --log --log-format --debug --cgroup-manager --systemd-cgroup --rootless --policy --egress --dns --criu --help --version' ;;
    do:0) words='--rw --ro --mount --net --egress --dns --memory --cpus --pids --timeout --env --cwd --root --hostname --shim --policy --audit --summary --json --diff --require --pool --keep-changes --help' ;;
    pool:*) words='--size --socket --rw --ro --mount --net --egress --dns --memory --cpus --pids --root --hostname --shim --policy --audit --require --summary --help' ;;
    trace:0) words='--rw --ro --mount --net --egress --dns --memory --cpus --pids --timeout --env --cwd --root --hostname --shim --policy --output --help' ;;
    run:*) words='--bundle --config --console-socket --detach --keep --pid-file --no-pivot --no-new-keyring --preserve-fds --help' ;;
    create:*) words='--bundle --config --console-socket --pid-file --no-pivot --no-new-keyring --preserve-fds --help' ;;
    start:*) words='--help' ;;
    state:*) words='--help' ;;
    kill:*) words='--all --help' ;;
    delete:*) words='--force --help' ;;
    exec:0) words='--process --tty --user --additional-gids --cwd --env --cap --detach --pid-file --console-socket --process-label --apparmor --no-new-privs --preserve-fds --ignore-paused --cgroup --help' ;;
    list:*) words='--format --quiet --help' ;;
    ps:*) words='--format --help' ;;
    pause:*) words='--help' ;;
    resume:*) words='--help' ;;
    update:*) words='--resources --blkio-weight --cpu-period --cpu-quota --cpu-burst --cpu-share --cpu-shares --cpu-rt-period --cpu-rt-runtime --cpu-idle --cpuset-cpus --cpuset-mems --kernel-memory --kernel-memory-tcp --memory --memory-reservation --memory-swap --pids-limit --l3-cache-schema --mem-bw-schema --help' ;;
    events:*) words='--interval --stats --help' ;;
    spec:*) words='--bundle --rootless --help' ;;
    features:*) words='--check --help' ;;
    profile:*) words='--arch --json --output --all --with --watched --explain --strict-analysis --rw --ro --mount --net --egress --dns --memory --cpus --pids --timeout --env --cwd --root --hostname --shim --help' ;;
    machine:*) words='--help' ;;
    assess:*) words='--help' ;;
    version:*) words='--help' ;;
    completion:*) words='--help' ;;
    man:*) words='--help' ;;
    esac
  else
    case $verb:$place in
    :0) words='do pool trace run create start state kill delete exec list ps pause resume update events spec features profile machine assess version completion man' ;;
    start:0 | state:0 | kill:0 | delete:0 | exec:0 | ps:0 | pause:0 | resume:0 | update:0 | \
      events:0) words=$(rcontainer list --quiet 2>/dev/null) ;;
    kill:1) words='HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS' ;;
    completion:0) words='bash zsh fish' ;;
    profile:0) words='show check diff learn derive' ;;
    profile:1) words='default strict compat' ;;
    do:0) COMPREPLY=($(compgen -c -- "$current")); return ;;
    do:* | exec:*) compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- "$current")); return ;;
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -F _rcontainer rcontainer
