// The dark-mode switch, the switch for folded code, figures that enlarge, copy buttons, keyboard access to what scrolls, and
// solutions opened for print.
// Every page can be read, and all of them reached, without this file.
const root = document.documentElement;
const dark = matchMedia("(prefers-color-scheme: dark)");
const themeButton = document.querySelector(".theme-button");
const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : dark.matches);
root.dataset.theme ??= ""; // says to book.css that scripts run
const showTheme = () => themeButton.setAttribute("aria-pressed", isDark());

themeButton.hidden = false;
themeButton.addEventListener("click", () => {
  const choice = isDark() ? "light" : "dark";
  // A choice that equals the system's is not stored: the page follows the system again.
  root.dataset.theme = (choice === "dark") === dark.matches ? "" : choice;
  try {
    localStorage.theme = root.dataset.theme;
  } catch {
    // storage is switched off: the choice holds for this page
  }
  showTheme();
});
dark.addEventListener("change", showTheme);
showTheme();

// One switch shows or hides all folded code; its choice holds on every page.
const codeSwitch = document.querySelector(".code-switch");
if (codeSwitch) {
  const showCode = (shown) => {
    for (const details of document.querySelectorAll(".hidden-code")) details.open = shown;
    codeSwitch.setAttribute("aria-pressed", shown);
  };
  try {
    if (localStorage.code === "shown") {
      showCode(true);
      document.getElementById(decodeURIComponent(location.hash.slice(1)))?.scrollIntoView();
    }
  } catch {
    // storage is switched off: code is folded when a page opens
  }
  codeSwitch.addEventListener("click", () => {
    const shown = codeSwitch.getAttribute("aria-pressed") !== "true";
    showCode(shown);
    try {
      localStorage.code = shown ? "shown" : "";
    } catch {
      // the choice holds for this page
    }
  });
}

// A link into a folded section unfolds it.
const unfold = () => {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const folded = target?.closest(".further") ?? target?.querySelector(":scope > .further");
  if (folded) folded.open = true;
};
addEventListener("hashchange", unfold);
unfold();

const main = document.getElementById("main");
const span = (className, textContent) => Object.assign(document.createElement("span"), { className, textContent });
const spoken = main.appendChild(Object.assign(document.createElement("p"), { className: "spoken", role: "status" }));

// What a box of code, output, table or formula is called.
const cells = [...document.querySelectorAll(".cell")];
const nameOf = (box) => {
  const cell = box.closest(".cell");
  const folded = box.closest("details:not(.further, .hidden-code)")?.querySelector("summary").textContent.trim();
  if (box.matches(".katex-display")) return "formula";
  if (box.matches(".bibtex, .bibtex *")) return "BibTeX";
  if (box.matches(".table")) return box.querySelector("caption strong")?.textContent.replace(/\.$/, "") ?? "table";
  if (cell) return `${box.closest(".cell_output") ? "output" : "code"} of cell ${cells.indexOf(cell) + 1}`;
  return folded ? `code of ${folded[0].toLowerCase()}${folded.slice(1)}` : "code";
};

const copied = ".cell_input .highlight, article section > .highlight-python .highlight, details > .highlight-python .highlight, .bibtex";
for (const block of document.querySelectorAll(copied)) {
  const button = Object.assign(document.createElement("button"), { type: "button", className: "copy" });
  const name = nameOf(block);
  const say = (word) => button.replaceChildren(word, span("spoken", ` ${name}`));
  say("Copy");
  button.addEventListener("click", async () => {
    let done = true;
    try {
      await navigator.clipboard.writeText(block.querySelector("pre").textContent);
    } catch {
      done = false;
    }
    say(done ? "Copied" : "Select the text to copy it:");
    spoken.textContent = done ? `Copied ${name}` : "Not copied: select the text";
    setTimeout(() => {
      say("Copy");
      spoken.textContent = "";
    }, 2500);
  });
  block.prepend(button);
}

