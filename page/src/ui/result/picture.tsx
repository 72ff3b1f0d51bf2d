import { useSignalEffect } from "@preact/signals";
import { useState } from "preact/hooks";
import type { Track } from "../../api/types";
import { clock } from "../../maths/time";
import type { Session } from "./session";

/** While the view still moves, no picture is asked for. */
const SETTLE_MS = 250;
const WIDTH = 1200;
const HEIGHT = 240;

/** The spectrogram of what is seen of a track. */
export function Picture({ session, track }: { session: Session; track: Track }) {
  const [view, setView] = useState(session.view.peek());
  const [isBroken, setBroken] = useState(false);
  useSignalEffect(() => {
    const next = session.view.value;
    const timer = setTimeout(() => (setView(next), setBroken(false)), SETTLE_MS);
    return () => clearTimeout(timer);
  });
  if (isBroken)
    return (
      <p class="mistake">
        The spectrogram did not come.{" "}
        <button type="button" onClick={() => setBroken(false)}>
          Try again
        </button>
      </p>
    );
  const query = `from_s=${view.from.toFixed(3)}&for_s=${(view.to - view.from).toFixed(3)}&width=${WIDTH}&height=${HEIGHT}`;
  return (
    <img
      class="picture"
      src={`${track.spectrogram_url}?${query}`}
      onError={() => setBroken(true)}
      alt={`Spectrogram of ${track.name} from ${clock(view.from)} to ${clock(view.to)}: low notes below, high ones above, the louder the brighter`}
    />
  );
}
