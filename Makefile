# Everything a developer does. `make help` lists it.
SHELL := /bin/bash
.DEFAULT_GOAL := help

VERSION ?= $(shell git describe --always --dirty 2>/dev/null || echo unknown)
# No -trimpath: tests and binaries then share one build cache, and Kubernetes is compiled once.
LDFLAGS := -s -w -X main.version=$(VERSION)
# The codec's fast paths for lists and maps of basic types would be 5 MB of aro; documents have other types.
export GOFLAGS := $(GOFLAGS) -tags=codec.notfastpath
GO_BUILD := $(CURDIR)/hack/prerequisites.sh && go build -ldflags "$(LDFLAGS)"
# Where the version of kubectl within aro-local is kept.
KUBERNETES := k8s.io/component-base/version
GOLANGCI := .cache/bin/golangci-lint-v2.15.0

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: bin/aro bin/aro-operator bin/aro-local bin/aro-installer bin/aro-registry bin/aro-prometheus bin/THIRD-PARTY-LICENSES.txt ## build the binaries into bin/

# The binaries are phony: Go's build cache knows best what is stale.
.PHONY: bin/aro bin/aro-operator bin/aro-local bin/aro-installer bin/aro-registry bin/aro-prometheus bin/THIRD-PARTY-LICENSES.txt
bin/aro:
	@$(GO_BUILD) -o $@ ./cmd/aro
bin/aro-operator:
	@$(GO_BUILD) -o $@ ./cmd/aro-operator
bin/aro-local:
	@[ -x $@ ] || echo "Building aro-local with Kubernetes in it. The first time this takes minutes; later, seconds."
	@cd local && kubernetes=$$(go list -m -f '{{.Version}}' k8s.io/kubernetes) && minor=$${kubernetes%.*} && \
		go build -ldflags "$(LDFLAGS) -X $(KUBERNETES).gitVersion=$$kubernetes -X $(KUBERNETES).gitMajor=1 -X $(KUBERNETES).gitMinor=$${minor#v1.}" \
			-o ../$@ ./cmd/aro-local

bin/aro-installer:
	@[ -x $@ ] || echo "Building aro-installer with the OpenShift installer in it. The first time this takes minutes; later, seconds."
	@VERSION=$(VERSION) installer/build.sh

bin/aro-registry:
	@cd registry && go build -ldflags "$(LDFLAGS)" -o ../$@ .

bin/aro-prometheus:
	@cd prometheus && go build -ldflags "$(LDFLAGS)" -o ../$@ .

bin/THIRD-PARTY-LICENSES.txt: bin/aro-installer # which brings what its module compiles in
	@go run ./hack/licences -o $@

.PHONY: run
run: build ## start everything on this machine (Ctrl-C stops it, data stays in .aro)
	@exec bin/aro-local $(ARGS)

.PHONY: cloud
cloud: build ## deploy the service into an empty local Azure by aro deploy, and run it (Ctrl-C stops it, data stays in .aro-cloud)
	@exec bin/aro-local cloud $(ARGS)

.PHONY: test
test: ## the whole test suite
	@hack/test.sh

.PHONY: check
check: ## the quick suite: vet, lint of what changed, tests that start no programs (minutes)
	@hack/check.sh

.PHONY: generate
generate: clients ## regenerate everything in generated/ and clients/, and the generated documents
	go run ./hack/generate
	go run ./hack/pages
	go run ./hack/errordocs
	go run ./hack/metricdocs
	go run ./hack/operator
	go run ./hack/deploy
	cd local && go run ./hack/crds

.PHONY: api-version
api-version: ## begin an api-version: make api-version NEW=2026-03-01 FROM=2025-07-25
	go run ./hack/apiversion -new "$(NEW)" -from "$(FROM)"
	go run ./hack/generate

.PHONY: clients
clients: ## regenerate the Go and Python clients (2 minutes)
	hack/clients/generate.sh

.PHONY: bench
bench: build ## benchmarks with their baselines, reported in docs/performance.md and docs/performance-clusters.md
	test/clients/startup.sh
	go run ./hack/bench -o docs/performance.md
	go test ./test/damage -count 1 -timeout 20m -run NoSpeed -v -args -speed
	cd registry && go test . -count 1 -timeout 20m -run TestSpeedBesideSkopeo -v -args -speed
	go test ./test/fleet -count 1 -timeout 20m -run TestSpeed -v -args -speed
	go test ./test/actions -count 1 -timeout 20m -run TestSpeedOfTheProxy -v -args -speed
	cd local && go test ./systemtest/proof -count 1 -timeout 40m -run TestSpeedOfClusters -speed "$(CURDIR)/docs/performance-clusters.md"

.PHONY: soak
soak: build ## proofs that take minutes or a machine for themselves, and of the log collector's configuration
	go test ./hack/clients -count 1 -timeout 10m -v -args -long
	test/clients/run.sh --long
	test/clients/cloud.sh
	hack/checkov.sh
	cd collector && go vet . && go test . -count 1 -timeout 10m
	go test ./test/fleet -count 1 -timeout 20m -v -args -long
	go test ./test/actions -count 1 -timeout 30m -run TestManyWatches -v -args -long
	go test ./test/operator -count 1 -timeout 40m -v -run "Settled|Killed|Program|Large" -args -long
	cd local && go test ./systemtest/proof -run "EveryFault|LiveTheirLives|RepairsByHand" -count 1 -timeout 60m -v -long
	cd local && go test ./systemtest/region -count 1 -timeout 60m -v -long

.PHONY: lint
lint: lint-go lint-specs ## lint Go and the specs

.PHONY: lint-go
lint-go: $(GOLANGCI) tidy
	$(GOLANGCI) run ./...
	for module in local registry prometheus alerts; do (cd $$module && $(CURDIR)/$(GOLANGCI) run ./...) || exit; done
	GOLANGCI=$(CURDIR)/$(GOLANGCI) installer/lint.sh

.PHONY: tidy
tidy: ## check that the modules need and name what they use
	@for module in $$(git ls-files 'go.mod' '*/go.mod' | xargs -n1 dirname); do (cd $$module && go mod tidy -diff) || exit; done

.PHONY: lint-specs
lint-specs:
	hack/lint-specs/run.sh

$(GOLANGCI):
	@echo "Building golangci-lint; once, takes minutes."
	@mkdir -p $(@D)
	GOBIN=$(abspath $(@D)) go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
	@mv $(@D)/golangci-lint $@

.PHONY: dist
dist: build ## pack the programs into one archive that runs without a toolchain
	@hack/dist.sh $(VERSION)

.PHONY: clean
clean: ## remove what was built and cached, and the local data unless aro-local is running
	@hack/clean.sh
