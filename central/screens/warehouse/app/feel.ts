// What a scan sounds and feels like: in a loud hall a hand knows before the eye does.

export type Feeling = "good" | "setting" | "wrong";

const TONES: Record<Feeling, { notes: number[]; each: number; shape: OscillatorType }> = {
  good: { notes: [1320], each: 0.07, shape: "sine" },
  setting: { notes: [660, 990], each: 0.08, shape: "sine" },
  wrong: { notes: [180, 180], each: 0.22, shape: "square" },
};
const SHAKES: Record<Feeling, number[]> = { good: [40], setting: [30, 40, 30], wrong: [180, 90, 180] };

let context: AudioContext | null = null;

/** A device that cannot sound is used by the eye; what is felt is never a reason for a fault. */
export function feel(feeling: Feeling): void {
  try {
    navigator.vibrate?.(SHAKES[feeling]);
    sound(feeling);
  } catch (error) {
    console.info(error);
  }
}

function sound(feeling: Feeling): void {
  // A browser lets a page sound once somebody has touched it.
  context ??= new AudioContext();
  if (context.state === "suspended") void context.resume();
  const { notes, each, shape } = TONES[feeling];
  notes.forEach((frequency, index) => {
    const begins = context!.currentTime + index * each * 1.3;
    const gain = context!.createGain();
    gain.gain.setValueAtTime(0.25, begins);
    gain.gain.exponentialRampToValueAtTime(0.001, begins + each);
    gain.connect(context!.destination);
    const tone = context!.createOscillator();
    tone.type = shape;
    tone.frequency.value = frequency;
    tone.connect(gain);
    tone.start(begins);
    tone.stop(begins + each);
  });
}
