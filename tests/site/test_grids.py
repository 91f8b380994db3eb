"""All grids: the page and the ledger say what experiments/results/reach.json holds, each thing once. In the browser
every mark says its setting and its interval, to the pointer, the finger and the keyboard. Planted faults are seen.
"""

import gzip
import json
import re
import tomllib

import book_translate
import built
import pytest
import test_access
from book_grids import INDEX, KINDS
from book_reach import SHOWN, anchor, effects, interval, marks, small
from browsers import Visit, painted
from build import ROOT
from docutils import nodes
from test_pages import luminance
from test_site import parse
from translate import missing, terms

PAGE, LEDGER = "book/reach.html", "book/claims.html"
GRIDS = json.loads((ROOT / "experiments" / "results" / "reach.json").read_text(encoding="utf-8"))
PUBLISHED = json.loads((ROOT / "experiments" / "results" / "replications.json").read_text(encoding="utf-8"))
ROWS = effects(GRIDS)
WORDS = {"h": "Holds", "u": "Unseen", "r": "Reversed"}
RAW, COMPRESSED, SCRIPT = 250_000, 60_000, 5_000  # bytes


@pytest.fixture(scope="module")
def texts():
    return {name: (built.site() / name).read_text(encoding="utf-8") for name in (PAGE, LEDGER)}


def said(element):
    return " ".join("".join(element.itertext()).split())


def classed(page, name):
    return [e for e in page.iter() if name in (e.get("class") or "").split()]


def typographic(text):
    return text.replace("'", "’")


# ---------------------------------------------------------------- the page


def verdict_of(mean, half, sign):
    """Counted here once more, without the chapter."""
    return "u" if not abs(mean) > half else "h" if mean * sign > 0 else "r"


def numbers(cell):
    """(mean, half) of "+0.18±0.05"."""
    return [float(part.replace("−", "-")) for part in cell.split("±")]


def page_faults(text, rows=ROWS):
    page, faults = parse(text), []
    drawn = {row.get("id"): row for row in classed(page, "row")}
    wanted = [anchor(*row[:2]) for row in rows]
    if [row.get("id") for row in classed(page, "row")] != wanted:
        faults.append("the figure's rows are not each comparison once")
    tables = {table.get("id"): table for table in page.iter("table") if table.get("id")}
    listed = [[said(cell) for cell in row] for row in classed(page, "summary")[0].findall(".//tbody/tr")]
    if len(listed) != len(rows):
        return [*faults, "the table's rows are not each comparison once"]
    for (claim, i, grid, column, effect), line in zip(rows, listed):
        where = anchor(claim, i)
        judged = [verdict_of(m, h, effect["sign"]) for m, h in zip(effect["mean"], effect["half"])]
        counts = [str(judged.count(verdict)) for verdict in "hru"]
        decides = effect["decides"] or "–"
        if (
            line[:6] != [f"{claim:02}.{i}", typographic(effect["says"]), str(len(judged)), *counts]
            or line[7] != decides
        ):
            faults.append(f"{where}: its row in the table")
        row = drawn.get(where)
        if row is None:
            continue
        heading = f"{typographic(effect['says'])} holds {counts[0]}, reversed {counts[1]}, unseen {counts[2]}"
        if said(row) != heading + (f"; decides: {decides}" if effect["decides"] else ""):
            faults.append(f"{where}: its words")
        if sorted(row.get("data-k")) != sorted(INDEX[: len(judged)]):
            faults.append(f"{where}: not each setting once")
        kinds = {verdict: {KINDS[verdict][k] for k in range(len(KINDS[verdict]))} for verdict in KINDS}
        kinds = {"u": {"0"}, "h": kinds["h"] - {"0"}, "r": kinds["r"] - {"0"}}
        for index, kind in zip(row.get("data-k"), row.get("data-kinds")):
            if kind not in kinds[judged[INDEX.index(index)]]:
                faults.append(f"{where}: a mark's verdict")
        means = [[small(m) if m is not None else "" for m in part] for part in effect["levels"].values()]
        if [part.split(" ") for part in row.get("data-means").split("|")] != means:
            faults.append(f"{where}: its levels' means")
        lines = tables[f"grid-{grid['plan']}"].findall(".//tbody/tr")
        if len({said(line[0]) for line in lines}) != len(lines) or len(lines) != len(judged):
            faults.append(f"{where}: a setting is told twice, or not")
        for k, line in enumerate(lines):
            mean, half = numbers(said(line[1 + column]))
            near = abs(mean - effect["mean"][k]) <= 0.05 * effect["half"][k] + 1e-9
            if not near or verdict_of(mean, half, effect["sign"]) != judged[k]:
                faults.append(f"{where}: the interval of setting {k}")
    return faults


