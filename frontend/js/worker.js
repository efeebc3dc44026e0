// Registers the service worker, and tells it the language of the page, so that its offline page is in the person's own.
if ("serviceWorker" in navigator) {
  addEventListener("load", async () => {
    try {
      await navigator.serviceWorker.register("/sw.js");
      const { active } = await navigator.serviceWorker.ready;
      active.postMessage({ lang: document.documentElement.lang });
    } catch {
      // Private windows and full disks refuse; the app works without.
    }
  });
}
