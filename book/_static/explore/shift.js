// Chapter 8's stack of norms with dropout in front of each, random weights, in the limit of infinitely many units.
export const follows = "280517c1";
export const heights = { wide: 940, narrow: 1205 };

export const DEPTH = 6;
const ACTIVATIONS = { ReLU: (z) => Math.max(z, 0), tanh: Math.tanh, sigmoid: (z) => 1 / (1 + Math.exp(-z)) };
const NORMS = { batch: "BatchNorm", refreshed: "refreshed", layer: "LayerNorm" };

// The points of a standard normal variable from −6 to 6, and their weights, which sum to 1.
function normal(step) {
  const points = Array.from({ length: Math.round(12 / step) + 1 }, (_, i) => i * step - 6);
  const weights = points.map((t) => Math.exp((-t * t) / 2));
  const all = weights.reduce((a, b) => a + b);
  return points.map((t, i) => [t, weights[i] / all]);
}
const FINE = normal(0.02);
const COARSE = normal(0.1);

/** Mean and variance of activation(N(mean, variance)). */
export function moments(activation, mean = 0, variance = 1) {
  const sd = Math.sqrt(variance);
  let m = 0, square = 0;
  for (const [t, weight] of FINE) {
    const h = ACTIVATIONS[activation](mean + sd * t);
    m += weight * h;
    square += weight * h * h;
  }
  return [m, Math.max(0, square - m * m)];
}

/** Variance of a unit in evaluation over that in training, under dropout. Li et al. 2019. */
export const varianceRatio = (mean, variance, p) => ((1 - p) * variance) / (variance + p * mean ** 2);

/**
 * What the k-th BatchNorm puts out in evaluation, k = 1 … 6, where training has mean 0 and variance 1 for each unit:
 * `variance` over the examples, and `off`, the variance over the units of each unit's mean.
 */
export function evaluation(activation, p) {
  const [m, v] = moments(activation);
  const trained = (v + m * m) / (1 - p) - m * m; // what it remembers, for weights whose squares sum to 1
  const layers = [{ variance: v / trained, off: 0 }];
  while (layers.length < DEPTH) {
    const { variance, off } = layers.at(-1);
    let spread = 0, moved = 0;
    for (const [t, weight] of off > 1e-9 ? COARSE : [[0, 1]]) {
      const [mean, within] = moments(activation, t * Math.sqrt(off), variance);
      spread += weight * within;
      moved += weight * (mean - m) ** 2;
    }
    layers.push({ variance: spread / trained, off: moved / trained });
  }
  return layers;
}

const known = {};
/** The same for each norm: refreshed statistics are those of evaluation, LayerNorm has none to remember. */
export function layers(activation, p, norm) {
  if (norm !== "batch") return Array.from({ length: DEPTH }, () => ({ variance: 1, off: 0 }));
  return (known[`${activation} ${p}`] ??= evaluation(activation, p));
}

// Two digits; below a tenth as a fraction, 1/12.
const two = (value) => String(Number(value.toPrecision(2)));
const fraction = (value) => (value < 0.095 ? `1/${Math.round(Number((1 / value).toPrecision(3))).toLocaleString("en")}` : value.toFixed(2));

const UNITS = [-1.28, -0.52, 0, 0.52, 1.28]; // five units: the tenths 1, 3, 5, 7 and 9 of all
const ROW = 46, TOP = 26, BOTTOM = 44;

