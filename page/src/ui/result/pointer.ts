import { useEffect } from "preact/hooks";
import type { Session } from "./session";

/** Less than this is a click. */
const DRAG_PX = 4;
const EDGE_PX = 8;

/**
 * Mouse, pen and finger on a waveform or on the ruler: a click seeks and a drag moves the playhead; with Shift, or on the
 * ruler, a drag marks a loop, and its ends can be moved. The wheel scrolls, with Ctrl it zooms.
 */
export function usePointer(box: { current: HTMLElement | null }, session: Session, isRuler: boolean): void {
  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const stop = new AbortController();
    const options = { signal: stop.signal };
    element.addEventListener("pointerdown", (event) => press(element, session, isRuler, event), options);
    element.addEventListener("wheel", (event) => wheel(element, session, event), { ...options, passive: false });
    return () => stop.abort();
  }, []);
}

function timeAt(element: HTMLElement, session: Session, event: MouseEvent): number {
  const { left, width } = element.getBoundingClientRect();
  const { from, to } = session.view.value;
  const share = Math.min(1, Math.max(0, (event.clientX - left) / width));
  return from + share * (to - from);
}

function press(element: HTMLElement, session: Session, isRuler: boolean, down: PointerEvent): void {
  if (down.button !== 0) return;
  element.setPointerCapture(down.pointerId);
  const anchor = isRuler || down.shiftKey ? loopAnchor(element, session, down) : null;
  const before = session.position.value;
  let isDrag = false;
  const move = (event: PointerEvent) => {
    isDrag ||= Math.abs(event.clientX - down.clientX) >= DRAG_PX;
    const time = timeAt(element, session, event);
    if (isDrag && anchor !== null) session.setLoop(anchor, time);
    else if (isDrag) session.scrub(time);
  };
  const up = (event: PointerEvent) => {
    stop.abort();
    if (anchor === null || !isDrag) session.seek(timeAt(element, session, event));
  };
  const stop = new AbortController();
  element.addEventListener("pointermove", move, { signal: stop.signal });
  element.addEventListener("pointerup", up, { signal: stop.signal });
  element.addEventListener("pointercancel", () => (stop.abort(), session.seek(before)), { signal: stop.signal });
}

/** The end of the loop that stays: the other one when an end is taken, else where the drag begins. */
function loopAnchor(element: HTMLElement, session: Session, event: PointerEvent): number {
  const time = timeAt(element, session, event);
  const loop = session.loop.value;
  const { from, to } = session.view.value;
  const near = (EDGE_PX / element.clientWidth) * (to - from);
  if (loop !== null && Math.abs(time - loop.from) < near) return loop.to;
  if (loop !== null && Math.abs(time - loop.to) < near) return loop.from;
  return time;
}

function wheel(element: HTMLElement, session: Session, event: WheelEvent): void {
  const { from, to } = session.view.value;
  if (event.ctrlKey || event.metaKey) {
    event.preventDefault();
    session.zoom(Math.exp(-event.deltaY / 200), timeAt(element, session, event));
  } else if (Math.abs(event.deltaX) > Math.abs(event.deltaY) || event.shiftKey) {
    event.preventDefault();
    session.scrollTo(from + ((event.deltaX || event.deltaY) / element.clientWidth) * (to - from));
  }
}
