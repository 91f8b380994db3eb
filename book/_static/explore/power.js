// Chapter 9's chance to see an effect, over seeds, images and spread; below it a game in which two arms have no labels.
export const follows = "cfc2cf3a";
export const heights = { wide: 1080, narrow: 1330 };

const DISAGREE = 0.04; // the share of images on which two networks disagree, as in the chapter's `detectable`
const MOST = 40;

/** Φ(x), the normal distribution (Marsaglia 2004). */
export function normal(x) {
  if (Math.abs(x) > 8) return x > 0 ? 1 : 0;
  let sum = x;
  for (let last = 0, term = x, i = 3; sum !== last; i += 2) {
    last = sum;
    sum += term *= (x * x) / i;
  }
  return 0.5 + (sum * Math.exp((-x * x) / 2)) / Math.sqrt(2 * Math.PI);
}

const kept = { spreads: new Map(), critical: new Map() };
const once = (map, key, make) => map.get(key) ?? map.set(key, make()).get(key);

// What n values estimate for a standard deviation of 1, as [s, weight]: the trapezoid rule in log s.
const spreads = (n) =>
  once(kept.spreads, n, () => {
    const v = n - 1;
    const step = Math.min(0.05, 0.4 / Math.sqrt(2 * v));
    const found = [];
    for (let x = -30 / v - 0.5; x < 2.5; x += step) found.push([Math.exp(x), Math.exp(v * (x + (1 - Math.exp(2 * x)) / 2))]);
    const total = found.reduce((all, [, weight]) => all + weight, 0);
    return found.filter(([, weight]) => weight > 1e-14 * total).map(([s, weight]) => [s, weight / total]);
  });

/** Chance that |t statistic| of n differences N(d, 1) is above t. */
export const verdictRate = (d, n, t) => spreads(n).reduce((all, [s, weight]) => all + weight * (normal(d * Math.sqrt(n) - t * s) + normal(-d * Math.sqrt(n) - t * s)), 0);

/** The t that n seeds without any effect exceed with probability 5 %. */
export const critical = (n) =>
  once(kept.critical, n, () => {
    // secants of log rate over log t, which is nearly straight
    const miss = (x) => Math.log(verdictRate(0, n, Math.exp(x)) / 0.05);
    let [before, x] = [0.5, 1];
    for (let k = 0, last = miss(before); k < 20 && Math.abs(x - before) > 1e-13; k++) {
      const here = miss(x);
      [before, x, last] = [x, x - (here * (x - before)) / (here - last), here];
    }
    return Math.exp(x);
  });

/** Power of the two-sided paired t test: d is the effect in standard deviations of the difference, n the seeds. */
export const power = (d, n) => verdictRate(d, n, critical(n));

/** Fewest seeds for which power(d, n) reaches `wanted`. */
export function seedsNeeded(d, wanted = 0.8) {
  let [low, high] = [1, 2];
  while (power(d, high) < wanted) [low, high] = [high, 2 * high];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (power(d, middle) >= wanted) high = middle;
    else low = middle;
  }
  return high;
}

/** Standard deviation, in points, of the difference that a seed shows on `images` of its own. */
export const spread = (sd, images) => Math.sqrt(sd ** 2 + (100 ** 2 * DISAGREE) / images);

/** Mean and 95 % half-width of two values or more. */
export function interval(values) {
  const n = values.length;
  const mean = values.reduce((all, v) => all + v, 0) / n;
  return [mean, critical(n) * Math.sqrt(values.reduce((all, v) => all + (v - mean) ** 2, 0) / (n - 1) / n)];
}

/** A game's secret, from uniform numbers: the sign of B − A, and a normal number for each seed (Box and Muller). */
export const game = ([first, ...rest]) => ({
  sign: first < 0.5 ? -1 : 1,
  noise: rest.slice(0, rest.length >> 1).map((u, i) => Math.sqrt(-2 * Math.log(1 - u)) * Math.cos(2 * Math.PI * rest[i + (rest.length >> 1)])),
});

