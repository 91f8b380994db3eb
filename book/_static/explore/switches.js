// Chapter 4's twelve inputs and three classes: what all 4,096 sub-networks answer, their averages, and what they cost.
export const follows = "2d9fd86b";
export const heights = { wide: 1110, narrow: 1330 };

const N = 12;
const BINS = 40;

/** Doubles in [0, 1) of numpy's default_rng(seed): SeedSequence and PCG64, for a seed below 2³². */
export function defaultRng(seed) {
  let hash = 0x43b0d7e5;
  const mixed = (value, factor) => {
    value ^= hash;
    hash = Math.imul(hash, factor);
    value = Math.imul(value, hash);
    return value ^ (value >>> 16);
  };
  const pool = [seed, 0, 0, 0].map((word) => mixed(word, 0x931e8875));
  for (let from = 0; from < 4; from++)
    for (let to = 0; to < 4; to++)
      if (from !== to) {
        const word = (Math.imul(0xca01f9dd, pool[to]) - Math.imul(0x4973f715, mixed(pool[from], 0x931e8875))) | 0;
        pool[to] = word ^ (word >>> 16);
      }
  hash = 0x8b51f9dd;
  const words = Array.from({ length: 8 }, (_, i) => BigInt(mixed(pool[i % 4], 0x58f38ded) >>> 0));
  const [a, b, c, d] = [0, 2, 4, 6].map((i) => words[i] | (words[i + 1] << 32n));
  const step = (((c << 64n) | d) << 1n) | 1n;
  let state = 0n;
  const next = () => (state = BigInt.asUintN(128, state * 0x2360ed051fc65da44385df649fccf645n + step));
  next();
  state += (a << 64n) | b;
  next();
  return () => {
    const word = (next() >> 64n) ^ BigInt.asUintN(64, state);
    const turn = state >> 122n;
    return Number(BigInt.asUintN(64, (word >> turn) | (word << (64n - turn))) >> 11n) / 2 ** 53;
  };
}

/** The chapter's softmax layer: {x: (12), weight: (12, 3), bias: (3)}. */
export function layer() {
  const random = defaultRng(0);
  const x = Array.from({ length: N }, random);
  const weight = x.map(() => [6 * random() - 3, 6 * random() - 3, 6 * random() - 3]);
  return { x, weight, bias: [random(), random(), random()] };
}

/** Log-probabilities of the logits of three classes. */
export function logSoftmax([a, b, c]) {
  const top = Math.max(a, b, c);
  const total = top + Math.log(Math.exp(a - top) + Math.exp(b - top) + Math.exp(c - top));
  return [a - total, b - total, c - total];
}

/** What each unit adds to the logits of a sub-network that keeps it, with inputs times `scale`: (12, 3). */
export const adds = ({ x, weight }, p, scale) => x.map((value, i) => weight[i].map((w) => (scale * value * w) / (1 - p)));

/** Log-probabilities of every sub-network, (4096, 3), mask k keeping unit i if bit i of k is set. */
export function subNetworks(network, p, scale = 1) {
  const logits = [network.bias];
  for (const [a, b, c] of adds(network, p, scale))
    for (let k = 0, n = logits.length; k < n; k++) logits.push([logits[k][0] + a, logits[k][1] + b, logits[k][2] + c]);
  return logits.map(logSoftmax);
}

/** Probability of each of the 4,096 masks. */
export function chances(p) {
  let all = [1];
  for (let i = 0; i < N; i++) all = [...all.map((c) => c * p), ...all.map((c) => c * (1 - p))];
  return all;
}

/** Means over all sub-networks: {arithmetic, geometric, scaled: (3) probabilities, member: (3) losses, disagreement}. */
export function averages(network, p, scale = 1, answers = subNetworks(network, p, scale)) {
  const chance = chances(p);
  const over = (f) => network.bias.map((_, c) => answers.reduce((sum, q, k) => sum + chance[k] * f(q[c]), 0));
  const mean = over((q) => q);
  const total = Math.log(mean.reduce((sum, q) => sum + Math.exp(q), 0));
  const whole = adds(network, 0, scale).reduce((sum, add) => sum.map((value, c) => value + add[c]), network.bias);
  return {
    arithmetic: over(Math.exp),
    geometric: mean.map((q) => Math.exp(q - total)),
    scaled: logSoftmax(whole).map(Math.exp),
    member: mean.map((q) => -q || 0),
    disagreement: Math.max(0, -total),
  };
}

/** How likely an answer in each of `bins` equal parts of [0, 1] is, for values with these chances. */
export function histogram(values, chance, bins = BINS) {
  const shares = Array(bins).fill(0);
  values.forEach((value, k) => (shares[Math.min(bins - 1, Math.floor(value * bins))] += chance[k]));
  return shares;
}

