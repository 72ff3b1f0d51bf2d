import { describe, expect, it } from "vitest";
import { bytes, clock, parseClock, spoken, when } from "../src/maths/time";

describe("clock", () => {
  it.each([
    [0, 0, "0:00"],
    [59.999, 0, "0:59"],
    [307, 0, "5:07"],
    [3723, 0, "1:02:03"],
    [307.25, 2, "5:07.25"],
    [59.96, 1, "0:59.9"],
    [0.3, 1, "0:00.3"],
    [-2, 0, "0:00"],
  ])("%d s with %d digits is %s", (seconds, digits, text) => expect(clock(seconds, digits)).toBe(text));

  it("is read back as it was written", () => {
    for (let hundredths = 0; hundredths < 800_000; hundredths += 997) {
      expect(parseClock(clock(hundredths / 100, 2))).toBeCloseTo(hundredths / 100, 9);
    }
  });
});

describe("parseClock", () => {
  it.each([
    ["90", 90],
    [" 1:30 ", 90],
    ["1:02:03.5", 3723.5],
    ["0:12,5", 12.5],
  ])("%s", (text, seconds) => expect(parseClock(text)).toBe(seconds));
  it.each(["", "abc", "1:2:3:4", "-3", "1e3", ":30", "."])("%s is no time", (text) =>
    expect(parseClock(text)).toBeNull(),
  );
});

it("says time left as people do", () => {
  expect([0.2, 42, 61, 119, 3599, 7500].map(spoken)).toEqual([
    "1 s",
    "42 s",
    "1 min",
    "2 min",
    "1 h 0 min",
    "2 h 5 min",
  ]);
});

it("knows today", () => {
  const noon = new Date(2026, 2, 7, 12, 5);
  expect(when(noon.toISOString(), noon)).toBe("today, 12:05");
  expect(when(noon.toISOString(), new Date(2026, 2, 8))).toBe("7 Mar 2026, 12:05");
});

it("writes sizes in powers of 1000", () => {
  expect([0, 999, 1000, 1_049_999, 999_999_999, 50e9].map(bytes)).toEqual([
    "0 B",
    "999 B",
    "1.0 kB",
    "1.0 MB",
    "1.0 GB",
    "50 GB",
  ]);
});
