// The page of all grids: a mark says its setting and its interval, where the pointer, a finger or the keyboard is; a knob
// lays the marks out by its levels. What is said stands in the tables of the page. Without this file they are all there.
{
  const figure = document.querySelector(".grids");
  const form = document.querySelector(".knobs");
  const make = (tag, properties, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  };

  // "600 steps, 20 % wrong labels, p 0.5, digits"; the tables give the levels alone.
  const [before, alone] = [figure.dataset.before.split(";"), figure.dataset.alone.split(";")];
  const phrase = (knob, level) =>
    alone.includes(knob) ? level : before.includes(knob) ? `${level} ${knob}` : `${knob} ${level}`;
  const tables = new Map();
  for (const table of document.querySelectorAll("table[data-knobs]")) {
    const knobs = table.dataset.knobs.split("|").map((part) => part.split(";")); // [[knob, "level label", …], …]
    const lines = [...table.tBodies[0].rows].map(({ cells: [head, ...cells] }) => {
      head.textContent = head.textContent.split(", ").map((level, i) => phrase(knobs[i][0], level)).join(", ");
      return [head, ...cells].map((cell) => cell.textContent);
    });
    tables.set(table.id, { knobs, names: knobs.map(([name]) => name), lines, settings: table.dataset.settings.split(" ") });
  }

  // ---------------------------------------------------------------- rows and their marks

  const listed = [...document.querySelectorAll(".summary tbody tr")]; // the same rows as a table
  const rows = [...figure.querySelectorAll(".row")].map((element, i) => {
    const [plan, column] = element.dataset.at.split(" ");
    const table = tables.get(`grid-${plan}`);
    const box = make("div", { className: "cells", role: "presentation" });
    const means = element.dataset.means.split("|").map((part) => part.split(" "));
    const marks = [...element.dataset.k].map((index, at) => {
      const k = parseInt(index, 36);
      const height = parseInt(element.dataset.kinds[at], 16); // 1 to 4 where it holds, 10 to 13 where it is reversed
      const [verdict, className] = height > 9 ? ["Reversed", `r${height - 9}`] : height ? ["Holds", `h${height}`] : ["Unseen", "u"];
      const [about, ...numbers] = table.lines[k];
      const said = `${verdict}: ${numbers[column].replace("±", " ± ")}`;
      const mark = make("i", { className, role: "gridcell", tabIndex: -1, ariaLabel: `${said}. ${about}` });
      return { mark, said, about, setting: table.settings[k] };
    });
    element.querySelector("svg").replaceWith(box);
    element.role = "row";
    element.firstElementChild.role = "rowheader";
    return { element, table, box, means, marks, decides: element.dataset.decides || "none", listed: listed[i] };
  });
  const stories = new Map(rows.flatMap(({ marks }) => marks.map((one) => [one.mark, one])));
  const groups = [...figure.querySelectorAll(".group")];
  for (const group of groups) {
    const head = group.querySelector(".claim");
    group.role = "rowgroup";
    head.role = "row";
    head.querySelector("p").role = "rowheader";
    for (const link of head.querySelectorAll("a")) link.tabIndex = -1;
  }
  figure.role = "grid";
  figure.ariaLabel = "All grids: a row for each comparison, a mark for each setting";

  const layOut = ({ table, box, means, marks }, knob) => {
    const at = table.names.indexOf(knob);
    if (at < 0) return box.replaceChildren(...marks.map(({ mark }) => mark));
    const levels = table.knobs[at].slice(1).map((given) => {
      const [level, label] = [given[0], given.slice(2)];
      const own = marks.filter(({ setting }) => setting[at] === level);
      const head = make("b", { role: "gridcell" }, `${label}:\u00a0${means[at][level]}`);
      const cells = make("span", { className: "cells", role: "presentation" }, ...own.map(({ mark }) => mark));
      const part = make("span", { className: "level", role: "presentation" }, head, cells);
      part.style.flexGrow = own.length;
      return part;
    });
    box.replaceChildren(...levels);
  };

  // ---------------------------------------------------------------- the keyboard: one stop, arrows within

  let current = null;
  const stops = () =>
    [...figure.querySelectorAll(".claim, .row")]
      .filter((line) => !line.hidden && !line.parentElement.hidden)
      .map((line) => [...line.querySelectorAll(line.matches(".row") ? "i" : "a")]);
  const stop = (element, focus = true) => {
    if (current) current.tabIndex = -1;
    current = element;
    current.tabIndex = 0;
    if (focus) current.focus();
  };
  const nearest = (line, x) => {
    const away = (element) => Math.abs(element.getBoundingClientRect().left - x);
    return line.reduce((best, one) => (away(one) < away(best) ? one : best));
  };
  figure.addEventListener("keydown", (event) => {
    if (event.key === "Escape") return hide();
    if (event.altKey || event.metaKey || event.shiftKey) return;
    const lines = stops();
    const row = lines.findIndex((line) => line.includes(current));
    const at = lines[row]?.indexOf(current);
    const whole = event.ctrlKey;
    const to = (line, choose) => {
      const found = lines[Math.max(0, Math.min(lines.length - 1, line))];
      return choose === undefined ? nearest(found, current.getBoundingClientRect().left) : found.at(choose);
    };
    const next = {
      ArrowLeft: () => lines[row][Math.max(0, at - 1)],
      ArrowRight: () => lines[row][at + 1] ?? current,
      ArrowUp: () => to(row - 1),
      ArrowDown: () => to(row + 1),
      PageUp: () => to(row - 10),
      PageDown: () => to(row + 10),
      Home: () => to(whole ? 0 : row, 0),
      End: () => to(whole ? lines.length - 1 : row, -1),
    }[event.key];
    if (!next || row < 0) return;
    event.preventDefault();
    stop(next());
  });

  // ---------------------------------------------------------------- what a mark says, beside it

  const tip = document.getElementById("main").appendChild(make("div", { className: "tip", hidden: true }));
  tip.ariaHidden = "true"; // who hears the page is told by the mark's name
  let shown = null;
  const hide = () => {
    tip.hidden = true;
    shown?.classList.remove("shown");
    shown = null;
  };
  const show = (mark) => {
    if (mark === shown) return;
    hide();
    const { said, about } = stories.get(mark);
    shown = mark;
    mark.classList.add("shown");
    tip.replaceChildren(make("strong", {}, said), make("span", {}, about));
    tip.hidden = false;
    const at = mark.getBoundingClientRect();
    const left = Math.max(8, Math.min(at.left + at.width / 2 - tip.offsetWidth / 2, document.documentElement.clientWidth - tip.offsetWidth - 8));
    const above = at.top - tip.offsetHeight - 2;
    tip.style.left = `${scrollX + left}px`;
    tip.style.top = `${scrollY + (above > 64 ? above : at.bottom + 2)}px`;
  };
  const markAt = (event) => (stories.has(event.target) ? event.target : null);
  // Not pointerover: that comes, too, where the page moves under a pointer at rest, while one walks by keyboard.
  figure.addEventListener("pointermove", (event) => markAt(event) && show(event.target));
  figure.addEventListener("focusin", (event) => (markAt(event) ? show(event.target) : hide()));
  figure.addEventListener("focusout", hide);
  figure.addEventListener("click", (event) => {
    if (!markAt(event)) return;
    stop(event.target);
    show(event.target);
  });
  addEventListener("pointerover", (event) => {
    // It stays while the pointer is on it, and while the keyboard is at its mark.
    if (!event.target.closest?.(".grids, .tip") && document.activeElement !== shown) hide();
  });
  addEventListener("keydown", (event) => event.key === "Escape" && hide());

  // ---------------------------------------------------------------- the two choices; they stand in the address

  const apply = () => {
    const { knob, decides } = Object.fromEntries(new FormData(form));
    hide();
    for (const row of rows) {
      const left = (!knob || row.table.names.includes(knob)) && (!decides || row.decides === decides);
      row.element.hidden = row.listed.hidden = !left;
      if (left) layOut(row, knob);
      row.element.classList.toggle("deciding", Boolean(knob) && row.decides === knob);
    }
    for (const group of groups) group.hidden = !group.querySelector(".row:not([hidden])");
    figure.classList.toggle("laid-out", Boolean(knob));
    const count = rows.filter(({ element }) => !element.hidden).length;
    form.querySelector("output").textContent = `${count} of ${rows.length} comparisons`;
    const first = stops()[0]?.[0];
    if (first && !(current?.isConnected && current.checkVisibility())) stop(first, false);
  };
  for (const [name, value] of new URLSearchParams(location.search)) if (form.elements[name]) form.elements[name].value = value;
  form.addEventListener("change", () => {
    const query = new URLSearchParams([...new FormData(form)].filter(([, value]) => value));
    history.replaceState(null, "", (query.size ? `?${query}` : location.pathname) + location.hash);
    apply();
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  apply();
}
