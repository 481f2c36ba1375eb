// Pieces of several views: the top bar, a field that is scanned or typed into, the camera's picture.

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { Camera } from "./camera.ts";
import { Shape, Sign } from "./icons.tsx";
import type { Keeper } from "./keeper.ts";
import type { Scan } from "./record.ts";
import { many, t } from "./texts.ts";

/** The first record of an epoch opens it, and is no scan. */
const OPENING = 1;

export function LinkTag({ keeper }: { keeper: Keeper }) {
  const { link, last, committed } = keeper.state;
  const left = last - Math.max(committed, OPENING);
  if (link === "ended") return <Tag tone="bad" shape="latch" words={t("Ended")} />;
  if (link === "offline") {
    const words = left ? many(left, "No network, {n} scan waits") : t("No network");
    return <Tag tone="attention" shape="offline" words={words} />;
  }
  if (left) return <Tag tone="info" shape="wait" words={many(left, "{n} scan on its way")} />;
  return <Tag tone="good" shape="check" words={t("All sent")} />;
}

export const Tag = ({ tone, shape, words }: { tone: string; shape: string; words: string }) => (
  <span class={`g-tag g-${tone}`}>
    <Shape of={shape} />
    {words}
  </span>
);

interface Told {
  tone: "attention" | "bad";
  shape?: string;
  /** It speaks of what has just happened, and interrupts. */
  alert?: boolean;
  title?: string;
  children: ComponentChildren;
}

/** What a person has to have read. */
export const Notice = ({ tone, shape = tone, alert = false, title, children }: Told) => (
  <div class={`g-notice g-${tone}`} role={alert ? "alert" : undefined}>
    <Shape of={shape} />
    <div>
      {title ? <p class="g-notice-title">{title}</p> : null}
      {children}
    </div>
  </div>
);

interface Framed {
  title: string;
  keeper: Keeper;
  home?: boolean;
  children: ComponentChildren;
}

export const Frame = ({ title, keeper, home, children }: Framed) => (
  <>
    <header class="w-top">
      {home ? (
        <svg class="w-brand" aria-hidden="true">
          <use href="#s-brand" />
        </svg>
      ) : (
        <a class="w-back" href="#/" aria-label={t("Back to the tasks")}>
          <Sign of="back" />
        </a>
      )}
      <h1>{title}</h1>
      <span role="status">
        <LinkTag keeper={keeper} />
      </span>
    </header>
    <main id="main" tabIndex={-1}>
      {children}
    </main>
  </>
);

export function Typed({ label, onCode }: { label: string; onCode: (code: string) => void }) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <form
      class="w-typed"
      onSubmit={(event) => {
        event.preventDefault();
        const code = input.current!.value.trim();
        input.current!.value = "";
        if (code) onCode(code);
      }}
    >
      <label class="g-label" for="typed">
        {label}
      </label>
      <div>
        <input
          id="typed"
          class="g-input"
          ref={input}
          autocomplete="off"
          autocapitalize="characters"
          spellcheck={false}
          enterkeyhint="done"
          maxLength={2000}
        />
        <button class="g-button g-secondary" type="submit">
          {t("Add")}
        </button>
      </div>
    </form>
  );
}

const NO_CAMERA: Record<string, () => string> = {
  NotAllowedError: () =>
    t("This app may not use the camera. Allow it in the browser's settings for this page."),
  NotFoundError: () => t("This device has no camera."),
  NotReadableError: () => t("Another app uses the camera. Close it, then try again."),
};

export function Viewfinder({ onScan }: { onScan: (scan: Scan) => void }) {
  const video = useRef<HTMLVideoElement>(null);
  const [fault, setFault] = useState("");
  const saw = useRef(onScan);
  saw.current = onScan;
  useEffect(() => {
    const failed = (error: Error): void => {
      const other = () => t("The camera cannot be used: {error}", { error: error.message });
      setFault((NO_CAMERA[error.name] ?? other)());
    };
    const decoder = document.documentElement.dataset["decoder"]!;
    const camera = new Camera(decoder, (scan) => saw.current(scan), failed);
    camera.start(video.current!).catch(failed);
    return () => camera.stop();
  }, []);
  if (fault) {
    return (
      <Notice tone="bad" alert>
        <p>{fault}</p>
      </Notice>
    );
  }
  return (
    <div class="w-camera">
      <video ref={video} muted playsInline aria-label={t("What the camera sees")} />
    </div>
  );
}
