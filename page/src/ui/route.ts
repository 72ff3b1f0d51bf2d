import { signal } from "@preact/signals";

/** The separation that is shown, null for the list. Kept behind the `#`, so that the server has one page only. */
export const shown = signal<string | null>(read());

function read(): string | null {
  const id = /^#\/s\/([^/]+)$/.exec(location.hash)?.[1];
  return id === undefined ? null : decodeURIComponent(id);
}

window.addEventListener("hashchange", () => {
  shown.value = read();
  window.scrollTo(0, 0);
  // As after a page load: who listens hears the new page from its beginning.
  document.getElementById("main")?.focus({ preventScroll: true });
});

export const linkTo = (id: string): string => `#/s/${encodeURIComponent(id)}`;
export const HOME = "#/";
