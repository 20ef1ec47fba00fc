// A graph that is larger than its pane opens where something happens: at the selected node, or at one that is under way.
for (const pane of document.querySelectorAll(".graph")) {
  const node = pane.querySelector(".node.selected") ?? pane.querySelector('.node:is([data-state="running"], [data-state="retrying"])');
  const box = (node ?? pane.querySelector(".node"))?.getBoundingClientRect();
  if (box) {
    const view = pane.getBoundingClientRect();
    pane.scrollLeft += box.left + box.width / 2 - view.left - view.width / 2;
    if (node) pane.scrollTop += box.top + box.height / 2 - view.top - view.height / 2;
  }
}
