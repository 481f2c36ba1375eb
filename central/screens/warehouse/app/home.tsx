// The tasks, one touch away; above them what stands in the way of working, if anything does.

import { Shape, Sign } from "./icons.tsx";
import { TASKS } from "./judge.ts";
import type { Keeper } from "./keeper.ts";
import { Frame, Notice } from "./parts.tsx";
import type { Task } from "./record.ts";
import { many, t, word } from "./texts.ts";
import { useUpdate } from "./updates.ts";
import { taskWord } from "./words.ts";

export function HomeView({ keeper, onEnrol }: { keeper: Keeper; onEnrol: () => void }) {
  const { ended, work, disputes, fault, clock } = keeper.state;
  const unseen = disputes.filter((each) => !each.seen).length;
  const update = useUpdate();
  const place = work?.places.find((each) => each.code === work.place);
  return (
    <Frame title={place?.name ?? t("Warehouse")} keeper={keeper} home>
      {ended ? (
        <Notice tone="bad" shape="latch" title={t("This device has ended")} alert>
          <p>{word("ended", ended)}</p>
          <p>
            {t("What was scanned and not sent stays here, to be saved as a file. Tell the officer, who invites it anew.")}{" "}
            <a href="#/device">{t("This device")}</a>
          </p>
          <p>
            <button class="g-button g-secondary" type="button" onClick={onEnrol}>
              {t("Enrol anew")}
            </button>
          </p>
        </Notice>
      ) : null}
      {work && !work.working ? (
        <Notice tone="attention">
          <p>{t("The register has this device, its place or its entity as inactive: its scans count for nothing until that ends.")}</p>
        </Notice>
      ) : null}
      {clock ? (
        <Notice tone="attention">
          <p>{many(Math.abs(clock), "This device's clock is wrong by {n} minute. Set it: the register takes no scan of the future.")}</p>
        </Notice>
      ) : null}
      {fault ? (
        <a class="g-card g-attention" href="#/device">
          {t("The register did not take the scans; they are kept here.")}
        </a>
      ) : null}
      {unseen ? (
        <a class="g-card g-bad w-unseen" href="#/disputes">
          <Shape of="attention" />
          <b>{many(unseen, "The register disputes {n} scan")}</b>
        </a>
      ) : null}
      {update ? (
        <button class="g-button g-secondary" type="button" onClick={update}>
          {t("A new version is here. Use it now")}
        </button>
      ) : null}
      <ul class="w-tasks">
        {(Object.keys(TASKS) as Task[]).map((task) => (
          <li key={task}>
            <a href={`#/${task}`} aria-disabled={ended !== null}>
              <Sign of={task} />
              <span>{taskWord(task)}</span>
            </a>
          </li>
        ))}
      </ul>
      <p class="w-more">
        <a href="#/disputes">{t("Disputed scans")}</a>
        <a href="#/device">{t("This device")}</a>
      </p>
    </Frame>
  );
}
