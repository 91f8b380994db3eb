// Chapter 7's Transformer block: its six places for dropout, what one random number cuts there, and what it did.
import { meanCi } from "./numbers.js";

export const follows = "6afc2797";
export const heights = { wide: 895, narrow: 1425 };

export const PLACES = ["embeddings", "attention weights", "after attention", "inside feed-forward", "after feed-forward", "whole branches"];
const PAPER = [1, 3, 5];
/** The numbers of the places that a choice from 1 to 7 means: itself, or for 7 the paper's three. */
export const chosen = (place) => (place === 7 ? PAPER : [place]);
const called = (place) => (place === 7 ? "1 + 3 + 5, the paper’s three" : `${place} ${PLACES[place - 1]}`);

/** Shape of the mask that a place from 1 to 6 draws for each of its tensors. */
export function shapeOf(place, { batch, time, d, hidden, heads }) {
  if (place === 2) return [batch, heads, time, time];
  return place === 6 ? [batch, 1, 1] : [batch, time, place === 4 ? hidden : d];
}
const axes = (place) => shapeOf(place, { batch: "batch", time: "time", d: "d", hidden: "4d", heads: "heads" }).join(", ");

/** Random numbers that a place draws for one text: embeddings once, a branch two times a block, the others once a block. */
export function draws(place, sizes, blocks) {
  const one = shapeOf(place, { ...sizes, batch: 1 }).reduce((a, b) => a * b);
  return one * (place === 1 ? 1 : place === 6 ? 2 * blocks : blocks);
}

/** Dropout − none of each seed in "loss" (nats) or "error" (points), from the chapter's stored runs. */
export function changes(stored, texts, end, place, what) {
  const arm = (names) => stored.find(([setting]) => setting.n_texts === texts && Object.keys(setting.p).join("+") === names)[1];
  const without = arm("")[`${what} ${end}`];
  return arm(chosen(place).map((k) => PLACES[k - 1]).join("+"))[`${what} ${end}`].map((v, i) => v - without[i]);
}

const STEPS = { 48: { early: 60, late: 180, stopped: "stopped" }, 2000: { early: 60, late: 120, stopped: "stopped" } };
/** Mean and half-width of what a state's training does to the loss and to the error, in a place. */
export function effect(stored, { texts, end }, place) {
  const of = (what) => meanCi(changes(stored, Number(texts), STEPS[texts][end], place, what));
  return { loss: of("loss"), error: of("error") };
}
const signed = ([mean, half], digits) => `${mean < 0 ? "−" : "+"}${Math.abs(mean).toFixed(digits)} ± ${half.toFixed(digits)}`;
const moves = ([mean, half]) => (mean + half < 0 ? "falls" : mean - half > 0 ? "rises" : "shows no clear change");
const training = ({ texts, end }) => `${Number(texts).toLocaleString("en")} texts, ${end === "stopped" ? "stopped on validation" : `${STEPS[texts][end]} steps`}`;

const DECIDES = [
  "one feature (row) at one letter (column). What is lost here, no layer above can read",
  "whether one letter (its row) sees another (its column), in one head",
  "one feature of what attention adds to one letter. The trunk keeps its own",
  "one hidden unit (row) at one letter (column)",
  "one feature of what feed-forward adds to one letter. The trunk keeps its own",
  "all that a branch adds to a whole text. Dropped, the text passes by on the trunk",
];
const TEXTS = ["STAR", "MOON"];
const SMALL = { batch: 2, time: 4, d: 4, hidden: 16, heads: 2 }; // what is drawn
const TEXT = { time: 16, d: 24, hidden: 96, heads: 2 }; // the chapter's model, with two blocks
const fill = (shape, value) => (shape.length ? Array.from({ length: shape[0] }, () => fill(shape.slice(1), value)) : value());

