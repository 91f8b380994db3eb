# make alone says what there is to do; CONTRIBUTING.md tells more.
PYTHON ?= python3
VENV ?= .venv
ifeq ($(OS),Windows_NT)
BIN := $(VENV)/Scripts
else
BIN := $(VENV)/bin
endif
BOOK := $(VENV)/book.ready
READY := $(VENV)/ready
PYTEST := $(BIN)/python -m pytest
NOTEBOOKS = notebooks
SUITE := -n auto --dist loadfile --no-loadscope-reorder --nbval --nbval-current-env $(NOTEBOOKS) tests

VARIANTS ?= default:1 default:2 avx2:1 avx2:2 avx512:1 avx512:2
PYTHONS ?= 3.12 3.13

# One torch thread each: the notebooks run side by side over the cores.
export OMP_NUM_THREADS ?= 1
# Threads that wait give up the core: two notebooks on two threads each would otherwise spin against each other.
export OMP_WAIT_POLICY ?= PASSIVE
# What a training frees is kept for its next step: where Dask trains, in a thread, glibc would give it back to the system
# and fetch it again page by page, for a quarter of the time.
export MALLOC_MMAP_THRESHOLD_ ?= 33554432
export MALLOC_TRIM_THRESHOLD_ ?= 1073741824
export PYTHONDONTWRITEBYTECODE := 1

.PHONY: help book pdf epub offline take test serve notebooks homework grade explain alike gradescope test-all lint experiments stress replicate lock bare translate \
  variants pythons claims answers spread zoo bench clean

help:
	@echo "make book        builds the site from the stored outputs, and says which file to open"
	@echo "make pdf         the book as one PDF, which a Chromium prints; make epub, make offline: for e-readers, without a server"
	@echo "make test        runs every notebook again and tests functions, site and grader"
	@echo "make serve       shows the site at a local address"
	@echo "make notebooks   executes the chapters that changed and stores their outputs"
	@echo "make homework    writes what students get, from the masters"
	@echo "make grade       grades a folder: CHAPTER=03 SUBMISSIONS=folder OUT=folder; ROSTER=class.csv for names"
	@echo "make explain     shows what a student's answers gave, and what was expected: ONLY=anna in place of OUT"
	@echo "make clean       removes what was built; CONTRIBUTING.md has the rest"

book: $(BOOK)
	@$(BIN)/python tools/build.py

# To take along, from the built site into _build/take; make take makes these three, notebooks.zip and assignments.zip.
pdf epub offline: book
	@$(BIN)/python tools/take.py $@

take: book
	@$(BIN)/python tools/take.py

test: $(READY)
	$(PYTEST) $(SUITE)

# What takes longer, too: sweeps, turned claims, answers to the homework.
test-all: $(READY)
	$(PYTEST) $(SUITE) -m "slow or not slow"

serve: $(BOOK)
	@$(BIN)/python tools/build.py --serve

notebooks: $(READY)
	@$(BIN)/python tools/notebooks.py $(if $(FORCE),--force) $(NOTEBOOK)

# For teachers: CHAPTER=03, SUBMISSIONS=folder, OUT=folder, SCHEDULER=tcp://…; a class of its own: CLASS=2027a
# HOMEWORK_PRIVATE=folder; ROSTER=class.csv, ONLY=anna, LATE="10 % a day, at most 3", TIME=2, ANONYMOUS=1.
# make hands them on in the environment.
homework grade explain alike gradescope: $(READY)
	@$(BIN)/python -m grading $@

# What is to be translated, from the pages as they are now; the share that is done. PAGE=notebooks/05-mlp to begin one.
translate: $(READY) book
	@$(BIN)/python tools/translate.py $(PAGE)

lint: $(READY)
	$(BIN)/ruff check . && $(BIN)/ruff format --check .

# What is too long for a notebook; it goes on where it was stopped. NAME=schedules for one.
experiments: $(READY)
	@$(BIN)/python experiments/run.py $(NAME)

