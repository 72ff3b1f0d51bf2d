// Closer than the peaks of the server: from the samples that are in memory anyway, or come for it.
import type { Chunks } from "../audio/chunks";
import type { View } from "../maths/view";
import type { Columns } from "./waveform";

/** Longer views would fetch more than the memory for chunks holds. */
export const FINE_S = 10;

/** The columns of a view, from the mean of the channels as on the server; null when the samples do not come. */
export async function fineColumns(
  chunks: Chunks,
  track: string,
  sampleRate: number,
  view: View,
  width: number,
): Promise<Columns | null> {
  const [from, to] = [Math.floor(view.from * sampleRate), Math.ceil(view.to * sampleRate)];
  const samples = await meanOf(chunks, track, from, to).catch(() => null);
  if (samples === null) return null;
  const found = { min: new Float32Array(width), max: new Float32Array(width) };
  for (let x = 0; x < width; x++) {
    // Columns share their edges, so that the line has no gaps.
    const first = Math.floor((x / width) * (samples.length - 1));
    const part = samples.subarray(first, Math.ceil(((x + 1) / width) * (samples.length - 1)) + 1);
    found.min[x] = part.reduce((low, value) => Math.min(low, value), 1);
    found.max[x] = part.reduce((high, value) => Math.max(high, value), -1);
  }
  return found;
}

async function meanOf(chunks: Chunks, track: string, from: number, to: number): Promise<Float32Array> {
  const mean = new Float32Array(Math.max(2, to - from));
  const last = Math.min(chunks.count - 1, Math.floor((to - 1) / chunks.frames));
  for (let index = Math.floor(from / chunks.frames); index <= last; index++) {
    const buffer = (await chunks.get(index)).get(track);
    if (buffer !== undefined) addMean(mean, buffer, index * chunks.frames - from, chunks.frames);
  }
  return mean;
}

function addMean(mean: Float32Array, buffer: AudioBuffer, shift: number, frames: number): void {
  const [first, end] = [Math.max(0, -shift), Math.min(frames, mean.length - shift)];
  for (let channel = 0; channel < buffer.numberOfChannels; channel++) {
    const samples = buffer.getChannelData(channel);
    for (let frame = first; frame < end; frame++) {
      mean[frame + shift] = (mean[frame + shift] ?? 0) + (samples[frame] ?? 0) / buffer.numberOfChannels;
    }
  }
}
