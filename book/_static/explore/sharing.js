// Chapter 11's family: who shares a random number, for two examples of three maps of 4 × 4 units, and what that ties.
export const follows = "37ddd8d2";
export const heights = { wide: 940, narrow: 1420 };

export const SHAPE = [2, 3, 4, 4];
const COUNT = 96;
const BLOCK = 2;
const TEMPERATURE = 0.1;
const ALPHA = -1.0507009873554805 * 1.6732632423543772; // where SELU ends

const SHAPES = {
  units: (n, c, h, w) => [n, c, h, w],
  squares: (n, c, h, w) => [n, c, h - BLOCK + 1, w - BLOCK + 1],
  sequences: (n, c, h, w) => [n, c, 1, w],
  maps: (n, c) => [n, c, 1, 1],
  paths: (n) => [n, 1, 1, 1],
};
// What draws, the noise made of it, and who shares a number.
const FAMILY = {
  standard: ["units", "coin", "each unit"],
  Gaussian: ["units", "gaussian", "each unit, normal"],
  AlphaDropout: ["units", "alpha", "each unit, shifted"],
  scheduled: ["units", "coin", "each unit, p rises"],
  DropConnect: ["units", "coin", "each weight"],
  DropBlock: ["squares", "coin", "each square"],
  sequence: ["sequences", "coin", "all times (rows)"],
  spatial: ["maps", "coin", "each map"],
  concrete: ["maps", "relaxed", "each map, p learned"],
  DropPath: ["paths", "coin", "each example"],
};

/** Φ(x) (Marsaglia 2004), and its inverse by bisection. */
function normal(x) {
  let sum = x;
  for (let last = 0, term = x, i = 3; sum !== last; i += 2) {
    last = sum;
    sum += term *= (x * x) / i;
  }
  return 0.5 + (sum * Math.exp((-x * x) / 2)) / Math.sqrt(2 * Math.PI);
}
function quantile(u) {
  let [low, high] = [-6, 6];
  for (let k = 0; k < 50; k++) {
    const middle = (low + high) / 2;
    if (normal(middle) < u) low = middle;
    else high = middle;
  }
  return low;
}

/** The shape of a member's random numbers. */
export const draws = (name) => SHAPES[FAMILY[name][0]](...SHAPE);

/** [example, map, row, column] of a unit, all from 0. */
export const place = (unit) => [Math.floor(unit / 48), Math.floor(unit / 16) % 3, Math.floor(unit / 4) % 4, unit % 4];

const once = (map, key, make) => map.get(key) ?? map.set(key, make()).get(key);
const reached = new Map();

/** Which of a member's random numbers reach `unit`: for all but DropBlock one. */
export const owners = (name, unit) => once(reached, name + unit, () => reaching(name, unit));
function reaching(name, unit) {
  const at = place(unit);
  const shape = draws(name);
  const spans = at.map((i, axis) => {
    if (name !== "DropBlock" || axis < 2) return [shape[axis] === 1 ? 0 : i];
    return Array.from({ length: BLOCK }, (_, k) => i - k).filter((seed) => seed >= 0 && seed < shape[axis]);
  });
  let found = [0];
  spans.forEach((span, axis) => (found = found.flatMap((index) => span.map((i) => index * shape[axis] + i))));
  return found.sort((a, b) => a - b);
}

const rates = new Map();

/** The seeds' probability for which squares drop a share p of a map on average. */
export const seedRate = (p) =>
  once(rates, p, () => {
    const covers = Array.from({ length: 16 }, (_, unit) => owners("DropBlock", unit).length);
    let [low, high] = [0, 1];
    for (let k = 0; k < 60; k++) {
      const middle = (low + high) / 2;
      if (covers.reduce((all, k) => all + 1 - (1 - middle) ** k, 0) / 16 < p) low = middle;
      else high = middle;
    }
    return high;
  });

