// Search over search.json: a list of [address, page title, heading, text], one entry a section.
const query = (new URLSearchParams(location.search).get("q") ?? "").trim();
const field = document.querySelector("input[name=q]");
const found = document.getElementById("found");
const results = document.getElementById("results");

// Pages have typographic quotes; who types has straight ones.
const plain = (text) => text.toLowerCase().replace(/[\u2018\u2019]/g, "'").replace(/[\u201c\u201d]/g, '"');

// "masks" and "masking" find "mask".
const stem = (word) => (word.length > 4 ? word.replace(/(ing|ed|es|s)$/, "") : word);

function score(entry, words) {
  const [, , heading, text] = entry.map(plain);
  const phrase = plain(query);
  let sum = words.length > 1 && (heading.includes(phrase) || text.includes(phrase)) ? 20 : 0;
  for (const word of words) {
    const hits = text.split(word).length - 1;
    const inHeading = heading.includes(word);
    if (!hits && !inHeading) return 0;
    sum += Math.min(hits, 5) + (inHeading ? 10 : 0);
  }
  return sum;
}

// Where no section has all words: the rarer a word, the more it counts.
function anyScore(entries, words) {
  const lower = entries.map((entry) => [plain(entry[2]), plain(entry[3])]);
  const found = words.map((word) => lower.map(([heading, text]) => [heading.includes(word), text.split(word).length - 1]));
  const weight = found.map((all) => Math.log(1 + entries.length / (all.filter(([a, b]) => a || b).length || Infinity)));
  return entries.map((entry, i) => {
    const sum = found.reduce((total, all, k) => {
      const [heading, hits] = all[i];
      return heading || hits ? total + weight[k] * (1 + Math.min(hits, 5) / 5 + (heading ? 1.5 : 0)) : total;
    }, 0);
    return [sum, entry];
  });
}

function excerpt(text, words) {
  const at = Math.max(0, Math.min(...words.map((word) => text.toLowerCase().indexOf(word)).filter((i) => i >= 0)));
  const start = Number.isFinite(at) ? Math.max(0, text.lastIndexOf(" ", Math.max(0, at - 60))) : 0;
  const end = start + 200 < text.length ? text.lastIndexOf(" ", start + 200) : text.length;
  const piece = text.slice(start, end).trim();
  const paragraph = document.createElement("p");
  paragraph.append(start ? "… " : "");
  const literal = (word) => word.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&").replaceAll("'", "['\u2018\u2019]");
  const pattern = new RegExp(`(${words.map(literal).join("|")})`, "giu");
  for (const [i, part] of piece.split(pattern).entries()) {
    const mark = i % 2 ? paragraph.appendChild(document.createElement("mark")) : paragraph;
    mark.append(part);
  }
  paragraph.append(end < text.length ? " …" : "");
  return paragraph;
}

async function search() {
  field.value = query;
  const words = plain(query).split(/\s+/).map(stem).filter(Boolean);
  if (!words.length) return;
  found.textContent = "Searching…";
  try {
    const entries = await (await fetch("search.json")).json();
    let hits = entries.map((entry) => [score(entry, words), entry]).filter(([points]) => points);
    const all = hits.length > 0;
    if (!all) hits = anyScore(entries, words).filter(([points]) => points);
    hits.sort(([a], [b]) => b - a);
    for (const [, [address, page, heading, text]] of hits.slice(0, 50)) {
      const item = results.appendChild(document.createElement("li"));
      const link = item.appendChild(document.createElement("a"));
      link.href = address;
      link.textContent = heading;
      if (heading !== page) item.appendChild(document.createElement("span")).textContent = page;
      item.append(excerpt(text, words));
    }
    const places = hits.length === 1 ? "1 section" : `${hits.length} sections`;
    found.textContent = hits.length
      ? `${places} with ${all ? "" : "some words of "}“${query}”${hits.length > 50 ? "; the best 50" : ""}.`
      : `Nothing found for “${query}”: no section has any of these words.`;
  } catch {
    found.textContent = "The search index could not be loaded. Reload the page to try again.";
  }
}
search();
