"""The search of the built site without a browser: its records, its ranking in QuickJS, and what a query fetches."""

import gzip
import json
import re

import book_search

ALWAYS = ("_static/search/search.js", "_static/search/minisearch.js", "_static/search/rank.js", "search/index.js")


def given(path):
    """What a script of the folder search/ hands over."""
    return json.loads(re.fullmatch(r"bookSearch\.\w+\((.*)\)\n", path.read_text(encoding="utf-8"), re.DOTALL)[1])


def records(folder):
    """[(address, title of the page, heading, text)] of the site in `folder`, as its index numbers them."""
    paths = sorted((path for path in (folder / "search").glob("[0-9]*.js")), key=lambda path: int(path.stem))
    return [tuple(record) for path in paths for record in given(path)[1]]


class Search:
    """Search(folder)(query) -> the addresses of the first results, best first."""

    def __init__(self, folder):
        self.sizes = {}
        self.folder, self.index = folder, given(folder / "search" / "index.js")
        found = [dict(where=where, heading=heading, text=text) for where, _, heading, text in records(folder)]
        self.call = book_search.engine()
        self.call("prepare", self.index, found)

    def __call__(self, query):
        return self.call("first", query)

    def fetched(self, query):
        """Bytes, compressed, that this query as the first one fetches beside the page."""
        files = {*ALWAYS, *(f"search/{self.file(number):02}.js" for number in self.call("looked", query))}
        for name in files - self.sizes.keys():
            self.sizes[name] = len(gzip.compress((self.folder / name).read_bytes()))
        return sum(self.sizes[name] for name in files)

    def file(self, number):
        for file, size in enumerate(self.index["sizes"]):
            if number < size:
                return file
            number -= size
        raise IndexError(number)
