// Chapter 10's stored comparison of schedules with one mean p: what a single learning rate says, and what tuning says.
import { meanCi } from "./numbers.js";

export const follows = "3caf09c3";
export const heights = { wide: 1025, narrow: 1215 };

const RATES = [0.0075, 0.015, 0.03, 0.06, 0.12, 0.24];
const OWN = RATES.length; // the slider's last place: each arm at its own best rate
const PEAKS = { constant: 0.25, late: 0.5, rising: 0.5, falling: 0.5 };

/** p at the share t of the training, for schedules with a mean of a quarter. */
export const rateOf = (kind, t) => PEAKS[kind] * { constant: 1, late: Number(t >= 0.5), rising: t, falling: 1 - t }[kind];

/** {learning rate: {metric: values of the seeds}} of an arm that ran to the end, at a budget. */
export const arm = (stored, steps, kind) =>
  new Map(stored.filter(([s]) => s.steps === steps && s.kind === kind && s.p === PEAKS[kind] && !s.group && !s.stop).map(([s, found]) => [s.lr, found]));

/** The learning rate with the lowest mean validation loss. */
export const best = (stored, steps, kind) =>
  [...arm(stored, steps, kind)].map(([lr, { val }]) => [lr, meanCi(val)[0]]).reduce((low, each) => (each[1] < low[1] ? each : low))[0];

/** first − second of each seed, both at `lr`, or each at its own best rate where that is null; null where not run. */
export function differences(stored, steps, first, second, lr, metric = "loss") {
  const [a, b] = [first, second].map((kind) => arm(stored, steps, kind).get(lr ?? best(stored, steps, kind))?.[metric]);
  return a && b ? a.map((value, seed) => value - b[seed]) : null;
}

const rateAt = (place) => (place < OWN ? RATES[place] : null);
const signed = (value, kit, digits = 3) => `${value > 0 ? "+" : ""}${kit.show(value, digits)}`;
const OPTIONS = Object.fromEntries(Object.keys(PEAKS).map((kind) => [kind, kind]));

function verdict(values, { first, second }, kit) {
  const [mean, half] = meanCi(values);
  const says = first === second ? "one and the same" : Math.abs(mean) <= half ? "no difference shows" : `${mean < 0 ? first : second} is better`;
  return `${signed(mean, kit)} ± ${kit.show(half, 3)}: ${says}`;
}

