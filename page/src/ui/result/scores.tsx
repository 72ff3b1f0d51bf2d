import { useState } from "preact/hooks";
import { server } from "../../api/client";
import type { Scores, Separation } from "../../api/types";
import { apply, attempt } from "../../state/store";

export function ScoreSection({ item }: { item: Separation }) {
  return (
    <section class="card scores" aria-labelledby="scores-title">
      <h2 id="scores-title">Scores</h2>
      {item.scores === null ? (
        <p class="note">Do you have the true stems of this song? Then the separation can be measured.</p>
      ) : (
        <Table scores={item.scores} />
      )}
      <Truth item={item} />
    </section>
  );
}

function Table({ scores }: { scores: Scores }) {
  const metrics = [...new Set(Object.values(scores).flatMap((row) => Object.keys(row)))];
  return (
    <div class="scrolls" tabIndex={0} role="region" aria-label="Table of scores">
      <table>
        <caption class="note">In decibels; the higher, the nearer to the true stem.</caption>
        <thead>
          <tr>
            <th scope="col">Stem</th>
            {metrics.map((metric) => (
              <th scope="col">{metric.toUpperCase().replaceAll("_", "-")}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {Object.entries(scores).map(([stem, row]) => (
            <tr>
              <th scope="row">{stem}</th>
              {metrics.map((metric) => (
                <td>{number(row[metric])}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const number = (value: number | null | undefined): string =>
  value === null || value === undefined ? "–" : value.toFixed(2);

function Truth({ item }: { item: Separation }) {
  const [files, setFiles] = useState<ReadonlyMap<string, File>>(new Map());
  const [isBusy, setBusy] = useState(false);
  const stems = item.tracks.filter(({ kind }) => kind === "stem");
  const send = async () => {
    setBusy(true);
    const answer = await attempt(() => server.truth(item.id, files));
    if (answer !== undefined) apply({ kind: "changed", item: answer });
    setBusy(false);
  };
  const take = (stem: string, file: File | undefined) => file && setFiles(new Map([...files, [stem, file]]));
  return (
    <details>
      <summary>{item.scores === null ? "Measure with true stems" : "Measure again"}</summary>
      {stems.map(({ name }) => (
        <label class="truth">
          {name}
          <input
            type="file"
            accept="audio/*,video/*"
            onChange={({ currentTarget }) => take(name, currentTarget.files?.[0])}
          />
        </label>
      ))}
      <button type="button" class="strong" disabled={isBusy || files.size === 0} onClick={() => void send()}>
        {isBusy ? "Measuring…" : "Measure"}
      </button>
    </details>
  );
}
