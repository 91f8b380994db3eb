"""How pages are cited and followed: BibTeX, version, what changed, the feed, cards that are shared, links to report."""

import re
from datetime import date
from types import SimpleNamespace
from xml.etree import ElementTree

import book_cards
import book_cite
import build
import built
import html5lib
import pytest
import yaml
from built import DOCUMENTS, PAGES, address
from PIL import Image

CFF = yaml.safe_load((build.ROOT / "CITATION.cff").read_text(encoding="utf-8"))
CHANGELOG = (build.ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.fixture(scope="module")
def texts():
    return {name: (built.site() / name).read_text(encoding="utf-8") for name in PAGES}


def cite_faults(name, text):
    """A page that has no BibTeX entry with its own title, the version, the year and who wrote it, or no version."""
    parts = re.search(r"<h1.*?</h1>", text, re.DOTALL), re.search(r"<footer.*</footer>", text, re.DOTALL)
    page = html5lib.parse("".join(part[0] for part in parts), namespaceHTMLElements=False)
    if not (made := page.find(".//div[@class='highlight bibtex']/pre")) is not None:
        return ["no BibTeX"]
    title = re.sub(r"^\d+\. ", "", "".join(page.find(".//h1").itertext()))
    kind = "book" if name == "index.html" else "incollection"
    wanted = [f"@{kind}{{", f"version {CFF['version']}", f"year = {{{str(CFF['date-released'])[:4]}}}", CFF["title"]]
    wanted += [CFF["authors"][0]["name"], title if kind == "incollection" else CFF["title"]]
    number = re.match(r"notebooks/0?(\d+)-", name)
    wanted += [f"chapter = {{{number[1]}}}"] if number else []
    footer = "".join(page.find(".//footer").itertext())
    faults = [part for part in wanted if part not in made.text.replace("\\", "")]
    faults += [] if made.text.count("{") == made.text.count("}") else ["braces"]
    said = f"Version {CFF['version']} of {book_cite.spelled(CFF['date-released'])}"
    return faults + [part for part in (said, "What changed", "Cite this") if part not in footer]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_a_page_is_cited(texts, document):
    assert cite_faults(address(document), texts[address(document)]) == []


CHANGES = [("@incollection", "@misc"), ("chapter = {2}", ""), ("What changed", ""), ("Version ", ""), ("year = ", "")]


@pytest.mark.parametrize("old, new", CHANGES)
def test_a_planted_fault_is_found(texts, old, new):
    name = built.CHAPTERS[1]
    assert old in texts[name] and cite_faults(name, texts[name].replace(old, new))


def test_persons_and_signs_in_bibtex():
    authors = [{"family-names": "Lovelace", "given-names": "Ada"}, {"name": "The Analysts"}]
    cff = {"title": "Runs & more: a book", "authors": authors, "version": "1.2", "date-released": date(2027, 1, 2)}
    assert book_cite.bibtex(cff, "50 % of p_i", "3", "https://x.org/3") == (
        "@incollection{runs-more-3,\n  author = {Lovelace, Ada and {The Analysts}},\n"
        "  title = {{50 \\% of p\\_i}},\n  booktitle = {{Runs \\& more: a book}},\n  chapter = {3},\n"
        "  year = {2027},\n  edition = {version 1.2},\n  url = {https://x.org/3},\n}\n"
    )


def test_the_changes_are_the_changelogs(texts):
    page = " ".join("".join(html5lib.parse(texts["book/changes.html"], namespaceHTMLElements=False).itertext()).split())
    for version, _, what in book_cite.entries(CHANGELOG):
        assert version in page
        for line in re.findall(r"^- ([^`*:]{12,60}?)[`*:,.]", what, re.MULTILINE):
            assert line.replace("'", "’") in page or line in page, line


def test_the_feed():
    text = "# C\n\n## [Unreleased]\n\n- new <b>\n\n## [0.2.0] - 2027-01-02\n\n### Added\n\n- two\n\n"
    text += "## [0.1.0] - 2026-11-21\n\n- one\n"
    assert [entry[:2] for entry in book_cite.entries(text)] == [
        ("Unreleased", ""), ("0.2.0", "2027-01-02"), ("0.1.0", "2026-11-21"),
    ]  # fmt: skip
    feed = ElementTree.fromstring(book_cite.atom("https://x.org/b/", CFF, text, "2027-02-03").encode())
    assert feed.findtext(f"{ATOM}updated") == "2027-02-03T00:00:00Z" and feed.findtext(f"{ATOM}author/{ATOM}name")
    found = [
        [entry.findtext(ATOM + name) for name in ("title", "updated", "id")] for entry in feed.iter(f"{ATOM}entry")
    ]
    assert [row[:2] for row in found[1:]] == [["0.2.0", "2027-01-02T00:00:00Z"], ["0.1.0", "2026-11-21T00:00:00Z"]]
    assert len({row[2] for row in found}) == 3
    assert "<li>one</li>" in feed.findall(f"{ATOM}entry")[2].findtext(f"{ATOM}content")


@pytest.mark.slow
def test_a_site_that_knows_its_address_has_a_feed_and_links_to_report():
    html = built.known()
    feed = ElementTree.fromstring((html / "feed.xml").read_bytes())
    assert feed.find(f"{ATOM}link[@rel='self']").get("href") == "https://ada.example.org/dropout/feed.xml"
    text = (html / built.CHAPTERS[0]).read_text(encoding="utf-8")
    assert 'type="application/atom+xml" href="../feed.xml"' in text and ">Feed</a>" in text
    assert "https://github.com/ada/dropout/issues/new?title=notebooks/01-overfitting%3A%20" in text
    assert "url = {https://ada.example.org/dropout/notebooks/01-overfitting.html}" in text


def test_a_site_that_does_not_has_neither():
    html = built.unknown()
    text = (html / built.CHAPTERS[0]).read_text(encoding="utf-8")
    assert not (html / "feed.xml").exists() and "atom+xml" not in text and "issues/new" not in text


def test_where_a_fault_is_reported():
    assert book_cite.report_url("", "book/faq") == ""
    assert book_cite.report_url("https://gitlab.org/a/b", "book/faq").endswith(
        "/-/issues/new?issue[title]=book/faq%3A%20"
    )


# ---------------------------------------------------------------- cards


def card_of(text):
    image = re.search(r'property="og:image" content="([^"]*)"', text)[1]
    return image.rpartition("_static/")[2], re.search(r'property="og:image:alt" content="([^"]*)"', text)[1]


def test_each_page_has_a_card_of_its_own(texts):
    cards = {name: card_of(texts[name]) for name in PAGES}
    own = [cards[name][0] for name in PAGES if name not in ("index.html", "search.html", "404.html")]
    assert len({*own}) == len(own) and all(name.startswith("cards/") for name in own)
    assert {cards[name][0] for name in ("index.html", "search.html", "404.html")} == {"social.png"}
    assert cards[built.CHAPTERS[2]][1] == "Dropout, Executed, Chapter 3: Inverted dropout"
    folder = built.site() / "_static"
    assert {f"cards/{path.name}" for path in (folder / "cards").iterdir()} == {*own}
    for name in own:
        with Image.open(folder / name) as card:
            assert card.size == (1200, 630) and (folder / name).stat().st_size < 60_000
    assert all('property="og:site_name" content="Dropout, Executed"' in text for text in texts.values())


@pytest.mark.parametrize("figure, end", [(None, 765), ("figure.png", 526)])
def test_a_card_shows_its_title_and_stays_within_it(tmp_path, figure, end):
    if figure:
        figure = tmp_path / figure
        Image.new("RGB", (800, 500), "white").save(figure)
    for title in (*(book_cite.tex(t) for t in ("A", "Dropout against underfitting")), "Questions and answers " * 3):
        card = book_cards.card("Chapter 3", title, "Dropout, Executed", figure).convert("L")
        ink = card.point(lambda value: 255 * (value < 90)).crop((0, 100, end + 5, 630)).getbbox()
        assert ink and ink[0] >= 60 and ink[2] < end, title
    assert book_cards.file_of(("a", "b", "c")) != book_cards.file_of(("a", "b", "d"))


def test_a_card_is_drawn_once(tmp_path, monkeypatch):
    (tmp_path / "_static").mkdir()
    figure = tmp_path / "figure.png"
    Image.new("RGB", (800, 500), "red").save(figure)
    env = SimpleNamespace(
        found_docs={"notebooks/03-x"},
        titles={"notebooks/03-x": SimpleNamespace(astext=lambda: "3. X")},
        metadata={"notebooks/03-x": {"picture": figure.name}},
    )
    config = SimpleNamespace(root_doc="index", html_title="B")
    app = SimpleNamespace(
        env=env, config=config, srcdir=tmp_path, outdir=tmp_path, builder=SimpleNamespace(name="html")
    )
    context = {"social_image": "../_static/social.png"}
    book_cards.offer(app, "notebooks/03-x", "", context, None)
    assert re.fullmatch(r"\.\./_static/cards/\w{8}\.png", context["social_image"])
    with Image.open(next((tmp_path / "_static/cards").iterdir())) as card:
        red, green, _ = card.convert("RGB").getpixel((850, 294))
        assert red > 240 and green < 20
    monkeypatch.setattr(book_cards, "card", None)  # a second call would fail
    book_cards.offer(app, "notebooks/03-x", "", {"social_image": "../_static/social.png"}, None)
    (tmp_path / "_static/cards/00000000.png").touch()
    book_cards.tidy(app, None)
    assert len([*(tmp_path / "_static/cards").iterdir()]) == 1
