import { useEffect } from "preact/hooks";
import { Drop } from "./drop";
import { Past } from "./past";
import { Queue } from "./queue";
import { Choices } from "./choices";

export function Home() {
  useEffect(() => {
    document.title = "Auralflow";
  }, []);
  return (
    <>
      <h1 class="hidden">Separate songs</h1>
      <div class="start">
        <Drop />
        <Choices />
      </div>
      <Queue />
      <Past />
    </>
  );
}
