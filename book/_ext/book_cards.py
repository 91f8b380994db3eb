"""A picture for each page that is shared: its title, the number of its chapter, and its first figure or, where it has
none, a mask of its own.

A card is drawn once, in a few hundredths of a second, and kept beside the site's other files until its title changes.
"""

import hashlib
import random
import re
import textwrap
import zlib
from functools import cache
from pathlib import Path

from docutils import nodes
from PIL import Image, ImageDraw, ImageFont, ImageOps

SIZE = (1200, 630)
PAPER, INK, SOFT, ACCENT = "#fdfcf9", "#1f1d1a", "#5f5a52", "#bf4b08"
STEP, RADIUS, FOUR = 60, 19, 4  # of the dots, in px; they are drawn four times as large and reduced
ROOM = (540, 66, 1164, 522)  # of a figure, in px: left, top, right, bottom
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


def card(above, title, below, figure=None):
    """The picture, with a line above the title and one below; `figure` is the path of what is seen beside it."""
    picture = Image.new("RGB", SIZE, PAPER)
    drawing = ImageDraw.Draw(picture)
    if figure:
        left, top, right, bottom = ROOM
        with Image.open(figure) as stored:
            seen = ImageOps.contain(stored.convert("RGB"), (right - left, bottom - top), Image.Resampling.LANCZOS)
        corner = right - seen.width, top + (bottom - top - seen.height) // 2
        picture.paste(seen, corner)
        frame = (corner[0] - 12, corner[1] - 12, right + 11, corner[1] + seen.height + 11)
        drawing.rectangle(frame, outline="#c9c1b3", width=2)
        large, wrap = (60, 13) if len(title) <= 24 else (44, 18)
    else:
        drawn = random.Random(title)
        for x in range(780, SIZE[0] + RADIUS, STEP):
            for y in range(56, SIZE[1] - 2 * RADIUS, STEP):
                picture.paste(dot(drawn.random() < 0.5), (x, y))
        large, wrap = (76, 16) if len(title) <= 36 else (60, 20)
    lines = textwrap.wrap(title, wrap)[:6]
    top = (SIZE[1] - len(lines) * large * 1.15) / 2
    drawing.text((72, top - 62), above, fill=ACCENT, font=font(36))
    drawing.multiline_text(
        (72, top), "\n".join(lines), fill=INK, font=font(large), stroke_width=1, spacing=large * 0.12
    )
    drawing.text((72, SIZE[1] - 92), below, fill=SOFT, font=font(32))
    return picture.quantize(48 if figure else 32, dither=Image.Dither.NONE)


def note_picture(app, doctree):
    """Remember a page's first figure."""
    for image in doctree.findall(nodes.image):
        if image["uri"].endswith(".png"):
            app.env.metadata[app.env.docname]["picture"] = image["uri"]
            return


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


def picture_of(app, pagename):
    """Path of the page's first figure, or None."""
    uri = app.env.metadata.get(pagename, {}).get("picture")
    return uri and Path(app.srcdir, uri)


def file_of(said, figure=None):
    """Name of the card's file, which changes with all that is on it."""
    code = Path(__file__).read_bytes() + repr(said).encode() + (figure.read_bytes() if figure else b"")
    return f"{hashlib.sha256(code).hexdigest()[:WRITTEN]}.png"


def offer(app, pagename, templatename, context, doctree):
    """The page's card, made if it is not there yet, in place of the one of the book."""
    context["social_alt"] = f"{app.config.html_title}: a course book on dropout in which every claim runs."
    if not (said := words(app, pagename)) or app.builder.name != "html":
        return
    folder = Path(app.outdir, "_static", "cards")
    folder.mkdir(parents=True, exist_ok=True)
    figure = picture_of(app, pagename)
    name = file_of(said, figure)
    if not (folder / name).exists():
        card(*said, figure).save(folder / name, optimize=True)
    context["social_image"] = context["social_image"].replace("_static/social.png", f"_static/cards/{name}")
    context["social_alt"] = ", ".join(filter(None, (said[2], said[0]))) + f": {said[1]}"


def tidy(app, exception):
    """Cards of titles that are no more go."""
    if not exception and app.builder.name == "html":
        wanted = {file_of(said, picture_of(app, name)) for name in app.env.found_docs if (said := words(app, name))}
        for path in Path(app.outdir, "_static", "cards").glob("*.png"):
            if path.name not in wanted:
                path.unlink()


def setup(app):
    app.connect("doctree-read", note_picture)
    app.connect("html-page-context", offer)
    app.connect("build-finished", tidy)
    return {"parallel_read_safe": True, "env_version": zlib.crc32(Path(__file__).read_bytes())}
