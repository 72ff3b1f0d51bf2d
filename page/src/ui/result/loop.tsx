import { clock, parseClock } from "../../maths/time";
import type { Session } from "./session";

/** The loop on or off, and its ends as times: for the keyboard, and to the hundredth. */
export function LoopSwitch({ session }: { session: Session }) {
  const loop = session.loop.value;
  const set = (text: string, end: "from" | "to") => {
    const time = parseClock(text);
    if (loop !== null && time !== null)
      session.setLoop(end === "from" ? time : loop.from, end === "to" ? time : loop.to);
  };
  return (
    <div class="loop group" role="group" aria-label="Loop">
      <button
        type="button"
        aria-pressed={session.isLooping.value}
        title="Loop (L); drag with Shift or on the ruler to mark one"
        onClick={() => session.toggleLoop()}
      >
        Loop
      </button>
      {loop !== null && (
        <>
          <input
            type="text"
            aria-label="Loop from"
            size={6}
            value={clock(loop.from, 2)}
            onChange={({ currentTarget }) => set(currentTarget.value, "from")}
          />
          <span aria-hidden="true">–</span>
          <input
            type="text"
            aria-label="Loop to"
            size={6}
            value={clock(loop.to, 2)}
            onChange={({ currentTarget }) => set(currentTarget.value, "to")}
          />
        </>
      )}
    </div>
  );
}
