/* The panel: keys, dialogs, ticks, and looking for what changed. Without it all works by links and forms. */
(() => {
  "use strict";
  const LOOK_EVERY_MS = 60000;
  const FIRST_LOOK_MS = 3000;
  const panel = () => document.getElementById("panel");
  const rows = () => [...document.querySelectorAll("#panel tr[data-code]")];
  const current = () => document.activeElement?.closest?.("#panel tr[data-code]") ?? null;
  const dialog = (name) => document.getElementById(name);
  const typing = (node) => node.matches?.("input:not([type=checkbox]), select, textarea, [contenteditable]");

  function go(step) {
    const all = rows();
    const at = all.indexOf(current());
    const row = all[at < 0 ? (step > 0 ? 0 : all.length - 1) : at + step];
    if (row) {
      row.querySelector("th a").focus();
      row.scrollIntoView({ block: "nearest" });
    }
  }

  function act(name) {
    const row = current() ?? rows()[0];
    const line = row?.querySelector("[data-alert]");
    const box = dialog(name);
    if (!line || !box) return;
    row.querySelector("th a").focus();
    const form = box.querySelector("form");
    form.action = box.dataset.action.replace("/0/", `/${line.dataset.alert}/`);
    box.querySelector("[data-what]").textContent = `${row.dataset.code}, ${line.querySelector("[data-what]").textContent}`;
    box.showModal();
  }

  const keys = {
    j: () => go(1),
    k: () => go(-1),
    x: () => current()?.querySelector("input[type=checkbox]")?.click(),
    a: () => (current() ?? rows()[0])?.querySelector("button[formaction]")?.click(),
    d: () => act("dismiss"),
    s: () => act("snooze"),
    "/": () => {
      document.querySelector("#panel .narrow").open = true;
      document.getElementById("q").focus();
    },
    "?": () => dialog("keys").showModal(),
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    if (document.querySelector("dialog[open]") || !keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  });

  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-help]")) dialog("keys").showModal();
    event.target.closest("[data-close]")?.closest("dialog").close();
  });

  /* Ticks: how many, and the button only where there is something to do. */
  function count() {
    const ticked = document.querySelectorAll("#panel .c-pick input:checked").length;
    const shown = document.querySelector("[data-ticked]");
    if (shown) shown.textContent = ticked ? `(${ticked})` : "";
    panel()?.classList.toggle("has-ticks", ticked > 0);
  }
  document.addEventListener("change", (event) => event.target.closest(".c-pick") && count());

  /* What changed: asked for once a minute while the page is looked at and nobody is in the midst of something. */
  const busy = () =>
    document.hidden || document.querySelector("dialog[open]") || typing(document.activeElement ?? document.body);
  const look = () => !busy() && window.htmx && panel() && window.htmx.trigger(panel(), "look");

  let kept = null;
  document.addEventListener("htmx:configRequest", (event) => {
    if (event.detail.elt === panel()) event.detail.parameters.shown = rows().length;
  });
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.target !== panel()) return;
    kept = {
      code: current()?.dataset.code,
      ticked: [...document.querySelectorAll("#panel .c-pick input:checked")].map((box) => box.value),
      open: document.querySelector("#panel .narrow")?.open,
      note: document.getElementById("bulk-note")?.value ?? "",
    };
  });
  document.addEventListener("htmx:afterSettle", () => {
    ready();
    if (!kept) return;
    for (const box of document.querySelectorAll("#panel .c-pick input")) box.checked = kept.ticked.includes(box.value);
    const narrow = document.querySelector("#panel .narrow");
    if (narrow) narrow.open = kept.open;
    const note = document.getElementById("bulk-note");
    if (note) note.value = kept.note;
    if (kept.code) document.querySelector(`#p-${CSS.escape(kept.code)} th a`)?.focus({ preventScroll: true });
    kept = null;
    count();
  });

  function ready() {
    panel()?.classList.add("with-keys");
    for (const button of document.querySelectorAll("[data-help]")) button.hidden = false;
  }
  ready();
  count();
  setTimeout(look, FIRST_LOOK_MS);
  setInterval(look, LOOK_EVERY_MS);
  document.addEventListener("visibilitychange", look);
})();
