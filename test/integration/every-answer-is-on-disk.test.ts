import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { adminOf, anOrder, Client, stockMugs } from "../client.ts";
import { startShop } from "../process.ts";
import { describeWith, program } from "../servers/server.ts";

const ROUNDS = 20;
const AT_ONCE = 10;

const needStrace = () => program("strace", "apt-get install strace", "strace");

interface Audit {
  syncs: number;
  answers: number;
  /** Answers that were given while a log of SQLite was written and not synced. */
  tooEarly: string[];
}

/**
 * Reads what the kernel was asked for, in its order. When the power goes, what was written is lost, and what was synced is
 * not: so no answer may be given before the sync of what was written for it.
 */
function audited(trace: string): Audit {
  const audit: Audit = { syncs: 0, answers: 0, tooEarly: [] };
  const dirty = new Set<string>();
  const syncing = new Map<string, string>();
  for (const line of trace.split("\n")) {
    const [, thread = "", call = ""] = /^(\d+)\s+(.*)$/.exec(line) ?? [];
    const [, name = "", path = ""] = /^(pwrite64|fdatasync|fsync)\(\d+<([^>]*-wal)>/.exec(call) ?? [];
    if (name === "pwrite64") dirty.add(path);
    else if (name) syncing.set(thread, path);
    const isOver = /\) += 0$/.test(call) && (name || /^<\.\.\. f(data)?sync resumed>/.test(call));
    const synced = isOver ? syncing.get(thread) : undefined;
    if (synced) {
      audit.syncs++;
      dirty.delete(synced);
      syncing.delete(thread);
    }
    if (/^writev?\(.*"HTTP\/1\.1 201 /.test(call)) {
      audit.answers++;
      if (dirty.size) audit.tooEarly.push(call);
    }
  }
  return audit;
}

describe("the audit of what is on the disk", () => {
  const write = '7 pwrite64(21</data/lonja.db-wal>, "x"..., 4096, 0) = 4096';
  const answer = '7 writev(30<socket:[1]>, [{iov_base="HTTP/1.1 201 Created"..., iov_len=99}], 1) = 99';
  test("finds an answer before its sync, and none where the sync was split in the trace", () => {
    const [begun, over] = ["7 fdatasync(21</data/lonja.db-wal> <unfinished ...>", "7 <... fdatasync resumed>) = 0"];
    expect(audited([write, begun, answer, over].join("\n")).tooEarly).toHaveLength(1);
    expect(audited([write, begun, over, answer].join("\n"))).toEqual({ syncs: 1, answers: 1, tooEarly: [] });
  });
});

describeWith([needStrace], "power that may go at any moment", () => {
  // Some containers do not let anybody be traced.
  const mayTrace = spawnSync("strace", ["-qq", "-o", "/dev/null", "true"]).status === 0;
  if (!mayTrace)
    process.stderr.write("\n!!! Nobody may be traced here, so the audit of what is on the disk is SKIPPED\n");
  const folder = mkdtempSync(join(tmpdir(), "lonja-traced-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  (mayTrace ? test : test.skip)(
    "no buyer is answered before the disk has synced what was written for him",
    async () => {
      const shop = await startShop(join(folder, "data"));
      await stockMugs(await adminOf(shop.url), 1_000);
      const trace = join(folder, "trace");
      const calls = "trace=pwrite64,fdatasync,fsync,write,writev";
      const strace = spawn("strace", ["-f", "-y", "-s", "24", "-e", calls, "-o", trace, "-p", String(shop.child.pid)]);
      await once(strace.stderr, "data");
      const buyer = new Client(shop.url, {}, { isPatient: true });
      for (let round = 0; round < ROUNDS; round++)
        await Promise.all(Array.from({ length: AT_ONCE }, () => buyer.buy(anOrder())));
      const detached = once(strace, "exit");
      strace.kill("SIGINT");
      await detached;
      await shop.stop();

      const { syncs, answers, tooEarly } = audited(readFileSync(trace, "utf8"));
      expect([answers, tooEarly]).toEqual([ROUNDS * AT_ONCE, []]);
      expect(syncs).toBeGreaterThan(ROUNDS);
    },
  );
});
