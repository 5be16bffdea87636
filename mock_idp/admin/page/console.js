// The console page: it reads and steers the server through the admin API alone.
// All that comes from the server is set as text (textContent, value), never as markup.
"use strict";

const API = "api";
const POLL_MS = 1000;
const LOG_LENGTH = 200;
const TOKEN_KEY = "touchstone-admin-token";

const $ = (selector, root = document) => root.querySelector(selector);

// --- elements -------------------------------------------------------------------------------------------------

function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("aria-") || name.startsWith("data-") || name === "scope") made.setAttribute(name, value);
    else made[name] = value;
  }
  made.append(...children);
  return made;
}

function notify(text, bad = false) {
  const note = element("div", { className: bad ? "note bad" : "note" },
    element("span", { textContent: (bad ? "Refused: " : "") + text }));
  const close = element("button", { className: "small", type: "button", textContent: "Close" });
  close.addEventListener("click", () => note.remove());
  note.append(close);
  $("#status").replaceChildren(note);
  if (!bad) setTimeout(() => note.remove(), 6000);
}

// --- the API ---------------------------------------------------------------------------------------------------

class Refused extends Error {}

async function call(method, path, body) {
  const headers = {};
  const token = sessionStorage.getItem(TOKEN_KEY);
  if (token) headers.authorization = `Bearer ${token}`;
  if (body !== undefined) headers["content-type"] = "application/json";
  const answer = await fetch(`${API}/${path}`, {
    method, headers, body: body === undefined ? undefined : JSON.stringify(body),
  });
  if (answer.status === 401) askForToken();
  if (answer.status === 204) return null;
  const value = await answer.json();
  if (!answer.ok) throw new Refused(value.message);
  return value;
}

function askForToken() {
  sessionStorage.removeItem(TOKEN_KEY);
  $("#sign-in").hidden = false;
  $("#main").hidden = true;
}

async function attempt(work, done) {
  try {
    await work();
    if (done) notify(done);
  } catch (error) {
    notify(error instanceof Refused ? error.message : `The server does not answer (${error.message}).`, true);
  }
}

function json(text, what) {
  if (!text.trim()) return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Refused(`${what}: ${error.message}`);
  }
}

// An address or a number that is left empty is left out, so that the server's default counts.
function given(form, ...names) {
  const found = names.map((name) => [name, form.elements[name].value.trim()]);
  return Object.fromEntries(found.filter(([, value]) => value !== ""));
}

function onSubmit(selector, work) {
  const form = $(selector);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(() => work(form));
  });
}

// --- issuers and keys --------------------------------------------------------------------------------------------

const STATES = {
  staged: ["", "published, does not sign yet"],
  active: ["good", "published, signs"],
  retiring: ["warn", "published, no longer signs"],
  retired: ["", "no longer published"],
  revoked: ["bad", "taken back, no longer published"],
};
const MOVES = {
  staged: ["retire", "revoke"],
  active: ["revoke"],
  retiring: ["retire", "revoke"],
  retired: ["revoke"],
  revoked: [],
};
const MOVE_NAMES = { retire: "Retire", revoke: "Revoke" };
const SHOWN_FINISHED = 5;

let issuers = [];

function button(name, label, key, work, kind = "small") {
  const made = element("button", { type: "button", className: kind, textContent: name, "aria-label": label, "data-focus": key });
  made.addEventListener("click", () => attempt(work));
  return made;
}

function keyRow(issuer, key) {
  const [tone, meaning] = STATES[key.state];
  const moves = MOVES[key.state].map((move) =>
    button(MOVE_NAMES[move], `${MOVE_NAMES[move]} key ${key.kid} of ${shownPath(issuer.path)}`, `${issuer.id} ${key.name} ${move}`, async () => {
      await call("POST", `issuers/${issuer.id}/keys/${encodeURIComponent(key.name)}/${move}`);
      await refresh();
      notify(`Key ${key.kid}: ${move === "retire" ? "retired" : "revoked"}.`);
    }, move === "revoke" ? "small danger" : "small"));
  return element("tr", {},
    element("td", {}, element("code", { className: "breaks", textContent: key.kid })),
    element("td", { textContent: key.alg }),
    element("td", {}, element("span", { className: `state ${tone}`, textContent: key.state }),
      element("span", { className: "hint", textContent: ` ${meaning}` })),
    element("td", {}, element("div", { className: "buttons" }, ...moves)));
}

