"""Stress plans: one comparison over a balanced fraction of a grid of settings, every arm tuned, for its claims.

experiments/stress/NAME.toml says:

    notebook, function    where the comparison is written down
    rates                 {argument, values, first, last}: the ladder that each arm is tuned over, and where to begin on
                          it; left out where the function tunes by itself
    [always]              arguments of every call
    [knobs]               three levels of each knob; the middle one is the chapter's. A level may be a table of
                          arguments, and a level may stand twice: then two of three settings have it.
    [arms]                the arguments of each arm; "=n // 3" is worked out from the setting's. A knob with _ in front
                          is there for this only
    [[effects]]           claim, says, more = "arm.metric", less = "arm.metric" or nothing (metrics are added, as in
                          "arm.a + b"), sign of more - less that the claim expects, choose = the validation metric by
                          which the rate is chosen
    [finally]             choose, and lists of arguments: calls that follow at the best rate, such as those that open a
                          test set
    [tables.KEY]          in experiments/replicate, what was published: source, link, metric, says (the result in a
                          sentence), differs (what is not as published), published {arm: number}, and unit where that
                          is not the metric's
    beside                metrics that are kept and shown though no effect is about them
    [on.mnist]            other levels where the knob `data` says mnist; `first` names the function whose `sizes` start
                          with the number of pixels

The settings are rows of design.txt, the same for all arms: each level of a knob meets each level of any other knob
equally often, and so it is within the first nine rows and the next nine for single knobs. They are run in this order.

A published result is effects, too: each with the `table` that it is of, and `short`, a label. more and less may be
lists of arms, to be added. With margin = 0.1 the difference may lie up to 0.1 on the other side, as where the published
one is nothing; with needs = true it is what the comparison rests on. What is made of them, reach.py says.
"""

import itertools
import json
import math
import tomllib
from pathlib import Path

FOLDER = Path(__file__).resolve().parent / "stress"


def design():
    """The rows of design.txt, as tuples of 0, 1 and 2."""
    lines = (FOLDER / "design.txt").read_text(encoding="utf-8").splitlines()
    return [tuple(map(int, line)) for line in lines if line and line[0] != "#"]


def plan(path):
    """A stress plan as a dict, its "design" a list of {knob: level}. One sentence as a ValueError if it is faulty."""
    asked = tomllib.loads(path.read_text(encoding="utf-8"))
    if missing := {"notebook", "function", "knobs", "arms", "effects"} - set(asked):
        raise ValueError(f"{path.name}: needs {', '.join(sorted(missing))}")
    rows, knobs = design(), asked["knobs"]
    if len(knobs) > len(rows[0]) or any(len(levels) != 3 for levels in knobs.values()):
        raise ValueError(f"{path.name}: at most {len(rows[0])} knobs, of three levels each")
    for effect in asked["effects"]:
        if "finally" in asked:
            effect.setdefault("choose", asked["finally"]["choose"])
        for side in ("more", "less"):
            if any(arm not in asked["arms"] for arm, _ in sides_of(effect, side)):
                raise ValueError(f"{path.name}: no arm for {effect[side]}")
        if effect["sign"] not in (1, -1) or ("rates" in asked and "choose" not in effect):
            raise ValueError(f"{path.name}: an effect needs sign = 1 or -1, and choose where rates are tuned")
        if "tables" in asked and not (effect.get("table") in asked["tables"] and "short" in effect):
            raise ValueError(f"{path.name}: an effect needs the table that it is of, and a short label")
    settings = [{knob: levels[i] for (knob, levels), i in zip(knobs.items(), row)} for row in rows]
    asked["design"] = list({json.dumps(at): at for at in settings}.values())
    return asked


