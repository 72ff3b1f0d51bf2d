import { describe, expect, it } from "vitest";
import { chunkFrames, GRID, onGrid, pieceAt, region, SPEEDS, type Region } from "../src/maths/pieces";

/** What is heard, sample by sample, as ranges put together. */
function heard(start: number, chunk: number, total: number, loop: Region | null, pieces: number): [number, number][] {
  const ranges: [number, number][] = [];
  for (let at: number | null = start; at !== null && ranges.length < pieces;) {
    const piece = pieceAt(at, chunk, total, loop);
    if (piece === null) break;
    expect(piece.from).toBeGreaterThanOrEqual(piece.chunk * chunk);
    expect(piece.to).toBeLessThanOrEqual((piece.chunk + 1) * chunk);
    expect(piece.to).toBeGreaterThan(piece.from);
    ranges.push([piece.from, piece.to]);
    at = piece.next;
  }
  return ranges;
}

describe("pieces", () => {
  it("cover the song without gap or overlap", () => {
    expect(heard(0, 10, 25, null, 99)).toEqual([
      [0, 10],
      [10, 20],
      [20, 25],
    ]);
    expect(heard(7, 10, 25, null, 99)).toEqual([
      [7, 10],
      [10, 20],
      [20, 25],
    ]);
    expect(heard(20, 10, 20, null, 99)).toEqual([]);
  });

  it("go round in a loop, inside one chunk", () => {
    expect(heard(2, 10, 25, { from: 3, to: 6 }, 4)).toEqual([
      [2, 6],
      [3, 6],
      [3, 6],
      [3, 6],
    ]);
  });

  it("go round in a loop, across chunks", () => {
    expect(heard(8, 10, 25, { from: 8, to: 12 }, 4)).toEqual([
      [8, 10],
      [10, 12],
      [8, 10],
      [10, 12],
    ]);
  });

  it("leave a loop alone that lies behind", () => {
    expect(heard(6, 10, 12, { from: 3, to: 6 }, 99)).toEqual([
      [6, 10],
      [10, 12],
    ]);
  });

  it("loop to the very end", () => {
    expect(heard(8, 10, 12, { from: 8, to: 12 }, 3)).toEqual([
      [8, 10],
      [10, 12],
      [8, 10],
    ]);
  });
});

describe("the grid", () => {
  it("makes whole samples of every chunk at every speed", () => {
    for (const rate of [8000, 11_025, 22_050, 44_100, 48_000, 96_000]) {
      const frames = chunkFrames(rate);
      expect(Math.abs(frames / rate - 5)).toBeLessThan(0.01);
      for (const speed of SPEEDS) expect(Math.abs(frames / speed - Math.round(frames / speed))).toBeLessThan(1e-6);
    }
  });

  it("moves a start by less than 2 ms, and not at all at normal speed", () => {
    expect(onGrid(12_345, 1)).toBe(12_345);
    expect(onGrid(12_345, 0.75) % GRID).toBe(0);
    expect(Math.abs(onGrid(12_345, 0.75) - 12_345)).toBeLessThanOrEqual(GRID / 2);
  });
});

describe("a region", () => {
  it("has its ends in order and inside the song", () => {
    expect(region(9000, 1000, 20_000, 8000)).toEqual({ from: 1000, to: 9000 });
    expect(region(-50, 90_000, 20_000, 8000)).toEqual({ from: 0, to: 20_000 });
  });
  it("is none when it is shorter than a tenth of a second", () => expect(region(1000, 1700, 20_000, 8000)).toBeNull());
});
