// The first screen of a device that is none yet: by the officer's QR code, or typed.

import { useEffect, useState } from "preact/hooks";
import { enrolled, type Invitation, invitation } from "./enrolment.ts";
import { Shape } from "./icons.tsx";
import { Notice, Viewfinder } from "./parts.tsx";
import { Refused } from "./register.ts";
import type { Database } from "./store.ts";
import { many, t } from "./texts.ts";

interface Shown {
  database: Database;
  /** The device that it is, and how many of its scans were not sent; none where it is none yet. */
  now: { name: string; unsent: number; ended: boolean } | null;
  onDevice: () => void;
  onCancel: () => void;
}

export function EnrolView({ database, now, onDevice, onCancel }: Shown) {
  const [invited, setInvited] = useState<Invitation | null>(invitation(location.href));
  const [fault, setFault] = useState("");
  const [busy, setBusy] = useState(false);
  const [camera, setCamera] = useState(false);
  // The code is good once, and stays in no history.
  useEffect(() => {
    if (invited) history.replaceState(null, "", location.pathname);
  }, []);

  async function enrol(how: Invitation): Promise<void> {
    setBusy(true);
    setFault("");
    try {
      await enrolled(database, how);
      onDevice();
    } catch (error) {
      setBusy(false);
      setInvited(null);
      setFault(
        error instanceof Refused
          ? t("The register refuses this code: it is used, too old, or for another device. Ask the officer for a new one.")
          : t("The register cannot be reached. To enrol, this device needs the network once."),
      );
    }
  }

  return (
    <main id="main" class="w-enrol" tabIndex={-1}>
      <svg class="w-brand" aria-hidden="true">
        <use href="#s-brand" />
      </svg>
      <h1>{t("Enrol this device")}</h1>
      {now && !now.ended ? (
        <Notice tone="attention" title={t("This browser is the device {name} already", { name: now.name })}>
          <p>{t("Enrolling ends that device. What it has not sent yet stays here, to be saved as a file.")}</p>
          {now.unsent ? <p>{many(now.unsent, "{n} record was not sent yet.")}</p> : null}
        </Notice>
      ) : null}
      {now?.ended ? (
        <Notice tone="attention" shape="latch">
          <p>{t("The device that this was has ended. All that it sent is in the register.")}</p>
        </Notice>
      ) : null}
      {fault ? (
        <Notice tone="bad" alert>
          <p>{fault}</p>
        </Notice>
      ) : null}
      {invited ? (
        <>
          <p>
            {t("It becomes the register's device")} <b class="g-mono w-name">{invited.name}</b>.{" "}
            {t("Its key stays in it, and nobody can take it out.")}
          </p>
          <button class="g-button" type="button" disabled={busy} onClick={() => enrol(invited)}>
            {busy ? t("Enrolling…") : t("Enrol")}
          </button>
          {now && !now.ended ? (
            <button class="g-button g-secondary" type="button" disabled={busy} onClick={onCancel}>
              {t("Leave it as it is")}
            </button>
          ) : null}
        </>
      ) : (
        <>
          <p>{t("An officer opens the device's page in the register and invites it. Scan the QR code that stands there.")}</p>
          {camera ? (
            <Viewfinder onScan={({ code }) => setInvited(invitation(code) ?? invited)} />
          ) : (
            <button class="g-button" type="button" onClick={() => setCamera(true)}>
              {t("Use the camera")}
            </button>
          )}
          <ByHand onInvitation={setInvited} />
        </>
      )}
    </main>
  );
}

function ByHand({ onInvitation }: { onInvitation: (invited: Invitation) => void }) {
  const [name, setName] = useState("");
  const [code, setCode] = useState("");
  const [wrong, setWrong] = useState(false);
  return (
    <details>
      <summary>{t("Or type what stands beside it")}</summary>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          const found = invitation(`#enrol=${name.trim().toLowerCase()},${code.trim().toUpperCase()}`);
          setWrong(found === null);
          if (found) onInvitation(found);
        }}
      >
        <div class={`g-field ${wrong ? "g-invalid" : ""}`}>
          <label class="g-label" for="enrol-name">
            {t("The device's name")}
          </label>
          {wrong ? (
            <p class="g-error" id="enrol-error">
              <Shape of="attention" />
              <span>{t("A name is like gramsh.phone-1, a code has four groups of five.")}</span>
            </p>
          ) : null}
          <input
            id="enrol-name"
            class="g-input"
            autocomplete="off"
            autocapitalize="none"
            aria-describedby={wrong ? "enrol-error" : undefined}
            value={name}
            onInput={(event) => setName(event.currentTarget.value)}
          />
        </div>
        <div class="g-field">
          <label class="g-label" for="enrol-code">
            {t("The one-time code")}
          </label>
          <input
            id="enrol-code"
            class="g-input"
            autocomplete="off"
            autocapitalize="characters"
            value={code}
            onInput={(event) => setCode(event.currentTarget.value)}
          />
        </div>
        <div class="g-buttons">
          <button class="g-button g-secondary" type="submit">
            {t("Go on")}
          </button>
        </div>
      </form>
    </details>
  );
}
