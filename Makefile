# Everything a developer does with the tree. Go and make are enough to begin.

VERSION   := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
FUZZTIME  ?= 10s
TAGS      := vm,vmbench,guest,hardware
CONFIG    ?= /etc/gatewayd/gatewayd.toml
GOLANGCI  := go tool -modfile=tools/go.mod golangci-lint

# gatewayd reaches USB by libusb, which needs a C compiler. openssl and age are
# the tests' second opinion on keys and sealed records; strace tells what is on
# the disk in which order.
PACKAGES  := git make gcc libc6-dev pkg-config libusb-1.0-0-dev openssl age strace mosquitto mosquitto-clients

# What is built or unpacked once and not kept in the tree.
CACHE     := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/duogateway
BUILD     := go build -trimpath -buildvcs=false -ldflags '-X main.version=$(VERSION)'

# The Raspberry Pi's side of a cross build, unpacked beside the machine's own.
CROSS     := $(CACHE)/sysroot-arm64
CROSSENV  := CGO_ENABLED=1 GOARCH=arm64 CC=aarch64-linux-gnu-gcc \
	PKG_CONFIG_SYSROOT_DIR=$(CROSS) PKG_CONFIG_LIBDIR=$(CROSS)/usr/lib/aarch64-linux-gnu/pkgconfig \
	CGO_LDFLAGS=-Wl,-rpath-link,$(CROSS)/usr/lib/aarch64-linux-gnu

.PHONY: help deps build cross demo test test-vm bench-vm test-hw matrix asyncapi chaos docs lint fuzz cover clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile | expand -t 16

deps: ## install what building and testing needs, if it is not there
	@tools/install-packages $(PACKAGES)
	@go mod download

build: ## build bin/gatewayd and bin/virtualbench
	CGO_ENABLED=1 $(BUILD) -o bin/ ./cmd/gatewayd
	CGO_ENABLED=0 $(BUILD) -o bin/ ./cmd/virtualbench

cross: ## build bin/arm64/gatewayd and bin/arm64/virtualbench for a Raspberry Pi
	@tools/install-packages gcc-aarch64-linux-gnu libc6-dev-arm64-cross pkg-config
	@tools/sysroot arm64 $(CROSS) libusb-1.0-0-dev libusb-1.0-0 libudev1
	$(CROSSENV) $(BUILD) -o bin/arm64/ ./cmd/gatewayd
	CGO_ENABLED=0 GOARCH=arm64 $(BUILD) -o bin/arm64/ ./cmd/virtualbench

demo: deps build ## show a repair on a bench without hardware
	bin/virtualbench demo

test: deps ## vet the code and run all tests
	go vet ./...
	go vet -tags $(TAGS) ./...
	go test -race -p 2 -timeout 5m ./...
	go test -run 'TestDamagedBytes|FuzzOpenStore' ./keystore # what the race detector does not let run

test-vm: deps ## run the tests that need a real kernel with USB and GPIO, under QEMU
	@tools/install-packages $$(cat test/vm/packages)
	@test/vm/product arm64 >/dev/null & test/vm/product amd64 >/dev/null && wait $$!
	go test -tags vm -count=1 -v -timeout 25m ./test/vm

bench-vm: deps ## measure the DFU host beside dfu-util, on the same kernel and board
	@tools/install-packages $$(cat test/vm/packages)
	go test -tags vm,vmbench -count=1 -v -timeout 30m -run TestBench ./test/vm

test-hw: build ## try a real Duo: BAY=bay-1 [CONFIG=FILE] [TESTS=PATTERN]; its program and Wi-Fi stay
	go test -tags hardware -count=1 -v -timeout 30m -run '$(TESTS)' ./test/hardware -config '$(CONFIG)' -bay '$(BAY)' -gatewayd '$(CURDIR)/bin/gatewayd' $(if $(ERASE_PROGRAM),-erase-program)

matrix: ## try every job against every fault, and write the table of what came of it
	MATRIX=full go test -count=1 -timeout 20m ./test/matrix -update

asyncapi: ## check docs/asyncapi.yaml by the parser of those who made the form
	@tools/asyncapi/check

chaos: ## send 1,000 jobs while brokers die and connections break
	CHAOS=1000 go test -count=1 -v -timeout 30m -run Chaos ./test/mqtt

docs: ## write the tables of the manual that are made from the code
	go test ./test/docs -count=1 -run TestTables -update

lint: ## run the linters (the first time builds them, some minutes)
	$(GOLANGCI) run

fuzz: ## run every fuzz target for FUZZTIME (10s)
	@tools/fuzz-all $(FUZZTIME)

cover: ## print the coverage of the tests by package, and write out/cover.html
	@mkdir -p out
	go test -p 2 -coverpkg=./... -coverprofile=out/cover.out ./...
	go tool cover -html=out/cover.out -o out/cover.html
	@awk -f tools/coverage.awk out/cover.out

clean: ## remove what was built
	rm -rf bin out
