import type { Separation } from "../../api/types";
import { bytes, when } from "../../maths/time";
import { closed } from "../../state/queue";
import { about, hasOlder, isLoaded, loadOlder, remove, retry, separations } from "../../state/store";
import { ask } from "../confirm";
import { linkTo } from "../route";
import { describe } from "./describe";

export function Past() {
  const items = closed(separations.value);
  if (!isLoaded.value) return null;
  return (
    <section aria-labelledby="past-title">
      <div class="row apart">
        <h2 id="past-title">Your songs</h2>
        {about.value !== null && (
          <p class="note">
            {bytes(about.value.disk.used_bytes)} used · {bytes(about.value.disk.free_bytes)} free
          </p>
        )}
      </div>
      {items.length === 0 && <p class="empty">Separated songs appear here, and are still here tomorrow.</p>}
      <ul class="list" id="past">
        {items.map((item) => (
          <Done key={item.id} item={item} />
        ))}
      </ul>
      {hasOlder() && (
        <button type="button" onClick={() => void loadOlder()}>
          Show older ones
        </button>
      )}
    </section>
  );
}

function Done({ item }: { item: Separation }) {
  const isDone = item.state === "done";
  return (
    <li class={`item ${isDone ? "open" : ""}`} data-id={item.id} data-state={item.state}>
      <div class="what">
        <h3>{isDone ? <a href={linkTo(item.id)}>{item.title}</a> : item.title}</h3>
        <p class="note">{describe(item)}</p>
        {item.error !== null && <p class="mistake">{item.error}</p>}
      </div>
      <p class="status">
        {isDone ? `${when(item.finished_at ?? item.created_at)} · ${bytes(item.size_bytes)}` : item.state}
      </p>
      {!isDone && (
        <button type="button" onClick={() => void retry(item.id)} aria-label={`Try ${item.title} again`}>
          Try again
        </button>
      )}
      <button type="button" class="quiet" onClick={() => askToRemove(item)} aria-label={`Delete ${item.title}`}>
        Delete
      </button>
    </li>
  );
}

function askToRemove({ id, title, size_bytes }: Separation): void {
  ask({
    title: "Delete this separation?",
    text: `“${title}” and its ${bytes(size_bytes)} on the disk are gone then. The song you dropped stays where it is.`,
    yes: "Delete",
    onYes: () => void remove(id),
  });
}
