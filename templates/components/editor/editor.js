// CodeMirror over the textarea of a form, which stays the field that is sent. While somebody writes, the server checks the source;
// its list of problems is the page's, and the marks in the editor are read from it.
const field = document.getElementById("id_source");
const CHECK_AFTER_MS = 400;

if (field && window.CodeMirror) mount(window.CodeMirror);

function mount(cm) {
  const nonce = document.querySelector("script[nonce]").nonce;
  const languages = { python: cm.python, json: cm.json, yaml: cm.yaml };
  const chosen = () => document.querySelector("input[name='source_format']:checked").value;
  const language = new cm.Compartment();
  const host = document.createElement("div");
  host.className = "cm-host";
  let timer = 0;

  const view = new cm.EditorView({
    parent: host,
    state: cm.EditorState.create({
      doc: field.value,
      extensions: [
        cm.basicSetup,
        cm.lintGutter(),
        cm.indentUnit.of("    "),
        language.of(languages[chosen()]()),
        cm.syntaxHighlighting(classesFor(cm)),
        cm.EditorView.cspNonce.of(nonce),
        cm.EditorView.lineWrapping,
        cm.EditorView.contentAttributes.of({ "aria-label": field.labels[0].textContent, "aria-describedby": "problems", tabindex: "0" }),
        cm.EditorView.updateListener.of((update) => update.docChanged && changed(update.state.doc.toString())),
        themeFor(cm),
      ],
    }),
  });

  function changed(text) {
    field.value = text;
    clearTimeout(timer);
    timer = setTimeout(check, CHECK_AFTER_MS);
  }

  function check() {
    document.getElementById("checker").dispatchEvent(new CustomEvent("check"));
  }

  function mark() {
    const lines = view.state.doc.lines;
    const found = [...document.querySelectorAll("#problems li[data-line]")].map((item) => {
      const line = view.state.doc.line(Math.min(Number(item.dataset.line), lines));
      const from = Math.min(line.from + Number(item.dataset.column) - 1, line.to);
      return { from, to: line.to, severity: item.dataset.severity, message: item.querySelector(".text").textContent };
    });
    view.dispatch(cm.setDiagnostics(view.state, found));
  }

  document.addEventListener("htmx:after:swap", mark);
  for (const choice of document.querySelectorAll("input[name='source_format']")) {
    choice.addEventListener("change", () => {
      view.dispatch({ effects: language.reconfigure(languages[chosen()]()) });
      check();
    });
  }
  document.getElementById("problems").addEventListener("click", (event) => goTo(event, view));
  field.after(host);
  field.hidden = true;
  field.required = false; // a hidden field cannot be pointed at; the server checks it
  mark();
  if (document.querySelector("#problems ul") === null) addEventListener("load", check); // htmx is ready by then
}

function goTo(event, view) {
  const item = event.target.closest("li[data-line]");
  if (!item) return;
  const line = view.state.doc.line(Math.min(Number(item.dataset.line), view.state.doc.lines));
  view.dispatch({ selection: { anchor: line.from }, scrollIntoView: true });
  view.focus();
}

function classesFor(cm) {
  const { tags } = cm;
  return cm.HighlightStyle.define([
    { tag: [tags.keyword, tags.operatorKeyword, tags.definitionKeyword], class: "syntax-keyword" },
    { tag: [tags.string, tags.special(tags.string)], class: "syntax-string" },
    { tag: [tags.number, tags.bool, tags.null, tags.propertyName], class: "syntax-number" },
    { tag: tags.comment, class: "syntax-comment" },
  ]);
}

// CodeMirror's own sheets stand outside of every layer and win, so what they colour is coloured here.
function themeFor(cm) {
  return cm.EditorView.theme({
    "&": { fontSize: "var(--fs-13)", maxHeight: "60vh", minHeight: "22em", color: "var(--c-text)", backgroundColor: "var(--c-surface)" },
    ".cm-scroller": { fontFamily: "var(--ff-mono)" },
    ".cm-gutters": { color: "var(--c-text-3)", backgroundColor: "var(--c-surface-2)", borderColor: "var(--c-line)" },
    ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "var(--c-hover)" },
    ".cm-cursor": { borderLeftColor: "var(--c-text)" },
    "&.cm-focused": { outline: "2px solid var(--c-focus)", outlineOffset: "-2px" },
    "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": { backgroundColor: "var(--c-selected)" },
    ".cm-tooltip, .cm-panels": { color: "var(--c-text)", backgroundColor: "var(--c-raised)", borderColor: "var(--c-line-strong)" },
    ".cm-diagnosticText": { color: "var(--c-text)" },
  });
}
