// Issuers: what they are, their clocks, their settings.

let issuers = [];

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

function rotationText(rotation) {
  const next = new Date(Math.floor(rotation.next) * 1000).toISOString().replace(".000Z", "Z");
  return `every ${rotation.every} s, published ${rotation.ahead} s before and ${rotation.overlap} s after; next at ${next}`;
}

// What is shown of the present stands as placeholder, so that a field that is left empty changes nothing.
function settings(issuer) {
  const key = (name) => `${issuer.id} settings ${name}`;
  const field = (label, name, properties) => element("label", {}, label,
    element("input", { name, autocomplete: "off", spellcheck: false, "data-focus": key(name), ...properties }));
  const opaque = element("select", { name: "opaque_access_tokens", "data-focus": key("opaque") },
    element("option", { value: "", textContent: issuer.opaque_access_tokens ? "opaque, as now" : "JWTs, as now" }),
    element("option", { value: "false", textContent: "JWTs" }), element("option", { value: "true", textContent: "opaque" }));
  const form = element("form", { className: "fields" },
    field("Audience", "audience", { placeholder: issuer.audience }),
    field("Signed in without a page", "auto_login", { placeholder: issuer.auto_login ?? "nobody", pattern: "-|[A-Za-z0-9][A-Za-z0-9._+\\-]{0,63}", title: "A user name, or - for nobody" }),
    field("Token lifetime, seconds", "token_lifetime_s", { type: "number", min: "1", placeholder: String(issuer.token_lifetime_s) }),
    element("label", {}, "Access tokens", opaque),
    element("button", { textContent: "Change", "data-focus": key("change"), "aria-label": `Change the settings of ${shownPath(issuer.path)}` }),
    element("p", { className: "hint", textContent: "An empty field stays as it is; - lets nobody be signed in without a page." }));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(async () => {
      const body = given(form, "audience", "auto_login");
      if (opaque.value) body.opaque_access_tokens = opaque.value === "true";
      if (body.auto_login === "-") body.auto_login = null;
      if (form.elements.token_lifetime_s.value) body.token_lifetime_s = Number(form.elements.token_lifetime_s.value);
      await call("PATCH", `issuers/${issuer.id}`, body);
      form.reset();
      await refresh();
      notify(`${shownPath(issuer.path)} is changed.`);
    });
  });
  return element("details", {}, element("summary", { textContent: "Settings", "aria-label": `Settings of ${shownPath(issuer.path)}`, "data-focus": `${issuer.id} settings` }), form);
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
    button("Certificates", `Certificates of ${name} in one file`, `${issuer.id} certificates`,
      () => download(`issuers/${issuer.id}/certificates.pem`, "certificates.pem"), ""),
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
      ...(issuer.rotation ? term("Rotation", rotationText(issuer.rotation)) : []),
      ...term("Clock", element("span", { textContent: clockText(issuer.clock), "data-clock": issuer.id }))),
    keyTable(issuer),
    element("details", {}, element("summary", { textContent: "Turn the clock", "data-focus": `${issuer.id} clock` }),
      element("div", { className: "row" }, ...clockButtons(issuer)), setClock(issuer)),
    settings(issuer));
}

function choices() {
  for (const select of document.querySelectorAll(".issuer-choice")) {
    const before = select.value;
    const all = select.dataset.all ? [element("option", { value: "", textContent: select.dataset.all })] : [];
    select.replaceChildren(...all, ...issuers.map((issuer) => element("option", { value: issuer.id, textContent: shownPath(issuer.path) })));
    if (issuers.some((issuer) => issuer.id === before)) select.value = before;
  }
}

onSubmit("#add-issuer", async (form) => {
  const body = { path: form.elements.path.value.trim(), ...given(form, "persona", "alg", "issuer", "audience", "tenant") };
  if (form.elements.every.value) {
    body.rotation = Object.fromEntries(["every", "overlap", "ahead"].map((name) => [name, Number(form.elements[name].value || 0)]));
  }
  const made = await call("POST", "issuers", body);
  form.elements.path.value = "";
  await refresh();
  notify(`${shownPath(made.path)} is served.`);
});
