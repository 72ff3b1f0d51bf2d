// A waveform of peaks on a canvas. (wavesurfer.js and peaks.js bring a player, a scroll position and a time of their own
// for every waveform; here one engine and one view drive many, so drawing is all that is left to do.)
import type { Peaks } from "../api/types";
import type { View } from "../maths/view";

/** The lowest and the highest value of each pixel column, -1 to 1. */
export interface Columns {
  min: Float32Array;
  max: Float32Array;
}

export function columns(peaks: Peaks, view: View, width: number): Columns {
  const found = { min: new Float32Array(width), max: new Float32Array(width) };
  const count = peaks.max.length;
  const perSecond = count / peaks.duration_s;
  const edge = (x: number): number => (view.from + (x / width) * (view.to - view.from)) * perSecond;
  for (let x = 0; x < width; x++) {
    const first = Math.min(count - 1, Math.floor(edge(x)));
    const last = Math.min(count - 1, Math.max(first, Math.ceil(edge(x + 1)) - 1));
    let [low, high] = [127, -127];
    for (let bucket = first; bucket <= last; bucket++) {
      low = Math.min(low, peaks.min[bucket] ?? 0);
      high = Math.max(high, peaks.max[bucket] ?? 0);
    }
    found.min[x] = low / 127;
    found.max[x] = high / 127;
  }
  return found;
}

/** Fits the canvas to its place on this screen; its size in device pixels. */
export function fit(canvas: HTMLCanvasElement): { width: number; height: number } {
  const scale = window.devicePixelRatio || 1;
  const width = Math.max(1, Math.round(canvas.clientWidth * scale));
  const height = Math.max(1, Math.round(canvas.clientHeight * scale));
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  return { width, height };
}

/** In the canvas's own text colour; `loudest` fills the height. */
export function drawWave(canvas: HTMLCanvasElement, { min, max }: Columns, loudest: number): void {
  const pen = canvas.getContext("2d");
  if (pen === null) return;
  const { width, height } = canvas;
  const middle = height / 2;
  const scale = (middle - 2) / loudest;
  pen.clearRect(0, 0, width, height);
  pen.fillStyle = getComputedStyle(canvas).color;
  for (let x = 0; x < width; x++) {
    const top = middle - (max[x] ?? 0) * scale;
    const bottom = middle - (min[x] ?? 0) * scale;
    // A line of one pixel where it is silent.
    pen.fillRect(x, Math.min(top, middle - 0.5), 1, Math.max(1, bottom - top));
  }
}
