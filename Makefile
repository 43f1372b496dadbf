# Everything a fresh machine needs: Python 3.11 or newer, git and make. `make` alone lists the verbs.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:

VENV := .venv
BIN := $(VENV)/bin

# The first of these that is 3.11 or newer; PYTHON=/path/to/python picks another.
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(or $(firstword $(foreach p,python3 python3.13 python3.12 python3.11 python3.14,\
	$(if $(shell $(p) -c '$(NEW_ENOUGH)' >/dev/null 2>&1 && echo yes),$(p)))),python3)

# PyTorch's own index, for those who want one of its other builds, for instance
#   make eval TORCH_INDEX=https://download.pytorch.org/whl/cpu      small, no CUDA libraries
#   make eval TORCH_INDEX=https://download.pytorch.org/whl/cu130    for one CUDA release
# It is used for torch alone and only when .venv is built (`make clean` first to change it).
TORCH_INDEX ?=

# What `make eval` measures; see `make` for what each one means. MITIGATION is passed on only where it is given, so that
# a model which takes no negative prompt is run without one.
MODEL ?= menagerie
MITIGATION ?= none,negprompt
ATTACK ?=
PROMPTS ?= name
SEEDS ?= 3
CHARACTERS ?=
LIMIT ?=
ALSO ?=
OUT ?=
DEVICE ?=

# For `make fig3`: the captions to mine, their registry, and how many words a prompt has.
CORPUS ?= data/menagerie/corpus.parquet
REGISTRY ?= menagerie
SIZES ?= 1,2,3,5,10

# For `make table2`: the video model beside MODEL; left out with a word where there is no such card.
VIDEO ?= $(if $(filter menagerie,$(MODEL)),menagerie-video)

# For `make table1`, `table2` and `reproduce`: DRY_RUN=1 says what would be drawn, and draws nothing. CORPUS= and
# REGISTRY=, where they are given, are the captions for the negative prompts and the characters.
DRY_RUN ?=

# For `make reproduce`: the models, of which the first gets Table 1 too; YES=1 does not ask before it begins.
MODELS ?= playground@paper,sdxl@paper
YES ?=

# For `make robustness`: guardrails and attacks (lists, with options), how many characters are guarded where CHARACTERS
# names none, and how many neighbours, and unrelated ones, are looked at for side effects. Left out, they are copycat's.
MITIGATIONS ?=
ATTACKS ?=
ERASED ?=
OTHERS ?=

# For `make results`: what is run beside Table 1's mitigations, who the leaderboard says ran it (BY, which has no
# default: a name is published by whoever gives it), and where the pictures are. The judge behind the model is not the
# one that scores, which would be asked about its own choice.
FILTER ?= filter[judge=menagerie-embedding]
GUARDS ?= gate+negprompt,gate+rewrite,gate+rewrite+negprompt,$(FILTER),rewrite+$(FILTER)
BY ?=
PICTURES ?=
WITHHELD ?= they are not kept in git; the command draws them again

# For `make dataset`: an e-mail address or https:// address for those who want something removed. No default: whoever
# publishes it answers.
CONTACT ?=

# For `make menagerie`: full (the default), quick or smoke.
RECIPE ?=

# For `make test`: MARKERS='slow' or MARKERS='' (all), ARGS='tests/measures -x', JOBS=4 processes.
JOBS ?= 2
ARGS ?=

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PYTHONNOUSERSITE := 1

.DEFAULT_GOAL := help
.PHONY: help eval robustness table1 table2 fig3 reproduce results threshold dataset test check format audit menagerie lock clean

help: ## List these targets
	@echo "Usage: make TARGET [VARIABLE=value ...]"
	@echo
	@sed -n 's/^\([a-z0-9]*\):[^#]*## \(.*\)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 14
	@echo
	@echo "Variables of make eval (now):"
	@echo "  MODEL=$(MODEL)             a card (copycat ls models) or a local diffusers folder"
	@echo "  MITIGATION=$(MITIGATION)   a list; + combines, e.g. none,rewrite+negprompt"
	@echo "  ATTACK=$(ATTACK)                     a list of attacks that each is run under too, e.g. none,udatk"
	@echo "  PROMPTS=$(PROMPTS)                a list of prompt sets (copycat ls prompts)"
	@echo "  SEEDS=$(SEEDS)                     how many (0, 1, ...), or a list: 0,1,5"
	@echo "  CHARACTERS=$(CHARACTERS)                 a list of names; all when empty"
	@echo "  LIMIT=$(LIMIT)                      only the first so many characters"
	@echo "  ALSO=$(ALSO)                       innocent prompts, to see what guardrails cost there: neutral,lookalikes"
	@echo "  JUDGE=$(JUDGE)                      a judge card (copycat ls judges); the model's when empty"
	@echo "  OUT=$(OUT)                        the run folder; results/... when empty"
	@echo "  DEVICE=$(DEVICE)                     cpu, cuda or mps; the best there is when empty"
	@echo "Variables of the set-up: PYTHON=$(PYTHON)  TORCH_INDEX=$(TORCH_INDEX)"

