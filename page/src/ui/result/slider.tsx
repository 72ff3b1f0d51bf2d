interface SliderProps {
  label: string;
  of: string;
  min: number;
  max: number;
  step: number;
  value: number;
  text: string;
  /** Where a double click brings it back to. */
  rest: number;
  set: (value: number) => void;
}

/** A labelled range with its value in words; a double click brings it back. */
export function Slider({ label, of, min, max, step, value, text, rest, set }: SliderProps) {
  return (
    <label class="slider">
      <span class="label">{label}</span>
      <input
        type="range"
        aria-label={`${label} of ${of}`}
        aria-valuetext={text}
        min={min}
        max={max}
        step={step}
        value={value}
        onInput={({ currentTarget }) => set(currentTarget.valueAsNumber)}
        onDblClick={() => set(rest)}
      />
      <output>{text}</output>
    </label>
  );
}