export default {
  name: "shift",
  label: "Variance shift",
  state: { p: 0.5, activation: "ReLU", norm: "batch", depth: 6 },
  controls: [
    { kind: "range", name: "p", label: "p, the probability to drop", min: 0, max: 0.8, step: 0.05, show: (p) => p.toFixed(2) },
    { kind: "range", name: "depth", label: "depth, norms passed", min: 1, max: DEPTH, step: 1 },
    { kind: "choice", name: "activation", label: "Activation before dropout", options: { ReLU: "ReLU", tanh: "tanh", sigmoid: "sigmoid" } },
    { kind: "choice", name: "norm", label: "Norm", options: NORMS },
  ],

  async ready(kit) {
    Object.assign(kit, await kit.d3());
    kit.picture = kit.shape("svg", { "aria-hidden": "true" });
    kit.box.append(kit.picture);
    new ResizeObserver(() => kit.box.clientWidth !== kit.width && this.draw(kit, kit.state)).observe(kit.box);
  },

  draw(kit, { p, activation, norm, depth }) {
    const { shape, picture, scaleLinear, scaleLog, line, area } = kit;
    const width = (kit.width = kit.box.clientWidth || 320);
    const found = layers(activation, p, norm);
    const r = norm === "batch" ? varianceRatio(...moments(activation), p) : 1;
    const narrow = width < 480;
    const labels = narrow ? 52 : 64;
    const split = Math.round(width * (narrow ? 0.52 : 0.5));
    const bottom = TOP + ROW * DEPTH;
    const across = scaleLinear([-3.2, 3.2], [22, split - 14]);
    const smallest = Math.min(1e-3, 10 ** Math.floor(Math.log10(r ** DEPTH) + 1e-9));
    const along = scaleLog([1, smallest], [split + 4, width - labels]);
    const text = (x, y, words, attributes = {}) => shape("text", { x, y, ...attributes }, words);
    const parts = [];

    // The scales: one for the curves, one for the bars.
    for (const value of [-2, 0, 2]) parts.push(text(across(value), bottom + 18, String(value).replace("-", "−"), { class: "soft", "text-anchor": "middle" }));
    const decades = Math.round(-Math.log10(smallest));
    for (let k = 0; k <= decades; k += Math.ceil(decades / (narrow ? 2 : 3))) {
      const x = along(10 ** -k);
      parts.push(shape("path", { d: `M${x} ${TOP}V${bottom}`, class: "grid" }));
      parts.push(text(x, bottom + 18, k < 3 ? two(10 ** -k) : `10${[..."−" + k].map((c) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["−0123456789".indexOf(c)]).join("")}`, { class: "soft", "text-anchor": k ? "middle" : "start" }));
    }
    const curves = norm === "layer" ? ["one example each", "each curve: one example’s values over its units"] : ["one unit each", "each curve: one unit’s values over the examples"];
    parts.push(text(22, bottom + 38, curves[width < 620 ? 0 : 1], { class: "soft" }));
    parts.push(text(split + 4, bottom + 38, narrow ? "variance left" : "variance, evaluation / training", { class: "soft" }));

    found.forEach(({ variance, off }, i) => {
      const base = TOP + ROW * (i + 1) - 4;
      const shown = i < depth;
      parts.push(shape("path", { d: `M22 ${base}H${split - 14}`, class: "grid" }));
      parts.push(text(0, base - 4, String(i + 1), { class: shown ? "" : "soft" }));
      if (!shown) return;
      const curve = (mean, sd) => {
        const points = Array.from({ length: 65 }, (_, k) => (k - 32) / 8).map((t) => [across(mean + sd * t), base - (ROW - 10) * Math.exp((-t * t) / 2)]);
        return points.filter(([x]) => x >= 22 && x <= split - 14);
      };
      parts.push(shape("path", { d: area().y0(base)(curve(0, 1)), class: "training" }));
      for (const t of off > 1e-6 ? UNITS : [0]) {
        const outline = curve(t * Math.sqrt(off), Math.sqrt(variance));
        parts.push(shape("path", { d: area().y0(base)(outline), class: "wash" }), shape("path", { d: line()(outline), class: "evaluation" }));
      }
      const end = along(variance);
      parts.push(shape("rect", { x: along(1), y: base - 27, width: Math.max(1.5, end - along(1)), height: 16, class: "bar" }));
      const power = along(r ** (i + 1));
      if (norm === "batch") parts.push(shape("path", { d: `M${power} ${base - 33}V${base - 5}`, class: "power" }));
      parts.push(text(width, base - 13, fraction(variance), { class: "value", "text-anchor": "end" }));
    });
    // What is what, written at it.
    parts.push(text(0, 12, "k", { class: "soft" }), text(22, 12, "training", { class: "soft strong" }), text(narrow ? 71 : 92, 12, "evaluation", { class: "accent strong" }));
    parts.push(text(split + 4, 12, narrow ? "variance" : "evaluation", { class: "accent strong" }));
    if (norm === "batch") parts.push(text(split + (narrow ? 65 : 92), 12, "rᵏ", { class: "green strong" }));
    picture.setAttribute("class", narrow ? "narrow" : "");
    picture.setAttribute("viewBox", `0 0 ${width} ${bottom + BOTTOM}`);
    picture.replaceChildren(...parts);
  },

  sentence({ p, activation, norm, depth }) {
    const name = `${activation}, p = ${p.toFixed(2)}, random weights, infinitely many units`;
    const past = `After ${depth} ${NORMS[norm]}${depth === 1 ? "" : "s"}`;
    if (norm === "layer") return `${name}. ${past} evaluation has the variance of training: each example is measured afresh.`;
    if (norm === "refreshed") return `${name}. After ${depth} BatchNorm${depth === 1 ? "" : "s"} with statistics taken anew without masks, evaluation has the variance 1 again.`;
    if (p === 0) return `${name}. Nothing is dropped: evaluation has the variance of training.`;
    const { variance, off } = layers(activation, p, norm)[depth - 1];
    const power = varianceRatio(...moments(activation), p) ** depth;
    const expected = depth === 1 ? "this is r" : `r to the power ${depth} is ${fraction(power)}`;
    return `${name}. ${past} evaluation has ${fraction(variance)} of the variance of training; ${expected}.${off > 0.005 ? ` The units’ means are off too, typically by ${two(Math.sqrt(off))}.` : ""}`;
  },

  numbers: ({ p, activation, norm }) => ({
    caption: `${norm === "layer" ? "LayerNorm" : "BatchNorm"}${norm === "refreshed" ? ", statistics refreshed" : ""}, ${activation}, p = ${p.toFixed(2)}: what each norm puts out in evaluation; in training the variance is 1 and the mean 0`,
    head: ["norm", "variance", "rᵏ", "means off by", "mean square"],
    rows: layers(activation, p, norm).map(({ variance, off }, i) => [
      i + 1, two(variance), norm === "batch" ? two(varianceRatio(...moments(activation), p) ** (i + 1)) : "–", two(Math.sqrt(off)), two(variance + off),
    ]),
  }),

  question: {
    ask: "BatchNorm after ReLU: what is the smallest p on the slider at which six norms leave less than a tenth of the variance?",
    right: ({ p, activation, norm, depth }) => norm === "batch" && activation === "ReLU" && depth === DEPTH && p === smallest(),
    hint({ p, activation, norm, depth }) {
      if (norm !== "batch" || activation !== "ReLU" || depth !== DEPTH) return "Choose BatchNorm, ReLU and a depth of 6 first.";
      const left = layers(activation, p, norm)[DEPTH - 1].variance;
      return `At p = ${p.toFixed(2)} they leave ${two(left)}, which is ${left < 0.1 ? "less than a tenth; so does a smaller p" : "more than a tenth"}.`;
    },
    why: "A rate that many use without a thought is enough, if it stands before every norm.",
  },
};

// Slider values are multiples of 0.05 as the browser writes them.
const smallest = () => Array.from({ length: 17 }, (_, k) => Number((k * 0.05).toFixed(2))).find((p) => layers("ReLU", p, "batch")[DEPTH - 1].variance < 0.1);
