// What is chosen for the next songs; remembered by the browser.
import { computed } from "@preact/signals";
import type { Settings } from "../../api/upload";
import type { Model } from "../../api/types";
import { parseClock } from "../../maths/time";
import { models } from "../../state/store";
import { kept } from "../kept";

export const modelName = kept("model", "");
export const format = kept("format", "auto");
export const residual = kept("residual", false);
export const isPart = kept("part", false);
export const partFrom = kept("part.from", "0:00");
export const partFor = kept("part.for", "0:30");
/** Stems that are not wanted, so that a model with other stems gives all of them. */
export const unwanted = kept<string[]>("unwanted", []);

export const model = computed<Model | null>(() => {
  const known = models.value;
  return known.find(({ name }) => name === modelName.value) ?? known.find((one) => one.is_default) ?? known[0] ?? null;
});

export const wanted = computed(() => (model.value?.stems ?? []).filter((stem) => !unwanted.value.includes(stem)));

/** Why nothing can be started with these choices. */
export const mistake = computed<string | null>(() => {
  if (model.value === null) return "No model is ready on this machine yet.";
  if (wanted.value.length === 0) return "Choose at least one stem.";
  if (!isPart.value) return null;
  if (parseClock(partFrom.value) === null) return "Where does the part begin? Write it like 1:30.";
  const length_s = parseClock(partFor.value);
  return length_s === null || length_s <= 0 ? "How long is the part? Write it like 0:30." : null;
});

export function settings(): Settings {
  const isAll = wanted.value.length === model.value?.stems.length;
  return {
    model: model.value?.name ?? "",
    stems: isAll ? [] : wanted.value,
    format: format.value,
    from_s: isPart.value ? parseClock(partFrom.value) : null,
    for_s: isPart.value ? parseClock(partFor.value) : null,
    residual: residual.value,
  };
}
