import { clock } from "../maths/time";
import { ticks, type View } from "../maths/view";
import { fit } from "./waveform";

const LABEL_PX = 90;

export function drawRuler(canvas: HTMLCanvasElement, view: View): void {
  const pen = canvas.getContext("2d");
  if (pen === null) return;
  const { width, height } = fit(canvas);
  const scale = width / Math.max(1, canvas.clientWidth);
  const { step, times } = ticks(view, canvas.clientWidth / LABEL_PX);
  const style = getComputedStyle(canvas);
  pen.clearRect(0, 0, width, height);
  pen.fillStyle = style.color;
  pen.font = `${11 * scale}px ${style.fontFamily}`;
  for (const time of times) {
    const x = ((time - view.from) / (view.to - view.from)) * width;
    pen.fillRect(Math.round(x), height - 6 * scale, Math.max(1, Math.round(scale)), 6 * scale);
    pen.fillText(clock(time, step < 0.1 ? 2 : step < 1 ? 1 : 0), x + 4 * scale, height - 8 * scale);
  }
}
