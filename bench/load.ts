import autocannon from "autocannon";

/** Path, and for what is not a GET the rest, of the next request. */
export interface Asked {
  path: string;
  method?: "GET" | "POST";
  headers?: Record<string, string>;
  body?: string;
}
export interface Loaded {
  /** Answers of 2xx. */
  served: number;
  perSecond: number;
  p50Ms: number;
  p99Ms: number;
  /** How often what else was answered: a status, or why there was no answer. */
  others: Record<string, number>;
  seconds: number;
}

/** At once, where nothing else is said. */
export const CONNECTIONS = 32;
/** What is asked of a floor. */
export const nothing = (): Asked => ({ path: "/" });

/** Everybody waits for the answer before asking again. */
export async function load(url: string, next: () => Asked, connections: number, seconds: number): Promise<Loaded> {
  const fresh = (request: autocannon.Request): autocannon.Request => Object.assign(request, next());
  const stopSpinning = spin();
  const result = await autocannon({ url, connections, duration: seconds, requests: [{ setupRequest: fresh }] });
  const { statusCodeStats = {}, latency, errors, timeouts, duration } = result;
  stopSpinning();
  const counts = Object.entries(statusCodeStats).map(([status, { count = 0 }]) => [status, count] as const);
  const served = counts.reduce((sum, [status, count]) => (status.startsWith("2") ? sum + count : sum), 0);
  const failed = { "no answer": errors - timeouts, "too late": timeouts };
  const others = [...counts.filter(([status]) => !status.startsWith("2")), ...Object.entries(failed)];
  return {
    served,
    perSecond: served / duration,
    p50Ms: latency.p50,
    p99Ms: latency.p99,
    others: Object.fromEntries(others.filter(([, count]) => count > 0)),
    seconds: duration,
  };
}

/** Never sleeps: whoever waits for an answer with open eyes need not be woken, which is dear on virtual machines. */
function spin(): () => void {
  let isOver = false;
  const again = () => {
    if (!isOver) setImmediate(again);
  };
  again();
  return () => {
    isOver = true;
  };
}
