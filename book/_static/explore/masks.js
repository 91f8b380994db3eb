// Chapter 2's four units under every mask of them: outputs, gradients, and what they average to.
export const follows = "78c5bb7d";
export const heights = { wide: 960, narrow: 1130 };
export const small = { wide: 470, narrow: 500 };

export const X = [2, 4, 6, 8];
export const G = [1, 2, 3, 4];

/** Every mask of n units, in binary order: arrays of 0 and 1. */
export const allMasks = (n) => Array.from({ length: 2 ** n }, (_, k) => Array.from({ length: n }, (_, i) => (k >> (n - 1 - i)) & 1));

/** What kept values are multiplied by in training, and all values in evaluation, for a `scaling`. */
export function factors(scaling, p) {
  const training = scaling === "train" || scaling === "both";
  const evaluation = scaling === "test" || scaling === "both";
  return [training && p < 1 ? 1 / (1 - p) : 1, evaluation ? 1 - p : 1];
}

/** mask * values, times the training factor: outputs of x, and gradients of what comes back. */
export const through = (values, mask, p, scaling = "train") => values.map((v, i) => (mask[i] ? v * factors(scaling, p)[0] : 0));

/** Probability of a mask: p for each 0 in it, 1 − p for each 1. */
export const probability = (mask, p) => mask.reduce((all, m) => all * (m ? 1 - p : p), 1);

/** Mean and variance of each unit's output, by going through all masks. */
export function moments(x, p, scaling = "train") {
  const mean = x.map(() => 0);
  const square = x.map(() => 0);
  for (const mask of allMasks(x.length)) {
    through(x, mask, p, scaling).forEach((y, i) => {
      mean[i] += probability(mask, p) * y;
      square[i] += probability(mask, p) * y * y;
    });
  }
  return { mean, variance: square.map((s, i) => Math.max(0, s - mean[i] ** 2)) };
}

const digits = (mask) => [...mask].map(Number);
const HEADS = ["unit 1", "unit 2", "unit 3", "unit 4"];
const WORDS = { none: "never", train: "in training", test: "in evaluation", both: "in both" };

// Draws `count` masks more and keeps the sums from which mean and variance follow.
function drawMore(count, { p, scaling }, kit) {
  const memory = (kit.memory.sums ??= { n: 0, sum: [0, 0, 0, 0], square: [0, 0, 0, 0] });
  const random = (kit.memory.random ??= kit.generator(1));
  let mask;
  for (let k = 0; k < count; k++) {
    mask = X.map(() => (random() >= p ? 1 : 0));
    through(X, mask, p, scaling).forEach((y, i) => {
      memory.sum[i] += y;
      memory.square[i] += y * y;
    });
  }
  memory.n += count;
  return { mask: mask.join("") };
}

function sampled({ memory: { sums } }) {
  if (!sums?.n) return null;
  const mean = sums.sum.map((s) => s / sums.n);
  return { n: sums.n, mean, variance: sums.square.map((s, i) => Math.max(0, s / sums.n - mean[i] ** 2)) };
}

// For each unit: both outputs that occur, the one of this mask, the exact mean, and that of the masks drawn.
function sketch({ box, shape, picture, small, ...kit }, { p, mask, scaling }) {
  const [width, height] = [box.clientWidth, small ? 130 : 190];
  const tall = Math.max(...through(X, [1, 1, 1, 1], p, scaling), ...X);
  const up = (value) => height - 24 - ((height - 44) * value) / tall;
  const all = moments(X, p, scaling).mean;
  const drawn = sampled(kit)?.mean;
  const outputs = through(X, digits(mask), p, scaling);
  const parts = [shape("line", { x1: 0, x2: width, y1: up(0), y2: up(0), class: "ground" })];
  const diamond = (x, y, name) => shape("path", { d: `M${x} ${y - 8}l8 8l-8 8l-8 -8z`, class: name });
  X.forEach((x, i) => {
    const at = width * (0.26 + 0.74 * ((i + 0.5) / 4));
    const kept = through(X, [1, 1, 1, 1], p, scaling)[i];
    parts.push(shape("line", { x1: at, x2: at, y1: up(0), y2: up(kept), class: "reach" }));
    for (const value of [0, kept]) parts.push(shape("circle", { cx: at, cy: up(value), r: 5, class: "possible" }));
    parts.push(shape("line", { x1: at - 18, x2: at + 18, y1: up(x), y2: up(x), class: "input" }));
    parts.push(diamond(at, up(all[i]), "mean"));
    if (drawn) parts.push(diamond(at, up(Math.min(drawn[i], tall)), "drawn"));
    parts.push(shape("circle", { cx: at, cy: up(outputs[i]), r: 8, class: "now" }));
    parts.push(shape("text", { x: at, y: height - 2, "text-anchor": "middle" }, `x = ${x}`));
  });
  const words = [[up(tall) + 4, "kept", "now"], [up(all[3]) + 4, "mean", "mean"], [up(0) - 6, "dropped", "now"]];
  for (const [y, text, name] of words) parts.push(shape("text", { x: 0, y, class: name }, text));
  picture.setAttribute("viewBox", `0 0 ${width} ${height}`);
  picture.replaceChildren(...parts);
}

