// The service worker, with the least that makes the app installable and honest without a network:
// our own hashed files come from the cache, pages from the network, and a page that cannot be had is the offline page.
// It keeps no page of any person.
const CACHE = `kaksha-${VERSION}`;
const LANGUAGES = ["en", "hi"];
const offlineIn = (lang) => `/offline?lang=${LANGUAGES.includes(lang) ? lang : "en"}`;
const KEPT_LANGUAGE = "/kept-language"; // an entry of the cache, no address of the server

async function install() {
  const cache = await caches.open(CACHE);
  await cache.addAll(ASSETS);
  // Without cookies: these pages are kept for whoever holds the phone next.
  for (const address of LANGUAGES.map(offlineIn)) {
    const offline = await fetch(address, { credentials: "omit", cache: "no-cache" });
    if (!offline.ok) throw new Error(`the offline page answered ${offline.status}`);
    await cache.put(address, offline);
  }
}

async function forgetOthers() {
  const stale = (await caches.keys()).filter((name) => name.startsWith("kaksha-") && name !== CACHE);
  await Promise.all(stale.map((name) => caches.delete(name)));
}

async function asset(request) {
  const cache = await caches.open(CACHE);
  const kept = await cache.match(request);
  if (kept) return kept;
  const fresh = await fetch(request);
  if (fresh.ok) await cache.put(request, fresh.clone());
  return fresh;
}

async function page(request) {
  try {
    return await fetch(request);
  } catch {
    const cache = await caches.open(CACHE);
    const lang = await (await cache.match(KEPT_LANGUAGE))?.text();
    return (await cache.match(offlineIn(lang))) ?? Response.error();
  }
}

self.addEventListener("install", (event) => {
  event.waitUntil(install());
  self.skipWaiting();
});
self.addEventListener("activate", (event) => event.waitUntil(forgetOthers().then(() => self.clients.claim())));
self.addEventListener("message", (event) => {
  const keep = caches.open(CACHE).then((cache) => cache.put(KEPT_LANGUAGE, new Response(event.data.lang)));
  event.waitUntil(keep);
});
self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== self.location.origin) return;
  if (request.mode === "navigate") event.respondWith(page(request));
  // Only names that hold a hash: those never change under their address.
  else if (/^\/static\/.+\.[0-9a-f]{10}\.\w+$/.test(url.pathname)) event.respondWith(asset(request));
});

// A push: one notification a tag, so that one which comes twice shows once. Without a readable text nothing is made up.
self.addEventListener("push", (event) => {
  let said;
  try {
    said = event.data.json();
  } catch {
    said = { title: "Kaksha", body: "", url: "/notifications", tag: "kaksha" };
  }
  const { title, body, url, tag, lang } = said;
  event.waitUntil(self.registration.showNotification(title, { body, tag, lang, data: { url }, icon: ICON, badge: ICON }));
});
self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const target = new URL(event.notification.data?.url ?? "/notifications", self.location.origin);
  const url = target.origin === self.location.origin ? target.href : `${self.location.origin}/notifications`;
  event.waitUntil(
    self.clients.matchAll({ type: "window", includeUncontrolled: true }).then(async (windows) => {
      const open = windows.find((each) => "navigate" in each);
      if (!open) return self.clients.openWindow(url);
      await open.focus();
      return open.navigate(url).catch(() => self.clients.openWindow(url));
    }),
  );
});
