// What was lined up to be answered next, each once.

function lineItems(issuer) {
  const lines = [
    ["signs in", issuer.next.users],
    ["code", issuer.next.codes],
    ["token error", issuer.next.token_errors.map((error) => `${error.error} (${error.status})`)],
    ["authorization error", issuer.next.authorization_errors.map((error) => error.error)],
  ].filter(([, waiting]) => waiting.length);
  if (!lines.length) return [];
  return [element("li", {},
    element("span", { textContent: `${shownPath(issuer.path)}: ${lines.map(([what, waiting]) => `${what} ${waiting.join(", ")}`).join("; ")}` }),
    button("Drop", `Drop what is lined up at ${shownPath(issuer.path)}`, `line ${issuer.id}`, async () => {
      await call("DELETE", `issuers/${issuer.id}/next`);
      await refresh();
      notify("Nothing is lined up there.");
    }))];
}

onSubmit("#line-up", async (form) => {
  const body = words(form, "users", "codes");
  const error = form.elements.error.value.trim();
  if (error) body[form.elements.where.value] = [{ error, status: Number(form.elements.status.value || 400) }];
  if (!Object.keys(body).length) throw new Refused("there is nothing to line up: fill in a user, a code or an error");
  await call("POST", `issuers/${form.elements.issuer.value}/next`, body);
  for (const name of ["users", "codes", "error"]) form.elements[name].value = "";
  await refresh();
  notify("Lined up.");
});
