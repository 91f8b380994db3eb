"""Accessibility of every page, as axe-core finds it. A file of its own, so that another worker can take it."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from test_browser import base, browser, visit  # noqa: F401, fixtures
from test_site import PAGES

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_no_violation(visit, name, scheme):  # noqa: F811
    page, _ = visit(name, color_scheme=scheme)
    # What is folded away must be sound too.
    page.evaluate("document.querySelectorAll('details').forEach((details) => (details.open = true))")
    options = {"resultTypes": ["violations"]}  # to list all that is in order takes longer than to find what is not
    if scheme == "dark":
        options["runOnly"] = ["color-contrast"]  # all that the colours change
    violations = Axe().run(page, options=options).response["violations"]
    assert [(v["id"], [n["target"] for n in v["nodes"]][:3]) for v in violations] == []


def test_axe_finds_a_planted_violation(visit):  # noqa: F811
    page, _ = visit("404.html")
    page.evaluate("document.querySelector('main').insertAdjacentHTML('beforeend', '<img src=_static/social.png>')")
    assert "image-alt" in [violation["id"] for violation in Axe().run(page).response["violations"]]
