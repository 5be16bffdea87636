// Who can sign in, at every issuer or at one alone.

function personItem(person, issuer) {
  const known = [
    ...(issuer ? [`at ${shownPath(issuer.path)} alone`] : []),
    ...(Object.keys(person.claims).length ? [JSON.stringify(person.claims)] : []),
    ...(person.password === null ? [] : ["with a password"]),
  ];
  const place = issuer ? `issuers/${issuer.id}/people` : "people";
  return element("li", {},
    element("span", {}, element("strong", { textContent: person.name }), ` ${[`${person.username}`, person.email, ...known].join(", ")}`),
    button("Remove", `Remove ${person.username}${issuer ? ` of ${shownPath(issuer.path)}` : ""}`, `person ${issuer?.id ?? ""} ${person.username}`, async () => {
      await call("DELETE", `${place}/${encodeURIComponent(person.username)}`);
      await refresh();
      notify(`${person.username} is gone.`);
    }));
}

onSubmit("#add-person", async (form) => {
  const body = given(form, "name", "password");
  const claims = json(form.elements.claims.value, "Further claims");
  if (claims !== undefined) body.claims = claims;
  const issuer = form.elements.issuer.value;
  const place = issuer ? `issuers/${issuer}/people` : "people";
  const person = await call("PUT", `${place}/${encodeURIComponent(form.elements.username.value.trim())}`, body);
  form.reset();
  await refresh();
  notify(`${person.name} can sign in.`);
});