function keyTable(issuer) {
  const head = element("tr", {}, ...["Key", "Algorithm", "State", "Moves"].map((text) => element("th", { scope: "col", textContent: text })));
  const finished = issuer.keys.filter((key) => key.state === "retired" || key.state === "revoked");
  const hidden = new Set(finished.slice(0, Math.max(0, finished.length - SHOWN_FINISHED)));
  const rows = issuer.keys.filter((key) => !hidden.has(key)).map((key) => keyRow(issuer, key));
  const table = element("table", { className: "keys stacks" }, element("thead", {}, head), element("tbody", {}, ...rows));
  const note = hidden.size ? [element("p", { className: "hint", textContent: `and ${hidden.size} retired or revoked before` })] : [];
  return element("div", { className: "scroll" }, table, ...note);
}

function shownPath(path) {
  return path || "/ (root)";
}

function clockText(clock) {
  const kinds = { real: "real time", shifted: "shifted", frozen: "frozen" };
  const seconds = Math.floor(clock.now);
  return `${new Date(seconds * 1000).toISOString().replace(".000Z", "Z")} (${seconds}), ${kinds[clock.mode]}`;
}

function clockButtons(issuer) {
  const path = `issuers/${issuer.id}/clock`;
  const turns = [
    ["−1 hour", "POST", "/move", { seconds: -3600 }],
    ["+5 min", "POST", "/move", { seconds: 300 }],
    ["+1 hour", "POST", "/move", { seconds: 3600 }],
    ["+1 day", "POST", "/move", { seconds: 86400 }],
    issuer.clock.mode === "frozen" ? ["Go on", "PUT", "", { mode: "shifted" }] : ["Freeze", "PUT", "", { mode: "frozen" }],
    ["Real time", "PUT", "", { mode: "real" }],
  ];
  return turns.map(([name, method, below, body], place) =>
    button(name, `${name}: clock of ${shownPath(issuer.path)}`, `${issuer.id} clock ${place}`, async () => {
      await call(method, path + below, body);
      await refresh();
    }));
}

function setClock(issuer) {
  const field = element("input", { name: "now", required: true, placeholder: "2030-01-31T12:00:00Z",
    autocomplete: "off", "aria-label": `Set the clock of ${shownPath(issuer.path)} to`, "data-focus": `${issuer.id} clock field` });
  const form = element("form", { className: "row set-clock" }, field, element("button", { className: "small", textContent: "Set", "data-focus": `${issuer.id} clock set` }));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(async () => {
      const text = field.value.trim();
      const now = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Date.parse(text) / 1000;
      if (!Number.isFinite(now)) throw new Refused(`${text} is no time: write 2030-01-31T12:00:00Z or seconds since 1970`);
      field.value = "";
      await call("PUT", `issuers/${issuer.id}/clock`, { mode: issuer.clock.mode === "frozen" ? "frozen" : "shifted", now });
      await refresh();
    });
  });
  return form;
}

function issuerCard(issuer) {
  const name = shownPath(issuer.path);
  const term = (title, ...content) => [element("dt", { textContent: title }), element("dd", {}, ...content)];
  const link = (url) => element("a", { href: new URL(url, location.href).pathname, textContent: url });
  const moves = element("div", { className: "row" },
    button("Rotate", `Rotate the keys of ${name}`, `${issuer.id} rotate`, async () => {
      const key = await call("POST", `issuers/${issuer.id}/rotate`);
      await refresh();
      notify(`${name} signs with ${key.kid} now.`);
    }, "primary"),
    button("Stage a key", `Stage a key at ${name}`, `${issuer.id} stage`, async () => {
      const key = await call("POST", `issuers/${issuer.id}/keys`);
      await refresh();
      notify(`Key ${key.kid} is published at ${name}.`);
    }, ""),
    button("Remove issuer", `Remove the issuer ${name}`, `${issuer.id} remove`, async () => {
      if (!confirm(`Remove the issuer ${name} with its keys?`)) return;
      await call("DELETE", `issuers/${issuer.id}`);
      await refresh();
      notify(`${name} is gone.`);
    }, "danger"));
  return element("article", { className: "card issuer" },
    element("div", { className: "title" },
      element("h3", {}, element("code", { className: "breaks", textContent: name })),
      element("span", { className: "state", textContent: issuer.persona }), moves),
    element("dl", {},
      ...term("Issuer", element("code", { textContent: issuer.issuer })),
      ...term("Audience", element("code", { textContent: issuer.audience })),
      ...term("Metadata", link(issuer.metadata_url)),
      ...term("JWKS", link(issuer.jwks_uri)),
      ...term("Clock", element("span", { textContent: clockText(issuer.clock), "data-clock": issuer.id }))),
    keyTable(issuer),
    element("details", {}, element("summary", { textContent: "Turn the clock", "data-focus": `${issuer.id} clock` }),
      element("div", { className: "row" }, ...clockButtons(issuer)), setClock(issuer)));
}

