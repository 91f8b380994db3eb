"""What holds the book together: the commands, the pins, the messages of the set-up, the licence and citation files."""

import ast
import os
import re
import subprocess
import sys
from functools import cache
from importlib.metadata import packages_distributions

import bare
import nbformat
import numpy as np
import psutil
import pytest
import setup
import spread
import yaml
from scipy.stats import t

import notebooks as tool
from notebook import ROOT, definitions


def text(name):
    return (ROOT / name).read_text(encoding="utf-8")


def test_documented_commands_exist():
    targets = {name for names in re.findall(r"^([a-z ]+):", text("Makefile"), re.MULTILINE) for name in names.split()}
    for page in ("README.md", "CONTRIBUTING.md", "book/index.md", "book/how-to-use.md", "book/teach.md"):
        named = set(re.findall(r"^make ([a-z]+)", text(page), re.MULTILINE)) | set(
            re.findall(r"`make ([a-z]+)", text(page))
        )
        assert named and named <= targets, page


def test_requirements_are_pinned_and_cover_what_we_chose():
    pins = re.findall(r"^([A-Za-z0-9_.-]+)==[\w.]+( ;.*)?$", text("requirements.txt"), re.MULTILINE)
    lines = [line for line in text("requirements.txt").splitlines() if line and line[0] != "#"]
    assert len(pins) == len(lines)
    assert {*chosen("requirements.in"), *chosen("book/requirements.in")} <= {name for name, _ in pins}


def chosen(name):
    """The packages that a requirements.in names."""
    return set(re.findall(r"^([A-Za-z][\w.-]*)", text(name), re.MULTILINE))


installed = cache(packages_distributions)


def imported(folders):
    """{package: a file that imports it} for the modules below some folders; the book's own modules are left out."""
    files = [file for folder in folders for file in sorted((ROOT / folder).rglob("*.py"))]
    own = {file.stem for file in files} | {"grading", "notebooks", "notebook"}
    packages, found = installed(), {}
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) and node.module and not node.level else []
            for name in names:
                top = name.split(".")[0]
                if top not in own | sys.stdlib_module_names:
                    given = packages.get(top, [top])
                    # several packages share a namespace, as sphinxcontrib's do: the longest name that fits
                    fits = [one for one in given if one.lower().replace("-", ".").startswith(name.lower())] or given
                    found[fits[0].lower().replace("_", "-")] = str(file.relative_to(ROOT))
    return found


def test_what_is_imported_is_asked_for():
    """The zoo's files run in an environment of their own."""
    everything = chosen("requirements.in") | chosen("book/requirements.in")
    everything |= chosen("tests/zoo.txt") | chosen("tests/zoo-onnx.txt")
    assert {
        name: file for name, file in imported(["book/_ext"]).items() if name not in chosen("book/requirements.in")
    } == {}
    folders = ["book/_ext", "tools", "grading", "experiments", "tests", "notebooks"]
    assert {name: file for name, file in imported(folders).items() if name not in everything} == {}


def test_an_import_that_is_not_asked_for_is_seen(tmp_path, monkeypatch):
    (tmp_path / "new.py").write_text("import json\nfrom requests import get\n")
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    assert imported(["."]) == {"requests": "new.py"}


@pytest.mark.parametrize("arguments", [["check", "."], ["format", "--check", "."]], ids=["check", "format"])
def test_ruff(arguments):
    done = subprocess.run([sys.executable, "-m", "ruff", *arguments], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    "folder, columns", [("notebooks", 80), ("homework", 80), ("assignments", 80), ("tools", 120), ("tests", 120)]
)
def test_ruff_sees_a_long_line(folder, columns):
    """Code that readers see is 80 columns wide, the rest 120."""
    for extra in (0, 1):
        line = "X = 1  # " + "so many words " * 9
        cell = nbformat.v4.new_code_cell(line[: columns + extra - 1] + "s")
        planted = nbformat.writes(nbformat.v4.new_notebook(cells=[cell]))
        command = [sys.executable, "-m", "ruff", "check", "--stdin-filename", f"{folder}/99-long.ipynb", "-"]
        done = subprocess.run(command, cwd=ROOT, input=planted, capture_output=True, text=True)
        assert (done.returncode, "E501" in done.stdout) == (extra, bool(extra)), done.stdout


def test_an_old_python_is_refused_in_one_sentence(monkeypatch):
    monkeypatch.setattr(setup.sys, "version_info", (3, 9, 2))
    monkeypatch.setattr(setup.shutil, "which", lambda name: None)
    with pytest.raises(SystemExit, match=r"^dropout-book: Python 3.11, 3.12 or 3.13 is needed and this is 3.9;[^\n]*$"):
        setup.find_python()


