// What is asked of the server, and how a refusal is shown.

const API = "api";
const TOKEN_KEY = "touchstone-admin-token";

class Refused extends Error {}

async function ask(method, path, body) {
  const headers = {};
  const token = sessionStorage.getItem(TOKEN_KEY);
  if (token) headers.authorization = `Bearer ${token}`;
  if (body !== undefined) headers["content-type"] = "application/json";
  const answer = await fetch(`${API}/${path}`, {
    method, headers, body: body === undefined ? undefined : JSON.stringify(body),
  });
  if (answer.status === 401) askForToken();
  if (!answer.ok) throw new Refused((await answer.json()).message);
  return answer;
}

async function call(method, path, body) {
  const answer = await ask(method, path, body);
  return answer.status === 204 ? null : answer.json();
}

// A link could not show the admin token, so the page fetches the file and hands it over.
async function download(path, name) {
  const address = URL.createObjectURL(await (await ask("GET", path)).blob());
  element("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
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

// Words between commas or spaces; none is left out, so that the server's default counts.
function words(form, ...names) {
  const found = names.map((name) => [name, form.elements[name].value.split(/[\s,]+/).filter(Boolean)]);
  return Object.fromEntries(found.filter(([, value]) => value.length));
}

function onSubmit(selector, work) {
  const form = $(selector);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(() => work(form));
  });
}

onSubmit("#sign-in", async (form) => {
  sessionStorage.setItem(TOKEN_KEY, form.elements.token.value);
  form.reset();
  form.hidden = true;
  $("#main").hidden = false;
  await refresh();
});
