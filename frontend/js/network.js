// Tells the person when the network is gone, and when it is back; nothing else is more confusing on a patchy phone.
const note = (name) => document.querySelector(`[data-network=${name}]`);

function show(name) {
  for (const other of ["offline", "back", "failed"]) {
    const element = note(other);
    if (element) element.hidden = other !== name;
  }
}

if (!navigator.onLine) show("offline");
addEventListener("offline", () => show("offline"));
addEventListener("online", () => {
  show("back");
  setTimeout(() => note("back")?.hidden === false && show(""), 4000);
});

// A phone may believe that it is connected and still reach nothing.
document.addEventListener("htmx:error", (event) => event.detail.ctx && show(navigator.onLine ? "failed" : "offline"));
document.addEventListener("htmx:after:request", () => navigator.onLine && show(""));

// The offline page stands in for another one. It asks by itself, since the phone's own idea of "online" says nothing of us.
async function knock() {
  if (document.hidden) return;
  try {
    await fetch("/healthz", { cache: "no-store" });
    location.reload();
  } catch {
    // Still gone: the next knock may find us.
  }
}
if (document.querySelector("[data-waits]")) setInterval(knock, 5000);
