import type { About, MixRequest, Model, Peaks, Separation } from "./types";

const BASE = "/api/v1";

/** What the server refused, in its own plain line. */
export class Refusal extends Error {
  constructor(
    message: string,
    readonly status: number,
    /** When the server was busy: seconds until it may be asked again. */
    readonly retryAfter_s: number | null = null,
  ) {
    super(message);
  }
}

export const OFFLINE = "The server does not answer. Is `auralflow serve` still running?";

export function refusal(status: number, text: string, retryAfter: string | null): Refusal {
  return new Refusal(
    messageIn(text) ?? `The server answered ${status}.`,
    status,
    retryAfter === null ? null : Number(retryAfter),
  );
}

function messageIn(text: string): string | null {
  try {
    const { error } = JSON.parse(text) as { error?: { message?: string } };
    return error?.message ?? null;
  } catch {
    return null;
  }
}

async function ask(path: string, options: RequestInit = {}): Promise<Response> {
  const response = await fetch(path.startsWith("/") ? path : `${BASE}/${path}`, options).catch((error: unknown) => {
    throw options.signal?.aborted ? error : new Refusal(OFFLINE, 0);
  });
  if (response.ok) return response;
  throw refusal(response.status, await response.text(), response.headers.get("Retry-After"));
}

const json = async <Kind>(path: string, options?: RequestInit): Promise<Kind> =>
  (await ask(path, options)).json() as Promise<Kind>;

const post = (body?: unknown): RequestInit =>
  body === undefined
    ? { method: "POST" }
    : { method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" } };

const one = (id: string): string => `separations/${encodeURIComponent(id)}`;

export const server = {
  about: () => json<About>("about"),
  models: () => json<Model[]>("models"),
  page: (before: string | null, limit = 50) =>
    json<{ items: Separation[]; next: string | null }>(
      `separations?limit=${limit}${before === null ? "" : `&before=${encodeURIComponent(before)}`}`,
    ),
  get: (id: string) => json<Separation>(one(id)),
  cancel: (id: string) => json<Separation>(`${one(id)}/cancel`, post()),
  retry: (id: string) => json<Separation>(`${one(id)}/retry`, post()),
  remove: async (id: string): Promise<void> => void (await ask(one(id), { method: "DELETE" })),
  peaks: (url: string, buckets: number, signal: AbortSignal) => json<Peaks>(`${url}?buckets=${buckets}`, { signal }),
  mix: async (id: string, request: MixRequest): Promise<Response> => ask(`${one(id)}/mix`, post(request)),
  truth: (id: string, files: ReadonlyMap<string, File>) => {
    const body = new FormData();
    for (const [stem, file] of files) body.append(stem, file);
    return json<Separation>(`${one(id)}/truth`, { method: "POST", body });
  },
  eventsUrl: `${BASE}/events`,
  uploadUrl: `${BASE}/separations`,
  archiveUrl: (id: string) => `${BASE}/${one(id)}/archive.zip`,
  stemMp4Url: (id: string) => `${BASE}/${one(id)}/stem.mp4`,
};
