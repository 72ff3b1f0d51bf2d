import type { Separation } from "../../api/types";
import { spoken } from "../../maths/time";
import { open } from "../../state/queue";
import { cancel, separations } from "../../state/store";
import { forget, sending, type Sending } from "../../state/uploads";
import { describe } from "./describe";

export function Queue() {
  const items = open(separations.value);
  if (items.length + sending.value.length === 0) return null;
  return (
    <section aria-labelledby="queue-title">
      <h2 id="queue-title">In the works</h2>
      <ul class="list" id="queue">
        {items.map((item) => (
          <Waiting key={item.id} item={item} />
        ))}
        {sending.value.map((item) => (
          <Uploading key={item.key} item={item} />
        ))}
      </ul>
    </section>
  );
}

function Waiting({ item }: { item: Separation }) {
  return (
    <li class="item" data-id={item.id} data-state={item.state}>
      <div class="what">
        <h3>{item.title}</h3>
        <p class="note">{describe(item)}</p>
      </div>
      <p class="status">{status(item)}</p>
      <button type="button" onClick={() => void cancel(item.id)} aria-label={`Cancel ${item.title}`}>
        Cancel
      </button>
      <progress aria-label={`Progress of ${item.title}`} max={1} value={item.progress} />
    </li>
  );
}

function status({ state, progress, eta_s, position }: Separation): string {
  if (state === "queued")
    return position === null ? "waiting" : position <= 1 ? "next" : `number ${position} in the queue`;
  const left = eta_s === null ? "" : ` · ${spoken(eta_s)} left`;
  return `${Math.floor(progress * 100)} %${left}`;
}

function Uploading({ item }: { item: Sending }) {
  const { file, share, error, key } = item;
  return (
    <li class="item" data-state={error === null ? "sending" : "refused"}>
      <div class="what">
        <h3>{file.name}</h3>
        {error !== null && <p class="mistake">{error}</p>}
      </div>
      <p class="status">
        {error === null ? (share > 0 ? `sending, ${Math.floor(share * 100)} %` : "waiting to be sent") : ""}
      </p>
      <button
        type="button"
        onClick={() => forget(key)}
        aria-label={`${error === null ? "Cancel" : "Remove"} ${file.name}`}
      >
        {error === null ? "Cancel" : "Remove"}
      </button>
      {error === null && <progress aria-label={`Upload of ${file.name}`} max={1} value={share} />}
    </li>
  );
}
