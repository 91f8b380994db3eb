// The search field on each page and the results below it, as one types. "/" goes to the field, arrows move through the
// results. What it needs is loaded when the field is used: the engine, the index, and the texts of the sections that are
// shown; all as scripts, which a page that is opened from the file system may load, too.
(() => {
  const own = document.currentScript;
  const at = (path) => new URL(path, own.src).href;
  const version = new URL(own.src).search;
  const form = document.querySelector("form.search");
  const field = form.elements.q;

  function script(address) {
    return new Promise((resolve, reject) => {
      const element = Object.assign(document.createElement("script"), { src: address, onload: resolve });
      element.onerror = () => {
        element.remove();
        reject(new Error(address));
      };
      document.head.append(element);
    });
  }

  // ---------------------------------------------------------------- what is loaded

  // Each thing once; again where that failed.
  const started = new Map();
  function once(name, start) {
    if (!started.has(name)) {
      const going = start();
      going.catch(() => started.delete(name));
      started.set(name, going);
    }
    return started.get(name);
  }

  const records = [];
  let index, firsts;
  const open = () =>
    once("index", async () => {
      await Promise.all([script(at("minisearch.js" + version)), script(at("rank.js" + version)).then(() => (bookSearch.index = take))]);
      await script(at("../../search/index.js"));
    });
  function take(given) {
    index = bookSearch.open(given);
    index.version = given.version;
    firsts = given.sizes.map((_, i) => given.sizes.slice(0, i).reduce((sum, size) => sum + size, 0));
    bookSearch.text = ([number, texts]) =>
      texts.forEach(([where, page, heading, text], i) => (records[firsts[number] + i] = { where, page, heading, text }));
  }
  // The records of these numbers.
  function read(ids) {
    const files = new Set(ids.map((id) => firsts.findLastIndex((first) => first <= id)));
    const name = (number) => at(`../../search/${String(number).padStart(2, "0")}.js?v=${index.version}`);
    return Promise.all([...files].map((number) => once(number, () => script(name(number)))));
  }

  // ---------------------------------------------------------------- what is shown

  const page = document.getElementById("results"); // the page of the search itself
  const panel = page?.parentElement ?? document.createElement("div");
  const found = document.getElementById("found") ?? Object.assign(document.createElement("p"), { id: "found", role: "status" });
  const results = page ?? Object.assign(document.createElement("ol"), { id: "results" });
  const more = Object.assign(document.createElement(page ? "button" : "a"), { className: "more", hidden: true });
  if (!page) {
    panel.className = "panel";
    panel.hidden = true;
    panel.append(found, results);
    form.append(panel);
    more.href = form.action;
  } else more.type = "button";
  results.after(more);

  // [[begin, end], …] of what is found in a text; pairs of Chinese signs are joined.
  function marks(text, terms) {
    const wanted = new Set(terms);
    const joined = [];
    for (const [term, begin, end] of bookSearch.words(text)) {
      if (!wanted.has(term)) continue;
      const last = joined.at(-1);
      if (last && begin <= last[1]) last[1] = Math.max(end, last[1]);
      else joined.push([begin, end]);
    }
    return joined;
  }

  function marked(element, text, ranges, from = 0, to = text.length) {
    let last = from;
    for (const [begin, end] of ranges) {
      if (begin < from || end > to) continue;
      element.append(text.slice(last, begin));
      element.appendChild(document.createElement("mark")).append(text.slice(begin, end));
      last = end;
    }
    element.append(text.slice(last, to));
    return element;
  }

  // Some 200 characters, where the most of what is found stands together.
  function excerpt(text, ranges) {
    const room = 200;
    const distinct = (k) =>
      new Set(ranges.filter(([b, e]) => b >= ranges[k][0] && e <= ranges[k][0] + room - 60).map(([b, e]) => text.slice(b, e).toLowerCase())).size;
    let best = 0;
    for (let k = 1, most = ranges.length && distinct(0); k < ranges.length; k++) {
      if (distinct(k) > most) [best, most] = [k, distinct(k)];
    }
    const middle = ranges.length ? ranges[best][0] : 0;
    const start = middle > 60 ? text.lastIndexOf(" ", middle - 50) + 1 : 0;
    const cut = start + room < text.length ? text.lastIndexOf(" ", start + room) : text.length;
    const end = cut > middle ? cut : Math.min(start + room, text.length);
    const paragraph = document.createElement("p");
    paragraph.append(start ? "… " : "");
    marked(paragraph, text, ranges, start, end).append(end < text.length ? " …" : "");
    return paragraph;
  }

  function item({ where, page, heading, text }, terms) {
    const [heads, places] = [marks(heading, terms), marks(text, terms)];
    const surface = [...heads.map((m) => heading.slice(...m)), ...places.map((m) => text.slice(...m))];
    const words = [...new Set(surface.map((word) => word.toLowerCase()))].slice(0, 9);
    const [path, anchor] = where.split("#");
    const item = document.createElement("li");
    const link = item.appendChild(document.createElement("a"));
    const given = words.length ? `?${new URLSearchParams({ find: words.join(" ") })}` : "";
    link.href = at(`../../${path}`) + given + (anchor ? `#${anchor}` : "");
    if (heading !== page) {
      link.append(Object.assign(document.createElement("span"), { textContent: page }), " › ");
    }
    marked(link, heading, heads);
    item.append(excerpt(text, places));
    return item;
  }

  let asked = ""; // what the results shown, or coming, are for
  async function search(many = 0) {
    const query = field.value.trim();
    asked = query;
    if (!query) {
      found.textContent = "";
      results.replaceChildren();
      more.hidden = true;
      panel.hidden = !page;
      return;
    }
    panel.hidden = false;
    try {
      if (!index) found.textContent = "Searching…";
      await open();
      if (asked !== query) return; // something else has been typed meanwhile
      const count = many || bookSearch.SHOWN;
      const { query: meant, hits, whole } = bookSearch.find(index, query);
      const [near, rest] = [hits.slice(0, bookSearch.READ), hits.slice(bookSearch.READ, count)];
      await read([...near, ...rest].map(([id]) => id));
      if (asked !== query) return;
      const best = [...bookSearch.order(meant, near, (id) => records[id]), ...rest].slice(0, count);
      const number = whole || hits.length;
      const places = number === 1 ? "1 section" : `${number} sections`;
      found.textContent = hits.length
        ? `${places} with ${whole ? "" : "some words of "}“${query}”${number > count ? `; the best ${count}` : ""}.`
        : `Nothing found for “${query}”: no section has any of these words.`;
      results.replaceChildren(...best.map(([id, , terms]) => item(records[id], terms)));
      more.hidden = hits.length <= count;
      if (page) {
        more.textContent = "More results";
        more.onclick = async () => {
          await search(count + bookSearch.SHOWN);
          results.children[count]?.querySelector("a").focus();
        };
      } else {
        more.textContent = "All results";
        more.href = `${form.action}?${new URLSearchParams({ q: query })}`;
      }
    } catch {
      if (asked !== query) return;
      results.replaceChildren();
      more.hidden = true;
      found.textContent = "The search index could not be loaded. Type again to try again.";
    }
  }

  // ---------------------------------------------------------------- keys

  let waiting;
  field.addEventListener("focus", () => open().catch(() => {}));
  field.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      if (page) {
        const address = new URL(location);
        address.searchParams.set("q", field.value.trim());
        history.replaceState(null, "", address);
      }
      search();
    }, 80);
  });
  // A key of one sign can be in the way of those who speak to their machine: it can be switched off (WCAG 2.1.4).
  let slash = true;
  const useSlash = (is) => {
    slash = is;
    if (is) field.setAttribute("aria-keyshortcuts", "/");
    else field.removeAttribute("aria-keyshortcuts");
  };
  try {
    useSlash(localStorage.slash !== "off");
  } catch {
    // storage is switched off: the key is in use
  }
  const choice = document.getElementById("slash");
  if (choice) choice.checked = slash;
  choice?.addEventListener("change", () => {
    useSlash(choice.checked);
    try {
      localStorage.slash = slash ? "" : "off";
    } catch {
      // the choice holds for this page
    }
  });
  addEventListener("keydown", (event) => {
    const writes = event.target.closest?.("input:not([type=checkbox]), textarea, select, [contenteditable]");
    if (event.key === "/" && slash && !writes && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      field.focus();
      field.select();
    } else if (event.key === "Escape") globalThis.CSS?.highlights?.delete("found");
  });
  (page ? document.getElementById("main") : form).addEventListener("keydown", (event) => {
    const links = [...panel.querySelectorAll("#results a, a.more:not([hidden])")];
    const here = links.indexOf(document.activeElement);
    if (event.key === "Escape" && !page && !panel.hidden) {
      field.focus();
      panel.hidden = true;
      event.preventDefault();
    }
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || panel.hidden || !links.length || (here < 0 && document.activeElement !== field)) return;
    event.preventDefault();
    if (here + step < 0) field.focus();
    else (links[here + step] ?? links[here]).focus();
  });
  if (!page) {
    field.addEventListener("focus", () => {
      if (field.value.trim() && results.children.length) panel.hidden = false;
    });
    form.addEventListener("focusout", ({ relatedTarget }) => {
      if (relatedTarget && !form.contains(relatedTarget)) panel.hidden = true;
    });
    addEventListener("pointerdown", ({ target }) => {
      if (!form.contains(target)) panel.hidden = true;
    });
  } else {
    field.value = (new URLSearchParams(location.search).get("q") ?? "").trim();
    search();
  }

  // ---------------------------------------------------------------- on the page that a result leads to

  // The words that were found stand out in their section, until Escape.
  function highlight() {
    const words = (new URLSearchParams(location.search).get("find") ?? "").split(" ").filter(Boolean).slice(0, 9);
    if (page || !words.length || !globalThis.CSS?.highlights) return;
    const literal = words.map((word) => word.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&")).sort((a, b) => b.length - a.length);
    const pattern = new RegExp(`(?<![\\p{Script=Latin}\\d_])(?:${literal.join("|")})(?![\\p{Script=Latin}\\d_])|(?:${literal.filter((w) => /^[\u3400-\u9fff]/.test(w)).join("|") || "$^"})`, "giu");
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const scopes = target?.matches("dt") ? [target.closest("dl")] : [target ?? document.querySelector("article")];
    const ranges = [];
    const walker = document.createTreeWalker(scopes[0], NodeFilter.SHOW_TEXT, (node) =>
      node.parentElement.closest(".katex, script, style, button, svg, section section section section") ? NodeFilter.FILTER_REJECT : NodeFilter.FILTER_ACCEPT,
    );
    for (let node; (node = walker.nextNode()); ) {
      for (const { 0: word, index } of node.data.matchAll(pattern)) {
        const range = document.createRange();
        range.setStart(node, index);
        range.setEnd(node, index + word.length);
        ranges.push(range);
      }
    }
    if (ranges.length) CSS.highlights.set("found", new Highlight(...ranges));
  }
  highlight();
})();
