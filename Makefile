# Debian packages the build and the tests need; one list, which continuous integration uses too.
PACKAGES := libopenblas-dev libncurses-dev libjpeg62-turbo-dev libpng-dev zlib1g-dev libsqlite3-dev pkg-config tmux
CONFIG := release

.PHONY: deps build demo test clean

deps:
	@missing=""; for p in $(PACKAGES); do \
	  dpkg-query -W -f='$${Status}' $$p 2>/dev/null | grep -q 'install ok installed' || missing="$$missing $$p"; done; \
	if [ -z "$$missing" ]; then echo "Debian packages: all there"; else \
	  echo "Debian packages to install:$$missing"; \
	  if [ "$$(id -u)" = 0 ]; then root=""; else root="sudo"; echo "(needs root: sudo will ask)"; fi; \
	  $$root env DEBIAN_FRONTEND=noninteractive apt-get update -qq && \
	  $$root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing; fi
	@command -v swift >/dev/null || { echo "Swift 6.2 or later is missing: see https://www.swift.org/install"; exit 1; }

build: deps
	swift build -c $(CONFIG) --product maple
	@echo "built: $$(swift build -c $(CONFIG) --show-bin-path)/maple"

# Draws the data (once), then trains on it with the model that came with the program: make demo ARGS=--all
demo: build
	@"$$(swift build -c $(CONFIG) --show-bin-path)/maple" demo $(ARGS)

# One process at a time: the tests share OpenBLAS's thread count.
# What failed is said again at the end, where it is not lost among what passed.
test: deps
	@mkdir -p .build; rm -f .build/failed; \
	{ swift test -c $(CONFIG) --no-parallel 2>&1 || touch .build/failed; } | tee .build/test.log; \
	if [ -e .build/failed ]; then echo; echo "What failed:"; \
	  grep -E "recorded an issue|error:|Fatal error|✘ (Test|Suite)" .build/test.log | cut -c1-400 | tail -60; exit 1; fi

clean:
	swift package clean