export default {
  name: "block",
  label: "Six places for dropout in a Transformer block",
  state: { place: 2, texts: "48", end: "late", last: false, seed: 49 },
  controls: [
    { kind: "range", name: "place", label: "Place of dropout", min: 1, max: 7, step: 1, show: called },
    { kind: "choice", name: "texts", label: "Learns from", options: { 48: "48 texts", 2000: "2,000 texts" } },
    { kind: "choice", name: "end", label: "Steps", options: { early: "60", late: "180 or 120", stopped: "stopped" } },
    { kind: "toggle", name: "last", label: "draw the norm last" },
    { kind: "hidden", name: "seed", fits: (seed) => Number.isInteger(seed) && seed > 0 },
    { kind: "button", label: "New masks", press: ({ seed }) => ({ seed: seed + 1 }) },
  ],

  async ready(kit) {
    Object.assign(kit, await kit.d3());
    const all = (what) => ["48", "2000"].flatMap((texts) => Object.keys(STEPS[texts]).flatMap((end) => [1, 2, 3, 4, 5, 6, 7].flatMap((place) => changes(kit.stored.TRANSFORMER_PLACES, Number(texts), STEPS[texts][end], place, what))));
    kit.extent = { loss: all("loss"), error: all("error") };
    for (const what in kit.extent) kit.extent[what] = [Math.min(...kit.extent[what]), Math.max(...kit.extent[what])];
    kit.svgs = ["plan", "mask", "effects"].map((name) => kit.shape("svg", { class: name, "aria-hidden": "true" }));
    kit.words = kit.node("p", { className: "decides" });
    const [plan, mask, effects] = kit.svgs;
    kit.box.append(plan, kit.node("div", { className: "cut" }, mask, kit.words), effects);
    new ResizeObserver(() => kit.box.clientWidth !== kit.width && this.draw(kit, kit.state)).observe(kit.box);
  },

  draw(kit, state) {
    kit.width = kit.box.clientWidth;
    const [plan, mask, effects] = kit.svgs;
    const widths = kit.svgs.map((svg) => svg.clientWidth); // read before anything is written
    const put = (svg, width, height, parts) => {
      svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
      svg.replaceChildren(...parts);
    };
    put(plan, widths[0] || 150, 312, drawPlan(kit, state));
    put(mask, widths[1] || 150, 176, drawMask(kit, state, widths[1] || 150));
    put(effects, widths[2] || 320, 306, drawEffects(kit, state, widths[2] || 320));
    kit.words.textContent = state.place === 7 ? "Three masks, one in each place." : `One random number: ${DECIDES[state.place - 1]}.`;
  },

  sentence(state, kit) {
    const { place, last } = state;
    const { loss, error } = effect(kit.stored.TRANSFORMER_PLACES, state, place);
    const counted = chosen(place).reduce((sum, k) => sum + draws(k, TEXT, 2), 0).toLocaleString("en");
    const where = place === 7 ? "The paper’s three places: masks (batch, time, d)" : `Place ${place}, ${PLACES[place - 1]}: a mask (${axes(place)})`;
    return `${where}, ${counted} random numbers for a text. ${training(state)}: log-loss ${signed(loss, 2)} nats, error ${signed(error, 1)} points. The loss ${moves(loss)}, the error ${moves(error)}.${last ? " Measured with the norm first." : ""}`;
  },

  numbers: (state, kit) => ({
    caption: `Dropout − none on test texts, ${training(state)}, p = 0.2, norm first, 10 seeds, each at its best rate`,
    head: ["place", "mask", "log-loss, nats", "error, points"],
    rows: [1, 2, 3, 4, 5, 6, 7].map((place) => {
      const { loss, error } = effect(kit.stored.TRANSFORMER_PLACES, state, place);
      return [called(place), place === 7 ? "three" : `(${axes(place)})`, signed(loss, 2), signed(error, 1)];
    }),
  }),

  question: {
    ask: "Where, and in which training, does dropout lower the log-loss most? Look at what the error does there.",
    right: (state, kit) => best(kit) === `${state.place} ${state.texts} ${state.end}`,
    hint(state, kit) {
      const { loss, error } = effect(kit.stored.TRANSFORMER_PLACES, state, state.place);
      return `In ${called(state.place)}, ${training(state)}, the log-loss changes by ${signed(loss, 2)} nats and the error by ${signed(error, 1)} points.`;
    },
    why: "And the error rises: the model is less sure of its wrong guesses, not right more often.",
  },
};

