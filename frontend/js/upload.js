// [data-upload]: a form's file input sends each file by itself, in pieces (tus 1.0), as soon as it is chosen: with progress, going
// on after every loss of the network and after the browser was killed. The form then carries `fileIds` instead of the files.
// Without scripts the same input goes with its form.
import { announce, on } from "./dom.js";

const TUS = { "Tus-Resumable": "1.0.0", "Accept-Language": document.documentElement.lang };
const SMALL = 256 * 1024;
const LARGE = 4 * 1024 * 1024;
const sending = new WeakMap(); // list item -> {file, stop}
const base64 = (text) => btoa(String.fromCodePoint(...new TextEncoder().encode(text)));
const pause = (seconds) => new Promise((resolve) => {
  const timer = setTimeout(resolve, seconds * 1000);
  addEventListener("online", () => (clearTimeout(timer), resolve()), { once: true });
});

class Refused extends Error {}

async function ask(address, method, headers = {}, body = undefined, signal = undefined) {
  const answer = await fetch(address, { method, body, signal, headers: { ...TUS, ...headers } });
  if (answer.ok || answer.status === 409) return answer;
  // 404: the upload is over, and begins anew. Too fast, or a server in trouble: another try may do.
  if (answer.status === 404 || answer.status === 429 || answer.status >= 500) throw Object.assign(new Error(), { gone: answer.status === 404 });
  throw new Refused((await answer.json().catch(() => ({}))).message ?? "");
}

// Where an unfinished upload of the same file by the same person goes on, also after the browser was closed.
const placeOf = (box, file) => ["upload", box.dataset.who, box.dataset.upload, file.name, file.size, file.lastModified].join("/");
const keep = (place, address) => {
  try {
    if (address) localStorage.setItem(place, address);
    else localStorage.removeItem(place);
  } catch {
    // Full, or forbidden: then it begins anew.
  }
};

async function begun(box, file, place, signal) {
  const known = localStorage.getItem(place);
  if (known) return known;
  const said = { filename: file.name, filetype: file.type, purpose: box.dataset.upload };
  const metadata = Object.entries(said).map(([key, value]) => `${key} ${base64(value)}`).join(",");
  const answer = await ask(box.dataset.to, "POST", { "Upload-Length": file.size, "Upload-Metadata": metadata }, undefined, signal);
  const address = answer.headers.get("Location");
  keep(place, address);
  return address;
}

/** Send a file to its end; answers its id. `show(share)` is told how much of it is there, from 0 to 1. */
async function send(box, file, show, signal) {
  const place = placeOf(box, file);
  let size = SMALL;
  let wait = 1;
  let offset; // unknown: ask
  for (;;) {
    try {
      const address = await begun(box, file, place, signal);
      let answer;
      if (offset === undefined) {
        answer = await ask(address, "HEAD", {}, undefined, signal);
      } else {
        const start = performance.now();
        const headers = { "Content-Type": "application/offset+octet-stream", "Upload-Offset": offset };
        answer = await ask(address, "PATCH", headers, file.slice(offset, offset + size), signal);
        size = performance.now() - start < 1500 ? Math.min(size * 2, LARGE) : Math.max(size / 2, SMALL);
      }
      offset = answer.status === 409 ? undefined : Number(answer.headers.get("Upload-Offset"));
      wait = 1;
      if (offset !== undefined) show(offset / file.size);
      const id = answer.headers.get("File-Id");
      if (id) {
        keep(place);
        return id;
      }
    } catch (error) {
      if (signal.aborted || error instanceof Refused) {
        keep(place);
        throw error;
      }
      if (error.gone) keep(place);
      offset = undefined;
      show();
      await pause(wait);
      wait = Math.min(wait * 2, 20);
    }
  }
}

function row(box, file) {
  const item = box.querySelector("template").content.firstElementChild.cloneNode(true);
  item.querySelector("b").textContent = file.name;
  item.querySelector("progress").setAttribute("aria-label", file.name);
  box.querySelector("ul").append(item);
  return item;
}

async function start(box, file, item = row(box, file)) {
  const say = item.querySelector("small");
  const bar = item.querySelector("progress");
  const stop = new AbortController();
  sending.set(item, { file, stop });
  item.dataset.state = "sending";
  bar.hidden = false;
  item.querySelector("[data-again]").hidden = true;
  const show = (share) => {
    if (share === undefined) say.textContent = box.dataset.waiting;
    else {
      bar.value = share;
      say.textContent = `${Math.floor(share * 100)} %`;
    }
  };
  try {
    show(0);
    const id = await send(box, file, show, stop.signal);
    item.dataset.state = "done";
    say.textContent = box.dataset.done;
    item.append(Object.assign(document.createElement("input"), { type: "hidden", name: "fileIds", value: id }));
    announce(`${file.name}: ${box.dataset.done}`);
  } catch (error) {
    if (stop.signal.aborted) return;
    item.dataset.state = "failed";
    say.textContent = error.message || box.dataset.failed;
    item.querySelector("[data-again]").hidden = false;
    announce(`${file.name}: ${say.textContent}`);
  }
  bar.hidden = true;
  const form = box.closest("form");
  if (form?.dataset.then !== undefined && !form.querySelector("[data-state=sending]")) {
    delete form.dataset.then;
    if (!form.querySelector("[data-state=failed]")) form.requestSubmit();
  }
}

function enhance(root) {
  for (const box of root.querySelectorAll("[data-upload]:not([data-ready])")) {
    box.dataset.ready = "";
    const input = box.querySelector("input[type=file]");
    input.hidden = true;
    input.required = false;
    box.querySelector("[data-pick]").hidden = false;
  }
}
enhance(document);
document.addEventListener("htmx:after:process", (event) => event.target.querySelectorAll && enhance(event.target));

on("click", "[data-choose]", (button) => {
  const input = button.closest("[data-upload]").querySelector("input[type=file]");
  // A camera takes one picture at once; the list of files takes many.
  const many = button.dataset.choose === "file";
  if (many) input.removeAttribute("capture");
  else input.setAttribute("capture", "environment");
  input.click();
});
on("change", "[data-upload] input[type=file]", (input) => {
  const box = input.closest("[data-upload]");
  if (!input.multiple) box.querySelectorAll("li").forEach(remove);
  for (const file of input.files) start(box, file);
  input.value = ""; // what is sent here does not go with the form again
});

function remove(item) {
  sending.get(item)?.stop.abort();
  item.remove();
}
on("click", "[data-upload] [data-remove]", (button) => {
  const box = button.closest("[data-upload]");
  remove(button.closest("li"));
  box.querySelector("[data-choose]").focus();
});
on("click", "[data-upload] [data-again]", (button) => {
  const item = button.closest("li");
  start(button.closest("[data-upload]"), sending.get(item).file, item);
});

// Pressed too early: the form goes when its files are there.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.querySelector?.("[data-state=sending]")) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  form.dataset.then = "";
  announce(form.querySelector("[data-upload]").dataset.hold);
}, { capture: true });