const bits = (mask) => [...mask].reduce((sum, bit, i) => sum + (bit === "1" ? 2 ** i : 0), 0);
const flipped = (mask, i) => mask.slice(0, i) + (1 - mask[i]) + mask.slice(i + 1);

// All that a setting leads to, computed once for it.
function found(kit, { p, scale }) {
  const key = `${p} ${scale}`;
  if (kit.memory.key !== key) {
    kit.network ??= layer();
    const answers = subNetworks(kit.network, p, scale);
    Object.assign(kit.memory, { key, answers, chance: chances(p), all: averages(kit.network, p, scale, answers) });
  }
  return kit.memory;
}

export default {
  name: "switches",
  label: "Twelve switches",
  state: { p: 0.5, scale: 1, of: "1", mask: "011010101010" },
  controls: [
    { kind: "range", name: "p", label: "p, the probability to drop", min: 0, max: 0.9, step: 0.05, show: (p) => p.toFixed(2) },
    { kind: "range", name: "scale", label: "Inputs times", min: 0, max: 2, step: 0.1, show: (s) => s.toFixed(1) },
    { kind: "choice", name: "of", label: "Right answer: class", options: { 1: "1", 2: "2", 3: "3" } },
    { kind: "hidden", name: "mask", fits: (text) => /^[01]{12}$/.test(text) },
    {
      kind: "button",
      label: "Draw one",
      press({ p }, kit) {
        const random = (kit.memory.random ??= kit.generator(1));
        return { mask: Array.from({ length: N }, () => (random() < p ? 0 : 1)).join("") };
      },
    },
    { kind: "button", label: "Keep all", press: () => ({ mask: "1".repeat(N) }) },
  ],

  async ready(kit) {
    const { node, shape } = kit;
    kit.scales = await kit.d3();
    [kit.picture, kit.losses] = [0, 1].map(() => shape("svg", { "aria-hidden": "true" }));
    kit.caption = node("p", { className: "over" });
    kit.units = Array.from({ length: N }, (_, i) => {
      const button = node("button", { type: "button" });
      button.addEventListener("click", () => kit.set({ mask: flipped(kit.state.mask, i) }));
      return button;
    });
    kit.box.append(kit.picture, kit.caption, node("div", { className: "twelve" }, ...kit.units), kit.losses);
    new ResizeObserver(() => kit.drawn !== kit.box.clientWidth && this.draw(kit, kit.state)).observe(kit.box);
  },

  draw(kit, state) {
    const { shape, show, scales, picture, losses, units } = kit;
    const { p, scale, mask, of } = state;
    const c = of - 1;
    const { answers, chance, all } = found(kit, state);
    const width = (kit.drawn = kit.box.clientWidth) || 340;
    const text = (x, y, content, attributes) => shape("text", { x, y, ...attributes }, content);

    // the histogram, with one line for each average above it
    const [left, right, top, floor] = [34, 12, 94, width < 480 ? 214 : 254];
    const x = scales.scaleLinear().domain([0, 1]).range([left, width - right]);
    const values = answers.map((q) => Math.exp(q[c]));
    const shares = histogram(values, chance);
    const y = scales.scaleLinear().domain([0, Math.max(...shares)]).nice(4).range([floor, top]);
    const mine = Math.min(BINS - 1, Math.floor(values[bits(mask)] * BINS));
    const parts = [];
    for (const tick of y.ticks(4)) {
      parts.push(shape("line", { class: "grid", x1: left, x2: width - right, y1: y(tick), y2: y(tick) }));
      parts.push(text(left - 6, y(tick) + 5, show(100 * tick, 1), { "text-anchor": "end" }));
    }
    shares.forEach((share, k) => {
      const wide = (x(1) - x(0)) / BINS;
      parts.push(shape("rect", { class: k === mine ? "chosen" : "bar", x: x(k / BINS) + 0.5, width: wide - 1, y: y(share), height: floor - y(share) }));
    });
    for (const tick of [0, 0.25, 0.5, 0.75, 1]) parts.push(text(x(tick), floor + 18, String(tick), { "text-anchor": "middle" }));
    parts.push(text((x(0) + x(1)) / 2, floor + 38, `probability given to class ${of}`, { "text-anchor": "middle" }));
    [
      ["exact", all.scaled[c], "one scaled pass = geometric mean"],
      ["other", all.arithmetic[c], "arithmetic mean"],
      ["chosen", values[bits(mask)], "this sub-network"],
    ].forEach(([name, value, words], row) => {
      const at = x(value);
      const before = value > 0.5;
      parts.push(shape("line", { class: name, x1: at, x2: at, y1: 6 + 22 * row, y2: floor }));
      parts.push(text(at + (before ? -7 : 7), 16 + 22 * row, `${words} ${value.toFixed(3)}`, { class: name, "text-anchor": before ? "end" : "start" }));
    });

    parts.push(text(0, top - 12, "chance to be drawn (%)"));
    picture.setAttribute("viewBox", `0 0 ${width} ${floor + 44}`);
    picture.replaceChildren(...parts);

    // the loss: what the mean costs, and what the disagreement adds
    const loss = -Math.log(all.scaled[c]) || 0;
    const most = 2 ** Math.ceil(Math.log2(Math.max(1, all.member[c])));
    const far = scales.scaleLinear().domain([0, most]).range([0, width - right]);
    const bars = [
      ["bar", 0, all.member[c], `average sub-network: ${show(all.member[c], 3)}`],
      ["exact", 0, loss, `= one scaled pass: ${show(loss, 3)}`],
      ["chosen", loss, all.member[c], `+ disagreement D: ${show(all.disagreement, 3)}`],
    ];
    const under = 36 * bars.length + 8;
    const drawn = far.ticks(4).flatMap((tick) => [
      shape("line", { class: "grid", x1: far(tick), x2: far(tick), y1: 0, y2: under }),
      text(far(tick), under + 16, show(tick), { "text-anchor": tick ? "middle" : "start" }),
    ]);
    bars.forEach(([name, from, to, words], row) => {
      drawn.push(text(0, 36 * row + 16, words, { class: name === "bar" ? "" : name }));
      drawn.push(shape("rect", { class: name, x: far(from), width: Math.max(1, far(to) - far(from)), y: 36 * row + 22, height: 10 }));
    });
    drawn.push(text(far(most / 2), under + 36, `log-loss (nats) if class ${of} is right`, { "text-anchor": "middle" }));
    losses.setAttribute("viewBox", `0 0 ${width} ${under + 42}`);
    losses.replaceChildren(...drawn);

    // the switches, and for or against what each unit speaks
    kit.caption.textContent = `Twelve switches. A kept unit speaks for class ${of} (+) or against it (−), in logits:`;
    adds(kit.network, p, scale).forEach((add, i) => {
      const pull = add[c] - (add[0] + add[1] + add[2]) / 3;
      units[i].replaceChildren(kit.node("span", { textContent: i + 1 }), `${pull >= 0.05 ? "+" : ""}${show(pull, 1)}`);
      units[i].setAttribute("aria-pressed", mask[i] === "0");
      units[i].setAttribute("aria-label", `Drop unit ${i + 1}: ${show(pull, 1)}`);
    });
  },

  sentence(state, kit) {
    const { p, scale, mask, of } = state;
    const { answers, all } = found(kit, state);
    const c = of - 1;
    const dropped = [...mask].flatMap((bit, i) => (bit === "0" ? [i + 1] : []));
    const which = dropped.length ? `Without unit${dropped.length > 1 ? "s" : ""} ${dropped.join(", ")}` : "With all units";
    const [mine, arithmetic, geometric, scaled, member, d] = [Math.exp(answers[bits(mask)][c]), all.arithmetic[c], all.geometric[c], all.scaled[c], all.member[c], all.disagreement].map((v) => v.toFixed(3));
    return `${which}: ${mine} for class ${of}. All 4,096 at p = ${p.toFixed(2)}, inputs times ${scale.toFixed(1)}: arithmetic mean ${arithmetic}, geometric mean ${geometric}; one scaled pass ${scaled}. Average log-loss ${member} = ${(member - d).toFixed(3)} + D, D = ${d} nats.`;
  },

  numbers(state, kit) {
    const { answers, all } = found(kit, state);
    const row = (name, values) => [name, ...values.map((value) => value.toFixed(6))];
    return {
      caption: `Probabilities, and log-loss in nats if a class is the right answer, at p = ${state.p.toFixed(2)} and inputs times ${state.scale.toFixed(1)}`,
      head: ["of", "class 1", "class 2", "class 3"],
      rows: [
        row("this sub-network", answers[bits(state.mask)].map(Math.exp)),
        row("arithmetic mean", all.arithmetic),
        row("geometric mean", all.geometric),
        row("one scaled pass", all.scaled),
        row("log-loss: average sub-network", all.member),
        row("log-loss: one scaled pass", all.scaled.map((q) => -Math.log(q))),
        row("disagreement D", all.member.map(() => all.disagreement)),
      ],
    };
  },

  question: {
    ask: "At p = 0.50 the sub-networks disagree by D = 1.00 nats. Halve all inputs, and D falls. Which p brings it back to about 1.00?",
    right: (state, kit) => state.scale === 0.5 && Math.abs(found(kit, state).all.disagreement - 1) < 0.05,
    hint(state, kit) {
      if (state.scale !== 0.5) return "Set “Inputs times” to 0.5 first.";
      return `At p = ${state.p.toFixed(2)} D is ${found(kit, state).all.disagreement.toFixed(2)} nats.`;
    },
    why: "D grows with what the units add and with p; which class is right does not change it.",
  },
};
