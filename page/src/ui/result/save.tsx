import { useState } from "preact/hooks";
import { server } from "../../api/client";
import type { MixGain, Separation } from "../../api/types";
import { SILENT_DB, sounds } from "../../maths/gain";
import { about, attempt } from "../../state/store";
import { Modal } from "../modal";
import type { Session } from "./session";

/** Native Instruments' format holds exactly four stems. */
const STEM_MP4_STEMS = 4;

export function Save({ session, item }: { session: Session; item: Separation }) {
  const [isAsking, ask] = useState(false);
  const fits =
    session.stems.filter(({ kind }) => kind === "stem").length === STEM_MP4_STEMS && (item.channels ?? 2) <= 2;
  return (
    <div class="row save">
      <a class="button" href={server.archiveUrl(item.id)} download>
        All as zip
      </a>
      {fits && (
        <a
          class="button"
          href={server.stemMp4Url(item.id)}
          download
          title="For disc jockeys: the song and its four stems in one file"
        >
          .stem.mp4
        </a>
      )}
      <button type="button" onClick={() => ask(true)}>
        Mix as heard…
      </button>
      {isAsking && <MixDialog session={session} item={item} onClose={() => ask(false)} />}
    </div>
  );
}

function MixDialog({ session, item, onClose }: { session: Session; item: Separation; onClose: () => void }) {
  const [format, setFormat] = useState("wav24");
  const [isPart, setPart] = useState(session.isLooping.value);
  const [isBusy, setBusy] = useState(false);
  const loop = session.loop.value;
  const formats = (about.value?.formats ?? ["wav24"]).filter((name) => name !== "stem.mp4");
  const save = async () => {
    setBusy(true);
    const part =
      isPart && loop !== null ? { from_s: loop.from, for_s: loop.to - loop.from } : { from_s: null, for_s: null };
    const answer = await attempt(() => server.mix(item.id, { gains: gains(session), format, ...part }));
    if (answer !== undefined) await keep(answer, `${item.title} - mix`);
    onClose();
  };
  return (
    <Modal title="Save the mix as heard" onClose={onClose}>
      <p class="note">With the volumes, pans, mutes and solos of now, at normal speed.</p>
      <div class="field">
        <label for="mix-format">Format</label>
        <select id="mix-format" value={format} onChange={({ currentTarget }) => setFormat(currentTarget.value)}>
          {formats.map((name) => (
            <option value={name}>{name}</option>
          ))}
        </select>
      </div>
      {loop !== null && (
        <label class="check">
          <input type="checkbox" checked={isPart} onChange={({ currentTarget }) => setPart(currentTarget.checked)} />{" "}
          Only the loop
        </label>
      )}
      <div class="row end">
        <button type="button" onClick={onClose}>
          Cancel
        </button>
        <button type="button" class="strong" disabled={isBusy} onClick={() => void save()}>
          {isBusy ? "Mixing…" : "Save"}
        </button>
      </div>
    </Modal>
  );
}

/** What the mixer does to each stem, the master included. */
export function gains(session: Session): Record<string, MixGain> {
  const strips = [...session.strips.value];
  const anySolo = strips.some(([, { solo }]) => solo);
  const gain = (strip: (typeof strips)[number][1]): MixGain => ({
    gain_db: strip.gainDb + session.masterDb.value,
    pan: strip.pan,
    // The sliders' lowest position is silence, not a number of decibels.
    muted: !sounds(strip, anySolo) || Math.min(strip.gainDb, session.masterDb.value) <= SILENT_DB,
  });
  return Object.fromEntries(strips.map(([name, strip]) => [name, gain(strip)]));
}

async function keep(response: Response, name: string): Promise<void> {
  const stated = /filename\*=UTF-8''([^;]+)/i.exec(response.headers.get("Content-Disposition") ?? "")?.[1];
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await response.blob());
  link.download = stated === undefined ? name : decodeURIComponent(stated);
  link.click();
  // The browser has begun to read it by then.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
