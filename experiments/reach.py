"""What a grid of settings says about a claim: where its sign holds, where it turns, where nothing is seen, and by which
knob.

    python experiments/reach.py [CLAIM ...]
    python experiments/reach.py --store
    python experiments/reach.py --replicate [TABLE]

An effect is a paired difference between two tuned arms, one number a seed. In each setting its 95 % interval is judged,
with the functions of chapter 14. --store writes what the stored grids hold to experiments/results/reach.json, and
what became of the published tables to replications.json: for that chapter, the ledger and the page of all grids.
"""

import ast
import json
import os
import re
import sys
from functools import cache

import numpy as np
import run
import stress

CHAPTER = "14-reach"
# What an argument is called, so that plans which turn the same knob call it the same.
KNOBS = {
    **dict.fromkeys(("steps", "budgets"), "steps"),
    **dict.fromkeys(("n_train", "n", "n_texts"), "training examples"),
    **dict.fromkeys(("width", "units", "_wide"), "units"),
    **dict.fromkeys(("p", "_p", "masks"), "p"),
    **dict.fromkeys(("lr", "rate"), "learning rate"),
    **dict.fromkeys(("data", "kind"), "data"),
    **{"wrong": "wrong labels", "_narrow": "units of the narrow layer", "sizes": "layers", "optimizer": "optimizer"},
    **{"_first": "units of layer 1", "_second": "units of layer 2", "share": "share of steps with dropout"},
    **{"target": "target loss", "norm": "BatchNorm", "shift": "shifted digits"},
}


@cache
def chapter():
    """What chapter 14 defines: {name: function}."""
    space = {"__name__": CHAPTER}
    exec(compile(ast.Module(run.definitions(CHAPTER), []), f"<{CHAPTER}>", "exec"), space)
    return space


def interval(values):
    """Mean and half-width of the 95 % interval over the seeds, as the chapters have it."""
    return chapter()["mean_ci"](values)


def level_text(knob, level):
    """A level of a knob in words."""
    if isinstance(level, bool):
        return "with" if level else "without"
    if isinstance(level, list):
        return "-".join(map(str, level))
    if knob == "wrong":
        return f"{100 * level:g} %"
    return {"mnist": "MNIST"}.get(level, str(level))


def chosen(asked, at, arm, choose, have):
    """The row of an arm at a setting that is best on validation, and whether its rate is the ladder's end; None
    for the row while it is not known."""
    row = stress.best_row(asked, at, arm, choose, have)
    if not row or "rates" not in asked:
        return row, False
    ladder = asked["rates"]["values"]
    return row, row["setting"][asked["rates"]["argument"]] in (ladder[0], ladder[-1])


def measured(asked, effect, have):
    """[(setting, more - less of each seed, whether a rate is at the ladder's end)] of the settings that are done."""
    found = []
    for at in asked["design"]:
        sides, edge = {"less": 0.0}, False
        for side in {"more", "less"} & set(effect):
            arm, metrics = stress.side_of(effect, side)
            row, at_end = chosen(asked, at, arm, effect.get("choose"), have)
            sides[side] = row and sum(np.array(row["result"][metric]) for metric in metrics)
            edge |= at_end
        if all(value is not None for value in sides.values()):
            found.append((at, sides["more"] - sides["less"], edge))
    return found


def judged(knobs, settings, effect):
    """What chapter 14 says of an effect, for pages that are made without numpy: {"verdicts": a letter a setting (h, r,
    u), "tally", "decides": a knob or None, "levels": {knob: [mean of the settings at each level; None where there is
    none]}}."""
    mean, half = np.array(effect["mean"]), np.array(effect["half"])
    tallied = chapter()["tally"](mean, half, effect["sign"])
    verdicts = "".join(chapter()["verdict"](*one, effect["sign"])[0] for one in zip(mean, half))
    counted = {name: float(f"{n:.5g}") if name in ("least", "typical") else n for name, n in tallied.items()}
    found = {"verdicts": verdicts, "tally": counted, "decides": None}
    if len(mean) < 2:
        return found | {"levels": {}}
    columns = chapter()["columns"](settings)
    levels = {
        knob: [float(f"{mean[column == i].mean():.5g}") if (column == i).any() else None for i in range(3)]
        for knob, column in zip(knobs, columns)
    }
    return found | {"decides": chapter()["decides"](knobs, columns, mean), "levels": levels}


