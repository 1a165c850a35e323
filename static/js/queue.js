/* Lists that are gone through by key: the alert queue and the page Today.
   What a key does stands in the page: the element with that data-key in the present item. */
"use strict";
(() => {
  const items = () => [...document.querySelectorAll("[data-item]")];
  const help = document.getElementById("keys");
  const opener = document.getElementById("keys-open");
  const toggle = document.getElementById("keys-on");
  const undo = () => document.querySelector("#undo button");
  let place = -1; // of the item that was gone to last
  let acted = ""; // the id of the item that is being swapped

  function present() {
    const focused = document.activeElement.closest("[data-item]");
    if (focused) place = items().indexOf(focused);
    return items()[place];
  }

  function go(step) {
    present();
    const all = items();
    if (!all.length) return;
    place = Math.min(Math.max(place + step, 0), all.length - 1);
    all[place].focus({ preventScroll: true });
    all[place].scrollIntoView({ block: "nearest" });
  }

  function use(element) {
    if (element.tagName === "SUMMARY") {
      element.parentElement.open = true;
      element = element.parentElement.querySelector("input:not([type=hidden]), select, textarea, form button");
    }
    if (element.tagName === "BUTTON" && element.dataset.key) element.click();
    else element.focus();
  }

  /* Back from a form to its item, with what was opened closed; what was typed stays in it. */
  function fold(item) {
    if (!item) return;
    item.querySelectorAll(".actions details[open]").forEach((details) => { details.open = false; });
    item.focus();
  }

  function key(event) {
    const typing = event.target.closest("input, select, textarea");
    if (event.key === "Escape") return void fold(event.target.closest("[data-item]"));
    if (typing || event.ctrlKey || event.metaKey || event.altKey || (help && help.open)) return;
    if (!toggle || !toggle.checked) return;
    if (event.key === "?") return void show(event);
    if (event.key === "j" || event.key === "k") return void go(event.key === "j" ? 1 : -1);
    if (event.repeat) return; // a key held down acts once
    const item = present();
    if (event.key === "Enter" && event.target === item) {
      const group = item.closest("section");
      return void (item.querySelector("h3 a") || group.querySelector("h2 a")).click();
    }
    const found = event.key === "u" && undo() ? undo() : item && /^[a-z]$/.test(event.key) &&
      item.querySelector(`[data-key="${event.key}"]`);
    if (!found) return void (item && help.querySelector(`[data-means="${event.key}"]`) && tell("nothing"));
    event.preventDefault(); // the key is not typed into the field that opens
    use(found);
  }

  function show(event) {
    event.preventDefault();
    help.showModal();
  }

  function remember() {
    const kept = localStorage.getItem("single-keys");
    if (kept) toggle.checked = kept === "on";
    toggle.addEventListener("change", () => localStorage.setItem("single-keys", toggle.checked ? "on" : "off"));
    opener.hidden = false;
    opener.addEventListener("click", show);
  }

  document.addEventListener("keydown", key);
  document.addEventListener("htmx:beforeSwap", (event) => {
    const item = event.detail.target.closest("[data-item]");
    acted = item ? item.id : acted;
  });
  document.addEventListener("htmx:afterSettle", () => {
    const item = acted && document.getElementById(acted);
    acted = "";
    if (item && !item.contains(document.activeElement)) item.focus({ preventScroll: true });
  });
  const tell = (what) => document.dispatchEvent(new CustomEvent("toast:tell", { detail: what }));

  if (help) remember();
})();