export default {
  name: "schedules",
  label: "Schedules against learning rates",
  state: { first: "late", second: "constant", steps: "400", rate: 4 },
  controls: [
    { kind: "range", name: "rate", label: "Learning rate of both", min: 0, max: OWN, step: 1, show: (place) => (place < OWN ? String(RATES[place]) : "each its own best") },
    { kind: "choice", name: "first", label: "Schedule", options: OPTIONS },
    { kind: "choice", name: "second", label: "Compared with", options: OPTIONS },
    { kind: "choice", name: "steps", label: "Training steps", options: { 100: "100", 400: "400" } },
  ],

  async ready(kit) {
    kit.tools = await kit.d3();
    kit.room = document.querySelector("[data-explore=schedules]").parentElement.clientWidth; // until the box is on the page
    kit.picture = kit.shape("svg", { "aria-hidden": "true" });
    kit.box.append(kit.picture);
    new ResizeObserver(() => this.draw(kit, kit.state)).observe(kit.box);
  },

  draw(kit, state) {
    const { shape, show } = kit;
    const { scaleLinear, line } = kit.tools;
    const stored = kit.stored.SCHEDULES;
    const { first, second, rate } = state;
    const steps = Number(state.steps);
    const width = kit.box.clientWidth || kit.room;
    const [left, right, top, high, start, low] = [48, width - 10, 26, 80, 170, width < 500 ? 210 : 240];
    const text = (content, x, y, name = "tick", anchor = "start") => shape("text", { x, y, class: name, "text-anchor": anchor }, content);
    const rule = (x1, y1, x2, y2, name) => shape("path", { class: name, d: `M${x1} ${y1}L${x2} ${y2}` });

    const across = scaleLinear([0, 1], [left, right]);
    const p = scaleLinear([0, 0.55], [top + high, top]);
    const TS = [0, 0.25, 0.4999, 0.5, 0.75, 1];
    const curve = (kind) => line((t) => across(t), (t) => p(rateOf(kind, t)))(TS);
    const plan = [
      shape("text", { x: 0, y: 14 }, "p over the training: ", shape("tspan", { class: "name" }, first), ` and ${second}, dashed`),
      ...[0, 0.25, 0.5].flatMap((tick) => [rule(left, p(tick), right, p(tick), "grid"), text(tick, left - 6, p(tick) + 4, "tick", "end")]),
      shape("path", { class: "second", d: curve(second) }),
      shape("path", { class: "first", d: curve(first) }),
      text("start", left, top + high + 17), text("end", right, top + high + 17, "tick", "end"),
    ];

    const all = [100, 400].flatMap((n) => [...RATES, null].flatMap((lr) => differences(stored, n, first, second, lr) ?? []));
    const most = 1.08 * Math.max(0.05, ...all.map(Math.abs));
    const y = scaleLinear([-most, most], [start + low, start]);
    const gap = (right - left) / (OWN + 1);
    const x = (place) => left + gap * (place + 0.5);
    const found = [...RATES, null].map((lr) => differences(stored, steps, first, second, lr));
    const means = found.map((values) => values && meanCi(values));
    const run = RATES.map((_, place) => place).filter((place) => found[place]);
    const bar = ([mean, half], place, name) => [
      rule(x(place), y(mean - half), x(place), y(mean + half), `bar ${name}`),
      shape("circle", { class: name, cx: x(place), cy: y(mean), r: place === rate ? 6 : 4 }),
    ];
    const chart = [
      text("difference of test log-loss, nats", 0, start - 12, "title"),
      shape("rect", { class: "column", x: x(rate) - gap / 2, y: start, width: gap, height: low }),
      ...y.ticks(5).flatMap((tick) => [rule(left, y(tick), right, y(tick), tick ? "grid" : "zero"), text(show(tick), left - 6, y(tick) + 4, "tick", "end")]),
      shape("path", { class: "link", d: line((place) => x(place), (place) => y(means[place][0]))(run) ?? "" }),
      ...means.flatMap((mean, place) => (mean ? bar(mean, place, place === rate ? "here" : place === OWN ? "own" : "other") : [text("–", x(place), y(0) - 6, "tick", "middle")])),
      ...(found[rate] ?? []).map((value, seed) => shape("circle", { class: "seed", cx: x(rate) + gap * 0.32 * (seed % 2 ? 1 : -1), cy: y(value), r: 3 })),
      text(`${second} is better`, left + 4, start + 15, "words"),
      text(`${first} is better`, left + 4, start + low - 7, "words"),
      ...RATES.map((value, place) => text(width < 500 ? String(value).replace("0.", ".") : value, x(place), start + low + 18, "tick", "middle")),
      text("own", x(OWN), start + low + 18, "own", "middle"), text("best", x(OWN), start + low + 33, "own", "middle"),
      text("learning rate of both", (left + x(5)) / 2, start + low + 36, "tick", "middle"),
    ];
    kit.picture.setAttribute("viewBox", `0 0 ${width} ${start + low + 42}`);
    kit.picture.replaceChildren(...plan, ...chart);
  },

  sentence(state, kit) {
    const stored = kit.stored.SCHEDULES;
    const { first, second, rate } = state;
    const steps = Number(state.steps);
    const own = differences(stored, steps, first, second, null);
    const rates = [first, second].map((kind) => best(stored, steps, kind));
    const tuned = `Each at its own best rate, ${rates.join(" and ")}: ${verdict(own, state, kit)}.`;
    const said = `${first} − ${second}, test log-loss after ${steps} steps, ten seeds.`;
    if (rate === OWN) return `${said} ${tuned}`;
    const here = differences(stored, steps, first, second, rateAt(rate));
    return `${said} ${here ? `Both at ${rateAt(rate)}: ${verdict(here, state, kit)}.` : `Nothing was run at ${rateAt(rate)}.`} ${tuned}`;
  },

  numbers(state, kit) {
    const stored = kit.stored.SCHEDULES;
    const steps = Number(state.steps);
    const cell = (values, digits) => {
      if (!values) return "–";
      const [mean, half] = meanCi(values);
      return `${signed(mean, kit, digits)} ± ${kit.show(half, digits)}`;
    };
    return {
      caption: `${state.first} − ${state.second} after ${steps} steps`,
      head: ["learning rate", "log-loss, nats", "error, points"],
      rows: [...RATES, null].map((lr) => [lr ?? "each its best", ...["loss", "error"].map((metric, i) => cell(differences(stored, steps, state.first, state.second, lr, metric), i ? 1 : 3))]),
    };
  },

  question: {
    ask: "One rate for both can also speak against late dropout. Find a rate and a number of steps at which constant is better than late.",
    right({ first, second, steps, rate }, kit) {
      const values = first === "late" && second === "constant" && rate < OWN && differences(kit.stored.SCHEDULES, Number(steps), first, second, RATES[rate]);
      return Boolean(values) && meanCi(values)[0] > meanCi(values)[1];
    },
    hint(state, kit) {
      if (state.first !== "late" || state.second !== "constant") return "Compare late with constant first.";
      const values = differences(kit.stored.SCHEDULES, Number(state.steps), "late", "constant", rateAt(state.rate));
      return values ? `Here it is ${verdict(values, state, kit)}.` : "Nothing was run here.";
    },
    why: "Whoever runs one rate alone can find either result.",
  },
};