eval: $(VENV)/.installed ## Evaluate a model with and without guardrails; the same command again resumes
	@$(BIN)/copycat run --model '$(MODEL)' $(if $(filter file,$(origin MITIGATION)),,--mitigation '$(MITIGATION)') \
		$(if $(ATTACK),--attack '$(ATTACK)') --prompts '$(PROMPTS)' --seeds '$(SEEDS)' \
		$(if $(CHARACTERS),--characters '$(CHARACTERS)') $(if $(LIMIT),--limit '$(LIMIT)') $(if $(ALSO),--also '$(ALSO)') \
		$(if $(JUDGE),--judge '$(JUDGE)') $(if $(OUT),--out '$(OUT)') $(if $(DEVICE),--device '$(DEVICE)')

robustness: $(VENV)/.installed ## Every guardrail under every attack on MODEL, and what it costs others: a page, a table, a slide
	@$(BIN)/copycat robustness --model '$(MODEL)' $(if $(MITIGATIONS),--mitigations '$(MITIGATIONS)') \
		$(if $(ATTACKS),--attacks '$(ATTACKS)') --prompts '$(PROMPTS)' --seeds '$(SEEDS)' \
		$(if $(CHARACTERS),--characters '$(CHARACTERS)') $(if $(ERASED),--erased '$(ERASED)') $(if $(OTHERS),--others '$(OTHERS)') \
		$(if $(JUDGE),--judge '$(JUDGE)') $(if $(OUT),--out '$(OUT)') $(if $(DEVICE),--device '$(DEVICE)') $(DRY)

# What these three run follows from data/published/, where the rows of a table say their mitigation.
# The same command again resumes; other SEEDS, LIMIT and so on need another OUT.
CHOICES = --seeds '$(SEEDS)' $(if $(CHARACTERS),--characters '$(CHARACTERS)') $(if $(LIMIT),--limit '$(LIMIT)') \
	$(if $(JUDGE),--judge '$(JUDGE)') $(if $(DEVICE),--device '$(DEVICE)')
PAPER = $(or $(OUT),results/$@-$(notdir $(MODEL)))

ON_COMMAND_LINE = $(filter-out file undefined,$(origin $(1)))
WHO = $(if $(call ON_COMMAND_LINE,REGISTRY),--registry '$(REGISTRY)')
CAPTIONS = $(if $(call ON_COMMAND_LINE,CORPUS),'$(CORPUS)')
DRY = $(if $(DRY_RUN),--dry-run)

table1: $(VENV)/.installed ## Table 1 of the paper on MODEL: every negative prompt, on names and rewritten prompts
	@$(if $(DRY_RUN),,$(BIN)/copycat mine negatives $(CAPTIONS) --missing --model '$(MODEL)' $(WHO))
	@$(BIN)/copycat run --model '$(MODEL)' $(WHO) \
		--mitigation "$$($(BIN)/copycat table 1 --needs mitigations --model '$(MODEL)' $(WHO))" \
		--prompts "$$($(BIN)/copycat table 1 --needs prompts)" $(CHOICES) --out '$(PAPER)/run' $(DRY)
	@$(if $(DRY_RUN),,$(BIN)/copycat table 1 '$(PAPER)/run' --out '$(PAPER)')

table2: $(VENV)/.installed ## Table 2 of the paper on MODEL and VIDEO: nothing, then rewriting with negative prompts
	@runs=(); \
	for model in '$(MODEL)' $(if $(VIDEO),'$(VIDEO)'); do \
		if [ "$$model" != '$(MODEL)' ] && ! $(BIN)/copycat ls models | grep "^$$model " >/dev/null; then \
			echo "There is no model $$model here, so its row will say: not run." >&2; continue; fi; \
		$(if $(DRY_RUN),,$(BIN)/copycat mine negatives $(CAPTIONS) --missing --model "$$model" $(WHO);) \
		needs="$$($(BIN)/copycat table 2 --needs mitigations --model "$$model" $(WHO))"; \
		run='$(PAPER)'/"$$(basename "$$model")"; runs+=("$$run"); \
		$(BIN)/copycat run --model "$$model" $(WHO) --mitigation "$$needs" --prompts name $(CHOICES) \
			--out "$$run" $(DRY); \
	done; \
	$(if $(DRY_RUN),:,$(BIN)/copycat table 2 "$${runs[@]}" --out '$(PAPER)')

