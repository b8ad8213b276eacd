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
  /** Calls of other nodes that came when nobody waited for their answer any more, and were not begun. */
  lateCalls: number;
  /** Calls that were refused, since as many of the same action were under way as may be. */
  crowdedCalls: number;
}

export const noFigures = (): Figures => ({
  calls: 0,
  writes: 0,
  commits: 0,
  refusedPackets: 0,
  lateCalls: 0,
  crowdedCalls: 0,
});
