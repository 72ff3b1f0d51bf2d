import { useState } from "preact/hooks";
import type { Track } from "../../api/types";
import { decibels, LOUDEST_DB, side, SILENT_DB, sounds } from "../../maths/gain";
import { Picture } from "./picture";
import type { Session } from "./session";
import { Slider } from "./slider";
import { colour, Wave } from "./wave";

/** One stem: its controls, its waveform and, on demand, its spectrogram. */
export function Lane({ session, track, index }: { session: Session; track: Track; index: number }) {
  const [hasPicture, showPicture] = useState(false);
  const strips = session.strips.value;
  const strip = strips.get(track.name);
  if (strip === undefined) return null;
  const anySolo = [...strips.values()].some(({ solo }) => solo);
  const isHeard = sounds(strip, anySolo) && !session.hearsOriginal.value;
  const isChosen = session.chosen.value === index;
  return (
    <section
      class={`lane ${isHeard ? "" : "silent"} ${isChosen ? "chosen" : ""}`}
      aria-label={track.name}
      data-track={track.name}
      onFocusIn={() => (session.chosen.value = index)}
      onPointerDown={() => (session.chosen.value = index)}
    >
      <div class="strip">
        <Title track={track} number={index + 1} />
        <div class="switches">
          <Switch
            label={`Mute ${track.name}`}
            letter="M"
            isOn={strip.muted}
            turn={(muted) => session.change(track.name, { muted })}
          />
          <Switch
            label={`Solo ${track.name}`}
            letter="S"
            isOn={strip.solo}
            turn={(solo) => session.change(track.name, { solo })}
          />
        </div>
        <Slider
          label="Volume"
          of={track.name}
          min={SILENT_DB}
          max={LOUDEST_DB}
          step={0.5}
          value={strip.gainDb}
          text={decibels(strip.gainDb)}
          rest={0}
          set={(gainDb) => session.change(track.name, { gainDb })}
        />
        <Slider
          label="Pan"
          of={track.name}
          min={-1}
          max={1}
          step={0.05}
          value={strip.pan}
          text={side(strip.pan)}
          rest={0}
          set={(pan) => session.change(track.name, { pan })}
        />
        <Tools track={track} hasPicture={hasPicture} showPicture={showPicture} />
      </div>
      <div class="sight">
        <Wave session={session} track={track} />
        {hasPicture && <Picture session={session} track={track} />}
      </div>
    </section>
  );
}

/** The song as it was given: to compare with, not part of the mix. */
export function Original({ session, track }: { session: Session; track: Track }) {
  const [hasPicture, showPicture] = useState(false);
  return (
    <section
      class={`lane original ${session.hearsOriginal.value ? "" : "silent"}`}
      aria-label="Original"
      data-track={track.name}
    >
      <div class="strip">
        <Title track={track} number={null} />
        <p class="note wide">The song itself, to compare with.</p>
        <Tools track={track} hasPicture={hasPicture} showPicture={showPicture} />
      </div>
      <div class="sight">
        <Wave session={session} track={track} />
        {hasPicture && <Picture session={session} track={track} />}
      </div>
    </section>
  );
}

function Title({ track, number }: { track: Track; number: number | null }) {
  return (
    <h3 class="name">
      <span class={`dot ${colour(track)}`} aria-hidden="true">
        <span>{number !== null && number < 10 ? number : ""}</span>
      </span>
      <span class="text" title={track.name}>
        {number === null ? "original" : track.name}
      </span>
    </h3>
  );
}

function Tools({
  track,
  hasPicture,
  showPicture,
}: {
  track: Track;
  hasPicture: boolean;
  showPicture: (isOn: boolean) => void;
}) {
  return (
    <div class="tools">
      <button
        type="button"
        class="quiet"
        aria-pressed={hasPicture}
        aria-label={`Spectrogram of ${track.name}`}
        title="Spectrogram"
        onClick={() => showPicture(!hasPicture)}
      >
        ▤
      </button>
      <a
        class="button quiet"
        href={`${track.url}?download=1`}
        download={track.file_name}
        aria-label={`Download ${track.name}`}
        title={`Download ${track.file_name}`}
      >
        ↓
      </a>
    </div>
  );
}

function Switch({
  label,
  letter,
  isOn,
  turn,
}: {
  label: string;
  letter: string;
  isOn: boolean;
  turn: (isOn: boolean) => void;
}) {
  return (
    <button
      type="button"
      class={`switch ${letter}`}
      aria-label={label}
      title={label}
      aria-pressed={isOn}
      onClick={() => turn(!isOn)}
    >
      {letter}
    </button>
  );
}
