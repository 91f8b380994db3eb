"""What the site's search knows: a record for each section, term and claim, as pages show them, and an index of them.

search/index.js holds which words stand where, search/NN.js the texts that excerpts are cut from. They are scripts, so
that search works in a copy that is opened from the file system, too. rank.js makes the index, here, in QuickJS.
"""

import json
import re
import shutil
import zlib
from functools import cache
from pathlib import Path

import quickjs
from docutils import nodes
from sphinx import addnodes

HERE = Path(__file__).resolve().parent
SCRIPTS = HERE.parent / "_static" / "search"
NEEDED = ("minisearch.js", "rank.js", "search.js")
ROOM = 5000  # characters of text in a file, about
UNREAD = ("tag_preamble", "tag_stored", "tag_results")  # cells that are the same in several chapters, or all numbers
NAMES = r"\b(?:nn|F|torch|sklearn)(?:\.[^\W\d]\w*)+|(?<=def )\w+|(?<=class )\w+|\b\w+(?:Error|Warning)\b"
SIGNS = {
    "cdot": "·", "times": "×", "pm": "±", "le": "≤", "leq": "≤", "ge": "≥", "geq": "≥", "ne": "≠", "neq": "≠",
    "approx": "≈", "sim": "∼", "to": "→", "mapsto": "↦", "infty": "∞", "sum": "∑", "prod": "∏", "odot": "⊙", "in": "∈",
    "mid": "|", "ldots": "…", "dots": "…", "cdots": "…", "quad": " ", "lVert": "‖", "rVert": "‖",
    "Vert": "‖", "propto": "∝",
    "log": "log", "exp": "exp", "max": "max", "min": "min", "tanh": "tanh", "ell": "ℓ", "partial": "∂", "nabla": "∇",
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "varepsilon": "ε", "eta": "η", "theta": "θ",
    "lambda": "λ", "mu": "μ", "pi": "π", "rho": "ρ", "sigma": "σ", "tau": "τ", "phi": "φ", "chi": "χ", "omega": "ω",
    "Delta": "Δ", "Sigma": "Σ", "Phi": "Φ", "Omega": "Ω", "Lambda": "Λ",
}  # fmt: skip


# ---------------------------------------------------------------- records


def plain_math(latex):
    """A short formula as a line of text; "…" for one that needs more than a line."""
    text = re.sub(r"\\(?:text|operatorname|math(?:rm|bf|bb|cal|it)|boldsymbol)\s*\{([^{}]*)\}", r"\1", latex)
    text = re.sub(r"\\(?:left|right|[bB]igg?[lr]?|displaystyle|,|;|!|:| )", " ", text)
    text = re.sub(r"\\[dt]?frac\{([^{}\\+−-]+)\}\{([^{}\\+−-]+)\}", r"\1/\2", text)
    text = re.sub(r"\\([A-Za-z]+)", lambda m: SIGNS.get(m[1], m[0]), text)
    text = re.sub(r"[_^](?:\{(\w{1,3})\}|(\w))", r"\1\2", text.replace(r"\%", "%").replace("-", "−"))
    return "…" if re.search(r"[\\{}^_&]", text) else " ".join(text.split())


def node_text(node):
    """The words of a part of a page, without code, output in columns and what only a computer reads."""
    if isinstance(node, nodes.math):
        return plain_math(node.astext())
    if isinstance(node, nodes.raw):  # a tag of its own, or a word with its language
        inline = isinstance(node.parent, nodes.TextElement)
        return re.sub("<[^>]+>", " ", node.astext()) if inline else ""
    if isinstance(node, nodes.literal_block | nodes.math_block | nodes.image | nodes.comment | nodes.system_message):
        return ""
    if isinstance(node, nodes.Text):
        return node.astext()
    if isinstance(node, nodes.entry) and not re.search(r"[^\W\d_]", node.astext()):
        return ""  # a number of a table
    if "repeated" in node.get("classes", ()):
        return ""  # the claims above the figure of all grids have records of their own
    glue = "" if isinstance(node, nodes.TextElement) else " "
    return glue.join(node_text(child) for child in node.children)


def code_words(node):
    """What one may look for in the code and the printed output of a part of a page: the library's names, functions and
    classes made there, and errors."""
    cells = [node] if isinstance(node, nodes.literal_block) else node.findall(nodes.literal_block)
    words = {}
    for block in cells:
        box = block.parent
        while box is not None and not any(c.startswith(UNREAD) for c in box.get("classes", [])):
            box = box.parent
        if box is None:
            words |= dict.fromkeys(re.findall(NAMES, re.sub(r"#.*", "", block.astext())))
    return " ".join(words)


def squeeze(text):
    return re.sub(r" (?=[.,;:)])", "", " ".join(text.split()))


def page_title(docname, title):
    """A homework is known by its number, which its title does not say."""
    number = re.match(r"assignments/(\d\d)-", docname)
    return title.replace("Homework:", f"Homework {int(number[1])}:") if number else title


