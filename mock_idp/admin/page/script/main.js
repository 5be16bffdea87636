// What is shown, read anew every second.

const POLL_MS = 1000;

let shown = "";

async function refresh() {
  const [found, people, faults, canaries] = await Promise.all(["issuers", "people", "faults", "canaries"].map((path) => call("GET", path)));
  issuers = found;
  const still = JSON.stringify([found.map((issuer) => ({ ...issuer, requests: 0, clock: issuer.clock.mode })), people, faults, canaries]);
  for (const issuer of issuers) {
    const text = [...document.querySelectorAll("[data-clock]")].find((clock) => clock.dataset.clock === issuer.id);
    if (text) text.textContent = clockText(issuer.clock);
  }
  if (still === shown) return;
  shown = still;
  rebuild($("#issuer-list"), issuers.length ? issuers.map(issuerCard) : [element("p", { className: "card hint", textContent: "There is no issuer yet: add one below." })]);
  const each = (list) => issuers.flatMap(list);
  rebuild($("#people-list"), listOr([...people.map((person) => personItem(person)), ...each((issuer) => issuer.people.map((person) => personItem(person, issuer)))],
    "Nobody yet: ann, ben and cleo can sign in, and a token can be minted for any user name."));
  rebuild($("#client-list"), listOr(each((issuer) => issuer.clients.map((client) => clientItem(client, issuer))), "None: every client id is taken as a public client, with every grant."));
  rebuild($("#fault-list"), listOr(faults.map(faultItem), "None: every endpoint behaves."));
  rebuild($("#line-list"), listOr(each(lineItems), "Nothing: everybody is answered as it comes."));
  rebuild($("#canary-list"), listOr(canaries.map(canaryItem), "None is set."));
  $("#usernames").replaceChildren(...[...people, ...each((issuer) => issuer.people)].map((person) => element("option", { value: person.username })));
  choices();
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

$("#reset").addEventListener("click", () => attempt(async () => {
  await call("POST", "reset");
  emptyLog();
  await refresh();
}, "No faults, real clocks, an empty log."));

$("#save-state").addEventListener("click", () => attempt(() => download("state", "touchstone-idp-keys.json")));

$("#load-state").addEventListener("change", (event) => attempt(async () => {
  const file = event.target.files[0];
  if (!file) return;
  const state = json(await file.text(), file.name);
  event.target.value = "";
  await call("PUT", "state", state);
  await refresh();
  notify(`The keys of ${file.name} are in force.`);
}));

poll();
