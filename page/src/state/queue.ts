// The separations that the page knows, newest first: a pure reducer over what the server says.
import type { Separation } from "../api/types";

export type Change =
  | { kind: "snapshot"; items: Separation[] }
  | { kind: "older"; items: Separation[] }
  | { kind: "changed"; item: Separation }
  | { kind: "removed"; id: string };

export type Separations = readonly Separation[];

export function reduce(known: Separations, change: Change): Separations {
  switch (change.kind) {
    case "snapshot":
      return snapshot(known, change.items);
    case "older":
      return merged(known, change.items);
    case "changed":
      return merged(known, [change.item]);
    case "removed":
      return known.filter((item) => item.id !== change.id);
  }
}

/** A snapshot holds the newest: what it lacks was removed, unless it is older than all that the snapshot holds. */
function snapshot(known: Separations, items: Separation[]): Separations {
  const oldest = items.reduce(
    (least, item) => (item.created_at < least ? item.created_at : least),
    items[0]?.created_at ?? "",
  );
  return merged(
    known.filter((item) => item.created_at < oldest),
    items,
  );
}

function merged(known: Separations, items: Separation[]): Separations {
  const all = new Map([...known, ...items].map((item) => [item.id, item]));
  return [...all.values()].sort((a, b) => order(b.created_at, a.created_at) || order(b.id, a.id));
}

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const WAITING = new Set(["queued", "running"]);

export const isOpen = (item: Separation): boolean => WAITING.has(item.state);

/** What is being done first, then what waits, in the order in which it will be done. */
export function open(known: Separations): Separation[] {
  const place = (item: Separation): number => (item.state === "running" ? -1 : (item.position ?? 0));
  return known.filter(isOpen).sort((a, b) => place(a) - place(b) || order(a.created_at, b.created_at));
}

export const closed = (known: Separations): Separation[] => known.filter((item) => !isOpen(item));

/** One sentence for a screen reader when a song is done or has failed. */
export function announcement(before: Separation | undefined, now: Separation): string | null {
  if (before === undefined || before.state === now.state) return null;
  if (now.state === "done") return `${now.title} is separated.`;
  if (now.state === "failed") return `${now.title} failed. ${now.error ?? ""}`.trim();
  return now.state === "running" ? `Separating ${now.title}.` : null;
}
