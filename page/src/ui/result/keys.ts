import { useLayoutEffect } from "preact/hooks";
import { LOUDEST_DB, SILENT_DB } from "../../maths/gain";
import { kept } from "../kept";
import type { Session } from "./session";

/** Single letters get in the way of some who dictate or use a screen reader, so they can be turned off. */
export const hasKeys = kept("keys", true);

export const HELP: [string, string][] = [
  ["Space", "play, pause"],
  ["← →", "5 seconds back, on; with Shift 1 second"],
  ["Home", "to the beginning"],
  ["1 … 9", "choose a stem"],
  ["↑ ↓", "chosen stem louder, softer"],
  ["M", "mute the chosen stem"],
  ["S", "solo the chosen stem"],
  ["A", "compare mix and original, equally loud"],
  ["L", "loop on, off"],
  ["[ ]", "loop from here, to here"],
  ["+ −", "zoom in, out"],
  ["0", "see all"],
  ["?", "this list"],
];

type Action = (session: Session, event: KeyboardEvent) => void;

const strip = (session: Session) => {
  const name = session.stems[session.chosen.value]?.name ?? "";
  return { name, ...session.strips.value.get(name) };
};

const step = (session: Session, way: number, { shiftKey }: KeyboardEvent): void =>
  session.seek(session.position.value + way * (shiftKey ? 1 : 5));

const louder = (session: Session, way: number): void => {
  const { name, gainDb = 0 } = strip(session);
  session.change(name, { gainDb: Math.min(LOUDEST_DB, Math.max(SILENT_DB, gainDb + way)) });
};

/** A loop end at the playhead; the other end stays, or is the end of the song. */
const mark = (session: Session, end: "from" | "to"): void => {
  const [now, loop] = [session.position.value, session.loop.value];
  const other = end === "from" ? (loop?.to ?? session.duration) : (loop?.from ?? 0);
  if (end === "from" ? now < other : now > other) session.setLoop(now, other);
  else session.setLoop(now, end === "from" ? session.duration : 0);
};

const ACTIONS: Record<string, Action> = {
  " ": (session) => session.toggle(),
  ArrowLeft: (session, event) => step(session, -1, event),
  ArrowRight: (session, event) => step(session, 1, event),
  ArrowUp: (session) => louder(session, 1),
  ArrowDown: (session) => louder(session, -1),
  Home: (session) => session.seek(0),
  m: (session) => session.change(strip(session).name, { muted: !strip(session).muted }),
  s: (session) => session.change(strip(session).name, { solo: !strip(session).solo }),
  a: (session) => session.mixture && (session.hearsOriginal.value = !session.hearsOriginal.value),
  l: (session) => session.toggleLoop(),
  "[": (session) => mark(session, "from"),
  "]": (session) => mark(session, "to"),
  "+": (session) => session.zoom(2),
  "=": (session) => session.zoom(2),
  "-": (session) => session.zoom(1 / 2),
  "0": (session) => (session.view.value = { from: 0, to: session.duration }),
};

/** From the moment in which the mixer is there: an ordinary effect waits for the next picture, and loses a quick key. */
export function useKeys(session: Session, onHelp: () => void): void {
  useLayoutEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || isTaken(event)) return;
      const isLetter = event.key.length === 1 && event.key !== " ";
      if (isLetter && !hasKeys.value) return;
      const action =
        event.key === "?"
          ? onHelp
          : (ACTIONS[event.key.length === 1 ? event.key.toLowerCase() : event.key] ?? chooser(event.key));
      if (action === null) return;
      event.preventDefault();
      action(session, event);
    };
    window.addEventListener("keydown", press);
    return () => window.removeEventListener("keydown", press);
  }, [session]);
}

const chooser = (key: string): Action | null =>
  /^[1-9]$/.test(key)
    ? (session) => Number(key) <= session.stems.length && (session.chosen.value = Number(key) - 1)
    : null;

/** The element with the focus needs this key itself. */
function isTaken({ target, key }: KeyboardEvent): boolean {
  if (!(target instanceof Element)) return false;
  if (target.closest("dialog, textarea, select, input[type=text], input[type=file]")) return true;
  if (target.matches("input[type=range]")) return key.startsWith("Arrow") || key === "Home" || key === "End";
  return key === " " && target.closest("button, a, summary, input") !== null;
}
