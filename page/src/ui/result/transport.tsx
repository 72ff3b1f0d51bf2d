import { useSignalEffect } from "@preact/signals";
import { useRef } from "preact/hooks";
import { decibels, LOUDEST_DB, SILENT_DB } from "../../maths/gain";
import { SPEEDS } from "../../maths/pieces";
import { clock } from "../../maths/time";
import { LoopSwitch } from "./loop";
import type { Session } from "./session";
import { Slider } from "./slider";

/** What concerns all tracks; stays in sight, on a phone only its first part. */
export function Transport({ session, onHelp }: { session: Session; onHelp: () => void }) {
  return (
    <section class="transport" aria-label="Playback">
      <div class="first">
        <Play session={session} />
        <Position session={session} />
      </div>
      <div class="second">
        <Second session={session} onHelp={onHelp} />
      </div>
    </section>
  );
}

function Second({ session, onHelp }: { session: Session; onHelp: () => void }) {
  return (
    <>
      <Compare session={session} />
      <Speed session={session} />
      <LoopSwitch session={session} />
      <div class="group">
        <button
          type="button"
          class="quiet"
          aria-label="Zoom out"
          title="Zoom out (−)"
          onClick={() => session.zoom(1 / 2)}
        >
          −
        </button>
        <button type="button" class="quiet" aria-label="Zoom in" title="Zoom in (+)" onClick={() => session.zoom(2)}>
          +
        </button>
      </div>
      <div class="master">
        <Slider
          label="Master"
          of="all"
          min={SILENT_DB}
          max={LOUDEST_DB}
          step={0.5}
          value={session.masterDb.value}
          text={decibels(session.masterDb.value)}
          rest={0}
          set={(value) => (session.masterDb.value = value)}
        />
        <Level session={session} />
      </div>
      <button
        type="button"
        class="quiet"
        aria-label="Keyboard shortcuts"
        title="Keyboard shortcuts (?)"
        onClick={onHelp}
      >
        ?
      </button>
    </>
  );
}

function Play({ session }: { session: Session }) {
  const [isPlaying, isWaiting] = [session.isPlaying.value, session.isWaiting.value];
  return (
    <button
      type="button"
      class={`play ${isWaiting ? "waiting" : ""}`}
      aria-label={isPlaying ? "Pause" : "Play"}
      title="Space"
      onClick={() => session.toggle()}
    >
      <svg viewBox="0 0 24 24" aria-hidden="true">
        <path d={isPlaying ? "M7 5h3.5v14H7zM13.5 5H17v14h-3.5z" : "M8 5v14l11-7z"} />
      </svg>
    </button>
  );
}

/** Sixty times a second, so past the component. */
function Position({ session }: { session: Session }) {
  const slider = useRef<HTMLInputElement>(null);
  const time = useRef<HTMLSpanElement>(null);
  useSignalEffect(() => {
    const position = session.position.value;
    if (time.current) time.current.textContent = clock(position, 1);
    if (!slider.current) return;
    slider.current.valueAsNumber = position;
    slider.current.setAttribute("aria-valuetext", `${clock(position)} of ${clock(session.duration)}`);
  });
  return (
    <div class="position">
      <p class="time">
        <span ref={time}>0:00.0</span> <span class="note">/ {clock(session.duration)}</span>
      </p>
      <input
        ref={slider}
        type="range"
        aria-label="Position"
        min={0}
        max={session.duration}
        step={0.01}
        onInput={({ currentTarget }) => session.scrub(currentTarget.valueAsNumber)}
        onChange={({ currentTarget }) => session.seek(currentTarget.valueAsNumber)}
      />
    </div>
  );
}

function Compare({ session }: { session: Session }) {
  if (session.mixture === null) return null;
  const isOn = session.hearsOriginal.value;
  const turn = (hears: boolean) => (session.hearsOriginal.value = hears);
  return (
    <div class="pair" role="group" aria-label="Compare, equally loud (A)" title="Compare, equally loud (A)">
      <button type="button" aria-pressed={!isOn} onClick={() => turn(false)}>
        Mix
      </button>
      <button type="button" aria-pressed={isOn} onClick={() => turn(true)}>
        Original
      </button>
    </div>
  );
}

function Speed({ session }: { session: Session }) {
  return (
    <label class="speed" title="The pitch follows the speed, as on a turntable">
      <span class="label">Speed</span>
      <select
        aria-label="Speed; the pitch follows it"
        value={session.speed.value}
        onChange={({ currentTarget }) => (session.speed.value = Number(currentTarget.value))}
      >
        {SPEEDS.map((speed) => (
          <option value={speed}>{speed}×</option>
        ))}
      </select>
    </label>
  );
}

function Level({ session }: { session: Session }) {
  const bar = useRef<HTMLDivElement>(null);
  useSignalEffect(() => {
    const level = session.level.value;
    const share = Math.max(0, 1 + Math.log10(Math.max(level, 1e-4)) / 3);
    if (!bar.current) return;
    bar.current.style.setProperty("--share", String(Math.min(1, share)));
    bar.current.classList.toggle("over", level > 1);
  });
  return <div class="level" ref={bar} aria-hidden="true" title="Red: too loud" />;
}
