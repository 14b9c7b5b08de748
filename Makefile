# Everything is set up by itself: Python 3.11, make and git are enough.
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
ARGS ?=

.PHONY: help demo test check bench image-test clean lock proto docs pictures servers

help:
	@echo "make demo   run the daemon against a stand-in platform (ARGS=\"--port 8080 --for 60\")"
	@echo "make test   run all tests (ARGS=\"-k coap\")"
	@echo "make check  lint and type-check"
	@echo "make bench  measure, beside a peer or a limit"
	@echo "make image-test  build the container image and try it, as root"
	@echo "make clean  remove what was made here"
	@echo "make lock | proto | docs | pictures   renew what is generated"

$(READY): requirements.lock pyproject.toml tools/make-venv
	./tools/make-venv $(VENV)

# On a terminal the demo gets Ctrl-C alone (set -m): make would report it as its own failure.
demo: $(READY)
	@if [ -t 0 ]; then set -m; fi; $(BIN)/efento-uptime demo $(ARGS)

servers:
	@./tools/get-servers

test: $(READY) servers
	@# What ARGS choose may lie in one part only: 5 says that a part had nothing to run.
	$(BIN)/pytest -n 2 --dist loadfile -m "not alone" $(ARGS) || [ $$? = 5 ]
	$(BIN)/pytest -m alone $(ARGS) || [ $$? = 5 ]

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(READY)
	@./tools/get-servers bench
	@for file in benchmarks/bench_*.py; do $(BIN)/python "$$file" || exit 1; done

# Neither an engine nor a registry is needed.
image-test: $(READY)
	@./tools/image-test

clean:
	rm -rf $(VENV) .servers build dist demo-data .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# No lock file names an index or a host: where packages come from is the machine's business.
lock: $(READY)
	./tools/lock

proto: $(READY)
	$(BIN)/python -m grpc_tools.protoc -Iprobes/efento/proto --python_out=probes/efento/proto \
	  --pyi_out=probes/efento/proto probes/efento/proto/efento.proto

docs: $(READY)
	$(BIN)/python -m tools.generate_docs

# Needs Debian's Chromium. Look at what it made.
pictures: $(READY)
	$(BIN)/python -m tools.take_pictures
