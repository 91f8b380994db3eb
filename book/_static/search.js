// Search over search.json: a list of [address, page title, heading, text], one entry a section.
const query = (new URLSearchParams(location.search).get("q") ?? "").trim();
const field = document.querySelector("input[name=q]");
const found = document.getElementById("found");
const results = document.getElementById("results");

// "masks" and "masking" find "mask".
const stem = (word) => (word.length > 4 ? word.replace(/(ing|ed|es|s)$/, "") : word);

function score(entry, words) {
  const [, , heading, text] = entry.map((part) => part.toLowerCase());
  let sum = 0;
  for (const word of words) {
    const hits = text.split(word).length - 1;
    const inHeading = heading.includes(word);
    if (!hits && !inHeading) return 0;
    sum += Math.min(hits, 5) + (inHeading ? 10 : 0);
  }
  return sum;
}

function excerpt(text, words) {
  const at = Math.max(0, Math.min(...words.map((word) => text.toLowerCase().indexOf(word)).filter((i) => i >= 0)));
  const start = Number.isFinite(at) ? Math.max(0, text.lastIndexOf(" ", Math.max(0, at - 60))) : 0;
  const end = start + 200 < text.length ? text.lastIndexOf(" ", start + 200) : text.length;
  const piece = text.slice(start, end).trim();
  const paragraph = document.createElement("p");
  paragraph.append(start ? "… " : "");
  const pattern = new RegExp(`(${words.map((word) => word.replace(/[^\p{L}\p{N}_]/gu, "\\$&")).join("|")})`, "giu");
  for (const [i, part] of piece.split(pattern).entries()) {
    const mark = i % 2 ? paragraph.appendChild(document.createElement("mark")) : paragraph;
    mark.append(part);
  }
  paragraph.append(end < text.length ? " …" : "");
  return paragraph;
}

async function search() {
  field.value = query;
  const words = query.toLowerCase().split(/\s+/).map(stem).filter(Boolean);
  if (!words.length) return;
  found.textContent = "Searching…";
  try {
    const entries = await (await fetch("search.json")).json();
    const hits = entries.map((entry) => [score(entry, words), entry]).filter(([points]) => points);
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
      ? `${places} with “${query}”${hits.length > 50 ? "; the best 50" : ""}.`
      : `Nothing found for “${query}”. All words must occur in one section: try fewer, or shorter ones.`;
  } catch {
    found.textContent = "The search index could not be loaded. Reload the page to try again.";
  }
}
search();
