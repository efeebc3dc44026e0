// <button data-copy="text" data-done="Copied" hidden>: puts the text on the clipboard and says so for a moment.
import { announce, on, unhide } from "./dom.js";

if (navigator.clipboard) {
  unhide("[data-copy]");
  on("click", "[data-copy]", async (button) => {
    if (button.dataset.was) return;
    await navigator.clipboard.writeText(button.dataset.copy);
    const label = button.querySelector("span") ?? button;
    button.dataset.was = label.textContent;
    label.textContent = button.dataset.done;
    announce(button.dataset.done);
    setTimeout(() => {
      label.textContent = button.dataset.was;
      delete button.dataset.was;
    }, 2000);
  });
}
