// Listeners sit on the document, so that what htmx swaps in later needs no wiring of its own.

/** Run `act(element, event)` for events on elements that match `selector`, now or later. */
export function on(type, selector, act) {
  document.addEventListener(type, (event) => {
    const element = event.target.closest?.(selector);
    if (element) act(element, event);
  });
}

/** Show what only works with scripts: it is sent `hidden`, and stays so for those without. */
export function unhide(selector) {
  const show = (root) => root.querySelectorAll(selector).forEach((element) => (element.hidden = false));
  show(document);
  document.addEventListener("htmx:after:process", (event) => event.target.querySelectorAll && show(event.target));
}

/** Say a short text to screen readers. */
export function announce(text) {
  const region = document.getElementById("live");
  if (region) region.textContent = text;
}