function best(kit) {
  const found = [];
  for (const texts in STEPS)
    for (const end in STEPS[texts])
      for (let place = 1; place <= 7; place++) found.push([effect(kit.stored.TRANSFORMER_PLACES, { texts, end }, place).loss[0], `${place} ${texts} ${end}`]);
  return found.sort((a, b) => a[0] - b[0])[0][1];
}

// ---------------------------------------------------------------- the drawings

// A block from below, as in the chapter: trunk on the left, two branches; what the chosen place cuts is dashed.
function drawPlan({ shape, set }, { place, last }) {
  const here = chosen(place);
  const x = { trunk: 14, six: 44, branch: 82, badge: 138 };
  const y = (v) => 303 - 30.5 * v;
  const line = (d, cut) => shape("path", { d, class: cut ? "wire cutting" : "wire" });
  const box = (cx, v, words, kind) => {
    const width = kind === "norm" ? 44 : 86;
    return [shape("rect", { x: cx - width / 2, y: y(v) - 12, width, height: 24, rx: 5, class: `box ${kind}` }), shape("text", { x: cx, y: y(v) + 4.5, "text-anchor": "middle" }, words)];
  };
  const parts = [line(`M${x.trunk} ${y(1)}V${y(9.7)}`), line(`M${x.trunk} ${y(0.2)}V${y(1)}`, here.includes(1))];
  const badges = [[x.trunk, 0.2, 1]];
  for (const [v, name, inside] of [[1, "attention", 2], [5.3, "feed-forward", 4]]) {
    const whole = here.includes(6);
    parts.push(line(`M${x.trunk} ${y(v)}H${x.branch}V${y(v + 3)}`, whole), line(`M${x.branch} ${y(v + 3)}H${x.trunk}`, whole || here.includes(inside + 1)));
    parts.push(...box(x.branch, v + (last ? 1.4 : 1.9), name, whole || here.includes(inside) ? "cutting" : ""));
    parts.push(...box(last ? x.trunk + 12 : x.branch, v + (last ? 3.85 : 0.75), "norm", "norm"));
    parts.push(shape("circle", { cx: x.trunk, cy: y(v + 3), r: 8, class: "box" }), shape("path", { d: `M${x.trunk - 4.5} ${y(v + 3)}h9m-4.5 -4.5v9`, class: "plus" }));
    badges.push([x.badge, v + (last ? 1.4 : 1.9), inside], [x.branch, v + 3, inside + 1], [x.six, v + 3, 6]);
  }
  for (const [cx, v, number] of badges) {
    const badge = shape("g", { class: here.includes(number) ? "badge here" : "badge" }, shape("circle", { cx, cy: y(v), r: 11 }), shape("text", { x: cx, y: y(v) + 5, "text-anchor": "middle" }, String(number)));
    badge.addEventListener("click", () => set({ place: number }));
    parts.push(badge);
  }
  return parts;
}

// Masks of two texts of four letters; what one random number decides is outlined.
function drawMask({ shape, generator }, { place, seed }, width) {
  const parts = [];
  const one = (width - 12) / 2;
  const text = (x, y, words, attributes = {}) => shape("text", { x, y, ...attributes }, words);
  const grid = (left, top, w, h, kept, group) => {
    kept.forEach((row, i) => row.forEach((on, j) => on != null && parts.push(shape("rect", { x: left + (j * w) / row.length + 0.75, y: top + (i * h) / kept.length + 0.75, width: w / row.length - 1.5, height: h / kept.length - 1.5, class: on ? "kept" : "dropped" }))));
    if (group) parts.push(shape("rect", { x: left + group[0] * w, y: top + group[1] * h, width: group[2] * w, height: group[3] * h, class: "group" }));
  };
  const turned = (rows) => rows[0].map((_, j) => rows.map((row) => row[j])); // features up, letters across
  for (const [nth, k] of chosen(place).entries()) {
    const random = generator(10 * seed + k);
    const draw = () => fill(shapeOf(k, SMALL), () => random() >= 0.2);
    const masks = draw();
    const more = k === 6 && draw();
    TEXTS.forEach((letters, b) => {
      const left = b * (one + 12);
      const spell = (y, from = left, w = one) => [...letters].forEach((letter, t) => parts.push(text(from + ((t + 0.5) * w) / 4, y, letter, { "text-anchor": "middle", class: "soft" })));
      const first = b === 0;
      if (k === 2) {
        masks[b].forEach((head, h) => grid(left + 14, 2 + h * 78, one - 14, 70, head.map((row, i) => row.map((on, j) => (j <= i ? on : null))), first && h === 0 && [0.25, 0.5, 0.25, 0.25]));
        for (const h of [0, 1]) [...letters].forEach((letter, t) => parts.push(text(left + 5, 15.5 + h * 78 + t * 17.5, letter, { "text-anchor": "middle", class: "soft" })));
        spell(168, left + 14, one - 14);
      } else if (k === 6) {
        [masks, more].forEach((branch, i) => grid(left, i ? 2 : 80, one, 70, fill([4, 4], () => branch[b][0][0]), first && i === 1 && [0, 0, 1, 1]));
        spell(168);
      } else if (place === 7) {
        grid(left, 104 - 51 * nth, one, 45, turned(masks[b]), first && nth === 0 && [0, 0, 0.25, 0.25]);
        if (nth === 0) spell(168);
      } else {
        const tall = k === 4 ? 150 : 66;
        grid(left, 152 - tall, one, tall, turned(masks[b]), first && [0, 0, 0.25, k === 4 ? 1 / 16 : 0.25]);
        spell(168);
      }
    });
  }
  return parts;
}

