// The log of requests.

const LOG_LENGTH = 200;

let last = 0;
let paused = false;

function logRow(entry) {
  const tone = entry.status >= 500 ? "bad" : entry.status >= 400 ? "warn" : "good";
  const asked = element("td", {}, element("code", { className: "breaks", textContent: `${entry.method} ${entry.path}${entry.query ? "?" + entry.query : ""}` }),
    element("details", {}, element("summary", { className: "hint", textContent: "What was said", "aria-label": `What was said in request ${entry.number}` }),
      element("pre", { textContent: message(entry.headers, entry.body) }),
      element("h4", { textContent: `Answer ${entry.status}` }),
      element("pre", { textContent: message(entry.answer_headers, entry.answer_body) })));
  return element("tr", {},
    element("td", { textContent: entry.number }),
    element("td", { textContent: new Date(entry.when * 1000).toISOString().slice(11, 23) }),
    asked,
    element("td", {}, element("span", { className: `state ${tone}`, textContent: entry.status }),
      ` ${entry.answer_type.split(";")[0] || "no type"}, ${entry.answer_bytes} bytes`));
}

function message(headers, body) {
  return [...headers.map(([name, value]) => `${name}: ${value}`), "", body].join("\n").trim();
}

async function readLog() {
  const path = $("#log-path").value.trim();
  const query = new URLSearchParams({ since: last, limit: LOG_LENGTH, ...(path && { path }) });
  const fresh = await call("GET", `requests?${query}`);
  if (!fresh.length) return;
  last = fresh.at(-1).number;
  const rows = $("#log-rows");
  rows.prepend(...fresh.reverse().map(logRow));
  while (rows.children.length > LOG_LENGTH) rows.lastElementChild.remove();
  $("#log-empty").hidden = true;
}

function emptyLog() {
  last = 0;
  $("#log-rows").replaceChildren();
  $("#log-empty").hidden = false;
}

$("#pause").addEventListener("click", () => {
  paused = !paused;
  $("#pause").textContent = paused ? "Go on" : "Pause";
  $("#pause").setAttribute("aria-pressed", String(paused));
});

$("#log-path").addEventListener("input", emptyLog);

$("#clear-log").addEventListener("click", () => attempt(async () => {
  await call("DELETE", "requests");
  emptyLog();
}, "The log is empty."));
