import { moneyWriter } from "../shared/money.ts";
import type { Charge } from "./sandbox.contract.ts";

const words: Record<Charge["status"], string> = {
  processing: "The bank is still at it.",
  requires_action: "The shop wants to charge this amount. Do you approve?",
  authorized: "Approved. You can go back to the shop.",
  captured: "Paid. You can go back to the shop.",
  canceled: "The shop has withdrawn the charge.",
  declined: "Declined. No money was taken.",
};

/** The page on which a buyer confirms a payment. It needs nothing but itself. */
export function confirmationPage(charge: Charge): string {
  const open = charge.status === "requires_action";
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sandbox payment</title>
<style>
  body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: #f4f1ea; color: #22303a;
    font: 16px/1.5 system-ui, sans-serif; }
  main { width: min(22rem, 80vw); padding: 2rem; border-radius: 12px; background: #fff; box-shadow: 0 2px 16px #22303a1f; }
  h1 { margin: 0; font-size: .8rem; letter-spacing: .08em; text-transform: uppercase; color: #5b6b76; }
  strong { display: block; margin: .25rem 0 1rem; font-size: 2rem; }
  form { display: flex; gap: .75rem; margin-top: 1.5rem; }
  form[hidden] { display: none; }
  button { flex: 1; padding: .7rem; border: 1px solid #1f6f78; border-radius: 8px; background: #fff; color: #1f6f78; font: inherit; cursor: pointer; }
  button[value=true] { background: #1f6f78; color: #fff; }
</style>
</head>
<body>
<main>
  <h1>Sandbox payment</h1>
  <strong>${moneyWriter(charge.currency)(charge)}</strong>
  <p role="status">${words[charge.status]}</p>
  <form${open ? "" : " hidden"}>
    <button value="false">Decline</button>
    <button value="true">Approve</button>
  </form>
</main>
<script>
  const words = ${JSON.stringify(words)};
  const form = document.querySelector("form");
  const say = (text) => { document.querySelector("[role=status]").textContent = text; };
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const approve = event.submitter?.value === "true";
    form.hidden = true;
    try {
      const answer = await fetch("/v1/sandbox/charges/${charge.id}/confirm", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ approve }),
      });
      const { status, detail } = await answer.json();
      say(answer.ok ? words[status] : detail);
    } catch {
      form.hidden = false;
      say("That did not get through. Try again.");
    }
  });
</script>
</body>
</html>
`;
}
