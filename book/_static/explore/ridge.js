// Chapter 2's ridge path: ten weights under dropout ridge or plain ridge, in the units of two clinics.
export const follows = "52ada826";
export const heights = { wide: 930, narrow: 1380 };

export const P = [0, 0.001, 0.002, 0.003, 0.005, 0.007, 0.01, 0.015, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];

/** What the chapter stored, as numbers: {names, sd, factor, alone, R}; R are the correlations of the measurements. */
export function read({ sd, "mg/dL": factor, alone, ...rows }) {
  const numbers = (texts) => texts.map((text) => Number(text.replace("\u2212", "-")));
  const names = Object.keys(rows);
  return { names, sd: numbers(sd), factor: numbers(factor), alone: numbers(alone), R: names.map((name) => numbers(rows[name]).map((r) => r / 1e6)) };
}

/** The solution of A x = b for a symmetric positive definite A: Gaussian elimination. */
export function solve(A, b) {
  const rows = A.map((row, i) => [...row, b[i]]);
  const n = b.length;
  for (let k = 0; k < n; k++) {
    for (let i = k + 1; i < n; i++) {
      const ratio = rows[i][k] / rows[k][k];
      for (let j = k; j <= n; j++) rows[i][j] -= ratio * rows[k][j];
    }
  }
  const x = [];
  for (let i = n - 1; i >= 0; i--) x[i] = (rows[i][n] - rows[i].reduce((sum, a, j) => (j > i && j < n ? sum + a * x[j] : sum), 0)) / rows[i][i];
  return x;
}

/** Weights of dropout ridge in points per sd: [(1 − p) R + p I] w = (1 − p) alone. The units cancel. */
export const dropoutRidge = ({ R, alone }, p) =>
  solve(R.map((row, i) => row.map((r, j) => (1 - p) * r + (i === j ? p : 0))), alone.map((a) => (1 - p) * a));

/** Weights of plain ridge in points per sd, as strong as dropout's at p on average over the ten, in mg/dL or mmol/L. */
export function plainRidge({ R, alone, sd, factor }, p, units) {
  const strength = ((p / (1 - p)) * sd.reduce((sum, s) => sum + s * s, 0)) / sd.length;
  const spread = sd.map((s, i) => (units === "mmol" ? s / factor[i] : s));
  return solve(R.map((row, i) => row.map((r, j) => r + (i === j ? strength / spread[i] ** 2 : 0))), alone);
}

export const weights = (data, method, p, units) => (method === "plain" ? plainRidge(data, p, units) : dropoutRidge(data, p));

/** How far the predictions of both clinics differ: root mean square over the patients, in points. */
export function apart(data, method, p) {
  const [a, b] = ["mgdl", "mmol"].map((units) => weights(data, method, p, units));
  const d = a.map((w, i) => w - b[i]);
  return Math.sqrt(Math.max(0, d.reduce((sum, di, i) => sum + di * data.R[i].reduce((s, r, j) => s + r * d[j], 0), 0)));
}

const METHODS = { dropout: "dropout ridge", plain: "plain ridge" };
const UNITS = { mgdl: "mg/dL", mmol: "mmol/L" };
const BOLD = ["TC", "LDL"];
const LIMIT = 50; // points per sd, up and down
const other = (units) => (units === "mgdl" ? "mmol" : "mgdl");

// Heights at which labels can stand that want to stand at `wanted`, `gap` apart.
function spaced(wanted, gap, low, high) {
  const order = wanted.map((y, i) => [y, i]).sort((a, b) => a[0] - b[0]);
  const at = [];
  let last = low - gap;
  for (const [y, i] of order) at[i] = last = Math.max(y, last + gap);
  let next = high + gap;
  for (const [, i] of order.reverse()) at[i] = next = Math.min(at[i], next - gap);
  return at;
}

