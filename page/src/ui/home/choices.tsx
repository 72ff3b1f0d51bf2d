import type { Signal } from "@preact/signals";
import type { Model } from "../../api/types";
import { about, models } from "../../state/store";
import { format, isPart, mistake, model, modelName, partFor, partFrom, residual, unwanted, wanted } from "./wish";

export function Choices() {
  return (
    <form class="card choices" aria-label="How songs are separated" onSubmit={(event) => event.preventDefault()}>
      <ModelChoice />
      <StemChoice />
      <FormatChoice />
      <Check value={residual} label="Also write what is left over" />
      <PartChoice />
      {mistake.value !== null && models.value.length > 0 && (
        <p class="mistake" role="status">
          {mistake}
        </p>
      )}
    </form>
  );
}

function ModelChoice() {
  const chosen = model.value;
  const away = models.value.filter((one) => !one.is_here);
  return (
    <div class="field">
      <label for="model">Model</label>
      <select
        id="model"
        value={chosen?.name ?? ""}
        onChange={({ currentTarget }) => (modelName.value = currentTarget.value)}
      >
        {models.value.filter((one) => one.is_here).map(modelOption)}
        {away.length > 0 && <optgroup label="First: auralflow download NAME">{away.map(modelOption)}</optgroup>}
      </select>
      {chosen !== null && (
        <p class="note">
          {chosen.summary}
          <br />
          Licence: {chosen.licence}
          {chosen.commercial_use === false && " (ask before commercial use)"}
        </p>
      )}
    </div>
  );
}

function modelOption({ name, stems, is_here }: Model) {
  return (
    <option
      value={name}
      disabled={!is_here}
    >{`${name} · ${stems.length} ${stems.length === 1 ? "stem" : "stems"}`}</option>
  );
}

function StemChoice() {
  const stems = model.value?.stems ?? [];
  const turn = (stem: string, isOn: boolean) =>
    (unwanted.value = isOn ? unwanted.value.filter((other) => other !== stem) : [...unwanted.value, stem]);
  return (
    <fieldset class="field">
      <legend>Stems</legend>
      <div class="chips">
        {stems.map((stem) => (
          <label class="chip">
            <input
              type="checkbox"
              checked={wanted.value.includes(stem)}
              onChange={({ currentTarget }) => turn(stem, currentTarget.checked)}
            />
            {stem}
          </label>
        ))}
      </div>
    </fieldset>
  );
}

function FormatChoice() {
  const formats = about.value?.formats ?? ["auto"];
  return (
    <div class="field">
      <label for="format">Format</label>
      <select id="format" value={format.value} onChange={({ currentTarget }) => (format.value = currentTarget.value)}>
        {formats.map((name) => (
          <option value={name}>{name === "auto" ? "auto (like the song)" : name}</option>
        ))}
      </select>
    </div>
  );
}

function PartChoice() {
  return (
    <div class="field part">
      <Check value={isPart} label="Only a part, as a preview" />
      {isPart.value && (
        <div class="row">
          <TimeField value={partFrom} label="from" />
          <TimeField value={partFor} label="for" />
        </div>
      )}
    </div>
  );
}

function Check({ value, label }: { value: Signal<boolean>; label: string }) {
  return (
    <label class="check">
      <input
        type="checkbox"
        checked={value.value}
        onChange={({ currentTarget }) => (value.value = currentTarget.checked)}
      />
      {label}
    </label>
  );
}

function TimeField({ value, label }: { value: Signal<string>; label: string }) {
  return (
    <label class="time">
      {label}
      <input
        type="text"
        inputMode="text"
        size={7}
        placeholder="m:ss"
        value={value.value}
        onInput={({ currentTarget }) => (value.value = currentTarget.value)}
      />
    </label>
  );
}
