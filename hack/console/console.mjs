// The editor of queries, in place of the text field, and the queries that this browser sent last.
// The page works without it.
import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, insertNewlineAndIndent } from "@codemirror/commands";
import { HighlightStyle, bracketMatching, syntaxHighlighting } from "@codemirror/language";
import { lintKeymap } from "@codemirror/lint";
import { EditorState, Prec } from "@codemirror/state";
import { EditorView, drawSelection, keymap, placeholder } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { PromQLExtension } from "@prometheus-io/codemirror-promql";

const form = document.querySelector("form[data-console]");
const field = form.querySelector("textarea");

// The colours are the page's, which differ in the dark.
const colours = HighlightStyle.define([
  { tag: [tags.keyword, tags.function(tags.variableName), tags.operatorKeyword], color: "var(--blue)" },
  { tag: [tags.string, tags.labelName], color: "var(--green)" },
  { tag: [tags.number, tags.special(tags.variableName)], color: "var(--gold)" },
  { tag: tags.comment, color: "var(--subtle)" },
  { tag: tags.invalid, color: "var(--red)" },
]);
const look = EditorView.theme({
  "&": { color: "var(--text)", backgroundColor: "var(--ground)", border: "1px solid var(--line)", borderRadius: "6px" },
  "&.cm-focused": { outline: "2px solid var(--accent)", outlineOffset: "2px" },
  ".cm-content": { fontFamily: '"Red Hat Mono", ui-monospace, monospace', fontSize: "13px", minHeight: "4rem", caretColor: "var(--text)" },
  ".cm-cursor": { borderLeftColor: "var(--text)" },
  ".cm-placeholder": { color: "var(--subtle)" },
  "&.cm-focused .cm-selectionBackground, .cm-selectionBackground": { backgroundColor: "var(--blue-ground) !important" },
  ".cm-tooltip": { color: "var(--text)", backgroundColor: "var(--raised)", border: "1px solid var(--line)" },
  ".cm-tooltip-autocomplete ul li[aria-selected]": { color: "var(--on-accent)", backgroundColor: "var(--accent)" },
  ".cm-completionMatchedText": { textDecoration: "underline", fontWeight: "600" },
  ".cm-lintRange-error, .cm-lintRange-warning": { backgroundImage: "none", textDecoration: "underline wavy var(--red)" }, // the policy allows no images of a style
  ".cm-diagnostic": { fontFamily: "inherit" },
});

const send = () => {
  form.requestSubmit();
  return true;
};
const promql = new PromQLExtension().setComplete({ remote: { url: location.pathname.replace(/\/$/, ""), httpMethod: "GET", fetchFn: (...of) => fetch(...of) } });

// In a tree of its own the editor's styles are no inline styles of the page, which its policy forbids.
const host = document.createElement("div");
field.after(host);
const root = host.attachShadow({ mode: "open" });
const editor = new EditorView({
  root,
  parent: root,
  state: EditorState.create({
    doc: field.value,
    extensions: [
      history(), drawSelection(), bracketMatching(), closeBrackets(), autocompletion(), EditorView.lineWrapping, placeholder("such as rate(apiserver_request_total[5m])"),
      EditorView.contentAttributes.of({ "aria-label": "PromQL query" }), promql.asExtension(), syntaxHighlighting(colours), look,
      keymap.of([...closeBracketsKeymap, ...defaultKeymap.filter((k) => k.key !== "Enter"), ...historyKeymap, ...completionKeymap, ...lintKeymap]),
      Prec.low(keymap.of([{ key: "Enter", run: send }, { key: "Shift-Enter", run: insertNewlineAndIndent }])),
      EditorView.updateListener.of((u) => { if (u.docChanged) field.value = u.state.doc.toString(); }),
    ],
  }),
});
field.hidden = true;
form.querySelector(`label[for="${field.id}"]`).addEventListener("click", () => editor.focus());

const key = "aro-queries";
const most = 30;

function read() {
  try {
    return JSON.parse(localStorage.getItem(key)) ?? [];
  } catch {
    return []; // the storage is off, or has something else
  }
}

const sent = new URLSearchParams(location.search).get("query")?.trim();
let recent = read().filter((q) => typeof q === "string");
if (sent && !document.querySelector("main .alert")) {
  recent = [sent, ...recent.filter((q) => q !== sent)].slice(0, most);
  try {
    localStorage.setItem(key, JSON.stringify(recent));
  } catch {
    // the storage is full or off
  }
}
const list = document.querySelector(".recent ul");
for (const query of recent) {
  const link = document.createElement("a");
  link.href = `?${new URLSearchParams({ query, span: form.elements.span.value })}`;
  link.textContent = query;
  const item = document.createElement("li");
  item.append(link);
  list.append(item);
}
list.closest("details").hidden = recent.length === 0;
