import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createTransport } from "nodemailer";
import type { World } from "../shared/world.ts";
import { composed } from "./composer.edge.ts";
import type { KeptMail } from "./mail.ts";

/** Where mails are taken to. */
export interface PostOffice {
  /** After this a try is over, one way or the other. */
  readonly longestMs: number;
  /** Answers where the mail is now, for the log. Taking the same mail twice makes no second one where that can be known. */
  take(mail: KeptMail): Promise<string>;
  /** Does not wait: what is under way is let finish for a moment. */
  close(): void;
}

const CONNECT_MS = 10_000;
const SILENCE_MS = 20_000;
/** For one mail, with its waiting for a connection. */
const SMTP_TRY_MS = 60_000;
const FILE_TRY_MS = 2_000;
const CLOSE_MS = 3_000;
const MOST_CONNECTIONS = 5;

/** Everything in it is made of what was kept, so that a repeat is the same mail, known by its Message-ID. */
const messageOf = ({ id, letter, createdAt }: KeptMail, from: string) => ({
  ...letter,
  from,
  messageId: `<${id}@${/@([\w.-]+)/.exec(from)?.[1] ?? "localhost"}>`,
  date: new Date(createdAt),
  headers: { "Auto-Submitted": "auto-generated" },
  disableFileAccess: true,
  disableUrlAccess: true,
});

export function smtpOffice(url: string, from: string, world: World): PostOffice {
  const transport = createTransport({
    url,
    pool: true,
    maxConnections: MOST_CONNECTIONS,
    maxRequeues: 0,
    connectionTimeout: CONNECT_MS,
    greetingTimeout: CONNECT_MS,
    dnsTimeout: CONNECT_MS,
    socketTimeout: SILENCE_MS,
  });
  return {
    longestMs: SMTP_TRY_MS,
    async take(mail) {
      const limit = new AbortController();
      const callOff = world.after(SMTP_TRY_MS, () => limit.abort());
      try {
        const { response } = await transport.sendMail({ ...messageOf(mail, from), signal: limit.signal });
        return response;
      } finally {
        callOff();
      }
    },
    close() {
      transport.close();
      world.after(CLOSE_MS, () => transport.close({ force: true }));
    },
  };
}

/**
 * Without a mail server, each mail is a file that mail programs can open. Files sort by the time of the facts.
 * They are not synced to the disk one by one: the mail itself is in the store, and a sync costs a purchase more
 * than all its writes. Unsynced, a small file is written in a tenth of the time that asking a thread to do it takes.
 */
export function fileOffice(folder: string, from: string): PostOffice {
  return {
    longestMs: FILE_TRY_MS,
    async take(mail) {
      const path = join(folder, `${mail.id}.eml`);
      mkdirSync(folder, { recursive: true });
      writeFileSync(`${path}.tmp`, composed(messageOf(mail, from)), { mode: 0o600 });
      renameSync(`${path}.tmp`, path);
      return path;
    },
    close() {},
  };
}
