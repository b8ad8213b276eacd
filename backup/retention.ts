/** The names of backups sort by the moment that they hold. */
const pattern = /^(.+)-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}Z\.backup$/;

/** Backups of several shops may lie in one folder: the namespace tells them apart. */
export const nameOf = (namespace: string, at: string): string => `${namespace}-${at.replaceAll(":", "-")}.backup`;

const isOf = (namespace: string, name: string): boolean => pattern.exec(name)?.[1] === namespace;

/** What a backup of this shop has left that came to no end, or has not come to it yet. */
export const isPartOf = (namespace: string, name: string): boolean =>
  name.startsWith(`.${namespace}-copy-`) || (name.endsWith(".part") && isOf(namespace, name.slice(0, -".part".length)));

/** The backups of a shop among these names that are not kept: older than the newest `keep`, and never the one just made. */
export const outdated = (names: readonly string[], namespace: string, keep: number, made: string): string[] =>
  names
    .filter((name) => isOf(namespace, name))
    .toSorted()
    .toReversed()
    .slice(Math.max(1, keep))
    .filter((name) => name !== made);
