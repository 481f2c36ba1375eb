// The service worker: keeps the app's files, so that it opens where there is no network.

declare const self: ServiceWorkerGlobalScope;
export type {};

/** The register writes it above this script: the addresses of the app's files, and their digest. So
 *  the script changes with any of them, which is how a browser sees that there is a new version. */
declare const FILES: { version: string; addresses: string[] };

const CACHE = `gjurma-${FILES.version}`;
const SHELL = "/warehouse/";

async function install(): Promise<void> {
  const cache = await caches.open(CACHE);
  await cache.addAll([SHELL, ...FILES.addresses]);
}

async function activate(): Promise<void> {
  for (const name of await caches.keys()) {
    if (name.startsWith("gjurma-") && name !== CACHE) await caches.delete(name);
  }
  await self.clients.claim();
}

async function answer(request: Request): Promise<Response> {
  const wanted = request.mode === "navigate" ? SHELL : request;
  const kept = await (await caches.open(CACHE)).match(wanted);
  return kept ?? fetch(request);
}

self.addEventListener("install", (event) => event.waitUntil(install()));
self.addEventListener("activate", (event) => event.waitUntil(activate()));
self.addEventListener("message", (event) => {
  if (event.data === "now") void self.skipWaiting();
});
self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET" || new URL(request.url).origin !== self.location.origin) return;
  event.respondWith(answer(request));
});