// A box that scrolls must be reachable with the keyboard, and have a name; one that does not must not cost a Tab.
const markScrollable = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    if (target.scrollWidth > target.clientWidth + 1) {
      target.tabIndex = 0;
      target.role = "group";
      target.ariaLabel = `${nameOf(target)}, scrolls sideways`.replace(/^./, (letter) => letter.toUpperCase());
    } else for (const name of ["tabindex", "role", "aria-label"]) target.removeAttribute(name);
  }
});
for (const box of document.querySelectorAll("pre, .table, .katex-display")) markScrollable.observe(box);

// A figure enlarges in a dialog: to the window, or where that is no more than on the page, beyond it; then it scrolls.
const dialog = Object.assign(document.createElement("dialog"), { className: "enlarged" });
const closeButton = Object.assign(document.createElement("button"), { type: "button", textContent: "Close" });
dialog.addEventListener("click", () => dialog.close());
for (const link of document.querySelectorAll(".enlarge")) {
  link.setAttribute("role", "button");
  link.setAttribute("aria-haspopup", "dialog");
  link.addEventListener("keydown", (event) => {
    if (event.key !== " ") return;
    event.preventDefault(); // a button, unlike a link, is pressed with the space bar too
    link.click();
  });
  link.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    const picture = link.firstElementChild.cloneNode();
    const [width, height] = ["width", "height"].map((side) => picture.getAttribute(side));
    picture.style.width = `max(${width}px, min(98vw, max(${1.5 * width}px, ${(85 * width) / height}vh)))`;
    dialog.replaceChildren(closeButton, picture);
    dialog.ariaLabel = link.closest("figure")?.querySelector("figcaption strong")?.textContent ?? "Figure";
    dialog.addEventListener("close", () => link.focus({ preventScroll: true }), { once: true });
    document.body.append(dialog);
    dialog.showModal();
  });
}

addEventListener("beforeprint", () => {
  for (const details of document.querySelectorAll("details:not(.hidden-code)")) details.open = true;
});

// In the contents, mark the section that is being read, and keep it in sight unless the reader is at the contents.
const menu = document.getElementById("menu");
const showPlace = () => {
  const here = menu.querySelector("a.in-view") ?? menu.querySelector("[aria-current]");
  if (!here?.checkVisibility()) return;
  const [box, at] = [menu, here].map((e) => e.getBoundingClientRect());
  if (at.top < box.top + 48 || at.bottom > box.bottom - 48) menu.scrollTop += at.top - box.top - box.height / 3;
};
showPlace();
menu.addEventListener("toggle", showPlace);
const links = new Map([...menu.querySelectorAll("a[href^='#']:not([aria-current])")].map((a) => [decodeURIComponent(a.hash.slice(1)), a]));
const inView = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) links.get(target.id)?.classList.toggle("in-view", isIntersecting);
    if (!menu.matches(":hover, :focus-within")) showPlace();
  },
  { rootMargin: "-20% 0px -70% 0px" }
);
for (const id of links.keys()) {
  const section = document.getElementById(id);
  if (section) inView.observe(section);
}

