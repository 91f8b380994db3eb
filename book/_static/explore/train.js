// Chapter 4's network with two inputs, trained in the page: without and with dropout, from the same weights.
export const follows = "7cbabe75";
export const heights = { wide: 1190, narrow: 1290 };

const HELD_OUT = 400;
const EVERY = 10; // steps between two records
const STEPS = 1000;
const RATE = 0.03;
const [ACROSS, UP] = [1.75, 1.25]; // half of what is drawn
const [COLUMNS, ROWS] = [85, 61];

/** mulberry32, as the chapter and the kit have it, after its first `skip` numbers. */
export function numbers(seed, skip = 0) {
  seed = (seed + Math.imul(0x6d2b79f5, skip)) | 0;
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** n points of two crescents in turn: {points: [[x, y]], labels, wrong: whether the label is}. */
export function crescents(n, noise, random) {
  const found = { points: [], labels: [], wrong: [] };
  for (let i = 0; i < n; i++) {
    const turn = Math.PI * random();
    const distance = 0.75 + 0.5 * random();
    const wrong = random() < noise;
    const sign = i % 2 ? -1 : 1;
    found.points.push([sign * (distance * Math.cos(turn) - 0.5), sign * (distance * Math.sin(turn) - 0.25)]);
    found.labels.push((i % 2) ^ wrong);
    found.wrong.push(wrong);
  }
  return found;
}

/** {heldOut, seen}: the points of a run. */
export function data({ n, noise, seed }) {
  const random = numbers(seed);
  return { heldOut: crescents(HELD_OUT, noise, random), seen: crescents(n, noise, random) };
}

/** Weights in one list: (width, 2) of the inputs, (width) biases, (width) to the output, its bias. */
export function startWeights(width, seed) {
  const random = numbers(seed + 1000);
  const w = Array(4 * width + 1).fill(0);
  for (let j = 0; j < width; j++) {
    const [a, b, c, d] = [0, 0, 0, 0].map(() => 2 * random() - 1);
    [w[2 * j], w[2 * j + 1], w[2 * width + j], w[3 * width + j]] = [2 * a, 2 * b, 2 * c, d / Math.sqrt(width)];
  }
  return w;
}

/** Which hidden units step `step` (from 1) keeps. */
export function maskOf(step, p, width, seed) {
  const random = numbers(seed + 2000, (step - 1) * width);
  return Array.from({ length: width }, () => random() >= p);
}

/** The logit of a point, with all hidden units. */
export function logit(w, width, x, y) {
  let z = w[4 * width];
  for (let j = 0; j < width; j++) {
    const a = w[2 * j] * x + w[2 * j + 1] * y + w[2 * width + j];
    if (a > 0) z += a * w[3 * width + j];
  }
  return z;
}

/** Mean log-loss (nats) and error of weights on points, without dropout. */
export function evaluate(w, width, { points, labels }) {
  let [loss, errors] = [0, 0];
  points.forEach(([x, y], i) => {
    const z = logit(w, width, x, y);
    const against = labels[i] ? -z : z;
    loss += Math.max(against, 0) + Math.log1p(Math.exp(-Math.abs(z)));
    errors += z > 0 !== (labels[i] === 1);
  });
  return [loss / labels.length, errors / labels.length];
}

// A run before its first step; records are [training loss, error, held-out loss, error].
function begin(setting) {
  const run = { setting, ...data(setting), at: 0, w: Float64Array.from(startWeights(setting.width, setting.seed)), records: [], weights: [] };
  Object.assign(run, { g: run.w.map(() => 0), m: run.w.map(() => 0), v: run.w.map(() => 0) });
  record(run);
  return run;
}

function record(run) {
  const { w, setting } = run;
  run.records.push([...evaluate(w, setting.width, run.seen), ...evaluate(w, setting.width, run.heldOut)]);
  run.weights.push(Float64Array.from(w));
}

// One step of Adam on all points, under one mask.
function advance(run) {
  const { setting: { p, width, seed }, seen: { points, labels }, w, g, m, v } = run;
  const step = ++run.at;
  const kept = maskOf(step, p, width, seed).flatMap((on, j) => (on ? [j] : []));
  const h = new Float64Array(width);
  g.fill(0);
  for (let i = 0; i < labels.length; i++) {
    const [x, y] = points[i];
    let z = w[4 * width];
    for (const j of kept) {
      const a = w[2 * j] * x + w[2 * j + 1] * y + w[2 * width + j];
      h[j] = a > 0 ? a / (1 - p) : 0;
      z += h[j] * w[3 * width + j];
    }
    const error = (1 / (1 + Math.exp(-z)) - labels[i]) / labels.length;
    g[4 * width] += error;
    for (const j of kept) {
      if (!(h[j] > 0)) continue;
      const back = (error * w[3 * width + j]) / (1 - p);
      g[2 * j] += back * x;
      g[2 * j + 1] += back * y;
      g[2 * width + j] += back;
      g[3 * width + j] += error * h[j];
    }
  }
  const [first, second] = [1 - 0.9 ** step, 1 - 0.999 ** step];
  for (let k = 0; k < w.length; k++) {
    m[k] = 0.9 * m[k] + 0.1 * g[k];
    v[k] = 0.999 * v[k] + 0.001 * g[k] * g[k];
    w[k] -= (RATE * m[k]) / first / (Math.sqrt(v[k] / second) + 1e-8);
  }
  if (step % EVERY === 0) record(run);
}

/** The weights before and after each of the first `steps` steps, and the records of the run. */
export function follow(setting, steps) {
  const run = begin(setting);
  const weights = [[...run.w]];
  while (run.at < steps) {
    advance(run);
    weights.push([...run.w]);
  }
  return { weights, records: run.records };
}

/** Where logits on a grid of columns and rows change sign, as an SVG path. */
export function border(z, columns, rows, x = (c) => c, y = (r) => r) {
  let path = "";
  for (let r = 0; r < rows - 1; r++)
    for (let c = 0; c < columns - 1; c++) {
      const k = r * columns + c;
      const above = (z[k] > 0) + (z[k + 1] > 0) + (z[k + columns] > 0) + (z[k + columns + 1] > 0);
      if (above % 4 === 0) continue;
      const corners = [[c, r], [c + 1, r], [c + 1, r + 1], [c, r + 1]];
      const values = corners.map(([i, j]) => z[j * columns + i]);
      const cuts = corners.flatMap(([i, j], k) => {
        const [[i2, j2], a, b] = [corners[(k + 1) % 4], values[k], values[(k + 1) % 4]];
        const t = a / (a - b);
        return a > 0 === b > 0 ? [] : [`${x(i + t * (i2 - i)).toFixed(1)} ${y(j + t * (j2 - j)).toFixed(1)}`];
      });
      for (let k = 0; k < cuts.length; k += 2) path += `M${cuts[k]}L${cuts[k + 1]}`;
    }
  return path;
}

const percent = (share) => `${Math.round(100 * share)} %`;
const ofAll = (share, n) => `${Math.round(share * n)} of ${n}`;
const NAMES = ["plain", "trained"]; // classes of the page's colours
const headOf = (p) => ["without dropout", `with p = ${p.toFixed(2)}`];

// The two runs of a setting, without and with dropout; as many as were looked at last are kept.
function pairOf(kit, { p, width, noise, n, seed }) {
  kit.runs ??= new Map();
  return [0, p].map((p) => {
    const key = [p, width, noise, n, seed].join();
    const run = kit.runs.get(key) ?? begin({ p, width, noise, n, seed });
    kit.runs.delete(key);
    kit.runs.set(key, run);
    if (kit.runs.size > 12) kit.runs.delete(kit.runs.keys().next().value);
    return run;
  });
}

const ready = (pair, step) => pair.every((run) => run.at >= step);

// Trains on, a few ms at a time, until both runs have ended; says when they have reached the step that is shown.
function work(kit) {
  kit.working ??= setTimeout(() => {
    kit.working = null;
    const pair = pairOf(kit, kit.state);
    const waiting = !ready(pair, kit.state.step);
    for (const until = performance.now() + 8; performance.now() < until && !ready(pair, STEPS); ) advance(pair[0].at <= pair[1].at ? pair[0] : pair[1]);
    if (waiting && ready(pair, kit.state.step)) {
      if (kit.owed) kit.set({}); // the sentence did not wait
      else requestAnimationFrame(() => figure.draw(kit, kit.state));
      kit.owed = false;
    }
    if (!ready(pair, STEPS)) work(kit);
  });
}

// What is known at the step of a state, [a record of each run]; null while they train.
function known(kit, state) {
  const pair = pairOf(kit, state);
  return ready(pair, state.step) ? pair.map((run) => run.records[state.step / EVERY]) : null;
}

function play(kit) {
  let last = 0;
  const frame = (now) => {
    if (!kit.playing) return;
    if (now - last > 45 && ready(pairOf(kit, kit.state), kit.state.step)) {
      last = now;
      kit.set({ step: kit.state.step + EVERY });
    }
    if (kit.state.step >= STEPS - EVERY) kit.playing = false;
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
}

const figure = {
  name: "train",
  label: "Watch it train",
  state: { step: 500, p: 0.5, width: 64, noise: 0.15, n: 80, seed: 2 },
  controls: [
    { kind: "range", name: "step", label: "Training step", min: 0, max: STEPS, step: EVERY, show: (step) => step.toLocaleString("en") },
    { kind: "range", name: "p", label: "p (drop)", min: 0, max: 0.9, step: 0.05, show: (p) => p.toFixed(2) },
    { kind: "range", name: "width", label: "Hidden units", min: 4, max: 64, step: 4 },
    { kind: "range", name: "noise", label: "Wrong labels", min: 0, max: 0.4, step: 0.05, show: percent },
    { kind: "range", name: "n", label: "Points", min: 20, max: 200, step: 20 },
    { kind: "hidden", name: "seed", fits: (seed) => Number.isInteger(seed) && seed > 0 && seed < 1000 },
    {
      kind: "button",
      label: "Train / pause",
      press({ step }, kit) {
        if (kit.still) return { step: step >= STEPS ? 0 : Math.min(STEPS, step + 100) };
        kit.playing = !kit.playing;
        if (kit.playing) play(kit);
        return { step: kit.playing && step >= STEPS ? 0 : step };
      },
    },
    { kind: "button", label: "Another run", press: ({ seed }) => ({ seed: (seed % 999) + 1 }) },
  ],

  async ready(kit) {
    const { node, shape } = kit;
    kit.scales = await kit.d3();
    kit.panels = NAMES.map((name) => {
      const head = node("p", { className: name });
      const canvas = node("canvas", { width: COLUMNS, height: ROWS });
      const over = shape("svg", { viewBox: "0 0 350 250", "aria-hidden": "true" });
      const foot = node("p", {});
      return { head, canvas, over, foot, part: node("div", { className: "panel" }, head, node("div", { className: "plane" }, canvas, over), foot) };
    });
    kit.key = node("p", { className: "key" });
    kit.units = shape("svg", { "aria-hidden": "true" });
    kit.curves = shape("svg", { "aria-hidden": "true" });
    kit.box.append(node("div", { className: "panels" }, ...kit.panels.map(({ part }) => part)), kit.key, kit.units, kit.curves);
    const again = () => this.draw(kit, kit.state);
    new ResizeObserver(() => kit.drawn !== kit.box.clientWidth && again()).observe(kit.box);
    new MutationObserver(again).observe(document.documentElement, { attributeFilter: ["data-theme"] });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
    const pair = pairOf(kit, kit.state);
    while (!ready(pair, kit.state.step)) {
      for (const run of pair) for (let k = 0; k < 25; k++) advance(run);
      await new Promise((done) => setTimeout(done));
    }
  },

  draw(kit, state) {
    const { shape, scales, panels, units, curves } = kit;
    const { step, p, width } = state;
    const pair = pairOf(kit, state);
    if (!ready(pair, STEPS)) work(kit);
    kit.box.classList.toggle("busy", !ready(pair, step));
    if (!ready(pair, step)) return;
    const wide = (kit.drawn = kit.box.clientWidth) || 340;
    const text = (x, y, content, attributes) => shape("text", { x, y, ...attributes }, content);

    // the plane: what the network says where, its border, and the points
    const at = scales.scaleLinear().domain([0, COLUMNS - 1]).range([-ACROSS, ACROSS]);
    const up = scales.scaleLinear().domain([0, ROWS - 1]).range([UP, -UP]);
    const xs = Array.from({ length: COLUMNS }, (_, c) => at(c));
    const ys = Array.from({ length: ROWS }, (_, r) => up(r));
    const small = wide < 480 ? 1.5 : 1; // the drawing is 350 wide, the panel less
    const colours = panels.map(({ head }) => getComputedStyle(head).color.match(/[\d.]+/g)?.map(Number) ?? [0, 0, 0]); // it is drawn once before it is on the page
    pair.forEach((run, k) => {
      const panel = panels[k];
      const { head, canvas, over, foot } = panel;
      const w = run.weights[step / EVERY];
      const logits = new Float64Array(COLUMNS * ROWS);
      for (let i = 0; i < logits.length; i++) logits[i] = logit(w, width, xs[i % COLUMNS], ys[Math.floor(i / COLUMNS)]);
      const colour = colours[k];
      const pen = canvas.getContext("2d");
      const image = pen.createImageData(COLUMNS, ROWS);
      for (let i = 0; i < 4 * logits.length; i++) image.data[i] = i % 4 < 3 ? colour[i % 4] : 120 / (1 + Math.exp(-logits[i >> 2]));
      pen.putImageData(image, 0, 0);
      const x = (value) => (350 * (value + ACROSS)) / (2 * ACROSS);
      const y = (value) => (250 * (UP - value)) / (2 * UP);
      const line = border(logits, COLUMNS, ROWS, (c) => x(at(c)), (r) => y(up(r)));
      // The points stay while the network learns.
      if (panel.run !== run || panel.small !== small) {
        const dots = run.seen.points.map(([a, b], i) => {
          const name = run.seen.labels[i] ? "filled" : "open";
          const r = (run.seen.wrong[i] ? 5.5 : 4) * small;
          return run.seen.wrong[i]
            ? shape("rect", { class: name, x: x(a) - r, y: y(b) - r, width: 2 * r, height: 2 * r })
            : shape("circle", { class: name, cx: x(a), cy: y(b), r });
        });
        Object.assign(panel, { run, small });
        over.replaceChildren(shape("path", { class: NAMES[k], "stroke-width": 2.2 * small }), ...dots);
      }
      over.firstChild.setAttribute("d", line);
      const [, error, , held] = run.records[step / EVERY];
      head.textContent = headOf(p)[k];
      foot.textContent = `wrong: ${ofAll(error, state.n)} points, ${ofAll(held, HELD_OUT)} held out`;
    });
    const wrong = pair[0].seen.wrong.filter(Boolean).length;
    kit.key.textContent = `Open and filled: the two labels; squares: the ${wrong} wrong ones. Darker: filled is more probable.`;

    // the sub-network of this step
    const mask = step ? maskOf(step, p, width, state.seed) : Array(width).fill(true);
    const gap = Math.min(20, (wide - 4) / 32);
    units.setAttribute("viewBox", `0 0 ${wide} 66`);
    units.replaceChildren(
      text(0, 14, step ? `step ${step.toLocaleString("en")} trains ${mask.filter(Boolean).length} of ${width} hidden units` : `${width} hidden units`, { class: "trained" }),
      ...mask.map((on, j) => shape("circle", { class: on ? "on" : "off", cx: 2 + gap * ((j % 32) + 0.4), cy: 32 + 20 * Math.floor(j / 32), r: Math.min(6, 0.38 * gap) }))
    );

    // the losses so far
    const [left, right, top, floor] = [30, 106, 30, 170];
    const x = scales.scaleLinear().domain([0, STEPS]).range([left, wide - right]);
    const y = scales.scaleLinear().domain([0, 2]).range([floor, top]);
    const parts = [text(0, 14, "log-loss (nats)"), shape("clipPath", { id: "train-clip" }, shape("rect", { x: left, y: top, width: wide, height: floor - top }))];
    for (const tick of [0, 0.5, 1, 1.5, 2]) {
      parts.push(shape("line", { class: "grid", x1: left, x2: wide - right, y1: y(tick), y2: y(tick) }));
      parts.push(text(left - 6, y(tick) + 5, kit.show(tick, 1), { "text-anchor": "end" }));
    }
    for (const tick of [0, 500, 1000]) parts.push(text(x(tick), floor + 18, tick.toLocaleString("en"), { "text-anchor": "middle" }));
    parts.push(text((x(0) + x(STEPS)) / 2, floor + 36, "training step", { "text-anchor": "middle" }));
    parts.push(shape("line", { class: "now", x1: x(step), x2: x(step), y1: top, y2: floor }));
    const labels = [];
    pair.forEach(({ records }, k) => {
      const sofar = records.slice(0, step / EVERY + 1);
      [[0, "training"], [2, "held-out"]].forEach(([which, name]) => {
        const d = sofar.map((each, i) => `${i ? "L" : "M"}${x(i * EVERY).toFixed(1)} ${y(each[which]).toFixed(1)}`).join("");
        parts.push(shape("path", { class: NAMES[k], d, "stroke-width": 2, "clip-path": "url(#train-clip)", "stroke-dasharray": which ? null : "5 4" }));
        const value = sofar.at(-1)[which];
        labels.push({ y: Math.max(top, y(value)) + 5, k, words: `${name} ${value.toFixed(2)}${value > 2 ? " ↑" : ""}` });
      });
    });
    labels.sort((a, b) => a.y - b.y);
    labels.forEach((label, i) => (label.y = Math.max(label.y, i ? labels[i - 1].y + 16 : 0)));
    for (let i = 3, most = floor + 5; i >= 0; i--, most -= 16) labels[i].y = Math.min(labels[i].y, most);
    for (const label of labels) parts.push(text(x(step) + 7, label.y, label.words, { class: NAMES[label.k] }));
    curves.setAttribute("viewBox", `0 0 ${wide} ${floor + 42}`);
    curves.replaceChildren(...parts);
  },

  busy: (state, kit) => !known(kit, state),

  sentence(state, kit) {
    const found = known(kit, state);
    if (!found) {
      kit.owed = true;
      return "Both networks are training.";
    }
    const [plain, dropped] = found.map(([, error, loss, held]) => `${ofAll(error, state.n)} points wrong, ${ofAll(held, HELD_OUT)} held out, held-out log-loss ${loss.toFixed(2)}`);
    return `Step ${state.step.toLocaleString("en")}, without dropout: ${plain}; with p = ${state.p.toFixed(2)}: ${dropped}. One run (seed ${state.seed}) shows what can happen, not how often.`;
  },

  numbers(state, kit) {
    const pair = pairOf(kit, state);
    const at = Array.from({ length: 11 }, (_, i) => 100 * i).filter((step) => step < state.step);
    return {
      caption: "Log-loss in nats, one run of each network",
      head: ["step", ...headOf(state.p).flatMap((name) => [`${name}: training`, "held-out"])],
      rows: [...at, state.step].filter((step) => ready(pair, step)).map((step) => [step.toLocaleString("en"), ...pair.flatMap(({ records }) => [0, 2].map((which) => records[step / EVERY][which].toFixed(3)))]),
    };
  },

  question: {
    ask: "The rival of dropout is to stop early. At which step does the network without dropout have its lowest held-out log-loss?",
    right(state, kit) {
      const [run] = pairOf(kit, state);
      while (run.at < STEPS) advance(run);
      const losses = run.records.map((each) => each[2]);
      return losses[state.step / EVERY] - Math.min(...losses) < 0.005;
    },
    hint: (state, kit) => `At step ${state.step} it is ${pairOf(kit, state)[0].records[state.step / EVERY][2].toFixed(3)}, and at some other step lower.`,
    why: "Now look for the dropout network's lowest: is it lower?",
  },
};

export default figure;
