"""A chapter one reads: little code in view, none that scrolls sideways, no answer above its question, figures that a
phone shows, a thread. Each check returns the faults it finds in a page; planted faults show that it finds them.
"""

import html
import json
import re

import book_figures
import built
import numpy as np
import pytest
from browsers import Visit, axe
from built import CHAPTERS, SAMPLE, some
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

pytestmark = pytest.mark.browser

SHARE, LINES, COLUMNS, WORDS, MINUTES, SCREENS = 0.20, 15, 80, 3500, 35, 2

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


def scroll_faults(page, boxes="pre"):
    """Code and outputs that scroll sideways."""
    return page.evaluate(
        f"""[...document.querySelectorAll("{boxes}")].filter({IN_VIEW})
            .filter((e) => e.scrollWidth > e.clientWidth + 1).map((e) => e.textContent.slice(0, 60))"""
    )


def wide_faults(page):
    """Tables and formulas that scroll sideways; the numbers of a living figure may."""
    return scroll_faults(page, ":is(.table, .katex-display):not(.explore *)")


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
          const other = "pre, details, form, .said, .katex-mathml, .cell_output, .table, .copy, .headerlink";
          for (const e of article.querySelectorAll(other)) e.remove();
          return article.textContent.split(/\\s+/).filter(Boolean).length;
        })()"""
    )
    return [] if words <= WORDS else [f"{words} words"]


def minute_faults(page):
    said = page.evaluate("document.querySelector('.bar .part span')?.textContent ?? ''")
    found = re.fullmatch(r"(\d+) min to read, \d+ s to run", said)
    return [] if found and int(found[1]) <= MINUTES else [said or "no time to read and to run"]


def figure_faults(page):
    """Figures whose text is small, or that do not fit, on this screen; --legible is the width with text of 9 px."""
    return page.evaluate(
        """[...document.querySelectorAll("article img")].filter((e) => !e.closest(".live")).flatMap((image) => {
             const width = image.getBoundingClientRect().width;
             const legible = parseFloat(image.style.getPropertyValue("--legible"));
             const name = image.closest("figure")?.id ?? image.src;
             if (!(width >= legible)) return [`${name}: text of ${((9 * width) / legible).toFixed(1)} px`];
             return width > innerWidth ? [`${name}: ${legible} px wide, for text of 9 px`] : [];
           })"""
    )


def opening_faults(page):
    """Whether the picture that a chapter opens with stands within two screens."""
    top = page.evaluate(
        """(() => {
             const image = document.querySelector("article img");
             return image && (image.getBoundingClientRect().top + scrollY) / innerHeight;
           })()"""
    )
    return [] if top is not None and top <= SCREENS else [f"{top} screens to the first picture"]


def prediction_faults(page):
    """Predictions without an answer that can be marked: a number, a letter or a curve that can be drawn."""
    asked = page.evaluate(
        "[...document.querySelectorAll('blockquote')].filter((e) => /^\\s*Predict\\./.test(e.textContent)).length"
    )
    ready = page.locator("blockquote.predict.ready").count()
    answers = page.evaluate("[...document.querySelectorAll('p.answer strong:first-child')].map((e) => e.textContent)")
    faults = [] if asked == ready == len(answers) else [f"{asked} predictions, {ready} taken, {len(answers)} answered"]
    drawn, curves = page.locator(".predict .plot").count(), sum("the curve" in text for text in answers)
    faults += [] if drawn == curves else [f"{curves} curves, {drawn} boxes to draw in"]
    return faults + [text for text in answers if not re.match(r"Answer: (\([a-d]\)|[-−]?\d|the curve)", text)]


def self_check_faults(page):
    """Questions of the self-check whose options are no radio buttons or that have no explanation."""
    lists = page.locator("#check-yourself > ul")
    if not lists.count():
        return ["no options"]
    sound = page.locator("#check-yourself > ul[role=radiogroup]:has(input[type=radio]) + .said + details").count()
    return [] if sound == lists.count() else [f"{sound} of {lists.count()} lists are questions"]


def thread_faults(page):
    """The end of a chapter: its homework, the next chapter, three questions that stay open."""
    links, questions, following, homework = page.evaluate(
        """(() => {
             const end = [...document.querySelectorAll("article > section > section")].at(-1);
             const path = (a) => a && new URL(a.href).pathname;
             const homework = location.pathname.replace("notebooks/", "assignments/");
             return [[...(end?.querySelectorAll("a") ?? [])].map(path), end?.querySelectorAll("li").length ?? 0,
               path(document.querySelector("a[rel=next]")), homework];
           })()"""
    )
    wanted = {"homework": homework, "the next chapter": following if "/notebooks/" in (following or "") else None}
    faults = [f"no link to {what}" for what, path in wanted.items() if path and path not in links]
    return faults + ([] if questions == 3 else [f"{questions} open questions"])


# (check, width of the screen, whether all is unfolded)
CHECKS = [(scroll_faults, 1280, True), (wide_faults, 1280, True)]
CHECKS += [(scroll_faults, 360, True), (wide_faults, 360, True), (figure_faults, 360, True)]
CHECKS += [
    (check, 1280, False)
    for check in (
        share_faults, size_faults, plotting_faults, answer_faults, word_faults, minute_faults, opening_faults,
        prediction_faults, self_check_faults, thread_faults,
    )
]  # fmt: skip


def measured():
    """(page, check, width, whether all is unfolded) of the chapters, as parameters."""
    for name in CHAPTERS:
        number = name.removeprefix("notebooks/")[:2]
        for check, width, unfolded in CHECKS:
            if (number, check, width) == ("13", wide_faults, 360):  # its tables of models are read on wide screens
                continue
            yield pytest.param(
                name, check, width, unfolded, id=f"{number}-{check.__name__}-{width}",
                marks=() if name in SAMPLE else pytest.mark.slow,
            )  # fmt: skip


@pytest.fixture(scope="module")
def opened(browser, served):
    """opened(page) -> the visit to it; one is kept."""
    visits = {}

    def opened(name):
        if name not in visits:
            close()
            visits[name] = Visit(browser, served("site"), name)
        return visits[name]

    def close():
        while visits:
            visits.popitem()[1].close()

    yield opened
    close()


@pytest.mark.parametrize("name, check, width, unfolded", [*measured()])
def test_a_chapter_reads_well(opened, name, check, width, unfolded):
    visit = opened(name)
    visit.page.evaluate("(open) => document.querySelectorAll('details').forEach((e) => (e.open = open))", unfolded)
    visit.resize(width, 800)
    assert check(visit.page) == []


CELL = "<div class=cell><div class=cell_input><div class=highlight><pre>{}</pre></div></div></div>"
ASKED = "<blockquote>Predict. How many?</blockquote>"
PLANTED = [
    (share_faults, CELL.format("x = 1\n" * 90)),
    (size_faults, CELL.format("x = 1\n" * 16)),
    (size_faults, CELL.format("x" * 81)),
    (plotting_faults, CELL.format("ax.plot(x)")),
    (plotting_faults, CELL.format("table(head, rows)")),
    (scroll_faults, f"<pre style='white-space: pre'>{'x' * 400}</pre>"),
    (wide_faults, f"<div class=table><table><td>{'x' * 400}</td></table></div>"),
    (answer_faults, ""),
    (answer_faults, ASKED + CELL.format("n = 2\nassert n == 2")),
    (answer_faults, ASKED + CELL.format("n = 2") + CELL.format("Markdown('Claim 09')")),
    (word_faults, "<p>" + "word " * 3501),
    (minute_faults, ""),
    (minute_faults, "<p class=bar><b class=part><span>36 min to read, 9 s to run</span></b>"),
    (minute_faults, "<p class=bar><b class=part><span>12 min to read</span></b>"),
    (figure_faults, "<img width=661 style='--legible: 1400px; max-width: 100%'>"),  # no wider than the screen
    (figure_faults, "<img width=1400 style='--legible: 1400px; max-width: none'>"),
    (figure_faults, "<img width=600>"),
    (opening_faults, ""),
    (opening_faults, "<p style='height: 1700px'></p><img>"),
    (prediction_faults, ASKED),
    (prediction_faults, "<p class=answer><strong>Answer: many.</strong>"),
    (
        prediction_faults,
        "<blockquote class='predict ready'>Predict.</blockquote><p class=answer><strong>Answer: the curve.",
    ),
    (self_check_faults, "<section id=check-yourself></section>"),
    (self_check_faults, "<section id=check-yourself><ul><li>(a) one</ul><details></details></section>"),
    (thread_faults, ""),
    (thread_faults, "<section><section><a href=404.html></a><ul><li>1<li>2</ul></section></section>"),
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


DRAWN = {  # code that draws a figure: (dots per inch, points of its smallest text)
    "plt.plot(x)": (160, 10),
    "fig, ax = plt.subplots(figsize=(5.4, 3), dpi=140)\nax.set_title('t', fontsize=11)": (140, 10),
    "ax.annotate('a', (0, 0), size=8)\nax.legend(fontsize=9)": (160, 8),
    "ax.set_xticklabels(names, fontsize='x-small')": (160, 6.9),
    "ax.tick_params(labelsize=8.5)": (160, 8.5),
    "x = rng.normal(size=4)\nax.scatter(x, x, s=3)": (160, 10),
    "with plt.rc_context({'xtick.labelsize': 7}):\n    ax.plot(x)": (160, 7),
    "panel(ax)": (160, 9),
    "label(ax, 'a')": (160, 8),
    "label(ax, 'a', size=7)": (160, 7),
}
HELPERS = """
def note(ax): ax.text(0, 0, "a", size=9)
def panel(ax): note(ax)
def label(ax, text, size=8): ax.text(0, 0, text, size=size)
def unused(ax): ax.text(0, 0, "a", size=5)
"""


@pytest.mark.parametrize("code", DRAWN)
def test_the_smallest_text_of_a_figure(code):
    found = book_figures.drawn(code, book_figures.defined([HELPERS]))
    assert (found["dpi"], found["points"]) == DRAWN[code]


@pytest.mark.parametrize("name", some(CHAPTERS, SAMPLE))
def test_no_text_of_a_figure_is_smaller_than_9_px(opened, name):
    """What would be smaller scrolls in its own frame, and the page does not."""
    visit = opened(name)
    for width in (320, 360, 640):
        visit.resize(width)
        assert [fault for fault in figure_faults(visit.page) if "text of 9 px" not in fault] == []
        assert visit.page.evaluate("document.documentElement.scrollWidth") <= width


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


@pytest.mark.parametrize("name", some(CHAPTERS, SAMPLE))
def test_a_picture_alone_is_not_called_exact(opened, name):
    """The tests compare no pixels, whether a caption stands below the picture or not."""
    pictures = opened(name).page.evaluate(
        """[...document.querySelectorAll(".cell_output:has(.exact)")].filter(
             (e) => [...e.children].every((part) => part.matches(".marks") || part.querySelector("img"))).length"""
    )
    assert pictures == 0


# ---------------------------------------------------------------- the switch, predictions, self-checks


def box(page, number):
    """The prediction, its answer, and what is said of it."""
    asked = page.locator("blockquote.predict").nth(number)
    return asked, page.locator("p.answer").nth(number), asked.get_by_role("status")


def unfolded(page):
    return page.evaluate("[...new Set([...document.querySelectorAll('.hidden-code')].map((e) => e.open))]")


def test_what_a_reader_does_with_the_keyboard_is_remembered(visit):
    page, faults = visit(CHAPTERS[1])
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
    page, faults = visit(CHAPTERS[1])
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
    page, _ = visit(CHAPTERS[1], java_script_enabled=False)
    assert not page.get_by_role("button", name="Show all code").is_visible()
    folded = page.locator("details.hidden-code").nth(1)
    assert not folded.locator("pre").is_visible()
    folded.locator("summary").click()
    assert folded.locator("pre").is_visible()
    assert page.locator("p.answer").first.is_visible() and page.locator("input[type=radio]").count() == 0


def test_the_module_is_small():
    assert (built.site() / "_static" / "predict.js").stat().st_size <= 10 * 1024


# ---------------------------------------------------------------- curves to predict


K = [50, 42, 36, 31, 27, 27, 28, 33]  # what Chapter 1 printed, at 15 to 1 neighbours


def curve_box(page):
    """The first curve to predict in Chapter 1, its sliders, and what is said of it."""
    asked = page.locator("blockquote.predict.curve").first
    asked.locator(".plot").scroll_into_view_if_needed()
    return asked, asked.get_by_role("slider"), asked.get_by_role("status")


def values(sliders):
    return [float(value) for value in sliders.evaluate_all("(sliders) => sliders.map((e) => e.value)")]


def heights(asked, name):
    """The values at which the dots of a line stand, of 0 to 60."""
    paths = asked.locator(f"path.dots.{name}").evaluate_all("(paths) => paths.map((e) => e.getAttribute('d'))")
    return [60 * (1 - float(y)) for path in paths for y in re.findall(r" ([-\d.e]+)h0", path)]


def where(asked, column, value):
    """The point of the box at a column, of 8, and a value."""
    area = asked.locator(".plot").bounding_box()
    return area["x"] + area["width"] * (column + 0.5) / 8, area["y"] + area["height"] * (1 - value / 60)


def test_a_curve_is_drawn_by_keys_and_remembered(visit):
    page, faults = visit(CHAPTERS[0])
    asked, sliders, said = curve_box(page)
    assert sliders.count() == 8 and values(sliders) == [30] * 8
    assert [sliders.nth(i).get_attribute("aria-label") for i in (0, 7)] == [
        "true error (%) at k 15",
        "true error (%) at k 1",
    ]
    sliders.first.focus()
    page.keyboard.press("Enter")
    assert said.inner_text() == "Draw a line, or Show." and asked.locator("path.truth").count() == 0
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Tab")
    page.keyboard.press("PageUp")
    assert sliders.nth(1).evaluate(
        "(e) => e === document.activeElement && getComputedStyle(e).outlineStyle === 'solid'"
    )
    page.keyboard.press("Tab")
    page.keyboard.press("End")
    page.keyboard.press("Tab")
    page.keyboard.press("Home")
    given = values(sliders)
    assert given[0] == 30.6 and 30 < given[1] <= 36 and given[2:] == [60, 0, 30, 30, 30, 30]
    np.testing.assert_allclose(heights(asked, "given"), given)
    page.keyboard.press("Enter")

    near = np.mean(np.abs(np.subtract(given, K)))
    wanted = f"true error (%): {near:.2g} off on average. Your line rises, falls or stays as the true one (dashed) does"
    assert said.inner_text() == f"{wanted} in 3 of 7 steps."  # down from 60 to 0; twice level, as the true one is
    np.testing.assert_allclose(heights(asked, "truth"), K)
    answer = page.locator("blockquote.curve ~ p.answer").first
    assert answer.is_visible() and sliders.first.is_disabled()

    page.reload()
    asked, sliders, said = curve_box(page)
    assert said.inner_text().startswith(wanted) and values(sliders) == given and sliders.first.is_disabled()
    np.testing.assert_allclose(heights(asked, "given"), given)
    assert faults == []


def test_a_curve_is_drawn_by_a_mouse(visit):
    page, faults = visit(CHAPTERS[0])
    asked, sliders, said = curve_box(page)
    page.mouse.move(*where(asked, 0, 50))
    assert values(sliders) == [30] * 8  # no button is down
    page.mouse.down()
    page.mouse.move(*where(asked, 4, 26))  # in one leap: the columns between follow the line
    page.mouse.move(*where(asked, 7, 90))  # above the box
    page.mouse.up()
    page.mouse.move(*where(asked, 2, 10))
    np.testing.assert_allclose(values(sliders), [50, 44, 38, 32, 26, 47.3, 60, 60], atol=0.7)
    np.testing.assert_allclose(heights(asked, "given"), values(sliders))
    asked.get_by_role("button", name="Check").click()
    assert re.search(r"^true error \(%\): [\d.]+ off on average\. .* in 4 of 7 steps\.$", said.inner_text())
    before = values(sliders)
    page.mouse.move(*where(asked, 0, 10))
    page.mouse.down()
    assert values(sliders) == before and faults == []


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
def test_a_curve_on_a_phone(visit, scheme):
    """At 320 px, by touch, with less motion; axe finds nothing before and after."""
    phone = {"viewport": {"width": 320, "height": 700}, "has_touch": True, "is_mobile": True}
    page, faults = visit(CHAPTERS[0], **phone, color_scheme=scheme, reduced_motion="reduce")
    asked, sliders, said = curve_box(page)
    ready, before = asked.evaluate(
        """(box) => {
             const before = box.cloneNode(true);
             before.classList.remove("ready");
             for (const e of before.querySelectorAll(".drawing, form, .said")) e.remove();
             box.after(before);
             const heights = [box, before].map((e) => e.getBoundingClientRect().height);
             before.remove();
             return heights;
           }"""
    )
    assert abs(ready - before) < 2  # the script's place was kept, so nothing moves
    targets = [asked.locator(".plot"), *asked.get_by_role("button").all()]
    sizes = [target.bounding_box() for target in targets]
    assert len(sizes) == 3 and min(min(size["width"], size["height"]) for size in sizes) >= 44
    assert page.evaluate("document.documentElement.scrollWidth") <= 320

    def violations():
        return [(v["id"], [n["target"] for n in v["nodes"]]) for v in axe(page, ".predict.curve")]

    assert violations() == []
    page.touchscreen.tap(*where(asked, 3, 12))
    np.testing.assert_allclose(values(sliders), [30, 30, 30, 12, 30, 30, 30, 30], atol=0.7)
    asked.get_by_role("button", name="Check").tap()
    assert "off on average" in said.inner_text() and violations() == [] and faults == []


def test_an_answer_is_kept_under_its_question(visit):
    """And not under its place on the page: what is put before it moves no answer."""
    page, faults = visit(CHAPTERS[1])
    questions = page.locator("blockquote.predict.ready")
    for question in questions.all():
        question.get_by_role("button", name="Show").click()
    kept = page.evaluate("Object.keys(localStorage).filter((key) => key !== 'place')")
    assert len(set(kept)) == questions.count() > 3
    page.evaluate("localStorage.clear()")
    page.reload()
    last = questions.last
    last.get_by_role("button", name="Show").click()
    (key,) = page.evaluate("Object.keys(localStorage).filter((key) => key !== 'place')")
    words = [word.strip(".,?") for word in last.inner_text().lower().split()[:6]]
    assert key in kept and "-".join(words) in key
    assert faults == []


def test_a_curve_is_shown_without_an_answer(visit):
    page, faults = visit(CHAPTERS[0])
    asked, _, _ = curve_box(page)
    asked.get_by_role("button", name="Show").click()
    assert page.evaluate("Object.keys(localStorage).filter((key) => key !== 'place').length") == 1
    page.evaluate("localStorage[Object.keys(localStorage)[0]] = 'b'")
    page.reload()  # what was kept fits no curve: as if nothing were kept
    asked, _, said = curve_box(page)
    answer = page.locator("blockquote.curve ~ p.answer").first
    assert said.inner_text() == "" and not answer.is_visible()
    asked.get_by_role("button", name="Show").click()
    for _ in range(2):
        assert said.inner_text() == "Shown: the true line is dashed." and answer.is_visible()
        assert asked.locator("path.given, path.untouched").count() == 0
        np.testing.assert_allclose(heights(asked, "truth"), K)
        page.reload()
        asked, _, said = curve_box(page)
    assert faults == []


def test_without_javascript_a_curve_is_a_list(visit):
    page, _ = visit(CHAPTERS[0], java_script_enabled=False)
    asked = page.locator("blockquote.curve").first
    assert asked.locator("li").all_inner_texts() == ["across: k", "up: true error (%), from 0 to 60"]
    assert page.locator("blockquote.curve ~ p.answer").first.is_visible()
    assert asked.locator("input, svg, button").count() == 0 and not asked.locator("data").is_visible()


def asking(across, up, **outputs):
    """A chapter that asks for a curve, then has a cell for each output, then the answer."""
    cells = [new_markdown_cell(f"# 1. One\n\n## Then\n\n> **Predict.** How?\n>\n> - across: {across}\n> - up: {up}")]
    for text in outputs.values():
        data = {"text/markdown": text, "text/plain": ""}
        shown = (
            new_output("execute_result", data, execution_count=1) if "|" in text else new_output("stream", text=text)
        )
        cells.append(new_code_cell("1", outputs=[shown], execution_count=1))
    cells.append(new_markdown_cell("**Answer: the curve.** So."))
    return new_notebook(cells=cells, metadata={"language_info": {"name": "python"}})


PRINTED = "p              0 0.1 0.2 0.5 0.9\nlost (%)       1,000 -4 −2.5 7 +9\n"
ROWS = [(0, "3 ± 1"), (1, "−4 ± 1"), (2, "5.5"), (3, 6), (4, 7)]
TABLE = "| steps | error |\n| --- | ---: |\n" + "\n".join(f"| {x} | {y} |" for x, y in ROWS)


def curves():
    """A chapter that asks: the curve, or what the build says is wrong."""
    return {
        "lines": (asking("p", "lost (%), from -10 to 1,000", a="p 1\n", b=PRINTED), [1000, -4, -2.5, 7, 9]),
        "table": (asking("steps", "error, from −5 to 10", a=TABLE, b=PRINTED), [3, -4, 5.5, 6, 7]),
        "no-range": (asking("steps", "error", a=TABLE), "LOW to HIGH"),
        "no-name": (asking("", "error, from 0 to 9", a=TABLE), "- across: NAME"),
        "no-output": (
            asking("steps", "loss, from 0 to 9", a=TABLE),
            "0 outputs before the answer hold 'steps' and 'loss'",
        ),
        "two-outputs": (asking("steps", "error, from -9 to 9", a=TABLE, b=TABLE), "2 outputs"),
        "no-room": (asking("steps", "error, from 0 to 9", a=TABLE), "no room for [3.0, -4.0"),
        "empty-range": (asking("steps", "error, from 9 to -9", a=TABLE), "no room"),
        "too-few": (asking("steps", "error, from -9 to 9", a=TABLE.rpartition("\n")[0]), "5 to 9 values"),
        "no-number": (asking("steps", "error, from -9 to 9", a=TABLE.replace("5.5", "none")), "needs a number at each"),
    }


def test_the_true_line_comes_from_a_stored_output(tmp_path):
    """And where it cannot, the build warns, and so fails."""
    asked = curves()
    notebooks = {f"notebooks/{name}.ipynb": nb for name, (nb, _) in asked.items()}
    book = built.scratch_book(tmp_path, {"index.md": "# Title\n"}, notebooks)
    ok, printed = built.build_with(built.NOWHERE, book)
    assert not ok
    for name, (_, wanted) in asked.items():
        text = (book / "_build" / "html" / "notebooks" / f"{name}.html").read_text(encoding="utf-8")
        found = [json.loads(html.unescape(value))["truth"] for value in re.findall('<data value="([^"]*)"', text)]
        said = re.findall(rf"{name}\.ipynb:\d+: WARNING: (a curve to predict: .*)", printed)
        if isinstance(wanted, str):
            assert found == [] and len(said) == 1 and wanted in said[0], (name, said)
        else:
            assert (found, said) == ([wanted], []), name


def test_chapters_ask_for_curves():
    text = (built.site() / CHAPTERS[0]).read_text(encoding="utf-8")
    found = [json.loads(html.unescape(value)) for value in re.findall('<data value="([^"]*)"', text)]
    assert [(curve["across"], len(curve["at"])) for curve in found] == [("k", 8), ("features", 6)]
