// Is the build that ships in the wheel made from these sources?
//
//   node check_build.mjs            compares fingerprints (tests/unit/web does the same without Node)
//   node check_build.mjs --rebuild  builds again and compares every byte
//   node check_build.mjs --stamp    writes the fingerprints; `npm run build` does it
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";

const PAGE = dirname(fileURLToPath(import.meta.url));
const BUILD = join(PAGE, "../src/auralflow/web/static");
const STAMP = "build.json";
const SOURCES = ["index.html", "package.json", "package-lock.json", "tsconfig.json", "vite.config.ts", "public", "src"];

function filesUnder(path) {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path).flatMap((name) => filesUnder(join(path, name)));
}

/** One hash over names and contents. Line ends are made alike: Git may have changed them on Windows. */
function fingerprint(root, paths) {
  const hash = createHash("sha256");
  const files = paths.flatMap((path) => filesUnder(join(root, path)));
  const named = files.map((file) => [relative(root, file).split(sep).join("/"), file]);
  for (const [name, file] of named.sort(([a], [b]) => (a < b ? -1 : 1))) {
    hash.update(`${name}\n${readFileSync(file, "utf8").replaceAll("\r\n", "\n")}\0`);
  }
  return hash.digest("hex");
}

const built = (folder) =>
  fingerprint(
    folder,
    readdirSync(folder).filter((name) => name !== STAMP),
  );
const now = () => ({ sources: fingerprint(PAGE, SOURCES), build: built(BUILD) });

function fail(message) {
  console.error(`${message} Run 'make page' and commit src/auralflow/web/static.`);
  process.exit(1);
}

function compareFingerprints() {
  if (!existsSync(join(BUILD, STAMP))) fail("The page is not built.");
  const stamp = JSON.parse(readFileSync(join(BUILD, STAMP), "utf8"));
  const { sources, build } = now();
  if (stamp.sources !== sources) fail("The page was changed after its last build.");
  if (stamp.build !== build) fail("The built page was changed by hand.");
}

async function compareRebuild() {
  const { build } = await import("vite");
  const folder = mkdtempSync(join(tmpdir(), "auralflow-page-"));
  try {
    await build({ root: PAGE, logLevel: "warn", build: { outDir: folder, emptyOutDir: true } });
    if (built(folder) !== built(BUILD)) fail("A new build differs from the one that ships.");
  } finally {
    rmSync(folder, { recursive: true });
  }
}

if (process.argv.includes("--stamp")) {
  writeFileSync(join(BUILD, STAMP), `${JSON.stringify(now(), null, 2)}\n`);
} else {
  compareFingerprints();
  if (process.argv.includes("--rebuild")) await compareRebuild();
}
