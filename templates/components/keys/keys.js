// One-key shortcuts, ignored where somebody writes: / to the filter, j and k through rows, arrows through the nodes of a graph.
const WRITING = "input, textarea, select, [contenteditable='true'], .cm-editor";

function step(selector, by) {
  const stops = [...document.querySelectorAll(selector)];
  if (!stops.length) return false;
  const at = stops.indexOf(document.activeElement);
  const next = stops[Math.min(Math.max(at + by, 0), stops.length - 1)];
  next.focus();
  next.scrollIntoView({ block: "nearest", inline: "nearest" });
  return true;
}

const KEYS = {
  "/": () => {
    const field = document.getElementById("q");
    field?.focus();
    return Boolean(field);
  },
  j: () => step("a.row-link, .timeline a.label", 1),
  k: () => step("a.row-link, .timeline a.label", -1),
};

document.addEventListener("keydown", (event) => {
  if (event.metaKey || event.ctrlKey || event.altKey || event.target.closest?.(WRITING)) return;
  const onNode = event.target.closest?.(".dag .node");
  const move = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
  const handled = onNode && move ? step(".dag .node", move) : KEYS[event.key]?.();
  if (handled) event.preventDefault();
});