// How far one has read: a line below the header; on pages with sections, the section too, and in chapters the time that
// is left. It leads back to the top.
{
  const site = new URL("..", document.currentScript.src).href;
  const where = document.querySelector(".where");
  const line = document.querySelector(".read");
  const sections = [...document.querySelectorAll("body:not(.root) article > section > section")].filter((e) => !e.querySelector(":scope > .further"));
  const minutes = main.dataset.minutes?.split(" ").map(Number);
  let reading = -1; // the section
  const timeLeft = (time) => (time < 0.5 ? "less than a minute left" : `about ${Math.round(time)} minute${time < 1.5 ? "" : "s"} left`);
  // The elements stay: what is pressed and replaced before it is let go gets no click.
  const parts = [span("", ""), ...(minutes ? [span("", "")] : [])];
  where.replaceChildren(...parts.flatMap((part) => [part, " "]), span("spoken", "Back to top"));
  const say = (i, text) => {
    if (parts[i].textContent !== text) parts[i].textContent = text;
  };
  const showReading = () => {
    const height = innerHeight / 4;
    const ends = [...sections, null].map((e) => (e ? e.getBoundingClientRect().top : main.getBoundingClientRect().bottom));
    const whole = root.scrollHeight - innerHeight;
    line.style.scale = `${whole > 0 ? Math.min(1, scrollY / whole) : 0} 1`; // of the line alone: the root's style is everybody's
    if (sections.length < 3) return;
    const atEnd = whole - scrollY < 2;
    reading = atEnd ? sections.length - 1 : ends.slice(0, -1).filter((top) => top <= height).length - 1;
    where.hidden = reading < 0;
    if (reading < 0) return;
    say(0, `Section ${reading + 1} of ${sections.length}`);
    if (minutes) {
      const rest = atEnd ? 0 : Math.min(1, (ends[reading + 1] - height) / (ends[reading + 1] - ends[reading]));
      say(1, timeLeft(minutes.slice(reading + 2).reduce((sum, m) => sum + m, rest * minutes[reading + 1])));
    }
  };
  let asked = false;
  const ask = () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      showReading();
    });
  };
  addEventListener("scroll", ask, { passive: true });
  addEventListener("resize", ask);
  showReading();

  // The first page offers to go on where one stopped. The place is kept on this device and sent nowhere.
  const wordsOf = (element) => {
    const copy = element.cloneNode(true);
    for (const e of copy.querySelectorAll(".katex-mathml, .headerlink")) e.remove();
    return copy.textContent.trim();
  };
  const keepPlace = () => {
    if (!minutes || reading < 0) return;
    const next = document.querySelector("a[rel=next]");
    const read = reading === sections.length - 1 && next?.pathname.includes("/notebooks/");
    const place = read
      ? { page: next.href.slice(site.length), title: next.lastChild.textContent }
      : {
          page: (location.origin + location.pathname).replace("null", "file://").slice(site.length),
          title: wordsOf(document.querySelector("h1")),
          id: sections[reading].id,
          section: wordsOf(sections[reading].querySelector("h2")),
        };
    try {
      localStorage.place = JSON.stringify(place);
    } catch {
      // storage is switched off: the first page offers nothing
    }
  };
  addEventListener("pagehide", keepPlace);
  addEventListener("visibilitychange", keepPlace);
  const offerPlace = (buttons) => {
    try {
      const { page, title, id, section } = JSON.parse(localStorage.place);
      if (!/^notebooks\/[\w-]+\.html$/.test(page)) return;
      const link = Object.assign(document.createElement("a"), { href: `${site}${page}${id ? `#${id}` : ""}` });
      link.textContent = "Continue where you stopped";
      const line = Object.assign(document.createElement("p"), { className: "continue" });
      line.append(link, " ", span("", section ? `${title} · ${section}` : title));
      buttons.after(line);
    } catch {
      // nothing was read yet, or storage is switched off
    } finally {
      delete root.dataset.place;
    }
  };
  const buttons = document.querySelector(".root .buttons");
  if (buttons) offerPlace(buttons);
}

// The ledger's filter. Its choice stands in the address, so that a filtered ledger can be linked.
const filter = document.querySelector(".filter");
if (filter) {
  const rows = [...document.querySelectorAll(".ledger > li")];
  const apply = () => {
    const chosen = [...new FormData(filter).values()].filter(Boolean);
    for (const row of rows) row.hidden = !chosen.every((name) => row.classList.contains(name));
    for (const list of document.querySelectorAll(".ledger")) list.parentElement.hidden = !list.querySelector(":scope > li:not([hidden])");
    filter.querySelector("output").textContent = `${rows.filter((row) => !row.hidden).length} of ${rows.length} claims`;
  };
  filter.hidden = false;
  for (const [name, value] of new URLSearchParams(location.search)) if (filter.elements[name]) filter.elements[name].value = value;
  filter.addEventListener("change", () => {
    const query = new URLSearchParams([...new FormData(filter)].filter(([, value]) => value));
    history.replaceState(null, "", query.size ? `?${query}` : location.pathname);
    apply();
  });
  apply();
}
