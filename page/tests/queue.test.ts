import { describe, expect, it } from "vitest";
import type { Separation } from "../src/api/types";
import { announcement, closed, open, reduce, type Separations } from "../src/state/queue";

/** Made at minute `minute`. */
function item(id: string, minute: number, part: Partial<Separation> = {}): Separation {
  return {
    id,
    title: id,
    state: "done",
    progress: 1,
    eta_s: null,
    position: null,
    error: null,
    warnings: [],
    model: "default",
    stems: ["vocals"],
    format: "auto",
    from_s: null,
    for_s: null,
    created_at: `2026-01-01T00:${String(minute).padStart(2, "0")}:00Z`,
    finished_at: null,
    duration_s: 10,
    sample_rate: 44_100,
    channels: 2,
    size_bytes: 1,
    tracks: [],
    scores: null,
    ...part,
  };
}

const ids = (items: readonly Separation[]): string => items.map(({ id }) => id).join("");
const known: Separations = [item("c", 3), item("b", 2), item("a", 1)];

describe("the list", () => {
  it("has the newest first, whatever comes when", () => {
    const one = reduce([], { kind: "changed", item: item("b", 2) });
    const two = reduce(one, { kind: "changed", item: item("c", 3) });
    expect(ids(reduce(two, { kind: "older", items: [item("a", 1)] }))).toBe("cba");
  });
  it("changes in place", () => {
    const changed = reduce(known, { kind: "changed", item: item("b", 2, { progress: 0.5 }) });
    expect(ids(changed)).toBe("cba");
    expect(changed[1]?.progress).toBe(0.5);
  });
  it("forgets what is removed", () => expect(ids(reduce(known, { kind: "removed", id: "b" }))).toBe("ca"));
  it("forgets what a snapshot lacks, but keeps what is older than it", () => {
    expect(ids(reduce(known, { kind: "snapshot", items: [item("d", 4), item("b", 2)] }))).toBe("dba");
    expect(ids(reduce(known, { kind: "snapshot", items: [] }))).toBe("");
  });
  it("is never changed itself", () => {
    const before = JSON.stringify(known);
    reduce(known, { kind: "snapshot", items: [item("b", 2, { title: "new" })] });
    expect(JSON.stringify(known)).toBe(before);
  });
});

it("shows what is done first, then what waits in its order", () => {
  const items = [
    item("d", 9, { state: "queued", position: 1 }),
    item("c", 3, { state: "queued", position: 2 }),
    item("b", 2, { state: "running" }),
    item("a", 1, { state: "failed" }),
  ];
  expect(ids(open(items))).toBe("bdc");
  expect(ids(closed(items))).toBe("a");
});

it("speaks when something ends, and only then", () => {
  const running = item("Song", 1, { state: "running" });
  expect(announcement(running, item("Song", 1))).toBe("Song is separated.");
  expect(announcement(running, item("Song", 1, { state: "failed", error: "It is no sound." }))).toBe(
    "Song failed. It is no sound.",
  );
  expect(announcement(running, { ...running, progress: 0.7 })).toBeNull();
  expect(announcement(undefined, item("Song", 1))).toBeNull();
});
