// Registers the service worker. Its address names the language, so that the offline page it keeps is in the person's own.
if ("serviceWorker" in navigator) {
  addEventListener("load", () => {
    navigator.serviceWorker.register(`/sw.js?lang=${document.documentElement.lang}`).catch(() => {
      // Private windows and full disks refuse; the app works without.
    });
  });
}
