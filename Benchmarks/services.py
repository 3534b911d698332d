"""Inside a container: does one piece of work and prints how much of it was done in a second.

    services.py WORK        one of WORKS; server and client each keep to a CPU
"""
import os
import re
import subprocess
import sys
import time


def on(cpu, *words, **more):
    """Starts a command on one CPU."""
    more.setdefault("stdout", subprocess.PIPE)
    return subprocess.Popen(words, text=True, preexec_fn=lambda: os.sched_setaffinity(0, {cpu}), **more)


def output(process):
    text, _ = process.communicate()
    if process.returncode:
        sys.exit(f"{process.args[0]} ended with status {process.returncode}")
    return text


def until(ready):
    """Waits, ten seconds at most."""
    end = time.monotonic() + 10
    while not ready():
        if time.monotonic() > end:
            sys.exit("the server does not answer")
        time.sleep(0.01)


def rate(count, *words):
    """How often a second a command runs, on one CPU."""
    start = time.perf_counter()
    for _ in range(count):
        output(on(SERVER, *words))
    return count / (time.perf_counter() - start)


def redis(*options):
    server = on(SERVER, "redis-server", "--port", "0", "--unixsocket", "/tmp/redis", "--save", "")
    server_socket = ("-s", "/tmp/redis")
    until(lambda: subprocess.run(["redis-cli", *server_socket, "ping"], capture_output=True, text=True).stdout == "PONG\n")
    text = output(on(CLIENT, "redis-benchmark", *server_socket, "--csv", *options))
    server.kill()
    return float(text.splitlines()[-1].split(",")[1].strip('"'))


def nginx():
    os.makedirs("/tmp/n/www")
    with open("/tmp/n/www/page", "w") as page:
        page.write("x" * 4096)
    temporary = "".join(f"{kind}_temp_path /tmp/n/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    with open("/tmp/n/conf", "w") as conf:
        conf.write(f"pid /tmp/n/pid; error_log /tmp/n/error; user root; daemon off; events {{}} http {{ access_log off; "
                   f"{temporary} keepalive_requests 1000000; server {{ listen 127.0.0.1:8080; root /tmp/n/www; }} }}")
    server = on(SERVER, "nginx", "-c", "/tmp/n/conf")
    until(lambda: subprocess.run(["busybox", "wget", "-qO/dev/null", "http://127.0.0.1:8080/page"],
                                 stderr=subprocess.DEVNULL).returncode == 0)
    text = output(on(CLIENT, "wrk", "-t1", "-c16", "-d1s", "http://127.0.0.1:8080/page"))
    server.terminate()
    if "Non-2xx" in text:
        sys.exit(text)
    return float(re.search(r"Requests/sec: *([\d.]+)", text)[1])


def sqlite():
    words = ["create table t(a integer primary key, b text);"]
    words += [f"insert into t(b) values('row {n}');" for n in range(20_000)]
    with open("/tmp/words", "w") as file:
        file.write("\n".join(words))
    start = time.perf_counter()
    output(on(SERVER, "sqlite3", "/tmp/base", stdin=open("/tmp/words")))
    return 20_000 / (time.perf_counter() - start)


def compiler():
    with open("/tmp/a.c", "w") as file:
        for n in range(400):
            file.write(f"int f{n}(int a, int *b) {{ int s = {n}; for (int i = 0; i < a; i++) s += b[i] * {n} ^ s >> 3; return s; }}\n")
    return rate(1, "gcc-12", "-O2", "-c", "-o", "/tmp/a.o", "/tmp/a.c")


SERVER, CLIENT = min(os.sched_getaffinity(0)), max(os.sched_getaffinity(0))
WORKS = {
    "redis-get": lambda: redis("-t", "get", "-n", "30000"),
    "redis-set": lambda: redis("-t", "set", "-n", "30000"),
    "redis-get-pipelined": lambda: redis("-t", "get", "-n", "300000", "-P", "16"),
    "redis-set-pipelined": lambda: redis("-t", "set", "-n", "300000", "-P", "16"),
    "nginx": nginx,
    "sqlite-insert": sqlite,
    "python-import": lambda: rate(4, "python3.11", "-c", "import json, http.server"),
    "compile": compiler,
    "find-usr": lambda: rate(3, "busybox", "find", "/usr", "-type", "f", "-size", "+9999"),
}
print(WORKS[sys.argv[1]]())
