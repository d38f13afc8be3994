import type { DatabaseConfig } from '../config/model.ts';
import type { Patience } from '../stores/program.ts';

/** One database, and a private folder to work in. */
export interface DatabaseTask extends Patience {
  database: DatabaseConfig;
  /** mode 0700, on the file system of the backups; it is removed afterwards */
  work: string;
  /** what is there is damaged: it is kept under another name, and not written over */
  isSetAside?: boolean;
  /** for whom a file is made that is not there; default: the owner of its directory */
  madeFor?: FileOwner | null;
  /** told what became of what was there, and what was made instead */
  onNote?: (message: string) => void;
}

/** Whose a file is to be. */
export interface FileOwner {
  uid: number;
  gid: number;
  /** how people call them: `www-data:www-data` */
  name: string;
}

/** What a restore left beside the database. */
export interface PutBack {
  /** under which name what was there before is kept; null: it was restored in place */
  setAside: string | null;
}

/** What the databases of one kind need; each throws `refused`, `disk`, `permission`, `config`, or the signal's reason. */
export interface DatabaseKind {
  /** what it is called in messages */
  readonly label: string;
  /** Writes a consistent copy into the folder while the application goes on, sees that it is whole, and gives its path. */
  dump(task: DatabaseTask): Promise<string>;
  /** Whether `dump` failed since what is there cannot be read any more; what only cannot be read just now is worth keeping. */
  isDamage(error: unknown): boolean;
  /** Sees that a file is a whole backup, without touching the database, and gives what `put` takes. */
  open(file: string, task: DatabaseTask): Promise<string>;
  /** Sees that there is something to restore into, before anybody is stopped for it. */
  reach(task: DatabaseTask): Promise<void>;
  /** Puts what was opened in the place of the database, entirely or not at all. Nothing else may write meanwhile. */
  put(opened: string, task: DatabaseTask): Promise<PutBack>;
}
