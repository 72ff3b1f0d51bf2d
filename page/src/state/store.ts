// What the whole page shares. Components read these signals and are drawn anew when they change.
import { signal } from "@preact/signals";
import { server } from "../api/client";
import { follow } from "../api/events";
import type { About, Model, Separation } from "../api/types";
import { announcement, reduce, type Change, type Separations } from "./queue";

export const separations = signal<Separations>([]);
export const about = signal<About | null>(null);
export const models = signal<Model[]>([]);
export const isConnected = signal(true);
/** The first snapshot has come: an empty list is an empty list. */
export const isLoaded = signal(false);
/** Read out by screen readers. */
export const spokenLine = signal("");
/** The last thing that went wrong, in one line. */
export const trouble = signal<string | null>(null);
/** Where the list goes on, in words of the server: null at its end, undefined before it was asked. */
const older = signal<string | null | undefined>(undefined);

export function apply(change: Change): void {
  separations.value = reduce(separations.value, change);
}

export function find(id: string): Separation | undefined {
  return separations.value.find((item) => item.id === id);
}

/** Runs what the user asked for; its failure becomes the line at the top. */
export async function attempt<Result>(action: () => Promise<Result>): Promise<Result | undefined> {
  try {
    const result = await action();
    trouble.value = null;
    return result;
  } catch (error) {
    trouble.value = error instanceof Error ? error.message : String(error);
    return undefined;
  }
}

export const cancel = (id: string) => attempt(async () => apply({ kind: "changed", item: await server.cancel(id) }));
export const retry = (id: string) => attempt(async () => apply({ kind: "changed", item: await server.retry(id) }));
export const remove = (id: string) =>
  attempt(async () => {
    await server.remove(id);
    apply({ kind: "removed", id });
    about.value = await server.about();
  });

const PAGE = 100;

export const hasOlder = (): boolean => older.value !== null && separations.value.length >= PAGE;

export const loadOlder = () =>
  attempt(async () => {
    // The snapshot has the newest ones but not where they end.
    const from = older.value === undefined ? (await server.page(null, PAGE)).next : older.value;
    const { items, next } = from === null ? { items: [], next: null } : await server.page(from, PAGE);
    apply({ kind: "older", items });
    older.value = next;
  });

export function start(): void {
  loadFacts();
  follow({
    connected: (value) => (isConnected.value = value),
    snapshot: (items) => {
      apply({ kind: "snapshot", items });
      isLoaded.value = true;
      if (about.value === null) loadFacts();
    },
    separation: changed,
    removed: (id) => apply({ kind: "removed", id }),
  });
}

function loadFacts(): void {
  void attempt(async () => {
    [about.value, models.value] = await Promise.all([server.about(), server.models()]);
  });
}

function changed(item: Separation): void {
  const line = announcement(find(item.id), item);
  if (line !== null) spokenLine.value = line;
  const isNewlyDone = item.state === "done" && find(item.id)?.state !== "done";
  apply({ kind: "changed", item });
  if (isNewlyDone)
    void server.about().then(
      (value) => (about.value = value),
      () => undefined,
    );
}