// Rebuilding a list must lose neither the keyboard's place, nor what is being typed, nor what is open.
function rebuild(container, children) {
  const within = container.contains(document.activeElement);
  const focus = document.activeElement?.dataset?.focus;
  const typed = Object.fromEntries([...container.querySelectorAll("input[data-focus]")].map((input) => [input.dataset.focus, input.value]));
  const open = new Set([...container.querySelectorAll("details[open] > summary")].map((summary) => summary.dataset.focus));
  container.replaceChildren(...children);
  for (const found of container.querySelectorAll("[data-focus]")) {
    if (found.dataset.focus in typed) found.value = typed[found.dataset.focus];
    if (found.tagName === "SUMMARY" && open.has(found.dataset.focus)) found.parentElement.open = true;
    if (within && focus && found.dataset.focus === focus) found.focus({ preventScroll: true });
  }
  // The button that did it may be gone with what it did: then the list itself keeps the place.
  if (within && !container.contains(document.activeElement)) {
    container.tabIndex = -1;
    container.focus({ preventScroll: true });
  }
}

function choices() {
  for (const select of document.querySelectorAll(".issuer-choice")) {
    const before = select.value;
    select.replaceChildren(...issuers.map((issuer) => element("option", { value: issuer.id, textContent: shownPath(issuer.path) })));
    if (issuers.some((issuer) => issuer.id === before)) select.value = before;
  }
}

// --- people, faults -----------------------------------------------------------------------------------------------

function personItem(person) {
  return element("li", {},
    element("span", {}, element("strong", { textContent: person.name }), ` ${person.username}, ${person.email}`),
    button("Remove", `Remove ${person.username}`, `person ${person.username}`, async () => {
      await call("DELETE", `people/${encodeURIComponent(person.username)}`);
      await refresh();
      notify(`${person.username} is gone.`);
    }));
}

function ownPersonItem(person, issuer) {
  return element("li", {}, element("span", {}, element("strong", { textContent: person.name }),
    ` ${person.username}, ${person.email}, at ${shownPath(issuer.path)} alone`));
}

function faultItem(fault) {
  const issuer = issuers.find((found) => found.path === fault.issuer);
  const what = typeof fault.fault === "string" ? fault.fault : JSON.stringify(fault.fault);
  const left = fault.left === null ? "until switched off" : `for ${fault.left} more`;
  return element("li", {},
    element("span", {}, element("code", { textContent: what }), ` at ${shownPath(fault.issuer)} ${fault.endpoint}, ${left}`),
    button("Switch off", `Switch off ${what} at ${shownPath(fault.issuer)} ${fault.endpoint}`, `fault ${fault.issuer} ${fault.endpoint}`, async () => {
      await call("DELETE", `issuers/${issuer.id}/faults/${encodeURIComponent(fault.endpoint)}`);
      await refresh();
      notify(`${fault.endpoint} behaves again.`);
    }));
}

function listOr(items, empty) {
  return items.length ? items : [element("li", { className: "hint", textContent: empty })];
}

// --- the state ----------------------------------------------------------------------------------------------------

let shown = "";

async function refresh() {
  const [found, people, faults] = await Promise.all([call("GET", "issuers"), call("GET", "people"), call("GET", "faults")]);
  issuers = found;
  const still = JSON.stringify([found.map((issuer) => ({ ...issuer, requests: 0, clock: issuer.clock.mode })), people, faults]);
  for (const issuer of issuers) {
    const text = [...document.querySelectorAll("[data-clock]")].find((clock) => clock.dataset.clock === issuer.id);
    if (text) text.textContent = clockText(issuer.clock);
  }
  if (still === shown) return;
  shown = still;
  rebuild($("#issuer-list"), issuers.length ? issuers.map(issuerCard) : [element("p", { className: "card hint", textContent: "There is no issuer yet: add one below." })]);
  const own = issuers.flatMap((issuer) => issuer.people.map((person) => ownPersonItem(person, issuer)));
  rebuild($("#people-list"), listOr([...people.map(personItem), ...own], "Nobody yet: ann, ben and cleo can sign in, and a token can be minted for any user name."));
  rebuild($("#fault-list"), listOr(faults.map(faultItem), "None: every endpoint behaves."));
  $("#usernames").replaceChildren(...[...people, ...issuers.flatMap((issuer) => issuer.people)].map((person) => element("option", { value: person.username })));
  choices();
}

// --- the log ------------------------------------------------------------------------------------------------------

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

let lost = false;

async function poll() {
  try {
    if (!$("#main").hidden) {
      await refresh();
      if (!paused) await readLog();
      if (lost) notify("The server answers again.");
      lost = false;
    }
  } catch (error) {
    if (!lost && !(error instanceof Refused)) notify("The server does not answer.", true);
    lost = true;
  }
  setTimeout(poll, POLL_MS);
}

