"""A chapter one reads: little code in view, none that scrolls sideways, no answer above its question; predictions.

READABLE names the chapters that were rewritten for it. Each check returns the faults it finds in a page; planted
faults show that it finds them.
"""

import re

import built
import pytest
from browsers import Visit
from built import CHAPTERS

pytestmark = pytest.mark.browser

READABLE = ["02"]
FOLDED = ["03", "04", "06", "07", "08"]  # rewritten, but for words and tables: their code is measured
NAMES = [name for name in CHAPTERS if name.removeprefix("notebooks/")[:2] in READABLE]
CODED = [name for name in CHAPTERS if name.removeprefix("notebooks/")[:2] in READABLE + FOLDED]
SHARE, LINES, COLUMNS, WORDS = 0.20, 15, 80, 3500

# What is in view: not folded away. Code is what stands in a cell's input.
IN_VIEW = """(e) => e.checkVisibility() && !e.closest("details:not([open]) > :not(summary)")"""
CODE = f"""[...document.querySelectorAll(".cell_input .highlight")].filter({IN_VIEW})"""


def share_faults(page):
    share = page.evaluate(
        f"{CODE}.reduce((sum, e) => sum + e.getBoundingClientRect().height, 0) / document.body.scrollHeight"
    )
    return [] if share <= SHARE else [f"code is {share:.0%} of the page's height"]


def size_faults(page):
    faults = []
    for code in page.evaluate(f"{CODE}.map((e) => e.querySelector('pre').textContent)"):
        lines = code.rstrip("\n").split("\n")
        faults += [f"{len(lines)} lines: {lines[0]}"] if len(lines) > LINES else []
        faults += [f"{len(line)} columns: {line}" for line in lines if len(line) > COLUMNS]
    return faults


def plotting_faults(page):
    """Code in view that draws or words a report."""
    report = r"plt\.|\bax\.|\bfig\b|Markdown\(|\btable\("
    return [
        found[0]
        for code in page.evaluate(f"{CODE}.map((e) => e.textContent)")
        for found in [re.search(report, code)]
        if found
    ]


def scroll_faults(page):
    return page.evaluate(
        f"""[...document.querySelectorAll("pre, .table, .katex-display")].filter({IN_VIEW})
            .filter((e) => e.scrollWidth > e.clientWidth + 1).map((e) => e.textContent.slice(0, 60))"""
    )


def answer_faults(page):
    """Code in view between a *Predict* and the next output that asserts or words what comes out."""
    asked = page.evaluate(
        """[...document.querySelectorAll("blockquote")].filter((e) => e.innerText.startsWith("Predict."))
           .map((e) => {
             const code = [];
             for (let next = e.nextElementSibling; next && !next.matches("section"); next = next.nextElementSibling) {
               if (!next.matches(".cell")) continue;
               if (!next.querySelector(".hidden-code")) code.push(next.querySelector(".cell_input").textContent);
               if (next.querySelector(".cell_output")) break;
             }
             return [e.innerText.slice(0, 60), code.join("\\n")];
           })"""
    )
    faults = [] if asked else ["no prediction is asked for"]
    return faults + [question for question, code in asked if re.search(r"^\s*assert\b|Claim \d\d", code, re.MULTILINE)]


def word_faults(page):
    """Words of text in view: without code, outputs, tables, formulas' sources and what is folded."""
    words = page.evaluate(
        """(() => {
          const article = document.querySelector("article").cloneNode(true);
          const other = "pre, details, form, .said, .katex-mathml, .cell_output, .table";
          for (const e of article.querySelectorAll(other)) e.remove();
          return article.textContent.split(/\\s+/).filter(Boolean).length;
        })()"""
    )
    return [] if words <= WORDS else [f"{words} words"]


CODE_CHECKS, CHECKS = [share_faults, size_faults, plotting_faults, answer_faults], [scroll_faults, word_faults]


@pytest.fixture(scope="module", params=CODED)
def coded(request, browser, served):
    visit = Visit(browser, served("site"), request.param)
    yield visit.page
    visit.close()


@pytest.mark.parametrize("check", CODE_CHECKS)
def test_code_in_view_teaches(coded, check):
    assert check(coded) == []


@pytest.fixture(scope="module", params=NAMES)
def opened(request, browser, served):
    visit = Visit(browser, served("site"), request.param)
    visit.settle()
    yield visit
    visit.close()


@pytest.mark.parametrize("check", CHECKS)
def test_a_chapter_is_readable(opened, check):
    assert check(opened.page) == []


@pytest.mark.parametrize("width", [360, 1280])
def test_nothing_scrolls_sideways(opened, width):
    opened.unfold()  # folded code and sections too
    opened.resize(width)
    assert scroll_faults(opened.page) == []


CELL = "<div class=cell><div class=cell_input><div class=highlight><pre>{}</pre></div></div></div>"
ASKED = "<blockquote>Predict. How many?</blockquote>"
PLANTED = [
    (share_faults, CELL.format("x = 1\n" * 90)),
    (size_faults, CELL.format("x = 1\n" * 16)),
    (size_faults, CELL.format("x" * 81)),
    (plotting_faults, CELL.format("ax.plot(x)")),
    (plotting_faults, CELL.format("table(head, rows)")),
    (scroll_faults, f"<pre style='white-space: pre'>{'x' * 400}</pre>"),
    (scroll_faults, f"<div class=table><table><td>{'x' * 400}</td></table></div>"),
    (answer_faults, ""),
    (answer_faults, ASKED + CELL.format("n = 2\nassert n == 2")),
    (answer_faults, ASKED + CELL.format("n = 2") + CELL.format("Markdown('Claim 09')")),
    (word_faults, "<p>" + "word " * 3501),
]


