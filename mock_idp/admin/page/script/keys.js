// The keys of an issuer, each with its moves and its files.

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
const FILES = [
  ["Certificate .pem", "certificate.pem"],
  ["Certificate .cer", "certificate.cer"],
  ["Public key", "public.pem"],
  ["Private key", "private.pem"],
];
const SHOWN_FINISHED = 5;

function keyRow(issuer, key) {
  const [tone, meaning] = STATES[key.state];
  const address = `issuers/${issuer.id}/keys/${encodeURIComponent(key.name)}`;
  const moves = MOVES[key.state].map((move) =>
    button(MOVE_NAMES[move], `${MOVE_NAMES[move]} key ${key.kid} of ${shownPath(issuer.path)}`, `${issuer.id} ${key.name} ${move}`, async () => {
      await call("POST", `${address}/${move}`);
      await refresh();
      notify(`Key ${key.kid}: ${move === "retire" ? "retired" : "revoked"}.`);
    }, move === "revoke" ? "small danger" : "small"));
  if (key.state === "staged" || key.state === "active" || key.state === "retiring") {
    moves.push(button("Replace", `Put another key under the kid ${key.kid} of ${shownPath(issuer.path)}`, `${issuer.id} ${key.name} replace`, async () => {
      await call("POST", `${address}/replace`);
      await refresh();
      notify(`Key ${key.kid}: another key has its kid.`);
    }));
  }
  const files = element("details", { className: "files" },
    element("summary", { textContent: "Files", "aria-label": `Files of key ${key.kid} of ${shownPath(issuer.path)}`, "data-focus": `${issuer.id} ${key.name} files` }),
    element("div", { className: "buttons" }, ...FILES.map(([label, file]) =>
      button(label, `${label} of key ${key.kid} of ${shownPath(issuer.path)}`, `${issuer.id} ${key.name} ${file}`,
        () => download(`${address}/${file}`, `${key.name}-${file}`)))));
  return element("tr", {},
    element("td", {}, element("code", { className: "breaks", textContent: key.kid }), files),
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