// --- decoding -----------------------------------------------------------------------------------------------------

const TIMES = ["iat", "nbf", "exp", "auth_time"];

function segmentView(name, segment) {
  const made = element("div", { className: `segment ${name}` },
    element("h4", { textContent: segment.problem ? `${name}: ${segment.problem}` : name }),
    element("pre", { textContent: segment.value ? JSON.stringify(segment.value, null, 2) : segment.text }));
  const times = TIMES.filter((time) => Number.isFinite(segment.value?.[time]) && Math.abs(segment.value[time]) < 8.64e12);
  if (times.length) {
    const said = times.map((time) => `${time} ${new Date(segment.value[time] * 1000).toISOString().replace(".000Z", "Z")}`);
    made.append(element("p", { className: "hint", textContent: said.join(", ") }));
  }
  return made;
}

async function decode(token) {
  const found = await call("POST", "decode", { token });
  const parts = found.segments === 3 ? "" : ` of a text with ${found.segments} parts, where a signed token has 3`;
  $("#decoded").replaceChildren(
    segmentView("header", found.header), segmentView("payload", found.payload),
    element("div", { className: "segment signature" }, element("h4", { textContent: "signature" }),
      element("p", { className: "hint", textContent: `${found.signature_bytes} bytes${parts}. It was not checked here.` })));
}

// --- the forms ----------------------------------------------------------------------------------------------------

onSubmit("#add-issuer", async (form) => {
  const made = await call("POST", "issuers", { path: form.elements.path.value.trim(), ...given(form, "persona", "alg", "issuer", "audience") });
  form.elements.path.value = "";
  await refresh();
  notify(`${shownPath(made.path)} is served.`);
});

onSubmit("#mint", async (form) => {
  const body = { ...given(form, "person", "kind", "forgery") };
  if (form.elements.lifetime_s.value) body.lifetime_s = Number(form.elements.lifetime_s.value);
  const claims = json(form.elements.claims.value, "Further claims");
  if (claims !== undefined) body.claims = claims;
  const argument = json(form.elements.argument.value, "The argument");
  if (argument !== undefined) body.argument = argument;
  const minted = await call("POST", `issuers/${form.elements.issuer.value}/tokens`, body);
  $("#decode").elements.token.value = minted.token;
  await decode(minted.token);
  notify(minted.encoding === "text" ? `A token for ${minted.person ?? "the client itself"}.` : "The credential is no text: it is shown as base64url.");
});

onSubmit("#decode", (form) => decode(form.elements.token.value));

onSubmit("#set-fault", async (form) => {
  const name = form.elements.fault.value;
  const argument = json(form.elements.argument.value, "The argument");
  const body = { fault: argument === undefined ? name : { [name]: argument } };
  if (form.elements.times.value) body.times = Number(form.elements.times.value);
  await call("PUT", `issuers/${form.elements.issuer.value}/faults/${form.elements.endpoint.value}`, body);
  await refresh();
  notify(`${form.elements.endpoint.value}: ${name} is on.`);
});

onSubmit("#add-person", async (form) => {
  const person = await call("POST", "people", given(form, "username", "name"));
  form.reset();
  await refresh();
  notify(`${person.name} is in the directory.`);
});

onSubmit("#sign-in", async (form) => {
  sessionStorage.setItem(TOKEN_KEY, form.elements.token.value);
  form.reset();
  form.hidden = true;
  $("#main").hidden = false;
  await refresh();
});

function explain(select, place) {
  const says = () => { place.textContent = select.selectedOptions[0].dataset.says; };
  select.addEventListener("change", says);
  says();
}

// A fault that takes nothing needs no field; one that does says what it takes.
function explainArgument({ fault, argument }) {
  const says = () => {
    const takes = fault.selectedOptions[0].dataset.takes;
    argument.disabled = !takes;
    argument.value = "";
    argument.placeholder = takes ? "" : "takes none";
    $("#fault-takes").textContent = takes ? `The argument is ${takes}.` : "";
  };
  fault.addEventListener("change", says);
  says();
}

explain($("#mint").elements.forgery, $("#forgery-says"));
explain($("#set-fault").elements.fault, $("#fault-says"));
explainArgument($("#set-fault").elements);

$("#copy").addEventListener("click", () => attempt(async () => {
  const field = $("#decode").elements.token;
  // The clipboard is only there on https and on localhost; the selection works everywhere.
  if (navigator.clipboard) await navigator.clipboard.writeText(field.value);
  else { field.select(); document.execCommand("copy"); }
}, "Copied."));

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

$("#reset").addEventListener("click", () => attempt(async () => {
  await call("POST", "reset");
  emptyLog();
  await refresh();
}, "No faults, real clocks, an empty log."));

poll();
