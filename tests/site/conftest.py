"""A browser and the site, for the tests of pages."""

import json

import browsers
import built
import pytest
from playwright.sync_api import sync_playwright


# One browser a file, and no longer: while Playwright lives, nothing else in this process can run an event loop, and
# the worker goes on to notebooks and clusters.
@pytest.fixture(scope="module")
def browser():
    browsers.needed()
    with sync_playwright() as playwright:
        chromium = browsers.launch(playwright)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def served():
    """served(state) -> the address of the site in that state, see built.STATES."""
    servers = {}

    def served(state):
        if state not in servers:
            servers[state] = built.serve(built.STATES[state]())
        return servers[state][1]

    yield served
    for server, _ in servers.values():
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def base(served):
    return served("site")


@pytest.fixture
def visit(browser, base):
    """visit(page, **options of the browser context) -> (page, what the console and the network complained of)."""
    visits = []

    def visit(name, **options):
        visits.append(browsers.Visit(browser, base, name, **options))
        return visits[-1].page, visits[-1].faults

    yield visit
    for each in visits:
        each.close()


@pytest.fixture(scope="module")
def pure(browser, base):
    """pure(name, function, *arguments) -> what that function of the living figure's module returns, as JSON has it."""
    page = browsers.Visit(browser, base, "404.html").page

    def pure(name, function, *arguments):
        # as text, which Playwright hands over far faster than lists of numbers
        code = "async ([module, f, given]) => (await import(module))[f](...JSON.parse(given))"
        return page.evaluate(code, [f"{base}_static/explore/{name}.js", function, json.dumps(arguments)])

    yield pure
    page.context.close()
