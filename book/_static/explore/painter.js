// Chapter 6's masks on feature maps: single units, blocks, maps, the layer; how often each position is dropped, and
// what a linear formula restores.
export const follows = "4c226b7f";
export const heights = { wide: 900, narrow: 1280 };

export const SIDE = 8;

/** For each unit of an h x w map, how many block x block squares inside the map cover it: rows of numbers. */
export function covers(block, h = SIDE, w = SIDE) {
  const line = (size) => Array.from({ length: size }, (_, i) => Math.min(i + 1, size - i, block, size - block + 1));
  return line(h).map((a) => line(w).map((b) => a * b));
}

/** The probability of each unit to be dropped when seeds fall with probability gamma: rows of numbers. */
export const dropRate = (gamma, block, h = SIDE, w = SIDE) => covers(block, h, w).map((row) => row.map((k) => 1 - (1 - gamma) ** k));

export const mean = (rows) => rows.flat().reduce((sum, v) => sum + v, 0) / rows.flat().length;

/** The seeds' probability by Ghiasi et al. 2018, equation 1. */
export const paperGamma = (p, block, h = SIDE, w = SIDE) => ((p / block ** 2) * h * w) / ((h - block + 1) * (w - block + 1));

/** The seeds' probability that drops a share p on average, overlaps included: by halving an interval. */
export function exactGamma(p, block, h = SIDE, w = SIDE) {
  if (p === 0 || p === 1 || ((block === 1 || block === h) && (block === 1 || block === w))) return p;
  let [low, high] = [0, 1];
  for (let k = 0; k < 60; k++) {
    const middle = (low + high) / 2;
    if (mean(dropRate(middle, block, h, w)) < p) low = middle;
    else high = middle;
  }
  return high;
}

/** Each 1 of `seeds` (rows) drops the block x block square right and below: rows, block − 1 more each way. */
export function grow(seeds, block) {
  const [h, w] = [seeds.length + block - 1, seeds[0].length + block - 1];
  const dropped = Array.from({ length: h }, () => Array(w).fill(0));
  seeds.forEach((row, i) => row.forEach((on, j) => {
    if (on) for (let a = 0; a < block; a++) for (let b = 0; b < block; b++) dropped[i + a][j + b] = 1;
  }));
  return dropped;
}

/** The side of what is dropped together: 1 for units, `block` for blocks, the map's for maps and for the layer. */
export const size = ({ kind, block }) => ({ unit: 1, block })[kind] ?? SIDE;

/** The seeds' probability for what is chosen; the two rules differ for blocks only. */
export function seedRate({ kind, block, p, gamma }) {
  if (kind !== "block") return p;
  return gamma === "paper" ? paperGamma(p, block) : exactGamma(p, block);
}

/** Masks of `maps` maps, and their seeds, from uniform numbers that `random` gives: the larger p, the more is dropped. */
export function masks(chosen, random, maps = 4) {
  const [block, rate] = [size(chosen), seedRate(chosen)];
  const places = SIDE - block + 1;
  const numbers = Array.from({ length: maps }, () => Array.from({ length: SIDE }, () => Array.from({ length: SIDE }, random)));
  return numbers.map((own) => {
    const uniform = chosen.kind === "layer" ? numbers[0] : own;
    const seeds = uniform.slice(0, places).map((row) => row.slice(0, places).map((u) => (u < rate ? 1 : 0)));
    return { seeds, dropped: grow(seeds, block) };
  });
}

const KINDS = { unit: "units", block: "blocks", map: "maps", layer: "the layer" };
const RULES = { paper: "the paper's", exact: "exact" };
const P = [0.1, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8];
const random = (kit, { draw }) => kit.generator(1000 * draw + 6);
const restored = (kit, p, block) => Number(kit.stored[`p=${p}`][kit.stored.b.indexOf(String(block))]);

