// The service worker from the page's side: registered, and asked to take over when a person agrees.

import { useEffect, useState } from "preact/hooks";

const SCRIPT = "/warehouse/service.js";
let waiting: ServiceWorker | null = null;
const listeners = new Set<() => void>();

export async function keepFiles(): Promise<void> {
  const { serviceWorker } = navigator;
  if (!serviceWorker) return;
  const registration = await serviceWorker.register(SCRIPT, { scope: "/warehouse/" });
  const look = (): void => {
    // The first one ever has nobody to wait for.
    waiting = serviceWorker.controller ? registration.waiting : null;
    for (const listener of listeners) listener();
  };
  registration.addEventListener("updatefound", () => {
    registration.installing?.addEventListener("statechange", look);
  });
  look();
}

/** What brings the new version in, where there is one. */
export function useUpdate(): (() => void) | null {
  const [worker, setWorker] = useState(waiting);
  useEffect(() => {
    const listener = (): void => setWorker(waiting);
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }, []);
  if (!worker) return null;
  return () => {
    navigator.serviceWorker.addEventListener("controllerchange", () => location.reload());
    worker.postMessage("now");
  };
}
