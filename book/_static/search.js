// Search over search.json: a list of [address, page title, heading, text], one entry a section.
const field = document.querySelector("input[name=q]");
const found = document.getElementById("found");
const results = document.getElementById("results");

// Pages have typographic quotes; who types has straight ones.
const plain = (text) => text.toLowerCase().replace(/[\u2018\u2019]/g, "'").replace(/[\u201c\u201d]/g, '"');

// "masks" and "masking" find "mask".
const stem = (word) => (word.length > 4 ? word.replace(/(ing|ed|es|s)$/, "") : word);

// Loaded once; again where that failed.
let loading;
const load = () =>
  (loading ??= fetch("search.json")
    .then((answer) => answer.json())
    .then((entries) => entries.map((entry) => ({ entry, heading: plain(entry[2]), text: plain(entry[3]) })))
    .catch((error) => {
      loading = undefined;
      throw error;
    }));

// Words that a question has whatever it is about.
const EMPTY = new Set(
  ("a an and are as at be but by can do does don't for from has have how i i'm if in is it its me my not of on or our so " +
    "that the their then there this to too was we what when which why will with you your").split(" "),
);

// [[points, entry, whether it has all the words], …]: the rarer a word the more it counts, the longer a section the
// less; the words as they stand in the query count more, and questions and answers come a little before the chapters.
function rank(records, phrase, words) {
  const telling = words.map((word) => word.replace(/[.,;:?!()"]+$/, "")).filter((word) => word && !EMPTY.has(word));
  const usual = records.reduce((sum, { text }) => sum + text.length, 0) / records.length;
  const found = (telling.length ? telling : words).map((word) =>
    records.map(({ heading, text }) => [heading.includes(word), text.split(word).length - 1]),
  );
  const weight = found.map((all) => Math.log(1 + records.length / (all.filter(([a, b]) => a || b).length || Infinity)));
  return records.map(({ entry, heading, text }, i) => {
    const damp = 0.3 + (0.9 * text.length) / usual;
    const points = ([heading, hits]) => (2.2 * hits) / (hits + damp) + (heading ? 1.5 : 0);
    const quoted = words.length > 1 && (heading.includes(phrase) || text.includes(phrase)) ? 4 : 0;
    const sum = found.reduce((total, all, k) => total + weight[k] * points(all[i]), quoted);
    const all = words.every((word) => heading.includes(word) || text.includes(word));
    return [sum * (entry[0].startsWith("book/faq") ? 1.3 : 1), entry, all];
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
  const query = field.value.trim();
  const phrase = plain(query);
  const words = phrase.split(/\s+/).map(stem).filter(Boolean);
  const shown = [];
  let said = "";
  if (words.length) {
    if (!loading) found.textContent = "Searching…";
    try {
      const records = await load();
      if (query !== field.value.trim()) return; // something else has been typed meanwhile
      const ranked = rank(records, phrase, words).filter(([points]) => points);
      const whole = ranked.filter(([, , all]) => all);
      const quoted = records.some(({ heading, text }) => heading.includes(phrase) || text.includes(phrase));
      // A question of many words need not be met by all of them.
      const all = whole.length > 0 && (words.length <= 6 || quoted);
      const hits = all ? whole : ranked;
      hits.sort(([a], [b]) => b - a);
      for (const [, [address, page, heading, text]] of hits.slice(0, 50)) {
        const item = document.createElement("li");
        const link = item.appendChild(document.createElement("a"));
        link.href = address;
        link.textContent = heading;
        if (heading !== page) item.appendChild(document.createElement("span")).textContent = page;
        item.append(excerpt(text, words));
        shown.push(item);
      }
      const places = hits.length === 1 ? "1 section" : `${hits.length} sections`;
      said = hits.length
        ? `${places} with ${all ? "" : "some words of "}“${query}”${hits.length > 50 ? "; the best 50" : ""}.`
        : `Nothing found for “${query}”: no section has any of these words.`;
    } catch {
      said = "The search index could not be loaded. Reload the page to try again.";
    }
  }
  found.textContent = said;
  results.replaceChildren(...shown);
}

// Results come as one types; the address keeps what was asked, for the way back and for a link.
let waiting;
field.addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(() => {
    const address = new URL(location);
    address.searchParams.set("q", field.value.trim());
    history.replaceState(null, "", address);
    search();
  }, 150);
});
field.value = (new URLSearchParams(location.search).get("q") ?? "").trim();
search();