// p of a unit: of the scheduled member the first example stands for an early step.
const rate = (name, unit, p) => (name === "scheduled" && unit < 48 ? p / 5 : p);

// Probability that one random number drops.
const single = (name, unit, p) => (name === "DropBlock" ? seedRate(p) : rate(name, unit, p));

/** Output of `unit` for an input of 1, from all of the member's random numbers u. */
export function output(name, unit, u, p) {
  const [, noise] = FAMILY[name];
  const [value] = owners(name, unit).map((i) => u[i]);
  const here = rate(name, unit, p);
  if (name === "DropBlock") {
    const seeds = seedRate(p);
    return owners(name, unit).some((i) => u[i] < seeds) ? 0 : 1 / (1 - p);
  }
  if (noise === "gaussian") return 1 + Math.sqrt(p / (1 - p)) * quantile(Math.min(Math.max(value, 1e-6), 1 - 1e-6));
  if (noise === "relaxed") {
    const logit = (q) => Math.log(q / (1 - q));
    return 1 / (1 + Math.exp((logit(p) - logit(Math.min(Math.max(value, 1e-6), 1 - 1e-6))) / TEMPERATURE)) / (1 - p);
  }
  if (noise === "alpha") {
    const a = ((1 - p) * (1 + p * ALPHA ** 2)) ** -0.5;
    const s = value >= p ? a : 0;
    return s + ALPHA * ((1 - p) * a - s);
  }
  return value >= here ? 1 / (1 - here) : 0;
}

/** Probability that `unit` is dropped; under Gaussian noise, that it changes its sign. */
export function dropped(name, unit, p) {
  if (name === "Gaussian") return normal(-Math.sqrt((1 - p) / p));
  return 1 - (1 - single(name, unit, p)) ** owners(name, unit).length;
}

/** How many random numbers reach both units. */
export function common(name, first, second) {
  const reach = owners(name, second);
  return owners(name, first).filter((i) => reach.includes(i)).length;
}

/** Correlation of two units' noise, exactly. */
export function correlation(name, first, second, p) {
  const shared = common(name, first, second);
  if (!shared) return 0;
  const q = 1 - single(name, first, p);
  const [a, b] = [first, second].map((unit) => owners(name, unit).length);
  return (q ** (a + b - shared) - q ** (a + b)) / Math.sqrt((q ** a - q ** (2 * a)) * (q ** b - q ** (2 * b)));
}

const thing = (name) => (name === "DropConnect" ? "weight" : "unit");
const where = (unit) => place(unit).map((i) => i + 1);
const named = (unit) => (([n, c, h, w]) => `example ${n}, map ${c}, row ${h}, column ${w}`)(where(unit));
const short = (unit) => (([n, c, h, w]) => `example ${n}, map ${c} (${h}, ${w})`)(where(unit));
const key = ({ member, p, first, second }) => [member, p, first, second].join();
const uniform = (random) => Array.from({ length: COUNT }, random);

// Draws `count` times more and keeps the sums of the two chosen units.
function drawMore(count, state, kit) {
  const { member, p, first, second, draw } = state;
  const random = kit.generator(draw + 1);
  if (kit.memory.pair?.key !== key(state)) kit.memory.pair = { key: key(state), n: 0, a: 0, b: 0, aa: 0, bb: 0, ab: 0 };
  const { pair } = kit.memory;
  for (let k = 0; k < count; k++) {
    const u = uniform(random);
    const [a, b] = [first, second].map((unit) => output(member, unit, u, p));
    pair.n += 1;
    pair.a += a;
    pair.b += b;
    pair.aa += a * a;
    pair.bb += b * b;
    pair.ab += a * b;
  }
  return { draw: draw + 1 };
}

function sampled(state, { memory: { pair } }) {
  if (pair?.key !== key(state) || pair.n < 100) return null;
  const { n, a, b, aa, bb, ab } = pair;
  return { n, value: (n * ab - a * b) / Math.sqrt((n * aa - a * a) * (n * bb - b * b)) };
}