def grid(name):
    """A stress plan in the settings that are done for all of its effects: {"plan", "notebook", "seeds", "hours",
    "knobs": {knob: [level, …]}, "on": {data: {knob: [level, …]}}, "settings": ["1120…": which level of each knob],
    "effects": [{"claim", "says", "sign", "mean", "half", "edges", …}]}; "mean" and "half" hold one number a setting, to
    five digits, and judged() tells the rest."""
    asked = run.plan(name)
    have = run.there(name, asked)
    knobs = {
        KNOBS.get(knob, knob): [level_text(knob, level) for level in levels] for knob, levels in asked["knobs"].items()
    }
    found = {"plan": name.removeprefix("stress/"), "notebook": asked["notebook"], "knobs": knobs}
    found["on"] = {
        {"mnist": "MNIST"}.get(data, data): {
            KNOBS.get(knob, knob): [level_text(knob, level) for level in levels]
            for knob, levels in other.items()
            if knob in asked["knobs"]
        }
        for data, other in asked.get("on", {}).items()
    }
    rows = [measured(asked, effect, have) for effect in asked["effects"]]
    done = [at for at in asked["design"] if all(any(at == one for one, *_ in those) for those in rows)]
    effects = []
    for effect, those in zip(asked["effects"], rows):
        those = [row for row in those if row[0] in done]
        numbers = [interval(values) for _, values, _ in those]
        mean, half = ([float(f"{number:.5g}") for number in column] for column in zip(*numbers)) if done else ([], [])
        effects.append({key: effect[key] for key in ("claim", "says", "sign")} | {"mean": mean, "half": half})
        effects[-1]["edges"] = sum(edge for *_, edge in those)
    places = [
        "".join(str(list(map(str, asked["knobs"][knob])).index(str(level))) for knob, level in at.items())
        for at in done
    ]
    for effect in effects:
        effect |= judged(list(knobs), places, effect)
    seeds = min((len(values) for those in rows for at, values, _ in those if at in done), default=0)
    hours = round(sum(row.get("cpu_seconds", row["seconds"]) for row in have.values()) / 3600, 2)
    return found | {"settings": places, "seeds": seeds, "hours": hours, "effects": effects}


def collected():
    """The grids of the stress plans that are done."""
    done = [name for name in run.chosen() if run.rows(name) and not run.current(name)[1]]
    return [grid(name) for name in done]


def stored_text():
    """collected() as JSON, a line for each effect."""
    text = json.dumps(collected(), ensure_ascii=False)
    return text.replace('}, {"plan"', '},\n{"plan"').replace('{"claim"', '\n  {"claim"') + "\n"


def summary(name):
    """What grid() says of each effect of a stress plan, and {knob: its share of the ranks' variance}, "shares"."""
    found, lines = grid(name), []
    counts = {"plan": name, "asked": len(run.plan(name)["design"]), "knobs": found["knobs"]}
    for effect in found["effects"]:
        levels = chapter()["columns"](found["settings"]) if len(effect["mean"]) > 1 else []
        ranks = chapter()["ranks"](effect["mean"])
        shares = {knob: chapter()["explained"](column, ranks) for knob, column in zip(found["knobs"], levels)}
        lines.append(counts | effect | {"settings": len(effect["mean"]), "shares": shares})
    return lines


