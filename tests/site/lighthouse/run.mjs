// Lighthouse (mobile) over every page of the built site, served compressed from this machine.
//
//   npm ci --prefix tests/site/lighthouse
//   CHROME_PATH=/usr/bin/chromium node tests/site/lighthouse/run.mjs [_build/html [PAGE ...]]
//
// Prints a table. Fails when accessibility, best practices or SEO is below 1, when performance is below 0.95,
// when a page asks another host for anything, or when it weighs more than 350 kB. The search page and the 404 page
// ask not to be indexed; they are let off that one audit.

import { createServer } from "node:http";
import { readdirSync, readFileSync } from "node:fs";
import { extname, join, relative, resolve, sep } from "node:path";
import { gzipSync } from "node:zlib";
import { launch } from "chrome-launcher";
import lighthouse from "lighthouse";

const BARS = { performance: 0.95, accessibility: 1, "best-practices": 1, seo: 1 };
const WEIGHT = 350_000;
const TYPES = {
  ".css": "text/css", ".html": "text/html", ".js": "text/javascript", ".json": "application/json", ".png": "image/png",
  ".svg": "image/svg+xml", ".txt": "text/plain", ".webp": "image/webp", ".woff2": "font/woff2", ".xml": "text/xml",
};
const FLAGS = [
  "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
  "--disable-sync", "--no-first-run",
];

const folder = resolve(process.argv[2] ?? "_build/html");
const pages = process.argv.length > 3 ? process.argv.slice(3) : readdirSync(folder, { recursive: true })
  .filter((name) => name.endsWith(".html")).map((name) => name.split(sep).join("/")).sort();

const server = createServer((request, response) => {
  let path = join(folder, decodeURIComponent(new URL(request.url, "http://site").pathname));
  path = path.endsWith(sep) ? join(path, "index.html") : path;
  if (relative(folder, path).startsWith("..")) return response.writeHead(400).end();
  let body;
  try {
    body = readFileSync(path);
  } catch {
    return response.writeHead(404).end();
  }
  const headers = { "content-type": TYPES[extname(path)] ?? "application/octet-stream" };
  if (/text|json|xml|javascript/.test(headers["content-type"])) {
    body = gzipSync(body);
    headers["content-encoding"] = "gzip";
  }
  response.writeHead(200, headers).end(body);
});
await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
const base = `http://127.0.0.1:${server.address().port}/`;

const row = (cells) => console.log(cells.map((cell, i) => (i ? String(cell).padStart(8) : cell.padEnd(36))).join(" "));
row(["page", "perf", "access", "best", "seo", "FCP s", "LCP s", "CLS", "kB", "requests"]);
let failed = false;
for (const page of pages) {
  const chrome = await launch({ chromeFlags: FLAGS });
  const skipAudits = ["search.html", "404.html"].includes(page) ? ["is-crawlable"] : [];
  const { lhr } = await lighthouse(base + page, { port: chrome.port, skipAudits, logLevel: "silent" });
  await chrome.kill();
  const requests = lhr.audits["network-requests"].details.items.filter(({ url }) => /^https?:/.test(url));
  const bytes = requests.reduce((sum, { transferSize }) => sum + transferSize, 0);
  const scores = Object.keys(BARS).map((name) => lhr.categories[name].score);
  row([
    page, ...scores.map((score) => score?.toFixed(2)),
    ...["first-contentful-paint", "largest-contentful-paint"].map((id) => (lhr.audits[id].numericValue / 1000).toFixed(2)),
    lhr.audits["cumulative-layout-shift"].numericValue.toFixed(3), (bytes / 1000).toFixed(0), requests.length,
  ]);
  const complaints = Object.entries(BARS).filter(([, bar], i) => !(scores[i] >= bar)).map(([name]) => {
    const low = lhr.categories[name].auditRefs.filter(({ id, weight }) => weight && (lhr.audits[id].score ?? 1) < 0.9);
    return `${name}: ${low.map(({ id }) => id).join(", ")}`;
  });
  complaints.push(...requests.filter(({ url }) => !url.startsWith(base)).map(({ url }) => `another host: ${url}`));
  if (bytes > WEIGHT) complaints.push(`${bytes} bytes`);
  for (const complaint of complaints) console.log(`    ${complaint}`);
  failed ||= complaints.length > 0;
}
server.close();
process.exitCode = failed ? 1 : 0;
