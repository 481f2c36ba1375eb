// A worker that reads Data Matrix, QR and Code 128 in a picture, so that the page never waits.

import { prepareZXingModule, type ReaderOptions, readBarcodes } from "zxing-wasm/reader";
import type { Picture, Seen } from "../seen.ts";

declare const self: DedicatedWorkerGlobalScope;

const OPTIONS: ReaderOptions = {
  formats: ["DataMatrix", "QRCode", "Code128"],
  maxNumberOfSymbols: 1,
  tryHarder: true,
  tryInvert: true,
  // As it is, with its separators: not as people would write it.
  textMode: "Plain",
};

prepareZXingModule({
  overrides: { locateFile: () => new URL("./decoder.wasm", self.location.href).href },
  fireImmediately: true,
});

self.onmessage = async ({ data }: MessageEvent<Picture>) => {
  // A picture that cannot be read is one with nothing in it; the next one may be.
  const [found] = await readBarcodes(data.image, OPTIONS).catch(() => []);
  const seen: Seen = {
    id: data.id,
    text: found?.isValid ? found.text : null,
    symbology: found?.symbologyIdentifier ?? "",
    gs1: found?.contentType === "GS1",
  };
  self.postMessage(seen);
};
