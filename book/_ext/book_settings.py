"""Where the book is published and kept, and what follows from it.

Environment at build time, all optional:
BOOK_REPOSITORY_URL     address of the repository, for the Colab and edit links
BOOK_REPOSITORY_BRANCH  its branch (default: main)
BOOK_SITE_URL           address the site is published at, for canonical links, the sitemap and the 404 page
A hosted GitHub workflow sets GITHUB_SERVER_URL, GITHUB_REPOSITORY and GITHUB_REF_NAME; they serve as defaults.
"""

import hashlib
import os
import time
import zlib
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

BOOK = Path(__file__).resolve().parent.parent


def repository(environ):
    """Address and branch of the repository, "" where unknown."""
    url = environ.get("BOOK_REPOSITORY_URL", "")
    if not url and environ.get("GITHUB_REPOSITORY"):
        url = f"{environ.get('GITHUB_SERVER_URL', 'https://github.com')}/{environ['GITHUB_REPOSITORY']}"
    branch = environ.get("BOOK_REPOSITORY_BRANCH") or environ.get("GITHUB_REF_NAME") or "main"
    return url.removesuffix("/").removesuffix(".git"), branch


def colab_url(url, branch, path):
    """Where Colab opens the notebook at `path`; "" unless it is public knowledge how: on github.com."""
    if urlsplit(url).netloc != "github.com" or not path.endswith(".ipynb"):
        return ""
    return f"https://colab.research.google.com/github{urlsplit(url).path}/blob/{branch}/{path}"


def edit_url(url, branch, path):
    """Where `path` is edited in the browser; "" when the repository is unknown."""
    infix = "/-/edit/" if "gitlab" in urlsplit(url).netloc else "/edit/"
    return f"{url}{infix}{branch}/{path}" if url else ""


def site_url(environ):
    url = environ.get("BOOK_SITE_URL", "")
    return url and url.rstrip("/") + "/"


def set_year(app, config):
    now = datetime.fromtimestamp(int(os.environ.get("SOURCE_DATE_EPOCH", time.time())), UTC)
    config.copyright = f"{now.year} {config.author}"


@cache
def version(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()[:8]


def source_of(app, docname):
    """The file of a page, as a path in the repository."""
    return Path(app.env.doc2path(docname)).relative_to(app.srcdir).as_posix()


def setup(app):
    url, branch = repository(os.environ)
    app.add_config_value("book_repository", url, "html", [str])
    app.add_config_value("book_branch", branch, "html", [str])
    app.add_config_value("book_site", site_url(os.environ), "html", [str])
    app.add_config_value("comments_config", {}, "")  # Jupyter Book sets it for an extension we do not load
    app.connect("config-inited", set_year)
    # Pages are read again when this file changes.
    return {"parallel_read_safe": True, "env_version": zlib.crc32(Path(__file__).read_bytes())}