def test_the_page_holds_each_comparison_and_each_setting_once(texts):
    assert page_faults(texts[PAGE]) == []


FAULTS = {
    "a row twice": (r'(<div class="row".*?</svg></div>)', r"\1\1"),
    "a row lost": (r'<div class="row".*?</svg></div>', ""),
    "a setting twice": (r'(data-k=")(.)(.)', r"\1\3\3"),
    "another verdict": (r'(data-kinds=")(.)', lambda m: m[1] + ("a" if m[2] != "a" else "1")),
    "another tally": (r"holds (\d+), reversed", lambda m: f"holds {int(m[1]) + 1}, reversed"),
    "another mean of a level": (r'(data-means="[+−]\d)', r"\g<1>7"),
    "another interval": (r"<td>([+−][\d.]+)±", r"<td>\g<1>7±"),
    "a line of the table lost": (r'<tr><td><a href="claims.html.*?</tr>\n', ""),
    "another knob decides": (r"<td>p</td></tr>", "<td>units</td></tr>"),
    "a setting lost": (r"(data-knobs.*?<tbody>\n)<tr>.*?</tr>\n", r"\1"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found(texts, fault):
    change, into = FAULTS[fault]
    if fault == "another interval":
        into = lambda m: f"<td>{'−' if m[1][0] == '+' else '+'}9{m[1][1:]}±"  # noqa: E731
    faulty = re.sub(change, into, texts[PAGE], count=1, flags=re.DOTALL)
    assert faulty != texts[PAGE] and page_faults(faulty)


def test_bytes(texts):
    """There is room for all the grids that are planned."""
    planned = sum(len(tomllib.loads(path.read_text("utf-8"))["effects"]) for path in PLANS)
    page, script = texts[PAGE].encode(), (ROOT / "book" / "_static" / "grids.js").read_bytes()
    assert len(page) <= RAW and len(gzip.compress(page)) <= COMPRESSED and len(gzip.compress(script)) <= SCRIPT
    start, end = page.index(b"<article>"), page.index(b"</article>")
    assert (end - start) / len(ROWS) * planned <= RAW


PLANS = sorted((ROOT / "experiments" / "stress").glob("*.toml"))


# ---------------------------------------------------------------- published tables


def published_faults(text):
    """Each published table once, with both numbers of each arm, each difference and its verdict, and its source."""
    page, faults = parse(text), []
    parts = {part.get("id"): part for part in page.iter("section") if part.get("id")}
    for one in PUBLISHED:
        part = parts.get(nodes.make_id(one["key"]))
        if part is None or not said(part).startswith(f"{one['key']}: {one['standing']}"):
            faults.append(f"{one['key']}: its heading")
            continue
        plain = next((row for row in one["rows"] if row["published"] is not None), None)
        below = bool(plain and not one["unit"] and plain["mean"] + plain["half"] < plain["published"])
        if below != ("is below the published number" in said(part)):
            faults.append(f"{one['key']}: what is left to gain")
        if one["link"] not in {link.get("href") for link in part.iter("a")} or typographic(one["differs"]) not in said(
            part
        ):
            faults.append(f"{one['key']}: its source, or what differs")
        lines = [[said(cell) for cell in row] for row in part.findall(".//tbody/tr")]
        arms, differences = lines[: len(one["rows"])], lines[len(one["rows"]) :]
        for row, line in zip(one["rows"], arms, strict=True):
            beside = [row["beside"][metric] for metric in ("test_loss", "epoch") if metric in row["beside"]]
            shown = zip(line[2:-1], [row, *beside], strict=True)
            near = all(abs(numbers(cell)[0] - value["mean"]) <= 0.05 * value["half"] for cell, value in shown)
            near &= line[1] == "–" if row["published"] is None else float(line[1]) == row["published"]
            if [line[0], line[-1]] != [row["arm"], f"{row['rate']:g}"] or not near:
                faults.append(f"{one['key']}: {row['arm']}")
        for effect, line in zip(one["effects"], differences, strict=True):
            needs = " (the comparison rests on it)" if effect["needs"] else ""
            shifted = effect["mean"] + effect["sign"] * effect["margin"]
            word = WORDS[verdict_of(shifted, effect["half"], effect["sign"])].lower()
            near = abs(numbers(line[-2])[0] - effect["mean"]) <= 0.05 * effect["half"]
            if [line[0], line[-1]] != [typographic(effect["says"]) + needs, word] or not near:
                faults.append(f"{one['key']}: {effect['says']}")
    return faults


def test_the_published_tables_stand_beside_ours(texts):
    assert len(PUBLISHED) >= 1 and published_faults(texts[PAGE]) == []


FALSE = {
    "another standing": (r"(<h3>[^<]*): [a-z ]*<", r"\1: done<"),
    "another number": (r'(class="table published".*?<td>[^<]*</td><td>)', r"\g<1>9"),
    "another verdict": (r"<td>(holds|unseen|reversed)</td></tr>", "<td>seen</td></tr>"),
    "another rate": (r"<td>0\.[0-9]+</td></tr>", "<td>1</td></tr>"),
    "another number beside": (r"<td>[^<]*(</td><td>0\.[0-9]+</td></tr>)", r"<td>9±1\1"),
    "another published number": (r"<td>1\.60</td>", "<td>1.61</td>"),
    "nothing of the baseline": (r" Here “no dropout” is below the published number[^.]*\.", ""),
    "no source": (r'href="https://arxiv[^"]*"', 'href="#"'),
}


@pytest.mark.parametrize("fault", FALSE)
def test_a_planted_fault_on_published_tables_is_seen(texts, fault):
    start = texts[PAGE].index('id="published-results-measured-again"')
    faulty = re.sub(*FALSE[fault], texts[PAGE][start:], count=1, flags=re.DOTALL)
    assert faulty != texts[PAGE][start:] and published_faults(texts[PAGE][:start] + faulty)


def test_only_this_page_loads_the_script(texts):
    for name in built.PAGES:
        assert ("grids.js" in (built.site() / name).read_text(encoding="utf-8")) == (name == PAGE), name


@pytest.mark.parametrize(
    ("mean", "half", "verdict", "expected"),
    [
        (0.1834, 0.0512, "h", "+0.183±0.051"),
        (-0.05258, 0.25105, "u", "−0.05±0.25"),
        (0.02544, 0.02531, "h", "+0.0254±0.0253"),
        (0.02531, 0.02544, "u", "+0.025±0.025"),
        (8.3333e-05, 0.00018341, "u", "+0.00008±0.00018"),
        (-0.001, 0.4, "u", "0.00±0.40"),
        (0.0, 0.0, "u", "0.0±0.0"),
        (-31.7, 12.04, "r", "−32±12"),
        (float("nan"), float("nan"), "u", "no number"),
    ],
)
def test_an_interval_is_rounded_to_what_its_verdict_says(mean, half, verdict, expected):
    assert interval(mean, half, verdict) == expected


def test_marks_stand_from_what_holds_most_to_what_is_reversed_most():
    effect = {"verdicts": "hurh", "mean": [-3, 0.5, 9, -1.5], "half": [1, 1, 1, 1], "sign": -1}
    assert marks(effect) == [("h", 2, 0), ("h", 1, 3), ("u", 0, 1), ("r", 4, 2)]


# ---------------------------------------------------------------- the ledger


def ledger_faults(text, rows=ROWS):
    """What the ledger does not say of a grid, or says of a claim that has none."""
    faults = []
    for item in parse(text).iter("li"):
        if not re.fullmatch(r"row-\d\d", item.get("id") or ""):
            continue
        mine = [row for row in rows if row[0] == int(item.get("id")[4:])]
        boxes = classed(item, "reach")
        if len(boxes) != bool(mine):
            faults.append(f"{item.get('id')}: {len(boxes)} boxes")
            continue
        for box in boxes:
            lines = [said(p) for p in box.iter("p")]
            links = [a.get("href") for a in box.iter("a")]
            folded = [said(p) for p in box.findall(".//details/p")][::2]
            if links != [f"reach.html#{anchor(*row[:2])}" for row in mine]:
                faults.append(f"{item.get('id')}: links")
            if lines[::2] != [typographic(row[-1]["says"]) for row in mine]:
                faults.append(f"{item.get('id')}: words")
            if len(mine) > SHOWN + 1 and len(folded) != len(mine) - SHOWN:
                faults.append(f"{item.get('id')}: what is folded")
            for line, (*_, effect) in zip(lines[1::2], mine):
                count = [effect["verdicts"].count(verdict) for verdict in "hru"]
                told = f"holds in {count[0]} of {sum(count)}, reversed in {count[1]}, unseen in {count[2]}"
                told += f" decides: {effect['decides']}" if effect["decides"] else ""
                if not re.match(re.escape(told) + r"( \(|$)", line):
                    faults.append(f"{item.get('id')}: {line}")
    return faults


def test_the_ledger_tells_of_each_grid(texts):
    assert ledger_faults(texts[LEDGER]) == []
    page = parse(texts[LEDGER])
    links = {a.get("href") for a in page.iter("a")}
    assert "reach.html" in links


@pytest.mark.parametrize(
    ("change", "into"),
    [
        (r'<div class="reach">.*?\n</div>', ""),
        (r"holds in (\d+) of", lambda m: f"holds in {int(m[1]) + 1} of"),
        (r"reach\.html#effect-(\d\d)-1", "reach.html#effect-\\1-2"),
        (r"decides: \w", "decides: x"),
        (r'(<li class="holds[^>]*id="row-09">)', r'\1<div class="reach"></div>'),
        (r'<div class="reach">\n<p>.', '<div class="reach">\n<p>'),
    ],
)
def test_a_planted_fault_is_seen(texts, change, into):
    faulty = re.sub(change, into, texts[LEDGER], count=1, flags=re.DOTALL)
    assert faulty != texts[LEDGER] and ledger_faults(faulty)


def test_the_ledger_and_the_page_lead_to_each_other(texts):
    anchors = {e.get("id") for e in parse(texts[PAGE]).iter()}
    rows = {e.get("id") for e in parse(texts[LEDGER]).iter()}
    there = {a.get("href").partition("#")[2] for a in parse(texts[LEDGER]).iter("a") if "reach.html#" in a.get("href")}
    back = {a.get("href").partition("#")[2] for a in parse(texts[PAGE]).iter("a") if "claims.html#" in a.get("href")}
    assert there == {anchor(*row[:2]) for row in ROWS} and there <= anchors
    assert back == {f"row-{row[0]:02}" for row in ROWS} and back <= rows


def test_what_a_plan_says_is_there_in_chinese():
    """Of plans that have not been run, too: their grids come without anybody at hand to translate them."""
    known, pairs = book_translate.catalog(ROOT, book_translate.EFFECTS), terms()
    plans = [tomllib.loads(path.read_text(encoding="utf-8")) for path in PLANS]
    says = [typographic(effect["says"]) for plan in plans for effect in plan["effects"]]
    assert [text for text in says if text not in known] == []
    wrong = {text: book_translate.faults(text, known[text]) + missing(text, known[text], pairs) for text in says}
    assert {text: found for text, found in wrong.items() if found} == {}
    knobs = {f"decides: {knob}" for grid in GRIDS for knob in grid["knobs"]}
    assert knobs <= {*known}
    page = parse((built.site() / "zh" / LEDGER).read_text(encoding="utf-8"))
    chinese = [said(p) for box in classed(page, "reach") for p in box.iter("p")]
    assert len(chinese) == 2 * len(ROWS) and not [
        text for text in chinese if re.search(r"\b(?:in|holds|decides)\b", text)
    ]


# ---------------------------------------------------------------- in a browser


@pytest.fixture(scope="module")
def opened(browser, base):
    visit = Visit(browser, base, PAGE, reduced_motion="reduce")
    visit.settle()
    yield visit
    visit.close()


def tip(page):
    """What stands beside a mark; "" where nothing does."""
    return page.evaluate("(() => { const t = document.querySelector('.tip'); return t.hidden ? '' : t.innerText })()")


SPOKEN = """[...document.querySelectorAll(".grids .row")].map((row) =>
  [row.id, [...row.querySelectorAll("i")].map((mark) => mark.ariaLabel)])"""


@pytest.mark.browser
def test_every_mark_says_its_verdict_its_interval_and_its_setting(opened):
    spoken = dict(opened.page.evaluate(SPOKEN))
    assert list(spoken) == [anchor(*row[:2]) for row in ROWS]
    for claim, i, grid, _, effect in ROWS:
        labels = spoken[anchor(claim, i)]
        settings = [label.partition(". ")[2] for label in labels]
        assert len({*settings}) == len(settings) == len(effect["mean"])
        wanted = [
            f"{WORDS[verdict]}: {interval(effect['mean'][k], effect['half'][k], verdict).replace('±', ' ± ')}"
            for verdict, _, k in marks(effect)
        ]
        assert [label.partition(". ")[0] for label in labels] == wanted
        for (*_, k), setting in zip(marks(effect), settings):
            at = dict(zip(grid["knobs"], map(int, grid["settings"][k])))
            parts = dict(zip(grid["knobs"], setting.split(", ")))
            data = grid["knobs"]["data"][at["data"]] if "data" in at else ""
            for knob, level in at.items():
                there = grid["on"].get(data, {}).get(knob, grid["knobs"][knob])[level].replace(" %", "\xa0%")
                assert parts[knob] in (there, f"{there} {knob}", f"{knob} {there}")
    knobs = dict(zip(ROWS[0][2]["knobs"], spoken[anchor(*ROWS[0][:2])][0].partition(". ")[2].split(", ")))
    assert re.fullmatch(r"\d+ training examples", knobs.get("training examples", "1 training examples"))


@pytest.mark.browser
def test_the_pointer_and_the_finger_get_what_a_mark_says(opened):
    page = opened.page
    mark = page.locator(".grids .row i").nth(3)
    mark.scroll_into_view_if_needed()
    assert tip(page) == ""
    mark.hover()
    assert " ".join(tip(page).split()) == " ".join(mark.get_attribute("aria-label").replace(". ", " ").split())
    page.mouse.move(2, 2)
    assert tip(page) == ""
    mark.click()
    assert tip(page)
    page.keyboard.press("Escape")
    assert tip(page) == ""
    box = page.evaluate("(e) => { e.click(); return document.querySelector('.tip').getBoundingClientRect().toJSON() }",
                        mark.element_handle())  # fmt: skip
    assert 0 <= box["left"] and box["right"] <= 1280


@pytest.mark.browser
def test_the_keyboard_has_one_stop_and_arrows_within(opened):
    page = opened.page
    assert page.evaluate("document.querySelectorAll(\".grids [tabindex='0']\").length") == 1
    assert page.evaluate("[...document.querySelectorAll('.grids a')].every((a) => a.tabIndex < 0 || a.tabIndex === 0)")
    page.evaluate("document.querySelector('.grids .row i').click()")
    at = """(() => {
      const here = document.activeElement, row = here.closest(".row");
      return row ? [row.id, [...row.querySelectorAll("i")].indexOf(here)] : [here.textContent, -1];
    })()"""
    ids, last = [anchor(*row[:2]) for row in ROWS], len(ROWS[0][-1]["mean"]) - 1
    path = []
    for key in (
        "ArrowRight",
        "ArrowRight",
        "ArrowLeft",
        "End",
        "Home",
        "ArrowUp",
        "ArrowDown",
        "Control+End",
        "Control+Home",
    ):
        page.keyboard.press(key)
        path.append(page.evaluate(at))
        assert page.evaluate("document.querySelectorAll(\".grids [tabindex='0']\").length") == 1
    first = f"Claim {ROWS[0][0]:02}"
    end = [ids[-1], len(ROWS[-1][-1]["mean"]) - 1]
    assert path == [
        [ids[0], 1],
        [ids[0], 2],
        [ids[0], 1],
        [ids[0], last],
        [ids[0], 0],
        [first, -1],
        [ids[0], 0],
        end,
        [first, -1],
    ]
    page.keyboard.press("ArrowDown")
    assert tip(page) and page.evaluate(
        "document.activeElement.ariaLabel.startsWith(document.querySelector('.tip strong').textContent)"
    )
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineWidth")
    assert float(outline.removesuffix("px")) >= 1
    page.keyboard.press("Tab")
    assert not page.evaluate("document.activeElement.closest('.grids')") and tip(page) == ""


@pytest.mark.browser
def test_a_pointer_at_rest_tells_nothing_while_one_walks_by_keyboard(opened):
    """Though the page moves other marks under it."""
    page, shown = opened.page, "document.querySelector('.grids .shown')"
    over = "([x, y]) => document.elementsFromPoint(x, y).find((e) => e.matches('.grids .row i'))"
    page.evaluate("document.querySelector('.grids .row i').click()")
    page.keyboard.press("Control+End")
    other = page.locator(".grids .row:visible").nth(-3).locator("i").nth(5).bounding_box()
    place = [other["x"] + other["width"] / 2, other["y"] + other["height"] / 2]
    page.keyboard.press("Control+Home")
    page.mouse.move(*place)
    page.keyboard.press("Control+End")
    page.wait_for_timeout(300)  # by then the browser has told the page what the pointer is over
    assert tip(page) and page.evaluate(f"{shown} === document.activeElement")
    assert page.evaluate(f"(at) => ![undefined, {shown}].includes(({over})(at))", place)
    page.mouse.move(place[0] + 1, place[1])
    assert page.evaluate(f"(at) => {shown} === ({over})(at)", place)
    page.mouse.move(2, 2)


@pytest.mark.browser
def test_a_knob_lays_out_the_rows_and_hides_the_others(opened):
    page = opened.page
    counted = "document.querySelector('.knobs output').textContent"
    visible = (
        "[...document.querySelectorAll('.grids .row')].filter((row) => row.checkVisibility()).map((row) => row.id)"
    )
    options = page.evaluate("[...document.querySelector('[name=knob]').options].map((o) => o.value).filter(Boolean)")
    assert sorted(options) == sorted({knob for grid in GRIDS for knob in grid["knobs"]})
    for knob in options:
        page.select_option("[name=knob]", knob)
        mine = [row for row in ROWS if knob in row[2]["knobs"]]
        assert page.evaluate(visible) == [anchor(*row[:2]) for row in mine]
        assert page.evaluate(counted) == f"{len(mine)} of {len(ROWS)} comparisons"
        assert page.locator(".summary tbody tr:visible").count() == len(mine)
    levels = """[...document.querySelectorAll('.grids .row:not([hidden])')].map((row) =>
      [...row.querySelectorAll('.level')].map((level) =>
        [level.querySelector('b').textContent, [...level.querySelectorAll('i')].map((i) => i.ariaLabel)]))"""
    for (*_, grid, _, effect), parts in zip(mine, page.evaluate(levels)):
        at = list(grid["knobs"]).index(knob)
        there = [i for i, mean in enumerate(effect["levels"][knob]) if mean is not None]
        assert sorted(label.rpartition(":\xa0")[2] for label, _ in parts) == sorted(
            small(effect["levels"][knob][i]) for i in there
        )
        sizes = sorted(sum(setting[at] == str(i) for setting in grid["settings"]) for i in there)
        assert sorted(len(own) for _, own in parts) == sizes
    assert page.evaluate("new URLSearchParams(location.search).get('knob')") == knob
    page.select_option("[name=knob]", "")
    for decides in ("none", next(row[-1]["decides"] for row in ROWS if row[-1]["decides"])):
        page.select_option("[name=decides]", decides)
        mine = [row for row in ROWS if (row[-1]["decides"] or "none") == decides]
        assert page.evaluate(visible) == [anchor(*row[:2]) for row in mine]
    page.select_option("[name=decides]", "")
    assert page.evaluate(visible) == [anchor(*row[:2]) for row in ROWS]
    assert page.evaluate("location.search") == ""


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_marks_are_seen_on_the_page(opened, scheme):
    """Bars against the paper; and the text of three claims passes axe, which takes long over all of them."""
    opened.wear(scheme)
    colors = opened.page.evaluate(
        """["holds", "reversed", "unseen"].map((name) => {
             const probe = document.body.appendChild(document.createElement("p"));
             probe.style.color = `var(--${name})`;
             const found = getComputedStyle(probe).color;
             probe.remove();
             return found;
           }).concat(getComputedStyle(document.body).backgroundColor)"""
    )
    *shown, paper = [luminance(color) + 0.05 for color in colors]
    assert all(max(one, paper) / min(one, paper) >= 3 for one in shown)
    page = opened.page
    page.select_option("[name=knob]", "p")
    page.evaluate("[...document.querySelectorAll('.group')].slice(3).forEach((group) => group.remove())")
    found = (test_access.violations(opened) if scheme == "light" else []) + test_access.contrasts(opened)
    assert [(v["id"], [n["target"] for n in v["nodes"]][:3]) for v in found] == []


@pytest.mark.browser
def test_on_a_phone_the_table_comes_first_and_nothing_scrolls_sideways(visit):
    page, complaints = visit(f"{PAGE}?knob=p", viewport={"width": 360, "height": 740}, has_touch=True)
    painted(page)
    top = "(name) => document.getElementById(name).getBoundingClientRect().top"
    tops = [page.evaluate(top, f"grids-{name}") for name in ("table", "figure", "intervals")]
    assert tops == sorted(tops) and complaints == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    mark = page.locator(".grids .row:visible i").last
    mark.scroll_into_view_if_needed()
    mark.tap()
    box = page.evaluate("document.querySelector('.tip').getBoundingClientRect().toJSON()")
    assert tip(page) and 0 <= box["left"] and box["right"] <= 360
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


@pytest.mark.browser
def test_without_scripts_the_pictures_and_the_tables_are_there(visit):
    page, _ = visit(PAGE, java_script_enabled=False)
    assert page.locator(".grids .row svg:visible").count() == len(ROWS)
    assert not page.locator(".knobs").is_visible() and page.locator(".summary tbody tr:visible").count() == len(ROWS)
    page.locator("#grids-intervals summary").first.click()
    assert page.locator("#grids-intervals details").first.locator("tbody tr:visible").count() == len(
        GRIDS[0]["settings"]
    )
