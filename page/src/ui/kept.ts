import { effect, signal, type Signal } from "@preact/signals";

/** A signal that outlives a reload. Where the browser keeps nothing (private windows), it is a plain one. */
export function kept<Value>(key: string, first: Value): Signal<Value> {
  const name = `auralflow.${key}`;
  const value = signal(read(name, first));
  effect(() => {
    try {
      localStorage.setItem(name, JSON.stringify(value.value));
    } catch {
      // Nothing is lost but the memory of a choice.
    }
  });
  return value;
}

function read<Value>(name: string, first: Value): Value {
  try {
    const text = localStorage.getItem(name);
    return text === null ? first : (JSON.parse(text) as Value);
  } catch {
    return first;
  }
}
