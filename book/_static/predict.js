// A *Predict* takes an answer and covers the outputs that give it away; the options of a self-check are radio buttons.
// What a reader answers is kept on this device and sent nowhere. Without this file all is in view.
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

// ---------------------------------------------------------------- predictions

document.querySelectorAll("blockquote.predict").forEach((box, i) => {
  const key = `prediction ${i + 1}`;
  // Down to the answer, outputs are covered; below it text too, up to the next code in view, question or heading.
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
  const choices = radios(body.querySelector("ul"), body.querySelector("p"), key);
  const number = make("input", { type: "text", inputMode: "decimal", autocomplete: "off", size: 8 });
  const said = make("p", { className: "said" });
  said.setAttribute("role", "status");
  const show = make("button", { type: "button", textContent: "Show" });
  const entry = choices.length ? [] : [make("label", {}, "Your answer ", number)];
  const form = make("form", { id: `form-${i}` }, ...entry, make("button", { textContent: "Check" }), show);

  const uncover = (given) => {
    for (const part of covered) part.classList.remove("covered");
    form.hidden = true;
    for (const choice of choices) choice.disabled = true;
    said.textContent = given ? verdict(typeof right === "string" ? given : Number(given), right) : "Shown.";
  };
  const lead = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target && covered.some((part) => part.contains(target) || target.contains(part)) && !target.contains(box)) uncover("");
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const given = choices.length ? choices.find((choice) => choice.checked)?.value : number.value.trim().replace(",", ".");
    if (!given || (!choices.length && !Number.isFinite(Number(given)))) {
      said.textContent = choices.length ? "Choose one, or Show." : "A number, please, or Show.";
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
  body.append(form, said);
  for (const choice of choices) choice.setAttribute("form", form.id); // so that Enter checks
  for (const part of covered) part.classList.add("covered");
  covered[0].classList.add("opening");
  const before = kept.get(key);
  if (before !== null) {
    const choice = choices.find(({ value }) => value === before);
    if (choice) choice.checked = true;
    uncover(before);
  }
  lead();
  addEventListener("hashchange", lead);
});

// ---------------------------------------------------------------- self-checks

document.querySelectorAll("section#check-yourself > ul").forEach((list, i) => {
  const key = `question ${i + 1}`;
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