function tie({ member, p, first, second }, kit) {
  const [shared, all] = [common(member, first, second), owners(member, first).length];
  const value = kit.show(correlation(member, first, second, p), 3);
  const how = !shared ? "share no number" : all === 1 && shared === 1 ? "share one number" : `share ${shared} of ${all} numbers`;
  return first === second ? `It is compared with itself: correlation ${value}` : `It and the second (${named(second)}) ${how}: correlation ${value}`;
}

export default {
  name: "sharing",
  label: "Who shares a random number",
  state: { member: "spatial", p: 0.5, first: 5, second: 10, draw: 1 },
  controls: [
    { kind: "choice", name: "member", label: "Member of the family", options: Object.fromEntries(Object.keys(FAMILY).map((name) => [name, name])) },
    { kind: "range", name: "p", label: "p, the probability to drop", min: 0.05, max: 0.9, step: 0.05, show: (p) => p.toFixed(2) },
    { kind: "range", name: "first", label: "First unit", min: 0, max: COUNT - 1, step: 1, show: short },
    { kind: "range", name: "second", label: "Second unit", min: 0, max: COUNT - 1, step: 1, show: short },
    { kind: "hidden", name: "draw", fits: (value) => Number.isInteger(value) && value > 0 },
    { kind: "button", label: "Draw", press: (state, kit) => drawMore(1, state, kit) },
    { kind: "button", label: "Draw 1,000", press: (state, kit) => drawMore(1000, state, kit) },
  ],

  ready(kit) {
    const { shape } = kit;
    const units = Array.from({ length: COUNT }, (_, unit) => unit);
    kit.panels = ["first", "second"].map((chosen, i) => {
      const panel = {
        width: 0,
        rows: [0, 1].map(() => shape("text", { class: "row", x: 0 })),
        cells: units.map((unit) => shape("rect", { "data-unit": unit })),
        frames: shape("path", { class: "frame" }),
        marks: [0, 1].map(() => shape("rect", { class: "mark" })),
        names: ["1", "2"].map((name) => shape("text", { class: "number", "text-anchor": "middle" }, name)),
      };
      const title = shape("text", { x: 0, y: 15 }, i ? "Correlation with unit 1, exact" : "One draw");
      panel.svg = shape("svg", { "aria-hidden": "true" }, title, ...panel.rows, ...panel.cells, panel.frames, ...panel.marks, ...panel.names);
      panel.svg.addEventListener("click", ({ target }) => target.dataset.unit && kit.set({ [chosen]: Number(target.dataset.unit) }));
      return panel;
    });
    const room = document.querySelector("[data-explore=sharing]").parentElement.clientWidth;
    kit.room = innerWidth > 432 ? room / 2 - 12 : room; // until the box is on the page
    kit.box.append(...kit.panels.map(({ svg }) => svg));
    new ResizeObserver(() => this.draw(kit, kit.state)).observe(kit.box);
  },

  draw({ show, panels, room, generator }, { member, p, first, second, draw }) {
    const width = panels[0].svg.clientWidth || room;
    const [side, top] = [width / 14, 44];
    const corner = (unit) => (([n, c, h, w]) => [side * (5 * c + w), top + side * (5 * n + h)])(place(unit));
    const set = (element, attributes) => Object.entries(attributes).forEach(([name, value]) => element.setAttribute(name, value));
    const u = uniform(generator(draw));
    const outputs = panels[0].cells.map((_, unit) => output(member, unit, u, p));
    const means = [0, 48].map((start) => show(outputs.slice(start, start + 48).reduce((all, v) => all + v, 0) / 48));

    // A frame around each group that shares a number; of DropBlock's overlapping squares around those that fell.
    const groups = new Map();
    const seeds = member === "DropBlock" ? seedRate(p) : 1;
    outputs.forEach((_, unit) => owners(member, unit).forEach((i) => u[i] < seeds && groups.set(i, [groups.get(i)?.[0] ?? unit, unit])));
    const maps = [0, 16, 32, 48, 64, 80].map((unit) => [unit, unit + 15]);
    const outline = (pairs) => pairs.map(([from, to]) => [corner(from), corner(to)]).map(([[x, y], [right, low]]) => `M${x} ${y}H${right + side}V${low + side}H${x}Z`).join("");

    const shades = [
      outputs.map((value, unit) => [value < 0 ? "spot below" : "spot", value < 0 ? -value / 1.5 : value * (1 - rate(member, unit, p))]),
      outputs.map((_, unit) => ["spot tie", correlation(member, first, unit, p)]),
    ];
    panels.forEach((panel, i) => {
      if (panel.width !== width) {
        panel.width = width;
        panel.svg.setAttribute("viewBox", `0 0 ${width} ${top + 9 * side + 6}`);
        panel.rows.forEach((row, n) => row.setAttribute("y", top + 5 * side * n - 6));
        panel.cells.forEach((cell, unit) => set(cell, { x: corner(unit)[0] + 0.5, y: corner(unit)[1] + 0.5, width: side - 1, height: side - 1 }));
        panel.marks.forEach((mark) => set(mark, { width: side - 2, height: side - 2 }));
      }
      panel.rows.forEach((row, n) => (row.textContent = `example ${n + 1}${i ? "" : `: mean ${means[n]}`}`));
      panel.cells.forEach((cell, unit) => {
        const [name, share] = shades[i][unit];
        set(cell, { class: name, "fill-opacity": Math.min(1, share).toFixed(2) });
      });
      panel.frames.setAttribute("d", outline(i ? maps : [...(member === "DropBlock" ? maps : []), ...groups.values()]));
      [first, second].forEach((unit, k) => {
        const [x, y] = corner(unit);
        set(panel.marks[k], { x: x + 1, y: y + 1 });
        set(panel.names[k], { x: x + side / 2, y: y + side / 2 + 5 });
      });
      panel.names[1].setAttribute("visibility", first === second ? "hidden" : "visible");
    });
  },

  sentence(state, kit) {
    const { member, p, first } = state;
    const chance = kit.show(dropped(member, first, p), 3);
    const fate = { Gaussian: `is never dropped, and changes its sign with probability ${chance}`, concrete: `falls below half with probability ${chance}` }[member] ?? `is dropped with probability ${chance}`;
    const numbers = draws(member).reduce((all, n) => all * n, 1);
    const drawn = sampled(state, kit);
    return `${member}: ${numbers} random numbers for ${COUNT} ${thing(member)}s, one for ${FAMILY[member][2].split(",")[0]}. The first (${named(first)}) ${fate}. ${tie(state, kit)}${drawn ? `; in ${drawn.n.toLocaleString("en")} draws ${kit.show(drawn.value, 3)}` : ""}.`;
  },

  numbers: ({ p, first, second }, kit) => ({
    caption: `The whole family at p = ${p.toFixed(2)}: first ${named(first)}; second ${named(second)}`,
    head: ["member", "one number for", "numbers", "first is dropped", "correlation"],
    rows: Object.entries(FAMILY).map(([name, [, , who]]) => [
      name, who, draws(name).reduce((all, n) => all * n, 1),
      name === "Gaussian" ? "never" : kit.show(dropped(name, first, p), 3), kit.show(correlation(name, first, second, p), 3),
    ]),
  }),

  question: {
    ask: "Find two units whose correlation is neither 0 nor 1.",
    right: ({ member, p, first, second }) => first !== second && Math.abs(correlation(member, first, second, p) - 0.5) < 0.499,
    hint: ({ member, p, first, second }, kit) => `Under ${member} these two have correlation ${kit.show(correlation(member, first, second, p), 3)}.`,
    why: "Squares overlap: neighbours share some of the numbers that reach them, and not all.",
  },
};
