// One window at a time is the device: two that send would be two of it.

const LOCK = "gjurma-device";

/** Hold it until the page ends; false where another window does. */
export function hold(): Promise<boolean> {
  return new Promise((resolve) => {
    void navigator.locks.request(LOCK, { ifAvailable: true }, (lock) => {
      resolve(lock !== null);
      return lock === null ? undefined : new Promise(() => undefined);
    });
  });
}

/** Resolves once the other window is gone. */
export function waited(): Promise<void> {
  return new Promise((resolve) => {
    void navigator.locks.request(LOCK, () => {
      resolve();
      return new Promise(() => undefined);
    });
  });
}
