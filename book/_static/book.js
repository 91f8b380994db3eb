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

for (const block of document.querySelectorAll(".cell_input .highlight, article section > .highlight-python .highlight")) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.textContent = "Copy";
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(block.querySelector("pre").textContent);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Select the text to copy it";
    }
    setTimeout(() => (button.textContent = "Copy"), 1500);
  });
  block.append(button);
}

// A box that scrolls must be reachable with the keyboard; one that does not scroll must not cost a Tab.
const markScrollable = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    if (target.scrollWidth > target.clientWidth + 1) target.tabIndex = 0;
    else target.removeAttribute("tabindex");
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

// In the contents, mark the section that is being read.
const links = new Map([...document.querySelectorAll("#menu li.current ul a")].map((a) => [decodeURIComponent(a.hash.slice(1)), a]));
const inView = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) links.get(target.id)?.classList.toggle("in-view", isIntersecting);
  },
  { rootMargin: "-20% 0px -70% 0px" }
);
for (const id of links.keys()) {
  const section = document.getElementById(id);
  if (section) inView.observe(section);
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
