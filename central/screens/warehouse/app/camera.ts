// The phone's camera as a reader: frames go to the decoder, what it sees comes back once.

import type { Scan } from "./record.ts";
import type { Picture, Seen } from "./seen.ts";

/** The same code counts again after it was out of sight for so long. */
const AGAIN_MS = 1_500;
/** Of the square in the middle that is looked at, in pixels: enough for a mark of 8 mm at 15 cm. */
const LARGEST = 720;

export class Camera {
  private stopped = false;
  private stream: MediaStream | null = null;
  private worker: Worker | null = null;
  private readonly canvas = document.createElement("canvas");
  private frame = 0;
  private lastSeen = { text: "", at: 0 };

  constructor(
    private readonly decoder: string,
    private readonly saw: (scan: Scan) => void,
    private readonly failed: (error: Error) => void,
  ) {}

  /** Throws `NotAllowedError`, `NotFoundError` or `NotReadableError`, as the browser does. */
  async start(video: HTMLVideoElement): Promise<void> {
    const wished = { facingMode: "environment", width: { ideal: 1280 }, height: { ideal: 720 } };
    this.stream = await navigator.mediaDevices.getUserMedia({ video: wished, audio: false });
    if (this.stopped) return this.stop();
    video.srcObject = this.stream;
    await video.play();
    if (this.stopped) return this.stop();
    this.worker = new Worker(this.decoder, { type: "module" });
    this.worker.onerror = () => this.failed(new Error("decoder"));
    this.worker.onmessage = ({ data }: MessageEvent<Seen>) => this.answered(video, data);
    this.look(video);
  }

  stop(): void {
    this.stopped = true;
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.worker?.terminate();
    this.stream = this.worker = null;
  }

  private look(video: HTMLVideoElement): void {
    video.requestVideoFrameCallback(() => {
      if (!this.worker) return;
      const side = Math.min(video.videoWidth, video.videoHeight);
      const size = Math.min(side, LARGEST);
      this.canvas.width = this.canvas.height = size;
      const context = this.canvas.getContext("2d", { willReadFrequently: true })!;
      const [left, top] = [(video.videoWidth - side) / 2, (video.videoHeight - side) / 2];
      context.drawImage(video, left, top, side, side, 0, 0, size, size);
      const image = context.getImageData(0, 0, size, size);
      this.frame += 1;
      performance.mark(`frame-${this.frame}`);
      const picture: Picture = { id: this.frame, image };
      this.worker.postMessage(picture, [image.data.buffer]);
    });
  }

  private answered(video: HTMLVideoElement, seen: Seen): void {
    performance.measure("decode", `frame-${seen.id}`);
    performance.clearMarks(`frame-${seen.id}`);
    const now = Date.now();
    if (seen.text !== null) {
      const fresh = seen.text !== this.lastSeen.text || now - this.lastSeen.at > AGAIN_MS;
      this.lastSeen = { text: seen.text, at: now };
      // A GS1 symbol is told from another by its identifier alone.
      const code = seen.gs1 ? seen.symbology + seen.text : seen.text;
      if (fresh) this.saw({ code, way: "camera", symbology: seen.symbology });
    }
    this.look(video);
  }
}
