// The app: opens what is kept, is the one window that works, and shows the view of the address.

import { render } from "preact";
import { useEffect, useReducer, useState } from "preact/hooks";
import { DeviceView, pseudonym } from "./device.tsx";
import { DisputesView } from "./disputes.tsx";
import { EnrolView } from "./enrol.tsx";
import { invitation } from "./enrolment.ts";
import { feel } from "./feel.ts";
import { HomeView } from "./home.tsx";
import { TASKS } from "./judge.ts";
import { Keeper } from "./keeper.ts";
import { look, theme } from "./look.ts";
import type { Scan, Task } from "./record.ts";
import { Sitting } from "./sitting.ts";
import { type Database, type Device, open } from "./store.ts";
import { hold, waited } from "./tab.ts";
import { TaskView } from "./task.tsx";
import { chosen, speak, t } from "./texts.ts";
import { useKeys } from "./typing.ts";
import { keepFiles } from "./updates.ts";

const view = (): string => location.hash.replace(/^#\//, "");
const isTask = (name: string): name is Task => name in TASKS;

function App({ database, device }: { database: Database; device: Device | null }) {
  const [, redraw] = useReducer((count: number) => count + 1, 0);
  const [keeper, setKeeper] = useState<Keeper | null>(null);
  const [sitting, setSitting] = useState<Sitting | null>(null);
  const [where, setWhere] = useState(view());
  const [again, setAgain] = useState(invitation(location.href) !== null);

  useEffect(() => {
    const moved = () => setWhere(view());
    addEventListener("hashchange", moved);
    return () => removeEventListener("hashchange", moved);
  }, []);

  async function work(as: Device): Promise<void> {
    const made = await Keeper.started(database, as, () => redraw(0));
    setKeeper(made);
    void made.run();
  }
  useEffect(() => {
    if (device) void work(device);
  }, []);

  useEffect(() => {
    setSitting(null);
    if (!keeper || !isTask(where)) return;
    if (TASKS[where].takes.some((need) => need !== "unit")) keeper.look();
    let left = false;
    void Sitting.at(database, keeper, where, () => redraw(0)).then((made) => left || setSitting(made));
    return () => {
      left = true;
    };
  }, [keeper, where]);
  useEffect(() => sitting?.learned());

  const take = (scan: Scan): void => {
    if (sitting?.task === where && !keeper?.state.ended) void sitting.take(scan);
    else if (keeper && where === "device") void pseudonym(scan.code).then((who) => keeper.signIn(who));
    // Nothing takes it here: who scans without looking has to hear that.
    else feel("wrong");
  };
  useKeys(take);

  if (again || !(device || keeper)) {
    const state = keeper?.state;
    const unsent = state ? state.last - state.committed : 0;
    const now = device && { name: device.name, unsent, ended: Boolean(state?.ended ?? device.latch) };
    const enrolled = (): void => {
      location.replace("#/");
      location.reload();
    };
    return (
      <EnrolView
        database={database}
        now={now}
        onDevice={enrolled}
        onCancel={() => setAgain(false)}
      />
    );
  }
  if (!keeper) return null;
  if (sitting && sitting.task === where && !keeper.state.ended) return <TaskView keeper={keeper} sitting={sitting} take={take} />;
  if (where === "disputes") return <DisputesView keeper={keeper} database={database} />;
  if (where === "device") {
    const onLanguage = (language: "sq" | "en") => void speak(language).then(() => redraw(0));
    return <DeviceView keeper={keeper} database={database} onLanguage={onLanguage} />;
  }
  return <HomeView keeper={keeper} onEnrol={() => setAgain(true)} />;
}

async function main(): Promise<void> {
  look(theme());
  const root = document.getElementById("app")!;
  await speak(chosen());
  document.title = `${t("Warehouse")} · gjurma`;
  if (!(await hold())) {
    render(<p class="w-elsewhere">{t("The app is open in another window. Close that one, and this one goes on.")}</p>, root);
    await waited();
  }
  const database = await open();
  const device = (await database.get("device", "device")) ?? null;
  root.replaceChildren();
  render(<App database={database} device={device} />, root);
  await keepFiles();
}

// What cannot be opened says so: a blank page would leave somebody with a full store of scans.
main().catch((error: unknown) => {
  const root = document.getElementById("app")!;
  const told = document.createElement("p");
  told.className = "w-elsewhere";
  told.textContent = `${t("The app cannot open its store here. Nothing of it is lost. It needs a browser that keeps data, by https.")} (${String(error)})`;
  root.replaceChildren(told);
});
