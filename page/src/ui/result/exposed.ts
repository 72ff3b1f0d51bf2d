import type { Player } from "../../audio/player";

/**
 * What tests (and the curious, in the console) may read of the open separation as `window.auralflow.player`:
 *
 * - `positions()`: the sample that each track plays now on the audio clock, in the order of the tracks; empty while paused.
 *   All from one moment, so tracks that play together differ by less than one sample.
 * - `isPlaying`, `contextTime` (seconds of the audio clock) and `level` (the last peak of what is heard, 0 to 1).
 */
interface Exposed {
  positions(): number[];
  readonly isPlaying: boolean;
  readonly contextTime: number;
  readonly level: number;
}

declare global {
  interface Window {
    auralflow: { player: Exposed | null };
  }
}

window.auralflow = { player: null };

export function expose(player: Player | null): void {
  window.auralflow.player = player && {
    positions: () => player.positions(),
    get isPlaying() {
      return player.isPlaying;
    },
    get contextTime() {
      return player.context.currentTime;
    },
    get level() {
      return player.graph.output.peak;
    },
  };
}
