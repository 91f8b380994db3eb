# make book · make test · make serve · make notebooks · make homework · make grade; CONTRIBUTING.md tells the rest.
PYTHON ?= python3
VENV := .venv
ifeq ($(OS),Windows_NT)
BIN := $(VENV)/Scripts
else
BIN := $(VENV)/bin
endif
READY := $(VENV)/ready
PYTEST := $(BIN)/python -m pytest

VARIANTS ?= default:1 default:2 avx2:1 avx2:2 avx512:1 avx512:2

# One torch thread each: the notebooks run side by side over the cores.
export OMP_NUM_THREADS ?= 1
# Threads that wait give up the core: two notebooks on two threads each would otherwise spin against each other.
export OMP_WAIT_POLICY ?= PASSIVE
export PYTHONDONTWRITEBYTECODE := 1

.PHONY: book test serve notebooks homework grade gradescope lint experiments lock bare variants claims answers spread bench clean

book: $(READY)
	@$(BIN)/python tools/build.py

test: book
	$(PYTEST) -n auto --dist loadfile --nbval --nbval-current-env notebooks tests

serve: book
	@$(BIN)/python tools/build.py --serve

notebooks: $(READY)
	@$(BIN)/python tools/notebooks.py $(if $(FORCE),--force) $(NOTEBOOK)

# For teachers: CHAPTER=03, SUBMISSIONS=folder, OUT=folder, SCHEDULER=tcp://…; a class of its own: CLASS=2027a
# HOMEWORK_PRIVATE=folder. make hands them on in the environment.
homework grade gradescope: $(READY)
	@$(BIN)/python -m grading $@

lint: $(READY)
	$(BIN)/ruff check . && $(BIN)/ruff format --check .

# What is too long for a notebook; it goes on where it was stopped. NAME=schedules for one.
experiments: $(READY)
	@$(BIN)/python experiments/run.py $(NAME)

# What CI and authors run beside the suite: the notebooks on other processors, and in a bare environment.
variants: $(READY)
	@for variant in $(VARIANTS); do \
	  echo "vector unit $${variant%:*}, $${variant#*:} torch thread(s)"; \
	  ATEN_CPU_CAPABILITY=$${variant%:*} OMP_NUM_THREADS=$${variant#*:} \
	    $(PYTEST) -q -n auto --dist loadfile --nbval --nbval-current-env notebooks || exit 1; \
	done

# Turns the result of each claim over and sees its assertion fail.
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

bench: $(READY)
	@$(BIN)/python tools/bench.py

lock: $(READY)
	$(BIN)/python tools/lock.py

clean:
	rm -rf _build .pytest_cache .ruff_cache .hypothesis

$(READY): requirements.txt tools/setup.py
	@command -v $(PYTHON) >/dev/null 2>&1 || { echo "dropout-book: no $(PYTHON) here; install Python 3.11, 3.12 or 3.13, or name one: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) tools/setup.py $(VENV) requirements.txt
	@touch $(READY)
