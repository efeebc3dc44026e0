// <form data-passkey="create|get" data-options="address of the options" hidden>: its button lets the device speak, puts the answer
// into the form's field `credential`, and sends the form. It stays hidden where the browser has no passkeys.
import { on, unhide } from "./dom.js";

const { parseCreationOptionsFromJSON, parseRequestOptionsFromJSON } = window.PublicKeyCredential ?? {};

async function credential(form) {
  const create = form.dataset.passkey === "create";
  const answer = create
    ? await fetch(form.dataset.options, { cache: "no-store" })
    : await fetch(form.dataset.options, { method: "POST", headers: { "Content-Type": "application/json" }, body: "{}" });
  if (!answer.ok) throw new Error(`${form.dataset.options} answered ${answer.status}`);
  const { data } = await answer.json();
  return create
    ? navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(data) })
    : navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(data) });
}

if (parseCreationOptionsFromJSON && parseRequestOptionsFromJSON) {
  unhide("[data-passkey]");
  on("click", "[data-passkey] button", async (button) => {
    const form = button.form;
    const notes = [...form.querySelectorAll("[data-failed]")];
    notes.forEach((note) => (note.hidden = true));
    button.disabled = true;
    try {
      form.elements.credential.value = JSON.stringify(await credential(form));
      form.requestSubmit();
    } catch (error) {
      // The note for this very reason stands before the one for all others.
      notes.find((note) => !note.dataset.failed || note.dataset.failed === error.name).hidden = false;
    }
    button.disabled = false;
  });
}
