// The device itself: who it is, who works with it, how much room it has, and how the app looks.

import { useEffect, useState } from "preact/hooks";
import { hex, sha256, utf8 } from "./bytes.ts";
import type { Keeper } from "./keeper.ts";
import { look, type Theme, theme } from "./look.ts";
import { Frame, Notice, Typed } from "./parts.tsx";
import { type Database, type Former, records } from "./store.ts";
import { chosen, type Language, many, number, t } from "./texts.ts";

interface Shown {
  keeper: Keeper;
  database: Database;
  onLanguage: (language: Language) => void;
}

/** As a gateway names a badge: one person has one pseudonym everywhere. */
export const pseudonym = async (badge: string): Promise<string> =>
  hex(await sha256(utf8(`gjurma/v1/badge\n${badge.trim()}`)));

export function DeviceView({ keeper, database, onLanguage }: Shown) {
  const { state, device } = keeper;
  const [room, setRoom] = useState("");
  const [looks, setLooks] = useState(theme());
  useEffect(() => {
    void navigator.storage.estimate().then(({ quota = 0, usage = 0 }) => {
      setRoom(t("{n} MB free", { n: number(Math.floor((quota - usage) / 1e6)) }));
    });
  }, [chosen()]);
  const place = state.work?.places.find((each) => each.code === state.work?.place);
  const facts: [string, string][] = [
    [t("Device"), device.name],
    [t("Entity"), state.work ? `${state.work.entity_name} (${state.work.entity})` : "–"],
    [t("Place"), place ? `${place.name} (${place.code})` : (state.work?.place ?? "–")],
    [t("Enrolment"), String(device.epoch)],
    [t("Records kept"), number(state.last)],
    [t("Records at the register"), number(state.committed)],
    [t("Room"), room],
  ];
  return (
    <Frame title={t("This device")} keeper={keeper}>
      {state.fault ? (
        <Notice tone="attention" title={t("The register did not take the scans; they are kept here.")} alert>
          <p class="g-mono">{state.fault}</p>
        </Notice>
      ) : null}
      <section class="g-panel">
        <div class="g-panel-head">
          <h2>{t("Who works with it")}</h2>
        </div>
        <div class="g-panel-body">
          {keeper.operator ? (
            <>
              <p>
                {t("Signed in by the badge {badge}…", { badge: keeper.operator.slice(0, 8) })}
              </p>
              <button class="g-button g-secondary" type="button" onClick={() => keeper.signIn(undefined)}>
                {t("Sign out")}
              </button>
            </>
          ) : (
            <>
              <p>{t("Scan your badge: your scans will say so, and what is disputed is shown as yours.")}</p>
              <Typed
                label={t("Or type its number")}
                onCode={async (code) => keeper.signIn(await pseudonym(code))}
              />
            </>
          )}
        </div>
      </section>
      <section class="g-panel">
        <div class="g-panel-body">
          <dl class="g-facts">
            {facts.map(([label, value]) => (
              <>
                <dt>{label}</dt>
                <dd>{value}</dd>
              </>
            ))}
          </dl>
        </div>
      </section>
      <Unsent database={database} keeper={keeper} />
      <section class="w-looks">
        <Segments
          label={t("Language")}
          chosen={chosen()}
          options={[
            ["sq", "Shqip"],
            ["en", "English"],
          ]}
          onChoice={onLanguage}
        />
        <Segments<Theme>
          label={t("Appearance")}
          chosen={looks}
          options={[
            ["auto", t("As the system")],
            ["light", t("Light")],
            ["dark", t("Dark")],
          ]}
          onChoice={(wished) => {
            look(wished);
            setLooks(wished);
          }}
        />
      </section>
    </Frame>
  );
}

/** A record with whose it is: of its own it says no name. */
const attributed = ({ name, epoch, line }: Former): string =>
  `${JSON.stringify({ gateway: name, epoch, record: line })}\n`;

/** Scans that were not sent before the device ended: the register takes no signature of its key. */
function Unsent({ database, keeper }: { database: Database; keeper: Keeper }) {
  const [lines, setLines] = useState<string[]>([]);
  const { ended, committed, last } = keeper.state;
  useEffect(() => {
    const now = ended ? records(database, committed + 1, last) : Promise.resolve([]);
    const { name, epoch } = keeper.device;
    void Promise.all([database.getAll("former"), now]).then(([former, unsent]) =>
      setLines([...former, ...unsent.map((each) => ({ ...each, name, epoch }))].map(attributed)),
    );
  }, [ended, committed, last]);
  if (lines.length === 0) return null;
  const file = URL.createObjectURL(new Blob(lines, { type: "application/jsonl" }));
  return (
    <Notice tone="attention">
      <p>{many(lines.length, "{n} record was not sent before its device ended. Give the file to the officer.")}</p>
      <p>
        <a class="g-button g-secondary" href={file} download="gjurma-scans.jsonl">
          {t("Save as a file")}
        </a>
      </p>
    </Notice>
  );
}

interface Choice<T extends string> {
  label: string;
  chosen: T;
  options: [T, string][];
  onChoice: (value: T) => void;
}

export const Segments = <T extends string>({ label, chosen: now, options, onChoice }: Choice<T>) => (
  <p class="g-segments" role="group" aria-label={label}>
    {options.map(([value, words]) => (
      <button
        key={value}
        type="button"
        lang={value === "sq" || value === "en" ? value : undefined}
        aria-pressed={value === now}
        onClick={() => onChoice(value)}
      >
        {words}
      </button>
    ))}
  </p>
);