def test_an_old_python_gives_way_to_a_supported_one(monkeypatch):
    monkeypatch.setattr(setup.sys, "version_info", (3, 9, 2))
    monkeypatch.setattr(setup.shutil, "which", lambda name: name if name == "python3.12" else None)
    monkeypatch.setattr(setup, "version_of", lambda python: (3, 12))
    assert setup.find_python() == "python3.12"


def test_a_missing_venv_module_is_one_sentence(monkeypatch, tmp_path):
    monkeypatch.setattr(setup, "run", lambda *command: (False, ""))
    monkeypatch.setattr(setup.sys, "argv", ["setup.py", str(tmp_path / "venv")])
    with pytest.raises(SystemExit, match=r"^dropout-book: this Python has no venv module;[^\n]*$"):
        setup.main()


@pytest.fixture(scope="module")
def set_up(tmp_path_factory):
    """set_up(pins, **environment) -> what the set-up does with these pins; set_up.folder has its venv."""
    folder = tmp_path_factory.mktemp("set-up")
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}

    def run(pins, **environment):
        for name, content in {"tools/setup.py": text("tools/setup.py"), "requirements.txt": pins}.items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(content, encoding="utf-8")
        command = [sys.executable, folder / "tools" / "setup.py", folder / "venv"]
        env = clean | {"PIP_CONFIG_FILE": os.devnull} | environment
        return subprocess.run(command, env=env, capture_output=True, text=True)

    run.folder = folder
    return run


def test_no_network_is_told_at_once_and_in_one_sentence(set_up):
    done = set_up("a-package==1.0\n", PIP_INDEX_URL="http://127.0.0.1:9/simple")
    assert done.returncode == 1
    assert re.fullmatch(r"dropout-book: the packages could not be downloaded; [^\n]*\n", done.stderr)
    assert "no answer from the network" in done.stdout and "Traceback" not in done.stdout


def test_a_system_without_torch_is_one_sentence(set_up):
    done = set_up("torch==2.13.0\n", PIP_NO_INDEX="1")
    assert done.returncode == 1
    assert re.fullmatch(r"dropout-book: there is no torch for this system; [^\n]*\n", done.stderr)


@pytest.mark.slow
def test_a_set_up_keeps_what_is_there_unless_it_is_broken(set_up):
    kept = set_up.folder / "venv" / "kept"
    assert set_up("# nothing\n", PIP_NO_INDEX="1").returncode == 0
    kept.touch()
    assert set_up("# still nothing\n", PIP_NO_INDEX="1").returncode == 0 and kept.exists()
    (set_up.folder / "venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")).unlink()
    assert set_up("# a broken one is made anew\n", PIP_NO_INDEX="1").returncode == 0 and not kept.exists()


