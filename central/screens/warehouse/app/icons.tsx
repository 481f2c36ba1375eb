// The tasks' signs, drawn with one line; they stand beside a word and never for one.

import type { Task } from "./record.ts";

const PATHS: Record<Task | "camera" | "back" | "keys", string> = {
  receive: "M12 3v10m0 0 4-4m-4 4-4-4M4 14v5a2 2 0 0 0 2 2h12a2 2 0 0 0 2-2v-5",
  dispatch: "M12 13V3m0 0 4 4m-4-4-4 4M4 14v5a2 2 0 0 0 2 2h12a2 2 0 0 0 2-2v-5",
  "put-away": "M4 4v17M20 4v17M4 14h16M8 14V9h8v5",
  move: "M3 8h14m0 0-4-4m4 4-4 4M21 16H7m0 0 4-4m-4 4 4 4",
  pack: "M3 8l9-5 9 5v8l-9 5-9-5zM3 8l9 5 9-5M12 13v8",
  unpack: "M3 10l9-4 9 4v7l-9 4-9-4zM12 14v7M3 10 1.5 6 10 3l2 3 2-3 8.500 3L21 10",
  count: "M9 6h12M9 12h12M9 18h12M3 6l1 1 2-2M3 12l1 1 2-2M3 18l1 1 2-2",
  find: "M10.500 17a6.500 6.500 0 1 0 0-13 6.500 6.500 0 0 0 0 13zM15.500 15.500 21 21",
  camera: "M4 8h3l2-3h6l2 3h3v11H4zM12 16.500a3.500 3.500 0 1 0 0-7 3.500 3.500 0 0 0 0 7z",
  keys: "M3 7h18v10H3zM7 10.500h.01M11 10.500h.01M15 10.500h.01M8 14h8",
  back: "M15 5l-7 7 7 7",
};

export const Sign = ({ of }: { of: keyof typeof PATHS }) => (
  <svg class="w-sign" viewBox="0 0 24 24" aria-hidden="true">
    <path d={PATHS[of]} />
  </svg>
);

/** A shape of the design system, which the page has in it. */
export const Shape = ({ of }: { of: string }) => (
  <svg class="g-icon" aria-hidden="true">
    <use href={`#s-${of}`} />
  </svg>
);