export default {
  name: "painter",
  label: "Mask painter",
  state: { kind: "block", block: 3, p: 0.5, gamma: "paper", draw: 1 },
  controls: [
    { kind: "choice", name: "kind", label: "Drop", options: KINDS },
    { kind: "range", name: "block", label: "b, the side of a block", min: 1, max: SIDE, step: 1, show: (b) => `${b} × ${b}` },
    { kind: "range", name: "p", label: "p, the probability to drop", values: P, show: (p) => String(p) },
    { kind: "choice", name: "gamma", label: "γ, the probability of a block's seed", options: RULES },
    { kind: "hidden", name: "draw", fits: (draw) => Number.isInteger(draw) && draw > 0 && draw < 10000 },
    { kind: "button", label: "Draw another", press: ({ draw }) => ({ draw: (draw % 9999) + 1 }) },
  ],

  async ready(kit) {
    const { scaleLinear, line } = await kit.d3();
    Object.assign(kit, { scaleLinear, line });
    new ResizeObserver(() => kit.width !== kit.box.clientWidth && this.draw(kit, kit.state)).observe(kit.box);
  },

  draw(kit, state) {
    const { shape, show, scaleLinear, line } = kit;
    const { p } = state;
    const block = size(state);
    const width = (kit.width = kit.box.clientWidth || 600);
    const wide = width >= 480;
    const side = wide ? (width - 60) * 0.31 : (width - 24) / 2;
    const parts = [];
    const add = (tag, attributes, ...children) => parts.push(shape(tag, attributes, ...children));
    const write = (text, x, y, attributes) => add("text", { x, y, ...attributes }, text);
    const title = (x, y, ...lines) => lines.forEach((text, k) => write(text, x, y + 14 + 16 * k, { class: "title" }));
    // A share between 0 and 1 as a bar, and p beside it.
    const share = (x, y, value, text) => {
      add("rect", { x, y, width: side, height: 12, class: "track" });
      add("rect", { x, y, width: Math.max(1, side * value), height: 12, class: "bar" });
      add("line", { x1: x + side * p, x2: x + side * p, y1: y - 4, y2: y + 16, class: "wanted" });
      write(text, x, y + 30);
    };
    const top = 40;

    // One draw on four maps.
    const drawn = masks(state, random(kit, state));
    title(0, 0, "One draw on four maps");
    if (state.kind === "block") write("dots: seeds of blocks", 0, 30, { class: "soft" });
    const cell = (side - 8) / (2 * SIDE);
    drawn.forEach(({ seeds, dropped }, k) => {
      const [x, y] = [(k % 2) * (SIDE * cell + 8), top + Math.floor(k / 2) * (SIDE * cell + 8)];
      dropped.forEach((row, i) => row.forEach((off, j) => {
        add("rect", { x: x + j * cell + 0.5, y: y + i * cell + 0.5, width: cell - 1, height: cell - 1, class: off ? "off" : "on" });
        if (state.kind === "block" && seeds[i]?.[j]) add("circle", { cx: x + (j + 0.5) * cell, cy: y + (i + 0.5) * cell, r: cell * 0.2, class: "seed" });
      }));
    });
    const now = mean(drawn.map((each) => each.dropped.flat()));
    share(0, top + side + 12, now, `${show(now, 3)} dropped`);

    // The exact rate of each position.
    const rates = dropRate(seedRate(state), block);
    const x1 = side + (wide ? 30 : 24);
    title(x1, 0, "How often each", "is dropped, %");
    const large = side / SIDE;
    rates.forEach((row, i) => row.forEach((rate, j) => {
      const [x, y] = [x1 + j * large, top + i * large];
      add("rect", { x, y, width: large, height: large, class: "rate", style: `--share: ${(60 * rate).toFixed(1)}%` });
      write(String(Math.round(100 * rate)), x + large / 2, y + large / 2 + 4, { class: "small", "text-anchor": "middle" });
    }));
    const average = mean(rates);
    share(x1, top + side + 12, average, `mean ${show(average, 3)}`);
    write(`p = ${p}`, x1 + side, top + side + 42, { class: "wanted", "text-anchor": "end" });

    // What a linear formula restores, by block size.
    const left = (wide ? 2 * side + 60 : 0) + 30;
    const y0 = wide ? 0 : top + side + 66;
    const bottom = wide ? top + side : y0 + 24 + 135;
    const across = scaleLinear([1, SIDE], [left + 8, width - 8]);
    const up = scaleLinear([0, 0.75], [bottom, y0 + (wide ? 40 : 24)]);
    title(left - 30, y0, ...(wide ? ["Share that a linear", "formula restores"] : ["Share that a linear formula restores"]));
    for (const tick of [0, 0.2, 0.4, 0.6]) {
      add("line", { x1: left, x2: width, y1: up(tick), y2: up(tick), class: tick ? "grid" : "axis" });
      write(String(tick), left - 6, up(tick) + 4, { class: "soft", "text-anchor": "end" });
    }
    for (let b = 1; b <= SIDE; b++) write(String(b), across(b), bottom + 16, { class: "soft", "text-anchor": "middle" });
    write("block size b", (left + width) / 2, bottom + 33, { class: "soft", "text-anchor": "middle" });
    const curve = (each) => line().x((b) => across(Number(b))).y((b) => up(restored(kit, each, b)))(kit.stored.b);
    for (const each of P) add("path", { d: curve(each), class: each === p ? "chosen" : "other" });
    write("p = 0.1", across(1) + 8, up(restored(kit, 0.1, 1)) - 4, { class: "soft" });
    write("p = 0.8", across(2) - 4, up(restored(kit, 0.8, 3)) + 17, { class: "soft" });
    const [x, y] = [across(block), up(restored(kit, p, block))];
    add("circle", { cx: x, cy: y, r: 5.5, class: "bar" });
    write(restored(kit, p, block).toFixed(2), x + (block > 6 ? 0 : 8), y - 8, { class: "title", "text-anchor": block > 6 ? "middle" : "start" });
    const height = bottom + 46;
    kit.box.replaceChildren(shape("svg", { viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" }, ...parts));
  },

  sentence(state, kit) {
    const { kind, block, p, gamma } = state;
    const { show } = kit;
    const rates = dropRate(seedRate(state), size(state));
    const now = mean(masks(state, random(kit, state)).map((each) => each.dropped.flat()));
    const [corner, middle, average] = [rates[0][0], rates[3][3], mean(rates)].map((rate) => show(rate, 3));
    const what = { unit: "Single units", block: `Blocks of ${block} × ${block} with ${RULES[gamma]} γ = ${show(seedRate(state), 3)}`, map: "Whole maps", layer: "The whole layer" }[kind];
    const even = corner === middle;
    return `${what} at p = ${p}: ${even ? `each position is dropped with probability ${average}` : `a corner is dropped with probability ${corner}, the middle with ${middle}, all with ${average} on average`}. This draw drops ${show(now, 3)}. Where exactly ${p} of one map is dropped, a linear formula restores ${restored(kit, p, size(state)).toFixed(2)}.`;
  },

  numbers({ p, gamma }, kit) {
    const rows = Array.from({ length: SIDE }, (_, k) => {
      const rate = seedRate({ kind: "block", block: k + 1, p, gamma });
      const rates = dropRate(rate, k + 1);
      return [String(k + 1), ...[rate, rates[0][0], rates[3][3], mean(rates)].map((value) => kit.show(value, 3)), restored(kit, p, k + 1).toFixed(2)];
    });
    return {
      caption: `Blocks at p = ${p}, ${RULES[gamma]} γ; blocks of 1 are units, of ${SIDE} maps. Restored: for masks that drop a share of exactly p`,
      head: ["b", "γ", "corner", "middle", "average", "restored"],
      rows,
    };
  },

  question: {
    ask: "With the paper's γ and p = 0.5, blocks of which size drop the smallest share?",
    right: ({ kind, block, p, gamma }) => kind === "block" && gamma === "paper" && p === 0.5 && [4, 5].includes(block),
    hint(state, { show }) {
      if (state.kind !== "block") return "Drop blocks.";
      if (state.gamma !== "paper") return "The exact γ drops a share p with blocks of every size.";
      if (state.p !== 0.5) return `This is p = ${state.p}.`;
      return `Blocks of ${state.block} × ${state.block} drop ${show(mean(dropRate(seedRate(state), state.block)), 3)}.`;
    },
    why: "Blocks of 4 and of 5 drop the same share: their squares overlap as much, most of all sizes.",
  },
};