export default {
  name: "masks",
  label: "Mask explorer",
  state: { p: 0.5, mask: "1010", scaling: "train" },
  controls: [
    { kind: "range", name: "p", label: "p, the probability to drop", min: 0, max: 0.9, step: 0.05, show: (p) => p.toFixed(2) },
    { kind: "choice", name: "scaling", label: "Scale", options: WORDS, large: true },
    { kind: "hidden", name: "mask", fits: (text) => /^[01]{4}$/.test(text) },
    { kind: "button", label: "Draw one", press: (state, kit) => drawMore(1, state, kit) },
    { kind: "button", label: "Draw 1,000", press: (state, kit) => drawMore(1000, state, kit) },
  ],

  async ready(kit) {
    const { node, shape } = kit;
    const units = X.map((x, i) => {
      const button = node("button", { type: "button" });
      button.addEventListener("click", () => {
        const mask = digits(kit.state.mask);
        mask[i] = 1 - mask[i];
        kit.set({ mask: mask.join("") });
      });
      return button;
    });
    const row = (head, className = "") => {
      const cells = X.map(() => node("td"));
      return { cells, line: node("tr", { className }, node("th", { scope: "row", textContent: head }), ...cells) };
    };
    const rows = {
      mask: row("mask m"), y: row("output y", "trained"), g: row("gradient", "trained"),
      sampled: row("mean, drawn"), mean: row("mean, all", "exact"),
      spread: row("var., drawn"), variance: row("var., all", "exact"), evaluation: row("evaluated"),
    };
    const shown = kit.small ? ["mask", "y", "mean"] : Object.keys(rows);
    rows.mask.cells.forEach((cell, i) => cell.append(units[i]));
    const head = node("tr", {}, node("td"), ...HEADS.map((text) => node("th", { scope: "col", textContent: text })));
    const grid = node("table", { className: "units" }, node("thead", {}, head), node("tbody", {}, ...shown.map((name) => rows[name].line)));
    const picture = shape("svg", { "aria-hidden": "true" });
    kit.box.append(picture, grid);
    Object.assign(kit, { units, rows, picture });
    new ResizeObserver(() => sketch(kit, kit.state)).observe(kit.box);
  },

  draw(kit, state) {
    const { units, rows, show } = kit;
    const { p, mask, scaling } = state;
    const kept = digits(mask);
    const [, evaluation] = factors(scaling, p);
    const all = moments(X, p, scaling);
    const drawn = sampled(kit);
    const fill = (row, values) => row.cells.forEach((cell, i) => (cell.textContent = values ? show(values[i]) : "–"));
    units.forEach((button, i) => {
      button.replaceChildren(kept[i] ? "1" : "0", kit.node("span", { textContent: kept[i] ? "kept" : "dropped" }));
      button.setAttribute("aria-pressed", !kept[i]);
      button.setAttribute("aria-label", `Drop unit ${i + 1}`);
    });
    fill(rows.y, through(X, kept, p, scaling));
    fill(rows.g, through(G, kept, p, scaling));
    fill(rows.sampled, drawn?.mean);
    fill(rows.spread, drawn?.variance);
    fill(rows.mean, all.mean);
    fill(rows.variance, all.variance);
    fill(rows.evaluation, X.map((x) => x * evaluation));
    sketch(kit, state);
  },

  sentence({ p, mask, scaling }, kit) {
    const list = (values) => values.map((v) => kit.show(v)).join(", ");
    const all = moments(X, p, scaling);
    const evaluation = X.map((x) => x * factors(scaling, p)[1]);
    const agrees = evaluation.every((v, i) => Math.abs(v - all.mean[i]) < 1e-9);
    return `Mask ${[...mask].join(" ")} at p = ${p.toFixed(2)}: outputs ${list(through(X, digits(mask), p, scaling))}; gradients ${list(through(G, digits(mask), p, scaling))}. Mean of all 16 masks ${list(all.mean)}: ${agrees ? "as in evaluation" : `in evaluation it is ${list(evaluation)}`}.${kit.memory.sums ? ` ${kit.memory.sums.n.toLocaleString("en")} masks drawn.` : ""}`;
  },

  numbers: ({ p, scaling }, kit) => ({
    caption: `All 16 masks at p = ${p.toFixed(2)}, scaled ${WORDS[scaling]}`,
    head: ["mask", "probability", ...HEADS],
    rows: allMasks(4).map((mask) => [mask.join(" "), `${(100 * probability(mask, p)).toFixed(2)} %`, ...through(X, mask, p, scaling).map((y) => kit.show(y))]),
  }),

  question: {
    ask: "At which p is the standard deviation of each unit half of its value, if kept outputs are scaled in training?",
    right: ({ p, scaling }) => scaling === "train" && Math.abs(p - 0.2) < 1e-9,
    hint({ p, scaling }, kit) {
      if (scaling !== "train") return "Scale in training first.";
      return `At p = ${p.toFixed(2)} the standard deviation of unit 1 is ${kit.show(Math.sqrt(moments(X, p).variance[0]))}; half of its value is 1.`;
    },
    why: "The variance is p/(1 − p) · x², which is x²/4 at p = 0.2.",
  },
};
