// Where samples come from: a track of the server, read in parts.
import { decode, parseWav, type WavLayout } from "./wav";

/** One track that can give any part of itself. */
export interface Source {
  name: string;
  frames: number;
  sampleRate: number;
  channels: number;
  read(from: number, to: number, signal: AbortSignal): Promise<Float32Array<ArrayBuffer>[]>;
}

/** Room for the header and any tags in front of the samples. */
const HEAD_BYTES = 64 * 1024;

async function fetchRange(url: string, from: number, to: number, signal?: AbortSignal): Promise<Response> {
  const headers = { Range: `bytes=${from}-${to - 1}` };
  const response = await fetch(url, signal ? { headers, signal } : { headers });
  if (!response.ok) throw new Error(`the server answered ${response.status} for a track`);
  return response;
}

/** `bytes 0-65535/1764044` -> 1764044 */
function sizeOf(response: Response): number {
  const total = response.headers.get("Content-Range")?.split("/")[1];
  return Number(total ?? response.headers.get("Content-Length") ?? 0);
}

export async function openSource(name: string, url: string): Promise<Source> {
  const response = await fetchRange(url, 0, HEAD_BYTES);
  if (response.status !== 206) throw new Error("expected a server that sends parts of a file");
  return wavSource(name, url, parseWav(await response.arrayBuffer(), sizeOf(response)));
}

function wavSource(name: string, url: string, layout: WavLayout): Source {
  const { frames, sampleRate, channels, dataStart, bytesPerFrame } = layout;
  return {
    name,
    frames,
    sampleRate,
    channels,
    async read(from, to, signal) {
      const end = Math.min(to, frames);
      if (from >= end) return decode(new ArrayBuffer(0), layout, to - from);
      const [start, stop] = [dataStart + from * bytesPerFrame, dataStart + end * bytesPerFrame];
      const response = await fetchRange(url, start, stop, signal);
      return decode(await response.arrayBuffer(), layout, to - from);
    },
  };
}
