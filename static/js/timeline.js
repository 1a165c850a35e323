// The time line of a patient's page: both tracks, questionnaires, events and courses on one axis.
// Words come from the page and the data; colours from the style sheet, so that themes just work.
"use strict";

(function () {
  const place = document.getElementById("timeline");
  if (!place) return;
  const words = place.dataset;
  const said = document.getElementById("timeline-said");
  const numbers = document.getElementById("timeline-numbers");
  const spans = document.querySelector(".spans[hidden]");
  const locale = { en: "en-GB", fr: "fr-CA" }[words.locale] || words.locale;
  const MOST = 730, LEAST = 5, BAR = 22;
  let data = null, pending = null, from = 0, to = 0, cursor = null, drag = null, scale = null;

  // As the page's own dates: there September has three letters.
  const format = (options) => {
    const told = new Intl.DateTimeFormat(locale, { timeZone: "UTC", ...options });
    return { format: (date) => told.format(date).replace("Sept ", "Sep ").replace(/Sept$/, "Sep") };
  };
  const whole = format({ day: "numeric", month: "short", year: "numeric" });
  const short = format({ day: "numeric", month: "short" });
  const month = format({ month: "short", year: "2-digit" });
  const percent = (value) => `${Math.round(value)}\u202f%`;
  const dateOf = (day) => new Date(Date.parse(`${data.first}T00:00Z`) + day * 864e5);

  function element(name, attributes, parent, text) {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    if (text !== undefined) made.textContent = text;
    parent?.append(made);
    return made;
  }

  const box = (svg, x0, y0, x1, y1, kind) =>
    element("rect", { x: x0, y: y0, width: Math.max(x1 - x0, 0), height: Math.max(y1 - y0, 0), class: kind }, svg);

  // The unbroken stretches of days within the window for which the test holds: [first, last].
  function stretches(test) {
    const found = [];
    for (let day = from; day <= to; day++) {
      if (!test(day)) continue;
      if (found.length && found.at(-1)[1] === day - 1) found.at(-1)[1] = day;
      else found.push([day, day]);
    }
    return found;
  }

  const days = ([first, last]) => Array.from({ length: last - first + 1 }, (_, i) => first + i);

  function ticks() {
    const span = to - from;
    const test = span <= 14 ? () => true : span <= 62 ? (d) => d.getUTCDay() === 1
      : span <= 420 ? (d) => d.getUTCDate() === 1 : (d) => d.getUTCDate() === 1 && d.getUTCMonth() % 3 === 0;
    const found = [];
    for (let day = from; day <= to; day++) if (test(dateOf(day))) found.push(day);
    const room = Math.ceil(found.length / Math.max(scale.width / 64, 1));
    return found.filter((_, i) => i % room === 0).map((day) => [day, (span > 200 ? month : short).format(dateOf(day))]);
  }

  function axis(svg, bottom) {
    for (const [day, text] of ticks()) {
      element("path", { d: `M${scale.x(day)} 18V${bottom}`, class: "grid" }, svg);
      element("text", { x: scale.x(day), y: bottom + 15, "text-anchor": "middle" }, svg, text);
    }
  }

  function drawTrack(svg, track, top, height) {
    const y = (value) => top + height * (1 - value / 100);
    const edge = scale.left, end = scale.left + scale.width;
    box(svg, edge, y(track.high), end, y(track.moderate), "band-moderate");
    box(svg, edge, y(100), end, y(track.high), "band-high");
    for (const value of [0, 50, 100]) {
      element("path", { d: `M${edge} ${y(value)}H${end}`, class: "grid" }, svg);
      element("text", { x: edge - 6, y: y(value) + 4, "text-anchor": "end" }, svg, percent(value));
    }
    [[(track.moderate) / 2, 1], [(track.moderate + track.high) / 2, 2], [(100 + track.high) / 2, 3]].forEach(([at, rank]) => {
      if (scale.right > 40) element("text", { x: end + 6, y: y(at) + 4 }, svg, data.tiers[rank === 1 ? 0 : rank]);
    });
    element("text", { x: edge, y: top - 6, class: "title" }, svg, `${track.label}, ${words.risk}`);
    // A day that nobody could assess is no day without a score: each has a grey of its own.
    const missing = { gap: (d) => data.overall[d] !== null, unscored: (d) => data.overall[d] === null };
    for (const [kind, test] of Object.entries(missing)) {
      for (const run of stretches((d) => track.percent[d] === null && test(d))) {
        box(svg, scale.x(run[0] - 0.5), y(100), scale.x(run[1] + 0.5), y(0), kind);
      }
    }
    for (const run of stretches((d) => track.usual[d] !== null)) {
      const line = days(run);
      const upper = line.map((d) => `${scale.x(d)} ${y(track.usual[d][1])}`);
      const lower = line.map((d) => `${scale.x(d)} ${y(track.usual[d][0])}`).reverse();
      element("path", { d: `M${[...upper, ...lower].join("L")}z`, class: `usual-${track.name}` }, svg);
    }
    const dots = to - from <= 120;
    for (const run of stretches((d) => track.percent[d] !== null)) {
      const line = days(run);
      element("path", { d: `M${line.map((d) => `${scale.x(d).toFixed(1)} ${y(track.percent[d]).toFixed(1)}`).join("L")}`, class: `line-${track.name}` }, svg);
      if (dots || line.length === 1) {
        for (const d of line) element("circle", { cx: scale.x(d), cy: y(track.percent[d]), r: 2.4, class: `dot-${track.name}` }, svg);
      }
    }
    // A tier that is by a rule, and not the model's: a hollow square on its edge.
    for (const [d] of stretches((d) => track.by_rule[d]).flatMap((run) => days(run).map((d) => [d]))) {
      box(svg, scale.x(d) - 4, y(track.tier[d] === 3 ? track.high : track.moderate) - 4, scale.x(d) + 4, y(track.tier[d] === 3 ? track.high : track.moderate) + 4, "rule");
    }
  }

  const inside = (day) => day >= from && day <= to;
  const triangle = (svg, x, y, track) =>
    element("path", { d: `M${x} ${y - 6}l6 11h-12z`, class: `alert-mark alert-of-${track ?? "none"}` }, svg);

  function drawQuestionnaires(svg, top, height) {
    element("text", { x: scale.left, y: top - 6, class: "title" }, svg, words.questionnaires);
    const y = (share) => top + height * (1 - share);
    for (const share of [0, 1]) {
      element("path", { d: `M${scale.left} ${y(share)}h${scale.width}`, class: "grid" }, svg);
      element("text", { x: scale.left - 6, y: y(share) + 4, "text-anchor": "end" }, svg, percent(share * 100));
    }
    let last = -1e9;
    for (const one of data.questionnaires.filter((q) => inside(q.day))) {
      const x = scale.x(one.day), at = y(one.share);
      if (one.name.startsWith("PHQ")) element("circle", { cx: x, cy: at, r: 4.5, class: "asked" }, svg);
      else element("path", { d: `M${x - 5} ${at}l5 -5l5 5l-5 5z`, class: "asked" }, svg);
      const text = `${one.name} ${one.total} ${words.of} ${one.highest}`, room = 10 + text.length * 7;
      const late = x + room > scale.left + scale.width;
      if ((late ? x - room : x) < last) continue; // no words over words: the line below has them
      element("text", { x: x + (late ? -8 : 8), y: at + 4, "text-anchor": late ? "end" : "start" }, svg, text);
      last = late ? x : x + room;
    }
  }

  function drawEvents(svg, top, bottom) {
    element("text", { x: scale.left, y: top - 6, class: "title" }, svg, words.events);
    element("path", { d: `M${scale.left} ${top + 16}h${scale.width}`, class: "grid" }, svg);
    for (const mark of data.marks.filter((m) => inside(m.day))) {
      const x = scale.x(mark.day);
      if (mark.kind === "alert") triangle(svg, x, top + 9, mark.track);
      else {
        element("path", { d: `M${x} 18V${bottom}`, class: "zone-mark" }, svg);
        element("path", { d: `M${x} ${top}h12l-4 4l4 4h-12z`, class: "zone-flag" }, svg);
      }
    }
  }

  function drawBars(svg, bars, top) {
    element("text", { x: scale.left, y: top - 6, class: "title" }, svg, words.bars);
    bars.forEach((bar, i) => {
      const y = top + i * BAR + 12;
      const x0 = scale.x(Math.max(bar.from, from) - 0.5), x1 = scale.x(Math.min(bar.to, to) + 0.5);
      box(svg, x0, y, x1, y + 7, `bar-${bar.kind}`);
      const late = x0 > scale.left + scale.width * 0.6;
      element("text", { x: late ? x1 : x0, y: y - 2, "text-anchor": late ? "end" : "start", class: "bar-words" }, svg, bar.label);
    });
  }

  function draw() {
    const width = Math.max(place.clientWidth, 300), narrow = width < 560;
    const left = 46, right = narrow ? 10 : 76, height = narrow ? 120 : 150;
    scale = { left, right, width: width - left - right };
    scale.x = (day) => left + ((day - from + 0.5) / (to - from + 1)) * scale.width;
    const svg = element("svg", { "aria-hidden": "true", focusable: "false" });
    const tracks = data.tracks.map((track, i) => [track, 20 + i * (height + 28)]);
    let top = 20 + tracks.length * (height + 28);
    const asked = data.questionnaires.length ? top : null;
    if (asked !== null) top += 60 + 28;
    const events = data.marks.length ? top : null;
    if (events !== null) top += 20 + 28;
    const bars = data.bars.filter((bar) => bar.to >= from && bar.from <= to);
    const bottom = top + (bars.length ? bars.length * BAR : -20);
    svg.setAttribute("viewBox", `0 0 ${width} ${bottom + 24}`);
    svg.setAttribute("height", bottom + 24);
    axis(svg, bottom);
    for (const [track, at] of tracks) drawTrack(svg, track, at, height);
    if (asked !== null) drawQuestionnaires(svg, asked, 60);
    if (events !== null) drawEvents(svg, events, bottom);
    if (bars.length) drawBars(svg, bars, top);
    scale.bottom = bottom;
    scale.cursor = element("path", { class: "cursor" }, svg);
    scale.chosen = box(svg, 0, 18, 0, bottom, "chosen");
    place.replaceChildren(svg);
    place.dataset.drawn = `${from} ${to}`;
    mark();
  }

  function mark() {
    const there = cursor !== null && inside(cursor);
    scale.cursor.setAttribute("d", there ? `M${scale.x(cursor)} 18V${scale.bottom}` : "");
    said.textContent = there ? told(cursor) : "\u00a0";
  }

  // One day in words, as the table says it.
  function told(day) {
    const parts = data.tracks.map((track) => {
      const tier = track.tier[day] === null ? "" : data.tiers[track.tier[day]];
      if (track.percent[day] === null) {
        return `${track.label}: ${words.notAssessed}${tier ? `, ${tier} ${words.byRule}` : ""}`;
      }
      const usual = track.usual[day] ? `, ${words.usual} ${percent(track.usual[day][0])} ${words.to} ${percent(track.usual[day][1])}` : "";
      const shown = track.said[day] ?? percent(track.percent[day]);
      const whose = track.by_rule[day] ? `${tier} ${words.byRule}, ${words.model} ${shown}` : `${shown}, ${tier}`;
      return `${track.label}: ${whose}${usual}, ${words.coverage} ${percent(track.coverage[day])}`;
    });
    const scored = data.overall[day] === null ? [words.notScored] : parts;
    const asked = data.questionnaires.filter((q) => q.day === day).map((q) => `${q.name}: ${q.total} ${words.of} ${q.highest}`);
    const marks = data.marks.filter((m) => m.day === day).map((m) => m.words);
    const bars = data.bars.filter((b) => b.from <= day && b.to >= day).map((b) => b.words);
    return `${whole.format(dateOf(day))}. ${[...scored, ...asked, ...marks, ...bars].join("; ")}.`;
  }

  function show(first, last) {
    const length = Math.min(Math.max(last - first + 1, LEAST), data.days);
    from = Math.min(Math.max(Math.round(first), 0), data.days - length);
    to = from + length - 1;
    const asked = to === data.days - 1 ? length : 0;
    document.querySelectorAll(".spans [data-days]").forEach((button) => {
      button.setAttribute("aria-pressed", String(Number(button.dataset.days) === asked));
    });
    draw();
    if (numbers.open) table();
  }

  // The table follows: as many days back as the window reaches.
  function table() {
    const back = String(data.days - from);
    if (numbers.dataset.days === back || !window.htmx) return;
    numbers.dataset.days = back;
    window.htmx.ajax("GET", `${numbers.dataset.src}?days=${back}`, "#timeline-table");
  }

  async function load(count) {
    if (data && data.days >= count) return;
    pending ??= fetched(count).finally(() => { pending = null; });
    await pending;
  }

  async function fetched(count) {
    const answer = await fetch(`${words.src}?days=${count}`, { headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error(String(answer.status));
    const before = data ? data.days : 0;
    data = await answer.json();
    if (before) {
      const moved = data.days - before; // days are counted from the first one loaded
      from += moved; to += moved;
      if (cursor !== null) cursor += moved;
    }
  }

  async function back(count) {
    await load(count > 90 ? MOST : 90);
    show(data.days - count, data.days - 1);
  }

  async function zoom(factor) {
    if ((to - from + 1) * factor > data.days) await load(MOST);
    const length = Math.round((to - from + 1) * factor); // after the wait: another key may have come
    const middle = cursor !== null && inside(cursor) ? cursor : (from + to) / 2;
    const first = Math.round(middle - (length - 1) / 2);
    show(first, first + length - 1);
  }

  function step(days) {
    cursor = cursor === null ? to : Math.min(Math.max(cursor + days, 0), data.days - 1);
    const length = to - from;
    if (cursor < from) show(cursor, cursor + length);
    else if (cursor > to) show(cursor - length, cursor);
    else mark();
  }

  const KEYS = {
    ArrowLeft: (event) => step(event.shiftKey ? -7 : -1), ArrowRight: (event) => step(event.shiftKey ? 7 : 1),
    "+": () => zoom(0.5), "=": () => zoom(0.5), "-": () => zoom(2), Home: () => step(-MOST), End: () => step(MOST),
    Escape: () => back(90),
  };

  const dayAt = (event) => {
    const x = event.clientX - place.getBoundingClientRect().left;
    return Math.min(Math.max(Math.floor(from + ((x - scale.left) / scale.width) * (to - from + 1)), from), to);
  };

  function listen() {
    place.addEventListener("keydown", (event) => {
      if (!KEYS[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      Promise.resolve(KEYS[event.key](event)).catch(failed);
    });
    place.addEventListener("pointerdown", (event) => { if (event.button === 0) drag = dayAt(event); });
    place.addEventListener("pointermove", (event) => {
      cursor = dayAt(event);
      mark();
      if (drag === null) return;
      const [first, last] = [Math.min(drag, cursor), Math.max(drag, cursor)];
      scale.chosen.setAttribute("x", scale.x(first - 0.5));
      scale.chosen.setAttribute("width", last > first ? scale.x(last + 0.5) - scale.x(first - 0.5) : 0);
    });
    window.addEventListener("pointerup", (event) => {
      if (drag === null) return;
      const [first, last] = [Math.min(drag, dayAt(event)), Math.max(drag, dayAt(event))];
      drag = null;
      if (last > first) show(first, last); else draw();
    });
    // A finger that scrolls the page on from here has chosen no days.
    window.addEventListener("pointercancel", () => {
      if (drag === null) return;
      drag = null;
      draw();
    });
    place.addEventListener("dblclick", () => back(90));
    spans.addEventListener("click", (event) => {
      const button = event.target.closest("[data-days]");
      if (button) back(Number(button.dataset.days)).catch(failed);
    });
    numbers.addEventListener("toggle", () => { if (numbers.open) table(); });
    let width = place.clientWidth;
    new ResizeObserver(() => { if (place.clientWidth !== width) { width = place.clientWidth; draw(); } }).observe(place);
  }

  function failed() {
    const told = document.createElement("p");
    told.className = "notice notice-warning";
    told.setAttribute("role", "alert");
    told.textContent = words.failed;
    place.replaceChildren(told);
  }

  back(Number(words.days)).then(() => { spans.hidden = false; listen(); }).catch(failed);
})();
