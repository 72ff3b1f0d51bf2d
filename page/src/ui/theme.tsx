import { effect } from "@preact/signals";
import { kept } from "./kept";

const THEMES = ["auto", "light", "dark"] as const;
const LABELS = { auto: "Auto", light: "Light", dark: "Dark" };

export const theme = kept<(typeof THEMES)[number]>("theme", "auto");

export function applyTheme(): void {
  effect(() => {
    document.documentElement.dataset.theme = theme.value;
  });
}

export function ThemeSwitch() {
  return (
    <label class="theme">
      <span class="hidden">Colours</span>
      <select
        value={theme.value}
        onChange={({ currentTarget }) => (theme.value = currentTarget.value as typeof theme.value)}
      >
        {THEMES.map((name) => (
          <option value={name}>{LABELS[name]}</option>
        ))}
      </select>
    </label>
  );
}