def told(line):
    """A summary line as text."""
    head, count = f"{line['claim']:02} {line['says']}: {line['settings']} of {line['asked']} settings", line["tally"]
    if not line["shares"]:
        return head
    head += f", holds in {count['holds']}, reversed in {count['reversed']}, unseen in {count['unseen']}"
    if count["unseen"]:
        head += f" (where {count['least']:.3g} would have been seen, in half of them {count['typical']:.3g})"
    text = [head + (f"; a rate at the ladder's end in {line['edges']}" if line["edges"] else "")]
    for knob, share in sorted(line["shares"].items(), key=lambda item: -item[1]):
        means = zip(line["knobs"][knob], line["levels"][knob])
        levels = ", ".join(f"{level}: {mean:+.3g}" for level, mean in means if mean is not None)
        text.append(f"     {share:4.0%} {knob:10} {levels}{'  <- decides' if knob == line['decides'] else ''}")
    return "\n".join(text)


def final_runs(asked, have):
    """{arm: {metric: an array, one value for each of its final runs}} of the arms whose final runs are all there."""
    found = {}
    for arm in asked["arms"]:
        calls = stress.finals(asked, asked["design"][0], arm, have)
        rows = [have.get(json.dumps(call)) for call in calls]
        if rows and None not in rows:
            names = rows[0]["result"]
            found[arm] = {name: np.concatenate([row["result"][name] for row in rows]) for name in names}
    return found


def difference(effect, have):
    """more - less of an effect, from {arm: {metric: its value or values}}; None where one of them is not there."""
    total = 0.0
    for side, sign in (("more", 1), ("less", -1)):
        for arm, metrics in stress.sides_of(effect, side):
            if not set(metrics) <= set(have.get(arm, {})):
                return None
            total = total + sign * sum(have[arm][metric] for metric in metrics)
    return total


def standing(effects):
    """What becomes of a published result, as chapter 14 has it, from effects as dicts: "word" is what verdict said, or
    None while not run, and "needs" is true if the comparison rests on this one."""
    if not effects or any(effect["word"] is None for effect in effects):
        return "not run"
    words, needed = ([one["word"] for one in effects if bool(one.get("needs")) is rests] for rests in (False, True))
    return chapter()["standing"](words, needed)


def replicated(name):
    """The published tables of a plan, each a dict as the plan has it, and with

    "plan", "key"   where it stands
    "rows"          {"arm", "published" (or None), "here" ({metric: one value a seed}, empty while not run), "rate",
                    "edge" (whether the rate is the ladder's end)} for each arm that the table is about
    "beside"        metrics to be shown beside the table's own
    "effects"       as in the plan, and "was" (the published difference, or None), "values" (one a seed), "word"
    "standing"      as above"""
    asked, found = run.plan(name), []
    have = run.there(name, asked)
    runs, at = final_runs(asked, have), asked["design"][0]
    for key, table in asked["tables"].items():
        published, effects = table.get("published", {}), []
        known = {arm: {table["metric"]: value} for arm, value in published.items()}
        for effect in asked["effects"]:
            if effect["table"] == key:
                values, word = difference(effect, runs), None
                if values is not None:
                    shifted = values + effect["sign"] * effect.get("margin", 0.0)
                    word = chapter()["verdict"](*interval(shifted), effect["sign"])
                effects.append(effect | {"was": difference(effect, known), "values": values, "word": word})
        rows = []
        for arm in asked["arms"]:
            if arm in published or any(arm in stress.arms_of(effect) for effect in effects):
                row, edge = chosen(asked, at, arm, asked["finally"]["choose"], have)
                rate = row and row["setting"][asked["rates"]["argument"]]
                rows.append({"arm": arm, "published": published.get(arm), "here": runs.get(arm, {}), "rate": rate,
                             "edge": edge})  # fmt: skip
        beside = asked.get("beside", [])
        more = {"rows": rows, "effects": effects, "beside": beside, "standing": standing(effects)}
        found.append(table | {"plan": name, "key": key} | more)
    return found


