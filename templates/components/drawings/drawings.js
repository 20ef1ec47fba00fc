// Copies the text of a drawing. The links beside do without this, and the buttons are shown only where a page may write to the clipboard.
if (navigator.clipboard?.write && window.ClipboardItem) document.documentElement.dataset.clipboard = "true";

const SHOWN_MS = 2_000;

async function textOf(address) {
  const answer = await fetch(address);
  if (!answer.ok || answer.redirected) throw new Error(`status ${answer.status}`);
  return new Blob([await answer.text()], { type: "text/plain" });
}

function tell(button, said) {
  const word = button.querySelector(".word");
  button.dataset.word ??= word.textContent;
  word.textContent = said;
  document.getElementById("announce").textContent = said;
  setTimeout(() => { word.textContent = button.dataset.word; }, SHOWN_MS);
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("[data-copy]");
  if (!button) return;
  try {
    // A promise, handed over at once: some browsers let a page write only while the click is fresh.
    await navigator.clipboard.write([new ClipboardItem({ "text/plain": textOf(button.dataset.copy) })]);
    tell(button, button.dataset.done);
  } catch {
    tell(button, button.dataset.failed);
  }
});
