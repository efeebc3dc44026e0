// Forms: sent once however often the button is pressed, and a password that may be looked at.
import { on, unhide } from "./dom.js";

// The server refuses a repeated `_idem` anyway; this spares the person the wait and the doubt. Long enough for a slow network,
// short enough that a request the person stopped can be tried again.
const PATIENCE = 20_000;

export function busy(form, yes) {
  form.toggleAttribute("data-sent", yes);
  for (const button of form.querySelectorAll("button:not([type=button])")) {
    // Not `disabled`: the pressed button keeps the focus, and its name and value are still sent.
    if (yes) button.setAttribute("aria-disabled", "true");
    else button.removeAttribute("aria-disabled");
  }
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!/^post$/i.test(form.getAttribute("method")) && !form.matches("[hx-post], [hx-put], [hx-patch], [hx-delete]")) return;
  if (form.hasAttribute("data-sent")) {
    event.preventDefault();
    event.stopImmediatePropagation();
    return;
  }
  busy(form, true);
  setTimeout(() => busy(form, false), PATIENCE);
}, { capture: true });

const free = () => document.querySelectorAll("form[data-sent]").forEach((form) => busy(form, false));
document.addEventListener("htmx:finally:request", (event) => {
  const form = event.target.closest?.("form[data-sent]");
  if (form) busy(form, false);
});
// Back to a page the browser kept as it was left: with its button waiting.
addEventListener("pageshow", (event) => event.persisted && free());

unhide("[data-reveal]");
on("click", "[data-reveal]", (button) => {
  const input = document.getElementById(button.dataset.reveal);
  const shown = input.type === "text";
  input.type = shown ? "password" : "text";
  button.setAttribute("aria-pressed", String(!shown));
});
// A shown password must not land in the browser's memory of typed texts.
document.addEventListener("submit", (event) => {
  event.target.querySelectorAll("[data-reveal][aria-pressed=true]").forEach((button) => button.click());
}, { capture: true });
