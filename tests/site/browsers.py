"""A Chromium for the tests. What needs one is skipped where there is none, unless REQUIRE_BROWSER=1.

CHROME names the browser where it is not on the PATH.
"""

import os
import weakref
from urllib.parse import urlsplit

import chromium
import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import TimeoutError

PATIENCE = 240_000  # ms; how long a page may take on a busy machine before that counts as hanging
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--no-first-run", "--disable-dev-shm-usage", "--font-render-hinting=none",
]  # fmt: skip
SHIFTS = """
  window.shifts = 0;
  window.shiftObserver = new PerformanceObserver((list) => list.getEntries().forEach((e) => (shifts += e.value)));
  shiftObserver.observe({ type: "layout-shift", buffered: true });
"""


def needed():
    """Skip the test where there is no browser; fail it there if REQUIRE_BROWSER is set, as in CI."""
    if not chromium.find():
        missing = "no Chromium found; install one, or name it: CHROME=/path/to/chrome"
        (pytest.fail if os.environ.get("REQUIRE_BROWSER") else pytest.skip)(missing)


def launch(playwright):
    return playwright.chromium.launch(executable_path=chromium.find(), args=FLAGS, timeout=PATIENCE)


def painted(page):
    """Wait until the page has been painted as it now is, and its observers have run; not for ever, should a browser
    draw no more frames: an evaluation has no time limit of its own."""
    frames = "requestAnimationFrame(() => requestAnimationFrame(done)); setTimeout(done, 20_000)"
    page.evaluate(f"new Promise((done) => {{ {frames} }})")


# Thousands of elements around the part that is looked at would cost axe-core nine tenths of its time.
CUT = """(part) => {
  window.aside = [];
  window.stood = [scrollX, scrollY];
  const cut = (element) => [...element.children].forEach((child) => {
    if (child.matches(part)) return;
    if (child.querySelector(part)) return cut(child);
    aside.push([document.createComment(""), child]);
    child.replaceWith(aside.at(-1)[0]);
  });
  cut(document.body);
}"""
MEND = "for (const [place, child] of aside) place.replaceWith(child); scrollTo(...stood)"
LOOK = """([code, part, options]) => {
  if (!window.axe) (0, eval)(code);
  if (!window.look) {
    window.look = {};
    const failed = (error) => (look.error = error);
    axe.run(part ?? document, options).then(({ violations }) => (look.found = violations), failed);
  }
  const { found, error } = look;
  if (found || error) delete window.look;
  if (error) throw error;
  return found;
}"""


def axe(page, part=None, **options):
    """What axe-core finds wrong on the page, or in `part` of it, a selector, the rest being taken away meanwhile.

    Has an end, TimeoutError, if the browser stands still: an evaluation has no time limit of its own.
    """
    if part:
        page.evaluate(CUT, part)
    given = [AXE_SCRIPT, part, {"resultTypes": ["violations"], **options}]
    found = page.wait_for_function(LOOK, arg=given, polling=50, timeout=PATIENCE / 2).json_value()
    if part:
        page.evaluate(MEND)
    return found


def planted(page, check, change):
    """What `check` finds on a page in which it found nothing, once `change` has run there."""
    painted(page)
    assert check(page) == []
    page.evaluate(f"{change}; 0")
    return check(page)


IDLE = weakref.WeakKeyDictionary()  # {browser: {options: [pages of closed visits, as good as new]}}


