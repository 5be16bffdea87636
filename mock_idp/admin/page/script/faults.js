// How endpoints misbehave.

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

onSubmit("#set-fault", async (form) => {
  const name = form.elements.fault.value;
  const argument = json(form.elements.argument.value, "The argument");
  const body = { fault: argument === undefined ? name : { [name]: argument } };
  if (form.elements.times.value) body.times = Number(form.elements.times.value);
  await call("PUT", `issuers/${form.elements.issuer.value}/faults/${form.elements.endpoint.value}`, body);
  await refresh();
  notify(`${form.elements.endpoint.value}: ${name} is on.`);
});

explain($("#set-fault").elements.fault, $("#fault-says"));
explainArgument($("#set-fault").elements);
