// A *Predict* takes an answer and covers the outputs that give it away; the options of a self-check are radio buttons.
// Answers are kept on this device and sent nowhere. Without this file all is in view.
const page = location.pathname.split("/").pop();
const kept = {
  get(key) {
    try {
      return localStorage.getItem(`predict ${page} ${key}`);
    } catch {
      return null; // storage is switched off
    }
  },
  set(key, value) {
    try {
      localStorage.setItem(`predict ${page} ${key}`, value);
    } catch {
      // it holds until the page is left
    }
  },
};

// An answer's key: the question's first words.
function keyOf(kind, { textContent }) {
  return `${kind} ${textContent.toLowerCase().match(/[\p{L}\d]+/gu).slice(0, 16).join("-")}`;
}

function make(tag, properties, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

// Turns a list of options (a), (b), … into radio buttons; returns the buttons, none where `list` is no such list.
function radios(list, question, key) {
  const items = [...(list?.matches("ul") ? list.children : [])];
  if (!items.length || !items.every((item) => /^\s*\([a-d]\) /.test(item.textContent))) return [];
  question.id ||= key.replaceAll(" ", "-");
  list.classList.add("options");
  list.setAttribute("role", "radiogroup");
  list.setAttribute("aria-labelledby", question.id);
  return items.map((item) => {
    const button = make("input", { type: "radio", name: key, value: item.textContent.trim()[1] });
    item.setAttribute("role", "none");
    item.append(make("label", {}, button, ...item.childNodes));
    return button;
  });
}

// The right answer in "Answer: (c)." or "Answer: 0.04.": a letter or a number.
function rightAnswer(text) {
  return text.match(/\(([a-d])\)/)?.[1] ?? Number(text.match(/-?\d[\d,]*(\.\d+)?/)?.[0].replaceAll(",", ""));
}

function verdict(given, right) {
  if (typeof right === "string") return given === right ? `(${given}) is right.` : `You said (${given}); it is (${right}).`;
  const off = Math.abs(given - right) / Math.abs(right || 1);
  if (off === 0) return `${given} is right.`;
  const far = off < 1 ? `${Math.max(1, Math.round(100 * off))}\u00a0% off` : "more than 100\u00a0% off";
  return `You said ${given}; it is ${right}: ${off < 0.2 ? "near, " : ""}${far}.`;
}

// ---------------------------------------------------------------- curves

// A box in which a line is drawn: by pointer on the box, or by the sliders above it, one a column, that keys move.
function drawing({ across, up, low, high, at, truth }) {
  const width = high - low;
  const plot = make("div", { className: "plot" });
  const sliders = at.map((x) => {
    const slider = make("input", { type: "range", min: low, max: high, step: width / 100, value: low + width / 2 });
    slider.setAttribute("aria-label", `${up} at ${across} ${x}`);
    return slider;
  });
  const values = () => sliders.map((slider) => Number(slider.value));
  const line = (name, heights) => {
    const points = heights.map((y, i) => `${i + 0.5} ${(high - y) / width}`);
    return `<path class="${name}" d="M${points.join("L")}"/><path class="${name} dots" d="${points.map((point) => `M${point}h0`).join("")}"/>`;
  };
  let touched = false;
  const change = () => {
    touched = true;
    plot.firstChild.innerHTML = line("given", values());
  };
  plot.innerHTML = `<svg viewBox="0 0 ${at.length} 1" preserveAspectRatio="none" aria-hidden="true">${line("untouched", values())}</svg>`;
  plot.append(...sliders);
  plot.addEventListener("input", change);

  let last = null; // the column and height at which the pointer was
  const follow = (event) => {
    if (sliders[0].disabled || !(event.buttons & 1)) return;
    const area = plot.getBoundingClientRect();
    const column = Math.floor(((event.clientX - area.left) / area.width) * at.length);
    const here = [Math.min(Math.max(column, 0), at.length - 1), high - ((event.clientY - area.top) / area.height) * width];
    const [[i, y], [j, z]] = [last ?? here, here];
    for (let k = i; ; k += Math.sign(j - i)) {
      sliders[k].value = k === j ? z : y + ((z - y) * (k - i)) / (j - i);
      if (k === j) break;
    }
    last = here;
    change();
  };
  plot.addEventListener("pointerdown", (event) => {
    last = null;
    plot.setPointerCapture(event.pointerId);
    follow(event);
  });
  plot.addEventListener("pointermove", follow);

  const label = (className, ...texts) => {
    const spans = texts.map((textContent) => make("span", { textContent }));
    return make("div", { className, ariaHidden: "true" }, ...spans);
  };
  const labels = [label("up", up), label("heights", high, low), label("ticks", ...at), label("across", across)];
  return {
    box: make("div", { className: "drawing", role: "group", ariaLabel: `Your line: ${up} over ${across}` }, plot, ...labels),
    sliders,
    given: () => (touched ? values().join() : ""),
    // `text` is what given() gave before, "" where only the true values are shown.
    finish(text) {
      if (text) text.split(",").forEach((value, i) => (sliders[i].value = value));
      for (const slider of sliders) slider.disabled = true;
      plot.firstChild.innerHTML = (text && line("given", values())) + line("truth", truth);
      if (!text) return "Shown: the true line is dashed.";
      const near = values().reduce((sum, y, i) => sum + Math.abs(y - truth[i]), 0) / at.length;
      const steps = (line) => line.slice(1).map((y, i) => (Math.abs(y - line[i]) <= width / 50 ? 0 : Math.sign(y - line[i])));
      const [mine, right] = [steps(values()), steps(truth)];
      const same = mine.filter((step, i) => step === right[i]).length;
      return `${up}: ${Number(near.toPrecision(2))} off on average. Your line rises, falls or stays as the true one (dashed) does in ${same} of ${mine.length} steps.`;
    },
    fits: (text) => text === "" || text.split(",").filter((value) => Number.isFinite(Number(value))).length === at.length,
  };
}

// ---------------------------------------------------------------- predictions

document.querySelectorAll("blockquote.predict").forEach((box, i) => {
  const key = keyOf("prediction", box);
  // Covered: outputs down to the answer, below it text too, up to the next code in view, question or heading.
  const covered = [];
  let answer = null;
  for (let next = box.nextElementSibling; next && !next.matches("section, .predict"); next = next.nextElementSibling) {
    const isCell = next.matches(".cell");
    if (answer && isCell && !next.querySelector(".hidden-code")) break;
    if (next.matches("p.answer")) answer = next;
    if (isCell) covered.push(...next.querySelectorAll(".cell_output"));
    else if (answer) covered.push(next);
  }
  if (!answer) return;
  const right = rightAnswer(answer.querySelector("strong").textContent);
  const body = box.querySelector(":scope > div") ?? box;
  const data = box.querySelector("data");
  const curve = data && drawing(JSON.parse(data.value));
  const choices = radios(body.querySelector("ul"), body.querySelector("p"), key);
  const number = make("input", { type: "text", inputMode: "decimal", autocomplete: "off", size: 8 });
  const said = make("p", { className: "said" });
  said.setAttribute("role", "status");
  const show = make("button", { type: "button", textContent: "Show" });
  const entry = curve || choices.length ? [] : [make("label", {}, "Your answer ", number)];
  const form = make("form", { id: `form-${i}` }, ...entry, make("button", { textContent: "Check" }), show);

  const uncover = (given) => {
    for (const part of covered) part.classList.remove("covered");
    form.hidden = true;
    for (const choice of choices) choice.disabled = true;
    said.textContent = curve ? curve.finish(given) : given ? verdict(typeof right === "string" ? given : Number(given), right) : "Shown.";
  };
  const lead = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target && covered.some((part) => part.contains(target) || target.contains(part)) && !target.contains(box)) uncover("");
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    let given = number.value.trim().replace(",", ".");
    if (curve) given = curve.given();
    else if (choices.length) given = choices.find((choice) => choice.checked)?.value;
    if (!given || (entry.length && !Number.isFinite(Number(given)))) {
      said.textContent = curve ? "Draw a line, or Show." : choices.length ? "Choose one, or Show." : "A number, please, or Show.";
      return;
    }
    kept.set(key, given);
    uncover(given);
  });
  show.addEventListener("click", () => {
    kept.set(key, "");
    uncover("");
  });

  box.classList.add("ready");
  body.append(...(curve ? [curve.box] : []), form, said);
  for (const part of [...choices, ...(curve?.sliders ?? [])]) part.setAttribute("form", form.id); // so that Enter checks
  for (const part of covered) part.classList.add("covered");
  covered[0].classList.add("opening");
  const before = kept.get(key);
  if (before !== null && (!curve || curve.fits(before))) {
    const choice = choices.find(({ value }) => value === before);
    if (choice) choice.checked = true;
    uncover(before);
  }
  lead();
  addEventListener("hashchange", lead);
});

// ---------------------------------------------------------------- self-checks

document.querySelectorAll("section#check-yourself > ul").forEach((list) => {
  const key = keyOf("question", list.previousElementSibling);
  const details = list.nextElementSibling;
  const choices = radios(list, list.previousElementSibling, key);
  if (!choices.length || !details?.matches("details")) return;
  const right = rightAnswer(details.querySelector("strong").textContent);
  const said = make("p", { className: "said" });
  said.setAttribute("role", "status");
  list.after(said);
  const mark = (given) => {
    said.textContent = verdict(given, right);
    details.open = true;
  };
  for (const choice of choices) {
    choice.addEventListener("change", () => {
      kept.set(key, choice.value);
      mark(choice.value);
    });
    if (kept.get(key) === choice.value) choice.checked = true;
  }
});
