"""The warehouse app's databases in a browser, written to JSON and read back.

The app's key is a `CryptoKey` that no script can read. A golden phone's key has to be read, so the
browser is told to make each key readable (`readable_keys`) before the app makes its own. It is
stored as a JWK under `CryptoKey`, and read back as unreadable as the app's own keys are.
"""

from pathlib import Path

from playwright.sync_api import BrowserContext, Page

_READABLE = """() => {
  if (!crypto.subtle) return;  // about:blank is no secure context
  const made = crypto.subtle.generateKey.bind(crypto.subtle);
  crypto.subtle.generateKey = (algorithm, _, usages) => made(algorithm, true, usages);
}"""
_SAVE = """async () => {
  const done = (request) => new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  const plain = async (value) => {
    if (value instanceof CryptoKey) {
      return { CryptoKey: await crypto.subtle.exportKey("jwk", value) };
    }
    if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) throw new Error("bytes");
    if (Array.isArray(value)) return Promise.all(value.map(plain));
    if (value === null || typeof value !== "object") return value;
    const entries = Object.entries(value).map(async ([name, inner]) => [name, await plain(inner)]);
    return Object.fromEntries(await Promise.all(entries));
  };
  const saved = [];
  for (const { name, version } of await indexedDB.databases()) {
    const database = await done(indexedDB.open(name));
    const stores = [];
    for (const store of database.objectStoreNames) {
      const read = () => database.transaction(store).objectStore(store);
      const [keys, values] = [await done(read().getAllKeys()), await done(read().getAll())];
      const items = await Promise.all(
        values.map(async (value, at) => [keys[at], await plain(value)]));
      stores.push({ name: store, keyPath: read().keyPath, items });
    }
    database.close();
    saved.push({ name, version, stores });
  }
  return JSON.stringify(saved, null, 1);
}"""
_LOAD = """async (text) => {
  const P256 = { name: "ECDSA", namedCurve: "P-256" };
  const live = async (value) => {
    if (Array.isArray(value)) return Promise.all(value.map(live));
    if (value === null || typeof value !== "object") return value;
    if ("CryptoKey" in value) {
      const { ext, ...jwk } = value.CryptoKey;
      return crypto.subtle.importKey("jwk", jwk, P256, false, jwk.key_ops);
    }
    const entries = Object.entries(value).map(async ([name, inner]) => [name, await live(inner)]);
    return Object.fromEntries(await Promise.all(entries));
  };
  for (const { name, version, stores } of JSON.parse(text)) {
    const items = await Promise.all(stores.map((store) => live(store.items)));
    await new Promise((resolve, reject) => {
      const opening = indexedDB.open(name, version);
      opening.onerror = () => reject(opening.error);
      opening.onupgradeneeded = () => {
        stores.forEach(({ name: store, keyPath }, at) => {
          const made = opening.result.createObjectStore(store, { keyPath });
          for (const [key, value] of items[at]) keyPath ? made.put(value) : made.put(value, key);
        });
      };
      opening.onsuccess = () => { opening.result.close(); resolve(); };
    });
  }
}"""


def readable_keys(context: BrowserContext) -> None:
    """Let the pages of a browser make keys that a script can read."""
    context.add_init_script(f"({_READABLE})()")


def save(page: Page, path: Path) -> None:
    """Write every database of the page's origin."""
    path.write_text(page.evaluate(_SAVE) + "\n")


def load(page: Page, url: str, path: Path) -> None:
    """Put saved databases under the address, which has none yet; no script of the app runs."""
    page.route(url, lambda route: route.fulfill(body="", content_type="text/html"))
    page.goto(url)
    page.evaluate(_LOAD, path.read_text())
    page.unroute(url)
