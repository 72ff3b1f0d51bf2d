import { useEffect, useState } from "preact/hooks";
import { server } from "../../api/client";
import type { Separation } from "../../api/types";
import { bytes, clock, when } from "../../maths/time";
import { apply, attempt, remove, separations } from "../../state/store";
import { ask } from "../confirm";
import { HOME } from "../route";
import { expose } from "./exposed";
import { Mixer } from "./mixer";
import { Save } from "./save";
import { ScoreSection } from "./scores";
import { Session } from "./session";

/** The page of one separation. It may be older than what the list has loaded, so it is asked for by itself. */
export function ResultPage({ id }: { id: string }) {
  const item = separations.value.find((one) => one.id === id);
  const [isAsked, setAsked] = useState(false);
  useEffect(() => {
    void attempt(async () => apply({ kind: "changed", item: await server.get(id) })).then(() => setAsked(true));
  }, [id]);
  if (item?.state === "done") return <Result item={item} />;
  if (!isAsked) return <p class="empty">Opening…</p>;
  return (
    <div class="empty">
      <p>{item === undefined ? "This separation is not here any more." : `${item.title} is not separated yet.`}</p>
      <a class="button" href={HOME}>
        To the list
      </a>
    </div>
  );
}

function Result({ item }: { item: Separation }) {
  const session = useSession(item);
  useEffect(() => {
    document.title = `${item.title} – Auralflow`;
  }, [item.title]);
  return (
    <article class="result">
      <div class="row apart head">
        <div>
          <a class="back" href={HOME}>
            ← All songs
          </a>
          <h1>{item.title}</h1>
          <p class="note">{facts(item)}</p>
        </div>
        <div class="row">
          {session !== null && <Save session={session} item={item} />}
          <button type="button" class="quiet" onClick={() => askToRemove(item)}>
            Delete
          </button>
        </div>
      </div>
      {item.warnings.map((warning) => (
        <p class="notice">{warning}</p>
      ))}
      {session === null ? (
        <p class="empty" role="status">
          Loading the tracks…
        </p>
      ) : (
        <Mixer session={session} />
      )}
      <ScoreSection item={item} />
    </article>
  );
}

function facts({ model, duration_s, sample_rate, channels, size_bytes, created_at, from_s }: Separation): string {
  const rate = sample_rate === null ? null : `${sample_rate / 1000} kHz`;
  const sound = channels === null ? null : channels === 1 ? "mono" : channels === 2 ? "stereo" : `${channels} channels`;
  const part = from_s === null ? null : `a part from ${clock(from_s)}`;
  return [duration_s === null ? null : clock(duration_s), part, model, rate, sound, bytes(size_bytes), when(created_at)]
    .filter(Boolean)
    .join(" · ");
}

/** The session of these tracks, closed when the page is left. Scores that come later do not stop the music. */
function useSession(item: Separation): Session | null {
  const [session, setSession] = useState<Session | null>(null);
  useEffect(() => {
    let isLeft = false;
    let opened: Session | null = null;
    void attempt(() => Session.open(item)).then((made) => {
      if (made === undefined) return;
      if (isLeft) return made.close();
      opened = made;
      expose(made.player);
      setSession(made);
    });
    return () => {
      isLeft = true;
      expose(null);
      opened?.close();
    };
  }, [item.id]);
  return session;
}

function askToRemove({ id, title, size_bytes }: Separation): void {
  const leave = () => void remove(id).then(() => (location.hash = HOME));
  ask({
    title: "Delete this separation?",
    text: `“${title}” and its ${bytes(size_bytes)} on the disk are gone then.`,
    yes: "Delete",
    onYes: leave,
  });
}
