import { useEffect, useRef, useState } from "preact/hooks";
import { dropped, isSong } from "../../state/songs";
import { apply, find, trouble } from "../../state/store";
import { send } from "../../state/uploads";
import { mistake, settings } from "./wish";

function add(files: readonly File[]): void {
  trouble.value = mistake.value ?? (files.length === 0 ? "There are no songs in it." : null);
  if (trouble.value !== null) return;
  // An event of the server may have come first, and knows more.
  send(files, settings(), (item) => find(item.id) ?? apply({ kind: "changed", item }));
}

export function Drop() {
  const isOver = useDrop(
    (transfer) => void dropped(transfer).then(add, () => (trouble.value = "The folder cannot be read.")),
  );
  return (
    <section class={`drop ${isOver ? "over" : ""}`} aria-labelledby="drop-title">
      <Waves />
      <h2 id="drop-title">Drop songs or a folder here</h2>
      <p class="note">Separation starts at once. Songs stay on this machine.</p>
      <div class="row centre">
        <Picker label="Choose songs" isFolder={false} />
        <Picker label="Choose a folder" isFolder={true} />
      </div>
    </section>
  );
}

/** A file input behind a button of ours: the browser's own looks different everywhere. */
function Picker({ label, isFolder }: { label: string; isFolder: boolean }) {
  const input = useRef<HTMLInputElement>(null);
  const take = () => {
    const files = [...(input.current?.files ?? [])];
    add(isFolder ? files.filter((file) => isSong(file.name)) : files);
    if (input.current) input.current.value = "";
  };
  return (
    <>
      <button type="button" class={isFolder ? "" : "strong"} onClick={() => input.current?.click()}>
        {label}
      </button>
      <input
        ref={input}
        type="file"
        multiple
        hidden
        aria-label={label}
        data-testid={isFolder ? "folder" : "songs"}
        {...(isFolder ? { webkitdirectory: true } : { accept: "audio/*,video/*" })}
        onChange={take}
      />
    </>
  );
}

/** The whole window takes songs: nobody has to aim. */
function useDrop(take: (transfer: DataTransfer) => void): boolean {
  const [isOver, setOver] = useState(false);
  useEffect(() => {
    const over = (event: DragEvent) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      setOver(true);
    };
    const leave = (event: DragEvent) => event.relatedTarget === null && setOver(false);
    const drop = (event: DragEvent) => {
      event.preventDefault();
      setOver(false);
      if (event.dataTransfer) take(event.dataTransfer);
    };
    const stop = new AbortController();
    const options = { signal: stop.signal };
    window.addEventListener("dragover", over, options);
    window.addEventListener("dragleave", leave, options);
    window.addEventListener("drop", drop, options);
    return () => stop.abort();
  }, []);
  return isOver;
}

function Waves() {
  return (
    <svg class="waves" viewBox="0 0 120 40" aria-hidden="true">
      <path class="vocals" d="M2 10q14.5-12 29 0t29 0 29 0 29 0" />
      <path class="drums" d="M2 20q14.5-9 29 0t29 0 29 0 29 0" />
      <path class="bass" d="M2 30q14.5-6 29 0t29 0 29 0 29 0" />
    </svg>
  );
}