def test_make_alone_says_what_there_is(tmp_path):
    done = subprocess.run(["make", "-s"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0 and done.stderr == ""
    for target in ("book", "test", "serve", "notebooks", "homework", "grade"):
        assert re.search(rf"^make {target}  ", done.stdout, re.MULTILINE), target


def children():
    return {child.pid for child in psutil.Process().children(recursive=True)}


def printing(text, *codes):
    """A notebook whose cells all have this stored output."""
    output = nbformat.v4.new_output("stream", text=text)
    cells = [nbformat.v4.new_code_cell(code, execution_count=i, outputs=[output]) for i, code in enumerate(codes, 1)]
    return nbformat.v4.new_notebook(cells=cells)


def have_ended(before):
    """Whether all processes below this one that were not there before end by themselves."""
    return psutil.wait_procs([psutil.Process(pid) for pid in children() - before], timeout=60)[1] == []


@pytest.mark.parametrize("target", ["notebooks", "spread"])
def test_every_process_ends_with_its_target(tmp_path, target):
    nb = printing("42\n", "print(6 * 7)")
    path, before = tmp_path / "tiny.ipynb", children()
    nbformat.write(nb, path)
    if target == "notebooks":
        tool.execute(nb)
        assert nb.cells[0].outputs[0].text == "42\n"
    else:
        assert len(spread.measure(path, "default:1")) == 0
    assert have_ended(before)


@pytest.mark.slow
def test_a_notebook_that_fails_differs_or_leaves_files_is_told(tmp_path):
    """And one that needs a package that its environment lacks; a cell that is right passes. All kernels end."""
    before = children()
    books = {
        "bad": printing("8\n", "print(8)", "1 / 0", "print(7)", "import nothing_like_it"),
        "leaves": printing("8\n", "open('left', 'w').close(); print(8)"),
    }
    for name, book in books.items():
        nbformat.write(book, tmp_path / f"{name}.ipynb")
    paths = [tmp_path / f"{name}.ipynb" for name in books]
    done, left = bare.run(paths, sys.executable, stdout=subprocess.PIPE, text=True)
    assert done.returncode == 1 and left == {"leaves": ["left"]}
    failed = re.findall(r"^FAILED bad/bad.ipynb::Cell (\d)\b", done.stdout, re.MULTILINE)
    assert sorted(failed) == ["1", "2", "3"] and " 2 passed" in done.stdout
    assert have_ended(before)


def test_citation_and_licence():
    citation = yaml.safe_load(text("CITATION.cff"))
    assert citation["license"] == ["MIT", "CC-BY-4.0"]
    assert {"cff-version", "message", "title", "authors", "version"} <= set(citation)
    assert "MIT License" in text("LICENSE") and "CC BY 4.0" in text("LICENSE")


@pytest.fixture(scope="module")
def preamble():
    namespace = {}
    exec(compile(definitions(tool.PREAMBLE.read_text(encoding="utf-8")), "<preamble>", "exec"), namespace)
    return namespace


@pytest.mark.parametrize("n", [5, 10, 16, 50])
def test_interval_is_students(preamble, n):
    values = np.random.default_rng(n).normal(size=(3, n))
    mean, half = preamble["mean_ci"](values)
    np.testing.assert_allclose(mean, values.mean(1))
    exact = t.ppf(0.975, n - 1) * values.std(1, ddof=1) / n**0.5
    np.testing.assert_allclose(half, exact, rtol=4e-3)


def test_digits_are_independent_splits_of_the_digits(preamble):
    x, y = preamble["load_digits"](return_X_y=True)
    data = preamble["digits"](200, 4, wrong=0.25)
    assert {part: tuple(a.shape) for part, (a, _) in data.items()} == {
        "test": (4, 500, 64),
        "val": (4, 300, 64),
        "train": (4, 200, 64),
    }
    known = {tuple(row): set() for row in x / 16}
    for row, label in zip(x / 16, y):
        known[tuple(row)].add(label)
    for seed in range(4):
        rows = [tuple(row) for part in data for row in data[part][0][seed].double().numpy()]
        assert len(set(rows)) >= 990  # disjoint parts, up to digits drawn twice alike
        wrong = [label not in known[tuple(row)] for row, label in zip(rows[-200:], data["train"][1][seed].tolist())]
        assert sum(wrong) == 50
        right = [label in known[tuple(row)] for row, label in zip(rows, data["test"][1][seed].tolist())]
        assert all(right)
    clean, smaller = preamble["digits"](200, 4), preamble["digits"](100, 4)
    assert (clean["train"][0][:, :100] == smaller["train"][0]).all()
    assert (clean["test"][1] == data["test"][1]).all()
    assert not (clean["test"][1][0] == clean["test"][1][1]).all()


@pytest.mark.parametrize("arguments", [(0,), (998,), (10, 2, -0.1), (10, 2, 1.1), (10, 2, float("nan"))])
def test_digits_refuses_what_is_not_there(preamble, arguments):
    with pytest.raises(ValueError, match="need 1 <= n_train <= 997 and 0 <= wrong <= 1, got"):
        preamble["digits"](*arguments)


def test_stacked_networks_are_independent_and_equal_single_ones(preamble):
    torch, nn = preamble["torch"], preamble["nn"]
    data = preamble["digits"](64, 5)
    torch.manual_seed(0)
    model = preamble["mlp"](5, (64, 16, 10))
    singles = []
    for seed in range(5):
        single = nn.Sequential(nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 10))
        for ours, theirs in zip((model[0], model[3]), (single[0], single[2])):
            theirs.weight.data, theirs.bias.data = ours.weight.data[seed].T.clone(), ours.bias.data[seed, 0].clone()
        singles.append(single)
    batches = torch.Generator().manual_seed(0)
    preamble["train"](model, data, steps=30, every=30)
    rows = [torch.randint(64, (5, 64), generator=batches) for _ in range(30)]
    for seed, single in enumerate(singles):
        optimizer = torch.optim.Adam(single.parameters(), lr=1e-3)
        for i in rows:
            optimizer.zero_grad()
            x, y = (part[seed, i[seed]] for part in data["train"])
            nn.functional.cross_entropy(single(x), y).backward()
            optimizer.step()
        torch.testing.assert_close(model[0].weight[seed].T, single[0].weight, rtol=1e-4, atol=1e-5)
    loss, error = preamble["evaluate"](model, *data["test"])
    x, y = (part[3] for part in data["test"])
    assert np.isclose(loss[3], nn.functional.cross_entropy(singles[3](x), y).item(), rtol=1e-4)
    assert np.isclose(error[3], (singles[3](x).argmax(1) != y).double().mean().item())


def test_evaluation_is_without_dropout_and_training_with(preamble):
    torch = preamble["torch"]
    data = preamble["digits"](50, 5)
    model = preamble["mlp"](5, (64, 8, 10), p=0.5)
    first, second = (preamble["evaluate"](model, *data["val"])[0] for _ in range(2))
    assert (first == second).all()
    model.train()
    assert not torch.equal(model(data["val"][0]), model(data["val"][0]))
