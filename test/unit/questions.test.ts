import { Questions } from "../../services/gateway/questions.edge.ts";
import { VirtualWorld } from "../virtual-world.ts";

function open() {
  const world = new VirtualWorld(5);
  const questions = new Questions(world);
  const asked: { answer(text: string): void; fail(): void }[] = [];
  const ask = () =>
    new Promise<string>((resolve, reject) => {
      asked.push({ answer: resolve, fail: () => reject(new Error("no")) });
    });
  return { world, questions, asked, ask };
}

describe("what many ask in the same words", () => {
  test("is asked once while the answer is under way, and for a moment after it", async () => {
    const { world, questions, asked, ask } = open();
    const first = [1, 2, 3].map(() => questions.ask(["events", 1], ask));
    await world.run(5_000);
    asked[0]?.answer("a");
    expect(await Promise.all(first)).toEqual(["a", "a", "a"]);
    await world.run(200);
    expect(await questions.ask(["events", 1], ask)).toBe("a");
    await world.run(60);
    void questions.ask(["events", 1], ask);
    expect(asked).toHaveLength(2);
  });

  test("is another question in other words", () => {
    const { questions, asked, ask } = open();
    for (const words of [["events"], ["events", "usr_1"], ["events", undefined, "usr_1"]])
      void questions.ask(words, ask);
    expect(asked).toHaveLength(3);
  });

  test("is asked again at once when it has failed, and all who asked are told", async () => {
    const { world, questions, asked, ask } = open();
    const first = [1, 2].map(() => questions.ask(["events"], ask).catch((error) => error.message));
    asked[0]?.fail();
    expect(await Promise.all(first)).toEqual(["no", "no"]);
    await world.run(0);
    void questions.ask(["events"], ask);
    expect(asked).toHaveLength(2);
  });
});
