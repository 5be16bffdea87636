// The console page: it reads and steers the server through the admin API alone.
// All that comes from the server is set as text (textContent, value), never as markup.
"use strict";


const $ = (selector, root = document) => root.querySelector(selector);

function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("aria-") || name.startsWith("data-") || name === "scope") made.setAttribute(name, value);
    else made[name] = value;
  }
  made.append(...children);
  return made;
}

function notify(text, bad = false) {
  const note = element("div", { className: bad ? "note bad" : "note" },
    element("span", { textContent: (bad ? "Refused: " : "") + text }));
  const close = element("button", { className: "small", type: "button", textContent: "Close" });
  close.addEventListener("click", () => note.remove());
  note.append(close);
  $("#status").replaceChildren(note);
  if (!bad) setTimeout(() => note.remove(), 6000);
}

function button(name, label, key, work, kind = "small") {
  const made = element("button", { type: "button", className: kind, textContent: name, "aria-label": label, "data-focus": key });
  made.addEventListener("click", () => attempt(work));
  return made;
}

function listOr(items, empty) {
  return items.length ? items : [element("li", { className: "hint", textContent: empty })];
}

// Rebuilding a list must lose neither the keyboard's place, nor what is being typed, nor what is open.
function rebuild(container, children) {
  const within = container.contains(document.activeElement);
  const focus = document.activeElement?.dataset?.focus;
  const typed = Object.fromEntries([...container.querySelectorAll("input[data-focus], select[data-focus]")].map((input) => [input.dataset.focus, input.value]));
  const open = new Set([...container.querySelectorAll("details[open] > summary")].map((summary) => summary.dataset.focus));
  container.replaceChildren(...children);
  for (const found of container.querySelectorAll("[data-focus]")) {
    if (found.dataset.focus in typed) found.value = typed[found.dataset.focus];
    if (found.tagName === "SUMMARY" && open.has(found.dataset.focus)) found.parentElement.open = true;
    if (within && focus && found.dataset.focus === focus) found.focus({ preventScroll: true });
  }
  // The button that did it may be gone with what it did: then the list itself keeps the place.
  if (within && !container.contains(document.activeElement)) {
    container.tabIndex = -1;
    container.focus({ preventScroll: true });
  }
}

function explain(select, place) {
  const says = () => { place.textContent = select.selectedOptions[0].dataset.says; };
  select.addEventListener("change", says);
  says();
}
