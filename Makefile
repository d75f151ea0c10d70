# SPDX-License-Identifier: Apache-2.0
# The menu of habits. `make run` on a fresh Debian 12 needs only make, git and ca-certificates.

BUILD := build
DATA := run
# Programs beside `carillon` that the end-to-end tests use.
BESIDE := tests/world/check-log tests/chaos/config-crowd tests/unit/scxml/scxml_ecmascript_bounds_test
# One unit test more at once than there are processors: some wait.
UNIT := meson test -C $(BUILD)/asan --no-rebuild --print-errorlogs -t 6 --num-processes $$(($$(nproc) + 1))

.PHONY: run build build-asan test unit e2e conformance check openapi bench audit soak soak-crash soak-fuzz soak-world soak-peers soak-release soak-steady soak-leaks replay fuzz reference clean

# The sample contact centre, in the foreground; Ctrl-C stops it.
run: build
	@samples/demo/start --binary $(BUILD)/carillon --data $(DATA)

build:
	@tools/setup build
	@test -f $(BUILD)/build.ninja || meson setup $(BUILD) >$(BUILD).log 2>&1 || { cat $(BUILD).log; exit 1; }
	@rm -f $(BUILD).log
	@ninja -C $(BUILD) --quiet carillon

build-asan:
	@tools/setup build
	@tools/setup test
	@test -f $(BUILD)/build.ninja || meson setup $(BUILD) >/dev/null
	@test -f $(BUILD)/asan/build.ninja || \
	  meson setup $(BUILD)/asan -Db_sanitize=address,undefined -Db_lundef=false -Dconsole=false -Doptimization=1 >/dev/null
	@ninja -C $(BUILD)/asan --quiet

# Unit tests with sanitizers, then real clients against the real binary; the last line counts them.
test: build build-asan
	@tools/setup test
	@ninja -C $(BUILD) --quiet $(BESIDE)
	@rm -f $(BUILD)/asan/meson-logs/testlog.json $(BUILD)/scxml.tap $(BUILD)/e2e.tap
	-@$(UNIT)
	-@python3 tests/scxml/run.py --binary $(BUILD)/carillon --tap $(BUILD)/scxml.tap
	-@python3 tests/e2e/harness.py --binary $(BUILD)/carillon --tap $(BUILD)/e2e.tap
	@tools/test-summary $(BUILD)/asan/meson-logs/testlog.json $(BUILD)/scxml.tap $(BUILD)/e2e.tap

unit: build-asan
	@tools/setup test
	@$(UNIT)

e2e: build
	@tools/setup test
	@ninja -C $(BUILD) --quiet $(BESIDE)
	@python3 tests/e2e/harness.py --binary $(BUILD)/carillon --tap $(BUILD)/e2e.tap
	@tools/test-summary $(BUILD)/e2e.tap

# The W3C's SCXML tests where their folder is (CARILLON_SCXML_W3C, else ../shared/conformance/scxml-w3c), and our own set; the
# table goes into docs/scxml-conformance.md.
conformance: build
	@python3 tests/scxml/run.py --binary $(BUILD)/carillon --report docs/scxml-conformance.md

# Form, common mistakes, and who may include whom.
check: build
	@tools/setup check
	@tools/check-layers
	@tools/check-style $(BUILD)

# The document of the administration REST before npm's linters, and the server held to it.
openapi: build
	@tools/setup test
	@tests/openapi/lint.py --build $(BUILD)
	@python3 tests/e2e/harness.py --binary $(BUILD)/carillon test_openapi

# Whether Debian's security suite or npm know better versions of what Carillon is made of.
audit: build
	@tools/check-dependencies $(BUILD)/carillon

# Ratios to named peers, as a table. QUICK=1: a minute or two. SAVE=1: all of it with profiles, into docs/performance.md.
bench: build
	@tools/setup bench
	@python3 bench/run.py --binary $(BUILD)/carillon $(if $(QUICK),--quick) $(if $(SAVE),--profile --write docs/performance.md)

# What takes its time: about three hours. Each part by itself, too; CARILLON_SOAK_MINUTES shortens the steady one.
soak: soak-crash soak-fuzz soak-world soak-peers soak-release soak-steady soak-leaks

# kill -9 and real failures with many rounds, and the proofs that the tests can fail.
soak-crash: build
	@tools/setup soak
	@python3 tests/e2e/harness.py --binary $(BUILD)/carillon --soak
	@tests/chaos/prove_crash_test.sh $(BUILD)/faults
	@tests/faults/prove.sh $(BUILD)/faults

soak-fuzz:
	@tools/setup fuzz
	@tests/fuzz/round.sh $(or $(FUZZ_SECONDS),600) $(BUILD)/fuzz

# Ten thousand simulated worlds, on all processors.
soak-world: build
	@ninja -C $(BUILD) --quiet tests/world/world
	@tests/world/soak.sh $(BUILD)/tests/world/world $(or $(SEEDS),10000)

# Random state charts on our engine, npm's SCION and Qt's, each held to a model of the Recommendation.
soak-peers: build
	@tools/setup soak
	@tests/peers/compare.py --binary $(BUILD)/carillon --seconds $(or $(PEER_SECONDS),600) --first $$(date +%s)

# This tree's program beside the last release that spoke other messages: tools, hosts, an upgrade under way.
soak-release: build
	@tools/setup soak
	@released=$$(tests/release/build.sh $(BUILD)/released) && \
	  CARILLON_RELEASED=$$released python3 tests/e2e/harness.py --binary $(BUILD)/carillon --soak test_released

# Half an hour of steady work: memory, descriptors, latency stay flat.
soak-steady: build
	@python3 tests/chaos/soak.py --binary $(BUILD)/carillon

# Every process of real runs under LeakSanitizer, the simulated world under valgrind.
soak-leaks: build build-asan
	@tools/setup soak
	@tests/chaos/leaks.sh $(BUILD)/asan $(BUILD)

# One simulated world once more, with all that was said and done in it: make replay SEED=42
replay: build
	@ninja -C $(BUILD) --quiet tests/world/world
	@$(BUILD)/tests/world/world --seed $(or $(SEED),1) --log $(BUILD)/world-$(or $(SEED),1).log; \
	  echo "events and log lines: $(BUILD)/world-$(or $(SEED),1).log"

# `make fuzz` lists the targets; `make fuzz T=http SECONDS=600` runs one (tests/fuzz/README.md).
fuzz:
	@tests/fuzz/run.sh $(BUILD)/fuzz "$(T)" "$(SECONDS)"

# The pages printed from schema/: messages, options, objects, log events, counters, HTTP routes; and the man pages.
reference: build
	@ninja -C $(BUILD) --quiet reference
	@$(BUILD)/carillon man $(BUILD)/man
	@echo "see $(BUILD)/reference and $(BUILD)/man"

clean:
	@rm -rf $(BUILD)
