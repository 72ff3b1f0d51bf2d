import { useSignalEffect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { drawRuler } from "../../draw/ruler";
import { clock } from "../../maths/time";
import { theme } from "../theme";
import { usePointer } from "./pointer";
import type { Session } from "./session";
import { Marks, useSize } from "./wave";

/** The times above the waveforms; a drag on it marks a loop. */
export function Ruler({ session }: { session: Session }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const box = useRef<HTMLDivElement>(null);
  const size = useSize(box);
  usePointer(box, session, true);
  const draw = () => canvas.current && drawRuler(canvas.current, session.view.value);
  useSignalEffect(() => {
    void [theme.value, session.view.value];
    draw();
  });
  useEffect(() => void draw(), [size]);
  return (
    <div class="ruler" ref={box} title="Drag here to mark a loop">
      <canvas ref={canvas} aria-hidden="true" />
      <Marks session={session} />
    </div>
  );
}

/** Which part is seen; only there when it is not all. */
export function Scroll({ session }: { session: Session }) {
  const { from, to } = session.view.value;
  const length = to - from;
  if (length >= session.duration - 1e-6) return null;
  return (
    <input
      class="scroll"
      type="range"
      aria-label="Visible part"
      min={0}
      max={session.duration - length}
      step="any"
      value={from}
      aria-valuetext={`${clock(from)} to ${clock(to)}`}
      onInput={({ currentTarget }) => session.scrollTo(currentTarget.valueAsNumber)}
    />
  );
}
