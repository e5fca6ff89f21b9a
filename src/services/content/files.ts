// Content as files: <folder>/xx/<id>. A file gets its name only when it is complete and on disk, so that a crash
// leaves nothing but temporary files, which go at the next start.

import { createHash } from 'node:crypto';
import { createReadStream, type ReadStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { SNIFF_BYTES } from './content-types.ts';

/** A file under its temporary name. */
export interface Written {
  readonly path: string;
  /** Octets. */
  readonly size: number;
  /** In hex. */
  readonly sha256: string;
  /** The first octets. */
  readonly head: Uint8Array;
}

const TEMPORARY = 'incoming';
const PRIVATE = { recursive: true, mode: 0o700 } as const;

export class ContentFiles {
  /** Absolute. */
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  pathOf(id: string): string {
    return join(this.folder, id.slice(0, 2), id);
  }

  read(id: string): ReadStream {
    return createReadStream(this.pathOf(id));
  }

  /** Makes the folder and throws away what the last run did not finish. */
  async start(): Promise<void> {
    await rm(join(this.folder, TEMPORARY), { recursive: true, force: true });
    await mkdir(join(this.folder, TEMPORARY), PRIVATE);
  }

  /**
   * Streams octets into a temporary file, synced. `allow` is asked before each piece with the size it would lead to,
   * and throws to refuse; then, as when the source fails, nothing is left.
   */
  async write(
    id: string,
    source: AsyncIterable<Uint8Array>,
    allow: (size: number) => void | Promise<void>,
  ): Promise<Written> {
    const path = join(this.folder, TEMPORARY, id);
    const file = await open(path, 'wx', 0o600);
    const hash = createHash('sha256');
    let head = Buffer.alloc(0);
    let size = 0;
    try {
      for await (const piece of source) {
        await allow(size + piece.length);
        if (head.length < SNIFF_BYTES) head = Buffer.concat([head, piece.subarray(0, SNIFF_BYTES)]);
        hash.update(piece);
        size += await writeAll(file, piece);
      }
      await file.sync();
      await file.close();
      return { path, size, sha256: hash.digest('hex'), head: head.subarray(0, SNIFF_BYTES) };
    } catch (error) {
      await file.close();
      await rm(path, { force: true });
      throw error;
    }
  }

  /** Gives a written file its place; when this resolves, the name is on disk too. */
  async keep(id: string, written: Written): Promise<void> {
    const path = this.pathOf(id);
    await mkdir(dirname(path), PRIVATE);
    await rename(written.path, path);
    await syncFolder(dirname(path));
  }

  async discard(written: Written): Promise<void> {
    await rm(written.path, { force: true });
  }

  async remove(id: string): Promise<void> {
    await rm(this.pathOf(id), { force: true });
  }

  async has(id: string): Promise<boolean> {
    return (await stat(this.pathOf(id)).catch(() => undefined)) !== undefined;
  }

  /** Ids of all files in place, folder by folder. */
  async *ids(): AsyncIterable<string> {
    for (const folder of await readdir(this.folder)) {
      if (!/^[\w-]{2}$/.test(folder)) continue;
      yield* await readdir(join(this.folder, folder));
    }
  }
}

async function writeAll(file: Awaited<ReturnType<typeof open>>, piece: Uint8Array): Promise<number> {
  for (let written = 0; written < piece.length;) {
    written += (await file.write(piece, written)).bytesWritten;
  }
  return piece.length;
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
