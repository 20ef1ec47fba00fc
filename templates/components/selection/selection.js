// Ticked rows of a table: one box for all of them, and how many there are. Without scripts every row is ticked by itself.
function boxes(form) {
  return [...form.querySelectorAll("input[data-select]")];
}

function tell(form) {
  const all = boxes(form);
  const ticked = all.filter((box) => box.checked).length;
  const count = form.querySelector("[data-selected]");
  if (count) count.textContent = ticked ? count.dataset.some.replace("0", ticked) : count.dataset.none;
  const master = form.querySelector("input[data-select-all]");
  if (!master) return;
  master.checked = ticked > 0 && ticked === all.length;
  master.indeterminate = ticked > 0 && ticked < all.length;
}

document.addEventListener("change", (event) => {
  const form = event.target.closest?.("form[data-selection]");
  if (!form) return;
  if (event.target.matches("[data-select-all]")) for (const box of boxes(form)) box.checked = event.target.checked;
  tell(form);
});
for (const form of document.querySelectorAll("form[data-selection]")) tell(form);
