"""What a grid of settings says about a claim: where its sign holds, where it turns, where nothing is seen, and by which
knob.

    python experiments/reach.py [CLAIM ...]
    python experiments/reach.py --replicate [TABLE]

An effect is a paired difference between two tuned arms, one number a seed; in each setting its sign is judged by its
95 % interval. Exact functions first, then the table that is printed.
"""

import json
import sys

import numpy as np
import run
import stress
from scipy.stats import beta, t


def interval(values):
    """Mean and half-width of the 95 % interval over the seeds (Student's t)."""
    values = np.asarray(values, float)
    return values.mean(), t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))


def verdict(values, sign):
    """ "holds" if the interval lies on the side that the claim expects, "reversed" on the other, else "unseen"."""
    mean, half = interval(values)
    return "unseen" if not abs(mean) > half else "holds" if mean * sign > 0 else "reversed"


def tally(effects, sign):
    """How many of the effects (one for each setting, an array over seeds) hold, are reversed and are unseen; "chance",
    how many of each sign there would be of nothing, since the intervals are judged one by one; and of the unseen
    "least" and "typical", the largest half-width and the median: a mean difference of this size would have been seen
    in each of them, or in half of them."""
    found = [verdict(values, sign) for values in effects]
    counts = {word: found.count(word) for word in ("holds", "reversed", "unseen")}
    halves = [interval(values)[1] for values, word in zip(effects, found) if word == "unseen"]
    return counts | {
        "chance": 0.025 * len(effects),
        "least": max(halves, default=0.0),
        "typical": np.median(halves or [0.0]),
    }


def main_effects(settings, means):
    """{knob: {"levels": {level: mean effect}, "share", "p"}} for settings [{knob: level}, …] and their mean effects.

    The share is that of the sum of squares over the settings which the knob's level means explain; in a balanced design
    the shares of all knobs and of what is left add up to 1. p is the chance of such a share or a larger one if the
    effects were independent draws of one normal distribution."""
    means, found = np.asarray(means, float), {}
    total = ((means - means.mean()) ** 2).sum()
    for knob in settings[0]:
        at = np.array([json.dumps(setting[knob]) for setting in settings])
        levels = {level: means[at == level] for level in dict.fromkeys(at)}
        between = sum(len(part) * (part.mean() - means.mean()) ** 2 for part in levels.values())
        share = between / total if total else 0.0
        more, rest = len(levels) - 1, len(means) - len(levels)
        p = beta.sf(share, more / 2, rest / 2) if more and rest else 1.0
        found[knob] = {"levels": {level: part.mean() for level, part in levels.items()}, "share": share, "p": p}
    return found


def decides(effects):
    """The knob of main_effects with the largest share, if that is more than chance gives one of so many knobs with 5 %;
    else None."""
    knob = max(effects, key=lambda name: effects[name]["share"])
    return knob if effects[knob]["p"] < 0.05 / len(effects) else None


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


def summary(name):
    """For each effect of a stress plan: the plan's words, its tally, its main effects and the knob that decides."""
    asked = run.plan(name)
    have, lines = run.there(name, asked), []
    for effect in asked["effects"]:
        rows = measured(asked, effect, have)
        line = {"plan": name, **effect, "settings": len(rows), "asked": len(asked["design"])}
        if len(rows) > 1:
            settings, values, edges = zip(*rows)
            knobs = main_effects(settings, [v.mean() for v in values])
            line |= tally(values, effect["sign"]) | {"edges": sum(edges), "knobs": knobs, "decides": decides(knobs)}
        lines.append(line)
    return lines


def told(line):
    """A summary line as text."""
    head = f"{line['claim']:02} {line['says']}: {line['settings']} of {line['asked']} settings"
    if "holds" not in line:
        return head
    text = [f"{head}, holds in {line['holds']}, reversed in {line['reversed']}, unseen in {line['unseen']}"]
    text[0] += (
        f" (where {line['least']:.3g} would have been seen, in half of them {line['typical']:.3g})"
        if line["unseen"]
        else ""
    )
    text[0] += f"; a rate at the ladder's end in {line['edges']}" if line["edges"] else ""
    for knob, part in sorted(line["knobs"].items(), key=lambda item: -item[1]["share"]):
        levels = ", ".join(f"{level}: {mean:+.3g}" for level, mean in part["levels"].items())
        mark = "  <- decides" if knob == line["decides"] else ""
        text.append(f"     {part['share']:4.0%} {knob:10} {levels}{mark}")
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
    """What becomes of a published result: effects as dicts with "word", what verdict said, or None while not run.

    "not comparable"      one that the comparison rests on (needs) does not hold: the setting here is another one
    "not replicated"      the interval of one difference lies on the other side than published, or none is seen
    "replicated"          each difference has its whole interval on the published side
    "replicated in part"  some have, and of the others nothing is seen"""
    if not effects or any(effect["word"] is None for effect in effects):
        return "not run"
    if any(effect.get("needs") and effect["word"] != "holds" for effect in effects):
        return "not comparable"
    words = [effect["word"] for effect in effects if not effect.get("needs")]
    if "reversed" in words or "holds" not in words:
        return "not replicated"
    return "replicated" if set(words) == {"holds"} else "replicated in part"


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
                    word = verdict(values + effect["sign"] * effect.get("margin", 0.0), effect["sign"])
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
        for claim in sys.argv[1:] or [""]:
            for name in run.chosen(claim):
                for line in summary(name):
                    if claim in ("", str(line["claim"])):
                        print(told(line))
    except ValueError as error:
        sys.exit(f"dropout-book: {error}")


if __name__ == "__main__":
    main()
