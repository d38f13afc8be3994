const gibibyte = 1024 ** 3;

/**
 * What an archive may hold at most. Far beyond any build, and near enough to end a bomb before it does harm.
 * They are no configuration: who needs more puts the build in place by hand (builds-layout.md).
 */
export interface IntakeLimits {
  entries: number;
  /** unpacked, in bytes */
  bytes: number;
  /** of a whole path and of a link's destination, in bytes */
  pathBytes: number;
  /** folders within folders */
  depth: number;
  /** unpacked bytes for each byte of a compressed archive, once `ratioFrom` are unpacked */
  ratio: number;
  ratioFrom: number;
}

export const intakeLimits: IntakeLimits = {
  entries: 250_000,
  bytes: 32 * gibibyte,
  pathBytes: 1024,
  depth: 64,
  ratio: 500,
  ratioFrom: gibibyte / 4,
};

/** The kernel's own limit of one name (NAME_MAX). */
export const nameBytes = 255;
