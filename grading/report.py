"""What a teacher and the students read: a page for each student, a table and a page for the class."""

import csv
import io
import re
import statistics as st
from importlib import resources


def statistics(scores):
    """Number, mean, standard deviation (n - 1), quartiles and extremes of the scores."""
    several = len(scores) > 1
    low, middle, high = st.quantiles(scores, method="inclusive") if several else [scores[0]] * 3
    return {
        "submissions": len(scores),
        "mean": st.fmean(scores),
        "standard deviation": st.stdev(scores) if several else 0.0,
        "least": min(scores),
        "lower quartile": low,
        "median": middle,
        "upper quartile": high,
        "most": max(scores),
    }


def by_question(homework, result):
    """{label: points reached} of a result."""
    labels = list(homework.questions)
    reached = dict.fromkeys(labels, 0)
    for test in result["tests"]:
        reached[labels[int(test["number"].split(".")[0]) - 1]] += test["score"]
    return reached


def seconds(results):
    """{"seconds, q1": [of each submission that ran, ...], ...}, the cells' before and the sum of all behind."""
    ran = [result["extra_data"]["seconds"] for result in results if "seconds" in result["extra_data"]]
    columns = {f"seconds, {what}": [taken[what] for taken in ran] for what in (ran[0] if ran else ())}
    return columns | {"seconds, all": [round(sum(taken.values()), 3) for taken in ran]}


# Where a text could begin a cell: at its start and, as the comma's place differs, after all that separates cells
# somewhere. There a spreadsheet takes the next sign, also a wide one and after a quotation mark, for a formula's. The
# plain apostrophe does not keep it from that where apostrophes quote; the round one does.
FORMULA = re.compile(r"""(^|[;,\t])(?=["'\s]*[=+\-@|%＝＋－＠])""")


def cell(value):
    """A value for a spreadsheet, which would run a text that starts as a formula does, in one line."""
    if not isinstance(value, str):
        return value
    return FORMULA.sub(r"\1’", " ".join(re.split(r"[\r\n\v\f\x1c-\x1e\x85\u2028\u2029]+", value)))


def table(header, rows):
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([header, *([cell(value) for value in row] for row in rows)])
    return text.getvalue()


def histogram(scores, most):
    """The scores' histogram as SVG whose lines take the page's colour."""
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    with plt.rc_context({"svg.hashsalt": "grading", "svg.fonttype": "none", "font.size": 11}):
        figure, axes = plt.subplots(figsize=(6.4, 2.6), layout="constrained")
        width = max(1, round(most / 15))
        axes.hist(scores, bins=[edge - width / 2 for edge in range(0, int(most) + 2 * width, width)], color="#2b7bba")
        axes.set(xlabel=f"points, of {most:g}", ylabel="submissions", xlim=(-width / 2, most + width / 2))
        axes.yaxis.get_major_locator().set_params(integer=True)
        axes.spines[["top", "right"]].set_visible(False)
        text = io.StringIO()
        figure.savefig(text, format="svg", transparent=True, metadata={"Date": None})
        plt.close(figure)
    svg = text.getvalue()
    svg = svg[svg.index("<svg") :].replace("#000000", "currentColor").replace("<text ", '<text fill="currentColor" ')
    alt = f"Histogram of {len(scores)} scores between {min(scores):g} and {max(scores):g} of {most:g} points"
    return svg.replace("<svg ", f'<svg role="img" aria-label="{alt}" ', 1)


def pages():
    """The templates, which escape whatever is put into them."""
    import jinja2

    source = resources.files(__package__).joinpath("pages.html").read_text("utf-8")
    return jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(source)


def remark(result):
    """What is to be said about a result, in one line."""
    changes = [f"{why}: {points:+g}" if points else why for points, why in result.get("changes", [])]
    return "; ".join(filter(None, [result["output"].replace("\n", "; "), *changes]))


def write_all(homework, results, out, write, told="", beside=(), pages_of=None):
    """Write out/feedback/NAME.html, out/grades.csv, out/statistics.csv, out/probes.csv, out/class.html.

    told: the sentence that counts the entries; beside: [(what, [name, ...]), ...] that has no result; pages_of:
    {slug: name of the student's page}, which holds no other name.
    """
    template = pages()
    labels = list(homework.questions)
    results = [result | {"page": (pages_of or {}).get(result["slug"], result["slug"])} for result in results]
    for result in results:
        page = template.render(homework=homework, result=result, anonymous=pages_of is not None)
        write(out / "feedback" / f"{result['page']}.html", page)
    changed = ["changed"] if any(result.get("changes") for result in results) else []
    rows = []
    for result in results:
        about, reached = result["extra_data"], by_question(homework, result)
        change = [round(sum(points for points, _ in result.get("changes", [])), 2)] if changed else []
        points = [result["score"], homework.points, *reached.values(), *change]
        rows.append([about["student"], about["file"], *points, remark(result)])
    # With its mark, by which Excel knows UTF-8.
    write(out / "grades.csv", "\ufeff" + table(["student", "file", "score", "of", *labels, *changed, "remark"], rows))
    probes = []
    for place, probe in enumerate(homework.probes):
        share = st.fmean(result["tests"][place]["status"] == "passed" for result in results)
        mean = st.fmean(result["tests"][place]["score"] for result in results)
        probes.append([probe.question, probe.name, probe.points, round(share, 4), round(mean, 4)])
    write(out / "probes.csv", table(["question", "probe", "points", "passed", "mean"], probes))
    scores = [result["score"] for result in results]
    facts = statistics(scores)
    page = template.render(
        homework=homework, results=results, facts=facts, probes=probes, figure=histogram(scores, homework.points),
        told=told, beside=beside,
    )  # fmt: skip
    write(out / "class.html", page)
    columns = {"score": scores} | {
        label: [by_question(homework, result)[label] for result in results] for label in labels
    }
    columns |= seconds(results)
    summary = [[what, *statistics(column).values()] for what, column in columns.items() if column]
    write(out / "statistics.csv", table(["of", *facts], summary))
