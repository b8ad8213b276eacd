import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

/** What it takes to join a cluster that has made up its bus itself. */
export interface Invitation {
  TRANSPORTER: string;
  /** Missing where an operator has chosen it: then the operator knows it. */
  BUS_SECRET?: string;
  NAMESPACE?: string;
}

/** Nodes of a local cluster run in the project's folder, wherever they were started. */
const project = join(import.meta.dirname, "..");
const LOCAL_DATA_DIR = "./data/cluster";
const fileIn = (dataDir: string | undefined) => resolve(project, dataDir || LOCAL_DATA_DIR, "invitation.json");

/** Leaves it where `npm run repl` looks, for nobody but this user to read. Answers how to take it back. */
export function leaveInvitation(dataDir: string | undefined, invitation: Invitation): () => void {
  const file = fileIn(dataDir);
  mkdirSync(dirname(file), { recursive: true });
  const takeBack = () => rmSync(file, { force: true });
  // A file that is there keeps the rights that it has.
  takeBack();
  writeFileSync(file, `${JSON.stringify(invitation)}\n`, { mode: 0o600, flag: "wx" });
  return takeBack;
}

/** What a cluster that died has left half written is none, and neither is what this user may not read. */
export function findInvitation(dataDir: string | undefined): Invitation | undefined {
  try {
    const invitation = JSON.parse(readFileSync(fileIn(dataDir), "utf8"));
    return typeof invitation?.TRANSPORTER === "string" ? invitation : undefined;
  } catch {
    return undefined;
  }
}
