# Everything a developer does with the tree. Go and make are enough to begin.

VERSION   := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
FUZZTIME  ?= 10s
GOLANGCI  := go tool -modfile=tools/go.mod golangci-lint

# openssl and age are the tests' second opinion on keys and sealed records;
# strace tells what is on the disk in which order; gcc and libc6-dev are for the
# race detector.
PACKAGES  := git make openssl age strace gcc libc6-dev

.PHONY: help deps build demo test matrix docs lint fuzz cover clean

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' Makefile | expand -t 16

deps: ## install what building and testing needs, if it is not there
	@tools/install-packages $(PACKAGES)
	@go mod download

build: ## build bin/gatewayd and bin/virtualbench
	CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags '-X main.version=$(VERSION)' -o bin/ ./cmd/...

demo: deps build ## show a repair on a bench without hardware
	bin/virtualbench demo

test: deps ## vet the code and run all tests
	go vet ./...
	go test -race -p 2 -timeout 5m ./...
	go test -run 'TestDamagedBytes|FuzzOpenStore' ./keystore # what the race detector does not let run

matrix: ## try every job against every fault, and write the table of what came of it
	MATRIX=full go test -count=1 -timeout 20m ./test/matrix -update

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
