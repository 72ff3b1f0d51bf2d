import { useState } from "preact/hooks";
import { Help } from "./help";
import { useKeys } from "./keys";
import { Lane, Original } from "./lane";
import { Ruler, Scroll } from "./ruler";
import type { Session } from "./session";
import { Transport } from "./transport";

export function Mixer({ session }: { session: Session }) {
  const [hasHelp, showHelp] = useState(false);
  useKeys(session, () => showHelp(true));
  return (
    <section class="mixer" aria-labelledby="mixer-title" onMouseDown={keepFocus}>
      <h2 id="mixer-title" class="hidden">
        Mixer
      </h2>
      <Transport session={session} onHelp={() => showHelp(true)} />
      <div class="lanes">
        <div class="lane times">
          <div class="strip">
            <Scroll session={session} />
          </div>
          <div class="sight">
            <Ruler session={session} />
          </div>
        </div>
        {session.stems.map((track, index) => (
          <Lane key={track.name} session={session} track={track} index={index} />
        ))}
        {session.mixture !== null && <Original session={session} track={session.mixture} />}
      </div>
      {hasHelp && <Help onClose={() => showHelp(false)} />}
    </section>
  );
}

/** A click on a button leaves the focus where it is, so that Space still means play. */
function keepFocus(event: MouseEvent): void {
  if (event.target instanceof Element && event.target.closest("button") && !event.target.closest("dialog"))
    event.preventDefault();
}