// What the state means: the effect d in standard deviations, and the differences B − A of the game's seeds.
function read({ effect, sd, images, seeds, game: number, drawn }, kit) {
  const random = kit.generator(number);
  const { sign, noise } = game(Array.from({ length: 1 + 2 * MOST }, random));
  const sigma = spread(sd, Number(images));
  return { sigma, d: effect / sigma, sign, k: Math.min(drawn, seeds), differences: noise.map((z) => sign * effect + sigma * z) };
}

const NS = Array.from({ length: MOST - 1 }, (_, i) => i + 2);
const REFERENCES = { 2: ["2 sd", 4.9, 0.62], 1: ["1 sd", 9.9, 0.56], 0.5: ["½ sd", 22, 0.45], 0.25: ["¼ sd", 31, 0.15] };
const percent = (share) => `${share > 0.9949 && share < 1 ? (100 * share).toFixed(1).replace("100.0", "> 99.9") : Math.round(100 * share)} %`;
const points = (value, kit) => `${kit.show(value)} point${value === 1 ? "" : "s"}`;
const leader = (mean) => (mean > 0 ? "B" : "A");

function decide(guess, state, kit) {
  if (state.guess !== "none") return {};
  const score = (kit.memory.score ??= { games: 0, right: 0 });
  score.games += 1;
  score.right += leader(read(state, kit).sign) === guess;
  return { guess };
}

