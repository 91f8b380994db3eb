"""diagnose.py on the site: offered on the chapter's page and on no other, and what its cells hold."""

import re

import book_program
import build
import built


def test_the_chapter_offers_the_file_and_it_is_current():
    site = built.site()
    linked = {
        page.relative_to(site).as_posix(): links
        for page in [*site.glob("*.html"), *site.glob("notebooks/*.html"), *site.glob("book/*.html")]
        if (links := re.findall(r'href="([^"]*diagnose\.py)"', page.read_text(encoding="utf-8")))
    }
    assert linked == {f"{book_program.CHAPTER}.html": ["../diagnose.py"]}
    made = book_program.program(book_program.read(build.ROOT))
    assert (site / "diagnose.py").read_text(encoding="utf-8") == made