def published():
    """The published tables of the plans that are done, by year and number, as JSON has them: {"key", "plan", "source",
    "link", "says", "differs", "metric", "unit" of the published numbers if that is another, "seeds", "hours" of the
    plan, "rows": [{"arm", "published" or None, "mean", "half", "rate", "beside": {another metric: {"mean", "half"}}}],
    "effects": [{"says", "short", "sign", "needs", "margin", "was" or None, "mean", "half", "word"}], "standing"}; to
    five digits."""
    found = []
    for name in run.chosen(folder="replicate"):
        whole = run.rows(name) and not run.current(name)[1]
        for one in replicated(name) if whole else ():
            have = run.there(name, run.plan(name)).values()
            told = {key: one[key] for key in ("key", "source", "link", "says", "differs", "metric", "standing")}
            told |= {"plan": name.removeprefix("replicate/"), "unit": one.get("unit")}
            told["seeds"] = min(len(effect["values"]) for effect in one["effects"])
            told["hours"] = round(sum(row["cpu_seconds"] for row in have) / 3600, 2)
            told["rows"] = [
                {"arm": row["arm"], "published": row["published"], "rate": row["rate"]}
                | rounded(row["here"][one["metric"]])
                | {"beside": {metric: rounded(row["here"][metric]) for metric in one["beside"]}}
                for row in one["rows"]
                if one["metric"] in row["here"]
            ]
            told["effects"] = [
                {key: effect[key] for key in ("says", "short", "sign")}
                | {"needs": bool(effect.get("needs"))}
                | {"margin": effect.get("margin", 0.0), "word": effect["word"]}
                | {"was": None if one.get("unit") or effect["was"] is None else float(f"{effect['was']:.5g}")}
                | rounded(effect["values"])
                for effect in one["effects"]
            ]
            found.append(told)
    return sorted(found, key=lambda one: numbers_in(one["key"]))


def numbers_in(text):
    """The numbers of a text in their order, to sort by: "2014, Figure 9b" before "2014, Figure 10"."""
    return [float(number.replace(",", "")) for number in re.findall(r"\d[\d,]*(?:\.\d+)?", text)]


def rounded(values):
    """The interval of these values, to five digits."""
    return dict(zip(("mean", "half"), (float(f"{number:.5g}") for number in interval(values))))


def published_text():
    """published() as JSON, a line for each row and each difference."""
    text = json.dumps(published(), ensure_ascii=False).replace('{"key"', '\n{"key"')
    return text.replace('{"arm"', '\n  {"arm"').replace('{"says"', '\n  {"says"') + "\n"


def table(found):
    """One of these as text."""
    lines = [f"{found['key']}: {found['standing']}", f"  {found['source']}", f"  {found['says']}"]
    for row in found["rows"]:
        line = f"     {row['arm']:28}"
        line += f" published {row['published']:6.2f}" if row["published"] is not None else ""
        for metric in [found["metric"], *found["beside"]] if row["here"] else ():
            line += "   {} {:.3f} ± {:.3f}".format(metric, *interval(row["here"][metric]))
        line += (
            f"   rate {row['rate']:g}{', the last of the ladder' if row['edge'] else ''}"
            if row["here"]
            else "   not run"
        )
        lines.append(line)
    for effect in found["effects"]:
        line = f"     {effect['says']}:"
        line += f" published {effect['was']:+.2f}," if effect["was"] is not None and "unit" not in found else ""
        if effect["values"] is not None:
            line += " here {:+.3f} ± {:.3f}".format(*interval(effect["values"]))
        lines.append(f"{line} ({effect['word'] or 'not run'}{', which the rest needs' if effect.get('needs') else ''})")
    return "\n".join(lines)


def main():
    try:
        if sys.argv[1:2] == ["--replicate"]:
            for name in run.chosen(table=" ".join(sys.argv[2:]), folder="replicate"):
                print(*map(table, replicated(name)), sep="\n")
            return
        if sys.argv[1:] == ["--store"]:
            if os.environ.get("DROPOUT_TEXT"):
                raise ValueError("DROPOUT_TEXT is set, and the book's results are those on its own names")
            for name, text in (("reach", stored_text()), ("replications", published_text())):
                (run.PLANS / "results" / f"{name}.json").write_text(text, encoding="utf-8")
            return
        for claim in sys.argv[1:] or [""]:
            for name in run.chosen(claim):
                for line in summary(name):
                    if claim in ("", str(line["claim"])):
                        print(told(line))
    except ValueError as error:
        sys.exit(f"dropout-book: {error}")


if __name__ == "__main__":
    main()
