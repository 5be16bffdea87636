// Addresses that nobody should fetch, and how often somebody did.

function canaryItem(canary) {
  return element("li", {},
    element("span", {}, element("code", { textContent: canary.url })),
    element("span", { className: canary.hits ? "state bad" : "state", textContent: canary.hits === 1 ? "fetched once" : canary.hits ? `fetched ${canary.hits} times` : "never fetched" }));
}

onSubmit("#add-canary", async (form) => {
  const canary = await call("POST", "canaries", given(form, "name"));
  form.reset();
  await refresh();
  notify(`${canary.url} counts who fetches it.`);
});
