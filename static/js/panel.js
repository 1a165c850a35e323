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

  const tell = (what) => document.dispatchEvent(new CustomEvent("toast:tell", { detail: what }));

  /* Acts are on the row that one has gone to, and on no other. */
  function chosen() {
    if (!current()) tell("choose");
    return current();
  }

  function press(what) {
    const row = chosen();
    const found = row?.querySelector(what);
    if (row && !found) tell("nothing");
    found?.click();
  }

  function act(name) {
    const row = chosen();
    const line = row?.querySelector("[data-alert]");
    const box = dialog(name);
    if (row && !(line && box)) tell("nothing");
    if (!line || !box) return;
    acting = row.dataset.code;
    row.querySelector("th a").focus();
    const form = box.querySelector("form");
    form.action = box.dataset.action.replace("/0/", `/${line.dataset.alert}/`);
    box.querySelector("[data-what]").textContent = `${row.dataset.code}, ${line.querySelector("[data-what]").textContent}`;
    const button = box.querySelector("[data-asks]");
    if (button) button.textContent = "asks" in line.dataset ? button.dataset.asks : button.dataset.acts;
    box.showModal();
  }

  const keys = {
    j: () => go(1),
    k: () => go(-1),
    x: () => press("input[type=checkbox]"),
    a: () => press("button[formaction]"),
    d: () => act("dismiss"),
    s: () => act("snooze"),
    u: () => document.querySelector("#undo button")?.click(),
    "/": () => {
      document.querySelector("#panel .narrow").open = true;
      document.getElementById("q").focus();
    },
    "?": () => dialog("keys").showModal(),
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    if (document.querySelector("dialog[open]") || !keys[event.key] || !single.checked) return;
    event.preventDefault();
    if (event.repeat && !"jk".includes(event.key)) return; // a key held down acts once
    keys[event.key]();
  });

  /* Whether single keys act is chosen once for this list, the alerts and Today. */
  const single = document.getElementById("keys-on");
  single.checked = localStorage.getItem("single-keys") !== "off";
  single.addEventListener("change", () => localStorage.setItem("single-keys", single.checked ? "on" : "off"));

  /* One form at a time, and back to the patient that it was about. */
  let sent = false, acting = "";
  document.addEventListener("submit", (event) => {
    if (event.target.method === "dialog") return;
    if (sent) return void event.preventDefault();
    sent = true;
    const code = event.target.closest("dialog") ? acting : current()?.dataset.code ?? "";
    const at = rows().findIndex((row) => row.dataset.code === code);
    if (at >= 0) sessionStorage.setItem("panel-row", JSON.stringify({ code, at }));
  });
  window.addEventListener("pageshow", () => { sent = false; });

  function comeBack() {
    const was = JSON.parse(sessionStorage.getItem("panel-row") ?? "null");
    sessionStorage.removeItem("panel-row");
    if (!was) return;
    const all = rows();
    const row = all.find((each) => each.dataset.code === was.code) ?? all[Math.min(was.at, all.length - 1)];
    row?.querySelector("th a").focus();
  }

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
  comeBack();
  setTimeout(look, FIRST_LOOK_MS);
  setInterval(look, LOOK_EVERY_MS);
  document.addEventListener("visibilitychange", look);
})();
