import { stat } from 'node:fs/promises';
import { writeDurably } from '../../../base/files.ts';
import { type FileResult, modeText } from '../files.ts';
import { asideOf, type Sorted } from './sorting.ts';

/** Keeps what somebody has changed beside what is to be replaced. @throws `permission`, `disk` */
export async function putAside({ aside }: Sorted): Promise<void> {
  for (const { path, text, mode } of aside) await writeDurably(path, text, mode);
}

/** Tells of the files that stay as somebody has them. */
export async function tellKept({ kept }: Sorted, onFile: (file: FileResult) => void): Promise<FileResult[]> {
  const results: FileResult[] = [];
  for (const { file } of kept) {
    const { mode } = await stat(file.path);
    const result: FileResult = { path: file.path, status: 'kept', mode: modeText(mode & 0o7777), content: file.text };
    onFile(result);
    results.push(result);
  }
  return results;
}

/** What there is to say of files that stay, and of those that were put aside. */
export function keptNotes({ kept, aside }: Sorted): string[] {
  const notes = kept.map(({ file: { path }, isOurs }) =>
    isOurs
      ? `${path} was changed since it was written, and stays; to have it replaced, with yours in ${asideOf(path)}: cutover init --install --force`
      : `${path} is somebody else's, and stays; to have ours: mv ${path} ${path}.saved`,
  );
  return [...notes, ...aside.map(({ path }) => `what was changed there is kept in ${path}`)];
}
