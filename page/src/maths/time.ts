/** `5:07`, `1:02:03`; with `digits`, `5:07.25`. Cut off rather than rounded: a clock never runs ahead. */
export function clock(seconds: number, digits = 0): string {
  const ticks = Math.floor(Math.max(0, seconds) * 10 ** digits + 1e-6);
  const whole = Math.floor(ticks / 10 ** digits);
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  const parts = hours > 0 ? [hours, pad(minutes)] : [minutes];
  const fraction = digits > 0 ? `.${pad(ticks % 10 ** digits, digits)}` : "";
  return [...parts, pad(whole % 60)].join(":") + fraction;
}

const pad = (value: number, width = 2): string => String(value).padStart(width, "0");

/** Seconds of `90`, `1:30`, `1:02:03.5`; null when it is no time. */
export function parseClock(text: string): number | null {
  const trimmed = text.trim().replace(",", ".");
  if (!/^(\d+:){0,2}\d+(\.\d*)?$/.test(trimmed)) return null;
  return trimmed.split(":").reduce((total, part) => total * 60 + Number(part), 0);
}

/** Time left as people say it: `3 s`, `2 min`, `1 h 5 min`. */
export function spoken(seconds: number): string {
  if (seconds < 60) return `${Math.max(1, Math.round(seconds))} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** `today, 14:05` or `3 Nov 2025, 14:05`, in the time of this machine. */
export function when(iso: string, today: Date = new Date()): string {
  const date = new Date(iso);
  const hour = `${pad(date.getHours())}:${pad(date.getMinutes())}`;
  if (date.toDateString() === today.toDateString()) return `today, ${hour}`;
  return `${date.getDate()} ${date.toLocaleString("en", { month: "short" })} ${date.getFullYear()}, ${hour}`;
}

/** `3.2 MB`, in powers of 1000 as disks are sold. */
export function bytes(count: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = count;
  while (value >= 999.5 && units.length > 1) {
    value /= 1000;
    units.shift();
  }
  return `${value < 10 && units[0] !== "B" ? value.toFixed(1) : Math.round(value)} ${units[0]}`;
}
