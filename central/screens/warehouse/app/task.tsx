// The screen of a task: what is asked for, what the last scan was, and what was scanned so far.

import { useEffect, useState } from "preact/hooks";
import { Shape, Sign } from "./icons.tsx";
import { type Need, TASKS } from "./judge.ts";
import type { Keeper } from "./keeper.ts";
import { Frame, Typed, Viewfinder } from "./parts.tsx";
import type { Scan } from "./record.ts";
import type { Sitting } from "./sitting.ts";
import type { Kept } from "./store.ts";
import { number, t, word } from "./texts.ts";
import { outcomeWords, readable, stage, taskWord, thing } from "./words.ts";

interface Shown {
  keeper: Keeper;
  sitting: Sitting;
  take: (scan: Scan) => void;
}

export function TaskView({ keeper, sitting, take }: Shown) {
  const [camera, setCamera] = useState(false);
  const { task } = sitting;
  useEffect(() => setCamera(false), [task]);
  return (
    <Frame title={taskWord(task)} keeper={keeper}>
      <Setting keeper={keeper} sitting={sitting} />
      {camera ? <Viewfinder onScan={take} /> : null}
      <Card keeper={keeper} sitting={sitting} />
      {task === "find" ? <Found keeper={keeper} sitting={sitting} /> : null}
      <div class="w-ways">
        <button
          class="g-button g-secondary"
          type="button"
          aria-pressed={camera}
          onClick={() => setCamera(!camera)}
        >
          <Sign of="camera" />
          {camera ? t("Stop the camera") : t("Use the camera")}
        </button>
        <Typed label={t("Or type a code")} onCode={(code) => take({ code, way: "typed" })} />
      </div>
      <Recent keeper={keeper} sitting={sitting} />
      {sitting.count > 0 ? (
        <div class="g-buttons">
          <button
            class="g-button"
            type="button"
            onClick={async () => {
              await sitting.end();
              location.hash = "#/";
            }}
          >
            {t("Done with this")}
          </button>
        </div>
      ) : null}
    </Frame>
  );
}

const ASKS: Record<Need, () => string> = {
  place: () => t("Place"),
  consignment: () => t("Consignment"),
  unit: () => t("Package"),
};

function Setting({ keeper, sitting }: { keeper: Keeper; sitting: Sitting }) {
  const { work } = keeper.state;
  const options: Record<Need, { value: string; words: string }[]> = {
    place: (work?.places ?? []).map(({ code, name }) => ({ value: code, words: `${name} (${code})` })),
    consignment: (work?.consignments ?? [])
      .filter((each) => (each.way === "in") === (sitting.task === "receive"))
      .map(({ number: value, other }) => ({ value, words: other ? `${value} · ${other}` : value })),
    unit: [],
  };
  return (
    <div class="w-setting">
      {TASKS[sitting.task].takes.map((need) => {
        const value = sitting.setting[need];
        const listed = options[need];
        return (
          <div key={need} class={value || TASKS[sitting.task].needs !== need ? "" : "w-missing"}>
            <label class="g-label" for={`setting-${need}`}>
              {ASKS[need]()}
            </label>
            {need === "unit" ? (
              <output id="setting-unit">{value ? readable(value) : t("Scan it")}</output>
            ) : (
              <select
                id={`setting-${need}`}
                class="g-select"
                value={value ?? ""}
                onChange={(event) => {
                  void sitting.set(need, event.currentTarget.value);
                  event.currentTarget.blur();
                }}
              >
                <option value="" disabled={value !== undefined}>
                  {TASKS[sitting.task].needs === need ? t("Scan or choose it") : t("None")}
                </option>
                {value && !listed.some((each) => each.value === value) ? (
                  <option value={value}>{value}</option>
                ) : null}
                {listed.map((each) => (
                  <option key={each.value} value={each.value}>
                    {each.words}
                  </option>
                ))}
              </select>
            )}
          </div>
        );
      })}
    </div>
  );
}

const MISSING: Record<Need, () => string> = {
  place: () => t("Scan the place"),
  consignment: () => t("Scan the consignment"),
  unit: () => t("Scan the package"),
};
const TONES = { kept: "good", set: "info", wrong: "bad", full: "bad", doubt: "bad", disputed: "bad" } as const;
const SHAPES = { kept: "check", set: "info", wrong: "cross", full: "cross", doubt: "cross", disputed: "cross" } as const;

function Card({ keeper, sitting }: { keeper: Keeper; sitting: Sitting }) {
  const { last, missing } = sitting;
  const counted = (
    <p class="w-count">
      <b>{number(sitting.count)}</b> {t("scanned")}
    </p>
  );
  if (!last || (last.is === "set" && missing)) {
    return (
      <section class="w-card" role="status">
        <p class="w-word">{missing ? MISSING[missing]() : t("Scan")}</p>
        {counted}
      </section>
    );
  }
  const [large, sentence] = outcomeWords(last);
  const known = thing(keeper.named(last.code));
  // A second scan of the same thing does no harm.
  const again = last.why === "again";
  return (
    <section class={`w-card w-told g-${again ? "attention" : TONES[last.is]}`} role="status">
      <p class="w-word">
        <Shape of={again ? "attention" : SHAPES[last.is]} />
        {large}
      </p>
      <p class="w-code">{readable(last.code)}</p>
      {known ? <p>{known}</p> : null}
      {sentence ? <p class="w-sentence">{sentence}</p> : null}
      {counted}
    </section>
  );
}

function Found({ keeper, sitting }: { keeper: Keeper; sitting: Sitting }) {
  const code = sitting.recent[0]?.code;
  const named = code === undefined ? undefined : keeper.named(code);
  if (named?.known !== "own") return null;
  const place = keeper.state.work?.places.find((each) => each.code === named.place);
  const facts: [string, string | null][] = [
    [t("Number"), named.article],
    [t("Model"), named.model],
    [t("Lot"), named.lot],
    [t("State"), named.disposition && word("disposition", named.disposition)],
    [t("Place"), place ? `${place.name} (${place.code})` : named.place],
    [t("Package"), named.package],
  ];
  return (
    <section class="g-panel">
      <div class="g-panel-head">
        <h2>{t("What the register has")}</h2>
      </div>
      <div class="g-panel-body">
        <dl class="g-facts">
          {facts.map(([label, value]) =>
            value ? (
              <>
                <dt>{label}</dt>
                <dd>{value}</dd>
              </>
            ) : null,
          )}
        </dl>
      </div>
    </section>
  );
}

const STAGES = {
  kept: ["wait", "neutral", () => t("waits for the network")],
  sent: ["link", "info", () => t("sent")],
  registered: ["check", "good", () => t("in the register")],
  disputed: ["attention", "bad", () => t("disputed")],
} as const;

function Recent({ keeper, sitting }: { keeper: Keeper; sitting: Sitting }) {
  if (sitting.recent.length === 0) return null;
  return (
    <section aria-label={t("The last scans")}>
      <ol class="w-recent">
        {sitting.recent.map((kept) => (
          <Line key={kept.seq} kept={kept} keeper={keeper} />
        ))}
      </ol>
    </section>
  );
}

function Line({ kept, keeper }: { kept: Kept; keeper: Keeper }) {
  const [shape, tone, words] = STAGES[stage(kept, keeper)];
  const code = kept.code ?? "";
  return (
    <li>
      <span class="w-code">{keeper.named(code)?.article ?? readable(code)}</span>
      <span class={`w-stage g-${tone}`}>
        <Shape of={shape} />
        {words()}
      </span>
    </li>
  );
}