export default {
  name: "power",
  label: "Can you see it? The chance to see an effect, and a game",
  state: { effect: 1, sd: 1, images: "500", seeds: 12, game: 1, drawn: 0, guess: "none" },
  controls: [
    { kind: "range", name: "seeds", label: "Seeds of each arm", min: 2, max: MOST, step: 1 },
    { kind: "range", name: "effect", label: "Effect, points", min: 0.2, max: 3, step: 0.1, show: (v) => v.toFixed(1) },
    { kind: "range", name: "sd", label: "Spread of seeds σ, points", min: 0, max: 3, step: 0.1, show: (v) => v.toFixed(1) },
    { kind: "choice", name: "images", label: "Test images of each seed", options: { 100: "100", 500: "500", 2000: "2,000", 10000: "10,000" } },
    { kind: "button", label: "Train one seed", press: ({ drawn, seeds, guess }) => (guess === "none" && drawn < seeds ? { drawn: drawn + 1 } : {}) },
    { kind: "button", label: "A is better", press: (state, kit) => decide("A", state, kit) },
    { kind: "button", label: "B is better", press: (state, kit) => decide("B", state, kit) },
    { kind: "button", label: "New game", press: ({ game }) => ({ game: game + 1, drawn: 0, guess: "none" }) },
    { kind: "hidden", name: "game", fits: (value) => Number.isInteger(value) && value > 0 },
    { kind: "hidden", name: "drawn", fits: (value) => Number.isInteger(value) && value >= 0 && value <= MOST },
    { kind: "hidden", name: "guess", fits: (value) => ["none", "A", "B"].includes(value) },
  ],

  async ready(kit) {
    kit.tools = await kit.d3();
    kit.room = document.querySelector("[data-explore=power]").parentElement.clientWidth; // until the box is on the page
    kit.curves = Object.keys(REFERENCES).map((d) => NS.map((n) => power(Number(d), n)));
    kit.picture = kit.shape("svg", { "aria-hidden": "true" });
    kit.box.append(kit.picture);
    new ResizeObserver(() => this.draw(kit, kit.state)).observe(kit.box);
  },

  draw(kit, state) {
    const { shape } = kit;
    const { scaleLinear, line, area } = kit.tools;
    const { d, k, sigma, sign, differences } = read(state, kit);
    const { seeds, effect, guess } = state;
    const width = kit.box.clientWidth || kit.room;
    const [left, right, top, high, gap, low] = [44, width - 8, 26, width < 500 ? 170 : 210, 58, width < 500 ? 170 : 180];
    const x = scaleLinear([0.4, MOST + 0.6], [left, right]);
    const y = scaleLinear([0, 1], [top + high, top]);
    const start = top + high + gap;
    const most = effect + 2.5 * sigma;
    const v = scaleLinear([-most, most], [start + low, start]);
    const text = (content, at, up, attributes = {}) => shape("text", { x: at, y: up, ...attributes }, content);
    const rule = (x1, y1, x2, y2, name) => shape("path", { class: name, d: `M${x1} ${y1}L${x2} ${y2}` });
    const curve = line((_, i) => x(NS[i]), (value) => y(value));
    const own = NS.map((n) => power(d, n));
    const enough = NS.find((n, i) => own[i] >= 0.8);
    const here = power(d, seeds);

    const upper = [
      text("chance to see the effect", 0, 14),
      ...[0, 0.5, 0.8, 1].flatMap((tick) => [
        rule(left, y(tick), right, y(tick), tick === 0.8 ? "goal" : "grid"),
        text(`${100 * tick} %`, left - 6, y(tick) + 4, { "text-anchor": "end", class: tick === 0.8 ? "goal" : "tick" }),
      ]),
      ...kit.curves.map((values) => shape("path", { class: "other", d: curve(values) })),
      ...Object.values(REFERENCES)
        .filter(([, at, up]) => Math.abs(x(at) - x(seeds)) > 55 || Math.abs(y(up) - y(here)) > 30) // nothing over the number
        .map(([name, at, up]) => text(name, x(at), y(up), { class: "tick halo" })),
      shape("path", { class: "own", d: curve(own) }),
      rule(x(seeds), y(here), x(seeds), start + low, "budget"),
      enough && shape("circle", { class: "goal", cx: x(enough), cy: y(own[enough - 2]), r: 4 }),
      shape("circle", { class: "here", cx: x(seeds), cy: y(here), r: 6 }),
      text(percent(here), x(seeds) + (seeds > 33 ? -10 : 10), y(here) + (here > 0.8 ? 20 : 16), { class: "big halo", "text-anchor": seeds > 33 ? "end" : "start" }),
      ...[2, 10, 20, 30].map((tick) => text(tick, x(tick), top + high + 18, { "text-anchor": "middle", class: "tick" })),
      text("40 seeds", right, top + high + 18, { "text-anchor": "end", class: "tick" }),
    ];

    const shown = guess === "none" ? k : seeds;
    const running = differences.slice(0, shown).map((_, i) => (i ? interval(differences.slice(0, i + 1)) : [differences[0], Infinity]));
    const cut = (value) => v(Math.max(-most, Math.min(most, value)));
    const band = area((_, i) => x(i + 1), ([mean, half]) => cut(mean - half), ([mean, half]) => cut(mean + half));
    const middle = line((_, i) => x(i + 1), ([mean]) => cut(mean));
    const ticks = v.ticks(5).filter((tick) => Math.abs(tick) < most);
    const lower = [
      text("B − A, points: seeds, mean, 95 % interval", 0, start - 12),
      shape("rect", { class: "left-over", x: x(seeds), y: start, width: right - x(seeds), height: low }),
      ...ticks.flatMap((tick) => [
        rule(left, v(tick), right, v(tick), tick ? "grid" : "zero"),
        text(kit.show(tick), left - 6, v(tick) + 4, { "text-anchor": "end", class: "tick" }),
      ]),
      shape("path", { class: "band", d: band(running) ?? "" }),
      guess !== "none" && rule(left, v(sign * effect), right, v(sign * effect), "truth"),
      shape("path", { class: "own", d: middle(running) ?? "" }),
      ...differences.slice(0, shown).map((value, i) => shape("circle", { class: i < k ? "seed" : "seed later", cx: x(i + 1), cy: cut(value), r: 3.5 })),
      ...(shown ? [] : [text("Two arms, no labels: which one is better?", (left + right) / 2, v(0) - 12, { "text-anchor": "middle", class: "halo" })]),
      text("B ahead", right - 6, start + 16, { "text-anchor": "end", class: "tick halo" }),
      text("A ahead", right - 6, start + low - 8, { "text-anchor": "end", class: "tick halo" }),
      guess !== "none" && text(`truth: ${leader(sign)} by ${kit.show(effect)}`, right - 6, v(sign * effect) + (sign > 0 === v(effect) - start > 40 ? -7 : 16), { "text-anchor": "end", class: "truth halo" }),
    ];
    kit.picture.setAttribute("viewBox", `0 0 ${width} ${start + low + 8}`);
    kit.picture.replaceChildren(...[...upper, ...lower].filter(Boolean));
  },

  sentence(state, kit) {
    const { seeds, effect, guess } = state;
    const { d, k, sigma, sign, differences } = read(state, kit);
    const after = (n) => `After ${n} seed${n === 1 ? "" : "s"}`;
    const ahead = (n) => {
      const [mean, half] = n > 1 ? interval(differences.slice(0, n)) : [differences[0]];
      return `${leader(mean)} is ahead by ${kit.show(Math.abs(mean))}${n > 1 ? ` ± ${kit.show(half)}: zero is ${Math.abs(mean) > half ? "outside" : "inside"}` : ""}.`;
    };
    const said = [`An effect of ${points(effect, kit)}. With ${Number(state.images).toLocaleString("en")} images a seed's difference varies by ${kit.show(sigma)}, so d = ${kit.show(d)}. ${seeds} seeds see it in ${percent(power(d, seeds))} of comparisons; 80 % takes ${seedsNeeded(d).toLocaleString("en")} seeds.`];
    if (k) said.push(`${after(k)} ${ahead(k)}`);
    if (k || guess !== "none") said.push(`Who then picks the one ahead is right in ${percent(normal(d * Math.sqrt(k)))} of games.`);
    if (guess === "none") {
      if (k === seeds) said.push("The seeds have run out: decide.");
      return said.join(" ");
    }
    said.push(`You chose ${guess}: ${guess === leader(sign) ? "right" : "wrong"}.`);
    if (k < seeds) said.push(`${after(seeds)} ${ahead(seeds)}`);
    const { score } = kit.memory;
    if (score) said.push(`${score.right} of ${score.games} games right.`);
    return said.join(" ");
  },

  numbers(state, kit) {
    const { d, k, differences } = read(state, kit);
    const row = (n) => {
      const [mean, half] = n > 1 ? interval(differences.slice(0, n)) : [differences[0]];
      return [n, n > 1 ? percent(power(d, n)) : "–", percent(normal(d * Math.sqrt(n))), n > k ? "–" : kit.show(differences[n - 1]), n > k ? "–" : `${kit.show(mean)}${n > 1 ? ` ± ${kit.show(half)}` : ""}`];
    };
    return {
      caption: `An effect of ${kit.show(d)} standard deviations, and this game`,
      head: ["seeds", "seen", "the one ahead is better", "B − A of this seed", "mean so far"],
      rows: Array.from({ length: state.seeds }, (_, i) => row(i + 1)),
    };
  },

  question: {
    ask: "The spread of seeds is 1 point, and each has 500 test images. What is the smallest effect that 12 seeds see in four cases of five?",
    right: ({ effect, sd, images, seeds }) => sd === 1 && images === "500" && seeds === 12 && power(effect / spread(1, 500), 12) >= 0.8 && power((effect - 0.1) / spread(1, 500), 12) < 0.8,
    hint(state, kit) {
      if (state.sd !== 1 || state.images !== "500" || state.seeds !== 12) return "Set the spread to 1, the images to 500 and the seeds to 12 first.";
      return `12 seeds see an effect of ${kit.show(state.effect)} in ${percent(power(read(state, kit).d, 12))} of all comparisons${power(read(state, kit).d, 12) >= 0.8 ? ", and a smaller one may do" : ""}.`;
    },
    why: "Smaller effects may be there all the same: these seeds would miss them more often.",
  },
};
