import { type InputError, isRefusal, type Refusal, refusals } from "../services/shared/refusal.ts";
import { Misread } from "./command.ts";

interface Failure {
  name?: string;
  message?: string;
  data?: { action?: string; nodeID?: string };
}

/** What the cluster says when it cannot, by the error's name. */
const failures: Record<string, (failure: Failure) => string> = {
  ServiceNotFoundError: ({ data }) =>
    `Nobody in the cluster answers ${data?.action ?? "this"}${data?.nodeID ? ` on ${data.nodeID}` : ""}.`,
  ServiceNotAvailableError: ({ data }) => `${data?.action ?? "This"} is away for the moment: try again.`,
  RequestTimeoutError: ({ data }) =>
    `${data?.action ?? "This"} did not answer in time. Whether it was done is not known: look before you ask again.`,
  RequestSkippedError: ({ data }) => `${data?.action ?? "This"} took too long before it was its turn.`,
  RequestRejectedError: ({ data }) =>
    `${data?.action ?? "This"} went away while it was asked. Look before you ask again.`,
  QueueIsFullError: () => "Too much waits for the bus: try again.",
  BrokerDisconnectedError: () => "The bus is away: the cluster cannot be reached for the moment.",
};

/** Why something was not done, for people, in one line. */
export function sentence(error: unknown): string {
  if (error instanceof Misread) return error.message;
  if (isRefusal(error)) return refused(error);
  const failure = error as Failure;
  const known = failures[failure.name ?? ""];
  return known ? known(failure) : `Something broke: ${failure.name ?? "Error"}: ${failure.message ?? String(error)}`;
}

/** A refusal that says no more than its title is told with its reasons. */
function refused({ type, message, data }: Refusal): string {
  const reasons = message === refusals[type]?.[1] ? (data?.errors ?? []).slice(0, 5).map(reason) : [];
  const text = reasons.length ? `${message}: ${reasons.join("; ")}` : message;
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

/** A part of the input that is wrong, or a line that cannot be had. */
function reason({ path, message, sku, requested, available }: InputError): string {
  if (typeof sku !== "string")
    return `${path} ${message.replace(/^must match pattern .*/s, "is not written as it has to be")}`;
  return requested === undefined ? `${sku} ${message}` : `${requested} of ${sku} asked for, ${available} there`;
}
