// <div data-push="the server's key">: switches push on or off for this browser. Its forms stay hidden where there is none.
import { on } from "./dom.js";

const able = "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;

function fill(form, { endpoint, keys = {} }) {
  for (const [name, value] of Object.entries({ endpoint, ...keys })) if (form.elements[name]) form.elements[name].value = value;
}

async function show(box) {
  const { pushManager } = await navigator.serviceWorker.ready;
  const subscription = await pushManager.getSubscription();
  box.querySelector("[data-push-unable]").hidden = true;
  box.querySelector("[data-push-on]").hidden = !!subscription;
  box.querySelector("[data-push-off]").hidden = !subscription;
  if (subscription) fill(box.querySelector("[data-push-off]"), subscription.toJSON());
}

const box = document.querySelector("[data-push]");
if (able && box) {
  show(box);
  on("click", "[data-push-on] button", async (button, event) => {
    event.preventDefault();
    const denied = box.querySelector("[data-push-denied]");
    denied.hidden = true;
    button.disabled = true;
    try {
      const { pushManager } = await navigator.serviceWorker.ready;
      const subscription = await pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: box.dataset.push });
      fill(button.form, subscription.toJSON());
      button.form.requestSubmit();
    } catch {
      denied.hidden = false;
      button.disabled = false;
    }
  });
  on("click", "[data-push-off] button", async (button, event) => {
    event.preventDefault();
    const { pushManager } = await navigator.serviceWorker.ready;
    await (await pushManager.getSubscription())?.unsubscribe();
    button.form.requestSubmit();
  });
}
