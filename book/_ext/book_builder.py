"""The HTML builder of the site, and what it leaves beside the pages: sitemap, robots.txt, a 404 page for any depth."""

import html
import os
import re
import shutil
import zlib
from pathlib import Path
from urllib.parse import urlsplit

from book_settings import BOOK, source_of
from PIL import Image
from sphinx.builders.html import StandaloneHTMLBuilder


class BookBuilder(StandaloneHTMLBuilder):
    """The HTML builder with the book's first page at the root of the site and the search of book_search."""

    search = False

    def get_target_uri(self, docname, typ=None):
        return "index.html" if docname == self.config.root_doc else super().get_target_uri(docname, typ)

    def get_outfilename(self, pagename):
        return os.path.join(self.outdir, *self.get_target_uri(pagename).split("/"))

    def post_process_images(self, doctree):
        super().post_process_images(doctree)
        for source, name in self.images.items():
            self.images[source] = re.sub(r"\.png$", ".webp", name)

    def copy_image_files(self):
        """Store each figure as lossless WebP: the same pixels in less than half the bytes."""
        folder = Path(self.outdir, self.imagedir)
        folder.mkdir(exist_ok=True)
        for source, name in self.images.items():
            source, target = Path(self.srcdir, source), folder / name
            if target.exists() and target.stat().st_mtime >= source.stat().st_mtime:
                continue
            if target.suffix != ".webp":
                shutil.copy(source, target)
                continue
            with Image.open(source) as figure:
                figure.convert("RGB").save(target, lossless=True, quality=100)

    def create_pygments_style_file(self):
        pass  # book.css colours the code, for light and dark


def rewrite_all(app, env):
    """Write every page each time: a changed title or a new chapter shows in the contents of all of them."""
    return env.found_docs


def finish(app, exception):
    """Write what is not a page (sitemap, robots.txt), tidy up, make the 404 page work at any depth."""
    if exception or app.builder.name != "html":
        return
    out, config = Path(app.outdir), app.config
    builder = app.builder
    ours = {f"_images/{name}" for name in builder.images.values()} | {"search.html", "404.html"}
    for name in app.env.found_docs:
        ours |= {builder.get_target_uri(name), f"_sources/{source_of(app, name)}"}
    made = [*out.rglob("*.html"), *out.glob("_images/*"), *out.glob("_sources/*/*")]
    left_over = [path for path in made if path.relative_to(out).as_posix() not in ours]
    for path in [
        *left_over,
        *out.glob("sitemap.xml"),
        *out.glob("_static/mystnb.*.css"),
    ]:  # of earlier builds, or unused
        path.unlink()

    # The server shows 404.html at the missing address, so relative links would point anywhere.
    root = urlsplit(config.book_site).path or "/"
    page = (out / "404.html").read_text(encoding="utf-8")
    page = re.sub(r'\b(href|src|action)="(?![a-z]+:|[/#])(?:\./)?', rf'\1="{root}', page)
    (out / "404.html").write_text(page, encoding="utf-8")

    (out / ".nojekyll").touch()  # for hosts that would drop folders whose names start with _
    robots = "User-agent: *\nAllow: /\n"
    if config.book_site:
        pages = [config.book_site + builder.get_target_uri(name) for name in sorted(app.env.found_docs)]
        urls = "".join(f"<url><loc>{html.escape(url.removesuffix('index.html'))}</loc></url>\n" for url in pages)
        (out / "sitemap.xml").write_text(
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{urls}</urlset>\n',
            encoding="utf-8",
        )
        robots += f"Sitemap: {config.book_site}sitemap.xml\n"
    (out / "robots.txt").write_text(robots, encoding="utf-8")


def setup(app):
    app.add_html_theme("book", str(BOOK / "_theme"))
    app.add_builder(BookBuilder, override=True)
    app.connect("env-updated", rewrite_all)
    app.connect("build-finished", finish, priority=900)
    # Pages are read again when this file changes.
    return {"parallel_read_safe": True, "env_version": zlib.crc32(Path(__file__).read_bytes())}
