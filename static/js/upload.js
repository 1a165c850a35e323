// Uploads history files one after the other and follows each receipt to its end.
"use strict";

(function () {
  const form = document.getElementById("upload");
  if (!form) return;
  const list = document.getElementById("uploads");
  const files = form.querySelector("input[type=file]");
  const button = form.querySelector("button");
  const token = form.querySelector("[name=csrfmiddlewaretoken]").value;
  const words = JSON.parse(document.getElementById("upload-words").textContent);
  const filled = (sentence, value) => sentence.replace("{}", value);
  const POLL_MS = 1000;
  const SLOWEST_POLL_MS = 5000;
  let sending = 0;

  form.hidden = false;

  function line(name) {
    const item = document.createElement("li");
    const bar = document.createElement("progress");
    const told = document.createElement("span");
    const title = document.createElement("strong");
    title.textContent = name;
    bar.max = 1;
    bar.value = 0;
    bar.setAttribute("aria-label", filled(words.label, name));
    told.className = "muted";
    told.textContent = words.waits;
    item.append(title, " ", told, bar);
    list.prepend(item);
    return {
      say(text, state) {
        told.textContent = text;
        item.dataset.state = state;
      },
      fill(share) {
        bar.value = share;
      },
      busy() {
        bar.removeAttribute("value"); // how long reading takes is not known
      },
      done() {
        bar.remove();
      },
    };
  }

  function refusal(request) {
    try {
      return JSON.parse(request.responseText).detail;
    } catch {
      return request.status === 403 ? words.loggedOut : words.unreachable;
    }
  }

  function send(file, row) {
    const query = new URLSearchParams({ zone: form.elements.zone.value, source: form.elements.source.value });
    return new Promise((resolve) => {
      const request = new XMLHttpRequest();
      const failed = () => {
        row.done();
        row.say(filled(words.refused, refusal(request)), "rejected");
        resolve(null);
      };
      request.upload.onprogress = (event) => {
        row.fill(event.loaded / event.total);
        row.say(filled(words.uploading, Math.floor((100 * event.loaded) / event.total)), "uploading");
      };
      request.onload = () => (request.status === 202 ? resolve(JSON.parse(request.responseText)) : failed());
      request.onerror = request.onabort = failed;
      request.open("POST", `${form.action}?${query}`);
      request.setRequestHeader("X-CSRFToken", token);
      request.setRequestHeader("Content-Type", "application/octet-stream");
      request.setRequestHeader("X-File-Name", encodeURIComponent(file.name)); // proxies log addresses
      request.send(file);
    });
  }

  async function follow(receipt, row) {
    let wait = POLL_MS / 4;
    row.busy();
    for (;;) {
      if (receipt.state === "stored" || receipt.state === "rejected") break;
      row.say(receipt.words, receipt.state);
      await new Promise((resolve) => setTimeout(resolve, wait));
      wait = Math.min(wait * 1.5, SLOWEST_POLL_MS);
      try {
        const answer = await fetch(receipt.follow, { headers: { Accept: "application/json" } });
        if (answer.ok) receipt = await answer.json();
        else if (answer.status < 500) return row.say(words.lost, "received");
      } catch {
        row.say(words.silent, receipt.state);
      }
    }
    row.done();
    row.say(receipt.words, receipt.state);
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const chosen = [...files.files].map((file) => [file, line(file.name)]);
    files.value = "";
    button.disabled = true;
    sending += 1;
    for (const [file, row] of chosen) {
      const receipt = await send(file, row);
      if (receipt) follow(receipt, row);
    }
    sending -= 1;
    button.disabled = false;
  });

  window.addEventListener("beforeunload", (event) => {
    if (sending) event.preventDefault();
  });
})();
