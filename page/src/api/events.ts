import { server } from "./client";
import type { Separation } from "./types";

export interface Listener {
  snapshot(items: Separation[]): void;
  separation(item: Separation): void;
  removed(id: string): void;
  connected(isConnected: boolean): void;
}

const AGAIN_MS = 2000;

/**
 * Follows the server for as long as the page is seen; a lost connection is taken up again, with a new snapshot. A hidden tab
 * lets go: browsers allow six connections to a server, and forgotten tabs would leave none for the others.
 */
export function follow(listener: Listener): void {
  let end = open(listener);
  document.addEventListener("visibilitychange", () => {
    end();
    end = document.hidden ? () => undefined : open(listener);
  });
}

/** Connects, and gives what disconnects. */
function open(listener: Listener): () => void {
  const source = new EventSource(server.eventsUrl);
  const on = (name: string, take: (data: never) => void): void =>
    source.addEventListener(name, (event) => take(JSON.parse((event as MessageEvent<string>).data) as never));
  on("snapshot", ({ items }: { items: Separation[] }) => {
    listener.connected(true);
    listener.snapshot(items);
  });
  on("separation", (item: Separation) => listener.separation(item));
  on("removed", ({ id }: { id: string }) => listener.removed(id));
  let again: ReturnType<typeof setTimeout> | undefined;
  let end = (): void => {
    clearTimeout(again);
    source.close();
  };
  source.onerror = () => {
    listener.connected(false);
    // The browser tries again by itself, but gives up for good when it got an answer that is no stream.
    if (source.readyState !== EventSource.CLOSED) return;
    again = setTimeout(() => (end = open(listener)), AGAIN_MS);
  };
  return () => end();
}
