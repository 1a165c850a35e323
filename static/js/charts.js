// Draws the two charts of a patient's page from the JSON beside them. Plotly is served from here.
"use strict";

(function () {
  const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  const data = (id) => JSON.parse(document.getElementById(id)?.textContent || "null");
  const config = { displayModeBar: false, responsive: true, showTips: false };
  const plain = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;"); // Plotly reads some HTML
  const narrow = () => window.innerWidth < 640;

  function base(height) {
    return {
      height,
      margin: { l: 46, r: narrow() ? 12 : 74, t: 34, b: 34 },
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: token("font"), size: 12, color: token("muted") },
      hoverlabel: { bgcolor: token("surface"), bordercolor: token("line-strong"), font: { color: token("ink") } },
      dragmode: false,
    };
  }

  const axis = (more) => ({ gridcolor: token("grid"), linecolor: token("line"), zeroline: false, fixedrange: true, ...more });

  function band(yref, from, to, colour) {
    return { type: "rect", layer: "below", xref: "paper", x0: 0, x1: 1, yref, y0: from, y1: to, fillcolor: colour, line: { width: 0 } };
  }

  function bandName(yref, at, text) {
    return { xref: "paper", x: 1, xanchor: "left", xshift: 6, yref, y: at, text, showarrow: false, font: { size: 11 } };
  }

  function trackTraces(trend, track, index) {
    const yaxis = index ? "y2" : "y";
    const dash = index ? "dot" : "solid";
    const colour = token(track.name);
    const marks = trend.alerts.filter((a) => a.track === track.name && trend.days.includes(a.day));
    return [
      {
        x: trend.days, y: track.percent, customdata: track.tier.map((tier, i) => [tier, track.coverage[i]]),
        name: `${track.label} risk indicator`, yaxis, type: "scatter", mode: "lines+markers", connectgaps: false,
        line: { color: colour, width: 2.2, dash }, marker: { size: 3.5, color: colour },
        hovertemplate: "%{x|%-d %b %Y}<br>%{y:.0f} %, %{customdata[0]}<br>coverage %{customdata[1]:.0f} %<extra></extra>",
      },
      {
        x: marks.map((a) => a.day), y: marks.map((a) => track.percent[trend.days.indexOf(a.day)] ?? track.high),
        text: marks.map((a) => a.label), name: "Alert raised", yaxis, type: "scatter", mode: "markers",
        marker: { symbol: "triangle-up", size: 12, color: token("surface"), line: { color: token("ink"), width: 1.6 } },
        hovertemplate: "%{x|%-d %b %Y}<br>%{text}<extra></extra>",
      },
    ];
  }

  function drawTrend(place, trend) {
    const lanes = trend.medications.length;
    const laneShare = lanes ? Math.min(0.06 + 0.055 * lanes, 0.3) : 0;
    const floor = laneShare ? laneShare + 0.07 : 0;
    const half = (1 - floor) / 2;
    const shapes = [];
    const annotations = [];
    const traces = trend.tracks.flatMap((track, i) => trackTraces(trend, track, i));

    trend.tracks.forEach((track, i) => {
      const yref = i ? "y2" : "y";
      shapes.push(band(yref, track.moderate, track.high, token("band-moderate")), band(yref, track.high, 100, token("band-high")));
      if (!narrow()) {
        annotations.push(bandName(yref, track.moderate / 2, "Low"), bandName(yref, (track.moderate + track.high) / 2, "Moderate"),
          bandName(yref, (100 + track.high) / 2, "High"));
      }
      annotations.push({ xref: "paper", x: 0, xanchor: "left", yref: `${yref} domain`, y: 1, yanchor: "bottom", showarrow: false,
        text: `<b>${track.label}</b>, risk indicator in %`, font: { color: token("ink"), size: 12 } });
    });
    trend.medications.forEach((drug, i) => {
      traces.push({
        x: [drug.first, drug.last], y: [i, i], yaxis: "y3", mode: "lines", type: "scatter",
        line: { width: 9, color: token("line-strong") }, hoverinfo: "text", text: `${plain(drug.label)}, ${drug.first} to ${drug.last}`,
      });
      // A label that would run out of the chart is set against its right edge.
      const late = trend.days.indexOf(drug.first) > trend.days.length * 0.6;
      annotations.push({ x: late ? drug.last : drug.first, xanchor: late ? "right" : "left", y: i, yref: "y3", yanchor: "bottom", yshift: 3, text: plain(drug.label), showarrow: false,
        font: { size: 11, color: token("ink") } });
      [[drug.started, drug.first], [drug.stopped, drug.last]].filter(([seen]) => seen).forEach(([, day]) => {
        shapes.push({ type: "line", xref: "x", x0: day, x1: day, yref: "paper", y0: 0, y1: 1, line: { color: token("line-strong"), width: 1, dash: "dash" } });
      });
    });
    if (lanes) {
      annotations.push({ xref: "paper", x: 0, xanchor: "left", yref: "y3 domain", y: 1, yanchor: "bottom", showarrow: false,
        text: "<b>Medication</b>", font: { color: token("ink"), size: 12 } });
    }
    const percent = { range: [0, 100], tickvals: [0, 25, 50, 75, 100] };
    window.Plotly.newPlot(place, traces, {
      ...base(430 + 26 * lanes),
      shapes, annotations, hovermode: "closest",
      showlegend: false,
      margin: { ...base(0).margin, t: 24 },
      xaxis: axis({ type: "date", anchor: lanes ? "y3" : "y2", range: [trend.days[0], trend.days.at(-1)], tickformat: "%-d %b", hoverformat: "%-d %b %Y" }),
      yaxis: axis({ ...percent, domain: [floor + half + 0.045, 1] }),
      yaxis2: axis({ ...percent, domain: [floor, floor + half - 0.045] }),
      ...(lanes ? { yaxis3: axis({ domain: [0, laneShare], range: [-0.5, lanes], showticklabels: false, showgrid: false }) } : {}),
    }, config);
  }

  const clock = (minute) => `${String(Math.floor(minute / 60)).padStart(2, "0")}:${String(Math.round(minute % 60)).padStart(2, "0")}`;

  function drawActivity(place, week) {
    const bins = week.rows[0].length;
    const minutes = Array.from({ length: bins }, (_, i) => (i + 0.5) * week.minutes_per_bin);
    const known = week.rows.flat().filter((v) => v !== null).sort((a, b) => a - b);
    const top = known[Math.floor(known.length * 0.98)] || 1;
    const names = week.days.map((day) => new Date(`${day}T12:00`).toLocaleDateString("en-GB", { weekday: "short", day: "numeric", month: "short" }));
    const rowOf = Object.fromEntries(week.days.map((day, i) => [day, i]));
    const scale = Math.pow(10, Math.floor(Math.log10(top)));
    const nice = Math.max(Math.floor(top / scale) * scale, Number.EPSILON);
    const ticks = [0, nice / 4, nice];
    const layer = { type: "heatmap", x: minutes, y: week.days.map((_, i) => i), ygap: 8, showscale: false };
    const ground = { ...layer, z: week.rows.map((row) => row.map(() => 0)), colorscale: [[0, token("hatch")], [1, token("hatch")]], hoverinfo: "skip" };
    const heat = {
      ...layer,
      // Square root: quiet hours differ visibly too. The numbers on hover are untouched.
      z: week.rows.map((row) => row.map((v) => (v === null ? null : Math.sqrt(v)))),
      customdata: week.rows.map((row) => row.map((v, i) => [clock(i * week.minutes_per_bin), v])),
      zmin: 0, zmax: Math.sqrt(top), hoverongaps: false, showscale: !narrow(),
      colorscale: [[0, token("activity-low")], [1, token("activity-high")]],
      colorbar: { title: { text: week.unit, side: "right", font: { size: 11 } }, thickness: 10, len: 1, outlinewidth: 0,
        tickvals: ticks.map(Math.sqrt), ticktext: ticks.map((v) => String(Number(v.toPrecision(2)))) },
      hovertemplate: `%{customdata[0]}, %{customdata[1]:.3~g} ${week.unit}<extra></extra>`,
    };
    const sleep = {
      type: "scatter", mode: "lines", line: { color: token("sleep"), width: 4 }, hoverinfo: "skip",
      x: week.sleep.flatMap((s) => [s.from, s.to, null]), y: week.sleep.flatMap((s) => [rowOf[s.day] + 0.42, rowOf[s.day] + 0.42, null]),
    };
    const hours = narrow() ? [0, 6, 12, 18, 24] : [0, 3, 6, 9, 12, 15, 18, 21, 24];
    window.Plotly.newPlot(place, [ground, heat, sleep], {
      ...base(300),
      hovermode: "closest", showlegend: false,
      margin: { l: 88, r: 22, t: 6, b: 30 },
      xaxis: axis({ range: [0, 1440], tickvals: hours.map((h) => h * 60), ticktext: hours.map((h) => clock(h * 60)), showgrid: false, tickangle: 0 }),
      yaxis: axis({ range: [week.days.length - 0.45, -0.5], tickvals: week.days.map((_, i) => i), ticktext: names, showgrid: false, ticks: "" }),
    }, config);
  }

  function draw() {
    const trend = document.getElementById("trend");
    const activity = document.getElementById("activity");
    if (trend) drawTrend(trend, data("trend-data"));
    if (activity) drawActivity(activity, data("activity-data"));
  }

  draw();
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
})();
