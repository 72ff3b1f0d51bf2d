/** The slider's lowest position means silence. */
export const SILENT_DB = -60;
export const LOUDEST_DB = 12;

/** What one track does in the mix. `pan` goes from -1 (left) to 1 (right). */
export interface Strip {
  gainDb: number;
  pan: number;
  muted: boolean;
  solo: boolean;
}

export const STRIP: Strip = { gainDb: 0, pan: 0, muted: false, solo: false };

/** Amplitude of decibels. */
export function amplitude(gainDb: number): number {
  return gainDb <= SILENT_DB ? 0 : 10 ** (gainDb / 20);
}

/** A track sounds unless it is muted; once any track is solo, only those that are. Mute wins over solo. */
export function sounds(strip: Strip, anySolo: boolean): boolean {
  return !strip.muted && (strip.solo || !anySolo);
}

/** The amplitude of every track as heard. */
export function audible(strips: ReadonlyMap<string, Strip>): Map<string, number> {
  const anySolo = [...strips.values()].some((strip) => strip.solo);
  return new Map([...strips].map(([name, strip]) => [name, sounds(strip, anySolo) ? amplitude(strip.gainDb) : 0]));
}

/** `−3.0 dB`, `+1.5 dB`, `silent`. */
export function decibels(gainDb: number): string {
  if (gainDb <= SILENT_DB) return "silent";
  const sign = gainDb > 0 ? "+" : gainDb < 0 ? "−" : "";
  return `${sign}${Math.abs(gainDb).toFixed(1)} dB`;
}

/** `centre`, `30 left`, `100 right`. */
export function side(pan: number): string {
  const percent = Math.round(Math.abs(pan) * 100);
  return percent === 0 ? "centre" : `${percent} ${pan < 0 ? "left" : "right"}`;
}

/** The gain that makes a sound of power `ours` as loud as one of power `theirs`; at most 24 dB either way. */
export function matching(ours: number, theirs: number): number {
  const silence = 1e-9;
  if (ours < silence || theirs < silence) return 1;
  return Math.min(16, Math.max(1 / 16, Math.sqrt(theirs / ours)));
}