def kind_of(docname):
    folder, _, name = docname.partition("/")
    return {"notebooks": "chapter", "assignments": "homework"}.get(folder, name if name in ("faq", "teach") else "back")


def records(env, docname, doctree):
    """{where, page, heading, kind, text, code} of each section, glossary entry and claim of a page, as it is shown."""
    title = page_title(docname, env.titles[docname].astext())
    uri, kind = env.app.builder.get_target_uri(docname), kind_of(docname)

    def record(anchor, heading, kind, text, code=""):
        return dict(
            where=uri + (anchor and f"#{anchor}"), page=title, heading=squeeze(heading), kind=kind,
            text=squeeze(text), code=code,
        )  # fmt: skip

    other = (nodes.section, nodes.title, addnodes.glossary)  # the entries of a glossary have records of their own
    for section in doctree.findall(nodes.section):
        first = section.parent is doctree
        own = [child for child in section.children if not isinstance(child, other) and not is_ledger(child)]
        heading = title if first else node_text(section.next_node(nodes.title))
        text = " ".join(node_text(child) for child in own)
        if (
            first
            or text.strip()
            or not any(section.findall(lambda n: isinstance(n, addnodes.glossary) or is_ledger(n)))
        ):
            ids = "" if first else section["ids"][0]
            yield record(ids, heading, kind, text, " ".join(code_words(child) for child in own))
    for found in doctree.findall(addnodes.glossary):
        for *terms, definition in (item.children for item in found.children[0]):
            names = " · ".join(term.astext() for term in terms)
            yield record(terms[0]["ids"][0], names, "glossary", node_text(definition))
    for item in (item for found in doctree.findall(is_ledger) for item in found.children):
        claim, *rest = item.children
        verdict = next(claim.findall(lambda n: "verdict" in getattr(n, "attributes", {}).get("classes", [])))
        heading = node_text(claim).removesuffix(verdict.astext()).strip()
        text = f"{verdict.astext()}. " + " ".join(node_text(child) for child in rest)
        yield record(item["ids"][0], heading, "claim", text)


def is_ledger(node):
    return isinstance(node, nodes.bullet_list) and "ledger" in node["classes"]


def collect(app, doctree, docname):
    """Read a page in the state in which it is written: with each output as it is shown."""
    if app.builder.name == "html":
        app.book_search[docname] = list(records(app.env, docname, doctree))


def begin(app):
    app.book_search = {}


# ---------------------------------------------------------------- index


@cache
def engine():
    """The ranking in QuickJS: engine()(function of rank.js, *arguments) -> what it returns, by way of JSON."""
    script = quickjs.Context()
    for name in NEEDED[:2]:
        script.eval((SCRIPTS / name).read_text(encoding="utf-8"))
    call = script.eval("(name, given) => JSON.stringify(bookSearch[name](...JSON.parse(given)) ?? null)")
    return lambda name, *given: json.loads(call(name, json.dumps(given)))


def chunks(found):
    """`found` in parts whose texts have about ROOM characters; a page's records stand together."""
    part, size = [], 0
    for record in found:
        if part and size + len(record["text"]) > ROOM:
            yield part
            part, size = [], 0
        part.append(record)
        size += len(record["text"]) + 150
    if part:
        yield part


def script(name, value):
    return f"bookSearch.{name}({json.dumps(value, ensure_ascii=False, separators=(',', ':'))})\n"


def write(app, exception):
    if exception or app.builder.name != "html":
        return
    folder = Path(app.outdir, "search")
    Path(app.outdir, "search.json").unlink(missing_ok=True)  # of earlier builds
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    found = [record for name in sorted(app.book_search) for record in app.book_search[name]]
    sizes = []
    for number, part in enumerate(chunks(found)):
        texts = [[r["where"], r["page"], r["heading"], r["text"]] for r in part]
        (folder / f"{number:02}.js").write_text(script("text", [number, texts]), encoding="utf-8")
        sizes.append(len(part))
    index = engine()("make", found) | {"sizes": sizes}
    index["version"] = f"{zlib.crc32(json.dumps(found).encode()):08x}"
    (folder / "index.js").write_text(script("index", index), encoding="utf-8")


@cache
def version():
    return f"{zlib.crc32(b''.join((SCRIPTS / name).read_bytes() for name in NEEDED)):08x}"


def page_context(app, pagename, templatename, context, doctree):
    address = context["pathto"]("_static/search/search.js", True)
    context["search_script"] = f"{address}?v={version()}"  # it loads the two others by the same version


def setup(app):
    app.connect("builder-inited", begin)
    app.connect("html-page-context", page_context)
    app.connect("doctree-resolved", collect, priority=900)
    app.connect("build-finished", write, priority=800)
    env_version = zlib.crc32(Path(__file__).read_bytes())
    return {"parallel_read_safe": True, "parallel_write_safe": False, "env_version": env_version}
