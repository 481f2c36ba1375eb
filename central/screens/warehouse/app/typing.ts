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
      // Ctrl+D and its like are for a browser, but not in the middle of a symbol.
      if (control && wedge.isFast) event.preventDefault();
      if (ended === null || !(ended.fast || before === null)) return;
      // On a button or a link, Enter by itself is that button's; here it ends a code.
      event.preventDefault();
      // What a wedge typed into a field was not meant for it.
      if (before) before.input.value = before.value;
      latest.current({ code: ended.text, way: ended.fast ? "wedge" : "typed" });
    };
    document.addEventListener("keydown", pressed, { capture: true });
    return () => document.removeEventListener("keydown", pressed, { capture: true });
  }, []);
}
