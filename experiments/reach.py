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


def replicated(name, metric="test_error"):
    """[(arm, published, its values by seed)] of a table that was replicated, as far as it is done."""
    asked, found = run.plan(name), []
    have = run.there(name, asked)
    for arm in asked["arms"]:
        rows = [have.get(json.dumps(call)) for call in stress.finals(asked, asked["design"][0], arm, have)]
        values = [value for row in rows if row for value in row["result"][metric]]
        found.append((arm, asked["published"].get(arm), values))
    return found


def table(name):
    """A table that was replicated, as text."""
    lines = [name]
    for arm, published, values in replicated(name):
        here = "{:.2f} ± {:.2f}".format(*interval(values)) if len(values) > 1 else "not run"
        lines.append(f"     {arm:24} published {published:5.2f}   here {here} ({len(values)} seeds)")
    return "\n".join(lines)


def main():
    try:
        if sys.argv[1:2] == ["--replicate"]:
            print(*map(table, run.chosen(table=" ".join(sys.argv[2:]), folder="replicate")), sep="\n")
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
