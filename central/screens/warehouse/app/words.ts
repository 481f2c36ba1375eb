// Sentences that several views say: of codes, tasks, findings and the register's verdicts.

import { type Need, plain, type Wrong } from "./judge.ts";
import type { Keeper } from "./keeper.ts";
import type { Task } from "./record.ts";
import type { Outcome } from "./sitting.ts";
import type { Kept, Named } from "./store.ts";
import { t, word } from "./texts.ts";

export const taskWord = (task: Task): string => word("task", task);

/** A code for the eye: of an envelope of ISO/IEC 15434 the serial number that stands on the thing too,
 *  and which component it is; without them its elements, and without what frames them. */
export function readable(code: string): string {
  const text = plain(code).replace(/^\[\)>\x1e0[56]\x1d/, "");
  const elements = text.split(/[\x00-\x1f]+/).filter(Boolean);
  if (text === plain(code)) return elements.join(" · ");
  const of = (identifier: string): string[] =>
    elements.filter((each) => each.startsWith(identifier)).map((each) => each.slice(identifier.length));
  const named = [...of("S"), ...of("20P")];
  return (named.length ? named : elements).join(" · ");
}

export function thing(named: Named | undefined): string {
  if (named?.known !== "own") return "";
  return [named.model, named.lot && t("lot {lot}", { lot: named.lot })].filter(Boolean).join(", ");
}

export const WRONG: Record<Wrong, () => string> = {
  again: () => t("Scanned already. It is not counted twice."),
  "a-place": () => t("This is a place. Scan a thing."),
  "a-consignment": () => t("This is a consignment. Scan a thing."),
  "not-ours-to-send": () => t("This consignment comes to you. You do not dispatch it."),
  "not-ours-to-receive": () => t("This consignment goes out from you. You do not receive it."),
  "no-code": () => t("This is no code of a thing: it is empty, or far too long."),
  itself: () => t("This is the package itself. Scan what goes into it or out of it."),
  "place-first": () => t("First scan the place."),
  "consignment-first": () => t("First scan the consignment."),
};

const DOUBT: Record<Exclude<Named["known"], "own">, () => string> = {
  elsewhere: () => t("The register has it at another entity. Set it aside and ask."),
  ambiguous: () => t("More than one thing has this number. Scan the mark itself."),
  unknown: () => t("The register does not know this code. Set it aside and ask."),
};

const SET: Record<Need, () => string> = {
  place: () => t("The place"),
  consignment: () => t("The consignment"),
  unit: () => t("The package"),
};

/** The large word, and the sentence below it. */
export function outcomeWords(outcome: Outcome): [word: string, sentence: string] {
  switch (outcome.is) {
    case "kept":
      return [t("Kept"), ""];
    case "set":
      return [SET[outcome.why as Need](), ""];
    case "wrong":
      return [t("No"), WRONG[outcome.why as Wrong]()];
    case "doubt":
      return [t("Stop"), DOUBT[outcome.why as keyof typeof DOUBT]()];
    case "disputed":
      return [
        t("Stop"),
        t("Set it aside and ask: {why}.", { why: word("verdict", outcome.verdict!) }),
      ];
    case "full":
      return [
        t("Not kept"),
        t("This device could not keep the scan: its storage is full. Scan nothing more; free some space, then scan this again."),
      ];
  }
}

/** Where a record has come: kept here, at the register, or disputed by it. */
export function stage(kept: Kept, keeper: Keeper): "disputed" | "registered" | "sent" | "kept" {
  const { judged, committed, disputes } = keeper.state;
  if (disputes.some((each) => each.seq === kept.seq)) return "disputed";
  if (kept.seq <= judged) return "registered";
  return kept.seq <= committed ? "sent" : "kept";
}