// Effects of all places in one training, the chosen one with its seeds; to the left of 0 dropout helps.
function drawEffects(kit, state, width) {
  const { shape, scaleLinear, extent } = kit;
  const parts = [];
  const text = (x, y, words, attributes = {}) => shape("text", { x, y, ...attributes }, words);
  const gutter = 46, top = 30, row = 30.5, bottom = top + 7 * row;
  const half = (width - gutter - 14) / 2;
  const tight = half < 105;
  parts.push(text(4, bottom + 57, tight ? "line: 95 % interval" : "line: 95 % interval; small: the ten seeds", { class: "soft" }));
  for (let place = 1; place <= 7; place++) {
    const y = top + (place - 0.5) * row;
    const hit = shape("rect", { x: 0, y: y - row / 2, width, height: row, class: place === state.place ? "row here" : "row" });
    hit.addEventListener("click", () => kit.set({ place }));
    parts.push(hit, text(4, y + 5, place === 7 ? "1+3+5" : String(place), { class: place === state.place ? "number here" : "number" }));
  }
  for (const [i, [what, title, unit, ticks]] of [["loss", "log-loss", "nats", tight ? [0, 0.2] : [-0.1, 0, 0.1, 0.2]], ["error", "error", "points", tight ? [0, 8] : [0, 4, 8]]].entries()) {
    const left = gutter + i * (half + 14);
    const x = scaleLinear(extent[what], [left + 5, left + half - 5]);
    parts.push(text(left, 16, tight ? title : `${title}, ${unit}`, { class: "strong" }));
    for (const tick of ticks) {
      parts.push(shape("path", { d: `M${x(tick)} ${top}V${bottom}`, class: tick ? "tick" : "zero" }));
      parts.push(text(x(tick), bottom + 17, String(tick).replace("-", "−"), { class: "soft", "text-anchor": "middle" }));
    }
    if (tight) parts.push(text(x(0), bottom + 37, unit, { class: "soft", "text-anchor": "middle" }));
    else parts.push(text(x(0) - 5, bottom + 37, "helps", { class: "soft", "text-anchor": "end" }), text(x(0) + 5, bottom + 37, "harms", { class: "soft" }));
    for (let place = 1; place <= 7; place++) {
      const values = changes(kit.stored.TRANSFORMER_PLACES, Number(state.texts), STEPS[state.texts][state.end], place, what);
      const [mean, wide] = meanCi(values);
      const y = top + (place - 0.5) * row;
      const group = shape("g", { class: place === state.place ? "effect here" : "effect" });
      if (place === state.place) group.append(...values.map((v) => shape("circle", { cx: x(v), cy: y + 9, r: 2.5, class: "seed" })));
      group.append(shape("path", { d: `M${x(mean - wide)} ${y}H${x(mean + wide)}` }), shape("circle", { cx: x(mean), cy: y, r: 5, class: Math.abs(mean) > wide ? "clear" : "unclear" }));
      parts.push(group);
    }
  }
  return parts;
}
