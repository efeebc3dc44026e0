// Marking a class: taps that are counted, kept until they are sent, and sent without leaving the page.
//
// A mark carries the moment of its tap by the server's clock (the page says what time it was when it was made), so the order
// of two teachers' marks does not depend on their phones. Until the server has answered, the taps lie in the phone's storage.
import { announce, on } from "./dom.js";
import { busy } from "./forms.js";

const ORDER = ["present", "absent", "late", "excused"];
const WAIT = 20_000;

const sheet = () => document.querySelector("form[data-sheet]");
const place = (form) => `kaksha.sheet.${form.dataset.sheet}`;

function now(form) {
  return new Date(Date.parse(form.dataset.now) + performance.now() - form.dataset.live).toISOString();
}

// Storage may be full or forbidden; the form works without.
function read(form) {
  try {
    return JSON.parse(localStorage.getItem(place(form))) ?? { taps: {} };
  } catch {
    return { taps: {} };
  }
}
function write(form, kept) {
  try {
    if (kept) localStorage.setItem(place(form), JSON.stringify(kept));
    else localStorage.removeItem(place(form));
  } catch {
    // Nothing to do: what is on the screen stays.
  }
}

function count(form) {
  const chosen = [...form.querySelectorAll("input[type=radio]:checked")].map((input) => input.value);
  for (const element of document.querySelectorAll("[data-tally]")) {
    const n = chosen.filter((value) => value === element.dataset.tally).length;
    element.querySelector("b").textContent = n;
    element.hidden = n === 0 && element.dataset.tally !== "present";
  }
}

function pick(form, student, status, at) {
  const radio = form.querySelector(`input[name="status-${student}"][value="${status}"]`);
  if (!radio) return false;
  radio.checked = true;
  form.elements[`at-${student}`].value = at;
  return true;
}

function tapped(form, student, status) {
  const kept = read(form);
  // What was tried and is now changed is another sending, under another key.
  if (kept.tried) form.elements._idem.value = crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`;
  const at = now(form);
  kept.taps[student] = [status, at];
  write(form, { taps: kept.taps, idem: form.elements._idem.value });
  pick(form, student, status, at);
  count(form);
}

on("change", "form[data-sheet] input[type=radio]", (radio) => {
  tapped(radio.form, radio.closest("[data-student]").dataset.student, radio.value);
});

on("click", "form[data-sheet] [data-student]", (row, event) => {
  if (event.target.closest(".seg")) return;
  const form = row.closest("form");
  const checked = row.querySelector("input[type=radio]:checked");
  const next = ORDER[(ORDER.indexOf(checked?.value) + 1) % ORDER.length];
  tapped(form, row.dataset.student, next);
  announce(row.querySelector(`input[value="${next}"]`).getAttribute("aria-label"));
});

on("click", "[data-forget]", (button) => {
  write(button.closest("form"), null);
  location.reload();
});

const unsent = (form, yes) => (form.querySelector("[data-kept]").hidden = !yes);

async function send(form) {
  const idem = form.elements._idem.value;
  write(form, { ...read(form), idem, tried: true });
  let again = false;
  try {
    const answer = await fetch(form.action, {
      method: "POST",
      body: new URLSearchParams(new FormData(form)),
      signal: AbortSignal.timeout(WAIT),
    });
    if (answer.status >= 500 || answer.status === 429) throw new Error(String(answer.status));
    const text = await answer.text();
    if (form.elements._idem.value !== idem) {
      // Tapped on while this was under way: that is still to be sent.
      again = true;
    } else {
      if (answer.ok && answer.url.startsWith(form.action)) write(form, null);
      show(form, answer, text);
    }
  } catch {
    unsent(form, true);
  } finally {
    busy(form, false);
  }
  if (again) form.requestSubmit();
}

/** Puts the page that came back in this one's place; a page of another kind (the sign-in) is gone to. */
function show(form, answer, text) {
  if (!answer.url.startsWith(form.action)) {
    location.assign(answer.url);
    return;
  }
  const page = new DOMParser().parseFromString(text, "text/html");
  for (const part of ["main", "#notice"]) {
    const [old, fresh] = [document.querySelector(part), page.querySelector(part)];
    if (old && fresh) old.replaceWith(fresh);
  }
  history.replaceState(null, "", answer.url);
  scrollTo(0, 0);
  document.querySelector("main [autofocus]")?.focus();
  if (sheet()) sheet().dataset.live = performance.now();
}

on("submit", "form[data-sheet]", (form, event) => {
  event.preventDefault();
  send(form);
});

/** What was tapped on this page before and never arrived is there again; what was sent in vain is sent again. */
function restore() {
  const form = sheet();
  if (!form) return;
  form.dataset.live = performance.now();
  const kept = read(form);
  const found = Object.entries(kept.taps).filter(([student, [status, at]]) => pick(form, student, status, at));
  if (!found.length) return;
  if (kept.idem) form.elements._idem.value = kept.idem;
  count(form);
  unsent(form, true);
  if (kept.tried && navigator.onLine) form.requestSubmit();
}
restore();

addEventListener("online", () => {
  const form = sheet();
  if (form && read(form).tried) form.requestSubmit();
});
