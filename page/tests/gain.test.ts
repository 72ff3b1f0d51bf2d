import { describe, expect, it } from "vitest";
import { amplitude, audible, decibels, matching, side, SILENT_DB, STRIP } from "../src/maths/gain";

it("turns decibels into amplitude", () => {
  expect(amplitude(0)).toBe(1);
  expect(amplitude(-20)).toBeCloseTo(0.1, 12);
  expect(amplitude(6.0206)).toBeCloseTo(2, 5);
  expect(amplitude(SILENT_DB)).toBe(0);
});

describe("what is heard", () => {
  const mix = (changes: Record<string, object>) =>
    Object.fromEntries(
      audible(new Map(["vocals", "drums", "bass"].map((name) => [name, { ...STRIP, ...changes[name] }]))),
    );

  it("is all, at first", () => expect(mix({})).toEqual({ vocals: 1, drums: 1, bass: 1 }));
  it("is not what is muted", () => expect(mix({ drums: { muted: true } })).toEqual({ vocals: 1, drums: 0, bass: 1 }));
  it("is only what is solo", () => expect(mix({ drums: { solo: true } })).toEqual({ vocals: 0, drums: 1, bass: 0 }));
  it("can be several solos", () =>
    expect(mix({ drums: { solo: true }, bass: { solo: true } })).toEqual({ vocals: 0, drums: 1, bass: 1 }));
  it("is not a muted solo", () =>
    expect(mix({ drums: { solo: true, muted: true } })).toEqual({ vocals: 0, drums: 0, bass: 0 }));
  it("has its volume", () => expect(mix({ bass: { gainDb: -20, solo: true } }).bass).toBeCloseTo(0.1, 12));
});

it("writes gain and side as people say them", () => {
  expect([0, -3, 1.5, SILENT_DB].map(decibels)).toEqual(["0.0 dB", "−3.0 dB", "+1.5 dB", "silent"]);
  expect([0, -0.3, 1, 0.001].map(side)).toEqual(["centre", "30 left", "100 right", "centre"]);
});

describe("matching loudness", () => {
  it("makes both powers equal", () => expect(matching(0.04, 0.01) ** 2 * 0.04).toBeCloseTo(0.01, 12));
  it("leaves silence alone", () => expect([matching(0, 1), matching(1, 0)]).toEqual([1, 1]));
  it("stays within 24 dB", () => expect([matching(1e-8, 1), matching(1, 1e-8)]).toEqual([16, 1 / 16]));
});
