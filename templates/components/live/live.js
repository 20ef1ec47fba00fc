// Keeps regions of a page up to date. A region says how often (data-live, milliseconds) and htmx knows where from; here is only when:
// often while things happen, less often in silence, never while nobody looks, and not at all once the server sends a region
// without data-live because nothing can change any more.
document.documentElement.dataset.scripted = "true";

const SILENCE = [[600_000, 15_000], [60_000, 5_000]];
const FAILURES_TO_LOSE = 2;
const RETRY_MS = 3_000;
const regions = new Map(); // id -> {timer, changedAt, failures, lastOkAt}

function stateOf(region) {
  if (!regions.has(region.id)) {
    regions.set(region.id, { timer: 0, changedAt: Date.now(), failures: 0, lastOkAt: Date.now() });
  }
  return regions.get(region.id);
}

function pauseFor(region, state) {
  if (state.failures) return RETRY_MS;
  const base = Number(region.dataset.live);
  const silent = Date.now() - state.changedAt;
  const slower = SILENCE.find(([after]) => silent > after);
  return Math.max(base, slower ? slower[1] : 0);
}

function plan(region) {
  const state = stateOf(region);
  clearTimeout(state.timer);
  if (!document.hidden) state.timer = setTimeout(() => poll(region.id), pauseFor(region, state));
}

function poll(id) {
  const region = document.getElementById(id);
  if (!region || !region.dataset.live || document.hidden) return;
  region.dispatchEvent(new CustomEvent("poll"));
}

function planAll() {
  for (const region of document.querySelectorAll("[data-live]")) plan(region);
}

function pollAll() {
  for (const region of document.querySelectorAll("[data-live]")) poll(region.id);
}

function regionOf(event) {
  const source = event.detail?.ctx?.sourceElement;
  return source && regions.has(source.id) ? source : null;
}

function showConnection() {
  const lost = [...regions.values()].filter((state) => state.failures >= FAILURES_TO_LOSE);
  for (const mark of document.querySelectorAll(".live")) {
    mark.dataset.connection = lost.length ? "lost" : "live";
    const since = Math.round((Date.now() - Math.min(...lost.map((state) => state.lastOkAt))) / 1000);
    const text = mark.querySelector("[data-lost-for]");
    if (text) text.textContent = lost.length ? `${since} s` : "";
  }
}

function failed(region) {
  stateOf(region).failures += 1;
  showConnection();
  plan(region);
}

document.addEventListener("htmx:error", (event) => {
  const region = regionOf(event);
  if (region) failed(region);
});

document.addEventListener("htmx:after:request", (event) => {
  const region = regionOf(event);
  if (!region) return;
  const status = event.detail.ctx.response.status;
  if (status >= 400) return failed(region);
  const state = stateOf(region);
  state.failures = 0;
  state.lastOkAt = Date.now();
  if (status === 200) state.changedAt = Date.now();
  showConnection();
  plan(region);
});

document.addEventListener("htmx:before:swap", (event) => {
  const status = event.detail?.ctx?.response?.status;
  if (regionOf(event) && status >= 400) event.preventDefault(); // keep what the page shows, marked as not live
});

document.addEventListener("htmx:after:swap", () => {
  showConnection();
  const run = document.querySelector("[data-state-now]");
  if (run && document.title !== run.dataset.title) {
    document.title = run.dataset.title;
    document.querySelector("link[rel='icon']").href = run.dataset.icon;
    const announce = document.getElementById("announce");
    if (announce) announce.textContent = run.dataset.title;
  }
});

document.addEventListener("visibilitychange", () => {
  if (document.hidden) for (const state of regions.values()) clearTimeout(state.timer);
  else pollAll();
});

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-reconnect]")) pollAll();
});

setInterval(showConnection, 5_000);
planAll();
