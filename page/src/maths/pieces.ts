/** A region of the song in samples: `from` is heard, `to` is not. */
export interface Region {
  from: number;
  to: number;
}

/** A part of one chunk, to be played as one buffer source; `next` is where the music goes on, null at its end. */
export interface Piece extends Region {
  chunk: number;
  next: number | null;
}

/** Chunks of about five seconds. */
const CHUNK_S = 5;

/**
 * Every speed on offer maps a multiple of this many samples to a whole number of samples (90 / 0.75 = 120 ...), so that a
 * chunk at any speed begins exactly on a sample of the output and seams are not heard.
 */
export const GRID = 90;
export const SPEEDS = [0.5, 0.75, 0.9, 1, 1.25, 1.5, 2] as const;

/** Shorter loops would need more buffer sources than a browser likes. */
export const SHORTEST_LOOP_S = 0.1;

export function chunkFrames(sampleRate: number): number {
  return Math.round((CHUNK_S * sampleRate) / GRID) * GRID;
}

/** The piece that sounds at `position`: up to the end of its chunk, of the loop or of the song. */
export function pieceAt(position: number, chunk: number, total: number, loop: Region | null): Piece | null {
  if (position >= total) return null;
  const inLoop = loop !== null && position < loop.to;
  const limit = inLoop ? Math.min(loop.to, total) : total;
  const index = Math.floor(position / chunk);
  const to = Math.min((index + 1) * chunk, limit);
  const ends = to === limit;
  const next = ends ? (inLoop ? loop.from : null) : to;
  return { chunk: index, from: position, to, next };
}

/** A region from two ends in any order, inside the song and not too short; null for a mere click. */
export function region(a: number, b: number, total: number, sampleRate: number): Region | null {
  const from = Math.round(Math.max(0, Math.min(a, b)));
  const to = Math.round(Math.min(total, Math.max(a, b)));
  return to - from < SHORTEST_LOOP_S * sampleRate ? null : { from, to };
}

/** A position on the grid, so that a start at another speed than 1 stays on whole samples. */
export function onGrid(position: number, speed: number): number {
  return speed === 1 ? Math.round(position) : Math.round(position / GRID) * GRID;
}
