// Living figures: a module for each brings its functions and its drawing; this file brings what all of them share.
//
// A module's default export: {
//   name, label, state: {key: value as it starts}, controls: [see make()], draw(kit, state), sentence(state, kit),
//   numbers(state, kit) -> {caption, head: [...], rows: [[...]]},
//   question: {ask, right(state, kit), hint(state, kit), why},
//   ready(kit) once, before the first draw (may be async), busy(state, kit) while the sentence is not yet known }
// kit: {box, stored, small, state, set(changes), memory, still (no motion), node(), shape(), show(), generator(), d3()}

const SPACE = "http://www.w3.org/2000/svg";

function node(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

// An element of a drawing; attributes that are null or false are left out.
function shape(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SPACE, tag);
  for (const [name, value] of Object.entries(attributes)) if (value != null && value !== false) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

// A number as the chapters print it: at most `digits` decimals, no trailing zeros, a true minus sign.
const show = (value, digits = 2) => (Number(value.toFixed(digits)) || 0).toLocaleString("en", { maximumFractionDigits: digits }).replace("-", "\u2212");

// Seeded random numbers in [0, 1): mulberry32 (Tommy Ettinger, public domain). For tests of the modules, too.
export function generator(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

// ---------------------------------------------------------------- controls

// range: {name, label, min, max, step, or values: [...], show(value)}; choice: {name, label, options: {value: label}};
// toggle: {name, label}; button: {label, press(state, kit) -> changes}; hidden: {name, fits(value)}.
function make(control, id, change, kit) {
  const { kind, name, label } = control;
  const own = `${id}-${name}`;
  if (kind === "hidden") return { fits: control.fits };
  if (kind === "button") {
    const button = node("button", { type: "button", textContent: label });
    button.addEventListener("click", () => change(control.press(kit.state, kit) ?? {}));
    return { part: button };
  }
  if (kind === "toggle") {
    const box = node("input", { type: "checkbox", id: own });
    box.addEventListener("change", () => change({ [name]: box.checked }));
    return { part: node("label", { className: "toggle", htmlFor: own }, box, label), update: (value) => (box.checked = value) };
  }
  if (kind === "choice") {
    const radios = Object.entries(control.options).map(([value, text]) => {
      const radio = node("input", { type: "radio", name: own, value });
      radio.addEventListener("change", () => change({ [name]: value }));
      return [radio, node("label", {}, radio, node("span", { textContent: text }))];
    });
    return {
      part: node("fieldset", {}, node("legend", { textContent: label }), ...radios.map(([, text]) => text)),
      update: (value) => radios.forEach(([radio]) => (radio.checked = radio.value === String(value))),
      fits: (value) => value in control.options,
    };
  }
  const { values } = control;
  const { min, max, step } = values ? { min: 0, max: values.length - 1, step: 1 } : control;
  const written = control.show ?? ((value) => show(value, 4));
  const slider = node("input", { type: "range", id: own, min, max, step });
  const said = node("output", {});
  said.setAttribute("for", own);
  slider.addEventListener("input", () => change({ [name]: values ? values[slider.value] : Number(slider.value) }));
  return {
    part: node("div", { className: "slider" }, node("label", { htmlFor: own, textContent: label }), slider, said),
    update(value) {
      slider.value = values ? values.indexOf(value) : value;
      said.textContent = written(value);
      slider.setAttribute("aria-valuetext", written(value));
    },
    fits: (value) => (values ? values.includes(value) : value >= min && value <= max && Math.abs((value - min) / step - Math.round((value - min) / step)) < 1e-6),
  };
}

function table({ caption, head, rows }) {
  const line = (cells, scope) =>
    node("tr", {}, ...cells.map((cell, i) => (scope || i === 0 ? node("th", { scope: scope ?? "row", textContent: cell }) : node("td", { textContent: cell }))));
  return node("table", {}, node("caption", { textContent: caption }), node("thead", {}, line(head, "col")), node("tbody", {}, ...rows.map((row) => line(row))));
}

// ---------------------------------------------------------------- a figure

// The state that the address holds for this figure, `?name.key=value`, as far as it fits.
function fromAddress(name, start, parts) {
  const found = { ...start };
  for (const [key, text] of new URLSearchParams(location.search)) {
    const [owner, field] = key.split(".");
    if (owner !== name || !(field in start)) continue;
    const value = typeof start[field] === "number" ? Number(text) : typeof start[field] === "boolean" ? text === "true" : text;
    if (parts[field]?.fits?.(value) ?? typeof value === "boolean") found[field] = value;
  }
  return found;
}

function toAddress(name, start, state) {
  const query = new URLSearchParams(location.search);
  for (const key of [...query.keys()]) if (key.startsWith(`${name}.`)) query.delete(key);
  for (const [key, value] of Object.entries(state)) if (value !== start[key]) query.set(`${name}.${key}`, value);
  history.replaceState(history.state, "", `${location.pathname}${query.size ? `?${query}` : ""}${location.hash}`);
}

async function mount(place) {
  const { default: figure } = await import(new URL(place.dataset.module, location.href));
  const { name, state: start } = figure;
  const id = `explore-${name}`;
  const box = node("div", { className: "canvas" });
  const kit = {
    box, node, shape, show, generator,
    stored: JSON.parse(place.dataset.stored || "{}"),
    small: "small" in place.dataset,
    memory: {},
    state: start,
    still: matchMedia("(prefers-reduced-motion: reduce)").matches,
    d3: () => import(new URL(place.dataset.d3, location.href)),
    set: change,
  };
  const said = node("p", { className: "says" });
  said.setAttribute("role", "status");
  const reset = { kind: "button", label: "Reset", press: (state, kit) => ((kit.memory = {}), start) };
  const built = [...figure.controls.filter((control) => !kit.small || !control.large), reset].map((control) => [control.name, make(control, id, change, kit)]);
  const parts = Object.fromEntries(built.filter(([key]) => key));

  const numbers = node("div", { className: "table" });
  markScrollable.observe(numbers); // of book.js
  const details = node("details", { className: "numbers" }, node("summary", { textContent: "Read the numbers" }), numbers);
  const fill = () => {
    if (details.open) numbers.replaceChildren(table(figure.numbers(kit.state, kit)));
  };
  details.addEventListener("toggle", fill);

  let answer = null;
  const { question } = figure;
  const asked = node("div", { className: "question" });
  if (question && !kit.small) {
    answer = node("p", { className: "says" });
    answer.setAttribute("role", "status");
    const check = node("button", { type: "button", textContent: "Check" });
    check.addEventListener("click", () => (answer.textContent = question.right(kit.state, kit) ? `Right. ${question.why ?? ""}`.trim() : `Not yet. ${question.hint(kit.state, kit)}`));
    asked.append(node("p", {}, node("strong", { textContent: "Try it. " }), question.ask), check, answer);
  }

  let timer, drawing;
  const update = () => {
    for (const [key, part] of built) if (key) part.update?.(kit.state[key]);
  };
  // No line ends inside 65 % or 1.7 ± 0.8.
  const sentence = () => figure.sentence(kit.state, kit).replace(/(?<=\d) (?=%|± ?\d)|(?<=\d ±) (?=\d)/g, "\u00a0");
  const busy = (is) => place.toggleAttribute("data-busy", is || (figure.busy?.(kit.state, kit) ?? false));
  function change(changes) {
    kit.state = { ...kit.state, ...changes };
    busy(true);
    if (answer) answer.textContent = "";
    update();
    // The control answers in the next frame, the drawing follows it: on a slow machine, too, a key is felt at once.
    drawing ??= requestAnimationFrame(() =>
      setTimeout(() => {
        drawing = null;
        figure.draw(kit, kit.state);
      })
    );
    clearTimeout(timer);
    timer = setTimeout(() => {
      said.textContent = sentence();
      fill();
      toAddress(name, start, kit.state);
      busy(false);
    }, 350);
  }

  await figure.ready?.(kit);
  kit.state = fromAddress(name, start, parts);
  const buttons = node("div", { className: "buttons" });
  const controls = node("div", { className: "controls" });
  for (const [, { part }] of built) if (part) (part.matches("button") ? buttons : controls).append(part);
  controls.append(buttons);
  place.replaceChildren(box, controls, ...(kit.small ? [] : [details]), ...(answer ? [asked] : []));
  place.setAttribute("role", "group");
  place.setAttribute("aria-label", figure.label);
  place.parentElement.classList.add("live"); // before it is drawn, so that its box has a width
  update();
  figure.draw(kit, kit.state);
  said.textContent = sentence();
  controls.after(said); // with its text, so that nothing is read out yet
  busy(false);
}

const near = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting) continue;
      near.unobserve(target);
      mount(target.querySelector(".explore")).catch((error) => {
        target.classList.remove("live"); // where it fails, the static figure stays
        console.error(error);
      });
    }
  },
  { rootMargin: "50% 0px" }
);
for (const stage of document.querySelectorAll(".stage")) near.observe(stage);
