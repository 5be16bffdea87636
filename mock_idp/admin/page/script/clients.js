// The registered OAuth clients of the issuers.

function clientItem(client, issuer) {
  const what = [
    client.secret !== null ? "with a secret" : client.jwks !== null ? "with keys" : "public",
    ...(client.auth_method ? [`by ${client.auth_method}`] : []),
    ...(client.grants.length ? [client.grants.join(", ")] : ["every grant"]),
    ...client.redirect_uris,
    ...(client.audience ? [`audience ${client.audience}`] : []),
    ...(Object.keys(client.claims).length ? [JSON.stringify(client.claims)] : []),
  ];
  return element("li", {},
    element("span", {}, element("code", { textContent: client.id }), ` at ${shownPath(issuer.path)}: ${what.join("; ")}`),
    button("Remove", `Remove the client ${client.id} of ${shownPath(issuer.path)}`, `client ${issuer.id} ${client.id}`, async () => {
      await call("DELETE", `issuers/${issuer.id}/clients/${encodeURIComponent(client.id)}`);
      await refresh();
      notify(`The client ${client.id} is gone.`);
    }));
}

onSubmit("#add-client", async (form) => {
  const body = { ...given(form, "secret", "audience", "auth_method"), ...words(form, "redirect_uris") };
  const grants = [...form.elements.grants.selectedOptions].map((option) => option.value);
  if (grants.length) body.grants = grants;
  for (const [name, what] of [["claims", "Claims"], ["jwks", "Its keys"]]) {
    const value = json(form.elements[name].value, what);
    if (value !== undefined) body[name] = value;
  }
  const id = form.elements.id.value.trim();
  await call("PUT", `issuers/${form.elements.issuer.value}/clients/${encodeURIComponent(id)}`, body);
  const issuer = form.elements.issuer.value;
  form.reset();
  form.elements.issuer.value = issuer;
  await refresh();
  notify(`The client ${id} is registered.`);
});
