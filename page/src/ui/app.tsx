import { bytes } from "../maths/time";
import { about, isConnected, spokenLine, trouble } from "../state/store";
import { Confirmation } from "./confirm";
import { Home } from "./home/home";
import { ResultPage } from "./result/result";
import { HOME, shown } from "./route";
import { ThemeSwitch } from "./theme";

export function App() {
  return (
    <>
      <a class="skip" href="#main" onClick={toMain}>
        To the content
      </a>
      <header class="top">
        <a class="brand" href={HOME}>
          <img src={`${import.meta.env.BASE_URL}icon.svg`} alt="" width="28" height="28" /> Auralflow
        </a>
        <ThemeSwitch />
      </header>
      <Notices />
      <main id="main" tabIndex={-1}>
        {shown.value === null ? <Home /> : <ResultPage key={shown.value} id={shown.value} />}
      </main>
      <Footer />
      <Confirmation />
      <p class="hidden" role="status">
        {spokenLine}
      </p>
    </>
  );
}

/** By hand, since the address behind `#` says which separation is shown. */
function toMain(event: Event): void {
  event.preventDefault();
  document.getElementById("main")?.focus();
}

/** A server that has never told of itself has refused us; what it said is the trouble. */
function Notices() {
  return (
    <div class="notices" role="alert">
      {!isConnected.value && about.value !== null && (
        <p class="notice">The server does not answer. The page tries again by itself.</p>
      )}
      {trouble.value !== null && (
        <p class="notice bad">
          {trouble}
          <button type="button" class="quiet" aria-label="Dismiss" onClick={() => (trouble.value = null)}>
            ✕
          </button>
        </p>
      )}
    </div>
  );
}

/** `cpu (2 threads), because ...`: why is for the command line. */
const device = (words: string): string => `on ${words.split(",")[0]}`;

function Footer() {
  const facts = about.value;
  return (
    <footer class="bottom">
      {facts !== null && (
        <p>
          Auralflow {facts.version} · {device(facts.device)} · {bytes(facts.disk.used_bytes)} used,{" "}
          {bytes(facts.disk.free_bytes)} free
        </p>
      )}
      <p>Your songs stay on this machine.</p>
    </footer>
  );
}