@pytest.fixture(scope="module")
def blank(browser, served):
    visit = Visit(browser, served("site"), "404.html")
    yield visit.page
    visit.close()


@pytest.mark.parametrize("check, text", PLANTED)
def test_planted_fault_is_found(blank, check, text):
    blank.evaluate("(text) => (document.querySelector('article').innerHTML = text)", text)
    assert check(blank)


def test_figures_have_numbers_and_anchors():
    for name in CHAPTERS:
        text = (built.site() / name).read_text(encoding="utf-8")
        number = str(int(name.removeprefix("notebooks/")[:2]))
        found = re.findall(r'<figure[^>]* id="figure-(\d+)-(\d+)">', text)
        assert found == [(number, str(i + 1)) for i in range(text.count("<img"))], name
        captions = re.findall(
            r"<figcaption>.*?<strong>Figure\xa0([\d.]+?)\.?</strong>.*?</figcaption>", text, re.DOTALL
        )
        assert captions == [".".join(pair) for pair in found], name


# ---------------------------------------------------------------- the switch, predictions, self-checks


def test_every_prediction_of_a_readable_chapter_is_answered(opened):
    asked = opened.page.evaluate(
        "[...document.querySelectorAll('blockquote')].filter((e) => e.innerText.startsWith('Predict.')).length"
    )
    assert asked == opened.page.locator("blockquote.predict.ready").count() == opened.page.locator("p.answer").count()


def box(page, number):
    """The prediction, its answer, and what is said of it."""
    asked = page.locator("blockquote.predict").nth(number)
    return asked, page.locator("p.answer").nth(number), asked.get_by_role("status")


def unfolded(page):
    return page.evaluate("[...new Set([...document.querySelectorAll('.hidden-code')].map((e) => e.open))]")


def test_what_a_reader_does_with_the_keyboard_is_remembered(visit):
    page, faults = visit(NAMES[0])
    button = page.get_by_role("button", name="Show all code")
    place = button.bounding_box()
    assert (button.get_attribute("aria-pressed"), unfolded(page)) == ("false", [False])
    button.press("Enter")
    assert (button.get_attribute("aria-pressed"), unfolded(page), button.bounding_box()) == ("true", [True], place)

    asked, answer, said = box(page, 0)  # a number
    assert not answer.is_visible() and said.inner_text() == ""
    asked.get_by_label("Your answer").focus()
    page.keyboard.type("none\n")
    assert "A number" in said.inner_text() and not answer.is_visible()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("0.05\n")
    assert said.inner_text() == "You said 0.05; it is 0.04: 25\xa0% off." and answer.is_visible()

    asked, answer, said = box(page, 1)  # a choice
    choices = asked.get_by_role("radiogroup").get_by_role("radio")
    choices.first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert said.inner_text() == "You said (b); it is (c)." and answer.is_visible() and choices.nth(0).is_disabled()

    page.reload()
    assert (button.get_attribute("aria-pressed"), unfolded(page)) == ("true", [True])
    assert box(page, 0)[2].inner_text().startswith("You said 0.05") and box(page, 0)[1].is_visible()
    assert box(page, 1)[2].inner_text().startswith("You said (b)") and not box(page, 2)[1].is_visible()
    button.click()
    assert (button.get_attribute("aria-pressed"), unfolded(page)) == ("false", [False])
    assert page.evaluate("localStorage.code") == "" and faults == []


def test_what_is_covered_can_be_shown_linked_and_printed(visit):
    page, faults = visit(NAMES[0])
    asked, answer, said = box(page, 0)
    asked.get_by_role("button", name="Show").click()
    assert answer.is_visible() and said.inner_text() == "Shown." and not box(page, 1)[1].is_visible()

    assert not page.locator("#claim-12 .cell_output").is_visible()
    page.evaluate("location.hash = 'claim-12'")
    page.locator("#claim-12 .cell_output").wait_for()

    group = page.locator("#check-yourself").get_by_role("radiogroup").first
    said = page.locator("#check-yourself .said").first
    group.get_by_role("radio").first.check()
    assert said.inner_text() == "You said (a); it is (c)."
    group.get_by_role("radio").nth(2).check()
    assert said.inner_text() == "(c) is right." and page.locator("#check-yourself details[open]").count() == 1

    page.emulate_media(media="print")
    assert box(page, 1)[1].is_visible() and faults == []
    assert not page.get_by_role("button", name="Show", exact=True).first.is_visible()


def test_without_javascript_code_unfolds_and_nothing_is_covered(visit):
    page, _ = visit(NAMES[0], java_script_enabled=False)
    assert not page.get_by_role("button", name="Show all code").is_visible()
    folded = page.locator("details.hidden-code").nth(1)
    assert not folded.locator("pre").is_visible()
    folded.locator("summary").click()
    assert folded.locator("pre").is_visible()
    assert page.locator("p.answer").first.is_visible() and page.locator("input[type=radio]").count() == 0


def test_the_module_is_small():
    assert (built.site() / "_static" / "predict.js").stat().st_size <= 6 * 1024