class Tab:
    """A page in a context of its own, which tells the visit that it serves what it loads and complains of."""

    def __init__(self, browser, options):
        self.visit, self.options = None, options
        self.context = browser.new_context(**options)
        self.context.set_default_timeout(PATIENCE)
        self.page = self.context.new_page()
        self.page.add_init_script(SHIFTS)
        self.page.on("console", lambda m: self.tell("said", m.text) if m.type in ("error", "warning") else None)
        self.page.on("pageerror", lambda error: self.tell("said", str(error)))
        self.page.on("request", lambda request: self.tell("asked", request))
        self.page.on("requestfinished", lambda request: self.tell("finished", request))
        self.page.on("requestfailed", lambda request: self.tell("failed", request))

    def tell(self, what, about):
        if self.visit:
            getattr(self.visit, what)(about)

    def clean(self, base):
        """As it was before the visit: nothing open, nothing kept, nothing granted, the pointer nowhere."""
        self.visit = None
        for other in self.context.pages:
            if other is not self.page:
                other.close()
        self.page.goto("about:blank")
        session = self.context.new_cdp_session(self.page)
        origin = "{0.scheme}://{0.netloc}".format(urlsplit(base))
        session.send("Storage.clearDataForOrigin", {"origin": origin, "storageTypes": "all"})
        session.detach()
        self.context.clear_cookies()
        self.context.clear_permissions()
        looks = {"color_scheme": "light", "reduced_motion": "no-preference"}
        looks = {name: self.options.get(name, usual) for name, usual in looks.items()}
        self.page.emulate_media(media="null", **looks)
        if self.page.viewport_size != self.options["viewport"]:
            self.page.set_viewport_size(self.options["viewport"])
        self.page.mouse.move(-1, -1)


class Visit:
    """A page of the site in a browser of its own, and what it loaded and complained of.

    To make a browser's page takes as long as to load one of ours: closed visits leave theirs to the next, but for
    those that must be `fresh`, with nothing loaded before.
    """

    def __init__(self, browser, base, name, fresh=False, **options):
        self.browser, self.base, self.name, self.fresh = browser, base, name, fresh
        self.options = {"viewport": {"width": 1280, "height": 800}} | options
        self.open(fresh)

    def open(self, fresh):
        self.idle = IDLE.setdefault(self.browser, {}).setdefault(repr(sorted(self.options.items())), [])
        self.tab = self.idle.pop() if self.idle and not fresh else Tab(self.browser, self.options)
        self.context, self.page, self.tab.visit = self.tab.context, self.tab.page, self
        self.faults, self.bytes, self.running = [], [], set()
        self.page.goto(self.base + self.name, wait_until="load")

    def close(self):
        if self.fresh:
            return self.context.close()
        self.tab.clean(self.base)
        self.idle.append(self.tab)

    def patiently(self, look):
        """What look() returns; should the browser stand still, what it returns on a page made anew, once."""
        try:
            return look()
        except TimeoutError:
            self.context.close()
            self.open(fresh=True)
            return look()

    def said(self, text):
        self.faults.append(text)

    def asked(self, request):
        self.running.add(request)
        if not request.url.startswith((self.base, "data:")):
            self.faults.append(f"from elsewhere: {request.url}")

    def finished(self, request):
        sizes = request.sizes()
        self.bytes.append(sizes["responseBodySize"] + sizes["responseHeadersSize"])
        self.running.discard(request)

    def failed(self, request):
        # Leaving a page aborts what it was still fetching: that is no fault of the page.
        if request.failure != "net::ERR_ABORTED":
            self.faults.append(f"failed: {request.url}")
        self.running.discard(request)

    def load_everything(self):
        """Fetch what would load on scrolling, too, and wait until nothing is under way."""
        self.page.evaluate("document.querySelectorAll('img').forEach((image) => (image.loading = 'eager'))")
        self.page.wait_for_function("[...document.images].every((image) => image.complete && image.naturalWidth)")
        self.page.evaluate("Promise.all([...document.images].map((image) => image.decode()))")
        self.page.evaluate("document.fonts.ready.then(() => true)")
        self.settle()
        for _ in range(PATIENCE // 20):
            if not self.running:
                return
            self.page.wait_for_timeout(20)
        raise AssertionError(f"still loading: {[request.url for request in self.running]}")

    def settle(self):
        painted(self.page)

    def resize(self, width, height=740):
        self.page.set_viewport_size({"width": width, "height": height})
        self.page.wait_for_function("(width) => innerWidth === width", arg=width)
        self.settle()

    def wear(self, scheme):
        """Show the page in the `scheme` light or dark, without the change being animated."""
        self.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        self.page.wait_for_function("(query) => matchMedia(query).matches", arg=f"(prefers-color-scheme: {scheme})")
        self.settle()

    def unfold(self):
        self.page.evaluate("document.querySelectorAll('details').forEach((details) => (details.open = true))")
