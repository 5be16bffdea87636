// Tokens made and taken apart.

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

onSubmit("#mint", async (form) => {
  const body = { ...given(form, "person", "kind", "kid", "forgery") };
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

explain($("#mint").elements.forgery, $("#forgery-says"));

$("#copy").addEventListener("click", () => attempt(async () => {
  const field = $("#decode").elements.token;
  // The clipboard is only there on https and on localhost; the selection works everywhere.
  if (navigator.clipboard) await navigator.clipboard.writeText(field.value);
  else { field.select(); document.execCommand("copy"); }
}, "Copied."));
