// Where the register does not hold what was scanned: which scan, whose, why, and what to do.

import { useEffect, useState } from "preact/hooks";
import { Shape } from "./icons.tsx";
import type { Keeper } from "./keeper.ts";
import { Frame } from "./parts.tsx";
import type { Database, Dispute, Kept } from "./store.ts";
import { t, time, word } from "./texts.ts";
import { readable, taskWord } from "./words.ts";

export function DisputesView({ keeper, database }: { keeper: Keeper; database: Database }) {
  const { disputes } = keeper.state;
  const newest = [...disputes].sort((one, other) => other.seq - one.seq);
  return (
    <Frame title={t("Disputed scans")} keeper={keeper}>
      {newest.length === 0 ? (
        <div class="g-empty">
          <Shape of="check" />
          <b>{t("The register disputes none of the scans.")}</b>
        </div>
      ) : (
        <ul class="w-disputes">
          {newest.map((each) => (
            <One key={each.seq} dispute={each} keeper={keeper} database={database} />
          ))}
        </ul>
      )}
    </Frame>
  );
}

interface Shown {
  dispute: Dispute;
  keeper: Keeper;
  database: Database;
}

function One({ dispute, keeper, database }: Shown) {
  const [kept, setKept] = useState<Kept>();
  useEffect(() => void database.get("records", dispute.seq).then(setKept), [dispute.seq]);
  const mine = kept?.operator !== undefined && kept.operator === keeper.operator;
  return (
    <li class={`g-card ${dispute.seen ? "" : "g-bad"}`}>
      <p class="w-code">{readable(kept?.code ?? "")}</p>
      <p class="g-muted">
        {kept?.task ? taskWord(kept.task) : ""} · {kept ? time(new Date(kept.at)) : ""} ·{" "}
        {t("record {seq}", { seq: dispute.seq })}
        {mine ? ` · ${t("scanned by you")}` : ""}
      </p>
      <ul class="w-why">
        {dispute.verdict === "ok" || dispute.verdict === "flagged" ? null : (
          <li>{word("verdict", dispute.verdict)}</li>
        )}
        {dispute.articles.map((each) => (
          <li key={each.article}>
            <span class="g-mono">{each.article}</span>: {word("verdict", each.verdict)}
            {each.place ? `. ${t("The register has it at {place}.", { place: each.place })}` : ""}
          </li>
        ))}
        {dispute.strange.map((each) => (
          <li key={each}>
            <span class="g-mono">{readable(each)}</span>: {word("verdict", "unknown-code")}
          </li>
        ))}
        {dispute.alerts.map((each) => (
          <li key={each}>{t("An alert was raised: {alert}", { alert: word("alert", each) })}</li>
        ))}
      </ul>
      <p>{t("Look at the thing, scan it again if you were wrong, and tell the store's officer.")}</p>
      {dispute.seen ? null : (
        <button class="g-button g-secondary" type="button" onClick={() => keeper.acknowledge(dispute)}>
          {t("I have seen it")}
        </button>
      )}
    </li>
  );
}
