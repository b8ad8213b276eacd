import type { Letter } from "./letter.ts";
import type { AuditedMail, Mail, Template } from "./notifications.contract.ts";

/** A letter on its way. */
export interface KeptMail {
  readonly id: string;
  readonly version: number;
  readonly orderId: string;
  readonly template: Template;
  readonly letter: Letter;
  readonly status: Mail["status"];
  readonly tries: number;
  readonly error: string | null;
  readonly createdAt: string;
  readonly sentAt: string | null;
  /** When it is to be tried, or tried again. */
  readonly dueAt?: string | undefined;
}

/** Whatever a decision needs of the world. */
export interface Moment {
  nowMs: number;
  /** At least 0, less than 1: spreads repeats. */
  random: number;
  /** How long a node that tries to send a letter has it for itself: longer than a try may take. */
  leaseMs: number;
}

/** What came of a try. A failure for good is the server's no to this letter; any other may pass. */
export type Outcome = { kind: "sent" } | { kind: "failed"; error: string; forGood: boolean };

const MOST_TRIES = 12;
const FIRST_PAUSE_MS = 2_000;
const LONGEST_PAUSE_MS = 6 * 3_600_000;
/** An order's next letter looks this often whether the one before has left. */
const BEHIND_MS = 10_000;
const LONGEST_ERROR = 500;

const iso = (ms: number) => new Date(ms).toISOString();

/** The same fact always makes a mail of the same id, so that hearing it again finds the mail there. */
export const mailId = (eventId: string): string => eventId.replace(/^evt_/, "mail_");

export function queued(
  mail: Pick<KeptMail, "id" | "orderId" | "template" | "letter">,
  now: string,
): Omit<KeptMail, "version"> {
  return { ...mail, status: "queued", tries: 0, error: null, createdAt: now, sentAt: null, dueAt: now };
}

/** Somebody is about to try. If that node dies, the mail is due again when its time is over. */
export const takenUp = <M extends Omit<KeptMail, "version">>(mail: M, { nowMs, leaseMs }: Moment): M => ({
  ...mail,
  tries: mail.tries + 1,
  dueAt: iso(nowMs + leaseMs),
});

/** An earlier letter about the same order has not left yet. */
export const behind = (mail: KeptMail, { nowMs }: Moment): KeptMail => ({ ...mail, dueAt: iso(nowMs + BEHIND_MS) });

/** The mail after a try. Pauses grow by four, so that twelve tries span about a day. */
export function tried(mail: KeptMail, outcome: Outcome, { nowMs, random }: Moment): KeptMail {
  if (mail.status === "sent") return mail;
  const { dueAt, ...rest } = mail;
  if (outcome.kind === "sent") return { ...rest, status: "sent", error: null, sentAt: iso(nowMs) };
  const error = outcome.error.slice(0, LONGEST_ERROR).toWellFormed();
  if (outcome.forGood || mail.tries >= MOST_TRIES) return { ...rest, status: "failed", error };
  const pauseMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 4 ** (mail.tries - 1)) * (0.5 + random / 2);
  return { ...rest, error, dueAt: iso(nowMs + pauseMs) };
}

/** What an SMTP library knows of a failure. */
export interface SmtpFailure {
  message: string;
  /** The server's answer will not change. */
  permanent?: boolean | undefined;
  command?: string | undefined;
}

/** A no to the recipient or the letter is final. A no to us, as to a wrong password, can be mended. */
export const failureOf = ({ message, permanent, command = "" }: SmtpFailure): Outcome => ({
  kind: "failed",
  error: message,
  forGood: permanent === true && ["RCPT TO", "DATA"].includes(command),
});

export function mailView({ letter, dueAt, version, ...mail }: KeptMail): Mail {
  return { ...mail, to: letter.to.address, subject: letter.subject };
}

export const audited = ({ id, orderId, template, status }: KeptMail): AuditedMail => ({
  id,
  orderId,
  template,
  status,
});