reproduce: $(VENV)/.installed ## Tables 1 and 2 on real MODELS: what it costs, the runs, the differences, what to publish
	@$(BIN)/copycat reproduce --models '$(MODELS)' $(WHO) $(if $(CAPTIONS),--corpus $(CAPTIONS)) $(CHOICES) \
		--by '$(BY)' $(if $(OUT),--out '$(OUT)') $(if $(YES),--yes) $(DRY)

# Every ranking at every size, and the two prompt sets that the paper compares them with.
RANKINGS = cooc emb fused list common
comma := ,
space := $(subst ,, )
MINED = $(foreach r,$(RANKINGS),$(foreach n,$(subst $(comma), ,$(SIZES)),$(PAPER)/mined/$r$n.jsonl))
MINE = --registry '$(REGISTRY)' --sizes '$(SIZES)' --out '$(PAPER)/mined'

fig3: $(VENV)/.installed ## Figure 3 of the paper on MODEL: DETECT against n words, mined from CORPUS, by ranking
	@$(BIN)/copycat mine cooccurrence '$(CORPUS)' $(MINE) --set cooc --fit '$(MODEL)'
	@$(BIN)/copycat mine common '$(CORPUS)' $(MINE) --set common --fit '$(MODEL)'
	@$(BIN)/copycat mine embedding '$(PAPER)/mined/rankings/common.jsonl' $(MINE) --set emb --model '$(MODEL)'
	@$(BIN)/copycat mine fuse '$(PAPER)/mined/rankings/cooc.jsonl' '$(PAPER)/mined/rankings/emb.jsonl' $(MINE) \
		--set fused --fit '$(MODEL)'
	@$(BIN)/copycat mine list $(MINE) --set list --fit '$(MODEL)'
	@$(BIN)/copycat run --model '$(MODEL)' --registry '$(REGISTRY)' --mitigation none \
		--prompts 'name,description,$(subst $(space),$(comma),$(strip $(MINED)))' $(CHOICES) --out '$(PAPER)/run'
	@$(BIN)/copycat table fig3 '$(PAPER)/run' --out '$(PAPER)'

# All prompt sets and all mitigations unless some are named. Everything after the run is made from its rows.
SETS = $(if $(filter file,$(origin PROMPTS)),$$($(BIN)/copycat ls prompts | awk '$$1 == "$(REGISTRY)" {print $$2}' | \
	paste -sd, -),$(PROMPTS))
EVERY = $(if $(filter file,$(origin MITIGATION)),$$($(BIN)/copycat table 1 --needs mitigations --model '$(MODEL)' --registry '$(REGISTRY)')$(comma)$(GUARDS),$(MITIGATION))

results: $(VENV)/.installed ## Published results of MODEL: all prompt sets and mitigations, tables, figures, leaderboard rows (BY= says whose)
	@$(if $(strip $(BY)),,echo "Say who runs this, as the leaderboard will name them: make results BY='Ada L.'" >&2; exit 2)
	@$(BIN)/copycat run --model '$(MODEL)' --registry '$(REGISTRY)' --mitigation "$(EVERY)" --prompts "$(SETS)" \
		$(CHOICES) --out '$(PAPER)/run'
	@$(BIN)/copycat report '$(PAPER)/run' --tables 'results/published/$(notdir $(MODEL))'
	@$(BIN)/copycat leaderboard add '$(PAPER)/run' --by '$(BY)' \
		--to 'results/leaderboard/$(notdir $(MODEL)).jsonl' \
		$(if $(PICTURES),--pictures '$(PICTURES)',--withheld '$(WITHHELD)')

# RECIPE=reduced takes some three minutes of two cores; the same command again goes on where it was stopped.
threshold: $(VENV)/.installed ## The menagerie's imitation threshold: observed, and checked by training (hours; RECIPE=reduced)
	$(BIN)/copycat menagerie threshold $(if $(RECIPE),--recipe '$(RECIPE)') $(if $(OUT),--out '$(OUT)')

# The tests make it too, and hold that its audit passes.
dataset: $(VENV)/.installed-dev ## Make copycat's own data set in build/dataset, and audit it (CONTACT= says whom one writes to)
	rm -rf build/dataset
	@$(BIN)/copycat dataset --to build/dataset --contact '$(CONTACT)'
	@$(BIN)/copycat audit build/dataset --rows 0 --out build/dataset-audit

