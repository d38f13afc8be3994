/** One request of the load. */
export interface Sample {
  /** when it was sent, in milliseconds since the epoch */
  atMs: number;
  /** `ok`: 200 from the service; `wrong`: 200 from somebody else; `failed`: anything else, or nothing */
  answer: 'ok' | 'wrong' | 'failed';
  /** the letter of the build that answered, however; null: nobody did */
  build: string | null;
  /** how long it took until it was over */
  tookMs: number;
}

/** Something that happened at a moment, for the picture. */
export interface Mark {
  atMs: number;
  label: string;
  kind: 'forward' | 'failed' | 'back' | 'good' | 'bad';
}