def arguments(asked, at, arm):
    """What the function is called with for one arm at one setting {knob: level}, but for the rate."""
    found = dict(asked.get("always", {}))
    elsewhere = asked.get("on", {}).get(at.get("data"), {})
    for knob, level in at.items():
        if knob in elsewhere:
            level = elsewhere[knob][asked["knobs"][knob].index(level)]
        if isinstance(level, dict):
            found |= level
        elif (knob, level) != ("data", "digits"):
            found[knob] = level
    for name, value in asked["arms"][arm].items():
        worked_out = isinstance(value, str) and value.startswith("=")
        found[name] = eval(value[1:], {"__builtins__": {}}, dict(found)) if worked_out else value
    return {name: value for name, value in found.items() if not name.startswith("_")}


def tried(asked, at, arm, have):
    """The calls that tune one arm at one setting, and whether more may follow. From the first rates on, the ladder is
    climbed or descended while the best is at the end of what was tried: it depends on the results and on nothing else.

    have: {call as JSON: its row}."""
    call = arguments(asked, at, arm)
    if "rates" not in asked:
        return [call]
    ladder = asked["rates"]
    first, last = ladder["first"], ladder["last"]
    measures = {effect["choose"] for effect in asked["effects"] if arm in arms_of(effect)}
    measures |= {asked["finally"]["choose"]} if "finally" in asked else set()
    while True:
        calls = [call | {ladder["argument"]: rate} for rate in ladder["values"][first : last + 1]]
        rows = [have.get(json.dumps(one)) for one in calls]
        if None in rows:
            return calls
        best = {index_of_best(rows, measure) for measure in measures}
        down = first > 0 and 0 in best
        up = last < len(ladder["values"]) - 1 and len(rows) - 1 in best
        if not (down or up):
            return calls
        first, last = first - down, last + up


def arms_of(effect):
    """The arms that an effect compares."""
    return {arm for side in ("more", "less") for arm, _ in sides_of(effect, side)}


def index_of_best(rows, measure):
    """Which row has the lowest mean; what is not a number is never the best."""
    means = [sum(row["result"][measure]) / len(row["result"][measure]) for row in rows]
    return min(range(len(means)), key=lambda i: math.inf if math.isnan(means[i]) else means[i])


def finals(asked, at, arm, have):
    """The calls that follow at the best rate where the plan has [finally]: its lists have a value for each of them."""
    row = best_row(asked, at, arm, asked["finally"]["choose"], have)
    last = {name: values for name, values in asked["finally"].items() if name != "choose"}
    return [row["setting"] | dict(zip(last, values)) for values in zip(*last.values())] if row else []


def best_row(asked, at, arm, choose, have):
    """The row of an arm at a setting that is best on validation; None while it is not known."""
    rows = [have.get(json.dumps(call)) for call in tried(asked, at, arm, have)]
    return None if None in rows else rows[index_of_best(rows, choose)] if "rates" in asked else rows[0]


def wanted(asked, have):
    """All calls of a plan as far as the rows that are there tell, setting by setting."""
    pairs = list(itertools.product(asked["design"], asked["arms"]))
    calls = [call for pair in pairs for call in tried(asked, *pair, have)]
    if "finally" in asked:
        calls += [call for pair in pairs for call in finals(asked, *pair, have)]
    return list({json.dumps(call): call for call in calls}.values())


def side_of(effect, side):
    """The arm and the metrics, to be added, of an effect's side."""
    arm, _, metrics = effect[side].partition(".")
    return arm, metrics.split(" + ")


def sides_of(effect, side):
    """side_of all that an effect has on one side: nothing, one or several, to be added."""
    said = effect.get(side, [])
    return [side_of({side: one}, side) for one in ([said] if isinstance(said, str) else said)]


def metrics(asked):
    """The metrics that a plan keeps."""
    sides = [sides_of(effect, side) for effect in asked["effects"] for side in ("more", "less")]
    named = [name for _, names in itertools.chain(*sides) for name in names]
    chosen = [part["choose"] for part in (*asked["effects"], asked.get("finally", {})) if "choose" in part]
    return sorted({*named, *chosen, *asked.get("beside", [])})
