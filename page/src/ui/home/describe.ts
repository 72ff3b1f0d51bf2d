import type { Separation } from "../../api/types";
import { clock } from "../../maths/time";

/** One line: length, part, model, stems. */
export function describe({ duration_s, from_s, for_s, model, stems }: Separation): string {
  const length = duration_s === null ? null : clock(duration_s);
  const part =
    from_s === null && for_s === null
      ? null
      : `from ${clock(from_s ?? 0)}${for_s === null ? "" : ` for ${clock(for_s)}`}`;
  return [length, part, model, stems.join(", ")].filter(Boolean).join(" · ");
}
