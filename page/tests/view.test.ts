import { describe, expect, it } from "vitest";
import { following, ticks, within, zoomed } from "../src/maths/view";

describe("zoom", () => {
  it("keeps the time under the pointer in its place", () => {
    const view = zoomed({ from: 10, to: 30 }, 4, 15, 100);
    expect(view.to - view.from).toBeCloseTo(5, 9);
    expect((15 - view.from) / 5).toBeCloseTo(0.25, 9);
  });
  it("ends at the whole song", () =>
    expect(zoomed({ from: 10, to: 30 }, 1 / 99, 15, 100)).toEqual({ from: 0, to: 100 }));
  it("stays inside the song", () => {
    expect(within({ from: -5, to: 5 }, 100)).toEqual({ from: 0, to: 10 });
    expect(within({ from: 95, to: 105 }, 100)).toEqual({ from: 90, to: 100 });
    expect(within({ from: 0, to: 3 }, 2)).toEqual({ from: 0, to: 2 });
  });
});

it("turns the page when the playhead leaves it", () => {
  const view = { from: 10, to: 20 };
  expect(following(view, 15, 100)).toBe(view);
  expect(following(view, 20.5, 100)).toEqual({ from: 20.5, to: 30.5 });
  expect(following(view, 99, 100)).toEqual({ from: 90, to: 100 });
});

it("labels round times only, and not too many", () => {
  expect(ticks({ from: 0, to: 180 }, 6)).toEqual({ step: 30, times: [0, 30, 60, 90, 120, 150, 180] });
  const { step, times } = ticks({ from: 61.3, to: 61.9 }, 10);
  expect(step).toBe(0.1);
  expect(times.length).toBe(7);
  expect(times[0]).toBeCloseTo(61.3, 9);
});