test: $(VENV)/.installed-dev ## Run the tests in JOBS processes (MARKERS=slow for the slow ones, ARGS= for pytest)
	$(BIN)/python -m pytest -n '$(JOBS)' --dist loadfile $(if $(filter undefined,$(origin MARKERS)),,-m '$(MARKERS)') $(ARGS)

check: $(VENV)/.installed-dev ## Lint, formatting, types and import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict copycat
	$(BIN)/lint-imports

format: $(VENV)/.installed-dev ## Apply the formatting and the safe fixes
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# In an environment of its own, so that what is audited and what audits do not mix. --strict: a package that
# cannot be looked up is a failure too. torch has no hash here (see above), so its file goes without.
AUDIT = build/audit

audit: ## Look the locked packages up among known vulnerabilities; before a release (needs the network)
	@test -x $(AUDIT)/bin/pip-audit || { $(PYTHON) -m venv $(AUDIT) && $(AUDIT)/bin/python -m pip install -qq pip-audit; }
	$(AUDIT)/bin/pip-audit --strict --disable-pip --require-hashes --requirement requirements.lock
	$(AUDIT)/bin/pip-audit --strict --disable-pip --no-deps --requirement requirements-torch.txt

menagerie: $(VENV)/.installed ## Rebuild the corpus, generator, judge and referee from scratch (hours on a CPU)
	$(BIN)/copycat menagerie build $(if $(RECIPE),--recipe '$(RECIPE)')

clean: ## Remove .venv and the caches, never results
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist
	find copycat tests -name __pycache__ -type d -prune -exec rm -rf {} +

# Order matters. The lock comes first and without dependency resolution: it holds everything torch asks
# for except torch itself, so that the next line downloads torch and nothing that is already there, and
# no other package can pull a torch of its own choice.
$(VENV)/.installed: requirements.lock requirements-torch.txt pyproject.toml
	@$(PYTHON) -c '$(NEW_ENOUGH)' 2>/dev/null || { \
		echo "copycat needs Python 3.11 or newer, but '$(PYTHON)' is $$($(PYTHON) --version 2>&1 || echo missing)." \
			"Install a newer one, or say which: make PYTHON=/path/to/python3.12" >&2; exit 2; }
	@$(PYTHON) -m venv $(VENV)
	@echo "Setting up $(VENV), once (1/3): pinned packages, some hundred MB"
	@$(BIN)/python -m pip install -qq --no-deps --require-hashes -r requirements.lock
	@echo "Setting up $(VENV), once (2/3): PyTorch, up to a few GB, depending on the build (see TORCH_INDEX)"
	@$(BIN)/python -m pip install -qq $(if $(TORCH_INDEX),--index-url '$(TORCH_INDEX)') -r requirements-torch.txt
	@echo "Setting up $(VENV), once (3/3): copycat itself"
	@$(BIN)/python -m pip install -qq --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed requirements-dev.lock requirements-validators.txt
	@echo "Adding the development tools to $(VENV), once"
	@$(BIN)/python -m pip install -qq --no-deps --require-hashes -r requirements-dev.lock
	@$(BIN)/python -m pip install -qq --no-deps --require-hashes --ignore-requires-python -r requirements-validators.txt
	@touch $@

# Maintainers only; needs uv. The awk drops torch and the CUDA packages that its default build asks for.
UV ?= uv
COMPILE = $(UV) pip compile pyproject.toml --no-config --universal --python-version 3.11 --generate-hashes \
	--no-header --no-annotate --group build --constraint requirements-torch.txt --quiet
WITHOUT_TORCH = awk '/^[a-z]/ {drop = /^(torch|triton|nvidia-|cuda-)/} !drop'
NOTE = \# Made by `make lock`; do not edit. torch is apart, in requirements-torch.txt, which says why.

KEPT = $(if $(UPGRADE),,--constraint requirements-dev.lock)

lock: ## Add to requirements*.lock what pyproject.toml asks for; UPGRADE=1 renews all (UV=path of uv)
	{ echo '$(NOTE)'; $(COMPILE) $(KEPT) | $(WITHOUT_TORCH); } > requirements.lock.new
	{ echo '$(NOTE)'; $(COMPILE) --extra dev $(KEPT) --constraint requirements.lock.new | $(WITHOUT_TORCH); } > requirements-dev.lock.new
	mv requirements.lock.new requirements.lock
	mv requirements-dev.lock.new requirements-dev.lock
