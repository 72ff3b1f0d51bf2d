import { useSignalEffect } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Track } from "../../api/types";
import { columns, drawWave, fit } from "../../draw/waveform";
import { FINE_S, fineColumns } from "../../draw/fine";
import { theme } from "../theme";
import { usePointer } from "./pointer";
import type { Session } from "./session";

/** The waveform of one track; a click seeks, a drag with Shift makes a loop. */
export function Wave({ session, track }: { session: Session; track: Track }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const box = useRef<HTMLDivElement>(null);
  const size = useSize(box);
  usePointer(box, session, false);
  useSignalEffect(() => {
    void theme.value;
    if (canvas.current) void draw(canvas.current, session, track.name);
  });
  useEffect(() => {
    if (canvas.current) void draw(canvas.current, session, track.name);
  }, [size]);
  return (
    <div class="wave" ref={box}>
      <canvas ref={canvas} class={`ink ${colour(track)}`} aria-hidden="true" />
      <Marks session={session} />
    </div>
  );
}

/** The colour of a track: known stems have one of their own. */
export function colour({ name, kind }: Track): string {
  const known = ["vocals", "drums", "bass", "other", "guitar", "piano"];
  return kind === "stem" ? (known.find((stem) => name.includes(stem)) ?? "other") : kind;
}

/** What is on the canvas is wanted as long as nothing newer is. */
const latest = new WeakMap<HTMLCanvasElement, object>();

async function draw(canvas: HTMLCanvasElement, session: Session, name: string): Promise<void> {
  const [peaks, view, loudest] = [session.peaks.value.get(name), session.view.value, session.loudest.value];
  const { width } = fit(canvas);
  const turn = {};
  latest.set(canvas, turn);
  if (peaks !== undefined) drawWave(canvas, columns(peaks, view, width), loudest);
  const seen = ((view.to - view.from) / session.duration) * (peaks?.max.length ?? 0);
  if (seen >= width || view.to - view.from > FINE_S) return;
  const { chunks, sampleRate } = session.player;
  const fine = await fineColumns(chunks, name, sampleRate, view, width);
  if (fine !== null && latest.get(canvas) === turn) drawWave(canvas, fine, loudest);
}

/** Playhead and loop over a waveform or the ruler: moved by style, nothing is drawn anew. */
export function Marks({ session }: { session: Session }) {
  const head = useRef<HTMLDivElement>(null);
  const loop = useRef<HTMLDivElement>(null);
  useSignalEffect(() => {
    const { from, to } = session.view.value;
    const percent = (time: number) => ((time - from) / (to - from)) * 100;
    const [at, region] = [percent(session.position.value), session.loop.value];
    if (head.current) Object.assign(head.current.style, { left: `${at}%`, display: at < 0 || at > 100 ? "none" : "" });
    if (!loop.current) return;
    loop.current.hidden = region === null;
    loop.current.classList.toggle("on", session.isLooping.value);
    if (region)
      Object.assign(loop.current.style, {
        left: `${percent(region.from)}%`,
        width: `${percent(region.to) - percent(region.from)}%`,
      });
  });
  return (
    <>
      <div class="region" ref={loop} hidden />
      <div class="playhead" ref={head} />
    </>
  );
}

export function useSize(box: { current: HTMLElement | null }): number {
  const [width, setWidth] = useState(0);
  useEffect(() => {
    if (!box.current) return;
    const observer = new ResizeObserver(([entry]) => setWidth(entry?.contentRect.width ?? 0));
    observer.observe(box.current);
    return () => observer.disconnect();
  }, []);
  return width;
}
