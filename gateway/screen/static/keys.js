// The one key map: for the keyboard, and for a pedal that sends a key. `docs/operator.md` tells it.

// By what it does: the key, its text, and the buttons that it presses, the first that is there.
export const KEYS = {
  pedal: ["F9", "keys.pedal", []],
  primary: ["Enter", "keys.primary", []],
  keys: ["F1", "keys.keys", []],
  read: ["F2", "keys.read", ["read_again", "check"]],
  type: ["F3", "keys.type", ["type"]],
  order: ["F4", "keys.order", []],
  settle: ["F6", "keys.settle", ["settle", "first-piece"]],
  more: ["F7", "keys.more", ["more"]],
  stop: ["F8", "keys.stop", ["stop"]],
  sound: ["F10", "keys.sound", []],
};

const BY_KEY = new Map(Object.entries(KEYS).map(([does, [name]]) => [name, does]));

/** What a key does; undefined for one that does nothing here. */
export function key(name) {
  const does = name === " " ? "primary" : BY_KEY.get(name);
  return does === "pedal" ? "primary" : does;
}

/** Each key, or keys, and the code of what it does. */
export const rows = () => [
  ...Object.entries(KEYS).map(([does, [name, label]]) => [does === "primary" ? [name, "Space"] : [name], label]),
  [["Tab", "←", "→"], "keys.walk"],
  [["Esc"], "keys.close"],
];
