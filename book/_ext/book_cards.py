"""A picture for each page that is shared: its title, the number of its chapter, and a mask of its own.

A card is drawn once, in a few hundredths of a second, and kept beside the site's other files until its title changes.
"""

import hashlib
import random
import re
import textwrap
import zlib
from functools import cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

SIZE = (1200, 630)
PAPER, INK, SOFT, ACCENT = "#fdfcf9", "#1f1d1a", "#5f5a52", "#bf4b08"
STEP, RADIUS, FOUR = 60, 19, 4  # of the dots, in px; they are drawn four times as large and reduced
WRITTEN = 8  # characters of a hash in a file's name


@cache
def font(size):
    return ImageFont.load_default(size)  # Pillow's own: the same on every machine


@cache
def dot(kept):
    """One unit, kept or dropped."""
    side = 2 * RADIUS * FOUR
    picture = Image.new("RGB", (side, side), PAPER)
    box = (0, 0, side - 1, side - 1) if kept else (5 * FOUR, 5 * FOUR, side - 1 - 5 * FOUR, side - 1 - 5 * FOUR)
    drawing = ImageDraw.Draw(picture)
    drawing.ellipse(box, **({"fill": ACCENT} if kept else {"outline": "#c9c1b3", "width": 3 * FOUR}))
    return picture.resize((2 * RADIUS, 2 * RADIUS), Image.Resampling.LANCZOS)


def card(above, title, below):
    """The picture, with a line above the title and one below."""
    picture = Image.new("RGB", SIZE, PAPER)
    drawn = random.Random(title)
    for x in range(780, SIZE[0] + RADIUS, STEP):
        for y in range(56, SIZE[1] - 2 * RADIUS, STEP):
            picture.paste(dot(drawn.random() < 0.5), (x, y))
    drawing = ImageDraw.Draw(picture)
    large = 76 if len(title) <= 36 else 60
    lines = textwrap.wrap(title, 16 if large == 76 else 20)[:5]
    height = len(lines) * large * 1.15
    top = (SIZE[1] - height) / 2
    drawing.text((72, top - 62), above, fill=ACCENT, font=font(36))
    drawing.multiline_text(
        (72, top), "\n".join(lines), fill=INK, font=font(large), stroke_width=1, spacing=large * 0.12
    )
    drawing.text((72, SIZE[1] - 92), below, fill=SOFT, font=font(32))
    return picture.quantize(32, dither=Image.Dither.NONE)


def words(app, pagename):
    """(line above, title, line below) of a page's card; None where it has none of its own."""
    if pagename not in app.env.found_docs or pagename == app.config.root_doc:
        return None
    title, book = app.env.titles[pagename].astext(), app.config.html_title
    number = re.match(r"(?:notebooks|assignments)/(\d+)-", pagename)
    if number and pagename.startswith("notebooks/"):
        return f"Chapter {int(number[1])}", re.sub(r"^\d+\. ", "", title), book
    if number:
        return f"Homework to chapter {int(number[1])}", title.removeprefix("Homework: "), book
    return "", title, book


def file_of(said):
    code = Path(__file__).read_bytes() + repr(said).encode()
    return f"{hashlib.sha256(code).hexdigest()[:WRITTEN]}.png"


def offer(app, pagename, templatename, context, doctree):
    """The page's card, made if it is not there yet, in place of the one of the book."""
    context["social_alt"] = f"{app.config.html_title}: a course book on dropout in which every claim runs."
    if not (said := words(app, pagename)) or app.builder.name != "html":
        return
    folder = Path(app.outdir, "_static", "cards")
    folder.mkdir(parents=True, exist_ok=True)
    name = file_of(said)
    if not (folder / name).exists():
        card(*said).save(folder / name, optimize=True)
    context["social_image"] = context["social_image"].replace("_static/social.png", f"_static/cards/{name}")
    context["social_alt"] = ", ".join(filter(None, (said[2], said[0]))) + f": {said[1]}"


def tidy(app, exception):
    """Cards of titles that are no more go."""
    if not exception and app.builder.name == "html":
        wanted = {file_of(said) for name in app.env.found_docs if (said := words(app, name))}
        for path in Path(app.outdir, "_static", "cards").glob("*.png"):
            if path.name not in wanted:
                path.unlink()


def setup(app):
    app.connect("html-page-context", offer)
    app.connect("build-finished", tidy)
    return {"parallel_read_safe": True, "env_version": zlib.crc32(Path(__file__).read_bytes())}
