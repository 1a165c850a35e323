/* The toast: what was done last, how long it can be taken back, and closing it. */
"use strict";
(() => {
  const CLOSED = "toast-closed"; // in this tab: an offer that was closed stays so on the next page
  const toast = () => document.getElementById("toast");
  const said = () => document.getElementById("said").textContent;

  /* Counts down how long the last act can be taken back, then takes the offer away. */
  function countDown(words) {
    const end = performance.now() + Number(words.dataset.seconds) * 1000;
    words.dataset.counts = "true";
    const tick = () => {
      if (!words.isConnected) return;
      const left = Math.round((end - performance.now()) / 1000);
      if (left <= 0) return void words.closest("form").remove();
      words.textContent = words.dataset.left.replace("MIN", Math.floor(left / 60)).replace("SEC", left % 60);
      setTimeout(tick, 1000);
    };
    tick();
  }

  function ready() {
    if (!toast()) return;
    toast().classList.toggle("closed", said() !== "" && sessionStorage.getItem(CLOSED) === said());
    toast().querySelector("[data-close-toast]").hidden = false;
    toast().querySelectorAll("[data-seconds]:not([data-counts])").forEach(countDown);
  }

  function close() {
    sessionStorage.setItem(CLOSED, said());
    document.getElementById("refused").textContent = "";
    toast().classList.add("closed");
    document.getElementById("main").focus({ preventScroll: true });
  }

  /* Says what the page has words for. */
  function tell(what) {
    if (!toast()) return;
    toast().classList.remove("closed");
    document.getElementById("refused").textContent = toast().dataset[what];
  }

  document.addEventListener("click", (event) => event.target.closest("[data-close-toast]") && close());
  document.addEventListener("toast:tell", (event) => tell(event.detail));
  document.addEventListener("htmx:oobAfterSwap", () => sessionStorage.removeItem(CLOSED)); // an act of now
  document.addEventListener("htmx:afterSettle", ready);
  document.addEventListener("htmx:responseError", () => tell("lost"));
  document.addEventListener("htmx:sendError", () => tell("lost"));
  ready();
})();
