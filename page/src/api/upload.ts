import { OFFLINE, refusal, Refusal, server } from "./client";
import type { Separation } from "./types";

/** What is asked for a song; the fields of POST /separations. */
export interface Settings {
  model: string;
  /** Empty: all that the model has. */
  stems: string[];
  format: string;
  from_s: number | null;
  for_s: number | null;
  residual: boolean;
}

/** The fields first: the server knows what to do before the song arrives. */
export function form(file: File, settings: Settings): FormData {
  const body = new FormData();
  body.append("model", settings.model);
  if (settings.stems.length > 0) body.append("stems", settings.stems.join(","));
  body.append("format", settings.format);
  if (settings.from_s !== null) body.append("from_s", String(settings.from_s));
  if (settings.for_s !== null) body.append("for_s", String(settings.for_s));
  body.append("residual", String(settings.residual));
  body.append("file", file);
  return body;
}

/** Sends one song. An XMLHttpRequest, since `fetch` does not tell how much it has sent. */
export function upload(
  file: File,
  settings: Settings,
  onShare: (share: number) => void,
  signal: AbortSignal,
): Promise<Separation> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", server.uploadUrl);
    request.upload.onprogress = ({ loaded, total }) => onShare(total > 0 ? loaded / total : 0);
    request.onerror = () => reject(new Refusal(OFFLINE, 0));
    request.onabort = () => reject(signal.reason);
    request.onload = () => {
      if (request.status === 201) resolve(JSON.parse(request.responseText) as Separation);
      else reject(refusal(request.status, request.responseText, request.getResponseHeader("Retry-After")));
    };
    signal.addEventListener("abort", () => request.abort());
    request.send(form(file, settings));
  });
}
