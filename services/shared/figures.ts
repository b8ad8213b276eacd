/** What a node counts of itself: the costs of a purchase can be read from the difference. */
export interface Figures {
  /** Calls of actions that this node has answered. */
  calls: number;
  /** Documents written to the store. */
  writes: number;
  /** Commits, and so syncs of the disk. Writes that arrive together share one. */
  commits: number;
  /** Packets that no node of ours has signed. */
  refusedPackets: number;
}

export const noFigures = (): Figures => ({ calls: 0, writes: 0, commits: 0, refusedPackets: 0 });