export default {
  name: "ridge",
  label: "Ridge path",
  state: { p: 0.01, method: "dropout", units: "mgdl" },
  controls: [
    { kind: "range", name: "p", label: "p, the probability to drop an input", values: P, show: (p) => String(p) },
    { kind: "choice", name: "method", label: "Fit by", options: METHODS },
    { kind: "choice", name: "units", label: "Cholesterol and glucose in", options: UNITS },
  ],

  async ready(kit) {
    kit.data = read(kit.stored);
    const { scaleLinear, scaleLog, line } = await kit.d3();
    Object.assign(kit, { scaleLinear, scaleLog, line, paths: {} });
    const fine = Array.from({ length: 120 }, (_, k) => 0.001 * 901 ** (k / 119) - 0.001);
    for (const [method, units] of [["dropout", "mgdl"], ["plain", "mgdl"], ["plain", "mmol"]]) {
      kit.paths[method + units] = fine.map((p) => ({ p, w: weights(kit.data, method, p, units) }));
    }
    kit.paths.dropoutmmol = kit.paths.dropoutmgdl;
    // A finger or a mouse on the paths moves p, as its slider does.
    const follow = (event) => {
      const place = kit.box.getBoundingClientRect();
      const x = event.clientX - place.left;
      if (event.clientY - place.top > kit.reach.down || x > kit.reach.right + 10) return;
      kit.set({ p: P.reduce((best, p) => (Math.abs(kit.across(p) - x) < Math.abs(kit.across(best) - x) ? p : best)) });
    };
    kit.box.addEventListener("pointerdown", follow);
    kit.box.addEventListener("pointermove", (event) => event.buttons && follow(event));
    new ResizeObserver(() => kit.width !== kit.box.clientWidth && this.draw(kit, kit.state)).observe(kit.box);
  },

  draw(kit, { p, method, units }) {
    const { shape, show, data, scaleLinear, scaleLog, line } = kit;
    const width = (kit.width = kit.box.clientWidth || 600);
    const wide = width >= 480;
    const now = weights(data, method, p, units);
    const ghost = weights(data, method, p, other(units));
    const least = kit.paths.dropoutmgdl[0].w;
    const parts = [];
    const add = (tag, attributes, ...children) => parts.push(shape(tag, attributes, ...children));
    const write = (text, x, y, attributes) => add("text", { x, y, ...attributes }, text);

    // Left: the paths, from p = 0 on.
    const [left, right, top, bottom] = [76, wide ? width * 0.57 : width - 30, 30, wide ? 330 : 260];
    const up = scaleLinear([-LIMIT, LIMIT], [bottom, top]);
    const log = scaleLog([0.001, 0.901], [left, right]);
    const across = (kit.across = (value) => log(value + 0.001)); // stretched towards 0, which it holds
    kit.reach = { right, down: bottom + 20 };
    write("weight, points per sd", 0, 14, { class: "title" });
    for (const tick of [-40, -20, 0, 20, 40]) {
      add("line", { x1: left, x2: right, y1: up(tick), y2: up(tick), class: tick ? "grid" : "axis" });
      write(show(tick), right + 5, up(tick) + 4, { class: "soft" });
    }
    for (const tick of wide ? [0, 0.001, 0.01, 0.1, 0.5] : [0, 0.01, 0.1, 0.5]) write(String(tick), across(tick), bottom + 16, { class: "soft", "text-anchor": "middle" });
    write("p", right, bottom + 16, { class: "soft", "text-anchor": "middle" });
    add("line", { x1: across(p), x2: across(p), y1: top - 6, y2: bottom, class: "now" });
    const trace = (key, i) => line().x((d) => across(d.p)).y((d) => up(d.w[i]))(kit.paths[key]);
    const bold = (name) => BOLD.includes(name);
    const order = [...data.names.keys()].sort((a, b) => bold(data.names[a]) - bold(data.names[b]));
    if (method === "plain") for (const i of order) add("path", { d: trace(method + other(units), i), class: `ghost${bold(data.names[i]) ? " bold" : ""}` });
    for (const i of order) add("path", { d: trace(method + units, i), class: `path${bold(data.names[i]) ? " bold" : ""}` });
    const at = spaced(least.map(up), 14, top, bottom);
    data.names.forEach((name, i) => {
      write(name, left - 10, at[i] + 4, { "text-anchor": "end", class: bold(name) ? "name bold" : "name" });
      add("rect", { x: left - 3, y: up(least[i]) - 3, width: 6, height: 6, class: "least" });
      add("circle", { cx: across(p), cy: up(now[i]), r: bold(name) ? 5 : 3, class: bold(name) ? "dot bold" : "dot" });
    });

    // Right, or below: the ten weights at this p.
    const x0 = wide ? right + 52 : 0;
    const y0 = wide ? 0 : bottom + 40;
    const side = scaleLinear([-LIMIT, LIMIT], [x0 + (wide ? 62 : 76), width - 8]);
    const row = (i) => y0 + 48 + i * (wide ? 25.5 : 23);
    let x = x0;
    write(`p = ${p}`, x, y0 + 14, { class: "title" });
    for (const [mark, text] of [["least", "p = 0"], ["dot bold", UNITS[units]], ["ring", UNITS[other(units)]]]) {
      const y = y0 + 29;
      if (mark === "least") add("rect", { x: x + 1, y: y - 3, width: 6, height: 6, class: mark });
      else add("circle", { cx: x + 5, cy: y, r: 4.5, class: mark });
      write(text, x + 14, y + 4, { class: "soft" });
      x += mark === "least" ? 60 : 76;
    }
    add("line", { x1: side(0), x2: side(0), y1: row(-0.5), y2: row(9.5), class: "axis" });
    for (const tick of [-40, 0, 40]) write(show(tick), side(tick), row(9.5) + 16, { class: "soft", "text-anchor": "middle" });
    data.names.forEach((name, i) => {
      const y = row(i);
      write(name, side(-LIMIT) - 6, y + 4, { "text-anchor": "end", class: bold(name) ? "name bold" : "name" });
      add("line", { x1: side(-LIMIT), x2: side(LIMIT), y1: y, y2: y, class: "grid" });
      add("line", { x1: side(0), x2: side(now[i]), y1: y, y2: y, class: bold(name) ? "bar bold" : "bar" });
      add("rect", { x: side(least[i]) - 3, y: y - 3, width: 6, height: 6, class: "least" });
      add("circle", { cx: side(now[i]), cy: y, r: 4.5, class: bold(name) ? "dot bold" : "dot" });
      add("circle", { cx: side(ghost[i]), cy: y, r: 6.5, class: "ring" });
    });

    // Below all: how far the predictions of the clinics are apart.
    const foot = (wide ? bottom + 40 : row(10) + 22) + 8;
    const gap = apart(data, method, p);
    const bar = scaleLinear([0, 25], [0, width - 8]);
    write("Predictions in mg/dL and in mmol/L differ by", 0, foot, { class: "title" });
    add("rect", { x: 0, y: foot + 11, width: bar(25), height: 18, class: "track" });
    add("rect", { x: 0, y: foot + 11, width: Math.max(2, bar(gap)), height: 18, class: "apart" });
    write(`${show(gap, 1)} points`, bar(gap) + (gap > 15 ? -8 : 8), foot + 25, { class: gap > 15 ? "inside" : "", "text-anchor": gap > 15 ? "end" : "start" });
    const height = foot + 34;
    kit.box.replaceChildren(shape("svg", { viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" }, ...parts));
  },

  sentence({ p, method, units }, { data, show }) {
    const [at, now] = [weights(data, "dropout", 0), weights(data, method, p, units)];
    const of = (w, name) => show(w[data.names.indexOf(name)], 1);
    const gap = apart(data, method, p);
    return `${method === "plain" ? `Plain ridge, as strong as dropout at p = ${p},` : `Dropout ridge at p = ${p}`} in ${UNITS[units]}: TC ${of(now, "TC")} and LDL ${of(now, "LDL")} points per sd, of ${of(at, "TC")} and ${of(at, "LDL")} at p = 0; BMI ${of(now, "BMI")}, of ${of(at, "BMI")}. ${gap < 1e-9 ? "Predictions in mg/dL and in mmol/L are the same." : `Predictions in mg/dL and in mmol/L differ by ${show(gap, 1)} points (root mean square).`}`;
  },

  numbers({ p, method, units }, { data, show }) {
    const columns = [weights(data, "dropout", 0), weights(data, "dropout", p), weights(data, "plain", p, "mgdl"), weights(data, "plain", p, "mmol")];
    return {
      caption: `Weights in points per sd; p = ${p}, plain ridge as strong as dropout on average`,
      head: ["measurement", "least squares", "dropout ridge", "plain, mg/dL", "plain, mmol/L"],
      rows: data.names.map((name, i) => [name, ...columns.map((w) => show(w[i], 1))]),
    };
  },

  question: {
    ask: "By one of the two methods, the two clinics predict differently. At which p do their predictions differ most?",
    right: ({ p, method }, { data }) => method === "plain" && p === P.reduce((best, each) => (apart(data, "plain", each) > apart(data, "plain", best) ? each : best)),
    hint({ p, method }, { data, show }) {
      if (method === "dropout") return "By dropout ridge they predict the same at every p.";
      return `At p = ${p} they differ by ${show(apart(data, method, p), 2)} points.`;
    },
    why: "Plain ridge penalises a weight by its size in the clinic's own units; the penalty of dropout takes its scale from the data.",
  },
};
