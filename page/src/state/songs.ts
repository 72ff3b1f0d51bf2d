// Songs from a file dialog or a drop, folders included.

const ENDINGS =
  /\.(wav|wave|flac|mp3|ogg|oga|opus|m4a|mp4|m4b|aac|aif|aiff|aifc|wma|webm|mkv|mov|avi|mka|ac3|ape|wv|w64|rf64|caf|au|snd|mp2|3gp|amr|tta|mpc|dsf)$/i;

/** A folder also holds covers and lists; of single files the server may say itself what it thinks. */
export const isSong = (name: string): boolean => ENDINGS.test(name) && !name.startsWith(".");

export async function dropped(transfer: DataTransfer): Promise<File[]> {
  // All has to be taken before the first pause: afterwards the browser forgets it.
  const plain = [...transfer.files];
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null);
  if (entries.length === 0) return plain;
  const found = await Promise.all(entries.map((entry) => (entry.isFile ? fileOf(entry) : under(entry))));
  return found.flat();
}

async function under(entry: FileSystemEntry): Promise<File[]> {
  if (entry.isFile) return isSong(entry.name) ? fileOf(entry) : [];
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const found: File[] = [];
  for (;;) {
    // A reader gives at most a hundred entries at a time.
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return found;
    for (const child of some.sort((a, b) => a.name.localeCompare(b.name))) found.push(...(await under(child)));
  }
}

const fileOf = (entry: FileSystemEntry): Promise<File[]> =>
  new Promise((resolve, reject) => (entry as FileSystemFileEntry).file((file) => resolve([file]), reject));
