// Listens for keys on the whole page: a keyboard wedge scans whatever has the focus, and what is typed
// where nothing has it is a code too.

import { useEffect, useRef } from "preact/hooks";
import type { Scan } from "./record.ts";
import { Wedge } from "./wedge.ts";

export function useKeys(scanned: (scan: Scan) => void): void {
  const latest = useRef(scanned);
  latest.current = scanned;
  useEffect(() => {
    const wedge = new Wedge();
    let before: { input: HTMLInputElement; value: string } | null = null;
    const pressed = (event: KeyboardEvent): void => {
      const { target, key } = event;
      const input = target instanceof HTMLInputElement ? target : null;
      const control = event.ctrlKey && !event.altKey && !event.metaKey;
      const { ended, begins } = wedge.press({ key, control, at: event.timeStamp });
      if (begins) before = input && { input, value: input.value };
      // Nobody's code chooses from a list by its first letters, or presses a button by a space in it;
      // and Ctrl+D and its like are for a browser, but not in the middle of a symbol.
      const isCode = key.length === 1 && input === null;
      const chooses = target instanceof HTMLSelectElement;
      if ((isCode && (chooses || wedge.isFast) && !event.ctrlKey) || (control && wedge.isFast)) {
        event.preventDefault();
      }
      if (ended === null) return;
      // What a hand types is a code where nothing else takes the keys, and Enter alone ends it.
      const alone = target === document.body && key === "Enter";
      if (!(ended.fast || alone)) return;
      event.preventDefault();
      // What a wedge typed into a field was not meant for it.
      if (before) before.input.value = before.value;
      latest.current({ code: ended.text, way: ended.fast ? "wedge" : "typed" });
    };
    document.addEventListener("keydown", pressed, { capture: true });
    return () => document.removeEventListener("keydown", pressed, { capture: true });
  }, []);
}
