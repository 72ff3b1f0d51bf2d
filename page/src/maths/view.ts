/** The part of the song that the waveforms show, in seconds. */
export interface View {
  from: number;
  to: number;
}

const SHORTEST_S = 0.05;

/** `view` moved and cut so that it lies inside the song. */
export function within(view: View, duration: number): View {
  const length = Math.min(duration, Math.max(SHORTEST_S, view.to - view.from));
  const from = Math.min(Math.max(0, view.from), duration - length);
  return { from, to: from + length };
}

/** Zoom by `factor` (above 1: closer) around a time that keeps its place on the screen. */
export function zoomed(view: View, factor: number, around: number, duration: number): View {
  const share = (around - view.from) / (view.to - view.from);
  const length = Math.min(duration, Math.max(SHORTEST_S, (view.to - view.from) / factor));
  return within({ from: around - share * length, to: around + (1 - share) * length }, duration);
}

/** While it plays, turn the page when the playhead leaves it. */
export function following(view: View, position: number, duration: number): View {
  if (position >= view.from && position <= view.to) return view;
  return within({ from: position, to: position + view.to - view.from }, duration);
}

/** Times for the ruler: a round step that leaves room for `labels` of them. */
export function ticks(view: View, labels: number): { step: number; times: number[] } {
  const steps = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600];
  const rough = (view.to - view.from) / Math.max(1, labels);
  const step = steps.find((candidate) => candidate >= rough) ?? 7200;
  const first = Math.ceil(view.from / step - 1e-9);
  const last = Math.floor(view.to / step + 1e-9);
  return { step, times: Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => (first + index) * step) };
}
