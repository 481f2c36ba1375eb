// The app: opens what is kept, is the one window that works, and shows the view of the address.

import { render } from "preact";
import { useEffect, useReducer, useState } from "preact/hooks";
import { DeviceView, pseudonym } from "./device.tsx";
import { DisputesView } from "./disputes.tsx";
import { EnrolView } from "./enrol.tsx";
import { invitation } from "./enrolment.ts";
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
    if (!keeper || !isTask(where)) return setSitting(null);
    void Sitting.at(database, keeper, where, () => redraw(0)).then(setSitting);
  }, [keeper, where]);
  useEffect(() => sitting?.learned());

  const take = (scan: Scan): void => {
    if (sitting) void sitting.take(scan);
    else if (keeper && where === "device") void pseudonym(scan.code).then((who) => keeper.signIn(who));
  };
  useKeys(take);

  if (again || !(device || keeper)) {
    const ended = keeper?.state.ended ?? device?.latch ?? null;
    const enrolled = (): void => {
      location.replace("#/");
      location.reload();
    };
    return <EnrolView database={database} ended={ended} onDevice={enrolled} />;
  }
  if (!keeper) return null;
  if (sitting && sitting.task === where) return <TaskView keeper={keeper} sitting={sitting} take={take} />;
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

void main();
