# The one entry point; `make help` tells what there is.

PREFIX ?= /usr/local
DESTDIR ?=
SHARE := $(DESTDIR)$(PREFIX)/share

# SwiftPM knows what is out of date, so it is asked every time.
.PHONY: all arm64 profile assess-tool assess cca machine cca-bench test-firmware test-cca test-machine test-v2 test-profile install uninstall demo test bench bench-services lint format generate fuzz coverage clean help

## all        build/rcontainer: Embedded Swift, one static program (the default)
all:
	@scripts/install-dependencies build
	@scripts/build host build/rcontainer

## arm64      build/arm64/rcontainer: the same for arm64 Linux, cross-compiled
arm64:
	@scripts/install-dependencies build arm64
	@scripts/build arm64 build/arm64/rcontainer

## profile    build/rcontainer-profile, which derives policies from programs (rcontainer profile derive)
profile:
	@scripts/install-dependencies build
	@scripts/build-profile

## test-profile  derived policies against Debian's programs; three minutes
test-profile: all profile
	@scripts/install-dependencies profile
	@scripts/test profile-unit profile

# build/rcontainer-assess with its probes and payloads.
assess-tool:
	@scripts/install-dependencies build arm64
	@scripts/build-assess

## assess     build/rcontainer-assess, and assess the runtimes that are installed; three minutes
assess: all assess-tool
	build/rcontainer assess --out build/assessment

## install    program, manual page and completions below $(DESTDIR)$(PREFIX); run make first
install:
	@test -x build/rcontainer || { echo "make install: run make first" >&2; exit 1; }
	install -D -m 755 build/rcontainer $(DESTDIR)$(PREFIX)/bin/rcontainer
	if [ -x build/rcontainer-profile ]; then \
	  install -D -m 755 build/rcontainer-profile $(DESTDIR)$(PREFIX)/libexec/rcontainer/rcontainer-profile; fi
	if [ -x build/rcontainer-assess ]; then \
	  install -D -m 755 build/rcontainer-assess $(DESTDIR)$(PREFIX)/libexec/rcontainer/rcontainer-assess && \
	  install -d $(SHARE)/rcontainer/assess/probes && install -m 755 build/assess/payload-* $(SHARE)/rcontainer/assess/ && \
	  install -m 644 build/assess/trusted.txt $(SHARE)/rcontainer/assess/ && \
	  install -m 644 build/assess/probes/* $(SHARE)/rcontainer/assess/probes/; fi
	install -D -m 644 docs/man/rcontainer.1 $(SHARE)/man/man1/rcontainer.1
	install -D -m 644 completions/rcontainer.bash $(SHARE)/bash-completion/completions/rcontainer
	install -D -m 644 completions/rcontainer.zsh $(SHARE)/zsh/site-functions/_rcontainer
	install -D -m 644 completions/rcontainer.fish $(SHARE)/fish/vendor_completions.d/rcontainer.fish

## uninstall  remove what install put there
uninstall:
	rm -rf $(SHARE)/rcontainer
	rm -f $(DESTDIR)$(PREFIX)/bin/rcontainer $(DESTDIR)$(PREFIX)/libexec/rcontainer/rcontainer-profile \
	  $(DESTDIR)$(PREFIX)/libexec/rcontainer/rcontainer-assess \
	  $(SHARE)/man/man1/rcontainer.1 \
	  $(SHARE)/bash-completion/completions/rcontainer $(SHARE)/zsh/site-functions/_rcontainer \
	  $(SHARE)/fish/vendor_completions.d/rcontainer.fish

## demo       install what is missing, build, run sandboxes and a container
demo: all
	@scripts/install-dependencies test
	@scripts/demo

## test       install what is missing, build, run every test suite
test: all arm64 machine profile assess-tool
	@scripts/install-dependencies test engines profile assess
	@scripts/fetch-docker || echo "make test: there is no newer Docker; its tests are skipped" >&2
	@scripts/fetch-gvisor >/dev/null || echo "make test: there is no gVisor; its tests are skipped" >&2
	@scripts/test

## cca        build the emulated Arm CCA machine with con-shims, boot it, attack a con-shim as root of its host
cca: machine
	@scripts/demo-cca

## machine    the emulated Arm CCA machine: firmware, driver, programs, and build/rcontainer-machine to start it
machine: arm64
	@scripts/install-dependencies cca
	@scripts/build-machine
	@build/rcontainer-machine build
	@scripts/build-firmware
	@scripts/build-driver
	@scripts/build-cca-programs
	@build/rcontainer-machine build

## cca-bench  count instructions inside and outside of a con-shim
cca-bench: machine
	@scripts/cca-bench

## test-firmware  the Monitor on the emulated machine, against a hostile host and hostile con-shims; 10 seconds
test-firmware:
	@scripts/install-dependencies cca
	@scripts/test firmware

## test-cca   programs and attacks in con-shims on the emulated machine; ten minutes
test-cca: machine
	@scripts/test cca

## test-machine  the machine's own tests; its real boots take a few minutes
test-machine: machine
	@scripts/test machine-unit machine

## test-v2    the runtime on a pure cgroup v2 host, which is the emulated machine
test-v2: machine
	@scripts/test v2

## bench      measure against crun and runc
bench: all
	@scripts/install-dependencies bench
	@scripts/bench

## bench-services  throughput of redis, nginx, sqlite, python, gcc and find in containers, against crun
bench-services: all
	@scripts/install-dependencies bench
	@scripts/bench-services

## lint       formatting, dependency direction, unsafe code, unfinished work
lint:
	@scripts/install-dependencies build
	@scripts/lint

## format     format all Swift code
format:
	swift format --in-place --recursive Package.swift Sources Tests Core/Package.swift Core/Sources Core/Tests

## generate   write the manual page and the completions from the option tables
generate: all
	@mkdir -p docs/man completions
	build/rcontainer man >docs/man/rcontainer.1
	build/rcontainer completion bash >completions/rcontainer.bash
	build/rcontainer completion zsh >completions/rcontainer.zsh
	build/rcontainer completion fish >completions/rcontainer.fish

## fuzz       feed mutated input to the parsers and the filter compiler
fuzz:
	@scripts/install-dependencies build
	@Fuzz/run

## coverage   which lines the unit tests run; build/coverage.txt
coverage:
	@scripts/install-dependencies build test
	@scripts/coverage

## clean      remove everything that was built
clean:
	rm -rf build .build Core/.build

help:
	@sed -n 's/^## /make /p' Makefile
