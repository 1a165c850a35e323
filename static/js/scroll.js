// A table wider than its frame can be scrolled with the keyboard too; one that fits is no stop.
"use strict";

(function () {
  const overflows = (it) => it.scrollWidth > it.clientWidth + 1 || it.scrollHeight > it.clientHeight + 1;

  function name(frame) {
    const caption = frame.querySelector("caption");
    if (caption) return caption.textContent.trim();
    return frame.closest("section, main")?.querySelector("h1, h2, h3")?.textContent.trim() || document.title;
  }

  function mark(frame) {
    if (!overflows(frame)) {
      ["tabindex", "role", "aria-label"].forEach((attribute) => frame.removeAttribute(attribute));
    } else if (frame.tabIndex < 0) {
      frame.tabIndex = 0;
      frame.setAttribute("role", "group");
      frame.setAttribute("aria-label", name(frame));
    }
  }

  const watch = new ResizeObserver((changes) => changes.forEach((change) => mark(change.target)));
  const watchAll = () => document.querySelectorAll(".scroll:not([tabindex])").forEach((frame) => watch.observe(frame));
  watchAll();
  document.addEventListener("htmx:afterSettle", watchAll);
})();
