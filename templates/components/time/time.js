// Times in the viewer's own zone. The server writes UTC and nothing that ages, so that an unchanged page is an unchanged answer.
const relative = new Intl.RelativeTimeFormat(document.documentElement.lang, { numeric: "auto", style: "short" });
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium", hourCycle: "h23" });
const UNITS = [["day", 86_400], ["hour", 3_600], ["minute", 60], ["second", 1]];

function ago(moment) {
  const seconds = Math.round((moment - Date.now()) / 1000);
  const [unit, size] = UNITS.find(([, size]) => Math.abs(seconds) >= size) ?? UNITS.at(-1);
  return relative.format(Math.round(seconds / size), unit);
}

function since(moment) {
  const seconds = Math.max(0, Math.floor((Date.now() - moment) / 1000));
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  if (hours) return `${hours} h ${minutes} min`;
  return minutes ? `${minutes} min ${seconds % 60} s` : `${seconds} s`;
}

const STYLES = { relative: ago, since, clock: (moment) => clock.format(moment), full: (moment) => full.format(moment) };

function write(selector) {
  for (const element of document.querySelectorAll(selector)) {
    const text = STYLES[element.dataset.style]?.(new Date(element.dateTime));
    if (text && element.textContent !== text) element.textContent = text;
  }
}

const writeAll = () => write("time[data-style]");
writeAll();
document.addEventListener("htmx:after:swap", writeAll);
setInterval(() => {
  if (!document.hidden) write('time[data-style="since"], time[data-style="relative"]');
}, 1_000);