# How far the verdicts reach: each trained claim over many settings. CLAIM=26 for one, SCHEDULER=tcp://… for a Dask
# cluster, BUDGET=2 for so many hours, DROPOUT_DATA=folder for MNIST, DROPOUT_TEXT=file for a text in place of names. It
# goes on where it was stopped, and says at the end what the grids say.
stress: $(READY)
	@$(BIN)/python experiments/run.py --stress
	@$(BIN)/python experiments/reach.py $(CLAIM)

# Published tables on the data that they are about, from DROPOUT_DATA=folder: TABLE=srivastava2014 for one; DEVICE=cuda,
# SCHEDULER and BUDGET as above.
replicate: $(READY)
	@$(BIN)/python experiments/run.py --replicate
	@$(BIN)/python experiments/reach.py --replicate $(TABLE)

# What CI and authors run beside the suite: the notebooks as on other processors; `bare` also in a bare environment.
variants: $(READY)
	@for variant in $(VARIANTS); do \
	  echo "vector unit $${variant%:*}, $${variant#*:} torch thread(s)"; \
	  ATEN_CPU_CAPABILITY=$${variant%:*} OMP_NUM_THREADS=$${variant#*:} \
	    $(PYTEST) -q -n auto --dist loadfile --nbval --nbval-current-env notebooks || exit 1; \
	done

# The other supported Pythons build the same site, to the byte, so that its pages need not be tested again; and they
# pass the tests of the build and of the grader. None of it needs torch.
pythons: book
	@pids=; for version in $(PYTHONS); do python$$version tools/setup.py .venv-$$version no-torch & pids="$$pids $$!"; done; \
	for pid in $$pids; do wait $$pid || exit 1; done; \
	for version in $(PYTHONS); do \
	  .venv-$$version/bin/python tools/build.py --output _build/python-$$version && \
	  diff -r _build/html _build/python-$$version/_build/html || exit 1; \
	done; \
	pids=; for version in $(PYTHONS); do \
	  .venv-$$version/bin/python -m pytest -q -n 2 --dist loadfile --no-loadscope-reorder -m "not slow and not browser" \
	    tests/site/test_build.py tests/grading & pids="$$pids $$!"; \
	done; \
	for pid in $$pids; do wait $$pid || exit 1; done

# Turns the result of each trained cell over and sees its assertion fail.
claims: $(READY)
	$(PYTEST) -q -n auto -m slow tests/chapters/test_claims.py

# Every right answer to the homework passes, every wrong one fails.
answers: $(READY)
	$(PYTEST) -q -n auto -m slow tests/grading/test_answers.py

# Measures how far trained results move under the variants, for the page on reproducibility.
spread: $(READY)
	@$(BIN)/python tools/spread.py $(VARIANTS)

bare: $(READY)
	@$(BIN)/python tools/bare.py

# The inspector of the field guide before published architectures, in an environment of its own; both results, or
# NAME=inspector, NAME=dropblock for one. It goes on where it was stopped.
zoo: $(READY)
	@$(BIN)/python tools/zoo.py $(NAME)

bench: $(READY)
	@$(BIN)/python tools/bench.py

lock: $(READY)
	$(BIN)/python tools/lock.py

clean:
	rm -rf _build .pytest_cache .ruff_cache .hypothesis

# A reader's set-up holds what building needs; the rest is added when it is first needed.
$(BOOK): requirements.txt book/requirements.in tools/setup.py
	@command -v $(PYTHON) >/dev/null 2>&1 || { echo "dropout-book: no $(PYTHON) here; install Python 3.11, 3.12 or 3.13, or name one: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) tools/setup.py $(VENV) book
	@touch $(BOOK)

$(READY): requirements.txt tools/setup.py | $(BOOK)
	@$(PYTHON) tools/setup.py $(VENV) all
	@touch $(READY) $(BOOK)
