// What the search finds, and in which order: on pages, and in QuickJS where the index is made and the tests ask it.
// MiniSearch (minisearch.js) finds and weighs words; here stands what a word is, and what is known of this book.
globalThis.bookSearch = (() => {
    // name: a title, a term or a short heading as a whole; asked: the words of those who asked.
  const FIELDS = ["name", "title", "heading", "term", "asked", "prose", "code"];
  const BOOST = { name: 4, title: 5, heading: 4, term: 5, asked: 3, prose: 1, code: 0.5 };
  const KIND = { chapter: 1, faq: 1.2, glossary: 1, claim: 0.8, back: 0.8, homework: 0.6, teach: 0.6, aside: 0.6 };
  const KINDS = Object.keys(KIND);
  const SHOWN = 10; // results
  const READ = 12; // candidates, of which the texts are looked at, for words that stand near each other

  // ---------------------------------------------------------------- words

  // Words that a question has whatever it is about.
  const EMPTY = new Set(
    ("a about after all also am an and any are as at be been but by can cannot could did do does doesn doing don down " +
      "for from get gets give gives had has have how i if in into is isn it its just let me much my no not of on one or our out " +
      "should so some such than that the their them then there these they this to too up us use used using very was we well what " +
      "when where which while who why will with work would you your 的 了 是 在 为 什 么 吗 呢 如 何 怎 样").split(" "),
  );
  // How readers of this field shorten.
  const SAME = {
    val: "validation", valid: "validation", acc: "accuracy", lr: "learning rate", bn: "batchnorm", ln: "layernorm",
    mc: "monte carlo", prob: "probability", hw: "homework", wd: "weight decay", attn: "attention", nn: "network",
    keras: "rate", std: "deviation", var: "variance", regularizer: "regularisation", aug: "augmentation",
    forgot: "forgotten forget",
  }; // prettier-ignore
  const WORD = /[\u3400-\u9fff]+|[\p{L}\p{N}_]+(?:[.\-\u2010\u2011'\u2019][\p{L}\p{N}_]+)*/gu;

  const stems = new Map();
  function stem(word) {
    if (!stems.has(word)) stems.set(word, cut(word));
    return stems.get(word);
  }
  function cut(word) {
    if (word.length < 4 || /[^a-z]/.test(word)) return word;
    let w = word.replace(/iz(?=[aei])/, "is");
    if (/[^suia]s$/.test(w)) w = w.replace(/(?<=..)ies$/, "y").replace(/s$/, "");
    const bare = w.replace(/(?<=[a-z]{2,}|^[b-z][aeiou]?[a-z])(ing|ed)$/, "");
    if (bare !== w && bare.length > 2 && /[aeiouy]/.test(bare)) w = bare.replace(/([bdgmnprt])\1$/, "$1");
    w = w.replace(/^(...+is)(ation|ed|er|ing)$/, "$1"); // regularisation, regulariser
    w = w.replace(/^(....+)(?:ation|ate|at)$/, "$1"); // validation, validate, and validated, which has lost its ending
    return w.length > 4 ? w.replace(/tion$/, "t").replace(/e$/, "") : w;
  }

  // [[term, where it begins, where it ends], …]: words by their stems, what has a sign in it whole and in parts, Chinese
  // in pairs of signs.
  function words(text) {
    const found = [];
    for (const { 0: whole, index } of text.matchAll(WORD)) {
      const end = index + whole.length;
      if (/^[\u3400-\u9fff]/.test(whole)) {
        if (whole.length === 1) found.push([whole, index, end]);
        for (let i = 0; i + 1 < whole.length; i++) found.push([whole.slice(i, i + 2), index + i, index + i + 2]);
        continue;
      }
      const word = whole.toLowerCase().replace(/['\u2019]s$/, "");
      if (/^[a-z]+$/.test(word)) {
        found.push([stem(word), index, index + word.length]);
        continue;
      }
      if (/^\d+\.\d+$/.test(word)) {
        found.push([word, index, end]);
        continue;
      }
      const parts = word.split(/[._\-\u2010\u2011'\u2019]/).filter(Boolean);
      if (parts.length > 1) found.push([word.replace(/[\-\u2010\u2011'\u2019]/g, ""), index, end]);
      let at = index;
      for (const part of parts) {
        at = index + word.indexOf(part, at - index);
        if (parts.length === 1 || part.length > 1) found.push([stem(part), at, at + part.length]);
        at += part.length;
      }
    }
    return found;
  }
  const terms = (text) => words(text).map(([term]) => term);

  // The names that a heading gives, each as one word; of the longer ones there are none.
  function names(heading) {
    const given = heading.replace(/\uff08.*?\uff09|^\d+\. |^Homework \d+: /g, "").split(/[\u00b7\u3001]/);
    const parts = given.map((name) => name.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []);
    return parts.filter(({ length }) => length && length < 5).map((all) => `=${all.map(stem).join("")}`);
  }

  // ---------------------------------------------------------------- the index

  const options = {
    fields: FIELDS,
    tokenize: (text, field) => (field === "name" ? text.split(" ").filter(Boolean) : terms(text)),
    processTerm: (term) => (EMPTY.has(term) || /^\d+\.\d{3}|^\d{5}/.test(term) ? null : term),
    searchOptions: { tokenize: (term) => [term], boost: BOOST, bm25: { k: 1.2, b: 0.6, d: 0.4 } },
  }; // prettier-ignore

  // Sections that repeat, test or point elsewhere give way to those that explain.
  const aside = (record) =>
    /^(Exercise|Exercises|Further reading|Summary|Check yourself|In this chapter|Claims tested here|Preamble)\b/.test(record.heading);

  function make(records) {
    const mini = new MiniSearch(options);
    mini.addAll(
      records.map(({ where, page, heading, kind, text, code }, id) => {
        const own = where.includes("#") ? "" : page;
        const [prose, asked = ""] = kind === "faq" ? text.split("Asked as: ") : [text];
        const seen = new Set(terms(`${page} ${heading} ${text}`));
        return {
          id,
          name: kind === "chapter" && where.includes("#exercise") ? "" : names(heading).join(" "),
          title: own && `${own} ${own.replace(/^(\d+)\. .*/, "Chapter $1")}`,
          heading: own || kind === "glossary" ? "" : heading,
          term: kind === "glossary" ? heading : "",
          asked,
          prose: `${own ? "" : page} ${prose}`,
          code: terms(code).filter((term) => !seen.has(term) && term.length > 2).join(" "),
        };
      }),
    );
    const { index, fieldLength } = mini.toJSON();
    // {word: [the records of field 0 by their distances, …]}, as text: compressed it is half of what JSON would be.
    const kept = index.sort(([a], [b]) => (a < b ? -1 : 1));
    const postings = kept.map(([, fields]) =>
      FIELDS.map((_, field) => {
        let last = -1;
        return Object.entries(fields[field] ?? {})
          .map(([id, count]) => {
            const gap = id - last - 1;
            last = +id;
            return gap + (count > 1 ? "x" + (count > 6 ? 8 : count > 2 ? 4 : 2) : "");
          })
          .join(" ");
      }).join("/").replace(/\/+$/, ""),
    );
    return {
      words: kept.map(([word]) => word).join(" "),
      postings: postings.join("\n"),
      lengths: records.map((_, id) => FIELDS.map((_, field) => fieldLength[id]?.[field] ?? 0)),
      kinds: records.map((record) => KINDS.indexOf(aside(record) ? "aside" : record.kind)),
    };
  }

  function open({ words, postings, lengths, kinds }) {
    const lines = postings.split("\n");
    const list = words.split(" ");
    const share = new Map(); // of the records, that have a word in the field where it is most usual
    const index = list.map((word, i) => {
      const fields = {};
      let most = 0;
      lines[i].split("/").forEach((text, field) => {
        if (!text) return;
        const entries = text.split(" ");
        const counts = (fields[field] = {});
        let last = -1;
        for (const entry of entries) {
          const sign = entry.indexOf("x");
          last += 1 + (sign < 0 ? +entry : +entry.slice(0, sign));
          counts[last] = sign < 0 ? 1 : +entry.slice(sign + 1);
        }
        most = Math.max(most, entries.length);
      });
      share.set(word, most / kinds.length);
      return [word, fields];
    });
    const ids = kinds.map((_, id) => id);
    const mean = FIELDS.map((_, field) => lengths.reduce((sum, own) => sum + own[field], 0) / lengths.length);
    const mini = MiniSearch.loadJS(
      {
        documentCount: ids.length, nextId: ids.length, documentIds: { ...ids }, fieldIds: { ...Object.fromEntries(FIELDS.map((f, i) => [f, i])) },
        fieldLength: { ...lengths }, averageFieldLength: mean, storedFields: {}, dirtCount: 0, index, serializationVersion: 2,
      },
      options,
    ); // prettier-ignore
    return { mini, kinds, list, known: new Set(list), share };
  }

  // ---------------------------------------------------------------- a query

  // [{terms: what stands for one word of the query, the word itself first}, …]
  function understand(query, known) {
    const all = words(query);
    const asked = [];
    for (const [i, [term, begin, end]] of all.entries()) {
      const group = [term];
      if (SAME[term]) group.push(...terms(SAME[term]));
      const next = all.find(([, b]) => b >= end);
      if (next && known.has(term + next[0])) group.push(term + next[0]); // drop path, batch norm
      const last = i === all.length - 1 && end === query.trimEnd().length;
      // While "overfitting" is being typed: the longest known word that "overfitti" begins with.
      for (let n = term.length - 1; last && !known.has(term) && n > 3 && n > term.length - 5; n--) {
        if (known.has(term.slice(0, n))) {
          group.push(term.slice(0, n));
          break;
        }
      }
      asked.push({ terms: group, begin, end, last });
    }
    const telling = asked.filter(({ terms: [term] }) => !EMPTY.has(term));
    return telling.length ? telling : [];
  }

  // The query without typing errors: a word that no section has, nor the beginning of one, gives way to the most usual of
  // those that are like it.
  function meant({ mini, known, list }, query) {
    let text = query;
    for (const [term, begin, end] of words(query).reverse()) {
      const last = end === query.trimEnd().length;
      if (known.has(term) || EMPTY.has(term) || SAME[term] || !/^[a-z]{4,}$/.test(term)) continue;
      if (last && list.some((word) => word.startsWith(term))) continue;
      const counts = new Map();
      for (const { terms } of mini.search(term, { fuzzy: 0.25 })) for (const t of terms) counts.set(t, (counts.get(t) ?? 0) + 1);
      const [best] = [...counts].sort(([, a], [, b]) => b - a)[0] ?? [];
      if (best) text = text.slice(0, begin) + best + text.slice(end);
    }
    return text;
  }

  // { query: as it was meant, hits: [[number of a record, points, terms that it has], …], whole: how many have every word },
  // best first, before texts are looked at.
  function find(index, typed) {
    const { mini, kinds, known, share } = index;
    // MiniSearch weighs a word by its rarity in each field; a word that is everywhere in the book tells little in a heading, too.
    const rarity = (term) => Math.log(1 + 1 / (share.get(term) ?? 0.5)) / Math.log(1 + kinds.length);
    const query = meant(index, typed);
    const asked = understand(query, known);
    const queries = asked.map(({ terms: group, last }) => ({
      combineWith: "OR",
      queries: group.map((term, i) => {
        const prefix = !known.has(term) && (last ? term.length > 2 && !/\d/.test(term) : /^[\u3400-\u9fff]$/.test(term));
        return { queries: [term], prefix, weights: { fuzzy: 0.6, prefix: 0.3 }, boostTerm: (found) => (i ? 0.7 : 1) * rarity(found) };
      }),
    }));
    const [name] = names(query);
    if (known.has(name)) queries.push({ queries: [name], fields: ["name"] });
    const about = (word) => asked.some(({ terms }) => terms.includes(word));
    const kind = { ...KIND };
    if (about("homework")) kind.homework = /\d/.test(query) ? 2 : 1;
    if (about("exercis") || about("summary")) kind.aside = 1.5;
    if (about("claim")) kind.claim = 1.5;
    if (about("teach") || about("lectur")) kind.teach = 1.5;
    const hits = queries.length ? mini.search({ combineWith: "OR", queries }, { boostDocument: (id) => kind[KINDS[kinds[id]]] }) : [];
    const whole = ({ queryTerms }) => asked.every(({ terms }) => terms.some((term) => queryTerms.includes(term)));
    return { query, hits: hits.map(({ id, score, terms }) => [id, score, terms]), whole: hits.filter(whole).length };
  }

  // How near the words of the query stand to each other, 0 to 1: the part of its neighbours that are at most three words apart.
  function nearness(query, text) {
    const wanted = [...new Set(terms(query).filter((term) => !EMPTY.has(term)))];
    if (wanted.length < 2) return 0;
    const list = terms(text);
    const places = wanted.map((term) => list.flatMap((t, i) => (t === term ? [i] : [])));
    const pairs = wanted.slice(1).map((_, i) => places[i].some((a) => places[i + 1].some((b) => b > a - 2 && b - a < 4)));
    return pairs.filter(Boolean).length / pairs.length;
  }

  // Whether a text has the query, of three words or more, as it stands.
  function quoted(query, text) {
    const asked = terms(query);
    return asked.length > 2 && ` ${terms(text).join(" ")} `.includes(` ${asked.join(" ")} `);
  }

  // The best of `hits`, once their records are there: what stands near each other in the query and in a text counts more.
  function order(query, hits, record) {
    return hits
      .map(([id, score, found]) => {
        const { heading, text } = record(id);
        const near = nearness(query, heading) * 0.5 + nearness(query, text) * 0.4 + (quoted(query, text) ? 1 : 0);
        return [id, score * (1 + near), found];
      })
      .sort(([, a], [, b]) => b - a);
  }

  // The addresses of the first results, best first; for tests, which have all records at hand.
  let opened;
  function prepare(given, records) {
    opened = { index: open(given), records };
  }
  function first(query) {
    const { query: meaning, hits } = find(opened.index, query);
    const best = order(meaning, hits.slice(0, READ), (id) => opened.records[id]);
    return best.slice(0, SHOWN).map(([id]) => opened.records[id].where);
  }

  const looked = (query) => find(opened.index, query).hits.slice(0, READ).map(([id]) => id);

  return { make, open, find, order, words, prepare, first, looked, SHOWN, READ };
})();
