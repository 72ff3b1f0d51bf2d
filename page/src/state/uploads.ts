// Songs on their way to the server, one after the other.
import { signal } from "@preact/signals";
import { Refusal } from "../api/client";
import { upload, type Settings } from "../api/upload";
import type { Separation } from "../api/types";

export interface Sending {
  key: number;
  file: File;
  settings: Settings;
  /** 0 to 1. */
  share: number;
  error: string | null;
  abort: AbortController;
}

export const sending = signal<readonly Sending[]>([]);

let count = 0;
let isSending = false;

export function send(files: readonly File[], settings: Settings, onSent: (item: Separation) => void): void {
  const added = files.map((file) => ({
    key: ++count,
    file,
    settings,
    share: 0,
    error: null,
    abort: new AbortController(),
  }));
  sending.value = [...sending.value, ...added];
  void sendAll(onSent);
}

export function forget(key: number): void {
  sending.value.find((item) => item.key === key)?.abort.abort();
  sending.value = sending.value.filter((item) => item.key !== key);
}

function change(key: number, part: Partial<Sending>): void {
  sending.value = sending.value.map((item) => (item.key === key ? { ...item, ...part } : item));
}

async function sendAll(onSent: (item: Separation) => void): Promise<void> {
  if (isSending) return;
  isSending = true;
  for (let next; (next = sending.value.find((item) => item.error === null));) await sendOne(next, onSent);
  isSending = false;
}

async function sendOne(item: Sending, onSent: (item: Separation) => void): Promise<void> {
  const { key, file, settings, abort } = item;
  try {
    onSent(await upload(file, settings, (share) => change(key, { share }), abort.signal));
    forget(key);
  } catch (error) {
    if (abort.signal.aborted) return;
    // The queue is full: the song waits here and is sent when the server says so.
    const wait = error instanceof Refusal ? error.retryAfter_s : null;
    if (wait !== null) await pause(Math.max(1, wait));
    else change(key, { error: error instanceof Error ? error.message : String(error) });
  }
}

const pause = (seconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, seconds * 1000));
